#ifndef OPSBENCH_MEMTABLE_INTERNAL_TABLE_SET_H_
#define OPSBENCH_MEMTABLE_INTERNAL_TABLE_SET_H_

// The tables of one memtable: which are seen, when the active one rotates, how
// the others are flushed in the background and used again.
//
// Thread safety: thread-safe. On std::mutex, because ThreadSanitizer cannot see
// into a distribution's build of Abseil.
//
// Invariants: a view never changes; its first table is the active one, the
// others are immutable, newest first. A table leaves the view only when all of
// it is persisted. Tables are flushed in the order of their activation, one at
// a time. A table or view that left is used again once all who could still
// reach it have ended their write or pin, and no snapshot holds it.

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "opsbench/memtable/internal/arena.h"
#include "opsbench/memtable/internal/asymmetric_fence.h"
#include "opsbench/memtable/internal/table_base.h"
#include "opsbench/memtable/internal/thread_slots.h"
#include "opsbench/memtable/options.h"

namespace opsbench::memtable::internal {

inline constexpr int kMaxTables = 18;

struct View {
  absl::Span<TableBase* const> all() const { return {tables.data(), count}; }
  TableBase* active() const { return tables[0]; }

  std::array<TableBase*, kMaxTables> tables{};
  size_t count = 0;
  bool closed = false;  // Takes no writes.
};

class TableSet {
 public:
  using MakeTable = std::function<absl::StatusOr<std::unique_ptr<TableBase>>()>;

  // `make` is called by the caller and by a thread in the background.
  static absl::StatusOr<std::unique_ptr<TableSet>> Create(
      const MemtableOptions& options, MakeTable make);
  // What is not persisted is lost: Close() first.
  ~TableSet();

  // What a table must have room for: the last tenth is for writers who meet a
  // full table before it could be rotated.
  static int64_t HardRecords(const MemtableOptions& options);

  ThreadSlots& slots() { return slots_; }

  // REQUIRES: inside a write or pin, which keeps it valid.
  const View& view() const {
    // Acquire: the tables of the view are seen as they were prepared.
    return *view_.load(std::memory_order_acquire);
  }
  uint64_t epoch() const { return epoch_.load(std::memory_order_acquire); }

  // --- Of a writer, inside its write ---

  enum class Room {
    kYes,
    kDelay,  // Yes, but let the persister catch up afterwards: Delay().
    kNo,     // End the write, and AwaitRoom().
  };

  // Takes the right to write some more records to the view's active table, and
  // rotates it when it is full.
  Room TakeQuota(TableBase* active, ThreadSlot* slot);

  enum class Rotation {
    kDone,
    kBusy,    // Somebody is at it, or at something else that comes first.
    kNotYet,  // There is no spare table, or too many wait for their flush.
  };

  // The table has no room left. Never waits.
  Rotation NoteFull(TableBase* active);

  // --- Of a writer, outside its write ---

  void Delay();

  // Until the table of that generation is not active any more. Unavailable: not
  // in time.
  absl::Status AwaitRoom(uint64_t generation);

  // Until what is immutable now is drained.
  void Drain();

  // --- Of anyone ---

  // Begins a new epoch and waits for the writes of the one before, which it
  // returns. Adds the tables of the current view and keeps them until
  // Release().
  uint64_t TakeSnapshot(std::vector<TableBase*>* tables);
  static void Release(absl::Span<TableBase* const> tables);

  absl::Status Flush();
  absl::Status Close();
  void AddMetrics(MemtableMetrics* metrics) const;

 private:
  // What nobody finds any more, and some may still use.
  struct Retired {
    std::unique_ptr<View> view;
    TableBase* table = nullptr;
    bool collected = false;  // `users` are known.
    std::vector<Awaited> users;
  };
  using Lock = std::unique_lock<std::mutex>;

  TableSet(const MemtableOptions& options, MakeTable make);

  const View& CurrentLocked() const {
    return *view_.load(std::memory_order_relaxed);
  }
  // False when there is no spare table, or too many wait.
  bool RotateLocked(RotationReason reason);
  // Publishes `next` and retires the present view, with `gone` if not null.
  void PublishLocked(std::unique_ptr<View> next, TableBase* gone);
  std::unique_ptr<View> NewViewLocked();

  // The threads in the background.
  void RunUpkeep();
  void RunFlusher();
  void WaitLocked(Lock& lock, int64_t until_ns);
  // Each does one piece of work if there is any, and says whether there was.
  bool ReclaimLocked(Lock& lock);
  bool MakeSpareLocked(Lock& lock);
  bool RotateDueLocked();
  bool FlushLocked(Lock& lock);
  int64_t NextUpkeepLocked(int64_t now_ns) const;

  // Until all tables up to `generation` are persisted; the persister's error
  // when there were more than `failures`.
  absl::Status AwaitFlushedLocked(Lock& lock, int64_t failures,
                                  uint64_t generation);

  const MemtableOptions options_;
  const int64_t hard_records_;  // The active table takes no more.
  const int64_t quota_records_;
  const MakeTable make_table_;

  ThreadSlots slots_;
  std::atomic<const View*> view_{nullptr};
  std::atomic<uint64_t> epoch_{1};

  mutable std::mutex mutex_;      // Guards what follows.
  std::condition_variable work_;  // For those in the background.
  std::condition_variable
      changed_;  // A new view, a flush that succeeded or not.
  std::vector<std::unique_ptr<TableBase>> tables_;  // All there are.
  std::vector<TableBase*> free_tables_;             // Emptied.
  TableBase* spare_ = nullptr;                      // Ready to become active.
  int64_t make_again_ns_ = 0;  // There was no memory for another one.
  std::unique_ptr<View> view_owner_;
  // For use again, so that nothing is allocated in steady state.
  std::vector<std::unique_ptr<View>> free_views_;
  std::vector<std::vector<Awaited>> free_users_;  // Empty ones.
  std::vector<Retired> retired_;
  uint64_t next_generation_ = 1;
  bool closed_ = false;
  bool stopping_ = false;
  int64_t backoff_ms_ = 0;  // 0: the last batch succeeded.
  int64_t retry_ns_ = 0;    // When the failed batch is tried again.
  int64_t failures_ = 0;    // Failed batches so far.
  absl::Status last_failure_;
  MemtableMetrics metrics_;
  std::thread upkeep_;
  std::thread flusher_;
};

}  // namespace opsbench::memtable::internal

#endif  // OPSBENCH_MEMTABLE_INTERNAL_TABLE_SET_H_
