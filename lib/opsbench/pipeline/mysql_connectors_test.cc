// What a write does in each mode and what must not change a target; which rows
// a source reads.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/db/session.h"
#include "opsbench/pipeline/internal/mysql_testing.h"
#include "opsbench/pipeline/random_rows.h"
#include "opsbench/server/private_server.h"
#include "opsbench/testing/statement_proxy.h"
#include "opsbench/testing/test_servers.h"

namespace opsbench::pipeline {
namespace {

using internal::BatchOf;
using internal::Message;
using internal::SchemaOf;
using internal::To;
using ::testing::AllOf;
using ::testing::HasSubstr;
using Code = absl::StatusCode;

class MysqlConnectorsTest : public internal::MysqlFixture {
 protected:
  void SetUp() override {
    auto database = TestDatabase::Create(Engine::kMysql);
    ASSERT_TRUE(database.ok()) << database.status();
    database_ = *std::move(database);
    Open(database_->url());
  }

 private:
  std::unique_ptr<TestDatabase> database_;
};

using MysqlMethodTest = internal::MysqlMethodFixture<MysqlConnectorsTest>;

INSTANTIATE_TEST_SUITE_P(Methods, MysqlMethodTest, internal::MysqlMethods(),
                         internal::MysqlMethodName);

TEST_P(MysqlMethodTest, AnErrorAtTheLastRowLeavesTheTargetAsItWas) {
  const SchemaPtr schema =
      SchemaOf({{"id", {TypeId::kInt64}}, {"v", {TypeId::kText}}}, {"id"});
  for (const WriteMode mode :
       {WriteMode::kAppend, WriteMode::kReplace, WriteMode::kUpsert}) {
    for (const char* bad : {"duplicate", "overflow", "too long", "check"}) {
      if (mode == WriteMode::kUpsert && bad == std::string("duplicate")) {
        continue;
      }
      Run("DROP TABLE IF EXISTS t");
      Run("CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(5), "
          "CONSTRAINT odd CHECK (v <> 'odd'))");
      Run("INSERT INTO t VALUES (-1, 'old')");
      std::vector<std::vector<std::string>> rows;
      for (int i = 1; i <= 2500; ++i) rows.push_back({absl::StrCat(i), "v"});
      const std::string what = bad;
      rows.push_back(
          what == "duplicate"  ? std::vector<std::string>{"7", "v"}
          : what == "overflow" ? std::vector<std::string>{"4294967296", "v"}
          : what == "too long" ? std::vector<std::string>{"9999", "123456"}
                               : std::vector<std::string>{"9999", "odd"});
      const Batch first = BatchOf(schema, {{"5000", "first"}});
      const Batch second = BatchOf(schema, rows);
      const absl::Status status =
          Write(To("t", mode), {&first, &second}, "m/1").status();
      EXPECT_EQ(status.code(), what == "duplicate" ? Code::kAlreadyExists
                                                   : Code::kInvalidArgument)
          << status;
      EXPECT_THAT(Message(status),
                  AllOf(HasSubstr(".t, "), HasSubstr("row 2502: ")))
          << what;
      if (what == "overflow") {
        EXPECT_THAT(Message(status), HasSubstr("column id, row"));
      }
      if (what == "too long") {
        EXPECT_THAT(Message(status), HasSubstr("column v, row"));
      }
      EXPECT_EQ(Select("SELECT * FROM t"), "-1|old");
      const auto marker = OpenDestination(GetParam())->HasMarker("m/1");
      ASSERT_TRUE(marker.ok()) << marker.status();
      EXPECT_FALSE(*marker);
    }
  }
}

TEST_P(MysqlMethodTest, WritesInEachMode) {
  const SchemaPtr schema =
      SchemaOf({{"id", {TypeId::kInt64}}, {"v", {TypeId::kText}}}, {"id"});
  const Batch one = BatchOf(schema, {{"0", "a"}, {"2", "b"}});
  const Batch two = BatchOf(schema, {{"2", "c"}, {"3", "d"}, {"3", "e"}});
  const Batch three = BatchOf(schema, {{"9", "x"}});
  // Not there yet; an id of 0 stays 0.
  Run("CREATE TABLE t (id BIGINT PRIMARY KEY AUTO_INCREMENT, v TEXT, "
      "w INT NOT NULL DEFAULT 7)");
  ASSERT_TRUE(Write(To("t"), {&one}).ok());
  EXPECT_EQ(Select("SELECT * FROM t"), "0|a|7|2|b|7");
  Run("UPDATE t SET w = 8");
  auto counts = Write(To("t", WriteMode::kUpsert), {&two});
  ASSERT_TRUE(counts.ok()) << counts.status();
  EXPECT_EQ(counts->rows, 3);
  EXPECT_GT(counts->bytes, 0);
  // Columns that are not written stay.
  EXPECT_EQ(Select("SELECT * FROM t"), "0|a|8|2|c|8|3|e|7");
  counts = Write(To("t", WriteMode::kReplace), {&three});
  ASSERT_TRUE(counts.ok()) << counts.status();
  EXPECT_EQ(Select("SELECT * FROM t"), "9|x|7");
  WriteRequest staged = To("t", WriteMode::kReplace);
  staged.staged = true;
  counts = Write(staged, {&one}, "run/1");
  ASSERT_TRUE(counts.ok()) << counts.status();
  EXPECT_EQ(Select("SELECT * FROM t"), "0|a|7|2|b|7");
  EXPECT_EQ(Select("SHOW TABLES LIKE 'opsbench\\_%d\\_%'"), "");
  EXPECT_TRUE(OpenDestination(GetParam())->HasMarker("run/1").value());
  // An upsert of nothing but keys.
  const SchemaPtr keys = SchemaOf({{"id", {TypeId::kInt64}}}, {"id"});
  const Batch ids = BatchOf(keys, {{"2"}, {"5"}});
  ASSERT_TRUE(Write(To("t", WriteMode::kUpsert), {&ids}).ok());
  EXPECT_EQ(Select("SELECT id, v FROM t"), "0|a|2|b|5|NULL");
}

// What a source tells of its own engine's types makes the same columns, with
// whatever is in their texts.
TEST_F(MysqlConnectorsTest, ATableOfTheSameEngineGetsTheSameColumns) {
  std::vector<std::string> columns;
  for (const char* type :
       {"tinyint(3) unsigned zerofill",
        "smallint",
        "mediumint unsigned",
        "int",
        "bigint(20) unsigned",
        "bit(8)",
        "year(4)",
        "float",
        "double unsigned",
        "decimal(10,2) unsigned",
        "decimal(65,30)",
        "date",
        "time(3)",
        "datetime(6)",
        "timestamp(6) NULL",
        "char(10) CHARACTER SET latin1",
        "varchar(20) COLLATE utf8mb4_bin",
        "tinytext",
        "mediumtext",
        "longtext",
        "binary(4)",
        "varbinary(9)",
        "tinyblob",
        "blob",
        "longblob",
        "json",
        "longtext COMMENT 'opsbench:numeric'",
        "enum('a', 'it''s', 'x,y', ')', '\"', '\\\\', '`', ' ')",
        "set('a', 'b''c')"}) {
    columns.push_back(absl::StrCat("c", columns.size(), " ", type));
  }
  Run(absl::StrCat("CREATE TABLE t (", absl::StrJoin(columns, ", "), ")"));
  const auto read = Read("t");
  ASSERT_TRUE(read.ok()) << read.status();
  const auto counts =
      internal::WriteTable(*OpenDestination("insert"), To("u"), {&*read});
  ASSERT_TRUE(counts.ok()) << counts.status();
  const auto columns_of = [&](const char* table) {
    return Select(absl::StrCat(
        "SELECT CONCAT_WS(' ', column_type, character_set_name, "
        "collation_name, is_nullable, column_comment) FROM "
        "information_schema.COLUMNS WHERE table_schema = DATABASE() AND "
        "table_name = '",
        table, "' ORDER BY ordinal_position"));
  };
  EXPECT_EQ(columns_of("u"), columns_of("t"));
  EXPECT_THAT(columns_of("u"), HasSubstr("it''s"));
}

// The connection is lost when the tables are swapped and the old one is still
// to be dropped: the rows stand, and the next staged run tidies up.
TEST_F(MysqlConnectorsTest, ASwapStandsWhenTheOldTableIsLeft) {
  auto proxy = StatementProxy::Start(url_);
  ASSERT_TRUE(proxy.ok()) << proxy.status();
  Run("CREATE TABLE t (id BIGINT)");
  Run("INSERT INTO t VALUES (1)");
  const Batch two = BatchOf(SchemaOf({{"id", {TypeId::kInt64}}}), {{"2"}});
  WriteRequest staged = To("t", WriteMode::kReplace);
  staged.staged = true;
  (*proxy)->HoldAt("DROP TABLE `", StatementProxy::Where::kRequest);
  (*proxy)->Cut();
  auto destination = internal::OpenDestination(MysqlConnectors(), "dest-mysql",
                                               (*proxy)->url());
  ASSERT_TRUE(destination.ok()) << destination.status();
  const auto counts = internal::WriteTable(**destination, staged, {&two});
  ASSERT_TRUE(counts.ok()) << counts.status();
  EXPECT_EQ(counts->rows, 1);
  destination->reset();
  EXPECT_EQ(Select("SELECT id FROM t"), "2");
  const std::string left = Select("SHOW TABLES LIKE 'opsbench\\_old\\_%'");
  EXPECT_THAT(counts->warning,
              AllOf(HasSubstr("was replaced"), HasSubstr(left)));
  EXPECT_EQ(Select(absl::StrCat("SELECT id FROM ", left)), "1");
  EXPECT_EQ(Select("SHOW TABLES LIKE 'opsbench\\_staged\\_%'"), "");

  const Batch three = BatchOf(two.schema(), {{"3"}});
  const auto next =
      internal::WriteTable(*OpenDestination("insert"), staged, {&three});
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_EQ(next->warning, "");
  EXPECT_EQ(Select("SELECT id FROM t"), "3");
  EXPECT_EQ(Select("SHOW TABLES LIKE 'opsbench\\_%'"), "");
}

// Tables under the names of what a staged run makes, without its mark.
TEST_F(MysqlConnectorsTest, ForeignTablesBesideTheTargetStay) {
  auto proxy = StatementProxy::Start(url_);
  ASSERT_TRUE(proxy.ok()) << proxy.status();
  Run("CREATE TABLE t (id BIGINT) COMMENT 'it''s the users'");
  Run("INSERT INTO t VALUES (1)");
  const Batch two = BatchOf(SchemaOf({{"id", {TypeId::kInt64}}}), {{"2"}});
  WriteRequest staged = To("t", WriteMode::kReplace);
  staged.staged = true;
  const auto write = [&](const Url& url) {
    auto destination =
        internal::OpenDestination(MysqlConnectors(), "dest-mysql", url);
    EXPECT_TRUE(destination.ok()) << destination.status();
    return internal::WriteTable(**destination, staged, {&two});
  };
  // What a run leaves whose connection ends at the last step tells the names.
  (*proxy)->HoldAt("DROP TABLE `", StatementProxy::Where::kRequest);
  (*proxy)->Cut();
  ASSERT_TRUE(write((*proxy)->url()).ok());
  const std::string left = Select("SHOW TABLES LIKE 'opsbench\\_old\\_%'");
  const std::string staging =
      absl::StrReplaceAll(left, {{"opsbench_old", "opsbench_staged"}});
  Run(absl::StrCat("ALTER TABLE ", left, " COMMENT = 'mine'"));
  Run(absl::StrCat("CREATE TABLE ", staging,
                   " (precious INT) COMMENT = "
                   "'opsbench: something else'"));
  for (int i = 0; i < 3; ++i) {
    const auto counts = write(url_);
    ASSERT_TRUE(counts.ok()) << counts.status();
    EXPECT_EQ(counts->warning, "");
  }
  EXPECT_EQ(Select(absl::StrCat("SELECT id FROM ", left)), "1");
  EXPECT_EQ(Select("SHOW TABLES"), absl::StrCat(left, "|", staging, "|t"));
  // The target has its own comment, not the mark of what stood beside it.
  EXPECT_EQ(Select("SELECT TABLE_COMMENT FROM information_schema.TABLES WHERE "
                   "TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 't'"),
            "it's the users");
}

// Rows of other tables do not go with those that are replaced.
TEST_P(MysqlMethodTest, ReplacingDoesNotReachOtherTables) {
  const Batch rows = BatchOf(SchemaOf({{"id", {TypeId::kInt64}}}), {{"2"}});
  for (const char* rule : {"CASCADE", "SET NULL"}) {
    Run("CREATE TABLE t (id BIGINT PRIMARY KEY)");
    Run(
        absl::StrCat("CREATE TABLE orders (item BIGINT, FOREIGN KEY (item) "
                     "REFERENCES t (id) ON DELETE ",
                     rule, ")"));
    Run("INSERT INTO t VALUES (1)");
    Run("INSERT INTO orders VALUES (1)");
    const absl::Status status =
        Write(To("t", WriteMode::kReplace), {&rows}).status();
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << status;
    EXPECT_THAT(Message(status), HasSubstr(".orders (foreign key"));
    EXPECT_EQ(Select("SELECT * FROM orders"), "1");
    EXPECT_EQ(Select("SELECT * FROM t"), "1");
    Run("DROP TABLE orders, t");
  }
}

TEST_P(MysqlMethodTest, AForeignTableOfMarkersIsRefusedAndStays) {
  Run("CREATE TABLE opsbench_pipeline_marker (name VARCHAR(9) PRIMARY KEY, "
      "marker TEXT)");
  Run("INSERT INTO opsbench_pipeline_marker VALUES ('m', 'precious')");
  const Batch rows = BatchOf(SchemaOf({{"id", {TypeId::kInt64}}}), {{"2"}});
  for (const bool early : {true, false}) {
    WriteRequest request = To("t");
    request.marked = early;
    const absl::Status status = Write(request, {&rows}, "m/1").status();
    EXPECT_EQ(status.code(), Code::kFailedPrecondition) << status;
    EXPECT_THAT(Message(status), HasSubstr("opsbench_pipeline_marker"));
    EXPECT_EQ(Select("SHOW TABLES"), "opsbench_pipeline_marker");
  }
  EXPECT_FALSE(OpenDestination(GetParam())->HasMarker("m/1").ok());
  EXPECT_EQ(Select("SELECT * FROM opsbench_pipeline_marker"), "m|precious");
}

// A temporary table of the target's own name would take its rows.
TEST_P(MysqlMethodTest, AnUpsertIntoATableOfTheTemporaryOnesName) {
  Run("CREATE TABLE opsbench_pipeline_upsert (id BIGINT PRIMARY KEY, v TEXT)");
  const Batch rows = BatchOf(
      SchemaOf({{"id", {TypeId::kInt64}}, {"v", {TypeId::kText}}}, {"id"}),
      {{"1", "a"}, {"2", "b"}});
  const auto counts =
      Write(To("opsbench_pipeline_upsert", WriteMode::kUpsert), {&rows});
  ASSERT_TRUE(counts.ok()) << counts.status();
  EXPECT_EQ(Select("SELECT * FROM opsbench_pipeline_upsert"), "1|a|2|b");
}

// Lost at the RENAME itself, nobody knows; the target is one of the two whole.
TEST_F(MysqlConnectorsTest, ASwapWithoutAnAnswerIsUnknown) {
  const Batch two = BatchOf(SchemaOf({{"id", {TypeId::kInt64}}}), {{"2"}});
  WriteRequest staged = To("t", WriteMode::kReplace);
  staged.staged = true;
  for (const auto where :
       {StatementProxy::Where::kRequest, StatementProxy::Where::kReply}) {
    auto proxy = StatementProxy::Start(url_);
    ASSERT_TRUE(proxy.ok()) << proxy.status();
    Run("CREATE OR REPLACE TABLE t (id BIGINT)");
    Run("INSERT INTO t VALUES (1)");
    (*proxy)->HoldAt("RENAME TABLE", where);
    (*proxy)->Cut();
    auto destination = internal::OpenDestination(MysqlConnectors(),
                                                 "dest-mysql", (*proxy)->url());
    ASSERT_TRUE(destination.ok()) << destination.status();
    const auto counts = internal::WriteTable(**destination, staged, {&two});
    EXPECT_EQ(counts.status().code(), Code::kUnknown) << counts.status();
    EXPECT_THAT(Message(counts.status()), HasSubstr("unknown"));
    destination->reset();
    EXPECT_EQ(Select("SELECT id FROM t"),
              where == StatementProxy::Where::kRequest ? "1" : "2");
  }
}

TEST_P(MysqlMethodTest, AMissingTableIsMadeAndGoesWhenTheWriteFails) {
  const SchemaPtr schema = SchemaOf(
      {{"id", {TypeId::kInt64}, false}, {"v", {TypeId::kText}}}, {"id"});
  const Batch good = BatchOf(schema, {{"1", "a"}});
  const Batch bad = BatchOf(schema, {{"1", "a"}, {"1", "b"}});
  for (const bool staged : {false, true}) {
    WriteRequest request = To("t", WriteMode::kReplace);
    request.staged = staged;
    EXPECT_EQ(Write(request, {&bad}).status().code(), Code::kAlreadyExists);
    EXPECT_EQ(Select("SHOW TABLES"), "");
    // Destroyed before the end.
    {
      auto destination = OpenDestination(GetParam());
      ASSERT_TRUE(destination->Prepare(request, schema).ok());
      ASSERT_TRUE(destination->Write(good).ok());
    }
    EXPECT_EQ(Select("SHOW TABLES"), "");
    ASSERT_TRUE(Write(request, {&good}).ok());
    EXPECT_EQ(Select("SELECT * FROM t"), "1|a");
    // The staged one goes as well.
    EXPECT_EQ(Write(request, {&bad}).status().code(), Code::kAlreadyExists);
    EXPECT_EQ(Select("SHOW TABLES"), "t");
    EXPECT_EQ(Select("SELECT * FROM t"), "1|a");
    Run("DROP TABLE t");
  }
}

TEST_P(MysqlMethodTest, MarkersAreOfTheTransaction) {
  const SchemaPtr schema = SchemaOf({{"id", {TypeId::kInt64}}}, {"id"});
  const Batch batch = BatchOf(schema, {{"1"}});
  const Batch next = BatchOf(schema, {{"2"}});
  auto destination = OpenDestination(GetParam());
  EXPECT_FALSE(destination->HasMarker("p/1").value());
  ASSERT_TRUE(
      internal::WriteTable(*destination, To("t"), {&batch}, "p/1").ok());
  EXPECT_TRUE(destination->HasMarker("p/1").value());
  EXPECT_FALSE(destination->HasMarker("p/2").value());
  ASSERT_TRUE(internal::WriteTable(*destination, To("t"), {&next}, "p/2").ok());
  EXPECT_FALSE(destination->HasMarker("p/1").value());
  EXPECT_TRUE(OpenDestination(GetParam())->HasMarker("p/2").value());
  EXPECT_FALSE(destination->HasMarker("q/2").value());
}

TEST_P(MysqlMethodTest, ValuesThatMysqlHasNotAreErrors) {
  struct Lost {
    Type type;
    const char* value;
    const char* target;  // Empty: a table made for the type.
  };
  for (const Lost& lost : std::vector<Lost>{
           {{TypeId::kFloat64}, "NaN", ""},
           {{TypeId::kFloat32}, "-Infinity", ""},
           {{TypeId::kDate}, "infinity", ""},
           {{TypeId::kTimestamp}, "-infinity", ""},
           {{TypeId::kTimestampTz}, "10000-01-01 00:00:00+00", ""},
           {{TypeId::kDate}, "10000-01-01", ""},
           {{TypeId::kDate}, "0044-03-15 BC", ""},
           {{TypeId::kDuration}, "839:00:00", ""},
           // What MySQL would change.
           {{TypeId::kDecimal, 5, 2}, "1.25", "DECIMAL(5, 1)"},
           {{TypeId::kDecimal, 5, 2}, "1.25", "INT"},
           {{TypeId::kNumeric}, "1e-40", "DECIMAL(65, 30)"},
           {{TypeId::kNumeric}, "NaN", "DECIMAL(65, 30)"},
           {{TypeId::kNumeric}, "1000", "DECIMAL(5, 2)"},
           {{TypeId::kTimestamp}, "2026-01-01 00:00:00.5", "DATETIME"},
           {{TypeId::kTimestamp}, "2026-01-01 00:00:00.0005", "DATETIME(3)"},
           {{TypeId::kTimestampTz}, "2040-01-01 00:00:00", "TIMESTAMP"},
           {{TypeId::kTime}, "00:00:00.5", "TIME"},
           {{TypeId::kText}, "abc  ", "VARCHAR(3)"},
           {{TypeId::kText}, "1", "ENUM('a')"},
           {{TypeId::kText}, "A", "ENUM('a')"},
           {{TypeId::kText}, "b,a", "SET('a', 'b')"},
           {{TypeId::kText}, "ä😀", "VARCHAR(5) CHARACTER SET latin1"},
           {{TypeId::kText}, "{", "JSON"},
           {{TypeId::kBytes}, "\\x00", "BINARY(2)"},
           {{TypeId::kUInt16}, "70", "YEAR"},
           {{TypeId::kUInt64}, "256", "BIT(8)"},
           {{TypeId::kInt64}, "-1", "INT UNSIGNED"},
           {{TypeId::kInt64}, "NULL", "INT NOT NULL"},
           {{TypeId::kInt64}, "NULL", "TIMESTAMP NOT NULL"},
       }) {
    const bool is_null = absl::string_view(lost.value) == "NULL";
    Run("DROP TABLE IF EXISTS t");
    if (*lost.target != '\0') {
      Run(absl::StrCat("CREATE TABLE t (id INT, v ", lost.target, ")"));
    }
    const SchemaPtr schema =
        SchemaOf({{"id", {TypeId::kInt32}}, {"v", lost.type}});
    Batch batch = BatchOf(schema, {});
    for (int i = 1; i <= 2; ++i) batch.columns()[0].AppendFixed(i);
    Column& values = batch.columns()[1];
    if (is_null) {
      values.AppendFixed<int64_t>(1);
      values.AppendNull();
    } else {
      // A first row that fits any.
      values.AppendNull();
      ASSERT_TRUE(AppendParsedValue(lost.value, &values).ok()) << lost.value;
    }
    batch.SetRows(2);
    const absl::Status status = Write(To("t"), {&batch}).status();
    EXPECT_THAT(status.code(),
                ::testing::AnyOf(Code::kOutOfRange, Code::kInvalidArgument))
        << lost.value << " into " << lost.target << ": " << status;
    if (absl::string_view(lost.target) != "TIMESTAMP NOT NULL") {
      EXPECT_THAT(Message(status), HasSubstr(".t, column v, row 2: "))
          << lost.target;
    }
    EXPECT_EQ(Select("SELECT COUNT(*) FROM information_schema.tables WHERE "
                     "table_schema = DATABASE()"),
              *lost.target == '\0' ? "0" : "1");
    if (*lost.target != '\0') {
      EXPECT_EQ(Select("SELECT COUNT(*) FROM t"), "0");
    }
  }
}

TEST_F(MysqlConnectorsTest, TargetsThatCannotHoldTheColumnsAreRefused) {
  const SchemaPtr schema =
      SchemaOf({{"id", {TypeId::kInt64}}, {"v", {TypeId::kFloat64}}}, {"id"});
  const auto prepare = [&](const std::string& sql, const WriteRequest& to) {
    Run("DROP TABLE IF EXISTS t");
    Run(sql);
    return OpenDestination("insert")->Prepare(to, schema);
  };
  const auto expect = [&](const std::string& sql, const WriteRequest& to,
                          Code code, const std::string& message) {
    const absl::Status status = prepare(sql, to);
    EXPECT_EQ(status.code(), code) << sql << ": " << status;
    EXPECT_THAT(Message(status), HasSubstr(message));
  };
  expect("CREATE TABLE t (id INT)", To("t"), Code::kNotFound, "no column v");
  expect("CREATE TABLE t (id INT, v FLOAT)", To("t"), Code::kInvalidArgument,
         "column v");
  expect("CREATE TABLE t (id INT, v DOUBLE AS (id))", To("t"),
         Code::kInvalidArgument, "generated");
  expect("CREATE TABLE t (id INT, v DOUBLE) ENGINE=MyISAM", To("t"),
         Code::kInvalidArgument, "MyISAM");
  const WriteRequest upsert = To("t", WriteMode::kUpsert);
  expect("CREATE TABLE t (id INT, v DOUBLE)", upsert, Code::kInvalidArgument,
         "no unique key");
  expect("CREATE TABLE t (id INT PRIMARY KEY, v DOUBLE UNIQUE)", upsert,
         Code::kInvalidArgument, "beside the unique key v");
  WriteRequest staged = To("t", WriteMode::kReplace);
  staged.staged = true;
  EXPECT_TRUE(
      prepare("CREATE TABLE t (id INT, v DOUBLE) ENGINE=MyISAM", staged).ok());
  Run("CREATE TABLE p (id INT PRIMARY KEY)");
  expect("CREATE TABLE t (id INT, v DOUBLE, FOREIGN KEY (id) REFERENCES p(id))",
         staged, Code::kInvalidArgument, "foreign key");
  Run("DROP TABLE t");
  Run("CREATE TABLE t (id INT, v DOUBLE)");
  Run("CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.v = 1");
  const absl::Status status =
      OpenDestination("insert")->Prepare(staged, schema);
  EXPECT_THAT(Message(status), HasSubstr("trigger tr"));
}

TEST_P(MysqlMethodTest, AServerThatDiesLeavesTheTargetAsItWas) {
  ServerOptions options;
  options.kind = ServerKind::kMysql;
  options.cache_bytes = int64_t{32} << 20;
  auto server = PrivateServer::Start(options);
  ASSERT_TRUE(server.ok()) << server.status();
  const auto url = Url::Parse((*server)->url());
  ASSERT_TRUE(url.ok());
  const SchemaPtr schema = SchemaOf({{"id", {TypeId::kInt64}}}, {"id"});
  const Batch first = BatchOf(schema, {{"1"}});
  const Batch second = BatchOf(schema, {{"2"}});
  const auto open = [&] {
    return internal::OpenDestination(MysqlConnectors(), "dest-mysql", *url,
                                     {{"load_method", GetParam()}})
        .value();
  };
  ASSERT_TRUE(internal::WriteTable(*open(), To("t"), {&first}).ok());
  auto destination = open();
  ASSERT_TRUE(destination->Prepare(To("t", WriteMode::kReplace), schema).ok());
  ASSERT_TRUE(destination->Write(second).ok());
  ASSERT_TRUE((*server)->Kill().ok());
  EXPECT_EQ(destination->Write(second).code(), Code::kUnavailable);
  EXPECT_EQ(destination->Commit("m/1").status().code(), Code::kUnavailable);
  ASSERT_TRUE((*server)->Restart().ok());
  destination->Abort();
  destination = open();
  EXPECT_FALSE(destination->HasMarker("m/1").value());
  auto source = internal::OpenSource(MysqlConnectors(), "source-mysql", *url);
  ASSERT_TRUE(source.ok()) << source.status();
  ReadRequest request;
  request.table.table = "t";
  const auto read = internal::ReadTable(**source, request);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(FirstDifference(first, *read), "");
  // And a source of which the server is gone.
  ASSERT_TRUE((*source)->Start(request).ok());
  ASSERT_TRUE((*server)->Kill().ok());
  EXPECT_EQ((*source)->Start(request).code(), Code::kUnavailable);
}

TEST_P(MysqlMethodTest, InterruptEndsAWrite) {
  const SchemaPtr schema = SchemaOf({{"id", {TypeId::kInt64}}}, {"id"});
  const Batch batch = BatchOf(schema, {{"1"}});
  auto destination = OpenDestination(GetParam());
  ASSERT_TRUE(destination->Prepare(To("t"), schema).ok());
  destination->Interrupt();
  EXPECT_EQ(destination->Write(batch).code(), Code::kCancelled);
  EXPECT_EQ(destination->Commit("").status().code(), Code::kCancelled);
  destination->Abort();
  EXPECT_EQ(Select("SHOW TABLES"), "");
}

TEST_F(MysqlConnectorsTest, ReadsWhatIsAboveACursor) {
  Run("CREATE TABLE t (id BIGINT UNSIGNED, d DATETIME(6), s VARCHAR(9), "
      "y YEAR, f DOUBLE, b VARBINARY(9), n DECIMAL(40, 2))");
  Run("INSERT INTO t VALUES (1, '2026-01-01', 'a', 2000, 1, 'a', 1.5), "
      "(9007199254740993, '2026-01-01 00:00:00.000001', 'B', 2001, 2, X'FF', "
      "99999999999999999999999999999999999999.25), "
      "(18446744073709551615, '2027-01-01', 'b', 2002, 3, 'c', 2), "
      "(NULL, NULL, NULL, NULL, NULL, NULL, NULL)");
  auto source = OpenSource();
  ReadRequest request;
  request.table.table = "t";
  request.columns = {"y"};
  const auto years = [&](const std::string& column, const std::string& after,
                         const std::string& until) {
    request.cursor_column = column;
    request.cursor_after = after;
    request.cursor_until = until;
    source = OpenSource();
    const auto read = internal::ReadTable(*source, request);
    if (!read.ok()) return read.status().ToString();
    std::string text;
    for (int64_t i = 0; i < read->rows(); ++i) {
      if (read->columns()[0].IsNull(i)) {
        text.append("NULL ");
      } else {
        AppendValueText(read->columns()[0], i, &text);
        text.push_back(' ');
      }
    }
    return text;
  };
  const auto max = [&](const std::string& column,
                       const std::string& after = "") {
    request.cursor_column = column;
    request.cursor_after = after;
    return OpenSource()->MaxCursor(request).value_or("error");
  };
  EXPECT_EQ(max("id"), "18446744073709551615");
  EXPECT_EQ(max("d"), "2027-01-01 00:00:00.000000");
  EXPECT_EQ(max("s"), "b");
  EXPECT_EQ(max("y"), "2002");
  EXPECT_EQ(max("b"), "\xff");
  EXPECT_EQ(max("n"), "99999999999999999999999999999999999999.25");
  EXPECT_EQ(max("id", "9007199254740993"), "18446744073709551615");
  for (const char* column : {"id", "d", "s", "y", "b", "n"}) {
    EXPECT_EQ(max(column, max(column)), "");
  }
  EXPECT_EQ(years("id", "", "18446744073709551615"), "2000 2001 2002 ");
  EXPECT_EQ(years("id", "9007199254740992", "9007199254740993"), "2001 ");
  EXPECT_EQ(years("id", "9007199254740993", "18446744073709551615"), "2002 ");
  EXPECT_EQ(
      years("d", "2026-01-01 00:00:00.000000", "2027-01-01 00:00:00.000000"),
      "2001 2002 ");
  EXPECT_EQ(years("s", "B", "b"), "2000 2002 ");
  EXPECT_EQ(years("s", "'; DROP TABLE t; --", ""), "2000 2001 2002 ");
  EXPECT_EQ(years("y", "2000", "2002"), "2001 2002 ");
  EXPECT_EQ(years("b", "a", "\xff"), "2001 2002 ");
  EXPECT_EQ(years("n", "2", "99999999999999999999999999999999999999.25"),
            "2001 ");
  EXPECT_THAT(years("id", "1 OR 1", ""), HasSubstr("INVALID_ARGUMENT"));
  EXPECT_THAT(years("f", "1", ""), HasSubstr("INVALID_ARGUMENT"));
  EXPECT_THAT(years("missing", "1", ""), HasSubstr("NOT_FOUND"));
}

TEST_F(MysqlConnectorsTest, PartitionsMakeUpTheTable) {
  Run("CREATE TABLE t (id BIGINT UNSIGNED PRIMARY KEY, v INT)");
  Run("CREATE TABLE u (id VARCHAR(9) PRIMARY KEY)");
  Run("INSERT INTO t SELECT seq * seq, seq FROM seq_0_to_99");
  Run("INSERT INTO t VALUES (18446744073709551615, 0), "
      "(18446744073709551614, 0)");
  for (const int parts : {1, 2, 3, 7, 50}) {
    ReadRequest request;
    request.table.table = "t";
    const auto partitions = OpenSource()->Split(request, parts);
    ASSERT_TRUE(partitions.ok()) << partitions.status();
    EXPECT_LE(partitions->size(), static_cast<size_t>(parts));
    int64_t rows = 0;
    for (const Partition& partition : *partitions) {
      request.partition = partition;
      const auto read = internal::ReadTable(*OpenSource(), request);
      ASSERT_TRUE(read.ok()) << read.status();
      rows += read->rows();
    }
    EXPECT_EQ(rows, 102);
  }
  ReadRequest request;
  request.table.table = "u";
  EXPECT_EQ(OpenSource()->Split(request, 4)->size(), 1u);
}

// A reader sees the state of the moment at which it began.
TEST_F(MysqlConnectorsTest, ReadsOneSnapshot) {
  Run("CREATE TABLE t (id INT PRIMARY KEY)");
  Run("INSERT INTO t SELECT seq FROM seq_1_to_50000");
  auto source = OpenSource();
  ReadRequest request;
  request.table.table = "t";
  request.batch_rows = 100;
  const SchemaPtr schema = source->Describe(request).value();
  ASSERT_TRUE(source->Start(request).ok());
  Batch batch(schema);
  ASSERT_TRUE(source->Next(&batch).value());
  Run("DELETE FROM t WHERE id > 10");
  Run("INSERT INTO t SELECT seq + 100000 FROM seq_1_to_1000");
  int64_t rows = batch.rows();
  for (batch.Clear(); source->Next(&batch).value(); batch.Clear()) {
    rows += batch.rows();
  }
  EXPECT_EQ(rows, 50'000);
  EXPECT_GT(source->times().connect_ns, 0);
  EXPECT_GT(source->times().query_ns, 0);
  EXPECT_GT(source->times().fetch_ns, 0);
}

TEST_F(MysqlConnectorsTest, ASourceIsInterruptedAndUsedAgain) {
  Run("CREATE TABLE t (id INT PRIMARY KEY)");
  Run("INSERT INTO t SELECT seq FROM seq_1_to_50000");
  auto source = OpenSource();
  ReadRequest request;
  request.table.table = "t";
  request.batch_rows = 10;
  const SchemaPtr schema = source->Describe(request).value();
  // Started anew before its end.
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(source->Start(request).ok());
    Batch batch(schema);
    ASSERT_TRUE(source->Next(&batch).value());
    EXPECT_EQ(batch.columns()[0].Fixed<int32_t>(0), 1);
  }
  source->Interrupt();
  Batch batch(schema);
  EXPECT_EQ(source->Next(&batch).status().code(), Code::kCancelled);
}

}  // namespace
}  // namespace opsbench::pipeline
