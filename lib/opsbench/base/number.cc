#include "opsbench/base/number.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

namespace opsbench {
namespace {

constexpr size_t kShownBytes = 32;

// Whether all of `text` is a number of T in decimal digits.
template <typename T>
bool ParseAll(absl::string_view text, T* value) {
  // from_chars() takes no plus sign, which a number may have.
  if (text.size() > 1 && text[0] == '+' && absl::ascii_isdigit(text[1])) {
    text.remove_prefix(1);
  }
  const char* const end = text.data() + text.size();
  const auto [read, error] = std::from_chars(text.data(), end, *value);
  return error == std::errc() && read == end;
}

// "010" is 8 to some readers and 10 to others.
bool IsAmbiguous(absl::string_view text) {
  if (!absl::ConsumePrefix(&text, "-")) absl::ConsumePrefix(&text, "+");
  return text.size() > 1 && text[0] == '0';
}

// The shortest text that reads back to the same: 10000000, not 1e+07.
std::string BoundText(double bound) {
  if (std::fabs(bound) < 1e15 && bound == std::trunc(bound)) {
    return absl::StrCat(static_cast<int64_t>(bound));
  }
  return absl::StrCat(bound);
}

// "24h", where FormatDuration() says "24h0m0s" no more than that.
std::string BoundText(absl::Duration bound) {
  return absl::StrReplaceAll(absl::FormatDuration(bound),
                             {{"h0m0s", "h"}, {"m0s", "m"}});
}

// absl::ParseDuration() takes "inf", and a sum that is too large for it.
bool ParseUnits(absl::string_view text, absl::Duration* duration) {
  return !text.empty() && absl::ascii_isdigit(text[0]) &&
         absl::ParseDuration(text, duration);
}

}  // namespace

std::string QuoteBriefly(absl::string_view text) {
  size_t shown = std::min(text.size(), kShownBytes);
  // Not within a character.
  while (shown > 0 && shown < text.size() &&
         (static_cast<uint8_t>(text[shown]) & 0xc0) == 0x80) {
    --shown;
  }
  return absl::StrCat("\"", absl::Utf8SafeCEscape(text.substr(0, shown)),
                      shown < text.size() ? "…" : "", "\"");
}

absl::StatusOr<int64_t> ParseWholeNumber(absl::string_view text, int64_t low,
                                         int64_t high) {
  int64_t value = 0;
  if (!IsAmbiguous(text) && ParseAll(text, &value) && value >= low &&
      value <= high) {
    return value;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("expected a whole number from ", low, " to ", high, ", not ",
                   QuoteBriefly(text)));
}

absl::StatusOr<uint64_t> ParseUnsigned(absl::string_view text) {
  uint64_t value = 0;
  if (!IsAmbiguous(text) && ParseAll(text, &value)) return value;
  return absl::InvalidArgumentError(absl::StrCat(
      "expected a whole number from 0 to ",
      std::numeric_limits<uint64_t>::max(), ", not ", QuoteBriefly(text)));
}

absl::StatusOr<double> ParseNumber(absl::string_view text, double low,
                                   double high) {
  double value = 0;
  // Written so that NaN is outside.
  if (ParseAll(text, &value) && value >= low && value <= high) return value;
  return absl::InvalidArgumentError(
      absl::StrCat("expected a number from ", BoundText(low), " to ",
                   BoundText(high), ", not ", QuoteBriefly(text)));
}

absl::StatusOr<double> ParseShare(absl::string_view text, double low,
                                  double high) {
  absl::string_view digits = text;
  const bool percent = absl::ConsumeSuffix(&digits, "%");
  double value = 0;
  if (ParseAll(digits, &value)) {
    if (percent) value /= 100;
    if (value >= low && value <= high) return value;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "expected a share from ", BoundText(low), " to ", BoundText(high),
      ", such as 2% or 0.02, not ", QuoteBriefly(text)));
}

absl::StatusOr<absl::Duration> ParseTime(absl::string_view text,
                                         absl::Duration low,
                                         absl::Duration high) {
  double seconds = 0;
  absl::Duration duration;
  // A NaN would become an infinite time, and an infinite one is out of range.
  if (ParseAll(text, &seconds)) {
    duration = absl::Seconds(seconds);
  } else if (!ParseUnits(text, &duration)) {
    duration = absl::InfiniteDuration();
  }
  if (duration >= low && duration <= high) return duration;
  return absl::InvalidArgumentError(absl::StrCat(
      "expected a time from ", BoundText(low), " to ", BoundText(high),
      ", such as 90s or 2m, not ", QuoteBriefly(text)));
}

}  // namespace opsbench
