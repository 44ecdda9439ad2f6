#include "opsbench/db/internal/postgres_stream.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/internal/postgres_errors.h"
#include "opsbench/db/internal/postgres_result.h"
#include "opsbench/db/internal/postgres_types.h"

namespace opsbench::internal {
namespace {

// What a socket that can be written to takes without blocking.
constexpr size_t kPieceBytes = size_t{64} << 10;

// Reads what is left of the statement's results; the first error, if any.
absl::Status Drain(PGconn* connection, int64_t* affected = nullptr) {
  absl::Status status;
  while (PostgresResult result{PQgetResult(connection)}) {
    const ExecStatusType state = PQresultStatus(result.get());
    // A COPY that lost its connection never ends.
    if (state == PGRES_COPY_IN || state == PGRES_COPY_OUT) {
      if (status.ok()) status = ErrorOf(connection, nullptr);
      break;
    }
    if (Succeeded(result)) {
      if (affected != nullptr) *affected = Affected(result.get());
    } else if (status.ok() && state != PGRES_SINGLE_TUPLE) {
      status = ErrorWithContext(connection, result.get());
    }
  }
  return status;
}

void Cancel(PGcancel* cancel) {
  char error[256];
  PQcancel(cancel, error, sizeof(error));
}

void SkipCopyData(PGconn* connection) {
  char* message = nullptr;
  while (PQgetCopyData(connection, &message, 0) > 0) PQfreemem(message);
}

class PostgresRowStream : public RowIterator {
 public:
  PostgresRowStream(PGconn* connection, PGcancel* cancel)
      : connection_(connection), cancel_(cancel) {}
  ~PostgresRowStream() override {
    if (done_) return;
    Cancel(cancel_);
    Drain(connection_).IgnoreError();
  }

  absl::StatusOr<bool> Next(absl::Span<Value> row) override {
    if (done_) return false;
    const PostgresResult result(PQgetResult(connection_));
    if (PQresultStatus(result.get()) != PGRES_SINGLE_TUPLE) {
      done_ = true;
      if (result == nullptr) return false;
      absl::Status status = Succeeded(result)
                                ? absl::OkStatus()
                                : ErrorWithContext(connection_, result.get());
      status.Update(Drain(connection_));
      if (!status.ok()) return status;
      return false;
    }
    const int columns = PQnfields(result.get());
    if (static_cast<size_t>(columns) != row.size()) {
      return absl::InvalidArgumentError(absl::StrCat("the query has ", columns,
                                                     " columns, the row has ",
                                                     row.size(), " values"));
    }
    row_.Clear();
    for (int i = 0; i < columns; ++i) row_.AddColumn(PQfname(result.get(), i));
    for (int i = 0; i < columns; ++i) {
      if (PQgetisnull(result.get(), 0, i)) {
        row_.AppendNull();
      } else {
        DecodeText(PQftype(result.get(), i), Field(result.get(), 0, i), &row_);
      }
    }
    for (int i = 0; i < columns; ++i) row[i] = row_.at(0, i);
    return true;
  }

 private:
  PGconn* const connection_;
  PGcancel* const cancel_;
  bool done_ = false;
  ResultSet row_;
};

class PostgresCopyReader : public CopyReader {
 public:
  PostgresCopyReader(PGconn* connection, PGcancel* cancel)
      : connection_(connection), cancel_(cancel) {}
  ~PostgresCopyReader() override {
    PQfreemem(message_);
    if (done_) return;
    Cancel(cancel_);
    SkipCopyData(connection_);
    Drain(connection_).IgnoreError();
  }

  absl::StatusOr<absl::string_view> Next() override {
    PQfreemem(std::exchange(message_, nullptr));
    if (done_) return absl::string_view();
    const int size = PQgetCopyData(connection_, &message_, 0);
    if (size > 0) {
      return absl::string_view(message_, static_cast<size_t>(size));
    }
    done_ = true;
    absl::Status status =
        size == -2 ? ErrorOf(connection_, nullptr) : absl::OkStatus();
    status.Update(Drain(connection_));
    if (!status.ok()) return status;
    return absl::string_view();
  }

 private:
  PGconn* const connection_;
  PGcancel* const cancel_;
  bool done_ = false;
  char* message_ = nullptr;
};

class PostgresCopyWriter : public CopyWriter {
 public:
  explicit PostgresCopyWriter(PGconn* connection) : connection_(connection) {}
  ~PostgresCopyWriter() override {
    if (!done_) End("the copy was given up").status().IgnoreError();
  }

  absl::Status Write(absl::string_view bytes) override {
    if (done_) return absl::FailedPreconditionError("the COPY has ended");
    while (!bytes.empty()) {
      if (ServerComplains()) return Fail();
      const absl::string_view piece = bytes.substr(0, kPieceBytes);
      if (PQputCopyData(connection_, piece.data(),
                        static_cast<int>(piece.size())) != 1) {
        return Fail();
      }
      bytes.remove_prefix(piece.size());
    }
    return absl::OkStatus();
  }

  absl::StatusOr<int64_t> Finish() override {
    if (done_) return absl::FailedPreconditionError("the COPY has ended");
    return End(nullptr);
  }

 private:
  absl::Status Fail() {
    absl::StatusOr<int64_t> ended = End("the copy failed");
    return ended.ok() ? absl::InternalError("a COPY that failed went well")
                      : ended.status();
  }

  absl::StatusOr<int64_t> End(const char* error) {
    done_ = true;
    if (PQputCopyEnd(connection_, error) < 0) {
      // The server's last words, if it had any, tell more than that it is gone.
      const absl::Status lost = ErrorOf(connection_, nullptr);
      Drain(connection_).IgnoreError();
      return lost;
    }
    int64_t rows = 0;
    OPSBENCH_RETURN_IF_ERROR(Drain(connection_, &rows));
    return rows;
  }

  // Waits until there is room to write; whether an error came instead, so that
  // a COPY that has failed ends before all of its rows are sent. libpq looks
  // only at the end, and would swallow the error if it had to wait for room
  // itself. Over TLS the first byte is never an E, and the error comes at the
  // end as well.
  bool ServerComplains() const {
    pollfd socket = {.fd = PQsocket(connection_), .events = POLLIN | POLLOUT};
    while (poll(&socket, 1, -1) > 0) {
      char first;
      if ((socket.revents & POLLIN) != 0 &&
          recv(socket.fd, &first, 1, MSG_PEEK | MSG_DONTWAIT) == 1 &&
          first == 'E') {
        return true;
      }
      // Also when the connection is lost, which libpq will notice.
      if ((socket.revents & ~POLLIN) != 0) return false;
      // A notice: it would be there again at the next look.
      if (PQconsumeInput(connection_) != 1) return false;
    }
    return false;
  }

  PGconn* const connection_;
  bool done_ = false;
};

class PostgresBinaryRows : public BinaryRows {
 public:
  explicit PostgresBinaryRows(PostgresResult result)
      : result_(std::move(result)) {}

  int64_t rows() const override { return PQntuples(result_.get()); }
  bool IsNull(int64_t row, int column) const override {
    return PQgetisnull(result_.get(), static_cast<int>(row), column) != 0;
  }
  absl::string_view Field(int64_t row, int column) const override {
    return internal::Field(result_.get(), static_cast<int>(row), column);
  }

 private:
  PostgresResult result_;
};

// Sends `sql`, which has to answer with `expected`.
absl::Status Start(PGconn* connection, absl::string_view sql,
                   ExecStatusType expected) {
  const PostgresResult begun(PQexec(connection, std::string(sql).c_str()));
  const ExecStatusType state = PQresultStatus(begun.get());
  if (state == expected) return absl::OkStatus();
  if (!Succeeded(begun) && state != PGRES_COPY_IN && state != PGRES_COPY_OUT) {
    return ErrorWithContext(connection, begun.get());
  }
  // The session has to be of use afterwards.
  if (state == PGRES_COPY_IN) PQputCopyEnd(connection, "not what was meant");
  if (state == PGRES_COPY_OUT) SkipCopyData(connection);
  Drain(connection).IgnoreError();
  return absl::InvalidArgumentError(expected == PGRES_COPY_IN
                                        ? "the statement is no COPY FROM STDIN"
                                        : "the statement is no COPY TO STDOUT");
}

}  // namespace

absl::StatusOr<std::unique_ptr<RowIterator>> StreamRows(PGconn* connection,
                                                        PGcancel* cancel,
                                                        absl::string_view sql) {
  if (PQsendQuery(connection, std::string(sql).c_str()) != 1 ||
      PQsetSingleRowMode(connection) != 1) {
    return ErrorOf(connection, nullptr);
  }
  return std::make_unique<PostgresRowStream>(connection, cancel);
}

absl::StatusOr<std::unique_ptr<CopyReader>> StartCopyOut(
    PGconn* connection, PGcancel* cancel, absl::string_view sql) {
  OPSBENCH_RETURN_IF_ERROR(Start(connection, sql, PGRES_COPY_OUT));
  return std::make_unique<PostgresCopyReader>(connection, cancel);
}

absl::StatusOr<std::unique_ptr<CopyWriter>> StartCopyIn(PGconn* connection,
                                                        absl::string_view sql) {
  OPSBENCH_RETURN_IF_ERROR(Start(connection, sql, PGRES_COPY_IN));
  return std::make_unique<PostgresCopyWriter>(connection);
}

absl::StatusOr<std::unique_ptr<BinaryRows>> ReadBinary(PGconn* connection,
                                                       absl::string_view sql) {
  PostgresResult result(PQexecParams(connection, std::string(sql).c_str(), 0,
                                     nullptr, nullptr, nullptr, nullptr, 1));
  if (PQresultStatus(result.get()) != PGRES_TUPLES_OK) {
    if (Succeeded(result)) {
      return absl::InvalidArgumentError("the statement is no query");
    }
    return ErrorWithContext(connection, result.get());
  }
  return std::make_unique<PostgresBinaryRows>(std::move(result));
}

}  // namespace opsbench::internal
