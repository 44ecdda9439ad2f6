#ifndef OPSBENCH_RESULTS_INTERNAL_REPORT_FIGURES_H_
#define OPSBENCH_RESULTS_INTERNAL_REPORT_FIGURES_H_

// Which figures show an area's benchmarks best, told from their names and
// counters alone.
//
// Thread safety: pure functions.

#include <vector>

#include "absl/types/span.h"
#include "opsbench/results/internal/report_benchmarks.h"
#include "opsbench/results/report_figure.h"

namespace opsbench::results::internal {

// One figure for each family of benchmarks and engine; families that have one
// benchmark for each rival share one.
//
// Its charts: for each numeric key with several values (threads, items, level)
// a line for each rival over that key, others being fixed; where there are keys
// that are no numbers (mix, persister), or nothing to draw a line over, a row
// of dots for each combination; for counters that are percentiles of one
// quantity (put_p50_ns, put_p99_ns) latency over percentile; for bytes, what
// memory or disk is taken.
std::vector<ReportFigure> PlanFigures(
    absl::Span<const ReportBenchmark> benchmarks);

}  // namespace opsbench::results::internal

#endif  // OPSBENCH_RESULTS_INTERNAL_REPORT_FIGURES_H_
