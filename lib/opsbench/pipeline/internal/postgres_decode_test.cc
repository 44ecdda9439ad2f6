// Rows of COPY in binary that are damaged in any place are refused, and numeric
// comes back from binary as it went.

#include "opsbench/pipeline/internal/postgres_decode.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "opsbench/base/random.h"
#include "opsbench/pipeline/internal/postgres_encode.h"
#include "opsbench/pipeline/internal/postgres_numeric.h"
#include "opsbench/pipeline/value_text.h"

namespace opsbench::pipeline::postgres {
namespace {

std::string TextOf(absl::int128 value, int scale) {
  std::string text;
  AppendDecimalText(value, scale, &text);
  return text;
}

TEST(PostgresNumericTest, DecimalsComeBack) {
  Random random(20260131);
  absl::int128 most = 1;
  for (int i = 0; i < 38; ++i) most *= 10;
  for (int i = 0; i < 200'000; ++i) {
    const int scale = static_cast<int>(random.Between(0, 38));
    absl::int128 value =
        absl::MakeInt128(static_cast<int64_t>(random.Next()), random.Next()) %
        most;
    for (int64_t cut = random.Between(0, 38); cut > 0; --cut) value /= 10;
    for (int64_t zeros = random.Between(0, 9);
         zeros > 0 && value < most / 10 && value > -most / 10; --zeros) {
      value *= 10;
    }
    char bytes[kMaxDecimalBytes];
    const char* const end = EncodeDecimal(value, scale, bytes);
    ASSERT_LE(end - bytes, static_cast<ptrdiff_t>(sizeof(bytes)));
    const absl::string_view field(bytes, static_cast<size_t>(end - bytes));
    absl::int128 back = 0;
    ASSERT_EQ(DecodeDecimal(field, scale, &back), nullptr);
    ASSERT_EQ(back, value) << TextOf(value, scale);
    // The same number by way of text is the same bytes.
    std::string text;
    ASSERT_EQ(DecodeNumericText(field, &text), nullptr);
    ASSERT_EQ(text, TextOf(value, scale));
    std::vector<char> long_form(MaxNumericBytes(text.size()));
    const char* const text_end = EncodeNumericText(text, long_form.data());
    ASSERT_NE(text_end, nullptr);
    ASSERT_EQ(
        absl::string_view(long_form.data(),
                          static_cast<size_t>(text_end - long_form.data())),
        field)
        << text;
  }
}

TEST(PostgresNumericTest, WhatIsNoNumberIsRefused) {
  std::vector<char> out(MaxNumericBytes(200'000));
  for (const std::string& text :
       {std::string("x"), std::string("1e5"), std::string("-"), std::string(),
        std::string("1.2.3"), std::string(131'073, '1'),
        absl::StrCat("0.", std::string(16'384, '1'))}) {
    EXPECT_EQ(EncodeNumericText(text, out.data()), nullptr)
        << text.substr(0, 20);
  }
  EXPECT_NE(EncodeNumericText(std::string(131'072, '9'), out.data()), nullptr);
}

// A row of every form, with its columns.
struct Example {
  SchemaPtr schema;
  std::vector<Form> forms;
  std::string row;
};

Example MakeExample() {
  auto schema = std::make_shared<Schema>();
  const std::vector<std::pair<Type, Form>> columns = {
      {{TypeId::kBool}, Form::kBool},
      {{TypeId::kInt16}, Form::kInt2},
      {{TypeId::kInt64}, Form::kInt8},
      {{TypeId::kFloat32}, Form::kFloat4},
      {{TypeId::kDecimal, 12, 3}, Form::kNumeric},
      {{TypeId::kNumeric}, Form::kNumeric},
      {{TypeId::kText}, Form::kText},
      {{TypeId::kDate}, Form::kDate},
      {{TypeId::kTimestamp}, Form::kTimestamp},
      {{TypeId::kUuid}, Form::kUuid},
      {{TypeId::kJson}, Form::kJsonb}};
  std::vector<Form> forms;
  std::vector<FieldTarget> targets;
  for (const auto& [type, form] : columns) {
    schema->fields.push_back({absl::StrCat("c", forms.size()), type, true, ""});
    forms.push_back(form);
    PostgresColumn column;
    column.name = schema->fields.back().name;
    column.type = ParameterType(form);
    targets.push_back(
        TargetOf({"", "t"}, schema->fields.back(), column).value());
  }
  Batch batch(schema);
  std::vector<Column>& to = batch.columns();
  to[0].AppendBool(true);
  to[1].AppendFixed<int16_t>(-7);
  to[2].AppendFixed<int64_t>(1);
  to[3].AppendFixed(1.5F);
  to[4].AppendFixed(absl::int128(123'456'789));
  to[5].AppendText("-12345678901234567890.5");
  to[6].AppendText("text");
  to[7].AppendFixed<int32_t>(20'000);
  to[8].AppendFixed<int64_t>(1'700'000'000'000'000);
  to[9].AppendText("0123456789abcdef");
  to[10].AppendText("{}");
  batch.SetRows(1);
  Buffer bytes;
  RowEncoder encoder({"", "t"}, targets);
  EXPECT_TRUE(encoder.AppendRows(batch, 0, 1, 1, &bytes).ok());
  return {
      schema, forms,
      std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size())};
}

TEST(RowDecoderTest, ReadsWhatTheEncoderWrote) {
  const Example example = MakeExample();
  RowDecoder decoder({"", "t"}, example.schema, example.forms);
  Batch batch(example.schema);
  ASSERT_TRUE(decoder.AppendRow(example.row, 1, &batch).ok());
  std::string text;
  for (const Column& column : batch.columns()) {
    AppendValueText(column, 0, &text);
    text += '|';
  }
  EXPECT_EQ(text,
            "t|-7|1|1.5|123456.789|-12345678901234567890.5|text|2024-10-04|"
            "2023-11-14 22:13:20|30313233-3435-3637-3839-616263646566|{}|");
}

TEST(RowDecoderTest, ARowThatEndsEarlyOrLateIsDamaged) {
  const Example example = MakeExample();
  RowDecoder decoder({"", "t"}, example.schema, example.forms);
  for (size_t size = 0; size < example.row.size(); ++size) {
    Batch batch(example.schema);
    // Memory of its own, so that a read behind the end is seen by ASan.
    const std::vector<char> cut(
        example.row.begin(),
        example.row.begin() + static_cast<ptrdiff_t>(size));
    EXPECT_EQ(decoder.AppendRow({cut.data(), cut.size()}, 1, &batch).code(),
              absl::StatusCode::kDataLoss)
        << size;
  }
  Batch batch(example.schema);
  EXPECT_EQ(decoder.AppendRow(example.row + "x", 1, &batch).code(),
            absl::StatusCode::kDataLoss);
}

TEST(RowDecoderTest, ChangedBytesNeverReadOutsideTheRow) {
  const Example example = MakeExample();
  RowDecoder decoder({"", "t"}, example.schema, example.forms);
  for (size_t at = 0; at < example.row.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::vector<char> changed(example.row.begin(), example.row.end());
      changed[at] = static_cast<char>(byte);
      Batch batch(example.schema);
      // Many changes are other values; the others have to be errors.
      const absl::Status status =
          decoder.AppendRow({changed.data(), changed.size()}, 1, &batch);
      ASSERT_TRUE(status.ok() || status.code() == absl::StatusCode::kDataLoss ||
                  status.code() == absl::StatusCode::kOutOfRange)
          << status;
    }
  }
}

TEST(RowDecoderTest, TheHeaderOfACopy) {
  const std::string copy = absl::StrCat(kCopyHeader, "row");
  absl::string_view message = copy;
  EXPECT_TRUE(RemoveCopyHeader(&message).ok());
  EXPECT_EQ(message, "row");
  for (size_t size = 0; size < kCopyHeader.size(); ++size) {
    message = absl::string_view(copy).substr(0, size);
    EXPECT_EQ(RemoveCopyHeader(&message).code(), absl::StatusCode::kDataLoss);
  }
}

}  // namespace
}  // namespace opsbench::pipeline::postgres
