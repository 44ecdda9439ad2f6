// A server that is killed in the middle of a run, at either end: the run ends
// with an error that says so, and the destination is as it was.

#include <filesystem>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/pipeline/internal/pipeline_testing.h"
#include "opsbench/server/private_server.h"
#include "opsbench/testing/test_servers.h"

namespace opsbench::pipeline {
namespace {

using internal::Database;
using internal::OneStream;
using internal::PipelineEnd;
using internal::RunBetween;
using ::testing::HasSubstr;
using ::testing::Not;

// More rows than are moved in minutes, made while they are read, and a few.
std::vector<std::string> RowsSql(Engine engine) {
  switch (engine) {
    case Engine::kPostgres:
      return {
          "CREATE VIEW many AS SELECT 'row ' || i AS v FROM "
          "(SELECT generate_series(1, 500000000) AS i) s",
          "CREATE VIEW few AS SELECT 'row ' || i AS v FROM "
          "(SELECT generate_series(1, 100) AS i) s"};
    case Engine::kMysql:
      return {
          "CREATE VIEW many AS SELECT CONCAT('row ', seq) AS v FROM "
          "seq_1_to_500000000",
          "CREATE VIEW few AS SELECT CONCAT('row ', seq) AS v FROM "
          "seq_1_to_100"};
    default:
      return {
          "CREATE VIEW many AS WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL "
          "SELECT i + 1 FROM s WHERE i < 500000000) SELECT 'row ' || i AS v "
          "FROM s",
          "CREATE VIEW few AS WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL "
          "SELECT i + 1 FROM s WHERE i < 100) SELECT 'row ' || i AS v FROM s"};
  }
}

// The server to be killed. One of each kind for all tests.
struct Mortal {
  std::unique_ptr<PrivateServer> server;
  Url url;
};

Mortal* MortalOf(Engine engine) {
  static Mortal mortals[2];
  Mortal& mortal = mortals[engine == Engine::kPostgres ? 0 : 1];
  if (mortal.server == nullptr) {
    ServerOptions options;
    options.kind = engine == Engine::kPostgres ? ServerKind::kPostgres
                                               : ServerKind::kMysql;
    options.cache_bytes = int64_t{32} << 20;
    options.durable = true;  // What a test has committed has to be there.
    mortal.server = PrivateServer::Start(options).value();
    mortal.url = Url::Parse(mortal.server->url()).value();
    const auto database = Database::Open(mortal.url).value();
    for (const std::string& sql : RowsSql(engine)) database->Run(sql);
    database->Run("CREATE TABLE kept (v VARCHAR(40))");
    database->Run("INSERT INTO kept VALUES ('old')");
  }
  return &mortal;
}

struct Loss {
  Engine killed;
  const char* other;  // The engine, or "arrow", of the other end.
  const char* settings;
  const char* write_mode;
  bool staged = false;
};

void PrintTo(const Loss& loss, std::ostream* out) {
  *out << EngineName(loss.killed) << ", " << loss.other << ", " << loss.settings
       << ", " << loss.write_mode << (loss.staged ? ", staged" : "");
}

class ServerLossTest : public ::testing::TestWithParam<Loss> {
 protected:
  void SetUp() override {
    mortal_ = MortalOf(GetParam().killed);
    const std::string other = GetParam().other;
    const Engine engine = ParseEngine(other).value_or(Engine::kSqlite);
    auto database = TestDatabase::Create(engine);
    ASSERT_TRUE(database.ok()) << database.status();
    made_ = *std::move(database);
    if (other == "arrow") {
      end_ = {"arrow", made_->url().database + ".arrow"};
      return;
    }
    end_ = internal::EndAt(made_->url());
    other_ = Database::Open(made_->url()).value();
    for (const std::string& sql : RowsSql(engine)) other_->Run(sql);
    other_->Run("CREATE TABLE kept (v VARCHAR(40))");
    other_->Run("INSERT INTO kept VALUES ('old')");
  }

  // A run during which the server is killed, once rows have been written.
  absl::Status RunAndKill(const PipelineEnd& from, const PipelineEnd& to,
                          const std::string& into) {
    bool killed = false;
    RunOptions options;
    options.on_progress = [&](absl::string_view,
                              const TransferProgress& progress) {
      if (killed || progress.rows == 0) return;
      killed = true;
      EXPECT_TRUE(mortal_->server->Kill().ok());
    };
    const absl::Status status =
        RunBetween(from, to, StreamTo("many", into), options).status();
    EXPECT_TRUE(killed) << status;
    EXPECT_TRUE(absl::IsUnavailable(status)) << status;
    EXPECT_THAT(status.message(), Not(HasSubstr("\n")));
    return status;
  }

  static OneStream StreamTo(const std::string& from, const std::string& into) {
    return {from, into, GetParam().write_mode,
            GetParam().staged ? "  staged: true\n" : ""};
  }

  // MySQL makes and drops tables at once, whatever becomes of a transaction:
  // of a client or a server that died an empty table may be left, and the
  // staged one, which the next run of the stream takes.
  static void ExpectUntouched(const Database& database) {
    EXPECT_EQ(database.Cells("SELECT v FROM kept"), "old");
    const std::string tables = database.Tables();
    if (database.engine() != Engine::kMysql) {
      EXPECT_EQ(tables, "kept");
    } else if (absl::StrContains(tables, "made")) {
      EXPECT_EQ(database.Cells("SELECT COUNT(*) FROM made"), "0");
    }
  }

  // The server is back, and so is the pipeline; the table is made as it was.
  static void ExpectRuns(const PipelineEnd& from, const PipelineEnd& to,
                         const Database& database) {
    for (const char* into : {"kept", "made"}) {
      const auto run = RunBetween(from, to, StreamTo("few", into));
      ASSERT_TRUE(run.ok()) << run.status();
      EXPECT_EQ(run->records_written, 100);
      EXPECT_EQ(database.Cells(absl::StrCat("SELECT COUNT(DISTINCT v) FROM ",
                                            into, " WHERE v LIKE 'row %'")),
                "100");
    }
    EXPECT_EQ(database.Tables(), "kept,made");
    database.Run("DROP TABLE made");
    database.Run("DELETE FROM kept");
    database.Run("INSERT INTO kept VALUES ('old')");
  }

  Mortal* mortal_ = nullptr;
  std::unique_ptr<TestDatabase> made_;
  std::unique_ptr<Database> other_;
  PipelineEnd end_;
};

using SourceLossTest = ServerLossTest;
using DestinationLossTest = ServerLossTest;

TEST_P(SourceLossTest, LeavesTheDestinationAsItWas) {
  PipelineEnd to = end_;
  to.settings = GetParam().settings;
  const PipelineEnd from = internal::EndAt(mortal_->url);
  const absl::Status status = RunAndKill(from, to, "kept");
  EXPECT_THAT(
      status.message(),
      HasSubstr(GetParam().killed == Engine::kMysql ? "MySQL" : "PostgreSQL"));
  if (other_ != nullptr) {
    ExpectUntouched(*other_);
  } else {
    EXPECT_FALSE(std::filesystem::exists(to.place));
  }
  ASSERT_TRUE(mortal_->server->Restart().ok());
  if (other_ != nullptr) {
    ExpectRuns(from, to, *other_);
  } else {
    const auto run = RunBetween(from, to, StreamTo("few", "made"));
    ASSERT_TRUE(run.ok()) << run.status();
    EXPECT_EQ(run->records_written, 100);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Losses, SourceLossTest,
    ::testing::Values(
        Loss{Engine::kPostgres, "postgres", "load_method: copy", "replace"},
        Loss{Engine::kPostgres, "mysql", "load_method: load_data", "append"},
        Loss{Engine::kPostgres, "sqlite", "", "replace"},
        Loss{Engine::kPostgres, "arrow", "", "replace"},
        Loss{Engine::kMysql, "postgres", "load_method: copy", "replace", true},
        Loss{Engine::kMysql, "mysql", "load_method: load_data", "replace",
             true},
        Loss{Engine::kMysql, "sqlite", "", "append"},
        Loss{Engine::kMysql, "arrow", "", "replace"}));

TEST_P(DestinationLossTest, LeavesTheDestinationAsItWas) {
  const PipelineEnd to = internal::EndAt(mortal_->url, GetParam().settings);
  for (const char* into : {"kept", "made"}) {
    SCOPED_TRACE(into);
    RunAndKill(end_, to, into).IgnoreError();
    ASSERT_TRUE(mortal_->server->Restart().ok());
    ExpectUntouched(*Database::Open(mortal_->url).value());
  }
  ExpectRuns(end_, to, *Database::Open(mortal_->url).value());
}

INSTANTIATE_TEST_SUITE_P(
    Losses, DestinationLossTest,
    ::testing::Values(
        Loss{Engine::kPostgres, "postgres", "load_method: copy", "append"},
        Loss{Engine::kPostgres, "mysql", "load_method: batch", "replace"},
        Loss{Engine::kPostgres, "sqlite", "load_method: copy_text", "replace",
             true},
        Loss{Engine::kMysql, "postgres", "load_method: load_data", "append"},
        Loss{Engine::kMysql, "mysql", "load_method: batch", "replace"},
        Loss{Engine::kMysql, "sqlite", "load_method: insert", "replace",
             true}));

}  // namespace
}  // namespace opsbench::pipeline
