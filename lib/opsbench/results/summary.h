#ifndef OPSBENCH_RESULTS_SUMMARY_H_
#define OPSBENCH_RESULTS_SUMMARY_H_

// A run for people: what was measured where, what failed, and a table for each
// family of benchmarks.
//
// Thread safety: the functions keep no state.

#include <string>

#include "opsbench/results/run_store.h"

namespace opsbench::results {

struct SummaryOptions {
  // Width that tables keep to if a single column of values fits at all.
  int columns = 100;

  // Whether escape sequences may mark errors and titles.
  bool color = false;
};

// Several lines, each ended: failures, then machine and engines, then the
// tables of each area.
//
// A benchmark's name is read as family and keys: in
// `Sidetable/Latest/engine:mysql/strategy:like_scan/level:3/real_time` the
// family is `Sidetable/Latest`, and the suffixes that Google Benchmark appends
// (`real_time`, `iterations:8` and their like, but not `threads:8`) are
// dropped. The engine, and the strategy, impl, method or format, become
// columns; the other keys and unnamed arguments become rows. Tables that are
// too wide are split by engine, and then have the strategy in rows as well.
//
// Rivals without engines that are too wide have the headings of their columns
// broken at underscores. Where one impl stands alone, the counters that have a
// unit stand beside its times; where several do, bytes_per_row is compared in a
// table of its own, and the area ends with the rivals' times over those of
// `impl:opsbench` for its largest `items`, with one thread, two, and the most.
//
// A cell is the real time per iteration (the median of the repetitions), and
// the counter operations_per_second where there is one; "ERROR" for a
// benchmark that failed, "skipped", and "-" for one that is not there.
std::string RenderSummary(const Run& run, const SummaryOptions& options = {});

// What failed, one line each, as the summary has it; empty when nothing did.
std::string RenderFailures(const Run& run, const SummaryOptions& options = {});

}  // namespace opsbench::results

#endif  // OPSBENCH_RESULTS_SUMMARY_H_
