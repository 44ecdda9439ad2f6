#ifndef OPSBENCH_VECTOR_BENCHMARK_H_
#define OPSBENCH_VECTOR_BENCHMARK_H_

// Measures vector search from configuration to result, and searches for the
// best configuration; for scripts of one's own. The names are those of the
// Valkey search benchmark's wrapper; benchmarks/vector/example_max_qps.cc
// shows them at work.
//
//   VectorBenchmark benchmark;
//   BenchmarkConfig config;
//   config.dataset = "clusters-10k-64";
//   config.ef_search = 100;
//   absl::StatusOr<BenchmarkResult> result = benchmark.Run(config);
//
// Data sets, their right neighbours and indexes are kept from one call to the
// next: an index of this process is built once for each data set and build
// options, and one on a server is loaded unless it is there already, of the
// same data and options, which its mark says (BACKENDS.md).
//
// Thread safety: a VectorBenchmark is for one thread.

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "opsbench/base/stage.h"
#include "opsbench/vector/backend.h"
#include "opsbench/vector/benchmark_config.h"
#include "opsbench/vector/dataset.h"
#include "opsbench/vector/search.h"
#include "opsbench/vector/tuner.h"

namespace opsbench::vector {

struct GroundTruth;

namespace internal {
class Target;
}  // namespace internal

struct BenchmarkHooks {
  // Ends whatever goes on, soon.
  const std::atomic<bool>* stop = nullptr;
  // What goes on, for a line of progress: often, and from the caller's thread
  // or one that a call started, never from two at once.
  std::function<void(const std::string&)> on_progress;
  // After each measurement.
  std::function<void(const BenchmarkResult&)> on_result;
  // Right before the part of a measurement that is timed, with true, and right
  // after it, with false; from any thread, one at a time.
  std::function<void(bool)> on_measured;
};

// What on a server a load may take the place of. What an interrupted load of
// the same data and options left is replaced in any case.
enum class Replace {
  kNothing,
  kOurs,     // An index that opsbench loaded.
  kForeign,  // Also what opsbench did not make.
};

struct LoadResult {
  int64_t vectors = 0;
  double seconds = 0;
  double vectors_per_second = 0;
  int64_t index_bytes = 0;  // 0: not known.
  bool was_there = false;   // Nothing was loaded.
  std::string answered_by;
};

// What a search for a setting came to.
struct SearchOutcome {
  TuneResult search;
  // The best setting measured once more, which decides: its own figures keep
  // the constraints, or the next best is tried. When none keeps them, the
  // measurement with the median of queries per second of the closest.
  absl::optional<BenchmarkResult> best;
  bool feasible = false;  // `best` keeps the constraints.
};

class VectorBenchmark {
 public:
  explicit VectorBenchmark(BenchmarkHooks hooks = {});
  ~VectorBenchmark();
  VectorBenchmark(const VectorBenchmark&) = delete;
  VectorBenchmark& operator=(const VectorBenchmark&) = delete;

  // Builds the index, or loads it into the server. With another `replace` than
  // kNothing it does so although the index is there. FailedPrecondition: what
  // is there is not to be replaced; the message names it and the flag.
  absl::StatusOr<LoadResult> Load(const BenchmarkConfig& config,
                                  Replace replace = Replace::kNothing);

  // One measurement. Errors as Load(); what CheckConfig() finds; NotFound and
  // InvalidArgument of the data set; FailedPrecondition of a server that cannot
  // search vectors; Unavailable of one that cannot be reached, or went away.
  // Replies that were errors are no error of the call, unless there was no
  // other: Unavailable. InvalidArgument: a filter that passes no vector, so
  // that there is no recall. DataLoss: the requests did not have their effect,
  // as read back afterwards. A window in which no request ends is made longer
  // until one does.
  absl::StatusOr<BenchmarkResult> Run(const BenchmarkConfig& config);

  // Signals a stage to tools outside; see base/stage.h. Run() signals
  // "<operation>", exactly the timed part, with what DescribeSetting() says as
  // its tag; before it "baseline", "populate" and "warmup".
  std::unique_ptr<Stage> StartStage(absl::string_view name,
                                    absl::string_view tag = {}) const;

  // The searches of search.h over Run(). A measurement with errors is none: its
  // setting is unknown. A server that does not answer any more ends the search
  // with what was measured before, as `failure`. InvalidArgument: a least
  // recall for an operation that has none.
  absl::StatusOr<SearchOutcome> BinarySearchMaxQps(
      const BenchmarkConfig& base_config, const BinarySearchOptions& options);
  absl::StatusOr<SearchOutcome> FindMaxQpsWithConstraints(
      const BenchmarkConfig& base_config,
      const ConstraintSearchOptions& options);
  absl::StatusOr<GridResult> GridSearch(const BenchmarkConfig& base_config,
                                        const GridOptions& options);
  // `confirm`: how the best is measured once more, if not as all the others.
  absl::StatusOr<SearchOutcome> Tune(
      const BenchmarkConfig& base_config, const TuneOptions& options,
      const absl::optional<BenchmarkConfig>& confirm = absl::nullopt);

  // Every measurement so far.
  const std::vector<BenchmarkResult>& results() const { return results_; }

  // What would answer.
  absl::StatusOr<BackendInfo> Info(const BenchmarkConfig& config);

  // The data set of a configuration, as Run() would open it.
  absl::StatusOr<const Dataset*> Open(const BenchmarkConfig& config);

 private:
  struct Truths;

  absl::StatusOr<internal::Target*> OpenTarget(const BenchmarkConfig& config,
                                               const Dataset* data);
  absl::StatusOr<LoadResult> LoadInto(internal::Target& target,
                                      const BenchmarkConfig& config,
                                      const Dataset& data, Replace replace);
  absl::StatusOr<const GroundTruth*> TruthOf(const BenchmarkConfig& config,
                                             const Dataset& data);
  absl::StatusOr<BenchmarkResult> MeasureOnce(const BenchmarkConfig& config,
                                              internal::Target& target,
                                              const Dataset* data,
                                              const GroundTruth* truth);
  absl::Status Prepare(const BenchmarkConfig& config, double min_recall);
  absl::StatusOr<Sample> Measure(BenchmarkConfig config,
                                 const std::vector<std::string>& names,
                                 const Setting& setting);
  SearchOutcome Confirm(const BenchmarkConfig& config,
                        const std::vector<std::string>& names,
                        const Constraints& constraints, TuneResult search,
                        size_t first);
  const BenchmarkResult* MedianOf(const std::vector<std::string>& names,
                                  const Setting& setting, size_t first) const;
  void Say(const std::string& text) const;

  BenchmarkHooks hooks_;
  std::map<std::string, std::unique_ptr<Dataset>> datasets_;
  std::unique_ptr<Truths> truths_;
  // The target in use, and of what.
  std::unique_ptr<internal::Target> target_;
  std::string target_key_;
  std::vector<BenchmarkResult> results_;
};

}  // namespace opsbench::vector

#endif  // OPSBENCH_VECTOR_BENCHMARK_H_
