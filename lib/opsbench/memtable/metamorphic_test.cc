// One stream of operations, played under different thresholds, flushes,
// batches, snapshots and threads, must give the same answers and leave the same
// database. A model in std::map says which.

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/base/random.h"
#include "opsbench/memtable/memtable.h"
#include "opsbench/memtable/persisters.h"
#include "opsbench/memtable/testing_item.h"

namespace opsbench::memtable {
namespace {

enum class What { kInsert, kUpsert, kUpdate, kUpdateOrInsert, kDelete };

struct Operation {
  What what = What::kInsert;
  OwnedItem item;
};

// Few keys and values, so that rows collide, move between values and come back.
std::vector<Operation> MakeStream(uint64_t seed, int64_t operations,
                                  int64_t keys) {
  Random random(seed);
  std::vector<Operation> stream;
  for (int64_t i = 0; i < operations; ++i) {
    Operation operation;
    operation.what = static_cast<What>(random.Below(5));
    operation.item.id = random.Between(0, keys - 1);
    operation.item.name = absl::StrCat("n", random.Below(20));
    operation.item.category = random.Between(0, 3);
    operation.item.value = random.Between(0, 9);
    stream.push_back(std::move(operation));
  }
  return stream;
}

void Change(const OwnedItem& item, OwnedItem* row) {
  row->category = item.category;
  row->value = (row->value + item.value) % 10;
}

// The rows as they must be, and whether the operation is refused. An insert
// asks the memtable alone: the tests keep their rows in it, or ask for no
// insert.
bool Model(const Operation& operation, std::map<int64_t, OwnedItem>* rows) {
  const OwnedItem& item = operation.item;
  const auto it = rows->find(item.id);
  switch (operation.what) {
    case What::kInsert:
      return rows->insert({item.id, item}).second;
    case What::kUpsert:
      (*rows)[item.id] = item;
      return true;
    case What::kUpdate:
      if (it == rows->end()) {
        return false;
      }
      Change(item, &it->second);
      return true;
    case What::kUpdateOrInsert:
      if (it == rows->end()) {
        (*rows)[item.id] = item;
      } else {
        Change(item, &it->second);
      }
      return true;
    case What::kDelete:
      rows->erase(item.id);
      return true;
  }
  return false;
}

bool Play(const Operation& operation, ItemTable* table) {
  const Item item = operation.item.view();
  const auto change = [&](const Item& old, Item* row) {
    OwnedItem owned(old);
    Change(operation.item, &owned);
    row->category = owned.category;
    row->value = owned.value;
  };
  absl::Status status;
  switch (operation.what) {
    case What::kInsert:
      status = table->Insert(item);
      break;
    case What::kUpsert:
      status = table->Upsert(item);
      break;
    case What::kUpdate:
      status = table->Update(item.id, change);
      break;
    case What::kUpdateOrInsert:
      status = table->UpdateOrInsert(item, change);
      break;
    case What::kDelete:
      status = table->Delete(item.id);
      break;
  }
  EXPECT_TRUE(status.ok() || absl::IsAlreadyExists(status) ||
              absl::IsNotFound(status))
      << status;
  return status.ok();
}

std::vector<int64_t> Sorted(std::vector<int64_t> ids) {
  std::sort(ids.begin(), ids.end());
  return ids;
}

// Every read of `source` against `rows`, all in memory.
template <typename Source>
void ExpectSame(const Source& source, const std::map<int64_t, OwnedItem>& rows,
                int64_t keys) {
  std::vector<int64_t> all_keys;
  std::map<int64_t, std::vector<int64_t>> by_category;
  std::map<std::string, std::vector<int64_t>> by_name;
  std::map<std::pair<int64_t, int64_t>, int64_t> by_value;
  for (int64_t key = 0; key < keys; ++key) {
    all_keys.push_back(key);
  }
  for (const auto& [id, row] : rows) {
    by_category[row.category].push_back(id);
    by_name[row.name].push_back(id);
    by_value[{row.value, id}] = id;
  }
  std::vector<const Item*> got(all_keys.size());
  source.MultiGet(all_keys, absl::MakeSpan(got));
  for (const int64_t key : all_keys) {
    const Item* const row = source.Get(key);
    ASSERT_EQ(row, got[static_cast<size_t>(key)]);
    const auto it = rows.find(key);
    ASSERT_EQ(row != nullptr, it != rows.end()) << key;
    if (row != nullptr) {
      ASSERT_EQ(OwnedItem(*row), it->second);
    }
  }
  for (int64_t category = 0; category < 4; ++category) {
    ASSERT_EQ(Sorted(FindIds<&Item::category>(source, category)),
              by_category[category]);
  }
  for (int name = 0; name < 20; ++name) {
    const std::string text = absl::StrCat("n", name);
    ASSERT_EQ(Sorted(FindIds<&Item::name>(source, text)), by_name[text]);
  }
  std::vector<const Item*> range;
  source.template FindRange<&Item::value>(2, 7, &range);
  std::vector<int64_t> expected;
  for (const auto& [value, id] : by_value) {
    if (value.first >= 2 && value.first < 7) {
      expected.push_back(id);
    }
  }
  ASSERT_EQ(Ids(range), expected);
  range.clear();
  source.template FindRange<&Item::value>(0, absl::nullopt, &range, 5);
  expected.clear();
  for (const auto& [value, id] : by_value) {
    if (expected.size() < 5) {
      expected.push_back(id);
    }
  }
  ASSERT_EQ(Ids(range), expected);
  range.clear();
  source.template FindPrefix<&Item::name>("n1", &range);
  std::vector<int64_t> prefixed;
  for (const auto& [name, ids] : by_name) {
    if (name.substr(0, 2) == "n1") {
      prefixed.insert(prefixed.end(), ids.begin(), ids.end());
    }
  }
  ASSERT_EQ(Ids(range), prefixed);
  size_t count = 0;
  source.ForEach([&](const Item& row) {
    ++count;
    ASSERT_EQ(OwnedItem(row), rows.at(row.id));
  });
  ASSERT_EQ(count, rows.size());
}

constexpr int64_t kOperations = 400;
constexpr int64_t kKeys = 40;
constexpr uint64_t kSeeds = 120;

// Rotations wherever the threshold puts them; nothing leaves memory.
TEST(MetamorphicTest, TheThresholdChangesNoAnswer) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    const auto stream = MakeStream(seed, kOperations, kKeys);
    for (const int64_t threshold : {30, 57, 200, 10'000}) {
      MapPersister database;
      GatePersister gate(&database);
      MemtableOptions options = Small(threshold);
      options.max_immutables = kMaxImmutables;
      const auto table = Open(options, &gate);
      std::map<int64_t, OwnedItem> rows;
      std::map<int64_t, OwnedItem> then;
      std::vector<ItemTable::SnapshotType> snapshots;
      for (size_t i = 0; i < stream.size(); ++i) {
        ASSERT_EQ(Play(stream[i], table.get()), Model(stream[i], &rows)) << i;
        if (i == stream.size() / 3) {
          snapshots.push_back(table->TakeSnapshot());
          then = rows;
        }
        if (i % 67 == 0) {
          ExpectSame(table->Pin(), rows, kKeys);
        }
      }
      ExpectSame(table->Pin(), rows, kKeys);
      ExpectSame(table->TakeSnapshot(), rows, kKeys);
      ExpectSame(snapshots.front(), then, kKeys);
      gate.Open();
      ASSERT_TRUE(table->Close().ok());
      EXPECT_EQ(database.rows(), rows);
      ExpectSame(snapshots.front(), then, kKeys);
      if (HasFatalFailure()) {
        return;
      }
    }
  }
}

// Upserts and deletes do not ask what is there: rows may leave memory at any
// moment, and the database ends the same.
TEST(MetamorphicTest, FlushesChangeNotWhatIsPersisted) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    auto stream = MakeStream(seed, kOperations, kKeys);
    std::map<int64_t, OwnedItem> rows;
    for (Operation& operation : stream) {
      if (operation.what != What::kDelete) {
        operation.what = What::kUpsert;
      }
      Model(operation, &rows);
    }
    for (const int64_t threshold : {3, 20, 64, 10'000}) {
      MapPersister database;
      Random faults(seed);
      FaultyPersister<Item> faulty(
          [&](int64_t) {
            return static_cast<FaultyPersister<Item>::Fault>(
                faults.Bernoulli(0.1) ? 1 + faults.Below(3) : 0);
          },
          &database);
      MemtableOptions options = Small(threshold);
      options.batch_rows = 1 + static_cast<int64_t>(seed % 13);
      const auto table = Open(options, &faulty);
      for (const Operation& operation : stream) {
        ASSERT_TRUE(Play(operation, table.get()));
      }
      while (!table->Close().ok()) {
      }
      EXPECT_EQ(database.rows(), rows) << "seed " << seed;
    }
  }
}

// Each thread plays the operations of its own keys, so that the end is known.
TEST(MetamorphicTest, ThreadsChangeNoAnswer) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    const auto stream = MakeStream(seed, kOperations, kKeys);
    std::map<int64_t, OwnedItem> rows;
    std::vector<bool> accepted;
    for (const Operation& operation : stream) {
      accepted.push_back(Model(operation, &rows));
    }
    MapPersister database;
    GatePersister gate(&database);
    MemtableOptions options = Small(50 + static_cast<int64_t>(seed % 100));
    options.max_immutables = kMaxImmutables;
    const auto table = Open(options, &gate);
    const int64_t count = 2 + static_cast<int64_t>(seed % 3);
    std::vector<std::thread> threads;
    for (int64_t mine = 0; mine < count; ++mine) {
      threads.emplace_back([&, mine] {
        for (size_t i = 0; i < stream.size(); ++i) {
          if (stream[i].item.id % count == mine) {
            EXPECT_EQ(Play(stream[i], table.get()), accepted[i]);
          }
        }
      });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    ExpectSame(table->Pin(), rows, kKeys);
    ExpectSame(table->TakeSnapshot(), rows, kKeys);
    gate.Open();
    ASSERT_TRUE(table->Close().ok());
    EXPECT_EQ(database.rows(), rows);
    if (HasFatalFailure()) {
      return;
    }
  }
}

}  // namespace
}  // namespace opsbench::memtable
