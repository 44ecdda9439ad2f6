#ifndef OPSBENCH_MEMTABLE_INTERNAL_TABLE_BASE_H_
#define OPSBENCH_MEMTABLE_INTERNAL_TABLE_BASE_H_

// What rotation and flush know of a table, whatever its rows are.
//
// Thread safety: atomics from any thread; the rest as said.

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "opsbench/memtable/internal/arena.h"
#include "opsbench/memtable/options.h"

namespace opsbench::memtable::internal {

// What one call of FlushSome() did.
struct FlushStep {
  absl::Status status;
  int64_t changes = 0;  // Persisted by it.
  bool done = false;    // The whole table is persisted.
};

class TableBase {
 public:
  virtual ~TableBase() = default;

  // Makes it empty, for use again. Nobody else may know the table.
  virtual void Reset() = 0;

  // Persists the next batch in the order of keys. After a failure the next call
  // repeats that batch. REQUIRES: drained; one thread.
  virtual FlushStep FlushSome() = 0;

  Arena& arena() { return *arena_; }
  const Arena& arena() const { return *arena_; }

  // Records that writers took quota for.
  std::atomic<int64_t> claimed{0};
  // When the first of them did; 0: it is empty.
  std::atomic<int64_t> first_write_ns{0};
  // No write is under way any more: what it holds will never change.
  std::atomic<bool> drained{false};
  // Snapshots that can see it.
  std::atomic<int> snapshots{0};
  // Unique for each use of each table, in the order of their activation; set
  // before it is published.
  uint64_t generation = 0;

 protected:
  explicit TableBase(std::unique_ptr<Arena> arena) : arena_(std::move(arena)) {}

  void ResetBase() {
    arena_->Reset();
    claimed.store(0, std::memory_order_relaxed);
    first_write_ns.store(0, std::memory_order_relaxed);
    drained.store(false, std::memory_order_relaxed);
  }

 private:
  const std::unique_ptr<Arena> arena_;
};

}  // namespace opsbench::memtable::internal

#endif  // OPSBENCH_MEMTABLE_INTERNAL_TABLE_BASE_H_
