#ifndef OPSBENCH_TOOLS_CLI_AREA_PROCESS_H_
#define OPSBENCH_TOOLS_CLI_AREA_PROCESS_H_

// An area's benchmark binary, run as one process, and the file into which the
// results of several such processes go.
//
// Thread safety: for the main thread.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "opsbench/results/benchmark_json.h"

namespace opsbench::cli {

struct AreaProcess {
  std::string area;
  // The binary and its flags, but for those that say where results go.
  std::vector<std::string> arguments;
  std::map<std::string, std::string> environment;
  // The names that the flags select, in the order in which they run.
  std::vector<std::string> benchmarks;
  std::string folder;  // The run's.
  bool stages = false;
  // Which of how many processes of this area it is, from 1.
  int64_t turn = 1;
  int64_t turns = 1;
};

struct AreaResult {
  bool failed = false;       // A benchmark, or the process.
  bool interrupted = false;  // By Ctrl-C.
  // Not all benchmarks were measured, and not because of Ctrl-C: how the
  // process ended.
  std::string problem;
};

// The names of the benchmarks that `arguments`, a binary and its flags, select.
// Internal: the binary does not tell.
absl::StatusOr<std::vector<std::string>> SelectedBenchmarks(
    std::vector<std::string> arguments);

// Runs the process and adds to `merged` what it measured, also what it measured
// before a crash, and an error for the benchmark that crashed; then writes
// `merged` to `<folder>/<area>.json`. An error: no process, or no file could be
// written.
absl::StatusOr<AreaResult> RunAreaProcess(const AreaProcess& process,
                                          results::BenchmarkFile* merged);

}  // namespace opsbench::cli

#endif  // OPSBENCH_TOOLS_CLI_AREA_PROCESS_H_
