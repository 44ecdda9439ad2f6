#ifndef OPSBENCH_MEMTABLE_INTERNAL_ASYMMETRIC_FENCE_H_
#define OPSBENCH_MEMTABLE_INTERNAL_ASYMMETRIC_FENCE_H_

// Two fences for Dekker's pattern when one side runs all the time and the other
// seldom: each side stores, fences, and loads what the other stored, and at
// least one sees the other's store. LightFence() keeps the compiler from
// reordering and costs nothing; HeavyFence() makes every running thread of the
// process pass a full barrier (membarrier(2), PRIVATE_EXPEDITED). Where the
// kernel refuses that, both are full fences.
//
// Thread safety: both may be called from any thread.

#include <atomic>

namespace opsbench::memtable::internal {

// Whether membarrier(2) works here; asked once, before main() needs it.
extern const bool kHasMembarrier;

void FullFence();

inline void LightFence() {
  if (kHasMembarrier) {
    std::atomic_signal_fence(std::memory_order_seq_cst);
  } else {
    FullFence();
  }
}

void HeavyFence();

}  // namespace opsbench::memtable::internal

#endif  // OPSBENCH_MEMTABLE_INTERNAL_ASYMMETRIC_FENCE_H_
