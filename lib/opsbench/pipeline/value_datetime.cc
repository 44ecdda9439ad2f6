#include <charconv>
#include <cstdint>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "opsbench/pipeline/internal/text_pieces.h"
#include "opsbench/pipeline/value_text.h"

namespace opsbench::pipeline {
namespace {

using internal::CivilDay;
using internal::IsDigit;
using internal::PutPair;
using internal::RefuseText;
using internal::TakePair;

constexpr int64_t kSecondUs = 1'000'000;
constexpr int64_t kMinuteUs = 60 * kSecondUs;
constexpr int64_t kHourUs = 60 * kMinuteUs;
constexpr int64_t kDayUs = 24 * kHourUs;

constexpr absl::string_view kInfinity = "infinity";
constexpr absl::string_view kMinusInfinity = "-infinity";
constexpr absl::string_view kBeforeChrist = " BC";

// The two ends of T stand for the infinities.
template <typename T>
constexpr bool IsEnd(T value) {
  return value == std::numeric_limits<T>::min() ||
         value == std::numeric_limits<T>::max();
}

template <typename T>
bool TakeInfinity(absl::string_view text, T* value) {
  if (text == kInfinity) {
    *value = std::numeric_limits<T>::max();
    return true;
  }
  if (text == kMinusInfinity) {
    *value = std::numeric_limits<T>::min();
    return true;
  }
  return false;
}

// Without the era. REQUIRES: year > 0.
char* PutDate(uint64_t year, uint32_t month, uint32_t day, char* out) {
  if (year > 9999) {
    char digits[20];
    char* first = digits + sizeof(digits);
    uint64_t rest = year / 10'000;
    do {
      *--first = static_cast<char>('0' + rest % 10);
      rest /= 10;
    } while (rest > 0);
    const auto size = static_cast<size_t>(digits + sizeof(digits) - first);
    std::memcpy(out, first, size);
    out += size;
  }
  const auto low = static_cast<uint32_t>(year % 10'000);
  out = PutPair(low / 100, out);
  out = PutPair(low % 100, out);
  *out++ = '-';
  out = PutPair(month, out);
  *out++ = '-';
  return PutPair(day, out);
}

// Minutes, seconds and fraction. REQUIRES: us < one hour.
char* PutWithinHour(uint64_t us, char* out) {
  const auto seconds = static_cast<uint32_t>(us / kSecondUs);
  auto fraction = static_cast<uint32_t>(us % kSecondUs);
  *out++ = ':';
  out = PutPair(seconds / 60, out);
  *out++ = ':';
  out = PutPair(seconds % 60, out);
  if (fraction == 0) return out;
  *out++ = '.';
  out = PutPair(fraction / 10'000, out);
  out = PutPair(fraction / 100 % 100, out);
  out = PutPair(fraction % 100, out);
  while (out[-1] == '0') --out;
  return out;
}

void AppendTimestamp(int64_t us, absl::string_view zone, std::string* out) {
  if (IsEnd(us)) {
    absl::StrAppend(out, us > 0 ? kInfinity : kMinusInfinity);
    return;
  }
  const int64_t days = us / kDayUs - (us % kDayUs < 0 ? 1 : 0);
  const auto time =
      static_cast<uint64_t>(us % kDayUs + (us % kDayUs < 0 ? kDayUs : 0));
  const CivilDay civil = internal::CivilFromDays(days);
  const bool before_christ = civil.year <= 0;
  char text[48];
  char* end = PutDate(
      static_cast<uint64_t>(before_christ ? 1 - civil.year : civil.year),
      civil.month, civil.day, text);
  *end++ = ' ';
  end = PutPair(static_cast<uint32_t>(time / kHourUs), end);
  end = PutWithinHour(time % kHourUs, end);
  std::memcpy(end, zone.data(), zone.size());
  end += zone.size();
  if (before_christ) {
    std::memcpy(end, kBeforeChrist.data(), kBeforeChrist.size());
    end += kBeforeChrist.size();
  }
  out->append(text, static_cast<size_t>(end - text));
}

// What is left of a text while it is taken apart from its front.
struct Rest {
  const char* at;
  const char* end;

  size_t size() const { return static_cast<size_t>(end - at); }
  bool Take(char c) {
    if (at == end || *at != c) return false;
    ++at;
    return true;
  }
  // Exactly two digits.
  bool TakeTwo(uint32_t* value) {
    if (size() < 2) return false;
    *value = TakePair(at);
    at += 2;
    return *value < 100;
  }
};

enum class Outcome : uint8_t { kFine, kMalformed, kOutOfRange };

bool TakeEra(absl::string_view* text) {
  if (text->size() <= kBeforeChrist.size() ||
      text->substr(text->size() - kBeforeChrist.size()) != kBeforeChrist) {
    return false;
  }
  text->remove_suffix(kBeforeChrist.size());
  return true;
}

// Four to seven digits of a year, which int32 days do not go beyond.
bool TakeDay(bool before_christ, Rest* rest, int64_t* days) {
  const char* const first = rest->at;
  int64_t year = 0;
  while (rest->at < rest->end && IsDigit(*rest->at) && rest->at - first < 7) {
    year = 10 * year + (*rest->at++ - '0');
  }
  if (rest->at - first < 4 || year == 0) return false;
  if (before_christ) year = 1 - year;
  CivilDay civil = {year, 0, 0};
  if (!rest->Take('-') || !rest->TakeTwo(&civil.month) || !rest->Take('-') ||
      !rest->TakeTwo(&civil.day)) {
    return false;
  }
  if (civil.month < 1 || civil.month > 12 || civil.day < 1 ||
      civil.day > internal::DaysInMonth(year, civil.month)) {
    return false;
  }
  *days = internal::DaysFromCivil(civil);
  return true;
}

// The digits behind the point of the seconds.
Outcome TakeFraction(Rest* rest, int64_t* us) {
  if (rest->at == rest->end || !IsDigit(*rest->at)) return Outcome::kMalformed;
  int64_t unit = kSecondUs / 10;
  bool too_fine = false;
  while (rest->at < rest->end && IsDigit(*rest->at)) {
    const int64_t digit = *rest->at++ - '0';
    too_fine |= unit == 0 && digit != 0;
    *us += digit * unit;
    unit /= 10;
  }
  return too_fine ? Outcome::kOutOfRange : Outcome::kFine;
}

// ":MM[:SS[.ffffff]]", added to `us`.
Outcome TakeWithinHour(Rest* rest, int64_t* us) {
  uint32_t minutes = 0;
  uint32_t seconds = 0;
  if (!rest->Take(':') || !rest->TakeTwo(&minutes) || minutes > 59) {
    return Outcome::kMalformed;
  }
  *us += minutes * kMinuteUs;
  if (!rest->Take(':')) return Outcome::kFine;
  if (!rest->TakeTwo(&seconds) || seconds > 59) return Outcome::kMalformed;
  *us += seconds * kSecondUs;
  return rest->Take('.') ? TakeFraction(rest, us) : Outcome::kFine;
}

// "Z", "+HH", "+HHMM", "+HH:MM", "+HH:MM:SS", or nothing: how far ahead of UTC.
bool TakeZone(Rest* rest, int64_t* us) {
  if (rest->at == rest->end || rest->Take('Z')) return true;
  const bool west = rest->Take('-');
  uint32_t hours = 0;
  uint32_t minutes = 0;
  uint32_t seconds = 0;
  if ((!west && !rest->Take('+')) || !rest->TakeTwo(&hours)) return false;
  if (rest->Take(':')) {
    if (!rest->TakeTwo(&minutes)) return false;
    if (rest->Take(':') && !rest->TakeTwo(&seconds)) return false;
  } else if (rest->size() == 2 && !rest->TakeTwo(&minutes)) {
    return false;
  }
  if (hours > 23 || minutes > 59 || seconds > 59) return false;
  *us = hours * kHourUs + minutes * kMinuteUs + seconds * kSecondUs;
  if (west) *us = -*us;
  return true;
}

Outcome TakeTimestamp(absl::string_view text, bool has_zone, int64_t* us) {
  const bool before_christ = TakeEra(&text);
  Rest rest = {text.data(), text.data() + text.size()};
  int64_t days = 0;
  int64_t time = 0;
  int64_t zone = 0;
  if (!TakeDay(before_christ, &rest, &days)) return Outcome::kMalformed;
  if (rest.Take(' ') || rest.Take('T')) {
    uint32_t hours = 0;
    if (!rest.TakeTwo(&hours) || hours > 23) return Outcome::kMalformed;
    time = hours * kHourUs;
    const Outcome outcome = TakeWithinHour(&rest, &time);
    if (outcome != Outcome::kFine) return outcome;
    if (has_zone && !TakeZone(&rest, &zone)) return Outcome::kMalformed;
  }
  if (rest.at != rest.end) return Outcome::kMalformed;
  // At the lower end the day's start lies below what 64 bits hold.
  const __int128 value = static_cast<__int128>(days) * kDayUs + time - zone;
  if (value <= std::numeric_limits<int64_t>::min() ||
      value >= std::numeric_limits<int64_t>::max()) {
    return Outcome::kOutOfRange;
  }
  *us = static_cast<int64_t>(value);
  return Outcome::kFine;
}

absl::Status Refuse(Outcome outcome, absl::string_view kind,
                    absl::string_view text) {
  return outcome == Outcome::kMalformed
             ? RefuseText(absl::StatusCode::kInvalidArgument,
                          absl::StrCat("not a ", kind), text)
             : RefuseText(absl::StatusCode::kOutOfRange,
                          absl::StrCat("beyond the range, or finer than a "
                                       "microsecond, of a ",
                                       kind),
                          text);
}

absl::StatusOr<int64_t> ParseTimestamp(absl::string_view text, bool has_zone) {
  int64_t us = 0;
  if (TakeInfinity(text, &us)) return us;
  const Outcome outcome = TakeTimestamp(text, has_zone, &us);
  if (outcome != Outcome::kFine) return Refuse(outcome, "timestamp", text);
  return us;
}

}  // namespace

void AppendDateText(int32_t days, std::string* out) {
  if (IsEnd(days)) {
    absl::StrAppend(out, days > 0 ? kInfinity : kMinusInfinity);
    return;
  }
  const CivilDay civil = internal::CivilFromDays(days);
  const bool before_christ = civil.year <= 0;
  char text[32];
  const char* const end = PutDate(
      static_cast<uint64_t>(before_christ ? 1 - civil.year : civil.year),
      civil.month, civil.day, text);
  out->append(text, static_cast<size_t>(end - text));
  if (before_christ) absl::StrAppend(out, kBeforeChrist);
}

void AppendTimestampText(int64_t us, std::string* out) {
  AppendTimestamp(us, "", out);
}

void AppendTimestampTzText(int64_t us, std::string* out) {
  AppendTimestamp(us, "+00", out);
}

void AppendTimeText(int64_t us, std::string* out) {
  char text[40];
  char* end = text;
  uint64_t rest = static_cast<uint64_t>(us);
  if (us < 0) {
    *end++ = '-';
    rest = -rest;
  }
  uint64_t hours = rest / kHourUs;
  if (hours >= 100) {
    end = std::to_chars(end, text + sizeof(text), hours / 100).ptr;
    hours %= 100;
  }
  end = PutPair(static_cast<uint32_t>(hours), end);
  end = PutWithinHour(rest % kHourUs, end);
  out->append(text, static_cast<size_t>(end - text));
}

absl::StatusOr<int32_t> ParseDate(absl::string_view text) {
  int32_t value = 0;
  if (TakeInfinity(text, &value)) return value;
  absl::string_view date = text;
  const bool before_christ = TakeEra(&date);
  Rest rest = {date.data(), date.data() + date.size()};
  int64_t days = 0;
  if (!TakeDay(before_christ, &rest, &days) || rest.at != rest.end) {
    return Refuse(Outcome::kMalformed, "date", text);
  }
  if (days <= std::numeric_limits<int32_t>::min() ||
      days >= std::numeric_limits<int32_t>::max()) {
    return Refuse(Outcome::kOutOfRange, "date", text);
  }
  return static_cast<int32_t>(days);
}

absl::StatusOr<int64_t> ParseTimestamp(absl::string_view text) {
  return ParseTimestamp(text, /*has_zone=*/false);
}

absl::StatusOr<int64_t> ParseTimestampTz(absl::string_view text) {
  return ParseTimestamp(text, /*has_zone=*/true);
}

absl::StatusOr<int64_t> ParseTime(absl::string_view text) {
  Rest rest = {text.data(), text.data() + text.size()};
  uint32_t hours = 0;
  if (!rest.TakeTwo(&hours)) return Refuse(Outcome::kMalformed, "time", text);
  int64_t us = hours * kHourUs;
  Outcome outcome = TakeWithinHour(&rest, &us);
  if (outcome == Outcome::kFine) {
    if (rest.at != rest.end)
      outcome = Outcome::kMalformed;
    else if (us > kDayUs)
      outcome = Outcome::kOutOfRange;
  }
  if (outcome != Outcome::kFine) return Refuse(outcome, "time", text);
  return us;
}

absl::StatusOr<int64_t> ParseDuration(absl::string_view text) {
  Rest rest = {text.data(), text.data() + text.size()};
  const bool negative = rest.Take('-');
  const char* const first = rest.at;
  // Ten digits are above any number of hours that 64 bits of microseconds hold.
  int64_t hours = 0;
  while (rest.at < rest.end && IsDigit(*rest.at) && rest.at - first < 11) {
    hours = 10 * hours + (*rest.at++ - '0');
  }
  int64_t us = 0;
  Outcome outcome =
      rest.at - first < 2 ? Outcome::kMalformed : TakeWithinHour(&rest, &us);
  if (outcome == Outcome::kFine && rest.at != rest.end) {
    outcome = Outcome::kMalformed;
  }
  __int128 value = static_cast<__int128>(hours) * kHourUs + us;
  if (negative) value = -value;
  if (outcome == Outcome::kFine &&
      (value < std::numeric_limits<int64_t>::min() ||
       value > std::numeric_limits<int64_t>::max())) {
    outcome = Outcome::kOutOfRange;
  }
  if (outcome != Outcome::kFine) return Refuse(outcome, "duration", text);
  return static_cast<int64_t>(value);
}

}  // namespace opsbench::pipeline
