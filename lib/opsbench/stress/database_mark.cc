#include "opsbench/stress/database_mark.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/ownership.h"

namespace opsbench::stress {
namespace {

// Rows of three texts each.
class TextRows : public RowIterator {
 public:
  using Row = std::array<std::string, 3>;
  explicit TextRows(std::vector<Row> rows) : rows_(std::move(rows)) {}

  absl::StatusOr<bool> Next(absl::Span<Value> row) override {
    if (next_ == rows_.size()) return false;
    std::transform(rows_[next_].begin(), rows_[next_].end(), row.begin(),
                   [](const std::string& text) { return Value::Text(text); });
    ++next_;
    return true;
  }

 private:
  const std::vector<Row> rows_;
  size_t next_ = 0;
};

absl::Status AddToMark(Session& session, std::vector<TextRows::Row> rows) {
  static const auto* columns =
      new std::vector<std::string>{"table_name", "column_name", "definition"};
  TextRows source(std::move(rows));
  BulkOptions options;
  options.method = BulkMethod::kMultiRow;
  return session.BulkLoad(kMarkTable, *columns, source, options).status();
}

absl::StatusOr<CompiledSql> Compile(Session& session, const SqlCatalog& sql,
                                    absl::string_view section) {
  return sql.Compile(section, session.capabilities().engine);
}

absl::StatusOr<Definitions> Read(Session& session, const SqlCatalog& sql,
                                 absl::string_view section) {
  OPSBENCH_ASSIGN_OR_RETURN(const CompiledSql compiled,
                            Compile(session, sql, section));
  ResultSet rows;
  OPSBENCH_RETURN_IF_ERROR(session.Query(compiled.sql, &rows));
  Definitions definitions;
  for (size_t i = 0; i < rows.row_count(); ++i) {
    auto& columns = definitions[std::string(rows.at(i, 0).text())];
    if (rows.at(i, 1).is_null() || rows.at(i, 1).text().empty()) continue;
    columns.emplace_back(rows.at(i, 1).text(), rows.at(i, 2).text());
  }
  return definitions;
}

}  // namespace

absl::StatusOr<Definitions> ReadDefinitions(Session& session,
                                            const SqlCatalog& sql) {
  return Read(session, sql, "definitions");
}

absl::Status MakeMark(Session& session, const SqlCatalog& sql,
                      absl::string_view maker,
                      const std::vector<std::string>& tables) {
  OPSBENCH_ASSIGN_OR_RETURN(const CompiledSql create,
                            Compile(session, sql, "create_mark"));
  OPSBENCH_RETURN_IF_ERROR(
      CreateMarkedTable(session, {"", kMarkTable}, create.sql, maker));
  std::vector<TextRows::Row> rows = {{kMarkTable, "", ""}};
  for (const std::string& table : tables) rows.push_back({table, "", ""});
  return AddToMark(session, std::move(rows));
}

absl::Status NoteDefinitions(Session& session, const SqlCatalog& sql,
                             const std::vector<std::string>& tables) {
  OPSBENCH_ASSIGN_OR_RETURN(Definitions found, ReadDefinitions(session, sql));
  std::vector<TextRows::Row> rows;
  for (const std::string& table : tables) {
    for (const auto& [column, definition] : found[table]) {
      rows.push_back({table, column, definition});
    }
  }
  return AddToMark(session, std::move(rows));
}

absl::StatusOr<DatabaseMark> ReadMark(Session& session, const SqlCatalog& sql) {
  OPSBENCH_ASSIGN_OR_RETURN(const TableOwner owner,
                            FindTableOwner(session, {"", kMarkTable}));
  DatabaseMark mark;
  if (owner.ownership != Ownership::kOurs) return mark;
  mark.maker = owner.maker;
  OPSBENCH_ASSIGN_OR_RETURN(mark.made, Read(session, sql, "read_mark"));
  return mark;
}

std::vector<std::string> ForeignTables(const Definitions& found,
                                       const Definitions& made) {
  std::vector<std::string> foreign;
  for (const auto& [table, columns] : found) {
    if (made.count(table) == 0) foreign.push_back(table);
  }
  return foreign;
}

}  // namespace opsbench::stress
