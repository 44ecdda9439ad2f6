#ifndef OPSBENCH_VECTOR_INTERNAL_PARALLEL_H_
#define OPSBENCH_VECTOR_INTERNAL_PARALLEL_H_

// A loop whose turns are handed out to threads.
//
// Thread safety: the function may be called from several threads at once.

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace opsbench::vector::internal {

inline size_t ThreadCount(int asked) {
  if (asked > 0) return static_cast<size_t>(asked);
  return std::max(1u, std::thread::hardware_concurrency());
}

// Calls run(thread, i) for every i below `count`, from up to `threads` threads,
// the calling one among them; each turn goes to a thread that is free. What the
// turns wrote is visible when it returns.
template <typename Run>
void ParallelFor(size_t threads, size_t count, const Run& run) {
  // Only hands out numbers: the joins order what the turns write.
  std::atomic<size_t> next{0};
  const auto work = [&](size_t thread) {
    for (size_t i = next.fetch_add(1, std::memory_order_relaxed); i < count;
         i = next.fetch_add(1, std::memory_order_relaxed)) {
      run(thread, i);
    }
  };
  std::vector<std::thread> others;
  for (size_t t = 1; t < std::min(threads, count); ++t) {
    others.emplace_back(work, t);
  }
  work(0);
  for (std::thread& other : others) other.join();
}

}  // namespace opsbench::vector::internal

#endif  // OPSBENCH_VECTOR_INTERNAL_PARALLEL_H_
