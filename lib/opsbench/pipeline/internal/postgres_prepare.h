#ifndef OPSBENCH_PIPELINE_INTERNAL_POSTGRES_PREPARE_H_
#define OPSBENCH_PIPELINE_INTERNAL_POSTGRES_PREPARE_H_

// What has to be done to a destination's table before rows come and after they
// came: it is made, checked, staged and swapped.
//
// Thread safety: as the session, for one thread at a time.

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "opsbench/db/session.h"
#include "opsbench/pipeline/connector.h"
#include "opsbench/pipeline/internal/postgres_encode.h"
#include "opsbench/pipeline/internal/postgres_table.h"

namespace opsbench::pipeline::postgres {

// CREATE TABLE for `schema`, whose columns get their native types where this
// server has them. Call it outside a transaction, which a native type of
// nonsense would end. InvalidArgument: names that the server would shorten.
absl::StatusOr<std::string> CreateTableSql(Session& session,
                                           const TableName& table,
                                           const Schema& schema,
                                           const std::vector<std::string>& key);

// The columns of `table` that the fields go to, in the fields' order.
// NotFound: one is missing.
absl::StatusOr<std::vector<PostgresColumn>> ColumnsOf(
    const PostgresTable& table, const Schema& schema);

absl::StatusOr<std::vector<FieldTarget>> TargetsOf(
    const TableName& table, const Schema& schema,
    const std::vector<PostgresColumn>& columns);

// Makes a table like `table` beside it, which nobody else sees until the
// commit. InvalidArgument: the table has what the new one could not have.
absl::StatusOr<TableName> MakeStaged(Session& session,
                                     const PostgresTable& table);

// Gives the staged table the place of `table`, which is dropped.
absl::Status SwapStaged(Session& session, const PostgresTable& table,
                        const TableName& staged);

// INSERT … ON CONFLICT of the rows of `from` into `table`.
std::string UpsertSql(const TableName& table, const TableName& from,
                      const std::vector<FieldTarget>& fields,
                      const std::vector<std::string>& key, bool identity);

}  // namespace opsbench::pipeline::postgres

#endif  // OPSBENCH_PIPELINE_INTERNAL_POSTGRES_PREPARE_H_
