#ifndef OPSBENCH_STRESS_STATEMENTS_H_
#define OPSBENCH_STRESS_STATEMENTS_H_

// What a user says to its database: the statements of one session, prepared at
// their first use.
//
// Thread safety: as its Session, for one thread at a time.

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "opsbench/db/session.h"
#include "opsbench/db/sql_catalog.h"
#include "opsbench/stress/plan.h"

namespace opsbench::stress {

class Statements {
 public:
  // `session`, `sql` and `schema` must outlive it; sends nothing.
  Statements(Session* session, const SqlCatalog& sql,
             const DatabaseSchema& schema)
      : session_(session), sql_(sql), schema_(schema) {}

  // `row`: one value a column.
  absl::Status Insert(int table, absl::Span<const Value> row);

  // `values`: those of `rows` rows, one after the other. All or nothing.
  absl::StatusOr<int64_t> InsertMany(int table, absl::Span<const Value> values,
                                     BulkMethod method);

  // A select, an aggregate or a join; what its target wrote from its index on.
  absl::StatusOr<int64_t> Read(const Operation& operation, ResultSet* rows);

  // Makes a temporary table, fills it with `rows` rows, reads it and drops it.
  // DataLoss: it did not hold what was put in.
  absl::StatusOr<int64_t> UseTemporaryTable(int64_t rows);

 private:
  struct Bound {
    std::unique_ptr<Statement> statement;
    std::vector<std::string> parameters;
  };

  absl::StatusOr<const Bound*> Get(absl::string_view section, int table,
                                   int second_table);
  absl::StatusOr<int64_t> ExecuteWindow(absl::string_view section, int table,
                                        int second_table, int64_t start,
                                        int64_t end, int64_t limit,
                                        ResultSet* rows);
  absl::Status ExecuteSection(absl::string_view section);

  Session* const session_;
  const SqlCatalog& sql_;
  const DatabaseSchema& schema_;
  std::map<std::tuple<std::string, int, int>, Bound, std::less<>> bound_;
  std::vector<Value> arguments_;
  ResultSet sums_;
  bool temporary_left_ = false;
};

}  // namespace opsbench::stress

#endif  // OPSBENCH_STRESS_STATEMENTS_H_
