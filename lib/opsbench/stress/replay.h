#ifndef OPSBENCH_STRESS_REPLAY_H_
#define OPSBENCH_STRESS_REPLAY_H_

// replay.json: all that a run was drawn from, and what its users did, so that a
// later run can be proved to be the same one. STRESS.md has the format.
//
// Thread safety: pure functions, and files that are written atomically.

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "opsbench/stress/config.h"
#include "opsbench/stress/plan.h"
#include "opsbench/stress/simulation.h"

namespace opsbench::stress {

inline constexpr int kReplayVersion = 1;

struct ReplayUser {
  User user;
  int64_t operations = 0;
  uint64_t hash = 0;
};

struct Replay {
  StressConfig config;
  std::vector<ReplayUser> users;
  std::vector<uint64_t> database_seeds;
  // Absent in the file that a run writes before it starts: it never ended.
  absl::optional<StopReason> stop_reason;

  Plan MakePlan() const;
};

// Of a run that starts (no report), or has ended.
Replay MakeReplay(const StressConfig& config, const Plan& plan,
                  const StressReport* report);

std::string FormatReplay(const Replay& replay);

// InvalidArgument: no JSON (with line and column), truncated, of another
// version, a field that is missing or wrong (with its path, "users[3].seed"),
// or a part that was edited: each part carries a hash of its fields, and the
// message names the part. `name` is the file, for messages.
absl::StatusOr<Replay> ParseReplay(absl::string_view text,
                                   const std::string& name);

// How the users of `again` did beside those of `before`.
struct ReplayComparison {
  struct UserVerdict {
    int user = 0;
    int64_t compared = 0;  // Operations that both have done.
    bool equal = false;
  };
  std::vector<UserVerdict> users;

  bool equal() const;
};

// Hashes are compared over the operations that both runs have done. What only
// one of them has done is drawn again from its stored seeds, not run, and must
// lead to the hash that it stored: so a user that stopped earlier is compared
// as well as one that stopped later. InvalidArgument: other users.
absl::StatusOr<ReplayComparison> CompareReplays(const Replay& before,
                                                const Replay& again);

}  // namespace opsbench::stress

#endif  // OPSBENCH_STRESS_REPLAY_H_
