#ifndef OPSBENCH_RESULTS_BENCHMARK_JSON_H_
#define OPSBENCH_RESULTS_BENCHMARK_JSON_H_

// Google Benchmark's JSON, in and out: the one schema of all results.
//
// Reading is tolerant, because files come from other projects and other
// versions: fields may be missing, bare NaN and Infinity stand where JSON has
// none, rows of complexities have no times. Writing is strict JSON.
//
// Thread safety: value types and pure functions.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace opsbench::results {

struct BenchmarkRow {
  std::string name;      // With the aggregate's suffix.
  std::string run_name;  // Without; rows of one benchmark share it.
  std::string run_type = "iteration";  // Or "aggregate".
  std::string aggregate_name;          // "mean", "cv", …
  std::string aggregate_unit;          // "time" or "percentage" (a fraction).
  int64_t repetitions = 0;
  int64_t repetition_index = 0;
  int64_t threads = 1;
  int64_t iterations = 0;
  double real_time = 0;  // Of one iteration, in time_unit.
  double cpu_time = 0;
  std::string time_unit = "ns";            // Or "us", "ms", "s".
  std::map<std::string, double> counters;  // Rates are per second.
  std::string label;
  bool error_occurred = false;
  std::string error_message;

  // real_time in nanoseconds, whatever its unit.
  double real_time_ns() const;
  double cpu_time_ns() const;
};

struct BenchmarkFile {
  std::map<std::string, std::string> context;  // Its scalars, as text.
  std::vector<BenchmarkRow> rows;
};

// InvalidArgument says which `source`, where and what: no JSON (with the byte),
// no list of benchmarks, a row (by index) without a name, a field of the wrong
// type, an unknown time unit.
absl::StatusOr<BenchmarkFile> ParseBenchmarkJson(absl::string_view text,
                                                 absl::string_view source);

// NotFound: no such file.
absl::StatusOr<BenchmarkFile> ReadBenchmarkFile(const std::string& path);

// Numbers that are not finite are left out.
std::string FormatBenchmarkJson(const BenchmarkFile& file);

// Whether it is a result worth keeping. FailedPrecondition: it has no row, rows
// that ended with an error (the message has the first five), or an iteration
// without a time above 0.
absl::Status CheckBenchmarkFile(const BenchmarkFile& file,
                                absl::string_view source);

}  // namespace opsbench::results

#endif  // OPSBENCH_RESULTS_BENCHMARK_JSON_H_
