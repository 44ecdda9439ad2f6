// The searches of VectorBenchmark: what a measurement is to a search, and the
// measurement that decides at its end.

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "opsbench/base/clock.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/vector/benchmark.h"
#include "opsbench/vector/internal/target.h"

namespace opsbench::vector {
namespace {

// How many of the best settings are measured again before none is called one.
constexpr int kMostConfirmations = 3;

std::vector<std::string> NamesOf(const std::vector<Parameter>& parameters) {
  std::vector<std::string> names;
  for (const Parameter& parameter : parameters) names.push_back(parameter.name);
  return names;
}

Sample SampleOf(const BenchmarkResult& result) {
  Sample sample;
  sample.qps = result.qps;
  sample.p99_ms = result.latency_p99_ms;
  // Constraints on recall are for searches: see Prepare().
  sample.recall = result.recall_avg.value_or(1);
  return sample;
}

// The one that has the most queries per second of those that keep the
// constraints.
absl::optional<size_t> FastestFeasible(const std::vector<Evidence>& evidence) {
  absl::optional<size_t> fastest;
  for (size_t i = 0; i < evidence.size(); ++i) {
    if (evidence[i].feasible &&
        (!fastest || evidence[i].qps > evidence[*fastest].qps)) {
      fastest = i;
    }
  }
  return fastest;
}

BenchmarkConfig WithSetting(BenchmarkConfig config,
                            const std::vector<std::string>& names,
                            const Setting& setting) {
  for (size_t i = 0; i < names.size(); ++i) {
    SetParameter(names[i], setting[i], &config).IgnoreError();
  }
  return config;
}

bool HasSetting(const BenchmarkConfig& config,
                const std::vector<std::string>& names, const Setting& setting) {
  for (size_t i = 0; i < names.size(); ++i) {
    if (GetParameter(names[i], config) != setting[i]) return false;
  }
  return true;
}

}  // namespace

absl::StatusOr<Sample> VectorBenchmark::Measure(
    BenchmarkConfig config, const std::vector<std::string>& names,
    const Setting& setting) {
  for (size_t i = 0; i < names.size(); ++i) {
    OPSBENCH_RETURN_IF_ERROR(SetParameter(names[i], setting[i], &config));
  }
  const int64_t start_ns = MonotonicNowNs();
  const absl::StatusOr<BenchmarkResult> result = Run(config);
  absl::Status failed = result.status();
  if (failed.ok() && result->errors > 0) {
    failed = absl::UnavailableError(absl::StrCat(
        result->errors, " of ", result->requests + result->errors,
        " requests failed, the first with: ", result->first_error));
  }
  if (failed.ok()) {
    Sample sample = SampleOf(*result);
    sample.seconds = static_cast<double>(MonotonicNowNs() - start_ns) / 1e9;
    return sample;
  }
  if (!absl::IsUnavailable(failed) || config.is_local()) return failed;
  // Is it this setting, or is there nobody any more?
  const absl::Status alive =
      target_ == nullptr ? failed : target_->Baseline().status();
  if (alive.ok()) return failed;
  return absl::AbortedError(
      absl::StrCat("the server does not answer any more: ", alive.message()));
}

const BenchmarkResult* VectorBenchmark::MedianOf(
    const std::vector<std::string>& names, const Setting& setting,
    size_t first) const {
  std::vector<const BenchmarkResult*> samples;
  for (size_t i = first; i < results_.size(); ++i) {
    if (results_[i].errors == 0 &&
        HasSetting(results_[i].config, names, setting)) {
      samples.push_back(&results_[i]);
    }
  }
  if (samples.empty()) return nullptr;
  const auto middle =
      samples.begin() + static_cast<ptrdiff_t>(samples.size() / 2);
  std::nth_element(
      samples.begin(), middle, samples.end(),
      [](const auto* a, const auto* b) { return a->qps < b->qps; });
  return *middle;
}

SearchOutcome VectorBenchmark::Confirm(const BenchmarkConfig& config,
                                       const std::vector<std::string>& names,
                                       const Constraints& constraints,
                                       TuneResult search, size_t first) {
  SearchOutcome outcome;
  const auto give_up = [&search](const absl::Status& why) {
    search.failure = why;
    search.ended = "failures";
    search.decided = false;
  };
  for (int i = 0; search.best && search.failure.ok() && !outcome.feasible &&
                  i < kMostConfirmations;
       ++i) {
    if (hooks_.stop != nullptr && hooks_.stop->load()) break;
    Evidence& best = search.evidence[*search.best];
    const absl::StatusOr<Sample> sample = Measure(config, names, best.setting);
    if (absl::IsCancelled(sample.status())) break;
    ++search.evaluations;
    std::string broken(sample.status().message());
    if (sample.ok()) {
      broken = BrokenConstraints(constraints, *sample);
      if (broken.empty()) {
        outcome.best = results_.back();
        outcome.feasible = true;
        break;
      }
    } else if (absl::IsUnavailable(sample.status())) {
      best.error = sample.status();
      ++search.unknown;
    } else {
      give_up(sample.status());
      break;
    }
    best.feasible = best.decided = false;
    if (sample.ok() && sample->recall < constraints.min_recall) {
      // Nor does one with less recall keep it.
      for (Evidence& other : search.evidence) {
        if (other.recall <= best.recall) other.feasible = false;
      }
    }
    search.decided = false;
    search.notes.push_back(
        absl::StrCat(DescribeSetting(WithSetting(config, names, best.setting)),
                     " was measured once more: ", broken));
    if (!search.closest.has_value()) search.closest = search.best;
    search.best = FastestFeasible(search.evidence);
  }
  const absl::optional<size_t> shown =
      search.best.has_value() ? search.best : search.closest;
  if (!outcome.feasible && shown.has_value()) {
    const BenchmarkResult* const median =
        MedianOf(names, search.evidence[*shown].setting, first);
    if (median != nullptr) {
      outcome.best = *median;
      outcome.feasible =
          search.best.has_value() &&
          BrokenConstraints(constraints, SampleOf(*median)).empty();
    }
  }
  if (!outcome.feasible && search.best.has_value()) {
    search.closest = search.best;
    search.best.reset();
  }
  outcome.search = std::move(search);
  return outcome;
}

absl::Status VectorBenchmark::Prepare(const BenchmarkConfig& config,
                                      double min_recall) {
  if (!config.is_search() && min_recall > 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(config.operation, " has no recall: a least recall of ",
                     min_recall, " cannot be kept"));
  }
  // What takes long and is done once is not part of the first measurement.
  return config.is_search() ? Load(config).status() : CheckConfig(config);
}

absl::StatusOr<SearchOutcome> VectorBenchmark::Tune(
    const BenchmarkConfig& base_config, const TuneOptions& options,
    const absl::optional<BenchmarkConfig>& confirm) {
  OPSBENCH_RETURN_IF_ERROR(
      Prepare(base_config, options.constraints.min_recall));
  const size_t first = results_.size();
  const std::vector<std::string> names = NamesOf(options.parameters);
  TuneOptions tune = options;
  if (tune.stop == nullptr) tune.stop = hooks_.stop;
  OPSBENCH_ASSIGN_OR_RETURN(TuneResult search,
                            vector::Tune(tune, [&](const Setting& setting) {
                              return Measure(base_config, names, setting);
                            }));
  return Confirm(confirm.value_or(base_config), names, options.constraints,
                 std::move(search), first);
}

absl::StatusOr<SearchOutcome> VectorBenchmark::BinarySearchMaxQps(
    const BenchmarkConfig& base_config, const BinarySearchOptions& options) {
  OPSBENCH_RETURN_IF_ERROR(Prepare(base_config, options.target_recall));
  const size_t first = results_.size();
  const std::vector<std::string> names = {options.param_name};
  OPSBENCH_ASSIGN_OR_RETURN(
      TuneResult search,
      vector::BinarySearchMaxQps(options, [&](int64_t value) {
        return Measure(base_config, names, {value});
      }));
  Constraints constraints = options.tune.constraints;
  constraints.min_recall = options.target_recall;
  return Confirm(base_config, names, constraints, std::move(search), first);
}

absl::StatusOr<SearchOutcome> VectorBenchmark::FindMaxQpsWithConstraints(
    const BenchmarkConfig& base_config,
    const ConstraintSearchOptions& options) {
  OPSBENCH_RETURN_IF_ERROR(Prepare(base_config, options.min_recall));
  const size_t first = results_.size();
  const std::vector<std::string> names = {options.param_name};
  OPSBENCH_ASSIGN_OR_RETURN(
      TuneResult search,
      vector::FindMaxQpsWithConstraints(options, [&](int64_t value) {
        return Measure(base_config, names, {value});
      }));
  Constraints constraints;
  constraints.min_recall = options.min_recall;
  constraints.max_p99_ms = options.max_latency_p99_ms;
  return Confirm(base_config, names, constraints, std::move(search), first);
}

absl::StatusOr<GridResult> VectorBenchmark::GridSearch(
    const BenchmarkConfig& base_config, const GridOptions& options) {
  OPSBENCH_RETURN_IF_ERROR(Prepare(base_config, 0));
  const std::vector<std::string> names = NamesOf(options.param_grid);
  GridOptions grid = options;
  if (grid.stop == nullptr) grid.stop = hooks_.stop;
  return vector::GridSearch(grid, [&](const Setting& setting) {
    return Measure(base_config, names, setting);
  });
}

}  // namespace opsbench::vector
