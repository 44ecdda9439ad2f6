// The PostgreSQL adapter. libpqxx carries the ordinary work; prepared
// statements and COPY use libpq on the same connection, because binary fields
// straight into a ResultSet cost a fraction of libpqxx's text and strings.

#include <libpq-fe.h>

#include <algorithm>
#include <atomic>
#include <pqxx/pqxx>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/internal/adapters.h"
#include "opsbench/db/internal/multi_row.h"
#include "opsbench/db/internal/postgres_copy.h"
#include "opsbench/db/internal/postgres_errors.h"
#include "opsbench/db/internal/postgres_parameters.h"
#include "opsbench/db/internal/postgres_queue.h"
#include "opsbench/db/internal/postgres_result.h"
#include "opsbench/db/internal/postgres_stream.h"
#include "opsbench/db/internal/postgres_types.h"

namespace opsbench::internal {
namespace {

// Rows of one INSERT in pipeline mode: the next ones are on their way while the
// server works on them.
constexpr size_t kRowsPerQueuedInsert = 100;

// Every setting that changes what a statement means or what a value looks like:
// the defaults are those of the server's, the database's and the role's owner.
// SETTINGS.md says why each is here, and what is left alone.
constexpr absl::string_view kSessionSettings =
    "-c TimeZone=UTC -c DateStyle=ISO,MDY -c IntervalStyle=postgres "
    "-c bytea_output=hex -c extra_float_digits=3 -c lc_monetary=C "
    "-c standard_conforming_strings=on -c transform_null_equals=off "
    "-c array_nulls=on -c xmlbinary=base64 -c xmloption=content "
    "-c default_transaction_isolation=read\\ committed "
    "-c default_transaction_deferrable=off -c statement_timeout=0 "
    "-c lock_timeout=0 -c idle_in_transaction_session_timeout=0 "
    "-c client_min_messages=error";

// Those of later versions, which an older server would refuse.
struct LaterSetting {
  int version;
  absl::string_view sql;
};
constexpr LaterSetting kLaterSettings[] = {
    {14'00'00, "SET idle_session_timeout = 0"},
    {17'00'00, "SET transaction_timeout = 0"}};

// Opens the connection for libpqxx and keeps it: statements, COPY and
// Interrupt() hold its handle too, also when libpqxx has given it up as lost.
class HandlePolicy : public pqxx::connectionpolicy {
 public:
  explicit HandlePolicy(const std::string& options)
      : pqxx::connectionpolicy(options) {}
  ~HandlePolicy() noexcept override { PQfinish(handle_); }

  handle do_startconnect(handle original) override {
    if (original != nullptr) return original;
    // libpqxx would connect again behind the caller's back, without the
    // transaction and the statements of the session that was lost.
    if (handle_ != nullptr) {
      throw pqxx::broken_connection("the connection was lost");
    }
    handle_ = normalconnect(nullptr);
    return handle_;
  }
  handle do_disconnect(handle) noexcept override { return nullptr; }

  PGconn* get() const { return handle_; }

 private:
  PGconn* handle_ = nullptr;
};

class Connection : public pqxx::connection_base {
 public:
  explicit Connection(const std::string& options)
      : pqxx::connection_base(policy_), policy_(options) {
    init();
  }
  ~Connection() noexcept { close(); }

  PGconn* handle() const { return policy_.get(); }

 private:
  HandlePolicy policy_;
};

class PostgresStatement : public Statement {
 public:
  static absl::StatusOr<std::unique_ptr<PostgresStatement>> Prepare(
      PGconn* connection, std::string name, absl::string_view sql,
      uint32_t ltree_oid) {
    PostgresResult prepared(PQprepare(connection, name.c_str(),
                                      std::string(sql).c_str(), 0, nullptr));
    if (!Succeeded(prepared)) return ErrorOf(connection, prepared.get());
    PostgresResult described(PQdescribePrepared(connection, name.c_str()));
    if (!Succeeded(described)) return ErrorOf(connection, described.get());
    return std::unique_ptr<PostgresStatement>(new PostgresStatement(
        connection, std::move(name), described.get(), ltree_oid));
  }

  ~PostgresStatement() override {
    PostgresResult done(
        PQexec(connection_, absl::StrCat("DEALLOCATE ", name_).c_str()));
  }

  absl::StatusOr<int64_t> Execute(absl::Span<const Value> parameters,
                                  ResultSet* rows) override {
    OPSBENCH_RETURN_IF_ERROR(parameters_.Encode(parameters));
    PostgresResult result(PQexecPrepared(
        connection_, name_.c_str(), parameters_.count(), parameters_.values(),
        parameters_.lengths(), parameters_.formats(), binary_ ? 1 : 0));
    if (!Succeeded(result)) return ErrorOf(connection_, result.get());
    if (PQresultStatus(result.get()) != PGRES_TUPLES_OK) {
      if (rows != nullptr) rows->Clear();
      return Affected(result.get());
    }
    if (rows != nullptr) Decode(result.get(), rows);
    return PQntuples(result.get());
  }

 private:
  PostgresStatement(PGconn* connection, std::string name,
                    const PGresult* described, uint32_t ltree_oid)
      : connection_(connection),
        name_(std::move(name)),
        parameters_(ParameterTypesOf(described), ltree_oid) {
    for (int i = 0; i < PQnfields(described); ++i) {
      column_oids_.push_back(PQftype(described, i));
      column_names_.emplace_back(PQfname(described, i));
      // One format serves all columns of a result. ltree comes as text.
      binary_ = binary_ && HasBinaryForm(column_oids_.back(), 0);
    }
  }

  void Decode(const PGresult* result, ResultSet* rows) {
    rows->Clear();
    for (const std::string& name : column_names_) rows->AddColumn(name);
    const int count = PQntuples(result);
    const int columns = static_cast<int>(column_oids_.size());
    for (int row = 0; row < count; ++row) {
      for (int column = 0; column < columns; ++column) {
        const absl::string_view field = Field(result, row, column);
        if (field.empty() && PQgetisnull(result, row, column)) {
          rows->AppendNull();
        } else if (binary_) {
          DecodeBinary(column_oids_[column], field, rows);
        } else {
          DecodeText(column_oids_[column], field, rows);
        }
      }
    }
  }

  PGconn* const connection_;
  const std::string name_;
  PostgresParameters parameters_;
  std::vector<uint32_t> column_oids_;
  std::vector<std::string> column_names_;
  bool binary_ = true;
};

class PostgresSession : public Session {
 public:
  explicit PostgresSession(std::unique_ptr<Connection> connection)
      : connection_(std::move(connection)),
        handle_(connection_->handle()),
        cancel_(PQgetCancel(handle_)) {
    // Notices ("table does not exist, skipping") are not the library's to
    // print.
    PQsetNoticeProcessor(
        handle_, [](void*, const char*) {}, nullptr);
  }
  ~PostgresSession() override { PQfreeCancel(cancel_); }

  absl::Status ReadCapabilities() {
    capabilities_.engine = Engine::kPostgres;
    capabilities_.flavour = "PostgreSQL";
    capabilities_.version_number = PQserverVersion(handle_);
    capabilities_.version = PQparameterStatus(handle_, "server_version");
    capabilities_.copy_binary = true;
    capabilities_.descending_index = true;
    for (const LaterSetting& setting : kLaterSettings) {
      if (PQserverVersion(handle_) < setting.version) continue;
      OPSBENCH_RETURN_IF_ERROR(Execute(setting.sql).status());
    }
    ResultSet rows;
    OPSBENCH_RETURN_IF_ERROR(
        Query("SELECT COUNT(*) FROM pg_available_extensions WHERE name = "
              "'ltree'",
              &rows));
    capabilities_.ltree = rows.at(0, 0).int64() > 0;
    return absl::OkStatus();
  }

  const Capabilities& capabilities() const override { return capabilities_; }

  absl::StatusOr<int64_t> Execute(absl::string_view sql) override {
    return Guard([&] {
      pqxx::nontransaction work(*connection_);
      const pqxx::result result = work.exec(std::string(sql));
      return static_cast<int64_t>(result.affected_rows());
    });
  }

  absl::Status Query(absl::string_view sql, ResultSet* rows) override {
    return Guard([&] {
             pqxx::nontransaction work(*connection_);
             const pqxx::result result = work.exec(std::string(sql));
             CopyOver(result, rows);
             return int64_t{0};
           })
        .status();
  }

  absl::StatusOr<std::unique_ptr<Statement>> Prepare(
      absl::string_view sql) override {
    OPSBENCH_RETURN_IF_ERROR(LearnLtree());
    return PostgresStatement::Prepare(handle_, NewName(), sql, ltree_oid_);
  }

  absl::Status Begin() override {
    // PostgreSQL itself warns and goes on in the transaction that is open.
    const PGTransactionStatusType status = PQtransactionStatus(handle_);
    if (status == PQTRANS_INTRANS || status == PQTRANS_INERROR) {
      return absl::FailedPreconditionError(
          "PostgreSQL: a transaction is open already");
    }
    return Execute("BEGIN").status();
  }
  absl::Status Commit() override {
    // In a transaction that failed, COMMIT rolls back and says that it is fine.
    if (PQtransactionStatus(handle_) == PQTRANS_INERROR) {
      Rollback().IgnoreError();
      return absl::FailedPreconditionError(
          "PostgreSQL: an earlier statement of the transaction failed, so it "
          "was rolled back");
    }
    return Execute("COMMIT").status();
  }
  absl::Status Rollback() override { return Execute("ROLLBACK").status(); }

  absl::StatusOr<int64_t> BulkLoad(absl::string_view table,
                                   absl::Span<const std::string> columns,
                                   RowIterator& rows,
                                   const BulkOptions& options) override {
    const bool nested = PQtransactionStatus(handle_) != PQTRANS_IDLE;
    InterruptibleRows source(rows, interrupted_);
    switch (options.method) {
      case BulkMethod::kBest:
      case BulkMethod::kCopyBinary:
        return AllOrNothing(*this, nested, [&] {
          return Copy(CopyFormat::kBinary, table, columns, source, options);
        });
      case BulkMethod::kCopyText:
        return AllOrNothing(*this, nested, [&] {
          return Copy(CopyFormat::kText, table, columns, source, options);
        });
      case BulkMethod::kPipeline:
        return AllOrNothing(*this, nested, [&] {
          return InsertPipelined(table, columns, source, options);
        });
      case BulkMethod::kMultiRow:
        return AllOrNothing(*this, nested, [&] {
          return InsertMultiRow(*this, table, columns, source);
        });
      default:
        return absl::UnimplementedError(
            "PostgreSQL loads by COPY or by INSERT: use kBest, kCopyBinary, "
            "kCopyText, kPipeline or kMultiRow");
    }
  }

  absl::StatusOr<std::unique_ptr<RowIterator>> Stream(
      absl::string_view sql) override {
    return StreamRows(handle_, cancel_, sql);
  }
  absl::StatusOr<std::unique_ptr<CopyReader>> CopyOut(
      absl::string_view sql) override {
    return StartCopyOut(handle_, cancel_, sql);
  }
  absl::StatusOr<std::unique_ptr<CopyWriter>> CopyIn(
      absl::string_view sql) override {
    return StartCopyIn(handle_, sql);
  }
  absl::StatusOr<std::unique_ptr<BinaryRows>> QueryBinary(
      absl::string_view sql) override {
    return ReadBinary(handle_, sql);
  }
  absl::StatusOr<std::unique_ptr<StatementQueue>> Queue(
      absl::string_view sql, absl::Span<const uint32_t> types) override {
    return PostgresQueue::Start(handle_, NewName(), sql, types);
  }

  absl::StatusOr<int64_t> LastInsertId() override {
    return absl::UnimplementedError(
        "PostgreSQL returns ids by INSERT … RETURNING");
  }

  absl::Status Ping() override { return Execute("SELECT 1").status(); }

  void Interrupt() override {
    interrupted_ = true;
    char error[256];
    PQcancel(cancel_, error, sizeof(error));
  }

 private:
  // Of a statement on the server.
  std::string NewName() { return absl::StrCat("opsbench_", ++statements_); }

  // Runs `body`, which uses libpqxx, and turns what it throws into a status.
  template <typename Body>
  absl::StatusOr<int64_t> Guard(Body body) {
    try {
      return body();
    } catch (const std::exception& error) {
      // libpqxx has no word of the server's for a lost connection; libpq has.
      if (PQstatus(handle_) == CONNECTION_BAD) return ErrorOf(handle_, nullptr);
      return StatusOfSqlState(SqlStateOf(error), error.what(), false);
    }
  }

  // libpqxx 6.4 loses the state of errors that have a class of their own.
  static std::string SqlStateOf(const std::exception& error) {
    if (dynamic_cast<const pqxx::deadlock_detected*>(&error)) return "40P01";
    if (dynamic_cast<const pqxx::transaction_rollback*>(&error)) return "40001";
    if (dynamic_cast<const pqxx::insufficient_privilege*>(&error)) {
      return "42501";
    }
    if (dynamic_cast<const pqxx::too_many_connections*>(&error)) return "53300";
    const auto* const sql = dynamic_cast<const pqxx::sql_error*>(&error);
    return sql != nullptr ? sql->sqlstate() : "";
  }

  static void CopyOver(const pqxx::result& result, ResultSet* rows) {
    rows->Clear();
    for (pqxx::row::size_type c = 0; c < result.columns(); ++c) {
      rows->AddColumn(result.column_name(c));
    }
    for (const pqxx::row& row : result) {
      for (const pqxx::field& field : row) {
        if (field.is_null()) {
          rows->AppendNull();
        } else {
          DecodeText(field.type(), {field.c_str(), field.size()}, rows);
        }
      }
    }
  }

  // ltree's type gets its id when the extension is created.
  absl::Status LearnLtree() {
    if (!capabilities_.ltree || ltree_oid_ != 0) return absl::OkStatus();
    if (PQtransactionStatus(handle_) == PQTRANS_INERROR) {
      return absl::OkStatus();
    }
    ResultSet rows;
    OPSBENCH_RETURN_IF_ERROR(
        Query("SELECT oid FROM pg_type WHERE typname = 'ltree'", &rows));
    if (rows.row_count() == 1) {
      ltree_oid_ = static_cast<uint32_t>(rows.at(0, 0).int64());
    }
    return absl::OkStatus();
  }

  // The type that a domain is made of, at any depth; other types themselves.
  absl::StatusOr<uint32_t> BaseOf(uint32_t oid) {
    ResultSet rows;
    while (!HasBinaryForm(oid, ltree_oid_)) {
      OPSBENCH_RETURN_IF_ERROR(
          Query(absl::StrCat("SELECT typbasetype FROM pg_type WHERE typtype = "
                             "'d' AND oid = ",
                             oid),
                &rows));
      if (rows.row_count() == 0) break;
      oid = static_cast<uint32_t>(rows.at(0, 0).int64());
    }
    return oid;
  }

  // The types of the columns, of domains the types beneath.
  absl::StatusOr<std::vector<uint32_t>> ColumnTypes(
      absl::string_view table, absl::Span<const std::string> columns) {
    OPSBENCH_RETURN_IF_ERROR(LearnLtree());
    // A statement that is prepared tells the columns' types by its parameters,
    // without the privilege to read the table.
    const PostgresResult prepared(PQprepare(
        handle_, "", InsertSql(Engine::kPostgres, table, columns, 1).c_str(), 0,
        nullptr));
    if (!Succeeded(prepared)) return ErrorOf(handle_, prepared.get());
    const PostgresResult described(PQdescribePrepared(handle_, ""));
    if (!Succeeded(described)) return ErrorOf(handle_, described.get());
    std::vector<uint32_t> oids = ParameterTypesOf(described.get());
    for (uint32_t& oid : oids) {
      OPSBENCH_ASSIGN_OR_RETURN(oid, BaseOf(oid));
    }
    return oids;
  }

  absl::StatusOr<int64_t> Copy(CopyFormat format, absl::string_view table,
                               absl::Span<const std::string> columns,
                               RowIterator& rows, const BulkOptions& options) {
    OPSBENCH_ASSIGN_OR_RETURN(const std::vector<uint32_t> oids,
                              ColumnTypes(table, columns));
    for (size_t i = 0; format == CopyFormat::kBinary && i < oids.size(); ++i) {
      if (!HasBinaryForm(oids[i], ltree_oid_)) {
        return absl::UnimplementedError(absl::StrCat(
            "column ", columns[i], " of ", table,
            " has a type that binary COPY is not built for: use kCopyText or "
            "kMultiRow"));
      }
    }
    return CopyRows(handle_, {table, columns, oids, ltree_oid_, format}, rows,
                    options);
  }

  absl::StatusOr<int64_t> InsertPipelined(absl::string_view table,
                                          absl::Span<const std::string> columns,
                                          RowIterator& rows,
                                          const BulkOptions& options) {
    if (columns.empty()) {
      return absl::InvalidArgumentError("a bulk load needs a column at least");
    }
    OPSBENCH_RETURN_IF_ERROR(LearnLtree());
    const size_t batch = std::clamp<size_t>(kMaxParameters / columns.size(), 1,
                                            kRowsPerQueuedInsert);
    OPSBENCH_ASSIGN_OR_RETURN(std::unique_ptr<QueuedInsert> insert,
                              PrepareQueued(table, columns, batch));
    size_t queued_bytes = 0;
    const auto add = [&](absl::Span<const Value> values,
                         size_t count) -> absl::Status {
      if (count < batch) {
        // The last ones, by a statement of their own.
        OPSBENCH_RETURN_IF_ERROR(insert->queue->Finish().status());
        OPSBENCH_ASSIGN_OR_RETURN(insert, PrepareQueued(table, columns, count));
      }
      OPSBENCH_RETURN_IF_ERROR(insert->parameters.Encode(values));
      OPSBENCH_RETURN_IF_ERROR(insert->queue->Add(insert->parameters));
      queued_bytes += insert->parameters.bytes();
      if (queued_bytes < options.buffer_bytes) return absl::OkStatus();
      queued_bytes = 0;
      return insert->queue->Finish().status();
    };
    OPSBENCH_ASSIGN_OR_RETURN(const int64_t total,
                              InBatches(rows, columns.size(), batch, add));
    OPSBENCH_RETURN_IF_ERROR(insert->queue->Finish().status());
    return total;
  }

  struct QueuedInsert {
    std::unique_ptr<PostgresQueue> queue;
    PostgresParameters parameters;
  };

  absl::StatusOr<std::unique_ptr<QueuedInsert>> PrepareQueued(
      absl::string_view table, absl::Span<const std::string> columns,
      size_t rows) {
    OPSBENCH_ASSIGN_OR_RETURN(
        std::unique_ptr<PostgresQueue> queue,
        PostgresQueue::Start(handle_, NewName(),
                             InsertSql(Engine::kPostgres, table, columns, rows),
                             {}));
    OPSBENCH_ASSIGN_OR_RETURN(std::vector<uint32_t> types,
                              queue->ParameterTypes());
    return std::unique_ptr<QueuedInsert>(new QueuedInsert{
        std::move(queue), PostgresParameters(std::move(types), ltree_oid_)});
  }

  const std::unique_ptr<Connection> connection_;
  PGconn* const handle_;
  PGcancel* const cancel_;
  Capabilities capabilities_;
  uint32_t ltree_oid_ = 0;
  int statements_ = 0;
  std::atomic<bool> interrupted_{false};
};

// keyword='value' as PQconnectdb wants it.
std::string ConnectionString(const Url& url, const ConnectOptions& options) {
  std::string out;
  const auto add = [&](absl::string_view key, absl::string_view value) {
    absl::StrAppend(&out, key, "='");
    for (const char c : value) {
      if (c == '\'' || c == '\\') out.push_back('\\');
      out.push_back(c);
    }
    out += "' ";
  };
  std::string host = url.host.empty() ? "127.0.0.1" : url.host;
  int port = url.EffectivePort();
  if (!url.socket.empty()) {
    // The folder of the socket, or the socket itself: …/.s.PGSQL.5432.
    host = url.socket;
    const size_t name = host.rfind("/.s.PGSQL.");
    if (name != std::string::npos) {
      int socket_port;
      if (absl::SimpleAtoi(host.substr(name + 10), &socket_port)) {
        port = socket_port;
      }
      host.resize(name);
    }
  }
  add("host", host);
  add("port", absl::StrCat(port));
  if (!url.user.empty()) add("user", url.user);
  if (!url.password.empty()) add("password", url.password);
  if (!url.database.empty()) add("dbname", url.database);
  add("connect_timeout",
      absl::StrCat(std::max(2, options.connect_timeout_ms / 1000)));
  add("application_name", "opsbench");
  std::string settings;
  for (const auto& [key, value] : url.parameters) {
    if (key == "options") {
      settings = absl::StrCat(value, " ");
    } else {
      add(key, value);
    }
  }
  // What follows must not depend on the server's configuration, nor on that of
  // the role or the database: the last one of a name counts.
  add("client_encoding", "UTF8");
  absl::StrAppend(&settings, kSessionSettings);
  add("options", settings);
  return out;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Session>> ConnectPostgres(
    const Url& url, const ConnectOptions& options) {
  std::unique_ptr<Connection> connection;
  try {
    connection = std::make_unique<Connection>(ConnectionString(url, options));
  } catch (const std::exception& error) {
    return StatusOfConnectError(error.what());
  }
  if (options.breaker != nullptr) {
    options.breaker->Watch(PQsocket(connection->handle()));
  }
  auto session = std::make_unique<PostgresSession>(std::move(connection));
  OPSBENCH_RETURN_IF_ERROR(session->ReadCapabilities());
  return session;
}

}  // namespace opsbench::internal
