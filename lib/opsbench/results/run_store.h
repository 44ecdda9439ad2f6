#ifndef OPSBENCH_RESULTS_RUN_STORE_H_
#define OPSBENCH_RESULTS_RUN_STORE_H_

// Runs, baselines and the history in a state folder (`.opsbench`), whose format
// FORMAT.md specifies. A run's life: CreateRun, then each benchmark binary
// writes `<folder>/<area>.json`, then FinishRun.
//
// Thread safety: the class holds nothing but a path; processes and threads may
// share a state folder. One run belongs to one caller until it is finished.

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opsbench/results/benchmark_json.h"
#include "opsbench/results/run_info.h"

namespace opsbench::results {

// A run or a baseline, read.
struct Run {
  std::string folder;
  RunInfo info;
  std::map<std::string, BenchmarkFile> areas;
  // The areas of info.areas without a usable file, and why. Whoever judges a
  // run has to report them: a missing result must not pass for a good one.
  std::map<std::string, absl::Status> failed_areas;
};

// FailedPrecondition: an area of the run has no usable results.
absl::Status CheckWhole(const Run& run);

// A run or a baseline that lies in the state folder.
struct StoredRun {
  std::string name;
  std::string folder;
  absl::StatusOr<RunInfo> info;  // Or why it cannot be read.
};

// InvalidArgument: `name` is not made of letters, digits, '.', '_' and '-',
// begins with '.' or '-', or means something else: "latest", "previous", a run,
// a file of results.
absl::Status CheckBaselineName(absl::string_view name);

// Reads the results of one of `info.areas` in a run's folder, row by row. As
// ReadBenchmarkFile() and VisitBenchmarkJson(). FailedPrecondition: what no run
// leaves behind, and what would be taken for nothing to compare: a file without
// a benchmark, with another area's, or with the same repetition twice.
absl::Status VisitArea(const RunInfo& info, const std::string& folder,
                       const std::string& area, RowVisitor visit,
                       std::map<std::string, std::string>* context);

class RunStore {
 public:
  // Touches nothing: folders are made when they are written to.
  explicit RunStore(std::filesystem::path state_folder);

  // Makes `<state>/runs/<UTC basic time>-<short sha>`, with -2, -3 … appended
  // when taken, writes its run.json with the status "running", and returns the
  // folder.
  //
  // InvalidArgument: info.started is no time, or info.git_short_sha no name.
  absl::StatusOr<std::string> CreateRun(const RunInfo& info);

  // Where the results of an area belong.
  static std::string AreaFile(absl::string_view folder, absl::string_view area);

  // Rewrites run.json and appends a line for each measurement to the history.
  // The status becomes "complete" when every area of info.areas left a file
  // that can be read; else, or when info.status is kInterrupted already,
  // "interrupted". Load says which areas failed and why.
  //
  // FailedPrecondition: the run is finished already. NotFound: no such run.
  absl::Status FinishRun(const std::string& folder, const RunInfo& info);

  // Copies a run to `<state>/baselines/<name>` and replaces the baseline that
  // had the name. At every moment, also after an error, the name stands for a
  // whole baseline, the old or the new one.
  //
  // InvalidArgument: as CheckBaselineName(). FailedPrecondition: the run is not
  // complete, an area's results are gone since, or what has the name holds
  // files that Save() did not put there.
  absl::Status Save(const std::string& folder, const std::string& name);

  // What Save() would say of the name, before there is a run.
  absl::Status CheckSave(const std::string& name) const;

  // Removes a baseline: at every moment it is whole, or gone.
  //
  // Also one whose name could no longer be given. InvalidArgument: no folder
  // can be called so. NotFound: there is none. FailedPrecondition: it holds
  // files that Save() did not put there.
  absl::Status Remove(const std::string& name);

  // Baselines by name; runs from the oldest to the newest, by the order in
  // which they were created whatever the clock said. Empty when there is no
  // state folder yet; errors are those of reading it.
  absl::StatusOr<std::vector<StoredRun>> ListBaselines() const;
  absl::StatusOr<std::vector<StoredRun>> ListRuns() const;

  // The folder of the newest complete run (`latest`) or the one before
  // (`previous`), of the baseline of that name, else of the run of that name,
  // else that path if there is a run.json.
  //
  // NotFound: none of these. FailedPrecondition: a run that may be newer than
  // the one asked for cannot be read.
  absl::StatusOr<std::string> Find(const std::string& folder_or_name) const;

  // Reads the run that Find() finds. Areas that are missing or unreadable end
  // up in failed_areas.
  //
  // As Find() and ParseRunInfo().
  absl::StatusOr<Run> Load(const std::string& folder_or_name) const;

 private:
  absl::StatusOr<std::string> FindAlias(const std::string& alias) const;

  std::filesystem::path state_folder_;
};

}  // namespace opsbench::results

#endif  // OPSBENCH_RESULTS_RUN_STORE_H_
