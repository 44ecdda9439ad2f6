// Marks on real engines: what stands under a name is told from what opsbench
// made, and only the latter can be dropped by DropOurTable().

#include "opsbench/db/ownership.h"

#include <memory>
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/testing/test_servers.h"

namespace opsbench {
namespace {

using Code = absl::StatusCode;
using Driver = ConnectOptions::Driver;
using ::testing::HasSubstr;

struct Backend {
  const char* name;
  Engine engine;
  Driver driver = Driver::kNative;
};

constexpr Backend kBackends[] = {
    {"Sqlite", Engine::kSqlite},
    {"MysqlNative", Engine::kMysql},
    {"MysqlConnector", Engine::kMysql, Driver::kConnector},
    {"Postgres", Engine::kPostgres},
};

constexpr char kCreate[] = "CREATE TABLE items (id BIGINT PRIMARY KEY)";
constexpr char kRemedy[] = "name another database";

class OwnershipTest : public ::testing::TestWithParam<Backend> {
 protected:
  void SetUp() override {
    auto database = TestDatabase::Create(GetParam().engine);
    ASSERT_TRUE(database.ok()) << database.status();
    database_ = *std::move(database);
    ConnectOptions options;
    options.driver = GetParam().driver;
    auto session = Connect(database_->url(), options);
    ASSERT_TRUE(session.ok()) << session.status();
    session_ = *std::move(session);
  }

  void Run(absl::string_view sql) {
    const auto affected = session_->Execute(sql);
    ASSERT_TRUE(affected.ok()) << sql << ": " << affected.status();
  }

  TableOwner Owner(const std::string& name = "items") {
    const auto owner = FindTableOwner(*session_, {.name = name});
    EXPECT_TRUE(owner.ok()) << owner.status();
    return owner.value_or(TableOwner());
  }

  void ExpectRefused(absl::string_view what) {
    const auto ours =
        RequireOurs(*session_, {.name = "items"}, "test", kRemedy);
    EXPECT_EQ(ours.status().code(), Code::kFailedPrecondition);
    EXPECT_THAT(std::string(ours.status().message()), HasSubstr(what));
    EXPECT_THAT(std::string(ours.status().message()), HasSubstr(kRemedy));
    EXPECT_EQ(
        DropOurTable(*session_, {.name = "items"}, "test", kRemedy).code(),
        Code::kFailedPrecondition);
    EXPECT_NE(Owner().ownership, Ownership::kAbsent);
  }

  std::unique_ptr<TestDatabase> database_;
  std::unique_ptr<Session> session_;
};

INSTANTIATE_TEST_SUITE_P(Backends, OwnershipTest,
                         ::testing::ValuesIn(kBackends),
                         [](const auto& instance) {
                           return std::string(instance.param.name);
                         });

TEST_P(OwnershipTest, MadeFoundAndDropped) {
  EXPECT_EQ(Owner().ownership, Ownership::kAbsent);
  EXPECT_EQ(*RequireOurs(*session_, {.name = "items"}, "test", ""), false);
  ASSERT_TRUE(CreateMarkedTable(*session_, {.name = "items"}, kCreate, "test",
                                "seed=7, rows=100")
                  .ok());
  const TableOwner owner = Owner();
  EXPECT_EQ(owner.ownership, Ownership::kOurs);
  EXPECT_EQ(owner.kind, "table");
  EXPECT_EQ(owner.maker, "test");
  EXPECT_EQ(owner.detail, "seed=7, rows=100");
  EXPECT_EQ(*RequireOurs(*session_, {.name = "items"}, "test", ""), true);
  ASSERT_TRUE(DropOurTable(*session_, {.name = "items"}, "test", "").ok());
  EXPECT_EQ(Owner().ownership, Ownership::kAbsent);
  EXPECT_TRUE(DropOurTable(*session_, {.name = "items"}, "test", "").ok());
}

TEST_P(OwnershipTest, TablesOfOthersAreRefused) {
  Run(kCreate);
  ExpectRefused("table items was not made by opsbench");
}

TEST_P(OwnershipTest, ViewsOfOthersAreRefused) {
  Run("CREATE VIEW items AS SELECT 1 AS id");
  ExpectRefused("view items was not made by opsbench");
}

TEST_P(OwnershipTest, TablesOfAnotherPurposeAreRefused) {
  ASSERT_TRUE(
      CreateMarkedTable(*session_, {.name = "items"}, kCreate, "other").ok());
  ExpectRefused("made by `opsbench other`");
}

TEST_P(OwnershipTest, AMarkSurvivesChangesOfTheTable) {
  ASSERT_TRUE(
      CreateMarkedTable(*session_, {.name = "items"}, kCreate, "test").ok());
  Run("ALTER TABLE items ADD COLUMN more INTEGER");
  Run("ALTER TABLE items RENAME TO renamed");
  EXPECT_EQ(Owner("renamed").maker, "test");
}

// An existing table keeps the mark that it has, or has none.
TEST_P(OwnershipTest, CreatingOverAnotherTableLeavesItUnmarked) {
  Run(kCreate);
  EXPECT_EQ(
      CreateMarkedTable(*session_, {.name = "items"}, kCreate, "test").code(),
      Code::kAlreadyExists);
  EXPECT_EQ(Owner().ownership, Ownership::kForeign);
}

TEST_P(OwnershipTest, MarksHoldNoQuotes) {
  for (const char* maker : {"", "o'hara", "a */ b", "back\\slash", "a;b"}) {
    EXPECT_EQ(
        CreateMarkedTable(*session_, {.name = "items"}, kCreate, maker).code(),
        Code::kInvalidArgument)
        << maker;
  }
  EXPECT_EQ(Owner().ownership, Ownership::kAbsent);
}

// A word of the mark in the text of somebody else's table is no mark.
TEST_P(OwnershipTest, AMarkIsNotAnyMention) {
  Run(GetParam().engine == Engine::kSqlite
          ? "CREATE TABLE items (id BIGINT /* opsbench: test */)"
          : "CREATE TABLE items (id BIGINT)");
  if (GetParam().engine == Engine::kMysql) {
    Run("ALTER TABLE items COMMENT = 'made for opsbench: test'");
  } else if (GetParam().engine == Engine::kPostgres) {
    Run("COMMENT ON TABLE items IS 'made for opsbench: test'");
  }
  EXPECT_EQ(Owner().ownership, Ownership::kForeign);
}

TEST(OwnershipPostgresTest, OtherSchemas) {
  auto database = TestDatabase::Create(Engine::kPostgres);
  ASSERT_TRUE(database.ok()) << database.status();
  const auto session = Connect((*database)->url());
  ASSERT_TRUE(session.ok()) << session.status();
  ASSERT_TRUE((*session)->Execute("CREATE SCHEMA \"Other\"").ok());
  const TableId table = {"Other", "Items"};
  ASSERT_TRUE(CreateMarkedTable(**session, table,
                                "CREATE TABLE \"Other\".\"Items\" (id bigint)",
                                "test")
                  .ok());
  EXPECT_EQ(FindTableOwner(**session, table)->maker, "test");
  EXPECT_EQ(FindTableOwner(**session, {.name = "Items"})->ownership,
            Ownership::kAbsent);
  ASSERT_TRUE(DropOurTable(**session, table, "test", "").ok());
  EXPECT_EQ(FindTableOwner(**session, table)->ownership, Ownership::kAbsent);
}

TEST(OwnershipPostgresTest, SequencesAndIndexesStandInTheWay) {
  auto database = TestDatabase::Create(Engine::kPostgres);
  ASSERT_TRUE(database.ok()) << database.status();
  const auto session = Connect((*database)->url());
  ASSERT_TRUE(session.ok()) << session.status();
  ASSERT_TRUE((*session)->Execute("CREATE SEQUENCE items").ok());
  ASSERT_TRUE((*session)->Execute("CREATE TABLE t (id bigint)").ok());
  ASSERT_TRUE((*session)->Execute("CREATE INDEX found ON t (id)").ok());
  EXPECT_EQ(FindTableOwner(**session, {.name = "items"})->kind, "sequence");
  EXPECT_EQ(FindTableOwner(**session, {.name = "found"})->kind, "index");
}

}  // namespace
}  // namespace opsbench
