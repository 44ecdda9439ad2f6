#ifndef OPSBENCH_BENCHMARKS_VECTOR_CORE_H_
#define OPSBENCH_BENCHMARKS_VECTOR_CORE_H_

// What exact vector search is made of: distance kernels, the ground truth,
// counting recall.
//
// Thread safety: called once, before benchmarks run.

#include "bench_main.h"

namespace opsbench::vector {

void RegisterCore(const BenchOptions& options);

}  // namespace opsbench::vector

#endif  // OPSBENCH_BENCHMARKS_VECTOR_CORE_H_
