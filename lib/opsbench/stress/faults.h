#ifndef OPSBENCH_STRESS_FAULTS_H_
#define OPSBENCH_STRESS_FAULTS_H_

// Brings about the faults of a plan (fault_plan.h) while a stress run goes on,
// one at a time, on a thread of its own.
//
// Thread safety: Start() and Stop() from one thread at a time, the rest from
// any.

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "opsbench/db/url.h"
#include "opsbench/server/private_server.h"
#include "opsbench/stress/fault_plan.h"

namespace opsbench::stress {

// What came of a planned fault. Seconds since Start().
struct FaultEvent {
  FaultKind kind = FaultKind::kKill;
  double planned_seconds = 0;
  double begin_seconds = 0;
  // When its effect was over: the server answered, resumed, or had its disk
  // back; of reset, when the connection had been told to end.
  double end_seconds = 0;
  // "process 4711", "connection 7 of opsbench_stress_0", "3 ms each sync"; ""
  // when nothing was hit.
  std::string target;
  // OK, or why it was not injected or undone. NotFound: no connection to reset.
  // Cancelled: it was not injected, because the run or the server had ended.
  absl::Status status;
};

struct FaultInjectorOptions {
  // In the order of `begin`.
  std::vector<PlannedFault> faults;

  // The server that kill, pause and slow_disk are for, which must live until
  // Stop(). Until then nobody else uses it but for Sample() and paused().
  // nullptr: another's server, for reset alone.
  PrivateServer* server = nullptr;

  // A database of the server, from which resets are asked for. The session is
  // made at Start(), so that users do not leave it without a place, and again
  // when it was lost.
  Url admin;

  // The connections that may be reset: those of this URL's user to databases
  // whose names begin so.
  std::string database_prefix = "opsbench_stress_";

  // Once set, no further fault begins; nullptr: never. Must live until Stop().
  const std::atomic<bool>* stop = nullptr;
};

class FaultInjector {
 public:
  // Starts the thread; the clock of the plan starts here. InvalidArgument:
  // faults that the target does not allow, or out of order. FailedPrecondition:
  // slow_disk without ServerOptions::delayable_disk. Errors of Connect(): of
  // the admin session, when there are resets.
  static absl::StatusOr<std::unique_ptr<FaultInjector>> Start(
      const FaultInjectorOptions& options);

  // Stops, if Stop() was not called.
  ~FaultInjector();
  FaultInjector(const FaultInjector&) = delete;
  FaultInjector& operator=(const FaultInjector&) = delete;

  // Whether the server is gone for good: it did not restart or resume, or it
  // ended by itself, which is looked at before each fault and in Stop().
  // Nothing is injected from then on, and lost connections cannot be made
  // again: the run should end. The fault's event says why.
  bool server_lost() const;

  // The faults that are over so far, in order.
  std::vector<FaultEvent> events() const;

  // Ends a fault that is under way and returns when it is undone: the server
  // runs (unless it is lost), resumed and undelayed. That waits for a restart,
  // and at most 5 s for the admin session that is being made; not for lengths.
  // Returns one event for each planned fault; a second call the same.
  const std::vector<FaultEvent>& Stop();

 private:
  class Impl;
  explicit FaultInjector(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace opsbench::stress

#endif  // OPSBENCH_STRESS_FAULTS_H_
