#ifndef OPSBENCH_BENCHMARKS_MEMTABLE_SKIP_LIST_TABLE_H_
#define OPSBENCH_BENCHMARKS_MEMTABLE_SKIP_LIST_TABLE_H_

// RocksDB's skip list, which is its memtable, without the database around it:
// no write-ahead log, no queue of writers. As in RocksDB, a row that is put
// again is a newer version beside the older one, a deleted one a tombstone.
//
// Thread safety: as implementation.h says.

#include <atomic>
#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "memtable/implementation.h"
#include "memtable/rows.h"

namespace opsbench::memtable_bench {

class SkipListTable {
 public:
  // To change a row atomically RocksDB needs its transactions.
  static constexpr Abilities kAbilities = {.name = "rocksdb_skiplist",
                                           .update = false};

  static absl::StatusOr<std::unique_ptr<SkipListTable>> Create(
      const Shape& shape);
  ~SkipListTable();

  absl::Status Reset();

  class Cursor;
  struct CursorDeleter {
    void operator()(Cursor* cursor) const;
  };
  // A cursor that a thread seeks with: one for each read would be allocated.
  struct Scratch {
    std::unique_ptr<Cursor, CursorDeleter> cursor;
  };
  Scratch MakeScratch() const;

  bool Put(const Item& row);
  int64_t Get(int64_t id, Scratch* scratch) const;
  bool Delete(int64_t id);

 private:
  struct List;

  explicit SkipListTable(const Shape& shape);

  const Shape shape_;
  std::unique_ptr<List> list_;
  std::atomic<uint64_t> sequence_{0};
};

}  // namespace opsbench::memtable_bench

#endif  // OPSBENCH_BENCHMARKS_MEMTABLE_SKIP_LIST_TABLE_H_
