// The places that benchmarks of flushes write to: nothing of anybody else's is
// touched there, what a benchmark left that died is taken, and an effect that
// is wrong is told.

#include "opsbench/memtable/bench_target.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "opsbench/db/redis.h"
#include "opsbench/db/session.h"
#include "opsbench/testing/test_servers.h"

namespace opsbench::memtable {
namespace {

constexpr int64_t kItems = 500;

class BenchTargetTest : public ::testing::TestWithParam<Engine> {
 protected:
  void SetUp() override {
    if (GetParam() == Engine::kRedis) {
      const auto url = TestServerUrl(Engine::kRedis);
      ASSERT_TRUE(url.ok()) << url.status();
      url_ = *url;
    } else {
      auto database = TestDatabase::Create(GetParam());
      ASSERT_TRUE(database.ok()) << database.status();
      database_ = *std::move(database);
      url_ = database_->url();
    }
  }

  absl::StatusOr<std::unique_ptr<BenchTarget>> Open() {
    return BenchTarget::Open(url_, {"test", kItems});
  }

  static absl::Status Put(BenchTarget& target, int64_t first, int64_t end,
                          bool removed = false) {
    std::vector<OwnedItem> items;
    for (int64_t id = first; id < end; ++id) items.emplace_back(id);
    std::vector<Item> rows;
    for (const OwnedItem& item : items) rows.push_back(item.view());
    std::vector<Change<Item>> changes;
    for (const Item& row : rows) changes.push_back({&row, removed});
    return target.persister()->Persist(changes);
  }

  static absl::Status Check(BenchTarget& target, int64_t count) {
    return CheckTarget(target, kItems, count,
                       [&](int64_t id) -> absl::optional<OwnedItem> {
                         if (id >= count) return absl::nullopt;
                         return OwnedItem(id);
                       });
  }

  // Statements on the engine, beside the target: of SQL or of Redis.
  std::string Run(const std::string& sql,
                  const std::vector<absl::string_view>& command) {
    if (GetParam() == Engine::kRedis) {
      auto session = ConnectRedis(url_);
      EXPECT_TRUE(session.ok()) << session.status();
      const auto reply = (*session)->Execute(command);
      EXPECT_TRUE(reply.ok()) << reply.status();
      return reply->text;
    }
    auto session = Connect(url_);
    EXPECT_TRUE(session.ok()) << session.status();
    ResultSet rows;
    const absl::Status status = (*session)->Query(sql, &rows);
    EXPECT_TRUE(status.ok()) << status << ": " << sql;
    return rows.row_count() == 1 ? rows.at(0, 0).ToString() : "";
  }

  std::unique_ptr<TestDatabase> database_;
  Url url_;
};

TEST_P(BenchTargetTest, AWrongEffectIsTold) {
  auto target = Open();
  ASSERT_TRUE(target.ok()) << target.status();
  ASSERT_TRUE(Put(**target, 0, kItems).ok());
  EXPECT_TRUE(Check(**target, kItems).ok()) << Check(**target, kItems);
  // One too many, one too few, one with other values.
  EXPECT_FALSE(Check(**target, kItems - 1).ok());
  ASSERT_TRUE(Put(**target, kItems - 1, kItems, true).ok());
  EXPECT_TRUE(Check(**target, kItems - 1).ok());
  EXPECT_FALSE(Check(**target, kItems).ok());
  Run("UPDATE opsbench_bench_test SET value = -1",
      {"HSET", "opsbench:bench:test:0", "value", "-1"});
  const absl::Status other = Check(**target, kItems - 1);
  EXPECT_TRUE(absl::IsInternal(other)) << other;
  EXPECT_TRUE(absl::StrContains(other.message(), "other values")) << other;
  ASSERT_TRUE((*target)->Clear().ok());
  EXPECT_TRUE(Check(**target, 0).ok());
}

TEST_P(BenchTargetTest, WhatABenchmarkLeftIsTaken) {
  auto first = Open();
  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_TRUE(Put(**first, 0, 100).ok());
  auto second = Open();
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_TRUE(Check(**second, 0).ok());
  second->reset();
  first->reset();
}

TEST_P(BenchTargetTest, ForeignThingsAreRefusedAndStay) {
  Run("CREATE TABLE opsbench_bench_test (precious INTEGER)",
      {"SET", "opsbench:bench:test:7", "precious"});
  const absl::Status refused = Open().status();
  EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
  EXPECT_TRUE(absl::StrContains(refused.message(), "opsbench"));
  if (GetParam() != Engine::kRedis) {
    EXPECT_EQ(Run("SELECT COUNT(precious) FROM opsbench_bench_test", {}), "0");
    return;
  }
  EXPECT_EQ(Run("", {"GET", "opsbench:bench:test:7"}), "precious");
  Run("", {"DEL", "opsbench:bench:test:7"});
  using Command = std::vector<absl::string_view>;
  for (const Command& mark : std::vector<Command>{
           {"SET", "opsbench:bench:test", "mine"},
           {"SET", "opsbench:bench:test", "opsbench: another; items=9"},
           {"RPUSH", "opsbench:bench:test", "mine"}}) {
    Run("", mark);
    EXPECT_TRUE(absl::IsFailedPrecondition(Open().status()));
    Run("", {"DEL", "opsbench:bench:test"});
  }
  EXPECT_TRUE(Open().ok());
}

INSTANTIATE_TEST_SUITE_P(Engines, BenchTargetTest,
                         ::testing::Values(Engine::kSqlite, Engine::kMysql,
                                           Engine::kPostgres, Engine::kRedis),
                         [](const auto& test) {
                           return std::string(EngineName(test.param));
                         });

}  // namespace
}  // namespace opsbench::memtable
