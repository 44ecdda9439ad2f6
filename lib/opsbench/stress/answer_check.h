#ifndef OPSBENCH_STRESS_ANSWER_CHECK_H_
#define OPSBENCH_STRESS_ANSWER_CHECK_H_

// Whether the answer to a read is right: every row that came back is the one
// that was written, none that had been acknowledged is missing, and aggregates
// are those of these rows.
//
// Thread safety: for one thread at a time.

#include <cstdint>

#include "absl/status/status.h"
#include "opsbench/db/value.h"
#include "opsbench/stress/expectation.h"
#include "opsbench/stress/plan.h"
#include "opsbench/stress/schema.h"

namespace opsbench::stress {

class AnswerCheck {
 public:
  // `plan` must outlive it.
  explicit AnswerCheck(const Plan& plan) : plan_(plan) {}

  // `rows`: the answer to `operation`, a read by a user of `schema`'s database,
  // as the statement in sql/ gives it. DataLoss says what is wrong with it.
  //
  // An expectation that is not complete bounds the answer from below.
  absl::Status Check(const DatabaseSchema& schema, const Operation& operation,
                     const Expectation& expected, const ResultSet& rows);

 private:
  absl::Status CheckSelect(const Table& table, const Operation& operation,
                           const Expectation& expected, const ResultSet& rows);
  absl::Status CheckAggregate(const Table& table, const Operation& operation,
                              const Expectation& expected,
                              const ResultSet& rows);
  absl::Status CheckGroups(const Table& table, const Expectation& expected,
                           const ResultSet& rows);
  absl::Status CheckJoin(const DatabaseSchema& schema,
                         const Operation& operation,
                         const Expectation& expected, const ResultSet& rows);
  absl::Status CheckJoinGroups(const DatabaseSchema& schema,
                               const Operation& operation,
                               const Expectation& expected,
                               const ResultSet& rows);
  // That the ids in the first column are the expected ones, then ascending ones
  // that the target of `operation` can have written.
  absl::Status CheckIds(const Operation& operation, int table,
                        const Expectation& expected, const ResultSet& rows);
  // That row `id`, beyond what is expected, is one that an operation writes.
  absl::Status CheckWritten(const User& user, int table, int64_t id);

  const Plan& plan_;
  RowMaker rows_;
  int64_t known_first_id_ = -1;  // Of the last operation that was looked at,
  int64_t known_rows_ = 0;       // and what it writes to the table.
};

}  // namespace opsbench::stress

#endif  // OPSBENCH_STRESS_ANSWER_CHECK_H_
