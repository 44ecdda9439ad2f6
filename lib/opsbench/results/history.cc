#include "opsbench/results/history.h"

#include <regex.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <memory>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "nlohmann/json.hpp"
#include "opsbench/base/status_macros.h"
#include "opsbench/results/atomic_file.h"
#include "opsbench/results/internal/pivot.h"
#include "opsbench/results/internal/statistics.h"
#include "opsbench/results/metric.h"

namespace opsbench::results {
namespace {

using nlohmann::json;

// The text at `key`; fails if it is missing where it must not be.
absl::Status ReadText(const json& object, const char* key, bool required,
                      std::string* text) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) {
    if (!required) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("no ", key));
  }
  if (!found->is_string()) {
    return absl::InvalidArgumentError(absl::StrCat(key, " is no text"));
  }
  *text = found->get<std::string>();
  return absl::OkStatus();
}

absl::Status ReadNumber(const json& value, const std::string& key,
                        std::map<std::string, double>* metrics) {
  if (!value.is_number()) {
    return absl::InvalidArgumentError(absl::StrCat(key, " is no number"));
  }
  (*metrics)[key] = value.get<double>();
  return absl::OkStatus();
}

absl::StatusOr<HistoryEntry> ParseLine(absl::string_view line) {
  const json object = json::parse(line.begin(), line.end(), nullptr, false);
  if (object.is_discarded()) {
    return absl::InvalidArgumentError("no JSON (cut off?)");
  }
  if (!object.is_object()) return absl::InvalidArgumentError("no object");
  HistoryEntry entry;
  const struct {
    const char* key;
    bool required;
    std::string* text;
  } texts[] = {{"timestamp", true, &entry.timestamp},
               {"git_sha", true, &entry.git_sha},
               {"git_branch", false, &entry.git_branch},
               {"run", true, &entry.run},
               {"scale", false, &entry.scale},
               {"area", true, &entry.area},
               {"name", true, &entry.name},
               {"aggregate", false, &entry.aggregate},
               {"error", false, &entry.error}};
  for (const auto& [key, required, text] : texts) {
    OPSBENCH_RETURN_IF_ERROR(ReadText(object, key, required, text));
  }
  if (object.contains("error")) {
    if (entry.error.empty()) entry.error = "failed";
    return entry;
  }
  if (!object.contains("real_time_ns")) {
    return absl::InvalidArgumentError("no real_time_ns");
  }
  for (const char* key : {"real_time_ns", "cpu_time_ns"}) {
    if (!object.contains(key)) continue;
    OPSBENCH_RETURN_IF_ERROR(ReadNumber(object[key], key, &entry.metrics));
  }
  const auto counters = object.find("counters");
  if (counters == object.end()) return entry;
  if (!counters->is_object()) {
    return absl::InvalidArgumentError("counters is no object");
  }
  for (const auto& [key, value] : counters->items()) {
    OPSBENCH_RETURN_IF_ERROR(ReadNumber(value, key, &entry.metrics));
  }
  return entry;
}

// A compiled POSIX extended regular expression.
class Pattern {
 public:
  Pattern() = default;
  ~Pattern() {
    if (compiled_) regfree(&regex_);
  }
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;

  absl::Status Compile(const std::string& text) {
    const int code = regcomp(&regex_, text.c_str(), REG_EXTENDED | REG_NOSUB);
    compiled_ = code == 0;
    if (compiled_) return absl::OkStatus();
    char reason[200];
    regerror(code, &regex_, reason, sizeof(reason));
    return absl::InvalidArgumentError(
        absl::StrCat("--filter ", text, ": no regular expression: ", reason));
  }
  bool Matches(const std::string& text) const {
    return regexec(&regex_, text.c_str(), 0, nullptr, 0) == 0;
  }

 private:
  regex_t regex_;
  bool compiled_ = false;
};

// Of "x_median" with the aggregate "median": "x".
std::string RunName(const HistoryEntry& entry) {
  absl::string_view name = entry.name;
  if (!entry.aggregate.empty()) {
    const std::string suffix = absl::StrCat("_", entry.aggregate);
    if (absl::EndsWith(name, suffix)) name.remove_suffix(suffix.size());
  }
  return std::string(name);
}

bool HasRows(const std::string& name, int64_t rows) {
  const internal::NameParts parts = internal::SplitName(name);
  for (const char* key : {"items", "rows", "operations", "records"}) {
    int64_t value = 0;
    if (absl::SimpleAtoi(parts.Value(key), &value) && value == rows) {
      return true;
    }
  }
  return false;
}

bool HasSha(const std::string& sha, const std::vector<std::string>& shas) {
  return shas.empty() || std::any_of(shas.begin(), shas.end(),
                                     [&](const std::string& beginning) {
                                       return absl::StartsWith(sha, beginning);
                                     });
}

// A run's lines of one benchmark, or a commit's points.
using Cell = std::vector<const HistoryEntry*>;

class Selector {
 public:
  explicit Selector(const HistoryQuery& query) : query_(query) {}

  absl::Status Compile() { return filter_.Compile(query_.filter); }

  HistoryView Select(const History& history) {
    for (const HistoryEntry& entry : history.entries) {
      if (Wanted(entry)) Add(entry);
    }
    JoinUntold();
    HistoryView view;
    const std::vector<std::string> runs = RunsInOrder(&view);
    for (const auto& key : order_) {
      HistorySeries series;
      std::tie(series.area, series.benchmark, series.scale) = key;
      const auto& cells = cells_.at(key);
      for (size_t i = 0; i < runs.size(); ++i) {
        const auto found = cells.find(runs[i]);
        if (found == cells.end()) continue;
        series.points.push_back(PointOf(found->second));
        series.points.back().run = i;
      }
      view.series.push_back(std::move(series));
    }
    return view;
  }

 private:
  using Key = std::tuple<std::string, std::string, std::string>;

  bool Wanted(const HistoryEntry& entry) {
    if (!query_.area.empty() && entry.area != query_.area) return false;
    if (!query_.scale.empty() && entry.scale != query_.scale) return false;
    if (!HasSha(entry.git_sha, query_.shas)) return false;
    const auto [known, added] = wanted_names_.emplace(entry.name, false);
    if (added) {
      known->second =
          (query_.filter.empty() || filter_.Matches(RunName(entry))) &&
          (query_.rows == 0 || HasRows(RunName(entry), query_.rows));
    }
    return known->second;
  }

  void Add(const HistoryEntry& entry) {
    const std::string& run = query_.shas.empty() ? entry.run : entry.git_sha;
    const auto [known, added] =
        runs_.emplace(run, HistoryRun{entry.timestamp, entry.git_sha,
                                      entry.git_branch, entry.run});
    if (added) run_order_.push_back(run);
    if (!added) known->second.run = entry.run;
    const Key key = {entry.area, RunName(entry), entry.scale};
    auto [series, fresh] = cells_.try_emplace(key);
    if (fresh) order_.push_back(key);
    series->second[run].push_back(&entry);
  }

  // Lines that do not tell their scale belong to the one at which the benchmark
  // was measured otherwise, if there is but one.
  void JoinUntold() {
    const auto same = [this](const auto& a, const auto& b) {
      return b != cells_.end() &&
             std::get<0>(a->first) == std::get<0>(b->first) &&
             std::get<1>(a->first) == std::get<1>(b->first);
    };
    for (auto untold = cells_.begin(); untold != cells_.end();) {
      // An empty scale comes first.
      const auto told = std::next(untold);
      if (!std::get<2>(untold->first).empty() || !same(untold, told) ||
          same(untold, std::next(told))) {
        untold = told;
        continue;
      }
      for (const auto& [run, cell] : untold->second) {
        Cell& joined = told->second[run];
        joined.insert(joined.end(), cell.begin(), cell.end());
      }
      // At the place of the earlier one.
      const auto later =
          std::find_if(order_.rbegin(), order_.rend(), [&](const Key& key) {
            return key == untold->first || key == told->first;
          });
      order_.erase(std::next(later).base());
      std::replace(order_.begin(), order_.end(), untold->first, told->first);
      untold = cells_.erase(untold);
    }
  }

  // In the order of their first lines, which are appended as runs end: the
  // clock may have been wrong.
  std::vector<std::string> RunsInOrder(HistoryView* view) const {
    for (const std::string& name : run_order_) {
      view->runs.push_back(runs_.at(name));
    }
    return run_order_;
  }

  static HistoryPoint PointOf(const Cell& cell) {
    HistoryPoint point;
    for (const char* aggregate : {"", "median", "mean"}) {
      std::map<std::string, std::vector<double>> values;
      for (const HistoryEntry* entry : cell) {
        if (entry->aggregate != aggregate) continue;
        ++point.samples;
        if (!entry->error.empty()) point.error = entry->error;
        for (const auto& [metric, value] : entry->metrics) {
          values[metric].push_back(value);
        }
      }
      if (point.samples == 0) continue;
      if (!point.error.empty()) return point;
      for (auto& [metric, list] : values) {
        point.values[metric] = internal::Median(std::move(list));
      }
      return point;
    }
    return point;
  }

  const HistoryQuery& query_;
  Pattern filter_;
  std::map<std::string, bool> wanted_names_;
  std::map<std::string, HistoryRun> runs_;
  std::vector<std::string> run_order_;
  std::vector<Key> order_;
  std::map<Key, std::map<std::string, Cell>> cells_;
};

void MarkChanges(HistorySeries* series) {
  std::set<std::string> metrics;
  for (const HistoryPoint& point : series->points) {
    for (const auto& [metric, value] : point.values) metrics.insert(metric);
  }
  metrics.erase("cpu_time_ns");
  for (const std::string& metric : metrics) {
    const absl::StatusOr<Direction> direction = DirectionOf(metric);
    if (!direction.ok()) continue;
    std::vector<double> values;
    std::vector<size_t> places;
    for (size_t i = 0; i < series->points.size(); ++i) {
      const auto found = series->points[i].values.find(metric);
      if (found == series->points[i].values.end()) continue;
      values.push_back(found->second);
      places.push_back(i);
    }
    for (const ChangePoint& change : FindChangePoints(values)) {
      const bool more = change.after > change.before;
      series->changes.push_back(
          {metric, places[change.index], change,
           more == (*direction == Direction::kLowerIsBetter)});
    }
  }
}

// Leaves the last runs, and what was measured in them.
void KeepLast(size_t last, HistoryView* view) {
  if (last >= view->runs.size()) return;
  const size_t first = view->runs.size() - last;
  view->runs.erase(view->runs.begin(),
                   view->runs.begin() + static_cast<std::ptrdiff_t>(first));
  for (HistorySeries& series : view->series) {
    const auto gone = static_cast<size_t>(
        std::count_if(series.points.begin(), series.points.end(),
                      [&](const HistoryPoint& p) { return p.run < first; }));
    series.points.erase(
        series.points.begin(),
        series.points.begin() + static_cast<std::ptrdiff_t>(gone));
    for (HistoryPoint& point : series.points) point.run -= first;
    std::erase_if(series.changes, [&](const HistoryChange& change) {
      return change.point < gone;
    });
    for (HistoryChange& change : series.changes) change.point -= gone;
  }
  std::erase_if(view->series, [](const HistorySeries& series) {
    return series.points.empty();
  });
}

}  // namespace

History ParseHistory(absl::string_view text) {
  History history;
  int64_t number = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    if (line.find_first_not_of(" \t\r") == absl::string_view::npos) continue;
    absl::StatusOr<HistoryEntry> entry = ParseLine(line);
    if (entry.ok()) {
      history.entries.push_back(*std::move(entry));
    } else {
      history.bad_lines.push_back(
          {number, std::string(entry.status().message())});
    }
  }
  return history;
}

absl::StatusOr<History> ReadHistory(const std::string& path) {
  OPSBENCH_ASSIGN_OR_RETURN(const std::string text, ReadWholeFile(path));
  return ParseHistory(text);
}

absl::StatusOr<HistoryView> SelectHistory(const History& history,
                                          const HistoryQuery& query) {
  Selector selector(query);
  OPSBENCH_RETURN_IF_ERROR(selector.Compile());
  HistoryView view = selector.Select(history);
  if (view.series.empty()) {
    return absl::NotFoundError(
        "no measurement of the history fits: loosen --area, --filter, --rows "
        "or --sha");
  }
  for (HistorySeries& series : view.series) MarkChanges(&series);
  if (query.last > 0) KeepLast(static_cast<size_t>(query.last), &view);
  return view;
}

bool HasMetric(const HistoryView& view, const std::string& metric) {
  for (const HistorySeries& series : view.series) {
    for (const HistoryPoint& point : series.points) {
      if (point.values.count(metric) > 0) return true;
    }
  }
  return false;
}

}  // namespace opsbench::results
