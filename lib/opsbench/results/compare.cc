#include "opsbench/results/compare.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/results/internal/environment.h"
#include "opsbench/results/internal/judge.h"
#include "opsbench/results/internal/name_filter.h"
#include "opsbench/results/internal/statistics.h"

namespace opsbench::results {
namespace {

constexpr char kRealTime[] = "real_time_ns";
constexpr char kCpuTime[] = "cpu_time_ns";

// How many names a warning spells out.
constexpr size_t kNamesShown = 5;

std::string SomeOf(const std::vector<std::string>& names) {
  const size_t shown = std::min(names.size(), kNamesShown);
  std::string text = absl::StrJoin(names.begin(), names.begin() + shown, ", ");
  if (names.size() > shown) {
    absl::StrAppend(&text, " and ", names.size() - shown, " more");
  }
  return text;
}

// The same benchmark on both sides; null where a side has none of it.
struct Pair {
  std::string area;
  std::string name;
  const BenchmarkSamples* base = nullptr;
  const BenchmarkSamples* head = nullptr;
};

bool HasAreas(const SampleSet& set) {
  return absl::c_any_of(set.benchmarks(), [](const BenchmarkSamples& one) {
    return !one.area.empty();
  });
}

// In the order of the base, then those that the head alone has. A file names no
// area: if either side is one, names alone tell benchmarks apart.
std::vector<Pair> PairUp(const SampleSet& base, const SampleSet& head,
                         const CompareOptions& options,
                         const internal::NameFilter& filter) {
  const bool areas = HasAreas(base) && HasAreas(head);
  std::vector<Pair> pairs;
  absl::flat_hash_map<std::pair<std::string, std::string>, size_t> places;
  const auto add = [&](const BenchmarkSamples& one,
                       const BenchmarkSamples* Pair::*side) {
    if (!filter.Matches(one.name)) return;
    if (!one.area.empty() && !options.areas.empty() &&
        !absl::c_linear_search(options.areas, one.area)) {
      return;
    }
    const auto [found, added] =
        places.try_emplace({areas ? one.area : "", one.name}, pairs.size());
    if (added) pairs.push_back({.area = one.area, .name = one.name});
    Pair& pair = pairs[found->second];
    pair.*side = &one;
    if (pair.area.empty()) pair.area = one.area;
  };
  for (const BenchmarkSamples& one : base.benchmarks()) add(one, &Pair::base);
  for (const BenchmarkSamples& one : head.benchmarks()) add(one, &Pair::head);
  return pairs;
}

// Collects the entries of a comparison.
class Comparer {
 public:
  explicit Comparer(const CompareOptions& options) : options_(options) {}

  // Entries point into the list that they are in: it must not grow any more
  // when they are judged.
  absl::Status CompareAll(const std::vector<Pair>& pairs,
                          Comparison* comparison) {
    for (const Pair& pair : pairs) AddPair(pair);
    OPSBENCH_RETURN_IF_ERROR(CheckMetrics());
    comparison->metrics.insert(comparison->metrics.end(),
                               std::make_move_iterator(entries_.begin()),
                               std::make_move_iterator(entries_.end()));
    std::vector<internal::Test> tests;
    const size_t first = comparison->metrics.size() - entries_.size();
    for (Planned& planned : planned_) {
      planned.test.metric = &comparison->metrics[first + planned.entry];
      tests.push_back(planned.test);
    }
    std::vector<std::string> warnings = internal::Judge(
        tests,
        {.threshold = options_.threshold, .confidence = options_.confidence});
    AddWarnings(&warnings);
    comparison->warnings.insert(comparison->warnings.end(), warnings.begin(),
                                warnings.end());
    return absl::OkStatus();
  }

 private:
  struct Planned {
    size_t entry = 0;
    internal::Test test;
  };

  static bool Measured(const BenchmarkSamples* one) {
    return one != nullptr && !one->failed && !one->skipped;
  }

  // The direction of a metric, if its name or the user tells.
  absl::optional<Direction> DirectionFor(const std::string& metric) {
    const auto [found, added] = directions_.try_emplace(metric);
    if (!added) return found->second;
    for (const MetricChoice& choice : options_.metrics) {
      if (choice.name == metric && choice.direction.has_value()) {
        return found->second = choice.direction;
      }
    }
    if (const auto direction = DirectionOf(metric); direction.ok()) {
      found->second = *direction;
    }
    return found->second;
  }

  MetricComparison* AddEntry(const Pair& pair, const std::string& metric,
                             Verdict verdict) {
    const auto direction = DirectionFor(metric);
    entries_.push_back(
        {.area = pair.area,
         .benchmark = pair.name,
         .metric = metric,
         .higher_is_better = direction == Direction::kHigherIsBetter,
         .verdict = verdict,
         .threshold = options_.threshold});
    return &entries_.back();
  }

  // Fills in what `samples` tell of one side.
  static void SetSide(const Samples* samples, absl::optional<double>* median,
                      int64_t* count) {
    if (samples == nullptr || samples->values.empty()) return;
    *median = internal::Median(samples->values);
    *count = static_cast<int64_t>(samples->values.size());
  }

  static const Samples* Find(const BenchmarkSamples& one,
                             const std::string& metric) {
    const auto found = one.metrics.find(metric);
    return found == one.metrics.end() ? nullptr : &found->second;
  }

  // The one entry of a benchmark that has nothing to compare.
  void AddWhole(const Pair& pair, Verdict verdict, std::string note) {
    MetricComparison* entry = AddEntry(pair, kRealTime, verdict);
    if (Measured(pair.base)) {
      SetSide(Find(*pair.base, kRealTime), &entry->base, &entry->base_samples);
    }
    if (Measured(pair.head)) {
      SetSide(Find(*pair.head, kRealTime), &entry->head, &entry->head_samples);
    }
    entry->note = std::move(note);
  }

  // Why a side has no values.
  static std::string Absence(const BenchmarkSamples* one,
                             absl::string_view side) {
    if (one == nullptr) return "";
    if (one->failed) {
      return absl::StrCat("failed in the ", side, ": ", one->error_message);
    }
    return absl::StrCat("skipped in the ", side,
                        one->skip_message.empty() ? "" : ": ",
                        one->skip_message);
  }

  void AddPair(const Pair& pair) {
    if (pair.head != nullptr && pair.head->failed) {
      AddWhole(pair, Verdict::kError,
               pair.head->error_message.empty() ? "failed in the head"
                                                : pair.head->error_message);
    } else if (Measured(pair.base) && Measured(pair.head)) {
      AddMetrics(pair);
    } else if (Measured(pair.head)) {
      AddWhole(pair, Verdict::kNew, Absence(pair.base, "base"));
    } else if (Measured(pair.base) ||
               (pair.base != nullptr && pair.base->failed)) {
      std::string note = Absence(pair.head, "head");
      if (note.empty() && !Measured(pair.base)) {
        note = Absence(pair.base, "base");
      }
      AddWhole(pair, Verdict::kMissing, std::move(note));
    } else {
      skipped_.push_back(pair.name);
    }
  }

  // The metrics to compare of a benchmark that both sides have.
  std::vector<std::string> MetricsOf(const Pair& pair) {
    std::vector<std::string> metrics;
    if (!options_.metrics.empty()) {
      for (const MetricChoice& choice : options_.metrics) {
        if (Find(*pair.base, choice.name) == nullptr &&
            Find(*pair.head, choice.name) == nullptr) {
          continue;
        }
        metrics.push_back(choice.name);
        found_.insert(choice.name);
      }
      return metrics;
    }
    metrics.emplace_back(kRealTime);
    std::set<std::string> counters;
    for (const BenchmarkSamples* one : {pair.base, pair.head}) {
      for (const auto& [name, samples] : one->metrics) counters.insert(name);
    }
    for (const std::string& name : counters) {
      if (name == kRealTime || name == kCpuTime) continue;
      if (DirectionFor(name).has_value()) {
        metrics.push_back(name);
      } else {
        undirected_.insert(name);
      }
    }
    return metrics;
  }

  void AddMetrics(const Pair& pair) {
    for (const BenchmarkSamples* one : {pair.base, pair.head}) {
      for (const auto& [name, samples] : one->metrics) known_.insert(name);
    }
    for (const std::string& metric : MetricsOf(pair)) {
      AddMetric(pair, metric, Find(*pair.base, metric),
                Find(*pair.head, metric));
    }
  }

  void AddMetric(const Pair& pair, const std::string& metric,
                 const Samples* base, const Samples* head) {
    const bool in_base = base != nullptr && !base->values.empty();
    const bool in_head = head != nullptr && !head->values.empty();
    const int64_t dropped = (base == nullptr ? 0 : base->not_finite) +
                            (head == nullptr ? 0 : head->not_finite);
    MetricComparison* entry = AddEntry(pair, metric, Verdict::kUnsure);
    SetSide(base, &entry->base, &entry->base_samples);
    SetSide(head, &entry->head, &entry->head_samples);
    if (in_base && in_head) {
      if (dropped > 0) {
        entry->note =
            absl::StrCat("left out ", dropped,
                         dropped == 1 ? " value" : " values", " not finite");
      }
      PlanTest(pair, base, head);
    } else if (in_base) {
      // Not finite is a fault of the head; absent, it is no longer reported.
      entry->verdict = head == nullptr ? Verdict::kMissing : Verdict::kError;
      if (head != nullptr) entry->note = "no finite value in the head";
    } else if (in_head) {
      // A benchmark always has a time: without one, the base is damaged.
      entry->verdict = metric == kRealTime ? Verdict::kError : Verdict::kNew;
      if (base != nullptr) entry->note = "no finite value in the base";
    } else if (head != nullptr) {
      entry->verdict = metric == kRealTime ? Verdict::kError : Verdict::kUnsure;
      entry->note = "no finite value";
    } else {
      entry->verdict = Verdict::kMissing;
      entry->note = "no finite value in the base";
    }
  }

  // Of the last entry.
  void PlanTest(const Pair& pair, const Samples* base, const Samples* head) {
    Planned planned = {.entry = entries_.size() - 1};
    planned.test.base = base;
    planned.test.head = head;
    planned.test.direction_known =
        DirectionFor(entries_.back().metric).has_value();
    if (pair.base->aggregates_only || pair.head->aggregates_only) {
      planned.test.few_note =
          "aggregates only: without repetitions nothing tells noise from "
          "change";
    }
    planned_.push_back(std::move(planned));
  }

  absl::Status CheckMetrics() const {
    for (const MetricChoice& choice : options_.metrics) {
      if (found_.count(choice.name) > 0 || known_.empty()) continue;
      return absl::NotFoundError(absl::StrCat("no benchmark has the metric ",
                                              choice.name, ": there are ",
                                              absl::StrJoin(known_, ", ")));
    }
    return absl::OkStatus();
  }

  void AddWarnings(std::vector<std::string>* warnings) const {
    if (!undirected_.empty()) {
      warnings->push_back(absl::StrCat(
          "not compared, because their names do not say whether more is "
          "better: ",
          SomeOf({undirected_.begin(), undirected_.end()}),
          " (--metric NAME:lower or NAME:higher says it)"));
    }
    if (!skipped_.empty()) {
      warnings->push_back(
          absl::StrCat("skipped by the benchmark itself: ", SomeOf(skipped_)));
    }
  }

  const CompareOptions& options_;
  std::vector<MetricComparison> entries_;
  std::vector<Planned> planned_;
  absl::flat_hash_map<std::string, absl::optional<Direction>> directions_;
  std::set<std::string> undirected_;
  std::set<std::string> known_;
  std::set<std::string> found_;
  std::vector<std::string> skipped_;
};

absl::Status CheckOptions(const CompareOptions& options) {
  if (!(options.threshold >= 0 && std::isfinite(options.threshold))) {
    return absl::InvalidArgumentError("the threshold is below 0");
  }
  if (!(options.confidence >= 0.5 && options.confidence < 1)) {
    return absl::InvalidArgumentError(
        "the confidence is not from 50% to below 100%");
  }
  return absl::OkStatus();
}

// With the commit that it measured, if that is known and one.
std::string NameOf(const SampleSet& set) {
  std::set<std::string> commits;
  for (const SampleSource& source : set.sources()) {
    if (source.info.has_value()) commits.insert(source.info->git_short_sha);
  }
  if (commits.size() != 1) return set.name();
  return absl::StrCat(set.name(), " (", *commits.begin(), ")");
}

void AddDuplicates(absl::string_view side, const SampleSet& set,
                   std::vector<std::string>* warnings) {
  if (set.duplicates().empty()) return;
  warnings->push_back(
      absl::StrCat(side, ": several benchmarks of one name, told apart by ",
                   "their order: ", SomeOf(set.duplicates())));
}

// An area whose results cannot be read has no benchmark to report: not on the
// side that lost it, and none that is new on the other.
void AddLostAreas(absl::string_view side, const SampleSet& set,
                  const CompareOptions& options, Comparison* comparison) {
  for (const auto& [area, reason] : set.failures()) {
    if (!options.areas.empty() && !absl::c_linear_search(options.areas, area)) {
      continue;
    }
    comparison->metrics.push_back(
        {.area = area,
         .benchmark = absl::StrCat("all of ", area),
         .metric = kRealTime,
         .verdict = Verdict::kError,
         .note = absl::StrCat("no results in the ", side, ": ", reason)});
  }
}

int Rank(Verdict verdict) {
  switch (verdict) {
    case Verdict::kError:
      return 0;
    case Verdict::kSlower:
      return 1;
    case Verdict::kMissing:
      return 2;
    case Verdict::kUnsure:
      return 3;
    case Verdict::kImproved:
      return 4;
    case Verdict::kNew:
      return 5;
    case Verdict::kSame:
      return 6;
  }
  return 7;
}

// How much worse the head is; those without an effect come last.
double Harm(const MetricComparison& metric) {
  if (!metric.effect.has_value()) return -HUGE_VAL;
  return metric.higher_is_better ? -*metric.effect : *metric.effect;
}

}  // namespace

bool ComparesAnything(const Comparison& comparison) {
  return absl::c_any_of(comparison.metrics, [](const MetricComparison& metric) {
    return metric.base.has_value() && metric.head.has_value();
  });
}

absl::StatusOr<MetricChoice> ParseMetricChoice(absl::string_view text) {
  const size_t colon = text.rfind(':');
  MetricChoice choice = {.name = std::string(text.substr(0, colon))};
  if (choice.name == "real_time" || choice.name == "cpu_time") {
    choice.name += "_ns";
  }
  if (choice.name.empty()) {
    return absl::InvalidArgumentError("a metric without a name");
  }
  if (colon == absl::string_view::npos) return choice;
  const absl::string_view direction = text.substr(colon + 1);
  if (direction != "lower" && direction != "higher") {
    return absl::InvalidArgumentError(
        absl::StrCat("metric ", text, ": say ", choice.name, ":lower or ",
                     choice.name, ":higher, whichever is better"));
  }
  choice.direction = direction == "lower" ? Direction::kLowerIsBetter
                                          : Direction::kHigherIsBetter;
  return choice;
}

absl::StatusOr<Comparison> Compare(const SampleSet& base, const SampleSet& head,
                                   const CompareOptions& options) {
  OPSBENCH_RETURN_IF_ERROR(CheckOptions(options));
  OPSBENCH_ASSIGN_OR_RETURN(const internal::NameFilter filter,
                            internal::NameFilter::Compile(options.filter));
  if (base.benchmarks().empty() && head.benchmarks().empty()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "neither ", base.name(), " nor ", head.name(), " has a result"));
  }
  const std::vector<Pair> pairs = PairUp(base, head, options, filter);
  if (pairs.empty()) {
    return absl::NotFoundError(absl::StrCat(
        "filter ", options.filter, " matches no benchmark of either side"));
  }
  Comparison comparison = {.base_name = NameOf(base),
                           .head_name = NameOf(head),
                           .confidence = options.confidence};
  comparison.warnings = internal::EnvironmentWarnings(base, head);
  AddDuplicates("base", base, &comparison.warnings);
  AddDuplicates("head", head, &comparison.warnings);
  AddLostAreas("base", base, options, &comparison);
  AddLostAreas("head", head, options, &comparison);
  Comparer comparer(options);
  OPSBENCH_RETURN_IF_ERROR(comparer.CompareAll(pairs, &comparison));
  if (!ComparesAnything(comparison)) {
    comparison.warnings.push_back(
        "nothing was compared: no benchmark was measured on both sides");
  }
  SortMetrics(SortKey::kVerdict, &comparison);
  return comparison;
}

absl::StatusOr<Comparison> CompareRivals(const SampleSet& run,
                                         const Rivals& rivals,
                                         const CompareOptions& options) {
  OPSBENCH_RETURN_IF_ERROR(CheckOptions(options));
  OPSBENCH_ASSIGN_OR_RETURN(const internal::NameFilter filter,
                            internal::NameFilter::Compile(options.filter));
  if (rivals.base.empty() || rivals.head.empty() ||
      rivals.base == rivals.head) {
    return absl::InvalidArgumentError(absl::StrCat(
        "rivals ", rivals.base, "=", rivals.head, ": name two that differ"));
  }
  absl::flat_hash_map<std::pair<std::string, std::string>,
                      const BenchmarkSamples*>
      by_name;
  for (const BenchmarkSamples& one : run.benchmarks()) {
    by_name[{one.area, one.name}] = &one;
  }
  const std::string both = absl::StrCat(rivals.base, "=", rivals.head);
  std::vector<Pair> pairs;
  std::vector<std::string> alone;
  for (const BenchmarkSamples& one : run.benchmarks()) {
    if (!filter.Matches(one.name)) continue;
    const std::string rival =
        absl::StrReplaceAll(one.name, {{rivals.base, rivals.head}});
    if (rival == one.name) continue;
    const auto found = by_name.find({one.area, rival});
    if (found == by_name.end()) {
      alone.push_back(one.name);
      continue;
    }
    pairs.push_back(
        {.area = one.area,
         .name = absl::StrReplaceAll(one.name, {{rivals.base, both}}),
         .base = &one,
         .head = found->second});
  }
  if (pairs.empty()) {
    return absl::NotFoundError(absl::StrCat("no two benchmarks of ", run.name(),
                                            " are called alike but for ",
                                            rivals.base, " and ", rivals.head));
  }
  Comparison comparison = {
      .base_name = absl::StrCat(rivals.base, " of ", NameOf(run)),
      .head_name = absl::StrCat(rivals.head, " of ", NameOf(run)),
      .confidence = options.confidence};
  comparison.warnings = internal::EnvironmentWarnings(run, run);
  AddDuplicates("run", run, &comparison.warnings);
  AddLostAreas("run", run, options, &comparison);
  if (!alone.empty()) {
    comparison.warnings.push_back(
        absl::StrCat("without a rival: ", SomeOf(alone)));
  }
  Comparer comparer(options);
  OPSBENCH_RETURN_IF_ERROR(comparer.CompareAll(pairs, &comparison));
  SortMetrics(SortKey::kVerdict, &comparison);
  return comparison;
}

void SortMetrics(SortKey key, Comparison* comparison) {
  const auto before = [key](const MetricComparison& a,
                            const MetricComparison& b) {
    const auto name = [](const MetricComparison& metric) {
      return std::tie(metric.area, metric.benchmark, metric.metric);
    };
    if (key == SortKey::kName) return name(a) < name(b);
    if (key == SortKey::kVerdict && a.verdict != b.verdict) {
      return Rank(a.verdict) < Rank(b.verdict);
    }
    const double a_harm = Harm(a);
    const double b_harm = Harm(b);
    if (a_harm != b_harm) return a_harm > b_harm;
    return name(a) < name(b);
  };
  std::stable_sort(comparison->metrics.begin(), comparison->metrics.end(),
                   before);
}

}  // namespace opsbench::results
