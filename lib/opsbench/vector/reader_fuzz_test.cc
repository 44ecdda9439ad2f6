// What a fuzzer does, at a small budget, with any compiler: good files of every
// format, damaged at random. Runs under AddressSanitizer like every test.

#include <zlib.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "opsbench/base/random.h"
#include "opsbench/vector/generate.h"
#include "opsbench/vector/internal/hdf5_test_file.h"
#include "opsbench/vector/internal/reader_check.h"
#include "opsbench/vector/internal/test_files.h"

namespace opsbench::vector {
namespace {

using internal::BinBytes;
using internal::NpyBytes;
using internal::Rows;
using internal::VecsBytes;

constexpr int kExecutions = 20'000;

std::vector<std::string> Seeds() {
  const Rows<float> floats = {{1, 2, 3}, {4, 5, 6}};
  const Rows<int32_t> ids = {{1, 2, 3, 4}, {4, 3, 2, 1}};
  GenerateOptions options;
  options.rows = 20;
  options.dimension = 3;
  options.queries = 4;
  options.truth_k = 2;
  const internal::TemporaryFolder folder;
  const std::string path = folder.File("a.opsvec");
  const auto data = *Generate(options);
  EXPECT_TRUE(WriteDatasetFile(*data, path).ok());
  const std::string hdf5 = folder.File("a.hdf5");
  internal::WriteHdf5File(hdf5, "euclidean", *data);
  return {VecsBytes(floats),
          VecsBytes(Rows<uint8_t>{{1, 2, 3}, {4, 5, 6}}),
          VecsBytes(ids),
          BinBytes(floats),
          BinBytes(ids),
          NpyBytes(floats, "<f4"),
          NpyBytes(ids, "<i4"),
          internal::ReadBytes(path),
          internal::ReadBytes(hdf5),
          ""};
}

// Numbers at which sizes go wrong.
constexpr uint64_t kNumbers[] = {0,
                                 1,
                                 2,
                                 3,
                                 64,
                                 127,
                                 128,
                                 255,
                                 256,
                                 65'535,
                                 65'536,
                                 0x7fffffff,
                                 0x80000000,
                                 0xffffffff,
                                 uint64_t{1} << 40,
                                 ~uint64_t{0} >> 1,
                                 ~uint64_t{0}};

void Damage(const std::vector<std::string>& seeds, Random* random,
            std::string* bytes) {
  const size_t place = random->Below(bytes->size() + 1);
  switch (random->Below(6)) {
    case 0:
      bytes->resize(place);
      break;
    case 1:
      bytes->erase(place, random->Below(40));
      break;
    case 2:
      bytes->insert(place, bytes->substr(place / 2, random->Below(60)));
      break;
    case 3: {
      const std::string& other = seeds[random->Below(seeds.size())];
      bytes->insert(place, other.substr(0, random->Below(other.size() + 1)));
      break;
    }
    case 4:
      if (place < bytes->size()) {
        (*bytes)[place] = static_cast<char>(random->Below(256));
      }
      break;
    default: {
      const uint64_t number = kNumbers[random->Below(std::size(kNumbers))];
      const size_t size = size_t{1} << random->Below(4);
      const size_t at = place / size * size;
      if (at + size <= bytes->size()) {
        std::memcpy(bytes->data() + at, &number, size);
      }
    }
  }
}

// Makes the checksums of a data set file right again, as far as its table leads
// anywhere: otherwise nothing behind them would ever be tried.
void Seal(std::string* bytes) {
  const auto number = [bytes](size_t at, size_t size) {
    uint64_t value = 0;
    std::memcpy(&value, bytes->data() + at, size);
    return value;
  };
  const auto seal = [bytes](size_t at, size_t begin, size_t size) {
    const uint32_t crc = static_cast<uint32_t>(crc32_z(
        0, reinterpret_cast<const Bytef*>(bytes->data() + begin), size));
    std::memcpy(bytes->data() + at, &crc, sizeof(crc));
  };
  if (bytes->size() < 64) return;
  const uint64_t size = bytes->size();
  std::memcpy(bytes->data() + 16, &size, sizeof(size));
  const size_t count = number(12, 4);
  if (count > 16 || 64 + 32 * count > bytes->size()) return;
  for (size_t i = 64; i < 64 + 32 * count; i += 32) {
    const uint64_t offset = number(i + 8, 8);
    const uint64_t length = number(i + 16, 8);
    if (offset <= size && length <= size - offset) seal(i + 4, offset, length);
  }
  seal(24, 64, 32 * count);
}

bool IsHdf5(const std::string& bytes) {
  return bytes.compare(0, 4, "\x89HDF") == 0;
}

TEST(ReaderFuzzTest, HoldsWhateverItIsGiven) {
  const std::vector<std::string> seeds = Seeds();
  int opened = 0;
  for (const std::string& seed : seeds) {
    EXPECT_EQ(internal::ReaderFault(seed, /*hdf5=*/true), "");
  }
  Random random(20'260'101);
  for (int i = 0; i < kExecutions; ++i) {
    std::string bytes = seeds[random.Below(seeds.size())];
    for (uint64_t k = random.Below(4) + 1; k > 0; --k) {
      Damage(seeds, &random, &bytes);
    }
    if (internal::IsDatasetFile(bytes)) Seal(&bytes);
    // On some of these the library never returns, which takes a second to find
    // out: not all of them.
    const bool hdf5 = i % 3 == 0 && IsHdf5(bytes);
    ASSERT_EQ(internal::ReaderFault(bytes, hdf5), "")
        << "execution " << i << ", " << bytes.size() << " bytes";
    if (internal::IsDatasetFile(bytes)) {
      opened += internal::ParseDatasetFile(bytes, "f").ok() ? 1 : 0;
    }
  }
  // Damage that nothing survives would try the first checks alone.
  EXPECT_GT(opened, kExecutions / 200);
}

}  // namespace
}  // namespace opsbench::vector
