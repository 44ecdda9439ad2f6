#ifndef OPSBENCH_RESULTS_RUN_INFO_H_
#define OPSBENCH_RESULTS_RUN_INFO_H_

// What a run was: the content of its run.json, which FORMAT.md specifies. A
// comparison reads it to tell whether two runs may be compared at all.
//
// Thread safety: the functions keep no state; the structs are plain data.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace opsbench::results {

// Raised with every change of run.json that an older reader would misread.
inline constexpr int kRunSchemaVersion = 1;

struct EngineInfo {
  std::string name;     // "mysql", "postgres", "sqlite" …
  std::string version;  // As it describes itself: "10.11.6-MariaDB".
  std::map<std::string, std::string> settings;
};

enum class RunStatus {
  kRunning,      // Or its process was killed: nobody finished it.
  kInterrupted,  // Ended before all was measured.
  kComplete,
};

struct RunInfo {
  int schema_version = kRunSchemaVersion;
  RunStatus status = RunStatus::kRunning;
  // The order in which the runs of a state folder were created, from 1; 0 of
  // those that knew none.
  int64_t sequence = 0;
  std::string started;  // ISO 8601 in UTC: "2026-01-31T12:00:00Z".

  // "unknown", with the short sha "nogit", outside a git checkout.
  std::string git_sha = "unknown";
  std::string git_short_sha = "nogit";
  std::string git_branch = "unknown";  // "HEAD" when detached.
  // Whether a tracked file was changed. Untracked ones do not count: none is
  // built before a tracked CMakeLists.txt names it.
  bool git_dirty = false;

  std::string compiler;  // "GNU 12.2.0".
  std::string flags;     // Those of the build type included.
  std::string build_type;

  std::string cpu_model = "unknown";
  int cores = 0;  // That this process may run on.
  int64_t memory_bytes = 0;
  std::string kernel = "unknown";  // "Linux 6.1.0-18-amd64".

  std::string scale;  // "smoke", "quick" or "full".
  uint64_t seed = 0;
  std::vector<std::string> areas;  // Those asked for.
  std::string filter;              // Of benchmarks' names; empty: all.
  int64_t rows = 0;                // 0: as the scale says.
  int64_t repetitions = 1;
  std::vector<EngineInfo> engines;
};

// What is known without asking the caller: the time, the checkout at
// `source_root`, how this library was built, and the machine. Scale, seed,
// areas and engines are left to the caller. Facts that cannot be had are
// "unknown"; nothing fails. Runs `git`, without a shell, and takes no lock of
// the repository.
RunInfo CollectRunInfo(const std::string& source_root);

// "running", "interrupted", "complete".
absl::string_view RunStatusName(RunStatus status);

// run.json, indented, ending in a newline.
std::string FormatRunInfo(const RunInfo& info);

// `source` is what errors call the text. Unknown keys are ignored.
//
// FailedPrecondition: of a later schema version. InvalidArgument: not JSON, or
// a key is missing or of the wrong type.
absl::StatusOr<RunInfo> ParseRunInfo(absl::string_view text,
                                     absl::string_view source);

}  // namespace opsbench::results

#endif  // OPSBENCH_RESULTS_RUN_INFO_H_
