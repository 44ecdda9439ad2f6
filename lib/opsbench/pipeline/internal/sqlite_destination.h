#ifndef OPSBENCH_PIPELINE_INTERNAL_SQLITE_DESTINATION_H_
#define OPSBENCH_PIPELINE_INTERNAL_SQLITE_DESTINATION_H_

// Rows into a table of SQLite, in one transaction, of which making the table
// and the marker are parts. Staged writes are like others: readers never wait
// for a writer here. Types: see sqlite_types.h.
//
// Prepared INSERTs take many rows at once where the table has no index beside
// its own order; with one, a statement of many rows costs more than it saves,
// because SQLite journals the pages that it may have to restore.
//
// Thread safety: as Destination.

#include <memory>
#include <string>
#include <vector>

#include "opsbench/db/url.h"
#include "opsbench/pipeline/connector.h"
#include "opsbench/pipeline/internal/session_holder.h"
#include "opsbench/pipeline/internal/sqlite_types.h"

namespace opsbench::pipeline::internal {

class SqliteDestination : public Destination {
 public:
  explicit SqliteDestination(Url url);
  ~SqliteDestination() override;

  absl::Status Connect() override;
  absl::StatusOr<std::string> Identity(const WriteRequest& request) override;
  absl::Status Prepare(const WriteRequest& request, SchemaPtr schema) override;
  absl::Status Write(const Batch& batch) override;
  absl::StatusOr<WriteCounts> Commit(absl::string_view marker) override;
  absl::StatusOr<bool> HasMarker(absl::string_view marker) override;
  void Abort() override;
  void Interrupt() override { session_.Interrupt(); }

 private:
  struct Target {
    std::string name;
    SqliteAffinity affinity = SqliteAffinity::kBlob;
  };

  absl::Status PrepareInTransaction(const WriteRequest& request,
                                    const Schema& schema);
  absl::Status MakeTargets(const SqliteTable& table, const Schema& schema);
  absl::Status MakeStatements(const WriteRequest& request, const Schema& schema,
                              bool has_indexes);
  // The values of rows `first` to `end`, to values_.
  absl::Status FillValues(const Batch& batch, int64_t first, int64_t end);
  absl::Status CheckDependents(const std::string& table);
  // FailedPrecondition: a table of that name was not made for markers.
  absl::StatusOr<bool> HasMarkerTable();
  absl::StatusOr<bool> FindMarker(absl::string_view marker);
  absl::Status Blame(const absl::Status& error, size_t rows, int64_t number);

  const Url url_;
  SessionHolder session_;
  // The file is not there yet. It is made when something is written: a plan
  // alone leaves none, and until then an empty database stands for it.
  bool made_later_ = false;
  TableName table_;
  std::vector<Target> targets_;
  std::unique_ptr<Statement> many_;  // Of rows_at_once_ rows.
  std::unique_ptr<Statement> one_;
  int64_t rows_at_once_ = 1;
  std::vector<Value> values_;
  std::vector<std::string> scratch_;  // One for each of values_.
  bool prepared_ = false;
  int64_t rows_ = 0;        // Written before the batch at hand.
  int64_t kept_ = 0;        // As SQLite counts them.
  bool counts_all_ = true;  // Whether kept_ has to be rows_.
  WriteCounts counts_;
};

}  // namespace opsbench::pipeline::internal

#endif  // OPSBENCH_PIPELINE_INTERNAL_SQLITE_DESTINATION_H_
