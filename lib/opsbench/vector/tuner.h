#ifndef OPSBENCH_VECTOR_TUNER_H_
#define OPSBENCH_VECTOR_TUNER_H_

// Finds the setting with the most queries per second among those that keep
// constraints on recall and latency, with few and noisy measurements. TUNER.md
// has the method, its sources and what it was tried on.
//
// Thread safety: pure; the evaluator is called from the caller's thread.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
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
  // Recall is searched by halving when it rises with one parameter and every
  // other leaves it alone.
  bool recall_rises = false;     // ef, probes.
  bool recall_constant = false;  // clients, threads, pipeline.
};

// With what is known of the usual names, "clients" or "num_clients", "threads",
// "pipeline", "ef" or "ef_search", "probes"; nothing of others.
Parameter MakeParameter(absl::string_view name, std::vector<int64_t> values);

// The value of each parameter, in their order.
using Setting = std::vector<int64_t>;

// One measurement of a setting.
struct Sample {
  double qps = 0;
  double p99_ms = 0;
  double recall = 1;
  double seconds = 0;  // What it took.
};

using Evaluator = std::function<absl::StatusOr<Sample>(const Setting&)>;

struct Constraints {
  double min_recall = 0;
  absl::optional<double> max_p99_ms;
};

// What of them a measurement breaks: "p99 12.3 ms is above 10 ms"; empty: it
// keeps them.
std::string BrokenConstraints(const Constraints& constraints,
                              const Sample& sample);

struct TuneOptions {
  std::vector<Parameter> parameters;
  Constraints constraints;

  // Whichever is used up first ends the search: time, of which a measurement
  // that is not likely to end in it is not begun, and measurements. 0: a fifth
  // of the settings, but at least 24 and at most 200.
  absl::Duration budget = absl::Minutes(5);
  int max_evaluations = 0;
  // Measurements of one setting at most.
  int max_repeats = 16;
  // Settings closer than this to the best are as good.
  double tolerance = 0.05;
  double confidence = 0.95;

  // Set by another thread or a signal handler: ends the search before the next
  // measurement.
  const std::atomic<bool>* stop = nullptr;
  // Tells the time; null: MonotonicNowNs().
  std::function<int64_t()> now_ns;
};

// What was measured of one setting.
struct Evidence {
  Setting setting;
  std::vector<Sample> samples;
  // Why it cannot be measured, or OK. Some samples may be from before.
  absl::Status error;
  // Medians of the samples, and intervals at the confidence asked for: 0 to
  // infinity as long as no setting was measured twice.
  double qps = 0, qps_low = 0, qps_high = 0;
  double p99_ms = 0, p99_low_ms = 0, p99_high_ms = 0;
  double recall = 0;
  bool feasible = false;  // The medians keep the constraints.
  bool decided = false;   // And so does, or does not, the whole interval.
};

struct TuneResult {
  // Index into evidence; none: no setting keeps the constraints.
  absl::optional<size_t> best;
  // Whether all known of the surface says that `best` keeps the constraints and
  // that nothing is better by more than the tolerance, or that nothing keeps
  // them; else `best` is what the measurements so far favour.
  bool decided = false;
  // When there is no best: the setting with the highest recall, or the one with
  // the lowest p99 of those with enough recall. None: nothing was measured.
  absl::optional<size_t> closest;
  std::vector<Evidence> evidence;  // In the order of first measurement.
  int64_t settings = 0;            // In the whole space.
  int evaluations = 0;
  absl::Duration elapsed;
  // "decided", "repeats" (max_repeats of all that matter), "budget",
  // "evaluations", "interrupted", "failures" (some settings are unknown, or
  // `failure` ended it).
  std::string ended;
  // Settings that could not be measured, and of which nothing follows from
  // that.
  int64_t unknown = 0;
  // The evaluator's error that ended the search, after something was measured.
  absl::Status failure;
  // Sentences on what the answer rests on, and where expectations failed.
  std::vector<std::string> notes;
};

// InvalidArgument: no parameters or more than 12, a parameter without values or
// with values that do not ascend, more than 100,000 settings, constraints or
// options out of range. An evaluator's error ends the search: with that error
// when nothing was measured before, else as `failure`. ResourceExhausted makes
// the setting infeasible and Unavailable makes it unknown instead; Cancelled is
// an interruption. A sample that is not finite, or has no queries, is Internal.
absl::StatusOr<TuneResult> Tune(const TuneOptions& options,
                                const Evaluator& evaluate);

}  // namespace opsbench::vector

#endif  // OPSBENCH_VECTOR_TUNER_H_
