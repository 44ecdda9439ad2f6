#include "opsbench/db/internal/mysql_time.h"

namespace opsbench::internal {
namespace {

constexpr int64_t kUsPerSecond = 1'000'000;
constexpr int64_t kUsPerDay = 86'400 * kUsPerSecond;

int64_t DaysFromCivil(int64_t year, unsigned month, unsigned day) {
  year -= month <= 2;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const unsigned year_of_era = static_cast<unsigned>(year - era * 400);
  const unsigned day_of_year =
      (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const unsigned day_of_era =
      year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + static_cast<int64_t>(day_of_era) - 719'468;
}

void CivilFromDays(int64_t days, int* year, unsigned* month, unsigned* day) {
  days += 719'468;
  const int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const unsigned day_of_era = static_cast<unsigned>(days - era * 146'097);
  const unsigned year_of_era = (day_of_era - day_of_era / 1'460 +
                                day_of_era / 36'524 - day_of_era / 146'096) /
                               365;
  const unsigned day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const unsigned shifted = (5 * day_of_year + 2) / 153;
  *day = day_of_year - (153 * shifted + 2) / 5 + 1;
  *month = shifted < 10 ? shifted + 3 : shifted - 9;
  *year = static_cast<int>(year_of_era + era * 400 + (*month <= 2));
}

void WriteDigits(uint64_t value, int digits, char* out) {
  for (int i = digits - 1; i >= 0; --i) {
    out[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
}

bool ReadDigits(absl::string_view text, size_t from, size_t digits,
                unsigned* value) {
  *value = 0;
  if (from + digits > text.size()) return false;
  for (size_t i = from; i < from + digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    *value = *value * 10 + static_cast<unsigned>(text[i] - '0');
  }
  return true;
}

}  // namespace

MYSQL_TIME ToMysqlTime(int64_t us) {
  int64_t days = us / kUsPerDay;
  int64_t rest = us % kUsPerDay;
  if (rest < 0) {
    rest += kUsPerDay;
    --days;
  }
  MYSQL_TIME time = {};
  int year;
  CivilFromDays(days, &year, &time.month, &time.day);
  time.year = static_cast<unsigned>(year);
  time.second_part = static_cast<unsigned long>(rest % kUsPerSecond);
  rest /= kUsPerSecond;
  time.second = static_cast<unsigned>(rest % 60);
  time.minute = static_cast<unsigned>(rest / 60 % 60);
  time.hour = static_cast<unsigned>(rest / 3600);
  time.time_type = MYSQL_TIMESTAMP_DATETIME;
  return time;
}

int64_t FromMysqlTime(const MYSQL_TIME& time) {
  const int64_t seconds =
      DaysFromCivil(time.year, time.month, time.day) * 86'400 +
      time.hour * 3600 + time.minute * 60 + time.second;
  return seconds * kUsPerSecond + static_cast<int64_t>(time.second_part);
}

void WriteDatetime(int64_t us, char* out) {
  const MYSQL_TIME time = ToMysqlTime(us);
  WriteDigits(time.year, 4, out);
  out[4] = '-';
  WriteDigits(time.month, 2, out + 5);
  out[7] = '-';
  WriteDigits(time.day, 2, out + 8);
  out[10] = ' ';
  WriteDigits(time.hour, 2, out + 11);
  out[13] = ':';
  WriteDigits(time.minute, 2, out + 14);
  out[16] = ':';
  WriteDigits(time.second, 2, out + 17);
  out[19] = '.';
  WriteDigits(time.second_part, 6, out + 20);
}

bool ParseDatetime(absl::string_view text, int64_t* us) {
  MYSQL_TIME time = {};
  if (!ReadDigits(text, 0, 4, &time.year) ||
      !ReadDigits(text, 5, 2, &time.month) ||
      !ReadDigits(text, 8, 2, &time.day)) {
    return false;
  }
  if (text.size() >= 19 && (!ReadDigits(text, 11, 2, &time.hour) ||
                            !ReadDigits(text, 14, 2, &time.minute) ||
                            !ReadDigits(text, 17, 2, &time.second))) {
    return false;
  }
  if (text.size() > 20) {
    unsigned fraction;
    if (!ReadDigits(text, 20, text.size() - 20, &fraction)) return false;
    for (size_t digits = text.size() - 20; digits < 6; ++digits) fraction *= 10;
    time.second_part = fraction;
  }
  *us = FromMysqlTime(time);
  return true;
}

}  // namespace opsbench::internal
