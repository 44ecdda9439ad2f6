#include "opsbench/stress/schema.h"

#include <array>
#include <cmath>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace opsbench::stress {
namespace {

using ::testing::HasSubstr;

std::vector<Value> RowOfTable(const Table& table, int64_t id,
                              std::string* text) {
  text->clear();
  text->reserve(RowMaker::MaxTextBytes(table.size));
  std::vector<Value> row;
  RowMaker::Append(table, id, text, &row);
  return row;
}

TEST(SchemaTest, SizesAndNumbersOfTablesFollowTheirProbabilities) {
  constexpr int kSchemas = 20'000;
  std::array<int, 3> sizes = {};
  std::array<int, kMaxTables + 1> numbers = {};
  int tables = 0;
  for (int seed = 0; seed < kSchemas; ++seed) {
    const DatabaseSchema schema = MakeSchema(static_cast<uint64_t>(seed));
    ASSERT_GE(schema.tables.size(), size_t{kMinTables});
    ASSERT_LE(schema.tables.size(), size_t{kMaxTables});
    ++numbers[schema.tables.size()];
    for (const Table& table : schema.tables) {
      ++sizes[static_cast<size_t>(table.size)];
      ++tables;
    }
  }
  for (int n = kMinTables; n <= kMaxTables; ++n) {
    EXPECT_NEAR(numbers[static_cast<size_t>(n)], kSchemas / 4,
                4 * std::sqrt(kSchemas * 0.25 * 0.75));
  }
  const double shares[] = {0.40, 0.35, 0.25};
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(sizes[i], tables * shares[i],
                4 * std::sqrt(tables * shares[i] * (1 - shares[i])));
  }
}

TEST(SchemaTest, TablesHaveTheColumnsOfTheirSize) {
  EXPECT_EQ(Columns(TableSize::kSmall).size(), 3u);
  EXPECT_EQ(Columns(TableSize::kMedium).size(), 8u);
  EXPECT_EQ(Columns(TableSize::kWide).size(), 20u);
  EXPECT_EQ(Columns(TableSize::kWide)[19], "fraction");
}

TEST(SchemaTest, RowsFitTheirTextBuffer) {
  for (const TableSize size :
       {TableSize::kSmall, TableSize::kMedium, TableSize::kWide}) {
    const Table table = {.size = size, .seed = 3, .name = "t"};
    for (int64_t id = 0; id < 2'000; ++id) {
      std::string text;
      const std::vector<Value> row = RowOfTable(table, id, &text);
      ASSERT_EQ(row.size(), Columns(size).size());
      ASSERT_LE(text.size(), RowMaker::MaxTextBytes(size));
    }
  }
}

TEST(SchemaTest, ValuesAreWholeQuartersBelowTheirBound) {
  const Table table = {.size = TableSize::kSmall, .seed = 3, .name = "t"};
  std::string text;
  for (int64_t id = 0; id < 2'000; ++id) {
    const double value = RowOfTable(table, id, &text)[2].float64();
    ASSERT_EQ(value, ValueOf(table, id));
    ASSERT_EQ(value * 4, static_cast<double>(ValueQuarters(table, id)));
    ASSERT_GE(value, 0);
    ASSERT_LT(value, 0x1p18);
  }
}

TEST(SchemaTest, CheckFindsEveryChangedColumn) {
  const Table table = {.size = TableSize::kWide, .seed = 8, .name = "t4_wide"};
  std::string text;
  const std::vector<Value> row = RowOfTable(table, 41, &text);
  RowMaker maker;
  EXPECT_TRUE(maker.Check(table, 41, row).ok());
  std::string other_text;
  const std::vector<Value> other = RowOfTable(table, 42, &other_text);
  for (size_t i = 0; i < row.size(); ++i) {
    if (row[i] == other[i]) continue;  // A few columns have few values.
    std::vector<Value> changed = row;
    changed[i] = other[i];
    const absl::Status status = maker.Check(table, 41, changed);
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(status.message(), HasSubstr(Columns(table.size)[i]));
    EXPECT_THAT(status.message(), HasSubstr("t4_wide"));
  }
}

}  // namespace
}  // namespace opsbench::stress
