#ifndef OPSBENCH_RESULTS_INTERNAL_HEADLINES_H_
#define OPSBENCH_RESULTS_INTERNAL_HEADLINES_H_

// The few figures that a report of an area begins with.
//
// Thread safety: pure functions.

#include <string>
#include <vector>

#include "absl/types/span.h"
#include "opsbench/results/benchmark_json.h"

namespace opsbench::results::internal {

struct Headline {
  std::string value;    // "3.8 ×", "24.1k/s".
  std::string label;    // "Get, 8 threads".
  std::string detail;   // What it is measured against.
  bool behind = false;  // A rival is faster.
};

// Where an area has rivals: for families, those with the most rivals first, how
// much faster opsbench is than the fastest of them with the most threads. Else:
// the highest operations per second of a family. Six at most.
std::vector<Headline> Headlines(absl::Span<const BenchmarkRow> rows);

}  // namespace opsbench::results::internal

#endif  // OPSBENCH_RESULTS_INTERNAL_HEADLINES_H_
