#include "opsbench/profile/callgrind_output.h"

#include <numeric>
#include <string>
#include <vector>

#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace opsbench::profile {
namespace {

using ::testing::ContainsRegex;
using ::testing::ElementsAre;

// main calls f twice, f calls itself and g, of another library; part of f was
// inlined from a header. Costs: main 10, f 5 + 7 + 3, g 100.
constexpr char kText[] =
    "# callgrind format\n"
    "version: 1\n"
    "creator: callgrind-3.19.0\n"
    "pid: 1\n"
    "cmd:  /x/program --flag\n"
    "part: 1\n"
    "desc: I1 cache: 32768 B, 64 B, 8-way associative\n"
    "desc: Trigger: Program termination\n"
    "positions: line\n"
    "events: Ir Dr\n"
    "summary: 125 9\n"
    "\n"
    "ob=(1) /x/program\n"
    "fl=(1) main.cc\n"
    "fn=(1) main\n"
    "10 10 1\n"
    "cfn=(2) ns::f(int)\n"
    "calls=2 20\n"
    "+1 115 8\n"
    "\n"
    "fn=(2)\n"
    "20 5 2\n"
    "fi=(2) header.h\n"
    "3 7 1\n"
    "fe=(1)\n"
    "* 3\n"
    "cob=(2) /lib/g.so\n"
    "cfi=(3) g.cc\n"
    "cfn=(3) g\n"
    "calls=4 1\n"
    "-5 100 5\n"
    "cfn=(2)\n"
    "calls=1 20\n"
    "21 40 3\n"
    "\n"
    "ob=(2)\n"
    "fl=(3)\n"
    "fn=(3)\n"
    "1 100 5\n"
    "\n"
    "totals: 125 9\n";

const CallgrindCosts& Find(const std::vector<CallgrindCosts>& all,
                           const std::string& name) {
  for (const CallgrindCosts& costs : all) {
    if (costs.name == name) return costs;
  }
  ADD_FAILURE() << "no " << name;
  return all.front();
}

TEST(CallgrindOutputTest, ReadsCostsCallsAndInlinedSources) {
  const auto profile = ParseCallgrind(kText, "x");
  ASSERT_TRUE(profile.ok()) << profile.status();
  EXPECT_EQ(profile->command, "/x/program --flag");
  EXPECT_THAT(profile->events, ElementsAre("Ir", "Dr"));
  EXPECT_THAT(profile->totals, ElementsAre(125, 9));
  EXPECT_EQ(profile->TotalOf("Dr"), 9);
  EXPECT_EQ(profile->TotalOf("Dw"), 0);
  EXPECT_EQ(profile->EventIndex("Dw"), -1);
  EXPECT_THAT(profile->caches,
              ElementsAre("I1 cache: 32768 B, 64 B, 8-way associative"));

  ASSERT_EQ(profile->functions.size(), 3u);
  EXPECT_EQ(profile->functions[0].name, "g");
  EXPECT_EQ(profile->functions[0].object, "/lib/g.so");
  EXPECT_EQ(profile->functions[0].calls, 4);
  EXPECT_THAT(profile->functions[0].total, ElementsAre(100, 5));
  const CallgrindCosts& f = Find(profile->functions, "ns::f(int)");
  EXPECT_EQ(f.object, "/x/program");
  EXPECT_THAT(f.self, ElementsAre(15, 3));
  EXPECT_THAT(f.total, ElementsAre(115, 8));
  EXPECT_EQ(f.calls, 3);
  EXPECT_THAT(Find(profile->functions, "main").total, ElementsAre(125, 9));

  ASSERT_EQ(profile->sources.size(), 3u);
  EXPECT_THAT(Find(profile->sources, "header.h").self, ElementsAre(7, 1));
  EXPECT_THAT(Find(profile->sources, "main.cc").self, ElementsAre(18, 3));
  EXPECT_THAT(Find(profile->sources, "g.cc").self, ElementsAre(100, 5));
}

TEST(CallgrindOutputTest, AFileThatIsCutOffIsNoResult) {
  const std::string text = kText;
  const size_t costs = text.find("ob=(1)");
  for (size_t cut = 0; cut + 2 < text.size(); ++cut) {
    const auto profile = ParseCallgrind(text.substr(0, cut), "x");
    // Only the repeated sum at the end may be missing, and empty lines.
    if (cut + sizeof("\n\ntotals: 125 9") < text.size() || cut < costs) {
      EXPECT_FALSE(profile.ok()) << cut;
    }
  }
}

TEST(CallgrindOutputTest, SaysWhereItIsWrong) {
  const struct {
    const char* line;
    const char* instead;
  } cases[] = {{"fn=(2)\n20", "fn=(9)\n20"},
               {"3 7 1", "3 seven 1"},
               {"3 7 1", "3 7 1 1"},
               {"calls=4 1", "calls=four 1"},
               {"fe=(1)", "nonsense"}};
  for (const auto& [line, instead] : cases) {
    const auto profile =
        ParseCallgrind(absl::StrReplaceAll(kText, {{line, instead}}), "f.out");
    EXPECT_TRUE(absl::IsInvalidArgument(profile.status())) << instead;
    EXPECT_THAT(std::string(profile.status().message()),
                ContainsRegex("f.out:[23][0-9]: "))
        << instead;
  }
  EXPECT_TRUE(absl::IsInvalidArgument(ParseCallgrind("", "x").status()));
  EXPECT_TRUE(
      absl::IsInvalidArgument(ParseCallgrind("{\"a\": 1}", "x").status()));
  EXPECT_TRUE(absl::IsDataLoss(
      ParseCallgrind(absl::StrReplaceAll(kText, {{"3 7 1", "3 8 1"}}), "x")
          .status()));
}

}  // namespace
}  // namespace opsbench::profile
