#include "opsbench/results/gate_verdict.h"

#include <cmath>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace opsbench::results::gate {
namespace {

std::string Percent(double share) {
  return absl::StrFormat("%+.1f%%", 100 * share);
}

// A metric that instructions explain: time, or work in a time.
bool IsTime(absl::string_view metric) {
  for (const absl::string_view unit :
       {"_ns", "_us", "_ms", "_s", "_time", "_per_second", "qps"}) {
    if (absl::EndsWith(metric, unit)) return true;
  }
  return false;
}

bool IsSlower(const std::vector<StageResult>& stage, size_t metric) {
  return metric < stage.size() && stage[metric].slower;
}

// Whether a stage that did not find it slower would have found the promised
// change.
bool Settled(const std::vector<StageResult>& stage, size_t metric,
             double promise) {
  return metric < stage.size() && stage[metric].smallest_visible <= promise;
}

bool MoreInstructions(const Evidence& evidence) {
  return evidence.instructions.has_value() &&
         *evidence.instructions > kSameInstructions;
}

void Set(Verdict verdict, std::string note, MetricComparison* comparison) {
  comparison->verdict = verdict;
  comparison->note = std::move(note);
}

// Both stages found it slower: is it the code, or where the linker put it?
void JudgeConfirmed(size_t metric, const Evidence& evidence, double promise,
                    MetricComparison* comparison) {
  const std::string instructions =
      evidence.instructions.has_value()
          ? absl::StrCat("instructions ", Percent(*evidence.instructions))
          : "instructions not counted";
  if (!IsTime(comparison->metric)) {
    Set(Verdict::kSlower, "in two stages", comparison);
  } else if (MoreInstructions(evidence)) {
    Set(Verdict::kSlower, instructions, comparison);
  } else if (IsSlower(evidence.relinked, metric)) {
    Set(Verdict::kSlower,
        absl::StrCat(instructions, "; stays with another link order"),
        comparison);
  } else if (Settled(evidence.relinked, metric, promise)) {
    Set(Verdict::kSame,
        absl::StrCat(instructions, "; was ", Percent(*comparison->effect),
                     ", gone with another link order: it is where the code "
                     "lies, not what it does"),
        comparison);
  } else {
    Set(Verdict::kUnsure,
        absl::StrCat(instructions,
                     "; another link order was not measured well enough: give "
                     "it more --budget"),
        comparison);
  }
}

void JudgeTimes(size_t metric, const Evidence& evidence, double promise,
                MetricComparison* comparison) {
  const StageResult& first = evidence.first[metric];
  if (first.slower) {
    if (IsSlower(evidence.second, metric)) {
      JudgeConfirmed(metric, evidence, promise, comparison);
    } else if (Settled(evidence.second, metric, promise)) {
      Set(Verdict::kSame,
          absl::StrCat("first stage ",
                       Percent(std::expm1(first.location.estimate)),
                       " worse, not confirmed by the second"),
          comparison);
    } else {
      Set(Verdict::kUnsure,
          "slower in the first stage, and the budget did not last to confirm "
          "it: give it more --budget",
          comparison);
    }
    return;
  }
  if (first.improved) {
    Set(Verdict::kImproved, "", comparison);
  } else if (first.smallest_visible <= promise) {
    Set(Verdict::kSame,
        MoreInstructions(evidence) && IsTime(comparison->metric)
            ? absl::StrCat("but instructions ", Percent(*evidence.instructions))
            : "",
        comparison);
  } else {
    Set(Verdict::kUnsure,
        std::isfinite(first.smallest_visible)
            ? "too noisy: give it more --budget, or a quieter machine"
            : "too few measurements: give it more --budget",
        comparison);
  }
}

}  // namespace

bool NeedsRelinking(const BenchmarkPlan& plan, const Evidence& evidence) {
  if (MoreInstructions(evidence)) return false;
  for (size_t m = 0; m < plan.metrics.size(); ++m) {
    if (IsSlower(evidence.first, m) && IsSlower(evidence.second, m) &&
        IsTime(plan.metrics[m].name)) {
      return true;
    }
  }
  return false;
}

MetricComparison Judge(const BenchmarkPlan& plan, int metric,
                       const Evidence& evidence, double promise) {
  const auto at = static_cast<size_t>(metric);
  MetricComparison comparison;
  comparison.area = plan.area;
  comparison.benchmark = plan.name;
  comparison.metric = plan.metrics[at].name;
  comparison.higher_is_better = plan.metrics[at].higher_is_better;
  comparison.threshold = plan.metrics[at].threshold;
  if (!evidence.head_error.ok()) {
    Set(Verdict::kError, std::string(evidence.head_error.message()),
        &comparison);
    return comparison;
  }
  if (!evidence.base_error.ok()) {
    Set(Verdict::kNew,
        absl::StrCat("fails in the base: ", evidence.base_error.message()),
        &comparison);
    return comparison;
  }
  if (at >= evidence.first.size()) {
    Set(Verdict::kUnsure, "not measured: give it more --budget", &comparison);
    return comparison;
  }
  // What was measured last was chosen by nothing that it shows itself.
  const StageResult& stage =
      at < evidence.second.size() ? evidence.second[at] : evidence.first[at];
  const double sign = comparison.higher_is_better ? -1 : 1;
  comparison.base = stage.base;
  comparison.head = stage.head;
  comparison.base_samples = 2 * static_cast<int64_t>(stage.ratios.size());
  comparison.head_samples = comparison.base_samples;
  comparison.effect = std::expm1(sign * stage.location.estimate);
  if (std::isfinite(stage.location.low)) {
    const double low = std::expm1(sign * stage.location.low);
    const double high = std::expm1(sign * stage.location.high);
    comparison.effect_low = std::min(low, high);
    comparison.effect_high = std::max(low, high);
  }
  if (std::isfinite(stage.smallest_visible)) {
    comparison.smallest_visible = stage.smallest_visible;
  }
  JudgeTimes(at, evidence, promise, &comparison);
  return comparison;
}

Conclusion Conclude(const Comparison& comparison, bool null_arm_fired) {
  if (CountVerdicts(comparison, Verdict::kMissing) > 0 ||
      CountVerdicts(comparison, Verdict::kError) > 0) {
    return Conclusion::kFailed;
  }
  if (null_arm_fired) return Conclusion::kInconclusive;
  if (CountVerdicts(comparison, Verdict::kSlower) > 0) {
    return Conclusion::kFailed;
  }
  return CountVerdicts(comparison, Verdict::kUnsure) > 0
             ? Conclusion::kInconclusive
             : Conclusion::kPassed;
}

}  // namespace opsbench::results::gate
