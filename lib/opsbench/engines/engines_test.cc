// Engines as the benchmarks get them, seen through opsbench's own sessions.

#include "opsbench/engines/engines.h"

#include <cstdlib>
#include <filesystem>
#include <string>

#include "gtest/gtest.h"
#include "opsbench/db/session.h"

namespace opsbench {
namespace {

ServerOptions SmallServer() {
  ServerOptions options;
  options.cache_bytes = int64_t{32} << 20;
  return options;
}

// The one number that `sql` selects.
int64_t NumberOf(Session& session, const std::string& sql) {
  ResultSet rows;
  const absl::Status status = session.Query(sql, &rows);
  EXPECT_TRUE(status.ok()) << status;
  if (rows.row_count() != 1 || rows.column_count() != 1) return -1;
  return rows.at(0, 0).int64();
}

class EnginesTest : public ::testing::TestWithParam<Engine> {
 protected:
  // No outside engine: these tests are about private ones.
  EnginesTest() {
    for (const char* name : {"OPSBENCH_MYSQL_URL", "OPSBENCH_POSTGRES_URL",
                             "OPSBENCH_SQLITE_URL", "DB_HOST"}) {
      unsetenv(name);
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Engines, EnginesTest,
                         ::testing::Values(Engine::kSqlite, Engine::kMysql,
                                           Engine::kPostgres),
                         [](const auto& engine) {
                           return std::string(EngineName(engine.param));
                         });

TEST_P(EnginesTest, APrivateEngineServesAndGoes) {
  auto handle = AcquireEngine(GetParam(), Environment(), SmallServer());
  ASSERT_TRUE(handle.ok()) << handle.status();
  EXPECT_EQ((*handle)->engine(), GetParam());
  EXPECT_TRUE((*handle)->is_private());
  EXPECT_EQ((*handle)->server() == nullptr, GetParam() == Engine::kSqlite);
  auto session = Connect((*handle)->url());
  ASSERT_TRUE(session.ok()) << session.status();
  for (const char* sql :
       {"CREATE TABLE t (n BIGINT)", "INSERT INTO t VALUES (1), (2), (3)"}) {
    const auto done = (*session)->Execute(sql);
    ASSERT_TRUE(done.ok()) << done.status();
  }
  EXPECT_EQ(NumberOf(**session, "SELECT COUNT(*) FROM t"), 3);
  session->reset();
  const std::string data = (*handle)->server() == nullptr
                               ? (*handle)->url().database
                               : (*handle)->server()->data_folder();
  EXPECT_TRUE(std::filesystem::exists(data));
  handle->reset();
  EXPECT_FALSE(std::filesystem::exists(data));
}

TEST_P(EnginesTest, AnOutsideEngineIsTakenAsItIs) {
  const std::string name =
      "OPSBENCH_" +
      std::string(GetParam() == Engine::kMysql      ? "MYSQL"
                  : GetParam() == Engine::kPostgres ? "POSTGRES"
                                                    : "SQLITE") +
      "_URL";
  const std::string text =
      GetParam() == Engine::kSqlite
          ? "sqlite:/nonexistent/opsbench.db"
          : std::string(EngineName(GetParam())) + "://u:p@127.0.0.1:1/d";
  setenv(name.c_str(), text.c_str(), 1);
  auto handle = AcquireEngine(GetParam(), Environment());
  unsetenv(name.c_str());
  ASSERT_TRUE(handle.ok()) << handle.status();
  EXPECT_FALSE((*handle)->is_private());
  EXPECT_EQ((*handle)->url().ToString(), Url::Parse(text)->ToString());
}

class ServerEnginesTest : public EnginesTest {};

INSTANTIATE_TEST_SUITE_P(Engines, ServerEnginesTest,
                         ::testing::Values(Engine::kMysql, Engine::kPostgres),
                         [](const auto& engine) {
                           return std::string(EngineName(engine.param));
                         });

// A commit that was flushed is there after a crash; `durable` makes each one
// such a commit.
TEST_P(ServerEnginesTest, DurableDataOutlivesAKill) {
  ServerOptions options = SmallServer();
  options.durable = true;
  auto handle = AcquireEngine(GetParam(), Environment(), options);
  ASSERT_TRUE(handle.ok()) << handle.status();
  auto session = Connect((*handle)->url());
  ASSERT_TRUE(session.ok()) << session.status();
  ASSERT_TRUE((*session)->Execute("CREATE TABLE t (n BIGINT)").ok());
  ASSERT_TRUE((*session)->Execute("INSERT INTO t VALUES (42)").ok());
  ASSERT_TRUE((*handle)->server()->Kill().ok());
  EXPECT_FALSE((*session)->Ping().ok());
  session->reset();
  const absl::Status restarted = (*handle)->server()->Restart();
  ASSERT_TRUE(restarted.ok()) << restarted;
  session = Connect((*handle)->url());
  ASSERT_TRUE(session.ok()) << session.status();
  EXPECT_EQ(NumberOf(**session, "SELECT n FROM t"), 42);
}

// The socket is as good as the port, and neither opens without the password.
TEST_P(ServerEnginesTest, OnlyItsUserWithThePasswordGetsIn) {
  auto handle = AcquireEngine(GetParam(), Environment(), SmallServer());
  ASSERT_TRUE(handle.ok()) << handle.status();
  auto tcp = Url::Parse((*handle)->server()->url());
  ASSERT_TRUE(tcp.ok()) << tcp.status();
  for (const Url& url : {(*handle)->url(), *tcp}) {
    const auto session = Connect(url);
    EXPECT_TRUE(session.ok()) << session.status();
    Url wrong = url;
    wrong.password = "wrong";
    EXPECT_EQ(Connect(wrong).status().code(),
              absl::StatusCode::kUnauthenticated);
    for (const char* user : {"root", "postgres", "nobody", "mariadb.sys"}) {
      Url other = url;
      other.user = user;
      other.password = "";
      EXPECT_FALSE(Connect(other).ok()) << user;
    }
  }
}

TEST_P(ServerEnginesTest, TheUserMayDoWhatBenchmarksDo) {
  auto handle = AcquireEngine(GetParam(), Environment(), SmallServer());
  ASSERT_TRUE(handle.ok()) << handle.status();
  auto session = Connect((*handle)->url());
  ASSERT_TRUE(session.ok()) << session.status();
  const bool mysql = GetParam() == Engine::kMysql;
  for (const char* sql :
       {"CREATE DATABASE another",
        mysql ? "CREATE USER reader@localhost IDENTIFIED BY 'x'"
              : "CREATE ROLE reader LOGIN PASSWORD 'x'",
        mysql ? "GRANT SELECT ON another.* TO reader@localhost"
              : "GRANT CONNECT ON DATABASE another TO reader",
        mysql ? "SET GLOBAL max_connections = 100" : "CHECKPOINT",
        "DROP DATABASE another"}) {
    const auto done = (*session)->Execute(sql);
    EXPECT_TRUE(done.ok()) << sql << ": " << done.status();
  }
  EXPECT_EQ((*session)->capabilities().load_data_local, mysql);
}

}  // namespace
}  // namespace opsbench
