#ifndef OPSBENCH_BENCHMARKS_MEMTABLE_PROCESS_H_
#define OPSBENCH_BENCHMARKS_MEMTABLE_PROCESS_H_

// What the process does beside its work: allocations and memory.
//
// Thread safety: CountedAllocations is for one thread, which counts those of
// all threads; the functions are for one thread.

#include <cstdint>
#include <functional>

#include "absl/status/statusor.h"

namespace opsbench::memtable_bench {

// Counts calls of operator new, which this binary replaces, on any thread while
// it lives. REQUIRES: one at a time.
class CountedAllocations {
 public:
  CountedAllocations();
  ~CountedAllocations();
  CountedAllocations(const CountedAllocations&) = delete;
  CountedAllocations& operator=(const CountedAllocations&) = delete;

  int64_t count() const;
};

// Makes malloc() keep what was freed, so that a container that is filled again
// gets pages that are there, as ours does.
void KeepFreedMemory();

// How many bytes of memory `fill` touches in a process of its own, a fork of
// this one that ends afterwards: whichever way they are allocated, and with
// nothing that this process has freed. Counted in pages, by the kernel
// (Private_Dirty of smaps_rollup). What `fill` makes must live until the last
// call of its argument, which reads the counter.
//
// Unavailable: the system does not tell. Internal: fill() failed.
absl::StatusOr<int64_t> TouchedBytes(
    const std::function<absl::Status(const std::function<void()>& measure)>&
        fill);

}  // namespace opsbench::memtable_bench

#endif  // OPSBENCH_BENCHMARKS_MEMTABLE_PROCESS_H_
