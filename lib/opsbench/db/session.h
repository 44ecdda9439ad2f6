#ifndef OPSBENCH_DB_SESSION_H_
#define OPSBENCH_DB_SESSION_H_

// One connection to one database, the same for every engine.
//
// Thread safety: a Session and its Statements belong to one thread at a time.
// Interrupt() alone may be called from another thread.
//
// Errors are absl::Status. What a client library throws or returns ends in its
// adapter:
//   Unavailable         no connection, or it was lost; the session is dead
//   Unauthenticated     wrong user or password
//   PermissionDenied    a missing privilege
//   NotFound            unknown database, table, column, function
//   AlreadyExists       duplicate key, or the object exists
//   InvalidArgument     syntax, wrong type, a value out of range, a failed
//                       check
//   FailedPrecondition  Begin() in a transaction, a transaction that failed, a
//                       prepared statement whose columns were altered
//   Aborted             deadlock or serialisation failure: try again
//   DeadlineExceeded    a lock or statement time-out
//   ResourceExhausted   disk full, too many connections, out of memory
//   Cancelled           interrupted
//   Unimplemented       the engine cannot do this (see Capabilities)
//   Internal            anything else, with the engine's own code
// The message holds the engine's text and code, never a password.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "opsbench/db/breaker.h"
#include "opsbench/db/stream.h"
#include "opsbench/db/url.h"
#include "opsbench/db/value.h"

namespace opsbench {

// What the server at the other end is and can do, asked of it at Connect().
struct Capabilities {
  Engine engine = Engine::kSqlite;
  std::string flavour;            // "SQLite", "MariaDB", "MySQL", "PostgreSQL".
  std::string version;            // As the server says it: "10.11.6-MariaDB".
  int version_number = 0;         // 10'11'06 for 10.11.6, 15'00'18 for 15.18.
  bool load_data_local = false;   // MySQL: LOAD DATA LOCAL is permitted.
  bool bulk_binding = false;      // MariaDB: COM_STMT_BULK_EXECUTE.
  bool copy_binary = false;       // PostgreSQL.
  bool ltree = false;             // PostgreSQL: the extension can be created.
  bool descending_index = false;  // Honoured, not just parsed.
};

// A source of rows for BulkLoad, pulled one at a time.
class RowIterator {
 public:
  virtual ~RowIterator() = default;

  // Fills `row` (as many values as columns were named) and returns true, or
  // returns false at the end. Views stay valid until the next call. An error
  // ends the load, nothing of which is kept.
  virtual absl::StatusOr<bool> Next(absl::Span<Value> row) = 0;
};

enum class BulkMethod {
  kBest,         // The fastest that the engine offers.
  kLoadData,     // MySQL: LOAD DATA LOCAL from memory.
  kBulkBinding,  // MariaDB: arrays bound to one prepared INSERT.
  kCopyBinary,   // PostgreSQL: COPY FROM STDIN (FORMAT binary).
  kCopyText,     // PostgreSQL: COPY FROM STDIN in the text format.
  kPipeline,     // PostgreSQL: INSERTs of many rows, sent without waiting for
                 // the answer to each (libpq's pipeline mode).
  kMultiRow,     // Any: INSERT with many rows of VALUES.
};

struct BulkOptions {
  BulkMethod method = BulkMethod::kBest;

  // Bytes gathered before they go to the server; bounds the client's memory.
  size_t buffer_bytes = size_t{1} << 20;
};

class Statement {
 public:
  virtual ~Statement() = default;

  // Runs the statement with `parameters`, as many as it has placeholders. On
  // PostgreSQL bytes for a type that this library does not know (pgvector's
  // vector) are its binary form.
  // Appends no row to and clears `*rows` first; rows == nullptr discards them.
  // Returns the number of rows read for a query, affected otherwise. A CALL
  // delivers its first result, and the rest is drained.
  virtual absl::StatusOr<int64_t> Execute(absl::Span<const Value> parameters,
                                          ResultSet* rows) = 0;
};

class Session {
 public:
  virtual ~Session() = default;

  virtual const Capabilities& capabilities() const = 0;

  // One statement without parameters whose rows, if any, are discarded.
  // Returns the rows affected.
  virtual absl::StatusOr<int64_t> Execute(absl::string_view sql) = 0;

  // One statement without parameters; its rows go to `*rows`, cleared first.
  virtual absl::Status Query(absl::string_view sql, ResultSet* rows) = 0;

  // A statement prepared on the server. Placeholders are the engine's own: ?
  // for MySQL and SQLite, $1 for PostgreSQL. It must not outlive its session.
  virtual absl::StatusOr<std::unique_ptr<Statement>> Prepare(
      absl::string_view sql) = 0;

  virtual absl::Status Begin() = 0;
  virtual absl::Status Commit() = 0;
  virtual absl::Status Rollback() = 0;

  // Appends rows to `table` from memory, without a temporary file, and returns
  // how many. All or nothing: inside a transaction of the caller's it is part
  // of that, outside it runs in one of its own. Column and table names are
  // trusted identifiers ([a-z0-9_]+).
  virtual absl::StatusOr<int64_t> BulkLoad(
      absl::string_view table, absl::Span<const std::string> columns,
      RowIterator& rows, const BulkOptions& options = {}) = 0;

  // The rows of a query, read from the server as they are asked for, never held
  // as a whole. The session does nothing else until they end or are destroyed.
  virtual absl::StatusOr<std::unique_ptr<RowIterator>> Stream(
      absl::string_view sql);

  // COPY … TO STDOUT and COPY … FROM STDIN, in the format that `sql` states.
  // Unimplemented but in PostgreSQL.
  virtual absl::StatusOr<std::unique_ptr<CopyReader>> CopyOut(
      absl::string_view sql);
  virtual absl::StatusOr<std::unique_ptr<CopyWriter>> CopyIn(
      absl::string_view sql);

  // A query's rows in binary form. Unimplemented but in PostgreSQL.
  virtual absl::StatusOr<std::unique_ptr<BinaryRows>> QueryBinary(
      absl::string_view sql);

  // A queue of `sql`, whose parameters are of the types with these object ids.
  // Unimplemented but in PostgreSQL.
  virtual absl::StatusOr<std::unique_ptr<StatementQueue>> Queue(
      absl::string_view sql, absl::Span<const uint32_t> types);

  // LOAD DATA LOCAL INFILE, whose file is `bytes`; the rows that were loaded.
  // Warnings are errors. Unimplemented but in MySQL and MariaDB.
  virtual absl::StatusOr<int64_t> LoadData(absl::string_view sql,
                                           absl::string_view bytes);

  // The id that the last INSERT made: of many rows, the first one's on MySQL,
  // from which those of the others do not follow (auto_increment_increment).
  // Unimplemented in PostgreSQL: use RETURNING.
  virtual absl::StatusOr<int64_t> LastInsertId() = 0;

  // A round trip that proves that the connection lives.
  virtual absl::Status Ping() = 0;

  // Asks for a running statement to end with Cancelled; best effort.
  virtual void Interrupt() = 0;
};

struct ConnectOptions {
  // Behaviour.

  // Which client library carries the session where an engine has two (MySQL):
  // the C client, whose prepared statements cost the least and which alone can
  // bulk load, or MySQL Connector/C++.
  enum class Driver { kNative, kConnector } driver = Driver::kNative;

  // A connection attempt ends after this.
  int connect_timeout_ms = 10'000;

  // SQLite: how long a statement waits for another connection's lock. Its locks
  // have no queue: among many writers one may wait for long.
  int busy_timeout_ms = 60'000;

  // SQLite: create the file when it is missing. NotFound otherwise.
  bool create_if_missing = true;

  // SQLite: change nothing, neither the file nor its journal mode, and read
  // also where nothing can be written. The file must be there, whatever
  // create_if_missing says.
  bool read_only = false;

  // What can break the connection off from another thread; it must outlive the
  // session. nullptr: nothing. With the native drivers of the engines that have
  // a server.
  ConnectionBreaker* breaker = nullptr;
};

// Connects to `url`. Unimplemented when the adapter was not built in, and for
// Redis, whose commands are not SQL: see redis.h.
absl::StatusOr<std::unique_ptr<Session>> Connect(
    const Url& url, const ConnectOptions& options = {});

}  // namespace opsbench

#endif  // OPSBENCH_DB_SESSION_H_
