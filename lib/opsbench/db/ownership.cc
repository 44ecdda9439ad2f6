#include "opsbench/db/ownership.h"

#include <map>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/internal/sql_files.h"
#include "opsbench/db/sql_catalog.h"

namespace opsbench {
namespace {

constexpr absl::string_view kPrefix = "opsbench: ";

absl::StatusOr<std::string> OwnershipSql(
    Engine engine, absl::string_view section,
    const std::map<std::string, std::string>& replacements) {
  const std::string file = absl::StrCat(EngineName(engine), "/ownership");
  for (const SqlFile& sql : internal::SqlFiles()) {
    if (sql.name != file) continue;
    OPSBENCH_ASSIGN_OR_RETURN(const SqlCatalog catalog,
                              SqlCatalog::Parse(sql.content));
    OPSBENCH_ASSIGN_OR_RETURN(CompiledSql compiled,
                              catalog.Compile(section, engine, replacements));
    return std::move(compiled.sql);
  }
  return absl::UnimplementedError(
      absl::StrCat(EngineName(engine), " has no tables"));
}

std::string Quoted(Engine engine, const TableId& table) {
  const absl::string_view quote = engine == Engine::kMysql ? "`" : "\"";
  const auto part = [quote](absl::string_view name) {
    return absl::StrCat(
        quote, absl::StrReplaceAll(name, {{quote, absl::StrCat(quote, quote)}}),
        quote);
  };
  return table.schema.empty()
             ? part(table.name)
             : absl::StrCat(part(table.schema), ".", part(table.name));
}

// Text that needs no escaping in a literal or in a comment of any engine.
bool IsPlain(absl::string_view text) {
  for (const char c : text) {
    if (!absl::ascii_isalnum(c) && !absl::StrContains(" _-.:=,+/", c)) {
      return false;
    }
  }
  return true;
}

absl::Status CreateInPostgres(Session& session, const TableId& table,
                              absl::string_view create_sql,
                              const std::string& mark) {
  OPSBENCH_ASSIGN_OR_RETURN(
      const std::string comment,
      OwnershipSql(
          Engine::kPostgres, "mark",
          {{"table", Quoted(Engine::kPostgres, table)}, {"mark", mark}}));
  // Statements that are sent together are one transaction.
  return session.Execute(absl::StrCat(create_sql, ";\n", comment)).status();
}

}  // namespace

std::string OwnershipMark(absl::string_view maker, absl::string_view detail) {
  return absl::StrCat(kPrefix, maker, detail.empty() ? "" : "; ", detail);
}

TableOwner ParseOwnershipMark(absl::string_view text) {
  TableOwner owner;
  owner.ownership = Ownership::kForeign;
  if (!absl::ConsumePrefix(&text, kPrefix)) return owner;
  owner.ownership = Ownership::kOurs;
  const size_t end = text.find("; ");
  owner.maker = std::string(text.substr(0, end));
  if (end != text.npos) owner.detail = std::string(text.substr(end + 2));
  return owner;
}

absl::StatusOr<TableOwner> FindTableOwner(Session& session,
                                          const TableId& table) {
  const Engine engine = session.capabilities().engine;
  OPSBENCH_ASSIGN_OR_RETURN(const std::string sql,
                            OwnershipSql(engine, "find", {}));
  OPSBENCH_ASSIGN_OR_RETURN(const auto statement, session.Prepare(sql));
  std::vector<Value> parameters;
  if (engine != Engine::kSqlite) {
    parameters.push_back(Value::Text(table.schema));
  }
  parameters.push_back(Value::Text(table.name));
  ResultSet rows;
  OPSBENCH_RETURN_IF_ERROR(statement->Execute(parameters, &rows).status());
  if (rows.row_count() == 0) return TableOwner();
  absl::string_view mark = rows.at(0, 1).text();
  if (engine == Engine::kSqlite) {
    // A mark is the first thing in the list of columns.
    const size_t start = mark.find("(/* ");
    mark = start == mark.npos ? "" : mark.substr(start + 4);
    mark = mark.substr(0, mark.find(" */"));
  }
  TableOwner owner = ParseOwnershipMark(mark);
  owner.kind = std::string(rows.at(0, 0).text());
  return owner;
}

absl::Status CreateMarkedTable(Session& session, const TableId& table,
                               absl::string_view create_sql,
                               absl::string_view maker,
                               absl::string_view detail) {
  if (maker.empty() || !IsPlain(maker) || !IsPlain(detail)) {
    return absl::InvalidArgumentError(
        absl::StrCat("no text for a mark: ", maker, "; ", detail));
  }
  const std::string mark = OwnershipMark(maker, detail);
  switch (session.capabilities().engine) {
    case Engine::kMysql:
      return session
          .Execute(absl::StrCat(create_sql, " COMMENT = '", mark, "'"))
          .status();
    case Engine::kPostgres:
      return CreateInPostgres(session, table, create_sql, mark);
    case Engine::kSqlite: {
      const size_t columns = create_sql.find('(');
      if (columns == create_sql.npos) {
        return absl::InvalidArgumentError(
            absl::StrCat("no list of columns in: ", create_sql));
      }
      return session
          .Execute(absl::StrCat(create_sql.substr(0, columns), "(/* ", mark,
                                " */", create_sql.substr(columns + 1)))
          .status();
    }
    case Engine::kRedis:
      break;
  }
  return absl::UnimplementedError("Redis has no tables");
}

absl::StatusOr<bool> RequireOurs(Session& session, const TableId& table,
                                 absl::string_view maker,
                                 absl::string_view remedy) {
  OPSBENCH_ASSIGN_OR_RETURN(const TableOwner owner,
                            FindTableOwner(session, table));
  if (owner.ownership == Ownership::kAbsent) return false;
  if (owner.ownership == Ownership::kOurs && owner.maker == maker) return true;
  const std::string name =
      absl::StrCat(table.schema, table.schema.empty() ? "" : ".", table.name);
  return absl::FailedPreconditionError(
      owner.ownership == Ownership::kForeign
          ? absl::StrCat(owner.kind, " ", name,
                         " was not made by opsbench: ", remedy)
          : absl::StrCat(owner.kind, " ", name, " was made by `opsbench ",
                         owner.maker, "`: ", remedy));
}

absl::Status DropOurTable(Session& session, const TableId& table,
                          absl::string_view maker, absl::string_view remedy) {
  OPSBENCH_ASSIGN_OR_RETURN(const bool exists,
                            RequireOurs(session, table, maker, remedy));
  if (!exists) return absl::OkStatus();
  const Engine engine = session.capabilities().engine;
  OPSBENCH_ASSIGN_OR_RETURN(
      const std::string sql,
      OwnershipSql(engine, "drop", {{"table", Quoted(engine, table)}}));
  return session.Execute(sql).status();
}

}  // namespace opsbench
