#include "opsbench/results/gate_procedure.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/algorithm/container.h"
#include "boost/math/distributions/normal.hpp"
#include "opsbench/base/status_macros.h"

namespace opsbench::results::gate {
namespace {

// A change of the promised size is seen with this probability in each stage.
constexpr double kPower = 0.95;

double NormalQuantile(double probability) {
  return boost::math::quantile(boost::math::normal_distribution<double>(),
                               probability);
}

std::vector<double> Shifted(absl::Span<const double> values, double shift) {
  std::vector<double> shifted(values.begin(), values.end());
  for (double& value : shifted) value -= shift;
  return shifted;
}

}  // namespace

StageResult JudgeStage(const StageRule& rule, std::vector<double> ratios,
                       absl::Span<const double> spreads) {
  StageResult result;
  result.location = Locate(ratios, rule.alpha);
  const Location& location = result.location;
  // A block's ratio is half of two differences between slices; a spread is one.
  result.deviation =
      std::max(RobustDeviation(spreads) / std::sqrt(2),
               RobustDeviation(Shifted(ratios, location.estimate)));
  const double threshold = std::log1p(rule.threshold);
  result.slower = location.low > 0 && location.estimate > threshold;
  const std::vector<double> opposite = [&] {
    std::vector<double> values = ratios;
    for (double& value : values) value = -value;
    return values;
  }();
  result.improved = location.estimate < -threshold &&
                    SignedRankPValue(opposite) <= rule.improved_alpha;

  const double bound = NormalQuantile(1 - rule.alpha);
  const double margin = NormalQuantile(kPower);
  const double error = (location.high - location.low) / (2 * bound);
  result.smallest_visible = std::expm1(
      std::max(threshold + margin * error, (bound + margin) * error));
  result.ratios = std::move(ratios);
  return result;
}

Procedure::Procedure(const ProcedureOptions& options,
                     std::vector<BenchmarkPlan> benchmarks, Sampler* sampler)
    : options_(options),
      benchmarks_(std::move(benchmarks)),
      sampler_(sampler),
      start_(sampler->Now()),
      random_(options.seed),
      first_(benchmarks_.size()),
      second_(benchmarks_.size()),
      null_(benchmarks_.size()),
      base_errors_(benchmarks_.size()),
      head_errors_(benchmarks_.size()) {
  size_t metrics = 0;
  for (const BenchmarkPlan& plan : benchmarks_) metrics += plan.metrics.size();
  alpha_ =
      std::min(options_.stage_alpha,
               std::sqrt(options_.suite_alpha /
                         static_cast<double>(std::max<size_t>(metrics, 1))));
  improved_alpha_ =
      options_.stage_alpha / static_cast<double>(std::max<size_t>(metrics, 1));
}

const absl::Status& Procedure::error(int benchmark, Side side) const {
  const auto at = static_cast<size_t>(benchmark);
  return side == Side::kHead ? head_errors_[at] : base_errors_[at];
}

bool Procedure::Failed(int benchmark) const {
  return !error(benchmark, Side::kBase).ok() ||
         !error(benchmark, Side::kHead).ok();
}

double Procedure::Promise(int benchmark, int metric) const {
  constexpr double kThresholds = 2.5;
  return std::max(
      options_.promise,
      kThresholds *
          plan(benchmark).metrics[static_cast<size_t>(metric)].threshold);
}

void Procedure::Shuffle(std::vector<int>* benchmarks) {
  for (size_t i = benchmarks->size(); i > 1; --i) {
    std::swap((*benchmarks)[i - 1], (*benchmarks)[random_.Below(i)]);
  }
}

absl::Status Procedure::MeasureBlock(int benchmark, Side side, Sampler* sampler,
                                     Stage* stage) {
  const bool outside = random_.Bernoulli(0.5);
  const Side outer = outside ? side : Side::kBase;
  const Side inner = outside ? Side::kBase : side;
  const Side order[] = {outer, inner, inner, outer};
  std::vector<double> slices[4];
  for (int i = 0; i < 4; ++i) {
    absl::StatusOr<std::vector<double>> slice =
        sampler->Measure(benchmark, order[i]);
    if (absl::IsCancelled(slice.status())) return slice.status();
    if (!slice.ok()) {
      auto& errors = order[i] == Side::kHead ? head_errors_ : base_errors_;
      errors[static_cast<size_t>(benchmark)] = slice.status();
      return absl::OkStatus();
    }
    slices[i] = *std::move(slice);
  }
  const std::vector<MetricPlan>& metrics = plan(benchmark).metrics;
  stage->ratios.resize(metrics.size());
  stage->spreads.resize(metrics.size());
  for (size_t m = 0; m < metrics.size(); ++m) {
    double logs[4];
    for (int i = 0; i < 4; ++i) logs[i] = std::log(slices[i][m]);
    const double inside = (logs[1] + logs[2] - logs[0] - logs[3]) / 2;
    stage->ratios[m].push_back(
        outside == metrics[m].higher_is_better ? inside : -inside);
    stage->spreads[m].push_back(logs[1] - logs[2]);
    stage->spreads[m].push_back(logs[0] - logs[3]);
  }
  return absl::OkStatus();
}

absl::Status Procedure::MeasureNullBlock() {
  null_blocks_due_ += options_.null_share;
  if (null_blocks_due_ < 1) return absl::OkStatus();
  null_blocks_due_ -= 1;
  for (int i = 0; i < size(); ++i) {
    next_null_ = (next_null_ + 1) % size();
    if (Failed(next_null_)) continue;
    return MeasureBlock(next_null_, Side::kCopy, sampler_,
                        &null_[static_cast<size_t>(next_null_)]);
  }
  return absl::OkStatus();
}

int Procedure::BlocksFor(int benchmark, const Stage& measured) const {
  // Below as many, not even signs that are all alike are significant.
  const int least =
      std::max(options_.min_blocks,
               static_cast<int>(std::ceil(-std::log2(improved_alpha_))));
  double wanted = least;
  const std::vector<StageResult> results = Judge(benchmark, measured);
  for (size_t m = 0; m < results.size(); ++m) {
    const double threshold = plan(benchmark).metrics[m].threshold;
    const double room = std::log1p(Promise(benchmark, static_cast<int>(m))) -
                        std::log1p(threshold);
    // Three standard errors of the estimate between the threshold and what was
    // promised; the estimate has 95.5% of the mean's efficiency.
    const double errors = 3 * results[m].deviation / room;
    wanted = std::max(wanted, std::ceil(errors * errors / 0.955));
  }
  return static_cast<int>(std::min<double>(wanted, options_.max_blocks));
}

std::vector<StageResult> Procedure::Judge(int benchmark,
                                          const Stage& stage) const {
  std::vector<StageResult> results;
  for (size_t m = 0; m < stage.ratios.size(); ++m) {
    StageRule rule;
    rule.alpha = alpha_;
    rule.improved_alpha = improved_alpha_;
    rule.threshold = plan(benchmark).metrics[m].threshold;
    results.push_back(JudgeStage(rule, stage.ratios[m], stage.spreads[m]));
  }
  return results;
}

absl::Status Procedure::RunFirstStage() {
  const double deadline = start_ + options_.budget_s * options_.first_share;
  std::vector<int> open(benchmarks_.size());
  for (size_t i = 0; i < open.size(); ++i) open[i] = static_cast<int>(i);
  for (Stage& stage : first_) stage.wanted = options_.min_blocks;
  while (!open.empty() && sampler_->Now() < deadline) {
    Shuffle(&open);
    sampler_->BeginRound();
    std::vector<int> still_open;
    for (const int benchmark : open) {
      Stage& stage = first_[static_cast<size_t>(benchmark)];
      OPSBENCH_RETURN_IF_ERROR(
          MeasureBlock(benchmark, Side::kHead, sampler_, &stage));
      OPSBENCH_RETURN_IF_ERROR(MeasureNullBlock());
      if (Failed(benchmark)) continue;
      if (stage.blocks() >= stage.wanted) {
        stage.wanted = BlocksFor(benchmark, stage);
      }
      if (stage.blocks() < stage.wanted) still_open.push_back(benchmark);
    }
    open = std::move(still_open);
  }
  for (int i = 0; i < size(); ++i) {
    Stage& stage = first_[static_cast<size_t>(i)];
    if (!Failed(i)) stage.results = Judge(i, stage);
  }
  JudgeNullArm();
  return absl::OkStatus();
}

absl::Status Procedure::RunConfirmation(absl::Span<const int> benchmarks,
                                        Sampler* sampler) {
  std::vector<int> open(benchmarks.begin(), benchmarks.end());
  for (Stage& stage : second_) stage = Stage();
  for (const int benchmark : benchmarks) {
    const auto at = static_cast<size_t>(benchmark);
    second_[at].wanted = BlocksFor(benchmark, first_[at]);
  }
  const double deadline = start_ + options_.budget_s;
  while (!open.empty() && sampler->Now() < deadline) {
    Shuffle(&open);
    sampler->BeginRound();
    std::vector<int> still_open;
    for (const int benchmark : open) {
      Stage& stage = second_[static_cast<size_t>(benchmark)];
      OPSBENCH_RETURN_IF_ERROR(
          MeasureBlock(benchmark, Side::kHead, sampler, &stage));
      if (!Failed(benchmark) && stage.blocks() < stage.wanted) {
        still_open.push_back(benchmark);
      }
    }
    open = std::move(still_open);
  }
  for (const int benchmark : benchmarks) {
    Stage& stage = second_[static_cast<size_t>(benchmark)];
    if (!Failed(benchmark)) stage.results = Judge(benchmark, stage);
  }
  return absl::OkStatus();
}

std::vector<int> Procedure::Candidates() const {
  std::vector<std::pair<double, int>> found;
  for (int i = 0; i < size(); ++i) {
    double clearest = 0;
    for (const StageResult& result : first(i)) {
      if (result.slower) clearest = std::max(clearest, result.location.low);
    }
    if (clearest > 0 && !Failed(i)) found.emplace_back(-clearest, i);
  }
  absl::c_sort(found);
  std::vector<int> candidates;
  for (const auto& [clearness, benchmark] : found) {
    candidates.push_back(benchmark);
  }
  return candidates;
}

bool Procedure::Confirmed(int benchmark, int metric) const {
  const auto at = static_cast<size_t>(metric);
  const std::vector<StageResult>& again = confirmation(benchmark);
  return !Failed(benchmark) && at < again.size() &&
         first(benchmark)[at].slower && again[at].slower;
}

bool Procedure::ConfirmationSettled(int benchmark, int metric) const {
  const auto at = static_cast<size_t>(metric);
  const std::vector<StageResult>& again = confirmation(benchmark);
  return at < again.size() &&
         (again[at].slower ||
          again[at].smallest_visible <= Promise(benchmark, metric));
}

void Procedure::JudgeNullArm() {
  std::vector<double> scaled;
  std::vector<double> plain;
  for (int i = 0; i < size(); ++i) {
    const Stage& stage = null_[static_cast<size_t>(i)];
    if (Failed(i) || stage.blocks() == 0) continue;
    // Benchmarks count alike, whatever their noise; one metric of each, as its
    // metrics come from the same slices.
    const std::vector<StageResult>& results = first(i);
    if (results.empty()) continue;
    const double deviation =
        std::max(results[0].deviation, std::numeric_limits<double>::min());
    for (const double ratio : stage.ratios[0]) {
      plain.push_back(ratio);
      scaled.push_back(ratio / deviation);
    }
  }
  null_arm_ = NullArm();
  if (scaled.empty()) return;
  null_arm_.blocks = static_cast<int>(scaled.size());
  const double slower = SignedRankPValue(scaled);
  for (double& value : scaled) value = -value;
  const double faster = SignedRankPValue(scaled);
  null_arm_.p_value = std::min(1.0, 2 * std::min(slower, faster));
  null_arm_.estimate = std::expm1(Median(plain));
  null_arm_.fired = null_arm_.p_value <= options_.null_alpha;
}

}  // namespace opsbench::results::gate
