#include "opsbench/results/gate_procedure.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "absl/algorithm/container.h"
#include "boost/math/distributions/normal.hpp"
#include "opsbench/base/status_macros.h"

namespace opsbench::results::gate {
namespace {

// A change of the promised size is seen with this probability in each stage.
constexpr double kPower = 0.98;

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

StageResult JudgeStage(const StageRule& rule, std::vector<double> ratios) {
  StageResult result;
  result.location = Locate(ratios, rule.alpha);
  const Location& location = result.location;
  result.deviation = RobustDeviation(Shifted(ratios, location.estimate));
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
  for (auto* values : {&stage->ratios, &stage->base, &stage->side}) {
    values->resize(metrics.size());
  }
  for (size_t m = 0; m < metrics.size(); ++m) {
    const auto better = [&](int i, int j) {
      return metrics[m].higher_is_better ? std::max(slices[i][m], slices[j][m])
                                         : std::min(slices[i][m], slices[j][m]);
    };
    const double base = outside ? better(1, 2) : better(0, 3);
    const double other = outside ? better(0, 3) : better(1, 2);
    stage->base[m].push_back(base);
    stage->side[m].push_back(other);
    stage->ratios[m].push_back(metrics[m].higher_is_better
                                   ? std::log(base / other)
                                   : std::log(other / base));
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

bool Procedure::Enough(int benchmark, const Stage& stage) const {
  // Below as many, not even signs that are all alike are significant.
  const int least =
      std::max(options_.min_blocks,
               static_cast<int>(std::ceil(-std::log2(improved_alpha_))));
  const int blocks = stage.blocks();
  if (blocks < least) return false;
  if (blocks >= options_.max_blocks) return true;
  if ((blocks - least) % options_.more_blocks != 0) return false;
  const std::vector<StageResult> results = Judge(benchmark, stage);
  for (size_t m = 0; m < results.size(); ++m) {
    if (results[m].smallest_visible > Promise(benchmark, static_cast<int>(m))) {
      return false;
    }
  }
  return true;
}

std::vector<StageResult> Procedure::Judge(int benchmark,
                                          const Stage& stage) const {
  std::vector<StageResult> results;
  for (size_t m = 0; m < stage.ratios.size(); ++m) {
    StageRule rule;
    rule.alpha = alpha_;
    rule.improved_alpha = improved_alpha_;
    rule.threshold = plan(benchmark).metrics[m].threshold;
    results.push_back(JudgeStage(rule, stage.ratios[m]));
    results.back().base = Median(stage.base[m]);
    results.back().head = Median(stage.side[m]);
  }
  return results;
}

absl::Status Procedure::RunStage(std::vector<int> benchmarks, double deadline,
                                 bool with_null_arm, Sampler* sampler,
                                 std::vector<Stage>* stages) {
  std::vector<int> open = benchmarks;
  while (!open.empty() && sampler->Now() < deadline) {
    Shuffle(&open);
    sampler->BeginRound();
    std::vector<int> still_open;
    for (const int benchmark : open) {
      Stage& stage = (*stages)[static_cast<size_t>(benchmark)];
      OPSBENCH_RETURN_IF_ERROR(
          MeasureBlock(benchmark, Side::kHead, sampler, &stage));
      if (with_null_arm) OPSBENCH_RETURN_IF_ERROR(MeasureNullBlock());
      if (!Failed(benchmark) && !Enough(benchmark, stage)) {
        still_open.push_back(benchmark);
      }
    }
    open = std::move(still_open);
  }
  for (const int benchmark : benchmarks) {
    Stage& stage = (*stages)[static_cast<size_t>(benchmark)];
    if (!Failed(benchmark)) stage.results = Judge(benchmark, stage);
  }
  return absl::OkStatus();
}

absl::Status Procedure::RunFirstStage() {
  std::vector<int> all(benchmarks_.size());
  std::iota(all.begin(), all.end(), 0);
  OPSBENCH_RETURN_IF_ERROR(
      RunStage(all, start_ + options_.budget_s * options_.first_share,
               /*with_null_arm=*/true, sampler_, &first_));
  JudgeNullArm();
  return absl::OkStatus();
}

absl::Status Procedure::RunConfirmation(absl::Span<const int> benchmarks,
                                        Sampler* sampler) {
  for (Stage& stage : second_) stage = Stage();
  return RunStage({benchmarks.begin(), benchmarks.end()},
                  start_ + options_.budget_s, /*with_null_arm=*/false, sampler,
                  &second_);
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
