#ifndef OPSBENCH_VECTOR_SEARCH_H_
#define OPSBENCH_VECTOR_SEARCH_H_

// Searches over one measurement function, under the names that scripts of the
// Valkey search benchmark know: binary search, grid, constraints.
//
// Thread safety: as tuner.h.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "opsbench/vector/tuner.h"

namespace opsbench::vector {

struct BinarySearchOptions {
  double target_recall = 0.95;
  std::string param_name = "num_clients";
  // Both are values to try; of more than 128 between them, as many that grow
  // by about the same factor.
  int64_t min_val = 1;
  int64_t max_val = 200;
  // All but its parameters and least recall, which the above replaces.
  TuneOptions tune;
};

// The most queries per second at the target recall, over one parameter. What
// recall rises with is halved towards its least value that has enough: upwards
// where recall is too low.
absl::StatusOr<TuneResult> BinarySearchMaxQps(
    const BinarySearchOptions& options,
    const std::function<absl::StatusOr<Sample>(int64_t)>& evaluate);

struct ConstraintSearchOptions {
  double min_recall = 0.95;
  absl::optional<double> max_latency_p99_ms;
  std::string param_name = "num_clients";
  int64_t min_val = 1;
  int64_t max_val = 200;
  TuneOptions tune;  // As above, and but its highest p99.
};

// The same, and with a p99 that is at most `max_latency_p99_ms`.
absl::StatusOr<TuneResult> FindMaxQpsWithConstraints(
    const ConstraintSearchOptions& options,
    const std::function<absl::StatusOr<Sample>(int64_t)>& evaluate);

struct GridOptions {
  std::vector<Parameter> param_grid;
  // Which settings to keep; null: all.
  std::function<bool(const Evidence&)> filter;

  int repeats = 1;
  absl::Duration budget = absl::InfiniteDuration();
  const std::atomic<bool>* stop = nullptr;
  std::function<int64_t()> now_ns;  // Null: MonotonicNowNs().
  // Settings are measured in an order drawn by lot, so that a drift of the
  // machine is not taken for an effect, and half a grid covers all of it.
  uint64_t seed = 1;
};

struct GridResult {
  // Those that the filter keeps and those that could not be measured, in the
  // grid's order, the first parameter fastest. `feasible` and `decided` say
  // only whether a setting could be measured.
  std::vector<Evidence> kept;
  int64_t settings = 0;  // In the grid.
  int64_t measured = 0;
  int64_t failed = 0;  // Could not be measured; not among `measured`.
  int evaluations = 0;
  absl::Duration elapsed;
  // "complete", "budget", "interrupted", "failures" (`failure` ended it).
  std::string ended;
  // The evaluator's error that ended the grid, after something was measured.
  absl::Status failure;
};

// Measures all combinations. Errors as Tune().
absl::StatusOr<GridResult> GridSearch(const GridOptions& options,
                                      const Evaluator& evaluate);

// The values that a range stands for: all of them, or 128.
std::vector<int64_t> RangeValues(int64_t min_val, int64_t max_val);

}  // namespace opsbench::vector

#endif  // OPSBENCH_VECTOR_SEARCH_H_
