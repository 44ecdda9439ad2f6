#include "opsbench/results/internal/metric_text.h"

#include <cmath>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "opsbench/base/format.h"

namespace opsbench::results::internal {
namespace {

std::string FormatBytes(double bytes) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  size_t unit = 0;
  while (std::abs(bytes) >= 1024 && unit + 1 < std::size(kUnits)) {
    bytes /= 1024;
    ++unit;
  }
  return absl::StrFormat("%.*f %s", std::abs(bytes) < 100 && unit > 0 ? 1 : 0,
                         bytes, kUnits[unit]);
}

}  // namespace

std::string FormatMetric(absl::string_view metric, double value) {
  constexpr struct {
    absl::string_view suffix;
    double ns;
  } kTimes[] = {{"_ns", 1}, {"_us", 1e3}, {"_ms", 1e6}, {"_s", 1e9}};
  if (absl::EndsWith(metric, "_per_second") || absl::EndsWith(metric, "qps")) {
    return FormatRate(value);
  }
  for (const auto& [suffix, ns] : kTimes) {
    if (absl::EndsWith(metric, suffix) && !absl::EndsWith(metric, "_per_s")) {
      return value == 0 ? "0" : FormatTime(value * ns);
    }
  }
  if (absl::EndsWith(metric, "_bytes")) return FormatBytes(value);
  if (absl::EndsWith(metric, "_mib")) return FormatBytes(value * (1 << 20));
  if (absl::StrContains(metric, "bytes_per_")) {
    return absl::StrCat(absl::StrFormat("%.4g", value), " B");
  }
  if (absl::EndsWith(metric, "_pct")) return absl::StrFormat("%.3g%%", value);
  return absl::StrFormat("%.4g", value);
}

std::string FormatChange(double relative_change) {
  if (relative_change >= 9) {
    return absl::StrFormat("x%.3g", relative_change + 1);
  }
  return absl::StrFormat("%+.1f%%", 100 * relative_change);
}

}  // namespace opsbench::results::internal
