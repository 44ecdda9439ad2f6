#include "opsbench/testing/test_servers.h"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/session.h"
#include "opsbench/engines/engines.h"
#include "opsbench/server/private_server.h"

namespace opsbench {
namespace {

// The private servers of this process, one of an engine. They are never
// destroyed: their supervisors end them with the process, and a test that
// leaks a thread past main() still has its server.
class OwnServers {
 public:
  static OwnServers& Get() {
    static auto* const servers = new OwnServers;
    return *servers;
  }

  absl::StatusOr<Url> Acquire(Engine engine) {
    absl::MutexLock lock(&mutex_);
    std::unique_ptr<EngineHandle>& handle = handles_[engine];
    if (handle == nullptr) {
      ServerOptions options;
      options.cache_bytes = int64_t{128} << 20;
      OPSBENCH_ASSIGN_OR_RETURN(handle,
                                AcquireEngine(engine, Environment(), options));
    }
    return handle->url();
  }

  // MySQL or MariaDB with defaults of somebody else.
  absl::StatusOr<Url> AcquireHostileMysql() {
    absl::MutexLock lock(&mutex_);
    if (hostile_mysql_ == nullptr) {
      ServerOptions options;
      options.cache_bytes = int64_t{64} << 20;
      options.settings = {{"auto_increment_increment", "7"},
                          {"auto_increment_offset", "3"},
                          {"innodb_autoinc_lock_mode", "2"},
                          {"character_set_server", "latin1"}};
      OPSBENCH_ASSIGN_OR_RETURN(hostile_mysql_, PrivateServer::Start(options));
      OPSBENCH_ASSIGN_OR_RETURN(const Url url,
                                Url::Parse(hostile_mysql_->url()));
      OPSBENCH_ASSIGN_OR_RETURN(const auto session, Connect(url));
      for (const char* setting : kHostileMysql) {
        // Some are MySQL's or MariaDB's alone.
        (void)session->Execute(absl::StrCat("SET GLOBAL ", setting));
      }
    }
    return Url::Parse(hostile_mysql_->url());
  }

 private:
  static constexpr const char* kHostileMysql[] = {
      "sql_mode = 'ANSI,NO_BACKSLASH_ESCAPES,PAD_CHAR_TO_FULL_LENGTH,"
      "HIGH_NOT_PRECEDENCE,REAL_AS_FLOAT'",
      "time_zone = '+05:30'",
      "autocommit = 0",
      "completion_type = 1",
      "tx_isolation = 'READ-UNCOMMITTED'",
      "transaction_isolation = 'READ-UNCOMMITTED'",
      "max_statement_time = 0.02",
      "max_execution_time = 20",
      "character_set_client = latin1",
      "character_set_connection = latin1",
      "character_set_results = latin1",
      "default_storage_engine = MyISAM",
      "foreign_key_checks = 0",
      "unique_checks = 0",
      "sql_auto_is_null = 1",
      "sql_safe_updates = 1",
      "sql_select_limit = 2",
      "max_join_size = 10",
      "sql_big_selects = 0",
      "div_precision_increment = 0",
      "group_concat_max_len = 4",
      "max_sort_length = 8"};

  absl::Mutex mutex_;
  std::map<Engine, std::unique_ptr<EngineHandle>> handles_
      ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<PrivateServer> hostile_mysql_ ABSL_GUARDED_BY(mutex_);
};

// For the database, and for the role in it, which counts before it.
constexpr const char* kHostilePostgres[] = {
    "TimeZone = 'Asia/Kolkata'",
    "DateStyle = 'German'",
    "IntervalStyle = 'sql_standard'",
    "bytea_output = 'escape'",
    "extra_float_digits = -15",
    "standard_conforming_strings = off",
    "escape_string_warning = on",
    "transform_null_equals = on",
    "array_nulls = off",
    "xmlbinary = 'hex'",
    "client_encoding = 'LATIN1'",
    "statement_timeout = '20ms'",
    "lock_timeout = '5ms'",
    "idle_in_transaction_session_timeout = '20ms'",
    "default_transaction_isolation = 'serializable'",
    "search_path = app, public"};

absl::Status MakeHostile(const Url& url) {
  OPSBENCH_ASSIGN_OR_RETURN(const auto session, Connect(url));
  std::vector<std::string> statements;
  if (url.engine == Engine::kSqlite) {
    statements = {"PRAGMA journal_mode = DELETE", "PRAGMA encoding = 'UTF-16'",
                  "PRAGMA page_size = 512", "PRAGMA auto_vacuum = FULL",
                  "VACUUM"};
  } else {
    statements = {"CREATE SCHEMA app"};
    for (const char* setting : kHostilePostgres) {
      statements.push_back(
          absl::StrCat("ALTER DATABASE ", url.database, " SET ", setting));
      statements.push_back(absl::StrCat("ALTER ROLE CURRENT_USER IN DATABASE ",
                                        url.database, " SET ", setting));
    }
  }
  for (const std::string& statement : statements) {
    OPSBENCH_RETURN_IF_ERROR(session->Execute(statement).status());
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Url> TestServerUrl(Engine engine) {
  if (engine == Engine::kSqlite) {
    return absl::InvalidArgumentError("SQLite has no server");
  }
  Environment environment;
  const char* kept = std::getenv("OPSBENCH_TEST_SERVERS");
  if (kept != nullptr && *kept != '\0') {
    OPSBENCH_ASSIGN_OR_RETURN(environment, Environment::Load(kept));
  }
  OPSBENCH_ASSIGN_OR_RETURN(absl::optional<Url> url,
                            environment.EngineUrl(engine));
  if (url.has_value()) return *std::move(url);
  return OwnServers::Get().Acquire(engine);
}

TestDatabase::TestDatabase(Url server, Url url, std::string folder)
    : server_(std::move(server)),
      url_(std::move(url)),
      folder_(std::move(folder)) {}

absl::StatusOr<std::unique_ptr<TestDatabase>> TestDatabase::Create(
    Engine engine, Defaults defaults) {
  const bool hostile = defaults == Defaults::kHostile;
  static std::atomic<int> counter{0};
  const std::string name =
      absl::StrCat("test_", getpid(), "_", counter.fetch_add(1));
  if (engine == Engine::kSqlite) {
    std::string folder =
        (std::filesystem::temp_directory_path() / "opsbench-XXXXXX").string();
    if (mkdtemp(folder.data()) == nullptr) {
      return absl::InternalError(absl::StrCat("cannot make ", folder));
    }
    Url url;
    url.engine = Engine::kSqlite;
    url.database = absl::StrCat(folder, "/", name, ".db");
    std::unique_ptr<TestDatabase> file(new TestDatabase(url, url, folder));
    if (hostile) OPSBENCH_RETURN_IF_ERROR(MakeHostile(url));
    return file;
  }
  OPSBENCH_ASSIGN_OR_RETURN(Url server,
                            hostile && engine == Engine::kMysql
                                ? OwnServers::Get().AcquireHostileMysql()
                                : TestServerUrl(engine));
  OPSBENCH_ASSIGN_OR_RETURN(auto session, Connect(server));
  OPSBENCH_RETURN_IF_ERROR(
      session->Execute(absl::StrCat("CREATE DATABASE ", name)).status());
  std::unique_ptr<TestDatabase> database(
      new TestDatabase(server, server.WithDatabase(name), ""));
  if (hostile && engine == Engine::kPostgres) {
    OPSBENCH_RETURN_IF_ERROR(MakeHostile(database->url()));
  }
  return database;
}

TestDatabase::~TestDatabase() {
  if (!folder_.empty()) {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
    return;
  }
  auto session = Connect(server_);
  if (!session.ok()) return;
  const char* force =
      server_.engine == Engine::kPostgres ? " WITH (FORCE)" : "";
  (void)(*session)->Execute(
      absl::StrCat("DROP DATABASE IF EXISTS ", url_.database, force));
}

}  // namespace opsbench
