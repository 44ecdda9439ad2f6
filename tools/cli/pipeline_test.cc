// The pipeline's commands as their users meet them: every fixture on real
// engines, files with faults, Ctrl-C, and kill -9 at any moment.

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "opsbench/base/clock.h"
#include "opsbench/base/random.h"
#include "opsbench/db/session.h"
#include "opsbench/results/benchmark_json.h"
#include "opsbench/testing/test_servers.h"
#include "testing.h"

namespace opsbench {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

void ExpectOneLine(const std::string& errors) {
  EXPECT_THAT(errors, StartsWith("opsbench: "));
  EXPECT_EQ(std::count(errors.begin(), errors.end(), '\n'), 1) << errors;
}

nlohmann::json JsonOf(const std::string& output) {
  for (absl::string_view line : absl::StrSplit(output, '\n')) {
    if (!absl::ConsumePrefix(&line, "@@BENCH_JSON@@")) continue;
    return nlohmann::json::parse(line);
  }
  ADD_FAILURE() << "no JSON line in:\n" << output;
  return nlohmann::json::object();
}

class PipelineCommandTest : public ::testing::Test {
 protected:
  const fs::path& folder() const { return folder_.path(); }

  // The URL of an empty database of the test's own, and the variable for it.
  void Provide(Engine engine) {
    auto database = TestDatabase::Create(engine);
    ASSERT_TRUE(database.ok()) << database.status();
    const std::string name = absl::StrCat(
        "OPSBENCH_", absl::AsciiStrToUpper(EngineName(engine)), "_URL");
    variables_.push_back(
        absl::StrCat(name, "=", (*database)->url().ToString()));
    databases_[engine] = *std::move(database);
  }

  std::unique_ptr<Session> On(Engine engine) const {
    auto session = Connect(databases_.at(engine)->url());
    EXPECT_TRUE(session.ok()) << session.status();
    return session.ok() ? *std::move(session) : nullptr;
  }
  std::string One(Engine engine, const std::string& sql) const {
    ResultSet rows;
    const absl::Status status = On(engine)->Query(sql, &rows);
    EXPECT_TRUE(status.ok()) << status;
    return rows.row_count() == 1 ? rows.at(0, 0).ToString() : "";
  }

  std::vector<std::string> Variables() const {
    std::vector<std::string> variables = variables_;
    variables.push_back(absl::StrCat("OPSBENCH_ROOT=", folder().string()));
    variables.push_back(absl::StrCat("TEST_FOLDER=", folder().string()));
    return variables;
  }

  Outcome Pipeline(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "pipeline");
    return RunOpsbench(folder(), std::move(arguments), Variables());
  }

  std::string Write(const std::string& text) const {
    const std::string path = (folder() / "p.yaml").string();
    std::ofstream(path) << text;
    return path;
  }

  static std::string Fixture(const std::string& name) {
    return absl::StrCat("fixtures/pipelines/", name, ".yaml");
  }

  std::vector<std::string> variables_;
  std::map<Engine, std::unique_ptr<TestDatabase>> databases_;

 private:
  const TestFolder folder_;
};

// --- Every fixture, the whole way ---

struct FixtureCase {
  const char* name;
  Engine source;
  Engine destination;
};

class FixtureTest : public PipelineCommandTest,
                    public ::testing::WithParamInterface<FixtureCase> {};

TEST_P(FixtureTest, DryRunRunVerifyAndADifferenceIsFound) {
  const FixtureCase& test = GetParam();
  Provide(test.source);
  if (test.destination != test.source) Provide(test.destination);
  const std::string file = Fixture(test.name);

  const Outcome plan = Pipeline({"run", file, "--dry-run", "--rows", "12345"});
  ASSERT_EQ(plan.exit_code, 0) << plan.errors;
  EXPECT_THAT(plan.output, HasSubstr("would first make bench_events"));

  const std::string out = (folder() / "out.json").string();
  const Outcome run = Pipeline({"run", file, "--rows", "12345", "--out", out});
  ASSERT_EQ(run.exit_code, 0) << run.errors;
  EXPECT_THAT(run.errors, HasSubstr("made it, with 12345 rows"));
  EXPECT_THAT(run.output,
              AllOf(StartsWith(absl::StrCat("Pipeline '", test.name,
                                            "' completed successfully.\n")),
                    HasSubstr("  Records read:    12345\n"),
                    HasSubstr("  Records written: 12345\n"),
                    HasSubstr("  Dest load:       0ms\n")));
  const nlohmann::json json = JsonOf(run.output);
  EXPECT_EQ(json["records_read"], 12345);
  EXPECT_EQ(json["records_written"], 12345);
  EXPECT_GT(json["bytes_written"], 12345 * 60);
  // What the threads' phases hold is their wall time, to 2%.
  const double source = json["source_duration_secs"];
  EXPECT_NEAR(json["source_connect_secs"].get<double>() +
                  json["source_query_secs"].get<double>() +
                  json["source_fetch_secs"].get<double>() +
                  json["source_emit_nanos"].get<double>() / 1e9,
              source, 0.02 * source);
  const double destination = json["dest_duration_secs"];
  EXPECT_NEAR(json["dest_connect_secs"].get<double>() +
                  json["dest_flush_secs"].get<double>() +
                  json["dest_commit_secs"].get<double>() +
                  json["dest_recv_nanos"].get<double>() / 1e9,
              destination, 0.02 * destination);
  const auto result = results::ReadBenchmarkFile(out);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_TRUE(results::CheckBenchmarkFile(*result, out).ok());

  EXPECT_EQ(One(test.destination, "SELECT COUNT(*) FROM bench_events_copy"),
            "12345");
  const Outcome again = Pipeline({"run", file});
  EXPECT_EQ(again.exit_code, 0) << again.errors;
  const Outcome same = Pipeline({"verify", file});
  EXPECT_EQ(same.exit_code, 0) << same.errors << same.output;
  EXPECT_THAT(same.output, HasSubstr("ok   rows: 12345 and 12345"));

  ASSERT_TRUE(On(test.destination)
                  ->Execute("UPDATE bench_events_copy SET amount = amount + 1 "
                            "WHERE id = 777")
                  .ok());
  const Outcome different = Pipeline({"verify", file});
  EXPECT_EQ(different.exit_code, 1) << different.errors;
  EXPECT_THAT(different.output, AllOf(HasSubstr("DIFF column amount"),
                                      HasSubstr("ok   column payload")));
}

INSTANTIATE_TEST_SUITE_P(
    Fixtures, FixtureTest,
    ::testing::Values(
        FixtureCase{"bench_pg", Engine::kPostgres, Engine::kPostgres},
        FixtureCase{"bench_pg_copy", Engine::kPostgres, Engine::kPostgres},
        FixtureCase{"bench_pg_lz4", Engine::kPostgres, Engine::kPostgres},
        FixtureCase{"bench_pg_zstd", Engine::kPostgres, Engine::kPostgres},
        FixtureCase{"mysql_to_postgres", Engine::kMysql, Engine::kPostgres},
        FixtureCase{"postgres_to_mysql", Engine::kPostgres, Engine::kMysql},
        FixtureCase{"sqlite_to_postgres", Engine::kSqlite, Engine::kPostgres}),
    [](const auto& test) { return std::string(test.param.name); });

TEST_F(PipelineCommandTest, CompareHasMediansAndSpeedups) {
  Provide(Engine::kPostgres);
  const Outcome outcome =
      Pipeline({"compare", Fixture("bench_pg"), Fixture("bench_pg_copy"),
                "--rows", "2000", "--iterations", "2"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  EXPECT_THAT(outcome.output, AllOf(HasSubstr("Dataset:     2000 rows"),
                                    HasSubstr("INSERT        COPY     Speedup"),
                                    HasSubstr("Throughput (rows/s)")));
}

TEST_F(PipelineCommandTest, SeedMakesTheTableOnce) {
  Provide(Engine::kSqlite);
  const std::vector<std::string> seed = {
      "seed", "--engine", "sqlite", "--rows", "500", "--profile", "500"};
  const Outcome first = Pipeline(seed);
  EXPECT_EQ(first.exit_code, 0) << first.errors;
  EXPECT_EQ(One(Engine::kSqlite, "SELECT COUNT(*) FROM bench_events"), "500");
  const Outcome second = Pipeline(seed);
  EXPECT_EQ(second.exit_code, 2);
  ExpectOneLine(second.errors);
  EXPECT_THAT(second.errors, HasSubstr("--fresh"));
}

// --- Faults ---

constexpr char kSqliteToSqlite[] = R"(version: 1
pipeline: local
source:
  use: source-sqlite
  config:
    url: ${OPSBENCH_SQLITE_URL}
  streams:
    - name: items
      into: items_copy
      sync_mode: incremental
      cursor_field: id
destination:
  use: dest-sqlite
  config:
    url: sqlite:${TEST_FOLDER}/copy.db
  write_mode: append
state: ${TEST_FOLDER}/state.db
)";

TEST_F(PipelineCommandTest, FaultsOfAFileAreOneLineAndUsage) {
  Provide(Engine::kSqlite);
  for (const auto& [instead_of, text, said] :
       std::vector<std::tuple<const char*, const char*, const char*>>{
           {"pipeline: local", "pipelines: local", "did you mean"},
           {"source-sqlite", "source-nothing", "there are"},
           {"cursor_field: id", "cursor: id", "cursor_field"},
           {"write_mode: append", "write_mode: apend", "append, replace"},
           {"state: ${TEST_FOLDER}", "state: ${NO_SUCH_VARIABLE}",
            "NO_SUCH_VARIABLE is not set"},
           {"version: 1", "version: [1", ""},
           {"version: 1", "", "version"}}) {
    const std::string path =
        Write(absl::StrReplaceAll(kSqliteToSqlite, {{instead_of, text}}));
    for (const char* command : {"run", "verify"}) {
      const Outcome outcome = Pipeline({command, path});
      EXPECT_EQ(outcome.exit_code, 2) << text;
      ExpectOneLine(outcome.errors);
      EXPECT_THAT(outcome.errors, AllOf(HasSubstr("p.yaml:"), HasSubstr(said)));
      EXPECT_EQ(outcome.output, "");
    }
  }
  const Outcome missing = Pipeline({"run", "nowhere.yaml"});
  EXPECT_EQ(missing.exit_code, 2);
  ExpectOneLine(missing.errors);
}

TEST_F(PipelineCommandTest, AMissingTableIsNamedAndNothingIsMade) {
  Provide(Engine::kSqlite);
  ASSERT_TRUE(On(Engine::kSqlite)->Execute("CREATE TABLE other (a TEXT)").ok());
  const std::string path = Write(kSqliteToSqlite);
  const Outcome outcome = Pipeline({"run", path});
  EXPECT_EQ(outcome.exit_code, 2) << outcome.output;
  ExpectOneLine(outcome.errors);
  EXPECT_THAT(outcome.errors, HasSubstr("items"));
  const Outcome dry = Pipeline({"run", path, "--dry-run"});
  EXPECT_EQ(dry.exit_code, 2);
}

TEST_F(PipelineCommandTest, APasswordIsNowhereToBeSeen) {
  const std::string path = Write(absl::StrReplaceAll(
      kSqliteToSqlite,
      {{"use: source-sqlite", "use: source-postgres"},
       {"url: ${OPSBENCH_SQLITE_URL}",
        "{host: 127.0.0.1, port: 1, user: u, password: hushhush, database: d}"},
       {"  config:\n    {host", "  config: {host"}}));
  for (const char* command : {"run", "verify"}) {
    const Outcome outcome = Pipeline({command, path});
    EXPECT_NE(outcome.exit_code, 0);
    ExpectOneLine(outcome.errors);
    EXPECT_THAT(outcome.errors + outcome.output, Not(HasSubstr("hushhush")));
  }
}

// Interrupted while it writes, which the stage's signal shows: the destination
// is as it was.
TEST_F(PipelineCommandTest, CtrlCLeavesTheDestinationAsItWas) {
  Provide(Engine::kPostgres);
  ASSERT_EQ(
      Pipeline({"run", Fixture("bench_pg"), "--rows", "500000"}).exit_code, 0);
  ASSERT_TRUE(On(Engine::kPostgres)
                  ->Execute("DELETE FROM bench_events_copy WHERE id > 10")
                  .ok());
  Running run(folder(), {"pipeline", "run", Fixture("bench_pg"), "--stages"},
              Variables());
  ASSERT_TRUE(run.Until([&] {
    return absl::StrContains(ReadText(folder() / "stderr"),
                             "[STAGE:START] measure");
  }));
  kill(run.pid(), SIGINT);
  const Outcome outcome = run.Wait();
  EXPECT_EQ(outcome.exit_code, 1) << outcome.errors;
  EXPECT_THAT(outcome.errors, HasSubstr("interrupted"));
  EXPECT_EQ(One(Engine::kPostgres, "SELECT COUNT(*) FROM bench_events_copy"),
            "10");
}

// --- kill -9 ---

// Rows are added, a run is killed at a random moment of the time that a run
// takes, and so on; runs that end by themselves count as well, and tell how
// long a run takes now: the first may have been slower. In the end each row is
// there once, which the sum of the ids and a unique count show.
class KillTest : public PipelineCommandTest,
                 public ::testing::WithParamInterface<Engine> {};

TEST_P(KillTest, AtAnyMomentLosesNoRowAndDoublesNone) {
  constexpr int kKills = 20;
  constexpr int kMaxRounds = 400;
  constexpr int kRowsEach = 3000;
  Provide(Engine::kSqlite);
  const Engine destination = GetParam();
  std::string text = kSqliteToSqlite;
  if (destination != Engine::kSqlite) {
    Provide(destination);
    text = absl::StrReplaceAll(
        text, {{"dest-sqlite", absl::StrCat("dest-", EngineName(destination))},
               {"sqlite:${TEST_FOLDER}/copy.db",
                absl::StrCat("${OPSBENCH_",
                             absl::AsciiStrToUpper(EngineName(destination)),
                             "_URL}")}});
  }
  const std::string path = Write(text);
  const auto source = On(Engine::kSqlite);
  // No primary key: nothing but the protocol keeps a row from being doubled.
  ASSERT_TRUE(
      source->Execute("CREATE TABLE items (id INTEGER NOT NULL, name TEXT)")
          .ok());
  int64_t rows = 0;
  const auto add = [&] {
    ASSERT_TRUE(
        source
            ->Execute(absl::StrCat(
                "WITH RECURSIVE n(i) AS (SELECT ", rows + 1,
                " UNION ALL SELECT i + 1 FROM n WHERE i < ", rows + kRowsEach,
                ") INSERT INTO items SELECT i, 'name' || i FROM n"))
            .ok());
    rows += kRowsEach;
  };
  add();
  const int64_t start_ns = MonotonicNowNs();
  const Outcome first = Pipeline({"run", path});
  ASSERT_EQ(first.exit_code, 0) << first.errors;
  int64_t run_us = (MonotonicNowNs() - start_ns) / 1000;
  Random random(20'261'124);
  int killed = 0;
  for (int round = 0; killed < kKills && round < kMaxRounds; ++round) {
    add();
    const int64_t begun_ns = MonotonicNowNs();
    Running run(folder(), {"pipeline", "run", path}, Variables());
    const Watched watched(run.pid());
    const auto wait_ms = static_cast<int>(
        random.Below(static_cast<uint64_t>(run_us * 11 / 10)) / 1000);
    if (watched.EndsWithin(wait_ms)) {
      run_us = (MonotonicNowNs() - begun_ns) / 1000;
    } else {
      kill(run.pid(), SIGKILL);
      ++killed;
    }
    run.Wait();
  }
  // A killed client's session may hold its locks for a moment.
  const Outcome last = Pipeline({"run", path});
  ASSERT_EQ(last.exit_code, 0) << last.errors;
  EXPECT_EQ(killed, kKills);
  const std::string counts =
      destination == Engine::kSqlite
          ? ""
          : One(destination,
                "SELECT CONCAT(COUNT(*), ' ', COUNT(DISTINCT id), ' ', "
                "MAX(id)) FROM items_copy");
  if (destination == Engine::kSqlite) {
    Url url;
    url.database = (folder() / "copy.db").string();
    const auto session = Connect(url);
    ASSERT_TRUE(session.ok());
    ResultSet counted;
    ASSERT_TRUE((*session)
                    ->Query("SELECT COUNT(*) || ' ' || COUNT(DISTINCT id) || "
                            "' ' || MAX(id) FROM items_copy",
                            &counted)
                    .ok());
    EXPECT_EQ(counted.at(0, 0).ToString(),
              absl::StrCat(rows, " ", rows, " ", rows));
  } else {
    EXPECT_EQ(counts, absl::StrCat(rows, " ", rows, " ", rows));
  }
  const Outcome verified = Pipeline({"verify", path});
  EXPECT_EQ(verified.exit_code, 0) << verified.output << verified.errors;
}

INSTANTIATE_TEST_SUITE_P(Destinations, KillTest,
                         ::testing::Values(Engine::kSqlite, Engine::kPostgres,
                                           Engine::kMysql),
                         [](const auto& test) {
                           return std::string(EngineName(test.param));
                         });

}  // namespace
}  // namespace opsbench
