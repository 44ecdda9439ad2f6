// Tables with every type to a server and back whose defaults for sessions are
// as far from the usual ones as they go: what a pipeline reads and writes does
// not depend on them. The servers' own SQL says what the values are, in
// sessions without those defaults.

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/pipeline/internal/every_type.h"
#include "opsbench/pipeline/internal/pipeline_testing.h"
#include "opsbench/server/private_server.h"
#include "opsbench/testing/test_servers.h"

namespace opsbench::pipeline {
namespace {

using internal::Database;
using internal::DifferenceBetween;
using internal::EveryColumn;
using internal::OneStream;
using internal::RunBetween;
using ::testing::HasSubstr;

void Fill(const Database& database) {
  const Engine engine = database.engine();
  for (const std::string& sql : internal::CreateEveryType(
           engine, "every_type", internal::EveryColumnOf(engine))) {
    database.Run(sql);
  }
}

// What the engine's own SQL says of the three rows.
void ExpectEveryType(const Database& at, const std::string& table) {
  const std::vector<EveryColumn>& columns =
      internal::EveryColumnOf(at.engine());
  for (size_t i = 0; i < columns.size(); ++i) {
    for (const bool high : {false, true}) {
      EXPECT_EQ(
          at.Cells(absl::StrCat(
              "SELECT ", internal::ShownSql(at.engine(), columns[i], i, high),
              " FROM ", table, " WHERE id = ", high ? 2 : 1)),
          internal::ShownText(columns[i], high))
          << table << ", column c" << i << ", " << columns[i].type;
    }
  }
}

// There and back again, by each way to write.
void MoveThereAndBack(const Database& usual, const Database& hostile,
                      const std::vector<std::string>& methods) {
  for (const std::string& method : methods) {
    SCOPED_TRACE(method);
    const std::string settings = absl::StrCat("load_method: ", method);
    for (const char* mode : {"append", "upsert"}) {
      const std::string there = absl::StrCat("there_", method, "_", mode);
      const std::string back = absl::StrCat("back_", method, "_", mode);
      const OneStream out = {"every_type", there, mode};
      auto run = RunBetween(usual.End(), hostile.End(settings), out);
      ASSERT_TRUE(run.ok()) << run.status();
      EXPECT_EQ(run->records_written, 3);
      EXPECT_EQ(DifferenceBetween(usual.End(), hostile.End(), out), "");
      const OneStream home = {there, back, mode};
      run = RunBetween(hostile.End(), usual.End(settings), home);
      ASSERT_TRUE(run.ok()) << run.status();
      EXPECT_EQ(run->records_written, 3);
      ExpectEveryType(usual, back);
    }
  }
}

TEST(HostileServerTest, PostgresSettingsOfADatabase) {
  auto usual_made = TestDatabase::Create(Engine::kPostgres);
  ASSERT_TRUE(usual_made.ok()) << usual_made.status();
  auto made = TestDatabase::Create(Engine::kPostgres);
  ASSERT_TRUE(made.ok()) << made.status();
  const auto usual = Database::Open((*usual_made)->url()).value();
  Fill(*usual);
  const std::string name = (*made)->url().database;
  for (const char* setting :
       {"DateStyle = 'SQL, DMY'", "IntervalStyle = 'iso_8601'",
        "TimeZone = 'Asia/Kolkata'", "extra_float_digits = -15",
        "bytea_output = 'escape'", "xmlbinary = 'hex'",
        "xmloption = 'document'", "array_nulls = off",
        "standard_conforming_strings = off", "transform_null_equals = on",
        "quote_all_identifiers = on",

        "idle_in_transaction_session_timeout = '1ms'",
        "gin_fuzzy_search_limit = 1",
        "default_transaction_isolation = 'read uncommitted'",
        "check_function_bodies = off", "client_min_messages = error",
        "row_security = on", "default_toast_compression = 'pglz'"}) {
    usual->Run(absl::StrCat("ALTER DATABASE ", name, " SET ", setting));
  }
  const auto hostile = Database::Open((*made)->url()).value();
  MoveThereAndBack(*usual, *hostile, {"insert", "copy", "copy_text", "batch"});
  usual->Run(absl::StrCat("ALTER DATABASE ", name, " RESET ALL"));
  const auto plain = Database::Open((*made)->url()).value();
  for (const char* method : {"insert", "copy", "copy_text", "batch"}) {
    ExpectEveryType(*plain, absl::StrCat("there_", method, "_append"));
  }
}

// What a role's settings would change without a word is refused.
TEST(HostileServerTest, PostgresSettingsThatAreRefused) {
  auto made = TestDatabase::Create(Engine::kPostgres);
  ASSERT_TRUE(made.ok()) << made.status();
  const auto database = Database::Open((*made)->url()).value();
  database->Run("CREATE TABLE t (id INTEGER)");
  database->Run("INSERT INTO t VALUES (1), (2)");
  const OneStream stream = {"t", "copy_of_t"};
  struct Refused {
    const char* setting;
    const char* said;
  };
  for (const Refused& refused : std::vector<Refused>{
           {"session_replication_role = 'replica'",
            "session_replication_role is replica"},
           {"default_transaction_read_only = on", "read-only transaction"},
           {"search_path = pg_temp, public", "temporary table"}}) {
    const std::string alter =
        absl::StrCat("ALTER DATABASE ", (*made)->url().database);
    database->Run(absl::StrCat(alter, " SET ", refused.setting));
    const absl::Status status =
        RunBetween(database->End(), database->End(), stream).status();
    database->Run("SET default_transaction_read_only = off");
    database->Run(absl::StrCat(alter, " RESET ALL"));
    EXPECT_FALSE(status.ok()) << refused.setting;
    EXPECT_THAT(std::string(status.message()), HasSubstr(refused.said));
    EXPECT_EQ(database->Tables(), "t") << refused.setting;
  }
}

// Of a table of which a policy shows some rows, some are never taken for all.
TEST(HostileServerTest, PostgresRowSecurityIsNoFilter) {
  auto made = TestDatabase::Create(Engine::kPostgres);
  ASSERT_TRUE(made.ok()) << made.status();
  const auto owner = Database::Open((*made)->url()).value();
  const std::string role = absl::StrCat("r_", (*made)->url().database);
  for (const std::string& sql :
       {std::string("CREATE TABLE t (id INTEGER)"),
        std::string("INSERT INTO t VALUES (1), (2)"),
        absl::StrCat("CREATE ROLE ", role, " LOGIN PASSWORD 'p'"),
        absl::StrCat("GRANT ALL ON SCHEMA public TO ", role),
        absl::StrCat("GRANT ALL ON t TO ", role),
        std::string("CREATE POLICY part ON t USING (id = 1)"),
        std::string("ALTER TABLE t ENABLE ROW LEVEL SECURITY")}) {
    owner->Run(sql);
  }
  Url url = (*made)->url();
  url.user = role;
  url.password = "p";
  const auto end = internal::EndAt(url);
  const absl::Status read = RunBetween(end, end, {"t", "u"}).status();
  EXPECT_THAT(std::string(read.message()), HasSubstr("row-level security"));
  const absl::Status write =
      RunBetween(owner->End(), internal::EndAt(url, "replace_by: delete"),
                 {"t", "t2", "replace"})
          .status();
  EXPECT_TRUE(write.ok()) << write;
  owner->Run("DROP TABLE t2");
  owner->Run(absl::StrCat("DROP OWNED BY ", role));
  owner->Run(absl::StrCat("DROP ROLE ", role));
}

TEST(HostileServerTest, MariadbSettingsOfAServer) {
  auto usual_made = TestDatabase::Create(Engine::kMysql);
  ASSERT_TRUE(usual_made.ok()) << usual_made.status();
  const auto usual = Database::Open((*usual_made)->url()).value();
  usual->Run("SET SESSION time_zone = '+00:00'");
  Fill(*usual);
  usual->Run(
      "CREATE TABLE zero (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, t "
      "TIMESTAMP NOT NULL DEFAULT '2001-02-03 04:05:06', c CHAR(9) NOT NULL)");
  usual->Run("SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO'");
  usual->Run("INSERT INTO zero (id, c) VALUES (0, 'a'), (9, 'b'), (10, 'c')");

  ServerOptions options;
  options.cache_bytes = int64_t{64} << 20;
  options.settings = {{"lower_case_table_names", "1"},
                      {"default_time_zone", "+05:30"},
                      {"character_set_server", "latin1"},
                      {"collation_server", "latin1_swedish_ci"},
                      {"default_storage_engine", "MyISAM"}};
  auto server = PrivateServer::Start(options);
  ASSERT_TRUE(server.ok()) << server.status();
  const Url url = Url::Parse((*server)->url()).value();
  const auto root = Database::Open(url).value();
  const std::vector<std::pair<const char*, const char*>> settings = {
      {"sql_mode",
       "'PAD_CHAR_TO_FULL_LENGTH,ANSI_QUOTES,NO_BACKSLASH_ESCAPES,"
       "PIPES_AS_CONCAT,REAL_AS_FLOAT,NO_UNSIGNED_SUBTRACTION,IGNORE_SPACE'"},
      {"auto_increment_increment", "7"},
      {"auto_increment_offset", "3"},
      {"explicit_defaults_for_timestamp", "0"},
      {"sql_select_limit", "2"},
      {"sql_safe_updates", "1"},
      {"sql_big_selects", "0"},
      {"max_join_size", "1"},
      {"foreign_key_checks", "0"},
      {"unique_checks", "0"},
      {"check_constraint_checks", "0"},
      {"autocommit", "0"},
      {"completion_type", "'CHAIN'"},
      {"tx_isolation", "'READ-UNCOMMITTED'"},
      {"net_write_timeout", "1"},
      {"max_allowed_packet", "65536"}};
  for (const auto& [name, value] : settings) {
    root->Run(absl::StrCat("SET GLOBAL ", name, " = ", value));
  }
  const auto hostile = Database::Open(url).value();
  MoveThereAndBack(*usual, *hostile, {"insert", "load_data", "batch"});
  for (const char* method : {"insert", "load_data", "batch"}) {
    const std::string setting = absl::StrCat("load_method: ", method);
    const std::string into = absl::StrCat("Zero_", method);
    const auto run = RunBetween(usual->End(), hostile->End(setting),
                                {"zero", into, "replace"});
    ASSERT_TRUE(run.ok()) << run.status();
    EXPECT_EQ(DifferenceBetween(usual->End(), hostile->End(), {"zero", into}),
              "");
    EXPECT_EQ(root->Cells(absl::StrCat(
                  "SELECT EXTRA FROM information_schema.COLUMNS WHERE "
                  "TABLE_NAME = '",
                  into, "' AND COLUMN_NAME = 't'")),
              "");
    EXPECT_EQ(
        hostile->Cells(absl::StrCat("SELECT MIN(id), MAX(id) FROM ", into)),
        "0|10");
  }
  for (const auto& [name, value] : settings) {
    root->Run(absl::StrCat("SET GLOBAL ", name, " = DEFAULT"));
  }
  const auto plain = Database::Open(url).value();
  plain->Run("SET SESSION time_zone = '+00:00'");
  for (const char* method : {"insert", "load_data", "batch"}) {
    ExpectEveryType(*plain, absl::StrCat("there_", method, "_append"));
  }
}

}  // namespace
}  // namespace opsbench::pipeline
