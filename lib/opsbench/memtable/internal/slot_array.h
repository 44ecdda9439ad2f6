#ifndef OPSBENCH_MEMTABLE_INTERNAL_SLOT_ARRAY_H_
#define OPSBENCH_MEMTABLE_INTERNAL_SLOT_ARRAY_H_

// Open addressing over 8-byte slots: a tag of the hash, a flag, and an arena
// offset. A probe takes the first slot that fits or is empty, from its home on.
// A slot once taken keeps its key or value until the table is cleared, so that
// two writers of one key meet at one slot. Sized for the most records that a
// table takes: it never grows.
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
    // 0.8 full at the most: a probe stays within two lines on average.
    const auto slots = static_cast<uint64_t>(entries) * 5 / 4 + 8;
    OPSBENCH_ASSIGN_OR_RETURN(Pages pages,
                              Pages::Allocate(slots * sizeof(Slot), budget));
    return SlotArray(std::move(pages), slots);
  }

  SlotArray() = default;

  static uint64_t Make(uint64_t hash, Offset offset, bool flag = false) {
    return uint64_t{Tag(hash)} << 32 | (flag ? kFlag : 0) | offset;
  }
  static Offset OffsetOf(uint64_t slot) {
    return static_cast<Offset>(slot) & ~kFlag;
  }
  static bool FlagOf(uint64_t slot) { return (slot & kFlag) != 0; }

  struct Found {
    Slot* slot;
    uint64_t seen;  // What it held; 0: nothing, and nothing fits.
  };

  // The slot of `hash` for which same(seen) holds; otherwise the first empty
  // one on its way, which whoever wants to take it has to exchange for 0.
  template <typename Same>
  Found Find(uint64_t hash, Same&& same) const {
    const uint32_t tag = Tag(hash);
    for (Slot* slot = Home(hash);; slot = Next(slot)) {
      // Acquire: the record is looked at.
      const uint64_t seen = slot->load(std::memory_order_acquire);
      if (seen == 0 || (seen >> 32 == tag && same(seen))) {
        return {slot, seen};
      }
    }
  }

  void Prefetch(uint64_t hash) const { __builtin_prefetch(Home(hash)); }

  // What the slot holds that Find() most probably finds, told by its tag alone;
  // 0: none.
  uint64_t Guess(uint64_t hash) const {
    const uint32_t tag = Tag(hash);
    for (Slot* slot = Home(hash);; slot = Next(slot)) {
      // Acquire: the record is looked at.
      const uint64_t seen = slot->load(std::memory_order_acquire);
      if (seen == 0 || seen >> 32 == tag) {
        return seen;
      }
    }
  }

  // Every slot, for walks over all keys.
  const Slot* begin() const { return begin_; }
  const Slot* end() const { return begin_ + slots_; }

  void Clear() {
    std::memset(static_cast<void*>(begin_), 0, slots_ * sizeof(Slot));
  }

 private:
  static constexpr Offset kFlag = Offset{1} << 31;
  static_assert(kMaxArenaBytes / kOffsetUnit <= kFlag);

  SlotArray(Pages pages, uint64_t slots)
      : pages_(std::move(pages)),
        begin_(reinterpret_cast<Slot*>(pages_.data())),
        slots_(slots) {}

  Slot* Home(uint64_t hash) const {
    return begin_ + static_cast<uint64_t>(
                        static_cast<unsigned __int128>(hash) * slots_ >> 64);
  }
  Slot* Next(Slot* slot) const {
    return ++slot == begin_ + slots_ ? begin_ : slot;
  }

  // The low bits, because the high ones have chosen the home; never that of an
  // empty slot.
  static uint32_t Tag(uint64_t hash) { return static_cast<uint32_t>(hash) | 1; }

  Pages pages_;
  Slot* begin_ = nullptr;
  uint64_t slots_ = 0;
};

}  // namespace opsbench::memtable::internal

#endif  // OPSBENCH_MEMTABLE_INTERNAL_SLOT_ARRAY_H_
