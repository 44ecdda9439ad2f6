#ifndef OPSBENCH_PIPELINE_CONTENT_SUM_H_
#define OPSBENCH_PIPELINE_CONTENT_SUM_H_

// Sums over a table's content that do not depend on the order of its rows: for
// each column, and for the rows as a whole, so that values which changed places
// between rows show as well.
//
// A value is hashed in a form that engines agree on, whatever type each keeps
// it in: numbers by their value (1, 1.00, true), timestamps and dates as
// microseconds, JSON parsed. Which form holds for a column depends on both
// tables that are to be compared, so a sum is of use beside the sum of the same
// forms only. Equal sums of tables of up to 2^32 rows mean equal content but
// for a chance below one in a billion.
//
// Thread safety: for one thread at a time.

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "opsbench/pipeline/batch.h"
#include "opsbench/pipeline/types.h"

namespace opsbench::pipeline {

enum class ContentForm : uint8_t {
  kNumber,
  kText,  // And bytes: as they are.
  kJson,
  kUuid,
  kInstant,  // Dates and timestamps: microseconds.
  kTime,     // Times and durations: microseconds.
};

// The form in which columns of the two types are compared. InvalidArgument when
// no value of one could equal one of the other.
absl::StatusOr<ContentForm> CommonForm(const Type& a, const Type& b);

struct ColumnSum {
  int64_t nulls = 0;
  uint64_t sum = 0;

  friend bool operator==(const ColumnSum&, const ColumnSum&) = default;
};

class ContentSum {
 public:
  // One form for each column; `others` are the types that the columns have in
  // the other table: text of one side is parsed as what the other has.
  ContentSum(std::vector<ContentForm> forms, std::vector<Type> others);

  // REQUIRES: columns as many as forms.
  void Add(const Batch& batch);

  int64_t rows() const { return rows_; }
  const std::vector<ColumnSum>& columns() const { return columns_; }
  uint64_t row_sum() const { return row_sum_; }

 private:
  void AddColumn(size_t index, const Column& column);

  const std::vector<ContentForm> forms_;
  const std::vector<Type> others_;
  int64_t rows_ = 0;
  std::vector<ColumnSum> columns_;
  uint64_t row_sum_ = 0;
  std::vector<uint64_t> row_hashes_;  // Of the batch at hand.
};

// A value's hash; for tests. REQUIRES: not null, and a type of the form.
uint64_t HashValue(ContentForm form, const Column& column, int64_t row);

}  // namespace opsbench::pipeline

#endif  // OPSBENCH_PIPELINE_CONTENT_SUM_H_
