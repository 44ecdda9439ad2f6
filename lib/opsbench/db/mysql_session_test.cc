// What is MySQL's own in a session, on a real server and through both client
// libraries.

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/db/session.h"
#include "opsbench/server/private_server.h"
#include "opsbench/testing/test_servers.h"

namespace opsbench {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Code = absl::StatusCode;
using Driver = ConnectOptions::Driver;

class MysqlSessionTest : public ::testing::TestWithParam<Driver> {
 protected:
  void SetUp() override {
    auto database = TestDatabase::Create(Engine::kMysql);
    ASSERT_TRUE(database.ok()) << database.status();
    database_ = *std::move(database);
    session_ = Open(database_->url());
    ASSERT_NE(session_, nullptr);
  }

  static ConnectOptions Options() {
    ConnectOptions options;
    options.driver = GetParam();
    return options;
  }

  static std::unique_ptr<Session> Open(const Url& url) {
    auto session = Connect(url, Options());
    EXPECT_TRUE(session.ok()) << session.status();
    return session.ok() ? *std::move(session) : nullptr;
  }

  int64_t Run(absl::string_view sql) {
    const auto affected = session_->Execute(sql);
    EXPECT_TRUE(affected.ok()) << sql << ": " << affected.status();
    return affected.value_or(-1);
  }

  std::unique_ptr<Statement> Prepare(absl::string_view sql) {
    auto statement = session_->Prepare(sql);
    EXPECT_TRUE(statement.ok()) << sql << ": " << statement.status();
    return statement.ok() ? *std::move(statement) : nullptr;
  }

  // Values of the first row, with what marks their type before them.
  static std::vector<std::string> FirstRow(const ResultSet& rows) {
    std::vector<std::string> row;
    if (rows.row_count() == 0) return row;
    for (size_t i = 0; i < rows.column_count(); ++i) {
      const Value value = rows.at(0, i);
      row.push_back(absl::StrCat(
          "NIDTBS"[static_cast<int>(value.type())] + std::string(":"),
          value.ToString()));
    }
    return row;
  }

  // Runs a query by the text and by the binary protocol, which must agree.
  std::vector<std::string> Select(absl::string_view sql) {
    ResultSet text, binary;
    const absl::Status queried = session_->Query(sql, &text);
    EXPECT_TRUE(queried.ok()) << queried;
    const auto statement = Prepare(sql);
    if (statement == nullptr) return {};
    const auto read = statement->Execute({}, &binary);
    EXPECT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(FirstRow(text), FirstRow(binary)) << sql;
    return FirstRow(binary);
  }

  std::unique_ptr<TestDatabase> database_;
  std::unique_ptr<Session> session_;
};

INSTANTIATE_TEST_SUITE_P(Drivers, MysqlSessionTest,
                         ::testing::Values(Driver::kNative, Driver::kConnector),
                         [](const auto& instance) {
                           return instance.param == Driver::kNative
                                      ? "Native"
                                      : "Connector";
                         });

TEST_P(MysqlSessionTest, KnowsItsServer) {
  const Capabilities& capabilities = session_->capabilities();
  EXPECT_EQ(capabilities.engine, Engine::kMysql);
  EXPECT_TRUE(capabilities.flavour == "MariaDB" ||
              capabilities.flavour == "MySQL");
  EXPECT_GE(capabilities.version_number, 50'700);
  ResultSet rows;
  ASSERT_TRUE(session_->Query("SELECT VERSION()", &rows).ok());
  EXPECT_EQ(rows.at(0, 0).text(), capabilities.version);
  const bool native = GetParam() == Driver::kNative;
  EXPECT_EQ(capabilities.bulk_binding,
            native && capabilities.flavour == "MariaDB");
}

TEST_P(MysqlSessionTest, IntegersKeepTheirRange) {
  Run("CREATE TABLE t (a TINYINT, b TINYINT UNSIGNED, c SMALLINT, "
      "d SMALLINT UNSIGNED, e MEDIUMINT, f MEDIUMINT UNSIGNED, g INT, "
      "h INT UNSIGNED, i BIGINT, j BIGINT UNSIGNED, k YEAR, l BIT(1), "
      "m BIT(64), n BOOLEAN)");
  Run("INSERT INTO t VALUES (-128, 255, -32768, 65535, -8388608, 16777215, "
      "-2147483648, 4294967295, -9223372036854775808, 9223372036854775807, "
      "2026, b'1', b'101', TRUE)");
  EXPECT_EQ(
      Select("SELECT * FROM t"),
      (std::vector<std::string>{
          "I:-128", "I:255", "I:-32768", "I:65535", "I:-8388608", "I:16777215",
          "I:-2147483648", "I:4294967295", "I:-9223372036854775808",
          "I:9223372036854775807", "I:2026", "I:1", "I:5", "I:1"}));
}

// Value has no unsigned 64-bit integer; a wrapped one would be a wrong answer.
TEST_P(MysqlSessionTest, UnsignedNumbersAbove2To63AreTextNotNegative) {
  EXPECT_EQ(Select("SELECT CAST(18446744073709551615 AS UNSIGNED)"),
            std::vector<std::string>{"T:18446744073709551615"});
}

TEST_P(MysqlSessionTest, OtherTypesArriveAsDocumented) {
  Run("CREATE TABLE t (a FLOAT, b DOUBLE, c DECIMAL(30, 4), d CHAR(5), "
      "e VARCHAR(20) CHARACTER SET latin1, f TEXT, g JSON, h ENUM('x', 'y'), "
      "i BINARY(3), j VARBINARY(9), k BLOB, l DATE, m TIME(3), n DATETIME(6), "
      "o TIMESTAMP(6), p INT)");
  Run("INSERT INTO t VALUES (0.1, 0.1, 12345678901234567890.1234, 'ab', "
      "'gr\xc3\xbc\xc3\x9f', '\xf0\x9f\x98\x80', '{\"a\": 1}', 'y', "
      "X'00FF10', X'', X'C328', '2026-01-31', '-838:59:58.999', "
      "'2026-01-31 23:59:59.123456', '2026-01-31 23:59:59.5', NULL)");
  EXPECT_EQ(Select("SELECT * FROM t"),
            (std::vector<std::string>{
                absl::StrCat("D:", static_cast<double>(0.1f)), "D:0.1",
                "T:12345678901234567890.1234", "T:ab", "T:gr\xc3\xbc\xc3\x9f",
                "T:\xf0\x9f\x98\x80", "T:{\"a\": 1}", "T:y", "B:00ff10",
                "B:", "B:c328", "T:2026-01-31", "T:-838:59:58.999",
                "S:2026-01-31 23:59:59.123456", "S:2026-01-31 23:59:59.500000",
                "N:NULL"}));
}

TEST_P(MysqlSessionTest, TimestampsKeepTheirMicrosecondsInUtc) {
  Run("CREATE TABLE t (a DATETIME(6))");
  const auto insert = Prepare("INSERT INTO t VALUES (?)");
  const auto select = Prepare("SELECT a, CAST(a AS CHAR) FROM t");
  ASSERT_TRUE(insert != nullptr && select != nullptr);
  const struct {
    int64_t us;
    const char* text;
  } cases[] = {
      {0, "1970-01-01 00:00:00.000000"},
      {-1, "1969-12-31 23:59:59.999999"},
      {1, "1970-01-01 00:00:00.000001"},
      {1'769'903'999'123'456, "2026-01-31 23:59:59.123456"},
      {951'782'400'000'000, "2000-02-29 00:00:00.000000"},
      {-30'610'224'000'000'000, "1000-01-01 00:00:00.000000"},
      {253'402'300'799'999'999, "9999-12-31 23:59:59.999999"},
  };
  ResultSet rows;
  for (const auto& expected : cases) {
    Run("DELETE FROM t");
    const Value value = Value::TimestampUs(expected.us);
    ASSERT_TRUE(insert->Execute({value}, nullptr).ok()) << expected.text;
    ASSERT_TRUE(select->Execute({}, &rows).ok());
    EXPECT_EQ(rows.at(0, 0).type(), Value::Type::kTimestamp);
    EXPECT_EQ(rows.at(0, 0).int64(), expected.us);
    EXPECT_EQ(rows.at(0, 1).ToString(), expected.text);
  }
  for (const int64_t us : {std::numeric_limits<int64_t>::min(),
                           int64_t{253'402'300'800'000'000}}) {
    EXPECT_EQ(
        insert->Execute({Value::TimestampUs(us)}, nullptr).status().code(),
        Code::kInvalidArgument);
  }
}

TEST_P(MysqlSessionTest, ADateThatIsNoDayIsText) {
  Run("CREATE TABLE t (a DATETIME)");
  Run("SET sql_mode = ''");
  Run("INSERT INTO t VALUES ('0000-00-00')");
  EXPECT_EQ(Select("SELECT a FROM t"),
            std::vector<std::string>{"T:0000-00-00 00:00:00"});
}

// The addresses and types of parameters change from one execution to the next.
TEST_P(MysqlSessionTest, AParameterMayChangeItsTypeAndSize) {
  const auto statement = Prepare("SELECT CAST(? AS CHAR), ? IS NULL");
  ASSERT_NE(statement, nullptr);
  const std::string big(300'000, 'x');
  const std::string inlined(256, 'y'), above(257, 'z');
  const std::pair<Value, std::string> cases[] = {
      {Value::Null(), "NULL"},
      {Value::Text("short"), "short"},
      {Value::Text(""), ""},
      {Value::Text({}), ""},
      {Value::Text(big), big},
      {Value::Text(inlined), inlined},
      {Value::Text(above), above},
      {Value::Null(), "NULL"},
      {Value::Text(inlined), inlined},
      {Value::Int64(-7), "-7"},
      {Value::Double(0.5), "0.5"},
      {Value::Int64(std::numeric_limits<int64_t>::min()),
       "-9223372036854775808"},
      {Value::Null(), "NULL"},
      {Value::Int64(8), "8"},
  };
  ResultSet rows;
  for (const auto& [value, text] : cases) {
    const auto read = statement->Execute({value, value}, &rows);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(rows.at(0, 0).ToString(), text);
    EXPECT_EQ(rows.at(0, 1).int64(), value.is_null());
  }
}

TEST_P(MysqlSessionTest, BytesAreNotText) {
  Run("CREATE TABLE t (a BLOB)");
  const auto insert = Prepare("INSERT INTO t VALUES (?)");
  ASSERT_NE(insert, nullptr);
  std::string all;
  for (int c = 0; c < 256; ++c) all.push_back(static_cast<char>(c));
  ASSERT_TRUE(insert->Execute({Value::Bytes(all)}, nullptr).ok());
  ResultSet rows;
  ASSERT_TRUE(session_->Query("SELECT a, LENGTH(a) FROM t", &rows).ok());
  EXPECT_EQ(rows.at(0, 0), Value::Bytes(all));
  EXPECT_EQ(rows.at(0, 1).int64(), 256);
}

// Long values after short ones do not fit what the short ones needed.
TEST_P(MysqlSessionTest, TextOfAnyLengthArrivesWhole) {
  Run("CREATE TABLE t (id INT PRIMARY KEY, a LONGTEXT, b INT)");
  const auto insert = Prepare("INSERT INTO t VALUES (?, ?, ?)");
  ASSERT_NE(insert, nullptr);
  const size_t sizes[] = {0,      1,      250,    251,       65'535, 65'536,
                          16'383, 70'000, 16'384, 5'000'000, 3};
  int64_t id = 0;
  for (const size_t size : sizes) {
    const std::string text(size, static_cast<char>('a' + id));
    const auto inserted = insert->Execute(
        {Value::Int64(id), Value::Text(text), Value::Int64(-id)}, nullptr);
    ASSERT_TRUE(inserted.ok()) << inserted.status();
    ++id;
  }
  const auto select = Prepare("SELECT a, b FROM t ORDER BY id");
  ASSERT_NE(select, nullptr);
  ResultSet rows;
  for (int run = 0; run < 2; ++run) {
    const auto read = select->Execute({}, &rows);
    ASSERT_TRUE(read.ok()) << read.status();
    ASSERT_EQ(rows.row_count(), std::size(sizes));
    EXPECT_EQ(*read, static_cast<int64_t>(std::size(sizes)));
    for (size_t i = 0; i < std::size(sizes); ++i) {
      const std::string text(sizes[i], static_cast<char>('a' + i));
      EXPECT_TRUE(rows.at(i, 0) == Value::Text(text)) << i;
      EXPECT_EQ(rows.at(i, 1).int64(), -static_cast<int64_t>(i));
    }
  }
}

// NULLs are bits beside the row, eight columns a byte from the third bit on.
TEST_P(MysqlSessionTest, NullsAreFoundInAnyColumn) {
  for (int null = 0; null < 20; ++null) {
    std::string sql = "SELECT ";
    std::vector<std::string> expected;
    for (int i = 0; i < 20; ++i) {
      absl::StrAppend(&sql, i > 0 ? ", " : "",
                      i == null ? std::string("NULL") : absl::StrCat(i));
      expected.push_back(i == null ? "N:NULL" : absl::StrCat("I:", i));
    }
    EXPECT_EQ(Select(sql), expected);
  }
}

TEST_P(MysqlSessionTest, ACallDeliversItsFirstResultAndDrainsTheRest) {
  Run("CREATE TABLE t (a INT)");
  Run("CREATE PROCEDURE two(IN p INT) BEGIN "
      "SELECT p AS first, 'x' AS second; "
      "SELECT 1.5e0 AS other UNION ALL SELECT 2.5e0; "
      "INSERT INTO t VALUES (p); END");
  Run("CREATE PROCEDURE none(IN p INT) INSERT INTO t VALUES (p), (p)");
  const auto two = Prepare("CALL two(?)");
  const auto none = Prepare("CALL none(?)");
  ASSERT_TRUE(two != nullptr && none != nullptr);
  ResultSet rows;
  for (int64_t i = 0; i < 3; ++i) {
    const auto read = two->Execute({Value::Int64(i)}, &rows);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(*read, 1);
    EXPECT_EQ(rows.column_name(0), "first");
    EXPECT_EQ(FirstRow(rows),
              (std::vector<std::string>{absl::StrCat("I:", i), "T:x"}));
    const auto called = none->Execute({Value::Int64(i)}, &rows);
    ASSERT_TRUE(called.ok()) << called.status();
    EXPECT_EQ(rows.row_count(), 0);
    ASSERT_TRUE(two->Execute({Value::Int64(i)}, nullptr).ok());
  }
  ASSERT_TRUE(session_->Query("CALL two(9)", &rows).ok());
  EXPECT_EQ(FirstRow(rows), (std::vector<std::string>{"I:9", "T:x"}));
  Run("CALL two(10)");
  EXPECT_EQ(Select("SELECT COUNT(*) FROM t"), std::vector<std::string>{"I:14"});
}

// An error behind the first result must not be lost, nor the connection.
TEST_P(MysqlSessionTest, AnErrorLateInACallIsReported) {
  Run("CREATE PROCEDURE late() BEGIN SELECT 1; "
      "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'too late'; END");
  const auto call = Prepare("CALL late()");
  ASSERT_NE(call, nullptr);
  ResultSet rows;
  const auto called = call->Execute({}, &rows);
  EXPECT_EQ(called.status().code(), Code::kInvalidArgument) << called.status();
  EXPECT_THAT(std::string(called.status().message()), HasSubstr("too late"));
  EXPECT_TRUE(session_->Ping().ok());
}

// A statement outlives a change of its columns' types. The library cannot
// follow one of their number, and says so.
TEST_P(MysqlSessionTest, AStatementSeesTheColumnsOfTheDay) {
  Run("CREATE TABLE t (a INT)");
  Run("INSERT INTO t VALUES (1)");
  auto select = Prepare("SELECT * FROM t");
  ASSERT_NE(select, nullptr);
  ResultSet rows;
  ASSERT_TRUE(select->Execute({}, &rows).ok());
  EXPECT_EQ(FirstRow(rows), std::vector<std::string>{"I:1"});
  Run("ALTER TABLE t MODIFY a VARCHAR(10)");
  ASSERT_TRUE(select->Execute({}, &rows).ok());
  EXPECT_EQ(FirstRow(rows), std::vector<std::string>{"T:1"});
  Run("ALTER TABLE t ADD b DOUBLE DEFAULT 2.5");
  EXPECT_EQ(select->Execute({}, &rows).status().code(),
            Code::kFailedPrecondition);
  select.reset();
  EXPECT_EQ(Select("SELECT * FROM t"),
            (std::vector<std::string>{"T:1", "D:2.5"}));
}

TEST_P(MysqlSessionTest, AnUpdateCountsTheRowsThatItMatched) {
  Run("CREATE TABLE t (a INT)");
  EXPECT_EQ(Run("INSERT INTO t VALUES (1), (2), (3)"), 3);
  EXPECT_EQ(Run("UPDATE t SET a = 1 WHERE a < 3"), 2);
  const auto update = Prepare("UPDATE t SET a = ? WHERE a = ?");
  ASSERT_NE(update, nullptr);
  EXPECT_EQ(
      update->Execute({Value::Int64(1), Value::Int64(1)}, nullptr).value(), 2);
}

TEST_P(MysqlSessionTest, TellsTheIdThatAnInsertMade) {
  Run("CREATE TABLE t (id BIGINT PRIMARY KEY AUTO_INCREMENT, a INT)");
  Run("INSERT INTO t (a) VALUES (1), (2)");
  EXPECT_EQ(session_->LastInsertId().value(), 1);
  const auto insert = Prepare("INSERT INTO t (a) VALUES (?)");
  ASSERT_NE(insert, nullptr);
  ASSERT_TRUE(insert->Execute({Value::Int64(3)}, nullptr).ok());
  EXPECT_EQ(session_->LastInsertId().value(), 3);
  Run("UPDATE t SET a = 4");
  EXPECT_EQ(session_->LastInsertId().value(), 3);
}

TEST_P(MysqlSessionTest, WhatDoesNotFitIsAnErrorNotAnotherValue) {
  Run("CREATE TABLE t (a TINYINT, b VARCHAR(3), c DATE, d INT NOT NULL)");
  for (const char* sql : {"INSERT INTO t VALUES (300, 'x', NULL, 1)",
                          "INSERT INTO t VALUES (1, 'long', NULL, 1)",
                          "INSERT INTO t VALUES (1, 'x', '2026-02-30', 1)",
                          "INSERT INTO t VALUES (1, 'x', '0000-00-00', 1)",
                          "INSERT INTO t VALUES (1, 'x', NULL, NULL)",
                          "INSERT INTO t (a) VALUES (1)",
                          "INSERT INTO t VALUES (1)", "SELEKT 1", ""}) {
    EXPECT_EQ(session_->Execute(sql).status().code(), Code::kInvalidArgument)
        << sql;
  }
  EXPECT_EQ(Select("SELECT COUNT(*) FROM t"), std::vector<std::string>{"I:0"});
}

TEST_P(MysqlSessionTest, ErrorsHaveTheCodesOfTheContract) {
  Run("CREATE TABLE t (a INT PRIMARY KEY)");
  Run("INSERT INTO t VALUES (1)");
  const std::pair<const char*, Code> cases[] = {
      {"INSERT INTO t VALUES (1)", Code::kAlreadyExists},
      {"CREATE TABLE t (a INT)", Code::kAlreadyExists},
      {"SELECT * FROM missing", Code::kNotFound},
      {"SELECT missing FROM t", Code::kNotFound},
      {"SELECT missing(1)", Code::kNotFound},
      {"USE missing", Code::kNotFound},
      {"DROP TABLE missing", Code::kNotFound},
  };
  for (const auto& [sql, code] : cases) {
    EXPECT_EQ(session_->Execute(sql).status().code(), code) << sql;
  }
  const auto insert = Prepare("INSERT INTO t VALUES (?)");
  ASSERT_NE(insert, nullptr);
  EXPECT_EQ(insert->Execute({Value::Int64(1)}, nullptr).status().code(),
            Code::kAlreadyExists);
  EXPECT_TRUE(insert->Execute({Value::Int64(2)}, nullptr).ok());
  EXPECT_EQ(insert->Execute({}, nullptr).status().code(),
            Code::kInvalidArgument);
  EXPECT_EQ(session_->Prepare("SELECT * FROM missing").status().code(),
            Code::kNotFound);
}

TEST_P(MysqlSessionTest, BeginInATransactionDoesNotCommitIt) {
  Run("CREATE TABLE t (a INT)");
  ASSERT_TRUE(session_->Begin().ok());
  Run("INSERT INTO t VALUES (1)");
  EXPECT_EQ(session_->Begin().code(), Code::kFailedPrecondition);
  ASSERT_TRUE(session_->Rollback().ok());
  EXPECT_EQ(Select("SELECT COUNT(*) FROM t"), std::vector<std::string>{"I:0"});
}

TEST_P(MysqlSessionTest, ALockThatIsNotHadIsDeadlineExceeded) {
  Run("CREATE TABLE t (a INT PRIMARY KEY)");
  Run("INSERT INTO t VALUES (1)");
  const auto other = Open(database_->url());
  ASSERT_NE(other, nullptr);
  ASSERT_TRUE(other->Begin().ok());
  ASSERT_TRUE(other->Execute("UPDATE t SET a = 2").ok());
  Run("SET innodb_lock_wait_timeout = 1");
  EXPECT_EQ(session_->Execute("UPDATE t SET a = 3").status().code(),
            Code::kDeadlineExceeded);
}

TEST_P(MysqlSessionTest, RefusedConnectionsSayWhyWithoutThePassword) {
  Url url = database_->url();
  url.password = "s3cret-and-wrong";
  absl::Status status = Connect(url, Options()).status();
  EXPECT_EQ(status.code(), Code::kUnauthenticated) << status;
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr(url.password)));

  status =
      Connect(database_->url().WithDatabase("missing"), Options()).status();
  EXPECT_EQ(status.code(), Code::kNotFound) << status;

  url = database_->url();
  url.socket.clear();
  url.host = "127.0.0.1";
  url.port = 1;  // Nobody listens there.
  status = Connect(url, Options()).status();
  EXPECT_EQ(status.code(), Code::kUnavailable) << status;

  url.host.clear();
  url.socket = "/nowhere/mysqld.sock";
  status = Connect(url, Options()).status();
  EXPECT_EQ(status.code(), Code::kUnavailable) << status;

  url = database_->url();
  url.parameters["timeout"] = "1";
  status = Connect(url, Options()).status();
  EXPECT_EQ(status.code(), Code::kInvalidArgument) << status;
}

TEST_P(MysqlSessionTest, AMissingPrivilegeIsPermissionDenied) {
  const std::string user = absl::StrCat("u_", database_->url().database);
  Run("CREATE TABLE t (a INT)");
  for (const char* host : {"127.0.0.1", "localhost"}) {
    Run(absl::StrCat("CREATE USER '", user, "'@'", host,
                     "' IDENTIFIED BY 'pw'"));
    Run(absl::StrCat("GRANT SELECT ON ", database_->url().database, ".t TO '",
                     user, "'@'", host, "'"));
  }
  Url url = database_->url();
  url.user = user;
  url.password = "pw";
  const auto limited = Open(url);
  if (limited != nullptr) {
    for (const char* sql :
         {"INSERT INTO t VALUES (1)", "CREATE DATABASE another",
          "SELECT * FROM mysql.db", "SET GLOBAL max_connections = 5"}) {
      EXPECT_EQ(limited->Execute(sql).status().code(), Code::kPermissionDenied)
          << sql;
    }
  }
  for (const char* host : {"127.0.0.1", "localhost"}) {
    Run(absl::StrCat("DROP USER '", user, "'@'", host, "'"));
  }
}

// Waits until the server runs the statement, so that the interruption hits it.
TEST_P(MysqlSessionTest, InterruptEndsARunningStatement) {
  ResultSet rows;
  ASSERT_TRUE(session_->Query("SELECT CONNECTION_ID()", &rows).ok());
  const std::string running = absl::StrCat(
      "SELECT COUNT(*) FROM information_schema.processlist WHERE id = ",
      rows.at(0, 0).int64(),
      // By its text: an earlier statement is listed for a moment after its end.
      " AND command IN ('Query', 'Execute') AND info LIKE 'WITH RECURSIVE%'");
  for (const bool prepared : {false, true}) {
    absl::Status ended;
    std::thread victim([&] {
      // SLEEP and BENCHMARK end without an error when they are interrupted.
      const char* const sql =
          "WITH RECURSIVE s AS (SELECT 1 AS n UNION ALL "
          "SELECT n + 1 FROM s WHERE n < 1000) "
          "SELECT COUNT(*) FROM s AS a, s AS b, s AS c, s AS d";
      if (prepared) {
        const auto statement = Prepare(sql);
        if (statement != nullptr) {
          ended = statement->Execute({}, nullptr).status();
        }
      } else {
        ended = session_->Execute(sql).status();
      }
    });
    const auto watcher = Open(database_->url());
    if (watcher != nullptr) {
      do {
        ASSERT_TRUE(watcher->Query(running, &rows).ok());
      } while (rows.at(0, 0).int64() == 0);
    }
    session_->Interrupt();
    victim.join();
    EXPECT_EQ(ended.code(), Code::kCancelled) << ended;
    EXPECT_TRUE(session_->Ping().ok());
  }
}

TEST_P(MysqlSessionTest, ThreadsWithSessionsOfTheirOwnDoNotMeet) {
  Run("CREATE TABLE t (worker INT, i INT, PRIMARY KEY (worker, i))");
  std::vector<std::thread> workers;
  for (int worker = 0; worker < 8; ++worker) {
    workers.emplace_back([&, worker] {
      const auto session = Open(database_->url());
      ASSERT_NE(session, nullptr);
      auto insert = session->Prepare("INSERT INTO t VALUES (?, ?)");
      ASSERT_TRUE(insert.ok()) << insert.status();
      for (int i = 0; i < 50; ++i) {
        ASSERT_TRUE(
            (*insert)
                ->Execute({Value::Int64(worker), Value::Int64(i)}, nullptr)
                .ok());
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  EXPECT_EQ(Select("SELECT COUNT(*), CAST(SUM(i) AS SIGNED) FROM t"),
            (std::vector<std::string>{"I:400", "I:9800"}));
}

// A server that dies takes its sessions along, and nothing hangs or crashes.
TEST_P(MysqlSessionTest, ALostServerIsUnavailable) {
  ServerOptions options;
  options.kind = ServerKind::kMysql;
  options.cache_bytes = int64_t{32} << 20;
  auto server = PrivateServer::Start(options);
  ASSERT_TRUE(server.ok()) << server.status();
  const auto url = Url::Parse((*server)->url());
  ASSERT_TRUE(url.ok());
  const auto session = Open(*url);
  ASSERT_NE(session, nullptr);
  auto statement = session->Prepare("SELECT ?");
  ASSERT_TRUE(statement.ok());
  ASSERT_TRUE((*server)->Kill().ok());
  ResultSet rows;
  EXPECT_EQ((*statement)->Execute({Value::Int64(1)}, &rows).status().code(),
            Code::kUnavailable);
  EXPECT_EQ(session->Query("SELECT 1", &rows).code(), Code::kUnavailable);
  EXPECT_EQ(session->Prepare("SELECT 1").status().code(), Code::kUnavailable);
  EXPECT_EQ(session->Ping().code(), Code::kUnavailable);
  EXPECT_EQ(session->Begin().code(), Code::kUnavailable);
  session->Interrupt();
}

}  // namespace
}  // namespace opsbench
