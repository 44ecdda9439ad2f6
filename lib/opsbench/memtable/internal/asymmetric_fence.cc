#include "opsbench/memtable/internal/asymmetric_fence.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

namespace opsbench::memtable::internal {
namespace {

bool Register() {
  const int64_t commands = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
  return commands >= 0 && (commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0 &&
         syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0,
                 0) == 0;
}

bool Barrier() {
  return syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
}

}  // namespace

const bool kHasMembarrier = Register();

void FullFence() {
  // An exchange instead of a fence: ThreadSanitizer knows no fences.
  static thread_local std::atomic<int> unshared{0};
  unshared.exchange(1, std::memory_order_seq_cst);
}

void HeavyFence() {
  if (!kHasMembarrier) {
    FullFence();
    return;
  }
  // A child of fork() may have to register again. Nothing may go on without
  // the barrier: LightFence() relies on it.
  if (!Barrier() && !(Register() && Barrier())) {
    std::abort();
  }
}

}  // namespace opsbench::memtable::internal
