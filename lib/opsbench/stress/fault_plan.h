#ifndef OPSBENCH_STRESS_FAULT_PLAN_H_
#define OPSBENCH_STRESS_FAULT_PLAN_H_

// Which faults a stress run has, and when each of them comes.
//
//   kill       SIGKILL to all processes of the server, then a restart, which
//              takes as long as the recovery does
//   reset      an admin session ends one of the users' connections
//   pause      SIGSTOP for 0.2 s to 2 s: connections stay, nobody answers
//   slow_disk  each sync takes 1 ms to 20 ms longer, for 1 s to 5 s
//
// Thread safety: value types and pure functions.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "opsbench/db/url.h"

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
  // Of reset: of the users' connections, in the order in which they were made,
  // that with the index `pick` modulo their number is hit.
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

}  // namespace opsbench::stress

#endif  // OPSBENCH_STRESS_FAULT_PLAN_H_
