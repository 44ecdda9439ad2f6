#ifndef OPSBENCH_BENCHMARKS_MEMTABLE_LEVELDB_TABLE_H_
#define OPSBENCH_BENCHMARKS_MEMTABLE_LEVELDB_TABLE_H_

// LevelDB on a file system in memory: a whole embedded store in the place of a
// memtable, with its log written but not synced, and a write buffer that holds
// all rows, so that nothing is compacted.
//
// Thread safety: as implementation.h says.

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "memtable/implementation.h"
#include "memtable/rows.h"

namespace leveldb {
class DB;
}

namespace opsbench::memtable_bench {

class LevelDbTable {
 public:
  // It has no atomic read-modify-write.
  static constexpr Abilities kAbilities = {.name = "leveldb_tmpfs",
                                           .update = false};

  // Unavailable: no folder can be made below /dev/shm.
  static absl::StatusOr<std::unique_ptr<LevelDbTable>> Create(const Shape&);
  ~LevelDbTable();  // Removes the folder.

  absl::Status Reset();

  struct Scratch {
    std::string value;
  };
  Scratch MakeScratch() const { return {}; }

  bool Put(const Item& row);
  int64_t Get(int64_t id, Scratch* scratch) const;
  bool Delete(int64_t id);

 private:
  explicit LevelDbTable(std::string folder);

  const std::string folder_;
  std::unique_ptr<leveldb::DB> db_;
};

}  // namespace opsbench::memtable_bench

#endif  // OPSBENCH_BENCHMARKS_MEMTABLE_LEVELDB_TABLE_H_
