#ifndef OPSBENCH_RESULTS_GATE_VERDICT_H_
#define OPSBENCH_RESULTS_GATE_VERDICT_H_

// From what the gate measured of a benchmark to what it says of it.
//
// Thread safety: plain data; pure functions.

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "opsbench/results/comparison.h"
#include "opsbench/results/gate_procedure.h"

namespace opsbench::results::gate {

// Instructions that differ by less are the same: the smallest threshold is ten
// times as large.
inline constexpr double kSameInstructions = 0.002;

// Of one benchmark. A stage has one result a metric, or none if it was not run.
struct Evidence {
  absl::Status base_error;
  absl::Status head_error;
  std::vector<StageResult> first;
  std::vector<StageResult> second;
  // With the binaries linked in another order.
  std::vector<StageResult> relinked;
  // Relative change of the instructions of an iteration.
  absl::optional<double> instructions;
};

// Whether the second stage found something that another link order has to
// decide: a time that grew without more instructions.
bool NeedsRelinking(const BenchmarkPlan& plan, const Evidence& evidence);

// The verdict on one metric. `promise` is that of the procedure.
MetricComparison Judge(const BenchmarkPlan& plan, int metric,
                       const Evidence& evidence, double promise);

enum class Conclusion { kPassed, kFailed, kInconclusive };

// Slower, missing and failed benchmarks fail; what is open, or a null arm that
// fired, makes it inconclusive. A null arm that fired outweighs a slowdown, but
// not benchmarks that are gone or broken.
Conclusion Conclude(const Comparison& comparison, bool null_arm_fired);

}  // namespace opsbench::results::gate

#endif  // OPSBENCH_RESULTS_GATE_VERDICT_H_
