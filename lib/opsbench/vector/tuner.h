#ifndef OPSBENCH_VECTOR_TUNER_H_
#define OPSBENCH_VECTOR_TUNER_H_

// Finds the setting with the most queries per second among those that keep
// constraints on recall and latency, with few and noisy measurements.
//
// Thread safety: pure; Tune() calls its evaluator from its own thread.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace opsbench::vector {

// One dimension of the search space: its values ascend.
struct Parameter {
  std::string name;  // "clients", "threads", "pipeline", "ef".
  std::vector<int64_t> values;

  // What is known of it beforehand; used where measurements do not contradict.
  bool recall_rises = false;     // ef.
  bool recall_constant = false;  // clients, threads, pipeline.
  bool latency_rises = false;
};

// The value of each parameter, in their order.
using Setting = std::vector<int64_t>;

// One measurement of a setting.
struct Sample {
  double qps = 0;
  double p99_ms = 0;
  double recall = 1;
  double seconds = 0;  // What it took.
};

struct Constraints {
  double min_recall = 0;
  absl::optional<double> max_p99_ms;
};

struct TuneOptions {
  std::vector<Parameter> parameters;
  Constraints constraints;

  // Whichever is used up first ends the search.
  absl::Duration budget = absl::Minutes(5);
  int max_evaluations = 200;
  // Repeats of one setting at most.
  int max_repeats = 8;
  // Settings closer than this to the best are as good.
  double tolerance = 0.02;
  double confidence = 0.95;
};

struct Evidence {
  Setting setting;
  std::vector<Sample> samples;
  // Median and its interval at the confidence asked for.
  double qps = 0, qps_low = 0, qps_high = 0;
  double p99_ms = 0;
  double recall = 0;
  bool feasible = false;
  bool decided = false;  // Whether the intervals say so, not just the medians.
};

struct TuneResult {
  // Index into evidence; none: no setting keeps the constraints.
  absl::optional<size_t> best;
  // When none does: the one with the highest recall.
  size_t closest = 0;
  std::vector<Evidence> evidence;  // In the order of first measurement.
  int evaluations = 0;
  absl::Duration elapsed;
  std::string ended;  // "decided", "budget", "evaluations", "interrupted".
};

// An evaluator's error ends the search with it, unless it is
// ResourceExhausted or Unavailable: then the setting is infeasible.
absl::StatusOr<TuneResult> Tune(
    const TuneOptions& options,
    const std::function<absl::StatusOr<Sample>(const Setting&)>& evaluate);

}  // namespace opsbench::vector

#endif  // OPSBENCH_VECTOR_TUNER_H_
