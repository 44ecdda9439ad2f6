#include "opsbench/stress/timeline.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <utility>

#include "absl/time/time.h"

namespace opsbench::stress {
namespace {

using results::ReportChart;
using results::ReportFigure;
using results::ReportSeries;

std::vector<ReportChart::Mark> MarksOf(const StressReport& report) {
  std::vector<ReportChart::Mark> marks;
  for (const FaultEvent& fault : report.faults) {
    if (!fault.status.ok()) continue;
    marks.push_back({.label = std::string(FaultKindName(fault.kind)),
                     .from = fault.begin_seconds,
                     .to = fault.end_seconds});
  }
  return marks;
}

ReportChart TimeChart(std::string name, ReportChart::Measure measure,
                      const StressReport& report) {
  ReportChart chart;
  chart.name = std::move(name);
  chart.x_label = "second";
  chart.measures = {std::move(measure)};
  chart.marks = MarksOf(report);
  return chart;
}

// A value of each whole second of the load: the rates of a part of one would
// look like a fall.
ReportSeries SecondsSeries(
    std::string name, const StressReport& report,
    const std::function<double(const LoadSecond&)>& value) {
  ReportSeries series = {.name = std::move(name)};
  const auto whole =
      static_cast<size_t>(absl::ToInt64Seconds(report.load.elapsed));
  const size_t count =
      std::min(std::max<size_t>(whole, 1), report.load.seconds.size());
  for (size_t i = 0; i < count; ++i) {
    series.points.push_back({.x = static_cast<double>(i + 1),
                             .y = {value(report.load.seconds[i])}});
  }
  return series;
}

// A metric of the monitor, or nothing when it never had one.
void AddReadings(std::string name, absl::string_view metric, double scale,
                 const StressReport& report, ReportChart* chart) {
  const std::vector<std::string>& metrics = report.monitor.metrics;
  const auto found = std::find(metrics.begin(), metrics.end(), metric);
  if (found == metrics.end()) return;
  const size_t at = static_cast<size_t>(found - metrics.begin());
  ReportSeries series = {.name = std::move(name)};
  for (const MonitorPoint& point : report.monitor.points) {
    series.points.push_back(
        {.x = point.seconds, .y = {point.values[at] * scale}});
  }
  chart->series.push_back(std::move(series));
}

ReportFigure Throughput(const StressReport& report) {
  ReportChart operations = TimeChart(
      "Operations", {.label = "Operations", .metric = "operations_per_second"},
      report);
  operations.series.push_back(
      SecondsSeries("operations", report, [](const LoadSecond& second) {
        return static_cast<double>(second.operations);
      }));
  ReportChart rows =
      TimeChart("Rows", {.label = "Rows", .metric = "rows_per_second"}, report);
  rows.series.push_back(
      SecondsSeries("rows", report, [](const LoadSecond& second) {
        return static_cast<double>(second.rows);
      }));
  ReportChart errors = TimeChart(
      "Errors", {.label = "Errors", .metric = "errors_per_second"}, report);
  errors.series.push_back(
      SecondsSeries("errors", report, [](const LoadSecond& second) {
        return static_cast<double>(second.errors);
      }));
  return {
      .title = "Throughput over time",
      .charts = {std::move(operations), std::move(rows), std::move(errors)}};
}

ReportFigure Latency(const StressReport& report) {
  ReportChart chart = TimeChart(
      "Latency from schedule",
      {.label = "Latency", .metric = "latency_ms", .log = true}, report);
  const auto add = [&](const char* name, int64_t LoadSecond::*field) {
    chart.series.push_back(
        SecondsSeries(name, report, [field](const LoadSecond& second) {
          // Without any operation there is no latency, on a logarithmic axis
          // least of all.
          return second.*field > 0 ? static_cast<double>(second.*field) / 1e6
                                   : std::nan("");
        }));
  };
  add("p50", &LoadSecond::p50_ns);
  add("p99", &LoadSecond::p99_ns);
  add("max", &LoadSecond::max_ns);
  return {.title = "Latency over time", .charts = {std::move(chart)}};
}

ReportFigure Resources(const StressReport& report) {
  constexpr double kMib = 1.0 / (1 << 20);
  ReportChart memory = TimeChart(
      "Memory", {.label = "Memory", .metric = "resident_mib"}, report);
  AddReadings("server", "server_resident_bytes", kMib, report, &memory);
  AddReadings("opsbench", "client_resident_bytes", kMib, report, &memory);
  ReportChart cpu = TimeChart(
      "Processor", {.label = "Processor", .metric = "cpu_pct"}, report);
  AddReadings("server", "server_cpu_pct", 1, report, &cpu);
  AddReadings("opsbench", "client_cpu_pct", 1, report, &cpu);
  ReportChart disk =
      TimeChart("Disk", {.label = "Disk", .metric = "disk_mib"}, report);
  AddReadings("data", "disk_bytes", kMib, report, &disk);
  ReportFigure figure = {.title = "Resources over time"};
  for (ReportChart* chart : {&memory, &cpu, &disk}) {
    if (!chart->series.empty()) figure.charts.push_back(std::move(*chart));
  }
  return figure;
}

}  // namespace

std::vector<ReportFigure> TimelineFigures(const StressReport& report) {
  std::vector<ReportFigure> figures;
  if (!report.load.seconds.empty()) {
    figures.push_back(Throughput(report));
    figures.push_back(Latency(report));
  }
  ReportFigure resources = Resources(report);
  if (!resources.charts.empty()) figures.push_back(std::move(resources));
  return figures;
}

}  // namespace opsbench::stress
