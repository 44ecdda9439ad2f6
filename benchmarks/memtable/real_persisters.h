#ifndef OPSBENCH_BENCHMARKS_MEMTABLE_REAL_PERSISTERS_H_
#define OPSBENCH_BENCHMARKS_MEMTABLE_REAL_PERSISTERS_H_

// Persisters that write to real engines: those that the environment names, else
// private servers for the life of the process, started when first used.
//
// Thread safety: for one thread.

#include <vector>

#include "memtable/flushes.h"

namespace opsbench::memtable_bench {

// Each begins with an empty table (or keys) of its own and removes it at the
// end: see opsbench/memtable/bench_target.h.
std::vector<PersisterChoice> RealPersisters();

}  // namespace opsbench::memtable_bench

#endif  // OPSBENCH_BENCHMARKS_MEMTABLE_REAL_PERSISTERS_H_
