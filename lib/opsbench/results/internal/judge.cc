#include "opsbench/results/internal/judge.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "opsbench/results/internal/statistics.h"

namespace opsbench::results::internal {
namespace {

// The median of each process.
std::vector<double> MediansOfProcesses(const Samples& samples) {
  std::vector<double> medians;
  for (size_t begin = 0; begin < samples.values.size();) {
    size_t end = begin;
    std::vector<double> values;
    while (end < samples.values.size() &&
           samples.processes[end] == samples.processes[begin]) {
      values.push_back(samples.values[end++]);
    }
    medians.push_back(Median(std::move(values)));
    begin = end;
  }
  return medians;
}

// A test with the values that count as its samples.
struct Prepared {
  const Test* test = nullptr;
  std::vector<double> base;
  std::vector<double> head;
  // Each is a repetition, not a process.
  bool repetitions = false;
  // Whether the samples are many enough for any verdict.
  bool testable = false;
  double p_value = 1;
};

// Differences that stand for relative changes: of logarithms, or, where a value
// is not above 0, of the values in units of the base's median.
class Scale {
 public:
  Scale(const std::vector<double>& base, const std::vector<double>& head)
      : logarithmic_(IsPositive(base) && IsPositive(head)),
        unit_(logarithmic_ ? 1 : Median(base)) {}

  // Whether a difference can be told as a relative change.
  bool relative() const { return unit_ > 0; }

  std::vector<double> Values(std::vector<double> values) const {
    if (!logarithmic_) return values;
    for (double& value : values) value = std::log(value);
    return values;
  }

  // Nothing for what has no finite relative change.
  absl::optional<double> Effect(double difference) const {
    if (!relative() && difference != 0) return absl::nullopt;
    const double effect = logarithmic_ ? std::expm1(difference)
                          : relative() ? difference / unit_
                                       : 0;
    if (!std::isfinite(effect)) return absl::nullopt;
    return effect;
  }

 private:
  static bool IsPositive(const std::vector<double>& values) {
    return absl::c_all_of(values, [](double value) { return value > 0; });
  }

  const bool logarithmic_;
  const double unit_;
};

Prepared Prepare(const Test& test, int64_t enough) {
  Prepared prepared = {.test = &test};
  prepared.base = MediansOfProcesses(*test.base);
  prepared.head = MediansOfProcesses(*test.head);
  const auto fewer = static_cast<int64_t>(
      std::min(prepared.base.size(), prepared.head.size()));
  // Too few processes to say anything: their repetitions stand in for them.
  if (fewer < enough) {
    prepared.repetitions = test.base->values.size() > prepared.base.size() ||
                           test.head->values.size() > prepared.head.size();
    prepared.base = test.base->values;
    prepared.head = test.head->values;
  }
  test.metric->base = Median(prepared.base);
  test.metric->head = Median(prepared.head);
  test.metric->base_samples = static_cast<int64_t>(prepared.base.size());
  test.metric->head_samples = static_cast<int64_t>(prepared.head.size());
  return prepared;
}

// Effect, interval, p-value, and what would have been seen at `strict_alpha`.
void Measure(const JudgeOptions& options, double strict_alpha,
             RankSumTable* table, Prepared* prepared) {
  const Scale scale(prepared->base, prepared->head);
  const Shift shift(scale.Values(prepared->base), scale.Values(prepared->head),
                    table);
  MetricComparison& metric = *prepared->test->metric;
  metric.effect = scale.Effect(shift.estimate());
  if (const auto interval = shift.IntervalAt(1 - options.confidence)) {
    metric.effect_low = scale.Effect(interval->low);
    metric.effect_high = scale.Effect(interval->high);
  }
  prepared->p_value = shift.PValue();
  const auto strict = shift.IntervalAt(strict_alpha);
  if (!strict.has_value() || !prepared->test->direction_known) return;
  // The change that would have put the whole interval on the worse side of 0.
  const auto needed = metric.higher_is_better
                          ? scale.Effect(shift.estimate() - strict->high)
                          : scale.Effect(shift.estimate() - strict->low);
  if (needed.has_value()) {
    metric.smallest_visible = std::max(options.threshold, std::abs(*needed));
  }
}

std::string UnsureNote(const Prepared& prepared, double adjusted_p,
                       const JudgeOptions& options) {
  const MetricComparison& metric = *prepared.test->metric;
  if (!prepared.test->direction_known) {
    return absl::StrCat("is more of it better? Say --metric ", metric.metric,
                        ":higher or :lower");
  }
  if (!prepared.testable) {
    if (!prepared.test->few_note.empty()) return prepared.test->few_note;
    return absl::StrCat("too few samples: ", metric.base_samples, " and ",
                        metric.head_samples);
  }
  if (!metric.effect.has_value()) return "no relative change of 0";
  const double alpha = 1 - options.confidence;
  if (prepared.p_value <= alpha && adjusted_p > alpha) {
    return "not beyond doubt among so many";
  }
  if (prepared.p_value <= alpha) return "about as large as the threshold";
  return "too noisy";
}

void GiveVerdict(const Prepared& prepared, double adjusted_p,
                 const JudgeOptions& options) {
  MetricComparison& metric = *prepared.test->metric;
  metric.verdict = Verdict::kUnsure;
  const bool sure = prepared.test->direction_known && prepared.testable &&
                    metric.effect.has_value() &&
                    adjusted_p <= 1 - options.confidence;
  if (sure && std::abs(*metric.effect) > options.threshold) {
    metric.verdict = (*metric.effect > 0) == metric.higher_is_better
                         ? Verdict::kImproved
                         : Verdict::kSlower;
  } else if (metric.effect_low.has_value() && metric.effect_high.has_value() &&
             *metric.effect_low >= -options.threshold &&
             *metric.effect_high <= options.threshold) {
    metric.verdict = Verdict::kSame;
  } else if (metric.note.empty()) {
    metric.note = UnsureNote(prepared, adjusted_p, options);
  }
}

std::string Percent(double confidence) {
  return absl::StrFormat("%g%%", confidence * 100);
}

}  // namespace

std::vector<std::string> Judge(const std::vector<Test>& tests,
                               const JudgeOptions& options) {
  const double alpha = 1 - options.confidence;
  RankSumTable table;
  std::vector<Prepared> all;
  all.reserve(tests.size());
  int64_t family = 0;
  int64_t repetitions = 0;
  int64_t judged = 0;
  for (const Test& test : tests) {
    Prepared prepared = Prepare(test, SamplesNeeded(alpha));
    judged += test.direction_known ? 1 : 0;
    prepared.testable =
        test.direction_known &&
        table.SmallestP({.base = test.metric->base_samples,
                         .head = test.metric->head_samples}) <= alpha;
    family += prepared.testable ? 1 : 0;
    repetitions += prepared.testable && prepared.repetitions ? 1 : 0;
    all.push_back(std::move(prepared));
  }
  // What cannot be significant by itself is none of the tests that may err.
  const double strict_alpha =
      alpha / static_cast<double>(std::max<int64_t>(family, 1));
  std::vector<double> p_values;
  int64_t too_few = judged - family;
  for (Prepared& prepared : all) {
    Measure(options, strict_alpha, &table, &prepared);
    if (!prepared.testable) continue;
    p_values.push_back(prepared.p_value);
    const MetricComparison& metric = *prepared.test->metric;
    if (table.SmallestP({.base = metric.base_samples,
                         .head = metric.head_samples}) > strict_alpha) {
      ++too_few;
    }
  }
  const std::vector<double> adjusted = HolmAdjusted(p_values);
  size_t next = 0;
  for (const Prepared& prepared : all) {
    GiveVerdict(prepared, prepared.testable ? adjusted[next++] : 1, options);
  }
  std::vector<std::string> warnings;
  if (too_few > 0) {
    warnings.push_back(absl::StrCat(
        "too few samples to be ", Percent(options.confidence), " sure of ",
        too_few, " of ", judged, " metrics: all of them together take ",
        SamplesNeeded(alpha / static_cast<double>(judged)),
        " a side (--benchmark_repetitions, or several runs with commas)"));
  }
  if (repetitions > 0) {
    warnings.push_back(
        "samples are repetitions within one process, which depend on each "
        "other: differences look surer than they are; `opsbench gate` measures "
        "both sides in turn, and decides");
  }
  return warnings;
}

}  // namespace opsbench::results::internal
