#ifndef OPSBENCH_TESTING_VECTOR_ROWS_H_
#define OPSBENCH_TESTING_VECTOR_ROWS_H_

// Rows out of a vector for BulkLoad, with the shortest lifetimes that the
// contract of RowIterator allows.
//
// Thread safety: for one thread at a time.

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "opsbench/db/session.h"

namespace opsbench {

class VectorRows : public RowIterator {
 public:
  // Before row i, and before the end as row rows.size(), `before(i)` may fail.
  explicit VectorRows(std::vector<std::vector<Value>> rows,
                      std::function<absl::Status(size_t)> before = nullptr)
      : rows_(std::move(rows)), before_(std::move(before)) {}

  absl::StatusOr<bool> Next(absl::Span<Value> row) override {
    if (before_) {
      const absl::Status status = before_(next_);
      if (!status.ok()) return status;
    }
    // Views are valid until the next call only: here they end.
    texts_.clear();
    if (next_ == rows_.size()) return false;
    texts_.reserve(row.size());
    for (size_t i = 0; i < row.size(); ++i) {
      row[i] = rows_[next_][i];
      const Value::Type type = row[i].type();
      if (type != Value::Type::kText && type != Value::Type::kBytes) continue;
      texts_.emplace_back(row[i].text());
      row[i] = type == Value::Type::kText ? Value::Text(texts_.back())
                                          : Value::Bytes(texts_.back());
    }
    ++next_;
    return true;
  }

 private:
  const std::vector<std::vector<Value>> rows_;
  const std::function<absl::Status(size_t)> before_;
  size_t next_ = 0;
  std::vector<std::string> texts_;
};

}  // namespace opsbench

#endif  // OPSBENCH_TESTING_VECTOR_ROWS_H_
