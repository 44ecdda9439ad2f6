#ifndef OPSBENCH_RESULTS_HISTORY_H_
#define OPSBENCH_RESULTS_HISTORY_H_

// How measurements went from run to run: history.jsonl, which FORMAT.md
// specifies, as series with the places marked where a level changed.
//
// Thread safety: the functions keep no state; the structs are plain data.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opsbench/results/change_points.h"

namespace opsbench::results {

// A line of the file.
struct HistoryEntry {
  std::string timestamp;  // ISO 8601 in UTC.
  std::string git_sha;
  std::string git_branch;
  std::string run;
  std::string scale;  // Empty in lines that do not tell.
  std::string area;
  std::string name;
  std::string aggregate;  // Empty: a repetition.
  std::map<std::string, double>
      metrics;  // real_time_ns, cpu_time_ns, counters.
  std::string error;
};

struct BadHistoryLine {
  int64_t line = 0;  // From 1.
  std::string problem;
};

struct History {
  std::vector<HistoryEntry> entries;
  // Lines that could not be used: whoever shows the history reports them.
  std::vector<BadHistoryLine> bad_lines;
};

// Never fails: lines that are no entry end up in bad_lines. Empty ones are
// none.
History ParseHistory(absl::string_view text);

// NotFound: no such file; other codes as reading it fails.
absl::StatusOr<History> ReadHistory(const std::string& path);

// Which part of a history is wanted; what is empty or 0 asks for all.
struct HistoryQuery {
  std::string area;
  std::string filter;  // POSIX extended regular expression, of names.
  std::string scale;
  int64_t rows = 0;  // Names with a key items, rows, operations or records.

  // Beginnings of commits: then a point is a commit with the medians over its
  // runs, in the order of its first run.
  std::vector<std::string> shas;

  // The last runs or commits. Change points are still those of the whole.
  int64_t last = 0;
};

// A run, or a commit.
struct HistoryRun {
  std::string timestamp;
  std::string git_sha;
  std::string git_branch;
  std::string run;  // The last one of a commit.
};

struct HistoryPoint {
  size_t run = 0;                        // Index in HistoryView::runs.
  std::map<std::string, double> values;  // Medians over the repetitions.
  int64_t samples = 0;                   // Repetitions, or runs of a commit.
  std::string error;                     // Not empty: it failed; no values.
};

struct HistoryChange {
  std::string metric;
  size_t point = 0;  // Index in HistorySeries::points: the first one changed.
  ChangePoint change;
  bool worse = false;
};

// One benchmark at one scale: what differs in scale is no series.
struct HistorySeries {
  std::string area;
  std::string benchmark;  // Without aggregates' suffixes.
  std::string scale;
  std::vector<HistoryPoint> points;  // In the order of the runs.
  std::vector<HistoryChange> changes;
};

struct HistoryView {
  std::vector<HistoryRun> runs;       // As their first lines stand.
  std::vector<HistorySeries> series;  // In the order of their first lines.
};

// Repetitions count if a run has any of a benchmark, else the aggregate
// "median", else "mean". Change points are looked for in every metric whose
// direction is known, but cpu_time_ns.
//
// InvalidArgument: the filter is no regular expression. NotFound: nothing fits.
absl::StatusOr<HistoryView> SelectHistory(const History& history,
                                          const HistoryQuery& query = {});

// Whether any point has a value of it.
bool HasMetric(const HistoryView& view, const std::string& metric);

}  // namespace opsbench::results

#endif  // OPSBENCH_RESULTS_HISTORY_H_
