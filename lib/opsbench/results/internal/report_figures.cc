#include "opsbench/results/internal/report_figures.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace opsbench::results::internal {
namespace {

using Benchmarks = std::vector<const ReportBenchmark*>;
using Keys = std::vector<std::string>;

// More lines than this are no picture.
constexpr size_t kMostSeries = 9;
// Fewer are no distribution.
constexpr size_t kFewestPercentiles = 3;
constexpr char kBytes[] = "Bytes";
// Rows of dots.
constexpr size_t kMostRows = 40;
// From this ratio of the largest to the smallest value on, an axis is
// logarithmic.
constexpr double kLogRatio = 20;

template <typename T>
void AddNew(const T& value, std::vector<T>* values) {
  if (std::find(values->begin(), values->end(), value) == values->end()) {
    values->push_back(value);
  }
}

std::vector<std::string> ValuesOf(const Benchmarks& benchmarks,
                                  const std::string& key) {
  std::vector<std::string> values;
  for (const ReportBenchmark* benchmark : benchmarks) {
    AddNew(std::string(benchmark->name.Value(key)), &values);
  }
  return values;
}

bool IsNumeric(const Benchmarks& benchmarks, const std::string& key) {
  for (const ReportBenchmark* benchmark : benchmarks) {
    double number = 0;
    if (!absl::SimpleAtod(benchmark->name.Value(key), &number)) return false;
  }
  return true;
}

double NumberOf(const ReportBenchmark& benchmark, const std::string& key) {
  double number = 0;
  return absl::SimpleAtod(benchmark.name.Value(key), &number) ? number : 0;
}

bool IsConcurrency(absl::string_view key) {
  return key == "threads" || key == "workers" || key == "users" ||
         key == "clients";
}

// "200,000"; what is no whole number stays as it is.
std::string Grouped(absl::string_view value) {
  std::string text(value);
  if (!std::all_of(text.begin(), text.end(), absl::ascii_isdigit)) return text;
  for (size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, ",");
  return text;
}

// "8 threads", "mix A", "100,000 items".
std::string Describe(const std::string& key, absl::string_view value) {
  double number = 0;
  if (!absl::SimpleAtod(value, &number)) return absl::StrCat(key, " ", value);
  absl::string_view noun = key;
  if (number == 1 && absl::EndsWith(noun, "s")) noun.remove_suffix(1);
  const std::string grouped = Grouped(value);
  const bool counted = absl::EndsWith(key, "s") && !absl::EndsWith(key, "_ms");
  return counted ? absl::StrCat(grouped, " ", noun)
                 : absl::StrCat(key, " ", grouped);
}

std::string DescribeAll(const ReportBenchmark& benchmark, const Keys& keys) {
  std::vector<std::string> parts;
  for (const std::string& key : keys) {
    const absl::string_view value = benchmark.name.Value(key);
    if (!value.empty()) parts.push_back(Describe(key, value));
  }
  return absl::StrJoin(parts, ", ");
}

Keys Without(const Keys& keys, const std::string& key) {
  Keys rest = keys;
  std::erase(rest, key);
  return rest;
}

// Whether the values of a measure span so much that a linear axis would show
// the largest alone.
void ChooseScales(ReportChart* chart) {
  for (size_t m = 0; m < chart->measures.size(); ++m) {
    double smallest = std::numeric_limits<double>::infinity();
    double largest = 0;
    for (const ReportSeries& series : chart->series) {
      for (const ReportSeries::Point& point : series.points) {
        if (std::isnan(point.y[m])) continue;
        smallest = std::min(smallest, point.y[m]);
        largest = std::max(largest, point.y[m]);
      }
    }
    chart->measures[m].log = smallest > 0 && largest > kLogRatio * smallest;
  }
  if (!chart->categories.empty()) return;
  std::set<double> xs;
  for (const ReportSeries& series : chart->series) {
    for (const ReportSeries::Point& point : series.points) xs.insert(point.x);
  }
  chart->x_log =
      !xs.empty() && *xs.begin() > 0 && *xs.rbegin() >= 8 * *xs.begin();
}

// The figures of one family and engine.
class Planner {
 public:
  explicit Planner(Benchmarks benchmarks) : benchmarks_(std::move(benchmarks)) {
    rival_key_ = RivalKeyOf(benchmarks_);
    several_rivals_ =
        !rival_key_.empty() && ValuesOf(benchmarks_, rival_key_).size() > 1;
    Keys seen;
    for (const ReportBenchmark* benchmark : benchmarks_) {
      for (const auto& [key, value] : benchmark->name.keys) AddNew(key, &seen);
    }
    for (const std::string& key : seen) {
      if (key == rival_key_ || key == "engine") continue;
      if (ValuesOf(benchmarks_, key).size() < 2) {
        fixed_.push_back(key);
      } else {
        (IsNumeric(benchmarks_, key) ? numeric_ : categories_).push_back(key);
      }
    }
  }

  std::vector<ReportChart> Charts() const {
    std::vector<ReportChart> charts;
    std::vector<ReportChart> memory;
    AddMemory(&memory);
    const bool memory_first = std::any_of(
        benchmarks_.begin(), benchmarks_.end(), [](const ReportBenchmark* b) {
          return b->samples.count("bytes_per_row") > 0;
        });
    if (memory_first) std::swap(charts, memory);
    if (!categories_.empty()) AddDots("Overview", SpeedMeasures(), &charts);
    AddPercentiles(&charts);
    if (categories_.empty()) {
      for (const bool concurrency : {true, false}) {
        for (const std::string& key : numeric_) {
          if (IsConcurrency(key) == concurrency) AddLine(key, &charts);
        }
      }
    }
    if (charts.empty()) AddDots("Overview", SpeedMeasures(), &charts);
    std::move(memory.begin(), memory.end(), std::back_inserter(charts));
    for (ReportChart& chart : charts) ChooseScales(&chart);
    return charts;
  }

  // What all benchmarks have in common.
  std::string Subtitle() const {
    return DescribeAll(*benchmarks_.front(), fixed_);
  }

 private:
  std::vector<ReportChart::Measure> SpeedMeasures() const {
    std::vector<ReportChart::Measure> measures;
    // One that only some have would leave the others out.
    const std::string throughput = ThroughputMetric(*benchmarks_.front());
    const bool all = std::all_of(
        benchmarks_.begin(), benchmarks_.end(), [&](const auto* benchmark) {
          return ThroughputMetric(*benchmark) == throughput;
        });
    if (all && !throughput.empty()) {
      measures.push_back({"Throughput", throughput});
    }
    measures.push_back({"Time", "real_time_ns"});
    return measures;
  }

  static ReportSeries::Point PointOf(const ReportBenchmark& benchmark, double x,
                                     const ReportChart& chart) {
    ReportSeries::Point point = {x, {}};
    for (const ReportChart::Measure& measure : chart.measures) {
      point.y.push_back(
          benchmark.Value(measure.metric)
              .value_or(std::numeric_limits<double>::quiet_NaN()));
    }
    return point;
  }

  // What a line stands for; empty keys: there is only one.
  Keys SeriesKeys(const Keys& others) const {
    return several_rivals_ ? Keys{rival_key_} : others;
  }

  std::string SeriesName(const ReportBenchmark& benchmark,
                         const Keys& keys) const {
    if (several_rivals_) return std::string(benchmark.name.Value(rival_key_));
    const std::string name = DescribeAll(benchmark, keys);
    if (!name.empty()) return name;
    const std::string rival(benchmark.name.Value(rival_key_));
    return rival.empty() ? benchmark.name.family : rival;
  }

  ReportSeries* SeriesOf(const ReportBenchmark& benchmark, const Keys& keys,
                         ReportChart* chart) const {
    const std::string name = SeriesName(benchmark, keys);
    for (ReportSeries& series : chart->series) {
      if (series.name == name) return &series;
    }
    chart->series.push_back(
        {name,
         IsOurs(benchmark.name.Value(rival_key_)) && several_rivals_,
         {}});
    return &chart->series.back();
  }

  // A line for each rival over `key`; other keys at the combination that has
  // the most values of `key`, of those the largest for threads, else the first.
  void AddLine(const std::string& key, std::vector<ReportChart>* charts) const {
    const Keys others = Without(numeric_, key);
    Benchmarks chosen = benchmarks_;
    std::string held;
    size_t combinations = 0;
    {
      std::vector<std::string> order;
      std::map<std::string, Benchmarks> groups;
      for (const ReportBenchmark* benchmark : benchmarks_) {
        const std::string group = DescribeAll(*benchmark, others);
        AddNew(group, &order);
        groups[group].push_back(benchmark);
      }
      combinations = order.size();
      if (several_rivals_ || combinations > kMostSeries) {
        size_t most = 0;
        for (const std::string& group : order) {
          const size_t count = ValuesOf(groups[group], key).size();
          if (count < most || (count == most && !IsConcurrency(key))) continue;
          most = count;
          chosen = groups[group];
          held = group;
        }
      }
    }
    ReportChart chart;
    chart.name =
        absl::StrCat("By ", absl::StrReplaceAll(key, {{"_", " "}}),
                     held.empty() ? "" : absl::StrCat(" (", held, ")"));
    chart.x_label = key;
    chart.measures = SpeedMeasures();
    const Keys keys = SeriesKeys(held.empty() ? others : Keys());
    for (const ReportBenchmark* benchmark : chosen) {
      SeriesOf(*benchmark, keys, &chart)
          ->points.push_back(
              PointOf(*benchmark, NumberOf(*benchmark, key), chart));
    }
    size_t longest = 0;
    for (ReportSeries& series : chart.series) {
      std::sort(series.points.begin(), series.points.end(),
                [](const auto& a, const auto& b) { return a.x < b.x; });
      longest = std::max(longest, series.points.size());
    }
    if (longest > 1) charts->push_back(std::move(chart));
  }

  // A row for each combination of keys, or for each family where they differ.
  void AddDots(const std::string& name,
               std::vector<ReportChart::Measure> measures,
               std::vector<ReportChart>* charts) const {
    Keys keys = categories_;
    keys.insert(keys.end(), numeric_.begin(), numeric_.end());
    const bool families =
        std::any_of(benchmarks_.begin(), benchmarks_.end(), [&](const auto* b) {
          return b->name.family != benchmarks_.front()->name.family;
        });
    ReportChart chart;
    chart.name = name;
    chart.kind = ReportChart::Kind::kDots;
    chart.measures = std::move(measures);
    for (const ReportBenchmark* benchmark : benchmarks_) {
      std::string row = DescribeAll(*benchmark, keys);
      if (families) {
        const std::string& family = benchmark->name.family;
        const size_t slash = family.rfind('/');
        row = family.substr(slash == std::string::npos ? 0 : slash + 1);
      }
      if (row.empty()) row = benchmark->name.family;
      AddNew(row, &chart.categories);
      const auto place =
          std::find(chart.categories.begin(), chart.categories.end(), row);
      const auto x = static_cast<double>(place - chart.categories.begin());
      SeriesOf(*benchmark, {}, &chart)
          ->points.push_back(PointOf(*benchmark, x, chart));
    }
    if (chart.categories.size() <= kMostRows)
      charts->push_back(std::move(chart));
  }

  void AddMemory(std::vector<ReportChart>* charts) const {
    std::vector<ReportChart::Measure> measures;
    for (const auto& [metric, samples] : benchmarks_.front()->samples) {
      if (absl::EndsWith(metric, "_bytes") || absl::EndsWith(metric, "_mib") ||
          absl::StrContains(metric, "bytes_per_")) {
        if (absl::EndsWith(metric, "_per_second")) continue;
        measures.push_back({absl::StrReplaceAll(metric, {{"_", " "}}), metric});
      }
    }
    if (!measures.empty()) AddDots(kBytes, std::move(measures), charts);
  }

  // One chart for each quantity and each combination of keys that rivals share;
  // without rivals the combinations are the lines.
  void AddPercentiles(std::vector<ReportChart>* charts) const;

  Benchmarks benchmarks_;
  std::string rival_key_;
  bool several_rivals_ = false;
  Keys fixed_;       // With one value.
  Keys numeric_;     // With several.
  Keys categories_;  // Likewise, not all numbers.
};

// "put_p999_ns" is the 99.9th percentile of "put", in "ns".
struct Percentile {
  std::string quantity;
  std::string label;
  double rank = 0;  // 99.9; 100 is the largest value.
  std::string metric;
};

bool ParsePercentile(const std::string& metric, Percentile* percentile) {
  const size_t unit = metric.rfind('_');
  if (unit == std::string::npos) return false;
  const absl::string_view unit_name =
      absl::string_view(metric).substr(unit + 1);
  if (unit_name != "ns" && unit_name != "us" && unit_name != "ms" &&
      unit_name != "s") {
    return false;
  }
  const size_t word = metric.rfind('_', unit - 1);
  const size_t begin = word == std::string::npos ? 0 : word + 1;
  const std::string rank = metric.substr(begin, unit - begin);
  percentile->metric = metric;
  percentile->quantity =
      absl::StrCat(begin == 0 ? "" : metric.substr(0, word), "|", unit_name);
  if (rank == "max") {
    percentile->rank = 100;
    percentile->label = "max";
    return true;
  }
  if (rank.size() < 2 || rank[0] != 'p' ||
      !std::all_of(rank.begin() + 1, rank.end(), absl::ascii_isdigit)) {
    return false;
  }
  // p50, p99; p999 and p9999 are 99.9 and 99.99.
  std::string digits = rank.substr(1);
  if (digits.size() > 2) digits.insert(2, ".");
  if (!absl::SimpleAtod(digits, &percentile->rank)) return false;
  percentile->label = absl::StrCat("p", digits);
  return true;
}

void Planner::AddPercentiles(std::vector<ReportChart>* charts) const {
  std::map<std::string, std::vector<Percentile>> quantities;
  for (const auto& [metric, samples] : benchmarks_.front()->samples) {
    Percentile percentile;
    if (ParsePercentile(metric, &percentile)) {
      quantities[percentile.quantity].push_back(percentile);
    }
  }
  Keys keys = categories_;
  keys.insert(keys.end(), numeric_.begin(), numeric_.end());
  for (auto& [quantity, percentiles] : quantities) {
    if (percentiles.size() < kFewestPercentiles) continue;
    std::sort(percentiles.begin(), percentiles.end(),
              [](const auto& a, const auto& b) { return a.rank < b.rank; });
    const std::string of = quantity.substr(0, quantity.find('|'));
    const std::string what =
        absl::StrCat("Latency percentiles", of.empty() ? "" : " of ", of);
    std::map<std::string, size_t> places;
    const size_t first = charts->size();
    for (const ReportBenchmark* benchmark : benchmarks_) {
      const std::string group =
          several_rivals_ ? DescribeAll(*benchmark, keys) : "";
      const auto [place, added] = places.emplace(group, charts->size());
      if (added) {
        ReportChart chart;
        chart.name =
            group.empty() ? what : absl::StrCat(what, " (", group, ")");
        chart.x_label = "percentile";
        chart.measures = {{"Latency", percentiles.front().metric}};
        for (const Percentile& percentile : percentiles) {
          chart.categories.push_back(percentile.label);
        }
        charts->push_back(std::move(chart));
      }
      ReportChart& chart = (*charts)[place->second];
      ReportSeries* series = SeriesOf(*benchmark, keys, &chart);
      for (size_t i = 0; i < percentiles.size(); ++i) {
        const auto value = benchmark->Value(percentiles[i].metric);
        if (value) series->points.push_back({static_cast<double>(i), {*value}});
      }
    }
    // Too many lines for one picture.
    if (!several_rivals_ && (*charts)[first].series.size() > kMostSeries) {
      charts->erase(charts->begin() + static_cast<std::ptrdiff_t>(first),
                    charts->end());
    }
  }
}

}  // namespace

std::vector<ReportFigure> PlanFigures(
    absl::Span<const ReportBenchmark> benchmarks) {
  // By family, then engine, in their order.
  using Key = std::pair<std::string, std::string>;
  std::vector<Key> order;
  std::map<Key, Benchmarks> groups;
  for (const ReportBenchmark& benchmark : benchmarks) {
    if (benchmark.state != Measurement::State::kMeasured) continue;
    const Key key = {benchmark.name.family,
                     std::string(benchmark.name.Value("engine"))};
    AddNew(key, &order);
    groups[key].push_back(&benchmark);
  }
  // Those that differ in the rival alone share a figure for each engine.
  std::map<std::string, Benchmarks> shared;
  std::vector<std::string> shared_order;
  std::vector<ReportFigure> figures;
  for (const Key& key : order) {
    bool single = true;
    for (const ReportBenchmark* benchmark : groups[key]) {
      for (const auto& [name, value] : benchmark->name.keys) {
        single = single &&
                 (name == "engine" || name == "impl" || name == "strategy");
      }
    }
    if (!single) continue;
    AddNew(key.second, &shared_order);
    Benchmarks& all = shared[key.second];
    all.insert(all.end(), groups[key].begin(), groups[key].end());
    groups.erase(key);
  }
  const auto add = [&figures](const std::string& title,
                              const std::string& engine,
                              const Benchmarks& own) {
    const Planner planner(own);
    ReportFigure figure;
    figure.title = engine.empty() ? title : absl::StrCat(title, ", ", engine);
    figure.subtitle = planner.Subtitle();
    figure.charts = planner.Charts();
    if (!figure.charts.empty()) figures.push_back(std::move(figure));
  };
  for (const std::string& engine : shared_order) {
    const bool one = shared[engine].size() == 1;
    add(one ? shared[engine].front()->name.family : "Single operations", engine,
        shared[engine]);
  }
  for (const Key& key : order) {
    const auto group = groups.find(key);
    if (group == groups.end()) continue;
    const size_t slash = key.first.rfind('/');
    add(slash == std::string::npos ? key.first : key.first.substr(slash + 1),
        key.second, group->second);
  }
  // Speed first.
  std::stable_partition(figures.begin(), figures.end(),
                        [](const ReportFigure& figure) {
                          return figure.charts.front().name != kBytes;
                        });
  return figures;
}

}  // namespace opsbench::results::internal
