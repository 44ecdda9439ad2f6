#ifndef OPSBENCH_BENCHMARKS_MEMTABLE_FLAT_HASH_MAP_TABLE_H_
#define OPSBENCH_BENCHMARKS_MEMTABLE_FLAT_HASH_MAP_TABLE_H_

// absl::flat_hash_map by itself: the ceiling of one thread.
//
// Thread safety: none.

#include <cstdint>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "memtable/implementation.h"
#include "memtable/rows.h"
#include "opsbench/memtable/seed_item.h"

namespace opsbench::memtable_bench {

// No lock, no index: what the hash table alone costs.
class FlatHashMap {
 public:
  static constexpr Abilities kAbilities = {.name = "flat_hash_map",
                                           .threads = false};

  static absl::StatusOr<std::unique_ptr<FlatHashMap>> Create(
      const Shape& shape) {
    std::unique_ptr<FlatHashMap> result(new FlatHashMap(shape));
    result->Reset().IgnoreError();
    return result;
  }

  absl::Status Reset() {
    rows_ = absl::flat_hash_map<int64_t, OwnedItem>();
    rows_.reserve(static_cast<size_t>(shape_.records));
    return absl::OkStatus();
  }

  struct Scratch {};
  Scratch MakeScratch() const { return {}; }

  bool Put(const Item& row) {
    rows_.insert_or_assign(row.id, OwnedItem(row));
    return true;
  }

  int64_t Get(int64_t id, Scratch*) const {
    const auto found = rows_.find(id);
    return found == rows_.end() ? kAbsent : found->second.value;
  }

  bool Delete(int64_t id) { return rows_.erase(id) == 1; }

  bool Update(int64_t id, int64_t value) {
    const auto found = rows_.find(id);
    if (found == rows_.end()) return false;
    found->second.value = value;
    return true;
  }

 private:
  explicit FlatHashMap(const Shape& shape) : shape_(shape) {}

  const Shape shape_;
  absl::flat_hash_map<int64_t, OwnedItem> rows_;
};

}  // namespace opsbench::memtable_bench

#endif  // OPSBENCH_BENCHMARKS_MEMTABLE_FLAT_HASH_MAP_TABLE_H_
