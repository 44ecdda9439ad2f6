#ifndef OPSBENCH_RESULTS_RUN_INFO_H_
#define OPSBENCH_RESULTS_RUN_INFO_H_

// What has to be known of a run to judge its figures: source, build, machine,
// engines. The content of run.json; see FORMAT.md.
//
// Thread safety: value types and functions that keep no state.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace opsbench::results {

inline constexpr int kRunSchemaVersion = 1;

struct EngineInfo {
  std::string name;     // "mysql".
  std::string version;  // "MariaDB 10.11.6", as it says itself.
  std::map<std::string, std::string> settings;
};

enum class RunStatus {
  kRunning,      // Or it was killed.
  kComplete,     // All areas were run, though benchmarks may have failed.
  kInterrupted,  // By the user: what was measured is there.
};

struct RunInfo {
  int schema_version = kRunSchemaVersion;
  RunStatus status = RunStatus::kRunning;
  std::string started;  // ISO 8601, UTC: "2026-01-31T12:00:00Z".

  std::string git_sha = "unknown";
  std::string git_short_sha = "nogit";
  std::string git_branch = "unknown";
  bool git_dirty = false;

  std::string compiler;
  std::string flags;
  std::string build_type;

  std::string cpu_model;
  int cores = 0;
  int64_t memory_bytes = 0;
  std::string kernel;

  std::string scale;
  uint64_t seed = 0;
  std::vector<std::string> areas;
  std::vector<EngineInfo> engines;
};

// Fills in what can be found out: the time, the machine, the build, and git's
// view of `source_root`. What cannot keeps its default.
RunInfo CollectRunInfo(const std::string& source_root);

std::string FormatRunInfo(const RunInfo& info);

// InvalidArgument: not what FormatRunInfo() writes. FailedPrecondition: written
// by a later version.
absl::StatusOr<RunInfo> ParseRunInfo(absl::string_view text,
                                     absl::string_view source);

}  // namespace opsbench::results

#endif  // OPSBENCH_RESULTS_RUN_INFO_H_
