#ifndef OPSBENCH_MEMTABLE_INTERNAL_POSTING_INDEX_H_
#define OPSBENCH_MEMTABLE_INTERNAL_POSTING_INDEX_H_

// An equality index: for each value a chain of records, newest first, through
// the records' own links. A value that several threads write at once, or that
// has many rows, gets several chains: writers do not meet on one head, and
// readers wait for several records at a time.
//
// Thread safety: Link() and ForEachHint() may run in many threads at once;
// Clear() while nothing else runs.

#include <algorithm>
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
    const auto same = [&](uint64_t seen) { return ValueOf(seen) == value; };
    SlotArray::Found found = slots_.Find(hash, same);
    while (found.seen == 0) {
      record->next[kIndex] = 0;
      // Release: who finds the record sees what it holds.
      if (found.slot->compare_exchange_strong(
              found.seen, SlotArray::Make(hash, offset),
              std::memory_order_acq_rel, std::memory_order_acquire)) {
        return;
      }
      found = slots_.Find(hash, same);
    }
    // One in so many that are added makes chains: values with few rows stay
    // small, those with many are soon read several chains at a time.
    const uint32_t draw = offset * kOffsetMultiplier;
    bool spread = draw >> 26 == 0;
    while (!SlotArray::FlagOf(found.seen)) {
      if (std::exchange(spread, false)) {
        Spread(hash, &found);
        continue;
      }
      record->next[kIndex] = SlotArray::OffsetOf(found.seen);
      if (found.slot->compare_exchange_strong(
              found.seen, SlotArray::Make(hash, offset),
              std::memory_order_acq_rel, std::memory_order_acquire)) {
        return;
      }
      spread = true;  // Others add to it as well.
    }
    PushOnChain(&BlockAt(found.seen)
                     ->lines[static_cast<size_t>(thread) % kLines]
                     .heads[draw % kLineHeads],
                &record->next[kIndex], offset);
  }

  // Calls fn(record) for each record that was linked under `value` before the
  // call, and some that were since; newest first, but when it returns true,
  // because the value has several chains.
  template <typename Fn>
  bool ForEachHint(const Value& value, Fn&& fn) const {
    const uint64_t seen =
        slots_
            .Find(HashOf(value),
                  [&](uint64_t slot) { return ValueOf(slot) == value; })
            .seen;
    if (seen == 0) {
      return false;
    }
    if (!SlotArray::FlagOf(seen)) {
      for (Offset offset = SlotArray::OffsetOf(seen); offset != 0;) {
        const Rec* const record = At(offset);
        offset = record->next[kIndex];
        __builtin_prefetch(&At(offset)->state);
        fn(record);
      }
      return false;
    }
    WalkChains(*BlockAt(seen), fn);
    return true;
  }

  void Clear() { slots_.Clear(); }

 private:
  // A line for a thread, or several threads; in each line several chains, whose
  // waits for memory overlap when they are read.
  static constexpr size_t kLines = 8;
  static constexpr size_t kLineHeads = 8;
  static constexpr size_t kLine = 64;
  static constexpr uint32_t kOffsetMultiplier = 0x9e3779b1u;

  struct alignas(kLine) Line {
    std::array<std::atomic<Offset>, kLineHeads> heads{};
  };
  struct Block {
    std::array<Line, kLines> lines;
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
    const Rec* const record = At(offset);
    if constexpr (F::kIsString) {
      // The text, before it is known from the record where it begins.
      __builtin_prefetch(reinterpret_cast<const char*>(record) + sizeof(Rec));
    }
    return record->row.*F::kMember;
  }

  // Gives the slot's value several chains, the present one the first of them;
  // without memory for that, one more record is linked on it. *found is what
  // the slot then holds.
  void Spread(uint64_t hash, SlotArray::Found* found) {
    Arena::Failure failure;
    char* const memory = arena_->Claim(sizeof(Block) + kLine, &failure);
    if (memory == nullptr) {
      return;
    }
    const auto at = reinterpret_cast<uintptr_t>(memory);
    auto* const block =
        new (reinterpret_cast<void*>((at + kLine - 1) / kLine * kLine)) Block;
    block->representative = SlotArray::OffsetOf(found->seen);
    block->lines[0].heads[0].store(SlotArray::OffsetOf(found->seen),
                                   std::memory_order_relaxed);
    const auto offset = static_cast<Offset>(
        (reinterpret_cast<char*>(block) - arena_->base()) / kOffsetUnit);
    const uint64_t spread = SlotArray::Make(hash, offset, /*flag=*/true);
    if (found->slot->compare_exchange_strong(found->seen, spread,
                                             std::memory_order_acq_rel,
                                             std::memory_order_acquire)) {
      found->seen = spread;
    }
  }

  template <typename Fn>
  void WalkChains(const Block& block, Fn& fn) const {
    std::array<Offset, kLines * kLineHeads> chains;
    size_t count = 0;
    for (const Line& line : block.lines) {
      for (const std::atomic<Offset>& head : line.heads) {
        const Offset offset = head.load(std::memory_order_acquire);
        __builtin_prefetch(&At(offset)->state);
        chains[count] = offset;
        count += offset != 0 ? 1 : 0;
      }
    }
    // One record of each chain in turn: the next ones are on their way
    // meanwhile.
    while (count > 0) {
      for (size_t i = 0; i < count; ++i) {
        const Rec* const record = At(chains[i]);
        const Offset next = record->next[kIndex];
        __builtin_prefetch(&At(next)->state);
        chains[i] = next;
        fn(record);
      }
      count = static_cast<size_t>(
          std::remove(chains.begin(), chains.begin() + count, Offset{0}) -
          chains.begin());
    }
  }

  Arena* arena_;
  SlotArray slots_;
};

}  // namespace opsbench::memtable::internal

#endif  // OPSBENCH_MEMTABLE_INTERNAL_POSTING_INDEX_H_
