// Seeding: interrupted, resumed, refused. On SQLite, MariaDB or MySQL, and
// PostgreSQL.

#include "opsbench/sidetable/seed.h"

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/sidetable/effect.h"
#include "opsbench/sidetable/generator.h"
#include "opsbench/sidetable/reference.h"
#include "opsbench/sidetable/store.h"
#include "opsbench/testing/test_servers.h"

namespace opsbench::sidetable {
namespace {

using ::testing::HasSubstr;

class SeedTest : public ::testing::TestWithParam<Engine> {
 protected:
  void SetUp() override {
    auto database = TestDatabase::Create(GetParam());
    ASSERT_TRUE(database.ok()) << database.status();
    database_ = *std::move(database);
  }

  const Url& url() const { return database_->url(); }

  absl::Status Execute(const std::string& sql) {
    auto session = Connect(url());
    if (!session.ok()) return session.status();
    return (*session)->Execute(sql).status();
  }

  absl::Status Verify(int64_t operations) {
    auto session = Connect(url());
    if (!session.ok()) return session.status();
    auto store = Store::Create(session->get(), Strategy::kSideTable);
    if (!store.ok()) return store.status();
    return VerifyAnswers(**store, Reference(Generator(7), operations), 2, 1);
  }

  std::unique_ptr<TestDatabase> database_;
};

TEST_P(SeedTest, RefusesCountsOutOfRange) {
  for (const int64_t operations :
       {int64_t{0}, int64_t{-1}, INT64_MIN, INT64_MAX}) {
    EXPECT_EQ(Seed(url(), {.operations = operations}).status().code(),
              absl::StatusCode::kInvalidArgument)
        << operations;
  }
  for (const int workers : {0, -1, 100'000}) {
    EXPECT_EQ(
        Seed(url(), {.operations = 1, .workers = workers}).status().code(),
        absl::StatusCode::kInvalidArgument)
        << workers;
  }
}

// Stops after some chunks, by a flag that the progress of the data itself sets
// (another session sees a committed chunk), then goes on.
TEST_P(SeedTest, AnInterruptedSeedingIsResumedWithoutLossOrDouble) {
  constexpr int64_t kOperations = 3'000;
  std::atomic<bool> stop{true};
  const SeedOptions options = {
      .operations = kOperations, .seed = 7, .stop = &stop, .chunk = 500};
  // Stopped at once: nothing but the schema is there.
  EXPECT_EQ(Seed(url(), options).status().code(), absl::StatusCode::kCancelled);
  // Some chunks are there and one was under way when it ended.
  stop.store(false);
  SeedOptions resume = options;
  resume.resume = true;
  const auto resumed = Seed(url(), resume);
  ASSERT_TRUE(resumed.ok()) << resumed.status();
  EXPECT_EQ(resumed->operations, kOperations);
  // As a crash between two chunks leaves it: one chunk's rows and its mark are
  // missing, and the data is not complete.
  ASSERT_TRUE(
      Execute("DELETE FROM operations WHERE id > 1000 AND id <= 1500").ok());
  ASSERT_TRUE(Execute("DELETE FROM operation_prefixes WHERE operation_id > "
                      "1000 AND operation_id <= 1500")
                  .ok());
  ASSERT_TRUE(Execute("DELETE FROM sidetable_chunks WHERE chunk = 2").ok());
  ASSERT_TRUE(Execute("UPDATE sidetable_meta SET complete = 0").ok());
  EXPECT_EQ(Verify(kOperations).code(), absl::StatusCode::kInternal);

  EXPECT_THAT(std::string(Seed(url(), options).status().message()),
              HasSubstr("--resume"));
  // The chunk size of the first run counts, whatever is asked for now.
  resume.chunk = 123;
  const auto again = Seed(url(), resume);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->operations, 500);
  EXPECT_EQ(again->resumed, kOperations - 500);
  const absl::Status verified = Verify(kOperations);
  EXPECT_TRUE(verified.ok()) << verified;
}

TEST_P(SeedTest, SeedingTwiceSaysThatTheDataIsThere) {
  const SeedOptions options = {.operations = 100, .seed = 7};
  ASSERT_TRUE(Seed(url(), options).ok());
  EXPECT_EQ(Seed(url(), options).status().code(),
            absl::StatusCode::kAlreadyExists);
  const auto other = Seed(url(), {.operations = 200, .seed = 7});
  EXPECT_EQ(other.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(other.status().message()), HasSubstr("--fresh"));
  const auto fresh = Seed(url(), {.operations = 200, .seed = 7, .fresh = true});
  ASSERT_TRUE(fresh.ok()) << fresh.status();
  EXPECT_TRUE(Verify(200).ok());
}

TEST_P(SeedTest, ASchemaOfAnotherVersionIsRefused) {
  ASSERT_TRUE(Seed(url(), {.operations = 100, .seed = 7}).ok());
  ASSERT_TRUE(Execute("UPDATE sidetable_meta SET schema_version = 999").ok());
  auto session = Connect(url());
  ASSERT_TRUE(session.ok());
  auto store = Store::Create(session->get(), Strategy::kSideTable);
  ASSERT_TRUE(store.ok());
  const auto meta = (*store)->RequireSeeded();
  EXPECT_EQ(meta.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(meta.status().message()), HasSubstr("version 999"));
  EXPECT_EQ(Seed(url(), {.operations = 100, .seed = 7, .resume = true})
                .status()
                .code(),
            absl::StatusCode::kFailedPrecondition);
}

// A table that opsbench did not make is never dropped, --fresh or not.
TEST_P(SeedTest, ATableOfSomebodyElseIsLeftAlone) {
  ASSERT_TRUE(Execute("CREATE TABLE operations (mine INT)").ok());
  ASSERT_TRUE(Execute("INSERT INTO operations VALUES (1)").ok());
  for (const bool fresh : {false, true}) {
    const auto seeded =
        Seed(url(), {.operations = 100, .seed = 7, .fresh = fresh});
    EXPECT_EQ(seeded.status().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(seeded.status().message()),
                HasSubstr("table operations was not made by opsbench"));
  }
  auto session = Connect(url());
  ASSERT_TRUE(session.ok());
  ResultSet rows;
  ASSERT_TRUE((*session)->Query("SELECT mine FROM operations", &rows).ok());
  EXPECT_EQ(rows.row_count(), 1u);
}

// Data of version 1 has no marks, and on MySQL ids of AUTO_INCREMENT. Its rows
// stay: the same command that made it brings it up to date.
TEST_P(SeedTest, DataOfTheFirstVersionIsBroughtUpToDate) {
  const SeedOptions options = {.operations = 300, .seed = 7};
  ASSERT_TRUE(Seed(url(), options).ok());
  const std::vector<std::string> tables = {
      "operations", "operation_prefixes", "sidetable_meta", "sidetable_chunks"};
  switch (GetParam()) {
    case Engine::kMysql:
      for (const std::string& table : tables) {
        ASSERT_TRUE(
            Execute(absl::StrCat("ALTER TABLE ", table, " COMMENT = ''")).ok());
      }
      ASSERT_TRUE(Execute("ALTER TABLE operations MODIFY id BIGINT UNSIGNED "
                          "NOT NULL AUTO_INCREMENT")
                      .ok());
      ASSERT_TRUE(Execute("DROP TABLE operation_ids").ok());
      ASSERT_TRUE(
          Execute("DROP PROCEDURE insert_operation_with_prefixes").ok());
      ASSERT_TRUE(Execute("CREATE PROCEDURE insert_operation_with_prefixes() "
                          "SELECT 1")
                      .ok());
      break;
    case Engine::kPostgres:
      for (const std::string& table : tables) {
        ASSERT_TRUE(
            Execute(absl::StrCat("COMMENT ON TABLE ", table, " IS NULL")).ok());
      }
      break;
    default:
      break;
  }
  ASSERT_TRUE(Execute("UPDATE sidetable_meta SET schema_version = 1").ok());
  const auto session = Connect(url());
  ASSERT_TRUE(session.ok()) << session.status();
  const auto store = Store::Create(session->get(), Strategy::kSideTable);
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_THAT(std::string((*store)->RequireSeeded().status().message()),
              HasSubstr("--ops 300 --seed 7"));
  const absl::Status upgraded = Seed(url(), options).status();
  if (GetParam() == Engine::kSqlite) {
    // A mark cannot be added to a table that is there.
    EXPECT_EQ(upgraded.code(), absl::StatusCode::kUnimplemented) << upgraded;
    return;
  }
  EXPECT_EQ(upgraded.code(), absl::StatusCode::kAlreadyExists) << upgraded;
  const auto meta = (*store)->RequireSeeded();
  ASSERT_TRUE(meta.ok()) << meta.status();
  EXPECT_TRUE(Verify(300).ok());
  std::vector<NewOperation> inserted(30);
  Random random(3);
  for (NewOperation& one : inserted) one.Set(Generator(7).Live(1, random));
  const auto check = WriteCheck::Start(**store);
  ASSERT_TRUE(check.ok()) << check.status();
  Written written;
  ASSERT_TRUE((*store)->InsertMany(inserted).ok());
  written.Add(inserted);
  ASSERT_TRUE((*store)->InsertOne(inserted[0]).ok());
  written.Add(absl::MakeConstSpan(inserted).first(1));
  const absl::Status right = check->Finish(**store, written);
  EXPECT_TRUE(right.ok()) << right;
  SeedOptions again = options;
  again.fresh = true;
  EXPECT_TRUE(Seed(url(), again).ok());
}

// Rows that are not the generator's are not ours, whatever the record says.
TEST_P(SeedTest, DataOfTheFirstVersionThatWasChangedIsLeft) {
  const SeedOptions options = {.operations = 300, .seed = 7};
  ASSERT_TRUE(Seed(url(), options).ok());
  ASSERT_TRUE(Execute("UPDATE sidetable_meta SET schema_version = 1").ok());
  ASSERT_TRUE(Execute("UPDATE operations SET type_path = 'mine'").ok());
  const absl::Status left = Seed(url(), options).status();
  EXPECT_EQ(left.code(), absl::StatusCode::kFailedPrecondition) << left;
  EXPECT_THAT(std::string(left.message()), HasSubstr("--replace-foreign"));
}

TEST_P(SeedTest, AnEmptyDatabaseSaysWhatToDo) {
  auto session = Connect(url());
  ASSERT_TRUE(session.ok());
  auto store = Store::Create(session->get(), Strategy::kSideTable);
  ASSERT_TRUE(store.ok());
  const auto meta = (*store)->RequireSeeded();
  EXPECT_EQ(meta.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(meta.status().message()),
              HasSubstr("opsbench sidetable seed"));
}

INSTANTIATE_TEST_SUITE_P(Engines, SeedTest,
                         ::testing::Values(Engine::kSqlite, Engine::kMysql,
                                           Engine::kPostgres),
                         [](const auto& test) {
                           return std::string(EngineName(test.param));
                         });

TEST(SeedServerTest, ADeadServerIsUnavailable) {
  const Url nowhere = *Url::Parse("postgres://u:secret@127.0.0.1:1/x");
  const auto seeded = Seed(nowhere, {.operations = 10});
  EXPECT_EQ(seeded.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(seeded.status().message()),
              ::testing::Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace opsbench::sidetable
