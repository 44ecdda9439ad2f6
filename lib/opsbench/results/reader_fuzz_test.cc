// The readers on 10,000 files that are nearly right: seeds of fixtures/compare
// that are cut, doubled, mixed, and strewn with what JSON's readers stumble
// over. The same on every machine; reader_fuzz.cc is its big sister.

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "opsbench/base/random.h"
#include "opsbench/results/atomic_file.h"
#include "opsbench/results/internal/reader_check.h"

namespace opsbench::results {
namespace {

namespace fs = std::filesystem;

constexpr int kExecutions = 10'000;

// What a value may be, and what a value may not.
constexpr absl::string_view kValues[] = {"NaN",
                                         "-Infinity",
                                         "inf",
                                         "-0.0",
                                         "1e308",
                                         "5e-324",
                                         "null",
                                         "true",
                                         "[]",
                                         "[1]",
                                         "[-1]",
                                         "[[]]",
                                         "{}",
                                         "{\"a\": [{}]}",
                                         "\"\"",
                                         "\"\\u0000\"",
                                         "\"\\u001b[31m\"",
                                         "\"]]>\"",
                                         "\"a|b\"",
                                         "\"\xf0\x9f\x98\x80\"",
                                         "1",
                                         "-1",
                                         "0",
                                         "18446744073709551615",
                                         "18446744073709551616",
                                         "-9223372036854775809",
                                         "-0",
                                         "0e309",
                                         "1e-400",
                                         "0.30000000000000001665",
                                         "1.7976931348623157e308",
                                         "1.00000000000000011102230246251565",
                                         "123456789012345678901234567890.5e-9",
                                         "9223372036854775807",
                                         "999999999",
                                         "1e300",
                                         "\"a\"",
                                         "\"a_mean\"",
                                         "\"aggregate\"",
                                         "\"iteration\"",
                                         "\"median\"",
                                         "\"s\"",
                                         "\"us\""};
constexpr absl::string_view kJunk[] = {"1e999",
                                       "{",
                                       "}",
                                       "[",
                                       "]",
                                       ",",
                                       ":",
                                       "\"",
                                       "\\",
                                       "\\ud800",
                                       "\\udc00",
                                       "\\ud83d\\ude00",
                                       "\xff",
                                       "\xc0\x80",
                                       "\xed\xa0\x80",
                                       "\xef\xbb\xbf",
                                       absl::string_view("\0", 1),
                                       "NaNaN",
                                       "_cv"};
// Lines of a row.
constexpr absl::string_view kLines[] = {"\"error_occurred\": true,\n",
                                        "\"skipped\": true,\n",
                                        "\"real_time\": 0,\n",
                                        "\"run_type\": \"aggregate\",\n",
                                        "\"repetition_index\": 3,\n",
                                        "\"p99_us\": Infinity,\n",
                                        "\"qps\": -1,\n",
                                        "\"real_time_ns\": 1,\n",
                                        "\"threads\": 2,\n",
                                        "\"iterations\": 1.0000e+01,\n"};

std::vector<std::string> Seeds() {
  std::vector<std::string> paths;
  for (const auto& entry :
       fs::directory_iterator("fixtures/compare/fuzz_seeds")) {
    paths.push_back(entry.path().string());
  }
  // Folders are in no order.
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> seeds;
  for (const std::string& path : paths) {
    seeds.push_back(ReadWholeFile(path).value_or(""));
  }
  return seeds;
}

// A piece of `text` up to `most` long.
std::string Piece(const std::string& text, size_t most, Random* random) {
  if (text.empty()) return "";
  const size_t begin = random->Below(text.size());
  return text.substr(begin, random->Below(most) + 1);
}

// A change after which the text may well be JSON: of a value, or of a line.
void ChangeGently(Random* random, std::string* text) {
  const size_t place = random->Below(text->size() + 1);
  const size_t line = text->find("\n      ", place);
  if (random->Bernoulli(0.5) || line == std::string::npos) {
    size_t begin = text->find(": ", place);
    if (begin == std::string::npos) return;
    begin += 2;
    const size_t end =
        std::min(text->find_first_of(",\n", begin), text->size());
    const absl::string_view value = kValues[random->Below(std::size(kValues))];
    text->replace(begin, end - begin, value.data(), value.size());
    return;
  }
  const size_t end = text->find('\n', line + 1);
  switch (random->Below(3)) {
    case 0:
      if (end != std::string::npos) text->erase(line, end - line);
      break;
    case 1:
      if (end != std::string::npos) {
        text->insert(line, text->substr(line, end - line));
      }
      break;
    default:
      text->insert(line + 1,
                   std::string(kLines[random->Below(std::size(kLines))]));
  }
}

// A change that leaves hardly any JSON.
void Damage(const std::vector<std::string>& seeds, Random* random,
            std::string* text) {
  const size_t place = random->Below(text->size() + 1);
  switch (random->Below(6)) {
    case 0:
      text->resize(place);
      break;
    case 1:
      text->erase(place, random->Below(40));
      break;
    case 2:
      text->insert(place, Piece(*text, 200, random));
      break;
    case 3:
      text->insert(place,
                   Piece(seeds[random->Below(seeds.size())], 400, random));
      break;
    case 4:
      if (place < text->size()) {
        (*text)[place] = static_cast<char>(random->Below(256));
      }
      break;
    default:
      text->insert(place, std::string(kJunk[random->Below(std::size(kJunk))]));
  }
}

TEST(ReaderFuzzTest, HoldsWhateverItIsGiven) {
  const std::vector<std::string> seeds = Seeds();
  ASSERT_GE(seeds.size(), 5u);
  Random random(20'240'301);
  int readable = 0;
  for (int i = 0; i < kExecutions; ++i) {
    std::string text = seeds[random.Below(seeds.size())];
    for (uint64_t k = random.Below(4) + 1; k > 0; --k) {
      ChangeGently(&random, &text);
    }
    if (random.Bernoulli(0.3)) Damage(seeds, &random, &text);
    ASSERT_EQ(internal::ReaderFault(text), "") << "execution " << i << ":\n"
                                               << text;
    readable += ParseBenchmarkJson(text, "x").ok() ? 1 : 0;
  }
  // Changes that nothing survives would try the parser's errors alone.
  EXPECT_GT(readable, kExecutions / 5);
  EXPECT_LT(readable, kExecutions * 4 / 5);
}

TEST(ReaderFuzzTest, SeedsAndBrokenFilesHoldAsTheyAre) {
  int files = 0;
  for (const auto& entry :
       fs::recursive_directory_iterator("fixtures/compare")) {
    if (!entry.is_regular_file()) continue;
    const auto text = ReadWholeFile(entry.path().string());
    ASSERT_TRUE(text.ok()) << text.status();
    EXPECT_EQ(internal::ReaderFault(*text), "") << entry.path();
    ++files;
  }
  EXPECT_GT(files, 20);
}

}  // namespace
}  // namespace opsbench::results
