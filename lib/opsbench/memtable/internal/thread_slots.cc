#include "opsbench/memtable/internal/thread_slots.h"

#include <sched.h>

#include <mutex>
#include <vector>

#include "opsbench/memtable/internal/asymmetric_fence.h"

namespace opsbench::memtable::internal {
namespace {

// Numbers that ended threads gave back, and the next that was never given.
struct Numbers {
  std::mutex mutex;
  std::vector<int> free;
  int next = 0;
};

Numbers& AllNumbers() {
  static Numbers* const numbers = new Numbers;  // Threads may outlive statics.
  return *numbers;
}

// Gives a thread's number back at its end.
struct Returner {
  ~Returner() {
    if (index >= 0) {
      Numbers& numbers = AllNumbers();
      const std::lock_guard<std::mutex> lock(numbers.mutex);
      numbers.free.push_back(index);
      tls_thread_index = -1;
    }
  }
  int index = -1;
};

void Pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

// Operations last less than a microsecond, unless their thread is not running.
void Await(const Awaited& awaited) {
  for (int spins = 0; !awaited.Over(); ++spins) {
    if (spins < 200) {
      Pause();
    } else {
      sched_yield();
    }
  }
}

}  // namespace

thread_local constinit int tls_thread_index = -1;

int AssignThreadIndex() {
  static thread_local Returner returner;
  Numbers& numbers = AllNumbers();
  const std::lock_guard<std::mutex> lock(numbers.mutex);
  if (!numbers.free.empty()) {
    returner.index = numbers.free.back();
    numbers.free.pop_back();
  } else if (numbers.next < kMaxThreads) {
    returner.index = numbers.next++;
  }
  tls_thread_index = returner.index;  // -1: asked again next time.
  return returner.index;
}

ThreadSlots::~ThreadSlots() {
  for (std::atomic<Block*>& block : blocks_) {
    delete block.load(std::memory_order_acquire);
  }
}

ThreadSlots::Block* ThreadSlots::Allocate(size_t number) {
  auto* fresh = new Block;
  Block* present = nullptr;
  if (blocks_[number].compare_exchange_strong(present, fresh,
                                              std::memory_order_acq_rel)) {
    return fresh;
  }
  delete fresh;
  return present;
}

int64_t ThreadSlots::Records() const {
  int64_t records = 0;
  ForEach([&records](const ThreadSlot& slot) {
    records += slot.records.load(std::memory_order_relaxed);
  });
  return records;
}

void ThreadSlots::AwaitWriters() const {
  HeavyFence();
  ForEach([](const ThreadSlot& slot) {
    const uint64_t seen = slot.write_sequence.load(std::memory_order_acquire);
    if (seen % 2 != 0) {
      Await({&slot.write_sequence, seen});
    }
  });
}

void ThreadSlots::CollectUsers(std::vector<Awaited>* users) const {
  HeavyFence();
  ForEach([users](const ThreadSlot& slot) {
    for (const auto* sequence : {&slot.write_sequence, &slot.pin_sequence}) {
      const uint64_t seen = sequence->load(std::memory_order_acquire);
      if (seen % 2 != 0) {
        users->push_back({sequence, seen});
      }
    }
  });
}

}  // namespace opsbench::memtable::internal
