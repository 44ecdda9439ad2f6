#ifndef OPSBENCH_PIPELINE_INTERNAL_POSTGRES_ENCODE_H_
#define OPSBENCH_PIPELINE_INTERNAL_POSTGRES_ENCODE_H_

// Columns into the fields of COPY … FROM STDIN (FORMAT binary), of binary
// parameters and arrays, and of COPY … FROM STDIN in text.
//
// Thread safety: for one thread at a time.

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opsbench/pipeline/batch.h"
#include "opsbench/pipeline/connector.h"
#include "opsbench/pipeline/internal/postgres_numeric.h"
#include "opsbench/pipeline/internal/postgres_table.h"

namespace opsbench::pipeline::postgres {

// How the values of one field become those of one column.
enum class Encoding : uint8_t {
  kText,       // Bytes as they are: text, bytes, json.
  kValueText,  // The text of any value, for a column of text or an unknown one.
  kBool,
  kInt16,    // From the same width.
  kInt32,    //
  kInt64,    // And time.
  kInteger,  // From another width or sign, with a check.
  kIntegerToNumeric,
  kFloat32,
  kFloat64,
  kFloat32To64,
  kIntegerToFloat64,
  kDate,
  kTimestamp,
  kDuration,
  kDecimal,
  kNumeric,
  kUuid,
  kJsonb,
};

struct FieldTarget {
  std::string name;
  Form form = Form::kNone;  // In which its parameter or COPY field is.
  Encoding encoding = Encoding::kValueText;
  // What the column keeps, so that nothing is rounded unseen.
  int scale = -1;           // Of a numeric; -1: any.
  int fraction_digits = 6;  // Of a time or timestamp.
  std::string cast;         // The column's base type, when `form` is kNone.
};

// How values of `field` go into `column`. InvalidArgument: they do not.
absl::StatusOr<FieldTarget> TargetOf(const TableName& table, const Field& field,
                                     const PostgresColumn& column);

class RowEncoder {
 public:
  RowEncoder(TableName table, std::vector<FieldTarget> targets);

  const std::vector<FieldTarget>& targets() const { return targets_; }

  // Whether each column has a binary form.
  bool binary() const { return binary_; }

  // What the server would round instead of refusing. `first_row` is that of the
  // batch's first row, from 1.
  absl::Status CheckRounding(const Batch& batch, int64_t first_row) const;

  // What is no text of PostgreSQL's: U+0000, bytes that are no UTF-8. COPY in
  // binary says where it is; in text it would swallow the end of its column.
  absl::Status CheckText(const Batch& batch, int64_t first_row) const;

  // Appends rows [begin, end) of `batch` as COPY has them in binary.
  // REQUIRES: binary().
  absl::Status AppendRows(const Batch& batch, int64_t begin, int64_t end,
                          int64_t first_row, Buffer* out);

  // Appends rows [begin, end) of a column as a binary array.
  absl::Status AppendArray(const Batch& batch, size_t column, int64_t begin,
                           int64_t end, int64_t first_row, Buffer* out);

  // Appends rows [begin, end) as COPY has them in text.
  void AppendTextRows(const Batch& batch, int64_t begin, int64_t end,
                      Buffer* out);

 private:
  size_t MaxBytes(const Column& column, size_t target, int64_t row) const;
  char* AppendField(const Column& column, const FieldTarget& target,
                    int64_t row, char* out);
  absl::Status Wrong(size_t column, int64_t row, Fault fault) const;

  const TableName table_;
  const std::vector<FieldTarget> targets_;
  bool binary_ = true;
  size_t fixed_bytes_ = 2;  // Of a row, without those of variable length.
  std::vector<size_t> variable_;
  std::string text_;
  Fault fault_ = nullptr;
};

}  // namespace opsbench::pipeline::postgres

#endif  // OPSBENCH_PIPELINE_INTERNAL_POSTGRES_ENCODE_H_
