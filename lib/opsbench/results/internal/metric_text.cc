#include "opsbench/results/internal/metric_text.h"

#include <cmath>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "opsbench/base/format.h"

namespace opsbench::results::internal {
namespace {

// Units of time by the last word of a metric's name.
constexpr struct {
  absl::string_view suffix;
  absl::string_view unit;
  double ns;
} kTimes[] = {
    {"_ns", "ns", 1}, {"_us", "us", 1e3}, {"_ms", "ms", 1e6}, {"_s", "s", 1e9}};

// "rows_per_s" is no time.
bool IsTime(absl::string_view metric, absl::string_view suffix) {
  return absl::EndsWith(metric, suffix) &&
         !absl::EndsWith(metric, absl::StrCat("_per", suffix));
}

// Within what the formats with a fitting prefix can show.
bool IsHandy(double value) {
  constexpr double kLeast = 1e-3;
  constexpr double kMost = 1e14;
  return value >= kLeast && value < kMost;
}

std::string BytesText(double bytes) {
  constexpr double kKib = 1024;
  constexpr double kMib = kKib * 1024;
  constexpr double kGib = kMib * 1024;
  const double size = std::abs(bytes);
  if (size >= kGib) return absl::StrFormat("%.4g GiB", bytes / kGib);
  if (size >= kMib) return absl::StrFormat("%.4g MiB", bytes / kMib);
  if (size >= kKib) return absl::StrFormat("%.4g KiB", bytes / kKib);
  return absl::StrFormat("%.4g B", bytes);
}

// One decimal, and a second below one percent.
std::string PercentText(double fraction, bool sign) {
  const double percent = fraction * 100;
  const int decimals = std::abs(percent) < 0.995 ? 2 : 1;
  return sign ? absl::StrFormat("%+.*f%%", decimals, percent)
              : absl::StrFormat("%.*f%%", decimals, percent);
}

}  // namespace

std::string ValueText(absl::string_view metric, absl::optional<double> value) {
  if (!value.has_value()) return "-";
  const std::string unit = UnitOf(metric);
  if (IsHandy(*value)) {
    for (const auto& [suffix, name, ns] : kTimes) {
      if (IsTime(metric, suffix)) return FormatTime(*value * ns);
    }
    if (absl::EndsWith(metric, "per_second")) return FormatRate(*value);
    if (unit == "bytes") return BytesText(*value);
  }
  return absl::StrCat(absl::StrFormat("%.4g", *value), unit.empty() ? "" : " ",
                      unit);
}

std::string UnitOf(absl::string_view metric) {
  for (const auto& [suffix, name, ns] : kTimes) {
    if (IsTime(metric, suffix)) return std::string(name);
  }
  absl::string_view what = metric;
  if (absl::ConsumeSuffix(&what, "_per_second"))
    return absl::StrCat(what, "/s");
  if (absl::ConsumeSuffix(&what, "_per_row")) return absl::StrCat(what, "/row");
  if (absl::ConsumeSuffix(&what, "_per_op")) return absl::StrCat(what, "/op");
  if (absl::EndsWith(metric, "bytes")) return "bytes";
  if (absl::EndsWith(metric, "_mib")) return "MiB";
  if (absl::EndsWith(metric, "_pct")) return "%";
  if (absl::EndsWith(metric, "qps")) return "queries/s";
  return "";
}

std::string EffectText(absl::optional<double> effect) {
  if (!effect.has_value()) return "-";
  constexpr double kMany = 1.0;
  constexpr double kTooMany = 1e6;
  if (*effect > kTooMany) return absl::StrFormat("x%.3g", 1 + *effect);
  if (*effect > kMany) {
    return absl::StrFormat("x%.*f", *effect < 99 ? 2 : 0, 1 + *effect);
  }
  return PercentText(*effect, /*sign=*/true);
}

std::string IntervalText(const MetricComparison& metric) {
  if (!metric.effect_low.has_value() || !metric.effect_high.has_value()) {
    return "-";
  }
  return absl::StrCat(EffectText(metric.effect_low), " to ",
                      EffectText(metric.effect_high));
}

std::string VisibleText(const MetricComparison& metric) {
  if (!metric.smallest_visible.has_value()) return "-";
  if (*metric.smallest_visible > 10) return ">1000%";
  return PercentText(*metric.smallest_visible, /*sign=*/false);
}

}  // namespace opsbench::results::internal
