// Equal values have equal sums whatever type keeps them, and a changed, moved,
// lost or doubled value changes a sum.

#include "opsbench/pipeline/content_sum.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <set>
#include <string>

#include "gtest/gtest.h"
#include "opsbench/pipeline/random_rows.h"
#include "opsbench/pipeline/value_text.h"

namespace opsbench::pipeline {
namespace {

uint64_t HashOf(const Type& type, absl::string_view text,
                ContentForm form = ContentForm::kNumber) {
  Column column(type);
  EXPECT_TRUE(AppendParsedValue(text, &column).ok()) << text;
  return HashValue(form, column, 0);
}

const Type kDecimal62 = {TypeId::kDecimal, 6, 2};

TEST(ContentSumTest, NumbersAreHashedByTheirValue) {
  const uint64_t one = HashOf({TypeId::kInt64}, "1");
  EXPECT_EQ(HashOf({TypeId::kBool}, "t"), one);
  EXPECT_EQ(HashOf({TypeId::kInt8}, "1"), one);
  EXPECT_EQ(HashOf({TypeId::kUInt64}, "1"), one);
  EXPECT_EQ(HashOf({TypeId::kFloat32}, "1"), one);
  EXPECT_EQ(HashOf(kDecimal62, "1.00"), one);
  EXPECT_EQ(HashOf({TypeId::kNumeric}, "1.000"), one);
  EXPECT_NE(HashOf({TypeId::kInt64}, "-1"), one);
  EXPECT_NE(HashOf({TypeId::kInt64}, "10"), one);
  EXPECT_NE(HashOf(kDecimal62, "0.10"), one);

  EXPECT_EQ(HashOf(kDecimal62, "-12.50"), HashOf({TypeId::kNumeric}, "-12.5"));
  EXPECT_EQ(HashOf({TypeId::kFloat64}, "-12.5"),
            HashOf({TypeId::kNumeric}, "-12.5"));
  EXPECT_EQ(HashOf({TypeId::kFloat64}, "1e-05"),
            HashOf({TypeId::kNumeric}, "0.00001"));
  EXPECT_EQ(HashOf({TypeId::kFloat64}, "-0"), HashOf({TypeId::kInt32}, "0"));
  EXPECT_EQ(HashOf({TypeId::kFloat64}, "NaN"),
            HashOf({TypeId::kNumeric}, "NaN"));
  EXPECT_EQ(HashOf({TypeId::kFloat32}, "-Infinity"),
            HashOf({TypeId::kNumeric}, "-Infinity"));
  EXPECT_EQ(HashOf({TypeId::kUInt64}, "18446744073709551615"),
            HashOf({TypeId::kNumeric}, "18446744073709551615.0"));
  for (const char* edge : {"9223372036854775807", "-9223372036854775808"}) {
    EXPECT_EQ(HashOf({TypeId::kInt64}, edge), HashOf({TypeId::kNumeric}, edge));
  }
  EXPECT_NE(HashOf({TypeId::kNumeric}, "9223372036854775808"),
            HashOf({TypeId::kNumeric}, "-9223372036854775808"));
}

// An exponent at the end of 64 bits, which more digits move beyond it.
TEST(ContentSumTest, ExponentsDoNotOverflow) {
  const auto hash = [](const char* text) {
    Column column({TypeId::kNumeric});
    column.AppendText(text);
    return HashValue(ContentForm::kNumber, column, 0);
  };
  EXPECT_EQ(hash("1e9223372036854775807"), hash("10e9223372036854775806"));
  EXPECT_NE(hash("1e9223372036854775807"), hash("10e9223372036854775807"));
  EXPECT_NE(hash("10e9223372036854775807"), hash("1e-9223372036854775808"));
  EXPECT_EQ(hash("0.01e-9223372036854775808"),
            hash("0.001e-9223372036854775807"));
  EXPECT_NE(hash("0.01e-9223372036854775808"),
            hash("0.01e9223372036854775807"));
  EXPECT_EQ(hash("0e9223372036854775807"), hash("0"));
}

TEST(ContentSumTest, InstantsAreMicroseconds) {
  const ContentForm form = ContentForm::kInstant;
  EXPECT_EQ(HashOf({TypeId::kDate}, "2026-01-31", form),
            HashOf({TypeId::kTimestamp}, "2026-01-31 00:00:00", form));
  EXPECT_EQ(HashOf({TypeId::kTimestampTz}, "2026-01-31 01:00:00+01", form),
            HashOf({TypeId::kTimestamp}, "2026-01-31 00:00:00", form));
  EXPECT_EQ(HashOf({TypeId::kDate}, "infinity", form),
            HashOf({TypeId::kTimestamp}, "infinity", form));
}

TEST(ContentSumTest, JsonIsParsed) {
  const ContentForm form = ContentForm::kJson;
  EXPECT_EQ(HashOf({TypeId::kJson}, R"({"b": 1, "a":[1,2]})", form),
            HashOf({TypeId::kText}, R"({"a":[1, 2],"b":1})", form));
  EXPECT_NE(HashOf({TypeId::kJson}, "[1,2]", form),
            HashOf({TypeId::kJson}, "[2,1]", form));
  EXPECT_NE(HashOf({TypeId::kText}, "[1,2", form),
            HashOf({TypeId::kText}, "[1,", form));
}

TEST(ContentSumTest, TypesWithoutACommonFormAreRefused) {
  EXPECT_TRUE(absl::IsInvalidArgument(
      CommonForm({TypeId::kInt32}, {TypeId::kDate}).status()));
  EXPECT_EQ(*CommonForm({TypeId::kText}, {TypeId::kTimestamp}),
            ContentForm::kInstant);
  EXPECT_EQ(*CommonForm({TypeId::kUuid}, {TypeId::kBytes}), ContentForm::kUuid);
}

// What one table keeps as text is read as the type that the other has.
TEST(ContentSumTest, TextIsReadAsTheOtherTablesType) {
  for (const auto& [type, text] : std::vector<std::pair<Type, std::string>>{
           {{TypeId::kInt32}, "42"},
           {{TypeId::kTimestamp}, "2026-01-31 23:59:59.5"},
           {{TypeId::kUuid}, "00112233-4455-6677-8899-aabbccddeeff"},
           {{TypeId::kTime}, "12:00:00"},
           {{TypeId::kDecimal, 6, 2}, "-12.50"}}) {
    for (const TypeId keeper : {TypeId::kText, TypeId::kBytes}) {
      if (type.id == TypeId::kUuid && keeper == TypeId::kBytes) continue;
      auto typed_schema = std::make_shared<Schema>();
      typed_schema->fields = {{"c", type}};
      auto text_schema = std::make_shared<Schema>();
      text_schema->fields = {{"c", {keeper}}};
      Batch typed(typed_schema);
      ASSERT_TRUE(AppendParsedValue(text, &typed.columns()[0]).ok());
      typed.SetRows(1);
      Batch as_text(text_schema);
      as_text.columns()[0].AppendText(text);
      as_text.SetRows(1);
      const auto form = CommonForm(type, {keeper});
      ASSERT_TRUE(form.ok());
      ContentSum a({*form}, {{keeper}});
      ContentSum b({*form}, {type});
      a.Add(typed);
      b.Add(as_text);
      EXPECT_EQ(a.columns(), b.columns()) << TypeName(type);
      EXPECT_EQ(a.row_sum(), b.row_sum());
    }
  }
}

std::vector<ContentForm> FormsOf(const Schema& schema) {
  std::vector<ContentForm> forms;
  for (const Field& field : schema.fields) {
    forms.push_back(*CommonForm(field.type, field.type));
  }
  return forms;
}

// Tables of all types: sums are the same in whatever batches the rows come,
// and differ when a row is missing or there twice.
TEST(ContentSumTest, RandomTablesSumByContentAlone) {
  Random random(7);
  for (int i = 0; i < 200; ++i) {
    RandomRowsOptions options;
    const SchemaPtr schema = RandomSchema(options, &random);
    Batch first(schema);
    Batch second(schema);
    AppendRandomRows(options, 1, 20, &random, &first);
    AppendRandomRows(options, 21, 13, &random, &second);
    const std::vector<ContentForm> forms = FormsOf(*schema);
    const std::vector<Type> none(forms.size());
    ContentSum a(forms, none);
    a.Add(first);
    a.Add(second);
    ContentSum b(forms, none);
    b.Add(second);
    b.Add(first);
    EXPECT_EQ(a.columns(), b.columns());
    EXPECT_EQ(a.row_sum(), b.row_sum());
    EXPECT_EQ(a.rows(), 33);
    ContentSum missing(forms, none);
    missing.Add(first);
    EXPECT_NE(a.row_sum(), missing.row_sum());
    b.Add(second);
    EXPECT_NE(a.row_sum(), b.row_sum());
    EXPECT_NE(a.columns()[0], b.columns()[0]);
  }
}

// Two values that change places between rows leave every column's sum as it
// was, and only the rows' sum tells.
TEST(ContentSumTest, ValuesInOtherRowsShowInTheRowsSum) {
  auto schema = std::make_shared<Schema>();
  schema->fields = {{"a", {TypeId::kInt32}}, {"b", {TypeId::kInt32}}};
  const auto sum = [&](std::vector<std::pair<int32_t, int32_t>> rows) {
    Batch batch(schema);
    for (const auto& [a, b] : rows) {
      batch.columns()[0].AppendFixed(a);
      batch.columns()[1].AppendFixed(b);
    }
    batch.SetRows(static_cast<int64_t>(rows.size()));
    ContentSum content(FormsOf(*schema), std::vector<Type>(2));
    content.Add(batch);
    return content;
  };
  const ContentSum right = sum({{1, 10}, {2, 20}});
  const ContentSum moved = sum({{1, 20}, {2, 10}});
  EXPECT_EQ(right.columns(), moved.columns());
  EXPECT_NE(right.row_sum(), moved.row_sum());
  EXPECT_NE(sum({{1, 2}}).row_sum(), sum({{2, 1}}).row_sum());
}

}  // namespace
}  // namespace opsbench::pipeline
