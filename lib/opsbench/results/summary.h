#ifndef OPSBENCH_RESULTS_SUMMARY_H_
#define OPSBENCH_RESULTS_SUMMARY_H_

// A run for people to read on a terminal.
//
// Thread safety: pure functions.

#include <string>

#include "opsbench/results/run_store.h"

namespace opsbench::results {

struct SummaryOptions {
  bool color = false;  // Errors in red, headings bold.
};

// The machine and the engines, what failed, then a table for each area and
// engine: a column for each value of the name's key `strategy` or `impl`, a row
// for the rest of the name. A cell is the time of one operation, or the rate
// where a benchmark has operations_per_second. Knows nothing of particular
// areas.
std::string RenderSummary(const Run& run, const SummaryOptions& options = {});

}  // namespace opsbench::results

#endif  // OPSBENCH_RESULTS_SUMMARY_H_
