#ifndef OPSBENCH_BENCHMARKS_MEMTABLE_OPSBENCH_TABLE_H_
#define OPSBENCH_BENCHMARKS_MEMTABLE_OPSBENCH_TABLE_H_

// opsbench's own memtable as an implementation, with a persister that only
// counts. It holds all rows of a benchmark in one table: that is measured, and
// rotation elsewhere. Each read takes a pin of its own, as the others take
// their lock for each read.
//
// Thread safety: as implementation.h says.

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "memtable/implementation.h"
#include "memtable/rows.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/memtable/memtable.h"
#include "opsbench/memtable/persisters.h"
#include "opsbench/memtable/seed_item.h"

namespace opsbench::memtable_bench {

using ThreeIndexes = memtable::Schema<
    Item, memtable::Key<"id", &Item::id>,
    memtable::Field<"name", &Item::name, memtable::kEquality>,
    memtable::Field<"category", &Item::category, memtable::kEquality>,
    memtable::Field<"value", &Item::value, memtable::kEquality>>;
using KeyOnly = memtable::Schema<Item, memtable::Key<"id", &Item::id>,
                                 memtable::Field<"name", &Item::name>,
                                 memtable::Field<"category", &Item::category>,
                                 memtable::Field<"value", &Item::value>>;
// With the two ordered indexes beside the three for equality.
using FiveIndexes = memtable::ItemSchema;

// Of a table that takes `records` from any number of threads without rotating:
// each may hold a quota of up to 64 records that it has not used.
inline memtable::MemtableOptions OneTable(int64_t records) {
  memtable::MemtableOptions options;
  options.threshold_records =
      records + 32 * std::clamp<int64_t>(records / 1024, 1, 64) + 16;
  options.threshold_bytes = int64_t{4} << 30;
  options.flush_timeout_ms = 0;
  return options;
}

template <typename Schema>
class OpsbenchTable {
 public:
  static constexpr Abilities kAbilities = {.name = "opsbench",
                                           .multi_get = true,
                                           .indexes = Schema::kIndexCount >= 3,
                                           .ordered = Schema::kIndexCount == 5};

  static absl::StatusOr<std::unique_ptr<OpsbenchTable>> Create(
      const Shape& shape) {
    std::unique_ptr<OpsbenchTable> result(new OpsbenchTable);
    OPSBENCH_ASSIGN_OR_RETURN(
        result->table_,
        Table::Open(OneTable(shape.records), &result->persister_));
    return result;
  }

  // Rotates, and waits for the flush: the next rows meet a used table again, as
  // they do in a program that has been running for a while.
  absl::Status Reset() { return table_->Flush(); }

  struct Scratch {
    std::vector<const Item*> rows;
  };
  Scratch MakeScratch() const { return {}; }

  bool Put(const Item& row) { return table_->Upsert(row).ok(); }

  int64_t Get(int64_t id, Scratch*) const {
    const auto pin = table_->Pin();
    const Item* row = pin.Get(id);
    return row == nullptr ? kAbsent : row->value;
  }

  int64_t MultiGet(absl::Span<const int64_t> ids, Scratch*) const {
    const auto pin = table_->Pin();
    std::array<const Item*, kMultiGetBatch> rows;
    pin.MultiGet(ids, absl::MakeSpan(rows.data(), ids.size()));
    int64_t sum = 0;
    for (size_t i = 0; i < ids.size(); ++i) {
      sum += rows[i] == nullptr ? kAbsent : rows[i]->value;
    }
    return sum;
  }

  bool Delete(int64_t id) { return table_->Delete(id).ok(); }

  bool Update(int64_t id, int64_t value) {
    return table_
        ->Update(id, [value](const Item&, Item* row) { row->value = value; })
        .ok();
  }

  Found FindByName(std::string_view name, Scratch* scratch) const {
    return Find(scratch, [&](const auto& pin) {
      pin.template FindBy<&Item::name>(name, &scratch->rows);
    });
  }
  Found FindByCategory(int64_t category, Scratch* scratch) const {
    return Find(scratch, [&](const auto& pin) {
      pin.template FindBy<&Item::category>(category, &scratch->rows);
    });
  }
  Found FindByValue(int64_t value, Scratch* scratch) const {
    return Find(scratch, [&](const auto& pin) {
      pin.template FindBy<&Item::value>(value, &scratch->rows);
    });
  }
  Found FindPrefix(std::string_view prefix, size_t limit,
                   Scratch* scratch) const {
    return Find(scratch, [&](const auto& pin) {
      pin.template FindPrefix<&Item::name>(prefix, &scratch->rows, limit);
    });
  }
  Found FindRange(int64_t low, int64_t high, size_t limit,
                  Scratch* scratch) const {
    return Find(scratch, [&](const auto& pin) {
      pin.template FindRange<&Item::value>(low, high, &scratch->rows, limit);
    });
  }

  memtable::MemtableMetrics metrics() const { return table_->metrics(); }

 private:
  using Table = memtable::Memtable<Schema>;

  OpsbenchTable() = default;

  template <typename Read>
  Found Find(Scratch* scratch, Read read) const {
    scratch->rows.clear();
    const auto pin = table_->Pin();
    read(pin);
    Found found;
    for (const Item* row : scratch->rows) found.Add(row->id);
    return found;
  }

  memtable::CountingPersister<Item> persister_;
  std::unique_ptr<Table> table_;  // Uses the persister until it is gone.
};

}  // namespace opsbench::memtable_bench

#endif  // OPSBENCH_BENCHMARKS_MEMTABLE_OPSBENCH_TABLE_H_
