#ifndef OPSBENCH_MEMTABLE_READS_H_
#define OPSBENCH_MEMTABLE_READS_H_

// What can be read of a memtable, through a Pin (the latest versions) or a
// Snapshot (all rows at one moment). Both come from the Memtable.
//
// Rows are valid, and stay as they are, while the Pin or Snapshot lives, even
// when they are replaced, deleted or flushed.
//
// Through a Pin, each Get() is linearizable. A find sees, of each row, a
// version that was the latest at some moment of the call: a row that matches
// all the time is found, one that never does is not, none is found twice;
// different rows may be seen at different moments.
//
// Thread safety: a Pin belongs to the thread that made it. A Snapshot may be
// used by many threads at once. Reads take no lock, but FindRange() and
// FindPrefix().

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "opsbench/memtable/internal/hash.h"
#include "opsbench/memtable/internal/reader.h"
#include "opsbench/memtable/internal/table_set.h"
#include "opsbench/memtable/schema.h"

namespace opsbench::memtable {

// What is known here of a key.
enum class Presence {
  kUnknown,  // Nothing: the database has its row, or there is none.
  kRemoved,  // It was deleted, and the database may not know yet.
  kHere,     // Its row is here, newer than the database's.
};

template <typename Schema, typename Derived>
class Reads {
 public:
  using Row = typename Schema::Row;
  using KeyType = typename Schema::KeyType;
  template <auto member>
  using ValueOf =
      typename internal::MemberOf<std::remove_cv_t<decltype(member)>>::Value;

  // The row; nullptr: not here.
  const Row* Get(const KeyType& key) const { return reader().Get(key); }

  // The same for who has to ask the database for what is not here: a Get() does
  // not tell a deleted row, which the database may still have, from one that
  // was flushed. *row is the row or nullptr.
  Presence Lookup(const KeyType& key, const Row** row) const {
    bool removed = false;
    *row = reader().Get(key, internal::HashOf(key), &removed);
    return removed           ? Presence::kRemoved
           : *row != nullptr ? Presence::kHere
                             : Presence::kUnknown;
  }

  // rows[i] becomes the row of keys[i], or nullptr. Many keys at once overlap
  // their waits for memory. REQUIRES: as many rows as keys.
  void MultiGet(absl::Span<const KeyType> keys,
                absl::Span<const Row*> rows) const {
    reader().MultiGet(keys, rows);
  }

  // Appends the rows whose `member` is `value`, in no order. The member has a
  // kEquality index.
  template <auto member>
  void FindBy(const ValueOf<member>& value,
              std::vector<const Row*>* rows) const {
    using Index = IndexOf<member, /*ordered=*/false>;
    reader().template FindBy<Index::kNumber, typename Index::Field>(value,
                                                                    rows);
  }

  static constexpr size_t kNoLimit = ~size_t{0};

  // Appends at most `limit` rows with low <= `member` < high (absent: no end),
  // in the order of the member, then of the key. The member has a kOrdered
  // index. The first such read after writes sorts what they left.
  template <auto member>
  void FindRange(const ValueOf<member>& low,
                 const absl::optional<ValueOf<member>>& high,
                 std::vector<const Row*>* rows, size_t limit = kNoLimit) const {
    using Index = IndexOf<member, /*ordered=*/true>;
    reader().template FindFrom<Index::kNumber, typename Index::Field>(
        low, limit,
        [&](const ValueOf<member>& value) {
          return !high.has_value() || value < *high;
        },
        rows);
  }

  // Likewise the rows whose `member`, a string, begins with `prefix`.
  template <auto member>
  void FindPrefix(std::string_view prefix, std::vector<const Row*>* rows,
                  size_t limit = kNoLimit) const {
    using Index = IndexOf<member, /*ordered=*/true>;
    reader().template FindFrom<Index::kNumber, typename Index::Field>(
        prefix, limit,
        [&](std::string_view value) {
          return value.substr(0, prefix.size()) == prefix;
        },
        rows);
  }

  // Calls fn(row) for every row, in no order.
  template <typename Fn>
  void ForEach(Fn&& fn) const {
    reader().ForEach(std::forward<Fn>(fn));
  }

 private:
  template <auto member, bool ordered>
  struct IndexOf {
    static constexpr int kNumber = Schema::template IndexOn<member, ordered>();
    static_assert(kNumber < Schema::kIndexCount,
                  "the schema has no such index on this member");
    using Field = std::tuple_element_t<
        Schema::Indexes()[static_cast<size_t>(kNumber)].field,
        typename Schema::Fields>;
  };

  internal::Reader<Schema> reader() const {
    return static_cast<const Derived*>(this)->MakeReader();
  }
};

// Cheap enough for each operation; may be nested. Held for long, it keeps
// flushed tables from being used again.
template <typename Schema>
class Pin : public Reads<Schema, Pin<Schema>> {
 public:
  Pin(const Pin&) = delete;
  Pin& operator=(const Pin&) = delete;

 private:
  template <typename S>
  friend class Memtable;
  friend class Reads<Schema, Pin>;

  explicit Pin(internal::TableSet* set) : set_(set), scope_(&set->slots()) {}

  // Each operation sees the tables of its own moment.
  internal::Reader<Schema> MakeReader() const {
    return internal::Reader<Schema>(set_->view().all(), internal::kLatest);
  }

  internal::TableSet* const set_;
  const internal::PinScope scope_;
};

// Must not outlive its memtable. Held for long, it keeps flushed tables from
// being used again; too many tables so kept stop writers.
template <typename Schema>
class Snapshot : public Reads<Schema, Snapshot<Schema>> {
 public:
  ~Snapshot() { internal::TableSet::Release(tables_); }
  Snapshot(Snapshot&& other) noexcept
      : tables_(std::exchange(other.tables_, {})), stamp_(other.stamp_) {}
  Snapshot& operator=(Snapshot&& other) noexcept {
    std::swap(tables_, other.tables_);
    std::swap(stamp_, other.stamp_);
    return *this;
  }

 private:
  template <typename S>
  friend class Memtable;
  friend class Reads<Schema, Snapshot>;

  explicit Snapshot(internal::TableSet* set)
      : stamp_(set->TakeSnapshot(&tables_)) {}

  internal::Reader<Schema> MakeReader() const {
    return internal::Reader<Schema>(tables_, stamp_);
  }

  std::vector<internal::TableBase*> tables_;
  uint64_t stamp_;
};

}  // namespace opsbench::memtable

#endif  // OPSBENCH_MEMTABLE_READS_H_
