#include "opsbench/sidetable/inspect.h"

#include <algorithm>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "opsbench/base/clock.h"
#include "opsbench/base/status_macros.h"

namespace opsbench::sidetable {
namespace {

constexpr absl::string_view kRule =
    "----------------------------------------------------------------------"
    "----------";

// MySQL and MariaDB: one line for each table of the plan, "column=value" for
// each column that says something.
std::vector<std::string> TabularPlan(const ResultSet& rows) {
  std::vector<std::string> lines;
  for (size_t row = 0; row < rows.row_count(); ++row) {
    std::vector<std::string> cells;
    for (size_t column = 0; column < rows.column_count(); ++column) {
      const Value value = rows.at(row, column);
      if (value.is_null() || value.ToString().empty()) continue;
      cells.push_back(
          absl::StrCat(rows.column_name(column), "=", value.ToString()));
    }
    lines.push_back(absl::StrJoin(cells, " | "));
  }
  return lines;
}

// The last column of each row: PostgreSQL's and SQLite's form.
std::vector<std::string> TextPlan(const ResultSet& rows) {
  std::vector<std::string> lines;
  for (size_t row = 0; row < rows.row_count(); ++row) {
    for (const absl::string_view line :
         absl::StrSplit(rows.at(row, rows.column_count() - 1).text(), '\n')) {
      lines.emplace_back(line);
    }
  }
  return lines;
}

absl::StatusOr<std::vector<std::string>> Plan(Store& store,
                                              absl::string_view sql) {
  ResultSet rows;
  switch (store.engine()) {
    case Engine::kPostgres:
      OPSBENCH_RETURN_IF_ERROR(store.session().Query(
          absl::StrCat("EXPLAIN (ANALYZE, BUFFERS) ", sql), &rows));
      return TextPlan(rows);
    case Engine::kSqlite:
      OPSBENCH_RETURN_IF_ERROR(store.session().Query(
          absl::StrCat("EXPLAIN QUERY PLAN ", sql), &rows));
      return TextPlan(rows);
    default: {
      OPSBENCH_RETURN_IF_ERROR(
          store.session().Query(absl::StrCat("EXPLAIN ", sql), &rows));
      std::vector<std::string> lines = TabularPlan(rows);
      // The plan as it was carried out, with real row counts and times.
      const bool mariadb = store.session().capabilities().flavour == "MariaDB";
      OPSBENCH_RETURN_IF_ERROR(store.session().Query(
          absl::StrCat(mariadb ? "ANALYZE FORMAT=JSON " : "EXPLAIN ANALYZE ",
                       sql),
          &rows));
      const std::vector<std::string> carried_out = TextPlan(rows);
      lines.insert(lines.end(), carried_out.begin(), carried_out.end());
      return lines;
    }
  }
}

absl::StatusOr<ExplainedQuery> ExplainOne(
    Store& store, absl::string_view section, int level,
    const std::map<std::string, Value>& values) {
  ExplainedQuery query;
  OPSBENCH_ASSIGN_OR_RETURN(query.sql, store.Render(section, level, values));
  OPSBENCH_ASSIGN_OR_RETURN(query.plan, Plan(store, query.sql));
  const int64_t start_ns = MonotonicNowNs();
  OPSBENCH_RETURN_IF_ERROR(store.session().Query(query.sql, &query.result));
  query.milliseconds = 1e-6 * static_cast<double>(MonotonicNowNs() - start_ns);
  query.rows = static_cast<int64_t>(query.result.row_count());
  return query;
}

void Judge(Store& store, bool ordered, ExplainedQuery* query) {
  query->why =
      JudgePlan(store.engine(), query->plan, query->expected_index, ordered);
  query->seeks = query->why.empty();
}

// The line that shows a seek in `index`, by engine.
bool IsSeek(Engine engine, absl::string_view line, absl::string_view next,
            absl::string_view index) {
  switch (engine) {
    case Engine::kPostgres:
      return (absl::StrContains(line, absl::StrCat(" using ", index, " ")) ||
              absl::StrContains(line, absl::StrCat(" on ", index, " "))) &&
             absl::StrContains(next, "Index Cond:");
    case Engine::kSqlite:
      return absl::StrContains(line, "SEARCH") &&
             absl::StrContains(line, absl::StrCat("INDEX ", index, " ("));
    default:
      return absl::StrContains(line, absl::StrCat("| key=", index, " ")) &&
             (absl::StrContains(line, "| type=ref ") ||
              absl::StrContains(line, "| type=range ") ||
              absl::StrContains(line, "| type=const "));
  }
}

bool IsSort(Engine engine, absl::string_view line) {
  switch (engine) {
    case Engine::kPostgres:
      return absl::StrContains(line, "Sort Key:");
    case Engine::kSqlite:
      return absl::StrContains(line, "USE TEMP B-TREE");
    default:
      return absl::StrContains(line, "Using filesort");
  }
}

}  // namespace

std::string JudgePlan(Engine engine, const std::vector<std::string>& plan,
                      absl::string_view index, bool ordered) {
  bool seeks = false;
  for (size_t i = 0; i < plan.size(); ++i) {
    absl::string_view next;
    if (i + 1 < plan.size()) next = plan[i + 1];
    seeks = seeks || IsSeek(engine, plan[i], next, index);
    if (ordered && IsSort(engine, plan[i])) {
      return absl::StrCat("it sorts instead of reading ", index, " in order");
    }
  }
  return seeks ? "" : absl::StrCat("it does not seek in ", index);
}

absl::StatusOr<std::vector<TableSize>> TableSizes(Store& store) {
  std::vector<TableSize> sizes;
  for (const std::string& name : Tables(store.strategy(), store.engine())) {
    const std::string table = store.NameOf(name);
    ResultSet rows;
    OPSBENCH_RETURN_IF_ERROR(
        store.Run("table_size", {{"table", Value::Text(table)}}, &rows)
            .status());
    TableSize size;
    size.table = table;
    if (rows.row_count() == 1 && !rows.at(0, 1).is_null()) {
      size.bytes = rows.at(0, 1).int64();
    }
    if (rows.row_count() == 1 && !rows.at(0, 0).is_null()) {
      size.rows = rows.at(0, 0).int64();
    } else {
      OPSBENCH_RETURN_IF_ERROR(store.session().Query(
          absl::StrCat("SELECT COUNT(*) FROM ", table), &rows));
      size.rows = rows.at(0, 0).int64();
    }
    sizes.push_back(std::move(size));
  }
  return sizes;
}

absl::StatusOr<Records> ReadRecords(Store& store, int recent) {
  Records records;
  OPSBENCH_ASSIGN_OR_RETURN(records.tables, TableSizes(store));
  double rows = 0;
  double bytes = 0;
  for (const TableSize& table : records.tables) {
    rows += static_cast<double>(table.rows);
    bytes += static_cast<double>(table.bytes);
  }
  const double operations =
      std::max(1.0, static_cast<double>(records.tables[0].rows));
  records.amplification = rows / operations;
  records.bytes_per_operation = bytes / operations;

  ResultSet newest;
  OPSBENCH_RETURN_IF_ERROR(store.Newest(recent, &newest));
  for (size_t i = 0; i < newest.row_count(); ++i) {
    RecentOperation operation;
    operation.id = newest.at(i, 0).int64();
    operation.created_at =
        Value::TimestampUs(newest.at(i, 1).int64()).ToString();
    operation.status = static_cast<int>(newest.at(i, 2).int64());
    operation.path = std::string(newest.at(i, 3).text());
    if (store.Has("prefixes_of")) {
      ResultSet prefixes;
      OPSBENCH_RETURN_IF_ERROR(store
                                   .Run("prefixes_of",
                                        {{"id", Value::Int64(operation.id)}},
                                        &prefixes)
                                   .status());
      for (size_t p = 0; p < prefixes.row_count(); ++p) {
        operation.prefixes.emplace_back(
            prefixes.at(p, 0).text(),
            Value::TimestampUs(prefixes.at(p, 1).int64()).ToString());
      }
    }
    records.recent.push_back(std::move(operation));
  }
  return records;
}

std::string RenderRecords(const Records& records) {
  std::string out = "=== Table Statistics ===\n\n";
  absl::StrAppendFormat(&out, "%-25s | %-15s | %-10s\n", "Table",
                        "Rows (Approx)", "Size (MB)");
  absl::StrAppend(&out, kRule.substr(0, 56), "\n");
  for (const TableSize& table : records.tables) {
    absl::StrAppendFormat(&out, "%-25s | %-15d | %-10.2f\n", table.table,
                          table.rows, static_cast<double>(table.bytes) / 1e6);
  }
  absl::StrAppend(&out, kRule.substr(0, 56), "\n");
  if (records.tables.size() > 1) {
    const double side = static_cast<double>(records.tables[1].rows) /
                        std::max<double>(1, records.tables[0].rows);
    absl::StrAppendFormat(
        &out, "Amplification Factor: %.2fx (Prefix Rows / Operation Rows)\n",
        side);
  }
  absl::StrAppendFormat(&out, "Bytes per Operation: %.0f\n",
                        records.bytes_per_operation);
  absl::StrAppendFormat(&out, "\n=== Top %d Recent Operations ===\n",
                        records.recent.size());
  for (const RecentOperation& operation : records.recent) {
    absl::StrAppendFormat(&out, "\nOP #%d\n  Path:    %s\n  Time:    %s\n",
                          operation.id, operation.path, operation.created_at);
    absl::StrAppendFormat(&out, "  Status:  %s\n",
                          operation.status == 0 ? "OK" : "ERROR");
    if (!operation.prefixes.empty()) {
      absl::StrAppendFormat(&out, "  Prefixes (%d):\n",
                            operation.prefixes.size());
    }
    for (const auto& [prefix, created_at] : operation.prefixes) {
      absl::StrAppendFormat(&out, "    - %-40s | %s\n", prefix, created_at);
    }
    absl::StrAppend(&out, kRule.substr(0, 60), "\n");
  }
  return out;
}

absl::StatusOr<std::vector<ExplainedQuery>> ExplainQueries(
    Store& store, absl::string_view path, int levels, int64_t limit) {
  const Strategy strategy = store.strategy();
  const bool ordered =
      strategy == Strategy::kSideTable || strategy == Strategy::kLevelColumns;
  std::vector<ExplainedQuery> queries;
  OPSBENCH_ASSIGN_OR_RETURN(ExplainedQuery exact,
                            ExplainOne(store, "exact", 0,
                                       {{"path", Value::Text(path)},
                                        {"limit", Value::Int64(limit)}}));
  exact.title = "Exact Match";
  exact.description =
      absl::StrCat("Latest ", limit, " items of exactly '", path, "'");
  exact.expected_index = store.NameOf(ExactIndex(strategy));
  Judge(store, true, &exact);
  queries.push_back(std::move(exact));
  for (int level = 1; level <= levels; ++level) {
    const absl::string_view prefix = Prefix(path, level);
    std::string pattern;
    LikePattern(prefix, &pattern);
    const std::string low = absl::StrCat(prefix, ".");
    const std::string high = absl::StrCat(prefix, "/");
    OPSBENCH_ASSIGN_OR_RETURN(ExplainedQuery query,
                              ExplainOne(store, "latest", level,
                                         {{"prefix", Value::Text(prefix)},
                                          {"pattern", Value::Text(pattern)},
                                          {"range_low", Value::Text(low)},
                                          {"range_high", Value::Text(high)},
                                          {"limit", Value::Int64(limit)}}));
    query.title = absl::StrCat("Level ", level, " Prefix");
    query.description =
        absl::StrCat("Latest ", limit, " items under prefix '", prefix, "'");
    query.expected_index = store.NameOf(LatestIndex(strategy, level));
    Judge(store, ordered, &query);
    queries.push_back(std::move(query));
  }
  return queries;
}

std::string RenderExplained(const ExplainedQuery& query) {
  const std::string heavy(kRule.size(), '=');
  std::string out = absl::StrCat(heavy, "\nQUERY: ", query.title,
                                 "\nDESC:  ", query.description, "\n", kRule,
                                 "\nSQL:\n", query.sql, "\n\nPLAN:\n");
  for (const std::string& line : query.plan) {
    absl::StrAppend(&out, "  ", line, "\n");
  }
  absl::StrAppendFormat(&out, "\nRESULT (%d rows in %.2fms):\n", query.rows,
                        query.milliseconds);
  for (size_t row = 0; row < query.result.row_count(); ++row) {
    std::vector<std::string> cells;
    for (size_t column = 0; column < query.result.column_count(); ++column) {
      const Value value = query.result.at(row, column);
      // SQLite keeps times as numbers.
      cells.push_back(column == 1 && value.type() == Value::Type::kInt64
                          ? Value::TimestampUs(value.int64()).ToString()
                          : value.ToString());
    }
    absl::StrAppend(&out, "  ", absl::StrJoin(cells, " | "), "\n");
  }
  return out;
}

}  // namespace opsbench::sidetable
