#include "opsbench/load/internal/worker.h"

#include <sys/prctl.h>
#include <time.h>

#include <algorithm>
#include <utility>

#include "absl/time/time.h"
#include "opsbench/base/clock.h"
#include "opsbench/base/random.h"

namespace opsbench::load_internal {
namespace {

// Give the warm-up and the schedules streams of their own.
constexpr uint64_t kWarmUpSalt = 0x7761726d2d757021u;
constexpr uint64_t kScheduleSalt = 0x7363686564756c65u;

// How often a waiting worker looks whether it is to stop.
constexpr int64_t kStopPollNs = 20'000'000;

void SleepUntil(int64_t until_ns) {
  const timespec until = {.tv_sec = until_ns / kNanosPerSecond,
                          .tv_nsec = until_ns % kNanosPerSecond};
  // Interrupted or not, the caller reads the clock again.
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
}

int64_t ShareOf(const LoadOptions& options, int worker) {
  const int64_t workers = options.workers;
  return options.operations / workers +
         (worker < options.operations % workers ? 1 : 0);
}

}  // namespace

int64_t ToNs(absl::Duration duration) {
  return std::min(absl::ToInt64Nanoseconds(duration), kForeverNs);
}

Worker::Worker(int index, const WeightedChoice& choice,
               const WorkerContext& context)
    : index_(index),
      choice_(choice),
      context_(context),
      share_(ShareOf(context.options, index)) {}

void Worker::Main() {
  // A thread's sleep may by default end 50 us late: too late to be on time.
  prctl(PR_SET_TIMERSLACK, 1);
  // Allocated here, so that the memory is this thread's and near to its core.
  recorder_ = std::make_unique<Recorder>(context_.options.mix.size());
  auto client = context_.workload.Connect(index_);
  if (client.ok()) {
    client_ = *std::move(client);
  } else {
    connected_ = std::move(client).status();
  }
  context_.gate.Finish(Phase::kConnect);

  if (context_.options.warmup > absl::ZeroDuration()) ending_ = WarmUp();
  context_.gate.Finish(Phase::kWarmUp);

  // Also for a worker that is already lost: what it owes is counted from here.
  Begin(context_.options.seed);
  if (ending_ != Ending::kLost) ending_ = Measure();
  context_.gate.Finish(Phase::kMeasure);
  client_.reset();
}

void Worker::Begin(uint64_t seed) {
  begun_ = 0;
  begun_late_ = 0;
  schedule_.reset();
  const LoadOptions& options = context_.options;
  if (options.arrival != Arrival::kClosed) {
    schedule_.emplace(
        ScheduleOptions{.arrival = options.arrival,
                        .rate_per_second = options.rate_per_second,
                        .worker = index_,
                        .workers = options.workers,
                        .seed = Mix64(seed ^ kScheduleSalt)});
  }
}

Ending Worker::WarmUp() {
  const std::optional<int64_t> start = context_.gate.Await(Phase::kWarmUp);
  if (!start.has_value()) return Ending::kStopped;
  const Plan plan = WarmUpPlan(*start);
  Begin(plan.seed);
  return Run(plan);
}

Ending Worker::Measure() {
  const std::optional<int64_t> start = context_.gate.Await(Phase::kMeasure);
  if (!start.has_value()) return Ending::kStopped;
  recorder_->Start(*start);
  const Ending ending = Run(MeasuredPlan(*start));
  finished_ns_ = MonotonicNowNs();
  return ending;
}

Worker::Plan Worker::WarmUpPlan(int64_t start_ns) const {
  const int64_t end_ns = start_ns + ToNs(context_.options.warmup);
  return {.seed = Mix64(context_.options.seed ^ kWarmUpSalt),
          .start_ns = start_ns,
          .end_ns = end_ns,
          .schedule_ns = end_ns,
          .deadline_ns = end_ns,
          .operations = INT64_MAX,
          .at_once = 1};
}

Worker::Plan Worker::MeasuredPlan(int64_t start_ns) const {
  const LoadOptions& options = context_.options;
  const bool counted = options.operations > 0;
  const int64_t end_ns =
      start_ns + (counted ? kForeverNs : ToNs(options.duration));
  int64_t schedule_ns = end_ns;
  if (counted && options.arrival != Arrival::kClosed) {
    schedule_ns = start_ns + ToNs(absl::Seconds(options.operations) /
                                  options.rate_per_second);
  }
  return {.seed = options.seed,
          .start_ns = start_ns,
          .end_ns = end_ns,
          .schedule_ns = schedule_ns,
          .deadline_ns = end_ns + ToNs(options.drain_timeout),
          .operations = counted ? share_ : INT64_MAX,
          .at_once = 0};
}

// The closed loop is the open one whose next operation is due when the last one
// ended; so there is one loop and one definition of latency.
Ending Worker::Run(const Plan& plan) {
  if (!WaitUntil(plan.start_ns)) return Ending::kStopped;
  int64_t now = MonotonicNowNs();
  while (begun_ < plan.operations) {
    const bool at_once = begun_ < plan.at_once;
    const bool scheduled = schedule_.has_value() && !at_once;
    const int64_t due = scheduled ? plan.start_ns + schedule_->next_ns() : now;
    if (!at_once && due >= plan.end_ns) {
      return WaitUntil(plan.end_ns) ? Ending::kFinished : Ending::kStopped;
    }
    if (!at_once && now >= plan.deadline_ns) return Ending::kFinished;
    if (context_.stop.requested()) return Ending::kStopped;
    if (broken_) {
      recovered_ = client_->Recover();
      if (!recovered_.ok()) return Ending::kLost;
      broken_ = false;
      now = MonotonicNowNs();
      continue;
    }
    const int kind = Prepare(plan.seed);
    const int64_t prepared = MonotonicNowNs();
    // Of an operation that is late, the time that its own arguments took is
    // left out, but not the time that it waited for earlier ones.
    int64_t begin = due;
    if (prepared >= due) {
      begin += prepared - std::max(due, now);
      if (due < plan.schedule_ns && prepared >= plan.schedule_ns) ++begun_late_;
    } else if (!WaitUntil(due)) {
      return Ending::kStopped;
    }
    if (scheduled) schedule_->Advance();
    ++begun_;
    now = Execute(kind, begin);
  }
  return Ending::kFinished;
}

int Worker::Prepare(uint64_t seed) {
  Random random = Random::Stream(seed, static_cast<uint64_t>(index_),
                                 static_cast<uint64_t>(begun_));
  const int kind = static_cast<int>(choice_(random));
  client_->Prepare(kind, random);
  return kind;
}

int64_t Worker::Execute(int kind, int64_t begin_ns) {
  const absl::StatusOr<int64_t> rows = client_->Execute();
  const int64_t now = MonotonicNowNs();
  if (rows.ok()) {
    recorder_->Success(kind, now - begin_ns, *rows, now);
  } else {
    recorder_->Failure(kind, rows.status(), now);
    broken_ = absl::IsUnavailable(rows.status());
  }
  return now;
}

bool Worker::WaitUntil(int64_t until_ns) {
  for (;;) {
    const int64_t now = MonotonicNowNs();
    if (now >= until_ns) return true;
    if (context_.stop.requested()) return false;
    recorder_->RollTo(now);
    SleepUntil(std::min(until_ns, now + kStopPollNs));
  }
}

int64_t Worker::CountAbandoned(int64_t start_ns, int64_t end_ns) {
  if (context_.options.operations > 0) return share_ - begun_;
  if (!schedule_.has_value()) return 0;
  return schedule_->CountBefore(end_ns - start_ns);
}

}  // namespace opsbench::load_internal
