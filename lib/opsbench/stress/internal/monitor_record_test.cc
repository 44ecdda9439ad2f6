// Readings that are made up, at times that are made up: what a record makes of
// them can be said beforehand.

#include "opsbench/stress/internal/monitor_record.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/stress/internal/monitor_sources.h"

namespace opsbench::stress::internal {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr double kMib = 1 << 20;

MonitorOptions Options() {
  MonitorOptions options;
  options.thresholds.max_memory_mb = 100;
  options.thresholds.max_cpu_percent = 90;
  options.thresholds.max_overall_load = 1;
  options.thresholds.max_disk_mb = 50;
  options.thresholds.release_at = 0.9;
  return options;
}

TEST(MonitorRecordTest, RaisesAboveTheThresholdAndReleasesWellBelowIt) {
  MonitorRecord record(Options());
  // Memory in MiB, and whether the flag is up afterwards.
  const std::pair<double, bool> steps[] = {
      {100, false}, {100.5, true}, {99, true}, {90.5, true},
      {90, false},  {99, false},   {101, true}};
  double seconds = 1;
  for (const auto& [mib, raised] : steps) {
    record.Add(seconds++, {{"server_resident_bytes", mib * kMib}});
    EXPECT_EQ(record.backpressure(), raised) << mib;
    EXPECT_FALSE(record.over_disk_budget());
  }
  const MonitorReport report = record.Finish(10);
  EXPECT_FALSE(record.backpressure());
  EXPECT_EQ(report.backpressure.times, 2);
  EXPECT_EQ(report.backpressure.first_seconds, 2);
  EXPECT_EQ(report.backpressure.last_seconds, 7);
  EXPECT_EQ(report.backpressure.total_seconds, (5 - 2) + (10 - 7));
  EXPECT_EQ(report.over_disk_budget.times, 0);
  ASSERT_EQ(report.events.size(), 4);
  EXPECT_EQ(report.events[0].source, "backpressure");
  EXPECT_EQ(report.events[0].text,
            "on: server_resident_bytes 100.5 MiB above 100.0 MiB");
  EXPECT_EQ(report.events[1].text, "off after 3.000 s");
  EXPECT_EQ(report.events[3].seconds, 10);
}

TEST(MonitorRecordTest, OneOfSeveralReasonsIsEnough) {
  MonitorRecord record(Options());
  record.Add(1, {{"server_cpu_pct", 91}});
  EXPECT_TRUE(record.backpressure());
  record.Add(2, {{"server_cpu_pct", 10}, {"hyperd_overall_load", 1.1}});
  EXPECT_TRUE(record.backpressure());
  record.Add(3, {{"server_cpu_pct", 10}, {"hyperd_overall_load", 0.5}});
  EXPECT_FALSE(record.backpressure());
  record.Add(4, {{"disk_bytes", 51 * kMib}});
  EXPECT_FALSE(record.backpressure());
  EXPECT_TRUE(record.over_disk_budget());
  EXPECT_EQ(record.Finish(5).over_disk_budget.total_seconds, 1);
}

// A server that has crashed uses nothing: users must go on, to notice it.
TEST(MonitorRecordTest, AnAbsentFigureLowersTheFlag) {
  MonitorRecord record(Options());
  record.Add(1, {{"server_resident_bytes", 200 * kMib}});
  EXPECT_TRUE(record.backpressure());
  record.Add(2, {});
  EXPECT_FALSE(record.backpressure());
}

TEST(MonitorRecordTest, HyperdsOwnFigureComesBeforeTheServers) {
  MonitorRecord record(Options());
  record.Add(1, {{"hyperd_memory_bytes", 10 * kMib},
                 {"server_resident_bytes", 200 * kMib}});
  EXPECT_FALSE(record.backpressure());
}

TEST(MonitorRecordTest, OurProcessCountsOnlyWhenTheEngineIsInIt) {
  const Reading reading = {{"client_resident_bytes", 200 * kMib},
                           {"client_cpu_pct", 99}};
  MonitorOptions options = Options();
  MonitorRecord outside(options);
  outside.Add(1, reading);
  EXPECT_FALSE(outside.backpressure());
  options.engine_in_process = true;
  MonitorRecord inside(options);
  inside.Add(1, reading);
  EXPECT_TRUE(inside.backpressure());
}

TEST(MonitorRecordTest, WithoutThresholdsNothingIsRaised) {
  MonitorRecord record({});
  record.Add(1, {{"server_resident_bytes", 1e15}, {"disk_bytes", 1e15}});
  EXPECT_FALSE(record.backpressure());
  EXPECT_FALSE(record.over_disk_budget());
}

TEST(MonitorRecordTest, TheSeriesStaysBoundedAndEvenlySpacedAndPeaksExact) {
  for (const size_t max_points : {size_t{2}, size_t{7}, size_t{8}}) {
    for (int count = 1; count <= 200; ++count) {
      SCOPED_TRACE(absl::StrCat(max_points, " points, ", count, " readings"));
      MonitorOptions options;
      options.max_points = max_points;
      MonitorRecord record(options);
      for (int i = 0; i < count; ++i) {
        record.Add(i, {{"a", i == count / 2 ? 1'000 : i}});
      }
      const MonitorReport report = record.Finish(count);
      EXPECT_EQ(report.readings, count);
      EXPECT_EQ(report.peaks.at("a"), 1'000);
      ASSERT_GE(report.points.size(), 1);
      ASSERT_LE(report.points.size(), max_points);
      const double step =
          report.points.size() == 1 ? 1 : report.points[1].seconds;
      for (size_t i = 0; i < report.points.size(); ++i) {
        ASSERT_EQ(report.points[i].seconds, static_cast<double>(i) * step);
      }
      // The last point is at most a step from the end, and no more were thrown
      // away than had to be.
      EXPECT_GT(report.points.back().seconds + step, count - 1);
      if (static_cast<size_t>(count) > max_points) {
        EXPECT_GE(report.points.size(), (max_points + 1) / 2);
      }
    }
  }
}

TEST(MonitorRecordTest, AMetricThatComesLateOrGoesIsAbsentElsewhere) {
  MonitorRecord record({});
  record.Add(1, {{"b", 1}});
  record.Add(2, {{"a", 2}, {"b", 3}});
  record.Add(3, {{"a", 4}});
  const MonitorReport report = record.Finish(4);
  EXPECT_THAT(report.metrics, ElementsAre("a", "b"));
  ASSERT_EQ(report.points.size(), 3);
  EXPECT_TRUE(std::isnan(report.points[0].values[0]));
  EXPECT_EQ(report.points[0].values[1], 1);
  EXPECT_THAT(report.points[1].values, ElementsAre(2, 3));
  EXPECT_EQ(report.points[2].values[0], 4);
  EXPECT_TRUE(std::isnan(report.points[2].values[1]));
}

TEST(MonitorRecordTest, EventsAreBoundedAndTheRestIsCounted) {
  MonitorRecord record({});
  for (int i = 0; i < 1'500; ++i) record.AddEvent(i, "engine", "lost");
  const MonitorReport report = record.Finish(1'500);
  EXPECT_EQ(report.events.size(), 1'000);
  EXPECT_EQ(report.dropped_events, 500);
}

TEST(MonitorSourcesTest, PressureIsReadAsTheKernelWritesIt) {
  Reading reading;
  ParsePressure("io",
                "some avg10=0.50 avg60=0.01 avg300=0.25 total=4182566\n"
                "full avg10=12.00 avg60=0.00 avg300=0.19 total=3193938\n",
                &reading);
  EXPECT_EQ(reading, (Reading{{"psi_io_some_pct", 0.5},
                              {"psi_io_some_total_us", 4182566},
                              {"psi_io_full_pct", 12},
                              {"psi_io_full_total_us", 3193938}}));
  reading.clear();
  ParsePressure("cpu", "", &reading);
  EXPECT_TRUE(reading.empty());
}

TEST(MonitorSourcesTest, AProcessorsShareNeedsTwoLooksAtOneProcess) {
  CpuShare share;
  Reading reading;
  constexpr int64_t kSecond = 1'000'000'000;
  const double cores = static_cast<double>(sysconf(_SC_NPROCESSORS_ONLN));
  share.Add(kSecond, 7 * kSecond, "cpu_pct", &reading);
  EXPECT_TRUE(reading.empty());
  share.Add(2 * kSecond, 7 * kSecond, "cpu_pct", &reading);
  EXPECT_EQ(reading.at("cpu_pct"), 0);
  share.Add(4 * kSecond, 8 * kSecond, "cpu_pct", &reading);
  EXPECT_DOUBLE_EQ(reading.at("cpu_pct"), 50 / cores);
  reading.clear();
  // Too soon: a tick more or less would be half of it.
  share.Add(4 * kSecond + kSecond / 20, 8 * kSecond + kSecond / 10, "cpu_pct",
            &reading);
  EXPECT_TRUE(reading.empty());
  share.Add(5 * kSecond, 9 * kSecond, "cpu_pct", &reading);
  EXPECT_DOUBLE_EQ(reading.at("cpu_pct"), 100 / cores);
  reading.clear();
  // Another process, which has used less so far.
  share.Add(6 * kSecond, 5, "cpu_pct", &reading);
  EXPECT_TRUE(reading.empty());
  share.Add(7 * kSecond, kSecond + 5, "cpu_pct", &reading);
  EXPECT_DOUBLE_EQ(reading.at("cpu_pct"), 100 / cores);
  reading.clear();
  share.Forget();
  share.Add(8 * kSecond, 2 * kSecond, "cpu_pct", &reading);
  EXPECT_TRUE(reading.empty());
}

}  // namespace
}  // namespace opsbench::stress::internal
