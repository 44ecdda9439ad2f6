#ifndef OPSBENCH_MEMTABLE_INTERNAL_READER_H_
#define OPSBENCH_MEMTABLE_INTERNAL_READER_H_

// Reads over several tables, newest first: of a view, which sees the latest
// versions, or of a snapshot.
//
// Thread safety: as the tables; valid while their pin or snapshot lives.

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/types/span.h"
#include "opsbench/memtable/internal/hash.h"
#include "opsbench/memtable/internal/seeded_bugs.h"
#include "opsbench/memtable/internal/table.h"

namespace opsbench::memtable::internal {

template <typename Schema>
class Reader {
 public:
  using Row = typename Schema::Row;
  using Rec = Record<Schema>;
  using KeyType = typename Schema::KeyType;
  using TableType = Table<Schema>;

  Reader(absl::Span<TableBase* const> tables, uint64_t stamp)
      : tables_(tables), stamp_(stamp) {}

  const Row* Get(const KeyType& key) const { return Get(key, HashOf(key)); }
  // *removed, unless null, becomes true where the newest version is a
  // tombstone.
  const Row* Get(const KeyType& key, uint64_t hash,
                 bool* removed = nullptr) const {
    return Search([&](const TableType& table,
                      bool) { return table.Lookup(key, hash, stamp_); },
                  removed);
  }

  void MultiGet(absl::Span<const KeyType> keys,
                absl::Span<const Row*> rows) const {
    constexpr size_t kGroup = 16;
    const TableType& first = Of(tables_[0]);
    uint64_t hashes[kGroup];
    const Rec* guesses[kGroup];
    for (size_t start = 0; start < keys.size(); start += kGroup) {
      const size_t count = std::min(kGroup, keys.size() - start);
      for (size_t i = 0; i < count; ++i) {
        hashes[i] = HashOf(keys[start + i]);
        first.Prefetch(hashes[i]);
      }
      for (size_t i = 0; i < count; ++i) {
        guesses[i] = first.Guess(hashes[i]);
      }
      for (size_t i = 0; i < count; ++i) {
        const KeyType& key = keys[start + i];
        rows[start + i] = Search([&](const TableType& table, bool active) {
          return active ? table.Lookup(key, hashes[i], stamp_, guesses[i])
                        : table.Lookup(key, hashes[i], stamp_);
        });
      }
    }
  }

  // Appends, in no order.
  template <int kIndex, typename F>
  void FindBy(const typename F::Value& value,
              std::vector<const Row*>* rows) const {
    const size_t start = rows->size();
    bool late = false;
    bool chains = false;
    const auto matches = [&](const Rec* record) {
      return record->row.*F::kMember == value;
    };
    for (size_t t = 0; t < tables_.size(); ++t) {
      const TableType& table = Of(tables_[t]);
      chains |= table.template index<kIndex>().ForEachHint(
          value, [&](const Rec* hint) {
            Take<kIndex>(t, hint, matches, rows, &late);
          });
    }
    if (late || (chains && AnySuperseded(start, *rows))) {
      RemoveDoubles(start, rows);
    }
  }

  // Appends at most `limit` rows with low <= value, while `wanted(value)`, in
  // the order of values, equal ones in the order of keys.
  template <int kIndex, typename F, typename Wanted>
  void FindFrom(const typename F::Value& low, size_t limit, Wanted&& wanted,
                std::vector<const Row*>* rows) const {
    std::vector<const Row*> found;
    // Rows that changed meanwhile may leave fewer than there are: once more,
    // with as many to spare.
    for (size_t spare = 0;
         !Collect<kIndex, F>(low, limit + spare, wanted, &found) &&
         found.size() < limit;
         spare = 2 * spare + limit - found.size()) {
    }
    const auto before = [](const Row* a, const Row* b) {
      return a->*F::kMember != b->*F::kMember
                 ? a->*F::kMember < b->*F::kMember
                 : a->*Schema::kKeyMember < b->*Schema::kKeyMember;
    };
    // Those of one table are in order, but for what changes during the call.
    if (!std::is_sorted(found.begin(), found.end(), before)) {
      std::sort(found.begin(), found.end(), before);
    }
    found.resize(std::min(found.size(), limit));
    rows->insert(rows->end(), found.begin(), found.end());
  }

  // Calls fn(row) for every row, in no order.
  template <typename Fn>
  void ForEach(Fn&& fn) const {
    for (size_t t = 0; t < tables_.size(); ++t) {
      Of(tables_[t]).ForEach(stamp_, [&](const Rec* record) {
        if (!record->tombstone() && InNewer(t, record) == nullptr) {
          fn(record->row);
        }
      });
    }
  }

 private:
  // The row that lookup(table, it is the first) finds in the newest table that
  // has one.
  template <typename LookupIn>
  const Row* Search(LookupIn&& lookup, bool* removed = nullptr) const {
    for (size_t t = 0; t < tables_.size(); ++t) {
      const size_t at =
          HasBug(Bug::kReadsOldestTableFirst) ? tables_.size() - 1 - t : t;
      const Rec* const record = lookup(Of(tables_[at]), at == 0);
      if (record != nullptr) {
        if (!record->tombstone()) {
          return &record->row;
        }
        if (!HasBug(Bug::kReadsFallThroughTombstones)) {
          if (removed != nullptr) {
            *removed = true;
          }
          return nullptr;
        }
      }
      if (HasBug(Bug::kReadsIgnoreImmutables)) {
        return nullptr;
      }
    }
    return nullptr;
  }

  // Sets *rows to at least the first `count` rows for FindFrom(), in no order.
  // When false they may be fewer than there are.
  template <int kIndex, typename F, typename Wanted>
  bool Collect(const typename F::Value& low, size_t count, Wanted& wanted,
               std::vector<const Row*>* rows) const {
    rows->clear();
    bool late = false;
    bool stopped = false;
    const auto matches = [&](const Rec* record) {
      const auto& value = record->row.*F::kMember;
      return !(value < low) && wanted(value);
    };
    for (size_t t = 0; count > 0 && t < tables_.size(); ++t) {
      size_t own = 0;  // Rows of this table: others may come again.
      const TableType& table = Of(tables_[t]);
      table.template index<kIndex>().ForEachHint(low, [&](const Rec* hint) {
        if (!wanted(hint->row.*F::kMember)) {
          return false;
        }
        own += Take<kIndex>(t, hint, matches, rows, &late) ? 1 : 0;
        stopped |= own == count;
        return own < count;
      });
    }
    if (late || AnySuperseded(0, *rows)) {
      RemoveDoubles(0, rows);
      return !stopped;
    }
    return true;
  }

  static const TableType& Of(TableBase* table) {
    return *static_cast<const TableType*>(table);
  }

  // The version of the record's key in a table newer than table `t`.
  const Rec* InNewer(size_t t, const Rec* record) const {
    if (t == 0) {
      return nullptr;
    }
    const KeyType& key = record->row.*Schema::kKeyMember;
    const uint64_t hash = HashOf(key);
    for (size_t newer = 0; newer < t; ++newer) {
      if (const Rec* found = Of(tables_[newer]).Lookup(key, hash, stamp_)) {
        return found;
      }
    }
    return nullptr;
  }

  // Appends the row that a hint in table `t` stands for, if it still does, and
  // says whether that is a row of this table. Sets *late when it is another's,
  // which may stand there already.
  template <int kIndex, typename Matches>
  bool Take(size_t t, const Rec* hint, const Matches& matches,
            std::vector<const Row*>* rows, bool* late) const {
    const Rec* record = Of(tables_[t]).template Resolve<kIndex>(hint, stamp_);
    if (record == nullptr) {
      return false;
    }
    if (const Rec* newer = InNewer(t, record)) {
      // A snapshot's newer table has its own hint for it. A view's may have got
      // it when this read had passed there.
      if (stamp_ != kLatest || newer->tombstone() || !matches(newer)) {
        return false;
      }
      rows->push_back(&newer->row);
      *late = true;
      return false;
    }
    rows->push_back(&record->row);
    return true;
  }

  // Whether a row, from `start` on, is no longer the newest version. Else no
  // two of one table can be of one key.
  bool AnySuperseded(size_t start, const std::vector<const Row*>& rows) const {
    return stamp_ == kLatest &&
           std::any_of(rows.begin() + static_cast<ptrdiff_t>(start), rows.end(),
                       [](const Row* row) {
                         return RecordOf<Schema>(row)->newer.load(
                                    std::memory_order_acquire) != 0;
                       });
  }

  // Keeps the first row of each key, from `start` on.
  static void RemoveDoubles(size_t start, std::vector<const Row*>* rows) {
    absl::flat_hash_set<KeyType> keys;
    keys.reserve(rows->size() - start);
    size_t kept = start;
    for (size_t i = start; i < rows->size(); ++i) {
      if (keys.insert((*rows)[i]->*Schema::kKeyMember).second) {
        (*rows)[kept++] = (*rows)[i];
      }
    }
    rows->resize(kept);
  }

  const absl::Span<TableBase* const> tables_;
  const uint64_t stamp_;
};

}  // namespace opsbench::memtable::internal

#endif  // OPSBENCH_MEMTABLE_INTERNAL_READER_H_
