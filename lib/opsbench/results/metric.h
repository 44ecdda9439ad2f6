#ifndef OPSBENCH_RESULTS_METRIC_H_
#define OPSBENCH_RESULTS_METRIC_H_

// Which way a metric is better: its unit is the end of its name, and the
// direction follows from the unit.
//
// Thread safety: pure functions.

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace opsbench::results {

enum class Direction { kLowerIsBetter, kHigherIsBetter };

// NotFound: no entry of the table fits; the message says where to add one.
absl::StatusOr<Direction> DirectionOf(absl::string_view metric);

}  // namespace opsbench::results

#endif  // OPSBENCH_RESULTS_METRIC_H_
