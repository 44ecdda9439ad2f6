#include "opsbench/results/report.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/types/span.h"
#include "nlohmann/json.hpp"
#include "opsbench/results/internal/headlines.h"
#include "opsbench/results/internal/ratios.h"
#include "opsbench/results/internal/recall_figures.h"
#include "opsbench/results/internal/report_benchmarks.h"
#include "opsbench/results/internal/report_figures.h"
#include "opsbench/results/internal/report_files.h"
#include "opsbench/results/metric.h"

namespace opsbench::results {
namespace {

using internal::Measurement;
using internal::ReportBenchmark;
using nlohmann::ordered_json;

// Repetitions of which a distribution is drawn, and the most that are.
constexpr size_t kFewestSamples = 3;
constexpr size_t kMostSamples = 500;
// Runs of a series that are drawn.
constexpr size_t kMostRuns = 500;

using AreaBenchmarks = std::map<std::string, std::vector<ReportBenchmark>>;

AreaBenchmarks Collect(const Run& run) {
  AreaBenchmarks areas;
  for (const auto& [area, file] : run.areas) {
    areas[area] = internal::CollectBenchmarks(file.rows);
  }
  return areas;
}

// JSON has no NaN; the page reads null as "nothing here".
ordered_json NumberOrNull(double value) {
  return std::isfinite(value) ? ordered_json(value) : ordered_json(nullptr);
}
ordered_json NumberOrNull(const absl::optional<double>& value) {
  return value ? NumberOrNull(*value) : ordered_json(nullptr);
}

ordered_json RunJson(const Run& run) {
  ordered_json json = ordered_json::parse(FormatRunInfo(run.info));
  json["name"] = std::filesystem::path(run.folder).filename().string();
  return json;
}

ordered_json FailuresJson(const Run& run, const AreaBenchmarks& areas) {
  ordered_json failures = ordered_json::array();
  if (run.info.status == RunStatus::kRunning) {
    failures.push_back("The run has not ended, or was killed");
  } else if (run.info.status == RunStatus::kInterrupted) {
    failures.push_back("The run was interrupted: results are missing");
  }
  for (const auto& [area, status] : run.failed_areas) {
    failures.push_back(
        absl::StrCat("No results of ", area, ": ", status.message()));
  }
  for (const auto& [area, benchmarks] : areas) {
    for (const ReportBenchmark& benchmark : benchmarks) {
      if (benchmark.state != Measurement::State::kError) continue;
      failures.push_back(
          absl::StrCat(benchmark.run_name, ": ", benchmark.message));
    }
  }
  return failures;
}

ordered_json ChecksJson(const std::vector<ReportCheck>& checks) {
  ordered_json json = ordered_json::array();
  for (const ReportCheck& check : checks) {
    json.push_back({{"text", check.text}, {"ok", check.ok}});
  }
  return json;
}

ordered_json BenchmarkJson(const ReportBenchmark& benchmark) {
  ordered_json keys = ordered_json::array();
  for (const auto& [key, value] : benchmark.name.keys) {
    keys.push_back({key, value});
  }
  ordered_json json = {{"name", benchmark.run_name},
                       {"family", benchmark.name.family},
                       {"keys", std::move(keys)}};
  if (benchmark.state != Measurement::State::kMeasured) {
    json[benchmark.state == Measurement::State::kError ? "error" : "skipped"] =
        benchmark.message;
    return json;
  }
  ordered_json metrics = ordered_json::object();
  size_t count = 0;
  for (const auto& [metric, samples] : benchmark.samples) {
    const auto [low, high] =
        std::minmax_element(samples.begin(), samples.end());
    metrics[metric] = {*benchmark.Value(metric), *low, *high};
    count = std::max(count, samples.size());
  }
  json["samples"] = count;
  json["metrics"] = std::move(metrics);
  return json;
}

// Empty when no point has one.
ordered_json LabelsJson(const ReportSeries& series) {
  ordered_json labels = ordered_json::array();
  bool any = false;
  for (const ReportSeries::Point& point : series.points) {
    labels.push_back(point.label);
    any = any || !point.label.empty();
  }
  return any ? labels : ordered_json::array();
}

ordered_json ChartJson(const ReportChart& chart) {
  ordered_json json = {
      {"name", chart.name},
      {"kind", chart.kind == ReportChart::Kind::kDots ? "dots" : "line"},
      {"x",
       {{"label", chart.x_label},
        {"metric", chart.x_metric},
        {"log", chart.x_log},
        {"categories", chart.categories}}},
      {"measures", ordered_json::array()},
      {"series", ordered_json::array()},
      {"marks", ordered_json::array()}};
  for (const ReportChart::Mark& mark : chart.marks) {
    json["marks"].push_back({{"label", mark.label},
                             {"from", NumberOrNull(mark.from)},
                             {"to", NumberOrNull(mark.to)}});
  }
  for (const ReportChart::Measure& measure : chart.measures) {
    json["measures"].push_back({{"label", measure.label},
                                {"metric", measure.metric},
                                {"log", measure.log}});
  }
  for (const ReportSeries& series : chart.series) {
    ordered_json points = ordered_json::array();
    for (const ReportSeries::Point& point : series.points) {
      ordered_json values = {NumberOrNull(point.x)};
      for (const double y : point.y) values.push_back(NumberOrNull(y));
      points.push_back(std::move(values));
    }
    json["series"].push_back({{"name", series.name},
                              {"ours", series.ours},
                              {"joined", series.joined},
                              {"points", std::move(points)},
                              {"labels", LabelsJson(series)}});
  }
  return json;
}

ordered_json FiguresJson(absl::Span<const ReportFigure> figures) {
  ordered_json json = ordered_json::array();
  for (const ReportFigure& figure : figures) {
    ordered_json charts = ordered_json::array();
    for (const ReportChart& chart : figure.charts) {
      charts.push_back(ChartJson(chart));
    }
    json.push_back({{"title", figure.title},
                    {"subtitle", figure.subtitle},
                    {"charts", std::move(charts)}});
  }
  return json;
}

ordered_json RatiosJson(const BenchmarkFile& file) {
  const internal::Ratios ratios =
      internal::ComputeRatios(internal::Summarize(file.rows));
  ordered_json rows = ordered_json::array();
  for (const internal::Ratios::Row& row : ratios.rows) {
    ordered_json values = ordered_json::array();
    for (const auto& ratio : row.ratios) values.push_back(NumberOrNull(ratio));
    rows.push_back({{"family", row.family},
                    {"threads", row.threads},
                    {"ratios", std::move(values)}});
  }
  return {{"rivals", ratios.rivals}, {"rows", std::move(rows)}};
}

ordered_json AreasJson(const ReportData& data, const AreaBenchmarks& areas) {
  ordered_json json = ordered_json::array();
  for (const auto& [area, benchmarks] : areas) {
    std::vector<ReportFigure> figures;
    const auto own = data.figures.find(area);
    if (own != data.figures.end()) figures = own->second;
    for (ReportFigure& figure : internal::RecallFigures(benchmarks)) {
      figures.push_back(std::move(figure));
    }
    for (ReportFigure& figure : internal::PlanFigures(benchmarks)) {
      figures.push_back(std::move(figure));
    }
    ordered_json list = ordered_json::array();
    for (const ReportBenchmark& benchmark : benchmarks) {
      list.push_back(BenchmarkJson(benchmark));
    }
    json.push_back({{"name", area},
                    {"figures", FiguresJson(figures)},
                    {"ratios", RatiosJson(data.run.areas.at(area))},
                    {"benchmarks", std::move(list)}});
  }
  return json;
}

ordered_json SamplesJson(const ReportBenchmark* benchmark) {
  ordered_json json = ordered_json::array();
  if (benchmark == nullptr) return json;
  const auto found = benchmark->samples.find("real_time_ns");
  if (found == benchmark->samples.end()) return json;
  for (const double value : found->second) {
    if (json.size() < kMostSamples) json.push_back(value);
  }
  return json;
}

// The single measurements of head and base, where there are enough.
ordered_json DistributionsJson(const AreaBenchmarks& areas,
                               const AreaBenchmarks& base_areas) {
  ordered_json json = ordered_json::array();
  for (const auto& [area, benchmarks] : areas) {
    std::map<std::string, const ReportBenchmark*> base;
    const auto base_area = base_areas.find(area);
    if (base_area != base_areas.end()) {
      for (const ReportBenchmark& benchmark : base_area->second) {
        base[benchmark.run_name] = &benchmark;
      }
    }
    for (const ReportBenchmark& benchmark : benchmarks) {
      const auto before = base.find(benchmark.run_name);
      ordered_json head = SamplesJson(&benchmark);
      ordered_json other =
          SamplesJson(before == base.end() ? nullptr : before->second);
      if (std::max(head.size(), other.size()) < kFewestSamples) continue;
      json.push_back({{"area", area},
                      {"name", benchmark.run_name},
                      {"metric", "real_time_ns"},
                      {"head", std::move(head)},
                      {"base", std::move(other)}});
    }
  }
  return json;
}

ordered_json ComparisonJson(const Comparison& comparison) {
  ordered_json rows = ordered_json::array();
  for (const MetricComparison& metric : comparison.metrics) {
    rows.push_back({{"area", metric.area},
                    {"name", metric.benchmark},
                    {"metric", metric.metric},
                    {"higher_is_better", metric.higher_is_better},
                    {"verdict", std::string(VerdictName(metric.verdict))},
                    {"base", NumberOrNull(metric.base)},
                    {"head", NumberOrNull(metric.head)},
                    {"base_samples", metric.base_samples},
                    {"head_samples", metric.head_samples},
                    {"effect", NumberOrNull(metric.effect)},
                    {"low", NumberOrNull(metric.effect_low)},
                    {"high", NumberOrNull(metric.effect_high)},
                    {"smallest_visible", NumberOrNull(metric.smallest_visible)},
                    {"note", metric.note}});
  }
  return {{"base", comparison.base_name},
          {"head", comparison.head_name},
          {"confidence", comparison.confidence},
          {"warnings", comparison.warnings},
          {"rows", std::move(rows)}};
}

// One metric of a series: [run, value] pairs, and what changed.
ordered_json SeriesJson(const HistorySeries& series,
                        const std::string& metric) {
  ordered_json points = ordered_json::array();
  ordered_json changes = ordered_json::array();
  const size_t begin =
      series.points.size() - std::min(series.points.size(), kMostRuns);
  for (size_t i = begin; i < series.points.size(); ++i) {
    const auto found = series.points[i].values.find(metric);
    if (found == series.points[i].values.end()) continue;
    for (const HistoryChange& change : series.changes) {
      if (change.point != i || change.metric != metric) continue;
      changes.push_back({{"at", points.size()},
                         {"before", change.change.before},
                         {"after", change.change.after},
                         {"p_value", change.change.p_value},
                         {"worse", change.worse}});
    }
    points.push_back({series.points[i].run, found->second});
  }
  return {{"area", series.area},
          {"name", series.benchmark},
          {"metric", metric},
          {"points", std::move(points)},
          {"changes", std::move(changes)}};
}

ordered_json HistoryJson(const ReportData& data, const AreaBenchmarks& areas) {
  std::set<std::pair<std::string, std::string>> shown;
  for (const auto& [area, benchmarks] : areas) {
    for (const ReportBenchmark& benchmark : benchmarks) {
      shown.emplace(area, benchmark.run_name);
    }
  }
  ordered_json json = {{"method", std::string(ChangePointMethod())},
                       {"runs", ordered_json::array()},
                       {"series", ordered_json::array()},
                       {"bad_lines", ordered_json::array()}};
  for (const HistoryRun& run : data.history->runs) {
    json["runs"].push_back({run.timestamp, run.git_sha, run.run});
  }
  for (const HistorySeries& series : data.history->series) {
    if (series.scale != data.run.info.scale || series.points.size() < 2 ||
        shown.count({series.area, series.benchmark}) == 0) {
      continue;
    }
    std::set<std::string> metrics = {"real_time_ns"};
    for (const HistoryChange& change : series.changes) {
      metrics.insert(change.metric);
    }
    for (const std::string& metric : metrics) {
      json["series"].push_back(SeriesJson(series, metric));
    }
  }
  for (const BadHistoryLine& bad : data.bad_history_lines) {
    json["bad_lines"].push_back({{"line", bad.line}, {"problem", bad.problem}});
  }
  return json;
}

// What the run's own facts tell of how it was made.
std::vector<std::string> CommandsOf(const RunInfo& info) {
  std::vector<std::string> commands;
  if (info.git_sha != "unknown") {
    commands.push_back(absl::StrCat("git checkout ", info.git_sha));
  }
  std::string run =
      absl::StrCat("tools/opsbench ", info.rows > 0 ? "matrix" : "run",
                   " --area ", absl::StrJoin(info.areas, ","), " --scale ",
                   info.scale, " --seed ", info.seed);
  if (!info.engines.empty()) {
    absl::StrAppend(
        &run, " --engines ",
        absl::StrJoin(info.engines, ",",
                      [](std::string* out, const EngineInfo& engine) {
                        absl::StrAppend(out, engine.name);
                      }));
  }
  if (!info.filter.empty()) {
    absl::StrAppend(&run, " --filter '",
                    absl::StrReplaceAll(info.filter, {{"'", "'\\''"}}), "'");
  }
  if (info.rows > 0) {
    absl::StrAppend(&run, " --rows ", info.rows, " --iterations ",
                    info.repetitions);
  } else if (info.repetitions > 1) {
    absl::StrAppend(&run, " --repetitions ", info.repetitions);
  }
  commands.push_back(std::move(run));
  return commands;
}

// The direction of every metric that occurs, so that the page need not know the
// table of units.
ordered_json DirectionsJson(const AreaBenchmarks& areas) {
  ordered_json json = ordered_json::object();
  for (const auto& [area, benchmarks] : areas) {
    for (const ReportBenchmark& benchmark : benchmarks) {
      for (const auto& [metric, samples] : benchmark.samples) {
        const absl::StatusOr<Direction> direction = DirectionOf(metric);
        if (!direction.ok()) continue;
        json[metric] =
            *direction == Direction::kLowerIsBetter ? "lower" : "higher";
      }
    }
  }
  return json;
}

ordered_json HeadlinesJson(const Run& run) {
  ordered_json json = ordered_json::array();
  for (const auto& [area, file] : run.areas) {
    for (const internal::Headline& headline : internal::Headlines(file.rows)) {
      json.push_back({{"area", area},
                      {"value", headline.value},
                      {"label", headline.label},
                      {"detail", headline.detail},
                      {"behind", headline.behind}});
    }
  }
  return json;
}

}  // namespace

std::string RenderReportJson(const ReportData& data) {
  const AreaBenchmarks areas = Collect(data.run);
  const AreaBenchmarks base =
      data.base ? Collect(*data.base) : AreaBenchmarks();
  ordered_json json = {
      {"run", RunJson(data.run)},
      {"failures", FailuresJson(data.run, areas)},
      {"checks", ChecksJson(data.checks)},
      {"headlines", HeadlinesJson(data.run)},
      {"directions", DirectionsJson(areas)},
      {"areas", AreasJson(data, areas)},
      {"distributions", DistributionsJson(areas, base)},
      {"commands",
       data.commands.empty() ? CommandsOf(data.run.info) : data.commands}};
  if (data.base) json["base_run"] = RunJson(*data.base);
  if (data.comparison) json["comparison"] = ComparisonJson(*data.comparison);
  if (data.history) json["history"] = HistoryJson(data, areas);
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::string RenderHtmlReport(const ReportData& data) {
  // Neither "</script>" nor "<!--" may stand inside of the element, whatever
  // names and messages say; U+2028 ends a line for some readers.
  const std::string json =
      absl::StrReplaceAll(RenderReportJson(data), {{"<", "\\u003c"},
                                                   {">", "\\u003e"},
                                                   {"&", "\\u0026"},
                                                   {"\u2028", "\\u2028"},
                                                   {"\u2029", "\\u2029"}});
  const std::string title =
      absl::StrCat("opsbench: ", absl::StrJoin(data.run.info.areas, ", "), ", ",
                   data.run.info.git_short_sha);
  return absl::StrReplaceAll(
      internal::ReportFile("page.html"),
      {{"{{title}}",
        absl::StrReplaceAll(title,
                            {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}})},
       {"{{style}}", internal::ReportFile("style.css")},
       {"{{data}}", json},
       {"{{chart}}", internal::ReportFile("chart.min.js")},
       {"{{script}}", absl::StrCat(internal::ReportFile("format.js"), "\n",
                                   internal::ReportFile("table.js"), "\n",
                                   internal::ReportFile("figures.js"), "\n",
                                   internal::ReportFile("page.js"))}});
}

}  // namespace opsbench::results
