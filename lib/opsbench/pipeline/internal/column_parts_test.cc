#include "opsbench/pipeline/internal/column_parts.h"

#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace opsbench::pipeline::internal {
namespace {

Buffer Offsets(std::initializer_list<int32_t> offsets) {
  Buffer buffer;
  for (const int32_t offset : offsets) buffer.AppendValue(offset);
  return buffer;
}

Buffer Bytes(absl::string_view bytes) {
  Buffer buffer;
  buffer.Append(bytes.data(), bytes.size());
  return buffer;
}

absl::StatusOr<Column> Texts(int64_t rows, Buffer offsets,
                             absl::string_view values) {
  return ColumnOfParts(Type{TypeId::kText}, rows,
                       {Buffer(), std::move(offsets), Bytes(values)});
}

TEST(ColumnPartsTest, OffsetsMayStartAnywhereAndPartsMayBeTooLong) {
  auto column = Texts(2, Offsets({2, 3, 6, 7, 7}), "xyabcdefgh");
  ASSERT_TRUE(column.ok()) << column.status();
  EXPECT_EQ(column->size(), 2);
  EXPECT_EQ(column->Text(0), "a");
  EXPECT_EQ(column->Text(1), "bcd");
  column->AppendText("next");
  column->AppendNull();
  EXPECT_EQ(column->Text(1), "bcd");
  EXPECT_EQ(column->Text(2), "next");
  EXPECT_TRUE(column->IsNull(3));
}

TEST(ColumnPartsTest, NoRowsNeedNoOffsets) {
  auto column = Texts(0, Buffer(), "");
  ASSERT_TRUE(column.ok()) << column.status();
  column->AppendText("a");
  EXPECT_EQ(column->Text(0), "a");
}

TEST(ColumnPartsTest, BadOffsetsAreRefused) {
  for (const Buffer& offsets :
       {Offsets({0, 2, 1}), Offsets({0, 1, 4}), Offsets({-1, 0, 1}),
        Offsets({0, -1, 1}), Offsets({0, 1}), Offsets({}),
        Offsets({0, INT32_MAX, INT32_MIN})}) {
    EXPECT_EQ(Texts(2, offsets, "abc").status().code(),
              absl::StatusCode::kDataLoss);
  }
}

TEST(ColumnPartsTest, ShortPartsAreRefused) {
  const auto fixed = [](TypeId id, int64_t rows, size_t validity,
                        size_t values) {
    return ColumnOfParts(Type{id}, rows,
                         {Bytes(std::string(validity, '\0')), Buffer(),
                          Bytes(std::string(values, '\0'))})
        .status()
        .code();
  };
  constexpr auto kDamaged = absl::StatusCode::kDataLoss;
  EXPECT_EQ(fixed(TypeId::kInt64, 3, 0, 24), absl::StatusCode::kOk);
  EXPECT_EQ(fixed(TypeId::kInt64, 3, 0, 23), kDamaged);
  EXPECT_EQ(fixed(TypeId::kBool, 9, 2, 2), absl::StatusCode::kOk);
  EXPECT_EQ(fixed(TypeId::kBool, 9, 2, 1), kDamaged);
  EXPECT_EQ(fixed(TypeId::kBool, 9, 1, 2), kDamaged);
  EXPECT_EQ(fixed(TypeId::kUuid, 2, 0, 31), kDamaged);
  EXPECT_EQ(fixed(TypeId::kInt8, -1, 0, 31), kDamaged);
  EXPECT_EQ(fixed(TypeId::kInt8, INT64_MAX, 0, 31), kDamaged);
}

TEST(ColumnPartsTest, BitsBehindTheEndDoNotCount) {
  auto column = ColumnOfParts(Type{TypeId::kBool}, 3,
                              {Bytes("\xfd"), Buffer(), Bytes("\xff")});
  ASSERT_TRUE(column.ok()) << column.status();
  EXPECT_EQ(column->null_count(), 1);
  EXPECT_TRUE(column->IsNull(1));
  column->AppendBool(false);
  column->AppendNull();
  EXPECT_FALSE(column->Bool(3));
  EXPECT_FALSE(column->IsNull(3));
  EXPECT_TRUE(column->IsNull(4));
  EXPECT_TRUE(column->Bool(2));

  column = ColumnOfParts(Type{TypeId::kBool}, 3,
                         {Bytes("\x07"), Buffer(), Bytes("\x02")});
  ASSERT_TRUE(column.ok()) << column.status();
  EXPECT_EQ(column->null_count(), 0);
  EXPECT_TRUE(column->validity().empty());
}

}  // namespace
}  // namespace opsbench::pipeline::internal
