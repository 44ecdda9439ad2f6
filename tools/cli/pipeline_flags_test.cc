// What cannot act is refused with one line and exit code 2, before anything is
// connected to: flags of every subcommand, keys of files. And what is nobody's
// but its owner's is left as it is.

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <regex>
#include <set>
#include <string>
#include <utility>
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
using ::testing::StartsWith;

constexpr char kWhole[] = R"(version: 1
pipeline: local
source:
  use: source-sqlite
  config:
    url: sqlite:${TEST_FOLDER}/source.db
  streams:
    - name: bench_events
      into: copy
destination:
  use: dest-sqlite
  config:
    url: sqlite:${TEST_FOLDER}/copy.db
  write_mode: replace
resources:
  batch_rows: 100
seed:
  rows: 1000
)";

class PipelineFlagsTest : public ::testing::Test {
 protected:
  const fs::path& folder() const { return folder_.path(); }

  std::string Write(const std::string& text, const char* name = "p.yaml") {
    const std::string path = (folder() / name).string();
    std::ofstream(path) << text;
    return path;
  }

  Outcome Pipeline(std::vector<std::string> arguments,
                   std::vector<std::string> variables = {}) const {
    arguments.insert(arguments.begin(), "pipeline");
    variables.push_back(absl::StrCat("OPSBENCH_ROOT=", folder().string()));
    variables.push_back(absl::StrCat("TEST_FOLDER=", folder().string()));
    return RunOpsbench(folder(), std::move(arguments), variables);
  }

  static void ExpectRefused(const Outcome& outcome, const std::string& said) {
    EXPECT_EQ(outcome.exit_code, 2) << outcome.errors << outcome.output;
    EXPECT_THAT(outcome.errors,
                AllOf(StartsWith("opsbench: "), HasSubstr(said)));
    EXPECT_EQ(std::count(outcome.errors.begin(), outcome.errors.end(), '\n'), 1)
        << outcome.errors;
    EXPECT_EQ(outcome.output, "");
  }

  std::unique_ptr<Session> On(const char* database) const {
    Url url;
    url.engine = Engine::kSqlite;
    url.database = (folder() / database).string();
    auto session = Connect(url);
    EXPECT_TRUE(session.ok()) << session.status();
    return *std::move(session);
  }

 private:
  const TestFolder folder_;
};

// Each flag of each subcommand, with what is said where it cannot act; a flag
// that always acts has nothing. One that is new has to come here.
TEST_F(PipelineFlagsTest, EveryFlagActsOrIsRefused) {
  const std::string file = Write(kWhole);
  const std::string unseeded =
      Write(absl::StrReplaceAll(kWhole, {{"seed:\n  rows: 1000\n", ""}}),
            "unseeded.yaml");
  struct Refusal {
    std::vector<std::string> arguments;
    std::string said;
  };
  const std::map<std::string, std::map<std::string, std::vector<Refusal>>>
      flags = {
          {"run",
           {{"--dry-run", {}},
            {"--rows",
             {{{unseeded, "--rows", "5"}, "--rows is for pipelines that seed"},
              {{unseeded, "--rows", "5", "--dry-run"}, "--rows is for"}}},
            {"--out",
             {{{file, "--dry-run", "--out", "x.json"},
               "--out has no effect with --dry-run"}}},
            {"--stages",
             {{{file, "--dry-run", "--stages"},
               "--stages has no effect with --dry-run"}}}}},
          {"verify", {}},
          {"compare",
           {{"--iterations", {}},
            {"--rows",
             {{{file, unseeded, "--rows", "5"},
               "--rows is for pipelines that seed"}}}}},
          {"seed",
           {{"--engine",
             {{{"--engine", "sqlite", "--url", "sqlite:x.db"},
               "--engine has no effect with --url"},
              {{"--engine", "redis"}, "redis"},
              {{"--engine", "sqlite"}, "OPSBENCH_SQLITE_URL"}}},
            {"--url", {{{"--url", "redis://h"}, "use sqlite, mysql"}}},
            {"--table", {}},
            {"--rows", {}},
            {"--profile", {}},
            {"--fresh", {}},
            {"--replace-foreign", {}}}}};
  for (const auto& [command, known] : flags) {
    const std::string help = Pipeline({command, "--help"}).output;
    std::set<std::string> found, expected;
    const std::regex flag("^ +(?:-\\w,)?(--[a-z-]+)", std::regex::multiline);
    for (auto at = std::sregex_iterator(help.begin(), help.end(), flag);
         at != std::sregex_iterator(); ++at) {
      if ((*at)[1] != "--help") found.insert((*at)[1]);
    }
    for (const auto& [name, refusals] : known) {
      expected.insert(name);
      for (const Refusal& refusal : refusals) {
        SCOPED_TRACE(absl::StrCat(command, " ", name));
        std::vector<std::string> arguments = refusal.arguments;
        arguments.insert(arguments.begin(), command);
        ExpectRefused(Pipeline(arguments), refusal.said);
      }
    }
    EXPECT_EQ(found, expected) << command << "\n" << help;
  }
  // Nothing was made on the way.
  EXPECT_FALSE(fs::exists(folder() / "source.db"));
  EXPECT_FALSE(fs::exists(folder() / "x.json"));
}

TEST_F(PipelineFlagsTest, EveryKeyThatCannotActIsRefused) {
  const std::string postgres = "postgres://u@127.0.0.1:1/d";
  const std::string source_postgres = absl::StrReplaceAll(
      kWhole, {{"use: source-sqlite", "use: source-postgres"},
               {"sqlite:${TEST_FOLDER}/source.db", postgres}});
  const std::string dest_postgres = absl::StrReplaceAll(
      kWhole, {{"use: dest-sqlite", "use: dest-postgres"},
               {"sqlite:${TEST_FOLDER}/copy.db", postgres}});
  const std::string dest_null = absl::StrReplaceAll(
      kWhole, {{"use: dest-sqlite\n  config:\n    url: "
                "sqlite:${TEST_FOLDER}/copy.db\n  write_mode: replace\n",
                "use: dest-null\n"}});
  const std::string dest_arrow = absl::StrReplaceAll(
      kWhole, {{"use: dest-sqlite", "use: dest-arrow"},
               {"url: sqlite:${TEST_FOLDER}/copy.db", "path: a.arrow"}});
  const std::string source_arrow = absl::StrReplaceAll(
      kWhole, {{"use: source-sqlite", "use: source-arrow"},
               {"url: sqlite:${TEST_FOLDER}/source.db", "path: a.arrow"},
               {"seed:\n  rows: 1000\n", ""}});
  struct Case {
    std::string text;
    const char* before;  // A line, behind which another one comes.
    const char* line;
    const char* said;
  };
  for (const Case& test : std::vector<Case>{
           {kWhole, "source.db", "    host: h", "host has no effect"},
           {kWhole, "source.db", "    port: 1", "port has no effect"},
           {kWhole, "source.db", "    schema: s", "schema has no effect"},
           {kWhole, "copy.db", "    user: u", "user has no effect"},
           {kWhole, "copy.db", "    socket: s", "socket has no effect"},
           {kWhole, "replace", "  staged: true",
            "staged has no effect with dest-sqlite"},
           {kWhole, "100", "  decode: always", "decode has no effect"},
           {kWhole, "1000", "state: s.db", "state has no effect"},
           {kWhole, "into: copy", "      cursor_field: id", "cursor_field"},
           {source_postgres, "127.0.0.1:1/d", "    split: key",
            "split of source-postgres has no effect with parallel_reads 1"},
           {source_postgres, "100", "  decode: always", "decode has no"},
           {dest_postgres, "127.0.0.1:1/d",
            "    load_method: copy\n    insert_rows: 5",
            "insert_rows of dest-postgres has no effect with load_method copy"},
           {dest_postgres, "127.0.0.1:1/d", "    flush_bytes: 5",
            "flush_bytes of dest-postgres has no effect with load_method "
            "insert"},
           {absl::StrReplaceAll(
                dest_postgres, {{"write_mode: replace", "write_mode: append"}}),
            "127.0.0.1:1/d", "    replace_by: delete",
            "replace_by of dest-postgres has no effect with write_mode append"},
           {absl::StrReplaceAll(dest_postgres,
                                {{"replace\n", "replace\n  staged: true\n"}}),
            "127.0.0.1:1/d", "    replace_by: delete", "staged replace"},
           {dest_null, "dest-null", "  write_mode: replace", "write_mode has"},
           {dest_null, "dest-null", "  config: {decode: false}",
            "decode of dest-null has no effect with source source-sqlite"},
           {dest_arrow, "replace", "  staged: true", "staged has no effect"},
           {source_arrow, "100", "  parallel_reads: 2",
            "parallel_reads has no effect with source-arrow"},
           {source_arrow, "100", "seed: {rows: 5}", "seed has no effect"}}) {
    const std::string text = absl::StrReplaceAll(
        test.text, {{absl::StrCat(test.before, "\n"),
                     absl::StrCat(test.before, "\n", test.line, "\n")}});
    ASSERT_NE(text, test.text) << test.line;
    const std::string path = Write(text);
    for (const char* command : {"run", "verify"}) {
      SCOPED_TRACE(absl::StrCat(command, test.line));
      const Outcome outcome = Pipeline({command, path});
      ExpectRefused(outcome, test.said);
      EXPECT_THAT(outcome.errors, HasSubstr("p.yaml:"));
    }
  }
}

// A comparison runs a pipeline several times.
TEST_F(PipelineFlagsTest, CompareRefusesWhatDiffersFromRunToRun) {
  const std::string append = Write(absl::StrReplaceAll(
      kWhole, {{"write_mode: replace", "write_mode: append"}}));
  ExpectRefused(Pipeline({"compare", append, append}), "add the rows 4 times");
  const std::string incremental = Write(absl::StrReplaceAll(
      kWhole, {{"write_mode: replace", "write_mode: upsert"},
               {"into: copy",
                "into: copy\n      sync_mode: incremental\n"
                "      cursor_field: id"},
               {"seed:", "state: ${TEST_FOLDER}/s.db\nseed:"}}));
  ExpectRefused(Pipeline({"compare", incremental}),
                "none in those that are measured");
  EXPECT_FALSE(fs::exists(folder() / "source.db"));
  EXPECT_FALSE(fs::exists(folder() / "s.db"));
}

TEST_F(PipelineFlagsTest, RowsThatAreThereAlreadyAreTheRowsThatWereAskedFor) {
  const std::string file = Write(kWhole);
  const Outcome first = Pipeline({"run", file, "--rows", "500"});
  ASSERT_EQ(first.exit_code, 0) << first.errors;
  EXPECT_EQ(Pipeline({"run", file, "--rows", "500"}).exit_code, 0);
  for (const std::string more : {"", "--dry-run"}) {
    std::vector<std::string> run = {"run", file, "--rows", "501"};
    if (!more.empty()) run.push_back(more);
    ExpectRefused(Pipeline(run), "has 500 rows, not 501");
  }
  EXPECT_EQ(Pipeline({"run", file}).exit_code, 0);
  // Cut off half way, it is not taken for a whole one.
  ASSERT_TRUE(
      On("source.db")->Execute("DELETE FROM bench_events WHERE id > 9").ok());
  ExpectRefused(Pipeline({"run", file}), "9 of 500 rows");
}

TEST_F(PipelineFlagsTest, SeedReplacesItsOwnTableAlone) {
  ASSERT_TRUE(
      On("source.db")->Execute("CREATE TABLE bench_events (a TEXT)").ok());
  ASSERT_TRUE(
      On("source.db")->Execute("INSERT INTO bench_events VALUES ('x')").ok());
  const std::string url =
      absl::StrCat("sqlite:", (folder() / "source.db").string());
  for (const std::string more : {"", "--fresh"}) {
    std::vector<std::string> seed = {"seed", "--url", url, "--rows", "5"};
    if (!more.empty()) seed.push_back(more);
    const Outcome outcome = Pipeline(seed);
    ExpectRefused(outcome, "--replace-foreign");
    EXPECT_THAT(outcome.errors, HasSubstr("bench_events"));
    ResultSet rows;
    ASSERT_TRUE(
        On("source.db")->Query("SELECT a FROM bench_events", &rows).ok());
    EXPECT_EQ(rows.at(0, 0).text(), "x");
  }
  EXPECT_EQ(Pipeline({"seed", "--url", url, "--rows", "5", "--replace-foreign"})
                .exit_code,
            0);
  EXPECT_EQ(Pipeline({"seed", "--url", url, "--rows", "6"}).exit_code, 2);
  EXPECT_EQ(
      Pipeline({"seed", "--url", url, "--rows", "6", "--fresh"}).exit_code, 0);
}

// --- The benchmark, on engines that a URL names ---

// Its exit code.
int RunPipelineBench(const Url& url, const std::string& output) {
  const std::string engine(EngineName(url.engine));
  const std::string command = absl::StrCat(
      "OPSBENCH_", absl::AsciiStrToUpper(engine), "_URL='", url.ToString(),
      "' ", (fs::path(OPSBENCH_CLI).parent_path() / "pipeline_bench").string(),
      " --scale smoke --engines ", engine,
      " --benchmark_filter='method:insert/values:decoded/compression:none/"
      "profile:120/rows:1000/' >",
      output, " 2>&1");
  return WEXITSTATUS(std::system(command.c_str()));
}

class PipelineBenchTest : public ::testing::TestWithParam<Engine> {
 protected:
  void SetUp() override {
    auto database = TestDatabase::Create(GetParam());
    ASSERT_TRUE(database.ok()) << database.status();
    database_ = *std::move(database);
    auto session = Connect(database_->url());
    ASSERT_TRUE(session.ok()) << session.status();
    session_ = *std::move(session);
  }

  int Bench() const {
    return RunPipelineBench(database_->url(),
                            (folder_.path() / "out").string());
  }
  std::string Output() const { return ReadText(folder_.path() / "out"); }

  void Run(const std::string& sql) {
    const auto run = session_->Execute(sql);
    ASSERT_TRUE(run.ok()) << run.status() << ": " << sql;
  }
  std::string One(const std::string& sql) {
    ResultSet rows;
    const absl::Status status = session_->Query(sql, &rows);
    EXPECT_TRUE(status.ok()) << status;
    return rows.row_count() == 1 ? rows.at(0, 0).ToString() : "";
  }

  std::unique_ptr<TestDatabase> database_;
  std::unique_ptr<Session> session_;
  const TestFolder folder_;
};

TEST_P(PipelineBenchTest, TouchesNothingButItsOwnTables) {
  // What `pipeline seed` made, and what earlier benchmarks worked on.
  const std::vector<std::string> names = {
      "bench_events", "bench_events_120_1000", "bench_events_120_1000_copy"};
  for (const std::string& name : names) {
    Run(absl::StrCat("CREATE TABLE ", name, " (a INTEGER)"));
    Run(absl::StrCat("INSERT INTO ", name, " VALUES (1)"));
  }
  ASSERT_EQ(Bench(), 0) << Output();
  for (const std::string& name : names) {
    EXPECT_EQ(One(absl::StrCat("SELECT a FROM ", name)), "1") << name;
  }
  // Its own are gone.
  ResultSet rows;
  for (const char* name : {"opsbench_bench_events_120_1000",
                           "opsbench_bench_events_120_1000_copy"}) {
    EXPECT_FALSE(
        session_->Query(absl::StrCat("SELECT 1 FROM ", name), &rows).ok());
    Run(absl::StrCat("CREATE TABLE ", name, " (a INTEGER)"));
    Run(absl::StrCat("INSERT INTO ", name, " VALUES (1)"));
    EXPECT_NE(Bench(), 0);
    EXPECT_THAT(Output(), AllOf(HasSubstr(name), HasSubstr("rename or drop")));
    EXPECT_EQ(One(absl::StrCat("SELECT a FROM ", name)), "1");
    Run(absl::StrCat("DROP TABLE ", name));
  }
}

// The first run of a copy is right, and the timed one writes other values.
TEST(PipelineBenchEffectTest, ATimedRunWithAWrongEffectIsAnError) {
  auto database = TestDatabase::Create(Engine::kPostgres);
  ASSERT_TRUE(database.ok()) << database.status();
  const auto session = Connect((*database)->url());
  ASSERT_TRUE(session.ok()) << session.status();
  for (const char* sql :
       {"CREATE SEQUENCE runs",
        "CREATE FUNCTION spoils() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN IF NEW.id = 1 THEN PERFORM nextval(''runs''); END IF; "
        "IF NEW.id = 7 AND (SELECT last_value FROM runs) > 1 THEN "
        "NEW.amount := 12345; END IF; RETURN NEW; END'",
        "CREATE FUNCTION watches() RETURNS event_trigger LANGUAGE plpgsql AS "
        "'BEGIN IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE "
        "object_identity LIKE ''%_copy'' AND command_tag = ''CREATE TABLE'') "
        "THEN CREATE TRIGGER spoils BEFORE INSERT ON "
        "opsbench_bench_events_120_1000_copy FOR EACH ROW EXECUTE FUNCTION "
        "spoils(); END IF; END'",
        "CREATE EVENT TRIGGER watches ON ddl_command_end EXECUTE FUNCTION "
        "watches()"}) {
    const auto run = (*session)->Execute(sql);
    ASSERT_TRUE(run.ok()) << run.status() << ": " << sql;
  }
  const TestFolder folder;
  const std::string output = (folder.path() / "out").string();
  EXPECT_NE(RunPipelineBench((*database)->url(), output), 0);
  EXPECT_THAT(ReadText(output), AllOf(HasSubstr("ERROR OCCURRED"),
                                      HasSubstr("DIFF column amount")));
}

INSTANTIATE_TEST_SUITE_P(Engines, PipelineBenchTest,
                         ::testing::Values(Engine::kSqlite, Engine::kMysql,
                                           Engine::kPostgres),
                         [](const auto& test) {
                           return std::string(EngineName(test.param));
                         });

}  // namespace
}  // namespace opsbench
