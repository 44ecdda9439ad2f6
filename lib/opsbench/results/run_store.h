#ifndef OPSBENCH_RESULTS_RUN_STORE_H_
#define OPSBENCH_RESULTS_RUN_STORE_H_

// Where runs and baselines are kept: `runs/`, `baselines/` and `history.jsonl`
// in one folder. FORMAT.md says what is in them.
//
// Thread safety: thread-safe; several processes may use one folder.

#include <filesystem>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opsbench/results/benchmark_json.h"
#include "opsbench/results/run_info.h"

namespace opsbench::results {

struct Run {
  std::string folder;
  RunInfo info;
  std::map<std::string, BenchmarkFile> areas;  // By name, those that are there.
};

// InvalidArgument unless `name` consists of letters, digits, '.', '_' and '-',
// and begins with none of the punctuation.
absl::Status CheckBaselineName(absl::string_view name);

class RunStore {
 public:
  explicit RunStore(std::filesystem::path folder);

  // Makes `runs/<UTC time>-<short sha>` (with -2, -3 … behind it when that is
  // taken) with its run.json, and returns its path. The areas' files are for
  // the caller to write. PermissionDenied, ResourceExhausted.
  absl::StatusOr<std::string> CreateRun(const RunInfo& info);

  // Writes the final run.json and appends a line for each benchmark to the
  // history. InvalidArgument: a result in it cannot be read.
  absl::Status FinishRun(const std::string& run_folder, const RunInfo& info);

  // Copies a run to `baselines/<name>`, in place of an earlier one.
  // FailedPrecondition: the run is not complete.
  absl::Status Save(const std::string& run_folder, const std::string& name);

  // A run by its folder, or by its baseline's name. NotFound: neither.
  absl::StatusOr<Run> Load(const std::string& folder_or_name) const;

  // Names in alphabetical order.
  absl::StatusOr<std::vector<std::string>> Baselines() const;

 private:
  absl::Status AppendHistory(const Run& run);

  const std::filesystem::path folder_;
};

}  // namespace opsbench::results

#endif  // OPSBENCH_RESULTS_RUN_STORE_H_
