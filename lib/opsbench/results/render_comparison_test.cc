#include "opsbench/results/render_comparison.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "opsbench/results/atomic_file.h"
#include "opsbench/results/compare.h"
#include "opsbench/results/internal/xml_check.h"
#include "opsbench/results/sample_set.h"

namespace opsbench::results {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kFolder[] = "fixtures/compare/";

SampleSet Read(const std::string& path) {
  SampleSet set(path);
  const absl::Status status = set.AddFile(path);
  EXPECT_TRUE(status.ok()) << status;
  return set;
}

Comparison CompareFixture(const std::string& name) {
  const auto comparison =
      Compare(Read(absl::StrCat(kFolder, name, "/base.json")),
              Read(absl::StrCat(kFolder, name, "/head.json")), {});
  EXPECT_TRUE(comparison.ok()) << comparison.status();
  return comparison.value_or(Comparison());
}

// --- Golden files: each format of each fixture, byte by byte ---

class GoldenTest : public ::testing::TestWithParam<const char*> {};

TEST_P(GoldenTest, EveryFormatIsAsExpected) {
  const Comparison comparison = CompareFixture(GetParam());
  for (const auto& [format, file] :
       {std::pair("text", "expected.txt"), std::pair("markdown", "expected.md"),
        std::pair("json", "expected.json"), std::pair("csv", "expected.csv"),
        std::pair("junit", "expected.xml"),
        std::pair("smaller", "expected_smaller.json"),
        std::pair("bigger", "expected_bigger.json")}) {
    const std::string rendered =
        RenderComparison(comparison, *ParseComparisonFormat(format));
    const std::string path = absl::StrCat(kFolder, GetParam(), "/", file);
    // To be looked at before it is committed.
    if (std::getenv("OPSBENCH_UPDATE_GOLDEN") != nullptr) {
      ASSERT_TRUE(WriteFileAtomically(path, rendered).ok());
      continue;
    }
    const auto expected = ReadWholeFile(path);
    ASSERT_TRUE(expected.ok()) << expected.status();
    EXPECT_EQ(rendered, *expected) << path;
  }
}

TEST_P(GoldenTest, JsonIsStrictAndJunitFollowsItsSchema) {
  const Comparison comparison = CompareFixture(GetParam());
  for (const ComparisonFormat format :
       {ComparisonFormat::kJson, ComparisonFormat::kSmallerIsBetter,
        ComparisonFormat::kBiggerIsBetter}) {
    EXPECT_TRUE(json::accept(RenderComparison(comparison, format)));
  }
  EXPECT_EQ(internal::JunitFault(
                RenderComparison(comparison, ComparisonFormat::kJunit)),
            "");
}

INSTANTIATE_TEST_SUITE_P(Fixtures, GoldenTest,
                         ::testing::Values("aggregates_1.7",
                                           "counters_1.5_to_1.6", "odd_1.7",
                                           "old_1.3_to_1.4", "processes_1.7",
                                           "recorded_1.7.1",
                                           "skipped_1.8_to_1.9"),
                         [](const auto& fixture) {
                           std::string name = fixture.param;
                           std::replace(name.begin(), name.end(), '.', '_');
                           return name;
                         });

// --- What golden files do not show ---

MetricComparison Metric(const std::string& name, Verdict verdict) {
  MetricComparison metric;
  metric.benchmark = name;
  metric.metric = "real_time_ns";
  metric.verdict = verdict;
  metric.base = 100;
  metric.head = 110;
  metric.effect = 0.1;
  return metric;
}

TEST(RenderComparisonTest, KnowsFormatsByName) {
  for (const char* name :
       {"text", "markdown", "json", "csv", "junit", "smaller", "bigger",
        "customSmallerIsBetter", "customBiggerIsBetter"}) {
    EXPECT_TRUE(ParseComparisonFormat(name).ok()) << name;
  }
  EXPECT_EQ(ParseComparisonFormat("html").status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(RenderComparisonTest, CountsFailuresFirst) {
  EXPECT_EQ(CountsText({.metrics = {Metric("a", Verdict::kSame),
                                    Metric("b", Verdict::kSlower),
                                    Metric("c", Verdict::kSame)}}),
            "1 slower, 2 same");
  EXPECT_EQ(CountsText({}), "nothing to compare");
}

TEST(RenderComparisonTest, ColorsAreForTerminals) {
  const Comparison comparison = {.metrics = {Metric("a", Verdict::kSlower)},
                                 .warnings = {"careful"}};
  RenderComparisonOptions options;
  EXPECT_THAT(RenderComparison(comparison, ComparisonFormat::kText, options),
              Not(HasSubstr("\x1b")));
  options.color = true;
  EXPECT_THAT(RenderComparison(comparison, ComparisonFormat::kText, options),
              HasSubstr("\x1b[1;31mslower"));
}

// Columns stay in line, whichever way they are laid out.
TEST(RenderComparisonTest, LongNamesGetALineOfTheirOwn) {
  const std::string name(90, 'n');
  const Comparison comparison = {
      .metrics = {Metric(name, Verdict::kSame), Metric("b", Verdict::kSame)}};
  for (const int columns : {100, 300}) {
    RenderComparisonOptions options;
    options.columns = columns;
    std::vector<std::string> lines = absl::StrSplit(
        RenderComparison(comparison, ComparisonFormat::kText, options), '\n');
    std::vector<size_t> places;
    for (const std::string& line : lines) {
      if (absl::StrContains(line, "110 ns")) places.push_back(line.find("110"));
    }
    ASSERT_EQ(places.size(), 2u);
    EXPECT_EQ(places[0], places[1]);
    EXPECT_EQ(places[0] < 100, columns == 100);
  }
}

TEST(RenderComparisonTest, TextCountsTheRowsThatItLeavesOut) {
  const Comparison comparison = {.metrics = {Metric("a", Verdict::kSlower),
                                             Metric("b", Verdict::kSame),
                                             Metric("c", Verdict::kSame)}};
  RenderComparisonOptions options;
  options.rows = 1;
  EXPECT_THAT(RenderComparison(comparison, ComparisonFormat::kText, options),
              AllOf(HasSubstr("slower    a"), Not(HasSubstr("same      b")),
                    HasSubstr("… and 2 more\n\n1 slower, 2 same\n")));
  options.rows = 3;
  EXPECT_THAT(RenderComparison(comparison, ComparisonFormat::kText, options),
              AllOf(HasSubstr("same      c"), Not(HasSubstr("more"))));
}

// GitHub refuses a comment that is too long: failures stay, the rest is
// counted.
TEST(RenderComparisonTest, MarkdownKeepsWithinItsBytes) {
  Comparison comparison;
  for (int i = 0; i < 3'000; ++i) {
    comparison.metrics.push_back(
        Metric(absl::StrCat("Same/", i), Verdict::kSame));
  }
  comparison.metrics.push_back(Metric("Slow", Verdict::kSlower));
  comparison.metrics.back().note = std::string(100'000, 'x');
  comparison.warnings.assign(100, std::string(10'000, 'w'));
  const std::string small =
      RenderComparison(comparison, ComparisonFormat::kMarkdown);
  EXPECT_LE(small.size(), 64'000u);
  EXPECT_GT(small.size(), 50'000u);
  EXPECT_THAT(small, HasSubstr("**slower** | Slow"));
  EXPECT_THAT(small, HasSubstr("Not shown for want of room: "));
  EXPECT_THAT(small, HasSubstr("and 80 more warnings"));
  EXPECT_THAT(small, HasSubstr("</details>"));
  RenderComparisonOptions large;
  large.markdown_bytes = 1'000'000;
  const std::string all =
      RenderComparison(comparison, ComparisonFormat::kMarkdown, large);
  EXPECT_THAT(all, Not(HasSubstr("Not shown")));
  EXPECT_THAT(all, HasSubstr("Same/2999"));
}

TEST(RenderComparisonTest, NumbersThatAreNoneAreLeftOut) {
  MetricComparison metric = Metric("a", Verdict::kUnsure);
  metric.effect = std::numeric_limits<double>::quiet_NaN();
  metric.head = std::numeric_limits<double>::infinity();
  const Comparison comparison = {.metrics = {metric}};
  const json parsed = json::parse(
      RenderComparison(comparison, ComparisonFormat::kJson), nullptr, false);
  ASSERT_FALSE(parsed.is_discarded());
  EXPECT_FALSE(parsed["metrics"][0].contains("effect"));
  EXPECT_FALSE(parsed["metrics"][0].contains("head"));
  EXPECT_EQ(parsed["metrics"][0]["base"], 100);
  EXPECT_EQ(json::parse(RenderComparison(comparison,
                                         ComparisonFormat::kSmallerIsBetter)),
            json::array());
  EXPECT_THAT(RenderComparison(comparison, ComparisonFormat::kCsv),
              Not(HasSubstr("nan")));
}

TEST(RenderComparisonTest, TextIsEscapedWhereItGoes) {
  MetricComparison metric = Metric("a\"b,<c>&\x01|\xff", Verdict::kError);
  metric.note = "first\nsecond, \"third\"";
  metric.metric = "tab\treturn\r";
  const Comparison comparison = {.base_name = "x<y", .metrics = {metric}};
  const std::string junit =
      RenderComparison(comparison, ComparisonFormat::kJunit);
  EXPECT_EQ(internal::JunitFault(junit), "");
  EXPECT_THAT(junit, HasSubstr("a&quot;b,&lt;c&gt;&amp;\ufffd|\ufffd"));
  EXPECT_THAT(junit, HasSubstr("tab&#9;return&#13;"));
  const std::string csv = RenderComparison(comparison, ComparisonFormat::kCsv);
  EXPECT_THAT(csv, HasSubstr("\"a\"\"b,<c>&"));
  EXPECT_THAT(csv, HasSubstr("\"first\nsecond, \"\"third\"\"\""));
  EXPECT_TRUE(
      json::accept(RenderComparison(comparison, ComparisonFormat::kJson)));
  const std::string markdown =
      RenderComparison(comparison, ComparisonFormat::kMarkdown);
  EXPECT_THAT(markdown, HasSubstr("&lt;c&gt;&amp; \\|"));
  EXPECT_THAT(markdown, HasSubstr("first second"));
}

// The checker has to find faults, or the tests above say nothing.
TEST(JunitFaultTest, FindsFaults) {
  for (const char* bad :
       {"", "<testsuites>", "<a></a>", "<testsuites></testsuite>",
        "<testsuites><testsuite></testsuite></testsuites>",
        "<testsuites><testsuite name=\"a\" tests=\"1\" failures=\"0\" "
        "errors=\"0\"></testsuite></testsuites>",
        "<testsuites><testsuite name=\"a<\" tests=\"0\" failures=\"0\" "
        "errors=\"0\"></testsuite></testsuites>",
        "<testsuites><testsuite name=\"a\" tests=\"0\" failures=\"0\" "
        "errors=\"0\">&nbsp;</testsuite></testsuites>",
        "<testsuites><testsuite name=\"a\" tests=\"1\" failures=\"0\" "
        "errors=\"0\"><testcase name=\"a\"/></testsuite></testsuites>"}) {
    EXPECT_NE(internal::JunitFault(bad), "") << bad;
  }
  EXPECT_EQ(internal::JunitFault(
                "<testsuites><testsuite name=\"a\" tests=\"1\" failures=\"0\" "
                "errors=\"0\"><testcase name=\"a\" classname=\"b\"/>"
                "</testsuite></testsuites>"),
            "");
}

}  // namespace
}  // namespace opsbench::results
