#include "opsbench/vector/local_load.h"

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/load/load.h"

namespace opsbench::vector {
namespace {

// What a client has from the warm-up to the end.
struct Worker {
  std::unique_ptr<Searcher> searcher;
  Recall recall;
};

struct Task {
  const Dataset& data;
  const GroundTruth& truth;
  const SearchRequest& request;
};

class SearchClient : public Client {
 public:
  SearchClient(const Task& task, Worker* worker)
      : task_(task), worker_(worker), request_(task.request) {}
  ~SearchClient() override { CountLast(); }

  void Prepare(int, Random& random) override {
    CountLast();
    query_ = random.Below(task_.data.queries().rows);
    request_.query = task_.data.queries().row(query_);
  }

  absl::StatusOr<int64_t> Execute() override {
    searched_ = true;
    const absl::Status status = worker_->searcher->Search(request_, &found_);
    if (status.ok()) return static_cast<int64_t>(found_.size());
    found_.clear();
    return status;
  }

  absl::Status Recover() override { return worker_->searcher->Recover(); }

 private:
  // Of the last request, when nothing is timed.
  void CountLast() {
    if (!std::exchange(searched_, false)) return;
    AddRecall(task_.data, query_, task_.truth.of(query_), found_,
              static_cast<size_t>(request_.k), &worker_->recall,
              &request_.filter);
  }

  const Task& task_;
  Worker* const worker_;
  SearchRequest request_;
  size_t query_ = 0;
  bool searched_ = false;
  std::vector<Neighbor> found_;
};

class SearchWorkload : public Workload {
 public:
  SearchWorkload(Backend& backend, const Task& task,
                 std::vector<Worker>* workers)
      : backend_(backend), task_(task), workers_(workers) {}

  absl::StatusOr<std::unique_ptr<Client>> Connect(int worker) override {
    Worker& own = (*workers_)[static_cast<size_t>(worker)];
    if (own.searcher == nullptr) {
      OPSBENCH_ASSIGN_OR_RETURN(own.searcher, backend_.Connect());
    }
    own.recall = Recall();
    return std::make_unique<SearchClient>(task_, &own);
  }

 private:
  Backend& backend_;
  const Task& task_;
  std::vector<Worker>* const workers_;
};

LoadOptions OptionsOf(const QueryLoadOptions& options, uint64_t seed) {
  LoadOptions load;
  load.mix = {{"search", 1}};
  load.workers = options.clients;
  load.operations = options.requests;
  load.duration = options.duration;
  load.arrival =
      options.rate_per_second > 0 ? Arrival::kConstant : Arrival::kClosed;
  load.rate_per_second = options.rate_per_second;
  load.seed = seed;
  load.stop = options.stop;
  load.stage_name = options.stage_name;
  load.stage_tag = options.stage_tag;
  return load;
}

absl::StatusOr<LoadReport> RunPart(const LoadOptions& options,
                                   SearchWorkload& workload) {
  OPSBENCH_ASSIGN_OR_RETURN(const std::unique_ptr<LoadEngine> engine,
                            LoadEngine::Create(options));
  return engine->Run(workload);
}

std::function<void(const LoadProgress&)> ProgressOf(
    const QueryLoadOptions& options, bool warming_up) {
  if (!options.on_progress) return nullptr;
  return [&options, warming_up](const LoadProgress& load) {
    QueryLoadProgress progress;
    progress.elapsed = load.elapsed;
    progress.warming_up = warming_up;
    progress.requests = load.operations;
    progress.errors = load.errors;
    progress.qps = static_cast<double>(load.last_second.operations);
    options.on_progress(progress);
  };
}

QueryLoadResult ResultOf(LoadReport report,
                         const std::vector<Worker>& workers) {
  OperationReport& search = report.operations.front();
  QueryLoadResult result;
  result.requests = search.completed();
  result.errors = search.errors;
  result.errors_by_kind = std::move(search.errors_by_kind);
  result.first_error = std::move(search.first_error);
  result.latency = std::move(search.latency);
  for (const Worker& worker : workers) result.recall.Merge(worker.recall);
  result.elapsed = report.elapsed;
  result.rate_met = report.rate_met;
  result.interrupted = report.interrupted;
  return result;
}

}  // namespace

absl::StatusOr<QueryLoadResult> RunLocalLoad(Backend& backend,
                                             const Dataset& data,
                                             const GroundTruth& truth,
                                             const SearchRequest& request,
                                             uint64_t seed,
                                             const QueryLoadOptions& options) {
  const size_t queries = data.queries().rows;
  if (queries == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(data.name(), " has no queries"));
  }
  if (truth.neighbors.size() != queries * truth.k) {
    return absl::InvalidArgumentError(
        absl::StrCat("the right neighbours are those of other queries than ",
                     data.name(), "'s"));
  }
  std::vector<Worker> workers(
      static_cast<size_t>(options.clients < 0 ? 0 : options.clients));
  const Task task = {data, truth, request};
  SearchWorkload workload(backend, task, &workers);
  LoadOptions load = OptionsOf(options, seed);
  // A run of its own, so that its recall stays out of the result's.
  if (options.warmup > absl::ZeroDuration()) {
    LoadOptions warmup = load;
    warmup.operations = 0;
    warmup.duration = options.warmup;
    warmup.seed = ~seed;
    if (!options.stage_name.empty()) warmup.stage_name = "warmup";
    // What is still due then is not owed to anybody.
    warmup.drain_timeout = absl::ZeroDuration();
    warmup.on_progress = ProgressOf(options, true);
    OPSBENCH_RETURN_IF_ERROR(RunPart(warmup, workload).status());
  }
  for (Worker& worker : workers) {
    if (worker.searcher != nullptr) continue;
    OPSBENCH_ASSIGN_OR_RETURN(worker.searcher, backend.Connect());
  }
  load.on_progress = ProgressOf(options, false);
  if (options.on_measured) options.on_measured(true);
  absl::StatusOr<LoadReport> ran = RunPart(load, workload);
  if (options.on_measured) options.on_measured(false);
  if (!ran.ok()) return ran.status();
  LoadReport report = *std::move(ran);
  if (!report.ended_early.ok() && report.completed() == 0) {
    return report.ended_early;
  }
  return ResultOf(std::move(report), workers);
}

}  // namespace opsbench::vector
