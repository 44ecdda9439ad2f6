#ifndef OPSBENCH_LOAD_LOAD_H_
#define OPSBENCH_LOAD_LOAD_H_

// The load engine: workers that run weighted operations against a system, in a
// closed loop or at a rate, and what came of it.
//
// Determinism: the i-th operation of worker w, its kind and its arguments, is
// a pure function of (seed, w, i). Nothing that the system does (errors,
// slowness) changes what is drawn, and neither does the number of workers. The
// warm-up draws from streams of its own, so its length changes nothing either.
//
// Latency: in a closed loop from when an operation is issued to when it ends.
// In an open loop from when it was scheduled, so that time spent waiting behind
// a slow operation counts (no coordinated omission). Making an operation's
// arguments is never part of it.
//
// Cost: about 0.1 us an operation, two readings of the clock included
// (load_bench); no lock, no allocation and no cache line that another thread
// writes on its path.
//
// Thread safety: Run() blocks and owns its threads; RequestStop() may be called
// from any thread and from a signal handler. A Client is used by one thread.

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "opsbench/base/distributions.h"
#include "opsbench/base/histogram.h"
#include "opsbench/base/random.h"

namespace opsbench {

struct WeightedOperation {
  std::string name;
  double weight = 0;
};

// One worker's hold on the system: usually a connection.
class Client {
 public:
  virtual ~Client() = default;

  // Draws and makes the arguments of the next operation, of the kind that is
  // `operation` in LoadOptions::mix. Not timed. Draws only from `random`.
  // Execute() follows, unless the run is stopped while an operation of an open
  // loop waits for its time.
  virtual void Prepare(int operation, Random& random) = 0;

  // Runs what Prepare() made; timed. Returns the rows read or written.
  virtual absl::StatusOr<int64_t> Execute() = 0;

  // Called after Execute() returned Unavailable, before the next operation:
  // make the client usable again. An error ends the worker; the default returns
  // one. Not timed, but an open loop's schedule goes on meanwhile.
  virtual absl::Status Recover();
};

class Workload {
 public:
  virtual ~Workload() = default;

  // Makes the client of worker `worker`, on that worker's thread: called from
  // several threads at once. The client is also destroyed there.
  virtual absl::StatusOr<std::unique_ptr<Client>> Connect(int worker) = 0;
};

enum class Arrival {
  // A worker's next operation starts when its last one ended.
  kClosed,
  // Open loop: operations are due at even intervals, worker by worker in turn.
  kConstant,
  // Open loop: each worker's operations are an independent Poisson process, and
  // so are all of them together.
  kPoisson,
};

struct LoadProgress;

struct LoadOptions {
  static constexpr int kMaxWorkers = 4096;

  // Behaviour.

  // The operations and their weights, which need not add up to anything.
  std::vector<WeightedOperation> mix;

  // At most kMaxWorkers.
  int workers = 1;

  // How long to measure, after the warm-up; infinite: until stopped. Ignored
  // when operations > 0.
  absl::Duration duration = absl::Seconds(10);

  // Runs before measuring starts. All workers are connected when it begins and
  // each completes at least one operation in it; the clock and the schedule of
  // the measured part start together for all of them when it ends.
  absl::Duration warmup = absl::ZeroDuration();

  // How long after the warm-up the start waits for workers whose operation has
  // not ended; such a worker joins when it has.
  absl::Duration warmup_timeout = absl::Seconds(30);

  // When above 0: each worker runs exactly its share of this many operations.
  int64_t operations = 0;

  Arrival arrival = Arrival::kClosed;

  // Operations per second of all workers together. Above 0 in the open loops,
  // 0 in the closed one.
  double rate_per_second = 0;

  // Open loop: operations already due when the duration ends are still run, for
  // at most this long; what remains is counted as abandoned.
  absl::Duration drain_timeout = absl::Seconds(10);

  uint64_t seed = 1;

  // When set and true, ends the run like RequestStop(). Must outlive Run().
  const std::atomic<bool>* stop = nullptr;

  // Called about once a second from Run()'s thread.
  std::function<void(const LoadProgress&)> on_progress;

  // Of the stage signals (base/stage.h) "warmup" and "measure".
  std::string stage_tag;
};

struct OperationReport {
  std::string name;
  Histogram latency;  // Of the operations that succeeded.
  int64_t rows = 0;   // Read or written by them.
  int64_t errors = 0;
  // By kind: the status code's name ("UNAVAILABLE").
  std::map<std::string, int64_t> errors_by_kind;
  std::string first_error;  // The message of the first one seen.

  int64_t completed() const { return static_cast<int64_t>(latency.count()); }
};

// One second of the measured part. An operation counts where it ended. The last
// second of a run may be shorter than a second.
struct LoadSecond {
  int64_t operations = 0;  // That succeeded.
  int64_t rows = 0;
  int64_t errors = 0;
  // Of the operations that succeeded, all workers together; 0 without any.
  int64_t p50_ns = 0;
  int64_t p99_ns = 0;
  int64_t max_ns = 0;
};

struct LoadProgress {
  absl::Duration elapsed;
  bool warming_up = false;
  // So far; in the warm-up, its own.
  int64_t operations = 0;
  int64_t errors = 0;
  // Since the last call. Its latency leaves out workers that are still in an
  // operation that began before it, and is 0 in the warm-up.
  LoadSecond last_second;
};

struct LoadReport {
  std::vector<OperationReport> operations;  // In the order of the mix.
  std::vector<LoadSecond> seconds;
  // From the common start to the end of the last operation, and not less than
  // the duration unless the run ended before it.
  absl::Duration elapsed;
  bool interrupted = false;  // RequestStop() or LoadOptions::stop ended it.
  // Operations that the run owed and never began. With LoadOptions::operations
  // those left of them; in an open loop those that were due before it ended.
  int64_t abandoned = 0;
  int workers_lost = 0;  // Ended early: Recover() failed.
  // OK, or why it ended before its time: the last worker was lost.
  absl::Status ended_early;

  // Open loop; 0 in a closed one: the rate that was asked for.
  double offered_per_second = 0;
  // Operations that were due but not begun when the schedule was over: run in
  // the drain, or abandoned.
  int64_t overdue = 0;
  // Whether the system and the machine kept up with the rate: at most 1% of the
  // operations, or one for each worker, were overdue.
  bool rate_met = true;

  int64_t completed() const;
  int64_t errors() const;
  int64_t rows() const;
  double operations_per_second() const;
  double rows_per_second() const;
  Histogram latency() const;  // Of all operations together.
};

class LoadEngine {
 public:
  // InvalidArgument: no operation, a negative or non-finite weight, weights
  // that are all 0, no worker or too many, an open loop without a rate or a
  // closed one with it, a duration that is not above 0, a negative warm-up,
  // time-out or number of operations.
  static absl::StatusOr<std::unique_ptr<LoadEngine>> Create(
      LoadOptions options);

  // Connects every worker, warms up, measures, drains. An error only when the
  // run could not start: what happens later is in the report. May be called
  // once.
  //
  // The status of Workload::Connect() when a worker cannot connect (the first
  // such worker's), ResourceExhausted when there is no thread for a worker,
  // FailedPrecondition on a second call.
  absl::StatusOr<LoadReport> Run(Workload& workload);

  // Ends the run soon: operations under way are finished, none is begun. Before
  // Run(): it connects and ends. Async-signal-safe.
  void RequestStop() { stop_.store(true, std::memory_order_relaxed); }

 private:
  LoadEngine(LoadOptions options, WeightedChoice choice);

  const LoadOptions options_;
  const WeightedChoice choice_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> started_{false};
};

}  // namespace opsbench

#endif  // OPSBENCH_LOAD_LOAD_H_
