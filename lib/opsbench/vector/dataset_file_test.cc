#include "opsbench/vector/dataset_file.h"

#include <zlib.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/vector/generate.h"
#include "opsbench/vector/internal/test_files.h"

namespace opsbench::vector {
namespace {

using internal::ReadBytes;
using internal::TemporaryFolder;
using testing::HasSubstr;

GenerateOptions Small() {
  GenerateOptions options;
  options.kind = GeneratedKind::kSphere;
  options.metric = Metric::kCosine;
  options.rows = 50;
  options.dimension = 5;
  options.queries = 7;
  options.truth_k = 4;
  return options;
}

void ExpectSame(const Dataset& a, const Dataset& b) {
  EXPECT_EQ(a.name(), b.name());
  EXPECT_EQ(a.metric(), b.metric());
  ASSERT_EQ(a.base().rows, b.base().rows);
  ASSERT_EQ(a.queries().rows, b.queries().rows);
  ASSERT_EQ(a.dimension(), b.dimension());
  for (size_t i = 0; i < a.base().rows; ++i) {
    EXPECT_EQ(a.base().row(i), b.base().row(i));
  }
  ASSERT_EQ(a.truth_k(), b.truth_k());
  for (size_t i = 0; i < a.queries().rows; ++i) {
    EXPECT_EQ(a.queries().row(i), b.queries().row(i));
    EXPECT_EQ(a.truth(i), b.truth(i));
  }
  EXPECT_EQ(a.attributes().tag_count, b.attributes().tag_count);
  EXPECT_EQ(a.attributes().tags, b.attributes().tags);
  EXPECT_EQ(a.attributes().numbers, b.attributes().numbers);
}

class DatasetFileTest : public testing::Test {
 protected:
  DatasetFileTest() : path_(folder_.File("a.opsvec")) {
    data_ = *Generate(Small());
    EXPECT_TRUE(WriteDatasetFile(*data_, path_).ok());
    bytes_ = ReadBytes(path_);
  }

  std::string Message(const std::string& bytes) {
    const auto data = ReadDatasetFile(folder_.Write("b.opsvec", bytes));
    EXPECT_TRUE(absl::IsInvalidArgument(data.status())) << data.status();
    EXPECT_THAT(std::string(data.status().message()), HasSubstr("b.opsvec: "));
    return std::string(data.status().message());
  }

  // Where a section lies, by the table that DATASET.md describes.
  struct Place {
    size_t entry = 0;
    uint64_t offset = 0;
    uint64_t bytes = 0;
  };
  Place Find(uint32_t kind) const {
    uint32_t count;
    std::memcpy(&count, bytes_.data() + 12, 4);
    for (uint32_t i = 0; i < count; ++i) {
      Place place;
      place.entry = 64 + 32 * i;
      uint32_t found;
      std::memcpy(&found, bytes_.data() + place.entry, 4);
      std::memcpy(&place.offset, bytes_.data() + place.entry + 8, 8);
      std::memcpy(&place.bytes, bytes_.data() + place.entry + 16, 8);
      if (found == kind) return place;
    }
    ADD_FAILURE() << "no section " << kind;
    return {};
  }

  // Changes a number of a section, and the checksums after it, as somebody who
  // writes wrong content would.
  template <typename T>
  std::string With(uint32_t kind, size_t index, T value) const {
    std::string bytes = bytes_;
    const Place place = Find(kind);
    std::memcpy(&bytes[place.offset + index * sizeof(T)], &value, sizeof(T));
    Seal(place, &bytes);
    return bytes;
  }

  static void Seal(const Place& place, std::string* bytes) {
    const auto crc = [bytes](size_t offset, size_t size) {
      return static_cast<uint32_t>(crc32_z(
          0, reinterpret_cast<const Bytef*>(bytes->data() + offset), size));
    };
    const uint32_t section = crc(place.offset, place.bytes);
    std::memcpy(&(*bytes)[place.entry + 4], &section, 4);
    uint32_t count;
    std::memcpy(&count, bytes->data() + 12, 4);
    const uint32_t table = crc(64, 32 * count);
    std::memcpy(&(*bytes)[24], &table, 4);
  }

  TemporaryFolder folder_;
  std::string path_;
  std::unique_ptr<Dataset> data_;
  std::string bytes_;
};

TEST_F(DatasetFileTest, ReadsWhatItWrote) {
  const auto again = ReadDatasetFile(path_);
  ASSERT_TRUE(again.ok()) << again.status();
  ExpectSame(*data_, **again);
}

TEST_F(DatasetFileTest, TruthMayBeAbsent) {
  GenerateOptions options = Small();
  options.truth_k = 0;
  const auto data = *Generate(options);
  ASSERT_TRUE(WriteDatasetFile(*data, path_).ok());
  const auto again = ReadDatasetFile(path_);
  ASSERT_TRUE(again.ok()) << again.status();
  ExpectSame(*data, **again);
}

TEST_F(DatasetFileTest, EveryByteCounts) {
  size_t padding = 0;
  for (size_t i = 0; i < bytes_.size(); ++i) {
    std::string changed = bytes_;
    changed[i] = static_cast<char>(changed[i] ^ 0x10);
    const auto data = internal::ParseDatasetFile(changed, "c.opsvec");
    if (data.ok()) {
      ++padding;
      ExpectSame(*data_, **data);
    }
  }
  // Between sections, and the zeros of the header.
  EXPECT_LT(padding, 8 * 64u);
}

TEST_F(DatasetFileTest, EveryCutIsNoticed) {
  for (size_t length = 0; length < bytes_.size(); length += 13) {
    Message(bytes_.substr(0, length));
  }
  EXPECT_THAT(Message(bytes_ + "x"), HasSubstr("but its header says"));
}

TEST_F(DatasetFileTest, SaysWhatIsWrongAndWhere) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(Message(With<float>(2, 5 * 12 + 3, nan)),
              HasSubstr("component 3 of base vector 12 is nan"));
  EXPECT_THAT(Message(With<float>(3, 5 * 6, -HUGE_VALF)),
              HasSubstr("component 0 of query vector 6 is -inf"));
  EXPECT_THAT(Message(With<uint32_t>(4, 4 * 2 + 1, 50)),
              HasSubstr("neighbour 50 of query 2 is out of range: there are 50 "
                        "base vectors"));
  EXPECT_THAT(Message(With<uint32_t>(
                  4, 1, static_cast<uint32_t>(data_->truth(0)[0].id))),
              HasSubstr("of query 0 is there twice"));
  EXPECT_THAT(Message(With<float>(5, 4 * 3 + 2, -1)),
              HasSubstr("distances of query 3 do not ascend"));
  EXPECT_THAT(Message(With<float>(5, 1, nan)), HasSubstr("do not ascend"));
  EXPECT_THAT(Message(With<uint32_t>(6, 8, 6)),
              HasSubstr("tag 6 of base vector 8: there are 6"));
  EXPECT_THAT(Message(With<float>(7, 9, 1)),
              HasSubstr("number 1 of base vector 9 is not in [0, 1)"));
  EXPECT_THAT(Message(With<uint32_t>(1, 0, 3)), HasSubstr("unknown metric 3"));
  EXPECT_THAT(Message(With<uint32_t>(1, 1, 6)),
              HasSubstr("section base has 1000 bytes, not 50 rows of 6"));
  EXPECT_THAT(Message(With<uint32_t>(1, 1, 0)), HasSubstr("dimension 0"));
  EXPECT_THAT(Message(With<uint64_t>(1, 1, ~uint64_t{0})),
              HasSubstr("18446744073709551615 base vectors"));
  EXPECT_THAT(Message(With<uint32_t>(1, 6, 51)), HasSubstr("51 neighbours"));
  EXPECT_THAT(Message(With<uint32_t>(1, 6, 5)),
              HasSubstr("section truth ids has 112 bytes"));
  EXPECT_THAT(Message(With<char>(1, 41, '\n')),
              HasSubstr("its name 's\\nhere"));
  std::string other = bytes_;
  other[8] = 2;
  EXPECT_THAT(Message(other), HasSubstr("version 2 of the format"));
  other = bytes_;
  other[0] = 'x';
  EXPECT_THAT(Message(other), HasSubstr("not a data set file"));
  other = bytes_;
  other[Find(2).offset] ^= 1;
  EXPECT_THAT(Message(other),
              HasSubstr("the checksum of section base differs"));
}

TEST_F(DatasetFileTest, SectionsOutOfBoundsAreRefused) {
  for (const uint64_t offset :
       {uint64_t{1}, ~uint64_t{63}, uint64_t{1} << 40}) {
    std::string bytes = bytes_;
    Place place = Find(2);
    std::memcpy(&bytes[place.entry + 8], &offset, 8);
    place.offset = place.bytes = 0;
    Seal(place, &bytes);
    EXPECT_THAT(Message(bytes), HasSubstr("is out of bounds"));
  }
}

TEST_F(DatasetFileTest, AFailedWriteLeavesTheOldFile) {
  EXPECT_TRUE(
      absl::IsNotFound(WriteDatasetFile(*data_, folder_.File("no/a.opsvec"))));
  EXPECT_TRUE(absl::IsNotFound(
      ReadDatasetFile(folder_.File("nothing.opsvec")).status()));
  // A folder in its place: the rename fails, and nothing is left behind.
  const std::string folder = folder_.File("folder.opsvec");
  std::filesystem::create_directory(folder);
  EXPECT_FALSE(WriteDatasetFile(*data_, folder).ok());
  size_t entries = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(folder_.File(""))) {
    EXPECT_THAT(entry.path().string(), testing::Not(HasSubstr(".tmp")));
    ++entries;
  }
  EXPECT_EQ(entries, 2u);
  EXPECT_EQ(ReadBytes(path_), bytes_);
}

}  // namespace
}  // namespace opsbench::vector
