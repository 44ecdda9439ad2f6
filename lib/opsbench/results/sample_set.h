#ifndef OPSBENCH_RESULTS_SAMPLE_SET_H_
#define OPSBENCH_RESULTS_SAMPLE_SET_H_

// What one side of a comparison measured: the values of every metric of every
// benchmark, from one process or several. Files are read row by row, so that
// large ones cost no more memory than their text.
//
// Thread safety: not thread-safe.

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "opsbench/results/benchmark_json.h"
#include "opsbench/results/run_info.h"

namespace opsbench::results {

// The values of one metric, finite ones alone.
struct Samples {
  std::vector<double> values;
  std::vector<int32_t> processes;  // Which process took each.
  int64_t not_finite = 0;          // Left out.
};

struct BenchmarkSamples {
  std::string area;
  std::string name;
  // By metric: "real_time_ns", "cpu_time_ns", counters by their names.
  std::map<std::string, Samples, std::less<>> metrics;
  bool failed = false;  // In one process at least.
  std::string error_message;
  bool skipped = false;  // In all processes.
  std::string skip_message;
  // The file keeps no repetitions: the values are its medians, or its means.
  bool aggregates_only = false;
};

// Where values of a set come from.
struct SampleSource {
  std::string name;                            // The file or the folder.
  absl::optional<RunInfo> info;                // Of a run.
  std::map<std::string, std::string> context;  // Of the file, or each area's.
};

class SampleSet {
 public:
  // `name` is what reports call this side.
  explicit SampleSet(std::string name) : name_(std::move(name)) {}

  // Adds the results of one process, or of those that its rows name. As
  // ReadBenchmarkFile(). FailedPrecondition: it holds no benchmark.
  absl::Status AddFile(const std::string& path);

  // The same of `text`, which errors call `source`. As ParseBenchmarkJson().
  absl::Status AddText(absl::string_view text, const std::string& source);

  // Adds the run in `folder`. Areas that it lacks, and why, become failures().
  // NotFound: no run.json; FailedPrecondition: it names no area; else as
  // ParseRunInfo().
  absl::Status AddRun(const std::string& folder);

  // From how many processes the values are.
  int64_t process_count() const {
    return static_cast<int64_t>(processes_.size());
  }
  // The values of `count` processes alone, from the `first`-th on, in the order
  // of the sources and of the processes within each. A benchmark that failed in
  // any process is failed. REQUIRES: there are as many.
  SampleSet OfProcesses(int64_t first, int64_t count) const;

  const std::string& name() const { return name_; }
  void set_name(std::string name) { name_ = std::move(name); }
  // In the order in which they were read.
  const std::vector<BenchmarkSamples>& benchmarks() const {
    return benchmarks_;
  }
  const std::vector<SampleSource>& sources() const { return sources_; }
  // Areas without results, and why.
  const std::map<std::string, std::string>& failures() const {
    return failures_;
  }
  // Names that stand for several benchmarks of one file: the second is called
  // "name #2", and so on.
  const std::vector<std::string>& duplicates() const { return duplicates_; }

 private:
  struct Reading;  // Of one file.

  absl::Status AddRow(const BenchmarkRow& row, Reading* reading);
  void AddAggregate(const BenchmarkRow& row, Reading* reading);
  void TakeAggregates(Reading* reading);
  // Where it stands in benchmarks_, to which it is added if need be.
  size_t Find(const std::string& area, const std::string& name);
  void AddValues(const BenchmarkRow& row, BenchmarkSamples* samples);

  std::string name_;
  std::vector<BenchmarkSamples> benchmarks_;
  // A number for each source and process of it.
  std::map<std::pair<size_t, int64_t>, int32_t> processes_;
  // Into benchmarks_, by area and name.
  absl::flat_hash_map<std::pair<std::string, std::string>, size_t> places_;
  std::vector<SampleSource> sources_;
  std::map<std::string, std::string> failures_;
  std::vector<std::string> duplicates_;
};

}  // namespace opsbench::results

#endif  // OPSBENCH_RESULTS_SAMPLE_SET_H_
