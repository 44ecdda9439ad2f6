#ifndef OPSBENCH_LOAD_INTERNAL_WORKER_H_
#define OPSBENCH_LOAD_INTERNAL_WORKER_H_

// One worker of the load engine: a thread's main function and what it leaves.
//
// Thread safety: Main() runs on the worker's thread. Others may read
// connected() once the worker has finished Phase::kConnect and the rest once it
// has finished Phase::kMeasure; for recorder() see there.

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "opsbench/base/distributions.h"
#include "opsbench/load/internal/phase_gate.h"
#include "opsbench/load/internal/recorder.h"
#include "opsbench/load/internal/schedule.h"
#include "opsbench/load/load.h"

namespace opsbench::load_internal {

// The two ways to ask for the end. Relaxed: a request carries no data.
struct StopFlags {
  const std::atomic<bool>* own;
  const std::atomic<bool>* outside;  // The same one when there is no other.

  bool requested() const {
    return own->load(std::memory_order_relaxed) ||
           outside->load(std::memory_order_relaxed);
  }
};

// What all workers share: nobody writes to it while they run, but the gate and
// the flags.
struct WorkerContext {
  const LoadOptions& options;
  StopFlags stop;
  Workload& workload;
  PhaseGate& gate;
};

// How the worker left the measured part.
enum class Ending {
  kFinished,  // Its operations or its time were over.
  kStopped,
  kLost,  // Recover() failed.
};

class Worker {
 public:
  // Draws its operations by `choice`, which other workers may share.
  Worker(int index, const WeightedChoice& choice, const WorkerContext& context);

  void Main();

  const absl::Status& connected() const { return connected_; }
  Recorder& recorder() { return *recorder_; }

  Ending ending() const { return ending_; }
  // Why it was lost.
  const absl::Status& recovered() const { return recovered_; }
  int64_t finished_ns() const { return finished_ns_; }
  // Operations begun after the schedule was over.
  int64_t begun_late() const { return begun_late_; }
  // Of LoadOptions::operations.
  int64_t share() const { return share_; }
  // Operations that it owed at `end_ns` but never began. Call once.
  int64_t CountAbandoned(int64_t start_ns, int64_t end_ns);

 private:
  // The bounds of a phase.
  struct Plan {
    uint64_t seed;
    int64_t start_ns;
    int64_t end_ns;       // Nothing is due from here on.
    int64_t schedule_ns;  // The end, or the nominal one of a number of them.
    int64_t deadline_ns;  // Nothing is begun from here on.
    int64_t operations;
    int64_t at_once;  // So many are run without regard to schedule and end.
  };

  Plan WarmUpPlan(int64_t start_ns) const;
  Plan MeasuredPlan(int64_t start_ns) const;

  // Sets the schedule and the counters to the start of a phase.
  void Begin(uint64_t seed);
  Ending WarmUp();
  Ending Measure();
  Ending Run(const Plan& plan);
  // How long after the operation that ended last the next one of a closed loop
  // is due.
  int64_t ThinkNs(const Plan& plan) const {
    if (!think_.any() || begun_ == 0) return 0;
    return think_.After(plan.seed, index_, begun_ - 1);
  }
  bool held() const {
    return hold_ != nullptr && hold_->load(std::memory_order_relaxed);
  }
  // Draws and makes the next operation; returns its kind.
  int Prepare(uint64_t seed);
  // Waits until the hold is over, at most until `deadline_ns` or a stop, and
  // counts it; returns how long it took.
  int64_t AwaitRelease(int64_t deadline_ns);
  // Runs and counts what was prepared and has waited for `waited_ns`; returns
  // when it ended.
  int64_t Execute(int kind, int64_t begin_ns, int64_t waited_ns);
  // Keeps a worker that admits nothing from spinning; returns when it ended,
  // like WaitUntil().
  std::optional<int64_t> PauseAfterSkip(const Plan& plan, int64_t now_ns);
  // Returns the time when it is `until_ns` or later; nothing: a stop was
  // requested before.
  std::optional<int64_t> WaitUntil(int64_t until_ns);

  const int index_;
  const WeightedChoice& choice_;
  const WorkerContext context_;
  const uint64_t seed_;  // Of its streams.
  const int64_t share_;
  const ThinkTime think_;
  // Null when nothing is ever held.
  const std::atomic<bool>* const hold_;
  const int64_t hold_limit_ns_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<Recorder> recorder_;
  std::optional<Schedule> schedule_;  // Of an open loop.
  bool broken_ = false;               // Recover() comes before what is next.

  absl::Status connected_;
  absl::Status recovered_;
  Ending ending_ = Ending::kFinished;
  int64_t begun_ = 0;  // Skipped ones included.
  int skips_in_a_row_ = 0;
  int64_t begun_late_ = 0;
  int64_t finished_ns_ = 0;
};

}  // namespace opsbench::load_internal

#endif  // OPSBENCH_LOAD_INTERNAL_WORKER_H_
