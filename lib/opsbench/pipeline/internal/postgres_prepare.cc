#include "opsbench/pipeline/internal/postgres_prepare.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "opsbench/base/status_macros.h"

namespace opsbench::pipeline::postgres {
namespace {

// https://www.postgresql.org/docs/15/limits.html
constexpr size_t kMaxColumns = 1600;

// NAMEDATALEN - 1: longer names are cut.
constexpr size_t kMaxNameBytes = 63;

absl::Status CheckName(const TableName& table, absl::string_view name) {
  if (!name.empty() && name.size() <= kMaxNameBytes &&
      name.find('\0') == absl::string_view::npos) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat(table.ToString(), ": PostgreSQL's names have 1 to ",
                   kMaxNameBytes, " bytes, not ", name.size(), ": ", name));
}

// Whether the server has a type that is written so. Its own parser reads the
// text as a type and nothing more, so that it can stand in a statement.
bool HasType(Session& session, const std::string& type) {
  ResultSet rows;
  return RunSection(session, "has_type", {{"type", type}}, &rows).ok() &&
         rows.at(0, 0).int64() == 1;
}

absl::Status RunAll(
    Session& session, absl::string_view section,
    const std::vector<std::pair<std::string, std::string>>& parameters) {
  ResultSet rows;
  OPSBENCH_RETURN_IF_ERROR(RunSection(session, section, parameters, &rows));
  for (size_t i = 0; i < rows.row_count(); ++i) {
    OPSBENCH_RETURN_IF_ERROR(session.Execute(rows.at(i, 0).text()).status());
  }
  return absl::OkStatus();
}

std::vector<std::string> NamesOf(const std::vector<FieldTarget>& fields) {
  std::vector<std::string> names;
  for (const FieldTarget& field : fields) names.push_back(field.name);
  return names;
}

}  // namespace

absl::StatusOr<std::string> CreateTableSql(
    Session& session, const TableName& table, const Schema& schema,
    const std::vector<std::string>& key) {
  OPSBENCH_RETURN_IF_ERROR(CheckName(table, table.table));
  if (schema.fields.size() > kMaxColumns) {
    return absl::InvalidArgumentError(absl::StrCat(
        table.ToString(), ": there are ", schema.fields.size(),
        " columns, and PostgreSQL's tables have at most ", kMaxColumns));
  }
  std::map<std::string, bool> known;
  std::vector<std::string> lines;
  for (const Field& field : schema.fields) {
    OPSBENCH_RETURN_IF_ERROR(CheckName(table, field.name));
    std::string type = ColumnTypeOf(field.type);
    absl::string_view native = field.native;
    if (absl::ConsumePrefix(&native, "postgres:")) {
      const std::string declared(native);
      const auto [found, is_new] = known.try_emplace(declared, false);
      if (is_new) found->second = HasType(session, declared);
      if (found->second) type = declared;
    }
    // A comment in the type's text ends with its line.
    lines.push_back(absl::StrCat(QuoteIdentifier(field.name), " ", type, "\n",
                                 field.nullable ? "" : "NOT NULL"));
  }
  if (!key.empty()) {
    lines.push_back(absl::StrCat("PRIMARY KEY (", QuoteColumns(key), ")"));
  }
  return absl::StrCat("CREATE TABLE ", QuoteTable(table), " (\n",
                      absl::StrJoin(lines, "\n,"), "\n)");
}

absl::StatusOr<std::vector<PostgresColumn>> ColumnsOf(
    const PostgresTable& table, const Schema& schema) {
  std::vector<PostgresColumn> columns;
  for (const Field& field : schema.fields) {
    const PostgresColumn* const column = table.Find(field.name);
    if (column == nullptr) {
      return absl::NotFoundError(
          absl::StrCat(table.name.ToString(), " has no column ", field.name));
    }
    columns.push_back(*column);
  }
  return columns;
}

absl::StatusOr<std::vector<FieldTarget>> TargetsOf(
    const TableName& table, const Schema& schema,
    const std::vector<PostgresColumn>& columns) {
  std::vector<FieldTarget> targets;
  for (size_t i = 0; i < columns.size(); ++i) {
    OPSBENCH_ASSIGN_OR_RETURN(FieldTarget target,
                              TargetOf(table, schema.fields[i], columns[i]));
    targets.push_back(std::move(target));
  }
  return targets;
}

absl::StatusOr<TableName> MakeStaged(Session& session,
                                     const PostgresTable& table) {
  ResultSet rows;
  OPSBENCH_RETURN_IF_ERROR(RunSection(
      session, "obstacles", {{"old", absl::StrCat(table.oid)}}, &rows));
  if (rows.row_count() > 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(table.name.ToString(),
                     " cannot be staged, a new table in its place "
                     "would lack ",
                     rows.at(0, 0).text()));
  }
  const TableName staged = {table.name.schema,
                            absl::StrCat("opsbench_staged_", table.oid)};
  const absl::Status made =
      session
          .Execute(absl::StrCat("CREATE TABLE ", QuoteTable(staged), " (LIKE ",
                                QuoteTable(table.name), " INCLUDING ALL)"))
          .status();
  if (absl::IsAlreadyExists(made)) {
    return absl::AlreadyExistsError(
        absl::StrCat(staged.ToString(), " is there already, where the rows of ",
                     table.name.ToString(), " would be staged: rename it"));
  }
  OPSBENCH_RETURN_IF_ERROR(made);
  return staged;
}

absl::Status SwapStaged(Session& session, const PostgresTable& table,
                        const TableName& staged) {
  OPSBENCH_ASSIGN_OR_RETURN(const std::optional<PostgresTable> made,
                            ReadTable(session, staged));
  if (!made.has_value()) {
    return absl::InternalError(
        absl::StrCat("the staged table ", staged.ToString(), " is gone"));
  }
  const std::string old_id = absl::StrCat(table.oid);
  const std::string new_id = absl::StrCat(made->oid);
  // Looked up before the old table goes, and run when its names are free.
  ResultSet renames, foreign_keys;
  OPSBENCH_RETURN_IF_ERROR(RunSection(
      session, "index_names", {{"old", old_id}, {"new", new_id}}, &renames));
  OPSBENCH_RETURN_IF_ERROR(RunSection(
      session, "foreign_keys",
      {{"old", old_id}, {"new_name", QuoteTable(table.name)}}, &foreign_keys));
  for (const char* section : {"sequences", "properties"}) {
    OPSBENCH_RETURN_IF_ERROR(RunAll(
        session, section, {{"old", old_id}, {"new_name", QuoteTable(staged)}}));
  }
  std::vector<std::string> statements = {
      absl::StrCat("DROP TABLE ", QuoteTable(table.name)),
      absl::StrCat("ALTER TABLE ", QuoteTable(staged), " RENAME TO ",
                   QuoteIdentifier(table.name.table))};
  for (const ResultSet* rows : {&renames, &foreign_keys}) {
    for (size_t i = 0; i < rows->row_count(); ++i) {
      statements.emplace_back(rows->at(i, 0).text());
    }
  }
  for (const std::string& statement : statements) {
    OPSBENCH_RETURN_IF_ERROR(session.Execute(statement).status());
  }
  return absl::OkStatus();
}

std::string UpsertSql(const TableName& table, const TableName& from,
                      const std::vector<FieldTarget>& fields,
                      const std::vector<std::string>& key, bool identity) {
  std::vector<std::string> updates;
  for (const FieldTarget& field : fields) {
    if (std::find(key.begin(), key.end(), field.name) != key.end()) continue;
    const std::string name = QuoteIdentifier(field.name);
    updates.push_back(absl::StrCat(name, " = EXCLUDED.", name));
  }
  const std::string columns = QuoteColumns(NamesOf(fields));
  return absl::StrCat(
      "INSERT INTO ", QuoteTable(table), " (", columns, ")",
      identity ? " OVERRIDING SYSTEM VALUE" : "", " SELECT ", columns, " FROM ",
      QuoteTable(from), " ON CONFLICT (", QuoteColumns(key), ") DO ",
      updates.empty()
          ? "NOTHING"
          : absl::StrCat("UPDATE SET ", absl::StrJoin(updates, ", ")));
}

}  // namespace opsbench::pipeline::postgres
