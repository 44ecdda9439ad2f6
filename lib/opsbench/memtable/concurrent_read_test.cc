// What a reader may see while others write. Threads move rows between values in
// ways that leave something true at every moment; readers look for a moment at
// which it is not.

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <latch>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/base/random.h"
#include "opsbench/memtable/memtable.h"
#include "opsbench/memtable/persisters.h"
#include "opsbench/memtable/testing_item.h"

namespace opsbench::memtable {
namespace {

constexpr int64_t kRows = 64;

// Rotates all the time, with everything in memory: the gate stays closed until
// the writers are done.
struct Fixture {
  explicit Fixture(int64_t threshold, int64_t writes) : gate(&database) {
    MemtableOptions options = Small(threshold);
    options.max_immutables = kMaxImmutables;
    // More than the tables hold would wait for the gate.
    most = std::min(writes, threshold * (kMaxImmutables - 2));
    table = Open(options, &gate);
    for (int64_t i = 0; i < kRows; ++i) {
      OwnedItem item(i);
      item.category = 0;
      item.value = 500;
      EXPECT_TRUE(table->Insert(item.view()).ok());
    }
  }
  ~Fixture() {
    gate.Open();
    EXPECT_TRUE(table->Close().ok());
  }

  MapPersister database;
  GatePersister gate;
  std::unique_ptr<ItemTable> table;
  int64_t most = 0;  // Writes that fit.
};

// A row whose category never changes is found by it every time, just once,
// while its other fields change: its run of versions always has its hint.
TEST(ConcurrentReadTest, ARowThatMatchesAllTheTimeIsFoundOnce) {
  for (int round = 0; round < 10; ++round) {
    Fixture fixture(round % 2 == 0 ? 2'000 : 100'000, 20'000);
    std::atomic<bool> done{false};
    std::latch start(3);
    std::vector<std::thread> writers;
    for (int writer = 0; writer < 2; ++writer) {
      writers.emplace_back([&, writer] {
        Random random = Random::Stream(7, static_cast<uint64_t>(writer));
        start.arrive_and_wait();
        for (int64_t i = 0; i < fixture.most / 2; ++i) {
          const absl::Status status = fixture.table->Update(
              random.Between(0, kRows - 1), [&](const Item&, Item* row) {
                row->value = random.Between(0, 999);
              });
          EXPECT_TRUE(status.ok()) << status;
        }
        done = true;
      });
    }
    start.arrive_and_wait();
    do {
      const auto pin = fixture.table->Pin();
      const auto ids = FindIds<&Item::category>(pin, 0);
      ASSERT_EQ(ids.size(), kRows);
      ASSERT_EQ(std::set<int64_t>(ids.begin(), ids.end()).size(), kRows);
      std::vector<const Item*> rows;
      pin.FindRange<&Item::value>(0, absl::nullopt, &rows);
      const auto ranged = Ids(rows);
      ASSERT_EQ(std::set<int64_t>(ranged.begin(), ranged.end()).size(),
                ranged.size());
    } while (!done);
    for (std::thread& writer : writers) {
      writer.join();
    }
  }
}

// Amounts move between two rows by two updates, first taken, then given: at
// every moment the sum is the whole or one unit less for each thread. A
// snapshot that mixes moments would show another sum; so would one of which a
// writer is missed.
TEST(ConcurrentReadTest, ASnapshotIsOneMoment) {
  for (int round = 0; round < 10; ++round) {
    Fixture fixture(round % 2 == 0 ? 2'000 : 100'000, 20'000);
    constexpr int kWriters = 2;
    std::atomic<int> running{kWriters};
    std::latch start(kWriters + 1);
    std::vector<std::thread> writers;
    for (int writer = 0; writer < kWriters; ++writer) {
      writers.emplace_back([&, writer] {
        Random random = Random::Stream(8, static_cast<uint64_t>(writer));
        start.arrive_and_wait();
        for (int64_t i = 0; i < fixture.most / 4; ++i) {
          for (const int change : {-1, +1}) {
            const absl::Status status = fixture.table->Update(
                random.Between(0, kRows - 1), [&](const Item& old, Item* row) {
                  row->value = old.value + change;
                });
            EXPECT_TRUE(status.ok()) << status;
          }
        }
        --running;
      });
    }
    start.arrive_and_wait();
    do {
      const auto snapshot = fixture.table->TakeSnapshot();
      for (int again = 0; again < 2; ++again) {
        int64_t sum = 0;
        int64_t count = 0;
        snapshot.ForEach([&](const Item& row) {
          sum += row.value;
          ++count;
        });
        ASSERT_EQ(count, kRows);
        ASSERT_LE(sum, kRows * 500);
        ASSERT_GE(sum, kRows * 500 - kWriters);
        int64_t indexed = 0;
        std::vector<const Item*> rows;
        snapshot.FindRange<&Item::value>(0, absl::nullopt, &rows);
        for (const Item* row : rows) {
          indexed += row->value;
        }
        ASSERT_EQ(rows.size(), kRows);
        ASSERT_EQ(indexed, sum);
        ASSERT_EQ(FindIds<&Item::category>(snapshot, 0).size(), kRows);
      }
    } while (running > 0);
    for (std::thread& writer : writers) {
      writer.join();
    }
  }
}

// Reads while tables are flushed, emptied and used again: what a pin shows
// stays whole. The name says which row it is.
TEST(ConcurrentReadTest, PinnedRowsStayWhole) {
  CountingPersister<Item> persister;
  const auto table = Open(Small(200), &persister);
  std::atomic<int> running{2};
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 2; ++writer) {
    writers.emplace_back([&, writer] {
      for (int64_t i = 0; i < 50'000; ++i) {
        ASSERT_TRUE(
            table->Upsert(OwnedItem(2 * (i % 1'000) + writer).view()).ok());
      }
      --running;
    });
  }
  Random random(3);
  while (running > 0) {
    const auto pin = table->Pin();
    std::vector<const Item*> rows;
    for (int i = 0; i < 20; ++i) {
      if (const Item* row = pin.Get(random.Between(0, 1'999))) {
        rows.push_back(row);
      }
    }
    pin.FindBy<&Item::category>(random.Between(0, 9), &rows);
    std::this_thread::yield();
    for (const Item* row : rows) {
      ASSERT_EQ(OwnedItem(*row), OwnedItem(row->id));
    }
  }
  for (std::thread& writer : writers) {
    writer.join();
  }
  ASSERT_TRUE(table->Close().ok());
  EXPECT_GT(table->metrics().flushes, 10);
}

}  // namespace
}  // namespace opsbench::memtable
