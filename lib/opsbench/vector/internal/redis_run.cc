#include "opsbench/vector/internal/redis_run.h"

#include <algorithm>
#include <atomic>
#include <barrier>
#include <limits>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/synchronization/notification.h"
#include "absl/types/optional.h"
#include "opsbench/base/clock.h"
#include "opsbench/base/stage.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/vector/internal/redis_worker.h"

namespace opsbench::vector::internal {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
// Open loop: this part of the requests may be overdue.
constexpr double kOverduePart = 0.01;

int64_t After(int64_t start_ns, absl::Duration duration) {
  const int64_t ns = absl::ToInt64Nanoseconds(duration);
  return ns >= kNever - start_ns ? kNever : start_ns + ns;
}

// The threads of a run and what they have to agree on.
class Run {
 public:
  Run(const QueryLoadOptions& options,
      std::vector<std::unique_ptr<RedisWorker>> workers)
      : options_(options),
        workers_(std::move(workers)),
        statuses_(workers_.size()),
        phase_(static_cast<std::ptrdiff_t>(workers_.size())) {}

  absl::StatusOr<QueryLoadResult> Execute() {
    std::vector<std::thread> threads;
    for (size_t i = 0; i < workers_.size(); ++i) {
      threads.emplace_back([this, i] { Work(i); });
    }
    Watch();
    for (std::thread& thread : threads) thread.join();
    for (const absl::Status& status : statuses_) {
      OPSBENCH_RETURN_IF_ERROR(status);
    }
    return Result();
  }

 private:
  // Connect, warm up, measure; each begins when all have ended the one before.
  void Work(size_t i) {
    const absl::Cleanup left = [this] {
      if (running_.fetch_sub(1) != 1) return;
      End();
      ended_.Notify();
    };
    RedisWorker& worker = *workers_[i];
    absl::Status& status = statuses_[i];
    status = worker.Connect();
    if (!status.ok()) failed_ = true;
    phase_.arrive_and_wait();
    absl::optional<Stage> warmup;
    if (!failed_ && options_.warmup > absl::ZeroDuration()) {
      if (i == 0 && signals()) warmup.emplace("warmup", options_.stage_tag);
      status = worker.Run(WarmupPlan(i));
      if (!status.ok()) failed_ = true;
    }
    phase_.arrive_and_wait();
    warmup.reset();
    if (failed_) return;
    if (i == 0) {
      answered_before_ = Answered();
      errors_before_ = Errors();
      if (options_.on_measured) options_.on_measured(true);
      if (signals()) stage_.emplace(options_.stage_name, options_.stage_tag);
      measuring_ = true;
      start_ns_.store(MonotonicNowNs());
    }
    phase_.arrive_and_wait();
    status = worker.Run(MeasuredPlan(i));
  }

  bool signals() const { return !options_.stage_name.empty(); }

  // Of the measured part, when the last thread leaves it.
  void End() {
    if (!measuring_) return;
    stage_.reset();
    if (options_.on_measured) options_.on_measured(false);
  }

  RequestPlan WarmupPlan(size_t i) const {
    RequestPlan plan;
    plan.first = static_cast<int64_t>(i);
    plan.stride = static_cast<int64_t>(workers_.size());
    plan.count = kWarmupBase;
    plan.base = kWarmupBase;
    plan.start_ns = MonotonicNowNs();
    plan.end_ns = After(plan.start_ns, options_.warmup);
    plan.rate_per_second = options_.rate_per_second;
    return plan;
  }

  RequestPlan MeasuredPlan(size_t i) const {
    RequestPlan plan = WarmupPlan(i);
    plan.base = 0;
    plan.measured = true;
    plan.start_ns = start_ns_.load();
    plan.end_ns = options_.requests > 0
                      ? kNever
                      : After(plan.start_ns, options_.duration);
    if (options_.requests > 0) {
      // Indexes below `requests` that are first, first + stride, ….
      plan.count =
          (options_.requests - plan.first + plan.stride - 1) / plan.stride;
      plan.count = std::max<int64_t>(plan.count, 0);
    }
    return plan;
  }

  int64_t Answered() const {
    int64_t sum = 0;
    for (const auto& worker : workers_) sum += worker->answered();
    return sum;
  }
  int64_t Errors() const {
    int64_t sum = 0;
    for (const auto& worker : workers_) sum += worker->errors();
    return sum;
  }

  // Tells of the progress until all have ended.
  void Watch() {
    const int64_t begun_ns = MonotonicNowNs();
    int64_t last = 0;
    int64_t last_ns = begun_ns;
    while (!ended_.WaitForNotificationWithTimeout(absl::Seconds(1))) {
      if (!options_.on_progress) continue;
      const int64_t now_ns = MonotonicNowNs();
      const int64_t start_ns = start_ns_.load();
      const int64_t answered = Answered();
      QueryLoadProgress progress;
      progress.warming_up = start_ns == 0;
      progress.elapsed =
          absl::Nanoseconds(now_ns - (start_ns == 0 ? begun_ns : start_ns));
      progress.requests =
          answered - (start_ns == 0 ? 0 : answered_before_.load());
      progress.errors = Errors() - (start_ns == 0 ? 0 : errors_before_.load());
      progress.qps =
          static_cast<double>(answered - last) * 1e9 /
          static_cast<double>(std::max<int64_t>(1, now_ns - last_ns));
      options_.on_progress(progress);
      last = answered;
      last_ns = now_ns;
    }
  }

  QueryLoadResult Result() const {
    QueryLoadResult result;
    int64_t overdue = 0;
    int64_t fewest_begun = kNever;
    int64_t end_ns = start_ns_.load();
    for (const auto& worker : workers_) {
      const QueryLoadResult& own = worker->result();
      result.requests += own.requests;
      result.errors += own.errors;
      for (const auto& [kind, count] : own.errors_by_kind) {
        result.errors_by_kind[kind] += count;
      }
      if (result.first_error.empty()) result.first_error = own.first_error;
      result.redirects += own.redirects;
      result.reconnects += own.reconnects;
      result.empty_replies += own.empty_replies;
      fewest_begun = std::min(fewest_begun, worker->begun());
      result.latency.Merge(own.latency);
      result.recall.Merge(worker->traffic().recall());
      overdue += worker->overdue();
      end_ns = std::max(end_ns, worker->last_reply_ns());
    }
    result.interrupted = options_.stop != nullptr && options_.stop->load();
    result.all_sent_below =
        options_.requests > 0 && !result.interrupted
            ? options_.requests
            : fewest_begun * static_cast<int64_t>(workers_.size());
    result.elapsed = absl::Nanoseconds(end_ns - start_ns_.load());
    if (options_.requests == 0 && !result.interrupted) {
      result.elapsed = std::max(result.elapsed, options_.duration);
    }
    const double begun =
        static_cast<double>(result.requests + result.errors + overdue);
    result.rate_met =
        static_cast<double>(overdue) <=
        std::max(kOverduePart * begun, static_cast<double>(options_.clients));
    return result;
  }

  const QueryLoadOptions& options_;
  const std::vector<std::unique_ptr<RedisWorker>> workers_;
  std::vector<absl::Status> statuses_;
  std::barrier<> phase_;
  std::atomic<bool> failed_{false};
  std::atomic<int64_t> start_ns_{0};  // 0: not yet.
  bool measuring_ = false;
  absl::optional<Stage> stage_;  // Of the measured part.
  std::atomic<int64_t> answered_before_{0};
  std::atomic<int64_t> errors_before_{0};
  std::atomic<size_t> running_{workers_.size()};
  absl::Notification ended_;
};

}  // namespace

absl::StatusOr<QueryLoadResult> RunWorkers(const SlotMap& slots,
                                           const QueryLoadOptions& options,
                                           const TrafficFactory& traffic,
                                           const RedisLoadOptions& redis) {
  const int threads = std::min(options.threads, options.clients);
  RedisLoadOptions own = redis;
  own.may_poll = redis.may_poll && static_cast<unsigned>(threads) <
                                       std::thread::hardware_concurrency();
  std::vector<std::unique_ptr<RedisWorker>> workers;
  for (int i = 0; i < threads; ++i) {
    const int clients =
        options.clients / threads + (i < options.clients % threads ? 1 : 0);
    workers.push_back(std::make_unique<RedisWorker>(
        slots, clients, options.pipeline, traffic(i), own, options.stop));
  }
  return Run(options, std::move(workers)).Execute();
}

}  // namespace opsbench::vector::internal
