#ifndef OPSBENCH_PIPELINE_INTERNAL_MYSQL_SOURCE_H_
#define OPSBENCH_PIPELINE_INTERNAL_MYSQL_SOURCE_H_

// Rows of a MySQL or MariaDB table, streamed by the binary protocol from one
// consistent snapshot (InnoDB's; engines without transactions give what they
// have). Types: see mysql_catalog.h.
//
// MySQL cannot hand a snapshot to another connection: Snapshot() is empty, and
// sources of several partitions each read the state of the moment at which they
// start. Rows that change meanwhile may be read twice or not at all; who wants
// one state reads with one source, or while nobody writes.
//
// A cursor column is of an integer, decimal, text, bytes or temporal type; rows
// whose cursor is NULL are not read incrementally. Text is compared by its
// bytes, whatever the column's collation says.
//
// Thread safety: as Source.

#include <memory>
#include <string>
#include <vector>

#include "opsbench/db/url.h"
#include "opsbench/pipeline/connector.h"
#include "opsbench/pipeline/internal/mysql_catalog.h"
#include "opsbench/pipeline/internal/session_holder.h"

namespace opsbench::pipeline::internal {

struct MysqlSourceOptions {
  Url url;
  std::string schema;  // The database of tables that name none.

  // Whether tinyint(1) is a bool. A value other than 0 and 1 is OutOfRange
  // then, and never lost.
  bool tinyint1_is_bool = true;

  // Whether 0000-00-00 and dates with a month or day of 0 are read as NULL;
  // otherwise they are InvalidArgument.
  bool zero_dates_are_null = false;
};

class MysqlSource : public Source {
 public:
  explicit MysqlSource(MysqlSourceOptions options);
  ~MysqlSource() override;

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
  // The request's table and columns, which DescribeRequest() looks up.
  struct Read {
    MysqlTable table;
    std::shared_ptr<Schema> schema;
    const MysqlColumnInfo* cursor = nullptr;
  };

  absl::StatusOr<Read> DescribeRequest(const ReadRequest& request);
  absl::StatusOr<std::string> Where(const ReadRequest& request,
                                    const Read& read) const;
  absl::StatusOr<std::string> CursorExpression(const Read& read) const;
  absl::Status AppendRow(Batch* batch, size_t* bytes);
  absl::Status AppendValue(const Value& value, Column* column) const;

  const MysqlSourceOptions options_;
  SessionHolder session_;
  // Of the request that was started.
  Read read_;
  int64_t batch_rows_ = 0;
  size_t batch_bytes_ = 0;
  bool in_snapshot_ = false;
  std::unique_ptr<RowIterator> rows_;
  std::vector<Value> row_;
  int64_t row_number_ = 0;
};

}  // namespace opsbench::pipeline::internal

#endif  // OPSBENCH_PIPELINE_INTERNAL_MYSQL_SOURCE_H_
