#ifndef OPSBENCH_MEMTABLE_INTERNAL_THREAD_SLOTS_H_
#define OPSBENCH_MEMTABLE_INTERNAL_THREAD_SLOTS_H_

// A place for each thread in each memtable: whether it is writing, whether it
// has memory pinned, the piece of arena that it fills, its counters.
//
// Thread safety: a slot's owner is the one thread that has its index; others
// only read what is atomic.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "opsbench/memtable/internal/asymmetric_fence.h"

namespace opsbench::memtable::internal {

inline constexpr int kMaxThreads = 4096;

// The calling thread's number, below kMaxThreads, unique among living threads
// and reused after their end; -1 when there are more.
extern thread_local constinit int tls_thread_index;
int AssignThreadIndex();
inline int ThreadIndex() {
  const int index = tls_thread_index;
  return index >= 0 ? index : AssignThreadIndex();
}

struct alignas(128) ThreadSlot {
  // Odd while the owner writes, or has memory pinned: what it entered is over
  // when the number has changed.
  std::atomic<uint64_t> write_sequence{0};
  std::atomic<uint64_t> pin_sequence{0};

  // The owner's alone.
  int pin_depth = 0;
  uint64_t generation = 0;  // Of the table that the following belong to.
  char* cursor = nullptr;   // Free bytes of the arena, up to `end`.
  char* end = nullptr;
  int64_t quota = 0;  // Records that it may still write.

  // Counted by the owner, read by all.
  std::atomic<int64_t> records{0};
};

// A slot's number as it was seen while it was odd.
struct Awaited {
  const std::atomic<uint64_t>* sequence = nullptr;
  uint64_t seen = 0;

  bool Over() const {
    return sequence->load(std::memory_order_acquire) != seen;
  }
};

class ThreadSlots {
 public:
  ThreadSlots() = default;
  ~ThreadSlots();
  ThreadSlots(const ThreadSlots&) = delete;
  ThreadSlots& operator=(const ThreadSlots&) = delete;

  // The calling thread's until Release(). Threads beyond kMaxThreads take turns
  // at one slot.
  ThreadSlot* Acquire() {
    const int index = ThreadIndex();
    if (index < 0) [[unlikely]] {
      shared_mutex_.lock();
      return &shared_;
    }
    Block* block = blocks_[static_cast<size_t>(index) / kBlockSlots].load(
        std::memory_order_acquire);
    if (block == nullptr) [[unlikely]] {
      block = Allocate(static_cast<size_t>(index) / kBlockSlots);
    }
    return &(*block)[static_cast<size_t>(index) % kBlockSlots];
  }

  void Release(ThreadSlot* slot) {
    if (slot == &shared_) [[unlikely]] {
      shared_mutex_.unlock();
    }
  }

  // Records written by all threads.
  int64_t Records() const;

  // Waits until every write that was under way has ended. The caller must not
  // be inside one of its own. Afterwards it sees all that they wrote.
  void AwaitWriters() const;

  // Adds what must be over before memory can be reused that no thread can reach
  // any more, unless it did so before.
  void CollectUsers(std::vector<Awaited>* users) const;

 private:
  static constexpr size_t kBlockSlots = 64;
  using Block = std::array<ThreadSlot, kBlockSlots>;

  Block* Allocate(size_t number);

  template <typename Fn>
  void ForEach(Fn&& fn) const {
    for (const std::atomic<Block*>& pointer : blocks_) {
      // Blocks are made in no order: a thread's number says where it is.
      if (const Block* block = pointer.load(std::memory_order_acquire)) {
        for (const ThreadSlot& slot : *block) {
          fn(slot);
        }
      }
    }
    fn(shared_);
  }

  std::array<std::atomic<Block*>, kMaxThreads / kBlockSlots> blocks_{};
  ThreadSlot shared_;
  std::recursive_mutex shared_mutex_;  // A pinned thread may write.
};

// The calling thread writes while this lives.
class WriteScope {
 public:
  explicit WriteScope(ThreadSlots* slots)
      : slots_(slots), slot_(slots->Acquire()) {
    slot_->write_sequence.store(
        slot_->write_sequence.load(std::memory_order_relaxed) + 1,
        std::memory_order_relaxed);
    // What is loaded from now on was published before the fence of whoever does
    // not see this write.
    LightFence();
  }
  ~WriteScope() {
    // Release: who sees that the write is over sees what it did.
    slot_->write_sequence.store(
        slot_->write_sequence.load(std::memory_order_relaxed) + 1,
        std::memory_order_release);
    slots_->Release(slot_);
  }
  WriteScope(const WriteScope&) = delete;
  WriteScope& operator=(const WriteScope&) = delete;

  ThreadSlot* slot() const { return slot_; }

 private:
  ThreadSlots* const slots_;
  ThreadSlot* const slot_;
};

// What the calling thread can reach stays where it is while this lives. May be
// nested.
class PinScope {
 public:
  explicit PinScope(ThreadSlots* slots)
      : slots_(slots), slot_(slots->Acquire()) {
    if (slot_->pin_depth++ == 0) {
      slot_->pin_sequence.store(
          slot_->pin_sequence.load(std::memory_order_relaxed) + 1,
          std::memory_order_relaxed);
      LightFence();
    }
  }
  ~PinScope() {
    if (--slot_->pin_depth == 0) {
      // Release: its reads are over before memory is used again.
      slot_->pin_sequence.store(
          slot_->pin_sequence.load(std::memory_order_relaxed) + 1,
          std::memory_order_release);
    }
    slots_->Release(slot_);
  }
  PinScope(const PinScope&) = delete;
  PinScope& operator=(const PinScope&) = delete;

 private:
  ThreadSlots* const slots_;
  ThreadSlot* const slot_;
};

}  // namespace opsbench::memtable::internal

#endif  // OPSBENCH_MEMTABLE_INTERNAL_THREAD_SLOTS_H_
