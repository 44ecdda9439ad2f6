#ifndef OPSBENCH_RESULTS_INTERNAL_REPORT_BENCHMARKS_H_
#define OPSBENCH_RESULTS_INTERNAL_REPORT_BENCHMARKS_H_

// Benchmarks with all their repetitions and all their metrics, as a report
// shows them.
//
// Thread safety: pure functions.

#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "opsbench/results/benchmark_json.h"
#include "opsbench/results/internal/pivot.h"

namespace opsbench::results::internal {

struct ReportBenchmark {
  std::string run_name;
  NameParts name;
  Measurement::State state = Measurement::State::kMeasured;
  std::string message;  // Of an error or a skip.
  // "real_time_ns", "cpu_time_ns" and the counters; finite values only.
  std::map<std::string, std::vector<double>> samples;

  // The median; absent without samples.
  absl::optional<double> Value(const std::string& metric) const;
};

// In the order of the first rows. Repetitions count if there are any, else the
// aggregate "median", else "mean", as in Summarize().
std::vector<ReportBenchmark> CollectBenchmarks(
    absl::Span<const BenchmarkRow> rows);

// "impl" or "strategy" where names have it: what tells rivals apart.
std::string RivalKeyOf(absl::Span<const ReportBenchmark* const> benchmarks);

// Whether a rival is opsbench's own.
bool IsOurs(absl::string_view rival);

// The counter that says how many operations a second: operations_per_second,
// items_per_second or qps; empty if there is none.
std::string ThroughputMetric(const ReportBenchmark& benchmark);

}  // namespace opsbench::results::internal

#endif  // OPSBENCH_RESULTS_INTERNAL_REPORT_BENCHMARKS_H_
