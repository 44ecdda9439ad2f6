// The same contract on MySQL Connector/C++ 1.1 (its JDBC-like interface), for
// ordinary work and to show what the Connector costs over the C client that it
// stands on. Its exceptions end here.

#include <cppconn/datatype.h>
#include <cppconn/exception.h>
#include <cppconn/parameter_metadata.h>
#include <cppconn/prepared_statement.h>
#include <cppconn/resultset.h>
#include <cppconn/statement.h>
#include <mysql_connection.h>
#include <mysql_driver.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/internal/adapters.h"
#include "opsbench/db/internal/multi_row.h"
#include "opsbench/db/internal/mysql_errors.h"
#include "opsbench/db/internal/mysql_server.h"
#include "opsbench/db/internal/mysql_time.h"

namespace opsbench::internal {
namespace {

// Runs `work`, which returns a Status or StatusOr; exceptions become statuses.
template <typename Work>
auto Guard(const Work& work) -> decltype(work()) {
  try {
    return work();
  } catch (const sql::SQLException& error) {
    const int number = error.getErrorCode();
    if (number == 0) {
      // The Connector's own complaints have no number.
      return absl::InternalError(
          absl::StrCat("MySQL Connector/C++: ", error.what()));
    }
    return StatusOfMysqlError(static_cast<unsigned>(number), error.what());
  } catch (const std::exception& error) {
    return absl::InternalError(
        absl::StrCat("MySQL Connector/C++: ", error.what()));
  }
}

sql::SQLString ToSql(absl::string_view text) {
  return text.empty() ? sql::SQLString()
                      : sql::SQLString(text.data(), text.size());
}

absl::string_view ViewOf(const sql::SQLString& text) {
  return {text.c_str(), text.length()};
}

enum class Kind {
  kInteger,
  kUnsigned,
  kDouble,
  kTimestamp,
  kTime,
  kText,
  kBytes
};

Kind KindOf(sql::ResultSetMetaData& metadata, unsigned column) {
  switch (metadata.getColumnType(column)) {
    case sql::DataType::TINYINT:
    case sql::DataType::SMALLINT:
    case sql::DataType::MEDIUMINT:
    case sql::DataType::INTEGER:
    case sql::DataType::BIGINT:
      return metadata.isSigned(column) ? Kind::kInteger : Kind::kUnsigned;
    case sql::DataType::YEAR:
      return Kind::kInteger;
    case sql::DataType::BIT:
      return Kind::kUnsigned;
    case sql::DataType::REAL:
    case sql::DataType::DOUBLE:
      return Kind::kDouble;
    case sql::DataType::TIMESTAMP:
      return Kind::kTimestamp;
    case sql::DataType::TIME:
      return Kind::kTime;
    case sql::DataType::BINARY:
    case sql::DataType::VARBINARY:
    case sql::DataType::LONGVARBINARY:
    case sql::DataType::GEOMETRY:
      return Kind::kBytes;
    default:
      return Kind::kText;
  }
}

void AppendTimestamp(absl::string_view text, ResultSet* rows) {
  CivilTime civil;
  if (ParseCivil(text, &civil) && IsDay(civil)) {
    rows->AppendTimestampUs(MicrosOf(civil));
  } else {
    rows->AppendText(text);
  }
}

void AppendColumn(sql::ResultSet& result, unsigned column, Kind kind,
                  ResultSet* rows) {
  switch (kind) {
    case Kind::kInteger: {
      const int64_t value = result.getInt64(column);
      return result.wasNull() ? rows->AppendNull() : rows->AppendInt64(value);
    }
    case Kind::kUnsigned: {
      const uint64_t value = result.getUInt64(column);
      if (result.wasNull()) return rows->AppendNull();
      if (static_cast<int64_t>(value) < 0) {
        return rows->AppendText(absl::StrCat(value));
      }
      return rows->AppendInt64(static_cast<int64_t>(value));
    }
    case Kind::kDouble: {
      const auto value = static_cast<double>(result.getDouble(column));
      return result.wasNull() ? rows->AppendNull() : rows->AppendDouble(value);
    }
    default:
      break;
  }
  const sql::SQLString text = result.getString(column);
  if (result.wasNull()) return rows->AppendNull();
  switch (kind) {
    case Kind::kTimestamp:
      return AppendTimestamp(ViewOf(text), rows);
    case Kind::kTime:
      return rows->AppendText(TrimFraction(ViewOf(text)));
    case Kind::kBytes:
      return rows->AppendBytes(ViewOf(text));
    default:
      return rows->AppendText(ViewOf(text));
  }
}

// Copies a result to `rows`, if somebody wants it, and returns its rows.
int64_t Copy(sql::ResultSet& result, ResultSet* rows) {
  std::vector<Kind> kinds;
  if (rows != nullptr) {
    sql::ResultSetMetaData* metadata = result.getMetaData();
    const unsigned columns = metadata->getColumnCount();
    for (unsigned i = 1; i <= columns; ++i) {
      rows->AddColumn(ViewOf(metadata->getColumnLabel(i)));
      kinds.push_back(KindOf(*metadata, i));
    }
  }
  int64_t count = 0;
  while (result.next()) {
    ++count;
    for (size_t i = 0; i < kinds.size(); ++i) {
      AppendColumn(result, static_cast<unsigned>(i) + 1, kinds[i], rows);
    }
  }
  return count;
}

// The first result of `statement`, which has been executed and has one. The
// connection is of no use until those behind it are read, too.
int64_t TakeResults(sql::Statement& statement, ResultSet* rows) {
  int64_t count;
  {
    const std::unique_ptr<sql::ResultSet> result(statement.getResultSet());
    count = Copy(*result, rows);
  }
  while (statement.getMoreResults()) {
    const std::unique_ptr<sql::ResultSet> result(statement.getResultSet());
    Copy(*result, nullptr);
  }
  return count;
}

class ConnectorStatement : public Statement {
 public:
  ConnectorStatement(std::unique_ptr<sql::PreparedStatement> statement,
                     bool is_call)
      : statement_(std::move(statement)),
        is_call_(is_call),
        has_rows_(statement_->getMetaData()->getColumnCount() > 0),
        parameters_(statement_->getParameterMetaData()->getParameterCount()) {}

  absl::StatusOr<int64_t> Execute(absl::Span<const Value> parameters,
                                  ResultSet* rows) override {
    if (static_cast<int>(parameters.size()) != parameters_) {
      return absl::InvalidArgumentError(
          absl::StrCat("the statement has ", parameters_, " parameters, got ",
                       parameters.size()));
    }
    if (rows != nullptr) rows->Clear();
    return Guard([&]() -> absl::StatusOr<int64_t> {
      streams_.clear();
      for (size_t i = 0; i < parameters.size(); ++i) {
        OPSBENCH_RETURN_IF_ERROR(
            Bind(static_cast<unsigned>(i) + 1, parameters[i]));
      }
      // Whether a CALL has a result is known when it has run.
      if (has_rows_ || is_call_) {
        if (statement_->execute()) return TakeResults(*statement_, rows);
        return int64_t{0};
      }
      return int64_t{statement_->executeUpdate()};
    });
  }

 private:
  absl::Status Bind(unsigned index, const Value& value) {
    switch (value.type()) {
      case Value::Type::kNull:
        statement_->setNull(index, sql::DataType::SQLNULL);
        break;
      case Value::Type::kInt64:
        statement_->setInt64(index, value.int64());
        break;
      case Value::Type::kDouble:
        statement_->setDouble(index, value.float64());
        break;
      case Value::Type::kTimestamp: {
        if (!FitsMysql(value.int64())) {
          return absl::InvalidArgumentError(
              absl::StrCat("MySQL: no DATETIME holds ", value.ToString()));
        }
        char text[TimestampFormatter::kMaxSize];
        const char* end = timestamps_.Append(value.int64(), text);
        statement_->setDateTime(index,
                                ToSql({text, static_cast<size_t>(end - text)}));
        break;
      }
      case Value::Type::kText:
        statement_->setString(index, ToSql(value.text()));
        break;
      case Value::Type::kBytes:
        // As a string they would be checked to be text.
        streams_.push_back(
            std::make_unique<std::istringstream>(std::string(value.text())));
        statement_->setBlob(index, streams_.back().get());
        break;
    }
    return absl::OkStatus();
  }

  const std::unique_ptr<sql::PreparedStatement> statement_;
  const bool is_call_;
  const bool has_rows_;
  const int parameters_;
  TimestampFormatter timestamps_;
  // The Connector reads them when it executes.
  std::vector<std::unique_ptr<std::istringstream>> streams_;
};

sql::Driver* DriverInstance() {
  // get_driver_instance() fills a map without a lock.
  static absl::Mutex mutex(absl::kConstInit);
  absl::MutexLock lock(&mutex);
  return sql::mysql::get_driver_instance();
}

absl::StatusOr<std::unique_ptr<sql::Connection>> OpenConnection(
    const Url& url, const ConnectOptions& options) {
  const absl::string_view host =
      url.host.empty() ? absl::string_view("127.0.0.1") : url.host;
  sql::ConnectOptionsMap map;
  if (url.socket.empty()) {
    map["hostName"] = sql::SQLString(absl::StrCat(
        "tcp://", absl::StrContains(host, ':') ? "[" : "", host,
        absl::StrContains(host, ':') ? "]" : "", ":", url.EffectivePort()));
  } else {
    map["hostName"] = sql::SQLString(absl::StrCat("unix://", url.socket));
  }
  map["userName"] = sql::SQLString(url.user);
  map["password"] = sql::SQLString(url.password);
  if (!url.database.empty()) map["schema"] = sql::SQLString(url.database);
  map["OPT_CONNECT_TIMEOUT"] =
      std::max(1, (options.connect_timeout_ms + 999) / 1000);
  map["OPT_CHARSET_NAME"] = sql::SQLString("utf8mb4");
  map["CLIENT_FOUND_ROWS"] = true;
  // Before the Connector's own first queries, which depend on it as well.
  map["preInit"] = ToSql(kMysqlSessionSetup);
  return Guard([&]() -> absl::StatusOr<std::unique_ptr<sql::Connection>> {
    return std::unique_ptr<sql::Connection>(DriverInstance()->connect(map));
  });
}

class MysqlConnectorSession : public Session {
 public:
  MysqlConnectorSession(Url url, const ConnectOptions& options,
                        std::unique_ptr<sql::Connection> connection)
      : url_(std::move(url)),
        options_(options),
        connection_(std::move(connection)) {}

  // load_data_local and bulk_binding stay false: the Connector has neither.
  absl::Status SetUp() {
    ResultSet rows;
    OPSBENCH_RETURN_IF_ERROR(Query("SELECT VERSION(), CONNECTION_ID()", &rows));
    connection_id_ = rows.at(0, 1).int64();
    return ParseMysqlVersion(rows.at(0, 0).text(), &capabilities_);
  }

  const Capabilities& capabilities() const override { return capabilities_; }

  absl::StatusOr<int64_t> Execute(absl::string_view sql) override {
    return RunText(sql, nullptr);
  }

  absl::Status Query(absl::string_view sql, ResultSet* rows) override {
    return RunText(sql, rows).status();
  }

  absl::StatusOr<std::unique_ptr<Statement>> Prepare(
      absl::string_view sql) override {
    return Guard([&]() -> absl::StatusOr<std::unique_ptr<Statement>> {
      return std::make_unique<ConnectorStatement>(
          std::unique_ptr<sql::PreparedStatement>(
              connection_->prepareStatement(ToSql(sql))),
          absl::StartsWithIgnoreCase(absl::StripLeadingAsciiWhitespace(sql),
                                     "CALL"));
    });
  }

  absl::Status Begin() override {
    if (in_transaction_) {
      return absl::FailedPreconditionError(
          "MySQL: a transaction is open already");
    }
    OPSBENCH_RETURN_IF_ERROR(Execute("START TRANSACTION").status());
    in_transaction_ = true;
    return absl::OkStatus();
  }
  absl::Status Commit() override { return End("COMMIT"); }
  absl::Status Rollback() override { return End("ROLLBACK"); }

  absl::StatusOr<int64_t> BulkLoad(absl::string_view table,
                                   absl::Span<const std::string> columns,
                                   RowIterator& rows,
                                   const BulkOptions& options) override {
    if (columns.empty()) {
      return absl::InvalidArgumentError("MySQL: a bulk load needs columns");
    }
    if (options.method != BulkMethod::kBest &&
        options.method != BulkMethod::kMultiRow) {
      return absl::UnimplementedError(
          "MySQL Connector/C++ loads by INSERT: use kBest or kMultiRow, or a "
          "session of the native driver");
    }
    // The server has nothing to end while a load waits for its next row.
    InterruptibleRows source(rows, load_cancelled_);
    return AllOrNothing(*this, in_transaction_, [&] {
      return InsertMultiRow(*this, table, columns, source);
    });
  }

  absl::StatusOr<int64_t> LastInsertId() override {
    ResultSet rows;
    OPSBENCH_RETURN_IF_ERROR(Query("SELECT LAST_INSERT_ID()", &rows));
    return rows.at(0, 0).int64();
  }

  absl::Status Ping() override { return Execute("DO 0").status(); }

  void Interrupt() override {
    load_cancelled_ = true;
    const auto other = OpenConnection(url_, options_);
    if (!other.ok()) return;
    Guard([&] {
      const std::unique_ptr<sql::Statement> statement(
          (*other)->createStatement());
      statement->execute(
          sql::SQLString(absl::StrCat("KILL QUERY ", connection_id_)));
      return absl::OkStatus();
    }).IgnoreError();
  }

 private:
  absl::Status End(absl::string_view sql) {
    in_transaction_ = false;
    return Execute(sql).status();
  }

  absl::StatusOr<int64_t> RunText(absl::string_view sql, ResultSet* rows) {
    if (rows != nullptr) rows->Clear();
    return Guard([&]() -> absl::StatusOr<int64_t> {
      const std::unique_ptr<sql::Statement> statement(
          connection_->createStatement());
      if (statement->execute(ToSql(sql))) return TakeResults(*statement, rows);
      return static_cast<int64_t>(statement->getUpdateCount());
    });
  }

  const Url url_;
  const ConnectOptions options_;
  const std::unique_ptr<sql::Connection> connection_;
  Capabilities capabilities_;
  int64_t connection_id_ = 0;
  std::atomic<bool> load_cancelled_{false};
  // The Connector does not tell, so only Begin() counts.
  bool in_transaction_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Session>> ConnectMysqlConnector(
    const Url& url, const ConnectOptions& options) {
  OPSBENCH_RETURN_IF_ERROR(CheckMysqlUrl(url));
  OPSBENCH_ASSIGN_OR_RETURN(auto connection, OpenConnection(url, options));
  auto session = std::make_unique<MysqlConnectorSession>(url, options,
                                                         std::move(connection));
  OPSBENCH_RETURN_IF_ERROR(session->SetUp());
  return session;
}

}  // namespace opsbench::internal
