#include "opsbench/memtable/memtable.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/base/clock.h"
#include "opsbench/memtable/persisters.h"
#include "opsbench/memtable/testing_item.h"

namespace opsbench::memtable {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

// Holds back every batch until it is opened, and tells who waits that one came.
class GatePersister : public Persister<Item> {
 public:
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

MemtableOptions Small(int64_t threshold) {
  MemtableOptions options;
  options.threshold_records = threshold;
  options.threshold_bytes = 4 << 20;
  options.flush_timeout_ms = 0;
  options.backoff_initial_ms = 1;
  options.backoff_max_ms = 2;
  return options;
}

std::unique_ptr<ItemTable> Open(const MemtableOptions& options,
                                Persister<Item>* persister) {
  auto table = ItemTable::Open(options, persister);
  EXPECT_TRUE(table.ok()) << table.status();
  return *std::move(table);
}

std::vector<int64_t> Ids(const std::vector<const Item*>& rows) {
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

std::vector<int64_t> Named(const ItemTable& table, std::string_view prefix,
                           size_t limit = ~size_t{0}) {
  std::vector<const Item*> rows;
  const auto pin = table.Pin();
  pin.FindPrefix<&Item::name>(prefix, &rows, limit);
  return Ids(rows);
}

TEST(MemtableTest, GivesBackWhatWasInserted) {
  CountingPersister<Item> persister;
  const auto table = Open(Small(1000), &persister);
  for (int64_t i = 0; i < 500; ++i) {
    // The name dies with the iteration: the table has its own.
    ASSERT_TRUE(table->Insert(OwnedItem(i).view()).ok());
  }
  const auto pin = table->Pin();
  for (int64_t i = 0; i < 500; ++i) {
    const Item* row = pin.Get(i);
    ASSERT_NE(row, nullptr) << i;
    EXPECT_EQ(OwnedItem(*row), OwnedItem(i));
  }
  EXPECT_EQ(pin.Get(500), nullptr);
  EXPECT_EQ(pin.Get(-1), nullptr);
}

TEST(MemtableTest, InsertsAKeyOnce) {
  CountingPersister<Item> persister;
  const auto table = Open(Small(1000), &persister);
  ASSERT_TRUE(table->Insert(OwnedItem(1).view()).ok());
  EXPECT_EQ(table->Insert(OwnedItem(1).view()).code(),
            absl::StatusCode::kAlreadyExists);
  ASSERT_TRUE(table->Delete(1).ok());
  EXPECT_TRUE(table->Insert(OwnedItem(1).view()).ok());
}

TEST(MemtableTest, UpdatesReplaceAndMoveInIndexes) {
  CountingPersister<Item> persister;
  const auto table = Open(Small(1000), &persister);
  ASSERT_TRUE(table->Insert(OwnedItem(1).view()).ok());
  ASSERT_TRUE(table
                  ->Update(1,
                           [](const Item& old, Item* row) {
                             row->category = old.category + 4;
                             row->name = "renamed";
                           })
                  .ok());
  const auto pin = table->Pin();
  EXPECT_EQ(pin.Get(1)->category, 5);
  EXPECT_THAT(FindIds<&Item::category>(pin, 1), IsEmpty());
  EXPECT_THAT(FindIds<&Item::category>(pin, 5), ElementsAre(1));
  EXPECT_THAT(FindIds<&Item::name>(pin, "item_1"), IsEmpty());
  EXPECT_THAT(FindIds<&Item::name>(pin, "renamed"), ElementsAre(1));
  EXPECT_THAT(FindIds<&Item::value>(pin, 1), ElementsAre(1));
  EXPECT_THAT(Named(*table, "item"), IsEmpty());
  EXPECT_THAT(Named(*table, "re"), ElementsAre(1));
}

TEST(MemtableTest, UpdateNeedsARowAndKeepsItsKey) {
  CountingPersister<Item> persister;
  const auto table = Open(Small(1000), &persister);
  const auto bump = [](const Item&, Item* row) { ++row->value; };
  EXPECT_EQ(table->Update(7, bump).code(), absl::StatusCode::kNotFound);
  ASSERT_TRUE(table->UpdateOrInsert(OwnedItem(7).view(), bump).ok());
  EXPECT_EQ(table->Pin().Get(7)->value, 7);
  ASSERT_TRUE(table->UpdateOrInsert(OwnedItem(7).view(), bump).ok());
  EXPECT_EQ(table->Pin().Get(7)->value, 8);
  EXPECT_EQ(
      table->Update(7, [](const Item&, Item* row) { row->id = 8; }).code(),
      absl::StatusCode::kInvalidArgument);
  ASSERT_TRUE(table->Delete(7).ok());
  EXPECT_EQ(table->Update(7, bump).code(), absl::StatusCode::kNotFound);
}

TEST(MemtableTest, AValueThatComesBackIsFoundOnce) {
  CountingPersister<Item> persister;
  const auto table = Open(Small(1000), &persister);
  OwnedItem item(3);
  for (const int64_t category : {1, 1, 2, 1, 1, 3, 1}) {
    item.category = category;
    ASSERT_TRUE(table->Upsert(item.view()).ok());
    const auto pin = table->Pin();
    for (int64_t other = 1; other <= 3; ++other) {
      EXPECT_THAT(FindIds<&Item::category>(pin, other),
                  SizeIs(other == category ? 1 : 0));
    }
    ASSERT_TRUE(table->Delete(3).ok());
    EXPECT_THAT(FindIds<&Item::category>(table->Pin(), category), IsEmpty());
    ASSERT_TRUE(table->Upsert(item.view()).ok());
    EXPECT_THAT(FindIds<&Item::category>(table->Pin(), category), SizeIs(1));
  }
}

// The original's index kept one key for each value.
TEST(MemtableTest, AnIndexKeepsAllRowsOfAValue) {
  CountingPersister<Item> persister;
  const auto table = Open(Small(1000), &persister);
  for (int64_t i = 0; i < 100; ++i) {
    ASSERT_TRUE(table->Insert(OwnedItem(i).view()).ok());
  }
  const auto pin = table->Pin();
  EXPECT_THAT(FindIds<&Item::category>(pin, 3),
              UnorderedElementsAre(3, 13, 23, 33, 43, 53, 63, 73, 83, 93));
  EXPECT_THAT(FindIds<&Item::value>(pin, 42), ElementsAre(42));
  EXPECT_THAT(FindIds<&Item::category>(pin, 11), IsEmpty());
}

TEST(MemtableTest, RangesAreOrderedAndLimited) {
  CountingPersister<Item> persister;
  const auto table = Open(Small(10'000), &persister);
  for (int64_t i = 1999; i >= 0; --i) {
    ASSERT_TRUE(table->Insert(OwnedItem(i).view()).ok());
  }
  const auto pin = table->Pin();
  std::vector<const Item*> rows;
  pin.FindRange<&Item::value>(10, 12, &rows);
  EXPECT_THAT(Ids(rows), ElementsAre(10, 1010, 11, 1011));
  rows.clear();
  pin.FindRange<&Item::value>(998, absl::nullopt, &rows);
  EXPECT_THAT(Ids(rows), ElementsAre(998, 1998, 999, 1999));
  rows.clear();
  pin.FindRange<&Item::value>(10, absl::nullopt, &rows, 3);
  EXPECT_THAT(Ids(rows), ElementsAre(10, 1010, 11));
  rows.clear();
  pin.FindRange<&Item::value>(12, 10, &rows);
  pin.FindRange<&Item::value>(0, 1000, &rows, 0);
  EXPECT_THAT(rows, IsEmpty());
  EXPECT_THAT(Named(*table, "item_199"),
              ElementsAre(199, 1990, 1991, 1992, 1993, 1994, 1995, 1996, 1997,
                          1998, 1999));
  EXPECT_THAT(Named(*table, "item_199", 2), ElementsAre(199, 1990));
  EXPECT_THAT(Named(*table, "none"), IsEmpty());
  EXPECT_THAT(Named(*table, ""), SizeIs(2000));
}

TEST(MemtableTest, MultiGetIsGetOfEach) {
  CountingPersister<Item> persister;
  const auto table = Open(Small(1000), &persister);
  std::vector<int64_t> keys;
  for (int64_t i = 0; i < 100; ++i) {
    keys.push_back(i);
    if (i % 3 != 0) {
      ASSERT_TRUE(table->Insert(OwnedItem(i).view()).ok());
    }
  }
  std::vector<const Item*> rows(keys.size());
  const auto pin = table->Pin();
  pin.MultiGet(keys, absl::MakeSpan(rows));
  for (size_t i = 0; i < keys.size(); ++i) {
    EXPECT_EQ(rows[i], pin.Get(keys[i]));
    EXPECT_EQ(rows[i] == nullptr, i % 3 == 0);
  }
}

TEST(MemtableTest, ABatchIsItsRows) {
  CountingPersister<Item> persister;
  const auto table = Open(Small(1000), &persister);
  std::vector<OwnedItem> owners;
  for (int64_t i = 0; i < 50; ++i) {
    owners.emplace_back(i);
  }
  std::vector<Item> rows;
  for (const OwnedItem& owner : owners) {
    rows.push_back(owner.view());
  }
  size_t written = 0;
  ASSERT_TRUE(table->UpsertBatch(rows, &written).ok());
  EXPECT_EQ(written, 50);
  const std::string huge(kMaxRowBytes, 'x');
  rows[20].name = huge;
  EXPECT_EQ(table->UpsertBatch(rows, &written).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(written, 20);
  EXPECT_EQ(table->metrics().records, 70);
}

TEST(MemtableTest, RotatesAtTheThresholdAndFlushesInOrderOfKeys) {
  MapPersister persister;
  MemtableOptions options = Small(100);
  options.batch_rows = 30;
  const auto table = Open(options, &persister);
  for (int64_t i = 199; i >= 0; --i) {
    ASSERT_TRUE(table->Insert(OwnedItem(i).view()).ok());
  }
  ASSERT_TRUE(table->Close().ok());
  const MemtableMetrics metrics = table->metrics();
  // The second comes at the threshold or, if no spare table is ready then, a
  // little later.
  EXPECT_EQ(std::accumulate(metrics.rotations.begin(), metrics.rotations.end(),
                            int64_t{0}),
            2);
  EXPECT_GE(metrics.rotations[static_cast<size_t>(
                RotationReason::kSizeThreshold)],
            1);
  EXPECT_EQ(metrics.flushed_changes, 200);
  EXPECT_EQ(metrics.flushes, 2);
  EXPECT_EQ(metrics.batches, 8);
  EXPECT_THAT(persister.rows(), SizeIs(200));
  const auto calls = persister.calls();
  ASSERT_THAT(calls, SizeIs(8));
  for (size_t call = 0; call < calls.size(); ++call) {
    EXPECT_THAT(calls[call], SizeIs(call % 4 == 3 ? 10 : 30));
    EXPECT_TRUE(std::is_sorted(calls[call].begin(), calls[call].end()));
  }
  // The first table's rows, then the second's.
  EXPECT_EQ(calls[0].front(), 100);
  EXPECT_EQ(calls[4].front(), 0);
}

TEST(MemtableTest, AFlushHoldsTheLastVersionOfEachKey) {
  MapPersister persister;
  const auto table = Open(Small(1000), &persister);
  OwnedItem item(1);
  for (int64_t value = 0; value < 10; ++value) {
    item.value = value;
    ASSERT_TRUE(table->Upsert(item.view()).ok());
  }
  ASSERT_TRUE(table->Flush().ok());
  EXPECT_THAT(persister.calls(), ElementsAre(ElementsAre(1)));
  EXPECT_EQ(persister.rows().at(1).value, 9);
  EXPECT_EQ(table->Pin().Get(1), nullptr);  // It is the database's now.
}

// In the original, tombstones were never flushed.
TEST(MemtableTest, ADeleteReachesTheDatabase) {
  MapPersister persister;
  const auto table = Open(Small(1000), &persister);
  ASSERT_TRUE(table->Insert(OwnedItem(1).view()).ok());
  ASSERT_TRUE(table->Insert(OwnedItem(2).view()).ok());
  ASSERT_TRUE(table->Flush().ok());
  ASSERT_TRUE(table->Delete(1).ok());
  ASSERT_TRUE(table->Flush().ok());
  EXPECT_THAT(persister.rows(), SizeIs(1));
  EXPECT_EQ(persister.rows().begin()->first, 2);
}

// In the original, a deleted row came back from the immutable table.
TEST(MemtableTest, ADeletedRowStaysDeletedOverAnImmutableTable) {
  MapPersister map;
  GatePersister gate(&map);
  const auto table = Open(Small(10), &gate);
  for (int64_t i = 0; i < 10; ++i) {
    ASSERT_TRUE(table->Insert(OwnedItem(i).view()).ok());
  }
  gate.AwaitBatch();  // All ten are immutable.
  ASSERT_EQ(table->metrics().immutables, 1);
  ASSERT_TRUE(table->Delete(4).ok());
  ASSERT_TRUE(table->Update(5, [](const Item&, Item* row) {
                     row->category = 77;
                   }).ok());
  EXPECT_EQ(table->Insert(OwnedItem(6).view()).code(),
            absl::StatusCode::kAlreadyExists);
  {
    const auto pin = table->Pin();
    EXPECT_EQ(pin.Get(4), nullptr);
    EXPECT_THAT(FindIds<&Item::category>(pin, 4), IsEmpty());
    EXPECT_THAT(FindIds<&Item::category>(pin, 5), IsEmpty());
    EXPECT_THAT(FindIds<&Item::category>(pin, 77), ElementsAre(5));
    EXPECT_THAT(FindIds<&Item::category>(pin, 6), ElementsAre(6));
    EXPECT_THAT(Named(*table, "item_"),
                ElementsAre(0, 1, 2, 3, 5, 6, 7, 8, 9));
    EXPECT_TRUE(table->Insert(OwnedItem(4).view()).ok());
    EXPECT_THAT(FindIds<&Item::category>(pin, 4), ElementsAre(4));
    ASSERT_TRUE(table->Delete(4).ok());
  }
  gate.Open();
  ASSERT_TRUE(table->Close().ok());
  EXPECT_THAT(map.rows(), SizeIs(9));
  EXPECT_EQ(map.rows().at(5).category, 77);
}

// The original's flush timer never ran.
TEST(MemtableTest, AnOldTableIsFlushedThoughItIsNotFull) {
  MapPersister map;
  MemtableOptions options = Small(1000);
  options.flush_timeout_ms = 20;
  const auto table = Open(options, &map);
  ASSERT_TRUE(table->Insert(OwnedItem(1).view()).ok());
  const int64_t deadline_ns = MonotonicNowNs() + 20 * kNanosPerSecond;
  while (map.rows().empty() && MonotonicNowNs() < deadline_ns) {
    std::this_thread::yield();
  }
  EXPECT_THAT(map.rows(), SizeIs(1));
  ASSERT_TRUE(table->Close().ok());
  EXPECT_EQ(
      table->metrics().rotations[static_cast<size_t>(RotationReason::kTimeout)],
      1);
}

TEST(MemtableTest, ASnapshotStaysAsItWas) {
  MapPersister map;
  const auto table = Open(Small(50), &map);
  for (int64_t i = 0; i < 20; ++i) {
    ASSERT_TRUE(table->Insert(OwnedItem(i).view()).ok());
  }
  const auto before = table->TakeSnapshot();
  ASSERT_TRUE(table->Delete(3).ok());
  ASSERT_TRUE(table->Update(13, [](const Item&, Item* row) {
                     row->category = 99;
                   }).ok());
  ASSERT_TRUE(table->Update(14, [](const Item&, Item* row) {
                     ++row->value;
                   }).ok());
  ASSERT_TRUE(table->Insert(OwnedItem(23).view()).ok());
  const auto after = table->TakeSnapshot();
  // Rotations and flushes change nothing for either.
  for (int64_t i = 100; i < 400; ++i) {
    ASSERT_TRUE(table->Insert(OwnedItem(i).view()).ok());
  }
  ASSERT_TRUE(table->Flush().ok());
  EXPECT_THAT(FindIds<&Item::category>(before, 3),
              UnorderedElementsAre(3, 13));
  EXPECT_EQ(before.Get(13)->category, 3);
  EXPECT_EQ(before.Get(14)->value, 14);
  EXPECT_EQ(before.Get(23), nullptr);
  EXPECT_THAT(FindIds<&Item::value>(before, 14), ElementsAre(14));
  EXPECT_THAT(FindIds<&Item::category>(after, 3), ElementsAre(23));
  EXPECT_THAT(FindIds<&Item::category>(after, 99), ElementsAre(13));
  EXPECT_THAT(FindIds<&Item::category>(after, 4),
              UnorderedElementsAre(4, 14));
  EXPECT_THAT(FindIds<&Item::value>(after, 15), UnorderedElementsAre(14, 15));
  std::set<int64_t> ids;
  after.ForEach([&](const Item& row) { ids.insert(row.id); });
  EXPECT_THAT(ids, SizeIs(20));
  EXPECT_EQ(ids.count(3), 0);
}

TEST(MemtableTest, APinnedRowOutlivesItsFlush) {
  MapPersister map;
  const auto table = Open(Small(10), &map);
  const auto pin = table->Pin();
  ASSERT_TRUE(table->Insert(OwnedItem(1).view()).ok());
  const Item* const row = pin.Get(1);
  for (int round = 0; round < 5; ++round) {
    ASSERT_TRUE(table->Insert(OwnedItem(100 + round).view()).ok());
    ASSERT_TRUE(table->Flush().ok());
  }
  EXPECT_EQ(pin.Get(1), nullptr);
  EXPECT_EQ(OwnedItem(*row), OwnedItem(1));
}

// The original dropped what it could not flush.
TEST(MemtableTest, AFailedFlushIsRepeatedAndLosesNothing) {
  constexpr int64_t kCalls = 10;
  for (int64_t failing = 0; failing < kCalls; ++failing) {
    for (const auto fault : {FaultyPersister<Item>::Fault::kBefore,
                             FaultyPersister<Item>::Fault::kHalf,
                             FaultyPersister<Item>::Fault::kAfter}) {
      MapPersister map;
      FaultyPersister<Item> faulty(
          [&](int64_t call) {
            return call == failing ? fault
                                   : FaultyPersister<Item>::Fault::kNone;
          },
          &map);
      MemtableOptions options = Small(100);
      options.batch_rows = 20;
      const auto table = Open(options, &faulty);
      for (int64_t i = 0; i < 200; ++i) {
        ASSERT_TRUE(table->Upsert(OwnedItem(i).view()).ok());
        if (i % 7 == 0) {
          ASSERT_TRUE(table->Delete(i).ok());
        }
      }
      while (!table->Close().ok()) {
      }
      const auto rows = map.rows();
      EXPECT_THAT(rows, SizeIs(200 - 29));
      for (const auto& [id, row] : rows) {
        EXPECT_EQ(row, OwnedItem(id));
      }
      EXPECT_EQ(table->metrics().retries, 1);
      // Within a table each batch follows the one before, in order.
      for (const auto& call : map.calls()) {
        EXPECT_TRUE(std::is_sorted(call.begin(), call.end()));
      }
    }
  }
}

TEST(MemtableTest, APersisterThatFailsForGoodLosesNothing) {
  for (int64_t from = 0; from < 10; ++from) {
    MapPersister map;
    std::atomic<bool> broken{true};
    FaultyPersister<Item> faulty(
        [&](int64_t call) {
          return broken && call >= from ? FaultyPersister<Item>::Fault::kBefore
                                        : FaultyPersister<Item>::Fault::kNone;
        },
        &map);
    MemtableOptions options = Small(100);
    options.batch_rows = 20;
    options.max_immutables = 2;
    options.stall_timeout_ms = 20;
    const auto table = Open(options, &faulty);
    int64_t accepted = 0;
    absl::Status status;
    while (status.ok() && accepted < 2000) {
      status = table->Insert(OwnedItem(accepted).view());
      accepted += status.ok() ? 1 : 0;
    }
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    EXPECT_THAT(status.message(), HasSubstr("injected fault"));
    EXPECT_EQ(table->Close().code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(table->Insert(OwnedItem(5000).view()).code(),
              absl::StatusCode::kFailedPrecondition);
    {
      // Every row is in memory, in the database, or both.
      const auto rows = map.rows();
      const auto pin = table->Pin();
      for (int64_t i = 0; i < accepted; ++i) {
        EXPECT_TRUE(rows.count(i) == 1 || pin.Get(i) != nullptr) << i;
      }
    }
    broken = false;
    while (!table->Close().ok()) {
    }
    EXPECT_THAT(map.rows(), SizeIs(static_cast<size_t>(accepted)));
    EXPECT_GT(table->metrics().stalls, 0);
  }
}

TEST(MemtableTest, AfterCloseThereIsAStatus) {
  MapPersister map;
  const auto table = Open(Small(10), &map);
  ASSERT_TRUE(table->Insert(OwnedItem(1).view()).ok());
  ASSERT_TRUE(table->Close().ok());
  ASSERT_TRUE(table->Close().ok());
  const auto bump = [](const Item&, Item* row) { ++row->value; };
  for (const absl::Status& status :
       {table->Insert(OwnedItem(2).view()), table->Upsert(OwnedItem(2).view()),
        table->Delete(1), table->Update(1, bump),
        table->UpdateOrInsert(OwnedItem(2).view(), bump)}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  }
  EXPECT_TRUE(table->Flush().ok());
  const auto pin = table->Pin();
  EXPECT_EQ(pin.Get(1), nullptr);
  EXPECT_THAT(Named(*table, ""), IsEmpty());
  EXPECT_EQ(table->TakeSnapshot().Get(1), nullptr);
  EXPECT_THAT(map.rows(), SizeIs(1));
}

TEST(MemtableTest, RefusesOptionsThatMakeNoSense) {
  CountingPersister<Item> persister;
  const auto error = [&](auto&& change) {
    MemtableOptions options;
    change(options);
    const auto table = ItemTable::Open(options, &persister);
    EXPECT_EQ(table.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(table.status().message());
  };
  EXPECT_THAT(error([](MemtableOptions& o) { o.threshold_records = 0; }),
              HasSubstr("threshold_records is 0"));
  EXPECT_THAT(error([](MemtableOptions& o) { o.threshold_records = -5; }),
              HasSubstr("threshold_records is -5"));
  EXPECT_THAT(error([](MemtableOptions& o) { o.threshold_bytes = 100; }),
              HasSubstr("threshold_bytes"));
  EXPECT_THAT(error([](MemtableOptions& o) { o.max_immutables = 0; }),
              HasSubstr("max_immutables"));
  EXPECT_THAT(error([](MemtableOptions& o) { o.max_immutables = 17; }),
              HasSubstr("1 to 16"));
  EXPECT_THAT(error([](MemtableOptions& o) { o.batch_rows = 0; }),
              HasSubstr("batch_rows"));
  EXPECT_THAT(error([](MemtableOptions& o) { o.backoff_max_ms = 1; }),
              HasSubstr("backoff_max_ms"));
}

TEST(MemtableTest, TheMemoryBudgetHasAStatus) {
  MapPersister map;
  GatePersister gate(&map);
  MemtableOptions options = Small(100'000);
  options.memory_budget_bytes = 1000;
  EXPECT_EQ(ItemTable::Open(options, &gate).status().code(),
            absl::StatusCode::kResourceExhausted);
  options = Small(10'000);
  options.threshold_bytes = 64 << 20;
  options.memory_budget_bytes = 8 << 20;
  const auto table = Open(options, &gate);
  // Long names need more than was expected.
  std::string name(10'000, 'x');
  int64_t accepted = 0;
  absl::Status status;
  while (status.ok() && accepted < 10'000) {
    OwnedItem item(accepted);
    item.name = name + item.name;
    status = table->Insert(item.view());
    accepted += status.ok() ? 1 : 0;
  }
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_LE(table->metrics().table_bytes, 8 << 20);
  EXPECT_GT(accepted, 100);
  for (int64_t i = 0; i < accepted; ++i) {
    ASSERT_NE(table->Pin().Get(i), nullptr) << i;
  }
  gate.Open();
  ASSERT_TRUE(table->Close().ok());
  EXPECT_THAT(map.rows(), SizeIs(static_cast<size_t>(accepted)));
}

TEST(MemtableTest, StringsAndKeysAtTheirLimits) {
  MapPersister map;
  MemtableOptions options = Small(1000);
  options.threshold_bytes = 64 << 20;
  const auto table = Open(options, &map);
  std::vector<OwnedItem> items;
  for (const int64_t id :
       {std::numeric_limits<int64_t>::min(), int64_t{-1}, int64_t{0},
        std::numeric_limits<int64_t>::max()}) {
    items.emplace_back(0).id = id;
  }
  items[0].name = "";
  items[1].name = std::string("\0\0", 2);
  items[2].name = std::string(kMaxRowBytes / 2, '\xff');
  items[3].name = std::string("\0", 1);
  for (const OwnedItem& item : items) {
    ASSERT_TRUE(table->Insert(item.view()).ok());
  }
  const auto pin = table->Pin();
  for (const OwnedItem& item : items) {
    ASSERT_NE(pin.Get(item.id), nullptr);
    EXPECT_EQ(OwnedItem(*pin.Get(item.id)), item);
    EXPECT_THAT(FindIds<&Item::name>(pin, item.name), ElementsAre(item.id));
  }
  EXPECT_THAT(Named(*table, ""),
              ElementsAre(items[0].id, items[3].id, items[1].id, items[2].id));
  const std::string huge(kMaxRowBytes, 'x');
  OwnedItem item(5);
  item.name = huge;
  EXPECT_EQ(table->Insert(item.view()).code(),
            absl::StatusCode::kInvalidArgument);
  ASSERT_TRUE(table->Flush().ok());
  EXPECT_THAT(map.calls().front(),
              ElementsAre(items[0].id, items[1].id, items[2].id, items[3].id));
}

TEST(MemtableTest, FullTablesRotateByBytesAsWell) {
  MapPersister map;
  MemtableOptions options = Small(100'000);
  options.threshold_bytes = 2 * kMaxRowBytes;
  const auto table = Open(options, &map);
  const std::string name(100'000, 'n');
  for (int64_t i = 0; i < 100; ++i) {
    OwnedItem item(i);
    item.name = name;
    ASSERT_TRUE(table->Insert(item.view()).ok());
  }
  ASSERT_TRUE(table->Close().ok());
  EXPECT_THAT(map.rows(), SizeIs(100));
  EXPECT_THAT(table->metrics().rotations[static_cast<size_t>(
                  RotationReason::kSizeThreshold)],
              AllOf(Ge(4), Le(100)));
}

struct Document {
  std::string_view path;
  uint64_t size = 0;
  bool hidden = false;
  double score = 0;
};
using DocumentSchema =
    Schema<Document, Key<"path", &Document::path>,
           Field<"size", &Document::size, kOrdered>,
           Field<"hidden", &Document::hidden, kEquality>>;

TEST(MemtableTest, KeysMayBeStrings) {
  class Collector : public Persister<Document> {
   public:
    absl::Status Persist(
        absl::Span<const Change<Document>> changes) override {
      for (const Change<Document>& change : changes) {
        paths.emplace_back(change.row->path);
      }
      return absl::OkStatus();
    }
    std::vector<std::string> paths;
  };
  Collector collector;
  auto table = Memtable<DocumentSchema>::Open(Small(1000), &collector);
  ASSERT_TRUE(table.ok()) << table.status();
  const std::vector<std::string> paths = {
      "a", "", "long/path/b", "long/path/a", "long/path", "long/pat", "b"};
  for (const std::string& path : paths) {
    ASSERT_TRUE(
        (*table)->Insert({path, path.size(), path.size() > 8, 0.5}).ok());
  }
  {
    const auto pin = (*table)->Pin();
    for (const std::string& path : paths) {
      ASSERT_NE(pin.Get(path), nullptr) << path;
      EXPECT_EQ(pin.Get(path)->score, 0.5);
    }
    EXPECT_EQ(pin.Get("c"), nullptr);
    std::vector<const Document*> rows;
    pin.FindRange<&Document::size>(8, 10, &rows);
    ASSERT_THAT(rows, SizeIs(2));
    EXPECT_EQ(rows[0]->path, "long/pat");
    rows.clear();
    pin.FindBy<&Document::hidden>(true, &rows);
    EXPECT_THAT(rows, SizeIs(3));
  }
  ASSERT_TRUE((*table)->Close().ok());
  EXPECT_THAT(collector.paths,
              ElementsAre("", "a", "b", "long/pat", "long/path", "long/path/a",
                          "long/path/b"));
}

}  // namespace
}  // namespace opsbench::memtable
