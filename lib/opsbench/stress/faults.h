#ifndef OPSBENCH_STRESS_FAULTS_H_
#define OPSBENCH_STRESS_FAULTS_H_

// Faults on purpose, each at a seeded moment of a stress run: kill -9 of the
// private server and a restart, a connection that is reset, a server that
// stands still, a disk whose syncs take longer. The run goes on meanwhile.
//
//   kill       SIGKILL to all processes of the server, then a restart, which
//              takes as long as the recovery does
//   reset      an admin session ends one of the users' connections
//   pause      SIGSTOP for 0.2 s to 2 s: connections stay, nobody answers
//   slow_disk  each sync takes 1 ms to 20 ms longer, for 1 s to 5 s
//
// Thread safety: a FaultInjector's Start() and Stop() from one thread at a
// time, the rest of it from any; the functions may be called from any thread.

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "opsbench/db/url.h"
#include "opsbench/server/private_server.h"

namespace opsbench::stress {

enum class FaultKind : uint8_t { kKill, kReset, kPause, kSlowDisk };
inline constexpr int kFaultKinds = 4;

// "kill", "reset", "pause", "slow_disk".
absl::string_view FaultKindName(FaultKind kind);

// How many faults of each kind.
struct FaultSpec {
  std::array<int, kFaultKinds> counts = {};

  int count(FaultKind kind) const { return counts[static_cast<size_t>(kind)]; }
  int total() const;

  // "kill=3,reset=10", which ParseFaults() reads; "" for none.
  std::string ToString() const;

  bool operator==(const FaultSpec&) const = default;
};

inline constexpr int kMaxFaultsOfKind = 10'000;

// "kill" is one, "kill=3,reset=10" so many, "all" one of each kind and "all=5"
// five of each. InvalidArgument, in one line: an empty text, an unknown name
// (with the nearest known one), one that is there twice, a count outside 1 to
// kMaxFaultsOfKind.
absl::StatusOr<FaultSpec> ParseFaults(absl::string_view text);

// Whether a target allows these faults: a private server all of them, another's
// server only reset, SQLite none. InvalidArgument says in one line what the
// target does allow.
absl::Status CheckFaults(Engine engine, bool has_private_server,
                         const FaultSpec& spec);

struct PlannedFault {
  FaultKind kind = FaultKind::kKill;
  absl::Duration begin;       // Since the start of the run.
  absl::Duration length;      // Of pause and slow_disk; 0 for others.
  absl::Duration disk_delay;  // Of each sync; slow_disk alone.
  // Of reset: the connection that was made as number `pick` modulo how many
  // there are is hit.
  uint64_t pick = 0;

  bool operator==(const PlannedFault&) const = default;
};

// When each fault comes, in order: a pure function of its arguments, on a
// random stream of its own.
//
// The time from 5% to 90% of the run is cut into as many equal slots as there
// are faults; each is in one of its own, in a drawn order. So none overlaps
// another. A length is at most a tenth of the run and half of a slot, which
// makes the lengths above shorter in a short run or with many faults: users
// have as much time between them. A kill may take longer than its slot, and
// then the next ones follow at once. REQUIRES: 0 < run < infinite.
std::vector<PlannedFault> PlanFaults(const FaultSpec& spec, absl::Duration run,
                                     uint64_t seed);

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

  // A database of the server that a reset is asked of.
  Url admin;

  // The connections that may be reset: those of this URL's user to databases
  // whose names begin so.
  std::string database_prefix = "opsbench_stress_";

  // While set, no further fault begins; nullptr: never. Must live until Stop().
  const std::atomic<bool>* stop = nullptr;
};

class FaultInjector {
 public:
  // Starts the thread; the clock of the plan starts here. InvalidArgument:
  // faults that the target does not allow, or out of order.
  static absl::StatusOr<std::unique_ptr<FaultInjector>> Start(
      const FaultInjectorOptions& options);

  // Stops, if Stop() was not called.
  ~FaultInjector();
  FaultInjector(const FaultInjector&) = delete;
  FaultInjector& operator=(const FaultInjector&) = delete;

  // Whether the server is gone for good: it did not restart, or ended by itself
  // before a fault. Nothing is injected from then on, and nobody's connection
  // will be made again: the run should end.
  bool server_lost() const;

  // The faults that are over so far, in order.
  std::vector<FaultEvent> events() const;

  // Ends a fault that is under way and returns when it is undone: the server
  // runs (unless it is lost), resumed and undelayed. That waits for a restart,
  // for nothing else. Returns one event for each planned fault; a second call
  // the same.
  const std::vector<FaultEvent>& Stop();

 private:
  class Impl;
  explicit FaultInjector(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace opsbench::stress

#endif  // OPSBENCH_STRESS_FAULTS_H_
