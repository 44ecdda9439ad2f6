#include "opsbench/db/internal/mysql_load_text.h"

#include <cmath>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "gtest/gtest.h"

namespace opsbench::internal {
namespace {

using Field = std::optional<std::string>;
using Row = std::vector<Field>;

// LOAD DATA's rules read back, one byte at a time.
std::vector<Row> Read(absl::string_view text) {
  std::vector<Row> rows;
  Row row;
  Field field = "";
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\') {
      const char escaped = text[++i];
      if (escaped == 'N' && field->empty()) {
        field.reset();
      } else {
        EXPECT_EQ(std::string("ntrb0Z").find(escaped), std::string::npos)
            << "LOAD DATA gives \\" << escaped << " a meaning of its own";
        field->push_back(escaped);
      }
    } else if (c == '\t' || c == '\n') {
      row.push_back(field);
      field = "";
      if (c == '\t') continue;
      rows.push_back(row);
      row.clear();
    } else {
      field->push_back(c);
    }
  }
  EXPECT_TRUE(row.empty() && field == "") << "the last row has no end";
  return rows;
}

Row Encode(absl::Span<const Value> values) {
  MysqlLoadText text;
  EXPECT_TRUE(text.AppendRow(values).ok());
  const std::vector<Row> rows = Read(text.text());
  EXPECT_EQ(rows.size(), 1);
  return rows.empty() ? Row() : rows[0];
}

TEST(MysqlLoadTextTest, EveryByteComesBackAtEveryPlaceInAWord) {
  for (int c = 0; c < 256; ++c) {
    for (size_t before = 0; before < 17; ++before) {
      const std::string value = std::string(before, 'a') +
                                static_cast<char>(c) +
                                std::string(17 - before, 'z');
      EXPECT_EQ(Encode({Value::Text(value), Value::Bytes(value)}),
                (Row{value, value}))
          << c << " after " << before;
    }
  }
}

TEST(MysqlLoadTextTest, RandomBytesComeBack) {
  std::mt19937_64 random(7);
  std::uniform_int_distribution<int> size(0, 300);
  // Mostly the special ones.
  const std::string pool = "\t\n\\N0\xff\x80\x7f ab";
  for (int i = 0; i < 5'000; ++i) {
    std::string value(static_cast<size_t>(size(random)), '\0');
    for (char& c : value) c = pool[random() % pool.size()];
    EXPECT_EQ(Encode({Value::Bytes(value), Value::Text(value)}),
              (Row{value, value}));
  }
}

// MySQL refuses a byte that is not of the text's character set, but not after
// the escape character.
TEST(MysqlLoadTextTest, HighBytesAreEscapedInBytesOnly) {
  MysqlLoadText text;
  ASSERT_TRUE(
      text.AppendRow({Value::Bytes("a\xff"), Value::Text("\xc3\xa4")}).ok());
  EXPECT_EQ(text.text(), "a\\\xff\t\xc3\xa4\n");
}

TEST(MysqlLoadTextTest, NullDiffersFromTextThatLooksLikeIt) {
  EXPECT_EQ(Encode({Value::Null(), Value::Text("\\N"), Value::Text("N"),
                    Value::Text("NULL"), Value::Text("")}),
            (Row{std::nullopt, "\\N", "N", "NULL", ""}));
}

TEST(MysqlLoadTextTest, NumbersReadBackAsTheSame) {
  for (const int64_t value :
       {int64_t{0}, int64_t{-1}, std::numeric_limits<int64_t>::min(),
        std::numeric_limits<int64_t>::max()}) {
    EXPECT_EQ(Encode({Value::Int64(value)}), (Row{std::to_string(value)}));
  }
  for (const double value :
       {0.0, 0.1, -1e-300, 1.7976931348623157e308, 5e-324, 1.0 / 3}) {
    const Row row = Encode({Value::Double(value)});
    double read;
    ASSERT_TRUE(absl::SimpleAtod(*row[0], &read)) << *row[0];
    EXPECT_EQ(read, value);
  }
}

TEST(MysqlLoadTextTest, ARowThatCannotBeWrittenLeavesNothing) {
  MysqlLoadText text;
  ASSERT_TRUE(text.AppendRow({Value::Int64(1), Value::Null()}).ok());
  for (const Value bad :
       {Value::Double(std::nan("")),
        Value::Double(std::numeric_limits<double>::infinity()),
        Value::TimestampUs(kMysqlMinUs - 1),
        Value::TimestampUs(kMysqlMaxUs + 1)}) {
    EXPECT_EQ(text.AppendRow({Value::Int64(2), bad}).code(),
              absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(text.text(), "1\t\\N\n");
}

TEST(MysqlLoadTextTest, ClearForgetsRowsAndGoesOn) {
  MysqlLoadText text;
  EXPECT_EQ(text.text(), "");
  for (int i = 0; i < 3; ++i) {
    text.Clear();
    ASSERT_TRUE(text.AppendRow({Value::Int64(i), Value::TimestampUs(0)}).ok());
    EXPECT_EQ(Read(text.text()),
              (std::vector<Row>{{std::to_string(i), "1970-01-01 00:00:00"}}));
  }
}

}  // namespace
}  // namespace opsbench::internal
