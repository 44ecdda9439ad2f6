#ifndef OPSBENCH_MEMTABLE_TESTING_ITEM_H_
#define OPSBENCH_MEMTABLE_TESTING_ITEM_H_

// The row of ORIGINS.md's benchmark, for tests, and a persister that remembers.
//
// Thread safety: plain values; MapPersister is thread-safe.

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "opsbench/memtable/memtable.h"

namespace opsbench::memtable {

struct Item {
  int64_t id = 0;
  std::string_view name;
  int64_t category = 0;
  int64_t value = 0;
};

using ItemSchema =
    Schema<Item, Key<"id", &Item::id>,
           Field<"name", &Item::name, kEquality | kOrdered>,
           Field<"category", &Item::category, kEquality>,
           Field<"value", &Item::value, kEquality | kOrdered>>;
using ItemTable = Memtable<ItemSchema>;

// An item that owns its name.
struct OwnedItem {
  OwnedItem() = default;
  explicit OwnedItem(int64_t number)
      : id(number),
        name(absl::StrCat("item_", number)),
        category(number % 10),
        value(number % 1000) {}
  explicit OwnedItem(const Item& item)
      : id(item.id),
        name(item.name),
        category(item.category),
        value(item.value) {}

  Item view() const { return {id, name, category, value}; }

  friend bool operator==(const OwnedItem& a, const OwnedItem& b) {
    return std::tie(a.id, a.name, a.category, a.value) ==
           std::tie(b.id, b.name, b.category, b.value);
  }

  int64_t id = 0;
  std::string name;
  int64_t category = 0;
  int64_t value = 0;
};

// A database in a map, that notes how it was called.
class MapPersister : public Persister<Item> {
 public:
  absl::Status Persist(absl::Span<const Change<Item>> changes) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::vector<int64_t> keys;
    for (const Change<Item>& change : changes) {
      keys.push_back(change.row->id);
      if (change.removed) {
        rows_.erase(change.row->id);
      } else {
        rows_[change.row->id] = OwnedItem(*change.row);
      }
    }
    calls_.push_back(std::move(keys));
    return absl::OkStatus();
  }

  std::map<int64_t, OwnedItem> rows() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return rows_;
  }
  // The keys of each call.
  std::vector<std::vector<int64_t>> calls() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return calls_;
  }

 private:
  mutable std::mutex mutex_;
  std::map<int64_t, OwnedItem> rows_;
  std::vector<std::vector<int64_t>> calls_;
};

}  // namespace opsbench::memtable

#endif  // OPSBENCH_MEMTABLE_TESTING_ITEM_H_
