#ifndef OPSBENCH_STRESS_ORACLE_H_
#define OPSBENCH_STRESS_ORACLE_H_

// Whether the databases hold what they acknowledged: asked once all users have
// stopped, after a run or after a crash, of users' logs and the plan alone.
//
// For each user and table: the number of rows and the sum of `value` are those
// of the acknowledged writes plus those of the unknown ones that turn out to
// stand; a write whose outcome is unknown is there as a whole or not at all;
// what was refused or skipped is not there; and a sample of acknowledged writes
// is read row by row. Where a total is off, the first write that is not right
// is found and named.
//
// Thread safety: CheckDatabases() connects on its own and blocks.

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "opsbench/stress/databases.h"
#include "opsbench/stress/plan.h"
#include "opsbench/stress/user_log.h"

namespace opsbench::stress {

struct OracleOptions {
  // Acknowledged writes of each user that are read row by row, drawn from all
  // of them.
  int sample_operations = 32;
  // Of such a write, rows at most.
  int64_t sample_rows = 1'000;
  uint64_t seed = 1;  // Of the sample.
};

struct OracleReport {
  int64_t acknowledged_operations = 0;
  int64_t acknowledged_rows = 0;
  // Of these, rows that are not there.
  int64_t lost_rows = 0;
  // Rows that nobody was told of: refused, skipped or never written.
  int64_t unexpected_rows = 0;
  // Writes whose outcome was unknown, and what came of them.
  int64_t unknown_operations = 0;
  int64_t unknown_applied = 0;
  int64_t unknown_absent = 0;
  int64_t unknown_torn = 0;  // A part of the rows: never right.
  int64_t sampled_rows = 0;
  int64_t wrong_rows = 0;  // With other content than was written.
  // What is wrong, at most 20: "user 3, operation 1204 (bulk_insert …): 5000
  // rows acknowledged, 0 found".
  std::vector<std::string> findings;

  bool ok() const {
    return lost_rows == 0 && unexpected_rows == 0 && unknown_torn == 0 &&
           wrong_rows == 0 && findings.empty();
  }
};

// `logs`: one a user, whose users have stopped. The last operation of a log
// that is still running (its process was killed) counts as unknown.
//
// An error only when the databases could not be asked.
absl::StatusOr<OracleReport> CheckDatabases(
    const Plan& plan, const Databases& databases,
    const std::vector<const UserLog*>& logs, const OracleOptions& options = {});

}  // namespace opsbench::stress

#endif  // OPSBENCH_STRESS_ORACLE_H_
