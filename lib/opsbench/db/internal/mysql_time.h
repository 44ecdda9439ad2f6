#ifndef OPSBENCH_DB_INTERNAL_MYSQL_TIME_H_
#define OPSBENCH_DB_INTERNAL_MYSQL_TIME_H_

// Points in time between Value's microseconds since 1970-01-01 UTC and the
// calendar fields and texts of MySQL's DATETIME, in the proleptic Gregorian
// calendar that MySQL uses as well.
//
// Thread safety: pure functions; a TimestampFormatter belongs to one thread.
//
// Source: Hinnant, "chrono-Compatible Low-Level Date Algorithms", 2021.

#include <cstddef>
#include <cstdint>
#include <limits>

#include "absl/strings/string_view.h"

namespace opsbench::internal {

struct CivilTime {
  int year = 0;
  int month = 0;
  int day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  int microsecond = 0;
};

// Years 0000 to 9999: what MySQL's formats can hold.
inline constexpr int64_t kMysqlMinUs = -62'167'219'200'000'000;
inline constexpr int64_t kMysqlMaxUs = 253'402'300'799'999'999;
constexpr bool FitsMysql(int64_t us) {
  return us >= kMysqlMinUs && us <= kMysqlMaxUs;
}

// REQUIRES: FitsMysql(us).
CivilTime CivilOf(int64_t us);

// REQUIRES: fields in their ranges, month and day above 0.
int64_t MicrosOf(const CivilTime& civil);

// Whether it names a day: MySQL also stores 0000-00-00 and 2026-01-00, and
// 2026-02-31 where ALLOW_INVALID_DATES says so.
constexpr bool IsDay(const CivilTime& civil) {
  if (civil.month < 1 || civil.month > 12 || civil.day < 1) return false;
  if (civil.day <= 28) return true;
  if (civil.month == 2) {
    return civil.day == 29 && civil.year % 4 == 0 &&
           (civil.year % 100 != 0 || civil.year % 400 == 0);
  }
  const bool is_short = civil.month == 4 || civil.month == 6 ||
                        civil.month == 9 || civil.month == 11;
  return civil.day <= (is_short ? 30 : 31);
}

// Reads "2026-01-31", "2026-01-31 23:59:59" or with a fraction of up to six
// digits. False when it is none of these.
bool ParseCivil(absl::string_view text, CivilTime* civil);

// Without the zeros that end the fraction of a time of day, and without a
// fraction of 0: the protocols write it with different numbers of digits.
absl::string_view TrimFraction(absl::string_view text);

// Writes "2026-01-31 23:59:59.123456", the fraction only when there is one.
// Remembers the last day's text, because rows that follow one another are
// mostly of one day.
class TimestampFormatter {
 public:
  static constexpr size_t kMaxSize = 26;

  // Writes at `out`, which has room for kMaxSize, and returns the end.
  // REQUIRES: FitsMysql(us).
  char* Append(int64_t us, char* out);

 private:
  int64_t day_ = std::numeric_limits<int64_t>::min();  // Since 1970-01-01.
  char day_text_[11] = {};                             // "2026-01-31 ".
};

}  // namespace opsbench::internal

#endif  // OPSBENCH_DB_INTERNAL_MYSQL_TIME_H_
