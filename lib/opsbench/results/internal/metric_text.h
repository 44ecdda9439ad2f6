#ifndef OPSBENCH_RESULTS_INTERNAL_METRIC_TEXT_H_
#define OPSBENCH_RESULTS_INTERNAL_METRIC_TEXT_H_

// A metric's values for people.
//
// Thread safety: pure functions.

#include <string>

#include "absl/strings/string_view.h"

namespace opsbench::results::internal {

// In the unit that fits and that the metric's name names: "1.72 ms" for
// real_time_ns and p99_us, "52.3k/s" for rows_per_second, "16.9 MiB" for
// peak_bytes; a bare number for what has no unit.
std::string FormatMetric(absl::string_view metric, double value);

// "+4.2%", "-0.3%"; "x12" from tenfold on.
std::string FormatChange(double relative_change);

}  // namespace opsbench::results::internal

#endif  // OPSBENCH_RESULTS_INTERNAL_METRIC_TEXT_H_
