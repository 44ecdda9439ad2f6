#ifndef OPSBENCH_MEMTABLE_INTERNAL_FLUSH_BATCHES_H_
#define OPSBENCH_MEMTABLE_INTERNAL_FLUSH_BATCHES_H_

// A table's changes in the order of keys, and how far they are persisted.
//
// Thread safety: for one thread, the flush thread.

#include <algorithm>
#include <array>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "opsbench/memtable/internal/ordered_index.h"
#include "opsbench/memtable/internal/record.h"
#include "opsbench/memtable/internal/seeded_bugs.h"
#include "opsbench/memtable/internal/table_base.h"
#include "opsbench/memtable/persister.h"

namespace opsbench::memtable::internal {

// Sorts by `first`, stably, least significant byte first; a byte that all have
// in common costs no pass. `*other` is room to work in.
template <typename Payload>
void RadixSort(std::vector<std::pair<uint64_t, Payload>>* entries,
               std::vector<std::pair<uint64_t, Payload>>* other) {
  constexpr size_t kBuckets = 256;
  constexpr size_t kBytes = 8;
  std::array<std::array<size_t, kBuckets>, kBytes> counts{};
  for (const auto& entry : *entries) {
    for (size_t byte = 0; byte < kBytes; ++byte) {
      ++counts[byte][entry.first >> (8 * byte) & 0xff];
    }
  }
  other->resize(entries->size());
  for (size_t byte = 0; byte < kBytes; ++byte) {
    std::array<size_t, kBuckets>& count = counts[byte];
    if (std::find(count.begin(), count.end(), entries->size()) != count.end()) {
      continue;
    }
    size_t start = 0;
    for (size_t& bucket : count) {
      start += std::exchange(bucket, start);
    }
    for (const auto& entry : *entries) {
      (*other)[count[entry.first >> (8 * byte) & 0xff]++] = entry;
    }
    entries->swap(*other);
  }
}

template <typename Schema>
class FlushBatches {
 public:
  using Row = typename Schema::Row;
  using Rec = Record<Schema>;

  bool collected() const { return collected_; }

  // `for_each` calls what it is given with every record that counts.
  template <typename ForEach>
  void Collect(ForEach&& for_each) {
    entries_.clear();
    for_each([&](const Rec* record) {
      if (HasBug(Bug::kFlushSkipsTombstones) && record->tombstone()) {
        return;
      }
      entries_.emplace_back(OrderPrefix(record->row.*Schema::kKeyMember),
                            record);
    });
    RadixSort(&entries_, &other_);
    if constexpr (std::is_same_v<typename Schema::KeyType, std::string_view>) {
      SortEqualPrefixes(&entries_);
    }
    changes_.reserve(entries_.size());
    for (const auto& [prefix, record] : entries_) {
      changes_.push_back({&record->row, record->tombstone()});
    }
    collected_ = true;
  }

  // Forgets what was collected.
  void Clear() {
    changes_.clear();
    persisted_ = 0;
    collected_ = false;
  }

  FlushStep PersistNext(Persister<Row>* persister, int64_t batch_rows) {
    FlushStep step;
    const auto count =
        std::min(static_cast<size_t>(batch_rows), changes_.size() - persisted_);
    if (count > 0) {
      step.status = persister->Persist(
          absl::MakeConstSpan(changes_).subspan(persisted_, count));
      if (step.status.ok()) {
        persisted_ += count;
        step.changes = static_cast<int64_t>(count);
      }
    }
    step.done = persisted_ == changes_.size();
    return step;
  }

 private:
  // What the first 8 bytes of string keys left in no order.
  static void SortEqualPrefixes(
      std::vector<std::pair<uint64_t, const Rec*>>* entries) {
    auto begin = entries->begin();
    while (begin != entries->end()) {
      const auto end = std::find_if(
          begin, entries->end(),
          [&](const auto& entry) { return entry.first != begin->first; });
      std::sort(begin, end, [](const auto& a, const auto& b) {
        return a.second->row.*Schema::kKeyMember <
               b.second->row.*Schema::kKeyMember;
      });
      begin = end;
    }
  }

  // All keep their memory for the next flush.
  std::vector<std::pair<uint64_t, const Rec*>> entries_;
  std::vector<std::pair<uint64_t, const Rec*>> other_;
  std::vector<Change<Row>> changes_;
  size_t persisted_ = 0;
  bool collected_ = false;
};

}  // namespace opsbench::memtable::internal

#endif  // OPSBENCH_MEMTABLE_INTERNAL_FLUSH_BATCHES_H_
