#include "opsbench/results/metric.h"

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace opsbench::results {
namespace {

constexpr Direction kLower = Direction::kLowerIsBetter;
constexpr Direction kHigher = Direction::kHigherIsBetter;

// The one table of units: the last word, or words, of a metric's name. A name
// fits one entry at most, so that their order is of no account.
constexpr struct {
  absl::string_view unit;
  Direction direction;
} kUnits[] = {
    {"ns", kLower},      {"us", kLower},      {"ms", kLower},
    {"s", kLower},       {"bytes", kLower},   {"mib", kLower},
    {"pct", kLower},     {"time", kLower},  // real_time and cpu_time.
    {"per_row", kLower}, {"per_op", kLower},  {"per_second", kHigher},
    {"qps", kHigher},    {"recall", kHigher}, {"peak_share", kHigher},
};

}  // namespace

absl::StatusOr<Direction> DirectionOf(absl::string_view metric) {
  for (const auto& [unit, direction] : kUnits) {
    absl::string_view rest = metric;
    if (!absl::ConsumeSuffix(&rest, unit)) continue;
    // "writes_per_s" is a rate, not a duration: the other entries are units,
    // and one unit in another's denominator turns its meaning around.
    if (absl::EndsWith(rest, "_per_")) continue;
    if (rest.empty() || absl::EndsWith(rest, "_")) return direction;
  }
  return absl::NotFoundError(absl::StrCat(
      "metric \"", metric,
      "\" does not end in a unit that says whether higher or lower is better: "
      "rename it (as in p99_us, resident_bytes, rows_per_second) or add its "
      "unit to the table in lib/opsbench/results/metric.cc"));
}

}  // namespace opsbench::results
