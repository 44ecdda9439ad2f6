#ifndef OPSBENCH_LOAD_LOAD_H_
#define OPSBENCH_LOAD_LOAD_H_

// The load engine: workers that run weighted operations against a system, in a
// closed loop or at a rate, and what came of it.
//
// Determinism: the i-th operation of worker w, its kind and its arguments, is
// a pure function of (seed, w, i). Nothing that the system does (errors,
// slowness) changes what is drawn, and neither does the number of workers. The
// warm-up draws from streams of its own, so its length changes nothing either,
// and think times from others: they, holds and skips change no operation.
//
// Latency: from when an operation is due to when it ends, so that time spent
// waiting counts (no coordinated omission). In an open loop it is due when it
// was scheduled, in a closed one when the last one ended and the think time
// after it. Making an operation's arguments is never part of it. How the
// service time differs is said in report.h.
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
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "opsbench/base/distributions.h"
#include "opsbench/base/random.h"
#include "opsbench/load/report.h"

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
  // Called exactly once for each index of this worker's operations, in order
  // and from 0, so that a client may count them; the warm-up, if there is one,
  // comes first and has indexes of its own. Execute() follows, unless the
  // operation is not admitted, or the run ends while it waits for its time or
  // is held.
  virtual void Prepare(int operation, Random& random) = 0;

  // Whether to run what Prepare() made: called when it is due and no longer
  // held, just before it would be run. Not timed. False skips the operation: it
  // is counted as skipped, not as completed or failed, and its index is used
  // up. Where neither a schedule, think time nor LoadOptions::operations bounds
  // the skips, a worker pauses after the second in a row and each that follows,
  // for 1 us and twice as long every time up to 16 ms, so that a client which
  // admits nothing for a while does not keep a core busy.
  virtual bool Admit() { return true; }

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

struct LoadOptions {
  static constexpr int kMaxWorkers = 4096;

  // Behaviour.

  // The operations and their weights, which need not add up to anything.
  std::vector<WeightedOperation> mix;

  // At most kMaxWorkers.
  int workers = 1;

  // When not empty, one row a worker: the weights of its operations, in the
  // order of the mix and instead of the mix's, which are then not looked at.
  std::vector<std::vector<double>> worker_weights;

  // How long to measure, after the warm-up, and a closed loop's workers without
  // `hold` one operation; infinite: until stopped. Ignored when operations > 0.
  absl::Duration duration = absl::Seconds(10);

  // Runs before measuring starts. All workers are connected when it begins and
  // each completes at least one operation in it; the clock and the schedule of
  // the measured part start together for all of them when it ends.
  absl::Duration warmup = absl::ZeroDuration();

  // How long after the warm-up the start waits for workers whose operation has
  // not ended; such a worker joins when it has.
  absl::Duration warmup_timeout = absl::Seconds(30);

  // When above 0: each worker runs exactly its share of this many operations,
  // the skipped ones included.
  int64_t operations = 0;

  Arrival arrival = Arrival::kClosed;

  // Operations per second of all workers together. Above 0 in the open loops,
  // 0 in the closed one.
  double rate_per_second = 0;

  // Open loop: operations already due when the duration ends are still run, for
  // at most this long; what remains is counted as abandoned.
  absl::Duration drain_timeout = absl::Seconds(10);

  // Closed loop: after each operation (and its recovery) the worker waits for a
  // time drawn uniformly from [think_min, think_max], at the end of which the
  // next one is due. The time after operation i of worker w is a pure function
  // of (seed, w, i). None follows the last one.
  absl::Duration think_min = absl::ZeroDuration();
  absl::Duration think_max = absl::ZeroDuration();

  // Back-pressure. When set: an operation that is due while it is true is not
  // begun before it is false again (which a worker sees within 5 ms), or has
  // been held for `hold_limit`. What is still held at the end of a closed
  // loop's duration or an open one's drain is not begun at all; a worker's
  // first operation of the warm-up is begun at the end of that. Nothing is
  // drawn. Must outlive Run().
  const std::atomic<bool>* hold = nullptr;
  absl::Duration hold_limit = absl::Milliseconds(500);

  uint64_t seed = 1;

  // When not empty, one a worker: the seeds of their streams, instead of `seed`
  // for all of them.
  std::vector<uint64_t> worker_seeds;

  // When set and true, ends the run like RequestStop(). Must outlive Run().
  const std::atomic<bool>* stop = nullptr;

  // Called about once a second from Run()'s thread.
  std::function<void(const LoadProgress&)> on_progress;

  // Name of the stage signal (base/stage.h) of the measured part, and tag of
  // that and of "warmup".
  std::string stage_name = "measure";
  std::string stage_tag;
};

class LoadEngine {
 public:
  // InvalidArgument: no operation, a negative or non-finite weight, weights
  // that are all 0, worker_weights of another shape than workers by operations,
  // another number of worker_seeds than of workers,
  // no worker or too many, an open loop without a rate or with think time or a
  // closed one with a rate, a duration that is not above 0, a warm-up that is
  // infinite or negative, a negative time-out, hold_limit or number of
  // operations, a think time that is negative, infinite or in the wrong order.
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
  // The distinct tables of weights, and which of them each worker draws from.
  struct Choices {
    std::vector<WeightedChoice> tables;
    std::vector<size_t> of_worker;
  };

  LoadEngine(LoadOptions options, Choices choices);

  static absl::StatusOr<Choices> MakeChoices(const LoadOptions& options);

  const LoadOptions options_;
  const Choices choices_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> started_{false};
};

}  // namespace opsbench

#endif  // OPSBENCH_LOAD_LOAD_H_
