#include "opsbench/results/render_history.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "absl/types/optional.h"
#include "nlohmann/json.hpp"
#include "opsbench/base/format.h"
#include "opsbench/results/internal/metric_text.h"

namespace opsbench::results {
namespace {

using internal::EffectText;
using internal::ValueText;

// The time first, then rates, then the rest by name.
std::vector<std::string> MetricsOf(const HistorySeries& series,
                                   const std::string& only) {
  std::set<std::string> all;
  for (const HistoryPoint& point : series.points) {
    for (const auto& [metric, value] : point.values) all.insert(metric);
  }
  if (!only.empty()) {
    return all.count(only) > 0 ? std::vector<std::string>{only}
                               : std::vector<std::string>{};
  }
  std::vector<std::string> metrics(all.begin(), all.end());
  const auto rank = [](absl::string_view metric) {
    if (metric == "real_time_ns") return 0;
    if (metric == "operations_per_second") return 1;
    return absl::EndsWith(metric, "_per_second") ? 2 : 3;
  };
  std::stable_sort(metrics.begin(), metrics.end(),
                   [&](const std::string& a, const std::string& b) {
                     return rank(a) < rank(b);
                   });
  return metrics;
}

const HistoryChange* ChangeAt(const HistorySeries& series, size_t point,
                              const std::string& metric) {
  for (const HistoryChange& change : series.changes) {
    if (change.point == point && change.metric == metric) return &change;
  }
  return nullptr;
}

// What one value is shown with.
struct Value {
  double value = 0;
  absl::optional<double> change;  // Against the one before.
  const HistoryChange* point = nullptr;
};

// A value, or none, for each point.
std::vector<absl::optional<Value>> ValuesOf(const HistorySeries& series,
                                            const std::string& metric) {
  std::vector<absl::optional<Value>> values(series.points.size());
  absl::optional<double> before;
  for (size_t i = 0; i < series.points.size(); ++i) {
    const auto found = series.points[i].values.find(metric);
    if (found == series.points[i].values.end()) continue;
    Value value = {.value = found->second,
                   .point = ChangeAt(series, i, metric)};
    if (before && *before != 0) value.change = value.value / *before - 1;
    before = value.value;
    values[i] = value;
  }
  return values;
}

std::string ShortSha(const std::string& sha) { return sha.substr(0, 10); }

// "2026-01-31 12:00".
std::string ShortTime(const std::string& timestamp) {
  return absl::StrReplaceAll(timestamp.substr(0, 16), {{"T", " "}});
}

absl::string_view Mark(const HistoryChange* change) {
  if (change == nullptr) return "";
  return change->worse ? "WORSE" : "better";
}

struct Column {
  std::vector<std::string> cells;  // The heading first.
  bool left = false;

  int Width() const {
    int width = 0;
    for (const std::string& cell : cells) {
      width = std::max(width, DisplayWidth(cell));
    }
    return width;
  }
};

class TextRenderer {
 public:
  TextRenderer(const HistoryView& view, const RenderHistoryOptions& options)
      : view_(view), options_(options) {}

  std::string Render() {
    AppendHead();
    for (const HistorySeries& series : view_.series) AppendSeries(series);
    return std::move(text_);
  }

 private:
  void AppendHead() {
    std::set<std::string> commits;
    for (const HistoryRun& run : view_.runs) commits.insert(run.git_sha);
    const auto count = [](size_t number, absl::string_view what) {
      return absl::StrCat(number, " ", what, number == 1 ? "" : "s");
    };
    absl::StrAppend(&text_, "History: ", count(view_.runs.size(), "run"),
                    " of ", count(commits.size(), "commit"), ", ",
                    count(view_.series.size(), "benchmark"), "\n");
    absl::StrAppend(&text_, "Change points: ", ChangePointMethod(), "\n");
    for (const BadHistoryLine& bad : options_.bad_lines) {
      absl::StrAppend(&text_, "Skipped line ", bad.line,
                      " of the history: ", bad.problem, "\n");
    }
    int found = 0;
    for (const HistorySeries& series : view_.series) {
      for (const HistoryChange& change : series.changes) {
        if (!options_.metric.empty() && change.metric != options_.metric) {
          continue;
        }
        ++found;
        const HistoryRun& run = view_.runs[series.points[change.point].run];
        const std::string line = absl::StrCat(
            "  ", PadRight(change.worse ? "WORSE" : "better", 6), "  ",
            PadLeft(EffectText(change.change.Change()), 7), "  since ",
            ShortSha(run.git_sha), "  ", series.benchmark, "  ", change.metric);
        absl::StrAppend(&text_, Colored(line, change.worse), "\n");
      }
    }
    if (found == 0) absl::StrAppend(&text_, "  none\n");
  }

  std::string Colored(const std::string& line, bool worse) const {
    if (!options_.color) return line;
    return absl::StrCat(worse ? "\x1b[1;31m" : "\x1b[1;32m", line, "\x1b[0m");
  }

  Column WhenColumn(const HistorySeries& series) const {
    Column column = {{"when"}, true};
    for (const HistoryPoint& point : series.points) {
      column.cells.push_back(ShortTime(view_.runs[point.run].timestamp));
    }
    return column;
  }
  Column CommitColumn(const HistorySeries& series) const {
    Column column = {{"commit"}, true};
    for (const HistoryPoint& point : series.points) {
      column.cells.push_back(ShortSha(view_.runs[point.run].git_sha));
    }
    return column;
  }

  // The value, its change, and the mark of a change point.
  static std::vector<Column> MetricColumns(const HistorySeries& series,
                                           const std::string& metric) {
    Column value = {{std::string(absl::StripSuffix(metric, "_ns"))}};
    Column change = {{"change"}};
    Column mark = {{""}, true};
    const auto values = ValuesOf(series, metric);
    for (size_t i = 0; i < values.size(); ++i) {
      if (!values[i]) {
        value.cells.emplace_back(series.points[i].error.empty() ? "-"
                                                                : "ERROR");
      } else {
        value.cells.push_back(ValueText(metric, values[i]->value));
      }
      change.cells.push_back(
          values[i] && values[i]->change ? EffectText(*values[i]->change) : "");
      mark.cells.emplace_back(values[i] ? Mark(values[i]->point) : "");
    }
    std::vector<Column> columns = {std::move(value)};
    if (series.points.size() > 1) columns.push_back(std::move(change));
    if (mark.Width() > 0) columns.push_back(std::move(mark));
    return columns;
  }

  void AppendSeries(const HistorySeries& series) {
    const std::vector<std::string> metrics = MetricsOf(series, options_.metric);
    if (metrics.empty() && !options_.metric.empty()) return;
    std::vector<Column> columns = {WhenColumn(series), CommitColumn(series)};
    int width = 2;
    for (const Column& column : columns) width += column.Width() + 2;
    std::vector<std::string> left_out;
    for (const std::string& metric : metrics) {
      if (options_.metric.empty() && metric == "cpu_time_ns") continue;
      std::vector<Column> more = MetricColumns(series, metric);
      int added = 0;
      for (const Column& column : more) added += column.Width() + 2;
      if (!left_out.empty() ||
          (columns.size() > 2 && width + added > options_.columns)) {
        left_out.push_back(metric);
        continue;
      }
      width += added;
      std::move(more.begin(), more.end(), std::back_inserter(columns));
    }
    if (columns.size() == 2) {  // It failed in every run.
      columns.push_back(MetricColumns(series, "real_time_ns").front());
    }
    absl::StrAppend(
        &text_, "\n", series.benchmark,
        series.scale.empty() ? "" : absl::StrCat("  (", series.scale, ")"),
        "\n");
    AppendTable(columns, series.points.size() + 1);
    if (!left_out.empty()) {
      absl::StrAppend(&text_, "  and ", absl::StrJoin(left_out, ", "),
                      ": --metric or --format csv\n");
    }
  }

  void AppendTable(const std::vector<Column>& columns, size_t rows) {
    for (size_t row = 0; row < rows; ++row) {
      std::string line;
      bool worse = false;
      bool better = false;
      for (const Column& column : columns) {
        const std::string& cell = column.cells[row];
        worse = worse || cell == "WORSE";
        better = better || cell == "better";
        absl::StrAppend(&line, "  ",
                        column.left ? PadRight(cell, column.Width())
                                    : PadLeft(cell, column.Width()));
      }
      line.erase(line.find_last_not_of(' ') + 1);
      absl::StrAppend(&text_, worse || better ? Colored(line, worse) : line,
                      "\n");
    }
  }

  const HistoryView& view_;
  const RenderHistoryOptions& options_;
  std::string text_;
};

std::string Quoted(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\"", "\"\""}}), "\"");
}

}  // namespace

std::string RenderHistoryText(const HistoryView& view,
                              const RenderHistoryOptions& options) {
  return TextRenderer(view, options).Render();
}

std::string RenderHistoryJson(const HistoryView& view,
                              const RenderHistoryOptions& options) {
  using nlohmann::ordered_json;
  ordered_json json = {{"method", std::string(ChangePointMethod())},
                       {"runs", ordered_json::array()},
                       {"benchmarks", ordered_json::array()},
                       {"bad_lines", ordered_json::array()}};
  for (const HistoryRun& run : view.runs) {
    json["runs"].push_back({{"timestamp", run.timestamp},
                            {"git_sha", run.git_sha},
                            {"git_branch", run.git_branch},
                            {"run", run.run}});
  }
  for (const HistorySeries& series : view.series) {
    ordered_json one = {{"area", series.area},
                        {"benchmark", series.benchmark},
                        {"scale", series.scale},
                        {"points", ordered_json::array()},
                        {"changes", ordered_json::array()}};
    for (const HistoryPoint& point : series.points) {
      ordered_json values = ordered_json::object();
      for (const auto& [metric, value] : point.values) {
        if (options.metric.empty() || metric == options.metric) {
          values[metric] = value;
        }
      }
      ordered_json entry = {{"run", point.run},
                            {"samples", point.samples},
                            {"values", std::move(values)}};
      if (!point.error.empty()) entry["error"] = point.error;
      one["points"].push_back(std::move(entry));
    }
    for (const HistoryChange& change : series.changes) {
      if (!options.metric.empty() && change.metric != options.metric) continue;
      one["changes"].push_back(
          {{"metric", change.metric},
           {"point", change.point},
           {"before", change.change.before},
           {"after", change.change.after},
           {"p_value", change.change.p_value},
           {"verdict", change.worse ? "worse" : "better"}});
    }
    json["benchmarks"].push_back(std::move(one));
  }
  for (const BadHistoryLine& bad : options.bad_lines) {
    json["bad_lines"].push_back({{"line", bad.line}, {"problem", bad.problem}});
  }
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) +
         "\n";
}

std::string RenderHistoryCsv(const HistoryView& view,
                             const RenderHistoryOptions& options) {
  std::string csv =
      "timestamp,git_sha,git_branch,run,scale,area,benchmark,metric,value,"
      "samples,change,change_point\n";
  for (const HistorySeries& series : view.series) {
    for (const std::string& metric : MetricsOf(series, options.metric)) {
      const auto values = ValuesOf(series, metric);
      for (size_t i = 0; i < values.size(); ++i) {
        if (!values[i]) continue;
        const HistoryRun& run = view.runs[series.points[i].run];
        for (const std::string& text :
             {run.timestamp, run.git_sha, run.git_branch, run.run, series.scale,
              series.area, series.benchmark, metric}) {
          absl::StrAppend(&csv, Quoted(text), ",");
        }
        absl::StrAppendFormat(&csv, "%.17g,%d,", values[i]->value,
                              series.points[i].samples);
        if (values[i]->change) {
          absl::StrAppendFormat(&csv, "%.6g", *values[i]->change);
        }
        const HistoryChange* change = values[i]->point;
        absl::StrAppend(
            &csv, ",",
            change == nullptr ? "" : (change->worse ? "worse" : "better"),
            "\n");
      }
    }
  }
  return csv;
}

}  // namespace opsbench::results
