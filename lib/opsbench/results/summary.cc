#include "opsbench/results/summary.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "opsbench/base/format.h"

namespace opsbench::results {
namespace {

constexpr char kBold[] = "\x1b[1m";
constexpr char kRed[] = "\x1b[31m";
constexpr char kPlain[] = "\x1b[0m";

// A benchmark's place in the tables.
struct Place {
  std::string engine;
  std::string column;
  std::string row;
};

// Parts of a name that Google Benchmark adds and that say nothing here.
bool IsNoise(absl::string_view part) {
  for (const absl::string_view noise :
       {"real_time", "manual_time", "process_time"}) {
    if (part == noise) return true;
  }
  for (const absl::string_view noise :
       {"min_time:", "iterations:", "repeats:", "min_warmup_time:"}) {
    if (absl::StartsWith(part, noise)) return true;
  }
  return false;
}

// `area` is left out of the rows: the heading says it.
Place PlaceOf(const BenchmarkRow& benchmark, absl::string_view area) {
  Place place;
  std::vector<absl::string_view> row;
  for (const absl::string_view part : absl::StrSplit(benchmark.name, '/')) {
    const std::pair<absl::string_view, absl::string_view> pair =
        absl::StrSplit(part, absl::MaxSplits(':', 1));
    if (IsNoise(part) || (row.empty() && absl::EqualsIgnoreCase(part, area))) {
      continue;
    }
    if (pair.first == "engine") {
      place.engine = std::string(pair.second);
    } else if (pair.first == "strategy" || pair.first == "impl") {
      place.column = std::string(pair.second);
    } else {
      row.push_back(part);
    }
  }
  place.row = absl::StrJoin(row, " ");
  return place;
}

std::string CellOf(const BenchmarkRow& benchmark) {
  if (benchmark.error_occurred) return "failed";
  const auto rate = benchmark.counters.find("operations_per_second");
  if (rate != benchmark.counters.end()) return FormatRate(rate->second);
  return FormatLatency(benchmark.real_time_ns());
}

// Rows and columns in the order in which they first came.
class Table {
 public:
  void Put(const std::string& row, const std::string& column,
           std::string cell) {
    Remember(row, &rows_);
    Remember(column, &columns_);
    cells_[{row, column}] = std::move(cell);
  }

  std::string Render() const {
    int label_width = 0;
    for (const std::string& row : rows_) {
      label_width = std::max(label_width, DisplayWidth(row));
    }
    std::string out = PadRight("", label_width + 2);
    for (const std::string& column : columns_) {
      absl::StrAppend(&out, "  ", PadLeft(column, Width(column)));
    }
    out = std::string(absl::StripTrailingAsciiWhitespace(out)) + "\n";
    for (const std::string& row : rows_) {
      absl::StrAppend(&out, "  ", PadRight(row, label_width));
      for (const std::string& column : columns_) {
        const auto cell = cells_.find({row, column});
        absl::StrAppend(
            &out, "  ",
            PadLeft(cell == cells_.end() ? "-" : cell->second, Width(column)));
      }
      out += "\n";
    }
    return out;
  }

 private:
  static void Remember(const std::string& name, std::vector<std::string>* of) {
    if (std::find(of->begin(), of->end(), name) == of->end()) {
      of->push_back(name);
    }
  }

  static int Width(const std::string& column) {
    return std::max(10, DisplayWidth(column));
  }

  std::vector<std::string> rows_;
  std::vector<std::string> columns_;
  std::map<std::pair<std::string, std::string>, std::string> cells_;
};

std::string Heading(const std::string& text, const SummaryOptions& options) {
  return options.color ? absl::StrCat("\n", kBold, text, kPlain, "\n")
                       : absl::StrCat("\n", text, "\n");
}

std::string RenderFacts(const RunInfo& info) {
  std::string out =
      absl::StrFormat("opsbench run, scale %s, seed %d, commit %s%s on %s\n",
                      info.scale, info.seed, info.git_short_sha,
                      info.git_dirty ? " (with changes)" : "", info.git_branch);
  absl::StrAppendFormat(&out, "%s, %d cores, %.0f GiB, %s; %s, %s\n",
                        info.cpu_model, info.cores,
                        static_cast<double>(info.memory_bytes) / (1 << 30),
                        info.kernel, info.compiler, info.build_type);
  absl::StrAppend(&out,
                  absl::StrJoin(info.engines, "; ",
                                [](std::string* to, const EngineInfo& engine) {
                                  absl::StrAppend(to, engine.version);
                                }),
                  "\n");
  return out;
}

std::string RenderErrors(const Run& run, const SummaryOptions& options) {
  std::string out;
  for (const auto& [area, file] : run.areas) {
    for (const BenchmarkRow& row : file.rows) {
      if (!row.error_occurred) continue;
      absl::StrAppend(&out, options.color ? kRed : "", "FAILED ", row.name,
                      ": ", row.error_message, options.color ? kPlain : "",
                      "\n");
    }
  }
  return out.empty() ? out : "\n" + out;
}

}  // namespace

std::string RenderSummary(const Run& run, const SummaryOptions& options) {
  std::string out = RenderFacts(run.info);
  out += RenderErrors(run, options);
  for (const auto& [area, file] : run.areas) {
    std::vector<std::string> engines;
    std::map<std::string, Table> tables;
    for (const BenchmarkRow& row : file.rows) {
      if (row.run_type != "iteration") continue;
      const Place place = PlaceOf(row, area);
      if (tables.count(place.engine) == 0) engines.push_back(place.engine);
      tables[place.engine].Put(place.row, place.column, CellOf(row));
    }
    for (const std::string& engine : engines) {
      out += Heading(engine.empty() ? area : absl::StrCat(area, " on ", engine),
                     options);
      out += tables[engine].Render();
    }
  }
  return out;
}

}  // namespace opsbench::results
