#ifndef OPSBENCH_RESULTS_BENCHMARK_JSON_H_
#define OPSBENCH_RESULTS_BENCHMARK_JSON_H_

// Google Benchmark's JSON, in and out: the one format in which every
// measurement travels, whoever took it.
//
// Reading is tolerant of what real files hold: fields that older versions did
// not write, rows of Big-O fits without times, a byte order mark, and bare NaN
// and Infinity, which are not JSON. Writing is not: what it writes is JSON.
//
// Thread safety: the functions keep no state.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace opsbench::results {

// One element of "benchmarks".
struct BenchmarkRow {
  std::string name;
  // The name without the suffix of an aggregate: what rows are grouped by.
  std::string run_name;
  std::string run_type = "iteration";  // Or "aggregate".
  std::string aggregate_name;          // "mean", "median", "cv", "BigO" …
  std::string aggregate_unit;          // "time" or "percentage".
  int64_t repetitions = 0;  // 0 before version 1.5, which knows no index.
  int64_t repetition_index = 0;
  // Which of the processes that the file was merged from took the row, from 1;
  // 0 in a file of one process. Google Benchmark knows no such field.
  int64_t process = 0;
  int64_t threads = 1;
  int64_t iterations = 0;
  // Per iteration, in time_unit. NaN when the file gives none. A fraction
  // whatever time_unit says when aggregate_unit is "percentage".
  double real_time = 0;
  double cpu_time = 0;
  std::string time_unit = "ns";
  // Every other number of the row. Rates are per second whatever time_unit is.
  // May hold NaN and infinities, which are not written.
  std::map<std::string, double> counters;
  std::string label;
  bool error_occurred = false;
  std::string error_message;
  // Left out on purpose: neither a measurement nor an error.
  bool skipped = false;
  std::string skip_message;
};

struct BenchmarkFile {
  // Scalars as text; lists, such as those of caches, are left out.
  std::map<std::string, std::string> context;
  std::vector<BenchmarkRow> rows;
};

// `source` is what errors call the text, for example its path.
//
// InvalidArgument: not JSON (the message says where), no list of benchmarks,
// rows that have nothing of Google Benchmark's but names (another tool's), or a
// row without a name, with a field of the wrong type or an unknown time unit
// (the message holds the row's index).
absl::StatusOr<BenchmarkFile> ParseBenchmarkJson(absl::string_view text,
                                                 absl::string_view source);

using RowVisitor = absl::FunctionRef<absl::Status(const BenchmarkRow&)>;

// The same row by row, for files that are large: calls `visit` with each, in
// order, and fills `context` unless it is null. Stops at the first error,
// `visit`'s included, when the rows before it have been visited.
absl::Status VisitBenchmarkJson(absl::string_view text,
                                absl::string_view source, RowVisitor visit,
                                std::map<std::string, std::string>* context);

// As ParseBenchmarkJson. NotFound: no such file; other codes as reading it
// fails.
absl::StatusOr<BenchmarkFile> ReadBenchmarkFile(const std::string& path);

// JSON that ParseBenchmarkJson, Google Benchmark's compare.py and
// github-action-benchmark read. Numbers keep every digit; times and counters
// that are not finite are left out.
std::string FormatBenchmarkJson(const BenchmarkFile& file);

// Whether the file is a result that may be trusted: it has at least one row, no
// row with an error, and each iteration row has a real time that is finite and
// above 0 and a processor time that is finite and not below 0. Skipped rows
// pass, but not alone. FailedPrecondition lists the first five faults and
// counts the rest.
absl::Status CheckBenchmarkFile(const BenchmarkFile& file,
                                absl::string_view source);

// `time` of a row in nanoseconds; NaN for a unit that is not ns, us, ms or s.
double ToNanoseconds(double time, absl::string_view time_unit);

}  // namespace opsbench::results

#endif  // OPSBENCH_RESULTS_BENCHMARK_JSON_H_
