#ifndef OPSBENCH_PIPELINE_INTERNAL_POSTGRES_DECODE_H_
#define OPSBENCH_PIPELINE_INTERNAL_POSTGRES_DECODE_H_

// Rows of COPY … TO STDOUT (FORMAT binary), and fields of binary results, into
// columns.
//
// Source: "COPY", section "Binary Format", in PostgreSQL's manual.
//
// Thread safety: for one thread at a time.

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "opsbench/pipeline/batch.h"
#include "opsbench/pipeline/connector.h"
#include "opsbench/pipeline/internal/postgres_table.h"

namespace opsbench::pipeline::postgres {

// The signature, flags and length of the extension that open a COPY in binary.
inline constexpr absl::string_view kCopyHeader(
    "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19);
// The count of fields that ends it.
inline constexpr absl::string_view kCopyTrailer("\377\377", 2);

// Takes the header off the first message; DataLoss when it has none.
absl::Status RemoveCopyHeader(absl::string_view* message);

class RowDecoder {
 public:
  // `forms` are those that the fields of `schema` have on the wire.
  RowDecoder(TableName table, SchemaPtr schema, std::vector<Form> forms);

  // Appends the row that `message` is to the columns. Errors name `row`, which
  // counts from 1, and leave the columns of unequal length. DataLoss: the
  // message is damaged. OutOfRange: a value that the column cannot hold.
  absl::Status AppendRow(absl::string_view message, int64_t row, Batch* batch);

  // Appends one field of row `row` to its column.
  absl::Status AppendField(size_t column, absl::string_view field, int64_t row,
                           Batch* batch);

 private:
  absl::Status Damaged(int64_t row) const;
  absl::Status Wrong(size_t column, int64_t row, const char* fault) const;

  const TableName table_;
  const SchemaPtr schema_;
  const std::vector<Form> forms_;
  std::string text_;
};

}  // namespace opsbench::pipeline::postgres

#endif  // OPSBENCH_PIPELINE_INTERNAL_POSTGRES_DECODE_H_
