#ifndef OPSBENCH_TOOLS_CLI_AREA_RUN_H_
#define OPSBENCH_TOOLS_CLI_AREA_RUN_H_

// One run of the areas' benchmark binaries, kept in the state folder: what
// `run` does once and `matrix` for each size.
//
// Thread safety: for the main thread.

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "command.h"
#include "opsbench/results/run_store.h"

namespace opsbench::cli {

struct AreaRunOptions {
  std::vector<std::string> areas;    // Empty: all.
  std::vector<std::string> engines;  // Empty: all.
  std::string scale = "quick";
  std::string filter;
  uint64_t seed = 1;
  int64_t rows = 0;        // 0: as the scale says.
  int64_t iterations = 1;  // Processes in which each area is measured.
};

struct AreaRun {
  results::Run run;
  bool failed = false;       // A benchmark, or a whole area.
  bool interrupted = false;  // By Ctrl-C; what was measured before is kept.
};

// InvalidArgument: an unknown area or engine, or a filter that is no regular
// expression or fits nothing. Other codes as engines and benchmarks fail.
absl::StatusOr<AreaRun> MeasureAreas(const AreaRunOptions& options,
                                     const Context& context);

// "sidetable, memtable".
std::string AreaNames();

}  // namespace opsbench::cli

#endif  // OPSBENCH_TOOLS_CLI_AREA_RUN_H_
