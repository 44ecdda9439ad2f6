#ifndef OPSBENCH_MEMTABLE_INTERNAL_ORDERED_INDEX_H_
#define OPSBENCH_MEMTABLE_INTERNAL_ORDERED_INDEX_H_

// An ordered index: writers push records on stacks, through the records' own
// links; the first range read after that sorts what is new into a run, and
// merges runs of similar size. Writes cost one push, reads pay for the order
// once, amortised O(log n) for each record.
//
// Thread safety: Link() and ForEachHint() may run in many threads at once;
// readers take turns at sorting. Clear() while nothing else runs.

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "opsbench/memtable/internal/arena.h"
#include "opsbench/memtable/internal/record.h"

namespace opsbench::memtable::internal {

// The first 8 bytes in an order of unsigned numbers: equal or lower for a lower
// value.
template <typename Value>
uint64_t OrderPrefix(const Value& value) {
  if constexpr (std::is_same_v<Value, std::string_view>) {
    uint64_t prefix = 0;
    for (size_t i = 0; i < 8; ++i) {
      prefix = prefix << 8 |
               (i < value.size() ? static_cast<unsigned char>(value[i]) : 0);
    }
    return prefix;
  } else if constexpr (std::is_signed_v<Value>) {
    return static_cast<uint64_t>(static_cast<int64_t>(value)) ^ uint64_t { 1 }
                                                                    << 63;
  } else {
    return static_cast<uint64_t>(value);
  }
}

template <typename Schema, typename F, int kIndex>
class OrderedIndex {
 public:
  using Rec = Record<Schema>;
  using Value = typename F::Value;

  static absl::StatusOr<OrderedIndex> Create(Arena* arena, int64_t /*entries*/,
                                             MemoryBudget* /*budget*/) {
    return OrderedIndex(arena);
  }

  void Prefetch(const typename Schema::Row& /*row*/) const {}

  void Link(Rec* record, Offset offset, int thread) {
    PushOnChain(&state_->heads[static_cast<size_t>(thread) % kStacks].offset,
                &record->next[kIndex], offset);
  }

  // Calls fn(record), in the order of values, then keys, for the records with
  // values from `low` up that were linked before the call, until it returns
  // false.
  template <typename Fn>
  void ForEachHint(const Value& low, Fn&& fn) const {
    const std::shared_ptr<const Runs> runs = Sealed();
    struct Cursor {
      const Entry* at;
      const Entry* end;
    };
    std::vector<Cursor> cursors;
    for (const std::shared_ptr<const Run>& run : *runs) {
      const Entry* const begin = run->data();
      const Entry* const end = begin + run->size();
      const Entry* const at = std::lower_bound(
          begin, end, OrderPrefix(low),
          [&](const Entry& entry, uint64_t prefix) {
            return entry.prefix != prefix
                       ? entry.prefix < prefix
                       : At(entry.offset)->row.*F::kMember < low;
          });
      if (at != end) {
        cursors.push_back({at, end});
      }
    }
    while (!cursors.empty()) {
      auto least = cursors.begin();
      for (auto it = cursors.begin() + 1; it < cursors.end(); ++it) {
        if (Before(*it->at, *least->at)) {
          least = it;
        }
      }
      if (!fn(At(least->at->offset))) {
        return;
      }
      if (++least->at == least->end) {
        cursors.erase(least);
      }
    }
  }

  void Clear() {
    state_->runs = std::make_shared<const Runs>();
    for (size_t i = 0; i < kStacks; ++i) {
      state_->heads[i].offset.store(0, std::memory_order_relaxed);
      state_->sealed[i] = 0;
    }
  }

 private:
  static constexpr size_t kStacks = 16;

  struct Entry {
    uint64_t prefix;
    Offset offset;
  };
  using Run = std::vector<Entry>;
  using Runs = std::vector<std::shared_ptr<const Run>>;

  struct alignas(64) Head {
    std::atomic<Offset> offset{0};
  };
  struct State {
    std::array<Head, kStacks> heads;
    std::mutex mutex;                      // Guards what follows.
    std::array<Offset, kStacks> sealed{};  // Heads up to which runs go.
    std::shared_ptr<const Runs> runs = std::make_shared<const Runs>();
  };

  explicit OrderedIndex(Arena* arena)
      : arena_(arena), state_(std::make_unique<State>()) {}

  const Rec* At(Offset offset) const {
    return reinterpret_cast<const Rec*>(arena_->base() +
                                        uint64_t{offset} * kOffsetUnit);
  }

  bool Before(const Entry& a, const Entry& b) const {
    if (a.prefix != b.prefix) {
      return a.prefix < b.prefix;
    }
    if constexpr (std::is_same_v<Value, std::string_view>) {
      const int order = (At(a.offset)->row.*F::kMember)
                            .compare(At(b.offset)->row.*F::kMember);
      if (order != 0) {
        return order < 0;
      }
    }
    const auto& a_key = At(a.offset)->row.*Schema::kKeyMember;
    const auto& b_key = At(b.offset)->row.*Schema::kKeyMember;
    return a_key != b_key ? a_key < b_key : a.offset < b.offset;
  }

  // Every record that was linked before the call, in sorted runs.
  std::shared_ptr<const Runs> Sealed() const {
    State& state = *state_;
    const std::lock_guard<std::mutex> lock(state.mutex);
    Run fresh;
    for (size_t i = 0; i < kStacks; ++i) {
      const Offset head = state.heads[i].offset.load(std::memory_order_acquire);
      for (Offset at = head; at != state.sealed[i]; at = At(at)->next[kIndex]) {
        fresh.push_back({OrderPrefix(At(at)->row.*F::kMember), at});
      }
      state.sealed[i] = head;
    }
    if (!fresh.empty()) {
      const auto before = [this](const Entry& a, const Entry& b) {
        return Before(a, b);
      };
      std::sort(fresh.begin(), fresh.end(), before);
      auto runs = std::make_shared<Runs>(*state.runs);
      while (!runs->empty() && runs->back()->size() < 2 * fresh.size()) {
        const Run& last = *runs->back();
        Run merged(last.size() + fresh.size());
        std::merge(last.begin(), last.end(), fresh.begin(), fresh.end(),
                   merged.begin(), before);
        fresh = std::move(merged);
        runs->pop_back();
      }
      runs->push_back(std::make_shared<const Run>(std::move(fresh)));
      state.runs = std::move(runs);
    }
    return state.runs;
  }

  Arena* arena_;
  std::unique_ptr<State> state_;
};

}  // namespace opsbench::memtable::internal

#endif  // OPSBENCH_MEMTABLE_INTERNAL_ORDERED_INDEX_H_
