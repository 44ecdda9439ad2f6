#include "opsbench/results/metric.h"

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace opsbench::results {
namespace {

struct Unit {
  absl::string_view name;  // The whole metric, or its end behind a "_".
  Direction direction;
};

constexpr Unit kUnits[] = {
    {"ns", Direction::kLowerIsBetter},
    {"us", Direction::kLowerIsBetter},
    {"ms", Direction::kLowerIsBetter},
    {"s", Direction::kLowerIsBetter},
    {"bytes", Direction::kLowerIsBetter},
    {"mib", Direction::kLowerIsBetter},
    {"pct", Direction::kLowerIsBetter},
    {"errors", Direction::kLowerIsBetter},
    {"real_time", Direction::kLowerIsBetter},
    {"cpu_time", Direction::kLowerIsBetter},
    {"per_second", Direction::kHigherIsBetter},
    {"qps", Direction::kHigherIsBetter},
    {"recall", Direction::kHigherIsBetter},
};

}  // namespace

absl::StatusOr<Direction> DirectionOf(absl::string_view metric) {
  for (const Unit& unit : kUnits) {
    if (metric == unit.name ||
        absl::EndsWith(metric, absl::StrCat("_", unit.name))) {
      return unit.direction;
    }
  }
  return absl::NotFoundError(
      absl::StrCat("metric ", metric,
                   " has no known unit at its end: add one to the table of "
                   "lib/opsbench/results/metric.cc"));
}

}  // namespace opsbench::results
