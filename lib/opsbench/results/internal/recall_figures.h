#ifndef OPSBENCH_RESULTS_INTERNAL_RECALL_FIGURES_H_
#define OPSBENCH_RESULTS_INTERNAL_RECALL_FIGURES_H_

// What benchmarks of approximate search show best: throughput against recall,
// and what latency a throughput costs.
//
// Thread safety: pure functions.

#include <vector>

#include "absl/types/span.h"
#include "opsbench/results/internal/report_benchmarks.h"
#include "opsbench/results/report_figure.h"

namespace opsbench::results::internal {

// One for each family whose benchmarks have a recall and a throughput; none
// when there are fewer than three, or all have the same recall.
//
// A line is the Pareto front of what its name says (backend, data set): the
// settings of ef, clients and so on that no other beats in both; those that are
// beaten are points beside it. A second chart has throughput and the 99th
// percentile as clients grow, everything else being fixed.
std::vector<ReportFigure> RecallFigures(
    absl::Span<const ReportBenchmark> benchmarks);

}  // namespace opsbench::results::internal

#endif  // OPSBENCH_RESULTS_INTERNAL_RECALL_FIGURES_H_
