// What a fuzzer does, at a small budget, with any compiler: good files of every
// format, damaged at random. Runs under AddressSanitizer like every test.

#include <algorithm>
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

bool IsHdf5(const std::string& bytes) {
  return bytes.compare(0, 4, "\x89HDF") == 0;
}

TEST(ReaderFuzzTest, HoldsWhateverItIsGiven) {
  const std::vector<std::string> seeds = Seeds();
  for (const std::string& seed : seeds) {
    EXPECT_EQ(internal::ReaderFault(seed, /*hdf5=*/true), "");
  }
  Random random(20'260'101);
  for (int i = 0; i < kExecutions; ++i) {
    std::string bytes = seeds[random.Below(seeds.size())];
    for (uint64_t k = random.Below(4) + 1; k > 0; --k) {
      Damage(seeds, &random, &bytes);
    }
    // On some of these the library never returns, which takes a second to find
    // out: not all of them.
    const bool hdf5 = i % 3 == 0 && IsHdf5(bytes);
    ASSERT_EQ(internal::ReaderFault(bytes, hdf5), "")
        << "execution " << i << ", " << bytes.size() << " bytes";
  }
}

}  // namespace
}  // namespace opsbench::vector
