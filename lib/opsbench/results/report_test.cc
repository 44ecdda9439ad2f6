#include "opsbench/results/report.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "opsbench/results/internal/headlines.h"
#include "opsbench/results/internal/report_figures.h"
#include "opsbench/results/internal/report_testing.h"

namespace opsbench::results {
namespace {

using internal::kEvil;
using internal::SampleReport;
using internal::SampleRow;
using nlohmann::json;
using ::testing::DoubleEq;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

std::vector<ReportFigure> Plan(const std::vector<BenchmarkRow>& rows) {
  return internal::PlanFigures(internal::CollectBenchmarks(rows));
}

std::vector<std::string> ChartNames(const ReportFigure& figure) {
  std::vector<std::string> names;
  for (const ReportChart& chart : figure.charts) names.push_back(chart.name);
  return names;
}

TEST(ReportFiguresTest, ALineForEachRivalOverEachNumber) {
  std::vector<BenchmarkRow> rows;
  for (const char* impl : {"opsbench", "tbb"}) {
    for (const auto& [items, threads] :
         {std::pair(100, 1), {10'000, 1}, {10'000, 2}, {10'000, 16}}) {
      rows.push_back(SampleRow(absl::StrCat("M/Get/impl:", impl, "/items:",
                                            items, "/threads:", threads),
                               0, items / threads + (*impl == 't' ? 1e6 : 0)));
    }
  }
  const std::vector<ReportFigure> figures = Plan(rows);
  ASSERT_THAT(figures, SizeIs(1));
  EXPECT_EQ(figures[0].title, "Get");
  ASSERT_THAT(ChartNames(figures[0]),
              ElementsAre("By threads (10,000 items)", "By items (1 thread)"));
  const ReportChart& threads = figures[0].charts[0];
  ASSERT_THAT(threads.series, SizeIs(2));
  EXPECT_EQ(threads.series[0].name, "opsbench");
  EXPECT_TRUE(threads.series[0].ours);
  EXPECT_FALSE(threads.series[1].ours);
  ASSERT_THAT(threads.series[0].points, SizeIs(3));
  EXPECT_EQ(threads.series[0].points[2].x, 16);
  ASSERT_THAT(threads.measures, SizeIs(2));
  EXPECT_EQ(threads.measures[1].metric, "real_time_ns");
  EXPECT_EQ(threads.series[0].points[2].y[1], 10'000 / 16);
  EXPECT_TRUE(threads.measures[1].log);  // 625 ns to 1 ms.
  EXPECT_TRUE(threads.x_log);
  ASSERT_THAT(figures[0].charts[1].series[0].points, SizeIs(2));
  EXPECT_EQ(figures[0].charts[1].series[0].points[0].x, 100);
}

TEST(ReportFiguresTest, PercentilesInOrderAndBytes) {
  const auto run = internal::SampleRun(1);
  const std::vector<ReportFigure> figures = Plan(run.areas.at("memtable").rows);
  ASSERT_THAT(figures, SizeIs(2));
  EXPECT_THAT(ChartNames(figures[1]),
              ElementsAre("Latency percentiles of put", "By threads", "Bytes"));
  const ReportChart& latency = figures[1].charts[0];
  EXPECT_THAT(latency.categories, ElementsAre("p50", "p99", "p99.9", "max"));
  ASSERT_THAT(latency.series, SizeIs(2));
  EXPECT_EQ(latency.series[1].name, "8 threads");
  EXPECT_EQ(latency.series[1].points[2].y[0], 640'000);
}

// A figure for each engine; keys without numbers become rows of dots.
TEST(ReportFiguresTest, EnginesApartAndCategoriesAsDots) {
  std::vector<BenchmarkRow> rows;
  for (const char* engine : {"sqlite", "mysql"}) {
    for (const char* mix : {"A", "B"}) {
      for (const char* strategy : {"side_table", "like_scan"}) {
        rows.push_back(SampleRow(
            absl::StrCat("S/Mix/engine:", engine, "/strategy:", strategy,
                         "/mix:", mix, "/manual_time"),
            0, 100));
      }
    }
  }
  const std::vector<ReportFigure> figures = Plan(rows);
  ASSERT_THAT(figures, SizeIs(2));
  EXPECT_EQ(figures[1].title, "Mix, mysql");
  const ReportChart& chart = figures[0].charts.at(0);
  EXPECT_EQ(chart.kind, ReportChart::Kind::kDots);
  EXPECT_THAT(chart.categories, ElementsAre("mix A", "mix B"));
  EXPECT_TRUE(chart.series[0].ours);
}

// Every measured benchmark of any project is in some figure or left to the
// table, and nothing fails.
TEST(ReportFiguresTest, ForeignNames) {
  std::vector<BenchmarkRow> rows;
  for (const char* name : {"BM_Sort/8", "BM_Sort/64", "plain", "a//b", "/",
                           "std::sort", "x/y:z/1/2"}) {
    rows.push_back(SampleRow(name, 0, 10));
  }
  const std::vector<ReportFigure> figures = Plan(rows);
  EXPECT_THAT(figures, Not(IsEmpty()));
  EXPECT_THAT(Plan({}), IsEmpty());
}

TEST(HeadlinesTest, TheFastestRivalIsWhatCounts) {
  const auto headlines =
      internal::Headlines(internal::SampleRun(1).areas.at("memtable").rows);
  ASSERT_THAT(headlines, SizeIs(1));
  EXPECT_EQ(headlines[0].label, "Get, 8 threads");
  // Medians: (262.5 + 2) / (12.5 + 2).
  EXPECT_EQ(headlines[0].value, "18 ×");
  EXPECT_THAT(headlines[0].detail, HasSubstr("tbb, the fastest of 2"));
  EXPECT_FALSE(headlines[0].behind);
}

// Good or bad, a check of the run's effects is shown.
TEST(ReportTest, ShowsWhatChecksFound) {
  ReportData data = SampleReport();
  EXPECT_TRUE(json::parse(RenderReportJson(data))["checks"].empty());
  data.checks = {{.text = "Oracle: ok: 3 writes", .ok = true},
                 {.text = "Oracle: FAILED: 2 <lost>", .ok = false}};
  const json checks = json::parse(RenderReportJson(data))["checks"];
  ASSERT_EQ(checks.size(), 2u);
  EXPECT_EQ(checks[0]["ok"], true);
  EXPECT_EQ(checks[1]["ok"], false);
  EXPECT_EQ(checks[1]["text"], "Oracle: FAILED: 2 <lost>");
}

TEST(ReportTest, JsonHoldsTheFigures) {
  const json data = json::parse(RenderReportJson(SampleReport()));
  EXPECT_EQ(data["run"]["name"], "20260131T120000Z-0123456789");
  EXPECT_EQ(data["failures"].size(), 1u);
  const json& first = data["areas"][0]["benchmarks"][0];
  const auto time = first["metrics"]["real_time_ns"].get<std::vector<double>>();
  EXPECT_THAT(time,
              ElementsAre(DoubleEq(122.4), DoubleEq(120), DoubleEq(124.8)));
  EXPECT_EQ(first["samples"], 5);
  EXPECT_EQ(data["distributions"].size(), 9u);
  EXPECT_EQ(data["distributions"][0]["base"].size(), 5u);
  EXPECT_EQ(data["comparison"]["rows"][0]["verdict"], "slower");
  ASSERT_EQ(data["history"]["series"].size(), 1u);
  EXPECT_EQ(data["history"]["series"][0]["changes"][0]["at"], 12);
  EXPECT_EQ(data["history"]["bad_lines"][0]["line"], 7);
  EXPECT_THAT(data["commands"][1].get<std::string>(),
              HasSubstr("--area memtable --scale quick"));
}

TEST(ReportTest, TheCommandRepeatsHowItWasMeasured) {
  ReportData sample = SampleReport();
  sample.run.info.filter = "Get|it's";
  sample.run.info.repetitions = 5;
  EXPECT_THAT(RenderReportJson(sample),
              HasSubstr(R"(--filter 'Get|it'\\''s' --repetitions 5")"));
  sample.run.info.rows = 1000;
  EXPECT_THAT(RenderReportJson(sample),
              HasSubstr("tools/opsbench matrix --area memtable"));
  EXPECT_THAT(RenderReportJson(sample),
              HasSubstr("--rows 1000 --iterations 5"));
}

TEST(ReportTest, NothingBreaksOutOfTheData) {
  const std::string html = RenderHtmlReport(SampleReport());
  EXPECT_THAT(html, Not(HasSubstr(kEvil)));
  EXPECT_THAT(html, Not(HasSubstr("<script>document.title")));
  // The data, up to the first end of an element, is the whole.
  const size_t begin = html.find("id=\"report-data\">") + 17;
  const std::string data = html.substr(begin, html.find('<', begin) - begin);
  EXPECT_EQ(json::parse(data), json::parse(RenderReportJson(SampleReport())));
  EXPECT_THAT(html, Not(HasSubstr("{{")));
}

TEST(ReportTest, RefersToNothingOutside) {
  const std::string html = RenderHtmlReport(SampleReport());
  for (const char* attribute : {" src=", "<link", "@import", "url("}) {
    EXPECT_THAT(html, Not(HasSubstr(attribute)));
  }
}

TEST(ReportTest, AnEmptyRunIsARunToo) {
  ReportData data;
  data.run.failed_areas["memtable"] = absl::NotFoundError("gone");
  const json parsed = json::parse(RenderReportJson(data));
  EXPECT_THAT(parsed["areas"], IsEmpty());
  EXPECT_EQ(parsed["failures"].size(), 2u);  // Not ended, and no results.
  EXPECT_THAT(RenderHtmlReport(data), HasSubstr("</html>"));
}

}  // namespace
}  // namespace opsbench::results
