#ifndef OPSBENCH_PIPELINE_INTERNAL_POSTGRES_WRITERS_H_
#define OPSBENCH_PIPELINE_INTERNAL_POSTGRES_WRITERS_H_

// The ways in which rows get into a PostgreSQL table.
//
// Thread safety: as the session, for one thread at a time.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "opsbench/db/session.h"
#include "opsbench/pipeline/batch.h"
#include "opsbench/pipeline/connector.h"
#include "opsbench/pipeline/internal/postgres_encode.h"

namespace opsbench::pipeline::postgres {

struct WriteTarget {
  TableName named;     // As errors name it.
  TableName relation;  // That is written: the table, or one beside it.
  std::vector<FieldTarget> fields;
  // There is a column whose values the server would make.
  bool identity = false;
};

class RowWriter {
 public:
  virtual ~RowWriter() = default;

  // `first_row` is the number of the batch's first row, from 1. After an error
  // the transaction is of no use.
  virtual absl::Status Write(const Batch& batch, int64_t first_row) = 0;

  // The rows that the server took.
  virtual absl::StatusOr<int64_t> Finish() = 0;

  // Sent so far.
  int64_t bytes() const { return bytes_; }

 protected:
  int64_t bytes_ = 0;
};

struct CopyOptions {
  bool text = false;
  size_t flush_bytes = size_t{256} << 10;
};

// By COPY; takes batches of the wire format postgres.copy.binary as well,
// unless `text`.
absl::StatusOr<std::unique_ptr<RowWriter>> MakeCopyWriter(
    Session& session, WriteTarget target, const CopyOptions& options);

// By INSERT … SELECT … FROM unnest(…) of `rows` rows each: one parameter a
// column, an array.
absl::StatusOr<std::unique_ptr<RowWriter>> MakeInsertWriter(Session& session,
                                                            WriteTarget target,
                                                            int64_t rows);

// By an INSERT a row, prepared once.
absl::StatusOr<std::unique_ptr<RowWriter>> MakeBatchWriter(Session& session,
                                                           WriteTarget target);

// The status with table, row and, unless it is empty, column before its words;
// OutOfRange when the value is too large or too long.
absl::Status LocateError(const absl::Status& status, const WriteTarget& target,
                         int64_t row, absl::string_view column);

// The status with the table alone before its words.
absl::Status TableError(const absl::Status& status, const WriteTarget& target);

// Puts table, row and column into an error of COPY's, whose context tells them.
absl::Status LocateCopyError(absl::Status status, const WriteTarget& target);

}  // namespace opsbench::pipeline::postgres

#endif  // OPSBENCH_PIPELINE_INTERNAL_POSTGRES_WRITERS_H_
