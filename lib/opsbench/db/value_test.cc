#include "opsbench/db/value.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace opsbench {
namespace {

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

TEST(ValueTest, HoldsWhatItWasMadeOf) {
  EXPECT_TRUE(Value().is_null());
  EXPECT_EQ(Value::Null().type(), Value::Type::kNull);
  EXPECT_EQ(Value::Int64(kMin).int64(), kMin);
  EXPECT_EQ(Value::Int64(kMax).type(), Value::Type::kInt64);
  EXPECT_EQ(Value::Double(-0.5).float64(), -0.5);
  EXPECT_EQ(Value::Double(0).type(), Value::Type::kDouble);
  EXPECT_EQ(Value::TimestampUs(-1).int64(), -1);
  EXPECT_EQ(Value::TimestampUs(0).type(), Value::Type::kTimestamp);
  const absl::string_view text("a\0b", 3);
  EXPECT_EQ(Value::Text(text).text(), text);
  EXPECT_EQ(Value::Bytes(text).text(), text);
  EXPECT_EQ(Value::Text({}).text(), "");
  EXPECT_FALSE(Value::Text({}).is_null());
  static_assert(Value::Int64(7).int64() == 7);
}

TEST(ValueTest, EqualIsSameTypeAndContent) {
  const std::vector<Value> different = {
      Value::Null(),     Value::Int64(0),    Value::Int64(1),  Value::Double(0),
      Value::Double(1),  Value::Text(""),    Value::Text("0"), Value::Bytes(""),
      Value::Bytes("0"), Value::Text("NULL")};
  for (size_t i = 0; i < different.size(); ++i) {
    for (size_t j = 0; j < different.size(); ++j) {
      EXPECT_EQ(different[i] == different[j], i == j)
          << different[i].ToString() << " and " << different[j].ToString();
    }
  }
  // Content, not address.
  const std::string one = "text", other = "text";
  EXPECT_EQ(Value::Text(one), Value::Text(other));
  EXPECT_EQ(Value::Double(0.0), Value::Double(-0.0));
  EXPECT_FALSE(Value::Double(std::nan("")) == Value::Double(std::nan("")));
}

// Engines differ in which of the two they return.
TEST(ValueTest, ATimestampEqualsItsNumber) {
  EXPECT_EQ(Value::TimestampUs(5), Value::Int64(5));
  EXPECT_EQ(Value::Int64(5), Value::TimestampUs(5));
  EXPECT_FALSE(Value::TimestampUs(5) == Value::Int64(6));
  EXPECT_FALSE(Value::TimestampUs(5) == Value::Double(5));
}

TEST(ValueTest, ReadsWellForPeople) {
  EXPECT_EQ(Value::Null().ToString(), "NULL");
  EXPECT_EQ(Value::Int64(kMin).ToString(), "-9223372036854775808");
  EXPECT_EQ(Value::Double(0.25).ToString(), "0.25");
  EXPECT_EQ(Value::Text("it's").ToString(), "it's");
  EXPECT_EQ(Value::Bytes(absl::string_view("\0\xff", 2)).ToString(), "00ff");
  EXPECT_EQ(Value::TimestampUs(0).ToString(), "1970-01-01 00:00:00.000000");
  EXPECT_EQ(Value::TimestampUs(-1).ToString(), "1969-12-31 23:59:59.999999");
  EXPECT_EQ(Value::TimestampUs(1'769'903'999'123'456).ToString(),
            "2026-01-31 23:59:59.123456");
}

void AppendAllTypes(absl::string_view text, ResultSet* rows) {
  rows->AppendNull();
  rows->AppendInt64(kMin);
  rows->AppendDouble(-0.0);
  rows->AppendText(text);
  rows->AppendBytes(text);
  rows->AppendTimestampUs(kMax);
}

TEST(ResultSetTest, GivesBackEveryTypeByRowAndColumn) {
  ResultSet rows;
  EXPECT_EQ(rows.row_count(), 0);
  EXPECT_EQ(rows.column_count(), 0);
  for (const char* name : {"n", "i", "d", "t", "b", "s"}) rows.AddColumn(name);
  EXPECT_EQ(rows.row_count(), 0);
  // The text moves while it grows; the cells must follow it.
  constexpr int kRows = 1'000;
  for (int i = 0; i < kRows; ++i) {
    AppendAllTypes(absl::StrCat("row ", i, std::string(i % 40, '.')), &rows);
  }
  ASSERT_EQ(rows.row_count(), kRows);
  ASSERT_EQ(rows.column_count(), 6);
  EXPECT_EQ(rows.column_name(0), "n");
  EXPECT_EQ(rows.column_name(5), "s");
  for (int i = 0; i < kRows; ++i) {
    const std::string text = absl::StrCat("row ", i, std::string(i % 40, '.'));
    EXPECT_TRUE(rows.at(i, 0).is_null());
    EXPECT_EQ(rows.at(i, 1), Value::Int64(kMin));
    EXPECT_EQ(rows.at(i, 2), Value::Double(0));
    EXPECT_TRUE(std::signbit(rows.at(i, 2).float64()));
    EXPECT_EQ(rows.at(i, 3), Value::Text(text));
    EXPECT_EQ(rows.at(i, 4), Value::Bytes(text));
    EXPECT_EQ(rows.at(i, 5).type(), Value::Type::kTimestamp);
    EXPECT_EQ(rows.at(i, 5).int64(), kMax);
  }
}

TEST(ResultSetTest, ClearForgetsRowsAndColumns) {
  ResultSet rows;
  for (const char* name : {"a", "b", "c", "d", "e", "f"}) rows.AddColumn(name);
  AppendAllTypes("text", &rows);
  rows.Clear();
  EXPECT_EQ(rows.row_count(), 0);
  EXPECT_EQ(rows.column_count(), 0);
  rows.AddColumn("other");
  EXPECT_EQ(rows.column_count(), 1);
  EXPECT_EQ(rows.column_name(0), "other");
  EXPECT_EQ(rows.row_count(), 0);
  rows.AppendText("");
  rows.AppendText({});
  rows.AppendText("x");
  ASSERT_EQ(rows.row_count(), 3);
  EXPECT_EQ(rows.at(0, 0), Value::Text(""));
  EXPECT_EQ(rows.at(1, 0), Value::Text(""));
  EXPECT_EQ(rows.at(2, 0), Value::Text("x"));
}

// As each of many executions of one statement does.
TEST(ResultSetTest, RefillingKeepsItsMemory) {
  ResultSet rows;
  const auto fill = [&](char c) {
    rows.Clear();
    rows.AddColumn("a");
    for (int i = 0; i < 100; ++i) rows.AppendText(std::string(50, c));
    return rows.at(0, 0).text().data();
  };
  const char* const first = fill('x');
  EXPECT_EQ(fill('y'), first);
  EXPECT_EQ(rows.at(99, 0), Value::Text(std::string(50, 'y')));
}

}  // namespace
}  // namespace opsbench
