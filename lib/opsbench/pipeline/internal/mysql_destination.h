#ifndef OPSBENCH_PIPELINE_INTERNAL_MYSQL_DESTINATION_H_
#define OPSBENCH_PIPELINE_INTERNAL_MYSQL_DESTINATION_H_

// Rows into a table of MySQL or MariaDB, in one transaction.
//
// CREATE TABLE commits what is open, so a missing table is made before the
// transaction and dropped again by Abort(); a process that is killed between
// leaves it empty. With kReplace the rows that are there are deleted within the
// transaction; rows of other tables that would go with them are refused.
// Staged, they go to a table made LIKE the target, and a RENAME swaps the two
// after the commit; the marker is written after that, so that one that is found
// proves the swap, and a run that was killed between repeats a replacement that
// changes nothing. The old table is dropped then. Both have names that nobody
// had before and carry a mark (db/ownership.h) while they are beside the
// target: what a killed run left of them goes with the next staged run. A table
// with foreign keys or triggers, which a swap would lose, is refused.
//
// A table that exists has to be of a transactional engine, but for staged
// writes. When the server refuses a batch, its rows are tried one by one, which
// is how the error knows its row.
//
// Thread safety: as Destination.

#include <memory>
#include <string>
#include <vector>

#include "opsbench/db/url.h"
#include "opsbench/pipeline/connector.h"
#include "opsbench/pipeline/internal/mysql_catalog.h"
#include "opsbench/pipeline/internal/mysql_encoder.h"
#include "opsbench/pipeline/internal/session_holder.h"

namespace opsbench::pipeline::internal {

struct MysqlDestinationOptions {
  Url url;
  std::string schema;  // The database of tables that name none.

  enum class Method {
    kInsert,    // INSERT of many rows as text.
    kLoadData,  // LOAD DATA LOCAL, which has no limit to a value's size.
    kBatch,     // Prepared: arrays in MariaDB, many rows in MySQL.
  } method = Method::kInsert;

  // Rows of one INSERT.
  int insert_rows = 1000;
};

class MysqlDestination : public Destination {
 public:
  explicit MysqlDestination(MysqlDestinationOptions options);
  ~MysqlDestination() override;

  absl::Status Connect() override;
  absl::StatusOr<std::string> Identity(const WriteRequest& request) override;
  absl::Status Prepare(const WriteRequest& request, SchemaPtr schema) override;
  absl::Status Write(const Batch& batch) override;
  absl::StatusOr<WriteCounts> Commit(absl::string_view marker) override;
  absl::StatusOr<bool> HasMarker(absl::string_view marker) override;
  void Abort() override;
  void Interrupt() override { session_.Interrupt(); }

 private:
  // Of Prepare().
  absl::StatusOr<MysqlTable> FindOrCreate(const Schema& schema);
  absl::StatusOr<MysqlTable> CreateStaged(const MysqlTable& target);
  // Drops what killed runs left beside the target, unless one runs now.
  absl::Status DropLeftovers();
  absl::Status SetComment(const TableName& table, absl::string_view comment);
  absl::Status KeepTimestampsPlain(const Schema& schema);
  absl::Status CheckKey(const MysqlTable& table);
  absl::Status MakeStatements(const MysqlTable& table, const Schema& schema);

  absl::Status WriteInserts(const Batch& batch);
  absl::Status WriteByLoadData(const Batch& batch);
  absl::Status WriteByBinding(const Batch& batch);
  // Runs INSERT with the tuples of rows `first` to `end`, in text_.
  absl::Status RunInsert(const Batch& batch, int64_t first, int64_t end);
  TableName UpsertTable() const;
  // Rows that LOAD DATA or a binding has put into the upsert's table.
  absl::Status MergeUpsert();
  // The row that is to blame for `error`, by inserting rows `first` to `end`
  // one by one.
  absl::Status Blame(const absl::Status& error, const Batch& batch,
                     int64_t first, int64_t end);
  absl::Status RowError(const absl::Status& error, int64_t number) const;

  absl::StatusOr<TableName> MarkerTable() const;
  // FailedPrecondition: a table of that name was not made for markers.
  absl::StatusOr<bool> HasMarkerTable();
  absl::Status WriteMarker(absl::string_view marker);
  absl::Status CommitRows();
  absl::Status Swap();
  absl::Status Execute(absl::string_view sql);
  void DropWhatWasMade(Session& session);

  const MysqlDestinationOptions options_;
  SessionHolder session_;
  size_t max_packet_bytes_ = 0;

  // Of the request.
  WriteMode mode_ = WriteMode::kAppend;
  std::vector<std::string> key_;
  TableName target_;
  TableName table_;      // That rows go to: the target, or the staged one.
  std::string comment_;  // The target's, while the staged one has a mark.
  std::vector<std::string> columns_;
  std::unique_ptr<MysqlEncoder> encoder_;
  std::string insert_;  // INSERT INTO … VALUES
  std::string update_;  // ON DUPLICATE KEY UPDATE …, of an upsert.
  std::string load_;    // LOAD DATA …
  std::string merge_;   // INSERT … SELECT of an upsert.

  bool created_ = false;  // The target was not there.
  bool staged_ = false;
  bool prepared_ =
      false;          // A transaction is open, or tables are to be dropped.
  int64_t rows_ = 0;  // Written before the batch at hand.
  int64_t kept_ = 0;  // As the server counts them, but for an upsert's.
  WriteCounts counts_;
  std::string text_;
};

}  // namespace opsbench::pipeline::internal

#endif  // OPSBENCH_PIPELINE_INTERNAL_MYSQL_DESTINATION_H_
