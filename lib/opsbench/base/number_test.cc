// What these tests are afraid of: text that is no number, and passes for one.

#include "opsbench/base/number.h"

#include <cstdint>
#include <limits>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace opsbench {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
constexpr int64_t kMost = std::numeric_limits<int64_t>::max();

// No reader takes any of them.
const char* const kNoNumbers[] = {
    "",     " ",   " 1",   "1 ",    "\t1",  "1\n",      "nan",   "NaN",
    "-nan", "inf", "-inf", "+inf",  "0x10", "0X1p3",    "1e999", "-1e999",
    "1e",   "e1",  ".",    "-",     "--1",  "1,5",      "1_000", "one",
    "1..2", "½",   "１",   "1e400", "1;2",  "infinity", "nan(1)"};

TEST(NumberTest, ReadsNumbers) {
  EXPECT_EQ(*ParseWholeNumber("0", 0, 9), 0);
  EXPECT_EQ(*ParseWholeNumber("-3", -3, 9), -3);
  EXPECT_EQ(*ParseWholeNumber("+3", -3, 9), 3);
  EXPECT_EQ(*ParseWholeNumber("9223372036854775807", kLeast, kMost), kMost);
  EXPECT_EQ(*ParseUnsigned("18446744073709551615"),
            std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(*ParseNumber("0.5", 0, 1), 0.5);
  EXPECT_EQ(*ParseNumber("1e3", 0, 1e4), 1000);
  EXPECT_EQ(*ParseNumber("-2", -2, 0), -2);
  EXPECT_EQ(*ParseShare("2%", 0, 1), 0.02);
  EXPECT_EQ(*ParseShare("0.02", 0, 1), 0.02);
  const absl::Duration day = absl::Hours(24);
  EXPECT_EQ(*ParseTime("0.5", absl::ZeroDuration(), day),
            absl::Milliseconds(500));
  EXPECT_EQ(*ParseTime("500ms", absl::ZeroDuration(), day),
            absl::Milliseconds(500));
  EXPECT_EQ(*ParseTime("1h30m", absl::ZeroDuration(), day), absl::Minutes(90));
}

TEST(NumberTest, RefusesWhatIsNone) {
  for (const std::string text : kNoNumbers) {
    EXPECT_FALSE(ParseWholeNumber(text, kLeast, kMost).ok()) << text;
    EXPECT_FALSE(ParseUnsigned(text).ok()) << text;
    EXPECT_FALSE(ParseNumber(text, -1e300, 1e300).ok()) << text;
    EXPECT_FALSE(ParseShare(text, 0, 1).ok()) << text;
    EXPECT_FALSE(ParseShare(text + "%", 0, 1).ok()) << text;
    EXPECT_FALSE(ParseTime(text, absl::ZeroDuration(), absl::Hours(1e6)).ok())
        << text;
  }
  EXPECT_FALSE(ParseWholeNumber("1.5", 0, 9).ok());
  EXPECT_FALSE(ParseWholeNumber("010", 0, 99).ok());
  EXPECT_FALSE(ParseWholeNumber("-010", -99, 99).ok());
  EXPECT_FALSE(ParseWholeNumber("+010", 0, 99).ok());
  EXPECT_FALSE(ParseWholeNumber("+-1", -9, 99).ok());
  EXPECT_FALSE(ParseUnsigned("00").ok());
  EXPECT_FALSE(ParseWholeNumber("99999999999999999999", kLeast, kMost).ok());
  EXPECT_FALSE(ParseUnsigned("-1").ok());
  EXPECT_FALSE(ParseUnsigned("18446744073709551616").ok());
}

TEST(NumberTest, RefusesWhatIsOutOfRange) {
  EXPECT_EQ(ParseWholeNumber("10", 1, 9).status().message(),
            "expected a whole number from 1 to 9, not \"10\"");
  EXPECT_EQ(ParseNumber("90s", 0.01, 1e7).status().message(),
            "expected a number from 0.01 to 10000000, not \"90s\"");
  EXPECT_EQ(ParseNumber("1.1", 0, 1).status().message(),
            "expected a number from 0 to 1, not \"1.1\"");
  EXPECT_EQ(
      ParseTime("inf", absl::Seconds(1), absl::Hours(24)).status().message(),
      "expected a time from 1s to 24h, such as 90s or 2m, not \"inf\"");
  EXPECT_FALSE(ParseTime("25h", absl::Seconds(1), absl::Hours(24)).ok());
  EXPECT_FALSE(ParseTime("0", absl::Seconds(1), absl::Hours(24)).ok());
  EXPECT_FALSE(ParseTime("-1s", absl::ZeroDuration(), absl::Hours(24)).ok());
}

// A message stays one short line, whatever it quotes.
TEST(NumberTest, QuotesBriefly) {
  EXPECT_EQ(QuoteBriefly("90s"), "\"90s\"");
  EXPECT_EQ(QuoteBriefly("a\nb"), "\"a\\nb\"");
  EXPECT_EQ(QuoteBriefly(std::string(31, 'x') + "µµ"),
            "\"" + std::string(31, 'x') + "…\"");
  const auto status = ParseWholeNumber(std::string(100'000, '9'), 0, 9);
  EXPECT_LT(status.status().message().size(), 120);
  EXPECT_THAT(std::string(status.status().message()), HasSubstr("9…"));
}

}  // namespace
}  // namespace opsbench
