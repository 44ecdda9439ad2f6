#ifndef OPSBENCH_MEMTABLE_INTERNAL_TABLE_H_
#define OPSBENCH_MEMTABLE_INTERNAL_TABLE_H_

// One table: the records of a span of time, by key and by each index.
//
// Thread safety: Find(), Link(), Publish() and the reads may run in many
// threads at once, and never block (an ordered index's reads do, see there).
// Writers are inside a write of their ThreadSlot, readers inside a write or a
// pin.

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/memtable/internal/arena.h"
#include "opsbench/memtable/internal/flush_batches.h"
#include "opsbench/memtable/internal/hash.h"
#include "opsbench/memtable/internal/index_set.h"
#include "opsbench/memtable/internal/record.h"
#include "opsbench/memtable/internal/seeded_bugs.h"
#include "opsbench/memtable/internal/slot_array.h"
#include "opsbench/memtable/internal/table_base.h"
#include "opsbench/memtable/persister.h"

namespace opsbench::memtable::internal {

// Sees every version: the stamp of a read that is no snapshot's.
inline constexpr uint64_t kLatest = ~uint64_t{0};

template <typename Schema>
class Table : public TableBase {
 public:
  using Row = typename Schema::Row;
  using Rec = Record<Schema>;
  using KeyType = typename Schema::KeyType;

  struct Shape {
    int64_t records = 0;  // The most that it will ever hold.
    uint64_t arena_bytes = 0;
    int64_t batch_rows = 0;  // Of a flush.
    Persister<Row>* persister = nullptr;
  };

  static absl::StatusOr<std::unique_ptr<Table>> Create(const Shape& shape,
                                                       MemoryBudget* budget) {
    OPSBENCH_ASSIGN_OR_RETURN(std::unique_ptr<Arena> arena,
                              Arena::Create(shape.arena_bytes, budget));
    OPSBENCH_ASSIGN_OR_RETURN(SlotArray primary,
                              SlotArray::Create(shape.records, budget));
    std::unique_ptr<Table> table(
        new Table(shape, std::move(arena), std::move(primary)));
    OPSBENCH_RETURN_IF_ERROR(
        table->indexes_.Create(&table->arena(), shape.records, budget));
    return table;
  }

  // Where a key stands in this table, for a writer.
  struct Place {
    SlotArray::Slot* slot = nullptr;
    uint64_t seen = 0;       // What the slot held.
    Rec* current = nullptr;  // The newest version; none: the slot was empty.
  };

  void Prefetch(uint64_t hash) const { primary_.Prefetch(hash); }
  // The record that looks like the key's, which is on its way then; nullptr:
  // none does. After Prefetch(hash).
  const Rec* Guess(uint64_t hash) const {
    const uint64_t seen = primary_.Guess(hash);
    const Rec* const record = At(SlotArray::OffsetOf(seen));
    internal::PrefetchRecord<Schema>(record);
    return seen == 0 ? nullptr : record;
  }
  void PrefetchIndexes(const Row& row) const { indexes_.Prefetch(row); }

  Place Find(const KeyType& key, uint64_t hash) const {
    const SlotArray::Found found = primary_.Find(hash, [&](uint64_t seen) {
      return At(SlotArray::OffsetOf(seen))->row.*Schema::kKeyMember == key;
    });
    return {found.slot, found.seen,
            found.seen == 0 ? nullptr
                            : Newest(At(SlotArray::OffsetOf(found.seen)))};
  }

  // To be published over place.current; false when that has changed so that the
  // record has become garbage.
  bool Link(Rec* record, const Place& place, int thread) {
    if (!IndexSet<Schema>::CanLinkOver(record, place.current)) {
      return false;
    }
    indexes_.Link(
        {record, OffsetOf(record)},
        {place.current,
         place.current == nullptr ? Offset{0} : OffsetOf(place.current)},
        thread);
    return true;
  }

  // Makes `record` the key's newest version if that is still place->current;
  // else false, and *place is where the key stands now. `epoch` is the
  // writer's.
  bool Publish(Place* place, Rec* record, const KeyType& key, uint64_t hash,
               uint64_t epoch) {
    const Offset offset = OffsetOf(record);
    const uint64_t slot_value = SlotArray::Make(hash, offset);
    Rec* const before = place->current;
    if (before == nullptr) {
      record->prev = 0;
      record->set_stamp(epoch);
      // Release: who finds the record sees what it holds.
      if (HasBug(Bug::kSlotByStore)) {
        place->slot->store(slot_value, std::memory_order_release);
      } else if (!place->slot->compare_exchange_strong(
                     place->seen, slot_value, std::memory_order_acq_rel,
                     std::memory_order_acquire)) {
        *place = Find(key, hash);
        return false;
      }
    } else {
      record->prev = OffsetOf(before);
      // Silo's rule: a version is never older than the one that it replaces. A
      // snapshot of either epoch waits for this write, which it sees begun.
      record->set_stamp(std::max(epoch, before->stamp()));
      Offset none = 0;
      if (HasBug(Bug::kUpdateByStore)) {
        before->newer.store(offset, std::memory_order_release);
      } else if (!before->newer.compare_exchange_strong(
                     none, offset, std::memory_order_acq_rel,
                     std::memory_order_acquire)) {
        place->current = Newest(before);
        return false;
      }
      // A shorter way for those who come; whoever was faster knows better.
      place->slot->compare_exchange_strong(place->seen, slot_value,
                                           std::memory_order_acq_rel,
                                           std::memory_order_acquire);
    }
    // Release: who sees it settled sees it whole.
    record->state.store(
        record->state.load(std::memory_order_relaxed) | kSettled,
        std::memory_order_release);
    return true;
  }

  // The key's newest version, a tombstone perhaps, not newer than `stamp`;
  // nullptr: none in this table.
  const Rec* Lookup(const KeyType& key, uint64_t hash, uint64_t stamp) const {
    const Place place = Find(key, hash);
    const Rec* record = place.current;
    if (HasBug(Bug::kReadsFollowNoVersions) && record != nullptr) {
      record = At(SlotArray::OffsetOf(place.seen));
    }
    return NotNewer(record, stamp);
  }
  // The same, quicker when `guess` is what Guess() said of the key.
  const Rec* Lookup(const KeyType& key, uint64_t hash, uint64_t stamp,
                    const Rec* guess) const {
    return guess != nullptr && guess->row.*Schema::kKeyMember == key
               ? NotNewer(Newest(guess), stamp)
               : Lookup(key, hash, stamp);
  }

  // The version that a hint of index kIndex stands for, when it has the hint's
  // value and is not newer than `stamp`; else nullptr.
  template <int kIndex>
  const Rec* Resolve(const Rec* hint, uint64_t stamp) const {
    if (hint->SettledAndNewest() &&
        (stamp == kLatest || hint->stamp() <= stamp)) {
      return hint;
    }
    const KeyType& key = hint->row.*Schema::kKeyMember;
    const Rec* const record = Lookup(key, HashOf(key), stamp);
    if (record == nullptr || record == hint) {
      return record;
    }
    return !record->tombstone() && !record->LinkedIn(kIndex) &&
                   record->next[kIndex] == OffsetOf(hint)
               ? record
               : nullptr;
  }

  template <int kIndex>
  const auto& index() const {
    return indexes_.template get<kIndex>();
  }

  // Calls fn(record) with every key's newest version not newer than `stamp`,
  // in no order.
  template <typename Fn>
  void ForEach(uint64_t stamp, Fn&& fn) const {
    for (const SlotArray::Slot& slot : primary_) {
      const uint64_t seen = slot.load(std::memory_order_acquire);
      if (seen != 0) {
        const Rec* const record =
            NotNewer(Newest(At(SlotArray::OffsetOf(seen))), stamp);
        if (record != nullptr) {
          fn(record);
        }
      }
    }
  }

  void Reset() override {
    primary_.Clear();
    indexes_.Clear();
    flush_.Clear();
    ResetBase();
  }

  FlushStep FlushSome() override {
    if (!flush_.collected()) {
      flush_.Collect([this](auto&& take) { this->ForEach(kLatest, take); });
    }
    return flush_.PersistNext(persister_, batch_rows_);
  }

  Rec* At(Offset offset) const {
    return reinterpret_cast<Rec*>(base_ + uint64_t{offset} * kOffsetUnit);
  }
  Offset OffsetOf(const Rec* record) const {
    return static_cast<Offset>((reinterpret_cast<const char*>(record) - base_) /
                               kOffsetUnit);
  }

 private:
  Table(const Shape& shape, std::unique_ptr<Arena> arena, SlotArray primary)
      : TableBase(std::move(arena)),
        base_(this->arena().base()),
        batch_rows_(shape.batch_rows),
        persister_(shape.persister),
        primary_(std::move(primary)) {}

  // The version of `record`, or before it, that is not newer than `stamp`;
  // nullptr: none.
  const Rec* NotNewer(const Rec* record, uint64_t stamp) const {
    if (stamp != kLatest) {
      while (record != nullptr && record->stamp() > stamp) {
        record = record->prev == 0 ? nullptr : At(record->prev);
      }
    }
    return record;
  }

  template <typename AnyRec>
  AnyRec* Newest(AnyRec* record) const {
    // Acquire: the version is followed.
    while (const Offset newer = record->newer.load(std::memory_order_acquire)) {
      record = At(newer);
    }
    return record;
  }

  char* const base_;
  const int64_t batch_rows_;
  Persister<Row>* const persister_;
  SlotArray primary_;
  IndexSet<Schema> indexes_;
  FlushBatches<Schema> flush_;
};

}  // namespace opsbench::memtable::internal

#endif  // OPSBENCH_MEMTABLE_INTERNAL_TABLE_H_
