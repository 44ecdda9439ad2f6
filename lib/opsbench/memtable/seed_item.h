#ifndef OPSBENCH_MEMTABLE_SEED_ITEM_H_
#define OPSBENCH_MEMTABLE_SEED_ITEM_H_

// The row of the seed document's benchmark, for tests and benchmarks: three
// fields with equality indexes, two of them ordered as well.
//
// Thread safety: plain values.

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "opsbench/memtable/memtable.h"

namespace opsbench::memtable {

struct Item {
  int64_t id = 0;
  std::string_view name;
  int64_t category = 0;
  int64_t value = 0;
};

using ItemSchema = Schema<Item, Key<"id", &Item::id>,
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

}  // namespace opsbench::memtable

#endif  // OPSBENCH_MEMTABLE_SEED_ITEM_H_
