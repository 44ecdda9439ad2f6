#include "opsbench/results/internal/recall_figures.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace opsbench::results::internal {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

ReportBenchmark Query(const std::string& backend, int ef, int clients,
                      double recall, double qps, double p99_ms = 1) {
  BenchmarkRow row;
  row.name = row.run_name =
      absl::StrCat("VectorQuery/backend:", backend, "/dataset:d/ef:", ef,
                   "/clients:", clients);
  row.real_time = row.cpu_time = 1;
  row.counters = {{"recall", recall}, {"qps", qps}, {"query_p99_ms", p99_ms}};
  return CollectBenchmarks({row})[0];
}

std::vector<double> Xs(const ReportSeries& series) {
  std::vector<double> xs;
  for (const auto& point : series.points) xs.push_back(point.x);
  return xs;
}

TEST(RecallFiguresTest, TheFrontIsWhatNoOtherBeatsInBoth) {
  const auto figures = RecallFigures(
      {Query("hnswlib", 10, 1, 0.8, 1000), Query("hnswlib", 20, 1, 0.9, 700),
       Query("hnswlib", 20, 2, 0.9, 900), Query("hnswlib", 30, 1, 0.95, 300),
       Query("hnswlib", 15, 1, 0.85, 850)});
  ASSERT_THAT(figures, SizeIs(1));
  EXPECT_EQ(figures[0].subtitle, "hnswlib, d");
  const ReportChart& chart = figures[0].charts[0];
  EXPECT_EQ(chart.x_metric, "recall");
  ASSERT_THAT(chart.series, SizeIs(2));
  EXPECT_EQ(chart.series[0].name, "Pareto front");
  EXPECT_TRUE(chart.series[0].joined);
  EXPECT_THAT(Xs(chart.series[0]), ElementsAre(0.8, 0.9, 0.95));
  EXPECT_EQ(chart.series[0].points[1].y[0], 900);
  EXPECT_EQ(chart.series[0].points[1].label, "ef 20, clients 2");
  EXPECT_FALSE(chart.series[1].joined);
  EXPECT_THAT(Xs(chart.series[1]), ElementsAre(0.85, 0.9));
}

TEST(RecallFiguresTest, ALineForEachBackend) {
  const auto figures = RecallFigures({Query("hnswlib", 10, 1, 0.8, 1000),
                                      Query("hnswlib", 20, 1, 0.9, 700),
                                      Query("faiss_ivf", 10, 1, 0.7, 500),
                                      Query("faiss_ivf", 20, 1, 0.8, 90)});
  ASSERT_THAT(figures, SizeIs(1));
  ASSERT_THAT(figures[0].charts[0].series, SizeIs(2));
  EXPECT_EQ(figures[0].charts[0].series[0].name, "hnswlib");
  EXPECT_EQ(figures[0].charts[0].series[1].name, "faiss_ivf");
  EXPECT_THAT(figures[0].charts, SizeIs(1));  // Nobody varied the clients.
}

TEST(RecallFiguresTest, LatencyOverThroughputAsClientsGrow) {
  const auto figures = RecallFigures(
      {Query("a", 10, 1, 0.8, 1000, 1), Query("a", 10, 4, 0.8, 1900, 9),
       Query("a", 10, 2, 0.8, 1800, 2), Query("a", 20, 1, 0.9, 500, 3)});
  ASSERT_THAT(figures, SizeIs(1));
  ASSERT_THAT(figures[0].charts, SizeIs(2));
  const ReportChart& chart = figures[0].charts[1];
  ASSERT_THAT(chart.series, SizeIs(1));
  EXPECT_EQ(chart.series[0].name, "ef 10");
  EXPECT_THAT(Xs(chart.series[0]), ElementsAre(1000, 1800, 1900));
  EXPECT_EQ(chart.series[0].points[2].y[0], 9);
}

TEST(RecallFiguresTest, NoneWithoutWhatToShow) {
  EXPECT_THAT(RecallFigures({}), IsEmpty());
  EXPECT_THAT(RecallFigures({Query("a", 1, 1, 1, 5), Query("a", 2, 1, 1, 6),
                             Query("a", 3, 1, 1, 7)}),
              IsEmpty());
  EXPECT_THAT(RecallFigures({Query("a", 1, 1, 1, 5), Query("a", 2, 1, 0.9, 6)}),
              IsEmpty());
}

}  // namespace
}  // namespace opsbench::results::internal
