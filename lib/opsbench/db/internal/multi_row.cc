#include "opsbench/db/internal/multi_row.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "opsbench/base/status_macros.h"

namespace opsbench::internal {
namespace {

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

absl::StatusOr<int64_t> InBatches(
    RowIterator& rows, size_t columns, size_t batch,
    absl::FunctionRef<absl::Status(absl::Span<const Value>, size_t count)>
        insert) {
  std::vector<Value> row(columns);
  RowBuffer buffer;
  int64_t total = 0;
  for (bool more = true; more;) {
    buffer.Clear();
    size_t count = 0;
    while (count < batch) {
      OPSBENCH_ASSIGN_OR_RETURN(more, rows.Next(absl::MakeSpan(row)));
      if (!more) break;
      buffer.Add(row);
      ++count;
    }
    if (count > 0) {
      OPSBENCH_RETURN_IF_ERROR(insert(buffer.Finish(), count));
      total += static_cast<int64_t>(count);
    }
  }
  return total;
}

absl::StatusOr<int64_t> InsertMultiRow(Session& session,
                                       absl::string_view table,
                                       absl::Span<const std::string> columns,
                                       RowIterator& rows) {
  if (columns.empty()) {
    return absl::InvalidArgumentError("a bulk load needs a column at least");
  }
  const size_t batch = std::clamp<size_t>(kMaxParameters / columns.size(), 1,
                                          kMaxRowsPerStatement);
  const Engine engine = session.capabilities().engine;
  OPSBENCH_ASSIGN_OR_RETURN(
      const std::unique_ptr<Statement> full,
      session.Prepare(InsertSql(engine, table, columns, batch)));
  const auto insert = [&](absl::Span<const Value> values,
                          size_t count) -> absl::Status {
    if (count == batch) return full->Execute(values, nullptr).status();
    OPSBENCH_ASSIGN_OR_RETURN(
        const std::unique_ptr<Statement> rest,
        session.Prepare(InsertSql(engine, table, columns, count)));
    return rest->Execute(values, nullptr).status();
  };
  return InBatches(rows, columns.size(), batch, insert);
}

}  // namespace opsbench::internal
