#ifndef OPSBENCH_MEMTABLE_INTERNAL_RECORD_H_
#define OPSBENCH_MEMTABLE_INTERNAL_RECORD_H_

// One version of one row, in an arena.
//
// Life: filled and linked into indexes by its writer, who alone knows it;
// published by one compare-and-swap, either of the key's slot (the first
// version in this table) or of the predecessor's `newer`; settled once it is
// known to be published; superseded when its own `newer` is set. After
// publication nothing changes but `newer` and `state`. A record that lost the
// race for publication stays in index chains as garbage: nobody can reach it by
// its key.
//
// In each index, a row's versions form runs of equal values without a tombstone
// between. The first of a run is linked, the others name the first in `next`:
// that is the run's hint. So a row stands once in a chain for each run, and
// whether a hint leads to a given version is seen from that version alone.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

#include "opsbench/memtable/internal/arena.h"

namespace opsbench::memtable::internal {

// Of Record::state.
inline constexpr uint8_t kTombstone = 1;
inline constexpr uint8_t kSettled = 2;

template <typename Schema>
struct Record {
  using Row = typename Schema::Row;
  static constexpr int kIndexCount = Schema::kIndexCount;
  // An array of none is not allowed.
  static constexpr int kLinks = kIndexCount == 0 ? 1 : kIndexCount;

  // A stamp is an epoch: which snapshots see the version. 48 bits: thousands of
  // years of snapshots.
  uint64_t stamp() const { return uint64_t{stamp_high} << 32 | stamp_low; }
  void set_stamp(uint64_t stamp) {
    stamp_low = static_cast<uint32_t>(stamp);
    stamp_high = static_cast<uint16_t>(stamp >> 32);
  }

  bool tombstone() const {
    return (state.load(std::memory_order_relaxed) & kTombstone) != 0;
  }
  // Published, and the newest version in its table. Acquire: who then reads the
  // record sees what its writer wrote.
  bool SettledAndNewest() const {
    return (state.load(std::memory_order_acquire) & kSettled) != 0 &&
           newer.load(std::memory_order_acquire) == 0;
  }
  bool LinkedIn(int index) const { return (linked >> index & 1) != 0; }

  // What a read needs stands last, next to the row: fewer cache lines.
  Offset next[kLinks];  // Linked: the chain's next. Else: the hint.
  Offset prev;          // The version before; 0: none in this table.
  uint32_t stamp_low;
  uint16_t stamp_high;
  uint8_t linked;  // A bit for each index.
  std::atomic<uint8_t> state;
  std::atomic<Offset> newer;  // The version after.
  Row row;                    // Its views point behind the record.
};

// The record that a row is part of.
template <typename Schema>
const Record<Schema>* RecordOf(const typename Schema::Row* row) {
  return reinterpret_cast<const Record<Schema>*>(
      reinterpret_cast<const char*>(row) - offsetof(Record<Schema>, row));
}

// Puts the record at `offset`, whose link is *next, before the others of a
// chain.
inline void PushOnChain(std::atomic<Offset>* head, Offset* next,
                        Offset offset) {
  *next = head->load(std::memory_order_acquire);
  // Release: who finds the record sees what it holds.
  while (!head->compare_exchange_weak(*next, offset, std::memory_order_acq_rel,
                                      std::memory_order_acquire)) {
  }
}

// Brings near what a read of the record needs.
template <typename Schema>
void PrefetchRecord(const Record<Schema>* record) {
  const char* const begin = reinterpret_cast<const char*>(record);
  __builtin_prefetch(begin + offsetof(Record<Schema>, state));
  __builtin_prefetch(begin + sizeof(Record<Schema>) - 1);
}

template <typename Schema>
constexpr uint64_t RecordBytes(uint64_t string_bytes) {
  return (sizeof(Record<Schema>) + string_bytes + kOffsetUnit - 1) /
         kOffsetUnit * kOffsetUnit;
}

// Builds a record of `row` at `memory`, of RecordBytes(StringBytes(row)).
template <typename Schema>
Record<Schema>* BuildRecord(char* memory, const typename Schema::Row& row,
                            uint8_t state) {
  static_assert(alignof(Record<Schema>) <= kOffsetUnit,
                "rows are aligned to 8 bytes at most");
  auto* const record = reinterpret_cast<Record<Schema>*>(memory);
  record->prev = 0;
  new (&record->newer) std::atomic<Offset>(0);
  record->linked = 0;
  new (&record->state) std::atomic<uint8_t>(state);
  record->row = row;
  char* text = memory + sizeof(Record<Schema>);
  Schema::ForEachField([&]<typename F>(F*) {
    if constexpr (F::kIsString) {
      auto& view = record->row.*F::kMember;
      if (!view.empty()) {
        std::memcpy(text, view.data(), view.size());
        view = {text, view.size()};
        text += view.size();
      } else {
        view = {};
      }
    }
  });
  return record;
}

}  // namespace opsbench::memtable::internal

#endif  // OPSBENCH_MEMTABLE_INTERNAL_RECORD_H_
