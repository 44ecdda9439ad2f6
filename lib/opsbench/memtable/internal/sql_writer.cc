#include "opsbench/memtable/internal/sql_writer.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/memtable/internal/identifier.h"
#include "opsbench/memtable/internal/sql_files.h"

namespace opsbench::memtable::internal {
namespace {

// Statements with many rows of VALUES, because they are the fastest that was
// measured: 100'000 rows of four columns in batches of 1'000, through a bulk
// load into a temporary table and a statement that merges it in, take 2.6 times
// as long on SQLite, 4 to 6 times on MariaDB, 1.8 times on PostgreSQL; by
// PostgreSQL's unnest() of arrays, as long. More than 500 rows a statement gain
// nothing.
constexpr size_t kMaxRows = 500;

// libpq takes the description of a statement with more than 7'500 parameters
// for a broken connection; the other engines allow more.
constexpr size_t kMaxParameters = 7'000;

// What is left after the full statements goes into ones of a quarter of the
// rows, and so on: a few sizes, prepared once, serve every batch.
constexpr size_t kShrink = 4;

absl::StatusOr<SqlCatalog> LoadCatalog(Engine engine) {
  const std::string name =
      absl::StrCat(EngineName(engine), "/memtable/persister");
  for (const SqlFile& sql : SqlFiles()) {
    if (sql.name == name) return SqlCatalog::Parse(sql.content);
  }
  return absl::UnimplementedError(
      absl::StrCat(EngineName(engine), " has no SQL to persist with"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<SqlWriter>> SqlWriter::Open(Target target) {
  OPSBENCH_RETURN_IF_ERROR(CheckIdentifier("table", target.table));
  for (const std::string& column : target.columns) {
    OPSBENCH_RETURN_IF_ERROR(CheckIdentifier("column", column));
  }
  OPSBENCH_ASSIGN_OR_RETURN(SqlCatalog catalog, LoadCatalog(target.url.engine));
  auto writer = std::unique_ptr<SqlWriter>(
      new SqlWriter(std::move(target), std::move(catalog)));
  OPSBENCH_RETURN_IF_ERROR(writer->SetReplacements());
  OPSBENCH_RETURN_IF_ERROR(writer->Connect());
  OPSBENCH_RETURN_IF_ERROR(writer->Get(kUpsert, 1).status());
  OPSBENCH_RETURN_IF_ERROR(writer->Get(kDelete, 1).status());
  return writer;
}

SqlWriter::SqlWriter(Target target, SqlCatalog catalog)
    : target_(std::move(target)), catalog_(std::move(catalog)) {}

absl::Status SqlWriter::SetReplacements() {
  const Engine engine = target_.url.engine;
  const absl::string_view quote = engine == Engine::kPostgres ? "\"" : "`";
  std::vector<std::string> quoted, parameters, assignments;
  for (const std::string& column : target_.columns) {
    quoted.push_back(absl::StrCat(quote, column, quote));
    parameters.push_back(absl::StrCat(":", column));
    // A key alone is set to itself: the statement needs something to set.
    if (column == target_.columns[0] && target_.columns.size() > 1) continue;
    OPSBENCH_ASSIGN_OR_RETURN(
        CompiledSql assignment,
        catalog_.Compile("assignment", engine, {{"column", column}}));
    assignments.push_back(std::move(assignment.sql));
  }
  replacements_ = {{"table", target_.table},
                   {"key", target_.columns[0]},
                   {"columns", absl::StrJoin(quoted, ", ")},
                   {"parameters", absl::StrJoin(parameters, ", ")},
                   {"assignments", absl::StrJoin(assignments, ", ")}};
  return absl::OkStatus();
}

absl::Status SqlWriter::Connect() {
  OPSBENCH_ASSIGN_OR_RETURN(session_,
                            opsbench::Connect(target_.url, target_.options));
  return absl::OkStatus();
}

size_t SqlWriter::FullRows(Kind kind) const {
  return std::clamp<size_t>(kMaxParameters / Width(kind), 1, kMaxRows);
}

absl::StatusOr<Statement*> SqlWriter::Get(Kind kind, size_t rows) {
  std::unique_ptr<Statement>& statement = statements_[{kind, rows}];
  if (statement == nullptr) {
    OPSBENCH_ASSIGN_OR_RETURN(
        const CompiledSql compiled,
        catalog_.Compile(kind == kUpsert ? "upsert" : "delete",
                         target_.url.engine, replacements_,
                         static_cast<int>(rows)));
    OPSBENCH_ASSIGN_OR_RETURN(statement, session_->Prepare(compiled.sql));
  }
  return statement.get();
}

absl::Status SqlWriter::Write(absl::Span<const Value> upserts,
                              absl::Span<const Value> keys) {
  if (upserts.empty() && keys.empty()) return absl::OkStatus();
  absl::Status status = session_ == nullptr ? Connect() : absl::OkStatus();
  if (status.ok()) {
    status = WriteInTransaction(upserts, keys);
    if (!status.ok()) Recover(status);
  }
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat("persist to ", target_.table,
                                                  ": ", status.message()));
}

absl::Status SqlWriter::WriteInTransaction(absl::Span<const Value> upserts,
                                           absl::Span<const Value> keys) {
  OPSBENCH_RETURN_IF_ERROR(session_->Begin());
  OPSBENCH_RETURN_IF_ERROR(Run(kUpsert, upserts));
  OPSBENCH_RETURN_IF_ERROR(Run(kDelete, keys));
  return session_->Commit();
}

absl::Status SqlWriter::Run(Kind kind, absl::Span<const Value> values) {
  size_t rows = FullRows(kind);
  while (!values.empty()) {
    const size_t count = rows * Width(kind);
    if (values.size() < count) {
      rows = std::max<size_t>(rows / kShrink, 1);
      continue;
    }
    OPSBENCH_ASSIGN_OR_RETURN(Statement * statement, Get(kind, rows));
    OPSBENCH_ASSIGN_OR_RETURN(const int64_t kept,
                              statement->Execute(values.first(count), nullptr));
    // MySQL counts a row twice that an upsert changes. A row that a DELETE does
    // not find was gone before.
    if (kind == kUpsert && target_.url.engine != Engine::kMysql &&
        kept != static_cast<int64_t>(rows)) {
      return absl::FailedPreconditionError(
          absl::StrCat("of ", rows, " rows the database kept ", kept,
                       ": a trigger or a rule takes the others"));
    }
    values.remove_prefix(count);
  }
  return absl::OkStatus();
}

void SqlWriter::Recover(const absl::Status& status) {
  const bool lost = status.code() == absl::StatusCode::kUnavailable ||
                    !session_->Rollback().ok();
  // What a statement was prepared for may have changed, and be why it failed.
  statements_.clear();
  if (lost) session_.reset();
}

}  // namespace opsbench::memtable::internal
