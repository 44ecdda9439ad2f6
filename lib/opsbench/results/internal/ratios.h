#ifndef OPSBENCH_RESULTS_INTERNAL_RATIOS_H_
#define OPSBENCH_RESULTS_INTERNAL_RATIOS_H_

// How much faster opsbench's own implementation is than each rival, where an
// area has rivals: benchmarks whose names differ in `impl:` alone.
//
// Thread safety: pure functions.

#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "opsbench/results/internal/pivot.h"

namespace opsbench::results::internal {

struct Ratios {
  std::vector<std::string> rivals;
  struct Row {
    std::string family;
    std::string threads;  // "" where the names have none.
    // The rival's time over ours, for each rival: above 1, ours is faster.
    std::vector<absl::optional<double>> ratios;
  };
  std::vector<Row> rows;
};

// Of each family with `impl:opsbench` at its largest `items`, for one thread,
// two, and the most there are; in the order of the measurements. Left out are
// families with other keys than impl, items and threads, and those of which
// memory is the result: their counter bytes_per_row says so.
Ratios ComputeRatios(absl::Span<const Measurement> measurements);

}  // namespace opsbench::results::internal

#endif  // OPSBENCH_RESULTS_INTERNAL_RATIOS_H_
