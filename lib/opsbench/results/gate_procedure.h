#ifndef OPSBENCH_RESULTS_GATE_PROCEDURE_H_
#define OPSBENCH_RESULTS_GATE_PROCEDURE_H_

// How the gate decides: which binary is run when, how often, and what follows
// from the times. GATE.md explains the protocol. What runs the binaries is
// behind Sampler, so that the same code decides about real measurements and
// about the simulated ones that show its error rates.
//
// Thread safety: for one thread.

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "opsbench/base/random.h"
#include "opsbench/results/gate_statistics.h"

namespace opsbench::results::gate {

// kCopy is the base's binary in a second file: the null arm.
enum class Side { kBase, kCopy, kHead };

class Sampler {
 public:
  virtual ~Sampler() = default;

  // One slice: a process that runs one benchmark, and the values of its
  // metrics, all above 0 and finite, in the order of BenchmarkPlan::metrics.
  //
  // Cancelled: the user wants to stop; the procedure ends with it. Any other
  // error is the benchmark's own, on this side.
  virtual absl::StatusOr<std::vector<double>> Measure(int benchmark,
                                                      Side side) = 0;

  // Called before each round, in which every benchmark has a block.
  virtual void BeginRound() = 0;

  // Seconds since some start.
  virtual double Now() const = 0;
};

struct MetricPlan {
  std::string name;
  bool higher_is_better = false;
  // Relative changes for the worse that are no matter: 0.02.
  double threshold = 0.02;
};

struct BenchmarkPlan {
  std::string area;
  std::string name;
  std::vector<MetricPlan> metrics;  // At least one.
};

struct ProcedureOptions {
  // Draws orders. No result depends on which one it is, but two runs should
  // not share it.
  uint64_t seed = 1;

  // A change for the worse of this size is to be seen; where the noise hides
  // it, the verdict is "unsure". Raised to 2.5 times a metric's threshold.
  double promise = 0.05;

  // Error probability of each stage for one metric, before the correction for
  // the number of metrics.
  double stage_alpha = 0.01;

  // Bound of the probability that anything fails in a suite without a change.
  double suite_alpha = 0.005;

  // Seconds for all stages, of which the first may take this share.
  double budget_s = 600;
  double first_share = 0.75;

  // Blocks of a stage: the least, how many more at a time while the noise hides
  // what was promised, and the most.
  int min_blocks = 16;
  int more_blocks = 4;
  int max_blocks = 64;

  // Null blocks for each of the head's blocks.
  double null_share = 0.125;
  // Error probability of the null arm.
  double null_alpha = 0.002;
};

// What one stage says of one metric. Ratios are natural logarithms, and above 0
// is worse in the metric's direction.
struct StageResult {
  std::vector<double> ratios;  // One a block; none is ever dropped.
  Location location;
  double deviation = 0;  // Of a block's ratio; outliers do not move it.
  // The smallest change for the worse that this stage would have reported with
  // a probability of 98%. Relative, as 0.03.
  double smallest_visible = 0;
  bool slower = false;
  bool improved = false;
  // Medians over the blocks of each side's better slice, in the metric's unit.
  double base = 0;
  double head = 0;
};

// The order of a block's four slices is drawn by lot, base-side-side-base or
// side-base-base-side: without a change, each ratio's sign is a fair coin,
// whatever the noise. A ratio is that of the better slices of the two sides:
// what else the machine does makes slices worse, never better.
class Procedure {
 public:
  // REQUIRES: the benchmarks have metrics; `sampler` outlives this.
  Procedure(const ProcedureOptions& options,
            std::vector<BenchmarkPlan> benchmarks, Sampler* sampler);

  // The first stage, for all benchmarks, with the null arm. Returns Cancelled
  // when the sampler does, and nothing else.
  absl::Status RunFirstStage();

  // A stage of its own on fresh measurements by `sampler`, which may be another
  // one, of the benchmarks given, until the budget is spent. Replaces what an
  // earlier call left in confirmation().
  absl::Status RunConfirmation(absl::Span<const int> benchmarks,
                               Sampler* sampler);

  int size() const { return static_cast<int>(benchmarks_.size()); }
  const BenchmarkPlan& plan(int benchmark) const {
    return benchmarks_[static_cast<size_t>(benchmark)];
  }

  // Of the first stage: one element a metric, none when the benchmark failed.
  const std::vector<StageResult>& first(int benchmark) const {
    return first_[static_cast<size_t>(benchmark)].results;
  }
  // Of the last confirmation; empty if the benchmark had none.
  const std::vector<StageResult>& confirmation(int benchmark) const {
    return second_[static_cast<size_t>(benchmark)].results;
  }

  // The error of a side in any stage, OK if there was none.
  const absl::Status& error(int benchmark, Side side) const;

  // Benchmarks of which the first stage found a metric slower, the clearest
  // change first.
  std::vector<int> Candidates() const;

  // Whether both stages found this metric slower.
  bool Confirmed(int benchmark, int metric) const;

  // Whether there were blocks enough to confirm it at all.
  bool ConfirmationSettled(int benchmark, int metric) const;

  // The change that must be seen for this metric: options.promise or more.
  double Promise(int benchmark, int metric) const;

  // The null arm over all benchmarks, in units of their deviations. REQUIRES:
  // the first stage was run.
  struct NullArm {
    int blocks = 0;
    double p_value = 1;   // Two-sided.
    double estimate = 0;  // Median relative change, as of the ratios.
    bool fired = false;
  };
  const NullArm& null_arm() const { return null_arm_; }

  // The error probability of each stage after the correction for the number of
  // metrics m: m * alpha^2 is at most suite_alpha, as a metric fails by mistake
  // only if two independent stages err.
  double alpha() const { return alpha_; }

 private:
  // What one stage has measured of one benchmark.
  struct Stage {
    std::vector<std::vector<double>> ratios;  // [metric][block]
    std::vector<std::vector<double>> base;    // Better slices, likewise.
    std::vector<std::vector<double>> side;
    std::vector<StageResult> results;

    int blocks() const {
      return ratios.empty() ? 0 : static_cast<int>(ratios[0].size());
    }
  };

  // One block of four slices, of `side` against the base. An error of a side
  // is remembered; only Cancelled is returned.
  absl::Status MeasureBlock(int benchmark, Side side, Sampler* sampler,
                            Stage* stage);
  // The next of the null arm's blocks, when it is time for one.
  absl::Status MeasureNullBlock();
  // Rounds over the benchmarks until each has what it needs, or the deadline.
  absl::Status RunStage(std::vector<int> benchmarks, double deadline,
                        bool with_null_arm, Sampler* sampler,
                        std::vector<Stage>* stages);
  // Whether it has blocks enough. Looks at how wide the interval is, not where
  // it lies: stopping must not prefer a verdict.
  bool Enough(int benchmark, const Stage& stage) const;
  std::vector<StageResult> Judge(int benchmark, const Stage& stage) const;
  void JudgeNullArm();
  bool Failed(int benchmark) const;
  // In an order drawn by lot: no benchmark always follows the same one.
  void Shuffle(std::vector<int>* benchmarks);

  const ProcedureOptions options_;
  const std::vector<BenchmarkPlan> benchmarks_;
  Sampler* const sampler_;
  const double start_;
  Random random_;
  double alpha_ = 0;
  double improved_alpha_ = 0;
  std::vector<Stage> first_;
  std::vector<Stage> second_;
  std::vector<Stage> null_;
  double null_blocks_due_ = 0;
  int next_null_ = 0;
  NullArm null_arm_;
  std::vector<absl::Status> base_errors_;
  std::vector<absl::Status> head_errors_;
};

struct StageRule {
  double alpha = 0.01;           // Of being called slower by mistake.
  double improved_alpha = 0.01;  // Of being called improved by mistake.
  double threshold = 0.02;       // Relative.
};

// The judgement of one stage on one metric, of which each block gave a ratio.
// REQUIRES: not empty.
StageResult JudgeStage(const StageRule& rule, std::vector<double> ratios);

}  // namespace opsbench::results::gate

#endif  // OPSBENCH_RESULTS_GATE_PROCEDURE_H_
