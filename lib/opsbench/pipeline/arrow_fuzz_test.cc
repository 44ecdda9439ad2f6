// The Arrow reader on streams and files that are nearly right: bits turned,
// numbers replaced by those at the ends, pieces cut out, doubled and mixed.
// Each is refused or gives batches whose every value can be read; under the
// sanitizers, nothing else happens either. The same on every machine;
// arrow_fuzz.cc is its big sister.

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "opsbench/base/random.h"
#include "opsbench/pipeline/arrow_ipc.h"
#include "opsbench/pipeline/internal/arrow_check.h"
#include "opsbench/pipeline/internal/string_bytes.h"
#include "opsbench/pipeline/random_rows.h"

namespace opsbench::pipeline {
namespace {

using internal::StringSink;

constexpr int kExecutions = 30'000;

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds;
  Random random(1);
  for (uint64_t i = 0; i < 24; ++i) {
    RandomRowsOptions options;
    options.max_columns = 6;
    options.max_text_bytes = 40;
    const SchemaPtr schema = RandomSchema(options, &random);
    ArrowWriterOptions writing;
    writing.format = i % 2 == 0 ? ArrowFormat::kStream : ArrowFormat::kFile;
    writing.compression = static_cast<Compression>(i % 3);
    StringSink sink;
    auto writer = ArrowWriter::Open(writing, schema, &sink);
    for (int64_t rows : {3, 9}) {
      Batch batch(schema);
      AppendRandomRows(options, 1, rows, &random, &batch);
      EXPECT_TRUE((*writer)->Write(batch).ok());
    }
    EXPECT_TRUE((*writer)->Finish({{"key", "value"}}).ok());
    seeds.push_back(sink.text);
  }
  return seeds;
}

template <typename T>
void ReplaceNumber(Random* random, std::string* text) {
  const T kNumbers[] = {0,
                        1,
                        static_cast<T>(-1),
                        7,
                        8,
                        100,
                        static_cast<T>(text->size()),
                        static_cast<T>(T{1} << (8 * sizeof(T) - 2)),
                        static_cast<T>(T{1} << (8 * sizeof(T) - 1)),
                        static_cast<T>(random->Next())};
  if (text->size() < sizeof(T)) return;
  // Numbers lie at multiples of their size.
  const size_t at = random->Below(text->size() / sizeof(T)) * sizeof(T);
  const T number = kNumbers[random->Below(std::size(kNumbers))];
  std::memcpy(text->data() + at, &number, sizeof(number));
}

void Mutate(const std::vector<std::string>& seeds, Random* random,
            std::string* text) {
  if (text->empty()) return;
  const size_t at = random->Below(text->size());
  const size_t size = 1 + random->Below(64);
  switch (random->Below(8)) {
    case 0:
    case 1:
      (*text)[at] = static_cast<char>((*text)[at] ^ (1 << random->Below(8)));
      break;
    case 2:
      ReplaceNumber<uint16_t>(random, text);
      break;
    case 3:
      ReplaceNumber<uint32_t>(random, text);
      break;
    case 4:
      ReplaceNumber<uint64_t>(random, text);
      break;
    case 5:
      text->erase(at, size);
      break;
    case 6:
      text->insert(at, text->substr(random->Below(text->size()), size));
      break;
    default: {
      const std::string& other = seeds[random->Below(seeds.size())];
      text->replace(at, size, other.substr(random->Below(other.size()), size));
    }
  }
}

// Whether it was Arrow to the end.
bool IsFine(const std::string& text) {
  bool fine = false;
  EXPECT_EQ(internal::ArrowReaderFault(text, &fine), "");
  return fine;
}

TEST(ArrowFuzzTest, NearlyRightStreams) {
  const std::vector<std::string> seeds = Seeds();
  for (const std::string& seed : seeds) ASSERT_TRUE(IsFine(seed));
  Random random(2);
  int fine = 0;
  for (int i = 0; i < kExecutions; ++i) {
    std::string text = seeds[random.Below(seeds.size())];
    const uint64_t mutations = 1 + random.Below(4);
    for (uint64_t m = 0; m < mutations; ++m) Mutate(seeds, &random, &text);
    fine += IsFine(text) ? 1 : 0;
  }
  // Values have no check: some mutants are only other values.
  EXPECT_GT(fine, kExecutions / 100);
  EXPECT_LT(fine, kExecutions * 9 / 10);
}

}  // namespace
}  // namespace opsbench::pipeline
