#ifndef OPSBENCH_SERVER_INTERNAL_SLOW_DISK_CONTROL_H_
#define OPSBENCH_SERVER_INTERNAL_SLOW_DISK_CONTROL_H_

// What opsbench and the library that it loads into a server share.
//
// Thread safety: atomics, also between processes.

#include <atomic>
#include <cstdint>

namespace opsbench::internal {

// The mapped file; zeros at first. Only atomics that need no lock can be shared
// between processes.
struct SlowDiskControl {
  std::atomic<uint64_t> delay_us;
  // Processes that have loaded the library, and calls that it has delayed.
  std::atomic<uint64_t> loaded;
  std::atomic<uint64_t> delayed;
};
static_assert(std::atomic<uint64_t>::is_always_lock_free);

// What the library looks for in the environment: the file's path.
inline constexpr char kSlowDiskVariable[] = "OPSBENCH_SLOW_DISK";

}  // namespace opsbench::internal

#endif  // OPSBENCH_SERVER_INTERNAL_SLOW_DISK_CONTROL_H_
