// What happens around a commit, on real engines: kill -9 while the server has
// the COMMIT before it, between its answer and the state file, a connection
// that is lost on either side of it, Ctrl-C. A proxy stops the COMMIT where a
// test wants it, so that none of this is left to chance.

#include <csignal>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/db/session.h"
#include "opsbench/testing/statement_proxy.h"
#include "opsbench/testing/test_servers.h"
#include "testing.h"

namespace opsbench {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Where = StatementProxy::Where;

constexpr int kRowsEach = 3000;

constexpr char kPipeline[] = R"(version: 1
pipeline: commit
source:
  use: source-sqlite
  config:
    url: sqlite:${TEST_FOLDER}/source.db
  streams:
    - name: items
      into: items_copy
      sync_mode: incremental
      cursor_field: id
destination:
  use: dest-ENGINE
  config:
    url: ${DESTINATION_URL}
  write_mode: append
state: ${TEST_FOLDER}/state.db
)";

class CommitTest : public ::testing::Test {
 protected:
  void Provide(Engine engine) {
    engine_ = engine;
    source_ = OnFile("source.db");
    // No primary key: nothing but the protocol keeps a row from being doubled.
    Run(*source_, "CREATE TABLE items (id INTEGER NOT NULL, name TEXT)");
    std::ofstream(Path("p.yaml"))
        << absl::StrReplaceAll(kPipeline, {{"ENGINE", EngineName(engine)}});
    if (engine == Engine::kSqlite) {
      url_.engine = engine;
      url_.database = Path("copy.db");
      return;
    }
    auto database = TestDatabase::Create(engine);
    ASSERT_TRUE(database.ok()) << database.status();
    database_ = *std::move(database);
    url_ = database_->url();
    auto proxy = StatementProxy::Start(url_);
    ASSERT_TRUE(proxy.ok()) << proxy.status();
    proxy_ = *std::move(proxy);
  }

  std::string Path(const std::string& name) const {
    return (folder_.path() / name).string();
  }

  std::unique_ptr<Session> OnFile(const std::string& name) const {
    Url url;
    url.engine = Engine::kSqlite;
    url.database = Path(name);
    auto session = Connect(url);
    EXPECT_TRUE(session.ok()) << session.status();
    return *std::move(session);
  }

  static void Run(Session& session, const std::string& sql) {
    const auto status = session.Execute(sql).status();
    ASSERT_TRUE(status.ok()) << sql << ": " << status;
  }

  // The one cell, or an empty text where there is none or no such table.
  static std::string One(Session& session, const std::string& sql) {
    ResultSet rows;
    const absl::Status status = session.Query(sql, &rows);
    return status.ok() && rows.row_count() == 1 ? rows.at(0, 0).ToString() : "";
  }
  std::string One(const std::string& sql) const {
    const auto session = Connect(url_);
    EXPECT_TRUE(session.ok()) << session.status();
    return session.ok() ? One(**session, sql) : "";
  }

  void AddRows(int64_t first, int64_t last) {
    Run(*source_,
        absl::StrCat("WITH RECURSIVE n(i) AS (SELECT ", first,
                     " UNION ALL SELECT i + 1 FROM n WHERE i < ", last,
                     ") INSERT INTO items SELECT i, 'name' || i "
                     "FROM n"));
  }

  std::unique_ptr<Running> Start(const Url& url) const {
    return std::make_unique<Running>(
        folder_.path(),
        std::vector<std::string>{"pipeline", "run", Path("p.yaml")},
        std::vector<std::string>{
            absl::StrCat("OPSBENCH_ROOT=", folder_.path().string()),
            absl::StrCat("TEST_FOLDER=", folder_.path().string()),
            absl::StrCat("DESTINATION_URL=", url.ToString())});
  }
  Outcome Finish(const Url& url) const { return Start(url)->Wait(); }

  void ExpectEachRowOnce(int64_t rows) const {
    EXPECT_EQ(One("SELECT COUNT(*) FROM items_copy"), absl::StrCat(rows));
    EXPECT_EQ(One("SELECT COUNT(DISTINCT id) FROM items_copy"),
              absl::StrCat(rows));
    EXPECT_EQ(One("SELECT MAX(id) FROM items_copy"), absl::StrCat(rows));
  }

  // Whether a session on the destination's database waits for another's lock.
  bool SomebodyWaits() const {
    if (engine_ == Engine::kPostgres) {
      return One("SELECT count(*) FROM pg_stat_activity WHERE datname = "
                 "current_database() AND wait_event_type = 'Lock'") != "0";
    }
    // INNODB_TRX shows an old state to who asks often.
    const auto session = Connect(url_);
    ResultSet rows;
    EXPECT_TRUE(session.ok() &&
                (*session)->Query("SHOW ENGINE INNODB STATUS", &rows).ok());
    for (const absl::string_view transaction :
         absl::StrSplit(rows.at(0, 2).text(), "---TRANSACTION")) {
      if (absl::StrContains(transaction, "LOCK WAIT") &&
          absl::StrContains(transaction, url_.database)) {
        return true;
      }
    }
    return false;
  }

  const TestFolder folder_;
  Engine engine_ = Engine::kSqlite;
  std::unique_ptr<Session> source_;
  std::unique_ptr<TestDatabase> database_;
  Url url_;
  std::unique_ptr<StatementProxy> proxy_;
};

std::string NameOf(const ::testing::TestParamInfo<Engine>& test) {
  return std::string(EngineName(test.param));
}

class ServerCommitTest : public CommitTest,
                         public ::testing::WithParamInterface<Engine> {
 protected:
  void SetUp() override {
    Provide(GetParam());
    AddRows(1, kRowsEach);
  }
  // All rows there are are at the destination, and the next run has more.
  void RunOnce() {
    const Outcome first = Finish(url_);
    ASSERT_EQ(first.exit_code, 0) << first.errors;
    AddRows(kRowsEach + 1, 2 * kRowsEach);
  }
};

// The COMMIT of a run that is dead reaches the server when the next run has
// already asked how that one ended.
TEST_P(ServerCommitTest, ARunWaitsForTheCommitOfOneThatWasKilled) {
  for (const bool first : {true, false}) {
    SCOPED_TRACE(first ? "the first run" : "a later run");
    if (!first) AddRows(kRowsEach + 1, 2 * kRowsEach);
    proxy_->HoldAt("COMMIT", Where::kRequest);
    auto killed = Start(proxy_->url());
    ASSERT_TRUE(killed->Until([&] { return proxy_->held(); }))
        << killed->Wait().errors;
    kill(killed->pid(), SIGKILL);
    killed->Wait();
    auto resumed = Start(url_);
    ASSERT_TRUE(resumed->Until([&] { return SomebodyWaits(); }))
        << resumed->Wait().errors;
    proxy_->Release();
    const Outcome outcome = resumed->Wait();
    EXPECT_EQ(outcome.exit_code, 0) << outcome.errors;
    EXPECT_THAT(outcome.output, HasSubstr("Records read:    0\n"));
    ExpectEachRowOnce((first ? 1 : 2) * kRowsEach);
  }
}

// It has to be able to go on when the transaction is given up instead.
TEST_P(ServerCommitTest, ARunWaitsForTheEndOfOneThatWasLost) {
  RunOnce();
  proxy_->HoldAt("COMMIT", Where::kRequest);
  auto killed = Start(proxy_->url());
  ASSERT_TRUE(killed->Until([&] { return proxy_->held(); }));
  kill(killed->pid(), SIGKILL);
  killed->Wait();
  auto resumed = Start(url_);
  ASSERT_TRUE(resumed->Until([&] { return SomebodyWaits(); }));
  proxy_->Cut();
  const Outcome outcome = resumed->Wait();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.errors;
  EXPECT_THAT(outcome.output, HasSubstr("Records read:    3000\n"));
  ExpectEachRowOnce(2 * kRowsEach);
}

// The connection ends at the COMMIT, on its way to the server or back.
TEST_P(ServerCommitTest, ACommitWithoutAnAnswerIsUnknownAndSettledNext) {
  int64_t rows = kRowsEach;
  for (const Where where : {Where::kRequest, Where::kReply, Where::kRequest}) {
    SCOPED_TRACE(where == Where::kRequest ? "request" : "reply");
    proxy_->HoldAt("COMMIT", where);
    auto lost = Start(proxy_->url());
    ASSERT_TRUE(lost->Until([&] { return proxy_->held(); }));
    proxy_->Cut();
    const Outcome outcome = lost->Wait();
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_THAT(outcome.errors,
                AllOf(HasSubstr("unknown"), HasSubstr("next run"),
                      Not(HasSubstr("unchanged"))));
    const Outcome next = Finish(url_);
    EXPECT_EQ(next.exit_code, 0) << next.errors;
    ExpectEachRowOnce(rows);
    AddRows(rows + 1, rows + kRowsEach);
    rows += kRowsEach;
  }
}

// Ctrl-C when the COMMIT is on its way: what the run says is what is true.
TEST_P(ServerCommitTest, CtrlCDuringTheCommitTellsHowItEnded) {
  proxy_->HoldAt("COMMIT", Where::kReply);
  auto run = Start(proxy_->url());
  ASSERT_TRUE(run->Until([&] { return proxy_->held(); }));
  kill(run->pid(), SIGINT);
  proxy_->Release();
  const Outcome outcome = run->Wait();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.errors;
  EXPECT_THAT(outcome.errors, Not(HasSubstr("unchanged")));
  ExpectEachRowOnce(kRowsEach);
}

INSTANTIATE_TEST_SUITE_P(Servers, ServerCommitTest,
                         ::testing::Values(Engine::kPostgres, Engine::kMysql),
                         NameOf);

class GapTest : public CommitTest,
                public ::testing::WithParamInterface<Engine> {};

// kill -9 when the commit was answered and the state file does not know: the
// state file, where the step is pending, is locked by the test, so that the run
// is killed exactly there. A server's commit is held until it is. SQLite's own
// cannot be: a run that was through before it was seen is followed by another.
TEST_P(GapTest, AKillBetweenTheAnswerAndTheStateDoublesNoRow) {
  Provide(GetParam());
  AddRows(1, kRowsEach);
  const Outcome first = Finish(url_);
  ASSERT_EQ(first.exit_code, 0) << first.errors;

  const bool sqlite = engine_ == Engine::kSqlite;
  if (!sqlite) proxy_->HoldAt("COMMIT", Where::kRequest);
  const auto state = OnFile("state.db");
  const auto pending = [&] {
    return !One(*state, "SELECT pending_marker FROM pipeline_streams").empty();
  };
  int64_t rows = kRowsEach;
  auto killed = decltype(Start(url_))();
  for (int attempt = 0;; ++attempt) {
    ASSERT_LT(attempt, sqlite ? 200 : 1);
    AddRows(rows + 1, rows + kRowsEach);
    rows += kRowsEach;
    killed = Start(sqlite ? url_ : proxy_->url());
    if (killed->Until(
            [&] { return pending() && (sqlite || proxy_->held()); })) {
      Run(*state, "BEGIN IMMEDIATE");
      if (pending()) break;
      Run(*state, "ROLLBACK");
    }
    const Outcome through = killed->Wait();
    ASSERT_EQ(through.exit_code, 0) << through.errors;
  }
  if (!sqlite) proxy_->Release();
  ASSERT_TRUE(killed->Until([&] {
    return One("SELECT COUNT(*) FROM items_copy") == absl::StrCat(rows);
  })) << killed->Wait().errors;
  kill(killed->pid(), SIGKILL);
  killed->Wait();
  Run(*state, "ROLLBACK");
  EXPECT_NE(One(*state, "SELECT pending_marker FROM pipeline_streams"), "");

  const Outcome resumed = Finish(url_);
  EXPECT_EQ(resumed.exit_code, 0) << resumed.errors;
  ExpectEachRowOnce(rows);
  EXPECT_EQ(One(*state, "SELECT pending_marker FROM pipeline_streams"), "");
  EXPECT_EQ(One(*state, "SELECT cursor FROM pipeline_streams"),
            absl::StrCat(rows));
}

INSTANTIATE_TEST_SUITE_P(Destinations, GapTest,
                         ::testing::Values(Engine::kSqlite, Engine::kPostgres,
                                           Engine::kMysql),
                         NameOf);

// The highest cursor of the source falls when rows are deleted; the one that
// the state has must not, or rows that come again would be doubled.
TEST_F(CommitTest, TheCursorNeverFalls) {
  Provide(Engine::kSqlite);
  AddRows(1, 100);
  ASSERT_EQ(Finish(url_).exit_code, 0);
  const auto state = OnFile("state.db");
  for (const char* deleted : {"id > 50", "id > 0"}) {
    Run(*source_, absl::StrCat("DELETE FROM items WHERE ", deleted));
    const Outcome fallen = Finish(url_);
    EXPECT_EQ(fallen.exit_code, 0) << fallen.errors;
    EXPECT_EQ(One(*state, "SELECT cursor FROM pipeline_streams"), "100");
  }
  AddRows(1, 120);
  const Outcome outcome = Finish(url_);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.errors;
  ExpectEachRowOnce(120);
}

}  // namespace
}  // namespace opsbench
