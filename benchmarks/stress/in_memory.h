#ifndef OPSBENCH_BENCHMARKS_STRESS_IN_MEMORY_H_
#define OPSBENCH_BENCHMARKS_STRESS_IN_MEMORY_H_

// What stress costs without a database: the load engine, drawing and logging of
// an operation (Overhead), and its parts.
//
// Thread safety: for one thread at a time.

#include <cstdint>

#include "absl/status/status.h"
#include "benchmark/benchmark.h"
#include "opsbench/stress/plan.h"
#include "opsbench/stress/schema.h"

namespace opsbench::stress_bench {

// Users who draw, hash and log operations on the load engine, and do nothing
// else. The time is that of the wall for one operation, all users together;
// `cpu_ns` is the processor time of one.
absl::Status RunOverhead(int users, uint64_t seed, benchmark::State& state);

// Operation by operation, as a user of the class does them.
absl::Status RunDraw(stress::UserClass user_class, uint64_t seed,
                     benchmark::State& state);

// Rows as a bulk insert makes them; the time of one.
absl::Status RunMakeRows(stress::TableSize size, uint64_t seed,
                         benchmark::State& state);

// What a read of the last `operations` operations of a user must find.
absl::Status RunExpect(int64_t operations, uint64_t seed,
                       benchmark::State& state);

// Whether the answer to a simple select of `rows` rows is right; its time.
absl::Status RunCheckAnswer(int64_t rows, uint64_t seed,
                            benchmark::State& state);

}  // namespace opsbench::stress_bench

#endif  // OPSBENCH_BENCHMARKS_STRESS_IN_MEMORY_H_
