#ifndef OPSBENCH_STRESS_CLIENT_H_
#define OPSBENCH_STRESS_CLIENT_H_

// The simulated users as the load engine sees them: each has a connection of
// its own, does what the plan says, logs how it ended, checks every answer, and
// connects again with growing pauses when it is cut off.
//
// Latency covers the statements alone: rows are made before, and answers
// checked after.
//
// Thread safety: Connect() may be called from several threads at once; results
// are for when the load engine has returned.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "opsbench/db/session.h"
#include "opsbench/load/load.h"
#include "opsbench/stress/databases.h"
#include "opsbench/stress/plan.h"
#include "opsbench/stress/user_log.h"

namespace opsbench::stress {

// On cache lines of its own: users count at the same time.
struct alignas(64) UserResult {
  // Reads whose answers were checked: against all that they must hold, or
  // against a part of it because another user was still writing.
  int64_t checked_exactly = 0;
  int64_t checked_partly = 0;
  int64_t wrong_answers = 0;
  std::vector<std::string> first_wrong;  // At most kMaxWrong.
  int64_t reconnects = 0;
  int64_t failed_writes = 0;
  int64_t unknown_writes = 0;
  absl::Status log_status;  // Why an exception could not be logged.

  static constexpr size_t kMaxWrong = 10;
};

struct StressWorkloadOptions {
  const Plan* plan = nullptr;
  Databases databases;
  // By user; must outlive the workload.
  std::vector<UserLog*> logs;
  BulkMethod bulk_method = BulkMethod::kBest;
  // While set, writes are skipped; null: never.
  const std::atomic<bool>* over_disk_budget = nullptr;
  // While set, lost connections are not made again.
  const std::atomic<bool>* stop = nullptr;

  // A user that was cut off gives up after this.
  absl::Duration reconnect_timeout = absl::Seconds(60);
};

// What has the load engine's workers be the users of `plan`: the mix, and the
// weights and the seed of each. How long they run is the caller's to say.
LoadOptions LoadOptionsOf(const Plan& plan);

class StressWorkload : public Workload {
 public:
  explicit StressWorkload(StressWorkloadOptions options);
  ~StressWorkload() override;

  absl::StatusOr<std::unique_ptr<Client>> Connect(int worker) override;

  const UserResult& result(int user) const {
    return results_[static_cast<size_t>(user)];
  }

 private:
  const StressWorkloadOptions options_;
  std::vector<UserResult> results_;
};

}  // namespace opsbench::stress

#endif  // OPSBENCH_STRESS_CLIENT_H_
