#ifndef OPSBENCH_RESULTS_RENDER_HISTORY_H_
#define OPSBENCH_RESULTS_RENDER_HISTORY_H_

// A history for people and for programs.
//
// Thread safety: the functions keep no state.

#include <string>
#include <vector>

#include "opsbench/results/history.h"

namespace opsbench::results {

struct RenderHistoryOptions {
  std::string metric;  // Shown alone; empty: all, in text but cpu_time_ns.
  int columns = 100;   // Width that text keeps to if one metric fits at all.
  bool color = false;  // Whether escape sequences may mark change points.
  // Lines of the file that were no use; they are named in text and JSON.
  std::vector<BadHistoryLine> bad_lines;
};

// For each benchmark a table: a line a run, a column a metric with its change
// against the run before. Change points are marked "better" or "WORSE" and
// listed first, under the name of the method.
std::string RenderHistoryText(const HistoryView& view,
                              const RenderHistoryOptions& options = {});

// One object: method, runs, benchmarks with their points and changes, and
// bad_lines. REPORT.md specifies it.
std::string RenderHistoryJson(const HistoryView& view,
                              const RenderHistoryOptions& options = {});

// A line for each value: timestamp, git_sha, git_branch, run, scale, area,
// benchmark, metric, value, samples, change (relative to the value before;
// empty for the first), change_point ("better", "worse" or empty).
std::string RenderHistoryCsv(const HistoryView& view,
                             const RenderHistoryOptions& options = {});

}  // namespace opsbench::results

#endif  // OPSBENCH_RESULTS_RENDER_HISTORY_H_
