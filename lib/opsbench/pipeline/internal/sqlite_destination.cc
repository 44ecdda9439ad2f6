#include "opsbench/pipeline/internal/sqlite_destination.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "opsbench/base/clock.h"
#include "opsbench/base/output_target.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/ownership.h"

namespace opsbench::pipeline::internal {
namespace {

constexpr char kMarkerTable[] = "opsbench_pipeline_marker";
constexpr int64_t kMaxRowsAtOnce = 64;
// SQLITE_MAX_VARIABLE_NUMBER's default is 32'766.
constexpr int64_t kMaxParameters = 8'000;

std::string InsertSql(absl::string_view table, absl::string_view columns,
                      size_t column_count, int64_t rows,
                      absl::string_view update) {
  const std::string tuple = absl::StrCat(
      "(",
      absl::StrJoin(std::vector<absl::string_view>(column_count, "?"), ","),
      ")");
  return absl::StrCat("INSERT INTO ", table, " (", columns, ") VALUES ",
                      absl::StrJoin(std::vector<absl::string_view>(
                                        static_cast<size_t>(rows), tuple),
                                    ","),
                      update);
}

}  // namespace

SqliteDestination::SqliteDestination(Url url) : url_(std::move(url)) {}

SqliteDestination::~SqliteDestination() { Abort(); }

absl::Status SqliteDestination::Connect() {
  const int64_t start_ns = MonotonicNowNs();
  Url url = url_;
  std::error_code error;
  // As SQLite reads a path: "x/../a.db" needs no x.
  const std::filesystem::path path =
      std::filesystem::weakly_canonical(url.database, error);
  made_later_ =
      url.database != ":memory:" && !std::filesystem::exists(path, error);
  if (made_later_) {
    const absl::Status status = ResolveOutputFile(path.string()).status();
    if (!status.ok()) {
      return absl::Status(status.code(),
                          absl::StrCat(url.database, ": ", status.message()));
    }
    url.database = ":memory:";
  }
  OPSBENCH_RETURN_IF_ERROR(session_.Connect(url));
  times_.connect_ns += MonotonicNowNs() - start_ns;
  return absl::OkStatus();
}

absl::StatusOr<std::string> SqliteDestination::Identity(
    const WriteRequest& request) {
  return SqliteIdentity(*session_, request.table);
}

absl::Status SqliteDestination::Prepare(const WriteRequest& request,
                                        SchemaPtr schema) {
  const int64_t start_ns = MonotonicNowNs();
  OPSBENCH_RETURN_IF_ERROR(session_.CheckInterrupted());
  if (prepared_) {
    return absl::FailedPreconditionError("a write is under way already");
  }
  if (schema->fields.empty()) {
    return absl::InvalidArgumentError("there are no columns to write");
  }
  if (request.staged && request.mode != WriteMode::kReplace) {
    return absl::InvalidArgumentError("only a replacement can be staged");
  }
  rows_ = kept_ = 0;
  counts_ = {};
  if (made_later_) {
    OPSBENCH_RETURN_IF_ERROR(session_.Connect(url_));
    made_later_ = false;
  }
  OPSBENCH_RETURN_IF_ERROR(session_->Begin());
  prepared_ = true;
  OPSBENCH_RETURN_IF_ERROR(PrepareInTransaction(request, *schema));
  times_.flush_ns += MonotonicNowNs() - start_ns;
  return absl::OkStatus();
}

absl::Status SqliteDestination::CheckDependents(const std::string& table) {
  ResultSet rows;
  OPSBENCH_RETURN_IF_ERROR(
      RunSqlitePipelineSql(*session_, "dependents", {{"table", table}}, &rows));
  std::vector<std::string> dependents;
  for (size_t i = 0; i < rows.row_count(); ++i) {
    dependents.emplace_back(rows.at(i, 0).text());
  }
  return RefuseDependents({"", table}, absl::StrJoin(dependents, ", "));
}

absl::StatusOr<bool> SqliteDestination::HasMarkerTable() {
  return RequireOurs(*session_, {"", kMarkerTable}, kMarkerMaker,
                     kMarkerRemedy);
}

absl::Status SqliteDestination::PrepareInTransaction(
    const WriteRequest& request, const Schema& schema) {
  if (request.marked) OPSBENCH_RETURN_IF_ERROR(HasMarkerTable().status());
  auto table = DescribeSqliteTable(*session_, request.table);
  if (absl::IsNotFound(table.status())) {
    const std::vector<std::string>& key =
        request.mode == WriteMode::kUpsert && !request.key.empty()
            ? request.key
            : schema.primary_key;
    const absl::Status made =
        session_
            ->Execute(SqliteCreateTableSql(request.table.table, schema, key))
            .status();
    if (!made.ok()) {
      return absl::Status(
          made.code(), absl::StrCat("cannot create ", request.table.table, ": ",
                                    made.message()));
    }
    table = DescribeSqliteTable(*session_, request.table);
  } else if (table.ok() && request.mode == WriteMode::kReplace) {
    OPSBENCH_RETURN_IF_ERROR(CheckDependents(table->name));
    OPSBENCH_RETURN_IF_ERROR(
        session_
            ->Execute(absl::StrCat("DELETE FROM ", SqliteQuoted(table->name)))
            .status());
  }
  OPSBENCH_RETURN_IF_ERROR(table.status());
  table_ = {"", table->name};
  OPSBENCH_RETURN_IF_ERROR(MakeTargets(*table, schema));
  return MakeStatements(request, schema, table->has_indexes);
}

absl::Status SqliteDestination::MakeTargets(const SqliteTable& table,
                                            const Schema& schema) {
  targets_.clear();
  for (const Field& field : schema.fields) {
    const SqliteColumnInfo* const column = table.Find(field.name);
    if (column == nullptr) {
      return absl::NotFoundError(
          absl::StrCat(table.name, " has no column ", field.name));
    }
    const SqliteAffinity affinity = SqliteAffinityOf(column->declared);
    if (column->generated || !SqliteCanHold(affinity, field.type)) {
      return absl::InvalidArgumentError(absl::StrCat(
          table.name, ", column ", column->name, ": ",
          column->generated
              ? std::string("is generated, and takes no values")
              : absl::StrCat("a column declared \"", column->declared,
                             "\" does not keep every ", TypeName(field.type))));
    }
    targets_.push_back({column->name, affinity});
  }
  return absl::OkStatus();
}

absl::Status SqliteDestination::MakeStatements(const WriteRequest& request,
                                               const Schema& schema,
                                               bool has_indexes) {
  std::vector<std::string> columns;
  for (const Target& target : targets_) columns.push_back(target.name);
  std::string update;
  counts_all_ = true;
  if (request.mode == WriteMode::kUpsert) {
    const std::vector<std::string>& key =
        request.key.empty() ? schema.primary_key : request.key;
    if (key.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(table_.table,
                       ": an upsert needs a key: the source has no primary "
                       "key and none is named"));
    }
    std::vector<std::string> updates;
    for (const std::string& column : columns) {
      const bool is_key =
          std::any_of(key.begin(), key.end(), [&](const std::string& name) {
            return absl::EqualsIgnoreCase(name, column);
          });
      if (is_key) continue;
      const std::string quoted = SqliteQuoted(column);
      updates.push_back(absl::StrCat(quoted, " = excluded.", quoted));
    }
    update = absl::StrCat(
        " ON CONFLICT (", SqliteQuotedList(key), ") DO ",
        updates.empty()
            ? std::string("NOTHING")
            : absl::StrCat("UPDATE SET ", absl::StrJoin(updates, ", ")));
    // Rows of a key alone that are there already are none that it writes.
    counts_all_ = !updates.empty();
  }
  const auto count = static_cast<int64_t>(columns.size());
  rows_at_once_ = has_indexes ? 1
                              : std::clamp<int64_t>(kMaxParameters / count, 1,
                                                    kMaxRowsAtOnce);
  const std::string table = SqliteQuoted(table_.table);
  const std::string list = SqliteQuotedList(columns);
  const auto prepare = [&](int64_t rows, std::unique_ptr<Statement>* out) {
    auto statement =
        session_->Prepare(InsertSql(table, list, columns.size(), rows, update));
    if (!statement.ok()) {
      return absl::Status(
          statement.status().code(),
          absl::StrCat(table_.table, ": ", statement.status().message()));
    }
    *out = *std::move(statement);
    return absl::OkStatus();
  };
  OPSBENCH_RETURN_IF_ERROR(prepare(1, &one_));
  OPSBENCH_RETURN_IF_ERROR(prepare(rows_at_once_, &many_));
  scratch_.resize(static_cast<size_t>(rows_at_once_ * count));
  values_.resize(scratch_.size());
  return absl::OkStatus();
}

absl::Status SqliteDestination::FillValues(const Batch& batch, int64_t first,
                                           int64_t end) {
  size_t at = 0;
  for (int64_t row = first; row < end; ++row) {
    for (size_t i = 0; i < targets_.size(); ++i, ++at) {
      const Column& column = batch.columns()[i];
      if (column.IsNull(row)) {
        values_[at] = Value::Null();
        continue;
      }
      const auto value =
          SqliteValueOf(column, row, targets_[i].affinity, &scratch_[at]);
      if (!value.ok()) {
        return ValueError(value.status().code(), table_, targets_[i].name,
                          rows_ + row + 1, value.status().message());
      }
      values_[at] = *value;
      const bool text = value->type() == Value::Type::kText ||
                        value->type() == Value::Type::kBytes;
      counts_.bytes += text ? static_cast<int64_t>(value->text().size()) : 8;
    }
  }
  return absl::OkStatus();
}

absl::Status SqliteDestination::Write(const Batch& batch) {
  const int64_t start_ns = MonotonicNowNs();
  if (!batch.wire_format().empty()) {
    return absl::InvalidArgumentError("SQLite takes columns only");
  }
  if (!prepared_) return absl::FailedPreconditionError("nothing was prepared");
  for (int64_t row = 0; row < batch.rows();) {
    OPSBENCH_RETURN_IF_ERROR(session_.CheckInterrupted());
    const int64_t rows =
        batch.rows() - row >= rows_at_once_ ? rows_at_once_ : 1;
    OPSBENCH_RETURN_IF_ERROR(FillValues(batch, row, row + rows));
    const size_t count = static_cast<size_t>(rows) * targets_.size();
    Statement& insert = rows == rows_at_once_ ? *many_ : *one_;
    const auto inserted =
        insert.Execute(absl::MakeSpan(values_).first(count), nullptr);
    if (!inserted.ok()) {
      return Blame(inserted.status(), static_cast<size_t>(rows),
                   rows_ + row + 1);
    }
    kept_ += *inserted;
    row += rows;
  }
  rows_ += batch.rows();
  counts_.rows = rows_;
  times_.flush_ns += MonotonicNowNs() - start_ns;
  return absl::OkStatus();
}

// A statement that failed has undone itself, so its rows can be tried again.
absl::Status SqliteDestination::Blame(const absl::Status& error, size_t rows,
                                      int64_t number) {
  const absl::Status whole(
      error.code(),
      absl::StrCat(table_.table,
                   rows == 1
                       ? absl::StrCat(", row ", number)
                       : absl::StrCat(", rows ", number, " to ",
                                      number + static_cast<int64_t>(rows) - 1),
                   ": ", error.message()));
  // A full disk may have undone the transaction as well: rows that are tried
  // again would then stand on their own.
  if (!absl::IsFailedPrecondition(session_->Begin())) {
    Abort();
    return whole;
  }
  const bool of_a_row = absl::IsInvalidArgument(error) ||
                        absl::IsAlreadyExists(error) ||
                        absl::IsResourceExhausted(error);
  if (!of_a_row) return whole;
  absl::Status status;
  size_t row = 0;
  for (; row < rows; ++row) {
    status = one_->Execute(absl::MakeSpan(values_).subspan(
                               row * targets_.size(), targets_.size()),
                           nullptr)
                 .status();
    if (!status.ok()) break;
  }
  if (row == rows) return whole;
  number += static_cast<int64_t>(row);
  for (const Target& target : targets_) {
    // "UNIQUE constraint failed: t.id (1555)".
    if (absl::StrContains(status.message(), absl::StrCat(" ", table_.table, ".",
                                                         target.name, " ("))) {
      return ValueError(status.code(), table_, target.name, number,
                        status.message());
    }
  }
  return {status.code(),
          absl::StrCat(table_.table, ", row ", number, ": ", status.message())};
}

absl::StatusOr<WriteCounts> SqliteDestination::Commit(
    absl::string_view marker) {
  const int64_t start_ns = MonotonicNowNs();
  OPSBENCH_RETURN_IF_ERROR(session_.CheckInterrupted());
  if (!prepared_) return absl::FailedPreconditionError("nothing was prepared");
  if (counts_all_) {
    OPSBENCH_RETURN_IF_ERROR(CheckKept(table_, rows_, kept_));
  }
  if (!marker.empty()) {
    OPSBENCH_ASSIGN_OR_RETURN(const bool there, HasMarkerTable());
    if (!there) {
      OPSBENCH_RETURN_IF_ERROR(CreateMarkedTable(
          *session_, {"", kMarkerTable},
          SqlitePipelineSql("create_markers").sql, kMarkerMaker));
    }
    OPSBENCH_RETURN_IF_ERROR(RunSqlitePipelineSql(
        *session_, "write_marker",
        {{"name", std::string(marker.substr(0, marker.find('/')))},
         {"marker", std::string(marker)}},
        nullptr));
  }
  // Most of the rows reach the disk here.
  const absl::Status committed = session_->Commit();
  // Of a file that the system has trouble with; others leave it as it was.
  if (absl::IsInternal(committed)) return CommitUnknown(table_, committed);
  if (!committed.ok()) {
    return absl::Status(committed.code(),
                        absl::StrCat(table_.table, ": ", committed.message()));
  }
  prepared_ = false;
  times_.commit_ns += MonotonicNowNs() - start_ns;
  return counts_;
}

absl::StatusOr<bool> SqliteDestination::HasMarker(absl::string_view marker) {
  // A writer's transaction: it begins when no other writer has one.
  OPSBENCH_RETURN_IF_ERROR(session_->Begin());
  absl::StatusOr<bool> found = FindMarker(marker);
  session_->Rollback().IgnoreError();
  return found;
}

absl::StatusOr<bool> SqliteDestination::FindMarker(absl::string_view marker) {
  OPSBENCH_ASSIGN_OR_RETURN(const bool there, HasMarkerTable());
  if (!there) return false;
  ResultSet rows;
  OPSBENCH_RETURN_IF_ERROR(RunSqlitePipelineSql(
      *session_, "read_marker",
      {{"name", std::string(marker.substr(0, marker.find('/')))}}, &rows));
  return rows.row_count() == 1 && rows.at(0, 0).text() == marker;
}

void SqliteDestination::Abort() {
  if (!prepared_) return;
  prepared_ = false;
  many_.reset();
  one_.reset();
  session_->Rollback().IgnoreError();
}

}  // namespace opsbench::pipeline::internal
