#include "opsbench/db/internal/mysql_time.h"

#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace opsbench::internal {
namespace {

// Abseil's calendar is the reference.
std::string Reference(int64_t us) {
  const absl::Time time = absl::FromUnixMicros(us);
  const bool fraction = (us % 1'000'000 + 1'000'000) % 1'000'000 != 0;
  return absl::FormatTime(
      fraction ? "%E4Y-%m-%d %H:%M:%E6S" : "%E4Y-%m-%d %H:%M:%S", time,
      absl::UTCTimeZone());
}

// Borders of days, months, leap years, eras and the range, and many between.
std::vector<int64_t> Moments() {
  std::vector<int64_t> moments = {kMysqlMinUs, kMysqlMaxUs};
  for (const int year : {0, 1, 4, 100, 400, 1582, 1600, 1699, 1899, 1900, 1969,
                         1970, 1999, 2000, 2024, 2026, 2100, 9999}) {
    for (const int month : {1, 2, 3, 12}) {
      for (const int day : {1, 28, 29, 31}) {
        const absl::CivilSecond civil(year, month, day, 0, 0, 0);
        const int64_t us =
            absl::ToUnixMicros(absl::FromCivil(civil, absl::UTCTimeZone()));
        for (const int64_t step :
             std::vector<int64_t>{-1, 0, 1, 123'456, 86'399'999'999}) {
          if (FitsMysql(us + step)) moments.push_back(us + step);
        }
      }
    }
  }
  std::mt19937_64 random(20'260'131);
  std::uniform_int_distribution<int64_t> any(kMysqlMinUs, kMysqlMaxUs);
  for (int i = 0; i < 20'000; ++i) moments.push_back(any(random));
  return moments;
}

TEST(MysqlTimeTest, TheRangeIsYears0To9999) {
  EXPECT_EQ(Reference(kMysqlMinUs), "0000-01-01 00:00:00");
  EXPECT_EQ(Reference(kMysqlMaxUs), "9999-12-31 23:59:59.999999");
  EXPECT_FALSE(FitsMysql(kMysqlMinUs - 1));
  EXPECT_FALSE(FitsMysql(kMysqlMaxUs + 1));
}

TEST(MysqlTimeTest, FormatsParsesAndComputesAsTheReference) {
  TimestampFormatter formatter;
  for (const int64_t us : Moments()) {
    char text[TimestampFormatter::kMaxSize];
    const char* end = formatter.Append(us, text);
    const absl::string_view written(text, static_cast<size_t>(end - text));
    ASSERT_EQ(written, Reference(us));
    CivilTime civil;
    ASSERT_TRUE(ParseCivil(written, &civil)) << written;
    ASSERT_EQ(MicrosOf(civil), us) << written;
    ASSERT_EQ(MicrosOf(CivilOf(us)), us) << written;
  }
}

TEST(MysqlTimeTest, AFractionMayHaveOneToSixDigits) {
  CivilTime civil;
  ASSERT_TRUE(ParseCivil("2026-01-31 01:02:03.5", &civil));
  EXPECT_EQ(civil.microsecond, 500'000);
  ASSERT_TRUE(ParseCivil("2026-01-31 01:02:03.000007", &civil));
  EXPECT_EQ(civil.microsecond, 7);
  ASSERT_TRUE(ParseCivil("2026-01-31", &civil));
  EXPECT_EQ(civil.day, 31);
  EXPECT_EQ(civil.hour, 0);
}

TEST(MysqlTimeTest, KnowsWhatIsNoDay) {
  CivilTime civil;
  for (const char* text :
       {"0000-00-00 00:00:00", "2026-01-00", "2026-00-01", "2026-13-01",
        "2026-02-29", "2100-02-29", "2024-02-30", "2026-04-31", "2026-01-32"}) {
    ASSERT_TRUE(ParseCivil(text, &civil)) << text;
    EXPECT_FALSE(IsDay(civil)) << text;
  }
  for (const char* text : {"2024-02-29", "2000-02-29", "2026-02-28",
                           "2026-01-31", "2026-04-30", "0000-01-01"}) {
    ASSERT_TRUE(ParseCivil(text, &civil)) << text;
    EXPECT_TRUE(IsDay(civil)) << text;
  }
}

TEST(MysqlTimeTest, RefusesWhatIsNoTimestamp) {
  CivilTime civil;
  for (const char* text :
       {"", "2026", "2026-1-31", "2026-01-31T01:02:03", "2026-01-31 ",
        "2026-01-31 01:02", "2026-01-31 01:02:03.",
        "2026-01-31 01:02:03.1234567", "2026-01-31 01:02:03.12x",
        "2026-01-31 01:02:03Z", "-026-01-31"}) {
    EXPECT_FALSE(ParseCivil(text, &civil)) << text;
  }
}

TEST(MysqlTimeTest, AFractionIsTrimmedOfItsLastZeros) {
  EXPECT_EQ(TrimFraction("-838:59:58.999000"), "-838:59:58.999");
  EXPECT_EQ(TrimFraction("10:00:00.000000"), "10:00:00");
  EXPECT_EQ(TrimFraction("10:00:00"), "10:00:00");
}

}  // namespace
}  // namespace opsbench::internal
