#ifndef OPSBENCH_MEMTABLE_TESTING_ITEM_H_
#define OPSBENCH_MEMTABLE_TESTING_ITEM_H_

// For tests: databases of items in memory, and short names for what tests ask.
//
// Thread safety: plain values; the persisters are thread-safe.

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "opsbench/memtable/memtable.h"
#include "opsbench/memtable/seed_item.h"

namespace opsbench::memtable {

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

// Holds back every batch until it is opened, and tells who waits that one came.
class GatePersister : public Persister<Item> {
 public:
  // `persister` must outlive it.
  explicit GatePersister(Persister<Item>* persister) : persister_(persister) {}

  absl::Status Persist(absl::Span<const Change<Item>> changes) override {
    std::unique_lock<std::mutex> lock(mutex_);
    waiting_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    return persister_->Persist(changes);
  }
  void AwaitBatch() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return waiting_; });
  }
  void Open() {
    const std::lock_guard<std::mutex> lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool waiting_ = false;
  bool open_ = false;
  Persister<Item>* const persister_;
};

// Rotates soon, by size alone, and tries again at once.
inline MemtableOptions Small(int64_t threshold) {
  MemtableOptions options;
  options.threshold_records = threshold;
  options.threshold_bytes = 4 << 20;
  options.flush_timeout_ms = 0;
  options.backoff_initial_ms = 1;
  options.backoff_max_ms = 2;
  return options;
}

inline std::unique_ptr<ItemTable> Open(const MemtableOptions& options,
                                       Persister<Item>* persister) {
  auto table = ItemTable::Open(options, persister);
  EXPECT_TRUE(table.ok()) << table.status();
  return *std::move(table);
}

inline std::vector<int64_t> Ids(const std::vector<const Item*>& rows) {
  std::vector<int64_t> ids;
  for (const Item* row : rows) {
    ids.push_back(row->id);
  }
  return ids;
}

template <auto member, typename Source, typename Value>
std::vector<int64_t> FindIds(const Source& source, const Value& value) {
  std::vector<const Item*> rows;
  source.template FindBy<member>(value, &rows);
  return Ids(rows);
}

inline std::vector<int64_t> Named(const ItemTable& table,
                                  std::string_view prefix,
                                  size_t limit = ~size_t{0}) {
  std::vector<const Item*> rows;
  const auto pin = table.Pin();
  pin.FindPrefix<&Item::name>(prefix, &rows, limit);
  return Ids(rows);
}

}  // namespace opsbench::memtable

#endif  // OPSBENCH_MEMTABLE_TESTING_ITEM_H_
