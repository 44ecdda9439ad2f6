// Rotation, flush, back-pressure and the end of a memtable, with the faults of
// the original program.

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <numeric>
#include <string>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/base/clock.h"
#include "opsbench/memtable/memtable.h"
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

TEST(MemtableFlushTest, RotatesAtTheThresholdAndFlushesInOrderOfKeys) {
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
  EXPECT_GE(
      metrics.rotations[static_cast<size_t>(RotationReason::kSizeThreshold)],
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

TEST(MemtableFlushTest, AFlushHoldsTheLastVersionOfEachKey) {
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
TEST(MemtableFlushTest, ADeleteReachesTheDatabase) {
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
TEST(MemtableFlushTest, ADeletedRowStaysDeletedOverAnImmutableTable) {
  MapPersister map;
  GatePersister gate(&map);
  const auto table = Open(Small(10), &gate);
  for (int64_t i = 0; i < 10; ++i) {
    ASSERT_TRUE(table->Insert(OwnedItem(i).view()).ok());
  }
  gate.AwaitBatch();  // All ten are immutable.
  ASSERT_EQ(table->metrics().immutables, 1);
  ASSERT_TRUE(table->Delete(4).ok());
  ASSERT_TRUE(
      table->Update(5, [](const Item&, Item* row) { row->category = 77; })
          .ok());
  EXPECT_EQ(table->Insert(OwnedItem(6).view()).code(),
            absl::StatusCode::kAlreadyExists);
  {
    const auto pin = table->Pin();
    EXPECT_EQ(pin.Get(4), nullptr);
    EXPECT_THAT(FindIds<&Item::category>(pin, 4), IsEmpty());
    EXPECT_THAT(FindIds<&Item::category>(pin, 5), IsEmpty());
    EXPECT_THAT(FindIds<&Item::category>(pin, 77), ElementsAre(5));
    EXPECT_THAT(FindIds<&Item::category>(pin, 6), ElementsAre(6));
    EXPECT_THAT(Named(*table, "item_"), ElementsAre(0, 1, 2, 3, 5, 6, 7, 8, 9));
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
TEST(MemtableFlushTest, AnOldTableIsFlushedThoughItIsNotFull) {
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

TEST(MemtableFlushTest, APinnedRowOutlivesItsFlush) {
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
TEST(MemtableFlushTest, AFailedFlushIsRepeatedAndLosesNothing) {
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

TEST(MemtableFlushTest, APersisterThatFailsForGoodLosesNothing) {
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

TEST(MemtableFlushTest, AfterCloseThereIsAStatus) {
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

TEST(MemtableFlushTest, TheMemoryBudgetHasAStatus) {
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

TEST(MemtableFlushTest, FullTablesRotateByBytesAsWell) {
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
  EXPECT_THAT(
      table->metrics()
          .rotations[static_cast<size_t>(RotationReason::kSizeThreshold)],
      AllOf(Ge(4), Le(100)));
}

}  // namespace
}  // namespace opsbench::memtable
