#include "opsbench/vector/benchmark.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "opsbench/base/clock.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/vector/ground_truth.h"
#include "opsbench/vector/internal/target.h"
#include "opsbench/vector/query_load.h"

namespace opsbench::vector {
namespace {

constexpr int kUsualServerClients = 10;
// A window in which no request ended is made longer, up to this.
constexpr absl::Duration kLongestWindow = absl::Minutes(1);

double Ms(double ns) { return ns / 1e6; }

// "redis 7.0.15"; the name alone where nobody says the version.
std::string NameOf(const BackendInfo& info) {
  return info.version.empty() ? info.name
                              : absl::StrCat(info.name, " ", info.version);
}

std::string DatasetKey(const BenchmarkConfig& config) {
  return absl::StrJoin({config.dataset, config.open.queries, config.open.truth,
                        config.open.metric.has_value()
                            ? std::string(MetricName(*config.open.metric))
                            : std::string(),
                        absl::StrCat(config.open.seed)},
                       "\n");
}

// What a target is opened for: an index, of what and how it is built.
std::string TargetKey(const BenchmarkConfig& config) {
  const BuildOptions& build = config.build;
  return absl::StrJoin({config.backend, config.engine, config.index,
                        config.is_search() ? DatasetKey(config) : std::string(),
                        absl::StrCat(build.m, " ", build.ef_construction, " ",
                                     build.lists, " ", build.seed)},
                       "\n");
}

// FailedPrecondition: what is there may not be replaced.
absl::Status CheckReplace(const IndexState& state, Replace replace) {
  constexpr char kOtherName[] = "choose another --index";
  if (state.kind == IndexState::Kind::kForeign &&
      replace != Replace::kForeign) {
    return absl::FailedPreconditionError(absl::StrCat(
        state.what, " was not made by `opsbench vector`: ", kOtherName,
        ", or replace it with --replace-foreign"));
  }
  if (state.kind == IndexState::Kind::kOther && replace == Replace::kNothing) {
    return absl::FailedPreconditionError(absl::StrCat(
        state.what, ": ", kOtherName, ", or load it anew with --replace"));
  }
  return absl::OkStatus();
}

// What the index on a server is called: what CheckIndexName() takes.
std::string IndexName(const BenchmarkConfig& config, const Dataset& data) {
  if (!config.index.empty()) return config.index;
  constexpr size_t kLongest = 40;
  std::string name =
      absl::AsciiStrToLower(absl::StrCat("opsbench_", data.name()));
  for (char& c : name) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  return name.substr(0, kLongest);
}

QueryLoadOptions LoadOptionsOf(const BenchmarkConfig& config,
                               const BenchmarkHooks& hooks) {
  QueryLoadOptions options;
  options.clients = config.num_clients;
  options.threads = std::min(config.num_threads, config.num_clients);
  options.pipeline = config.pipeline;
  options.requests = config.num_requests;
  options.duration = config.duration;
  options.warmup = config.warmup;
  options.rate_per_second = config.rate_per_second;
  options.stop = hooks.stop;
  options.on_measured = hooks.on_measured;
  options.stage_name = config.operation;
  options.stage_tag = DescribeSetting(config);
  if (hooks.on_progress) {
    options.on_progress = [&hooks, &config](const QueryLoadProgress& progress) {
      hooks.on_progress(absl::StrFormat(
          "%s: %s %.0f s, %.0f a second%s", DescribeSetting(config),
          progress.warming_up ? "warming up," : "measuring,",
          absl::ToDoubleSeconds(progress.elapsed), progress.qps,
          progress.errors > 0 ? absl::StrCat(", ", progress.errors, " errors")
                              : ""));
    };
  }
  return options;
}

BenchmarkResult ResultOf(const BenchmarkConfig& config, QueryLoadResult load) {
  BenchmarkResult result;
  result.config = config;
  result.qps = load.qps();
  result.latency_avg_ms = Ms(load.latency.mean_ns());
  const auto percentile = [&load](double rank) {
    return Ms(static_cast<double>(load.latency.Percentile(rank)));
  };
  result.latency_p50_ms = percentile(50);
  result.latency_p95_ms = percentile(95);
  result.latency_p99_ms = percentile(99);
  result.latency_max_ms = percentile(100);
  if (load.recall.queries() > 0) {
    result.recall_avg = load.recall.average();
    result.recall_min = load.recall.min();
    result.recall_max = load.recall.max();
    result.short_replies = load.recall.short_replies();
  }
  result.requests = load.requests;
  result.empty_replies = load.empty_replies;
  result.errors = load.errors;
  result.errors_by_kind = std::move(load.errors_by_kind);
  result.first_error = std::move(load.first_error);
  result.redirects = load.redirects;
  result.reconnects = load.reconnects;
  result.rate_met = load.rate_met;
  result.interrupted = load.interrupted;
  result.seconds = absl::ToDoubleSeconds(load.elapsed);
  return result;
}

// Recall is a share of what can be found: there has to be something.
absl::Status CheckSearch(const BenchmarkConfig& config, const Dataset& data) {
  if (data.queries().rows == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(config.dataset, " has no queries"));
  }
  if (!config.filter.any()) return absl::OkStatus();
  for (size_t row = 0; row < data.base().rows; ++row) {
    if (data.attributes().Matches(config.filter, row)) return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "the filter passes none of the ", data.base().rows, " vectors of ",
      config.dataset, ": there is nothing to find, and no recall"));
}

// Asks until a request has ended: on a machine that does other work a short
// window may pass before one does.
absl::StatusOr<QueryLoadResult> RunUntilAnswered(internal::Target& target,
                                                 const BenchmarkConfig& config,
                                                 const Dataset* data,
                                                 const GroundTruth* truth,
                                                 QueryLoadOptions options) {
  while (true) {
    OPSBENCH_ASSIGN_OR_RETURN(QueryLoadResult load,
                              target.Run(config, data, truth, options));
    if (load.requests + load.errors > 0 || load.interrupted) return load;
    if (options.requests > 0 || options.duration >= kLongestWindow) {
      return absl::DeadlineExceededError(absl::StrCat(
          "no request ended in ", absl::FormatDuration(load.elapsed)));
    }
    options.duration = std::min(2 * options.duration, kLongestWindow);
    options.warmup = absl::ZeroDuration();
  }
}

// What the figures of a measurement without errors rest on.
absl::Status CheckEffect(internal::Target& target,
                         const BenchmarkConfig& config,
                         const QueryLoadResult& load) {
  if (load.errors > 0 || load.interrupted) return absl::OkStatus();
  if (config.is_search() && load.recall.queries() != load.requests) {
    return absl::InternalError(absl::StrCat("recall was counted for ",
                                            load.recall.queries(), " of ",
                                            load.requests, " requests"));
  }
  if (config.is_search() && target.info().exact && load.recall.min() < 1) {
    return absl::InternalError(
        absl::StrCat(target.info().name,
                     " is exact, and missed neighbours: the lowest recall is ",
                     load.recall.min()));
  }
  return target.CheckEffect(config, load);
}

}  // namespace

// The right neighbours by data set, k and filter.
struct VectorBenchmark::Truths {
  std::map<std::string, GroundTruth> by_key;
};

VectorBenchmark::VectorBenchmark(BenchmarkHooks hooks)
    : hooks_(std::move(hooks)), truths_(std::make_unique<Truths>()) {}

VectorBenchmark::~VectorBenchmark() = default;

void VectorBenchmark::Say(const std::string& text) const {
  if (hooks_.on_progress) hooks_.on_progress(text);
}

std::unique_ptr<Stage> VectorBenchmark::StartStage(
    absl::string_view name, absl::string_view tag) const {
  return std::make_unique<Stage>(name, tag);
}

absl::StatusOr<const Dataset*> VectorBenchmark::Open(
    const BenchmarkConfig& config) {
  std::unique_ptr<Dataset>& kept = datasets_[DatasetKey(config)];
  if (kept != nullptr && (kept->truth_k() >= static_cast<size_t>(config.k) ||
                          kept->truth_k() >= kept->base().rows)) {
    return kept.get();
  }
  OpenDatasetOptions options = config.open;
  options.truth_k = std::max(options.truth_k, static_cast<size_t>(config.k));
  options.stop = hooks_.stop;
  options.on_progress = [this, &config](double part) {
    Say(absl::StrFormat("%s: right neighbours, %.0f%%", config.dataset,
                        100 * part));
  };
  const Stage stage("dataset", config.dataset);
  Say(absl::StrCat("opening ", config.dataset));
  // An index of this process looks at the vectors that go.
  target_.reset();
  OPSBENCH_ASSIGN_OR_RETURN(kept, OpenDataset(config.dataset, options));
  truths_->by_key.clear();
  return kept.get();
}

absl::StatusOr<internal::Target*> VectorBenchmark::OpenTarget(
    const BenchmarkConfig& config, const Dataset* data) {
  const std::string key = TargetKey(config);
  if (target_ == nullptr || key != target_key_) {
    target_.reset();
    absl::optional<Metric> metric;
    if (data != nullptr) metric = data->metric();
    OPSBENCH_ASSIGN_OR_RETURN(target_,
                              config.is_local()
                                  ? internal::OpenLocalTarget(config)
                                  : internal::OpenServerTarget(config, metric));
    target_key_ = key;
  }
  return target_.get();
}

absl::StatusOr<BackendInfo> VectorBenchmark::Info(
    const BenchmarkConfig& given) {
  BenchmarkConfig config = given;
  OPSBENCH_ASSIGN_OR_RETURN(const Dataset* data, Open(config));
  config.index = IndexName(config, *data);
  OPSBENCH_ASSIGN_OR_RETURN(internal::Target * target,
                            OpenTarget(config, data));
  return target->info();
}

absl::StatusOr<LoadResult> VectorBenchmark::LoadInto(
    internal::Target& target, const BenchmarkConfig& config,
    const Dataset& data, Replace replace) {
  LoadResult result;
  result.answered_by = NameOf(target.info());
  result.vectors = static_cast<int64_t>(data.base().rows);
  if (result.vectors == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(config.dataset, " has no vectors to search in"));
  }
  OPSBENCH_ASSIGN_OR_RETURN(IndexState state, target.Find(data, config.build));
  if (state.kind == IndexState::Kind::kCurrent &&
      replace == Replace::kNothing) {
    result.was_there = true;
    result.index_bytes = target.MemoryBytes();
    return result;
  }
  if (state.kind != IndexState::Kind::kAbsent) {
    OPSBENCH_RETURN_IF_ERROR(CheckReplace(state, replace));
    Say(absl::StrCat("removing ", state.what));
    OPSBENCH_RETURN_IF_ERROR(target.Remove(replace == Replace::kForeign));
    OPSBENCH_ASSIGN_OR_RETURN(state, target.Find(data, config.build));
    if (state.kind != IndexState::Kind::kAbsent) {
      state.kind = IndexState::Kind::kForeign;
      OPSBENCH_RETURN_IF_ERROR(CheckReplace(state, Replace::kNothing));
    }
  }
  BuildOptions options = config.build;
  options.stop = hooks_.stop;
  options.on_progress = [this, &result](int64_t done) {
    Say(absl::StrFormat("building the index: %d of %d vectors", done,
                        result.vectors));
  };
  Say(absl::StrFormat("building the index of %d vectors", result.vectors));
  const Stage stage("load", config.dataset);
  const int64_t start_ns = MonotonicNowNs();
  OPSBENCH_RETURN_IF_ERROR(target.Build(data, options));
  result.seconds = static_cast<double>(MonotonicNowNs() - start_ns) / 1e9;
  result.vectors_per_second =
      static_cast<double>(result.vectors) / std::max(result.seconds, 1e-9);
  OPSBENCH_RETURN_IF_ERROR(target.Verify(data));
  result.index_bytes = target.MemoryBytes();
  return result;
}

absl::StatusOr<LoadResult> VectorBenchmark::Load(const BenchmarkConfig& given,
                                                 Replace replace) {
  BenchmarkConfig config = given;
  OPSBENCH_RETURN_IF_ERROR(CheckConfig(config));
  OPSBENCH_ASSIGN_OR_RETURN(const Dataset* data, Open(config));
  OPSBENCH_RETURN_IF_ERROR(CheckSearch(config, *data));
  config.index = IndexName(config, *data);
  OPSBENCH_ASSIGN_OR_RETURN(internal::Target * target,
                            OpenTarget(config, data));
  return LoadInto(*target, config, *data, replace);
}

absl::StatusOr<BenchmarkResult> VectorBenchmark::Run(
    const BenchmarkConfig& given) {
  BenchmarkConfig config = given;
  OPSBENCH_RETURN_IF_ERROR(CheckConfig(config));
  if (config.num_clients == 0) {
    config.num_clients =
        config.is_local()
            ? std::max(1, static_cast<int>(std::thread::hardware_concurrency()))
            : kUsualServerClients;
  }
  const Dataset* data = nullptr;
  const GroundTruth* truth = nullptr;
  if (config.is_search()) {
    OPSBENCH_ASSIGN_OR_RETURN(data, Open(config));
    OPSBENCH_RETURN_IF_ERROR(CheckSearch(config, *data));
    config.index = IndexName(config, *data);
  }
  OPSBENCH_ASSIGN_OR_RETURN(internal::Target * target,
                            OpenTarget(config, data));
  if (config.is_search()) {
    if (config.filter.any() && !target->info().filters) {
      return absl::InvalidArgumentError(
          absl::StrCat(target->info().name,
                       " cannot filter: leave out the filter, or take "
                       "another --backend"));
    }
    OPSBENCH_RETURN_IF_ERROR(
        LoadInto(*target, config, *data, Replace::kNothing).status());
    OPSBENCH_ASSIGN_OR_RETURN(truth, TruthOf(config, *data));
  }
  return MeasureOnce(config, *target, data, truth);
}

absl::StatusOr<BenchmarkResult> VectorBenchmark::MeasureOnce(
    const BenchmarkConfig& config, internal::Target& target,
    const Dataset* data, const GroundTruth* truth) {
  const QueryLoadOptions options = LoadOptionsOf(config, hooks_);
  const absl::Time started = absl::Now();
  Stage baseline_stage("baseline", DescribeSetting(config));
  OPSBENCH_ASSIGN_OR_RETURN(const absl::optional<Histogram> baseline,
                            target.Baseline());
  baseline_stage.End();
  OPSBENCH_ASSIGN_OR_RETURN(
      QueryLoadResult load,
      RunUntilAnswered(target, config, data, truth, options));
  if (load.requests == 0 && load.interrupted) {
    return absl::CancelledError("interrupted before the first reply");
  }
  // Where requests failed, that is what there is to tell.
  if (config.is_search() && load.errors == 0) {
    OPSBENCH_RETURN_IF_ERROR(target.CheckStillThere(*data));
  }
  OPSBENCH_RETURN_IF_ERROR(CheckEffect(target, config, load));
  BenchmarkResult result = ResultOf(config, std::move(load));
  result.timestamp = started;
  result.answered_by = NameOf(target.info());
  result.recall_k = truth == nullptr ? 0 : static_cast<int>(truth->k);
  result.index_bytes = config.is_search() ? target.MemoryBytes() : 0;
  if (baseline.has_value()) {
    result.baseline_latency_avg_ms = Ms(baseline->mean_ns());
    result.baseline_latency_p50_ms =
        Ms(static_cast<double>(baseline->Percentile(50)));
  }
  if (result.requests == 0 && result.errors > 0) {
    return absl::UnavailableError(
        absl::StrCat("all ", result.errors,
                     " requests failed, the first with: ", result.first_error));
  }
  results_.push_back(result);
  if (hooks_.on_result) hooks_.on_result(result);
  return result;
}

absl::StatusOr<const GroundTruth*> VectorBenchmark::TruthOf(
    const BenchmarkConfig& config, const Dataset& data) {
  const Filter& filter = config.filter;
  const std::string key = absl::StrCat(
      DatasetKey(config), "\n", config.k, "\n", filter.by_tag, " ", filter.tag,
      " ", filter.by_number, " ", filter.number_low, " ", filter.number_high);
  const auto found = truths_->by_key.find(key);
  if (found != truths_->by_key.end()) return &found->second;
  GroundTruth truth;
  if (filter.any()) {
    GroundTruthOptions options;
    options.k = config.k;
    options.filter = filter;
    options.attributes = &data.attributes();
    options.stop = hooks_.stop;
    options.on_progress = [this](double part) {
      Say(absl::StrFormat("right neighbours under the filter, %.0f%%",
                          100 * part));
    };
    OPSBENCH_ASSIGN_OR_RETURN(
        truth, ComputeGroundTruth(data.base(), data.queries(), data.metric(),
                                  options));
  } else {
    truth.k = std::min(static_cast<size_t>(config.k), data.truth_k());
    for (size_t i = 0; i < data.queries().rows; ++i) {
      const auto right = data.truth(i).first(truth.k);
      truth.neighbors.insert(truth.neighbors.end(), right.begin(), right.end());
    }
  }
  return &(truths_->by_key[key] = std::move(truth));
}

}  // namespace opsbench::vector
