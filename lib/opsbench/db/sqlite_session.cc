// The SQLite adapter. A session is one connection, in WAL mode if the database
// is new: one that is there keeps its journal mode, which is its owner's.
// Writers begin their transactions IMMEDIATE, so that two of them queue for the
// lock instead of failing when both want to upgrade.

#include <sqlite3.h>
#include <string.h>

#include <atomic>
#include <cerrno>
#include <cmath>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/internal/adapters.h"
#include "opsbench/db/internal/multi_row.h"

namespace opsbench::internal {
namespace {

absl::StatusCode CodeOf(int extended) {
  switch (extended) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
      return absl::StatusCode::kAlreadyExists;
    // Another session wrote after this transaction's first read.
    case SQLITE_BUSY_SNAPSHOT:
      return absl::StatusCode::kAborted;
    default:
      break;
  }
  switch (extended & 0xff) {
    case SQLITE_FULL:
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG:
      return absl::StatusCode::kResourceExhausted;
    case SQLITE_BUSY:
      return absl::StatusCode::kDeadlineExceeded;
    case SQLITE_LOCKED:
      return absl::StatusCode::kAborted;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return absl::StatusCode::kPermissionDenied;
    case SQLITE_CANTOPEN:
      return absl::StatusCode::kNotFound;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_RANGE:
    case SQLITE_NOTADB:
      return absl::StatusCode::kInvalidArgument;
    case SQLITE_INTERRUPT:
      return absl::StatusCode::kCancelled;
    default:
      return absl::StatusCode::kInternal;
  }
}

// SQLite reports all errors of preparing as SQLITE_ERROR; only the text tells
// them apart.
absl::StatusCode CodeOfText(absl::string_view text) {
  const auto starts = [&](absl::string_view prefix) {
    return text.substr(0, prefix.size()) == prefix;
  };
  if (starts("no such ")) return absl::StatusCode::kNotFound;
  if (text.find(" already exists") != absl::string_view::npos ||
      starts("there is already ") || starts("duplicate column name")) {
    return absl::StatusCode::kAlreadyExists;
  }
  if (text.find("no column named") != absl::string_view::npos) {
    return absl::StatusCode::kNotFound;
  }
  return absl::StatusCode::kInvalidArgument;
}

absl::Status ErrorOf(sqlite3* db) {
  const int extended = sqlite3_extended_errcode(db);
  const absl::string_view text = sqlite3_errmsg(db);
  // To SQLite only ENOSPC is a full disk; a quota or a limit on a file's size
  // is no less full.
  if ((extended & 0xff) == SQLITE_IOERR) {
    const int reason = sqlite3_system_errno(db);
    if (reason == EFBIG || reason == EDQUOT) {
      return absl::ResourceExhaustedError(
          absl::StrCat("SQLite: database or disk is full: ", strerror(reason),
                       " (", extended, ")"));
    }
  }
  const absl::StatusCode code =
      (extended & 0xff) == SQLITE_ERROR ? CodeOfText(text) : CodeOf(extended);
  return absl::Status(code,
                      absl::StrCat("SQLite: ", text, " (", extended, ")"));
}

// Column `i` of the row that the statement stands on, valid until it moves.
Value ValueOf(sqlite3_stmt* statement, int i) {
  const auto view = [&](const void* data) {
    return absl::string_view(
        static_cast<const char*>(data == nullptr ? "" : data),
        static_cast<size_t>(sqlite3_column_bytes(statement, i)));
  };
  switch (sqlite3_column_type(statement, i)) {
    case SQLITE_NULL:
      return Value::Null();
    case SQLITE_INTEGER:
      return Value::Int64(sqlite3_column_int64(statement, i));
    case SQLITE_FLOAT:
      return Value::Double(sqlite3_column_double(statement, i));
    case SQLITE_TEXT:
      return Value::Text(view(sqlite3_column_text(statement, i)));
    default:
      return Value::Bytes(view(sqlite3_column_blob(statement, i)));
  }
}

void Append(const Value& value, ResultSet* rows) {
  switch (value.type()) {
    case Value::Type::kNull:
      return rows->AppendNull();
    case Value::Type::kInt64:
    case Value::Type::kTimestamp:
      return rows->AppendInt64(value.int64());
    case Value::Type::kDouble:
      return rows->AppendDouble(value.float64());
    case Value::Type::kText:
      return rows->AppendText(value.text());
    case Value::Type::kBytes:
      return rows->AppendBytes(value.text());
  }
}

class SqliteStatement : public Statement {
 public:
  static absl::StatusOr<std::unique_ptr<SqliteStatement>> Prepare(
      sqlite3* db, absl::string_view sql, unsigned flags) {
    sqlite3_stmt* statement = nullptr;
    const char* tail = nullptr;
    if (sqlite3_prepare_v3(db, sql.data(), static_cast<int>(sql.size()), flags,
                           &statement, &tail) != SQLITE_OK) {
      return ErrorOf(db);
    }
    auto prepared = std::make_unique<SqliteStatement>(db, statement);
    if (statement == nullptr) {
      return absl::InvalidArgumentError("SQLite: the statement is empty");
    }
    const absl::string_view rest(tail, sql.data() + sql.size() - tail);
    if (rest.find_first_not_of(" \t\r\n;") != absl::string_view::npos) {
      return absl::InvalidArgumentError(
          "SQLite: more than one statement at once");
    }
    return prepared;
  }

  SqliteStatement(sqlite3* db, sqlite3_stmt* statement)
      : db_(db), statement_(statement) {}
  ~SqliteStatement() override { sqlite3_finalize(statement_); }

  sqlite3_stmt* handle() const { return statement_; }

  absl::StatusOr<int64_t> Execute(absl::Span<const Value> parameters,
                                  ResultSet* rows) override {
    OPSBENCH_RETURN_IF_ERROR(Bind(parameters));
    const int64_t changes = sqlite3_total_changes64(db_);
    int code = sqlite3_step(statement_);
    // Not before the first step, which compiles again what was prepared for
    // another schema.
    const int columns = sqlite3_column_count(statement_);
    if (rows != nullptr) {
      rows->Clear();
      for (int i = 0; i < columns; ++i) {
        rows->AddColumn(sqlite3_column_name(statement_, i));
      }
    }
    int64_t read = 0;
    for (; code == SQLITE_ROW; code = sqlite3_step(statement_)) {
      ++read;
      if (rows == nullptr) continue;
      for (int i = 0; i < columns; ++i) {
        Append(ValueOf(statement_, i), rows);
      }
    }
    absl::Status status;
    if (code != SQLITE_DONE) status = ErrorOf(db_);
    sqlite3_reset(statement_);
    if (!status.ok()) return status;
    if (columns > 0) return read;
    // A statement that changes no row leaves the count of the one before.
    return sqlite3_total_changes64(db_) == changes ? 0 : sqlite3_changes64(db_);
  }

 private:
  absl::Status Bind(absl::Span<const Value> parameters) {
    if (static_cast<int>(parameters.size()) !=
        sqlite3_bind_parameter_count(statement_)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the statement has ", sqlite3_bind_parameter_count(statement_),
          " parameters, got ", parameters.size()));
    }
    for (size_t i = 0; i < parameters.size(); ++i) {
      if (parameters[i].type() == Value::Type::kDouble &&
          std::isnan(parameters[i].float64())) {
        return absl::InvalidArgumentError(
            "SQLite: it has no NaN, and would store NULL");
      }
      if (BindOne(static_cast<int>(i) + 1, parameters[i]) != SQLITE_OK) {
        return ErrorOf(db_);
      }
    }
    return absl::OkStatus();
  }

  int BindOne(int index, const Value& value) {
    switch (value.type()) {
      case Value::Type::kNull:
        return sqlite3_bind_null(statement_, index);
      case Value::Type::kInt64:
      case Value::Type::kTimestamp:
        return sqlite3_bind_int64(statement_, index, value.int64());
      case Value::Type::kDouble:
        return sqlite3_bind_double(statement_, index, value.float64());
      case Value::Type::kText:
        return sqlite3_bind_text64(statement_, index, Data(value),
                                   value.text().size(), SQLITE_STATIC,
                                   SQLITE_UTF8);
      case Value::Type::kBytes:
        return sqlite3_bind_blob64(statement_, index, Data(value),
                                   value.text().size(), SQLITE_STATIC);
    }
    return SQLITE_MISMATCH;
  }

  // A null pointer would bind NULL, and an empty view may hold one.
  static const char* Data(const Value& value) {
    return value.text().data() == nullptr ? "" : value.text().data();
  }

  sqlite3* const db_;
  sqlite3_stmt* const statement_;
};

// The rows of a query, each where SQLite has it until the next one.
class SqliteStream : public RowIterator {
 public:
  SqliteStream(sqlite3* db, std::unique_ptr<SqliteStatement> statement)
      : db_(db), owner_(std::move(statement)), statement_(owner_->handle()) {}

  absl::StatusOr<bool> Next(absl::Span<Value> row) override {
    if (done_) return false;
    const int code = sqlite3_step(statement_);
    if (code != SQLITE_ROW) {
      done_ = true;
      if (code == SQLITE_DONE) return false;
      return ErrorOf(db_);
    }
    // Not before the first step: see SqliteStatement::Execute().
    const int columns = sqlite3_column_count(statement_);
    if (row.size() != static_cast<size_t>(columns)) {
      return absl::InvalidArgumentError(
          absl::StrCat("SQLite: the query has ", columns, " columns, and ",
                       row.size(), " values were asked for"));
    }
    for (int i = 0; i < columns; ++i) row[i] = ValueOf(statement_, i);
    return true;
  }

 private:
  sqlite3* const db_;
  const std::unique_ptr<SqliteStatement> owner_;
  sqlite3_stmt* const statement_;
  bool done_ = false;
};

// A connection that may only read makes the files of a write-ahead log where
// there are none, and leaves them. The last connection that may write removes
// them; it has nothing to write.
void RemoveEmptyLog(const std::string& path) {
  std::error_code error;
  const std::string log = path + "-wal";
  if (!std::filesystem::exists(log, error) ||
      std::filesystem::file_size(log, error) != 0 || error) {
    return;
  }
  sqlite3* db = nullptr;
  if (sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READWRITE, nullptr) ==
      SQLITE_OK) {
    (void)sqlite3_exec(db, "PRAGMA schema_version", nullptr, nullptr, nullptr);
  }
  sqlite3_close_v2(db);
}

class SqliteSession : public Session {
 public:
  SqliteSession(sqlite3* db, bool read_only) : db_(db), read_only_(read_only) {
    capabilities_.engine = Engine::kSqlite;
    capabilities_.flavour = "SQLite";
    capabilities_.version = sqlite3_libversion();
    const int number = sqlite3_libversion_number();  // 3040001 for 3.40.1.
    capabilities_.version_number = number / 1'000'000 * 10'000 +
                                   number / 1'000 % 1'000 * 100 +
                                   number % 1'000;
    capabilities_.descending_index = true;
  }
  ~SqliteSession() override {
    // Without memory to open it there is none.
    const char* const name = read_only_ && db_ != nullptr
                                 ? sqlite3_db_filename(db_, "main")
                                 : nullptr;
    const std::string path = name != nullptr ? name : "";
    sqlite3_close_v2(db_);
    if (!path.empty()) RemoveEmptyLog(path);
  }

  const Capabilities& capabilities() const override { return capabilities_; }

  absl::StatusOr<int64_t> Execute(absl::string_view sql) override {
    OPSBENCH_ASSIGN_OR_RETURN(const auto statement,
                              SqliteStatement::Prepare(db_, sql, 0));
    return statement->Execute({}, nullptr);
  }

  absl::Status Query(absl::string_view sql, ResultSet* rows) override {
    OPSBENCH_ASSIGN_OR_RETURN(const auto statement,
                              SqliteStatement::Prepare(db_, sql, 0));
    return statement->Execute({}, rows).status();
  }

  absl::StatusOr<std::unique_ptr<Statement>> Prepare(
      absl::string_view sql) override {
    return SqliteStatement::Prepare(db_, sql, SQLITE_PREPARE_PERSISTENT);
  }

  absl::StatusOr<std::unique_ptr<RowIterator>> Stream(
      absl::string_view sql) override {
    OPSBENCH_ASSIGN_OR_RETURN(auto statement,
                              SqliteStatement::Prepare(db_, sql, 0));
    if (sqlite3_column_count(statement->handle()) == 0 ||
        sqlite3_bind_parameter_count(statement->handle()) > 0) {
      return absl::InvalidArgumentError(
          "SQLite: a stream needs a query without parameters");
    }
    return std::make_unique<SqliteStream>(db_, std::move(statement));
  }

  absl::Status Begin() override {
    if (!sqlite3_get_autocommit(db_)) {
      return absl::FailedPreconditionError(
          "SQLite: a transaction is open already");
    }
    return Execute(read_only_ ? "BEGIN" : "BEGIN IMMEDIATE").status();
  }
  absl::Status Commit() override { return Execute("COMMIT").status(); }
  absl::Status Rollback() override {
    // Some errors (a full disk) have rolled back already.
    if (sqlite3_get_autocommit(db_)) return absl::OkStatus();
    return Execute("ROLLBACK").status();
  }

  absl::StatusOr<int64_t> BulkLoad(absl::string_view table,
                                   absl::Span<const std::string> columns,
                                   RowIterator& rows,
                                   const BulkOptions& options) override {
    if (options.method != BulkMethod::kBest &&
        options.method != BulkMethod::kMultiRow) {
      return absl::UnimplementedError(
          "SQLite loads by INSERT in one transaction: use kBest or kMultiRow");
    }
    InterruptibleRows source(rows, interrupted_);
    return AllOrNothing(*this, !sqlite3_get_autocommit(db_),
                        [&] { return InsertAll(table, columns, source); });
  }

  absl::StatusOr<int64_t> LastInsertId() override {
    return sqlite3_last_insert_rowid(db_);
  }

  absl::Status Ping() override { return Execute("SELECT 1").status(); }

  void Interrupt() override {
    interrupted_ = true;
    sqlite3_interrupt(db_);
  }

 private:
  // One row a statement. Measured with 512'000 rows of four columns (medians of
  // 5, SQLite 3.40): 64 rows a statement are 1.4 times as fast into a bare
  // table but 0.8 times into one with a secondary index, as all tables here
  // have, because a statement of many rows journals the pages that it may have
  // to restore.
  absl::StatusOr<int64_t> InsertAll(absl::string_view table,
                                    absl::Span<const std::string> columns,
                                    RowIterator& rows) {
    const std::vector<absl::string_view> marks(columns.size(), "?");
    OPSBENCH_ASSIGN_OR_RETURN(
        const auto insert,
        Prepare(absl::StrCat("INSERT INTO ", table, " (",
                             absl::StrJoin(columns, ", "), ") VALUES (",
                             absl::StrJoin(marks, ", "), ")")));
    std::vector<Value> row(columns.size());
    int64_t count = 0;
    while (true) {
      OPSBENCH_ASSIGN_OR_RETURN(const bool more,
                                rows.Next(absl::MakeSpan(row)));
      if (!more) return count;
      OPSBENCH_RETURN_IF_ERROR(insert->Execute(row, nullptr).status());
      ++count;
    }
  }

  sqlite3* const db_;
  const bool read_only_;
  Capabilities capabilities_;
  std::atomic<bool> interrupted_{false};
};

// SQLite says the same of any file that it cannot open. The system's error is
// that of its last attempt, to read what it could not create.
absl::StatusCode CodeOfOpening(absl::StatusCode code, int system_error,
                               const Url& url, const ConnectOptions& options) {
  if (code != absl::StatusCode::kNotFound) return code;
  switch (system_error) {
    case ENOENT: {
      const std::filesystem::path folder =
          std::filesystem::path(url.database).parent_path();
      std::error_code ignored;
      return options.create_if_missing &&
                     std::filesystem::is_directory(
                         folder.empty() ? "." : folder, ignored)
                 ? absl::StatusCode::kPermissionDenied
                 : absl::StatusCode::kNotFound;
    }
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::StatusCode::kPermissionDenied;
    case EISDIR:
      return absl::StatusCode::kInvalidArgument;
    case EMFILE:
    case ENFILE:
      return absl::StatusCode::kResourceExhausted;
    default:
      return code;
  }
}

absl::Status RunAll(Session& session,
                    std::initializer_list<absl::string_view> pragmas) {
  for (const absl::string_view pragma : pragmas) {
    OPSBENCH_RETURN_IF_ERROR(session.Execute(pragma).status());
  }
  return absl::OkStatus();
}

// Whether nothing was written to the database yet.
absl::StatusOr<bool> IsNew(Session& session) {
  ResultSet rows;
  OPSBENCH_RETURN_IF_ERROR(session.Query("PRAGMA page_count", &rows));
  return rows.at(0, 0).int64() == 0;
}

absl::Status Configure(Session& session, bool read_only) {
  if (!read_only) {
    OPSBENCH_ASSIGN_OR_RETURN(const bool is_new, IsNew(session));
    if (is_new) {
      OPSBENCH_RETURN_IF_ERROR(
          session.Execute("PRAGMA journal_mode = WAL").status());
    }
  } else {
    OPSBENCH_RETURN_IF_ERROR(
        // The first read, which finds what cannot be read.
        RunAll(session, {"PRAGMA query_only = ON", "PRAGMA schema_version"}));
  }
  return RunAll(session,
                {"PRAGMA synchronous = NORMAL", "PRAGMA foreign_keys = ON",
                 "PRAGMA cache_size = -65536", "PRAGMA analysis_limit = 1000"});
}

std::string UriOf(const std::string& path) {
  return absl::StrCat(
      "file:",
      absl::StrReplaceAll(path, {{"%", "%25"}, {"?", "%3f"}, {"#", "%23"}}));
}

// `immutable`: nothing else writes the file, and nothing is written beside it.
absl::StatusOr<std::unique_ptr<SqliteSession>> OpenSqlite(
    const Url& url, const ConnectOptions& options, bool immutable) {
  // The file's name is no URI but here: a path may hold a question mark.
  const std::string name =
      immutable ? absl::StrCat(UriOf(url.database), "?immutable=1")
                : url.database;
  int flags = SQLITE_OPEN_NOMUTEX | (immutable ? SQLITE_OPEN_URI : 0);
  if (options.read_only) {
    flags |= SQLITE_OPEN_READONLY;
  } else {
    flags |= SQLITE_OPEN_READWRITE |
             (options.create_if_missing ? SQLITE_OPEN_CREATE : 0);
  }
  sqlite3* db = nullptr;
  const int code = sqlite3_open_v2(name.c_str(), &db, flags, nullptr);
  auto session = std::make_unique<SqliteSession>(db, options.read_only);
  absl::Status status;
  if (code != SQLITE_OK) {
    status = ErrorOf(db);
    status = absl::Status(
        CodeOfOpening(status.code(), sqlite3_system_errno(db), url, options),
        status.message());
  } else if (!options.read_only && sqlite3_db_readonly(db, "main") == 1) {
    // SQLite opens for reading what it may not write.
    status = absl::PermissionDeniedError("SQLite: the file may not be written");
  } else {
    sqlite3_extended_result_codes(db, 1);
    sqlite3_busy_timeout(db, options.busy_timeout_ms);
    status = Configure(*session, options.read_only);
  }
  if (status.ok()) return session;
  return absl::Status(status.code(),
                      absl::StrCat(status.message(), ": ", url.database));
}

// Whether a part of the database stands in a journal beside its file.
bool HasJournal(const Url& url) {
  for (const char* ending : {"-wal", "-journal"}) {
    std::error_code error;
    const auto size = std::filesystem::file_size(url.database + ending, error);
    if (!error && size > 0) return true;
  }
  return false;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Session>> ConnectSqlite(
    const Url& url, const ConnectOptions& options) {
  if (!url.parameters.empty() || !url.socket.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "SQLite: the URL's parameter '",
        url.socket.empty() ? url.parameters.begin()->first : "socket",
        "' is not known: write %3F for a question mark in a path"));
  }
  absl::StatusOr<std::unique_ptr<SqliteSession>> session =
      OpenSqlite(url, options, /*immutable=*/false);
  if (session.ok()) return *std::move(session);
  std::error_code error;
  const bool cannot_write = absl::IsNotFound(session.status()) ||
                            absl::IsPermissionDenied(session.status());
  if (!options.read_only || !cannot_write ||
      !std::filesystem::is_regular_file(url.database, error)) {
    return session.status();
  }
  // A database in WAL mode needs files beside it, which cannot be made on a
  // file system that is read-only. Without a journal all is in its file.
  if (HasJournal(url)) {
    return absl::Status(
        session.status().code(),
        absl::StrCat(session.status().message(),
                     ": its journal can be read only where it can be written: "
                     "copy both to another folder"));
  }
  OPSBENCH_ASSIGN_OR_RETURN(session,
                            OpenSqlite(url, options, /*immutable=*/true));
  return *std::move(session);
}

}  // namespace opsbench::internal
