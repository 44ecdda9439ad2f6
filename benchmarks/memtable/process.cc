#include "memtable/process.h"

#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <new>
#include <string>

#include "absl/status/status.h"

#if defined(__SANITIZE_THREAD__)
#define OPSBENCH_THREAD_SANITIZER
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define OPSBENCH_THREAD_SANITIZER
#endif
#endif

#ifdef OPSBENCH_THREAD_SANITIZER
// The child that is measured makes threads of its own, which ThreadSanitizer
// refuses by default after a fork of a process with threads.
extern "C" const char* __tsan_default_options() { return "die_after_fork=0"; }
#endif

namespace {

std::atomic<bool> counting{false};
std::atomic<int64_t> allocations{0};

// Otherwise a branch on a line that nobody writes: rivals that allocate are not
// slowed by being watched.
void Count() {
  if (counting.load(std::memory_order_relaxed)) {
    allocations.fetch_add(1, std::memory_order_relaxed);
  }
}

void* OrThrow(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

// The array and nothrow forms call these.
void* operator new(size_t bytes) {
  Count();
  return OrThrow(std::malloc(bytes == 0 ? 1 : bytes));
}
void* operator new(size_t bytes, std::align_val_t alignment) {
  Count();
  void* memory = nullptr;
  if (posix_memalign(&memory, static_cast<size_t>(alignment), bytes) != 0) {
    memory = nullptr;
  }
  return OrThrow(memory);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t, std::align_val_t) noexcept {
  std::free(memory);
}

namespace opsbench::memtable_bench {
namespace {

// -1: the system does not tell.
int64_t PrivateDirtyBytes() {
  std::ifstream file("/proc/self/smaps_rollup");
  std::string word;
  while (file >> word) {
    int64_t kib = 0;
    if (word == "Private_Dirty:" && file >> kib) return kib * 1024;
  }
  return -1;
}

// What the child writes into its pipe.
constexpr int64_t kFailed = -2;

int64_t Measure(
    const std::function<absl::Status(const std::function<void()>&)>& fill) {
  const int64_t before = PrivateDirtyBytes();
  int64_t after = before;
  const absl::Status status = fill([&after] { after = PrivateDirtyBytes(); });
  if (!status.ok()) return kFailed;
  return before < 0 ? before : after - before;
}

}  // namespace

CountedAllocations::CountedAllocations() {
  allocations.store(0, std::memory_order_relaxed);
  counting.store(true);
}

CountedAllocations::~CountedAllocations() { counting.store(false); }

int64_t CountedAllocations::count() const {
  return allocations.load(std::memory_order_relaxed);
}

void KeepFreedMemory() {
  constexpr int kGibibyte = 1 << 30;
  mallopt(M_MMAP_MAX, 0);  // Mapped blocks go back to the system at once.
  mallopt(M_TRIM_THRESHOLD, 2 * (kGibibyte - 1));
  mallopt(M_TOP_PAD, 16 << 20);
}

absl::StatusOr<int64_t> TouchedBytes(
    const std::function<absl::Status(const std::function<void()>& measure)>&
        fill) {
  int ends[2];
  if (pipe(ends) != 0) return absl::UnavailableError("pipe() failed");
  // What is free here must not be there for the child.
  malloc_trim(0);
  const pid_t child = fork();
  if (child < 0) {
    close(ends[0]);
    close(ends[1]);
    return absl::UnavailableError("fork() failed");
  }
  if (child == 0) {
    const int64_t bytes = Measure(fill);
    const bool written = write(ends[1], &bytes, sizeof(bytes)) ==
                         static_cast<ssize_t>(sizeof(bytes));
    _exit(written ? 0 : 1);
  }
  close(ends[1]);
  int64_t bytes = kFailed;
  const bool whole = read(ends[0], &bytes, sizeof(bytes)) ==
                     static_cast<ssize_t>(sizeof(bytes));
  close(ends[0]);
  waitpid(child, nullptr, 0);
  if (!whole || bytes == kFailed) {
    return absl::InternalError("the process that was measured failed");
  }
  if (bytes < 0) return absl::UnavailableError("no /proc/self/smaps_rollup");
  return bytes;
}

}  // namespace opsbench::memtable_bench
