#ifndef OPSBENCH_PIPELINE_INTERNAL_POSTGRES_QUERY_H_
#define OPSBENCH_PIPELINE_INTERNAL_POSTGRES_QUERY_H_

// What a read request means in SQL: which columns, in which form, which rows.
//
// Thread safety: functions as the session.

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "opsbench/db/session.h"
#include "opsbench/pipeline/connector.h"
#include "opsbench/pipeline/internal/postgres_table.h"

namespace opsbench::pipeline::postgres {

struct ReadPlan {
  PostgresTable table;
  std::vector<PostgresColumn> columns;  // Those of the request.
  SchemaPtr schema;
  // On the wire when decoded; kNone becomes text in the query.
  std::vector<Form> forms;
};

// Everything of the request is checked. `decimals`: see FieldOfColumn().
absl::StatusOr<ReadPlan> PlanRead(Session& session, const ReadRequest& request,
                                  bool decimals);

// SELECT … FROM … WHERE … ORDER BY …; `raw`: each column in its own type.
std::string SelectSql(const ReadPlan& plan, const ReadRequest& request,
                      bool raw);

// The rows that the request asks for, with WHERE before them, or nothing.
std::string WhereSql(const ReadRequest& request);

// Disjoint partitions of the request, at most `parts`; `split` is the setting.
absl::StatusOr<std::vector<Partition>> SplitRead(Session& session,
                                                 const ReadPlan& plan,
                                                 const ReadRequest& request,
                                                 const std::string& split,
                                                 int parts);

}  // namespace opsbench::pipeline::postgres

#endif  // OPSBENCH_PIPELINE_INTERNAL_POSTGRES_QUERY_H_
