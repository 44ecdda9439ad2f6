// What happens to the rows in the end: they stand, or nothing of them does.

#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "opsbench/base/clock.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/ownership.h"
#include "opsbench/pipeline/internal/mysql_destination.h"

namespace opsbench::pipeline::internal {
namespace {

constexpr char kMarkerTable[] = "opsbench_pipeline_marker";

// Whether the server, when it gave this for an answer to COMMIT, may have
// committed: it says nothing more of a statement that was interrupted.
bool MayStand(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsCancelled(status) ||
         absl::IsDeadlineExceeded(status) || absl::IsInternal(status);
}

}  // namespace

absl::StatusOr<WriteCounts> MysqlDestination::Commit(absl::string_view marker) {
  const int64_t start_ns = MonotonicNowNs();
  OPSBENCH_RETURN_IF_ERROR(session_.CheckInterrupted());
  if (!prepared_) return absl::FailedPreconditionError("nothing was prepared");
  // An upsert that changes a row counts it twice, or not at all.
  if (mode_ != WriteMode::kUpsert) {
    OPSBENCH_RETURN_IF_ERROR(CheckKept(target_, rows_, kept_));
  }
  if (!marker.empty() && !staged_) {
    OPSBENCH_RETURN_IF_ERROR(WriteMarker(marker));
  }
  OPSBENCH_RETURN_IF_ERROR(CommitRows());
  if (staged_) {
    OPSBENCH_RETURN_IF_ERROR(Swap());
    if (!marker.empty()) {
      // The rows stand already.
      const absl::Status written = WriteMarker(marker);
      if (!written.ok()) return CommitUnknown(target_, written);
    }
  }
  prepared_ = false;
  times_.commit_ns += MonotonicNowNs() - start_ns;
  return counts_;
}

absl::Status MysqlDestination::CommitRows() {
  // Rows of a staged table do not stand before the swap.
  if (staged_) return session_->Commit();
  OPSBENCH_RETURN_IF_ERROR(session_.BeginUninterrupted());
  const absl::Status committed = session_->Commit();
  session_.EndUninterrupted();
  if (!MayStand(committed)) return committed;
  // A table that was made may hold the rows, now or in a moment.
  created_ = false;
  return CommitUnknown(target_, committed);
}

absl::StatusOr<TableName> MysqlDestination::MarkerTable() const {
  for (const std::string& schema :
       {target_.schema, options_.schema, options_.url.database}) {
    if (!schema.empty()) return TableName{schema, kMarkerTable};
  }
  return absl::InvalidArgumentError(
      "a marker needs a database: name one in the url or as schema");
}

absl::Status MysqlDestination::WriteMarker(absl::string_view marker) {
  OPSBENCH_ASSIGN_OR_RETURN(const TableName table, MarkerTable());
  const std::string quoted = MysqlQuoted(table);
  const std::map<std::string, std::string> values = {
      {"name", std::string(marker.substr(0, marker.find('/')))},
      {"marker", std::string(marker)}};
  OPSBENCH_ASSIGN_OR_RETURN(const bool there, HasMarkerTable());
  if (!there) {
    // Made in this session, it would commit the transaction.
    OPSBENCH_ASSIGN_OR_RETURN(const auto other,
                              opsbench::Connect(options_.url));
    const absl::Status made = CreateMarkedTable(
        *other, {table.schema, table.table},
        MysqlPipelineSql("marker", "create", quoted).sql, kMarkerMaker);
    // Another run may have made it meanwhile.
    if (!absl::IsAlreadyExists(made)) OPSBENCH_RETURN_IF_ERROR(made);
  }
  return RunMysqlPipelineSql(
      *session_, MysqlPipelineSql("marker", "write", quoted), values, nullptr);
}

absl::StatusOr<bool> MysqlDestination::HasMarkerTable() {
  OPSBENCH_ASSIGN_OR_RETURN(const TableName table, MarkerTable());
  return RequireOurs(*session_, {table.schema, table.table}, kMarkerMaker,
                     kMarkerRemedy);
}

absl::StatusOr<bool> MysqlDestination::HasMarker(absl::string_view marker) {
  OPSBENCH_ASSIGN_OR_RETURN(const TableName table, MarkerTable());
  OPSBENCH_ASSIGN_OR_RETURN(const bool there, HasMarkerTable());
  if (!there) return false;
  ResultSet rows;
  OPSBENCH_RETURN_IF_ERROR(Execute("SET SESSION innodb_lock_wait_timeout = 1"));
  const absl::Status status = RunMysqlPipelineSql(
      *session_, MysqlPipelineSql("marker", "read", MysqlQuoted(table)),
      {{"name", std::string(marker.substr(0, marker.find('/')))}}, &rows);
  OPSBENCH_RETURN_IF_ERROR(
      Execute("SET SESSION innodb_lock_wait_timeout = DEFAULT"));
  OPSBENCH_RETURN_IF_ERROR(status);
  return rows.row_count() == 1 && rows.at(0, 0).text() == marker;
}

void MysqlDestination::Abort() {
  if (!prepared_) return;
  prepared_ = false;
  // An interruption that came when nothing ran ends the first statement.
  session_->Ping().IgnoreError();
  absl::Status undone = session_->Rollback();
  if (undone.code() == absl::StatusCode::kCancelled) {
    undone = session_->Rollback();
  }
  if (!created_ && !staged_) return;
  if (undone.ok()) return DropWhatWasMade(*session_);
  const auto other = opsbench::Connect(options_.url);
  if (other.ok()) DropWhatWasMade(**other);
}

void MysqlDestination::DropWhatWasMade(Session& session) {
  if (staged_) {
    session.Execute(absl::StrCat("DROP TABLE IF EXISTS ", MysqlQuoted(table_)))
        .IgnoreError();
  }
  if (!created_) return;
  // Rows are somebody else's, who took the table for one that stays.
  ResultSet rows;
  const std::string name = MysqlQuoted(target_);
  if (session.Query(absl::StrCat("SELECT 1 FROM ", name, " LIMIT 1"), &rows)
          .ok() &&
      rows.row_count() == 0) {
    session.Execute(absl::StrCat("DROP TABLE ", name)).IgnoreError();
  }
}

}  // namespace opsbench::pipeline::internal
