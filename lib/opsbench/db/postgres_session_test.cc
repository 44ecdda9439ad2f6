// What is PostgreSQL's own in a session, on a real server. What all engines
// have in common is in session_conformance_test.cc.

#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
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

class PostgresSessionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto database = TestDatabase::Create(Engine::kPostgres);
    ASSERT_TRUE(database.ok()) << database.status();
    database_ = *std::move(database);
    session_ = Open(database_->url());
    ASSERT_NE(session_, nullptr);
  }

  static std::unique_ptr<Session> Open(const Url& url) {
    auto session = Connect(url);
    EXPECT_TRUE(session.ok()) << session.status();
    return session.ok() ? *std::move(session) : nullptr;
  }

  void Run(absl::string_view sql) {
    const absl::Status status = session_->Execute(sql).status();
    ASSERT_TRUE(status.ok()) << sql << ": " << status;
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

  // Runs a query in text and in binary, which must agree.
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

  // Sends `value` as a parameter of `type` and returns what comes back.
  std::string Echo(absl::string_view type, const Value& value) {
    const auto statement = Prepare(absl::StrCat("SELECT $1::", type));
    if (statement == nullptr) return "";
    ResultSet rows;
    const auto read = statement->Execute({value}, &rows);
    return read.ok() ? FirstRow(rows)[0] : std::string(read.status().message());
  }

  std::unique_ptr<TestDatabase> database_;
  std::unique_ptr<Session> session_;
};

TEST_F(PostgresSessionTest, KnowsItsServer) {
  const Capabilities& capabilities = session_->capabilities();
  EXPECT_EQ(capabilities.engine, Engine::kPostgres);
  EXPECT_EQ(capabilities.flavour, "PostgreSQL");
  EXPECT_TRUE(capabilities.copy_binary);
  EXPECT_TRUE(capabilities.descending_index);
  EXPECT_FALSE(capabilities.load_data_local);
  EXPECT_FALSE(capabilities.bulk_binding);
  ResultSet rows;
  ASSERT_TRUE(session_
                  ->Query("SELECT current_setting('server_version'), "
                          "current_setting('server_version_num')::int",
                          &rows)
                  .ok());
  EXPECT_EQ(rows.at(0, 0).text(), capabilities.version);
  EXPECT_EQ(rows.at(0, 1).int64(), capabilities.version_number);
  EXPECT_GE(capabilities.version_number, 90'000);
  // "Can be created" is put to the proof.
  EXPECT_EQ(session_->Execute("CREATE EXTENSION ltree").ok(),
            capabilities.ltree);
}

TEST_F(PostgresSessionTest, TypesArriveAsDocumentedInTextAndInBinary) {
  EXPECT_EQ(Select("SELECT '-32768'::int2, '-2147483648'::int4, "
                   "'-9223372036854775808'::int8, 9223372036854775807, "
                   "4294967295::oid, true, false, 0.1::real, 0.1::float8, "
                   "'-Infinity'::float8, 'NaN'::float4, NULL::int"),
            (std::vector<std::string>{
                "I:-32768", "I:-2147483648", "I:-9223372036854775808",
                "I:9223372036854775807", "I:4294967295", "I:1", "I:0",
                absl::StrCat("D:", static_cast<double>(0.1f)), "D:0.1",
                "D:-inf", "D:nan", "N:NULL"}));
  EXPECT_EQ(Select("SELECT 'a'::text, 'b'::varchar(3), 'c'::char(3), ''::text, "
                   "'gr\xc3\xbc\xc3\x9f'::name, '{\"a\": [1]}'::json, "
                   "'{\"a\":  1}'::jsonb, '\\x00ff10'::bytea, ''::bytea"),
            (std::vector<std::string>{
                "T:a", "T:b", "T:c  ", "T:", "T:gr\xc3\xbc\xc3\x9f",
                "T:{\"a\": [1]}", "T:{\"a\": 1}", "B:00ff10", "B:"}));
  // One type without a binary form makes the whole result text.
  EXPECT_EQ(Select("SELECT 12345678901234567890.1234::numeric, "
                   "'2026-01-31'::date, 'x'::text, 7, 0.1::real, "
                   "'2026-01-31 23:59:59.5'::timestamp, '\\x00ff'::bytea"),
            (std::vector<std::string>{
                "T:12345678901234567890.1234", "T:2026-01-31", "T:x", "I:7",
                absl::StrCat("D:", static_cast<double>(0.1f)),
                "S:2026-01-31 23:59:59.500000", "B:00ff"}));
}

TEST_F(PostgresSessionTest, DoublesKeepAllTheirBits) {
  const double cases[] = {1.0 / 3,
                          -0.0,
                          std::numeric_limits<double>::denorm_min(),
                          std::numeric_limits<double>::max(),
                          -std::numeric_limits<double>::infinity(),
                          std::nan("")};
  const auto echo = Prepare("SELECT $1::float8");
  // By way of text, which a numeric column needs.
  const auto text = Prepare("SELECT $1::numeric::float8");
  ASSERT_TRUE(echo != nullptr && text != nullptr);
  ResultSet rows;
  for (const double number : cases) {
    ASSERT_TRUE(echo->Execute({Value::Double(number)}, &rows).ok());
    const double back = rows.at(0, 0).float64();
    if (std::isnan(number)) {
      EXPECT_TRUE(std::isnan(back));
      continue;
    }
    EXPECT_EQ(back, number);
    EXPECT_EQ(std::signbit(back), std::signbit(number));
    if (std::isinf(number)) continue;
    ASSERT_TRUE(text->Execute({Value::Double(number)}, &rows).ok());
    EXPECT_EQ(rows.at(0, 0).float64(), number);
  }
}

TEST_F(PostgresSessionTest, TimestampsKeepTheirMicrosecondsInUtc) {
  const struct {
    int64_t us;
    const char* text;
  } cases[] = {
      {0, "1970-01-01 00:00:00"},
      {-1, "1969-12-31 23:59:59.999999"},
      {1, "1970-01-01 00:00:00.000001"},
      {946'684'800'000'000, "2000-01-01 00:00:00"},
      {1'769'903'999'123'456, "2026-01-31 23:59:59.123456"},
      {253'402'300'800'000'000, "10000-01-01 00:00:00"},
      {-62'135'596'800'000'001, "0001-12-31 23:59:59.999999 BC"},
      {-210'866'803'200'000'000, "4714-11-24 00:00:00 BC"},
      {9'223'372'036'854'775'807, "294247-01-10 04:00:54.775807"},
  };
  for (const char* type : {"timestamp", "timestamptz"}) {
    const auto statement = Prepare(absl::StrCat(
        "SELECT $1::", type, ", replace($1::", type, "::text, '+00', '')"));
    ASSERT_NE(statement, nullptr);
    for (const auto& expected : cases) {
      ResultSet rows;
      const auto read =
          statement->Execute({Value::TimestampUs(expected.us)}, &rows);
      ASSERT_TRUE(read.ok()) << read.status();
      EXPECT_EQ(rows.at(0, 0).type(), Value::Type::kTimestamp);
      EXPECT_EQ(rows.at(0, 0).int64(), expected.us);
      EXPECT_EQ(rows.at(0, 1).ToString(), expected.text);
      // The text of a query has to be understood as well.
      const auto selected = Select(absl::StrCat(
          "SELECT '", expected.text,
          absl::EndsWith(expected.text, "BC") ? "" : "+00", "'::", type));
      EXPECT_EQ(selected[0],
                absl::StrCat("S:", Value::TimestampUs(expected.us).ToString()));
    }
    for (const int64_t us :
         {std::numeric_limits<int64_t>::min(),
          std::numeric_limits<int64_t>::min() + 946'684'800'000'000,
          int64_t{-210'866'803'200'000'001}}) {
      EXPECT_EQ(
          statement->Execute({Value::TimestampUs(us)}, nullptr).status().code(),
          Code::kInvalidArgument)
          << us;
    }
  }
}

// A wrapped number would be a wrong answer.
TEST_F(PostgresSessionTest, TimestampsThatDoNotFitAreText) {
  EXPECT_EQ(Select("SELECT 'infinity'::timestamp, '-infinity'::timestamptz, "
                   "'294276-12-31 23:59:59.5'::timestamp, "
                   "'294247-01-10 04:00:54.775808+00'::timestamptz"),
            (std::vector<std::string>{"T:infinity", "T:-infinity",
                                      "T:294276-12-31 23:59:59.5",
                                      "T:294247-01-10 04:00:54.775808+00"}));
}

TEST_F(PostgresSessionTest, ATimeZoneOfTheSessionDoesNotMoveTimestamps) {
  for (const char* zone : {"UTC", "Asia/Kolkata", "America/St_Johns"}) {
    Run(absl::StrCat("SET TIME ZONE '", zone, "'"));
    EXPECT_EQ(Select("SELECT '2026-01-31 12:00:00+00'::timestamptz"),
              std::vector<std::string>{"S:2026-01-31 12:00:00.000000"})
        << zone;
  }
}

// The same value goes into each type by one rule, whatever carries it.
TEST_F(PostgresSessionTest, ParametersConvertOrAreRefused) {
  EXPECT_EQ(Echo("int2", Value::Int64(-32768)), "I:-32768");
  EXPECT_EQ(Echo("int8", Value::Text("42")), "I:42");
  EXPECT_EQ(Echo("bool", Value::Text("yes")), "I:1");
  EXPECT_EQ(Echo("float8", Value::Int64(7)), "D:7");
  EXPECT_EQ(Echo("real", Value::Double(1e300 * 1e300)), "D:inf");
  EXPECT_EQ(Echo("text", Value::Int64(-7)), "T:-7");
  EXPECT_EQ(Echo("varchar", Value::Double(1.0 / 3)), "T:0.3333333333333333");
  EXPECT_EQ(Echo("text", Value::TimestampUs(500'000)),
            "T:1970-01-01 00:00:00.500000");
  EXPECT_EQ(Echo("text", Value::Bytes("raw")), "T:raw");
  EXPECT_EQ(Echo("bytea", Value::Text("a\\000b")), "B:615c30303062");
  EXPECT_EQ(Echo("numeric", Value::Double(1e-7)), "T:0.0000001");
  EXPECT_EQ(Echo("date", Value::Text("2026-01-31")), "T:2026-01-31");
  EXPECT_EQ(Echo("jsonb", Value::Text("{\"b\":1,\"a\":2}")),
            "T:{\"a\": 2, \"b\": 1}");
  EXPECT_EQ(Echo("int[]", Value::Text("{1,2}")), "T:{1,2}");
  EXPECT_EQ(Echo("oid", Value::Int64(4'294'967'295)), "I:4294967295");
  // Of a type that is not known here, bytes are the binary form.
  EXPECT_EQ(Echo("uuid", Value::Bytes("0123456789abcdef")),
            "T:30313233-3435-3637-3839-616263646566");

  const std::pair<const char*, Value> refused[] = {
      {"int2", Value::Int64(32768)},
      {"int4", Value::Int64(int64_t{1} << 31)},
      {"int8", Value::Double(1)},
      {"int8", Value::TimestampUs(1)},
      {"int8", Value::Text("x")},
      {"int8", Value::Bytes("12345678")},
      {"oid", Value::Int64(-1)},
      {"oid", Value::Int64(4'294'967'296)},
      {"bool", Value::Double(1)},
      {"real", Value::Double(1e300)},
      {"timestamp", Value::Int64(0)},
      {"timestamptz", Value::Text("yesterdayish")},
      {"bytea", Value::Int64(1)},
      {"jsonb", Value::Text("{")},
      {"jsonb", Value::Int64(1)},
      {"json", Value::Text("nothing")},
      {"text", Value::Text("\xff")},
      {"text", Value::Text(absl::string_view("a\0b", 3))},
      {"jsonb", Value::Text(absl::string_view("\"a\0b\"", 5))},
      {"jsonb", Value::Text("\"\\u0000\"")},
      {"numeric", Value::Text(absl::string_view("1\0", 2))},
      {"varchar", Value::Bytes(absl::string_view("\0", 1))},
  };
  for (const auto& [type, value] : refused) {
    const auto statement = Prepare(absl::StrCat("SELECT $1::", type));
    ASSERT_NE(statement, nullptr);
    const absl::Status status = statement->Execute({value}, nullptr).status();
    EXPECT_EQ(status.code(), Code::kInvalidArgument)
        << type << " " << value.ToString() << ": " << status;
    EXPECT_TRUE(session_->Ping().ok());
  }
}

TEST_F(PostgresSessionTest, LtreeIsTextOnceItsExtensionIsThere) {
  if (!session_->capabilities().ltree) GTEST_SKIP() << "not installed";
  EXPECT_EQ(session_->Execute("CREATE TABLE t (path ltree)").status().code(),
            Code::kNotFound);
  Run("CREATE EXTENSION ltree");
  Run("CREATE TABLE t (path ltree)");
  const auto insert = Prepare("INSERT INTO t VALUES ($1)");
  ASSERT_NE(insert, nullptr);
  ASSERT_TRUE(insert->Execute({Value::Text("a.b_1.c")}, nullptr).ok());
  ASSERT_TRUE(insert->Execute({Value::Text("")}, nullptr).ok());
  ASSERT_TRUE(insert->Execute({Value::Null()}, nullptr).ok());
  EXPECT_EQ(insert->Execute({Value::Text("a..b")}, nullptr).status().code(),
            Code::kInvalidArgument);
  EXPECT_EQ(Select("SELECT path FROM t WHERE path <@ 'a.b_1'"),
            std::vector<std::string>{"T:a.b_1.c"});
  EXPECT_EQ(Select("SELECT COUNT(*), COUNT(path), ''::ltree FROM t"),
            (std::vector<std::string>{"I:3", "I:2", "T:"}));
}

// The values of one execution must not show in the next.
TEST_F(PostgresSessionTest, AParameterMayChangeItsTypeAndSize) {
  const auto statement =
      Prepare("SELECT $1::text, $2::float8, $1::text IS NULL");
  ASSERT_NE(statement, nullptr);
  const std::string big(300'000, 'x');
  const std::pair<Value, std::string> cases[] = {
      {Value::Null(), "N:NULL"},      {Value::Text("short"), "T:short"},
      {Value::Text(big), "T:" + big}, {Value::Null(), "N:NULL"},
      {Value::Text(""), "T:"},        {Value::Text({}), "T:"},
      {Value::Int64(-7), "T:-7"},     {Value::Null(), "N:NULL"},
      {Value::Double(0.5), "T:0.5"},  {Value::Text("end"), "T:end"},
  };
  ResultSet rows;
  for (const auto& [value, text] : cases) {
    const auto read = statement->Execute({value, Value::Text("0.25")}, &rows);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(FirstRow(rows),
              (std::vector<std::string>{text, "D:0.25",
                                        value.is_null() ? "I:1" : "I:0"}));
  }
}

TEST_F(PostgresSessionTest, AStatementWhoseColumnsChangedSaysSo) {
  Run("CREATE TABLE t (a INT)");
  Run("INSERT INTO t VALUES (1)");
  auto select = Prepare("SELECT * FROM t");
  ASSERT_NE(select, nullptr);
  ASSERT_TRUE(select->Execute({}, nullptr).ok());
  Run("ALTER TABLE t ALTER a TYPE TEXT");
  EXPECT_EQ(select->Execute({}, nullptr).status().code(),
            Code::kFailedPrecondition);
  select.reset();
  EXPECT_EQ(Select("SELECT * FROM t"), std::vector<std::string>{"T:1"});
}

TEST_F(PostgresSessionTest, ErrorsHaveTheCodesOfTheContract) {
  Run("CREATE TABLE t (a INT PRIMARY KEY, b INT NOT NULL CHECK (b > 0))");
  Run("INSERT INTO t VALUES (1, 1)");
  const std::pair<const char*, Code> cases[] = {
      {"INSERT INTO t VALUES (1, 1)", Code::kAlreadyExists},
      {"CREATE TABLE t (a INT)", Code::kAlreadyExists},
      {"CREATE SCHEMA public", Code::kAlreadyExists},
      {"ALTER TABLE t ADD a INT", Code::kAlreadyExists},
      {"SELECT missing FROM t", Code::kNotFound},
      {"SELECT missing(1)", Code::kNotFound},
      {"SELECT * FROM missing.t", Code::kNotFound},
      {"DROP TABLE missing", Code::kNotFound},
      {"DROP DATABASE missing", Code::kNotFound},
      {"INSERT INTO t VALUES (2, NULL)", Code::kInvalidArgument},
      {"INSERT INTO t VALUES (2, 0)", Code::kInvalidArgument},
      {"INSERT INTO t VALUES (2, 3000000000)", Code::kInvalidArgument},
      {"INSERT INTO t VALUES (1, 2, 3)", Code::kInvalidArgument},
      {"SELECT 1 / 0", Code::kInvalidArgument},
      {"SET statement_timeout = '1ms'; SELECT pg_sleep(60)",
       Code::kDeadlineExceeded},
  };
  for (const auto& [sql, code] : cases) {
    const absl::Status status = session_->Execute(sql).status();
    EXPECT_EQ(status.code(), code) << sql << ": " << status;
  }
  EXPECT_EQ(session_->LastInsertId().status().code(), Code::kUnimplemented);
}

// PostgreSQL answers COMMIT of a failed transaction with a plain ROLLBACK.
TEST_F(PostgresSessionTest, ATransactionThatFailedDoesNotCommit) {
  Run("CREATE TABLE t (a INT PRIMARY KEY)");
  ASSERT_TRUE(session_->Begin().ok());
  EXPECT_EQ(session_->Begin().code(), Code::kFailedPrecondition);
  Run("INSERT INTO t VALUES (1)");
  EXPECT_EQ(session_->Execute("INSERT INTO t VALUES (1)").status().code(),
            Code::kAlreadyExists);
  EXPECT_EQ(session_->Execute("INSERT INTO t VALUES (2)").status().code(),
            Code::kFailedPrecondition);
  EXPECT_EQ(session_->Prepare("SELECT 1").status().code(),
            Code::kFailedPrecondition);
  EXPECT_EQ(session_->Commit().code(), Code::kFailedPrecondition);
  EXPECT_EQ(Select("SELECT COUNT(*) FROM t"), std::vector<std::string>{"I:0"});
  ASSERT_TRUE(session_->Begin().ok());
  Run("INSERT INTO t VALUES (3)");
  ASSERT_TRUE(session_->Commit().ok());
  EXPECT_EQ(Select("SELECT COUNT(*) FROM t"), std::vector<std::string>{"I:1"});
}

// Each of two has what the other waits for: one of them has to give way.
TEST_F(PostgresSessionTest, ADeadlockIsAborted) {
  Run("CREATE TABLE t (id INT PRIMARY KEY, a INT)");
  Run("INSERT INTO t VALUES (1, 0), (2, 0)");
  const auto other = Open(database_->url());
  ASSERT_NE(other, nullptr);
  ASSERT_TRUE(session_->Begin().ok());
  ASSERT_TRUE(other->Begin().ok());
  Run("UPDATE t SET a = 1 WHERE id = 1");
  ASSERT_TRUE(other->Execute("UPDATE t SET a = 2 WHERE id = 2").ok());
  absl::Status first;
  std::thread waiter([&] {
    first = session_->Execute("UPDATE t SET a = 1 WHERE id = 2").status();
    if (!first.ok()) session_->Rollback().IgnoreError();
  });
  const absl::Status second =
      other->Execute("UPDATE t SET a = 2 WHERE id = 1").status();
  if (!second.ok()) other->Rollback().IgnoreError();
  waiter.join();
  EXPECT_NE(first.ok(), second.ok()) << first << ", " << second;
  EXPECT_EQ(first.ok() ? second.code() : first.code(), Code::kAborted)
      << first << ", " << second;
}

TEST_F(PostgresSessionTest, ASerialisationFailureIsAborted) {
  Run("CREATE TABLE t (id INT PRIMARY KEY, a INT)");
  Run("INSERT INTO t VALUES (1, 0)");
  ASSERT_TRUE(session_->Begin().ok());
  Run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
  EXPECT_EQ(Select("SELECT a FROM t"), std::vector<std::string>{"I:0"});
  const auto other = Open(database_->url());
  ASSERT_NE(other, nullptr);
  ASSERT_TRUE(other->Execute("UPDATE t SET a = 1").ok());
  EXPECT_EQ(session_->Execute("UPDATE t SET a = 2").status().code(),
            Code::kAborted);
  EXPECT_TRUE(session_->Rollback().ok());
}

TEST_F(PostgresSessionTest, ALockThatIsNotHadIsDeadlineExceeded) {
  Run("CREATE TABLE t (a INT)");
  const auto other = Open(database_->url());
  ASSERT_NE(other, nullptr);
  ASSERT_TRUE(other->Begin().ok());
  ASSERT_TRUE(other->Execute("LOCK TABLE t").ok());
  Run("SET lock_timeout = '10ms'");
  EXPECT_EQ(session_->Execute("INSERT INTO t VALUES (1)").status().code(),
            Code::kDeadlineExceeded);
  Run("RESET lock_timeout");
  ASSERT_TRUE(session_->Begin().ok());
  EXPECT_EQ(session_->Execute("LOCK TABLE t NOWAIT").status().code(),
            Code::kDeadlineExceeded);
}

// Waits until the server runs the statement, so that the interruption hits it.
TEST_F(PostgresSessionTest, InterruptEndsARunningStatement) {
  ResultSet rows;
  ASSERT_TRUE(session_->Query("SELECT pg_backend_pid()", &rows).ok());
  const std::string running =
      absl::StrCat("SELECT COUNT(*) FROM pg_stat_activity WHERE pid = ",
                   rows.at(0, 0).int64(),
                   " AND state = 'active' AND query LIKE '%pg_sleep%'");
  const auto watcher = Open(database_->url());
  ASSERT_NE(watcher, nullptr);
  for (const bool prepared : {false, true}) {
    absl::Status ended;
    std::thread victim([&] {
      if (!prepared) {
        ended = session_->Execute("SELECT pg_sleep(3600)").status();
        return;
      }
      const auto statement = Prepare("SELECT pg_sleep(3600)");
      if (statement != nullptr) {
        ended = statement->Execute({}, nullptr).status();
      }
    });
    absl::Status watched;
    do {
      watched = watcher->Query(running, &rows);
    } while (watched.ok() && rows.at(0, 0).int64() == 0);
    EXPECT_TRUE(watched.ok()) << watched;
    session_->Interrupt();
    victim.join();
    EXPECT_EQ(ended.code(), Code::kCancelled) << ended;
    EXPECT_TRUE(session_->Ping().ok());
  }
}

TEST_F(PostgresSessionTest, RefusedConnectionsSayWhyWithoutThePassword) {
  Url url = database_->url();
  url.password = "s3cret-and-wrong";
  absl::Status status = Connect(url).status();
  EXPECT_EQ(status.code(), Code::kUnauthenticated) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("authentication"));
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr(url.password)));

  // A password with what a connection string treats specially.
  url.password = "it's \\ a' host='nowhere";
  status = Connect(url).status();
  EXPECT_EQ(status.code(), Code::kUnauthenticated) << status;

  url = database_->url();
  url.user = "nobody_known";
  status = Connect(url).status();
  EXPECT_EQ(status.code(), Code::kUnauthenticated) << status;

  status = Connect(database_->url().WithDatabase("missing")).status();
  EXPECT_EQ(status.code(), Code::kNotFound) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("missing"));

  url = database_->url();
  url.socket.clear();
  url.host = "127.0.0.1";
  url.port = 1;  // Nobody listens there.
  status = Connect(url).status();
  EXPECT_EQ(status.code(), Code::kUnavailable) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("refused"));
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("\n")));

  url.host.clear();
  url.socket = "/nowhere";
  status = Connect(url).status();
  EXPECT_EQ(status.code(), Code::kUnavailable) << status;

  url = database_->url();
  url.parameters["timeout"] = "1";
  status = Connect(url).status();
  EXPECT_EQ(status.code(), Code::kInvalidArgument) << status;
}

TEST_F(PostgresSessionTest, AMissingPrivilegeIsPermissionDenied) {
  const std::string& name = database_->url().database;
  const std::string user = absl::StrCat("u_", name);
  Run("CREATE TABLE t (a INT)");
  Run(absl::StrCat("CREATE ROLE ", user, " LOGIN PASSWORD 'pw'"));
  Run(absl::StrCat("GRANT SELECT ON t TO ", user));
  Url url = database_->url();
  url.user = user;
  url.password = "pw";
  {
    const auto limited = Open(url);
    if (limited != nullptr) {
      for (const char* sql :
           {"INSERT INTO t VALUES (1)", "CREATE DATABASE another",
            "SELECT * FROM pg_authid", "ALTER SYSTEM SET port = 5"}) {
        EXPECT_EQ(limited->Execute(sql).status().code(),
                  Code::kPermissionDenied)
            << sql;
      }
      EXPECT_TRUE(limited->Execute("SELECT * FROM t").ok());
    }
  }
  Run(absl::StrCat("REVOKE CONNECT ON DATABASE ", name, " FROM PUBLIC"));
  const absl::Status status = Connect(url).status();
  EXPECT_EQ(status.code(), Code::kPermissionDenied) << status;
  Run(absl::StrCat("REVOKE ALL ON t FROM ", user));
  Run(absl::StrCat("DROP ROLE ", user));
}

// All ways into a session whose backend is gone. A second call must not meet a
// handle that the first one freed, nor connect again unseen.
TEST_F(PostgresSessionTest, ALostConnectionIsUnavailableForGood) {
  Run("CREATE TABLE t (a INT)");
  enum Way { kExecute, kQuery, kStatement, kPrepare, kBegin, kPing };
  for (const Way way :
       {kExecute, kQuery, kStatement, kPrepare, kBegin, kPing}) {
    const auto session = Open(database_->url());
    ASSERT_NE(session, nullptr);
    auto statement = session->Prepare("SELECT $1::int");
    ASSERT_TRUE(statement.ok()) << statement.status();
    ResultSet rows;
    ASSERT_TRUE(session->Query("SELECT pg_backend_pid()", &rows).ok());
    // Waits, up to its time-out, until the backend has gone.
    Run(absl::StrCat("SELECT pg_terminate_backend(", rows.at(0, 0).int64(),
                     ", 60000)"));
    for (int call = 0; call < 2; ++call) {
      absl::Status status;
      switch (way) {
        case kExecute:
          status = session->Execute("INSERT INTO t VALUES (1)").status();
          break;
        case kQuery:
          status = session->Query("SELECT 1", &rows);
          break;
        case kStatement:
          status = (*statement)->Execute({Value::Int64(1)}, &rows).status();
          break;
        case kPrepare:
          status = session->Prepare("SELECT 1").status();
          break;
        case kBegin:
          status = session->Begin();
          break;
        case kPing:
          status = session->Ping();
          break;
      }
      EXPECT_EQ(status.code(), Code::kUnavailable) << way << ": " << status;
      EXPECT_THAT(std::string(status.message()), HasSubstr("connection"));
    }
    EXPECT_EQ(session->Execute("SELECT 1").status().code(), Code::kUnavailable);
    EXPECT_EQ(session->Commit().code(), Code::kUnavailable);
    EXPECT_EQ(session->Rollback().code(), Code::kUnavailable);
    session->Interrupt();
  }
  EXPECT_EQ(Select("SELECT COUNT(*) FROM t"), std::vector<std::string>{"I:0"});
}

// A server that dies takes its sessions along, and nothing hangs or crashes.
TEST_F(PostgresSessionTest, ALostServerIsUnavailable) {
  ServerOptions options;
  options.kind = ServerKind::kPostgres;
  options.cache_bytes = int64_t{16} << 20;
  auto server = PrivateServer::Start(options);
  ASSERT_TRUE(server.ok()) << server.status();
  const auto url = Url::Parse((*server)->url());
  ASSERT_TRUE(url.ok());
  const auto session = Open(*url);
  ASSERT_NE(session, nullptr);
  auto statement = session->Prepare("SELECT $1::int");
  ASSERT_TRUE(statement.ok());
  ASSERT_TRUE((*server)->Kill().ok());
  ResultSet rows;
  EXPECT_EQ(session->Query("SELECT 1", &rows).code(), Code::kUnavailable);
  EXPECT_EQ((*statement)->Execute({Value::Int64(1)}, &rows).status().code(),
            Code::kUnavailable);
  EXPECT_EQ(session->Ping().code(), Code::kUnavailable);
  session->Interrupt();
  EXPECT_EQ(Connect(*url).status().code(), Code::kUnavailable);
}

}  // namespace
}  // namespace opsbench
