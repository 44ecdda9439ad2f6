// Tables of every kind through SQLite and back, values of other storage classes
// than their column's, and what must not change a target.

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/base/random.h"
#include "opsbench/db/session.h"
#include "opsbench/pipeline/internal/connector_testing.h"
#include "opsbench/pipeline/random_rows.h"
#include "opsbench/pipeline/value_text.h"
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

class SqliteConnectorsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto database = TestDatabase::Create(Engine::kSqlite);
    ASSERT_TRUE(database.ok()) << database.status();
    database_ = *std::move(database);
    auto session = Connect(database_->url());
    ASSERT_TRUE(session.ok()) << session.status();
    session_ = *std::move(session);
  }

  void Run(absl::string_view sql) {
    const auto run = session_->Execute(sql);
    ASSERT_TRUE(run.ok()) << run.status() << ": " << sql;
  }

  std::string Select(absl::string_view sql) {
    return internal::CellsOf(*session_, sql);
  }

  std::string Tables() {
    return Select("SELECT name FROM sqlite_schema WHERE type = 'table'");
  }

  std::unique_ptr<Source> OpenSource() {
    auto source = internal::OpenSource(SqliteConnectors(), "source-sqlite",
                                       database_->url());
    EXPECT_TRUE(source.ok()) << source.status();
    return source.ok() ? *std::move(source) : nullptr;
  }

  std::unique_ptr<Destination> OpenDestination() {
    auto destination = internal::OpenDestination(
        SqliteConnectors(), "dest-sqlite", database_->url());
    EXPECT_TRUE(destination.ok()) << destination.status();
    return destination.ok() ? *std::move(destination) : nullptr;
  }

  absl::StatusOr<Batch> Read(const std::string& table) {
    ReadRequest request;
    request.table.table = table;
    request.batch_rows = 7;
    const auto source = OpenSource();
    if (source == nullptr) return absl::InternalError("no source");
    return internal::ReadTable(*source, request);
  }

  absl::StatusOr<WriteCounts> Write(const WriteRequest& request,
                                    const std::vector<const Batch*>& batches,
                                    absl::string_view marker = "") {
    const auto destination = OpenDestination();
    if (destination == nullptr) return absl::InternalError("no destination");
    return internal::WriteTable(*destination, request, batches, marker);
  }

  std::unique_ptr<TestDatabase> database_;
  std::unique_ptr<Session> session_;
};

std::string BytesOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// A source is somebody's, and a plan is no write.
TEST_F(SqliteConnectorsTest, ASourceStaysAsItIsAndAPlanMakesNoFile) {
  Run("PRAGMA journal_mode = DELETE");
  Run("CREATE TABLE t (a INTEGER)");
  Run("INSERT INTO t VALUES (1), (2)");
  session_.reset();
  const std::string path = database_->url().database;
  const std::string before = BytesOf(path);
  const auto batch = Read("t");
  ASSERT_TRUE(batch.ok()) << batch.status();
  EXPECT_EQ(batch->rows(), 2);
  EXPECT_TRUE(BytesOf(path) == before);

  const std::string folder = std::filesystem::path(path).parent_path();
  const std::string made = folder + "/made.db";
  const auto planned = internal::OpenDestination(
      SqliteConnectors(), "dest-sqlite", database_->url().WithDatabase(made));
  ASSERT_TRUE(planned.ok()) << planned.status();
  EXPECT_TRUE((*planned)->Identity(To("t")).ok());
  EXPECT_FALSE(std::filesystem::exists(made));
  const auto counts = internal::WriteTable(**planned, To("t"), {&*batch}, "");
  ASSERT_TRUE(counts.ok()) << counts.status();
  EXPECT_TRUE(std::filesystem::exists(made));
  EXPECT_EQ(internal::OpenDestination(
                SqliteConnectors(), "dest-sqlite",
                database_->url().WithDatabase(folder + "/none/x.db"))
                .status()
                .code(),
            Code::kNotFound);
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    EXPECT_TRUE(entry.path() == path || entry.path().stem() == "made")
        << entry.path();
  }
}

TEST_F(SqliteConnectorsTest, RandomTablesComeBackAsTheyWere) {
  RandomRowsOptions options;
  options.nul_in_text = true;
  options.negative_zero = false;  // SQLite makes 0 of it.
  Random random(42);
  for (int table = 0; table < 1000; ++table) {
    const SchemaPtr schema = RandomSchema(options, &random);
    Batch first(schema), second(schema);
    const int64_t rows = random.Between(0, 100);
    AppendRandomRows(options, 1, rows, &random, &first);
    AppendRandomRows(options, rows + 1, 5, &random, &second);
    const std::string name = absl::StrCat("t", table);
    if (table % 2 == 1) {
      // With an index rows go in one by one.
      const Batch none(schema);
      ASSERT_TRUE(Write(To(name), {&none}).ok());
      Run(absl::StrCat("CREATE INDEX i", table, " ON ", name, " (c0, c0)"));
    }
    const auto counts = Write(To(name), {&first, &second});
    ASSERT_TRUE(counts.ok()) << counts.status() << ", table " << table;
    EXPECT_EQ(counts->rows, rows + 5);
    const auto read = Read(name);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(read->schema()->primary_key, schema->primary_key);
    ASSERT_TRUE(internal::AppendBatch(second, &first).ok());
    ASSERT_EQ(FirstDifference(first, *read), "") << "table " << table;
    // By what the source says of its types.
    const auto copied = Write(To("copy", WriteMode::kReplace), {&*read});
    ASSERT_TRUE(copied.ok()) << copied.status();
    const auto again = Read("copy");
    ASSERT_TRUE(again.ok()) << again.status();
    ASSERT_EQ(FirstDifference(first, *again), "") << "table " << table;
    EXPECT_EQ(*again->schema(), *read->schema());
    Run("DROP TABLE copy");
    Run(absl::StrCat("DROP TABLE ", name));
  }
}

TEST_F(SqliteConnectorsTest, ATableOfTheSameEngineGetsTheSameWords) {
  std::vector<std::string> columns;
  for (const char* type : {"INTEGER",
                           "int2",
                           "UNSIGNED BIG INT",
                           "MEDIUMINT",
                           "VARCHAR(20)",
                           "NATIVE CHARACTER(70)",
                           "CHARACTER VARYING (9)",
                           "mediumtext",
                           "CLOB",
                           "TINYBLOB",
                           "REAL",
                           "DOUBLE PRECISION",
                           "FLOAT(4)",
                           "BOOLEAN",
                           "DECIMAL(10,2)",
                           "NUMERIC( 12 , 2 )",
                           "numeric",
                           "DATE",
                           "DATETIME",
                           "TIMESTAMP WITH TIME ZONE",
                           "TEXT_JSON",
                           "uuid",
                           ""}) {
    columns.push_back(absl::StrCat("c", columns.size(), " ", type));
  }
  Run(absl::StrCat("CREATE TABLE t (", absl::StrJoin(columns, ", "), ")"));
  ReadRequest request;
  request.table.table = "t";
  const auto read = internal::ReadTable(*OpenSource(), request);
  ASSERT_TRUE(read.ok()) << read.status();
  const auto counts =
      internal::WriteTable(*OpenDestination(), To("u"), {&*read});
  ASSERT_TRUE(counts.ok()) << counts.status();
  const std::string types = Select("SELECT type FROM pragma_table_info('t')");
  EXPECT_EQ(Select("SELECT type FROM pragma_table_info('u')"), types);
}

TEST_F(SqliteConnectorsTest, DeclaredTypesAreReadAsWhatTheySay) {
  struct Declared {
    const char* declared;
    Type type;
    const char* value;
    const char* text;
  };
  const std::vector<Declared> declared = {
      {"INTEGER", {TypeId::kInt64}, "-5", "-5"},
      {"INT", {TypeId::kInt64}, "9223372036854775807", "9223372036854775807"},
      {"UNSIGNED BIG INT", {TypeId::kInt64}, "'12'", "12"},
      {"SMALLINT", {TypeId::kInt64}, "3.0", "3"},
      {"BOOLEAN", {TypeId::kBool}, "1", "t"},
      {"bool", {TypeId::kBool}, "'false'", "f"},
      {"VARCHAR(10)", {TypeId::kText}, "12", "12"},
      {"NATIVE CHARACTER(70)", {TypeId::kText}, "'ä'", "ä"},
      {"", {TypeId::kText}, "12", "12"},
      {"", {TypeId::kText}, "0.1", "0.1"},
      {"BLOB", {TypeId::kBytes}, "x'00ff'", "\\x00ff"},
      {"BLOB", {TypeId::kBytes}, "'a'", "\\x61"},
      {"REAL", {TypeId::kFloat64}, "1", "1"},
      {"DOUBLE PRECISION", {TypeId::kFloat64}, "-1e999", "-Infinity"},
      {"FLOAT", {TypeId::kFloat64}, "'NaN'", "NaN"},
      {"DECIMAL(10,2)", {TypeId::kDecimal, 10, 2}, "1.5", "1.50"},
      {"DECIMAL(10, 2)", {TypeId::kDecimal, 10, 2}, "12345678", "12345678.00"},
      {"NUMERIC(5)", {TypeId::kDecimal, 5, 0}, "'7.0'", "7"},
      {"NUMERIC", {TypeId::kNumeric}, "1e20", "100000000000000000000"},
      {"DECIMAL", {TypeId::kNumeric}, "0.1", "0.1"},
      {"DATE", {TypeId::kDate}, "'2026-01-31'", "2026-01-31"},
      {"TIME", {TypeId::kTime}, "'23:59:59.5'", "23:59:59.5"},
      {"DATETIME",
       {TypeId::kTimestamp},
       "'2026-01-31T01:02:03'",
       "2026-01-31 01:02:03"},
      {"TIMESTAMP",
       {TypeId::kTimestamp},
       "CURRENT_DATE || ' 00:00:00'",
       nullptr},
      {"TIMESTAMPTZ",
       {TypeId::kTimestampTz},
       "'2026-01-31 01:00:00+01'",
       "2026-01-31 00:00:00+00"},
      {"UUID",
       {TypeId::kUuid},
       "x'000102030405060708090a0b0c0d0e0f'",
       "00010203-0405-0607-0809-0a0b0c0d0e0f"},
      {"JSON", {TypeId::kJson}, "'[1]'", "[1]"},
      {"JSON", {TypeId::kJson}, "1.5", "1.5"},
  };
  std::vector<std::string> columns, values;
  for (size_t i = 0; i < declared.size(); ++i) {
    columns.push_back(absl::StrCat("c", i, " ", declared[i].declared));
    values.push_back(declared[i].value);
  }
  Run(absl::StrCat("CREATE TABLE t (", absl::StrJoin(columns, ", "), ")"));
  Run(absl::StrCat("INSERT INTO t VALUES (", absl::StrJoin(values, ", "), ")"));
  const auto read = Read("t");
  ASSERT_TRUE(read.ok()) << read.status();
  for (size_t i = 0; i < declared.size(); ++i) {
    const Column& column = read->columns()[i];
    EXPECT_EQ(TypeName(column.type()), TypeName(declared[i].type))
        << declared[i].declared;
    std::string text;
    AppendValueText(column, 0, &text);
    if (declared[i].text != nullptr) {
      EXPECT_EQ(text, declared[i].text) << declared[i].declared;
    }
  }
  ASSERT_TRUE(Write(To("u"), {&*read}).ok());
  const auto copied = Read("u");
  ASSERT_TRUE(copied.ok()) << copied.status();
  EXPECT_EQ(FirstDifference(*read, *copied), "");
  Run("CREATE TABLE m (a MONEY)");
  const absl::Status status = Read("m").status();
  EXPECT_EQ(status.code(), Code::kUnimplemented);
  EXPECT_THAT(Message(status),
              AllOf(HasSubstr("column a"), HasSubstr("MONEY")));
  EXPECT_EQ(Read("missing").status().code(), Code::kNotFound);
}

TEST_F(SqliteConnectorsTest, AValueOfAnotherClassIsAnErrorOfItsRow) {
  struct Bad {
    const char* declared;
    const char* value;
  };
  for (const Bad& bad : std::vector<Bad>{{"INTEGER", "'abc'"},
                                         {"INTEGER", "1.5"},
                                         {"INTEGER", "1e300"},
                                         {"INTEGER", "x'01'"},
                                         {"INTEGER", "''"},
                                         {"INTEGER_8", "128"},
                                         {"UINTEGER_8", "-1"},
                                         {"BOOLEAN", "2"},
                                         {"BOOLEAN", "0.5"},
                                         {"TEXT", "x'61'"},
                                         {"TEXT", "CAST(x'ff' AS TEXT)"},
                                         {"JSON", "x'61'"},
                                         {"BLOB", "1"},
                                         {"REAL", "'one'"},
                                         {"FLOAT_32", "0.1"},
                                         {"DECIMAL(4,1)", "0.25"},
                                         {"DECIMAL(4,1)", "1000"},
                                         {"DATE", "'2026-02-30'"},
                                         {"DATE", "20260130"},
                                         {"TIMESTAMP", "1700000000"},
                                         {"TIME", "''"},
                                         {"UUID", "x'00'"}}) {
    Run("DROP TABLE IF EXISTS t");
    Run(absl::StrCat("CREATE TABLE t (v ", bad.declared, ")"));
    Run("INSERT INTO t VALUES (NULL)");
    Run(absl::StrCat("INSERT INTO t VALUES (", bad.value, ")"));
    const absl::Status status = Read("t").status();
    EXPECT_THAT(status.code(),
                ::testing::AnyOf(Code::kInvalidArgument, Code::kOutOfRange))
        << bad.declared << " " << bad.value << status;
    EXPECT_THAT(Message(status), HasSubstr("t, column v, row 2: "));
  }
}

TEST_F(SqliteConnectorsTest, AnErrorAtTheLastRowLeavesTheTargetAsItWas) {
  const SchemaPtr schema =
      SchemaOf({{"id", {TypeId::kInt64}}, {"v", {TypeId::kText}}}, {"id"});
  for (const WriteMode mode :
       {WriteMode::kAppend, WriteMode::kReplace, WriteMode::kUpsert}) {
    for (const bool index : {false, true}) {
      for (const char* bad : {"7", "odd", "NULL"}) {
        const std::string what = bad;
        if (mode == WriteMode::kUpsert && what == "7") continue;
        Run("DROP TABLE IF EXISTS t");
        Run("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT NOT NULL, "
            "CONSTRAINT odd CHECK (v <> 'odd'))");
        if (index) Run("CREATE INDEX i ON t (v)");
        Run("INSERT INTO t VALUES (-1, 'old')");
        std::vector<std::vector<std::string>> rows;
        for (int i = 1; i <= 150; ++i) rows.push_back({absl::StrCat(i), "v"});
        rows.push_back(what == "7" ? std::vector<std::string>{"7", "v"}
                                   : std::vector<std::string>{"999", what});
        const Batch first = BatchOf(schema, {{"5000", "first"}});
        const Batch second = BatchOf(schema, rows);
        const absl::Status status =
            Write(To("t", mode), {&first, &second}, "m/1").status();
        EXPECT_EQ(status.code(),
                  what == "7" ? Code::kAlreadyExists : Code::kInvalidArgument)
            << status;
        EXPECT_THAT(Message(status), HasSubstr("row 152: "));
        if (what != "odd") {
          EXPECT_THAT(Message(status),
                      HasSubstr(what == "7" ? "t, column id" : "t, column v"));
        }
        EXPECT_EQ(Select("SELECT * FROM t"), "-1|old");
        EXPECT_FALSE(OpenDestination()->HasMarker("m/1").value());
      }
    }
  }
}

TEST_F(SqliteConnectorsTest, WritesInEachMode) {
  const SchemaPtr schema =
      SchemaOf({{"id", {TypeId::kInt64}}, {"v", {TypeId::kText}}}, {"id"});
  const Batch one = BatchOf(schema, {{"0", "a"}, {"2", "b"}});
  const Batch two = BatchOf(schema, {{"2", "c"}, {"3", "d"}, {"3", "e"}});
  Run("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, w INT DEFAULT 7)");
  ASSERT_TRUE(Write(To("t"), {&one}).ok());
  Run("UPDATE t SET w = 8");
  const auto counts = Write(To("t", WriteMode::kUpsert), {&two});
  ASSERT_TRUE(counts.ok()) << counts.status();
  EXPECT_EQ(counts->rows, 3);
  EXPECT_GT(counts->bytes, 0);
  EXPECT_EQ(Select("SELECT * FROM t"), "0|a|8|2|c|8|3|e|7");
  WriteRequest replace = To("t", WriteMode::kReplace);
  for (const bool staged : {false, true}) {
    replace.staged = staged;
    ASSERT_TRUE(Write(replace, {&one}).ok());
    EXPECT_EQ(Select("SELECT * FROM t"), "0|a|7|2|b|7");
  }
  const SchemaPtr keys = SchemaOf({{"id", {TypeId::kInt64}}}, {"id"});
  const Batch ids = BatchOf(keys, {{"2"}, {"5"}});
  ASSERT_TRUE(Write(To("t", WriteMode::kUpsert), {&ids}).ok());
  EXPECT_EQ(Select("SELECT id, v FROM t"), "0|a|2|b|5|NULL");
  WriteRequest upsert = To("t", WriteMode::kUpsert);
  upsert.key = {"v"};
  EXPECT_EQ(Write(upsert, {&one}).status().code(), Code::kInvalidArgument);
  const SchemaPtr no_key = SchemaOf({{"id", {TypeId::kInt64}}});
  const Batch none(no_key);
  EXPECT_EQ(Write(To("t", WriteMode::kUpsert), {&none}).status().code(),
            Code::kInvalidArgument);
}

// Rows of other tables do not go with those that are replaced.
TEST_F(SqliteConnectorsTest, ReplacingDoesNotReachOtherTables) {
  const Batch rows = BatchOf(SchemaOf({{"id", {TypeId::kInt64}}}), {{"2"}});
  for (const char* rule : {"CASCADE", "SET NULL"}) {
    Run("CREATE TABLE t (id INTEGER PRIMARY KEY)");
    Run(absl::StrCat("CREATE TABLE orders (item REFERENCES T ON DELETE ", rule,
                     ")"));
    Run("INSERT INTO t VALUES (1)");
    Run("INSERT INTO orders VALUES (1)");
    const absl::Status status =
        Write(To("t", WriteMode::kReplace), {&rows}).status();
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << status;
    EXPECT_THAT(Message(status), HasSubstr("orders"));
    EXPECT_EQ(Select("SELECT * FROM orders"), "1");
    EXPECT_EQ(Select("SELECT * FROM t"), "1");
    Run("DROP TABLE orders");
    Run("DROP TABLE t");
  }
}

TEST_F(SqliteConnectorsTest, RowsThatATriggerDropsAreAnError) {
  const SchemaPtr schema = SchemaOf({{"id", {TypeId::kInt64}}}, {"id"});
  const Batch rows = BatchOf(schema, {{"1"}, {"2"}, {"3"}});
  Run("CREATE TABLE t (id INTEGER PRIMARY KEY)");
  Run("CREATE TRIGGER drops BEFORE INSERT ON t WHEN NEW.id = 2 BEGIN SELECT "
      "RAISE(IGNORE); END");
  for (const WriteMode mode :
       {WriteMode::kAppend, WriteMode::kReplace, WriteMode::kUpsert}) {
    WriteRequest request = To("t", mode);
    const absl::Status status = Write(request, {&rows}).status();
    if (mode == WriteMode::kUpsert) {
      // A row of a key alone may be there already.
      EXPECT_TRUE(status.ok()) << status;
      continue;
    }
    EXPECT_EQ(status.code(), Code::kInternal) << status;
    EXPECT_THAT(Message(status), HasSubstr("of 3 rows the engine kept 2"));
    EXPECT_EQ(Select("SELECT COUNT(*) FROM t"), "0");
  }
}

TEST_F(SqliteConnectorsTest, AForeignTableOfMarkersIsRefusedAndStays) {
  Run("CREATE TABLE opsbench_pipeline_marker (name TEXT PRIMARY KEY, marker)");
  Run("INSERT INTO opsbench_pipeline_marker VALUES ('m', 'precious')");
  const Batch rows = BatchOf(SchemaOf({{"id", {TypeId::kInt64}}}), {{"2"}});
  for (const bool early : {true, false}) {
    WriteRequest request = To("t");
    request.marked = early;
    const absl::Status status = Write(request, {&rows}, "m/1").status();
    EXPECT_EQ(status.code(), Code::kFailedPrecondition) << status;
    EXPECT_THAT(Message(status), HasSubstr("opsbench_pipeline_marker"));
  }
  EXPECT_FALSE(OpenDestination()->HasMarker("m/1").ok());
  EXPECT_EQ(Select("SELECT * FROM opsbench_pipeline_marker"), "m|precious");
  EXPECT_EQ(Tables(), "opsbench_pipeline_marker");
}

TEST_F(SqliteConnectorsTest, AMissingTableIsPartOfTheTransaction) {
  const SchemaPtr schema = SchemaOf({{"id", {TypeId::kInt64}}}, {"id"});
  const Batch good = BatchOf(schema, {{"1"}});
  const Batch bad = BatchOf(schema, {{"1"}, {"1"}});
  EXPECT_EQ(Write(To("t"), {&bad}).status().code(), Code::kAlreadyExists);
  EXPECT_EQ(Tables(), "");
  {
    auto destination = OpenDestination();
    ASSERT_TRUE(destination->Prepare(To("t"), schema).ok());
    ASSERT_TRUE(destination->Write(good).ok());
    destination->Interrupt();
    EXPECT_EQ(destination->Write(good).code(), Code::kCancelled);
  }
  EXPECT_EQ(Tables(), "");
  ASSERT_TRUE(Write(To("t"), {&good}, "p/1").ok());
  EXPECT_EQ(Select("SELECT * FROM t"), "1");
  EXPECT_TRUE(OpenDestination()->HasMarker("p/1").value());
  EXPECT_FALSE(OpenDestination()->HasMarker("p/2").value());
  const Batch next = BatchOf(schema, {{"2"}});
  ASSERT_TRUE(Write(To("t"), {&next}, "p/2").ok());
  EXPECT_FALSE(OpenDestination()->HasMarker("p/1").value());
  EXPECT_TRUE(OpenDestination()->HasMarker("p/2").value());
}

TEST_F(SqliteConnectorsTest, ColumnsThatWouldChangeValuesAreRefused) {
  struct Refused {
    Type type;
    const char* declared;
  };
  for (const Refused& refused :
       std::vector<Refused>{{{TypeId::kText}, "INTEGER"},
                            {{TypeId::kText}, "STRING"},
                            {{TypeId::kJson}, "JSON"},
                            {{TypeId::kFloat64}, "INTEGER"},
                            {{TypeId::kInt64}, "REAL"},
                            {{TypeId::kDate}, "INTEGER"}}) {
    Run("DROP TABLE IF EXISTS t");
    Run(absl::StrCat("CREATE TABLE t (v ", refused.declared, ")"));
    const absl::Status status =
        OpenDestination()->Prepare(To("t"), SchemaOf({{"v", refused.type}}));
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << refused.declared;
    EXPECT_THAT(Message(status), HasSubstr("t, column v"));
  }
  Run("CREATE TABLE g (a INT, v INT AS (a))");
  EXPECT_EQ(OpenDestination()
                ->Prepare(To("g"), SchemaOf({{"v", {TypeId::kInt8}}}))
                .code(),
            Code::kInvalidArgument);
  EXPECT_EQ(OpenDestination()
                ->Prepare(To("g"), SchemaOf({{"x", {TypeId::kInt8}}}))
                .code(),
            Code::kNotFound);
}

// Columns of others that store numbers keep what they can.
TEST_F(SqliteConnectorsTest, DecimalsGoIntoNumericColumnsWhenTheyStayExact) {
  const SchemaPtr schema = SchemaOf({{"v", {TypeId::kDecimal, 38, 2}}});
  Run("CREATE TABLE t (v DECIMAL(38, 2))");
  const std::vector<std::vector<std::string>> rows = {
      {"0.10"}, {"-12345678.25"}, {"9223372036854775807.00"}, {"0.00"}};
  const Batch batch = BatchOf(schema, rows);
  ASSERT_TRUE(Write(To("t"), {&batch}).ok());
  const auto read = Read("t");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(FirstDifference(batch, *read), "");
  for (const char* bad : {"9223372036854775808.01", "12345678901234567.89"}) {
    const Batch lost = BatchOf(schema, {{"1.00"}, {bad}});
    const absl::Status status = Write(To("t"), {&lost}).status();
    EXPECT_EQ(status.code(), Code::kOutOfRange) << status;
    EXPECT_THAT(Message(status), HasSubstr("t, column v, row 2: "));
  }
}

TEST_F(SqliteConnectorsTest, NamesSizesAndEmptiness) {
  const std::string table = "ta\"b'le `\\ ä;";
  const SchemaPtr schema = SchemaOf({{"a\"b", {TypeId::kInt64}, false},
                                     {"c'd", {TypeId::kText}},
                                     {"select", {TypeId::kBytes}},
                                     {":x ?", {TypeId::kUInt64}}},
                                    {"a\"b"});
  const Batch batch = BatchOf(schema, {{"1", "x", "\\xff", "3"}});
  for (const WriteMode mode :
       {WriteMode::kAppend, WriteMode::kUpsert, WriteMode::kReplace}) {
    const auto counts = Write(To(table, mode), {&batch});
    ASSERT_TRUE(counts.ok()) << counts.status();
  }
  auto read = Read(table);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(FirstDifference(batch, *read), "");

  const Batch none(schema);
  ASSERT_TRUE(Write(To("none"), {&none}).ok());
  EXPECT_EQ(Read("none")->rows(), 0);

  std::vector<Field> fields;
  std::vector<std::string> row;
  for (int i = 0; i < 1600; ++i) {
    fields.push_back({absl::StrCat("c", i), {TypeId::kInt32}});
    row.push_back(absl::StrCat(i));
  }
  const Batch wide = BatchOf(SchemaOf(fields), {row, row, row, row, row, row});
  ASSERT_TRUE(Write(To("wide"), {&wide}).ok());
  read = Read("wide");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(FirstDifference(wide, *read), "");
  for (int i = 1600; i < 2100; ++i) {
    fields.push_back({absl::StrCat("c", i), {TypeId::kInt32}});
  }
  const absl::Status status =
      OpenDestination()->Prepare(To("wider"), SchemaOf(fields));
  EXPECT_EQ(status.code(), Code::kInvalidArgument) << status;
  EXPECT_THAT(Message(status), HasSubstr("wider"));
}

TEST_F(SqliteConnectorsTest, AValueOf100Megabytes) {
  const SchemaPtr schema = SchemaOf({{"v", {TypeId::kBytes}}});
  Batch batch(schema);
  batch.columns()[0].AppendText(std::string(100 << 20, '\xff'));
  batch.SetRows(1);
  const auto counts = Write(To("t"), {&batch});
  ASSERT_TRUE(counts.ok()) << counts.status();
  const auto read = Read("t");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(FirstDifference(batch, *read), "");
}

TEST_F(SqliteConnectorsTest, ReadsWhatIsAboveACursor) {
  Run("CREATE TABLE t (id INTEGER, d TIMESTAMP, s TEXT COLLATE NOCASE, b BLOB, "
      "f REAL, y INT)");
  Run("INSERT INTO t VALUES (1, '2026-01-01 00:00:00', 'a', x'61', 1, 2000), "
      "(9007199254740993, '2026-01-01 00:00:00.5', 'B', x'ff', 2, 2001), "
      "(9223372036854775807, '2027-01-01 00:00:00', 'b', x'63', 3, 2002), "
      "(NULL, NULL, NULL, NULL, NULL, NULL)");
  ReadRequest request;
  request.table.table = "t";
  request.columns = {"y"};
  const auto years = [&](const std::string& column, const std::string& after,
                         const std::string& until) {
    request.cursor_column = column;
    request.cursor_after = after;
    request.cursor_until = until;
    const auto source = OpenSource();
    const auto read = internal::ReadTable(*source, request);
    if (!read.ok()) return read.status().ToString();
    std::string text;
    for (int64_t i = 0; i < read->rows(); ++i) {
      AppendValueText(read->columns()[0], i, &text);
      text.push_back(' ');
    }
    return text;
  };
  const auto max = [&](const std::string& column,
                       const std::string& after = "") {
    request.cursor_column = column;
    request.cursor_after = after;
    request.cursor_until = "";
    return OpenSource()->MaxCursor(request).value_or("error");
  };
  EXPECT_EQ(max("id"), "9223372036854775807");
  EXPECT_EQ(max("d"), "2027-01-01 00:00:00");
  EXPECT_EQ(max("s"), "b");
  EXPECT_EQ(max("b"), "\xff");
  EXPECT_EQ(max("id", "1"), "9223372036854775807");
  for (const char* column : {"id", "d", "s", "b"}) {
    EXPECT_EQ(max(column, max(column)), "");
  }
  EXPECT_EQ(years("id", "9007199254740992", "9007199254740993"), "2001 ");
  EXPECT_EQ(years("d", "2026-01-01 00:00:00", "2027-01-01 00:00:00"),
            "2001 2002 ");
  EXPECT_EQ(years("s", "B", "b"), "2000 2002 ");
  EXPECT_EQ(years("s", "'; DROP TABLE t; --", "z"), "2000 2001 2002 ");
  EXPECT_EQ(years("b", "a", "\xff"), "2001 2002 ");
  EXPECT_THAT(years("id", "1 OR 1", ""), HasSubstr("INVALID_ARGUMENT"));
  EXPECT_THAT(years("f", "1", ""), HasSubstr("INVALID_ARGUMENT"));
  EXPECT_THAT(years("missing", "1", ""), HasSubstr("NOT_FOUND"));
}

TEST_F(SqliteConnectorsTest, PartitionsMakeUpTheTable) {
  Run("CREATE TABLE t (id INTEGER PRIMARY KEY)");
  Run("CREATE TABLE n (id INT PRIMARY KEY)");
  for (const char* table : {"t", "n"}) {
    Run(absl::StrCat(
        "WITH RECURSIVE s AS (SELECT 1 AS n UNION ALL SELECT n + 1 "
        "FROM s WHERE n < 99) INSERT INTO ",
        table, " SELECT n * n FROM s"));
    Run(absl::StrCat("INSERT INTO ", table,
                     " VALUES (-9223372036854775807 - 1)"));
  }
  Run("INSERT INTO n VALUES (NULL)");
  for (const char* table : {"t", "n"}) {
    for (const int parts : {1, 2, 3, 7, 1000}) {
      ReadRequest request;
      request.table.table = table;
      const auto partitions = OpenSource()->Split(request, parts);
      ASSERT_TRUE(partitions.ok()) << partitions.status();
      EXPECT_LE(partitions->size(), static_cast<size_t>(parts));
      int64_t rows = 0;
      for (const Partition& partition : *partitions) {
        request.partition = partition;
        const auto source = OpenSource();
        const auto read = internal::ReadTable(*source, request);
        ASSERT_TRUE(read.ok()) << read.status();
        rows += read->rows();
      }
      EXPECT_EQ(rows, table[0] == 't' ? 100 : 101);
    }
  }
}

// A reader sees the state of the moment at which it began, and a writer of the
// same file does not wait for it.
TEST_F(SqliteConnectorsTest, ReadsOneSnapshot) {
  Run("CREATE TABLE t (id INTEGER PRIMARY KEY)");
  Run("WITH RECURSIVE s AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM s WHERE "
      "n < 10000) INSERT INTO t SELECT n FROM s");
  auto source = OpenSource();
  ReadRequest request;
  request.table.table = "t";
  request.batch_rows = 100;
  const SchemaPtr schema = source->Describe(request).value();
  ASSERT_TRUE(source->Start(request).ok());
  Batch batch(schema);
  ASSERT_TRUE(source->Next(&batch).value());
  Run("DELETE FROM t WHERE id > 10");
  int64_t rows = batch.rows();
  for (batch.Clear(); source->Next(&batch).value(); batch.Clear()) {
    rows += batch.rows();
  }
  EXPECT_EQ(rows, 10'000);
  source->Interrupt();
  EXPECT_EQ(source->Start(request).code(), Code::kCancelled);
}

}  // namespace
}  // namespace opsbench::pipeline
