// What Databases must never do: drop or fill what somebody else made, or a
// database of ours that holds somebody else's tables.

#include "opsbench/stress/databases.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/stress/testing_users.h"

namespace opsbench::stress {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class DatabasesTest : public ::testing::TestWithParam<Engine> {
 protected:
  DatabasesTest() : home_(MakeTestDatabase(GetParam())) {
    const Url& url = home_->url();
    databases_ = TestDatabases(
        url.engine == Engine::kSqlite
            ? url.WithDatabase(
                  std::filesystem::path(url.database).parent_path().string())
            : url,
        2);
    plan_ = Plan::Make({.databases = 2});
  }
  ~DatabasesTest() override {
    const absl::Status dropped = databases_.Drop(Replace::kForeign);
    EXPECT_TRUE(dropped.ok()) << dropped;
  }

  // Makes the second database, as a user would.
  void MakeForeign() {
    if (GetParam() != Engine::kSqlite) {
      Execute(home_->url(),
              absl::StrCat("CREATE DATABASE ", second().database));
    }
    Execute(second(), "CREATE TABLE ledger (id INTEGER PRIMARY KEY)");
    Execute(second(), "INSERT INTO ledger VALUES (7)");
  }

  void Execute(const Url& url, const std::string& sql) {
    auto session = Connect(url);
    ASSERT_TRUE(session.ok()) << session.status();
    const auto done = (*session)->Execute(sql);
    EXPECT_TRUE(done.ok()) << sql << ": " << done.status();
  }

  bool LedgerIsThere() {
    auto session = ConnectToRead(second());
    ResultSet rows;
    return session.ok() &&
           (*session)->Query("SELECT id FROM ledger", &rows).ok() &&
           rows.row_count() == 1 && rows.at(0, 0) == Value::Int64(7);
  }

  bool FirstIsThere() const { return ConnectToRead(databases_.urls[0]).ok(); }

  const Url& second() const { return databases_.urls[1]; }

  std::unique_ptr<TestDatabase> home_;
  Databases databases_;
  Plan plan_;
};

TEST_P(DatabasesTest, SomebodyElsesIsKeptUnlessToldSo) {
  MakeForeign();
  for (const Replace replace : {Replace::kNothing, Replace::kOurs}) {
    const absl::Status refused = databases_.Create(plan_, replace);
    EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(refused.message(), AllOf(HasSubstr(second().database),
                                         HasSubstr("opsbench did not make it"),
                                         HasSubstr("--replace-foreign")));
    EXPECT_FALSE(FirstIsThere());
    EXPECT_TRUE(LedgerIsThere());
  }
  EXPECT_EQ(databases_.Drop().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(LedgerIsThere());
  const absl::Status made = databases_.Create(plan_, Replace::kForeign);
  EXPECT_TRUE(made.ok()) << made;
  EXPECT_FALSE(LedgerIsThere());
}

TEST_P(DatabasesTest, OursWithSomebodyElsesTableIsKept) {
  ASSERT_TRUE(databases_.Create(plan_, Replace::kNothing).ok());
  Execute(second(), "CREATE TABLE ledger (id INTEGER PRIMARY KEY)");
  Execute(second(), "INSERT INTO ledger VALUES (7)");
  Execute(second(), "CREATE VIEW book AS SELECT id FROM ledger");
  for (const absl::Status& refused :
       {databases_.Create(plan_, Replace::kOurs), databases_.Drop()}) {
    EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(refused.message(),
                HasSubstr("holds what opsbench did not make: book, ledger"));
  }
  EXPECT_TRUE(FirstIsThere());
  EXPECT_TRUE(LedgerIsThere());
}

TEST_P(DatabasesTest, EachMakerReplacesItsOwn) {
  ASSERT_TRUE(databases_.Create(plan_, Replace::kNothing).ok());
  EXPECT_EQ(databases_.Create(plan_, Replace::kNothing).code(),
            absl::StatusCode::kAlreadyExists);
  EXPECT_TRUE(databases_.Create(plan_, Replace::kOurs).ok());
  Databases others = databases_;
  others.maker = kBenchMaker;
  const absl::Status refused = others.Create(plan_, Replace::kOurs);
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(refused.message(),
              AllOf(HasSubstr("was made by opsbench for stress run"),
                    HasSubstr("rename or drop it"),
                    Not(HasSubstr("--replace-foreign"))));
  EXPECT_TRUE(databases_.Drop().ok());
  EXPECT_FALSE(FirstIsThere());
}

TEST_P(DatabasesTest, AMissingRightIsNamed) {
  if (GetParam() == Engine::kSqlite) GTEST_SKIP() << "has no rights";
  const std::string user = absl::StrCat("stress_", getpid());
  const bool postgres = GetParam() == Engine::kPostgres;
  const Url& home = home_->url();
  std::vector<std::string> names = {user};
  if (!postgres) {
    names = {absl::StrCat("'", user, "'@'127.0.0.1'"),
             absl::StrCat("'", user, "'@'localhost'")};
  }
  for (const std::string& name : names) {
    Execute(home,
            postgres
                ? absl::StrCat("CREATE ROLE ", name, " LOGIN PASSWORD 'pw'")
                : absl::StrCat("CREATE USER ", name, " IDENTIFIED BY 'pw'"));
    if (!postgres) {
      Execute(home,
              absl::StrCat("GRANT SELECT ON ", home.database, ".* TO ", name));
    }
  }
  Databases denied = databases_;
  for (Url* url : {&denied.server, &denied.urls[0], &denied.urls[1]}) {
    url->user = user;
    url->password = "pw";
  }
  const absl::Status status = denied.Create(plan_, Replace::kNothing);
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied) << status;
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr(user),
                    HasSubstr(postgres ? "CREATEDB" : "CREATE and DROP"),
                    HasSubstr(databases_.urls[0].database)));
  for (const std::string& name : names) {
    Execute(home, absl::StrCat(postgres ? "DROP ROLE " : "DROP USER ", name));
  }
}

TEST(SqliteDatabasesTest, AFileThatIsNoDatabaseIsKept) {
  std::string folder = ::testing::TempDir() + "/databases.XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  Url url;
  url.database = folder;
  const Databases databases = Databases::Name(url, 1);
  const Plan plan = Plan::Make({.databases = 1});
  for (const char* suffix : {"", "-wal"}) {
    const std::string file = databases.urls[0].database + suffix;
    std::ofstream(file) << "my ledger";
    EXPECT_EQ(databases.Create(plan, Replace::kOurs).code(),
              absl::StatusCode::kFailedPrecondition);
    std::ifstream read(file);
    std::string text;
    std::getline(read, text);
    EXPECT_EQ(text, "my ledger");
    std::filesystem::remove(file);
  }
  std::filesystem::remove_all(folder);
}

INSTANTIATE_TEST_SUITE_P(Engines, DatabasesTest,
                         ::testing::Values(Engine::kSqlite, Engine::kMysql,
                                           Engine::kPostgres),
                         [](const auto& tested) {
                           return std::string(EngineName(tested.param));
                         });

}  // namespace
}  // namespace opsbench::stress
