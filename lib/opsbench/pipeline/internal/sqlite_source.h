#ifndef OPSBENCH_PIPELINE_INTERNAL_SQLITE_SOURCE_H_
#define OPSBENCH_PIPELINE_INTERNAL_SQLITE_SOURCE_H_

// Rows of a SQLite table or view, read in one transaction, which sees the state
// of its beginning. Types: see sqlite_types.h.
//
// SQLite cannot hand a snapshot to another connection: Snapshot() is empty, and
// sources of several partitions each read the state of the moment at which they
// start.
//
// A cursor column is of an integer type, text, bytes, date, time or timestamp;
// the last three are compared as the text that they are, so they have to be
// written in one form, and their years in four digits.
//
// Thread safety: as Source.

#include <memory>
#include <string>
#include <vector>

#include "opsbench/db/url.h"
#include "opsbench/pipeline/connector.h"
#include "opsbench/pipeline/internal/session_holder.h"
#include "opsbench/pipeline/internal/sqlite_types.h"

namespace opsbench::pipeline::internal {

class SqliteSource : public Source {
 public:
  explicit SqliteSource(Url url);
  ~SqliteSource() override;

  absl::Status Connect() override;
  absl::StatusOr<SchemaPtr> Describe(const ReadRequest& request) override;
  absl::StatusOr<std::string> Identity(const ReadRequest& request) override;
  absl::StatusOr<std::vector<Partition>> Split(const ReadRequest& request,
                                               int parts) override;
  absl::StatusOr<std::string> MaxCursor(const ReadRequest& request) override;
  absl::Status Start(const ReadRequest& request) override;
  absl::StatusOr<bool> Next(Batch* batch) override;
  void Interrupt() override { session_.Interrupt(); }

 private:
  struct Read {
    SqliteTable table;
    std::shared_ptr<Schema> schema;
    std::string cursor;  // Its column's name, quoted; empty without one.
    TypeId cursor_type = TypeId::kInt64;
  };

  absl::StatusOr<Read> DescribeRequest(const ReadRequest& request);
  absl::Status FindCursor(const ReadRequest& request, Read* read);
  static absl::StatusOr<std::string> CursorLiteral(const Read& read,
                                                   const std::string& value);
  static absl::StatusOr<std::string> Where(const ReadRequest& request,
                                           const Read& read);

  const Url url_;
  SessionHolder session_;
  // Of the request that was started.
  TableName table_;
  SchemaPtr schema_;
  int64_t batch_rows_ = 0;
  size_t batch_bytes_ = 0;
  bool in_snapshot_ = false;
  std::unique_ptr<RowIterator> rows_;
  std::vector<Value> row_;
  int64_t row_number_ = 0;
};

}  // namespace opsbench::pipeline::internal

#endif  // OPSBENCH_PIPELINE_INTERNAL_SQLITE_SOURCE_H_
