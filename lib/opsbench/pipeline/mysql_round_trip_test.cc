// Tables of every type, name and size through MariaDB and back.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/pipeline/internal/mysql_testing.h"
#include "opsbench/pipeline/random_rows.h"
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

// What MariaDB 10.11 has a type for, with the type that it is read as.
struct EveryType {
  const char* sql;
  Type type;
  const char* value;  // As SQL.
  const char* text;   // As AppendValueText().
};

const std::vector<EveryType>& EveryTypes() {
  static const auto* const types = new std::vector<EveryType>{
      {"tinyint", {TypeId::kInt8}, "-128", "-128"},
      {"tinyint unsigned", {TypeId::kUInt8}, "255", "255"},
      {"tinyint(1)", {TypeId::kBool}, "1", "t"},
      {"boolean", {TypeId::kBool}, "0", "f"},
      {"smallint", {TypeId::kInt16}, "-32768", "-32768"},
      {"smallint(5) unsigned zerofill", {TypeId::kUInt16}, "65535", "65535"},
      {"mediumint", {TypeId::kInt32}, "-8388608", "-8388608"},
      {"mediumint unsigned", {TypeId::kUInt32}, "16777215", "16777215"},
      {"int", {TypeId::kInt32}, "-2147483648", "-2147483648"},
      {"int unsigned", {TypeId::kUInt32}, "4294967295", "4294967295"},
      {"bigint",
       {TypeId::kInt64},
       "-9223372036854775808",
       "-9223372036854775808"},
      {"bigint unsigned",
       {TypeId::kUInt64},
       "18446744073709551615",
       "18446744073709551615"},
      {"float", {TypeId::kFloat32}, "16777216", "16777216"},
      {"float(7, 3)", {TypeId::kFloat32}, "1234.567", "1234.567"},
      {"double", {TypeId::kFloat64}, "-1e-300", "-1e-300"},
      {"decimal(5, 2)", {TypeId::kDecimal, 5, 2}, "-999.90", "-999.90"},
      {"decimal(38, 38)",
       {TypeId::kDecimal, 38, 38},
       "0.00000000000000000000000000000000000001",
       "0.00000000000000000000000000000000000001"},
      {"decimal(65, 30)",
       {TypeId::kNumeric},
       "12345678901234567890123456789012345.1",
       "12345678901234567890123456789012345.100000000000000000000000000000"},
      {"bit(1)", {TypeId::kUInt64}, "b'1'", "1"},
      {"bit(64)",
       {TypeId::kUInt64},
       "18446744073709551615",
       "18446744073709551615"},
      {"year", {TypeId::kUInt16}, "2155", "2155"},
      {"year", {TypeId::kUInt16}, "0", "0"},
      {"char(5)", {TypeId::kText}, "'äöü'", "äöü"},
      {"varchar(10)", {TypeId::kText}, "'a b  '", "a b  "},
      {"varchar(10) character set latin1", {TypeId::kText}, "'äß'", "äß"},
      {"varchar(10) character set utf16", {TypeId::kText}, "'ä😀'", "ä😀"},
      {"tinytext", {TypeId::kText}, "''", ""},
      {"text", {TypeId::kText}, "'\\\\N'", "\\N"},
      {"mediumtext", {TypeId::kText}, "'tab\\tnl\\n'", "tab\tnl\n"},
      {"longtext", {TypeId::kText}, "'quo''te'", "quo'te"},
      {"binary(3)", {TypeId::kBytes}, "X'00FF00'", "\\x00ff00"},
      {"varbinary(9)", {TypeId::kBytes}, "X'5C4E09'", "\\x5c4e09"},
      {"tinyblob", {TypeId::kBytes}, "''", ""},
      {"blob", {TypeId::kBytes}, "X'C3'", "\\xc3"},
      {"mediumblob", {TypeId::kBytes}, "X'0A'", "\\x0a"},
      {"longblob", {TypeId::kBytes}, "X'80'", "\\x80"},
      {"enum('a', 'it''s', 'x,y')", {TypeId::kText}, "'it''s'", "it's"},
      {"set('a', 'b', 'c')", {TypeId::kText}, "'a,c'", "a,c"},
      {"date", {TypeId::kDate}, "'0001-01-01'", "0001-01-01"},
      {"time", {TypeId::kDuration}, "'-838:59:59'", "-838:59:59"},
      {"time(6)", {TypeId::kDuration}, "'00:00:00.000001'", "00:00:00.000001"},
      {"datetime(6)",
       {TypeId::kTimestamp},
       "'9999-12-31 23:59:59.999999'",
       "9999-12-31 23:59:59.999999"},
      {"datetime(3)",
       {TypeId::kTimestamp},
       "'1000-01-01 00:00:00.120'",
       "1000-01-01 00:00:00.12"},
      {"timestamp(6)",
       {TypeId::kTimestampTz},
       "'2038-01-19 03:14:07.999999'",
       "2038-01-19 03:14:07.999999+00"},
      {"json", {TypeId::kJson}, "'{\"a\":  1}'", "{\"a\":  1}"},
      {"uuid",
       {TypeId::kUuid},
       "'123E4567-e89b-12d3-a456-426614174000'",
       "123e4567-e89b-12d3-a456-426614174000"},
      {"inet6",
       {TypeId::kText},
       "'2001:db8::ff00:42:8329'",
       "2001:db8::ff00:42:8329"},
      {"inet4", {TypeId::kText}, "'10.0.0.1'", "10.0.0.1"},
  };
  return *types;
}

TEST_P(MysqlMethodTest, EveryTypeIsReadAndCopiedAsItIs) {
  std::vector<std::string> columns, values, nulls;
  for (size_t i = 0; i < EveryTypes().size(); ++i) {
    columns.push_back(absl::StrCat("c", i, " ", EveryTypes()[i].sql, " NULL"));
    values.push_back(EveryTypes()[i].value);
    nulls.push_back("NULL");
  }
  Run(absl::StrCat("CREATE TABLE t (", absl::StrJoin(columns, ", "), ")"));
  Run(absl::StrCat("INSERT INTO t VALUES (", absl::StrJoin(values, ", "),
                   "), (", absl::StrJoin(nulls, ", "), ")"));
  const auto read = Read("t");
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_EQ(read->rows(), 2);
  for (size_t i = 0; i < EveryTypes().size(); ++i) {
    const EveryType& expected = EveryTypes()[i];
    const Column& column = read->columns()[i];
    EXPECT_EQ(TypeName(column.type()), TypeName(expected.type)) << expected.sql;
    ASSERT_FALSE(column.IsNull(0)) << expected.sql;
    std::string text;
    AppendValueText(column, 0, &text);
    if (text == "\\x") text.clear();
    EXPECT_EQ(text, expected.text) << expected.sql;
    EXPECT_TRUE(column.IsNull(1)) << expected.sql;
  }
  const auto counts = Write(To("u"), {&*read});
  ASSERT_TRUE(counts.ok()) << counts.status();
  const auto copied = Read("u");
  ASSERT_TRUE(copied.ok()) << copied.status();
  EXPECT_EQ(FirstDifference(*read, *copied), "");
  EXPECT_EQ(*read->schema(), *copied->schema());
  // And once more into the table that is there.
  ASSERT_TRUE(Write(To("u"), {&*read}).ok());
  EXPECT_EQ(Select("SELECT COUNT(*), COUNT(c0) FROM u"), "4|2");
}

TEST_F(MysqlConnectorsTest, TypesWithoutAMappingNameTheirColumn) {
  Run("CREATE TABLE t (a INT, g POINT)");
  const absl::Status status = Read("t").status();
  EXPECT_EQ(status.code(), Code::kUnimplemented) << status;
  EXPECT_THAT(Message(status),
              AllOf(HasSubstr("column g"), HasSubstr("point")));
  ReadRequest request;
  request.table.table = "t";
  request.columns = {"a"};
  EXPECT_TRUE(OpenSource()->Describe(request).ok());
  request.columns = {"b"};
  EXPECT_EQ(OpenSource()->Describe(request).status().code(), Code::kNotFound);
  request.columns = {"a", "A"};
  EXPECT_EQ(OpenSource()->Describe(request).status().code(),
            Code::kInvalidArgument);
  request.table.table = "missing";
  EXPECT_EQ(OpenSource()->Describe(request).status().code(), Code::kNotFound);
}

TEST_F(MysqlConnectorsTest, ATinyint1ThatIsNoBoolIsNeverLost) {
  Run("CREATE TABLE t (a TINYINT(1))");
  Run("INSERT INTO t VALUES (1), (NULL), (0), (2)");
  const absl::Status status = Read("t").status();
  EXPECT_EQ(status.code(), Code::kOutOfRange) << status;
  EXPECT_THAT(Message(status), AllOf(HasSubstr(".t, column a, row 4"),
                                     HasSubstr("tinyint1_is_bool")));
  const auto read = Read("t", {{"tinyint1_is_bool", "false"}});
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->columns()[0].type().id, TypeId::kInt8);
  EXPECT_EQ(read->columns()[0].Fixed<int8_t>(3), 2);
}

TEST_F(MysqlConnectorsTest, ZeroDatesAreErrorsOrNull) {
  Run("SET SESSION sql_mode = 'ALLOW_INVALID_DATES'");
  Run("CREATE TABLE t (id INT, a DATE NOT NULL, b DATETIME, c TIMESTAMP NULL)");
  const char* const good = "'2026-01-31'";
  for (const char* bad :
       {"'0000-00-00'", "'2026-00-10'", "'2026-01-00'", "'2026-02-31'"}) {
    for (const char* column : {"a", "b", "c"}) {
      if (absl::string_view(column) == "c" &&
          absl::string_view(bad) != "'0000-00-00'") {
        continue;
      }
      Run("DELETE FROM t");
      Run(absl::StrCat("INSERT INTO t VALUES (1, ", good, ", NULL, NULL)"));
      Run(absl::StrCat("INSERT INTO t VALUES (2, ", good, ", NULL, NULL)"));
      Run(absl::StrCat("UPDATE t SET ", column, " = ", bad, " WHERE id = 2"));
      const absl::Status status = Read("t").status();
      EXPECT_EQ(status.code(), Code::kInvalidArgument) << status;
      EXPECT_THAT(Message(status),
                  AllOf(HasSubstr(absl::StrCat("column ", column, ", row 2")),
                        HasSubstr("zero_dates")));
      const auto read = Read("t", {{"zero_dates", "null"}});
      ASSERT_TRUE(read.ok()) << read.status() << bad << column;
      const int i = read->schema()->IndexOf(column);
      EXPECT_TRUE(read->columns()[i].IsNull(1)) << bad << column;
      EXPECT_FALSE(read->columns()[1].IsNull(0));
      EXPECT_TRUE(read->schema()->fields[i].nullable);
    }
  }
}

TEST_P(MysqlMethodTest, NamesMayBeAnything) {
  const std::string table = "ta`b'le \"\\ ä;";
  const SchemaPtr schema = SchemaOf({{"a`b", {TypeId::kInt64}, false},
                                     {"c'd\\", {TypeId::kText}},
                                     {"select", {TypeId::kBytes}},
                                     {"@x :y ?", {TypeId::kUInt64}}},
                                    {"a`b"});
  const Batch batch = BatchOf(schema, {{"1", "x", "\\xff", "3"}});
  for (const WriteMode mode :
       {WriteMode::kAppend, WriteMode::kUpsert, WriteMode::kReplace}) {
    WriteRequest request = To(table, mode);
    request.staged = mode == WriteMode::kReplace;
    const auto counts = Write(request, {&batch});
    ASSERT_TRUE(counts.ok()) << counts.status();
  }
  const auto read = Read(table);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(FirstDifference(batch, *read), "");
}

TEST_P(MysqlMethodTest, NoRowsAreFine) {
  const SchemaPtr schema = SchemaOf({{"v", {TypeId::kText}}});
  const Batch none(schema);
  auto counts = Write(To("t"), {&none});
  ASSERT_TRUE(counts.ok()) << counts.status();
  EXPECT_EQ(counts->rows, 0);
  auto read = Read("t");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->rows(), 0);
  // One column of empty text, which in a file is nothing but ends of lines.
  const Batch empty = BatchOf(schema, {{""}, {"NULL"}, {""}});
  ASSERT_TRUE(Write(To("t"), {&empty}).ok());
  read = Read("t");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(FirstDifference(empty, *read), "");
}

TEST_P(MysqlMethodTest, ManyColumnsUpToMysqlsLimit) {
  for (const int count : {1000, 1600}) {
    std::vector<Field> fields;
    std::vector<std::string> row;
    for (int i = 0; i < count; ++i) {
      fields.push_back({absl::StrCat("c", i), {TypeId::kInt32}});
      row.push_back(absl::StrCat(i));
    }
    const SchemaPtr schema = SchemaOf(std::move(fields));
    const Batch batch = BatchOf(schema, {row, row});
    const std::string table = absl::StrCat("t", count);
    const auto counts = Write(To(table), {&batch});
    if (count > 1017) {
      EXPECT_EQ(counts.status().code(), Code::kInvalidArgument)
          << counts.status();
      EXPECT_THAT(Message(counts.status()), HasSubstr(table));
      continue;
    }
    ASSERT_TRUE(counts.ok()) << counts.status();
    const auto read = Read(table);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(FirstDifference(batch, *read), "");
  }
}

TEST_P(MysqlMethodTest, AValueOf100Megabytes) {
  const SchemaPtr schema =
      SchemaOf({{"id", {TypeId::kInt64}}, {"v", {TypeId::kText}}});
  Batch batch = BatchOf(schema, {});
  batch.columns()[0].AppendFixed<int64_t>(1);
  batch.columns()[1].AppendText(std::string(100 << 20, 'x'));
  batch.SetRows(1);
  const auto counts = Write(To("t"), {&batch});
  if (GetParam() != std::string("load_data")) {
    // The server's max_allowed_packet is 16 MiB or so.
    EXPECT_FALSE(counts.ok());
    EXPECT_THAT(Message(counts.status()), HasSubstr("row 1"));
    EXPECT_THAT(Message(counts.status()), HasSubstr("load_data"));
    return;
  }
  ASSERT_TRUE(counts.ok()) << counts.status();
  const auto read = Read("t");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(FirstDifference(batch, *read), "");
}

TEST_P(MysqlMethodTest, TextThatIsNotUtf8IsRefusedByItsRow) {
  const SchemaPtr schema = SchemaOf({{"v", {TypeId::kText}}});
  Batch batch = BatchOf(schema, {{"a"}, {"b"}});
  batch.columns()[0].AppendText("\xff");
  batch.SetRows(3);
  const absl::Status status = Write(To("t"), {&batch}).status();
  EXPECT_EQ(status.code(), Code::kInvalidArgument) << status;
  EXPECT_THAT(Message(status), HasSubstr(".t, column v, row 3: "));
  EXPECT_EQ(Select("SHOW TABLES"), "");
}

}  // namespace
}  // namespace opsbench::pipeline
