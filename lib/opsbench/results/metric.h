#ifndef OPSBENCH_RESULTS_METRIC_H_
#define OPSBENCH_RESULTS_METRIC_H_

// Which way a metric gets better. A metric's unit is in its name, and its
// direction follows from the unit: metric.cc holds the one table that says so.

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace opsbench::results {

enum class Direction { kLowerIsBetter, kHigherIsBetter };

// `metric` is a counter's name, or "real_time" or "cpu_time".
//
// NotFound: no entry of the table fits; the message says what to do.
absl::StatusOr<Direction> DirectionOf(absl::string_view metric);

}  // namespace opsbench::results

#endif  // OPSBENCH_RESULTS_METRIC_H_
