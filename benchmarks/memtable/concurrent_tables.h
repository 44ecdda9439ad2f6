#ifndef OPSBENCH_BENCHMARKS_MEMTABLE_CONCURRENT_TABLES_H_
#define OPSBENCH_BENCHMARKS_MEMTABLE_CONCURRENT_TABLES_H_

// Rivals of concurrent hash tables: TBB's, by itself and with three more of
// them as indexes, and libcuckoo's.
//
// Thread safety: as implementation.h says.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "libcuckoo/cuckoohash_map.hh"
#include "memtable/implementation.h"
#include "memtable/rows.h"
#include "memtable/seed_design.h"
#include "oneapi/tbb/concurrent_hash_map.h"
#include "opsbench/memtable/seed_item.h"

namespace opsbench::memtable_bench {

class TbbTable {
 public:
  static constexpr Abilities kAbilities = {.name = "tbb"};

  static absl::StatusOr<std::unique_ptr<TbbTable>> Create(const Shape& shape) {
    std::unique_ptr<TbbTable> result(new TbbTable(shape));
    result->Reset().IgnoreError();
    return result;
  }

  absl::Status Reset() {
    rows_ = std::make_unique<Map>(static_cast<size_t>(shape_.records));
    return absl::OkStatus();
  }

  struct Scratch {};
  Scratch MakeScratch() const { return {}; }

  bool Put(const Item& row) {
    Map::accessor place;
    rows_->insert(place, row.id);
    place->second = OwnedItem(row);
    return true;
  }

  int64_t Get(int64_t id, Scratch*) const {
    Map::const_accessor row;
    return rows_->find(row, id) ? row->second.value : kAbsent;
  }

  bool Delete(int64_t id) { return rows_->erase(id); }

  bool Update(int64_t id, int64_t value) {
    Map::accessor row;
    if (!rows_->find(row, id)) return false;
    row->second.value = value;
    return true;
  }

 private:
  using Map = tbb::concurrent_hash_map<int64_t, OwnedItem>;

  explicit TbbTable(const Shape& shape) : shape_(shape) {}

  const Shape shape_;
  std::unique_ptr<Map> rows_;
};

// A writer holds its row while it brings the indexes up to date, one entry of
// one index at a time; so no two of them can wait for each other. A reader
// copies the ids and looks at each row again.
class TbbIndexedTable {
 public:
  static constexpr Abilities kAbilities = {.name = "tbb_3_indexes",
                                           .indexes = true};

  static absl::StatusOr<std::unique_ptr<TbbIndexedTable>> Create(
      const Shape& shape) {
    std::unique_ptr<TbbIndexedTable> result(new TbbIndexedTable(shape));
    result->Reset().IgnoreError();
    return result;
  }

  absl::Status Reset() {
    const auto records = static_cast<size_t>(shape_.records);
    rows_ = std::make_unique<RowMap>(records);
    by_name_ = std::make_unique<NameMap>(records);
    by_category_ = std::make_unique<NumberMap>(size_t{kCategories});
    by_value_ = std::make_unique<NumberMap>(size_t{kValues});
    return absl::OkStatus();
  }

  struct Scratch {
    std::vector<int64_t> ids;
  };
  Scratch MakeScratch() const { return {}; }

  bool Put(const Item& row) {
    RowMap::accessor place;
    if (!rows_->insert(place, row.id)) RemoveFromIndexes(place->second);
    place->second = OwnedItem(row);
    AddToIndexes(place->second);
    return true;
  }

  int64_t Get(int64_t id, Scratch*) const {
    RowMap::const_accessor row;
    return rows_->find(row, id) ? row->second.value : kAbsent;
  }

  bool Delete(int64_t id) {
    RowMap::accessor row;
    if (!rows_->find(row, id)) return false;
    RemoveFromIndexes(row->second);
    return rows_->erase(row);
  }

  bool Update(int64_t id, int64_t value) {
    RowMap::accessor row;
    if (!rows_->find(row, id)) return false;
    RemoveFrom(row->second.value, id, by_value_.get());
    row->second.value = value;
    AddTo(value, id, by_value_.get());
    return true;
  }

  Found FindByName(std::string_view name, Scratch* scratch) const {
    return FindBy(
        *by_name_, std::string(name),
        [name](const OwnedItem& row) { return row.name == name; }, scratch);
  }
  Found FindByCategory(int64_t category, Scratch* scratch) const {
    return FindBy(
        *by_category_, category,
        [category](const OwnedItem& row) { return row.category == category; },
        scratch);
  }
  Found FindByValue(int64_t value, Scratch* scratch) const {
    return FindBy(
        *by_value_, value,
        [value](const OwnedItem& row) { return row.value == value; }, scratch);
  }

 private:
  using RowMap = tbb::concurrent_hash_map<int64_t, OwnedItem>;
  using NameMap = tbb::concurrent_hash_map<std::string, FewIds>;
  using NumberMap = tbb::concurrent_hash_map<int64_t, ManyIds>;

  explicit TbbIndexedTable(const Shape& shape) : shape_(shape) {}

  void AddToIndexes(const OwnedItem& row) {
    AddTo(row.name, row.id, by_name_.get());
    AddTo(row.category, row.id, by_category_.get());
    AddTo(row.value, row.id, by_value_.get());
  }
  void RemoveFromIndexes(const OwnedItem& row) {
    RemoveFrom(row.name, row.id, by_name_.get());
    RemoveFrom(row.category, row.id, by_category_.get());
    RemoveFrom(row.value, row.id, by_value_.get());
  }
  template <typename Map, typename Value>
  static void AddTo(const Value& value, int64_t id, Map* index) {
    typename Map::accessor ids;
    index->insert(ids, value);
    AddId(id, &ids->second);
  }
  template <typename Map, typename Value>
  static void RemoveFrom(const Value& value, int64_t id, Map* index) {
    typename Map::accessor ids;
    if (!index->find(ids, value)) return;
    RemoveId(id, &ids->second);
    if (ids->second.empty()) index->erase(ids);
  }

  template <typename Map, typename Matches>
  Found FindBy(const Map& index, const typename Map::key_type& value,
               Matches matches, Scratch* scratch) const {
    scratch->ids.clear();
    {
      typename Map::const_accessor ids;
      if (!index.find(ids, value)) return {};
      scratch->ids.assign(ids->second.begin(), ids->second.end());
    }
    Found found;
    for (const int64_t id : scratch->ids) {
      RowMap::const_accessor row;
      if (rows_->find(row, id) && matches(row->second)) found.Add(id);
    }
    return found;
  }

  const Shape shape_;
  std::unique_ptr<RowMap> rows_;
  std::unique_ptr<NameMap> by_name_;
  std::unique_ptr<NumberMap> by_category_;
  std::unique_ptr<NumberMap> by_value_;
};

class CuckooTable {
 public:
  static constexpr Abilities kAbilities = {.name = "libcuckoo"};

  static absl::StatusOr<std::unique_ptr<CuckooTable>> Create(
      const Shape& shape) {
    std::unique_ptr<CuckooTable> result(new CuckooTable(shape));
    result->Reset().IgnoreError();
    return result;
  }

  absl::Status Reset() {
    rows_ = std::make_unique<Map>(static_cast<size_t>(shape_.records));
    return absl::OkStatus();
  }

  struct Scratch {};
  Scratch MakeScratch() const { return {}; }

  bool Put(const Item& row) {
    rows_->insert_or_assign(row.id, OwnedItem(row));
    return true;
  }

  int64_t Get(int64_t id, Scratch*) const {
    int64_t value = kAbsent;
    rows_->find_fn(id, [&](const OwnedItem& row) { value = row.value; });
    return value;
  }

  bool Delete(int64_t id) { return rows_->erase(id); }

  bool Update(int64_t id, int64_t value) {
    return rows_->update_fn(id, [&](OwnedItem& row) { row.value = value; });
  }

 private:
  using Map = libcuckoo::cuckoohash_map<int64_t, OwnedItem>;

  explicit CuckooTable(const Shape& shape) : shape_(shape) {}

  const Shape shape_;
  std::unique_ptr<Map> rows_;
};

}  // namespace opsbench::memtable_bench

#endif  // OPSBENCH_BENCHMARKS_MEMTABLE_CONCURRENT_TABLES_H_
