// The library that is loaded into a server to make its disk slow. It stands
// alone: no part of opsbench, no C++ run-time library, no sanitizer.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>

#include "opsbench/server/internal/slow_disk_control.h"

namespace {

using opsbench::internal::SlowDiskControl;

// A delay that is lifted meanwhile is noticed after this time.
constexpr int64_t kSliceUs = 10'000;

SlowDiskControl* control = nullptr;

__attribute__((constructor)) void Load() {
  const char* const path = getenv(opsbench::internal::kSlowDiskVariable);
  const int fd = path == nullptr ? -1 : open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void* const mapped = mmap(nullptr, sizeof(SlowDiskControl),
                            PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (mapped == MAP_FAILED) return;
  control = static_cast<SlowDiskControl*>(mapped);
  control->loaded.fetch_add(1, std::memory_order_relaxed);
  // Not for the programs that the server runs, from whatever folder.
  unsetenv("LD_PRELOAD");
  unsetenv(opsbench::internal::kSlowDiskVariable);
}

int64_t NowUs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * int64_t{1'000'000} + now.tv_nsec / 1'000;
}

// No order with other memory is needed: the delay is all that is said.
int64_t DelayUs() {
  return control == nullptr ? 0
                            : static_cast<int64_t>(control->delay_us.load(
                                  std::memory_order_relaxed));
}

void Delay() {
  if (DelayUs() == 0) return;
  control->delayed.fetch_add(1, std::memory_order_relaxed);
  const int64_t start_us = NowUs();
  // Signals, which servers get often, shorten a sleep and not the delay.
  for (;;) {
    const int64_t left_us = DelayUs() - (NowUs() - start_us);
    if (left_us <= 0) return;
    const int64_t slice_us = left_us < kSliceUs ? left_us : kSliceUs;
    const timespec slice = {0, static_cast<long>(slice_us * 1'000)};
    nanosleep(&slice, nullptr);
  }
}

}  // namespace

// As the C library declares them. The system calls are made directly, which
// leaves no order of initialisation to think of.
extern "C" {

int fsync(int fd) {
  Delay();
  return static_cast<int>(syscall(SYS_fsync, fd));
}

int fdatasync(int fd) {
  Delay();
  return static_cast<int>(syscall(SYS_fdatasync, fd));
}

int syncfs(int fd) {
  Delay();
  return static_cast<int>(syscall(SYS_syncfs, fd));
}

int sync_file_range(int fd, off64_t offset, off64_t count, unsigned flags) {
  Delay();
  return static_cast<int>(
      syscall(SYS_sync_file_range, fd, offset, count, flags));
}

int msync(void* start, size_t size, int flags) {
  Delay();
  return static_cast<int>(syscall(SYS_msync, start, size, flags));
}

}  // extern "C"
