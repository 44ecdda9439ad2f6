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
