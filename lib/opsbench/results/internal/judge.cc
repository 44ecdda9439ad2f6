#include "opsbench/results/internal/judge.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "opsbench/results/internal/statistics.h"

namespace opsbench::results::internal {
namespace {

// The median of each process.
std::vector<double> MediansOfProcesses(const Samples& samples) {
  std::map<int32_t, std::vector<double>> values;
  for (size_t i = 0; i < samples.values.size(); ++i) {
    values[samples.processes[i]].push_back(samples.values[i]);
  }
  std::vector<double> medians;
  for (auto& [process, list] : values) {
    medians.push_back(Median(std::move(list)));
  }
  return medians;
}

// The sides of a verdict lie apart by so many times what either scatters by.
// Runs follow each other, and a machine that slows down between them moves all
// samples of the second: as far as it moves those of one, it is no change.
constexpr double kApart = 2;

double Range(const std::vector<double>& values) {
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  return *most - *least;
}

// A test with the values that count as its samples.
struct Prepared {
  const Test* test = nullptr;
  std::vector<double> base;
  std::vector<double> head;
  RankSumTable::Sizes processes;
  // Whether the processes are many enough for any verdict.
  bool testable = false;
  // Whether the sides lie apart by more than what either scatters by.
  bool apart = false;
  double p_value = 1;
};

// The change from `base` to `head` as a share of the base; nothing if that is
// no finite number.
absl::optional<double> RelativeChange(double base, double head) {
  if (base == head) return 0;
  const double change = (head - base) / base;
  if (!(base > 0) || !std::isfinite(change)) return absl::nullopt;
  return change;
}

// Differences that stand for relative changes: of logarithms, or, where a value
// is not above 0, of the values in units of the base's median.
class Scale {
 public:
  explicit Scale(const Prepared& prepared)
      : logarithmic_(IsPositive(prepared.base) && IsPositive(prepared.head)),
        unit_(*prepared.test->metric->base) {}

  std::vector<double> Values(std::vector<double> values) const {
    if (!logarithmic_) return values;
    for (double& value : values) value = std::log(value);
    return values;
  }

  // Nothing for what is no finite share of the base.
  absl::optional<double> Change(double difference) const {
    if (!logarithmic_) return RelativeChange(unit_, unit_ + difference);
    const double change = std::expm1(difference);
    if (!std::isfinite(change)) return absl::nullopt;
    return change;
  }

  // The difference that Change() turns into this one.
  double Difference(double change) const {
    return logarithmic_ ? std::log1p(change) : change * unit_;
  }

  // How much of a change leads from one to the other.
  double Distance(double from, double to) const {
    return logarithmic_ ? (1 + to) / (1 + from) - 1 : to - from;
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
  prepared.processes = {.base = static_cast<int64_t>(prepared.base.size()),
                        .head = static_cast<int64_t>(prepared.head.size())};
  // Too few processes to say anything: their repetitions describe them.
  if (std::min(prepared.processes.base, prepared.processes.head) < enough) {
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
  MetricComparison& metric = *prepared->test->metric;
  metric.effect = RelativeChange(*metric.base, *metric.head);
  const Scale scale(*prepared);
  const std::vector<double> base = scale.Values(prepared->base);
  const std::vector<double> head = scale.Values(prepared->head);
  const Shift shift(base, head, table);
  prepared->p_value = shift.PValue();
  if (!metric.effect.has_value()) return;
  const double margin = kApart * std::max(Range(base), Range(head));
  prepared->apart = std::abs(scale.Difference(*metric.effect)) > margin;
  const auto interval = shift.IntervalAt(1 - options.confidence);
  if (!interval.has_value()) return;
  metric.effect_low = scale.Change(interval->low);
  metric.effect_high = scale.Change(interval->high);
  if (!metric.effect_low.has_value() || !metric.effect_high.has_value()) {
    metric.effect_low = metric.effect_high = absl::nullopt;
    return;
  }
  // Skewed samples can leave the ratio of the medians outside.
  metric.effect_low = std::min(*metric.effect_low, *metric.effect);
  metric.effect_high = std::max(*metric.effect_high, *metric.effect);
  const auto strict = shift.IntervalAt(strict_alpha);
  if (!strict.has_value() || !prepared->testable) return;
  // Around no change, the interval would reach as far as it does now around the
  // effect: a change of that size would have left none on its other side.
  const auto bound =
      scale.Change(metric.higher_is_better ? strict->high : strict->low);
  const double worse = metric.higher_is_better ? -1 : 1;
  const auto apart = scale.Change(worse * margin);
  if (!bound.has_value() || !apart.has_value()) return;
  const double reach =
      std::max(scale.Distance(*bound, *metric.effect) * worse, *apart * worse);
  if (std::isfinite(reach)) {
    metric.smallest_visible = std::max(options.threshold, reach);
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
    return absl::StrCat("too few processes: ", prepared.processes.base, " and ",
                        prepared.processes.head);
  }
  if (!metric.effect_low.has_value() || !metric.effect_high.has_value()) {
    return "the change is no share of the base";
  }
  const double alpha = 1 - options.confidence;
  if (prepared.p_value <= alpha && adjusted_p > alpha) {
    return "not beyond doubt among so many";
  }
  if (prepared.p_value <= alpha) {
    return std::abs(*metric.effect) > options.threshold
               ? "the processes of a side differ as much"
               : "about as large as the threshold";
  }
  return "too noisy";
}

void GiveVerdict(const Prepared& prepared, double adjusted_p,
                 const JudgeOptions& options) {
  MetricComparison& metric = *prepared.test->metric;
  metric.verdict = Verdict::kUnsure;
  const bool sure = prepared.test->direction_known && prepared.testable &&
                    metric.effect.has_value() &&
                    adjusted_p <= 1 - options.confidence;
  if (sure && prepared.apart && std::abs(*metric.effect) > options.threshold) {
    metric.verdict = (*metric.effect > 0) == metric.higher_is_better
                         ? Verdict::kImproved
                         : Verdict::kSlower;
  } else if (prepared.testable && metric.effect_low.has_value() &&
             metric.effect_high.has_value() &&
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
  int64_t judged = 0;
  for (const Test& test : tests) {
    Prepared prepared = Prepare(test, SamplesNeeded(alpha));
    judged += test.direction_known ? 1 : 0;
    prepared.testable =
        test.direction_known && table.SmallestP(prepared.processes) <= alpha;
    family += prepared.testable ? 1 : 0;
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
    if (table.SmallestP(prepared.processes) > strict_alpha) ++too_few;
  }
  const std::vector<double> adjusted = HolmAdjusted(p_values);
  size_t next = 0;
  for (const Prepared& prepared : all) {
    GiveVerdict(prepared, prepared.testable ? adjusted[next++] : 1, options);
  }
  std::vector<std::string> warnings;
  if (too_few > 0) {
    warnings.push_back(absl::StrCat(
        too_few, " of ", judged, " metrics have too few processes for ",
        Percent(options.confidence), " confidence: measure each side in at ",
        "least ", SamplesNeeded(alpha / static_cast<double>(judged)),
        " (opsbench run --repetitions, or several files or runs with commas); ",
        "repetitions within a process are one sample of what differs between "
        "processes"));
  }
  return warnings;
}

}  // namespace opsbench::results::internal
