#include "opsbench/stress/statements.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/stress/schema.h"

namespace opsbench::stress {
namespace {

constexpr absl::string_view kAggregateSections[] = {
    "aggregate_count", "aggregate_sum", "aggregate_min_max",
    "aggregate_groups"};
constexpr absl::string_view kJoinSections[] = {"join_1", "join_2", "join_3"};

// Rows out of values that are there, without a copy.
class ReadyRows : public RowIterator {
 public:
  explicit ReadyRows(absl::Span<const Value> values) : values_(values) {}

  absl::StatusOr<bool> Next(absl::Span<Value> row) override {
    if (values_.empty()) return false;
    std::copy_n(values_.begin(), row.size(), row.begin());
    values_.remove_prefix(row.size());
    return true;
  }

 private:
  absl::Span<const Value> values_;
};

// Rows (i, i / 4).
class TemporaryRows : public RowIterator {
 public:
  explicit TemporaryRows(int64_t rows) : rows_(rows) {}

  absl::StatusOr<bool> Next(absl::Span<Value> row) override {
    if (next_ == rows_) return false;
    row[0] = Value::Int64(next_);
    row[1] = Value::Double(static_cast<double>(next_++) / 4);
    return true;
  }

 private:
  const int64_t rows_;
  int64_t next_ = 0;
};

const std::vector<std::string>& TemporaryColumns() {
  static const auto* columns = new std::vector<std::string>{"id", "value"};
  return *columns;
}

// "?, ?" or "$1, $2".
std::string Marks(Engine engine, size_t count) {
  std::vector<std::string> marks;
  for (size_t i = 1; i <= count; ++i) {
    marks.push_back(engine == Engine::kPostgres ? absl::StrCat("$", i) : "?");
  }
  return absl::StrJoin(marks, ", ");
}

absl::StatusOr<double> SumOf(const Value& value) {
  if (value.is_null()) return 0.0;
  if (value.type() == Value::Type::kDouble) return value.float64();
  return absl::DataLossError(
      absl::StrCat("SUM(value) is ", value.ToString(), ", which is no double"));
}

}  // namespace

absl::StatusOr<const Statements::Bound*> Statements::Get(
    absl::string_view section, int table, int second_table) {
  const auto found = bound_.find(std::tuple(section, table, second_table));
  if (found != bound_.end()) return &found->second;
  const Engine engine = session_->capabilities().engine;
  const std::vector<Table>& tables = schema_.tables;
  const absl::Span<const std::string> columns = Columns(tables[table].size);
  const size_t third = (static_cast<size_t>(second_table) + 1) % tables.size();
  OPSBENCH_ASSIGN_OR_RETURN(
      CompiledSql compiled,
      sql_.Compile(section, engine,
                   {{"table", tables[table].name},
                    {"second", tables[second_table].name},
                    {"third", tables[third].name},
                    {"columns", absl::StrJoin(columns, ", ")},
                    {"marks", Marks(engine, columns.size())}}));
  Bound bound = {.parameters = std::move(compiled.parameters)};
  OPSBENCH_ASSIGN_OR_RETURN(bound.statement, session_->Prepare(compiled.sql));
  return &bound_
              .emplace(std::tuple(std::string(section), table, second_table),
                       std::move(bound))
              .first->second;
}

absl::Status Statements::Insert(int table, absl::Span<const Value> row) {
  OPSBENCH_ASSIGN_OR_RETURN(const Bound* bound, Get("insert", table, 0));
  return bound->statement->Execute(row, nullptr).status();
}

absl::StatusOr<int64_t> Statements::InsertMany(int table,
                                               absl::Span<const Value> values,
                                               BulkMethod method) {
  ReadyRows rows(values);
  BulkOptions options;
  options.method = method;
  return session_->BulkLoad(schema_.tables[table].name,
                            Columns(schema_.tables[table].size), rows, options);
}

absl::StatusOr<int64_t> Statements::ExecuteWindow(absl::string_view section,
                                                  int table, int second_table,
                                                  int64_t start, int64_t end,
                                                  int64_t limit,
                                                  ResultSet* rows) {
  OPSBENCH_ASSIGN_OR_RETURN(const Bound* bound,
                            Get(section, table, second_table));
  arguments_.clear();
  for (const std::string& name : bound->parameters) {
    arguments_.push_back(Value::Int64(name == "start" ? start
                                      : name == "end" ? end
                                                      : limit));
  }
  return bound->statement->Execute(arguments_, rows);
}

absl::StatusOr<int64_t> Statements::Read(const Operation& operation,
                                         ResultSet* rows) {
  absl::string_view section = "select";
  int second_table = 0;
  if (operation.kind == OperationKind::kAggregate) {
    section = kAggregateSections[static_cast<size_t>(operation.aggregate)];
  } else if (operation.kind == OperationKind::kComplexJoin) {
    section = kJoinSections[operation.complexity - 1];
    second_table = operation.second_table;
  }
  return ExecuteWindow(section, operation.table, second_table,
                       FirstId(operation.target, operation.from_index),
                       FirstId(operation.target + 1, 0), operation.rows, rows);
}

absl::Status Statements::ExecuteSection(absl::string_view section) {
  OPSBENCH_ASSIGN_OR_RETURN(
      const CompiledSql compiled,
      sql_.Compile(section, session_->capabilities().engine));
  return session_->Execute(compiled.sql).status();
}

absl::StatusOr<int64_t> Statements::UseTemporaryTable(int64_t rows) {
  if (temporary_left_) {
    OPSBENCH_RETURN_IF_ERROR(ExecuteSection("drop_temporary"));
  }
  temporary_left_ = true;
  OPSBENCH_RETURN_IF_ERROR(ExecuteSection("create_temporary"));
  TemporaryRows source(rows);
  BulkOptions options;
  options.method = BulkMethod::kMultiRow;
  OPSBENCH_RETURN_IF_ERROR(
      session_
          ->BulkLoad("stress_temporary", TemporaryColumns(), source, options)
          .status());
  OPSBENCH_ASSIGN_OR_RETURN(
      const CompiledSql compiled,
      sql_.Compile("read_temporary", session_->capabilities().engine));
  OPSBENCH_RETURN_IF_ERROR(session_->Query(compiled.sql, &sums_));
  OPSBENCH_ASSIGN_OR_RETURN(const double sum, SumOf(sums_.at(0, 1)));
  if (sums_.at(0, 0) != Value::Int64(rows) ||
      sum * 4 != static_cast<double>(rows * (rows - 1) / 2)) {
    return absl::DataLossError(
        absl::StrCat("a temporary table of ", rows, " rows has ",
                     sums_.at(0, 0).ToString(), " with the sum ", sum));
  }
  OPSBENCH_RETURN_IF_ERROR(ExecuteSection("drop_temporary"));
  temporary_left_ = false;
  return rows;
}

}  // namespace opsbench::stress
