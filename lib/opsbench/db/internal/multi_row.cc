#include "opsbench/db/internal/multi_row.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "opsbench/base/status_macros.h"

namespace opsbench::internal {
namespace {

// Both protocols allow 65535, but libpq takes a description of a statement's
// parameters above 30'000 bytes, four for each, for a broken connection. More
// rows a statement gain nothing.
constexpr size_t kMaxParameters = 7'000;
constexpr size_t kMaxRows = 1'000;

// Rows whose text outlives the iterator's next call.
class RowBuffer {
 public:
  void Add(absl::Span<const Value> row) {
    for (const Value& value : row) {
      values_.push_back(value);
      const bool has_text = value.type() == Value::Type::kText ||
                            value.type() == Value::Type::kBytes;
      offsets_.push_back(text_.size());
      if (has_text) text_.append(value.text().data(), value.text().size());
    }
  }

  // Points the values at the buffer. Call once all rows are in.
  absl::Span<const Value> Finish() {
    for (size_t i = 0; i < values_.size(); ++i) {
      const Value::Type type = values_[i].type();
      if (type != Value::Type::kText && type != Value::Type::kBytes) continue;
      const absl::string_view view(text_.data() + offsets_[i],
                                   values_[i].text().size());
      values_[i] =
          type == Value::Type::kText ? Value::Text(view) : Value::Bytes(view);
    }
    return values_;
  }

  void Clear() {
    values_.clear();
    offsets_.clear();
    text_.clear();
  }

 private:
  std::vector<Value> values_;
  std::vector<size_t> offsets_;
  std::string text_;
};

}  // namespace

std::string InsertSql(Engine engine, absl::string_view table,
                      absl::Span<const std::string> columns, size_t rows) {
  std::string sql = absl::StrCat("INSERT INTO ", table, " (",
                                 absl::StrJoin(columns, ", "), ") VALUES ");
  size_t parameter = 0;
  for (size_t row = 0; row < rows; ++row) {
    sql += row == 0 ? "(" : ", (";
    for (size_t column = 0; column < columns.size(); ++column) {
      if (column > 0) sql += ", ";
      if (engine == Engine::kPostgres) {
        absl::StrAppend(&sql, "$", ++parameter);
      } else {
        sql += "?";
      }
    }
    sql += ")";
  }
  return sql;
}

absl::StatusOr<int64_t> InsertMultiRow(Session& session,
                                       absl::string_view table,
                                       absl::Span<const std::string> columns,
                                       RowIterator& rows) {
  if (columns.empty()) {
    return absl::InvalidArgumentError("a bulk load needs a column at least");
  }
  const size_t batch =
      std::clamp<size_t>(kMaxParameters / columns.size(), 1, kMaxRows);
  const Engine engine = session.capabilities().engine;
  OPSBENCH_ASSIGN_OR_RETURN(
      const std::unique_ptr<Statement> full,
      session.Prepare(InsertSql(engine, table, columns, batch)));
  std::vector<Value> row(columns.size());
  RowBuffer buffer;
  int64_t total = 0;
  while (true) {
    buffer.Clear();
    size_t count = 0;
    while (count < batch) {
      OPSBENCH_ASSIGN_OR_RETURN(const bool more,
                                rows.Next(absl::MakeSpan(row)));
      if (!more) break;
      buffer.Add(row);
      ++count;
    }
    if (count == batch) {
      OPSBENCH_RETURN_IF_ERROR(
          full->Execute(buffer.Finish(), nullptr).status());
      total += static_cast<int64_t>(count);
      continue;
    }
    if (count > 0) {
      OPSBENCH_ASSIGN_OR_RETURN(
          const std::unique_ptr<Statement> rest,
          session.Prepare(InsertSql(engine, table, columns, count)));
      OPSBENCH_RETURN_IF_ERROR(
          rest->Execute(buffer.Finish(), nullptr).status());
    }
    return total + static_cast<int64_t>(count);
  }
}

}  // namespace opsbench::internal
