#ifndef OPSBENCH_RESULTS_MATRIX_H_
#define OPSBENCH_RESULTS_MATRIX_H_

// How costs grow with the size of the data: runs of the same benchmarks at
// several sizes, side by side.
//
// Thread safety: the functions keep no state.

#include <cstdint>
#include <string>

#include "absl/types/span.h"
#include "opsbench/results/run_store.h"

namespace opsbench::results {

struct MatrixPoint {
  int64_t rows = 0;
  Run run;
};

struct MatrixOptions {
  // Width that tables keep to if a single column of values fits at all.
  int columns = 100;
};

// For each family of benchmarks, with the same other keys, a table: a line a
// size, a column an engine and rival; in the cells the median time and how many
// times that of the size before it is. The last line is the exponent k of the
// growth from the smallest to the largest size, time ~ rows^k: 0 for what does
// not depend on the size, 1 for a scan. "ERROR" stands for what failed, "-" for
// what is missing.
//
// REQUIRES: sizes ascend and are above 0. The keys `rows` and `items` of the
// names are taken for the size.
std::string RenderMatrix(absl::Span<const MatrixPoint> points,
                         const MatrixOptions& options = {});

}  // namespace opsbench::results

#endif  // OPSBENCH_RESULTS_MATRIX_H_
