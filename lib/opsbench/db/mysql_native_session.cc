// The MySQL and MariaDB adapter on MariaDB's C client, which carries all that
// is measured: prepared statements and bulk loads.

#include <mysql.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/internal/adapters.h"
#include "opsbench/db/internal/multi_row.h"
#include "opsbench/db/internal/mysql_bulk.h"
#include "opsbench/db/internal/mysql_errors.h"
#include "opsbench/db/internal/mysql_statement.h"
#include "opsbench/db/internal/mysql_time.h"

namespace opsbench::internal {
namespace {

constexpr unsigned kBinaryCharset = 63;

// Every session has the same rules, whatever the server's configuration says.
constexpr char kSessionSetup[] =
    "SET time_zone = '+00:00', autocommit = 1, sql_mode = "
    "'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO'";

struct ConnectionDeleter {
  void operator()(MYSQL* connection) const { mysql_close(connection); }
};
using Connection = std::unique_ptr<MYSQL, ConnectionDeleter>;

struct ResultDeleter {
  void operator()(MYSQL_RES* result) const { mysql_free_result(result); }
};
using Result = std::unique_ptr<MYSQL_RES, ResultDeleter>;

absl::StatusOr<Connection> OpenConnection(const Url& url,
                                          const ConnectOptions& options) {
  static std::once_flag initialised;
  std::call_once(initialised, [] { mysql_library_init(0, nullptr, nullptr); });
  Connection connection(mysql_init(nullptr));
  if (connection == nullptr) {
    return absl::ResourceExhaustedError("MySQL: no memory for a connection");
  }
  const unsigned timeout =
      static_cast<unsigned>(std::max(1, options.connect_timeout_ms / 1000));
  const unsigned local_infile = 1;
  mysql_options(connection.get(), MYSQL_OPT_CONNECT_TIMEOUT, &timeout);
  mysql_options(connection.get(), MYSQL_OPT_LOCAL_INFILE, &local_infile);
  mysql_options(connection.get(), MYSQL_SET_CHARSET_NAME, "utf8mb4");
  mysql_options(connection.get(), MYSQL_INIT_COMMAND, kSessionSetup);
  const std::string host = url.host.empty() ? "127.0.0.1" : url.host;
  const bool socket = !url.socket.empty();
  if (mysql_real_connect(
          connection.get(), socket ? nullptr : host.c_str(), url.user.c_str(),
          url.password.c_str(),
          url.database.empty() ? nullptr : url.database.c_str(),
          socket ? 0 : static_cast<unsigned>(url.EffectivePort()),
          socket ? url.socket.c_str() : nullptr,
          CLIENT_MULTI_RESULTS) == nullptr) {
    return MysqlErrorOf(connection.get());
  }
  RefuseLocalFiles(connection.get());
  return connection;
}

// A field of the text protocol.
void AppendTextField(const MYSQL_FIELD& field, absl::string_view text,
                     ResultSet* rows) {
  int64_t integer;
  double number;
  switch (field.type) {
    case MYSQL_TYPE_TINY:
    case MYSQL_TYPE_SHORT:
    case MYSQL_TYPE_INT24:
    case MYSQL_TYPE_LONG:
    case MYSQL_TYPE_LONGLONG:
    case MYSQL_TYPE_YEAR:
      if (absl::SimpleAtoi(text, &integer)) return rows->AppendInt64(integer);
      break;
    case MYSQL_TYPE_FLOAT:
    case MYSQL_TYPE_DOUBLE:
      if (absl::SimpleAtod(text, &number)) return rows->AppendDouble(number);
      break;
    case MYSQL_TYPE_DATETIME:
    case MYSQL_TYPE_TIMESTAMP:
      if (ParseDatetime(text, &integer)) {
        return rows->AppendTimestampUs(integer);
      }
      break;
    case MYSQL_TYPE_TINY_BLOB:
    case MYSQL_TYPE_MEDIUM_BLOB:
    case MYSQL_TYPE_LONG_BLOB:
    case MYSQL_TYPE_BLOB:
    case MYSQL_TYPE_STRING:
    case MYSQL_TYPE_VAR_STRING:
      if (field.charsetnr == kBinaryCharset) return rows->AppendBytes(text);
      break;
    default:
      break;
  }
  rows->AppendText(text);
}

class MysqlNativeSession : public Session {
 public:
  MysqlNativeSession(Url url, ConnectOptions options, Connection connection)
      : url_(std::move(url)),
        options_(options),
        connection_(std::move(connection)),
        thread_id_(mysql_thread_id(connection_.get())) {}

  absl::Status ReadCapabilities() {
    ParseMysqlVersion(mysql_get_server_info(connection_.get()), &capabilities_);
    ResultSet rows;
    OPSBENCH_RETURN_IF_ERROR(Query("SELECT @@local_infile", &rows));
    capabilities_.load_data_local = rows.at(0, 0).int64() != 0;
    return absl::OkStatus();
  }

  const Capabilities& capabilities() const override { return capabilities_; }

  absl::StatusOr<int64_t> Execute(absl::string_view sql) override {
    int64_t affected = 0;
    OPSBENCH_RETURN_IF_ERROR(RunText(sql, nullptr, &affected));
    return affected;
  }

  absl::Status Query(absl::string_view sql, ResultSet* rows) override {
    int64_t affected = 0;
    return RunText(sql, rows, &affected);
  }

  absl::StatusOr<std::unique_ptr<Statement>> Prepare(
      absl::string_view sql) override {
    return MysqlStatement::Prepare(connection_.get(), sql);
  }

  absl::Status Begin() override {
    return Execute("START TRANSACTION").status();
  }
  absl::Status Commit() override { return Execute("COMMIT").status(); }
  absl::Status Rollback() override { return Execute("ROLLBACK").status(); }

  absl::StatusOr<int64_t> BulkLoad(absl::string_view table,
                                   absl::Span<const std::string> columns,
                                   RowIterator& rows,
                                   const BulkOptions& options) override {
    OPSBENCH_ASSIGN_OR_RETURN(const BulkMethod method, Choose(options.method));
    return AllOrNothing(*this, InTransaction(), [&] {
      switch (method) {
        case BulkMethod::kLoadData:
          return LoadData(connection_.get(), table, columns, rows,
                          options.buffer_bytes);
        case BulkMethod::kBulkBinding:
          return InsertByArrays(connection_.get(), table, columns, rows);
        default:
          return InsertMultiRow(*this, table, columns, rows);
      }
    });
  }

  absl::StatusOr<int64_t> LastInsertId() override {
    return static_cast<int64_t>(mysql_insert_id(connection_.get()));
  }

  absl::Status Ping() override {
    return mysql_ping(connection_.get()) == 0 ? absl::OkStatus()
                                              : MysqlErrorOf(connection_.get());
  }

  void Interrupt() override {
    // A connection can only be interrupted from another one.
    const absl::StatusOr<Connection> other = OpenConnection(url_, options_);
    if (!other.ok()) return;
    const std::string kill = absl::StrCat("KILL QUERY ", thread_id_);
    mysql_real_query(other->get(), kill.data(), kill.size());
  }

 private:
  bool InTransaction() {
    unsigned status = 0;
    mariadb_get_infov(connection_.get(), MARIADB_CONNECTION_SERVER_STATUS,
                      &status);
    return (status & SERVER_STATUS_IN_TRANS) != 0;
  }

  absl::StatusOr<BulkMethod> Choose(BulkMethod asked) {
    switch (asked) {
      case BulkMethod::kBest:
        if (capabilities_.load_data_local) return BulkMethod::kLoadData;
        if (capabilities_.bulk_binding) return BulkMethod::kBulkBinding;
        return BulkMethod::kMultiRow;
      case BulkMethod::kLoadData:
        if (capabilities_.load_data_local) return asked;
        return absl::UnimplementedError(
            "MySQL: LOAD DATA LOCAL is off: SET GLOBAL local_infile = ON, or "
            "use another method");
      case BulkMethod::kBulkBinding:
        if (capabilities_.bulk_binding) return asked;
        return absl::UnimplementedError(
            absl::StrCat("bulk binding needs MariaDB 10.2.6 or later, this is ",
                         capabilities_.flavour, " ", capabilities_.version));
      case BulkMethod::kMultiRow:
        return asked;
      default:
        return absl::UnimplementedError(
            "MySQL loads by LOAD DATA, by bulk binding or by INSERT: use "
            "kBest, kLoadData, kBulkBinding or kMultiRow");
    }
  }

  absl::Status RunText(absl::string_view sql, ResultSet* rows,
                       int64_t* affected) {
    if (mysql_real_query(connection_.get(), sql.data(), sql.size()) != 0) {
      return MysqlErrorOf(connection_.get());
    }
    if (rows != nullptr) rows->Clear();
    bool first = true;
    while (true) {
      if (mysql_field_count(connection_.get()) > 0) {
        OPSBENCH_RETURN_IF_ERROR(ReadText(first ? rows : nullptr));
      } else if (first) {
        *affected =
            static_cast<int64_t>(mysql_affected_rows(connection_.get()));
      }
      first = false;
      const int next = mysql_next_result(connection_.get());
      if (next < 0) return absl::OkStatus();
      if (next > 0) return MysqlErrorOf(connection_.get());
    }
  }

  absl::Status ReadText(ResultSet* rows) {
    const Result result(mysql_use_result(connection_.get()));
    if (result == nullptr) return MysqlErrorOf(connection_.get());
    const unsigned count = mysql_num_fields(result.get());
    const MYSQL_FIELD* fields = mysql_fetch_fields(result.get());
    for (unsigned i = 0; rows != nullptr && i < count; ++i) {
      rows->AddColumn({fields[i].name, fields[i].name_length});
    }
    while (const MYSQL_ROW row = mysql_fetch_row(result.get())) {
      if (rows == nullptr) continue;
      const unsigned long* lengths = mysql_fetch_lengths(result.get());
      for (unsigned i = 0; i < count; ++i) {
        if (row[i] == nullptr) {
          rows->AppendNull();
        } else {
          AppendTextField(fields[i], {row[i], lengths[i]}, rows);
        }
      }
    }
    return mysql_errno(connection_.get()) == 0
               ? absl::OkStatus()
               : MysqlErrorOf(connection_.get());
  }

  const Url url_;
  const ConnectOptions options_;
  const Connection connection_;
  const unsigned long thread_id_;
  Capabilities capabilities_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Session>> ConnectMysqlNative(
    const Url& url, const ConnectOptions& options) {
  OPSBENCH_ASSIGN_OR_RETURN(Connection connection,
                            OpenConnection(url, options));
  auto session =
      std::make_unique<MysqlNativeSession>(url, options, std::move(connection));
  OPSBENCH_RETURN_IF_ERROR(session->ReadCapabilities());
  return session;
}

}  // namespace opsbench::internal
