// The gate's configuration: what it says of each benchmark, and errors that say
// where they are.

#include "opsbench/results/gate_config.h"

#include <regex>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/results/atomic_file.h"

namespace opsbench::results::gate {
namespace {

using ::testing::HasSubstr;

constexpr char kConfig[] = R"(version: 1
defaults:
  threshold: 3%
  promise: 6%
  slice_ms: 50
binaries:
  - target: base_bench
    path: lib/base_bench
    area: base
    arguments: [--scale=quick]
    benchmarks: ['Base/Zipf.*', Base/Random/Next]
rules:
  - benchmarks: 'Base/Zipf.*'
    threshold: 7.5%
  - benchmarks: '.*'
    metrics: [cpu_time_ns, items_per_second]
)";

TEST(GateConfigTest, ReadsEveryKey) {
  const auto config = ParseGateConfig(kConfig, "gate.yaml");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->threshold, 0.03);
  EXPECT_EQ(config->promise, 0.06);
  EXPECT_EQ(config->slice_ms, 50);
  ASSERT_EQ(config->binaries.size(), 1u);
  const BinaryConfig& binary = config->binaries[0];
  EXPECT_EQ(binary.target, "base_bench");
  EXPECT_EQ(binary.path, "lib/base_bench");
  EXPECT_EQ(binary.area, "base");
  EXPECT_EQ(binary.arguments, std::vector<std::string>{"--scale=quick"});
  EXPECT_TRUE(Selects(binary, "Base/Zipf/skew:1"));
  EXPECT_TRUE(Selects(binary, "Base/Random/Next"));
  EXPECT_FALSE(Selects(binary, "Base/Random/NextOne"));
  EXPECT_FALSE(Selects(binary, "A/Base/Zipf"));
}

TEST(GateConfigTest, RulesHoldForWhatTheyMatch) {
  const auto config = ParseGateConfig(kConfig, "gate.yaml");
  ASSERT_TRUE(config.ok()) << config.status();
  const auto zipf = MetricsOf(*config, "Base/Zipf/skew:1");
  ASSERT_EQ(zipf.size(), 2u);
  EXPECT_EQ(zipf[0].name, "cpu_time_ns");
  EXPECT_FALSE(zipf[0].higher_is_better);
  EXPECT_EQ(zipf[0].threshold, 0.075);
  EXPECT_TRUE(zipf[1].higher_is_better);
  EXPECT_EQ(MetricsOf(*config, "Base/Random/Next")[0].threshold, 0.03);
}

// Each with the place and what would have been right.
TEST(GateConfigTest, ErrorsSayWhere) {
  struct Case {
    const char* text;
    const char* expected;
  };
  constexpr Case kCases[] = {
      {"version: 1\nbinaires: []\n",
       "gate.yaml:2:1: unknown key \"binaires\": did you mean \"binaries\"?"},
      {"version: 1\ndefaults:\n  treshold: 2%\n",
       "gate.yaml:3:3: unknown key \"treshold\": did you mean \"threshold\"?"},
      {"version: 1\ndefaults:\n  threshold: 2\n",
       "gate.yaml:3:14: expected a "},
      {"version: 1\ndefaults:\n  threshold: -1%\n", "gate.yaml:3:14"},
      {"version: 1\ndefaults:\n  threshold: nan%\n", "gate.yaml:3:14"},
      {"version: 1\ndefaults:\n  slice_ms: fast\n", "gate.yaml:3:13"},
      {"version: 1\ndefaults:\n  metrics: [speed]\n", "\"speed\" does not end"},
      {"version: 1\ndefaults: 3\n", "gate.yaml:2:11: expected keys"},
      {"version: 2\n",
       "gate.yaml:1:10: expected a number from 1 to 1, not \"2\""},
      {"binaries: []\n", "no version"},
      {"version: 1\n", "no binaries"},
      {"version: 1\nbinaries:\n  - target: a\n", "a binary without path"},
      {"version: 1\nbinaries:\n  - {target: a, path: b, area: c}\n",
       "a binary without benchmarks"},
      {"version: 1\nbinaries:\n"
       "  - {target: a, path: b, area: c, benchmarks: ['(']}\n",
       "gate.yaml:3:48: ( is no regular expression"},
      {"version: 1\nrules:\n  - threshold: 2%\n", "a rule without benchmarks"},
      {"version: [1\n", "gate.yaml:2:1"},
      {"", "gate.yaml is empty"},
  };
  for (const Case& bad : kCases) {
    const auto config = ParseGateConfig(bad.text, "gate.yaml");
    EXPECT_TRUE(absl::IsInvalidArgument(config.status())) << bad.text;
    EXPECT_THAT(std::string(config.status().message()),
                HasSubstr(bad.expected));
  }
}

TEST(GateConfigTest, TheProjectsOwnIsRight) {
  const auto text = ReadWholeFile("fixtures/gate.yaml");
  ASSERT_TRUE(text.ok()) << text.status();
  const auto config = ParseGateConfig(*text, "fixtures/gate.yaml");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_GE(config->binaries.size(), 3u);
}

TEST(NameTest, IterationsAreNoPartOfAName) {
  EXPECT_EQ(CanonicalName("A/b:1/iterations:8/manual_time"),
            "A/b:1/manual_time");
  EXPECT_EQ(CanonicalName("A/iterations:8"), "A");
  EXPECT_EQ(CanonicalName("A/b:1/min_time:0.010/real_time"), "A/b:1/real_time");
  EXPECT_EQ(CanonicalName("A/b"), "A/b");
}

TEST(NameTest, AFilterSelectsOneBenchmarkWithAnyIterations) {
  const std::string filter = FilterOf("A/b:1.5/manual_time");
  const auto selects = [&](const char* name) {
    return MatchesPart(filter, name) &&
           std::regex_search(name, std::regex(filter));
  };
  EXPECT_TRUE(selects("A/b:1.5/manual_time"));
  EXPECT_TRUE(selects("A/b:1.5/iterations:12/manual_time"));
  EXPECT_TRUE(selects("A/b:1.5/min_time:0.010/manual_time"));
  EXPECT_FALSE(selects("A/b:1.5/manual_time/threads:2"));
  EXPECT_FALSE(selects("A/b:105/manual_time"));
  EXPECT_FALSE(selects("Z/A/b:1.5/manual_time"));
}

}  // namespace
}  // namespace opsbench::results::gate
