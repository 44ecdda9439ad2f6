#include "opsbench/results/internal/recall_figures.h"

#include <algorithm>
#include <limits>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"

namespace opsbench::results::internal {
namespace {

// More lines than this are no picture.
constexpr size_t kMostLines = 8;
constexpr size_t kFewestPoints = 3;

// What is set for a search, and not what is searched in.
bool IsSetting(absl::string_view key) {
  for (const absl::string_view setting :
       {"ef", "probes", "clients", "threads", "workers", "pipeline", "rate"}) {
    if (key == setting) return true;
  }
  return false;
}

bool IsConcurrency(absl::string_view key) {
  return key == "clients" || key == "threads" || key == "workers";
}

struct Candidate {
  const ReportBenchmark* benchmark = nullptr;
  double recall = 0;
  double throughput = 0;
  std::string line;      // What it is a setting of.
  std::string settings;  // "ef 64, clients 2".
};

std::string P99Metric(const ReportBenchmark& benchmark) {
  for (const auto& [metric, samples] : benchmark.samples) {
    for (const char* ending : {"p99_ns", "p99_us", "p99_ms"}) {
      if (absl::EndsWith(metric, ending)) return metric;
    }
  }
  return "";
}

// The keys for which `pick` holds, as "key value" in the name's order.
template <typename Pick>
std::string Described(const ReportBenchmark& benchmark, Pick pick) {
  std::vector<std::string> parts;
  for (const auto& [key, value] : benchmark.name.keys) {
    double number = 0;
    if (!pick(key)) continue;
    parts.push_back(absl::SimpleAtod(value, &number)
                        ? absl::StrCat(key, " ", value)
                        : value);
  }
  return absl::StrJoin(parts, ", ");
}

bool Varies(const std::vector<Candidate>& candidates, const std::string& key) {
  const absl::string_view first = candidates.front().benchmark->name.Value(key);
  return std::any_of(candidates.begin(), candidates.end(),
                     [&](const Candidate& candidate) {
                       return candidate.benchmark->name.Value(key) != first;
                     });
}

std::vector<Candidate> CandidatesOf(
    absl::Span<const ReportBenchmark> benchmarks) {
  std::vector<Candidate> candidates;
  for (const ReportBenchmark& benchmark : benchmarks) {
    if (benchmark.state != Measurement::State::kMeasured) continue;
    const std::string metric = ThroughputMetric(benchmark);
    const auto recall = benchmark.Value("recall");
    const auto throughput =
        metric.empty() ? absl::optional<double>() : benchmark.Value(metric);
    // Building an index has neither.
    if (!recall || !throughput) continue;
    candidates.push_back({&benchmark, *recall, *throughput, "", ""});
  }
  for (Candidate& candidate : candidates) {
    candidate.line =
        Described(*candidate.benchmark, [&](const std::string& key) {
          return !IsSetting(key) && Varies(candidates, key);
        });
    candidate.settings =
        Described(*candidate.benchmark,
                  [](const std::string& key) { return IsSetting(key); });
  }
  return candidates;
}

using Lines = std::vector<std::pair<std::string, std::vector<Candidate>>>;

// In the order of their first candidates.
template <typename Name>
Lines GroupBy(const std::vector<Candidate>& candidates, Name name) {
  Lines lines;
  for (const Candidate& candidate : candidates) {
    const std::string own = name(candidate);
    auto line = std::find_if(lines.begin(), lines.end(),
                             [&](const auto& l) { return l.first == own; });
    if (line == lines.end()) line = lines.insert(line, {own, {}});
    line->second.push_back(candidate);
  }
  return lines;
}

ReportSeries::Point PointOf(const Candidate& candidate) {
  return {candidate.recall, {candidate.throughput}, candidate.settings};
}

// The front of one line, by ascending recall, and what is behind it.
void AddFront(const std::string& name, std::vector<Candidate> candidates,
              ReportChart* chart) {
  std::sort(candidates.begin(), candidates.end(),
            [](const Candidate& a, const Candidate& b) {
              return a.recall != b.recall ? a.recall > b.recall
                                          : a.throughput > b.throughput;
            });
  const bool one = name.empty();
  ReportSeries front = {.name = one ? "Pareto front" : name};
  ReportSeries beaten = {
      .name = one ? "beaten in both" : absl::StrCat(name, ": beaten in both"),
      .joined = false};
  double best = -std::numeric_limits<double>::infinity();
  for (const Candidate& candidate : candidates) {
    const bool on_front = candidate.throughput > best;
    best = std::max(best, candidate.throughput);
    (on_front ? front : beaten).points.push_back(PointOf(candidate));
  }
  std::reverse(front.points.begin(), front.points.end());
  std::reverse(beaten.points.begin(), beaten.points.end());
  chart->series.push_back(std::move(front));
  if (!beaten.points.empty()) chart->series.push_back(std::move(beaten));
}

ReportChart FrontChart(const std::vector<Candidate>& candidates) {
  ReportChart chart;
  chart.name = "Recall and throughput";
  chart.x_label = "recall";
  chart.x_metric = "recall";
  chart.measures = {
      {"Throughput", ThroughputMetric(*candidates.front().benchmark), true}};
  Lines lines = GroupBy(
      candidates, [](const Candidate& candidate) { return candidate.line; });
  if (lines.size() > kMostLines) lines.resize(kMostLines);
  for (auto& [name, own] : lines) AddFront(name, std::move(own), &chart);
  return chart;
}

// Latency over throughput while the number of callers grows.
ReportChart LatencyChart(const std::vector<Candidate>& candidates) {
  ReportChart chart;
  chart.name = "Throughput and latency";
  const std::string metric = P99Metric(*candidates.front().benchmark);
  if (metric.empty()) return chart;
  const std::string throughput =
      ThroughputMetric(*candidates.front().benchmark);
  chart.x_label = "throughput";
  chart.x_metric = throughput;
  chart.measures = {{"p99", metric, true}};
  Lines lines = GroupBy(candidates, [&](const Candidate& candidate) {
    return Described(*candidate.benchmark, [&](const std::string& key) {
      return !IsConcurrency(key) && Varies(candidates, key);
    });
  });
  std::erase_if(lines, [](const auto& line) { return line.second.size() < 2; });
  std::stable_sort(lines.begin(), lines.end(),
                   [](const auto& a, const auto& b) {
                     return a.second.size() > b.second.size();
                   });
  if (lines.size() > kMostLines) lines.resize(kMostLines);
  for (auto& [name, own] : lines) {
    std::sort(own.begin(), own.end(),
              [](const Candidate& a, const Candidate& b) {
                return a.throughput < b.throughput;
              });
    ReportSeries series = {.name = name.empty() ? "all" : name};
    for (const Candidate& candidate : own) {
      const auto p99 = candidate.benchmark->Value(metric);
      if (!p99) continue;
      series.points.push_back(
          {candidate.throughput, {*p99}, candidate.settings});
    }
    chart.series.push_back(std::move(series));
  }
  return chart;
}

// Of one family; without charts when there is nothing to show.
ReportFigure FigureOf(const std::vector<Candidate>& candidates) {
  if (candidates.size() < kFewestPoints) return {};
  const bool all_equal = std::all_of(
      candidates.begin(), candidates.end(), [&](const Candidate& candidate) {
        return candidate.recall == candidates.front().recall;
      });
  if (all_equal) return {};
  ReportFigure figure;
  figure.title = "Recall against throughput";
  figure.subtitle =
      Described(*candidates.front().benchmark, [&](const std::string& key) {
        return !IsSetting(key) && !Varies(candidates, key);
      });
  figure.charts.push_back(FrontChart(candidates));
  ReportChart latency = LatencyChart(candidates);
  if (!latency.series.empty()) figure.charts.push_back(std::move(latency));
  return figure;
}

}  // namespace

std::vector<ReportFigure> RecallFigures(
    absl::Span<const ReportBenchmark> benchmarks) {
  std::vector<std::string> families;
  std::map<std::string, std::vector<ReportBenchmark>> members;
  for (const ReportBenchmark& benchmark : benchmarks) {
    auto& own = members[benchmark.name.family];
    if (own.empty()) families.push_back(benchmark.name.family);
    own.push_back(benchmark);
  }
  std::vector<ReportFigure> figures;
  for (const std::string& family : families) {
    ReportFigure figure = FigureOf(CandidatesOf(members[family]));
    if (!figure.charts.empty()) figures.push_back(std::move(figure));
  }
  return figures;
}

}  // namespace opsbench::results::internal
