#ifndef OPSBENCH_BENCHMARKS_MEMTABLE_ROWS_H_
#define OPSBENCH_BENCHMARKS_MEMTABLE_ROWS_H_

// The rows that every implementation is given, and the answers that they must
// lead to. Made before anything is timed.
//
// Thread safety: immutable once made; RowCache is for one thread.

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "opsbench/base/random.h"
#include "opsbench/memtable/seed_item.h"

namespace opsbench::memtable_bench {

using memtable::Item;
using memtable::OwnedItem;

// What Get() of an absent key answers; no row has this value.
inline constexpr int64_t kAbsent = -1;

inline constexpr int64_t kCategories = 10;
inline constexpr int64_t kValues = 1000;

// What a find answers: every row that it found was looked at.
struct Found {
  int64_t rows = 0;
  int64_t ids = 0;  // Their sum.

  void Add(int64_t id) {
    ++rows;
    ids += id;
  }
  friend bool operator==(const Found& a, const Found& b) {
    return a.rows == b.rows && a.ids == b.ids;
  }
};

// The items 0 to count - 1, one after the other in memory in the order in which
// they are to be visited, names as well: what is timed then reads its requests
// from the cache.
class Rows {
 public:
  explicit Rows(const std::vector<int64_t>& ids) {
    std::vector<size_t> ends;
    for (const int64_t id : ids) {
      absl::StrAppend(&names_, "item_", id);
      ends.push_back(names_.size());
    }
    rows_.reserve(ids.size());
    size_t begin = 0;
    for (size_t i = 0; i < ids.size(); ++i) {
      rows_.push_back({ids[i],
                       std::string_view(names_).substr(begin, ends[i] - begin),
                       ids[i] % kCategories, ids[i] % kValues});
      begin = ends[i];
    }
  }
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;

  absl::Span<const Item> all() const { return rows_; }

  // Thread `index` of `threads` has every row that no other one has.
  absl::Span<const Item> Slice(int index, int threads) const {
    const size_t begin = rows_.size() * index / threads;
    const size_t end = rows_.size() * (index + 1) / threads;
    return all().subspan(begin, end - begin);
  }

 private:
  std::string names_;
  std::vector<Item> rows_;
};

// Which order of the items. Reads visit them in another one than that in which
// they were put, which would be the order of memory for some implementations.
// kFresh: the next `count` items, none of which the others have.
enum class Order { kAscending, kPut, kRead, kFresh };

class RowCache {
 public:
  explicit RowCache(uint64_t seed) : seed_(seed) {}

  const Rows& Get(int64_t count, Order order) {
    std::unique_ptr<Rows>& rows = rows_[{count, order}];
    if (rows == nullptr) {
      std::vector<int64_t> ids(static_cast<size_t>(count));
      std::iota(ids.begin(), ids.end(), order == Order::kFresh ? count : 0);
      if (order != Order::kAscending) {
        Random random = Random::Stream(seed_, static_cast<uint64_t>(order),
                                       static_cast<uint64_t>(count));
        for (size_t i = ids.size(); i > 1; --i) {
          std::swap(ids[i - 1], ids[random.Below(i)]);
        }
      }
      rows = std::make_unique<Rows>(ids);
    }
    return *rows;
  }

  uint64_t seed() const { return seed_; }

 private:
  const uint64_t seed_;
  std::map<std::pair<int64_t, Order>, std::unique_ptr<Rows>> rows_;
};

// The ids below `count` that are `rest` modulo `divisor`.
inline Found ExpectedModulo(int64_t count, int64_t rest, int64_t divisor) {
  Found expected;
  for (int64_t id = rest; id < count; id += divisor) expected.Add(id);
  return expected;
}

}  // namespace opsbench::memtable_bench

#endif  // OPSBENCH_BENCHMARKS_MEMTABLE_ROWS_H_
