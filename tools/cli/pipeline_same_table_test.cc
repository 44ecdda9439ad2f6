// A pipeline whose source and destination are one table, however each names it:
// it would empty what it reads, or wait for itself.

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/db/session.h"
#include "opsbench/testing/test_servers.h"
#include "testing.h"

namespace opsbench {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr char kPipeline[] = R"(version: 1
pipeline: self
source:
  use: source-ENGINE
  config:
    url: FROM_URL
    schema: FROM_SCHEMA
  streams:
    - name: FROM_TABLE
      into: items
destination:
  use: dest-ENGINE
  config:
    url: TO_URL
    schema: TO_SCHEMA
  write_mode: MODE
  STAGED
)";

struct End {
  std::string url;
  std::string schema;
};

class SameTableTest : public ::testing::TestWithParam<Engine> {
 protected:
  void SetUp() override {
    auto database = TestDatabase::Create(GetParam());
    ASSERT_TRUE(database.ok()) << database.status();
    database_ = *std::move(database);
    auto session = Connect(database_->url());
    ASSERT_TRUE(session.ok()) << session.status();
    session_ = *std::move(session);
    Run("CREATE TABLE items (id INTEGER NOT NULL PRIMARY KEY)");
    Run("INSERT INTO items VALUES (1), (2), (3)");
  }

  void Run(const std::string& sql) {
    const auto status = session_->Execute(sql).status();
    ASSERT_TRUE(status.ok()) << sql << ": " << status;
  }
  std::string Count(const std::string& table) {
    ResultSet rows;
    const absl::Status status =
        session_->Query(absl::StrCat("SELECT COUNT(*) FROM ", table), &rows);
    EXPECT_TRUE(status.ok()) << status;
    return status.ok() ? rows.at(0, 0).ToString() : "";
  }

  // The names by which the one database may go.
  std::vector<End> Ends() const {
    const Url& url = database_->url();
    const std::string text = url.ToString();
    switch (GetParam()) {
      case Engine::kSqlite: {
        const fs::path file = url.database;
        const fs::path link = folder_.path() / "link.db";
        fs::create_symlink(file, link);
        return {{text, ""},
                {absl::StrCat("sqlite:", link.string()), ""},
                {absl::StrCat("sqlite:", file.parent_path().string(), "/x/../",
                              file.filename().string()),
                 ""}};
      }
      case Engine::kPostgres: {
        Url tcp = url;
        tcp.socket.clear();
        return {{text, ""}, {text, "public"}, {tcp.ToString(), ""}};
      }
      default: {
        Url tcp = url;
        tcp.socket.clear();
        tcp.host = "127.0.0.1";
        return {{text, ""}, {text, url.database}, {tcp.ToString(), ""}};
      }
    }
  }

  Outcome Pipeline(const End& from, const std::string& table, const End& to,
                   const std::string& mode, bool staged = false,
                   bool dry = false) const {
    std::string text = absl::StrReplaceAll(
        kPipeline,
        {{"ENGINE", EngineName(GetParam())},
         {"FROM_URL", from.url},
         {"FROM_TABLE", table},
         {"TO_URL", to.url},
         {"MODE", mode},
         {"  STAGED\n", staged ? "  staged: true\n" : ""},
         {"    schema: FROM_SCHEMA\n",
          from.schema.empty()
              ? ""
              : absl::StrCat("    schema: ", from.schema, "\n")},
         {"    schema: TO_SCHEMA\n",
          to.schema.empty() ? ""
                            : absl::StrCat("    schema: ", to.schema, "\n")}});
    const std::string path = (folder_.path() / "p.yaml").string();
    std::ofstream(path) << text;
    std::vector<std::string> arguments = {"pipeline", "run", path};
    if (dry) arguments.emplace_back("--dry-run");
    return RunOpsbench(
        folder_.path(), arguments,
        {absl::StrCat("OPSBENCH_ROOT=", folder_.path().string())});
  }

  const TestFolder folder_;
  std::unique_ptr<TestDatabase> database_;
  std::unique_ptr<Session> session_;
};

TEST_P(SameTableTest, IsRefusedUnderEachOfItsNames) {
  const std::vector<End> ends = Ends();
  for (const End& from : ends) {
    for (const End& to : ends) {
      for (const bool staged : {false, true}) {
        if (staged && GetParam() == Engine::kSqlite) continue;  // None is.
        SCOPED_TRACE(absl::StrCat(from.url, " ", from.schema, " to ", to.url,
                                  " ", to.schema));
        const Outcome outcome = Pipeline(from, "items", to, "replace", staged);
        EXPECT_EQ(outcome.exit_code, 2) << outcome.errors;
        EXPECT_EQ(
            std::count(outcome.errors.begin(), outcome.errors.end(), '\n'), 1)
            << outcome.errors;
        EXPECT_THAT(outcome.errors, AllOf(HasSubstr("items"),
                                          HasSubstr("that it is read from")));
        EXPECT_EQ(Count("items"), "3");
      }
    }
  }
  for (const char* mode : {"append", "upsert"}) {
    const Outcome outcome = Pipeline(ends[0], "items", ends[1], mode);
    EXPECT_EQ(outcome.exit_code, 2) << outcome.errors;
    EXPECT_THAT(outcome.errors, HasSubstr("that it is read from"));
  }
  const Outcome dry =
      Pipeline(ends[0], "items", ends[1], "replace", false, true);
  EXPECT_EQ(dry.exit_code, 2) << dry.output;
  EXPECT_THAT(dry.errors, HasSubstr("that it is read from"));
  EXPECT_EQ(Count("items"), "3");
}

TEST_P(SameTableTest, AnotherTableOfTheDatabaseIsAnother) {
  const std::vector<End> ends = Ends();
  Run("CREATE TABLE others (id INTEGER NOT NULL PRIMARY KEY)");
  Run("INSERT INTO others VALUES (7)");
  for (const End& to : ends) {
    const Outcome outcome = Pipeline(ends[0], "others", to, "replace");
    EXPECT_EQ(outcome.exit_code, 0) << outcome.errors;
    EXPECT_EQ(Count("items WHERE id = 7"), "1");
  }
}

// Of the same name in another database, which is the usual case.
TEST_P(SameTableTest, TheSameNameInAnotherDatabaseIsAnother) {
  auto other = TestDatabase::Create(GetParam());
  ASSERT_TRUE(other.ok()) << other.status();
  const End from = {database_->url().ToString(), ""};
  const End to = {(*other)->url().ToString(), ""};
  // Made, and then replaced.
  for (int i = 0; i < 2; ++i) {
    const Outcome outcome = Pipeline(from, "items", to, "replace");
    EXPECT_EQ(outcome.exit_code, 0) << outcome.errors;
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, SameTableTest,
                         ::testing::Values(Engine::kSqlite, Engine::kPostgres,
                                           Engine::kMysql),
                         [](const auto& test) {
                           return std::string(EngineName(test.param));
                         });

}  // namespace
}  // namespace opsbench
