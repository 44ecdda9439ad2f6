#include "opsbench/memtable/memtable.h"

#include <limits>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/memtable/persisters.h"
#include "opsbench/memtable/testing_item.h"

namespace opsbench::memtable {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

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

TEST(MemtableTest, ASnapshotStaysAsItWas) {
  MapPersister map;
  const auto table = Open(Small(50), &map);
  for (int64_t i = 0; i < 20; ++i) {
    ASSERT_TRUE(table->Insert(OwnedItem(i).view()).ok());
  }
  const auto before = table->TakeSnapshot();
  ASSERT_TRUE(table->Delete(3).ok());
  ASSERT_TRUE(
      table->Update(13, [](const Item&, Item* row) { row->category = 99; })
          .ok());
  ASSERT_TRUE(
      table->Update(14, [](const Item&, Item* row) { ++row->value; }).ok());
  ASSERT_TRUE(table->Insert(OwnedItem(23).view()).ok());
  const auto after = table->TakeSnapshot();
  // Rotations and flushes change nothing for either.
  for (int64_t i = 100; i < 400; ++i) {
    ASSERT_TRUE(table->Insert(OwnedItem(i).view()).ok());
  }
  ASSERT_TRUE(table->Flush().ok());
  EXPECT_THAT(FindIds<&Item::category>(before, 3), UnorderedElementsAre(3, 13));
  EXPECT_EQ(before.Get(13)->category, 3);
  EXPECT_EQ(before.Get(14)->value, 14);
  EXPECT_EQ(before.Get(23), nullptr);
  EXPECT_THAT(FindIds<&Item::value>(before, 14), ElementsAre(14));
  EXPECT_THAT(FindIds<&Item::category>(after, 3), ElementsAre(23));
  EXPECT_THAT(FindIds<&Item::category>(after, 99), ElementsAre(13));
  EXPECT_THAT(FindIds<&Item::category>(after, 4), UnorderedElementsAre(4, 14));
  EXPECT_THAT(FindIds<&Item::value>(after, 15), UnorderedElementsAre(14, 15));
  std::set<int64_t> ids;
  after.ForEach([&](const Item& row) { ids.insert(row.id); });
  EXPECT_THAT(ids, SizeIs(20));
  EXPECT_EQ(ids.count(3), 0);
}

// A repository that asks the database for what is not here must not bring back
// a row whose deletion the database has not heard of.
TEST(MemtableTest, LookupTellsADeletedRowFromAnUnknownOne) {
  CountingPersister<Item> persister;
  const auto table = Open(Small(1000), &persister);
  ASSERT_TRUE(table->Upsert(OwnedItem(1).view()).ok());
  ASSERT_TRUE(table->Upsert(OwnedItem(2).view()).ok());
  ASSERT_TRUE(table->Delete(2).ok());
  ASSERT_TRUE(table->Delete(3).ok());
  const auto snapshot = table->TakeSnapshot();
  const Item* row = nullptr;
  const auto presence = [&row](const auto& reads, int64_t key) {
    const Presence found = reads.Lookup(key, &row);
    EXPECT_EQ(row != nullptr, found == Presence::kHere) << key;
    return found;
  };
  for (const bool flushed : {false, true}) {
    if (flushed) {
      ASSERT_TRUE(table->Flush().ok());
    }
    const auto unless_flushed = [flushed](Presence known) {
      return flushed ? Presence::kUnknown : known;
    };
    const auto pin = table->Pin();
    EXPECT_EQ(presence(pin, 1), unless_flushed(Presence::kHere));
    EXPECT_EQ(presence(pin, 2), unless_flushed(Presence::kRemoved));
    EXPECT_EQ(presence(pin, 3), unless_flushed(Presence::kRemoved));
    EXPECT_EQ(presence(pin, 4), Presence::kUnknown);
    EXPECT_EQ(presence(snapshot, 1), Presence::kHere);
    EXPECT_EQ(row->name, "item_1");
    EXPECT_EQ(presence(snapshot, 2), Presence::kRemoved);
    EXPECT_EQ(presence(snapshot, 3), Presence::kRemoved);
    EXPECT_EQ(presence(snapshot, 4), Presence::kUnknown);
  }
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

TEST(MemtableTest, StringsAndKeysAtTheirLimits) {
  MapPersister map;
  MemtableOptions options = Small(1000);
  options.threshold_bytes = 64 << 20;
  const auto table = Open(options, &map);
  std::vector<OwnedItem> items;
  for (const int64_t id : {std::numeric_limits<int64_t>::min(), int64_t{-1},
                           int64_t{0}, std::numeric_limits<int64_t>::max()}) {
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

struct Document {
  std::string_view path;
  uint64_t size = 0;
  bool hidden = false;
  double score = 0;
};
using DocumentSchema = Schema<Document, Key<"path", &Document::path>,
                              Field<"size", &Document::size, kOrdered>,
                              Field<"hidden", &Document::hidden, kEquality>>;

TEST(MemtableTest, KeysMayBeStrings) {
  class Collector : public Persister<Document> {
   public:
    absl::Status Persist(absl::Span<const Change<Document>> changes) override {
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
