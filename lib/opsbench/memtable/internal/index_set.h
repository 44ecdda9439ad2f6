#ifndef OPSBENCH_MEMTABLE_INTERNAL_INDEX_SET_H_
#define OPSBENCH_MEMTABLE_INTERNAL_INDEX_SET_H_

// All indexes of one table, and which of them a new version is linked into.
//
// Thread safety: Link() and the indexes' reads may run in many threads at once;
// Clear() while nothing else runs.

#include <cstdint>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "opsbench/memtable/internal/arena.h"
#include "opsbench/memtable/internal/ordered_index.h"
#include "opsbench/memtable/internal/posting_index.h"
#include "opsbench/memtable/internal/record.h"

namespace opsbench::memtable::internal {

template <typename Schema>
class IndexSet {
 public:
  using Row = typename Schema::Row;
  using Rec = Record<Schema>;

  // ResourceExhausted: no memory. REQUIRES: called once, before all else.
  absl::Status Create(Arena* arena, int64_t entries, MemoryBudget* budget) {
    absl::Status status;
    Schema::ForEachIndex(
        [&]<typename F, int kIndex>(F*, std::integral_constant<int, kIndex>) {
          if (status.ok()) {
            using Index = IndexType<static_cast<size_t>(kIndex)>;
            auto index = Index::Create(arena, entries, budget);
            status = index.status();
            if (status.ok()) {
              std::get<kIndex>(indexes_) =
                  std::make_unique<Index>(*std::move(index));
            }
          }
        });
    return status;
  }

  template <int kIndex>
  const auto& get() const {
    return *std::get<kIndex>(indexes_);
  }

  void Prefetch(const Row& row) const {
    std::apply([&](const auto&... index) { (index->Prefetch(row), ...); },
               indexes_);
  }

  void Clear() {
    std::apply([](auto&... index) { (index->Clear(), ...); }, indexes_);
  }

  struct Named {
    Rec* record;
    Offset offset;  // In the arena.
  };

  // Links `fresh`, to be published over `before` (null: nothing), where its run
  // begins; names the run's hint elsewhere. Again after a lost race, when
  // CanLinkOver(): what is linked stays so.
  void Link(const Named& fresh, const Named& before, int thread) {
    const bool follows =
        before.record != nullptr && !before.record->tombstone();
    const bool tombstone = fresh.record->tombstone();
    Schema::ForEachIndex(
        [&]<typename F, int kIndex>(F*, std::integral_constant<int, kIndex>) {
          Rec* const record = fresh.record;
          if (tombstone) {
            record->next[kIndex] = 0;
          } else if (!record->LinkedIn(kIndex)) {
            if (follows &&
                before.record->row.*F::kMember == record->row.*F::kMember) {
              record->next[kIndex] = before.record->LinkedIn(kIndex)
                                         ? before.offset
                                         : before.record->next[kIndex];
            } else {
              record->linked |= static_cast<uint8_t>(1 << kIndex);
              std::get<kIndex>(indexes_)->Link(record, fresh.offset, thread);
            }
          }
        });
  }

  // Whether Link() over another version than before can still give each run
  // just one hint: a linked record may not continue a run.
  static bool CanLinkOver(const Rec* record, const Rec* before) {
    bool can = true;
    if (before != nullptr && !before->tombstone()) {
      Schema::ForEachIndex(
          [&]<typename F, int kIndex>(F*, std::integral_constant<int, kIndex>) {
            if (record->LinkedIn(kIndex) &&
                before->row.*F::kMember == record->row.*F::kMember) {
              can = false;
            }
          });
    }
    return can;
  }

 private:
  template <size_t I>
  using IndexedField =
      std::tuple_element_t<Schema::Indexes()[I].field, typename Schema::Fields>;
  template <size_t I>
  using IndexType = std::conditional_t<
      Schema::Indexes()[I].ordered,
      OrderedIndex<Schema, IndexedField<I>, static_cast<int>(I)>,
      PostingIndex<Schema, IndexedField<I>, static_cast<int>(I)>>;
  template <typename Numbers>
  struct IndexTuple;
  template <size_t... I>
  struct IndexTuple<std::index_sequence<I...>> {
    using type = std::tuple<std::unique_ptr<IndexType<I>>...>;
  };

  typename IndexTuple<std::make_index_sequence<Schema::kIndexCount>>::type
      indexes_;
};

}  // namespace opsbench::memtable::internal

#endif  // OPSBENCH_MEMTABLE_INTERNAL_INDEX_SET_H_
