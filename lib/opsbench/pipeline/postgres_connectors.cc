// The kinds of connectors that PostgreSQL has, with their settings.

#include "opsbench/pipeline/internal/postgres_connectors.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/url.h"
#include "opsbench/pipeline/connector.h"

namespace opsbench::pipeline {
namespace postgres {

absl::StatusOr<std::unique_ptr<Session>> Open(absl::string_view url) {
  OPSBENCH_ASSIGN_OR_RETURN(const Url parsed, Url::Parse(url));
  if (parsed.engine != Engine::kPostgres) {
    return absl::InvalidArgumentError(
        absl::StrCat("not a PostgreSQL URL: ", parsed.Redacted()));
  }
  OPSBENCH_ASSIGN_OR_RETURN(auto session, opsbench::Connect(parsed));
  ResultSet rows;
  OPSBENCH_ASSIGN_OR_RETURN(const CompiledSql setup, CompileSection("session"));
  OPSBENCH_RETURN_IF_ERROR(session->Query(setup.sql, &rows));
  // To set it takes rights that few have.
  if (rows.at(0, 0).text() != "origin") {
    return absl::FailedPreconditionError(absl::StrCat(
        parsed.Redacted(), ": session_replication_role is ",
        rows.at(0, 0).text(),
        ", so that triggers and foreign keys would be passed over; reset it "
        "for this role and database"));
  }
  return session;
}

TableName InSchema(const TableName& table, const ConnectorConfig& config) {
  if (!table.schema.empty()) return table;
  const auto schema = config.settings.find("schema");
  return {schema == config.settings.end() ? "" : schema->second, table.table};
}

std::string WireFormatOf(const std::vector<PostgresColumn>& columns) {
  std::string format = "postgres.copy.binary";
  for (const PostgresColumn& column : columns) {
    if (!column.portable) return "";
    absl::StrAppend(&format, " ", column.type);
    if (column.typmod >= 0) absl::StrAppend(&format, "/", column.typmod);
  }
  return format;
}

}  // namespace postgres

std::vector<ConnectorKind> PostgresConnectors() {
  ConnectorKind source;
  source.name = "source-postgres";
  source.engine = "postgres";
  source.settings = {
      {"schema", "", {}, "schema of tables that are named without one"},
      {"method",
       "copy",
       {"copy", "cursor"},
       "COPY in binary, or a cursor that is fetched from batch by batch"},
      {"numeric",
       "decimal",
       {"decimal", "text"},
       "numeric columns of at most 38 digits as decimals, which have no NaN, "
       "or all as text"},
      {"split",
       "auto",
       {"auto", "ctid", "key"},
       "partitions by place in the table, or by an integer primary key; auto "
       "takes the place where a table has one"},
  };
  source.make_source = postgres::MakeSource;
  source.rules = {{"config.split", "parallel_reads", {"many"}},
                  {"resources.decode", "method", {"copy"}}};
  ConnectorKind destination;
  destination.name = "dest-postgres";
  destination.engine = "postgres";
  destination.settings = {
      {"schema", "", {}, "schema of tables that are named without one"},
      {"load_method",
       "insert",
       {"insert", "copy", "copy_text", "batch"},
       "INSERT of many rows; COPY in binary (in text when a column has a type "
       "without a binary form here); COPY in text; one prepared INSERT a row, "
       "sent without waiting"},
      {"insert_rows", "1000", {}, "rows of one INSERT", 1'000'000},
      {"flush_bytes",
       "262144",
       {},
       "bytes of one piece of a COPY",
       int64_t{1} << 28},
      {"replace_by",
       "truncate",
       {"truncate", "delete"},
       "how `replace` empties the table; readers wait for a truncate"},
      {"create_table",
       "true",
       {"true", "false"},
       "make the table when it is missing"},
      {"analyze",
       "false",
       {"true", "false"},
       "gather the planner's statistics before the commit"},
  };
  destination.make_destination = postgres::MakeDestination;
  destination.rules = {
      {"config.insert_rows", "load_method", {"insert"}},
      {"config.flush_bytes", "load_method", {"copy", "copy_text"}},
      {"config.replace_by", "write_mode", {"replace"}},
      {"resources.decode", "load_method", {"copy"}}};
  return {std::move(source), std::move(destination)};
}

}  // namespace opsbench::pipeline
