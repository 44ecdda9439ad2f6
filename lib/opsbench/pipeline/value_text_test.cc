#include "opsbench/pipeline/value_text.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/base/random.h"

namespace opsbench::pipeline {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kDayUs = int64_t{86'400} * 1'000'000;
constexpr auto kRefused = absl::StatusCode::kInvalidArgument;
constexpr auto kBeyond = absl::StatusCode::kOutOfRange;

std::string TextOf(const Column& column, int64_t row) {
  std::string text = "kept ";
  AppendValueText(column, row, &text);
  EXPECT_EQ(text.substr(0, 5), "kept ");
  return text.substr(5);
}

// The text of what `text` was read as, or the status.
std::string Reread(Type type, absl::string_view text) {
  Column column(type);
  const absl::Status status = AppendParsedValue(text, &column);
  if (!status.ok()) return status.ToString();
  EXPECT_EQ(column.size(), 1);
  return TextOf(column, 0);
}

// What is written is `text`, and it is read as what was written.
template <typename T>
void ExpectBothWays(TypeId id, T value, absl::string_view text) {
  Column column{Type{id}};
  column.AppendFixed(value);
  EXPECT_EQ(TextOf(column, 0), text);
  const absl::Status status = AppendParsedValue(text, &column);
  ASSERT_TRUE(status.ok()) << status;
  ASSERT_EQ(column.size(), 2);
  EXPECT_EQ(column.Fixed<T>(1), value) << text;
}

void ExpectRefused(Type type, absl::string_view text, absl::StatusCode code) {
  Column column(type);
  const absl::Status status = AppendParsedValue(text, &column);
  EXPECT_EQ(status.code(), code) << TypeName(type) << " \"" << text << "\"";
  EXPECT_EQ(column.size(), 0) << text;
  EXPECT_EQ(column.values().size(), 0) << text;
  EXPECT_LE(column.offsets().size(), 4) << text;
}

TEST(ValueTextTest, Bools) {
  Column column{Type{TypeId::kBool}};
  for (const char* text : {"t", "f", "true", "false", "1", "0"}) {
    ASSERT_TRUE(AppendParsedValue(text, &column).ok()) << text;
  }
  std::string all;
  for (int64_t row = 0; row < 6; ++row) all += TextOf(column, row);
  EXPECT_EQ(all, "tftftf");
  for (const char* text : {"", "T", "yes", "2", "truee", "tf"}) {
    ExpectRefused(Type{TypeId::kBool}, text, kRefused);
  }
}

template <typename T>
void TestInteger(TypeId id) {
  using Limits = std::numeric_limits<T>;
  ExpectBothWays<T>(id, Limits::min(), std::to_string(Limits::min()));
  ExpectBothWays<T>(id, Limits::max(), std::to_string(Limits::max()));
  ExpectBothWays<T>(id, 0, "0");
  ExpectBothWays<T>(id, 42, "42");
  if (Limits::is_signed) ExpectBothWays<T>(id, static_cast<T>(-1), "-1");
  const std::string highest = std::to_string(Limits::max());
  ExpectRefused(Type{id}, absl::StrCat(highest, "0"), kBeyond);
  std::string above = highest;  // None ends in 9.
  ++above.back();
  ExpectRefused(Type{id}, above, kBeyond);
  ExpectRefused(Type{id}, absl::StrCat("-", highest, "9"), kBeyond);
  if (!Limits::is_signed) ExpectRefused(Type{id}, "-1", kBeyond);
  for (const char* text :
       {"", " 1", "1 ", "+1", "1.0", "1e3", "x", "-", "--1", "0x10"}) {
    ExpectRefused(Type{id}, text, kRefused);
  }
}

TEST(ValueTextTest, Integers) {
  TestInteger<int8_t>(TypeId::kInt8);
  TestInteger<int16_t>(TypeId::kInt16);
  TestInteger<int32_t>(TypeId::kInt32);
  TestInteger<int64_t>(TypeId::kInt64);
  TestInteger<uint8_t>(TypeId::kUInt8);
  TestInteger<uint16_t>(TypeId::kUInt16);
  TestInteger<uint32_t>(TypeId::kUInt32);
  TestInteger<uint64_t>(TypeId::kUInt64);
}

TEST(ValueTextTest, FloatsHaveTheirShortestText) {
  ExpectBothWays(TypeId::kFloat64, 0.1, "0.1");
  ExpectBothWays(TypeId::kFloat64, 1e300, "1e+300");
  ExpectBothWays(TypeId::kFloat64, -123456.75, "-123456.75");
  ExpectBothWays(TypeId::kFloat64, 5e-324, "5e-324");
  ExpectBothWays(TypeId::kFloat32, 0.1F, "0.1");
  ExpectBothWays(TypeId::kFloat32, 16777216.0F, "16777216");
  ExpectBothWays(TypeId::kFloat64, std::numeric_limits<double>::infinity(),
                 "Infinity");
  ExpectBothWays(TypeId::kFloat32, -std::numeric_limits<float>::infinity(),
                 "-Infinity");
  for (const TypeId id : {TypeId::kFloat32, TypeId::kFloat64}) {
    const Type type = {id};
    EXPECT_EQ(Reread(type, "-0"), "-0");
    EXPECT_EQ(Reread(type, "NaN"), "NaN");
    EXPECT_EQ(Reread(type, "nan"), "NaN");
    EXPECT_EQ(Reread(type, "inf"), "Infinity");
    EXPECT_EQ(Reread(type, "-INF"), "-Infinity");
    EXPECT_EQ(Reread(type, "1.50E2"), "150");
    EXPECT_EQ(Reread(type, ".5"), "0.5");
    EXPECT_EQ(Reread(type, "5."), "5");
    for (const char* text : {"", "x", "1,5", "0x1p3", "1e", "1.5.2", "nan(1)",
                             "infinit", " 1", "1 ", "--1", "e5", "."}) {
      ExpectRefused(type, text, kRefused);
    }
    ExpectRefused(type, "1e400", kBeyond);
    ExpectRefused(type, "-1e400", kBeyond);
  }
  ExpectRefused(Type{TypeId::kFloat32}, "1e39", kBeyond);
}

TEST(ValueTextTest, FloatsOfAnyBitsAreReadBackExactly) {
  Random random(1);
  Column doubles{Type{TypeId::kFloat64}};
  Column floats{Type{TypeId::kFloat32}};
  for (int64_t i = 0; i < 200'000; ++i) {
    const uint64_t bits = random.Next();
    const auto wide = std::bit_cast<double>(bits);
    const auto narrow = std::bit_cast<float>(static_cast<uint32_t>(bits));
    if (!std::isnan(wide)) {
      doubles.Clear();
      doubles.AppendFixed(wide);
      const std::string text = TextOf(doubles, 0);
      ASSERT_TRUE(AppendParsedValue(text, &doubles).ok()) << text;
      ASSERT_EQ(doubles.Fixed<uint64_t>(1), bits) << text;
    }
    if (!std::isnan(narrow)) {
      floats.Clear();
      floats.AppendFixed(narrow);
      const std::string text = TextOf(floats, 0);
      ASSERT_TRUE(AppendParsedValue(text, &floats).ok()) << text;
      ASSERT_EQ(floats.Fixed<uint32_t>(1), static_cast<uint32_t>(bits)) << text;
    }
  }
}

// Long division, digit by digit: what AppendDecimalText() must agree with.
std::string DecimalReference(absl::int128 value, int scale) {
  const bool negative = value < 0;
  std::string digits;
  while (value != 0) {
    const auto digit = static_cast<int>(value % 10);
    digits.insert(digits.begin(), static_cast<char>('0' + std::abs(digit)));
    value /= 10;
  }
  while (digits.size() <= static_cast<size_t>(scale)) digits.insert(0, "0");
  if (scale > 0) digits.insert(digits.size() - static_cast<size_t>(scale), ".");
  return negative ? absl::StrCat("-", digits) : digits;
}

TEST(ValueTextTest, DecimalsOfEveryLengthAndScale) {
  Random random(2);
  for (int digits = 1; digits <= kMaxDecimalDigits; ++digits) {
    absl::int128 nines = 0;
    for (int i = 0; i < digits; ++i) nines = nines * 10 + 9;
    for (int scale = 0; scale <= kMaxDecimalDigits; ++scale) {
      for (int i = 0; i < 8; ++i) {
        absl::int128 value = absl::MakeInt128(
            static_cast<int64_t>(random.Next()), random.Next());
        value %= nines;
        if (i == 0) value = nines;
        if (i == 1) value = -nines;
        if (i == 2) value = nines / 10 + 1;
        if (i == 3) value = 0;
        const std::string text = DecimalReference(value, scale);
        std::string written;
        AppendDecimalText(value, scale, &written);
        ASSERT_EQ(written, text);
        const auto read = ParseDecimal(text, scale);
        // All digits behind the point and one before it can be 39.
        ASSERT_TRUE(read.ok()) << read.status();
        ASSERT_EQ(*read, value) << text;
      }
    }
  }
}

TEST(ValueTextTest, DecimalsOfTheWholeWidthAreWritten) {
  std::string text;
  AppendDecimalText(absl::Int128Min(), 0, &text);
  AppendDecimalText(absl::Int128Max(), 38, &text);
  EXPECT_EQ(text,
            "-170141183460469231731687303715884105728"
            "1.70141183460469231731687303715884105727");
}

TEST(ValueTextTest, DecimalsTakeTheScaleOfTheirColumn) {
  const Type type = {TypeId::kDecimal, 10, 2};
  EXPECT_EQ(Reread(type, "12.5"), "12.50");
  EXPECT_EQ(Reread(type, "-12"), "-12.00");
  EXPECT_EQ(Reread(type, "12.5000"), "12.50");
  EXPECT_EQ(Reread(type, "+000012.05"), "12.05");
  EXPECT_EQ(Reread(type, ".5"), "0.50");
  EXPECT_EQ(Reread(type, "5."), "5.00");
  EXPECT_EQ(Reread(type, "-0"), "0.00");
  EXPECT_EQ(Reread(type, "1.25e3"), "1250.00");
  EXPECT_EQ(Reread(type, "125E-2"), "1.25");
  EXPECT_EQ(Reread(type, "0e999999999999999999999"), "0.00");
  EXPECT_EQ(Reread(type, "99999999.99"), "99999999.99");
  EXPECT_EQ(Reread(type, "-99999999.99"), "-99999999.99");
  for (const char* text :
       {"100000000", "-100000000", "1.001", "1e-3", "NaN", "Infinity",
        "-Infinity", "1e999999999", "1e-999999999",
        "123456789012345678901234567890123456789"}) {
    ExpectRefused(type, text, kBeyond);
  }
  for (const char* text : {"", "-", ".", "+-1", "1.2.3", "1e", "1e+", "1,5",
                           "abc", " 1", "1 ", "1e5.5", "0x1"}) {
    ExpectRefused(type, text, kRefused);
  }
}

TEST(ValueTextTest, NumericsHaveOneForm) {
  const std::pair<const char*, const char*> kForms[] = {
      {"1.50", "1.50"},    {"0", "0"},
      {"-0", "0"},         {"-0.00", "0.00"},
      {"007", "7"},        {"+1", "1"},
      {".5", "0.5"},       {"5.", "5"},
      {"-.250", "-0.250"}, {"1.5e3", "1500"},
      {"1.50e1", "15.0"},  {"1.5e-3", "0.0015"},
      {"12E-1", "1.2"},    {"100e-5", "0.00100"},
      {"0e5", "0"},        {"0.00e1", "0.0"},
      {"NaN", "NaN"},      {"nan", "NaN"},
      {"inf", "Infinity"}, {"-infinity", "-Infinity"},
      {"-00.10", "-0.10"}, {"0.001e2", "0.1"},
      {"1e-0", "1"},       {"10", "10"},
      {"-1e+2", "-100"},   {"00", "0"},
      {"0.0", "0.0"},      {"000.000e0", "0.000"},
  };
  for (const auto& [text, form] : kForms) {
    EXPECT_EQ(Reread(Type{TypeId::kNumeric}, text), form) << text;
    EXPECT_EQ(Reread(Type{TypeId::kNumeric}, form), form);
    const auto canonical = CanonicalNumeric(text);
    ASSERT_TRUE(canonical.ok()) << canonical.status();
    EXPECT_EQ(*canonical, form) << text;
  }
  const std::string long_number(100'000, '7');
  EXPECT_EQ(Reread(Type{TypeId::kNumeric}, long_number), long_number);
  EXPECT_EQ(Reread(Type{TypeId::kNumeric}, "1e131071").size(), 131'072);
  EXPECT_EQ(Reread(Type{TypeId::kNumeric}, "1e-16383").size(), 16'385);
  ExpectRefused(Type{TypeId::kNumeric}, "1e131072", kBeyond);
  ExpectRefused(Type{TypeId::kNumeric}, "1e-16384", kBeyond);
  ExpectRefused(Type{TypeId::kNumeric}, "1e9999999999999999999999", kBeyond);
  for (const char* text : {"", "-", ".", "1e", "e1", "1 ", "--1", "1.2.3", "in",
                           "-nan", "1_000"}) {
    ExpectRefused(Type{TypeId::kNumeric}, text, kRefused);
  }
}

TEST(ValueTextTest, TextAndJsonAreAsTheyAre) {
  for (const TypeId id : {TypeId::kText, TypeId::kJson}) {
    for (const std::string& text :
         {std::string(), std::string("\\N"), std::string("a\tb\n\"c\"\r\\"),
          std::string("\0x", 2), std::string("ünï😀"),
          std::string(100'000, 'y')}) {
      EXPECT_EQ(Reread(Type{id}, text), text);
    }
    ExpectRefused(Type{id}, "a\xff", kRefused);
    ExpectRefused(Type{id}, "\xed\xa0\x80", kRefused);
  }
}

TEST(ValueTextTest, BytesAreHexadecimal) {
  const Type type = {TypeId::kBytes};
  Column column(type);
  std::string all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
  column.AppendText(all);
  column.AppendText("");
  const std::string text = TextOf(column, 0);
  EXPECT_EQ(text.substr(0, 12), "\\x0001020304");
  EXPECT_EQ(text.size(), 514);
  EXPECT_EQ(TextOf(column, 1), "\\x");
  ASSERT_TRUE(AppendParsedValue(text, &column).ok());
  ASSERT_TRUE(AppendParsedValue("\\x", &column).ok());
  ASSERT_TRUE(AppendParsedValue("", &column).ok());
  ASSERT_TRUE(AppendParsedValue("\\xaBCdef", &column).ok());
  EXPECT_EQ(column.Text(2), all);
  EXPECT_EQ(column.Text(3), "");
  EXPECT_EQ(column.Text(4), "");
  EXPECT_EQ(column.Text(5), "\xab\xcd\xef");
  for (const char* bad : {"x", "\\x1", "\\xgg", "00", "\\x0 ", "\\X00"}) {
    ExpectRefused(type, bad, kRefused);
  }
}

TEST(ValueTextTest, Uuids) {
  const Type type = {TypeId::kUuid};
  const std::string text = "00112233-4455-6677-8899-aabbccddeeff";
  EXPECT_EQ(Reread(type, text), text);
  EXPECT_EQ(Reread(type, "00112233445566778899AABBCCDDEEFF"), text);
  for (const char* bad : {"", "0011", "00112233-4455-6677-8899-aabbccddeefg",
                          "0011223344556677-8899-aabbccddeeff--",
                          "00112233-4455-6677-8899-aabbccddeeff0",
                          "g0112233445566778899AABBCCDDEEFF"}) {
    ExpectRefused(type, bad, kRefused);
  }
}

// Through Abseil's calendar, with the era as PostgreSQL writes it.
std::string DateReference(int64_t days, absl::string_view time) {
  const absl::CivilDay day = absl::CivilDay(1970, 1, 1) + days;
  const int64_t year = day.year();
  return absl::StrFormat("%04d-%02d-%02d%s%s", year > 0 ? year : 1 - year,
                         day.month(), day.day(), time, year > 0 ? "" : " BC");
}

TEST(ValueTextTest, DatesOfTheWholeRange) {
  Random random(3);
  for (int64_t days = -800'000; days <= 3'000'000; ++days) {
    std::string text;
    AppendDateText(static_cast<int32_t>(days), &text);
    ASSERT_EQ(text, DateReference(days, ""));
    const auto read = ParseDate(text);
    ASSERT_TRUE(read.ok()) << read.status();
    ASSERT_EQ(*read, days) << text;
  }
  for (int i = 0; i < 100'000; ++i) {
    const int64_t days = random.Between(-2'147'483'647, 2'147'483'646);
    ExpectBothWays(TypeId::kDate, static_cast<int32_t>(days),
                   DateReference(days, ""));
  }
  ExpectBothWays<int32_t>(TypeId::kDate, 2'147'483'646,
                          DateReference(2'147'483'646, ""));
  ExpectBothWays<int32_t>(TypeId::kDate, -2'147'483'647,
                          DateReference(-2'147'483'647, ""));
}

TEST(ValueTextTest, Dates) {
  ExpectBothWays<int32_t>(TypeId::kDate, 0, "1970-01-01");
  ExpectBothWays<int32_t>(TypeId::kDate, -735'129, "0044-04-15 BC");
  ExpectBothWays<int32_t>(TypeId::kDate, 3'673'137, "12026-09-16");
  ExpectBothWays<int32_t>(TypeId::kDate, -719'163, "0001-12-31 BC");
  ExpectBothWays<int32_t>(TypeId::kDate, -719'162, "0001-01-01");
  ExpectBothWays<int32_t>(TypeId::kDate, 2'147'483'647, "infinity");
  ExpectBothWays<int32_t>(TypeId::kDate, std::numeric_limits<int32_t>::min(),
                          "-infinity");
  const Type type = {TypeId::kDate};
  EXPECT_EQ(Reread(type, "2000-02-29"), "2000-02-29");
  EXPECT_EQ(Reread(type, "0005-02-29 BC"), "0005-02-29 BC");
  for (const char* text : {"",
                           "0000-00-00",
                           "2026-00-10",
                           "2026-13-01",
                           "2026-01-00",
                           "2026-01-32",
                           "2026-02-29",
                           "1900-02-29",
                           "0000-01-01",
                           "2026-1-1",
                           "26-01-01",
                           "2026/01/01",
                           "2026-01-01 ",
                           "2026-01-01BC",
                           " BC",
                           "2026-01-01 AD",
                           "Infinity",
                           "-2026-01-01",
                           "2026-01-01 00:00:00",
                           "0004-02-29 BC",
                           "99999999-01-01",
                           "2026-01",
                           "2O26-01-01"}) {
    ExpectRefused(type, text, kRefused);
  }
  ExpectRefused(type, "9999999-12-31", kBeyond);
  ExpectRefused(type, "9999999-12-31 BC", kBeyond);
}

TEST(ValueTextTest, Times) {
  ExpectBothWays<int64_t>(TypeId::kTime, 0, "00:00:00");
  ExpectBothWays<int64_t>(TypeId::kTime, 1, "00:00:00.000001");
  ExpectBothWays<int64_t>(TypeId::kTime, 100'000, "00:00:00.1");
  ExpectBothWays<int64_t>(TypeId::kTime, kDayUs - 1, "23:59:59.999999");
  ExpectBothWays<int64_t>(TypeId::kTime, kDayUs, "24:00:00");
  const Type type = {TypeId::kTime};
  EXPECT_EQ(Reread(type, "12:30"), "12:30:00");
  EXPECT_EQ(Reread(type, "12:30:01.1200000000"), "12:30:01.12");
  for (const char* text : {"", "1:00:00", "12", "12:60:00", "12:00:60", "12:",
                           "12:00:", "12:00:00.", "12:00:00.1x", "-01:00:00",
                           "12:00:00+00", "ab:cd:ef", "100:00:00"}) {
    ExpectRefused(type, text, kRefused);
  }
  ExpectRefused(type, "24:00:00.000001", kBeyond);
  ExpectRefused(type, "25:00:00", kBeyond);
  ExpectRefused(type, "12:00:00.1234567", kBeyond);
}

TEST(ValueTextTest, Durations) {
  ExpectBothWays<int64_t>(TypeId::kDuration, 0, "00:00:00");
  ExpectBothWays<int64_t>(TypeId::kDuration, -1, "-00:00:00.000001");
  ExpectBothWays<int64_t>(TypeId::kDuration, -3'020'399'000'001,
                          "-838:59:59.000001");
  ExpectBothWays<int64_t>(TypeId::kDuration, 360'000'000'000, "100:00:00");
  ExpectBothWays(TypeId::kDuration, std::numeric_limits<int64_t>::max(),
                 "2562047788:00:54.775807");
  ExpectBothWays(TypeId::kDuration, std::numeric_limits<int64_t>::min(),
                 "-2562047788:00:54.775808");
  const Type type = {TypeId::kDuration};
  for (const char* text : {"", "-", "1:00:00", "--01:00:00", "+01:00:00",
                           "01:00:00 ", "123456789012:00:00", "10:00:61"}) {
    ExpectRefused(type, text, kRefused);
  }
  ExpectRefused(type, "2562047788:00:54.775808", kBeyond);
  ExpectRefused(type, "-2562047788:00:54.775809", kBeyond);
  ExpectRefused(type, "99999999999:00:00", kBeyond);
  ExpectRefused(type, "01:00:00.0000001", kBeyond);
}

TEST(ValueTextTest, TimestampsOfTheWholeRange) {
  Random random(4);
  constexpr auto kMin = std::numeric_limits<int64_t>::min() + 1;
  constexpr auto kMax = std::numeric_limits<int64_t>::max() - 1;
  for (int i = 0; i < 100'000; ++i) {
    int64_t us = static_cast<int64_t>(random.Next()) >> random.Below(40);
    if (i == 0) us = kMin;
    if (i == 1) us = kMax;
    if (us < kMin || us > kMax) continue;
    int64_t days = us / kDayUs;
    if (us % kDayUs < 0) --days;
    const int64_t time = us % kDayUs + (us % kDayUs < 0 ? kDayUs : 0);
    std::string time_text = " ";
    AppendTimeText(time, &time_text);
    ExpectBothWays(TypeId::kTimestamp, us, DateReference(days, time_text));
    ExpectBothWays(TypeId::kTimestampTz, us,
                   DateReference(days, time_text + "+00"));
  }
}

TEST(ValueTextTest, Timestamps) {
  // The ends of PostgreSQL's range: 4714-11-24 BC to 294276 AD.
  ExpectBothWays<int64_t>(TypeId::kTimestamp, -210'866'803'200'000'000,
                          "4714-11-24 00:00:00 BC");
  ExpectBothWays<int64_t>(TypeId::kTimestamp, 0, "1970-01-01 00:00:00");
  ExpectBothWays<int64_t>(TypeId::kTimestamp, -1, "1969-12-31 23:59:59.999999");
  for (const TypeId id : {TypeId::kTimestamp, TypeId::kTimestampTz}) {
    ExpectBothWays(id, std::numeric_limits<int64_t>::max(), "infinity");
    ExpectBothWays(id, std::numeric_limits<int64_t>::min(), "-infinity");
    for (const char* text :
         {"", "2026-01-31 ", "2026-01-31 24:00:00", "2026-01-31 1:00:00",
          "2026-01-31  01:00:00", "2026-02-30 00:00:00", "0000-00-00 00:00:00",
          "2026-01-31 00:00:00 AD", "2026-01-31 00:00:60", "now",
          "2026-01-31 00:00:00.", "2026-01-31x00:00:00", "2026-01-31 00"}) {
      ExpectRefused(Type{id}, text, kRefused);
    }
    ExpectRefused(Type{id}, "300000-01-01 00:00:00", kBeyond);
    ExpectRefused(Type{id}, "300000-01-01 00:00:00 BC", kBeyond);
    ExpectRefused(Type{id}, "2026-01-31 00:00:00.0000001", kBeyond);
  }
  const Type type = {TypeId::kTimestamp};
  EXPECT_EQ(Reread(type, "2026-01-31"), "2026-01-31 00:00:00");
  EXPECT_EQ(Reread(type, "2026-01-31T12:30"), "2026-01-31 12:30:00");
  EXPECT_EQ(Reread(type, "2026-01-31T12:30:01.5"), "2026-01-31 12:30:01.5");
  for (const char* text : {"2026-01-31 00:00:00Z", "2026-01-31 00:00:00+00"}) {
    ExpectRefused(type, text, kRefused);
  }
}

TEST(ValueTextTest, ZonesAreTakenOff) {
  const Type type = {TypeId::kTimestampTz};
  const std::pair<const char*, const char*> kZones[] = {
      {"2026-01-31 12:00:00", "2026-01-31 12:00:00+00"},
      {"2026-01-31 12:00:00Z", "2026-01-31 12:00:00+00"},
      {"2026-01-31 12:00:00.5+02", "2026-01-31 10:00:00.5+00"},
      {"2026-01-31 12:00:00-0530", "2026-01-31 17:30:00+00"},
      {"2026-01-31 00:00:00+05:30", "2026-01-30 18:30:00+00"},
      {"1880-01-01 00:00:00-00:01:15", "1880-01-01 00:01:15+00"},
      {"0044-03-15 01:00:00+02 BC", "0044-03-14 23:00:00+00 BC"},
      {"0001-01-01 00:00:00+01", "0001-12-31 23:00:00+00 BC"},
  };
  for (const auto& [text, utc] : kZones) EXPECT_EQ(Reread(type, text), utc);
  for (const char* text :
       {"2026-01-31 12:00:00+", "2026-01-31 12:00:00+2",
        "2026-01-31 12:00:00+24", "2026-01-31 12:00:00+02:60",
        "2026-01-31 12:00:00+02:0", "2026-01-31 12:00:00 UTC",
        "2026-01-31 12:00:00+02:00:00x", "2026-01-31 12:00:00ZZ"}) {
    ExpectRefused(type, text, kRefused);
  }
}

TEST(ValueTextTest, RefusalsQuoteTheTextCutAndEscaped) {
  EXPECT_THAT(ParseDate("2026-02-30").status().message(),
              HasSubstr("not a date: \"2026-02-30\""));
  EXPECT_THAT(ParseDate("a\n\xff").status().message(),
              HasSubstr("\"a\\n\\xff\""));
  const std::string message(
      ParseDate(std::string(1'000'000, 'x')).status().message());
  EXPECT_LT(message.size(), 200);
}

std::string Encode(uint32_t point) {
  const auto byte = [](uint32_t value) { return static_cast<char>(value); };
  if (point < 0x80) return {byte(point)};
  if (point < 0x800) {
    return {byte(0xc0 | (point >> 6)), byte(0x80 | (point & 63))};
  }
  if (point < 0x10000) {
    return {byte(0xe0 | (point >> 12)), byte(0x80 | ((point >> 6) & 63)),
            byte(0x80 | (point & 63))};
  }
  return {byte(0xf0 | (point >> 18)), byte(0x80 | ((point >> 12) & 63)),
          byte(0x80 | ((point >> 6) & 63)), byte(0x80 | (point & 63))};
}

TEST(Utf8Test, EveryCharacterAtEveryPlaceOfABlock) {
  std::string text;
  for (uint32_t point = 0; point < 0x110000; ++point) {
    const bool surrogate = point >= 0xd800 && point < 0xe000;
    const std::string character = Encode(point);
    ASSERT_EQ(IsUtf8(character), !surrogate) << point;
    text.assign(point % 20, 'a');
    text += character;
    text.append(point % 17, 'b');
    ASSERT_EQ(IsUtf8(text), !surrogate) << point;
  }
}

// What is accepted of all short texts is counted: there are as many as
// characters can be put together.
TEST(Utf8Test, NothingElse) {
  int64_t accepted = 0;
  std::string text(3, 'a');
  for (uint32_t bytes = 0; bytes < 1U << 24; ++bytes) {
    text[0] = static_cast<char>(bytes >> 16);
    text[1] = static_cast<char>(bytes >> 8);
    text[2] = static_cast<char>(bytes);
    accepted += IsUtf8(text) ? 1 : 0;
  }
  EXPECT_EQ(accepted, int64_t{128} * 128 * 128 + int64_t{2} * 128 * 1920 +
                          0xf800 - 0x800);

  // Four bytes of one character, of which the last has 2 of 64 values.
  accepted = 0;
  text.assign(4, 'a');
  for (uint32_t bytes = 0; bytes < 1U << 20; ++bytes) {
    text[0] = static_cast<char>(0xf0 | (bytes >> 16));
    text[1] = static_cast<char>(bytes >> 8);
    text[2] = static_cast<char>(bytes);
    for (const uint8_t last : {0x7f, 0x80, 0xbf, 0xc0}) {
      text[3] = static_cast<char>(last);
      accepted += IsUtf8(text) ? 1 : 0;
    }
  }
  EXPECT_EQ(accepted, 0x100000 / 64 * 2);
}

}  // namespace
}  // namespace opsbench::pipeline
