#include "opsbench/profile/profile_text.h"

#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/base/format.h"
#include "opsbench/profile/folded_stacks.h"

namespace opsbench::profile {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(ProfileTextTest, WeightsHaveTheirUnit) {
  EXPECT_EQ(FormatWeight(1'500'000'000, "ns"), "1.50 s");
  EXPECT_EQ(FormatWeight(512, "bytes"), "512 B");
  EXPECT_EQ(FormatWeight(12'582'912, "bytes"), "12.0 MiB");
  EXPECT_EQ(FormatWeight(int64_t{3} << 40, "bytes"), "3.00 TiB");
  EXPECT_EQ(FormatWeight(1'234'567, "allocations"), "1,234,567 allocations");
  EXPECT_EQ(FormatWeight(999, "samples"), "999 samples");
}

// The two instances of Run are one row, and where one calls the other its time
// counts once.
TEST(ProfileTextTest, FunctionsOfOneShortNameShareARow) {
  StackProfile profile;
  for (const char* line : {"main;void ns::Run<int>();void ns::Run<long>() 60",
                           "main;void ns::Run<long>();memcpy 30", "main 10"}) {
    ASSERT_TRUE(AddFoldedStack(line, &profile).ok());
  }
  const std::string table = RenderFunctionTable(profile, {});
  EXPECT_THAT(table, ContainsRegex("60.0% +60 samples +90.0% +ours +ns::Run<"));
  EXPECT_THAT(table,
              ContainsRegex("30.0% +30 samples +30.0% +library +memcpy"));
  EXPECT_THAT(table, ContainsRegex("10.0% +10 samples +100.0% +ours +main"));
  EXPECT_LT(table.find("ns::Run"), table.find("memcpy"));
}

TEST(ProfileTextTest, TablesKeepToTheirRowsAndColumns) {
  StackProfile profile;
  for (int i = 0; i < 50; ++i) {
    const std::string line =
        std::string(static_cast<size_t>(i) + 60, 'f') + " 1";
    ASSERT_TRUE(AddFoldedStack(line, &profile).ok());
  }
  TableOptions options;
  options.rows = 7;
  options.columns = 80;
  const std::vector<std::string> lines = absl::StrSplit(
      RenderFunctionTable(profile, options), '\n', absl::SkipEmpty());
  EXPECT_EQ(lines.size(), 8u);  // With its heads.
  for (const std::string& line : lines) EXPECT_LE(DisplayWidth(line), 80);
}

CallgrindProfile Counted() {
  CallgrindProfile profile;
  profile.caches = {"D1 cache: 49152 B, 64 B, 12-way associative"};
  profile.events = {"Ir",   "Dr",   "Dw",   "I1mr", "D1mr",
                    "D1mw", "ILmr", "DLmr", "DLmw"};
  profile.totals = {1000, 300, 100, 2, 60, 20, 1, 5, 2};
  profile.functions = {{"void ns::Get<int>(int)",
                        "/x/p",
                        {700, 200, 50, 2, 10, 0, 1, 1, 0},
                        {1000, 300, 100, 2, 60, 20, 1, 5, 2},
                        100},
                       {"memcpy",
                        "/lib/c.so",
                        {300, 100, 50, 0, 50, 20, 0, 4, 2},
                        {300, 100, 50, 0, 50, 20, 0, 4, 2},
                        50}};
  profile.sources = {{"/a/b/c/d/table.h", "", profile.functions[0].self, {}, 0},
                     {"", "", profile.functions[1].self, {}, 0}};
  return profile;
}

TEST(ProfileTextTest, InstructionsAreDividedByOperations) {
  TableOptions options;
  options.operations = 10;
  const std::string text = RenderInstructionTables(Counted(), options);
  EXPECT_THAT(text, HasSubstr("1,000 instructions, 100.0 per operation of 10"));
  EXPECT_THAT(text, ContainsRegex("70.0% +70.0 +100.0% +100 +ns::Get<"));
  EXPECT_THAT(text, ContainsRegex("30.0% +30.0 +30.0% +50 +memcpy"));
  EXPECT_THAT(text, ContainsRegex("70.0% +70.0 +c/d/table.h"));
  EXPECT_THAT(text, HasSubstr("[unknown]"));
  options.operations = 0;
  EXPECT_THAT(RenderInstructionTables(Counted(), options),
              Not(HasSubstr("per operation")));
}

TEST(ProfileTextTest, CacheMissesAreSortedByTheFirstLevels) {
  TableOptions options;
  options.operations = 100;
  const std::string text = RenderCacheTables(Counted(), options);
  EXPECT_THAT(text, HasSubstr("D1 cache: 49152 B"));
  EXPECT_THAT(text, ContainsRegex("1,000 +10.0 +instructions"));
  EXPECT_THAT(text, ContainsRegex("60 +0.600 +20.00% +D1 misses of reads"));
  EXPECT_THAT(text, ContainsRegex("80 +0.800 +20.00% +D1 misses\n"));
  EXPECT_THAT(text, ContainsRegex("8 +0.080 +0.57% +LL misses"));
  EXPECT_THAT(text, ContainsRegex("87.5% +0.700 +75.0% +0.060 +memcpy"));
  EXPECT_LT(text.find("memcpy"), text.find("ns::Get"));
}

}  // namespace
}  // namespace opsbench::profile
