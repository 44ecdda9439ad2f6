#include <array>
#include <cstdint>
#include <cstring>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/pipeline/internal/text_pieces.h"
#include "opsbench/pipeline/value_text.h"

namespace opsbench::pipeline {
namespace {

using internal::IsDigit;
using internal::PutPair;
using internal::RefuseText;
using Uint128 = unsigned __int128;

constexpr uint64_t kTenTo19 = 10'000'000'000'000'000'000u;

// What PostgreSQL's numeric holds, the largest of the engines: an exponent must
// not make a text of gigabytes.
constexpr int64_t kMaxIntegerDigits = 131'072;
constexpr int64_t kMaxScale = 16'383;

constexpr std::array<Uint128, kMaxDecimalDigits + 1> kPowersOfTen = [] {
  std::array<Uint128, kMaxDecimalDigits + 1> powers = {};
  Uint128 power = 1;
  for (Uint128& entry : powers) {
    entry = power;
    power *= 10;
  }
  return powers;
}();

// Writes the digits of `value` so that they end before `end`; where they start.
char* PutDigitsBefore(uint64_t value, char* end) {
  while (value >= 100) {
    end -= 2;
    PutPair(static_cast<uint32_t>(value % 100), end);
    value /= 100;
  }
  if (value >= 10) {
    end -= 2;
    PutPair(static_cast<uint32_t>(value), end);
  } else {
    *--end = static_cast<char>('0' + value);
  }
  return end;
}

// A decimal number taken apart: digits without sign, leading zeros and point.
struct NumberParts {
  bool negative = false;
  absl::string_view integer;
  absl::string_view fraction;
  int64_t exponent = 0;
};

// Cuts the exponent at a value beyond every bound, so that it cannot overflow.
bool TakeExponent(absl::string_view text, int64_t* exponent) {
  const bool negative = absl::ConsumePrefix(&text, "-");
  if (!negative) absl::ConsumePrefix(&text, "+");
  if (text.empty()) return false;
  int64_t value = 0;
  for (const char c : text) {
    if (!IsDigit(c)) return false;
    if (value < 1'000'000'000) value = 10 * value + (c - '0');
  }
  *exponent = negative ? -value : value;
  return true;
}

bool TakeNumber(absl::string_view text, NumberParts* parts) {
  parts->negative = absl::ConsumePrefix(&text, "-");
  if (!parts->negative) absl::ConsumePrefix(&text, "+");
  size_t at = 0;
  while (at < text.size() && IsDigit(text[at])) ++at;
  parts->integer = text.substr(0, at);
  text.remove_prefix(at);
  if (absl::ConsumePrefix(&text, ".")) {
    at = 0;
    while (at < text.size() && IsDigit(text[at])) ++at;
    parts->fraction = text.substr(0, at);
    text.remove_prefix(at);
  }
  if (parts->integer.empty() && parts->fraction.empty()) return false;
  while (!parts->integer.empty() && parts->integer[0] == '0') {
    parts->integer.remove_prefix(1);
  }
  if (text.empty()) return true;
  if (text[0] != 'e' && text[0] != 'E') return false;
  return TakeExponent(text.substr(1), &parts->exponent);
}

// The one name of what is no number, or an empty text.
absl::string_view SpecialNumber(absl::string_view text) {
  if (absl::EqualsIgnoreCase(text, "nan")) return "NaN";
  const bool negative = absl::ConsumePrefix(&text, "-");
  if (!negative) absl::ConsumePrefix(&text, "+");
  if (!absl::EqualsIgnoreCase(text, "infinity") &&
      !absl::EqualsIgnoreCase(text, "inf")) {
    return "";
  }
  return negative ? "-Infinity" : "Infinity";
}

// The digits of both parts with the point moved by the exponent.
std::string MovePoint(const NumberParts& parts) {
  std::string digits = absl::StrCat(parts.integer, parts.fraction);
  int64_t scale = static_cast<int64_t>(parts.fraction.size()) - parts.exponent;
  if (scale < 0) {
    if (digits.find_first_not_of('0') != std::string::npos) {
      digits.append(static_cast<size_t>(-scale), '0');
    }
    scale = 0;
  }
  const auto behind = static_cast<size_t>(scale);
  if (digits.size() < behind) digits.insert(0, behind - digits.size(), '0');
  size_t zeros = 0;
  while (digits.size() - zeros > behind && digits[zeros] == '0') ++zeros;
  digits.erase(0, zeros);
  if (digits.size() == behind) digits.insert(0, 1, '0');
  if (behind > 0) digits.insert(digits.size() - behind, 1, '.');
  return digits;
}

bool IsZero(const NumberParts& parts) {
  return parts.integer.empty() &&
         parts.fraction.find_first_not_of('0') == absl::string_view::npos;
}

// The digits of `text`, added to `value`. REQUIRES: at most 38 in all.
Uint128 AddDigits(absl::string_view text, Uint128 value) {
  // Steps of 19 digits are 64-bit arithmetic but for one multiplication.
  while (!text.empty()) {
    const absl::string_view step = text.substr(0, 19);
    uint64_t low = 0;
    for (const char c : step) low = 10 * low + static_cast<uint64_t>(c - '0');
    value = value * kPowersOfTen[step.size()] + low;
    text.remove_prefix(step.size());
  }
  return value;
}

// What most decimals are: at most 19 digits, a point among them or not. False
// for what has to be looked at more closely.
bool TakeShortDecimal(absl::string_view text, int scale, absl::int128* value) {
  if (text.empty() || text.size() > 19) return false;
  const char* at = text.data();
  const char* const end = at + text.size();
  const bool negative = *at == '-';
  if (negative) ++at;
  const char* const first = at;
  const char* point = nullptr;
  uint64_t number = 0;
  for (; at < end; ++at) {
    if (IsDigit(*at)) {
      number = 10 * number + static_cast<uint64_t>(*at - '0');
    } else if (*at == '.' && point == nullptr) {
      point = at;
    } else {
      return false;
    }
  }
  const int64_t digits = end - first - (point == nullptr ? 0 : 1);
  const int64_t padding = scale - (point == nullptr ? 0 : end - point - 1);
  if (digits == 0 || padding < 0 || digits + padding > kMaxDecimalDigits) {
    return false;
  }
  const auto magnitude = static_cast<__int128>(
      number * kPowersOfTen[static_cast<size_t>(padding)]);
  *value = negative ? -magnitude : magnitude;
  return true;
}

absl::Status RefuseDecimal(absl::string_view text) {
  if (!SpecialNumber(text).empty()) {
    return RefuseText(absl::StatusCode::kOutOfRange, "no value of a decimal",
                      text);
  }
  return RefuseText(absl::StatusCode::kInvalidArgument, "not a decimal", text);
}

}  // namespace

void AppendDecimalText(absl::int128 value, int scale, std::string* out) {
  auto magnitude = static_cast<Uint128>(static_cast<__int128>(value));
  if (value < 0) magnitude = -magnitude;
  char digits[kMaxDecimalDigits + 2];
  char* const end = digits + sizeof(digits);
  char* first = end;
  if (magnitude < kTenTo19) {
    first = PutDigitsBefore(static_cast<uint64_t>(magnitude), end);
  } else {
    // Above 38 digits the higher part may still have 20.
    first = PutDigitsBefore(static_cast<uint64_t>(magnitude % kTenTo19), end);
    while (end - first < 19) *--first = '0';
    first = PutDigitsBefore(static_cast<uint64_t>(magnitude / kTenTo19), first);
  }
  while (end - first <= scale) *--first = '0';
  char text[kMaxDecimalDigits + 4];
  char* at = text;
  if (value < 0) *at++ = '-';
  const auto before = static_cast<size_t>(end - first - scale);
  std::memcpy(at, first, before);
  at += before;
  if (scale > 0) {
    *at++ = '.';
    std::memcpy(at, first + before, static_cast<size_t>(scale));
    at += scale;
  }
  out->append(text, static_cast<size_t>(at - text));
}

absl::StatusOr<absl::int128> ParseDecimal(absl::string_view text, int scale) {
  absl::int128 short_value = 0;
  if (TakeShortDecimal(text, scale, &short_value)) return short_value;
  NumberParts parts;
  std::string moved;
  if (!TakeNumber(text, &parts)) return RefuseDecimal(text);
  if (parts.exponent != 0) {
    OPSBENCH_ASSIGN_OR_RETURN(moved, CanonicalNumeric(text));
    parts = NumberParts();
    TakeNumber(moved, &parts);
  }
  const auto room = static_cast<size_t>(scale);
  const absl::string_view kept = parts.fraction.substr(0, room);
  if (parts.fraction.size() > room &&
      parts.fraction.substr(room).find_first_not_of('0') !=
          absl::string_view::npos) {
    return RefuseText(
        absl::StatusCode::kOutOfRange,
        absl::StrCat("more than ", scale, " digits behind the point"), text);
  }
  if (parts.integer.size() + room > kMaxDecimalDigits) {
    return RefuseText(absl::StatusCode::kOutOfRange,
                      absl::StrCat("more than ", kMaxDecimalDigits, " digits"),
                      text);
  }
  Uint128 value = AddDigits(kept, AddDigits(parts.integer, 0));
  value *= kPowersOfTen[room - kept.size()];
  const auto number = static_cast<__int128>(value);
  return absl::int128(parts.negative ? -number : number);
}

absl::StatusOr<std::string> CanonicalNumeric(absl::string_view text) {
  const absl::string_view special = SpecialNumber(text);
  if (!special.empty()) return std::string(special);
  NumberParts parts;
  if (!TakeNumber(text, &parts)) {
    return RefuseText(absl::StatusCode::kInvalidArgument, "not a number", text);
  }
  const bool zero = IsZero(parts);
  if (parts.exponent != 0) {
    const auto integer = static_cast<int64_t>(parts.integer.size());
    const auto fraction = static_cast<int64_t>(parts.fraction.size());
    if (fraction - parts.exponent > kMaxScale ||
        (!zero && integer + parts.exponent > kMaxIntegerDigits)) {
      return RefuseText(absl::StatusCode::kOutOfRange, "too large an exponent",
                        text);
    }
  }
  const std::string moved = MovePoint(parts);
  return parts.negative && !zero ? absl::StrCat("-", moved) : moved;
}

absl::Status CheckNumeric(absl::string_view text) {
  if (internal::IsCanonicalNumeric(text) ||
      (!text.empty() && SpecialNumber(text) == text)) {
    return absl::OkStatus();
  }
  return RefuseText(absl::StatusCode::kInvalidArgument,
                    "not a number without an exponent", text);
}

namespace internal {

bool IsCanonicalNumeric(absl::string_view text) {
  const bool negative = absl::ConsumePrefix(&text, "-");
  size_t at = 0;
  char seen = '0';
  while (at < text.size() && IsDigit(text[at])) seen |= text[at++];
  if (at == 0 || (text[0] == '0' && at > 1)) return false;
  if (at < text.size()) {
    if (text[at] != '.' || at + 1 == text.size()) return false;
    while (++at < text.size()) {
      if (!IsDigit(text[at])) return false;
      seen |= text[at];
    }
  }
  // Every digit but 0 sets a bit that 0 does not have.
  return !negative || seen != '0';
}

}  // namespace internal
}  // namespace opsbench::pipeline
