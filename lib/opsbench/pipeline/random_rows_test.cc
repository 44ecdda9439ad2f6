#include "opsbench/pipeline/random_rows.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "opsbench/base/random.h"
#include "opsbench/pipeline/value_text.h"

namespace opsbench::pipeline {
namespace {

// One column of each type behind the key.
SchemaPtr EveryType() {
  auto schema = std::make_shared<Schema>();
  schema->fields.push_back({"c0", Type{TypeId::kInt64}, false, ""});
  for (int i = 0; i < kTypeCount; ++i) {
    Type type = {static_cast<TypeId>(i)};
    if (type.id == TypeId::kDecimal) type = {type.id, 38, 9};
    schema->fields.push_back({TypeName(type), type, true, ""});
  }
  return schema;
}

Batch RowsOfEveryType(const RandomRowsOptions& options, int64_t rows) {
  Random random(7);
  Batch batch(EveryType());
  AppendRandomRows(options, 1, rows, &random, &batch);
  return batch;
}

const Column& ColumnOf(const Batch& batch, TypeId id) {
  return batch.columns()[1 + static_cast<size_t>(id)];
}

// The texts of a column that are not null.
std::set<std::string> Texts(const Column& column) {
  std::set<std::string> texts;
  for (int64_t row = 0; row < column.size(); ++row) {
    if (column.IsNull(row)) continue;
    std::string text;
    AppendValueText(column, row, &text);
    texts.insert(text);
  }
  return texts;
}

TEST(RandomRowsTest, SameSeedSameRows) {
  const RandomRowsOptions options;
  EXPECT_EQ(FirstDifference(RowsOfEveryType(options, 500),
                            RowsOfEveryType(options, 500)),
            "");
}

TEST(RandomRowsTest, EveryValueIsReadBackFromItsText) {
  RandomRowsOptions options;
  options.min_year = -4712;
  options.max_year = 294'276;
  options.nul_in_text = true;
  const Batch batch = RowsOfEveryType(options, 20'000);
  Batch reread(batch.schema());
  for (size_t c = 0; c < batch.columns().size(); ++c) {
    const Column& column = batch.columns()[c];
    ASSERT_EQ(column.size(), batch.rows());
    for (int64_t row = 0; row < column.size(); ++row) {
      if (column.IsNull(row)) {
        reread.columns()[c].AppendNull();
        continue;
      }
      std::string text;
      AppendValueText(column, row, &text);
      const absl::Status status = AppendParsedValue(text, &reread.columns()[c]);
      ASSERT_TRUE(status.ok()) << status;
    }
  }
  reread.SetRows(batch.rows());
  EXPECT_EQ(FirstDifference(batch, reread), "");
}

TEST(RandomRowsTest, HoldsTheEndsOfEachRange) {
  const Batch batch = RowsOfEveryType(RandomRowsOptions(), 5'000);
  const auto has = [&](TypeId id, const char* text) {
    return Texts(ColumnOf(batch, id)).contains(text);
  };
  EXPECT_TRUE(has(TypeId::kInt8, "-128"));
  EXPECT_TRUE(has(TypeId::kInt64, "-9223372036854775808"));
  EXPECT_TRUE(has(TypeId::kUInt64, "18446744073709551615"));
  EXPECT_TRUE(has(TypeId::kFloat32, "-0"));
  EXPECT_TRUE(has(TypeId::kFloat64, "1.7976931348623157e+308"));
  EXPECT_TRUE(has(TypeId::kFloat64, "NaN"));
  EXPECT_TRUE(has(TypeId::kDecimal, "99999999999999999999999999999.999999999"));
  EXPECT_TRUE(has(TypeId::kNumeric, "-Infinity"));
  EXPECT_TRUE(has(TypeId::kText, ""));
  EXPECT_TRUE(has(TypeId::kText, "\\N"));
  EXPECT_TRUE(has(TypeId::kBytes, "\\x"));
  EXPECT_TRUE(has(TypeId::kDate, "0001-01-01"));
  EXPECT_TRUE(has(TypeId::kDate, "9999-12-31"));
  EXPECT_TRUE(has(TypeId::kTimestampTz, "infinity"));
  EXPECT_TRUE(has(TypeId::kTime, "23:59:59.999999"));
  EXPECT_TRUE(has(TypeId::kDuration, "-838:59:59"));
  EXPECT_TRUE(has(TypeId::kTimestamp, "9999-12-31 23:59:59.999999"));

  std::set<char> bytes;
  for (const std::string& text : Texts(ColumnOf(batch, TypeId::kText))) {
    bytes.insert(text.begin(), text.end());
  }
  for (int c = 1; c < 128; ++c) {
    EXPECT_TRUE(bytes.contains(static_cast<char>(c))) << c;
  }
  EXPECT_TRUE(bytes.contains('\xf4'));
  EXPECT_FALSE(bytes.contains('\0'));
}

TEST(RandomRowsTest, OptionsKeepWhatAnEngineDoesNotHaveOut) {
  RandomRowsOptions options;
  options.infinities = false;
  options.negative_zero = false;
  options.null_share = 0;
  options.min_year = 1000;
  options.max_numeric_digits = 65;
  options.max_numeric_scale = 30;
  options.max_text_bytes = 50;
  const Batch batch = RowsOfEveryType(options, 5'000);
  for (int64_t row = 0; row < batch.rows(); ++row) {
    for (const Column& column : batch.columns()) {
      ASSERT_FALSE(column.IsNull(row));
    }
    const auto number = ColumnOf(batch, TypeId::kFloat64).Fixed<double>(row);
    ASSERT_TRUE(std::isfinite(number));
    ASSERT_FALSE(number == 0 && std::signbit(number));
    ASSERT_LE(ColumnOf(batch, TypeId::kText).Text(row).size(), 50);
    const auto numeric = ColumnOf(batch, TypeId::kNumeric).Text(row);
    const size_t point = numeric.find('.');
    ASSERT_LE(numeric.size(), 65 + 3) << numeric;
    if (point != numeric.npos) {
      ASSERT_LE(numeric.size() - point - 1, 30) << numeric;
    }
    std::string date;
    AppendValueText(ColumnOf(batch, TypeId::kDate), row, &date);
    ASSERT_EQ(date.size(), 10);
    ASSERT_GE(date, "1000-01-01");
  }
}

TEST(RandomRowsTest, JsonIsJson) {
  const Batch batch = RowsOfEveryType(RandomRowsOptions(), 2'000);
  for (const std::string& text : Texts(ColumnOf(batch, TypeId::kJson))) {
    EXPECT_TRUE(nlohmann::json::accept(text)) << text;
  }
}

TEST(RandomRowsTest, SchemasHaveAKeyAndEveryType) {
  Random random(1);
  std::set<TypeId> seen;
  for (int i = 0; i < 200; ++i) {
    const SchemaPtr schema = RandomSchema(RandomRowsOptions(), &random);
    ASSERT_EQ(schema->primary_key, std::vector<std::string>{"c0"});
    ASSERT_EQ(schema->fields[0].type.id, TypeId::kInt64);
    ASSERT_FALSE(schema->fields[0].nullable);
    ASSERT_LE(schema->fields.size(), 12);
    for (const Field& field : schema->fields) {
      seen.insert(field.type.id);
      if (field.type.id == TypeId::kDecimal) {
        ASSERT_GE(field.type.precision, 1);
        ASSERT_LE(field.type.precision, 38);
        ASSERT_LE(field.type.scale, field.type.precision);
      }
    }
  }
  EXPECT_EQ(seen.size(), kTypeCount);
  RandomRowsOptions one;
  one.max_columns = 1;
  EXPECT_EQ(RandomSchema(one, &random)->fields.size(), 1);
  one.max_columns = 5;
  one.types = {TypeId::kUuid};
  EXPECT_EQ(RandomSchema(one, &random)->fields[1].type.id, TypeId::kUuid);
}

// One changed value of each type is found, and named.
TEST(FirstDifferenceTest, FindsAChangeInEveryType) {
  RandomRowsOptions options;
  options.null_share = 0;
  const Batch batch = RowsOfEveryType(options, 40);
  for (size_t c = 0; c < batch.columns().size(); ++c) {
    Batch changed = batch;
    const Column& column = batch.columns()[c];
    Column other(column.type());
    for (int64_t row = 0; row < column.size(); ++row) {
      std::string text;
      // Row 18 takes the value of a row that has another one.
      int64_t from = row;
      AppendValueText(column, row, &text);
      if (row == 17) {
        std::string replaced = text;
        while (replaced == text) {
          from = (from + 1) % column.size();
          replaced.clear();
          AppendValueText(column, from, &replaced);
        }
        text = replaced;
      }
      ASSERT_TRUE(AppendParsedValue(text, &other).ok());
    }
    changed.columns()[c] = other;
    const std::string difference = FirstDifference(batch, changed);
    EXPECT_EQ(difference.find("column " + batch.schema()->fields[c].name +
                              ", row 18: "),
              0)
        << difference;
  }
}

TEST(FirstDifferenceTest, NullsRowsAndNans) {
  auto schema = std::make_shared<Schema>();
  schema->fields.push_back({"f", Type{TypeId::kFloat64}, true, ""});
  Batch a(schema);
  Batch b(schema);
  a.columns()[0].AppendFixed(std::numeric_limits<double>::quiet_NaN());
  b.columns()[0].AppendFixed(-std::numeric_limits<double>::quiet_NaN());
  a.SetRows(1);
  EXPECT_EQ(FirstDifference(a, b), "1 rows and 0");
  b.SetRows(1);
  EXPECT_EQ(FirstDifference(a, b), "");
  a.columns()[0].AppendNull();
  b.columns()[0].AppendFixed(0.0);
  a.SetRows(2);
  b.SetRows(2);
  EXPECT_EQ(FirstDifference(a, b), "column f, row 2: null and 0");
  b.set_wire_format("x");
  EXPECT_NE(FirstDifference(a, b), "");
}

}  // namespace
}  // namespace opsbench::pipeline
