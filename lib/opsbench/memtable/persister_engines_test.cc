// One contract, the same on every engine: what reaches the database through a
// memtable is what a std::map says, whatever fails on the way.

#include <unistd.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/base/random.h"
#include "opsbench/memtable/persisters.h"
#include "opsbench/memtable/redis_persister.h"
#include "opsbench/memtable/sql_persister.h"
#include "opsbench/memtable/testing_item.h"
#include "opsbench/testing/test_servers.h"

namespace opsbench::memtable {
namespace {

using ::testing::HasSubstr;
using Items = std::map<int64_t, OwnedItem>;

// The database behind a persister, seen from a connection of the test's own.
class Store {
 public:
  virtual ~Store() = default;
  virtual absl::StatusOr<std::unique_ptr<Persister<Item>>> Open() = 0;
  virtual Items Read() = 0;
  // From then on what writes item 1 fails, with an error that says `word`.
  virtual void Break() = 0;
  virtual void Repair() = 0;
  virtual std::string word() const = 0;
  // Ends the persister's connections; false: there are none to end.
  virtual bool Disconnect() = 0;
};

class SqlStore : public Store {
 public:
  explicit SqlStore(Engine engine) {
    auto database = TestDatabase::Create(engine);
    EXPECT_TRUE(database.ok()) << database.status();
    database_ = *std::move(database);
    auto session = Connect(database_->url());
    EXPECT_TRUE(session.ok()) << session.status();
    session_ = *std::move(session);
    Run("CREATE TABLE items (id BIGINT PRIMARY KEY, name VARCHAR(100) NOT "
        "NULL, category BIGINT NOT NULL, value BIGINT NOT NULL)");
  }

  absl::StatusOr<std::unique_ptr<Persister<Item>>> Open() override {
    return SqlPersister<ItemSchema>::Open(database_->url(), "items");
  }

  Items Read() override {
    ResultSet rows;
    const absl::Status status =
        session_->Query("SELECT id, name, category, value FROM items", &rows);
    EXPECT_TRUE(status.ok()) << status;
    Items items;
    for (size_t i = 0; i < rows.row_count(); ++i) {
      OwnedItem& item = items[rows.at(i, 0).int64()];
      item.id = rows.at(i, 0).int64();
      item.name = std::string(rows.at(i, 1).text());
      item.category = rows.at(i, 2).int64();
      item.value = rows.at(i, 3).int64();
    }
    return items;
  }

  void Break() override { Run("ALTER TABLE items RENAME TO hidden"); }
  void Repair() override { Run("ALTER TABLE hidden RENAME TO items"); }
  std::string word() const override { return "items"; }

  bool Disconnect() override {
    if (database_->url().engine == Engine::kSqlite) return false;
    if (database_->url().engine == Engine::kPostgres) {
      // Waits until they have ended.
      Run("SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity "
          "WHERE datname = current_database() AND pid <> pg_backend_pid()");
      return true;
    }
    ResultSet rows;
    const absl::Status status = session_->Query(
        "SELECT id FROM information_schema.processlist WHERE db = DATABASE() "
        "AND id <> CONNECTION_ID()",
        &rows);
    EXPECT_TRUE(status.ok()) << status;
    for (size_t i = 0; i < rows.row_count(); ++i) {
      Run(absl::StrCat("KILL ", rows.at(i, 0).int64()));
    }
    return true;
  }

 private:
  void Run(const std::string& sql) {
    const auto done = session_->Execute(sql);
    EXPECT_TRUE(done.ok()) << sql << ": " << done.status();
  }

  std::unique_ptr<TestDatabase> database_;
  std::unique_ptr<Session> session_;
};

// Keys with a prefix of its own, written by a user of its own.
class RedisStore : public Store {
 public:
  RedisStore() {
    auto url = TestServerUrl(Engine::kRedis);
    EXPECT_TRUE(url.ok()) << url.status();
    auto session = ConnectRedis(*url);
    EXPECT_TRUE(session.ok()) << session.status();
    session_ = *std::move(session);
    static int number = 0;
    name_ = absl::StrCat("test_", getpid(), "_", number++);
    Run({"ACL", "SETUSER", name_, "on", ">secret", "~*", "+@all"});
    url_ = *url;
    url_.user = name_;
    url_.password = "secret";
  }
  ~RedisStore() override {
    for (const std::string& key : Keys()) Run({"DEL", key});
    Run({"ACL", "DELUSER", name_});
  }

  absl::StatusOr<std::unique_ptr<Persister<Item>>> Open() override {
    return RedisPersister<ItemSchema>::Open(url_, name_);
  }

  Items Read() override {
    const std::vector<std::string> keys = Keys();
    for (const std::string& key : keys) {
      session_->Append({"HMGET", key, "id", "name", "category", "value"});
    }
    std::vector<RedisReply> replies;
    const absl::Status status = session_->Flush(&replies);
    EXPECT_TRUE(status.ok()) << status;
    Items items;
    for (size_t i = 0; i < replies.size(); ++i) {
      const std::vector<RedisReply>& fields = replies[i].elements;
      OwnedItem item;
      EXPECT_TRUE(absl::SimpleAtoi(fields[0].text, &item.id));
      EXPECT_TRUE(absl::SimpleAtoi(fields[2].text, &item.category));
      EXPECT_TRUE(absl::SimpleAtoi(fields[3].text, &item.value));
      item.name = fields[1].text;
      EXPECT_EQ(keys[i], absl::StrCat(name_, ":", item.id));
      items[item.id] = item;
    }
    return items;
  }

  // The key of item 1 is moved away, and is no hash.
  void Break() override {
    if (Run({"EXISTS", Key1()}).integer == 1) {
      Run({"RENAME", Key1(), absl::StrCat(name_, "_hidden")});
    }
    Run({"SET", Key1(), "no hash"});
  }
  void Repair() override {
    Run({"DEL", Key1()});
    const std::string hidden = absl::StrCat(name_, "_hidden");
    if (Run({"EXISTS", hidden}).integer == 1) Run({"RENAME", hidden, Key1()});
  }
  std::string word() const override { return "WRONGTYPE"; }

  bool Disconnect() override {
    EXPECT_GE(Run({"CLIENT", "KILL", "USER", name_}).integer, 1);
    return true;
  }

 private:
  std::string Key1() const { return absl::StrCat(name_, ":1"); }

  RedisReply Run(const std::vector<absl::string_view>& command) {
    auto reply = session_->Execute(command);
    EXPECT_TRUE(reply.ok()) << command[0] << ": " << reply.status();
    return reply.value_or(RedisReply());
  }

  std::vector<std::string> Keys() {
    std::vector<std::string> keys;
    for (const RedisReply& key :
         Run({"KEYS", absl::StrCat(name_, ":*")}).elements) {
      keys.push_back(key.text);
    }
    return keys;
  }

  std::string name_;
  Url url_;
  std::unique_ptr<RedisSession> session_;
};

MemtableOptions SmallOptions() {
  MemtableOptions options;
  options.threshold_records = 300;
  options.threshold_bytes = 4 << 20;
  options.flush_timeout_ms = 0;
  options.batch_rows = 70;
  options.backoff_initial_ms = 1;
  options.backoff_max_ms = 2;
  return options;
}

class PersisterEnginesTest : public ::testing::TestWithParam<Engine> {
 protected:
  void SetUp() override {
    if (GetParam() == Engine::kRedis) {
      store_ = std::make_unique<RedisStore>();
    } else {
      store_ = std::make_unique<SqlStore>(GetParam());
    }
    auto persister = store_->Open();
    ASSERT_TRUE(persister.ok()) << persister.status();
    persister_ = *std::move(persister);
  }

  std::unique_ptr<ItemTable> OpenTable(Persister<Item>* persister) {
    auto table = ItemTable::Open(SmallOptions(), persister);
    EXPECT_TRUE(table.ok()) << table.status();
    return *std::move(table);
  }

  // Random writes of a few keys, in the table and in `expected`.
  void Write(ItemTable& table, int operations, Items* expected) {
    for (int i = 0; i < operations; ++i) {
      OwnedItem item(static_cast<int64_t>(random_.Below(500)));
      item.value = static_cast<int64_t>(random_.Below(1'000'000));
      const uint64_t dice = random_.Below(10);
      if (dice < 3) {
        ASSERT_TRUE(table.Delete(item.id).ok());
        expected->erase(item.id);
        continue;
      }
      item.name = absl::StrCat("it's \"{item}\" \\ \t ü ", item.value);
      if (dice < 7) {
        ASSERT_TRUE(table.Upsert(item.view()).ok());
        (*expected)[item.id] = item;
        continue;
      }
      // What was flushed is not here to be updated.
      const absl::Status status =
          table.Update(item.id, [&item](const Item&, Item* row) {
            row->name = item.name;
            row->category = -1;
          });
      if (absl::IsNotFound(status)) continue;
      ASSERT_TRUE(status.ok()) << status;
      ASSERT_EQ(expected->count(item.id), 1U);
      (*expected)[item.id].name = item.name;
      (*expected)[item.id].category = -1;
    }
  }

  void ExpectStored(const Items& expected) {
    const Items stored = store_->Read();
    EXPECT_EQ(stored.size(), expected.size());
    EXPECT_TRUE(stored == expected);
  }

  std::unique_ptr<Store> store_;
  std::unique_ptr<Persister<Item>> persister_;
  Random random_{20'260'101};
};

TEST_P(PersisterEnginesTest, RandomWritesReachTheDatabase) {
  Items expected;
  const auto table = OpenTable(persister_.get());
  for (int part = 0; part < 4; ++part) {
    ASSERT_NO_FATAL_FAILURE(Write(*table, 2'500, &expected));
    ASSERT_TRUE(table->Flush().ok());
    ExpectStored(expected);
  }
  ASSERT_NO_FATAL_FAILURE(Write(*table, 100, &expected));
  ASSERT_TRUE(table->Close().ok());
  ExpectStored(expected);
  EXPECT_GT(table->metrics().flushes, 10);
  EXPECT_EQ(table->metrics().retries, 0);
}

// Every number of rows up to some, so that each size of statement is used; and
// a batch that comes again.
TEST_P(PersisterEnginesTest, ABatchTwiceIsTheSameAsOnce) {
  std::vector<OwnedItem> items;
  for (int i = 0; i < 1'200; ++i) items.emplace_back(i);
  std::vector<Item> rows;
  for (const OwnedItem& item : items) rows.push_back(item.view());
  for (const size_t count : {1'200U, 1'000U, 777U, 33U, 3U, 2U, 1U, 0U}) {
    std::vector<Change<Item>> changes;
    Items expected;
    for (size_t i = 0; i < rows.size(); ++i) {
      const bool removed = i >= count;
      changes.push_back({&rows[i], removed});
      if (!removed) expected[items[i].id] = items[i];
    }
    for (int time = 0; time < 2; ++time) {
      const absl::Status status = persister_->Persist(changes);
      ASSERT_TRUE(status.ok()) << status;
      ExpectStored(expected);
    }
  }
  EXPECT_TRUE(persister_->Persist({}).ok());
}

TEST_P(PersisterEnginesTest, WhatCannotBeWrittenIsKeptUntilItCan) {
  Items expected;
  const auto table = OpenTable(persister_.get());
  ASSERT_NO_FATAL_FAILURE(Write(*table, 1'000, &expected));
  ASSERT_TRUE(table->Flush().ok());
  for (int time = 0; time < 2; ++time) {
    store_->Break();
    ASSERT_NO_FATAL_FAILURE(Write(*table, 500, &expected));
    ASSERT_TRUE(table->Upsert(OwnedItem(1).view()).ok());
    expected[1] = OwnedItem(1);
    const absl::Status status = table->Flush();
    ASSERT_FALSE(status.ok());
    EXPECT_THAT(std::string(status.message()), HasSubstr("persist to "));
    EXPECT_THAT(std::string(status.message()), HasSubstr(store_->word()));
    EXPECT_GT(table->metrics().retries, 0);
    EXPECT_NE(table->Pin().Get(1), nullptr);
    store_->Repair();
    ASSERT_TRUE(table->Flush().ok());
    ExpectStored(expected);
  }
}

TEST_P(PersisterEnginesTest, ALostConnectionIsMadeAgain) {
  Items expected;
  const auto table = OpenTable(persister_.get());
  for (int part = 0; part < 3; ++part) {
    ASSERT_NO_FATAL_FAILURE(Write(*table, 200, &expected));
    ASSERT_TRUE(table->Flush().ok());
    if (!store_->Disconnect()) return;
    const OwnedItem item(part);
    const Item row = item.view();
    const Change<Item> change{&row, false};
    const absl::Status lost = persister_->Persist({&change, 1});
    EXPECT_EQ(lost.code(), absl::StatusCode::kUnavailable) << lost;
    ASSERT_NO_FATAL_FAILURE(Write(*table, 200, &expected));
    ASSERT_TRUE(table->Flush().ok());
    ExpectStored(expected);
    store_->Disconnect();
    // The flush thread meets the loss by itself.
    ASSERT_NO_FATAL_FAILURE(Write(*table, 200, &expected));
    while (!table->Flush().ok()) {
    }
    EXPECT_GT(table->metrics().retries, part);
    ExpectStored(expected);
  }
}

TEST_P(PersisterEnginesTest, InjectedFaultsLoseAndDoubleNothing) {
  using Faulty = FaultyPersister<Item>;
  for (const Faulty::Fault fault :
       {Faulty::Fault::kBefore, Faulty::Fault::kHalf, Faulty::Fault::kAfter}) {
    Faulty faulty(
        [fault](int64_t number) {
          return number % 3 == 1 ? fault : Faulty::Fault::kNone;
        },
        persister_.get());
    Items expected = store_->Read();
    {
      const auto table = OpenTable(&faulty);
      ASSERT_NO_FATAL_FAILURE(Write(*table, 2'000, &expected));
      while (!table->Close().ok()) {
      }
      EXPECT_GT(table->metrics().retries, 5);
    }
    ExpectStored(expected);
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, PersisterEnginesTest,
                         ::testing::Values(Engine::kSqlite, Engine::kMysql,
                                           Engine::kPostgres, Engine::kRedis),
                         [](const auto& test) {
                           return std::string(EngineName(test.param));
                         });

}  // namespace
}  // namespace opsbench::memtable
