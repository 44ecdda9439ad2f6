#ifndef OPSBENCH_BASE_CLOCK_H_
#define OPSBENCH_BASE_CLOCK_H_

// The monotonic clock that every measurement reads.
//
// Thread safety: all functions may be called from any thread.

#include <time.h>

#include <cstdint>

namespace opsbench {

inline constexpr int64_t kNanosPerSecond = 1'000'000'000;

// Nanoseconds on CLOCK_MONOTONIC since an arbitrary start. Comparable between
// the threads and processes of one machine; never goes back.
inline int64_t MonotonicNowNs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * kNanosPerSecond + now.tv_nsec;
}

}  // namespace opsbench

#endif  // OPSBENCH_BASE_CLOCK_H_
