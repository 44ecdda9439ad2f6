// The seeded table on every engine: the rows that its description names, and no
// half table after an interruption.

#include "opsbench/pipeline/bench_events.h"

#include <atomic>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "opsbench/testing/test_servers.h"

namespace opsbench::pipeline {
namespace {

class BenchEventsTest : public ::testing::TestWithParam<Engine> {
 protected:
  void SetUp() override {
    auto database = TestDatabase::Create(GetParam());
    ASSERT_TRUE(database.ok()) << database.status();
    database_ = *std::move(database);
    auto session = Connect(database_->url());
    ASSERT_TRUE(session.ok()) << session.status();
    session_ = *std::move(session);
  }

  std::string One(const std::string& sql) {
    ResultSet rows;
    const absl::Status status = session_->Query(sql, &rows);
    EXPECT_TRUE(status.ok()) << status;
    return rows.row_count() == 1 ? rows.at(0, 0).ToString() : "";
  }

  std::unique_ptr<TestDatabase> database_;
  std::unique_ptr<Session> session_;
};

TEST_P(BenchEventsTest, HoldsTheRowsOfItsDescription) {
  for (const int profile : {120, 500, 4096}) {
    SCOPED_TRACE(profile);
    BenchEventsOptions options;
    options.rows = 2500;
    options.profile_bytes = profile;
    options.fresh = profile != 120;
    const absl::Status seeded = SeedBenchEvents(session_.get(), options);
    ASSERT_TRUE(seeded.ok()) << seeded;
    EXPECT_EQ(One("SELECT COUNT(*) FROM bench_events"), "2500");
    EXPECT_EQ(One("SELECT MIN(id) FROM bench_events"), "1");
    EXPECT_EQ(One("SELECT MAX(id) FROM bench_events"), "2500");
    EXPECT_EQ(One("SELECT event_type FROM bench_events WHERE id = 7"), "view");
    EXPECT_EQ(One("SELECT user_id FROM bench_events WHERE id = 2007"), "8");
    EXPECT_EQ(One("SELECT amount FROM bench_events WHERE id = 2007"), "4049");
    EXPECT_EQ(One("SELECT COUNT(*) FROM bench_events WHERE is_active"), "1667");
    EXPECT_EQ(One("SELECT SUBSTR(payload, 1, 12) FROM bench_events "
                  "WHERE id = 321"),
              "payload-321-");
    const int payload = std::stoi(
        One("SELECT LENGTH(payload) FROM bench_events WHERE id = 321"));
    EXPECT_EQ(payload, profile == 120 ? 62 : profile == 500 ? 436 : 4036);
    EXPECT_EQ(One("SELECT COUNT(DISTINCT created_at) FROM bench_events"),
              "2500");
  }
}

TEST_P(BenchEventsTest, ATableThatIsThereStaysAsItIs) {
  BenchEventsOptions options;
  options.rows = 10;
  ASSERT_TRUE(SeedBenchEvents(session_.get(), options).ok());
  options.rows = 20;
  EXPECT_TRUE(absl::IsAlreadyExists(SeedBenchEvents(session_.get(), options)));
  EXPECT_EQ(One("SELECT COUNT(*) FROM bench_events"), "10");
}

// Only what seeding made is replaced by `fresh`; anything on the word of a flag
// of its own.
TEST_P(BenchEventsTest, AForeignTableIsRefusedAndStays) {
  BenchEventsOptions options;
  options.rows = 10;
  options.maker = "somebody else";
  ASSERT_TRUE(SeedBenchEvents(session_.get(), options).ok());
  const auto expect_refused = [&](const std::string& count) {
    for (const bool fresh : {false, true}) {
      BenchEventsOptions own;
      own.rows = 20;
      own.fresh = fresh;
      const absl::Status status = SeedBenchEvents(session_.get(), own);
      EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
      EXPECT_NE(status.message().find("bench_events"), std::string::npos);
      EXPECT_EQ(One("SELECT COUNT(*) FROM bench_events"), count);
    }
  };
  expect_refused("10");
  ASSERT_TRUE(session_->Execute("DROP TABLE bench_events").ok());
  ASSERT_TRUE(session_->Execute("CREATE TABLE bench_events (id INTEGER)").ok());
  expect_refused("0");
  options = {};
  options.rows = 20;
  options.replace_foreign = true;
  ASSERT_TRUE(SeedBenchEvents(session_.get(), options).ok());
  EXPECT_EQ(One("SELECT COUNT(*) FROM bench_events"), "20");
  // A view is replaced by nothing.
  ASSERT_TRUE(session_->Execute("DROP TABLE bench_events").ok());
  ASSERT_TRUE(
      session_->Execute("CREATE VIEW bench_events AS SELECT 1 AS id").ok());
  EXPECT_TRUE(
      absl::IsFailedPrecondition(SeedBenchEvents(session_.get(), options)));
  EXPECT_EQ(One("SELECT id FROM bench_events"), "1");
}

TEST_P(BenchEventsTest, ATableThatWasCutOffIsToldFromAWholeOne) {
  const TableName table = {"", kBenchEvents};
  const auto rows = [&] { return SeededRows(session_.get(), table); };
  BenchEventsOptions options;
  options.rows = 30;
  ASSERT_TRUE(SeedBenchEvents(session_.get(), options).ok());
  ASSERT_TRUE(rows().ok()) << rows().status();
  EXPECT_EQ(*rows(), 30);
  ASSERT_TRUE(session_->Execute("DELETE FROM bench_events WHERE id > 20").ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(rows().status()));
  EXPECT_NE(rows().status().message().find("20 of 30 rows"), std::string::npos);
  ASSERT_TRUE(session_->Execute("DROP TABLE bench_events").ok());
  ASSERT_TRUE(session_->Execute("CREATE TABLE bench_events (id INTEGER)").ok());
  EXPECT_EQ(*rows(), 0);
}

TEST_P(BenchEventsTest, InterruptedItLeavesNoTable) {
  std::atomic<bool> stop{false};
  BenchEventsOptions options;
  options.rows = 300'000;
  options.stop = &stop;
  options.on_progress = [&](int64_t) { stop = true; };
  EXPECT_TRUE(absl::IsCancelled(SeedBenchEvents(session_.get(), options)));
  ResultSet rows;
  EXPECT_FALSE(session_->Query("SELECT 1 FROM bench_events", &rows).ok());
}

INSTANTIATE_TEST_SUITE_P(Engines, BenchEventsTest,
                         ::testing::Values(Engine::kSqlite, Engine::kMysql,
                                           Engine::kPostgres),
                         [](const auto& test) {
                           return std::string(EngineName(test.param));
                         });

}  // namespace
}  // namespace opsbench::pipeline
