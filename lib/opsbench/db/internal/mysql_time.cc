#include "opsbench/db/internal/mysql_time.h"

#include <cstring>

#include "absl/strings/ascii.h"

namespace opsbench::internal {
namespace {

constexpr int64_t kUsPerSecond = 1'000'000;
constexpr int64_t kUsPerDay = 86'400 * kUsPerSecond;

int64_t FloorDiv(int64_t a, int64_t b) { return a / b - (a % b < 0); }

// Days since 1970-01-01 to a date and back; eras of 400 years begin in March.
void DateOfDays(int64_t days, CivilTime* civil) {
  days += 719'468;
  const int64_t era = FloorDiv(days, 146'097);
  const int day_of_era = static_cast<int>(days - era * 146'097);
  const int year_of_era = (day_of_era - day_of_era / 1'460 +
                           day_of_era / 36'524 - day_of_era / 146'096) /
                          365;
  const int day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int month_from_march = (5 * day_of_year + 2) / 153;
  civil->day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
  civil->month = month_from_march + (month_from_march < 10 ? 3 : -9);
  civil->year = static_cast<int>(era * 400) + year_of_era + (civil->month <= 2);
}

int64_t DaysOfDate(const CivilTime& civil) {
  const int64_t year = civil.year - (civil.month <= 2);
  const int64_t era = FloorDiv(year, 400);
  const int64_t year_of_era = year - era * 400;
  const int64_t day_of_year =
      (153 * (civil.month + (civil.month > 2 ? -3 : 9)) + 2) / 5 + civil.day -
      1;
  const int64_t day_of_era =
      year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + day_of_era - 719'468;
}

char* AppendTwo(int value, char* out) {
  out[0] = static_cast<char>('0' + value / 10);
  out[1] = static_cast<char>('0' + value % 10);
  return out + 2;
}

// Exactly `digits` digits, moved past.
bool TakeNumber(absl::string_view* text, size_t digits, int* value) {
  if (text->size() < digits) return false;
  *value = 0;
  for (size_t i = 0; i < digits; ++i) {
    if (!absl::ascii_isdigit((*text)[i])) return false;
    *value = *value * 10 + ((*text)[i] - '0');
  }
  text->remove_prefix(digits);
  return true;
}

bool TakeChar(absl::string_view* text, char c) {
  if (text->empty() || text->front() != c) return false;
  text->remove_prefix(1);
  return true;
}

}  // namespace

CivilTime CivilOf(int64_t us) {
  CivilTime civil;
  const int64_t days = FloorDiv(us, kUsPerDay);
  const int64_t of_day = us - days * kUsPerDay;
  DateOfDays(days, &civil);
  const int seconds = static_cast<int>(of_day / kUsPerSecond);
  civil.hour = seconds / 3'600;
  civil.minute = seconds / 60 % 60;
  civil.second = seconds % 60;
  civil.microsecond = static_cast<int>(of_day % kUsPerSecond);
  return civil;
}

int64_t MicrosOf(const CivilTime& civil) {
  const int64_t seconds =
      (civil.hour * int64_t{60} + civil.minute) * 60 + civil.second;
  return DaysOfDate(civil) * kUsPerDay + seconds * kUsPerSecond +
         civil.microsecond;
}

bool ParseCivil(absl::string_view text, CivilTime* civil) {
  *civil = {};
  if (!TakeNumber(&text, 4, &civil->year) || !TakeChar(&text, '-') ||
      !TakeNumber(&text, 2, &civil->month) || !TakeChar(&text, '-') ||
      !TakeNumber(&text, 2, &civil->day)) {
    return false;
  }
  if (text.empty()) return true;
  if (!TakeChar(&text, ' ') || !TakeNumber(&text, 2, &civil->hour) ||
      !TakeChar(&text, ':') || !TakeNumber(&text, 2, &civil->minute) ||
      !TakeChar(&text, ':') || !TakeNumber(&text, 2, &civil->second)) {
    return false;
  }
  if (text.empty()) return true;
  const size_t digits = text.size() - 1;
  if (digits == 0 || digits > 6 || !TakeChar(&text, '.') ||
      !TakeNumber(&text, digits, &civil->microsecond)) {
    return false;
  }
  for (size_t i = digits; i < 6; ++i) civil->microsecond *= 10;
  return true;
}

absl::string_view TrimFraction(absl::string_view text) {
  if (text.find('.') == absl::string_view::npos) return text;
  while (text.back() == '0') text.remove_suffix(1);
  if (text.back() == '.') text.remove_suffix(1);
  return text;
}

char* TimestampFormatter::Append(int64_t us, char* out) {
  const int64_t day = FloorDiv(us, kUsPerDay);
  if (day != day_) {
    CivilTime date;
    DateOfDays(day, &date);
    char* text = AppendTwo(date.year / 100, day_text_);
    text = AppendTwo(date.year % 100, text);
    *text++ = '-';
    text = AppendTwo(date.month, text);
    *text++ = '-';
    text = AppendTwo(date.day, text);
    *text = ' ';
    day_ = day;
  }
  std::memcpy(out, day_text_, sizeof(day_text_));
  out += sizeof(day_text_);
  const int64_t of_day = us - day * kUsPerDay;
  const int seconds = static_cast<int>(of_day / kUsPerSecond);
  out = AppendTwo(seconds / 3'600, out);
  *out++ = ':';
  out = AppendTwo(seconds / 60 % 60, out);
  *out++ = ':';
  out = AppendTwo(seconds % 60, out);
  const int fraction = static_cast<int>(of_day % kUsPerSecond);
  if (fraction == 0) return out;
  *out++ = '.';
  out = AppendTwo(fraction / 10'000, out);
  out = AppendTwo(fraction / 100 % 100, out);
  return AppendTwo(fraction % 100, out);
}

}  // namespace opsbench::internal
