#ifndef OPSBENCH_STRESS_SIMULATION_H_
#define OPSBENCH_STRESS_SIMULATION_H_

// One stress run: databases are made, users run on the load engine while
// resources are watched and faults injected, and at the end the oracle checks
// what was acknowledged.
//
// Thread safety: Simulate() blocks and owns its threads.

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "opsbench/load/load.h"
#include "opsbench/server/private_server.h"
#include "opsbench/stress/client.h"
#include "opsbench/stress/config.h"
#include "opsbench/stress/databases.h"
#include "opsbench/stress/faults.h"
#include "opsbench/stress/monitor.h"
#include "opsbench/stress/oracle.h"
#include "opsbench/stress/plan.h"

namespace opsbench::stress {

enum class StopReason {
  kDurationElapsed,
  kCrashDetected,  // The server is gone, or no user could reach it any more.
  kInterrupted,
};

// "DurationElapsed", "CrashDetected", "Interrupted": seed document 003's names.
absl::string_view StopReasonName(StopReason reason);

struct StressProgress {
  LoadProgress load;
  bool backpressure = false;
  bool over_disk_budget = false;
  int faults = 0;  // Injected so far.
};

struct SimulationOptions {
  StressConfig config;
  // Of config.plan, or from the seeds of a replay.
  Plan plan;

  // Any database of the server to connect to by config.transport; for SQLite
  // the folder that its files are made in.
  Url url;
  // Null: another's server, or SQLite. Must outlive Simulate().
  PrivateServer* server = nullptr;
  // Databases of the same names that are dropped first.
  Replace replace = Replace::kNothing;

  // Where users' logs go; exists.
  std::string log_folder;

  const std::atomic<bool>* stop = nullptr;
  std::function<void(const StressProgress&)> on_progress;
  // "creating 3 databases", "checking what was acknowledged".
  std::function<void(absl::string_view)> on_step;
};

struct UserReport {
  User user;
  int64_t operations = 0;
  uint64_t hash = 0;  // Of these.
  UserResult result;
};

struct StressReport {
  absl::Time started;
  StopReason stop_reason = StopReason::kDurationElapsed;
  std::string stop_detail;
  LoadReport load;
  std::vector<UserReport> users;
  MonitorReport monitor;
  std::vector<FaultEvent> faults;
  // Absent when the databases could not be asked: `oracle_status` says why.
  absl::optional<OracleReport> oracle;
  absl::Status oracle_status;

  int64_t wrong_answers() const;
  // Errors other than those of connections that were lost.
  int64_t failures() const;
  // Whether answers and databases were right, and nothing failed that no fault
  // explains.
  bool ok() const;
};

// The file of a user's log below `folder`.
std::string UserLogPath(const std::string& folder, int user);

// An error only when the run could not start; the databases are left as they
// are at the end.
absl::StatusOr<StressReport> Simulate(const SimulationOptions& options);

}  // namespace opsbench::stress

#endif  // OPSBENCH_STRESS_SIMULATION_H_
