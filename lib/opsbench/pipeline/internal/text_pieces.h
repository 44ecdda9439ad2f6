#ifndef OPSBENCH_PIPELINE_INTERNAL_TEXT_PIECES_H_
#define OPSBENCH_PIPELINE_INTERNAL_TEXT_PIECES_H_

// Pieces that the text forms of values share: pairs of digits, the civil
// calendar, and how a text that is refused is quoted.
//
// Source of the calendar: Howard Hinnant, "chrono-Compatible Low-Level Date
// Algorithms": eras of 400 years that start on 1 March, 146,097 days each.

#include <array>
#include <cstdint>
#include <cstring>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace opsbench::pipeline::internal {

inline constexpr std::array<char, 200> kDigitPairs = [] {
  std::array<char, 200> pairs = {};
  for (size_t i = 0; i < 100; ++i) {
    pairs[2 * i] = static_cast<char>('0' + i / 10);
    pairs[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return pairs;
}();

// Writes two digits and returns where the next character goes. REQUIRES: value
// < 100.
inline char* PutPair(uint32_t value, char* out) {
  std::memcpy(out, kDigitPairs.data() + size_t{2} * value, 2);
  return out + 2;
}

// The number that two digits make, or something above 99.
inline uint32_t TakePair(const char* text) {
  const uint32_t tens = static_cast<uint8_t>(text[0]) - uint32_t{'0'};
  const uint32_t ones = static_cast<uint8_t>(text[1]) - uint32_t{'0'};
  return tens > 9 || ones > 9 ? 1000 : 10 * tens + ones;
}

inline bool IsDigit(char c) { return c >= '0' && c <= '9'; }

struct CivilDay {
  int64_t year;  // Year 0 is 1 BC.
  uint32_t month;
  uint32_t day;
};

// Days from 1970-01-01 of the Gregorian calendar, also before it was made.
constexpr int64_t DaysFromCivil(CivilDay civil) {
  const int64_t year = civil.year - (civil.month <= 2 ? 1 : 0);
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const int64_t year_of_era = year - era * 400;
  const int64_t month_from_march = (civil.month + 9) % 12;
  const int64_t day_of_year = (153 * month_from_march + 2) / 5 + civil.day - 1;
  const int64_t day_of_era =
      year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + day_of_era - 719'468;
}

constexpr CivilDay CivilFromDays(int64_t days) {
  const int64_t shifted = days + 719'468;
  const int64_t era = (shifted >= 0 ? shifted : shifted - 146'096) / 146'097;
  const auto day_of_era = static_cast<uint32_t>(shifted - era * 146'097);
  const uint32_t year_of_era = (day_of_era - day_of_era / 1'460 +
                                day_of_era / 36'524 - day_of_era / 146'096) /
                               365;
  const uint32_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const uint32_t month_from_march = (5 * day_of_year + 2) / 153;
  const uint32_t day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
  const uint32_t month =
      month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
  return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), month, day};
}

constexpr uint32_t DaysInMonth(int64_t year, uint32_t month) {
  constexpr uint8_t kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return month == 2 && leap ? 29 : kDays[month - 1];
}

// "not a date: \"2026-02-30\"", with a long text cut.
absl::Status RefuseText(absl::StatusCode code, absl::string_view what,
                        absl::string_view text);

// Whether CanonicalNumeric() would give the text itself, and it is a number.
bool IsCanonicalNumeric(absl::string_view text);

}  // namespace opsbench::pipeline::internal

#endif  // OPSBENCH_PIPELINE_INTERNAL_TEXT_PIECES_H_
