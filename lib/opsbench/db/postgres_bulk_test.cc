// Bulk loads into PostgreSQL's own types, by COPY and by INSERT, and what
// becomes of a load whose server goes away. What all engines have in
// common is in session_conformance_test.cc.

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/db/session.h"
#include "opsbench/testing/test_servers.h"
#include "opsbench/testing/vector_rows.h"

namespace opsbench {
namespace {

using ::testing::HasSubstr;
using Code = absl::StatusCode;
using Row = std::vector<Value>;

class PostgresBulkTest : public ::testing::TestWithParam<BulkMethod> {
 protected:
  void SetUp() override {
    auto database = TestDatabase::Create(Engine::kPostgres);
    ASSERT_TRUE(database.ok()) << database.status();
    database_ = *std::move(database);
    session_ = Open();
    ASSERT_NE(session_, nullptr);
  }

  std::unique_ptr<Session> Open() {
    auto session = Connect(database_->url());
    EXPECT_TRUE(session.ok()) << session.status();
    return session.ok() ? *std::move(session) : nullptr;
  }

  void Run(absl::string_view sql) {
    const absl::Status status = session_->Execute(sql).status();
    ASSERT_TRUE(status.ok()) << sql << ": " << status;
  }

  absl::StatusOr<int64_t> Load(const std::vector<std::string>& columns,
                               RowIterator& rows) {
    BulkOptions options;
    options.method = GetParam();
    return session_->BulkLoad("t", columns, rows, options);
  }

  absl::StatusOr<int64_t> Load(const std::vector<std::string>& columns,
                               std::vector<Row> rows) {
    VectorRows iterator(std::move(rows));
    return Load(columns, iterator);
  }

  // The row of text that PostgreSQL makes of all columns.
  std::string TextOf(absl::string_view sql) {
    ResultSet rows;
    const absl::Status status = session_->Query(sql, &rows);
    EXPECT_TRUE(status.ok()) << sql << ": " << status;
    return status.ok() && rows.row_count() == 1 ? rows.at(0, 0).ToString()
                                                : "no row";
  }

  std::unique_ptr<TestDatabase> database_;
  std::unique_ptr<Session> session_;
};

std::string MethodName(BulkMethod method) {
  switch (method) {
    case BulkMethod::kCopyBinary:
      return "CopyBinary";
    case BulkMethod::kCopyText:
      return "CopyText";
    case BulkMethod::kPipeline:
      return "Pipeline";
    default:
      return "MultiRow";
  }
}

INSTANTIATE_TEST_SUITE_P(
    Methods, PostgresBulkTest,
    ::testing::Values(BulkMethod::kCopyBinary, BulkMethod::kCopyText,
                      BulkMethod::kPipeline, BulkMethod::kMultiRow),
    [](const auto& instance) { return MethodName(instance.param); });

// PostgreSQL's own text of the values is the reference: decoding them here
// could undo a mistake of encoding them.
TEST_P(PostgresBulkTest, EveryTypeArrivesAsPostgresqlReadsIt) {
  Run("CREATE DOMAIN positive AS INT CHECK (VALUE > 0)");
  Run("CREATE DOMAIN small AS positive CHECK (VALUE < 10)");
  Run("CREATE TABLE t (a INT2, b INT4, c INT8, d OID, e BOOL, f REAL, "
      "g FLOAT8, h TEXT, i VARCHAR(5), j CHAR(3), k NAME, l JSON, m JSONB, "
      "n BYTEA, o TIMESTAMP, p TIMESTAMPTZ, q small)");
  const std::vector<std::string> columns = {"a", "b", "c", "d", "e", "f",
                                            "g", "h", "i", "j", "k", "l",
                                            "m", "n", "o", "p", "q"};
  const Value time = Value::TimestampUs(1'769'903'999'123'456);
  const auto loaded = Load(
      columns, {{Value::Int64(-32768), Value::Int64(-2147483648),
                 Value::Int64(std::numeric_limits<int64_t>::min()),
                 Value::Int64(4294967295), Value::Int64(1), Value::Double(0.1),
                 Value::Double(1.0 / 3), Value::Text("gr\xc3\xbc\xc3\x9f"),
                 Value::Text("five5"), Value::Text("c"), Value::Text("name"),
                 Value::Text("{\"a\":  1}"), Value::Text("{\"a\":  1}"),
                 Value::Bytes(absl::string_view("\0\xff\n", 3)), time, time,
                 Value::Int64(7)},
                Row(columns.size(), Value::Null())});
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(*loaded, 2);
  EXPECT_EQ(TextOf("SELECT CONCAT_WS('|', a, b, c, d, e, f, g, h, i, j, k, l, "
                   "m, n, o, p, q) FROM t WHERE a IS NOT NULL"),
            "-32768|-2147483648|-9223372036854775808|4294967295|t|0.1|"
            "0.3333333333333333|gr\xc3\xbc\xc3\x9f|five5|c  |name|{\"a\":  1}|"
            "{\"a\": 1}|\\x00ff0a|2026-01-31 23:59:59.123456|"
            "2026-01-31 23:59:59.123456+00|7");
  EXPECT_EQ(
      TextOf("SELECT COUNT(*) FROM t WHERE num_nonnulls(a, b, c, d, e, f, "
             "g, h, i, j, k, l, m, n, o, p, q) = 0"),
      "1");
}

TEST_P(PostgresBulkTest, LtreeArrives) {
  if (!session_->capabilities().ltree) GTEST_SKIP() << "not installed";
  Run("CREATE EXTENSION ltree");
  Run("CREATE TABLE t (path LTREE)");
  const auto loaded =
      Load({"path"}, {{Value::Text("a.b_1.c")}, {Value::Text("a.b_1")}});
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(TextOf("SELECT STRING_AGG(path::text, '|' ORDER BY path) FROM t "
                   "WHERE path <@ 'a.b_1'"),
            "a.b_1|a.b_1.c");
  EXPECT_EQ(Load({"path"}, {{Value::Text("a..b")}}).status().code(),
            Code::kInvalidArgument);
}

// A number in a column of text, and bytes that are text.
TEST_P(PostgresBulkTest, ValuesBecomeTextByOneRule) {
  Run("CREATE TABLE t (id INT, a TEXT)");
  const auto loaded =
      Load({"id", "a"}, {{Value::Int64(0), Value::Int64(-7)},
                         {Value::Int64(1), Value::Double(1.0 / 3)},
                         {Value::Int64(2), Value::TimestampUs(500'000)},
                         {Value::Int64(3), Value::Bytes("raw")},
                         {Value::Int64(4), Value::Null()},
                         {Value::Int64(5), Value::Text({})}});
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(
      TextOf("SELECT STRING_AGG(COALESCE(a, 'NULL'), '|' ORDER BY id) FROM t"),
      "-7|0.3333333333333333|1970-01-01 00:00:00.500000|raw|NULL|");
}

// What the text format escapes, in every place of a field and alone in it.
TEST_P(PostgresBulkTest, WhatTextHasToEscapeArrives) {
  Run("CREATE TABLE t (id INT, a TEXT, b BYTEA)");
  std::vector<std::string> texts = {"\\.", "\\N", "\\", "NULL", "\\x41"};
  for (const char* special :
       {"\\", "\t", "\n", "\r", "\r\n", "\b", "\f", "\v", "\"", "'", "\x7f"}) {
    for (const char* form : {"$0", "a$0", "$0a", "a$0a", "$0$0"}) {
      texts.push_back(absl::Substitute(form, special));
    }
  }
  std::vector<Row> rows;
  for (size_t i = 0; i < texts.size(); ++i) {
    rows.push_back({Value::Int64(static_cast<int64_t>(i)),
                    Value::Text(texts[i]), Value::Bytes(texts[i])});
  }
  const auto loaded = Load({"id", "a", "b"}, rows);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  ResultSet read;
  ASSERT_TRUE(session_->Query("SELECT a, b FROM t ORDER BY id", &read).ok());
  ASSERT_EQ(read.row_count(), texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(read.at(i, 0).text(), texts[i]);
    EXPECT_EQ(read.at(i, 1).text(), texts[i]);
  }
}

// The first and the last that PostgreSQL has, and both sides of year 1.
TEST_P(PostgresBulkTest, TimestampsOfAllErasArrive) {
  Run("CREATE TABLE t (id INT, a TIMESTAMP, b TIMESTAMPTZ)");
  const int64_t times[] = {-210'866'803'200'000'000,
                           -62'167'219'200'000'001,
                           -62'135'596'800'000'001,
                           -62'135'596'800'000'000,
                           -1,
                           253'402'300'800'000'000};
  std::vector<Row> rows;
  for (const int64_t time : times) {
    rows.push_back({Value::Int64(static_cast<int64_t>(rows.size())),
                    Value::TimestampUs(time), Value::TimestampUs(time)});
  }
  const auto loaded = Load({"id", "a", "b"}, rows);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(TextOf("SELECT STRING_AGG(a::text, '|' ORDER BY id) FROM t"),
            "4714-11-24 00:00:00 BC|0002-12-31 23:59:59.999999 BC|"
            "0001-12-31 23:59:59.999999 BC|0001-01-01 00:00:00|"
            "1969-12-31 23:59:59.999999|10000-01-01 00:00:00");
  EXPECT_EQ(TextOf("SELECT COUNT(*) FROM t WHERE a AT TIME ZONE 'UTC' = b"),
            "6");
}

TEST_P(PostgresBulkTest, WhatTheTableRefusesIsAnErrorAndNothingIsKept) {
  Run("CREATE TABLE t (a INT2, b VARCHAR(3), c JSONB, d INT CHECK (d > 0), "
      "e TIMESTAMP)");
  const std::vector<std::string> columns = {"a", "b", "c", "d", "e"};
  const Row good = {Value::Int64(1), Value::Text("x"), Value::Text("{}"),
                    Value::Int64(1), Value::TimestampUs(0)};
  const std::pair<size_t, Value> bad[] = {
      {0, Value::Int64(32768)},
      {0, Value::Double(1)},
      {0, Value::Text("one")},
      {1, Value::Text("long")},
      {1, Value::Text("\xff")},
      {1, Value::Text(absl::string_view("a\0b", 3))},
      {2, Value::Text("{")},
      {2, Value::Text(absl::string_view("{}\0", 3))},
      {3, Value::Int64(0)},
      {4, Value::TimestampUs(std::numeric_limits<int64_t>::min())},
      {4, Value::Int64(0)},
  };
  for (const auto& [column, value] : bad) {
    std::vector<Row> rows(3'000, good);
    rows[2'000][column] = value;
    const absl::Status status = Load(columns, rows).status();
    EXPECT_EQ(status.code(), Code::kInvalidArgument)
        << columns[column] << ": " << status;
    EXPECT_EQ(TextOf("SELECT COUNT(*) FROM t"), "0");
  }
  EXPECT_EQ(Load(columns, {good}).value_or(-1), 1);
}

TEST_P(PostgresBulkTest, ATypeThatBinaryCopyDoesNotKnowNamesAnother) {
  Run("CREATE TABLE t (a NUMERIC, b DATE)");
  const auto loaded =
      Load({"a", "b"}, {{Value::Double(1.0 / 3), Value::Text("2026-01-31")}});
  if (GetParam() == BulkMethod::kCopyBinary) {
    EXPECT_EQ(loaded.status().code(), Code::kUnimplemented);
    EXPECT_THAT(std::string(loaded.status().message()), HasSubstr("kCopyText"));
    return;
  }
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(TextOf("SELECT CONCAT(a, '|', b) FROM t"),
            "0.3333333333333333|2026-01-31");
}

// The last of 2,345 rows, which is in a statement of fewer rows than the rest.
TEST_P(PostgresBulkTest, AnErrorAtTheLastRowUndoesTheLoadAlone) {
  Run("CREATE TABLE t (id INT PRIMARY KEY, a INT CHECK (a > 0))");
  std::vector<Row> rows;
  for (int i = 0; i < 2'345; ++i) {
    rows.push_back({Value::Int64(i), Value::Int64(1)});
  }
  std::vector<Row> bad = rows;
  bad.back()[1] = Value::Int64(0);
  EXPECT_EQ(Load({"id", "a"}, bad).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(TextOf("SELECT COUNT(*) FROM t"), "0");
  ASSERT_TRUE(session_->Begin().ok());
  Run("INSERT INTO t VALUES (-1, 1)");
  EXPECT_EQ(Load({"id", "a"}, bad).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(TextOf("SELECT COUNT(*) FROM t"), "1");
  EXPECT_EQ(Load({"id", "a"}, rows).value_or(-1), 2'345);
  ASSERT_TRUE(session_->Commit().ok());
  EXPECT_EQ(TextOf("SELECT COUNT(*) FROM t"), "2346");
  // An error that comes with the commit, once all rows are in.
  Run("DROP TABLE t");
  Run("CREATE TABLE t (id INT UNIQUE DEFERRABLE INITIALLY DEFERRED, a INT)");
  rows.push_back(rows.back());
  EXPECT_EQ(Load({"id", "a"}, rows).status().code(), Code::kAlreadyExists);
  EXPECT_EQ(TextOf("SELECT COUNT(*) FROM t"), "0");
}

TEST_P(PostgresBulkTest, ALostConnectionIsUnavailableAndNothingIsKept) {
  Run("CREATE TABLE t (id INT)");
  const auto killer = Open();
  ASSERT_NE(killer, nullptr);
  const std::string pid = TextOf("SELECT pg_backend_pid()");
  VectorRows rows(
      std::vector<Row>(200'000, Row{Value::Int64(1)}), [&](size_t next) {
        if (next != 50'000) return absl::OkStatus();
        // Waits until the backend has gone.
        return killer
            ->Execute(
                absl::StrCat("SELECT pg_terminate_backend(", pid, ", 60000)"))
            .status();
      });
  const absl::Status status = Load({"id"}, rows).status();
  EXPECT_EQ(status.code(), Code::kUnavailable) << status;
  EXPECT_EQ(Load({"id"}, {{Value::Int64(1)}}).status().code(),
            Code::kUnavailable);
  session_ = Open();
  ASSERT_NE(session_, nullptr);
  EXPECT_EQ(TextOf("SELECT COUNT(*) FROM t"), "0");
}

// The role may add rows and read none.
TEST_P(PostgresBulkTest, AMissingPrivilegeIsPermissionDenied) {
  const std::string user = absl::StrCat("u_", database_->url().database);
  Run("CREATE TABLE t (id INT)");
  Run(absl::StrCat("CREATE ROLE ", user));
  Run(absl::StrCat("SET ROLE ", user));
  EXPECT_EQ(Load({"id"}, {{Value::Int64(1)}}).status().code(),
            Code::kPermissionDenied);
  Run("RESET ROLE");
  Run(absl::StrCat("GRANT INSERT ON t TO ", user));
  Run(absl::StrCat("SET ROLE ", user));
  EXPECT_EQ(Load({"id"}, {{Value::Int64(1)}}).value_or(-1), 1);
  Run("RESET ROLE");
  EXPECT_EQ(TextOf("SELECT COUNT(*) FROM t"), "1");
  Run(absl::StrCat("DROP OWNED BY ", user));
  Run(absl::StrCat("DROP ROLE ", user));
}

}  // namespace
}  // namespace opsbench
