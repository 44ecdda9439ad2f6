// The side table's commands as their users meet them: on real engines, with bad
// input, and with everything that goes wrong half-way.

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/db/session.h"
#include "opsbench/results/benchmark_json.h"
#include "opsbench/server/private_server.h"
#include "opsbench/server/process_sampling.h"
#include "opsbench/testing/test_servers.h"
#include "sidetable_testing.h"

namespace opsbench {
namespace {

namespace fs = std::filesystem;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// --- The whole way on every engine ---

// Every name of a table, view, index or procedure in the database, sorted.
std::string NamesIn(const Url& url) {
  const auto session = Connect(url);
  if (!session.ok()) return session.status().ToString();
  const std::string sql =
      url.engine == Engine::kSqlite
          ? "SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite%'"
      : url.engine == Engine::kMysql
          ? "SELECT table_name FROM information_schema.tables WHERE "
            "table_schema = DATABASE() UNION SELECT routine_name FROM "
            "information_schema.routines WHERE routine_schema = DATABASE()"
          : "SELECT relname::text FROM pg_class WHERE relkind IN ('r', 'v', "
            "'i') AND relnamespace = 'public'::regnamespace AND relname NOT "
            "LIKE '%_pkey' UNION SELECT proname::text FROM pg_proc WHERE "
            "pronamespace = 'public'::regnamespace AND proname LIKE "
            "'%insert_%'";
  ResultSet rows;
  const absl::Status status = (*session)->Query(sql, &rows);
  if (!status.ok()) return status.ToString();
  std::vector<std::string> names;
  for (size_t i = 0; i < rows.row_count(); ++i) {
    names.emplace_back(rows.at(i, 0).text());
  }
  std::sort(names.begin(), names.end());
  return absl::StrJoin(names, ",");
}

class EveryEngineTest : public SidetableCommandTest,
                        public ::testing::WithParamInterface<Engine> {};

TEST_P(EveryEngineTest, SeedRunRecordsExplainValidateCompare) {
  const auto database = TestDatabase::Create(GetParam());
  ASSERT_TRUE(database.ok()) << database.status();
  const std::string url = (*database)->url().ToString();
  const Outcome seed = Sidetable("seed --ops 20000", url);
  ASSERT_EQ(seed.exit_code, 0) << seed.errors;
  EXPECT_THAT(seed.output, HasSubstr("side_table: seeded 20000 operations"));

  for (const char* mix : {"A", "B", "C", "D"}) {
    const std::string out = (folder() / mix).string();
    const Outcome run = Sidetable(
        absl::StrCat("run --workers 2 --operations 40 --warmup 0 --mix ", mix,
                     " --out ", out),
        url);
    EXPECT_EQ(run.exit_code, 0) << mix << run.errors << run.output;
    EXPECT_THAT(run.output, HasSubstr("Total Ops: 40 "));
    EXPECT_THAT(run.output, HasSubstr("Errors: 0"));
    const auto result = results::ReadBenchmarkFile(out);
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_TRUE(results::CheckBenchmarkFile(*result, out).ok());
    EXPECT_EQ(result->rows[0].iterations, 40);
  }

  const Outcome records = Sidetable("records", url);
  EXPECT_EQ(records.exit_code, 0) << records.errors;
  EXPECT_THAT(records.output, HasSubstr("Amplification Factor"));
  EXPECT_THAT(records.output, HasSubstr("OP #"));

  const Outcome explain = Sidetable("explain", url);
  EXPECT_EQ(explain.exit_code, 0) << explain.errors;
  for (const char* title :
       {"Exact Match", "Level 1 Prefix", "Level 4 Prefix"}) {
    EXPECT_THAT(explain.output, HasSubstr(absl::StrCat("QUERY: ", title)));
  }

  Outcome validate = Sidetable("validate", url);
  EXPECT_EQ(validate.exit_code, 0) << validate.output << validate.errors;
  EXPECT_THAT(validate.output, Not(HasSubstr("FAIL")));
  const auto session = Connect((*database)->url());
  ASSERT_TRUE(session.ok());
  const std::string drop =
      GetParam() == Engine::kMysql
          ? "DROP INDEX operation_prefixes_latest ON operation_prefixes"
          : "DROP INDEX operation_prefixes_latest";
  ASSERT_TRUE((*session)->Execute(drop).ok());
  validate = Sidetable("validate", url);
  EXPECT_EQ(validate.exit_code, 1) << validate.output;
  EXPECT_THAT(validate.output, HasSubstr("FAIL"));
}

TEST_P(EveryEngineTest, CompareShowsEveryStrategy) {
  const auto database = TestDatabase::Create(GetParam());
  ASSERT_TRUE(database.ok()) << database.status();
  const std::string url = (*database)->url().ToString();
  // In tables of its own: what was seeded stays, and nothing else does.
  EXPECT_EQ(Sidetable("seed --ops 1000", url).exit_code, 0);
  const Outcome compare = Sidetable("compare --ops 2000 --seconds 0.02", url);
  EXPECT_EQ(compare.exit_code, 0) << compare.errors;
  EXPECT_THAT(compare.output, HasSubstr("side_table"));
  EXPECT_THAT(compare.output, HasSubstr("like_scan"));
  EXPECT_THAT(compare.output, HasSubstr("level_columns"));
  EXPECT_EQ(absl::StrContains(compare.output, "ltree"),
            GetParam() == Engine::kPostgres);
  EXPECT_EQ(Sidetable("records", url).exit_code, 0);
  EXPECT_THAT(NamesIn((*database)->url()), Not(HasSubstr("opsbench_compare")));
}

// Makes a procedure, an index, a view or a table that opsbench did not make.
absl::Status MakeForeign(Session& session, const std::string& name,
                         absl::string_view kind) {
  const std::map<absl::string_view, std::string> statements = {
      {"PROCEDURE", "() SELECT 1"},
      {"FUNCTION", "() RETURNS INT LANGUAGE sql AS 'SELECT 1'"},
      {"INDEX", " ON mine (x)"},
      {"VIEW", " AS SELECT x FROM mine"},
      {"TABLE", " AS SELECT x FROM mine"}};
  for (const std::string& sql :
       {std::string("CREATE TABLE mine (x INT)"),
        std::string("INSERT INTO mine VALUES (7)"),
        absl::StrCat("CREATE ", kind, " ", name, statements.at(kind))}) {
    const absl::Status status = session.Execute(sql).status();
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

// Whatever stands under a name that a command uses and was not made by it (a
// table, a view, an index, a procedure) is named and left, and nothing of it is
// changed. The names are those that the commands themselves use.
TEST_P(EveryEngineTest, ForeignThingsAreNamedAndLeft) {
  const auto made = TestDatabase::Create(GetParam());
  ASSERT_TRUE(made.ok()) << made.status();
  ASSERT_EQ(Sidetable("seed --ops 20 --strategy all", (*made)->url().ToString())
                .exit_code,
            0);
  const std::vector<std::string> names =
      absl::StrSplit(NamesIn((*made)->url()), ',');
  int tables = 0;
  for (const std::string& name : names) {
    std::string kind = "TABLE";
    if (absl::StrContains(name, "insert_")) {
      kind = GetParam() == Engine::kMysql ? "PROCEDURE" : "FUNCTION";
    } else if (absl::EndsWith(name, "_created") ||
               absl::EndsWith(name, "_latest") ||
               absl::EndsWith(name, "_tree") ||
               absl::StrContains(name, "levels_l")) {
      kind = "INDEX";
    } else if (++tables % 3 == 0) {
      kind = "VIEW";
    }
    const auto database = TestDatabase::Create(GetParam());
    ASSERT_TRUE(database.ok()) << database.status();
    const std::string url = (*database)->url().ToString();
    const auto session = *Connect((*database)->url());
    const std::string compared = absl::StrCat("opsbench_compare_", name);
    const absl::Status status = MakeForeign(*session, name, kind);
    ASSERT_TRUE(status.ok()) << status;
    for (const char* command : {"seed --ops 20 --strategy all",
                                "seed --ops 20 --strategy all --fresh"}) {
      const Outcome outcome = Sidetable(command, url);
      EXPECT_EQ(outcome.exit_code, 2) << command << kind << name;
      ExpectOneLine(outcome.errors);
      EXPECT_THAT(outcome.errors,
                  HasSubstr(absl::StrCat(" ", name, " was not made by")));
    }
    ASSERT_TRUE(
        session->Execute(absl::StrCat("CREATE TABLE ", compared, " (x INT)"))
            .ok());
    const std::string before = NamesIn((*database)->url());
    const Outcome outcome =
        Sidetable("compare --ops 20 --seconds 0.02 --strategy all", url);
    // A procedure is in no table's way.
    if (kind == "TABLE" || kind == "VIEW" || kind == "INDEX") {
      EXPECT_EQ(outcome.exit_code, 2) << kind << name;
      ExpectOneLine(outcome.errors);
      EXPECT_THAT(outcome.errors, HasSubstr(absl::StrCat(" ", compared, " ")));
    }
    EXPECT_EQ(NamesIn((*database)->url()), before);
    if (kind == "TABLE" || kind == "VIEW") {
      ResultSet rows;
      ASSERT_TRUE(
          session->Query(absl::StrCat("SELECT x FROM ", name), &rows).ok());
      EXPECT_EQ(rows.row_count(), 1u);
    }
  }
}

// A whole table may be replaced when that is asked for, a view never.
TEST_P(EveryEngineTest, ForeignTablesAreReplacedWhenAsked) {
  const auto database = TestDatabase::Create(GetParam());
  ASSERT_TRUE(database.ok()) << database.status();
  const std::string url = (*database)->url().ToString();
  const auto session = *Connect((*database)->url());
  ASSERT_TRUE(session->Execute("CREATE TABLE operations (x INT)").ok());
  EXPECT_EQ(Sidetable("seed --ops 20 --replace-foreign", url).exit_code, 2);
  const Outcome replaced =
      Sidetable("seed --ops 20 --fresh --replace-foreign", url);
  EXPECT_EQ(replaced.exit_code, 0) << replaced.errors;
  // Now they are ours.
  EXPECT_EQ(Sidetable("seed --ops 30 --fresh", url).exit_code, 0);
  ASSERT_TRUE(session->Execute("CREATE TABLE mine (x INT)").ok());
  ASSERT_TRUE(
      session->Execute("CREATE VIEW operations_like AS SELECT x FROM mine")
          .ok());
  const Outcome view = Sidetable(
      "seed --ops 20 --strategy like_scan --fresh --replace-foreign", url);
  EXPECT_EQ(view.exit_code, 2);
  EXPECT_THAT(view.errors, HasSubstr("view operations_like"));
}

// Ctrl-C and SIGTERM end a comparison: what was measured is printed, and its
// tables are gone. Killed, it leaves them, and the next one replaces them.
TEST_P(EveryEngineTest, AComparisonThatIsStoppedPrintsWhatItHas) {
  const auto database = TestDatabase::Create(GetParam());
  ASSERT_TRUE(database.ok()) << database.status();
  const std::string url = (*database)->url().ToString();
  const auto session = *Connect((*database)->url());
  int seed = 0;
  for (const int signal : {SIGKILL, SIGINT, SIGTERM}) {
    Running compare(
        folder(),
        Arguments(absl::StrCat("compare --ops 2000 --seconds 600 --strategy "
                               "like_scan,side_table --seed ",
                               ++seed),
                  url),
        Variables());
    // Both are seeded, and the first measurement takes ten minutes.
    ASSERT_TRUE(compare.Until([&] {
      ResultSet rows;
      return session
                 ->Query(absl::StrCat("SELECT COUNT(*) FROM "
                                      "opsbench_compare_sidetable_meta WHERE "
                                      "complete = 1 AND seed = ",
                                      seed),
                         &rows)
                 .ok() &&
             rows.at(0, 0).int64() == 2;
    })) << compare.Wait().errors;
    kill(compare.pid(), signal);
    const Outcome outcome = compare.Wait();
    if (signal == SIGKILL) continue;
    EXPECT_EQ(outcome.exit_code, 1) << outcome.errors;
    EXPECT_THAT(outcome.output, HasSubstr("like_scan"));
    EXPECT_THAT(outcome.output, HasSubstr("side_table"));
    EXPECT_THAT(outcome.output, HasSubstr("ended early"));
    EXPECT_EQ(NamesIn((*database)->url()), "");
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, EveryEngineTest,
                         ::testing::Values(Engine::kSqlite, Engine::kMysql,
                                           Engine::kPostgres),
                         [](const auto& test) {
                           return std::string(EngineName(test.param));
                         });

// What `requests` lists is what `run --distinct` executes: each listed request,
// executed from its text, finds rows in the same data.
TEST_F(SidetableCommandTest, RequestsCanBeExecutedByAnother) {
  ASSERT_EQ(OnSqlite("seed --ops 20000").exit_code, 0);
  Url url;
  url.database = database().string();
  const auto session = Connect(url);
  ASSERT_TRUE(session.ok()) << session.status();
  for (const char* mix : {"latest_l3", "exact", "count_24h"}) {
    const Outcome requests =
        OnSqlite(absl::StrCat("requests --distinct 5 --mix ", mix));
    ASSERT_EQ(requests.exit_code, 0) << requests.errors;
    const std::vector<std::string> lines =
        absl::StrSplit(requests.output, '\n', absl::SkipEmpty());
    ASSERT_EQ(lines.size(), 6u) << requests.output;
    const auto statement = (*session)->Prepare(lines[0]);
    ASSERT_TRUE(statement.ok()) << statement.status();
    int64_t rows = 0;
    for (size_t i = 1; i < lines.size(); ++i) {
      const std::vector<std::string> texts = absl::StrSplit(lines[i], '\t');
      std::vector<Value> values;
      for (const std::string& text : texts) {
        int64_t number;
        values.push_back(absl::SimpleAtoi(text, &number) ? Value::Int64(number)
                                                         : Value::Text(text));
      }
      const auto found = (*statement)->Execute(values, nullptr);
      ASSERT_TRUE(found.ok()) << found.status();
      rows += *found;
    }
    EXPECT_GT(rows, 0) << mix;
  }
  Outcome outcome = OnSqlite("requests --mix insert_single");
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.errors, HasSubstr("insert_single"));
  outcome =
      OnSqlite("run --mix latest_l3 --distinct 5 --operations 50 --workers 2");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.errors;
  EXPECT_THAT(outcome.output, HasSubstr("Total Ops: 50 "));
}

// --- Bad input ---

TEST_F(SidetableCommandTest, BadInputIsOneLineAndTouchesNothing) {
  struct Case {
    const char* arguments;
    const char* expected;
  };
  constexpr Case kCases[] = {
      {"seed --engine oracle", "oracle"},
      {"seed --engine redis", "sqlite, mysql or postgres"},
      {"seed --strategy btree", "btree"},
      {"seed --strategy ltree", "ltree is not for sqlite"},
      {"seed --ops 0", "--ops"},
      {"seed --ops -5", "--ops"},
      {"seed --ops 99999999999999999999", "--ops"},
      {"seed --ops many", "--ops"},
      {"seed --workers 0", "--workers"},
      {"seed --seed -1", "--seed"},
      {"seed --url nonsense", "--url"},
      {"run --mix Z", "Z"},
      {"run --mix latest_l2=-1", "latest_l2"},
      {"run --workers -1", "--workers"},
      {"run --seconds 0", "--seconds"},
      {"run --rate -1", "--rate"},
      {"run --batch-size 1", "--batch-size"},
      {"run --operations 0", "--operations"},
      {"run --strategy all", "compare"},
      {"explain --path Labs.x", "Labs"},
      {"explain --path labs..x", "labs..x"},
      {"explain --path labs.a-b", "a-b"},
      {"explain --path", "--path"},
      {"dance", "sidetable --help"},
      {"", "--help"},
  };
  for (const Case& bad : kCases) {
    const Outcome outcome = Sidetable(bad.arguments, "");
    EXPECT_EQ(outcome.exit_code, 2) << bad.arguments;
    ExpectOneLine(outcome.errors);
    EXPECT_THAT(outcome.errors, HasSubstr(bad.expected)) << bad.arguments;
    EXPECT_EQ(outcome.output, "") << bad.arguments;
  }
  EXPECT_FALSE(fs::exists(folder() / ".opsbench"));
}

TEST_F(SidetableCommandTest, CommandsThatReadSayWhenThereIsNoData) {
  for (const char* command : {"run", "records", "explain", "validate"}) {
    const Outcome outcome = OnSqlite(command);
    EXPECT_EQ(outcome.exit_code, 2) << command;
    ExpectOneLine(outcome.errors);
    EXPECT_THAT(outcome.errors, HasSubstr("opsbench sidetable seed"));
    EXPECT_FALSE(fs::exists(database())) << command;
  }
}

TEST_F(SidetableCommandTest, DataOfAnotherVersionIsRefusedAndLeft) {
  ASSERT_EQ(OnSqlite("seed --ops 1000").exit_code, 0);
  Url url;
  url.database = database().string();
  const auto session = Connect(url);
  ASSERT_TRUE(session.ok());
  ASSERT_TRUE((*session)
                  ->Execute("UPDATE sidetable_meta SET schema_version = 99")
                  .ok());
  for (const char* command : {"run", "records", "seed --ops 1000"}) {
    const Outcome outcome = OnSqlite(command);
    EXPECT_EQ(outcome.exit_code, 2) << command;
    ExpectOneLine(outcome.errors);
    EXPECT_THAT(outcome.errors, HasSubstr("99")) << command;
  }
  EXPECT_EQ(Count("SELECT COUNT(*) FROM operations"), 1000);
}

TEST_F(SidetableCommandTest, NumbersOfTheEnvironmentAreCheckedAsWell) {
  for (const char* variable :
       {"TOTAL_OPS=0", "CONCURRENCY=x", "BATCH_SIZE=99999999"}) {
    std::vector<std::string> variables = Variables();
    variables.emplace_back(variable);
    const Outcome outcome =
        RunOpsbench(folder(), Arguments("seed", SqliteUrl()), variables);
    EXPECT_EQ(outcome.exit_code, 2) << variable;
    ExpectOneLine(outcome.errors);
    EXPECT_THAT(
        outcome.errors,
        HasSubstr(std::string(variable, std::string(variable).find('='))));
  }
}

// --- Faults ---

class ServerFaultTest : public SidetableCommandTest,
                        public ::testing::WithParamInterface<ServerKind> {
 protected:
  static std::unique_ptr<PrivateServer> Start() {
    auto server = PrivateServer::Start({.kind = GetParam()});
    EXPECT_TRUE(server.ok()) << server.status();
    return server.ok() ? *std::move(server) : nullptr;
  }
};

TEST_P(ServerFaultTest, AServerThatIsDownOrRefusesIsNamedWithoutThePassword) {
  const auto server = Start();
  ASSERT_NE(server, nullptr);
  Url url = *Url::Parse(server->url());
  const std::string password = url.password;
  url.password = "not-this-one";
  Outcome outcome = Sidetable("seed --ops 1000", url.ToString());
  EXPECT_EQ(outcome.exit_code, 2) << outcome.errors;
  ExpectOneLine(outcome.errors);
  EXPECT_THAT(outcome.errors, Not(HasSubstr("not-this-one")));

  ASSERT_TRUE(server->Stop().ok());
  outcome = Sidetable("seed --ops 1000", server->url());
  EXPECT_EQ(outcome.exit_code, 1) << outcome.errors;
  ExpectOneLine(outcome.errors);
  EXPECT_THAT(outcome.errors, Not(HasSubstr(password)));
}

// Once the load runs, which the server's own count of prepared statements'
// executions shows, the server is killed.
TEST_P(ServerFaultTest, AServerKilledDuringARunEndsItWithWhatItHas) {
  const auto server = Start();
  ASSERT_NE(server, nullptr);
  ASSERT_EQ(Sidetable("seed --ops 1000", server->url()).exit_code, 0);
  const auto session = Connect(*Url::Parse(server->url()));
  ASSERT_TRUE(session.ok());
  const std::string executions =
      GetParam() == ServerKind::kMysql
          ? "SELECT variable_value + 0 FROM information_schema.global_status "
            "WHERE variable_name = 'COM_STMT_EXECUTE'"
          : "SELECT COALESCE(SUM(idx_scan), 0)::BIGINT "
            "FROM pg_stat_user_indexes "
            "WHERE indexrelname = 'operation_prefixes_latest'";
  const auto count = [&] {
    ResultSet rows;
    EXPECT_TRUE((*session)->Query(executions, &rows).ok());
    const Value& value = rows.at(0, 0);
    return value.type() == Value::Type::kDouble
               ? value.float64()
               : static_cast<double>(value.int64());
  };
  // Seeding has executed statements as well, and so do checks before the load.
  const double before = count();
  const std::string out = (folder() / "out.json").string();
  Running run(folder(),
              Arguments(absl::StrCat("run --mix latest_l2 --workers 2 "
                                     "--seconds 600 --warmup 0 --out ",
                                     out),
                        server->url()),
              Variables());
  ASSERT_TRUE(run.Until([&] { return count() - before > 400; }))
      << run.Wait().errors;
  ASSERT_TRUE(server->Kill().ok());
  const Outcome outcome = run.Wait();
  EXPECT_EQ(outcome.exit_code, 1) << outcome.output << outcome.errors;
  EXPECT_THAT(outcome.output, HasSubstr("Results:"));
  EXPECT_THAT(outcome.output, HasSubstr("UNAVAILABLE"));
  EXPECT_THAT(outcome.output, Not(HasSubstr("Errors: 0\n")));
  const auto result = results::ReadBenchmarkFile(out);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_GT(result->rows[0].iterations, 100);
  EXPECT_GT(result->rows[0].counters.at("errors"), 0);
}

INSTANTIATE_TEST_SUITE_P(Servers, ServerFaultTest,
                         ::testing::Values(ServerKind::kMysql,
                                           ServerKind::kPostgres),
                         [](const auto& test) {
                           return std::string(ServerKindName(test.param));
                         });

// Interrupted when some chunks are there and others are not; --resume adds what
// is missing, and no operation twice.
TEST_F(SidetableCommandTest, CtrlCWhileSeedingIsResumedToTheWhole) {
  Running seed(folder(), Arguments("seed --ops 200000", SqliteUrl()),
               Variables());
  ASSERT_TRUE(seed.Until(
      [&] { return Count("SELECT COUNT(*) FROM sidetable_chunks") > 0; }));
  kill(seed.pid(), SIGINT);
  const Outcome interrupted = seed.Wait();
  EXPECT_EQ(interrupted.exit_code, 1) << interrupted.errors;
  EXPECT_THAT(interrupted.errors, HasSubstr("--resume"));
  const int64_t loaded = Count("SELECT COUNT(*) FROM operations");
  ASSERT_GT(loaded, 0);
  ASSERT_LT(loaded, 200'000);

  EXPECT_EQ(OnSqlite("run").exit_code, 2);
  const Outcome resumed = OnSqlite("seed --ops 200000 --resume");
  EXPECT_EQ(resumed.exit_code, 0) << resumed.errors;
  EXPECT_THAT(resumed.output, HasSubstr(absl::StrCat(
                                  loaded, " operations were there already")));
  EXPECT_EQ(Count("SELECT COUNT(*) FROM operations"), 200'000);
  EXPECT_EQ(Count("SELECT COUNT(DISTINCT id) FROM operations"), 200'000);
  EXPECT_EQ(Count("SELECT MAX(id) FROM operations"), 200'000);
}

// The limit on a file's size is what a full disk is, for everybody who may not
// mount a small one.
TEST_F(SidetableCommandTest, AFullDiskLosesNothingThatWasLoaded) {
  const std::string limited =
      absl::StrCat("trap '' XFSZ; ulimit -f 60000; exec '", OPSBENCH_CLI,
                   "' sidetable seed --ops 200000 --url '", SqliteUrl(),
                   "' 2>'", (folder() / "errors").string(), "'");
  const int status = std::system(limited.c_str());
  EXPECT_EQ(WEXITSTATUS(status), 1);
  // A slow build has shown its progress before.
  const std::string errors = ReadText(folder() / "errors");
  EXPECT_THAT(errors, ContainsRegex("opsbench: [^\n]*full[^\n]*\n$"));
  const int64_t loaded = Count("SELECT COUNT(*) FROM operations");
  ASSERT_GT(loaded, 0);
  const Outcome resumed = OnSqlite("seed --ops 200000 --resume");
  EXPECT_EQ(resumed.exit_code, 0) << resumed.errors;
  EXPECT_EQ(Count("SELECT COUNT(*) FROM operations"), 200'000);
}

// Every process of the private server's, its supervisor too, is gone after a
// SIGKILL, which opsbench cannot handle.
TEST_F(SidetableCommandTest, Kill9LeavesNoServer) {
  Running run(
      folder(),
      {"sidetable", "run", "--engine", "postgres", "--ops", "1000", "--seconds",
       "600"},
      {absl::StrCat("OPSBENCH_ROOT=", folder().string()),
       absl::StrCat("TMPDIR=", folder().string()), "OPSBENCH_POSTGRES_URL="});
  ASSERT_TRUE(run.Until([&] {
    return absl::StrContains(run.output(), "Running Mix");
  })) << run.Wait().errors;
  std::vector<std::unique_ptr<Watched>> others;
  for (const pid_t pid : ProcessTree(run.pid())) {
    if (pid != run.pid()) others.push_back(std::make_unique<Watched>(pid));
  }
  EXPECT_GT(others.size(), 3u);
  kill(run.pid(), SIGKILL);
  EXPECT_EQ(run.Wait().exit_code, 128 + SIGKILL);
  for (const auto& other : others) {
    EXPECT_TRUE(other->EndsWithin(kEndTimeoutMs));
  }
}

}  // namespace
}  // namespace opsbench
