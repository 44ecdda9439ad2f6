#ifndef OPSBENCH_RESULTS_INTERNAL_METRIC_TEXT_H_
#define OPSBENCH_RESULTS_INTERNAL_METRIC_TEXT_H_

// Values of metrics, and changes of them, for people.
//
// Thread safety: pure functions.

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "opsbench/results/comparison.h"

namespace opsbench::results::internal {

// Of a metric whose name ends in its unit: "52.3 µs" for p99_us, "1.72M/s" for
// items_per_second, "3 MiB" for peak_mib; other numbers as they are. "-" for
// none.
std::string ValueText(absl::string_view metric, absl::optional<double> value);

// "ns", "us", "bytes", "items/s" … ; empty when the name tells none.
std::string UnitOf(absl::string_view metric);

// "+3.2%", "-0.04%", "x2.7" for what more than doubled; "-" for none.
std::string EffectText(absl::optional<double> effect);

// "+1.0% to +5.5%"; "-" for none.
std::string IntervalText(const MetricComparison& metric);

// "2.0%"; "-" where no change, however large, would have been seen.
std::string VisibleText(const MetricComparison& metric);

}  // namespace opsbench::results::internal

#endif  // OPSBENCH_RESULTS_INTERNAL_METRIC_TEXT_H_
