#include "opsbench/base/format.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace opsbench {
namespace {

// The value in the first of the units, each 1000 of the one before, in which
// it has at most three digits before the point.
std::string Scaled(double value, absl::Span<const absl::string_view> units) {
  size_t unit = 0;
  // 999.5 would be rounded to four digits.
  for (; std::abs(value) >= 999.5 && unit + 1 < units.size(); ++unit) {
    value /= 1000;
  }
  const int decimals = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return absl::StrFormat("%.*f%s", decimals, value, units[unit]);
}

std::string Padding(absl::string_view text, int width) {
  return std::string(
      static_cast<size_t>(std::max(0, width - DisplayWidth(text))), ' ');
}

}  // namespace

std::string FormatTime(double time_ns) {
  return Scaled(time_ns, {" ns", " µs", " ms", " s"});
}

std::string FormatLatency(int64_t latency_ns) {
  return latency_ns < 1000 ? absl::StrCat(latency_ns, " ns")
                           : FormatTime(static_cast<double>(latency_ns));
}

std::string FormatRate(double per_second) {
  return Scaled(per_second, {"/s", "k/s", "M/s", "G/s"});
}

int DisplayWidth(absl::string_view text) {
  return static_cast<int>(std::count_if(
      text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string PadLeft(absl::string_view text, int width) {
  return absl::StrCat(Padding(text, width), text);
}

std::string PadRight(absl::string_view text, int width) {
  return absl::StrCat(text, Padding(text, width));
}

}  // namespace opsbench
