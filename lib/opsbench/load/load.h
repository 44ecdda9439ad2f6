#ifndef OPSBENCH_LOAD_LOAD_H_
#define OPSBENCH_LOAD_LOAD_H_

// The load engine: workers that run weighted operations against a system, in a
// closed loop or at a rate, and what came of it.
//
// Determinism: the i-th operation of worker w, its kind and its arguments, is
// a pure function of (seed, w, i). Nothing that the system does (errors,
// slowness) changes what is drawn.
//
// Latency: in a closed loop from when an operation is issued to when it ends.
// In an open loop from when it was scheduled, so that time spent waiting behind
// a slow operation counts (no coordinated omission). Making an operation's
// arguments is never part of it.
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
  virtual void Prepare(int operation, Random& random) = 0;

  // Runs what Prepare() made; timed. Returns the rows read or written.
  virtual absl::StatusOr<int64_t> Execute() = 0;

  // Called after Execute() returned Unavailable, before the next operation:
  // make the client usable again. The default gives up, which ends the worker.
  virtual absl::Status Recover();
};

class Workload {
 public:
  virtual ~Workload() = default;

  // Makes the client of worker `worker`, on that worker's thread.
  virtual absl::StatusOr<std::unique_ptr<Client>> Connect(int worker) = 0;
};

enum class Arrival { kClosed, kConstant, kPoisson };

struct LoadProgress;

struct LoadOptions {
  // Behaviour.

  // The operations and their weights, which need not add up to anything.
  std::vector<WeightedOperation> mix;

  int workers = 1;

  // How long to measure, after the warm-up. Ignored when operations > 0.
  absl::Duration duration = absl::Seconds(10);

  // Runs before measuring starts. All workers are connected when it begins and
  // each completes at least one operation in it; the clock and the schedule of
  // the measured part start together for all of them when it ends.
  absl::Duration warmup = absl::ZeroDuration();

  // When above 0: each worker runs exactly its share of this many operations.
  int64_t operations = 0;

  // Closed: a worker's next operation starts when its last one ended.
  Arrival arrival = Arrival::kClosed;

  // Operations per second of all workers together; for the open loops.
  double rate_per_second = 0;

  // Open loop: operations already due when the duration ends are still run, for
  // at most this long; what remains is counted as abandoned.
  absl::Duration drain_timeout = absl::Seconds(10);

  uint64_t seed = 1;

  // Called about once a second from Run()'s thread.
  std::function<void(const LoadProgress&)> on_progress;
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

// One second of the measured part. An operation counts where it ended.
struct LoadSecond {
  int64_t operations = 0;
  int64_t rows = 0;
  int64_t errors = 0;
  Histogram latency;
};

struct LoadProgress {
  absl::Duration elapsed;
  bool warming_up = false;
  int64_t operations = 0;  // So far, without the warm-up.
  int64_t errors = 0;
  LoadSecond last_second;
};

struct LoadReport {
  std::vector<OperationReport> operations;  // In the order of the mix.
  std::vector<LoadSecond> seconds;
  // From the common start to the end of the last operation.
  absl::Duration elapsed;
  bool interrupted = false;  // RequestStop() ended it.
  int64_t abandoned = 0;     // Due, but not started before the drain time-out.
  int workers_lost = 0;      // Ended early: Recover() failed.
  // OK, or why it ended before its time (the last worker was lost).
  absl::Status ended_early;

  int64_t completed() const;
  int64_t errors() const;
  int64_t rows() const;
  double operations_per_second() const;
  double rows_per_second() const;
  Histogram latency() const;  // Of all operations together.
};

class LoadEngine {
 public:
  // InvalidArgument: no operation, a negative or non-finite weight, no worker,
  // an open loop without a rate, a duration that is not above 0.
  static absl::StatusOr<std::unique_ptr<LoadEngine>> Create(
      LoadOptions options);

  // Connects every worker, warms up, measures, drains. An error only when the
  // run could not start (a worker cannot connect): what happens later is in the
  // report. May be called once.
  absl::StatusOr<LoadReport> Run(Workload& workload);

  // Ends the run soon: operations under way are finished, none is begun.
  // Async-signal-safe.
  void RequestStop() { stop_.store(true, std::memory_order_relaxed); }

 private:
  explicit LoadEngine(LoadOptions options);

  LoadOptions options_;
  std::atomic<bool> stop_{false};
};

}  // namespace opsbench

#endif  // OPSBENCH_LOAD_LOAD_H_
