#ifndef OPSBENCH_MEMTABLE_INTERNAL_WRITER_H_
#define OPSBENCH_MEMTABLE_INTERNAL_WRITER_H_

// One write: finds the key, builds the new version, links it into indexes,
// publishes it.
//
// Thread safety: thread-safe; lock-free but for what TableSet waits for.

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/memtable/internal/hash.h"
#include "opsbench/memtable/internal/record.h"
#include "opsbench/memtable/internal/seeded_bugs.h"
#include "opsbench/memtable/internal/table.h"
#include "opsbench/memtable/internal/table_set.h"
#include "opsbench/memtable/internal/thread_slots.h"
#include "opsbench/memtable/limits.h"

namespace opsbench::memtable::internal {

// What a write makes of a key.
enum class Decision { kPut, kRemove, kPresent, kAbsent, kKeyChanged };

template <typename Schema>
class Writer {
 public:
  using Row = typename Schema::Row;
  using Rec = Record<Schema>;
  using KeyType = typename Schema::KeyType;
  using TableType = Table<Schema>;

  Writer(TableSet* set, uint64_t chunk_bytes)
      : set_(set), chunk_bytes_(chunk_bytes) {}

  // Writes what decide(old, &row) says: `old` is the present row, nullptr when
  // there is none or kNeedsOld is false; `row` becomes the new version. It may
  // be called again when another write came between.
  template <bool kNeedsOld, typename Decide>
  absl::Status Write(const KeyType& key, Decide&& decide) {
    const uint64_t hash = HashOf(key);
    while (true) {
      Attempt attempt;
      Try<kNeedsOld>(key, hash, decide, &attempt);
      switch (attempt.outcome) {
        case Outcome::kDone:
          if (attempt.delay) [[unlikely]] {
            set_->Delay();
          }
          return absl::OkStatus();
        case Outcome::kAgain:
          break;
        case Outcome::kDrain:
          set_->Drain();
          break;
        case Outcome::kNoRoom:
          OPSBENCH_RETURN_IF_ERROR(set_->AwaitRoom(attempt.generation));
          break;
        default:
          return Error(attempt.outcome);
      }
    }
  }

  // Brings near what Write() of `rows` will touch.
  void Prefetch(absl::Span<const Row> rows) const {
    const PinScope pin(&set_->slots());
    const auto& table = *static_cast<TableType*>(set_->view().active());
    for (const Row& row : rows) {
      table.Prefetch(HashOf(row.*Schema::kKeyMember));
      table.PrefetchIndexes(row);
    }
  }

 private:
  enum class Outcome {
    kDone,
    kAgain,   // Another write of the key came between.
    kDrain,   // Absence is only certain once earlier writes have ended.
    kNoRoom,  // In the active table.
    kPresent,
    kAbsent,
    kKeyChanged,
    kTooLarge,
    kClosed,
    kNoMemory,
  };
  struct Attempt {
    Outcome outcome = Outcome::kDone;
    bool delay = false;
    uint64_t generation = 0;  // Of the table without room.
  };

  static absl::Status Error(Outcome outcome) {
    switch (outcome) {
      case Outcome::kPresent:
        return absl::AlreadyExistsError("memtable: the key exists");
      case Outcome::kAbsent:
        return absl::NotFoundError("memtable: no row with this key");
      case Outcome::kKeyChanged:
        return absl::InvalidArgumentError(
            "memtable: an update must not change the key");
      case Outcome::kTooLarge:
        return absl::InvalidArgumentError(absl::StrCat(
            "memtable: a row has more than ", kMaxRowBytes, " bytes"));
      case Outcome::kNoMemory:
        return absl::ResourceExhaustedError(
            "memtable: the memory budget is used up until a flush succeeds");
      default:
        return absl::FailedPreconditionError("memtable: it is closed");
    }
  }

  template <bool kNeedsOld, typename Decide>
  void Try(const KeyType& key, uint64_t hash, Decide& decide,
           Attempt* attempt) {
    const WriteScope scope(&set_->slots());
    // Before the view: a snapshot that does not wait for this write has begun a
    // later epoch, which is then read here.
    const uint64_t epoch = set_->epoch();
    const View& view = set_->view();
    if (view.closed) [[unlikely]] {
      attempt->outcome = Outcome::kClosed;
      return;
    }
    TableType& table = *static_cast<TableType*>(view.active());
    table.Prefetch(hash);
    Row row;
    Decision decision;
    typename TableType::Place place;
    if constexpr (kNeedsOld) {
      place = table.Find(key, hash);
      const Rec* present = place.current;
      if (present == nullptr && view.count > 1 &&
          !HasBug(Bug::kWritesIgnoreImmutables) &&
          !FindImmutable(view, key, hash, &present)) {
        attempt->outcome = Outcome::kDrain;
        return;
      }
      decision = decide(
          present == nullptr || present->tombstone() ? nullptr : &present->row,
          &row);
      table.PrefetchIndexes(row);
    } else {
      decision = decide(nullptr, &row);
      // All that is touched is on its way at once.
      table.PrefetchIndexes(row);
      place = table.Find(key, hash);
    }
    if (decision > Decision::kRemove) {
      attempt->outcome = decision == Decision::kPresent  ? Outcome::kPresent
                         : decision == Decision::kAbsent ? Outcome::kAbsent
                                                         : Outcome::kKeyChanged;
      return;
    }
    char* const memory =
        Allocate(scope.slot(), &table, Schema::StringBytes(row), attempt);
    if (memory == nullptr) {
      return;
    }
    Rec* const record = BuildRecord<Schema>(
        memory, row, decision == Decision::kRemove ? kTombstone : 0);
    const int thread = ThreadIndex();
    do {
      if (!table.Link(record, place, thread)) {
        break;
      }
      if (table.Publish(&place, record, key, hash, epoch)) {
        std::atomic<int64_t>& records = scope.slot()->records;
        records.store(records.load(std::memory_order_relaxed) + 1,
                      std::memory_order_relaxed);
        return;
      }
    } while (!kNeedsOld || HasBug(Bug::kUpdateKeepsDecision));
    // Another write came between; what was decided may no longer hold.
    attempt->outcome = Outcome::kAgain;
  }

  // The key's version in the immutable tables; false when one of them may still
  // get it.
  static bool FindImmutable(const View& view, const KeyType& key, uint64_t hash,
                            const Rec** present) {
    for (TableBase* base : view.all().subspan(1)) {
      // Acquire: a drained table is seen whole.
      if (!base->drained.load(std::memory_order_acquire) &&
          !HasBug(Bug::kInsertSkipsDrain)) {
        return false;
      }
      if (*present == nullptr) {
        *present = static_cast<TableType*>(base)->Lookup(key, hash, kLatest);
      }
    }
    return true;
  }

  // Memory for one record, and the right to write it.
  char* Allocate(ThreadSlot* slot, TableType* table, size_t string_bytes,
                 Attempt* attempt) {
    if (slot->generation != table->generation) {
      slot->generation = table->generation;
      slot->cursor = slot->end = nullptr;
      slot->quota = 0;
    }
    const uint64_t bytes = RecordBytes<Schema>(string_bytes);
    if (bytes > kMaxRowBytes) [[unlikely]] {
      attempt->outcome = Outcome::kTooLarge;
      return nullptr;
    }
    if (slot->quota == 0) [[unlikely]] {
      const TableSet::Room room = set_->TakeQuota(table, slot);
      attempt->delay = room == TableSet::Room::kDelay;
      if (room == TableSet::Room::kNo) {
        attempt->outcome = Outcome::kNoRoom;
        attempt->generation = table->generation;
        return nullptr;
      }
    }
    if (static_cast<uint64_t>(slot->end - slot->cursor) < bytes) [[unlikely]] {
      return AllocateSlow(slot, table, bytes, attempt);
    }
    --slot->quota;
    return std::exchange(slot->cursor, slot->cursor + bytes);
  }

  char* AllocateSlow(ThreadSlot* slot, TableType* table, uint64_t bytes,
                     Attempt* attempt) {
    // A large record gets memory of its own, the chunk stays.
    const bool large = bytes > chunk_bytes_ / 4;
    Arena::Failure failure;
    char* const memory =
        table->arena().Claim(large ? bytes : chunk_bytes_, &failure);
    if (memory == nullptr) {
      const TableSet::Rotation rotation = set_->NoteFull(table);
      attempt->generation = table->generation;
      if (failure == Arena::Failure::kFull ||
          rotation == TableSet::Rotation::kDone) {
        attempt->outcome = Outcome::kNoRoom;
      } else {
        attempt->outcome = rotation == TableSet::Rotation::kBusy
                               ? Outcome::kAgain
                               : Outcome::kNoMemory;
      }
      return nullptr;
    }
    --slot->quota;
    if (!large) {
      slot->cursor = memory + bytes;
      slot->end = memory + chunk_bytes_;
    }
    return memory;
  }

  TableSet* const set_;
  const uint64_t chunk_bytes_;
};

}  // namespace opsbench::memtable::internal

#endif  // OPSBENCH_MEMTABLE_INTERNAL_WRITER_H_
