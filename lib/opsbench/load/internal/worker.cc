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

// How often a held worker looks whether it may go on.
constexpr int64_t kHoldPollNs = 5'000'000;

// The pause after the second skip in a row, and how often it may double.
constexpr int64_t kSkipPauseNs = 1'000;
constexpr int kSkipDoublings = 14;

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

Worker::Worker(int index, const WeightedChoice& choice,
               const WorkerContext& context)
    : index_(index),
      choice_(choice),
      context_(context),
      seed_(context.options.worker_seeds.empty()
                ? context.options.seed
                : context.options.worker_seeds[static_cast<size_t>(index)]),
      share_(ShareOf(context.options, index)),
      think_(context.options),
      hold_(context.options.hold_limit > absl::ZeroDuration()
                ? context.options.hold
                : nullptr),
      hold_limit_ns_(ToNs(context.options.hold_limit)) {}

void Worker::Main() {
  // A thread's sleep may by default end 50 us late: too late to be on time.
  prctl(PR_SET_TIMERSLACK, 1);
  // Allocated here, so that the memory is this thread's and near to its core.
  const bool waits = context_.options.arrival != Arrival::kClosed ||
                     think_.any() || hold_ != nullptr;
  recorder_ = std::make_unique<Recorder>(context_.options.mix.size(), waits);
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
  Begin(seed_);
  if (ending_ != Ending::kLost) ending_ = Measure();
  context_.gate.Finish(Phase::kMeasure);
  client_.reset();
}

void Worker::Begin(uint64_t seed) {
  begun_ = 0;
  begun_late_ = 0;
  skips_in_a_row_ = 0;
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
  return {.seed = Mix64(seed_ ^ kWarmUpSalt),
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
  const bool open = options.arrival != Arrival::kClosed;
  if (counted && open) {
    schedule_ns = start_ns + ToNs(absl::Seconds(options.operations) /
                                  options.rate_per_second);
  }
  return {.seed = seed_,
          .start_ns = start_ns,
          .end_ns = end_ns,
          .schedule_ns = schedule_ns,
          .deadline_ns = end_ns + (open ? ToNs(options.drain_timeout) : 0),
          .operations = counted ? share_ : INT64_MAX,
          // A busy machine may wake a worker only when the time is over.
          .at_once = open || hold_ != nullptr ? 0 : 1};
}

// The closed loop is the open one whose next operation is due when the last one
// ended and its think time is over; so there is one loop and one definition of
// latency: what an operation waited since it was due, and its service time.
// The time that its own arguments and its admission took is in neither.
Ending Worker::Run(const Plan& plan) {
  std::optional<int64_t> now = WaitUntil(plan.start_ns);
  if (!now.has_value()) return Ending::kStopped;
  while (begun_ < plan.operations) {
    const bool at_once = begun_ < plan.at_once;
    const bool scheduled = schedule_.has_value() && !at_once;
    const int64_t due =
        scheduled ? plan.start_ns + schedule_->next_ns() : *now + ThinkNs(plan);
    if (!at_once && due >= plan.end_ns) {
      return WaitUntil(plan.end_ns) ? Ending::kFinished : Ending::kStopped;
    }
    if (!at_once && *now >= plan.deadline_ns) return Ending::kFinished;
    if (context_.stop.requested()) return Ending::kStopped;
    if (broken_) {
      recovered_ = client_->Recover();
      if (!recovered_.ok()) return Ending::kLost;
      broken_ = false;
      now = MonotonicNowNs();
      continue;
    }
    const int kind = Prepare(plan.seed);
    int64_t waited = std::max<int64_t>(*now - due, 0);
    if (*now < due && MonotonicNowNs() < due) {
      const std::optional<int64_t> woke = WaitUntil(due);
      if (!woke.has_value()) return Ending::kStopped;
      waited = *woke - due;
    }
    if (held()) {
      waited += AwaitRelease(plan.deadline_ns);
      if (context_.stop.requested()) return Ending::kStopped;
      if (!at_once && MonotonicNowNs() >= plan.deadline_ns) {
        return Ending::kFinished;
      }
    }
    const bool admitted = client_->Admit();
    const int64_t begin = MonotonicNowNs();
    if (due < plan.schedule_ns && begin >= plan.schedule_ns) ++begun_late_;
    if (scheduled) schedule_->Advance();
    ++begun_;
    if (admitted) {
      skips_in_a_row_ = 0;
      now = Execute(kind, begin, waited);
      continue;
    }
    recorder_->Skip(kind);
    now = PauseAfterSkip(plan, begin);
    if (!now.has_value()) return Ending::kStopped;
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

int64_t Worker::AwaitRelease(int64_t deadline_ns) {
  const int64_t start = MonotonicNowNs();
  const int64_t limit = std::min(start + hold_limit_ns_, deadline_ns);
  int64_t now = start;
  while (now < limit && held() && !context_.stop.requested()) {
    recorder_->RollTo(now);
    SleepUntil(std::min(limit, now + kHoldPollNs));
    now = MonotonicNowNs();
  }
  recorder_->Hold(now - start, now);
  return now - start;
}

int64_t Worker::Execute(int kind, int64_t begin_ns, int64_t waited_ns) {
  const absl::StatusOr<int64_t> rows = client_->Execute();
  const int64_t now = MonotonicNowNs();
  if (rows.ok()) {
    const int64_t service = now - begin_ns;
    recorder_->Success(
        kind, {.latency_ns = waited_ns + service, .service_ns = service}, *rows,
        now);
  } else {
    recorder_->Failure(kind, rows.status(), now);
    broken_ = absl::IsUnavailable(rows.status());
  }
  return now;
}

// A schedule, think times and a number of operations bound the skips already.
std::optional<int64_t> Worker::PauseAfterSkip(const Plan& plan,
                                              int64_t now_ns) {
  if (schedule_.has_value() || think_.any() || plan.operations != INT64_MAX) {
    return now_ns;
  }
  const int skips = skips_in_a_row_++;
  if (skips == 0) return now_ns;
  const int64_t pause_ns = kSkipPauseNs << std::min(skips - 1, kSkipDoublings);
  return WaitUntil(std::min(now_ns + pause_ns, plan.end_ns));
}

std::optional<int64_t> Worker::WaitUntil(int64_t until_ns) {
  for (;;) {
    const int64_t now = MonotonicNowNs();
    if (now >= until_ns) return now;
    if (context_.stop.requested()) return std::nullopt;
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
