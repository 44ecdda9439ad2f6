#include "opsbench/load/load.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "opsbench/base/clock.h"
#include "opsbench/base/stage.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/load/internal/phase_gate.h"
#include "opsbench/load/internal/recorder.h"
#include "opsbench/load/internal/worker.h"

namespace opsbench {
namespace load_internal {
namespace {

// From the decision to start to the start: time for every worker to wake up.
constexpr int64_t kStartMarginNs = 1'000'000;

// After a second's end: time for the workers to hand it over, of which those
// that wait for an operation look up every 20 ms.
constexpr int64_t kTickDelayNs = 30'000'000;

// Leads the workers through the phases of one run, on Run()'s thread.
class Coordinator {
 public:
  // `choice_of`: the table that each worker draws its operations from.
  Coordinator(const LoadOptions& options,
              std::vector<const WeightedChoice*> choice_of, StopFlags stop,
              Workload& workload);
  ~Coordinator();

  absl::Status Connect();
  void WarmUp();
  void Measure();
  LoadReport Report();

 private:
  struct Counts {
    int64_t operations = 0;
    int64_t rows = 0;
    int64_t errors = 0;
  };

  Counts Sum(bool warming_up) const;
  // Takes over what the workers have handed over.
  void Collect();
  void ReportProgress(bool warming_up, int64_t start_ns);
  void Join();
  void ReportEnding(LoadReport& report, int64_t joined_ns);

  const LoadOptions& options_;
  const std::vector<const WeightedChoice*> choice_of_;
  PhaseGate gate_;
  const WorkerContext context_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::thread> threads_;
  int64_t start_ns_ = 0;  // Of the measured part.
  Series series_;
  Counts reported_;  // At the last progress.
};

Coordinator::Coordinator(const LoadOptions& options,
                         std::vector<const WeightedChoice*> choice_of,
                         StopFlags stop, Workload& workload)
    : options_(options),
      choice_of_(std::move(choice_of)),
      gate_(options.workers),
      context_{.options = options,
               .stop = stop,
               .workload = workload,
               .gate = gate_} {}

Coordinator::~Coordinator() {
  gate_.Close();
  Join();
}

void Coordinator::Join() {
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

absl::Status Coordinator::Connect() {
  for (int i = 0; i < options_.workers; ++i) {
    workers_.push_back(std::make_unique<Worker>(
        i, *choice_of_[static_cast<size_t>(i)], context_));
  }
  for (const std::unique_ptr<Worker>& worker : workers_) {
    try {
      threads_.emplace_back(&Worker::Main, worker.get());
    } catch (const std::system_error& error) {
      return absl::ResourceExhaustedError(
          absl::StrCat("no thread for worker ", threads_.size() + 1, " of ",
                       options_.workers, ": ", error.what()));
    }
  }
  gate_.AwaitFinished(Phase::kConnect);
  for (const std::unique_ptr<Worker>& worker : workers_) {
    OPSBENCH_RETURN_IF_ERROR(worker->connected());
  }
  return absl::OkStatus();
}

void Coordinator::WarmUp() {
  if (options_.warmup <= absl::ZeroDuration()) return;
  const Stage stage("warmup", options_.stage_tag);
  const int64_t start_ns = MonotonicNowNs() + kStartMarginNs;
  const int64_t deadline_ns =
      start_ns + ToNs(options_.warmup) + ToNs(options_.warmup_timeout);
  gate_.Open(Phase::kWarmUp, start_ns);
  int64_t tick_ns = start_ns + kNanosPerSecond;
  while (!gate_.AwaitFinished(Phase::kWarmUp, std::min(tick_ns, deadline_ns))) {
    const int64_t now = MonotonicNowNs();
    if (now >= deadline_ns) break;
    ReportProgress(/*warming_up=*/true, start_ns);
    tick_ns = std::max(tick_ns, now) + kNanosPerSecond;
  }
  reported_ = {};
}

void Coordinator::Measure() {
  const Stage stage(options_.stage_name, options_.stage_tag);
  start_ns_ = MonotonicNowNs() + kStartMarginNs;
  gate_.Open(Phase::kMeasure, start_ns_);
  int64_t tick = 1;
  while (!gate_.AwaitFinished(
      Phase::kMeasure, start_ns_ + tick * kNanosPerSecond + kTickDelayNs)) {
    Collect();
    ReportProgress(/*warming_up=*/false, start_ns_);
    // Ticks that a slow on_progress missed are not made up for.
    tick = (MonotonicNowNs() - start_ns_) / kNanosPerSecond + 1;
  }
  Join();
  Collect();
}

Coordinator::Counts Coordinator::Sum(bool warming_up) const {
  Counts sum;
  for (const std::unique_ptr<Worker>& worker : workers_) {
    const LiveCounts& live =
        warming_up ? worker->recorder().warmup() : worker->recorder().live();
    sum.operations += live.operations.load(std::memory_order_relaxed);
    sum.rows += live.rows.load(std::memory_order_relaxed);
    sum.errors += live.errors.load(std::memory_order_relaxed);
  }
  return sum;
}

void Coordinator::Collect() {
  for (const std::unique_ptr<Worker>& worker : workers_) {
    worker->recorder().ring().Consume(
        [this](const SecondCounts& counts) { series_.Add(counts); });
  }
}

void Coordinator::ReportProgress(bool warming_up, int64_t start_ns) {
  if (!options_.on_progress) return;
  const int64_t elapsed_ns = MonotonicNowNs() - start_ns;
  const Counts sum = Sum(warming_up);
  LoadProgress progress;
  progress.elapsed = absl::Nanoseconds(elapsed_ns);
  progress.warming_up = warming_up;
  progress.operations = sum.operations;
  progress.errors = sum.errors;
  progress.last_second = series_.Peek(elapsed_ns / kNanosPerSecond - 1);
  progress.last_second.operations = sum.operations - reported_.operations;
  progress.last_second.rows = sum.rows - reported_.rows;
  progress.last_second.errors = sum.errors - reported_.errors;
  reported_ = sum;
  options_.on_progress(progress);
}

void Coordinator::ReportEnding(LoadReport& report, int64_t joined_ns) {
  int working = 0;
  const Worker* last_lost = nullptr;
  for (const std::unique_ptr<Worker>& worker : workers_) {
    if (worker->ending() == Ending::kStopped) report.interrupted = true;
    if (worker->ending() == Ending::kLost) {
      ++report.workers_lost;
      if (last_lost == nullptr ||
          worker->finished_ns() >= last_lost->finished_ns()) {
        last_lost = worker.get();
      }
    } else if (options_.operations == 0 || worker->share() > 0) {
      ++working;
    }
  }
  if (working == 0 && last_lost != nullptr) {
    report.ended_early =
        absl::Status(last_lost->recovered().code(),
                     absl::StrCat("no worker is left, ", report.workers_lost,
                                  " could not recover; the last one: ",
                                  last_lost->recovered().message()));
  }
  const int64_t end_ns =
      options_.operations > 0
          ? joined_ns
          : std::min(joined_ns, start_ns_ + ToNs(options_.duration));
  for (const std::unique_ptr<Worker>& worker : workers_) {
    report.abandoned += worker->CountAbandoned(start_ns_, end_ns);
  }
}

LoadReport Coordinator::Report() {
  const int64_t joined_ns = MonotonicNowNs();
  LoadReport report;
  std::vector<const Recorder*> recorders;
  int64_t elapsed_ns = 0;
  for (const std::unique_ptr<Worker>& worker : workers_) {
    recorders.push_back(&worker->recorder());
    series_.Add(worker->recorder().ring().current());
    elapsed_ns = std::max(elapsed_ns, worker->finished_ns() - start_ns_);
    report.overdue += worker->begun_late();
    report.holds += worker->recorder().holds();
    report.held += absl::Nanoseconds(worker->recorder().held_ns());
  }
  report.elapsed = absl::Nanoseconds(elapsed_ns);
  report.operations = Recorder::Merge(options_.mix, recorders);
  report.seconds =
      series_.Finish((elapsed_ns + kNanosPerSecond - 1) / kNanosPerSecond);
  ReportEnding(report, joined_ns);
  if (options_.arrival == Arrival::kClosed) {
    report.overdue = 0;
    return report;
  }
  report.offered_per_second = options_.rate_per_second;
  report.overdue += report.abandoned;
  const int64_t due = report.completed() + report.errors() + report.skipped() +
                      report.abandoned;
  report.rate_met =
      report.overdue <= std::max<int64_t>(options_.workers, due / 100);
  return report;
}

absl::Status CheckRate(const LoadOptions& options) {
  const double rate = options.rate_per_second;
  if (options.arrival == Arrival::kClosed && rate != 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a closed loop has no rate, got ", rate, " operations per second"));
  }
  if (options.arrival != Arrival::kClosed &&
      (!std::isfinite(rate) || rate <= 0)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "an open loop needs a rate above 0 operations per second, got ", rate));
  }
  return absl::OkStatus();
}

// Think times and holds.
absl::Status CheckWaits(const LoadOptions& options) {
  if (options.hold_limit < absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the limit of a hold cannot be negative, got ",
                     absl::FormatDuration(options.hold_limit)));
  }
  if (options.think_min < absl::ZeroDuration() ||
      options.think_min > options.think_max ||
      options.think_max == absl::InfiniteDuration()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the think time must be 0 <= think_min <= think_max and finite, got ",
        absl::FormatDuration(options.think_min), " to ",
        absl::FormatDuration(options.think_max)));
  }
  if (options.arrival != Arrival::kClosed &&
      options.think_max > absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        absl::StrCat("an open loop has no think time, got up to ",
                     absl::FormatDuration(options.think_max),
                     "; its rate says when operations are due"));
  }
  return absl::OkStatus();
}

absl::Status Check(const LoadOptions& options) {
  if (options.workers < 1 || options.workers > LoadOptions::kMaxWorkers) {
    return absl::InvalidArgumentError(absl::StrCat("workers must be 1 to ",
                                                   LoadOptions::kMaxWorkers,
                                                   ", got ", options.workers));
  }
  if (!options.worker_seeds.empty() &&
      options.worker_seeds.size() != static_cast<size_t>(options.workers)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "worker_seeds must have one for each of the ", options.workers,
        " workers, got ", options.worker_seeds.size()));
  }
  if (options.operations < 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the number of operations cannot be negative: ", options.operations));
  }
  if (options.operations == 0 && options.duration <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the duration must be above 0, got ",
                     absl::FormatDuration(options.duration)));
  }
  if (options.warmup < absl::ZeroDuration() ||
      options.warmup == absl::InfiniteDuration() ||
      options.warmup_timeout < absl::ZeroDuration() ||
      options.drain_timeout < absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        "the warm-up has to be finite, it and the time-outs not negative");
  }
  OPSBENCH_RETURN_IF_ERROR(CheckWaits(options));
  return CheckRate(options);
}

}  // namespace
}  // namespace load_internal

static_assert(std::atomic<bool>::is_always_lock_free,
              "RequestStop() must be async-signal-safe");

absl::Status Client::Recover() {
  return absl::UnavailableError("this client does not recover");
}

LoadEngine::LoadEngine(LoadOptions options, Choices choices)
    : options_(std::move(options)), choices_(std::move(choices)) {}

absl::StatusOr<LoadEngine::Choices> LoadEngine::MakeChoices(
    const LoadOptions& options) {
  const auto workers = static_cast<size_t>(options.workers);
  Choices choices;
  if (options.worker_weights.empty()) {
    std::vector<double> weights;
    for (const WeightedOperation& operation : options.mix) {
      weights.push_back(operation.weight);
    }
    OPSBENCH_ASSIGN_OR_RETURN(WeightedChoice choice,
                              WeightedChoice::Create(weights));
    choices.tables.push_back(std::move(choice));
    choices.of_worker.assign(workers, 0);
    return choices;
  }
  if (options.worker_weights.size() != workers) {
    return absl::InvalidArgumentError(
        absl::StrCat("worker_weights must have a row for each of the ", workers,
                     " workers, got ", options.worker_weights.size()));
  }
  // Many users are of few classes, and a table each would crowd the caches.
  absl::flat_hash_map<absl::Span<const double>, size_t> table_of;
  for (size_t worker = 0; worker < workers; ++worker) {
    const std::vector<double>& row = options.worker_weights[worker];
    if (row.size() != options.mix.size()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "worker_weights of worker ", worker, " must have a weight for each ",
          "of the ", options.mix.size(), " operations, got ", row.size()));
    }
    if (const auto known = table_of.find(row); known != table_of.end()) {
      choices.of_worker.push_back(known->second);
      continue;
    }
    absl::StatusOr<WeightedChoice> choice = WeightedChoice::Create(row);
    if (!choice.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("worker_weights of worker ", worker, ": ",
                       choice.status().message()));
    }
    // Only now: a row with a NaN would not equal itself.
    table_of.emplace(row, choices.tables.size());
    choices.of_worker.push_back(choices.tables.size());
    choices.tables.push_back(*std::move(choice));
  }
  return choices;
}

absl::StatusOr<std::unique_ptr<LoadEngine>> LoadEngine::Create(
    LoadOptions options) {
  OPSBENCH_RETURN_IF_ERROR(load_internal::Check(options));
  OPSBENCH_ASSIGN_OR_RETURN(Choices choices, MakeChoices(options));
  return std::unique_ptr<LoadEngine>(
      new LoadEngine(std::move(options), std::move(choices)));
}

absl::StatusOr<LoadReport> LoadEngine::Run(Workload& workload) {
  if (started_.exchange(true)) {
    return absl::FailedPreconditionError("a load engine runs only once");
  }
  const load_internal::StopFlags stop = {
      .own = &stop_,
      .outside = options_.stop != nullptr ? options_.stop : &stop_};
  std::vector<const WeightedChoice*> choice_of;
  for (const size_t table : choices_.of_worker) {
    choice_of.push_back(&choices_.tables[table]);
  }
  load_internal::Coordinator coordinator(options_, std::move(choice_of), stop,
                                         workload);
  OPSBENCH_RETURN_IF_ERROR(coordinator.Connect());
  coordinator.WarmUp();
  coordinator.Measure();
  return coordinator.Report();
}

}  // namespace opsbench
