#ifndef OPSBENCH_MEMTABLE_MEMTABLE_H_
#define OPSBENCH_MEMTABLE_MEMTABLE_H_

// A concurrent in-memory table with secondary indexes in front of a persister:
// the buffer of a repository.
//
// Writes go to the active table. When that is full or too old, at Flush() and
// at Close(), it rotates: it becomes immutable, an empty one takes its place,
// and a background thread hands its changes to the persister in the order of
// keys. A table whose flush fails stays, and is tried again. Reads see the
// active table over the immutable ones. What was persisted leaves memory: a row
// that is not found here may be in the database.
//
// Thread safety: all methods may be called from any thread at any time, the
// destructor alone by one. Reads take no lock. Writes neither, but wait when
// the persister cannot keep up (MemtableOptions::max_immutables), and, where
// they must know that a key is absent, for writes that began before a rotation.
//
// Writes and Get() of one key are linearizable; finds and snapshots: see
// reads.h.
//
// Sources: stamps and epochs follow Silo (Tu et al., "Speedy Transactions in
// Multicore In-Memory Databases", SOSP 2013).

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/memtable/internal/seeded_bugs.h"
#include "opsbench/memtable/internal/table.h"
#include "opsbench/memtable/internal/table_set.h"
#include "opsbench/memtable/internal/writer.h"
#include "opsbench/memtable/limits.h"
#include "opsbench/memtable/options.h"
#include "opsbench/memtable/persister.h"
#include "opsbench/memtable/reads.h"
#include "opsbench/memtable/schema.h"

namespace opsbench::memtable {

template <typename SchemaType>
class Memtable {
 public:
  using Schema = SchemaType;
  using Row = typename Schema::Row;
  using KeyType = typename Schema::KeyType;
  using PinType = memtable::Pin<Schema>;
  using SnapshotType = memtable::Snapshot<Schema>;

  // InvalidArgument: see ValidateOptions(). ResourceExhausted: no memory for
  // two tables. `persister` must outlive the memtable.
  static absl::StatusOr<std::unique_ptr<Memtable>> Open(
      const MemtableOptions& options, Persister<Row>* persister) {
    OPSBENCH_RETURN_IF_ERROR(ValidateOptions(options));
    std::unique_ptr<Memtable> memtable(new Memtable(options));
    typename internal::Table<Schema>::Shape shape;
    shape.records = internal::TableSet::HardRecords(options);
    shape.arena_bytes = static_cast<uint64_t>(options.threshold_bytes);
    shape.batch_rows = options.batch_rows;
    shape.persister = persister;
    const uint64_t expected_bytes =
        static_cast<uint64_t>(options.threshold_records) *
        internal::RecordBytes<Schema>(kExpectedStringBytes);
    OPSBENCH_ASSIGN_OR_RETURN(
        memtable->set_,
        internal::TableSet::Create(
            options,
            [shape, expected_bytes, budget = &memtable->budget_]()
                -> absl::StatusOr<std::unique_ptr<internal::TableBase>> {
              OPSBENCH_ASSIGN_OR_RETURN(
                  auto table, internal::Table<Schema>::Create(shape, budget));
              table->arena().Prefault(expected_bytes);
              return table;
            }));
    memtable->writer_ = std::make_unique<internal::Writer<Schema>>(
        memtable->set_.get(),
        std::clamp(expected_bytes / 16, kMinChunkBytes, kMaxChunkBytes) / 8 *
            8);
    return memtable;
  }

  // Closes; what the persister does not take then is lost.
  ~Memtable() {
    if (set_ != nullptr) {
      set_->Close().IgnoreError();
    }
  }

  // --- Writes ---
  //
  // Beside what each says: InvalidArgument, the row is larger than
  // kMaxRowBytes; FailedPrecondition, after Close(); ResourceExhausted, the
  // memory budget is used up; Unavailable, stopped for stall_timeout_ms. After
  // an error nothing has changed. Views in a row are copied.

  // AlreadyExists: the key is here. The database is not asked.
  absl::Status Insert(const Row& row) {
    return writer_->template Write</*kNeedsOld=*/true>(
        row.*Schema::kKeyMember, [&row](const Row* old, Row* result) {
          *result = row;
          return old == nullptr ||
                         internal::HasBug(internal::Bug::kInsertOverwrites)
                     ? internal::Decision::kPut
                     : internal::Decision::kPresent;
        });
  }

  // Inserts or replaces.
  absl::Status Upsert(const Row& row) {
    return writer_->template Write</*kNeedsOld=*/false>(
        row.*Schema::kKeyMember, [&row](const Row*, Row* result) {
          *result = row;
          return internal::Decision::kPut;
        });
  }

  // Upserts each row, with waits for memory overlapped. Stops at the first
  // error; *written, unless null, is how many rows went in.
  absl::Status UpsertBatch(absl::Span<const Row> rows,
                           size_t* written = nullptr);

  // Atomically replaces the present row by what fn(present, &row) makes of
  // `row`, a copy of it. fn is called again when another write came between; it
  // is part of the write, so it must be short, and neither write to this
  // memtable nor take a snapshot of it. What the row's views point at must live
  // until the return. NotFound: no row here; InvalidArgument: fn changed the
  // key.
  template <typename Fn>
  absl::Status Update(const KeyType& key, Fn&& fn) {
    return writer_->template Write</*kNeedsOld=*/true>(
        key, [&](const Row* old, Row* result) {
          return old == nullptr ? internal::Decision::kAbsent
                                : Change(fn, *old, result);
        });
  }

  // The same, but inserts `fresh` where there is no row.
  template <typename Fn>
  absl::Status UpdateOrInsert(const Row& fresh, Fn&& fn) {
    return writer_->template Write</*kNeedsOld=*/true>(
        fresh.*Schema::kKeyMember, [&](const Row* old, Row* result) {
          if (old != nullptr) {
            return Change(fn, *old, result);
          }
          *result = fresh;
          return internal::Decision::kPut;
        });
  }

  // Removes the row here and, by a tombstone that is flushed, in the database;
  // whether there was one is not asked.
  absl::Status Delete(const KeyType& key) {
    return writer_->template Write</*kNeedsOld=*/false>(
        key, [&key](const Row*, Row* result) {
          *result = Row{};
          result->*Schema::kKeyMember = key;
          return internal::Decision::kRemove;
        });
  }

  // --- Reads: see reads.h ---

  PinType Pin() const { return PinType(set_.get()); }

  // Waits for the writes under way.
  SnapshotType TakeSnapshot() const { return SnapshotType(set_.get()); }

  // --- Flush ---

  // Rotates, and waits until all that was written before is persisted. The
  // persister's error when it fails meanwhile: nothing is lost, and it is tried
  // again in the background.
  absl::Status Flush() { return set_->Flush(); }

  // Takes no more writes, and flushes. After an error reads still see what is
  // not persisted, and it may be called again.
  absl::Status Close() { return set_->Close(); }

  MemtableMetrics metrics() const {
    MemtableMetrics metrics;
    set_->AddMetrics(&metrics);
    metrics.table_bytes = static_cast<int64_t>(budget_.used_bytes());
    return metrics;
  }

 private:
  // Memory is made ready for strings of this size in each row.
  static constexpr size_t kExpectedStringBytes = 16;
  // What a thread takes from the arena at once.
  static constexpr uint64_t kMinChunkBytes = 1 << 10;
  static constexpr uint64_t kMaxChunkBytes = 64 << 10;

  explicit Memtable(const MemtableOptions& options)
      : budget_(static_cast<uint64_t>(options.memory_budget_bytes)) {}

  template <typename Fn>
  static internal::Decision Change(Fn& fn, const Row& old, Row* result) {
    *result = old;
    fn(old, result);
    return result->*Schema::kKeyMember == old.*Schema::kKeyMember
               ? internal::Decision::kPut
               : internal::Decision::kKeyChanged;
  }

  internal::MemoryBudget budget_;
  std::unique_ptr<internal::TableSet> set_;
  std::unique_ptr<internal::Writer<Schema>> writer_;
};

template <typename Schema>
absl::Status Memtable<Schema>::UpsertBatch(absl::Span<const Row> rows,
                                           size_t* written) {
  constexpr size_t kGroup = 16;
  size_t done = 0;
  absl::Status status;
  while (status.ok() && done < rows.size()) {
    const auto group = rows.subspan(done, kGroup);
    writer_->Prefetch(group);
    for (size_t i = 0; i < group.size() && status.ok(); ++i) {
      status = Upsert(group[i]);
      done += status.ok() ? 1 : 0;
    }
  }
  if (written != nullptr) {
    *written = done;
  }
  return status;
}

}  // namespace opsbench::memtable

#endif  // OPSBENCH_MEMTABLE_MEMTABLE_H_
