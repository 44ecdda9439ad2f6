#ifndef OPSBENCH_MEMTABLE_INTERNAL_SLOT_ARRAY_H_
#define OPSBENCH_MEMTABLE_INTERNAL_SLOT_ARRAY_H_

// Open addressing over 8-byte slots: a tag of the hash, a flag, and an arena
// offset. Eight slots, one cache line, are a bucket; a probe looks at a whole
// bucket without a branch, takes the first slot that fits or is empty, and only
// then goes to the next. A slot once taken keeps its key or value until the
// table is cleared, so that two writers of one key meet at one slot. Sized for
// the most records that a table takes: it never grows.
//
// Thread safety: slots may be read and exchanged by many threads at once;
// Clear() while nothing else runs.

#include <atomic>
#include <cstdint>
#include <cstring>
#include <utility>

#include "absl/status/statusor.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/memtable/internal/arena.h"

namespace opsbench::memtable::internal {

class SlotArray {
 public:
  using Slot = std::atomic<uint64_t>;

  // For at most `entries` taken slots.
  static absl::StatusOr<SlotArray> Create(int64_t entries,
                                          MemoryBudget* budget) {
    // 0.8 full at the most: nearly all are in their first bucket or the next.
    const auto buckets = static_cast<uint64_t>(entries) * 5 / 4 / kBucket + 1;
    OPSBENCH_ASSIGN_OR_RETURN(
        Pages pages, Pages::Allocate(buckets * kBucket * sizeof(Slot), budget));
    return SlotArray(std::move(pages), buckets);
  }

  SlotArray() = default;

  static uint64_t Make(uint64_t hash, Offset offset, bool flag = false) {
    return Tag(hash) | (flag ? kFlag : 0) | offset;
  }
  static Offset OffsetOf(uint64_t slot) { return static_cast<Offset>(slot); }
  static bool FlagOf(uint64_t slot) { return (slot & kFlag) != 0; }

  struct Found {
    Slot* slot;
    uint64_t seen;  // What it held; 0: nothing, and nothing fits.
  };

  // The slot of `hash` for which same(seen) holds; otherwise the first empty
  // one on its way, which whoever wants to take it has to exchange for 0.
  template <typename Same>
  Found Find(uint64_t hash, Same&& same) const {
    const uint64_t tag = Tag(hash);
    for (Slot* bucket = Home(hash);; bucket = NextBucket(bucket)) {
      unsigned fits = 0;
      unsigned empty = 0;
      for (unsigned i = 0; i < kBucket; ++i) {
        const uint64_t seen = bucket[i].load(std::memory_order_relaxed);
        fits |= unsigned{(seen & kTagMask) == tag} << i;
        empty |= unsigned{seen == 0} << i;
      }
      for (fits &= ~empty; fits != 0; fits &= fits - 1) {
        Slot* const slot = bucket + __builtin_ctz(fits);
        // Acquire: the record is looked at.
        const uint64_t seen = slot->load(std::memory_order_acquire);
        if (same(seen)) [[likely]] {
          return {slot, seen};
        }
      }
      if (empty != 0) {
        return {bucket + __builtin_ctz(empty), 0};
      }
    }
  }

  void Prefetch(uint64_t hash) const { __builtin_prefetch(Home(hash)); }

  // What the first slot of `hash` that fits by its tag holds; 0: none.
  uint64_t Guess(uint64_t hash) const {
    const Slot* const bucket = Home(hash);
    uint64_t guess = 0;
    for (unsigned i = kBucket; i-- > 0;) {
      const uint64_t seen = bucket[i].load(std::memory_order_relaxed);
      guess = (seen & kTagMask) == Tag(hash) ? seen : guess;
    }
    return guess;
  }

  // Every slot, for walks over all keys.
  const Slot* begin() const { return begin_; }
  const Slot* end() const { return begin_ + buckets_ * kBucket; }

  void Clear() {
    std::memset(static_cast<void*>(begin_), 0,
                buckets_ * kBucket * sizeof(Slot));
  }

 private:
  static constexpr unsigned kBucket = 8;
  static constexpr uint64_t kFlag = uint64_t{1} << 32;
  static constexpr uint64_t kTagMask = ~((uint64_t{1} << 33) - 1);

  SlotArray(Pages pages, uint64_t buckets)
      : pages_(std::move(pages)),
        begin_(reinterpret_cast<Slot*>(pages_.data())),
        buckets_(buckets) {}

  Slot* Home(uint64_t hash) const {
    return begin_ +
           kBucket * static_cast<uint64_t>(
                         static_cast<unsigned __int128>(hash) * buckets_ >> 64);
  }
  Slot* NextBucket(Slot* bucket) const {
    bucket += kBucket;
    return bucket == begin_ + buckets_ * kBucket ? begin_ : bucket;
  }

  // The low bits: the high ones have chosen the home.
  static uint64_t Tag(uint64_t hash) { return hash << 33; }

  Pages pages_;
  Slot* begin_ = nullptr;
  uint64_t buckets_ = 0;
};

}  // namespace opsbench::memtable::internal

#endif  // OPSBENCH_MEMTABLE_INTERNAL_SLOT_ARRAY_H_
