#include "opsbench/results/internal/pivot.h"

#include <cmath>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace opsbench::results::internal {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

BenchmarkRow Row(const std::string& name, double real_time) {
  BenchmarkRow row;
  row.name = row.run_name = name;
  row.real_time = real_time;
  return row;
}

TEST(SplitNameTest, TellsFamilyKeysAndSuffixes) {
  const NameParts parts = SplitName(
      "Sidetable/Mix/engine:sqlite/mix:D/workers:8/iterations:1/repeats:3/"
      "min_time:0.500/min_warmup_time:1.000/process_time/manual_time/"
      "threads:8");
  EXPECT_EQ(parts.family, "Sidetable/Mix");
  EXPECT_THAT(parts.keys,
              ElementsAre(Pair("engine", "sqlite"), Pair("mix", "D"),
                          Pair("workers", "8"), Pair("threads", "8")));
  EXPECT_EQ(parts.Value("mix"), "D");
  EXPECT_EQ(parts.Value("none"), "");
}

TEST(SplitNameTest, TakesNamesOfOtherProjects) {
  EXPECT_EQ(SplitName("BM_Plain").family, "BM_Plain");
  EXPECT_THAT(SplitName("BM_Plain").keys, IsEmpty());
  const NameParts arguments = SplitName("BM_Copy/8/-128/real_time");
  EXPECT_EQ(arguments.family, "BM_Copy");
  EXPECT_THAT(arguments.keys, ElementsAre(Pair("args", "8/-128")));
  const NameParts scoped =
      SplitName("std::sort/std::less/BM<a:b>/n:7/trailing:");
  EXPECT_EQ(scoped.family, "std::sort/std::less/BM<a:b>/trailing:");
  EXPECT_THAT(scoped.keys, ElementsAre(Pair("n", "7")));
  EXPECT_EQ(SplitName("real_time").family, "real_time");
  EXPECT_EQ(SplitName("").family, "");
}

TEST(SummarizeTest, TakesTheMedianOfTheRepetitions) {
  std::vector<BenchmarkRow> rows;
  for (const double time : {9.0, 1.0, 2.0, 4.0}) {
    rows.push_back(Row("a", time));
    rows.back().time_unit = "us";
    rows.back().counters["operations_per_second"] = 100 * time;
    rows.back().counters["p99_us"] = 10 * time;
    rows.back().counters["rows"] = 7;
  }
  rows.push_back(Row("a_mean", 1e6));
  rows.back().run_name = "a";
  rows.back().run_type = "aggregate";
  rows.back().aggregate_name = "mean";
  const auto measurements = Summarize(rows);
  ASSERT_EQ(measurements.size(), 1u);
  EXPECT_EQ(measurements[0].state, Measurement::State::kMeasured);
  EXPECT_EQ(measurements[0].real_time_ns, 3000);
  EXPECT_EQ(measurements[0].operations_per_second, 300);
  EXPECT_THAT(measurements[0].counters, ElementsAre(Pair("p99_us", 30)));
}

TEST(SummarizeTest, FallsBackOnAggregates) {
  std::vector<BenchmarkRow> rows;
  for (const char* aggregate : {"mean", "median", "stddev", "BigO"}) {
    rows.push_back(Row(std::string("a_") + aggregate, 10.0 * rows.size() + 10));
    rows.back().run_name = "a";
    rows.back().run_type = "aggregate";
    rows.back().aggregate_name = aggregate;
  }
  ASSERT_EQ(Summarize(rows).size(), 1u);
  EXPECT_EQ(Summarize(rows)[0].real_time_ns, 20);
  rows.erase(rows.begin() + 1);
  EXPECT_EQ(Summarize(rows)[0].real_time_ns, 10);
  rows.erase(rows.begin());
  EXPECT_THAT(Summarize(rows), IsEmpty());
}

// A benchmark of which one repetition failed has no time to be shown.
TEST(SummarizeTest, OneErrorSpoilsAllRepetitions) {
  std::vector<BenchmarkRow> rows = {Row("a", 5), Row("a", 5), Row("b", 5),
                                    Row("c", std::nan(""))};
  rows[1].error_occurred = true;
  rows[2].skipped = true;
  const auto measurements = Summarize(rows);
  ASSERT_EQ(measurements.size(), 3u);
  EXPECT_EQ(measurements[0].state, Measurement::State::kError);
  EXPECT_EQ(measurements[1].state, Measurement::State::kSkipped);
  EXPECT_EQ(measurements[2].state, Measurement::State::kError);
}

// Were their keys taken, one would hide the other in the grid.
TEST(SummarizeTest, NamesThatDifferInSuffixesOnlyStayApart) {
  const auto measurements = Summarize(std::vector<BenchmarkRow>{
      Row("a/n:1/iterations:5", 1), Row("a/n:1/iterations:6", 2),
      Row("a/n:1/n:2", 3)});
  ASSERT_EQ(measurements.size(), 3u);
  EXPECT_EQ(measurements[0].name.family, "a");
  EXPECT_EQ(measurements[1].name.family, "a/n:1/iterations:6");
  EXPECT_EQ(measurements[2].name.family, "a/n:1/n:2");
  EXPECT_THAT(measurements[1].name.keys, IsEmpty());
}

TEST(PivotTest, PutsEveryMeasurementIntoItsCell) {
  const auto measurements = Summarize(std::vector<BenchmarkRow>{
      Row("f/e:x/s:p/n:2", 1), Row("f/e:y/s:p/n:2", 2), Row("f/e:x/s:q/n:2", 3),
      Row("f/e:x/s:p/n:1/m:7", 4)});
  std::vector<const Measurement*> pointers;
  pointers.reserve(measurements.size());
  for (const Measurement& measurement : measurements) {
    pointers.push_back(&measurement);
  }
  const Grid grid = Pivot(pointers, std::vector<std::string>{"e", "s"});
  EXPECT_THAT(grid.row_keys, ElementsAre("n", "m"));
  EXPECT_THAT(grid.rows,
              ElementsAre(ElementsAre("2", ""), ElementsAre("1", "7")));
  EXPECT_THAT(grid.columns,
              ElementsAre(ElementsAre("x", "p"), ElementsAre("x", "q"),
                          ElementsAre("y", "p")));
  EXPECT_THAT(grid.cells,
              ElementsAre(ElementsAre(pointers[0], pointers[2], pointers[1]),
                          ElementsAre(pointers[3], nullptr, nullptr)));
}

}  // namespace
}  // namespace opsbench::results::internal
