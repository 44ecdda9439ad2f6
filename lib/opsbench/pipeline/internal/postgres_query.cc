#include "opsbench/pipeline/internal/postgres_query.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/numeric/int128.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "opsbench/base/status_macros.h"

namespace opsbench::pipeline::postgres {
namespace {

absl::Status NoColumn(const TableName& table, absl::string_view column) {
  return absl::NotFoundError(
      absl::StrCat(table.ToString(), " has no column ", column));
}

std::vector<Partition> Whole() { return std::vector<Partition>(1); }

// Ranges of pages; the first and the last are open, because the table may grow.
std::vector<Partition> SplitByPage(int64_t pages, int parts) {
  const int64_t count = std::min<int64_t>(parts, pages);
  if (count < 2) return Whole();
  std::vector<Partition> partitions;
  for (int64_t i = 0; i < count; ++i) {
    std::vector<std::string> bounds;
    const auto page = [&](int64_t part) {
      return absl::StrCat("'(", pages * part / count, ",0)'::tid");
    };
    if (i > 0) bounds.push_back(absl::StrCat("ctid >= ", page(i)));
    if (i + 1 < count) bounds.push_back(absl::StrCat("ctid < ", page(i + 1)));
    partitions.push_back({absl::StrJoin(bounds, " AND ")});
  }
  return partitions;
}

bool HasIntegerKey(const PostgresTable& table) {
  if (table.primary_key.size() != 1) return false;
  const PostgresColumn* const key = table.Find(table.primary_key.front());
  if (key == nullptr) return false;
  const Form form = key->form();
  return form == Form::kInt2 || form == Form::kInt4 || form == Form::kInt8;
}

absl::StatusOr<std::vector<Partition>> SplitByKey(Session& session,
                                                  const ReadPlan& plan,
                                                  const ReadRequest& request,
                                                  int parts) {
  const std::string key = QuoteIdentifier(plan.table.primary_key.front());
  ResultSet rows;
  OPSBENCH_RETURN_IF_ERROR(session.Query(
      absl::StrCat("SELECT min(", key, ")::int8, max(", key, ")::int8 FROM ",
                   QuoteTable(plan.table.name), WhereSql(request)),
      &rows));
  if (rows.at(0, 0).is_null()) return Whole();
  const absl::int128 low = rows.at(0, 0).int64();
  const absl::int128 span = absl::int128(rows.at(0, 1).int64()) - low + 1;
  if (parts < 2 || span < parts) return Whole();
  std::vector<Partition> partitions;
  for (int i = 0; i < parts; ++i) {
    std::vector<std::string> bounds;
    const auto bound = [&](int part) {
      return static_cast<int64_t>(low + span * part / parts);
    };
    if (i > 0) bounds.push_back(absl::StrCat(key, " >= ", bound(i)));
    if (i + 1 < parts) bounds.push_back(absl::StrCat(key, " < ", bound(i + 1)));
    partitions.push_back({absl::StrJoin(bounds, " AND ")});
  }
  return partitions;
}

}  // namespace

absl::StatusOr<ReadPlan> PlanRead(Session& session, const ReadRequest& request,
                                  bool decimals) {
  if (request.batch_rows < 1) {
    return absl::InvalidArgumentError("a batch has at least one row");
  }
  OPSBENCH_ASSIGN_OR_RETURN(std::optional<PostgresTable> table,
                            ReadTable(session, request.table));
  if (!table.has_value()) {
    return absl::NotFoundError(
        absl::StrCat("there is no table ", request.table.ToString()));
  }
  ReadPlan plan;
  plan.table = *std::move(table);
  if (request.columns.empty()) plan.columns = plan.table.columns;
  for (const std::string& name : request.columns) {
    const PostgresColumn* const column = plan.table.Find(name);
    if (column == nullptr) return NoColumn(plan.table.name, name);
    plan.columns.push_back(*column);
  }
  if (plan.columns.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(plan.table.name.ToString(), " has no columns"));
  }
  if (!request.cursor_column.empty() &&
      plan.table.Find(request.cursor_column) == nullptr) {
    return NoColumn(plan.table.name, request.cursor_column);
  }
  auto schema = std::make_shared<Schema>();
  for (const PostgresColumn& column : plan.columns) {
    OPSBENCH_ASSIGN_OR_RETURN(Field field,
                              FieldOfColumn(plan.table.name, column, decimals));
    if (schema->IndexOf(field.name) >= 0) {
      return absl::InvalidArgumentError(absl::StrCat(plan.table.name.ToString(),
                                                     ", column ", field.name,
                                                     ": asked twice"));
    }
    schema->fields.push_back(std::move(field));
    const Form form = column.form();
    plan.forms.push_back(form == Form::kInterval ? Form::kNone : form);
  }
  schema->primary_key = plan.table.primary_key;
  for (const std::string& key : plan.table.primary_key) {
    // A part of a key is none.
    if (schema->IndexOf(key) < 0) schema->primary_key.clear();
  }
  plan.schema = std::move(schema);
  return plan;
}

std::string WhereSql(const ReadRequest& request) {
  std::vector<std::string> conditions;
  const std::string cursor = QuoteIdentifier(request.cursor_column);
  if (!request.cursor_column.empty() && !request.cursor_after.empty()) {
    conditions.push_back(
        absl::StrCat(cursor, " > ", QuoteLiteral(request.cursor_after)));
  }
  if (!request.cursor_column.empty() && !request.cursor_until.empty()) {
    conditions.push_back(
        absl::StrCat(cursor, " <= ", QuoteLiteral(request.cursor_until)));
  }
  if (!request.partition.predicate.empty()) {
    conditions.push_back(absl::StrCat("(", request.partition.predicate, ")"));
  }
  return conditions.empty()
             ? ""
             : absl::StrCat(" WHERE ", absl::StrJoin(conditions, " AND "));
}

std::string SelectSql(const ReadPlan& plan, const ReadRequest& request,
                      bool raw) {
  std::vector<std::string> columns;
  for (size_t i = 0; i < plan.columns.size(); ++i) {
    const bool cast = !raw && plan.forms[i] == Form::kNone;
    columns.push_back(absl::StrCat(QuoteIdentifier(plan.columns[i].name),
                                   cast ? "::text" : ""));
  }
  std::string sql =
      absl::StrCat("SELECT ", absl::StrJoin(columns, ", "), " FROM ",
                   QuoteTable(plan.table.name), WhereSql(request));
  if (!request.cursor_column.empty()) {
    absl::StrAppend(&sql, " ORDER BY ", QuoteIdentifier(request.cursor_column));
  }
  return sql;
}

absl::StatusOr<std::vector<Partition>> SplitRead(Session& session,
                                                 const ReadPlan& plan,
                                                 const ReadRequest& request,
                                                 const std::string& split,
                                                 int parts) {
  // Views and foreign tables have no places.
  const bool has_ctid = plan.table.kind == 'r' || plan.table.kind == 'p' ||
                        plan.table.kind == 'm';
  const bool has_key = HasIntegerKey(plan.table);
  if (split == "ctid" && !has_ctid) {
    return absl::InvalidArgumentError(
        absl::StrCat(plan.table.name.ToString(),
                     " has no ctid to split by: it is a view or foreign"));
  }
  if (split == "key" && !has_key) {
    return absl::InvalidArgumentError(
        absl::StrCat(plan.table.name.ToString(),
                     " has no primary key of one integer to split by"));
  }
  if (split != "key" && has_ctid) return SplitByPage(plan.table.pages, parts);
  if (split != "ctid" && has_key) {
    return SplitByKey(session, plan, request, parts);
  }
  return Whole();
}

}  // namespace opsbench::pipeline::postgres
