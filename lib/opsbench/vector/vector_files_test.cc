#include "opsbench/vector/internal/vector_files.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/vector/distance.h"
#include "opsbench/vector/internal/test_files.h"

namespace opsbench::vector::internal {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string Message(const std::string& bytes, absl::string_view name) {
  const auto table = ParseVectorFile(bytes, name);
  EXPECT_TRUE(absl::IsInvalidArgument(table.status())) << table.status();
  return std::string(table.status().message());
}

std::string IdMessage(const std::string& bytes, absl::string_view name) {
  const auto table = ParseIdFile(bytes, name);
  EXPECT_TRUE(absl::IsInvalidArgument(table.status())) << table.status();
  return std::string(table.status().message());
}

void ExpectTable(const std::string& bytes, absl::string_view name) {
  const auto table = ParseVectorFile(bytes, name);
  ASSERT_TRUE(table.ok()) << name << ": " << table.status();
  EXPECT_EQ(table->rows, 2u);
  EXPECT_EQ(table->dimension, 3u);
  EXPECT_THAT(table->values, ElementsAre(1, 2, 3, 4, 5, 100)) << name;
}

template <typename T>
Rows<T> Numbers() {
  return {{T{1}, T{2}, T{3}}, {T{4}, T{5}, T{100}}};
}

TEST(VectorFilesTest, ReadsEveryFormat) {
  ExpectTable(VecsBytes(Numbers<float>()), "a.fvecs");
  ExpectTable(VecsBytes(Numbers<uint8_t>()), "a.bvecs");
  ExpectTable(BinBytes(Numbers<float>()), "a.fbin");
  ExpectTable(BinBytes(Numbers<uint8_t>()), "a.u8bin");
  ExpectTable(BinBytes(Numbers<int8_t>()), "a.i8bin");
  ExpectTable(NpyBytes(Numbers<float>(), "<f4"), "a.npy");
  ExpectTable(NpyBytes(Numbers<double>(), "<f8"), "a.npy");
  ExpectTable(NpyBytes(Numbers<int8_t>(), "|i1"), "dir.x/a.NPY");
  ExpectTable(NpyBytes(Numbers<uint8_t>(), "|u1"), "a.npy");
  ExpectTable(NpyBytes(Numbers<float>(), "<f4", /*fortran=*/true), "a.npy");
  Rows<uint16_t> halves;
  for (const auto& row : Numbers<float>()) {
    halves.emplace_back();
    for (const float value : row) halves.back().push_back(ToHalf(value).bits);
  }
  ExpectTable(NpyBytes(halves, "<f2"), "a.npy");
}

TEST(VectorFilesTest, BytesAreSignedAsTheirFormatSays) {
  const Rows<uint8_t> rows = {{0, 127, 128, 255}};
  EXPECT_THAT(ParseVectorFile(BinBytes(rows), "a.u8bin")->values,
              ElementsAre(0, 127, 128, 255));
  EXPECT_THAT(ParseVectorFile(BinBytes(rows), "a.i8bin")->values,
              ElementsAre(0, 127, -128, -1));
}

TEST(VectorFilesTest, ReadsIds) {
  const Rows<int32_t> ids = {{7, 1}, {2, 3}, {-1, 9}};
  for (const auto& [bytes, name] :
       std::vector<std::pair<std::string, std::string>>{
           {VecsBytes(ids), "a.ivecs"},
           {BinBytes(ids), "a.ibin"},
           {BinBytes(ids) + std::string(24, 'x'), "a.ibin"},  // Distances.
           {NpyBytes(ids, "<i4"), "a.npy"},
           {NpyBytes(Rows<int64_t>{{7, 1}, {2, 3}, {-1, 9}}, "<i8"), "a.npy"},
           {NpyBytes(Rows<uint64_t>{{7, 1}, {2, 3}, {~uint64_t{0}, 9}}, "<u8"),
            "a.npy"}}) {
    const auto table = ParseIdFile(bytes, name);
    ASSERT_TRUE(table.ok()) << table.status();
    EXPECT_EQ(table->rows, 3u);
    EXPECT_EQ(table->k, 2u);
    EXPECT_THAT(table->ids, ElementsAre(7, 1, 2, 3, -1, 9));
  }
}

TEST(VectorFilesTest, EveryCutIsNoticed) {
  const Rows<float> rows = Numbers<float>();
  const std::vector<std::pair<std::string, std::string>> files = {
      {VecsBytes(rows), "a.fvecs"},
      {BinBytes(rows), "a.fbin"},
      {NpyBytes(rows, "<f4"), "a.npy"}};
  for (const auto& [bytes, name] : files) {
    for (size_t length = 0; length < bytes.size(); ++length) {
      const auto table = ParseVectorFile(bytes.substr(0, length), name);
      // Rows of fvecs say nothing of how many there should be.
      if (name == "a.fvecs" && length == bytes.size() / 2) {
        EXPECT_TRUE(table.ok());
        continue;
      }
      EXPECT_TRUE(absl::IsInvalidArgument(table.status())) << name << length;
    }
    EXPECT_TRUE(
        absl::IsInvalidArgument(ParseVectorFile(bytes + "x", name).status()));
  }
}

TEST(VectorFilesTest, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(Message(VecsBytes(Rows<float>{{1, 2}, {3, 4}}).substr(0, 22),
                    "d/a.fvecs"),
            "d/a.fvecs: cut off in row 1: 22 bytes are not a whole number of "
            "rows of 12");
  std::string other = VecsBytes(Rows<float>{{1, 2}, {3, 4}, {5, 6}});
  other[24] = 3;
  EXPECT_EQ(Message(other, "a.fvecs"),
            "a.fvecs: row 2 is of dimension 3, those before it of 2");
  EXPECT_EQ(Message("", "a.fvecs"), "a.fvecs: no vectors");
  EXPECT_EQ(Message("abcdefgh", "a.fvecs"),
            "a.fvecs: its header says dimension 1684234849; it must be from 1 "
            "to 65535");
  EXPECT_EQ(Message(std::string("\xff\xff\xff\xff\x02\0\0\0", 8), "a.fbin"),
            "a.fbin: cut off: 8 bytes, but its header says 4294967295 rows of "
            "2, which are 34359738368");
  EXPECT_THAT(Message("GIF89a......", "a.npy"), HasSubstr("not a .npy file"));
  EXPECT_THAT(Message(NpyBytes(Numbers<int32_t>(), "<i4"), "a.npy"),
              HasSubstr("numbers of type '<i4'"));
  EXPECT_THAT(IdMessage(NpyBytes(Numbers<float>(), "<f4"), "a.npy"),
              HasSubstr("numbers of type '<f4'"));
  // Found by the fuzzer.
  EXPECT_THAT(Message(NpyBytes(Numbers<float>(), "\n1"), "a.npy"),
              HasSubstr("a.npy: numbers of type '\\n1'; vectors are"));
  std::string order = NpyBytes(Numbers<float>(), "<f4");
  order.replace(order.find("False"), 5, "Maybe");
  EXPECT_THAT(Message(order, "a.npy"), HasSubstr("does not say fortran_order"));
  std::string axes = NpyBytes(Numbers<float>(), "<f4");
  axes.replace(axes.find("(2, 3)"), 6, "(6,  )");
  EXPECT_THAT(Message(axes, "a.npy"), HasSubstr("an array of 1 axes"));
  std::string huge = NpyBytes(Numbers<float>(), "<f4");
  huge.replace(huge.find("(2, 3), }"), 22, "(18446744073709551, 3)");
  EXPECT_THAT(Message(huge, "a.npy"), HasSubstr("18446744073709551 rows"));
}

TEST(VectorFilesTest, OtherExtensionsAreNotFound) {
  EXPECT_TRUE(absl::IsNotFound(ParseVectorFile("x", "a.csv").status()));
  EXPECT_TRUE(absl::IsNotFound(ParseVectorFile("x", "npy").status()));
  EXPECT_TRUE(absl::IsNotFound(ParseIdFile("x", "a.fvecs").status()));
}

}  // namespace
}  // namespace opsbench::vector::internal
