#ifndef OPSBENCH_STRESS_ORACLE_H_
#define OPSBENCH_STRESS_ORACLE_H_

// Whether the databases hold what they acknowledged and nothing else: asked
// once all users have stopped, after a run or after a crash, of users' logs and
// the plan alone.
//
// Every row of every table is read, in whatever order the engine has it, and
// compared column by column with the content that its id implies; every row
// that must be there is ticked off. A write whose outcome is unknown is there
// as a whole or not at all, and what was refused or skipped is not there.
// Tables are those that were made: none is missing, altered or added.
//
// Thread safety: CheckDatabases() connects on its own and blocks.

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "opsbench/stress/databases.h"
#include "opsbench/stress/oracle_report.h"
#include "opsbench/stress/plan.h"
#include "opsbench/stress/user_log.h"

namespace opsbench::stress {

struct OracleOptions {
  // Operation `index` of a user; null: the plan's.
  std::function<Operation(const User& user, int64_t index)> operation_at;
};

// `logs`: one a user, whose users have stopped. The last operation of a log
// that is still running (its process was killed) counts as unknown.
//
// Changes nothing. An error only when the databases could not be asked; that
// one is missing is a finding.
absl::StatusOr<OracleReport> CheckDatabases(
    const Plan& plan, const Databases& databases,
    const std::vector<const UserLog*>& logs, const OracleOptions& options = {});

}  // namespace opsbench::stress

#endif  // OPSBENCH_STRESS_ORACLE_H_
