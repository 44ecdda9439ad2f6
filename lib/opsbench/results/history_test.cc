#include "opsbench/results/history.h"

#include <chrono>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "opsbench/results/render_history.h"

namespace opsbench::results {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

struct Line {
  int run = 0;
  std::string name = "A/x/items:1000";
  double time_ns = 100;
  std::string scale = "quick";
  std::string area = "memtable";
  std::string aggregate;
};

// Commits change every other run.
std::string Json(const Line& line) {
  json object = {
      {"timestamp", absl::StrCat("2026-01-", 10 + line.run, "T12:00:00Z")},
      {"git_sha", absl::StrCat("abc", line.run / 2, "0123456789")},
      {"git_branch", "main"},
      {"run", absl::StrCat("run-", line.run)},
      {"scale", line.scale},
      {"area", line.area},
      {"name", line.name},
      {"real_time_ns", line.time_ns},
      {"cpu_time_ns", 1.0},
      {"counters",
       {{"rows_per_second", 1e9 / line.time_ns}, {"odd", line.run}}}};
  if (!line.aggregate.empty()) object["aggregate"] = line.aggregate;
  return object.dump() + "\n";
}

HistoryView Select(const std::string& text, const HistoryQuery& query = {}) {
  const auto view = SelectHistory(ParseHistory(text), query);
  EXPECT_TRUE(view.ok()) << view.status();
  return view.value_or(HistoryView());
}

std::vector<double> Times(const HistorySeries& series) {
  std::vector<double> times;
  for (const HistoryPoint& point : series.points) {
    times.push_back(point.values.at("real_time_ns"));
  }
  return times;
}

TEST(HistoryTest, RepetitionsAreOnePointAndRunsComeAsTheyEnded) {
  // By a clock that was put back before the second.
  const HistoryView view =
      Select(Json({.run = 1, .time_ns = 30}) + Json({.run = 0, .time_ns = 10}) +
             Json({.run = 0, .time_ns = 50}) + Json({.run = 0, .time_ns = 20}) +
             Json({.run = 0,
                   .name = "A/x/items:1000_median",
                   .time_ns = 999,
                   .aggregate = "median"}));
  ASSERT_THAT(view.series, SizeIs(1));
  EXPECT_EQ(view.series[0].benchmark, "A/x/items:1000");
  EXPECT_THAT(Times(view.series[0]), ElementsAre(30, 20));
  EXPECT_EQ(view.series[0].points[1].samples, 3);
  EXPECT_EQ(view.series[0].points[1].values.at("rows_per_second"), 5e7);
  ASSERT_THAT(view.runs, SizeIs(2));
  EXPECT_EQ(view.runs[0].run, "run-1");
}

TEST(HistoryTest, AggregatesCountWhereThereAreNoRepetitions) {
  const auto aggregate = [](const char* kind, double time_ns) {
    return Json({.name = absl::StrCat("A/x_", kind),
                 .time_ns = time_ns,
                 .aggregate = kind});
  };
  const HistoryView view = Select(
      aggregate("mean", 3) + aggregate("median", 2) + aggregate("stddev", 1));
  ASSERT_THAT(view.series, SizeIs(1));
  EXPECT_EQ(view.series[0].benchmark, "A/x");
  EXPECT_THAT(Times(view.series[0]), ElementsAre(2));
}

// Lines of older versions lack it.
TEST(HistoryTest, LinesWithoutAScaleJoinTheOnlyOne) {
  const std::string old = Json({.run = 0, .time_ns = 10, .scale = ""});
  const HistoryView one =
      Select(Json({.run = 0, .name = "B", .scale = ""}) + old +
             Json({.run = 1, .name = "B"}) + Json({.run = 1, .time_ns = 20}) +
             Json({.run = 2, .time_ns = 30}));
  ASSERT_THAT(one.series, SizeIs(2));
  EXPECT_EQ(one.series[0].benchmark, "B");
  EXPECT_THAT(one.series[0].points, SizeIs(2));
  EXPECT_EQ(one.series[1].scale, "quick");
  EXPECT_THAT(Times(one.series[1]), ElementsAre(10, 20, 30));
  // Of two scales nobody knows which.
  const HistoryView two =
      Select(old + Json({.run = 1}) + Json({.run = 2, .scale = "smoke"}));
  EXPECT_THAT(two.series, SizeIs(3));
  EXPECT_THAT(Select(old).series, SizeIs(1));
}

// A smoke run measures other sizes under the same names.
TEST(HistoryTest, ScalesAreSeriesOfTheirOwn) {
  const HistoryView view =
      Select(Json({.run = 0}) + Json({.run = 1, .scale = "smoke"}));
  EXPECT_THAT(view.series, SizeIs(2));
}

TEST(HistoryTest, BadLinesAreNamedAndTheOthersKept) {
  const std::string good = Json({});
  const History history = ParseHistory(
      absl::StrCat(good, good.substr(0, 40), "\n\n", "[1]\n", "{\"name\":1}\n",
                   "{\"timestamp\":\"t\",\"git_sha\":\"s\",\"run\":\"r\",",
                   "\"area\":\"a\",\"name\":\"n\"}\n", good));
  EXPECT_THAT(history.entries, SizeIs(2));
  std::vector<int64_t> lines;
  for (const BadHistoryLine& bad : history.bad_lines) {
    lines.push_back(bad.line);
    EXPECT_THAT(bad.problem, Not(IsEmpty()));
  }
  EXPECT_THAT(lines, ElementsAre(2, 4, 5, 6));
  RenderHistoryOptions options;
  options.bad_lines = history.bad_lines;
  const auto view = SelectHistory(history);
  ASSERT_TRUE(view.ok());
  EXPECT_THAT(RenderHistoryText(*view, options), HasSubstr("line 2 of"));
  EXPECT_EQ(json::parse(RenderHistoryJson(*view, options))["bad_lines"].size(),
            4u);
}

TEST(HistoryTest, QueriesNarrow) {
  std::string text;
  for (int run = 0; run < 6; ++run) {
    text += Json({.run = run, .time_ns = 100.0 + run});
    text += Json({.run = run, .name = "A/y/rows:10"});
    text += Json({.run = run, .name = "S/z", .area = "sidetable"});
  }
  EXPECT_THAT(Select(text).series, SizeIs(3));
  EXPECT_THAT(Select(text, {.area = "memtable"}).series, SizeIs(2));
  EXPECT_EQ(Select(text, {.filter = "^S/|y"}).series.size(), 2u);
  EXPECT_EQ(Select(text, {.rows = 10}).series[0].benchmark, "A/y/rows:10");
  EXPECT_THAT(Times(Select(text, {.filter = "x", .last = 2}).series[0]),
              ElementsAre(104, 105));
  // Two commits, of two runs each.
  const HistoryView commits =
      Select(text, {.filter = "x", .shas = {"abc0", "abc2"}});
  EXPECT_THAT(Times(commits.series[0]), ElementsAre(100.5, 104.5));
  EXPECT_EQ(commits.series[0].points[0].samples, 2);
  EXPECT_EQ(SelectHistory(ParseHistory(text), {.filter = "("}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(
      SelectHistory(ParseHistory(text), {.filter = "none"}).status().code(),
      absl::StatusCode::kNotFound);
}

std::string Regression() {
  std::string text;
  for (int run = 0; run < 20; ++run) {
    const double noise = 1 + 0.01 * (run * 7 % 5);
    text += Json({.run = run, .time_ns = (run < 12 ? 100 : 150) * noise});
  }
  return text;
}

TEST(HistoryTest, ChangePointsAreMarkedWithTheirDirection) {
  const HistoryView view = Select(Regression());
  ASSERT_THAT(view.series[0].changes, SizeIs(2));
  for (const HistoryChange& change : view.series[0].changes) {
    EXPECT_EQ(change.point, 12u) << change.metric;
    EXPECT_TRUE(change.worse) << change.metric;  // More time, fewer rows.
  }
  // Those of the whole, though five values show no change.
  const HistoryView last = Select(Regression(), {.last = 9});
  ASSERT_THAT(last.series[0].changes, SizeIs(2));
  EXPECT_EQ(last.series[0].changes[0].point, 1u);
}

TEST(HistoryTest, TextShowsValuesChangesAndMarks) {
  const std::string text =
      RenderHistoryText(Select(Regression()), {.columns = 60});
  EXPECT_THAT(text, HasSubstr("Hunter"));
  EXPECT_THAT(text, HasSubstr("A/x/items:1000"));
  EXPECT_THAT(text, HasSubstr("WORSE"));
  // Of run 12, after run 11: 150 * 1.04 against 100 * 1.02.
  EXPECT_THAT(text, HasSubstr("156 ns  +52.9%  WORSE"));
  EXPECT_THAT(text, HasSubstr("rows_per_second, odd: --metric"));
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!absl::StrContains(line, "2026-")) continue;
    EXPECT_LE(line.size(), 60u) << line;
  }
  const std::string one =
      RenderHistoryText(Select(Regression()), {.metric = "rows_per_second"});
  EXPECT_THAT(one, Not(HasSubstr("real_time")));
}

TEST(HistoryTest, JsonAndCsvHoldTheSameValues) {
  const HistoryView view = Select(Regression());
  const json parsed = json::parse(RenderHistoryJson(view));
  const json& points = parsed["benchmarks"][0]["points"];
  ASSERT_EQ(points.size(), 20u);
  EXPECT_EQ(points[12]["values"]["real_time_ns"].get<double>(),
            view.series[0].points[12].values.at("real_time_ns"));
  EXPECT_EQ(parsed["benchmarks"][0]["changes"][0]["verdict"], "worse");
  const std::string csv = RenderHistoryCsv(view, {.metric = "real_time_ns"});
  const std::vector<std::string> lines =
      absl::StrSplit(csv, '\n', absl::SkipEmpty());
  ASSERT_THAT(lines, SizeIs(21));
  EXPECT_THAT(lines[13], ::testing::EndsWith(",worse"));
  EXPECT_THAT(lines[13], HasSubstr("real_time_ns,156,1,0.529412"));
}

// A thousand runs of fifty benchmarks with three metrics each.
TEST(HistoryTest, LongHistoriesAreQuick) {
  std::string text;
  for (int run = 0; run < 1000; ++run) {
    for (int i = 0; i < 50; ++i) {
      text += Json({.run = run,
                    .name = absl::StrCat("A/", i),
                    .time_ns = 100.0 + run * 37 % 11});
    }
  }
  const auto begin = std::chrono::steady_clock::now();
  const HistoryView view = Select(text);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60));
  EXPECT_THAT(view.series, SizeIs(50));
}

}  // namespace
}  // namespace opsbench::results
