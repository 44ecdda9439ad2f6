#ifndef OPSBENCH_RESULTS_REPORT_H_
#define OPSBENCH_RESULTS_REPORT_H_

// A run as one HTML file that opens offline: headline figures, charts, sortable
// tables, a comparison, the history, and what reproduces it. REPORT.md
// specifies the data that the page carries.
//
// Thread safety: the functions keep no state.

#include <map>
#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "opsbench/results/comparison.h"
#include "opsbench/results/history.h"
#include "opsbench/results/report_figure.h"
#include "opsbench/results/run_store.h"

namespace opsbench::results {

// What a check of the run's effects found, good or bad.
struct ReportCheck {
  std::string text;
  bool ok = false;
};

struct ReportData {
  Run run;
  std::vector<ReportCheck> checks;

  // What the run is compared with. Each is of use without the other: samples of
  // the base appear beside those of the run, verdicts in a section of their
  // own.
  absl::optional<Run> base;
  absl::optional<Comparison> comparison;

  // Shown are the series of the run's own benchmarks at its scale.
  absl::optional<HistoryView> history;
  std::vector<BadHistoryLine> bad_history_lines;

  // By area, shown before those that are planned from benchmarks' names.
  std::map<std::string, std::vector<ReportFigure>> figures;

  // What measures the same again, for a shell; empty: as run.json tells it.
  std::vector<std::string> commands;
};

// UTF-8 text that refers to nothing outside of itself, whatever the run's names
// and messages hold.
std::string RenderHtmlReport(const ReportData& data);

// The data alone, as the page carries it.
std::string RenderReportJson(const ReportData& data);

}  // namespace opsbench::results

#endif  // OPSBENCH_RESULTS_REPORT_H_
