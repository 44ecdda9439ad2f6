#ifndef OPSBENCH_BENCHMARKS_MEMTABLE_SEED_DESIGN_H_
#define OPSBENCH_BENCHMARKS_MEMTABLE_SEED_DESIGN_H_

// A rival of ready-made containers: the seed's design, one lock over hash maps,
// and rows that are counted references. As it was, of the standard library's
// containers that grow as they fill, and tuned, with the best that its locking
// allows: maps of the final size and compact sets of ids.
//
// Thread safety: as implementation.h says.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "memtable/implementation.h"
#include "memtable/rows.h"
#include "opsbench/memtable/seed_item.h"

namespace opsbench::memtable_bench {

// The ids under one value of an index, when tuned: few under a name, many under
// others, which a list would search from end to end for each delete.
using FewIds = absl::InlinedVector<int64_t, 2>;
using ManyIds = absl::flat_hash_set<int64_t>;

inline void AddId(int64_t id, FewIds* ids) { ids->push_back(id); }
template <typename Set>
void AddId(int64_t id, Set* ids) {
  ids->insert(id);
}
inline void RemoveId(int64_t id, FewIds* ids) {
  ids->erase(std::remove(ids->begin(), ids->end(), id), ids->end());
}
template <typename Set>
void RemoveId(int64_t id, Set* ids) {
  ids->erase(id);
}

// Lets a map of strings be searched by a view of one.
struct StringHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>()(text);
  }
};

template <bool kTuned, bool kOrdered>
class SeedDesign {
 public:
  static constexpr Abilities kAbilities = {
      .name = kTuned ? "seed_design_tuned" : "seed_design",
      .multi_get = true,
      .indexes = true,
      .ordered = kOrdered};

  static absl::StatusOr<std::unique_ptr<SeedDesign>> Create(
      const Shape& shape) {
    std::unique_ptr<SeedDesign> result(new SeedDesign(shape));
    result->Reset().IgnoreError();
    return result;
  }

  absl::Status Reset() {
    tables_ = Tables();
    if constexpr (kTuned) {
      tables_.rows.reserve(static_cast<size_t>(shape_.records));
      if constexpr (!kOrdered) {
        tables_.by_name.reserve(static_cast<size_t>(shape_.records));
      }
    }
    return absl::OkStatus();
  }

  using Reference = std::shared_ptr<const OwnedItem>;
  struct Scratch {
    std::vector<Reference> rows;
  };
  Scratch MakeScratch() const { return {}; }

  bool Put(const Item& row) {
    Replace(std::make_shared<const OwnedItem>(row));
    return true;
  }

  int64_t Get(int64_t id, Scratch*) const {
    const Reference row = Copy(id);
    return row == nullptr ? kAbsent : row->value;
  }

  // The lock once for all.
  int64_t MultiGet(absl::Span<const int64_t> ids, Scratch* scratch) const {
    scratch->rows.clear();
    {
      const std::shared_lock<std::shared_mutex> lock(mutex_);
      for (const int64_t id : ids) scratch->rows.push_back(Find(id));
    }
    int64_t sum = 0;
    for (const Reference& row : scratch->rows) {
      sum += row == nullptr ? kAbsent : row->value;
    }
    return sum;
  }

  bool Delete(int64_t id) {
    const std::unique_lock<std::shared_mutex> lock(mutex_);
    const auto found = tables_.rows.find(id);
    if (found == tables_.rows.end()) return false;
    RemoveFromIndexes(*found->second);
    tables_.rows.erase(found);
    return true;
  }

  bool Update(int64_t id, int64_t value) {
    const std::unique_lock<std::shared_mutex> lock(mutex_);
    const auto found = tables_.rows.find(id);
    if (found == tables_.rows.end()) return false;
    auto row = std::make_shared<OwnedItem>(*found->second);
    row->value = value;
    RemoveFromIndexes(*found->second);
    AddToIndexes(*row);
    found->second = std::move(row);
    return true;
  }

  Found FindByName(std::string_view name, Scratch* scratch) const {
    return FindBy(tables_.by_name, name, scratch);
  }
  Found FindByCategory(int64_t category, Scratch* scratch) const {
    return FindBy(tables_.by_category, category, scratch);
  }
  Found FindByValue(int64_t value, Scratch* scratch) const {
    return FindBy(tables_.by_value, value, scratch);
  }
  Found FindPrefix(std::string_view prefix, size_t limit,
                   Scratch* scratch) const {
    return FindFrom(
        tables_.by_name, prefix, limit,
        [&](std::string_view name) {
          return name.substr(0, prefix.size()) == prefix;
        },
        scratch);
  }
  Found FindRange(int64_t low, int64_t high, size_t limit,
                  Scratch* scratch) const {
    return FindFrom(
        tables_.by_value, low, limit,
        [&](int64_t value) { return value < high; }, scratch);
  }

 private:
  using IdsOfName =
      std::conditional_t<kTuned, FewIds, std::unordered_set<int64_t>>;
  using IdsOfNumber =
      std::conditional_t<kTuned, ManyIds, std::unordered_set<int64_t>>;
  struct Tables {
    std::unordered_map<int64_t, Reference> rows;
    std::conditional_t<
        kOrdered, std::map<std::string, IdsOfName, std::less<>>,
        std::unordered_map<std::string, IdsOfName, StringHash, std::equal_to<>>>
        by_name;
    std::unordered_map<int64_t, IdsOfNumber> by_category;
    std::conditional_t<kOrdered, std::map<int64_t, IdsOfNumber>,
                       std::unordered_map<int64_t, IdsOfNumber>>
        by_value;
  };

  explicit SeedDesign(const Shape& shape) : shape_(shape) {}

  Reference Copy(int64_t id) const {
    const std::shared_lock<std::shared_mutex> lock(mutex_);
    return Find(id);
  }
  Reference Find(int64_t id) const {
    const auto found = tables_.rows.find(id);
    return found == tables_.rows.end() ? nullptr : found->second;
  }

  void Replace(Reference row) {
    const std::unique_lock<std::shared_mutex> lock(mutex_);
    Reference& place = tables_.rows[row->id];
    if (place != nullptr) RemoveFromIndexes(*place);
    AddToIndexes(*row);
    place = std::move(row);
  }

  void AddToIndexes(const OwnedItem& row) {
    AddId(row.id, &tables_.by_name[row.name]);
    AddId(row.id, &tables_.by_category[row.category]);
    AddId(row.id, &tables_.by_value[row.value]);
  }
  void RemoveFromIndexes(const OwnedItem& row) {
    RemoveFrom(row.name, row.id, &tables_.by_name);
    RemoveFrom(row.category, row.id, &tables_.by_category);
    RemoveFrom(row.value, row.id, &tables_.by_value);
  }
  template <typename Map, typename Value>
  static void RemoveFrom(const Value& value, int64_t id, Map* index) {
    const auto found = index->find(value);
    if (found == index->end()) return;
    RemoveId(id, &found->second);
    if (found->second.empty()) index->erase(found);
  }

  template <typename Index, typename Value>
  Found FindBy(const Index& index, const Value& value, Scratch* scratch) const {
    scratch->rows.clear();
    {
      const std::shared_lock<std::shared_mutex> lock(mutex_);
      const auto found = index.find(value);
      if (found == index.end()) return {};
      for (const int64_t id : found->second) {
        scratch->rows.push_back(Find(id));
      }
    }
    return Sum(*scratch);
  }

  template <typename Index, typename Value, typename Within>
  Found FindFrom(const Index& index, const Value& low, size_t limit,
                 Within within, Scratch* scratch) const {
    scratch->rows.clear();
    {
      const std::shared_lock<std::shared_mutex> lock(mutex_);
      for (auto at = index.lower_bound(low);
           at != index.end() && within(at->first) &&
           scratch->rows.size() < limit;
           ++at) {
        for (const int64_t id : at->second) {
          if (scratch->rows.size() == limit) break;
          scratch->rows.push_back(Find(id));
        }
      }
    }
    return Sum(*scratch);
  }

  static Found Sum(const Scratch& scratch) {
    Found found;
    for (const Reference& row : scratch.rows) found.Add(row->id);
    return found;
  }

  const Shape shape_;
  mutable std::shared_mutex mutex_;  // Guards tables_.
  Tables tables_;
};

}  // namespace opsbench::memtable_bench

#endif  // OPSBENCH_BENCHMARKS_MEMTABLE_SEED_DESIGN_H_
