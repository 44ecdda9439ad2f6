#ifndef OPSBENCH_MEMTABLE_INTERNAL_POSTING_INDEX_H_
#define OPSBENCH_MEMTABLE_INTERNAL_POSTING_INDEX_H_

// An equality index: for each value a chain of records, newest first, through
// the records' own links. A value that several threads write at once gets
// several chains, so that they do not meet on one head.
//
// Thread safety: Link() and ForEachHint() may run in many threads at once;
// Clear() while nothing else runs.

#include <array>
#include <atomic>
#include <cstdint>
#include <utility>

#include "absl/status/statusor.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/memtable/internal/arena.h"
#include "opsbench/memtable/internal/hash.h"
#include "opsbench/memtable/internal/record.h"
#include "opsbench/memtable/internal/slot_array.h"

namespace opsbench::memtable::internal {

// `F` is the indexed field, `kIndex` the index's number.
template <typename Schema, typename F, int kIndex>
class PostingIndex {
 public:
  using Rec = Record<Schema>;
  using Value = typename F::Value;

  static absl::StatusOr<PostingIndex> Create(Arena* arena, int64_t entries,
                                             MemoryBudget* budget) {
    OPSBENCH_ASSIGN_OR_RETURN(SlotArray slots,
                              SlotArray::Create(entries, budget));
    return PostingIndex(arena, std::move(slots));
  }

  void Prefetch(const typename Schema::Row& row) const {
    slots_.Prefetch(HashOf(row.*F::kMember));
  }

  // Adds `record` to its value's chain. `thread` spreads hot values.
  void Link(Rec* record, Offset offset, int thread) {
    const Value& value = record->row.*F::kMember;
    const uint64_t hash = HashOf(value);
    SlotArray::Slot* slot = slots_.Home(hash);
    uint64_t seen = slot->load(std::memory_order_acquire);
    for (;;) {
      if (seen == 0) {
        record->next[kIndex] = 0;
        // Release: who finds the record sees what it holds. Acquire on failure:
        // the slot's new record is looked at next.
        if (slot->compare_exchange_strong(seen, SlotArray::Make(hash, offset),
                                          std::memory_order_acq_rel,
                                          std::memory_order_acquire)) {
          return;
        }
      } else if (SlotArray::SameTag(seen, hash) && ValueOf(seen) == value) {
        break;
      } else {
        slot = slots_.Next(slot);
        seen = slot->load(std::memory_order_acquire);
      }
    }
    while (!SlotArray::FlagOf(seen)) {
      record->next[kIndex] = SlotArray::OffsetOf(seen);
      if (slot->compare_exchange_strong(seen, SlotArray::Make(hash, offset),
                                        std::memory_order_acq_rel,
                                        std::memory_order_acquire)) {
        return;
      }
      if (!SlotArray::FlagOf(seen)) {
        Spread(slot, hash, &seen);
      }
    }
    std::atomic<Offset>& head =
        BlockAt(seen)->heads[static_cast<size_t>(thread) % kHeads].offset;
    Offset first = head.load(std::memory_order_acquire);
    do {
      record->next[kIndex] = first;
    } while (!head.compare_exchange_weak(
        first, offset, std::memory_order_acq_rel, std::memory_order_acquire));
  }

  // Calls fn(record) for each record that was linked under `value` before the
  // call, and some that were since; newest first, but when it returns true,
  // because the value has several chains.
  template <typename Fn>
  bool ForEachHint(const Value& value, Fn&& fn) const {
    const uint64_t hash = HashOf(value);
    const SlotArray::Slot* slot = slots_.Home(hash);
    uint64_t seen = slot->load(std::memory_order_acquire);
    while (seen != 0 &&
           !(SlotArray::SameTag(seen, hash) && ValueOf(seen) == value)) {
      slot = slots_.Next(const_cast<SlotArray::Slot*>(slot));
      seen = slot->load(std::memory_order_acquire);
    }
    if (seen == 0) {
      return false;
    }
    if (!SlotArray::FlagOf(seen)) {
      Walk(SlotArray::OffsetOf(seen), fn);
      return false;
    }
    for (const Head& head : BlockAt(seen)->heads) {
      Walk(head.offset.load(std::memory_order_acquire), fn);
    }
    return true;
  }

  void Clear() { slots_.Clear(); }

 private:
  static constexpr size_t kHeads = 8;
  static constexpr size_t kLine = 64;

  struct alignas(kLine) Head {
    std::atomic<Offset> offset{0};
  };
  struct Block {
    std::array<Head, kHeads> heads;
    Offset representative = 0;  // A record that has the value.
  };

  PostingIndex(Arena* arena, SlotArray slots)
      : arena_(arena), slots_(std::move(slots)) {}

  const Rec* At(Offset offset) const {
    return reinterpret_cast<const Rec*>(arena_->base() +
                                        uint64_t{offset} * kOffsetUnit);
  }
  Block* BlockAt(uint64_t slot) const {
    return reinterpret_cast<Block*>(
        arena_->base() + uint64_t{SlotArray::OffsetOf(slot)} * kOffsetUnit);
  }
  const Value& ValueOf(uint64_t slot) const {
    const Offset offset = SlotArray::FlagOf(slot)
                              ? BlockAt(slot)->representative
                              : SlotArray::OffsetOf(slot);
    return At(offset)->row.*F::kMember;
  }

  // Gives the slot's value several chains, the present one the first of them;
  // nothing when there is no memory. *seen is what the slot then held.
  void Spread(SlotArray::Slot* slot, uint64_t hash, uint64_t* seen) {
    Arena::Failure failure;
    char* const memory = arena_->Claim(sizeof(Block) + kLine, &failure);
    if (memory == nullptr) {
      return;
    }
    const auto at = reinterpret_cast<uintptr_t>(memory);
    auto* const block =
        new (reinterpret_cast<void*>((at + kLine - 1) / kLine * kLine)) Block;
    block->representative = SlotArray::OffsetOf(*seen);
    block->heads[0].offset.store(SlotArray::OffsetOf(*seen),
                                 std::memory_order_relaxed);
    const auto offset = static_cast<Offset>(
        (reinterpret_cast<char*>(block) - arena_->base()) / kOffsetUnit);
    const uint64_t spread = SlotArray::Make(hash, offset, /*flag=*/true);
    if (slot->compare_exchange_strong(*seen, spread, std::memory_order_acq_rel,
                                      std::memory_order_acquire)) {
      *seen = spread;
    }
  }

  template <typename Fn>
  void Walk(Offset offset, Fn& fn) const {
    while (offset != 0) {
      const Rec* const record = At(offset);
      offset = record->next[kIndex];
      __builtin_prefetch(At(offset));
      fn(record);
    }
  }

  Arena* arena_;
  SlotArray slots_;
};

}  // namespace opsbench::memtable::internal

#endif  // OPSBENCH_MEMTABLE_INTERNAL_POSTING_INDEX_H_
