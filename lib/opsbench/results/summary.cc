#include "opsbench/results/summary.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "opsbench/base/format.h"
#include "opsbench/results/internal/pivot.h"
#include "opsbench/results/internal/ratios.h"

namespace opsbench::results {
namespace {

using internal::Grid;
using internal::Measurement;
using Measurements = std::vector<const Measurement*>;

constexpr absl::string_view kEngine = "engine";
// What a family's rivals are called; the first that a name has counts.
constexpr absl::string_view kRivals[] = {"strategy", "impl", "method",
                                         "format"};
// Counters that are compared between rivals in a table of their own.
constexpr absl::string_view kCompared[] = {"bytes_per_row",
                                           "touched_bytes_per_row"};

// How a grid becomes text.
struct LayoutOptions {
  // Long headings of values are broken at their underscores.
  bool narrow = false;
  // What the cells show; empty: the time, with the rate where there is one.
  std::string shown;
  // Shown beside the cells of the only column.
  std::vector<std::string> counters;
};

std::string CounterText(const std::string& name, double value) {
  constexpr struct {
    absl::string_view suffix;
    double ns;
  } kTimes[] = {{"_ns", 1}, {"_us", 1e3}, {"_ms", 1e6}, {"_s", 1e9}};
  for (const auto& [suffix, ns] : kTimes) {
    if (absl::EndsWith(name, suffix)) {
      return value == 0 ? "0" : FormatTime(value * ns);
    }
  }
  if (absl::EndsWith(name, "_bytes")) {
    return absl::StrFormat("%.1f MiB", value / (1 << 20));
  }
  return std::abs(value) < 1000 ? absl::StrFormat("%.3g", value)
                                : absl::StrFormat("%.0f", value);
}

std::string CounterOf(const Measurement* measurement, const std::string& name) {
  if (measurement == nullptr) return "-";
  const auto found = measurement->counters.find(name);
  return found == measurement->counters.end()
             ? "-"
             : CounterText(name, found->second);
}

std::string TimeText(const Measurement* measurement) {
  if (measurement == nullptr) return "-";
  switch (measurement->state) {
    case Measurement::State::kError:
      return "ERROR";
    case Measurement::State::kSkipped:
      return "skipped";
    case Measurement::State::kMeasured:
      break;
  }
  return FormatTime(measurement->real_time_ns);
}

std::string RateText(const Measurement* measurement) {
  if (measurement == nullptr || !measurement->operations_per_second) return "";
  return FormatRate(*measurement->operations_per_second);
}

// Bold, or bold and red for what must not be overlooked.
std::string Marked(absl::string_view text, bool color, bool alarm = false) {
  if (!color) return std::string(text);
  return absl::StrCat(alarm ? "\x1b[1;31m" : "\x1b[1m", text, "\x1b[0m");
}

// The key that tells rivals apart in these measurements; empty if none does.
std::string RivalKey(const Measurements& measurements) {
  for (const absl::string_view key : kRivals) {
    for (const Measurement* measurement : measurements) {
      if (!measurement->name.Value(key).empty()) return std::string(key);
    }
  }
  return "";
}

bool IsColumnKey(absl::string_view key) {
  return key == kEngine || std::find(std::begin(kRivals), std::end(kRivals),
                                     key) != std::end(kRivals);
}

// A column of text: its heading lines and its cells, all of one width.
struct TextColumn {
  std::vector<std::string> heading;
  std::vector<std::string> cells;
  size_t gap = 2;  // Blanks before it.
  int width = 0;
  bool left = false;

  // Breaks the last line of the heading at underscores, into lines no wider
  // than the cells where words allow that.
  void Narrow() {
    int widest = 8;
    for (const std::string& cell : cells) {
      widest = std::max(widest, DisplayWidth(cell));
    }
    const std::vector<std::string> words = absl::StrSplit(heading.back(), '_');
    heading.pop_back();
    std::string line;
    for (size_t i = 0; i < words.size(); ++i) {
      const std::string word =
          absl::StrCat(words[i], i + 1 < words.size() ? "_" : "");
      if (!line.empty() &&
          static_cast<int>(line.size() + word.size()) > widest) {
        heading.push_back(std::exchange(line, ""));
      }
      line += word;
    }
    heading.push_back(line);
  }

  void Finish() {
    for (const auto* lines : {&heading, &cells}) {
      for (const std::string& line : *lines) {
        width = std::max(width, DisplayWidth(line));
      }
    }
  }

  std::string Line(absl::string_view text) const {
    return absl::StrCat(std::string(gap, ' '),
                        left ? PadRight(text, width) : PadLeft(text, width));
  }
};

TextColumn KeyColumn(const Grid& grid, size_t key) {
  TextColumn column;
  column.left = true;
  column.heading = {grid.row_keys[key]};
  for (const auto& row : grid.rows) column.cells.push_back(row[key]);
  column.Finish();
  return column;
}

TextColumn CounterColumn(const Grid& grid, const std::string& counter,
                         const LayoutOptions& options) {
  TextColumn column;
  absl::string_view name = counter;
  // The cells name the unit.
  for (const absl::string_view unit : {"_ns", "_us", "_ms", "_s", "_bytes"}) {
    if (absl::ConsumeSuffix(&name, unit)) break;
  }
  column.heading = {std::string(name)};
  for (const auto& row : grid.cells) {
    column.cells.push_back(CounterOf(row[0], counter));
  }
  if (options.narrow) column.Narrow();
  column.Finish();
  return column;
}

TextColumn ValueColumn(const Grid& grid, size_t index,
                       const LayoutOptions& options) {
  TextColumn column;
  column.heading = grid.columns[index];
  if (column.heading.empty()) column.heading.emplace_back();
  if (column.heading.back().empty()) column.heading.back() = "time";
  int time_width = 0;
  int rate_width = 0;
  for (const auto& row : grid.cells) {
    time_width = std::max(time_width, DisplayWidth(TimeText(row[index])));
    rate_width = std::max(rate_width, DisplayWidth(RateText(row[index])));
  }
  for (const auto& row : grid.cells) {
    if (!options.shown.empty()) {
      column.cells.push_back(CounterOf(row[index], options.shown));
      continue;
    }
    std::string cell = PadLeft(TimeText(row[index]), time_width);
    if (rate_width > 0) {
      absl::StrAppend(&cell, "  ", PadLeft(RateText(row[index]), rate_width));
    }
    column.cells.push_back(std::move(cell));
  }
  if (options.narrow) column.Narrow();
  column.Finish();
  return column;
}

struct TextTable {
  std::vector<std::string> lines;
  int width = 0;
};

void AppendLine(std::string line, TextTable* table) {
  line.erase(line.find_last_not_of(' ') + 1);
  table->width = std::max(table->width, DisplayWidth(line));
  table->lines.push_back(std::move(line));
}

// All columns one beside the other. Headings stand on the lines above the
// cells; one that names a group, on the topmost.
TextTable Join(std::vector<TextColumn> columns, bool groups) {
  size_t heading_lines = 1;
  size_t rows = 0;
  for (const TextColumn& column : columns) {
    heading_lines = std::max(heading_lines, column.heading.size());
    rows = std::max(rows, column.cells.size());
  }
  for (TextColumn& column : columns) {
    const bool grouped = groups && !column.left;
    column.heading.insert(column.heading.begin() + (grouped ? 1 : 0),
                          heading_lines - column.heading.size(), "");
  }
  TextTable table;
  for (size_t i = 0; i < heading_lines; ++i) {
    std::string line = "  ";
    for (const TextColumn& column : columns) {
      line += column.Line(column.heading[i]);
    }
    AppendLine(std::move(line), &table);
  }
  for (size_t i = 0; i < rows; ++i) {
    std::string line = "  ";
    for (const TextColumn& column : columns) {
      line += column.Line(column.cells[i]);
    }
    AppendLine(std::move(line), &table);
  }
  return table;
}

// Where there are two levels of heading, the upper one names a group of
// columns, over the first of which it stands.
TextTable Layout(const Grid& grid, const LayoutOptions& options = {}) {
  const bool groups = grid.columns[0].size() > 1;
  std::vector<TextColumn> columns;
  for (size_t i = 0; i < grid.row_keys.size(); ++i) {
    columns.push_back(KeyColumn(grid, i));
  }
  constexpr size_t kGroupGap = 4;
  std::string group;
  for (size_t i = 0; i < grid.columns.size(); ++i) {
    TextColumn column = ValueColumn(grid, i, options);
    if (groups) {
      if (i == 0 || column.heading[0] != group) {
        group = column.heading[0];
        column.heading[0] = PadRight(group, column.width);
        if (i > 0) column.gap = kGroupGap;
      } else {
        column.heading[0].clear();
      }
    }
    columns.push_back(std::move(column));
  }
  for (const std::string& counter : options.counters) {
    columns.push_back(CounterColumn(grid, counter, options));
  }
  return Join(std::move(columns), groups);
}

void AppendTable(absl::string_view title, const TextTable& table,
                 const SummaryOptions& options, std::string* text) {
  absl::StrAppend(text, "\n");
  if (!title.empty()) {
    absl::StrAppend(text, "  ", Marked(title, options.color), "\n");
  }
  for (const std::string& line : table.lines) {
    const bool failed = absl::StrContains(line, "ERROR");
    absl::StrAppend(text, Marked(line, options.color && failed, true), "\n");
  }
}

// One table for each engine, with the rivals in columns if that fits.
void AppendByEngine(absl::string_view title, const Measurements& measurements,
                    const std::string& rival, const SummaryOptions& options,
                    std::string* text) {
  std::vector<std::string> engines;
  std::vector<Measurements> by_engine;
  for (const Measurement* measurement : measurements) {
    const std::string engine(measurement->name.Value(kEngine));
    const auto found = std::find(engines.begin(), engines.end(), engine);
    const auto place = static_cast<size_t>(found - engines.begin());
    if (found == engines.end()) {
      engines.push_back(engine);
      by_engine.emplace_back();
    }
    by_engine[place].push_back(measurement);
  }
  for (size_t i = 0; i < engines.size(); ++i) {
    // The engine as a column of its own, whose heading then becomes the title.
    const auto layout = [&](const std::vector<std::string>& keys) {
      Grid grid = internal::Pivot(by_engine[i], keys);
      for (auto& column : grid.columns) column.erase(column.begin());
      return Layout(grid);
    };
    const std::string engine(kEngine);
    TextTable table =
        rival.empty() ? layout({engine}) : layout({engine, rival});
    if (table.width > options.columns) {
      table = layout({engine});
    }
    const std::string engine_title =
        engines[i].empty() ? "" : absl::StrCat("engine ", engines[i]);
    const char* comma = title.empty() || engine_title.empty() ? "" : ", ";
    AppendTable(absl::StrCat(title, comma, engine_title), table, options, text);
  }
}

// Takes out the keys that have one value in all of the measurements, as text:
// ", items 1000".
std::string TakeConstantKeys(std::vector<Measurement>* measurements) {
  std::string text;
  const auto keys = measurements->front().name.keys;
  for (const auto& [key, value] : keys) {
    const bool constant =
        measurements->size() > 1 &&
        std::all_of(measurements->begin(), measurements->end(),
                    [&key = key, &value = value](const Measurement& other) {
                      return other.name.Value(key) == value;
                    });
    if (!constant) continue;
    absl::StrAppend(&text, ", ", key, " ", value);
    for (Measurement& measurement : *measurements) {
      std::erase_if(measurement.name.keys, [&key = key](const auto& pair) {
        return pair.first == key;
      });
    }
  }
  return text;
}

// The time with the counters beside it, where there is nothing to compare;
// false if there are no counters, or that does not fit.
bool AppendWithCounters(absl::string_view title,
                        const Measurements& measurements,
                        const SummaryOptions& options, std::string* text) {
  std::vector<Measurement> own;
  LayoutOptions layout = {.narrow = true};
  for (const Measurement* measurement : measurements) {
    own.push_back(*measurement);
    for (const auto& [counter, value] : measurement->counters) {
      if (std::count(layout.counters.begin(), layout.counters.end(), counter) ==
          0) {
        layout.counters.push_back(counter);
      }
    }
  }
  if (layout.counters.empty()) return false;
  // By words: p99 before p999.
  std::sort(layout.counters.begin(), layout.counters.end(),
            [](absl::string_view a, absl::string_view b) {
              return absl::StrReplaceAll(a, {{"_", " "}}) <
                     absl::StrReplaceAll(b, {{"_", " "}});
            });
  const std::string constant = TakeConstantKeys(&own);
  Measurements pointers;
  for (const Measurement& measurement : own) pointers.push_back(&measurement);
  const TextTable table = Layout(internal::Pivot(pointers, {}), layout);
  if (table.width > options.columns) return false;
  AppendTable(absl::StrCat(title, constant), table, options, text);
  return true;
}

// One table for all if that fits, else one for each engine.
void AppendMeasurements(absl::string_view title,
                        const Measurements& measurements,
                        const SummaryOptions& options, std::string* text) {
  std::vector<std::string> keys;
  for (const Measurement* measurement : measurements) {
    if (!measurement->name.Value(kEngine).empty()) {
      keys = {std::string(kEngine)};
    }
  }
  const bool has_engines = !keys.empty();
  const std::string rival = RivalKey(measurements);
  if (!rival.empty()) keys.push_back(rival);
  const Grid grid = internal::Pivot(measurements, keys);
  if (!has_engines && grid.columns.size() == 1 && !title.empty() &&
      AppendWithCounters(title, measurements, options, text)) {
    return;
  }
  TextTable table = Layout(grid);
  if (table.width > options.columns && !has_engines) {
    table = Layout(grid, {.narrow = true});
  }
  if (table.width <= options.columns) {
    AppendTable(title, table, options, text);
  } else {
    AppendByEngine(title, measurements, rival, options, text);
  }
  for (const absl::string_view name : kCompared) {
    const std::string counter(name);
    if (has_engines ||
        std::none_of(measurements.begin(), measurements.end(),
                     [&](const Measurement* measurement) {
                       return measurement->counters.count(counter) > 0;
                     })) {
      continue;
    }
    AppendTable(absl::StrCat(title, ": ", counter),
                Layout(grid, {.narrow = true, .shown = counter}), options,
                text);
  }
}

// How much faster ours is than each rival.
void AppendRatios(const std::vector<Measurement>& measurements,
                  const SummaryOptions& options, std::string* text) {
  const internal::Ratios ratios = internal::ComputeRatios(measurements);
  if (ratios.rows.empty()) return;
  std::vector<TextColumn> columns(2);
  columns[0].heading = {"benchmark"};
  columns[1].heading = {"threads"};
  columns[0].left = columns[1].left = true;
  for (const internal::Ratios::Row& row : ratios.rows) {
    columns[0].cells.push_back(row.family);
    columns[1].cells.push_back(row.threads);
  }
  for (size_t i = 0; i < ratios.rivals.size(); ++i) {
    TextColumn column;
    column.heading = {ratios.rivals[i]};
    for (const internal::Ratios::Row& row : ratios.rows) {
      column.cells.push_back(
          row.ratios[i] ? absl::StrFormat("%.2f", *row.ratios[i]) : "-");
    }
    column.Narrow();
    columns.push_back(std::move(column));
  }
  for (TextColumn& column : columns) column.Finish();
  AppendTable("Times of each rival over ours, at the largest size",
              Join(std::move(columns), /*groups=*/false), options, text);
}

// Families of which each engine and rival has one benchmark share a table;
// every other has its own.
void AppendArea(absl::string_view area, const BenchmarkFile& file,
                const SummaryOptions& options, std::string* text) {
  std::vector<Measurement> measurements = internal::Summarize(file.rows);
  absl::StrAppend(text, "\n", Marked(area, options.color), ": ",
                  measurements.size(),
                  measurements.size() == 1 ? " benchmark\n" : " benchmarks\n");
  std::vector<std::string> families;
  std::vector<std::string> with_rows;
  for (const Measurement& measurement : measurements) {
    const std::string& family = measurement.name.family;
    if (std::count(families.begin(), families.end(), family) == 0) {
      families.push_back(family);
    }
    for (const auto& [key, value] : measurement.name.keys) {
      if (!IsColumnKey(key)) with_rows.push_back(family);
    }
  }
  Measurements shared;
  for (Measurement& measurement : measurements) {
    const std::string& family = measurement.name.family;
    if (std::count(with_rows.begin(), with_rows.end(), family) > 0) continue;
    measurement.name.keys.emplace(measurement.name.keys.begin(), "benchmark",
                                  family);
    shared.push_back(&measurement);
  }
  for (const std::string& family : families) {
    Measurements own;
    for (const Measurement& measurement : measurements) {
      if (measurement.name.family == family) own.push_back(&measurement);
    }
    if (std::count(with_rows.begin(), with_rows.end(), family) > 0) {
      AppendMeasurements(family, own, options, text);
    }
  }
  if (!shared.empty()) AppendMeasurements("", shared, options, text);
  AppendRatios(measurements, options, text);
}

// What failed, one line each.
std::vector<std::string> Failures(const Run& run) {
  std::vector<std::string> failures;
  if (run.info.status == RunStatus::kRunning) {
    failures.push_back("the run has not ended, or was killed");
  } else if (run.info.status == RunStatus::kInterrupted) {
    failures.push_back("the run was interrupted: results are missing");
  }
  for (const auto& [area, status] : run.failed_areas) {
    failures.push_back(
        absl::StrCat("no results of ", area, ": ", status.message()));
  }
  for (const auto& [area, file] : run.areas) {
    for (const BenchmarkRow& row : file.rows) {
      if (!row.error_occurred || row.run_type == "aggregate") continue;
      failures.push_back(absl::StrCat(row.name, ": ", row.error_message));
    }
  }
  for (std::string& failure : failures) {
    failure = absl::StrReplaceAll(failure, {{"\n", " "}});
  }
  return failures;
}

void AppendFailures(const Run& run, const SummaryOptions& options,
                    std::string* text) {
  constexpr size_t kShown = 20;
  const std::vector<std::string> failures = Failures(run);
  if (failures.empty()) return;
  absl::StrAppend(
      text,
      Marked(absl::StrCat("FAILED: ", failures.size(),
                          failures.size() == 1 ? " failure" : " failures"),
             options.color, true),
      "\n");
  for (size_t i = 0; i < std::min(failures.size(), kShown); ++i) {
    absl::StrAppend(text, "  ", failures[i], "\n");
  }
  if (failures.size() > kShown) {
    absl::StrAppend(text, "  and ", failures.size() - kShown, " more\n");
  }
  absl::StrAppend(text, "\n");
}

void AppendFacts(const Run& run, const SummaryOptions& options,
                 std::string* text) {
  const RunInfo& info = run.info;
  const std::string name = std::filesystem::path(run.folder).filename();
  absl::StrAppend(text, Marked(absl::StrCat("Run ", name), options.color),
                  ": scale ", info.scale, ", seed ", info.seed, "\n");
  absl::StrAppend(text, "  source   ", info.git_branch, " at ",
                  info.git_short_sha,
                  info.git_dirty ? " with uncommitted changes" : "", "\n");
  absl::StrAppend(text, "  build    ", info.compiler, ", ", info.build_type,
                  "\n");
  absl::StrAppendFormat(text, "  machine  %s, %d cores, %.1f GiB, %s\n",
                        info.cpu_model, info.cores,
                        static_cast<double>(info.memory_bytes) / (1 << 30),
                        info.kernel);
  const char* label = "engines";
  for (const EngineInfo& engine : info.engines) {
    absl::StrAppend(text, "  ", PadRight(label, 7), "  ", engine.name, " ",
                    engine.version, "\n");
    label = "";
  }
}

}  // namespace

std::string RenderFailures(const Run& run, const SummaryOptions& options) {
  std::string text;
  AppendFailures(run, options, &text);
  return text;
}

std::string RenderSummary(const Run& run, const SummaryOptions& options) {
  std::string text;
  AppendFailures(run, options, &text);
  AppendFacts(run, options, &text);
  for (const auto& [area, file] : run.areas) {
    AppendArea(area, file, options, &text);
  }
  absl::StrAppend(
      &text, "\nTimes are of one iteration; /s are operations a second.\n");
  return text;
}

}  // namespace opsbench::results
