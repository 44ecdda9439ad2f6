// The stress commands as their users meet them: short runs on real engines,
// bad input, Ctrl-C, kill -9, and replays on another number of cores.

#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "opsbench/db/session.h"
#include "opsbench/results/benchmark_json.h"
#include "opsbench/server/private_server.h"
#include "opsbench/stress/replay.h"
#include "opsbench/stress/user_log.h"
#include "testing.h"

namespace opsbench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

void ExpectOneLine(const Outcome& outcome) {
  EXPECT_EQ(outcome.exit_code, 2) << outcome.output << outcome.errors;
  EXPECT_THAT(outcome.errors, StartsWith("opsbench: "));
  EXPECT_EQ(std::count(outcome.errors.begin(), outcome.errors.end(), '\n'), 1)
      << outcome.errors;
}

class StressCommandTest : public ::testing::Test {
 protected:
  const fs::path& folder() const { return folder_.path(); }
  fs::path out() const { return folder() / "out"; }

  static std::vector<std::string> Arguments(absl::string_view text) {
    std::vector<std::string> arguments = {"stress"};
    for (const absl::string_view word :
         absl::StrSplit(text, ' ', absl::SkipEmpty())) {
      arguments.emplace_back(word);
    }
    return arguments;
  }

  // No outside engine has a say.
  std::vector<std::string> Variables(std::vector<std::string> more = {}) const {
    more.push_back(absl::StrCat("OPSBENCH_ROOT=", folder().string()));
    more.emplace_back("OPSBENCH_MYSQL_URL=");
    more.emplace_back("OPSBENCH_POSTGRES_URL=");
    return more;
  }

  Outcome Stress(absl::string_view text,
                 std::vector<std::string> variables = {}) const {
    return RunOpsbench(folder(), Arguments(text),
                       Variables(std::move(variables)));
  }

  // Of small batches and short pauses, which leave many operations.
  static constexpr char kBusy[] =
      " --think-min-ms 0 --think-max-ms 2 --batch-min 10 --batch-max 200"
      " --max-cpu-percent 0";

  Outcome RunInto(const fs::path& out, absl::string_view more) const {
    return Stress(
        absl::StrCat("run --output-dir ", out.string(), kBusy, " ", more));
  }

  static json Summary(const fs::path& out) {
    return json::parse(ReadText(out / "summary.json"), nullptr, false);
  }

  static stress::Replay ReplayOf(const fs::path& out) {
    const auto replay =
        stress::ParseReplay(ReadText(out / "replay.json"), "replay.json");
    EXPECT_TRUE(replay.ok()) << replay.status();
    return replay.ok() ? *replay : stress::Replay();
  }

 private:
  const TestFolder folder_;
};

// All that a run promises to leave; `engine` by its name.
void ExpectResults(const fs::path& out, const std::string& engine) {
  const json summary = json::parse(ReadText(out / "summary.json"));
  EXPECT_EQ(summary["ok"], true) << summary["errors"];
  EXPECT_EQ(summary["engine"], engine);
  EXPECT_EQ(summary["stop_reason"], "DurationElapsed");
  EXPECT_GT(summary["totals"]["operations"], 100);
  EXPECT_EQ(summary["oracle"]["ok"], true);
  EXPECT_GT(summary["oracle"]["acknowledged_rows"], 100);
  EXPECT_GT(summary["oracle"]["checked_rows"],
            summary["oracle"]["acknowledged_rows"]);
  EXPECT_THAT(ReadText(out / "report.html"),
              HasSubstr("\"checks\":[{\"text\":\"Oracle: ok: "));
  EXPECT_GT(summary["answers"]["checked_exactly"], 10);
  EXPECT_EQ(summary["answers"]["wrong"], 0);
  int64_t counted = 0;
  for (const json& kind : summary["kinds"]) {
    counted += kind["count"].get<int64_t>();
  }
  EXPECT_EQ(counted, summary["totals"]["operations"]);

  const auto replay =
      stress::ParseReplay(ReadText(out / "replay.json"), "replay.json");
  ASSERT_TRUE(replay.ok()) << replay.status();
  EXPECT_EQ(replay->stop_reason, stress::StopReason::kDurationElapsed);
  const stress::Plan plan = replay->MakePlan();
  for (const stress::ReplayUser& user : replay->users) {
    const auto log = stress::UserLog::Read(
        stress::UserLogPath((out / "users").string(), user.user.id));
    ASSERT_TRUE(log.ok()) << log.status();
    EXPECT_EQ((*log)->begun(), user.operations);
    EXPECT_EQ((*log)->hash(), user.hash);
    // What the user did is what its seed says.
    uint64_t hash = 0;
    for (int64_t index = 0; index < user.operations; ++index) {
      hash = HashOperation(hash, index, plan.At(user.user, index));
    }
    EXPECT_EQ(hash, user.hash);
  }

  const auto rows = results::ReadBenchmarkFile((out / "stress.json").string());
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_TRUE(results::CheckBenchmarkFile(*rows, "stress.json").ok());
  EXPECT_THAT(rows->rows[0].name,
              StartsWith(absl::StrCat("Stress/all/engine:", engine)));
}

// --- The whole way on every engine ---

class EveryEngineTest : public StressCommandTest,
                        public ::testing::WithParamInterface<const char*> {};

TEST_P(EveryEngineTest, ARunLeavesResultsAndItsReplayIsEqual) {
  const std::string engine = GetParam();
  const Outcome run =
      RunInto(out(), absl::StrCat("--duration 2 --engine ", engine));
  ASSERT_EQ(run.exit_code, 0) << run.output << run.errors;
  EXPECT_THAT(run.output,
              AllOf(HasSubstr("9 users, 3 databases, 2 s, seed "),
                    HasSubstr("Operations:"), HasSubstr("Oracle:      ok"),
                    HasSubstr("Result:      ok")));
  ExpectResults(out(), engine);

  const fs::path again = folder() / "again";
  const Outcome replay =
      Stress(absl::StrCat("replay ", (out() / "replay.json").string(),
                          " --duration 1 --output-dir ", again.string()));
  ASSERT_EQ(replay.exit_code, 0) << replay.output << replay.errors;
  EXPECT_THAT(replay.output,
              AllOf(HasSubstr("user 0, inserter: "), HasSubstr("user 8, mixed"),
                    HasSubstr("compared, equal"), Not(HasSubstr("DIFFERENT"))));
  ExpectResults(again, engine);
  EXPECT_EQ(ReplayOf(again).config.plan.seed, ReplayOf(out()).config.plan.seed);
}

INSTANTIATE_TEST_SUITE_P(Engines, EveryEngineTest,
                         ::testing::Values("sqlite", "postgres", "mysql"),
                         [](const auto& test) {
                           return std::string(test.param);
                         });

TEST_F(StressCommandTest, ARunWithoutArgumentsGetsAFolderOfItsOwn) {
  const Outcome run =
      Stress("run", {"STRESS_DURATION=0.5", "STRESS_SEED=42",
                     "STRESS_THINK_MAX_MS=10", "STRESS_BATCH_MAX=100"});
  ASSERT_EQ(run.exit_code, 0) << run.output << run.errors;
  EXPECT_THAT(run.output, HasSubstr("0.5 s, seed 42"));
  int found = 0;
  for (const auto& entry :
       fs::directory_iterator(folder() / ".opsbench" / "stress")) {
    EXPECT_TRUE(absl::EndsWith(entry.path().string(), "Z-sqlite"));
    EXPECT_EQ(Summary(entry.path())["config"]["seed"], "42");
    ++found;
  }
  EXPECT_EQ(found, 1);
}

TEST_F(StressCommandTest, FlagsWinOverVariables) {
  const Outcome run = Stress(
      absl::StrCat("run --duration 0.3 --seed 7 --output-dir ", out().string()),
      {"STRESS_DURATION=50", "STRESS_SEED=8", "STRESS_BATCH_MAX=100",
       "STRESS_DATABASES=1"});
  ASSERT_EQ(run.exit_code, 0) << run.output << run.errors;
  const json config = Summary(out())["config"];
  EXPECT_EQ(config["duration"], "0.3");
  EXPECT_EQ(config["seed"], "7");
  EXPECT_EQ(config["databases"], "1");
}

TEST_F(StressCommandTest, HelpHasEverySettingAndTheExamples) {
  const Outcome help = Stress("run --help");
  EXPECT_EQ(help.exit_code, 0);
  for (const stress::Setting& setting : stress::Settings()) {
    EXPECT_THAT(help.output, AllOf(HasSubstr(absl::StrCat("--", setting.name)),
                                   HasSubstr(setting.variable)));
  }
  EXPECT_THAT(help.output, HasSubstr("opsbench stress replay "));
}

TEST_F(StressCommandTest, FaultsAreInjectedListedAndSurvived) {
  const Outcome run =
      RunInto(out(), "--duration 3 --engine postgres --faults kill,slow_disk");
  ASSERT_EQ(run.exit_code, 0) << run.output << run.errors;
  EXPECT_THAT(run.output,
              AllOf(HasSubstr("Faults: "), HasSubstr(" kill "),
                    HasSubstr(" slow_disk "), HasSubstr("Oracle:      ok")));
  const json summary = Summary(out());
  EXPECT_EQ(summary["faults"].size(), 2);
  for (const json& fault : summary["faults"]) {
    EXPECT_EQ(fault["status"], "OK") << fault;
  }
  EXPECT_GT(summary["totals"]["cut_off"], 0);
  EXPECT_EQ(summary["totals"]["failures"], 0);
  EXPECT_TRUE(
      results::ReadBenchmarkFile((out() / "stress.json").string()).ok());
}

// --- Another's server ---

class OutsideServerTest : public StressCommandTest {
 protected:
  void SetUp() override {
    // Of this test alone: the databases' names are the same in every run.
    auto server = PrivateServer::Start({.kind = ServerKind::kPostgres});
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    const auto url = Url::Parse(server_->socket_url());
    ASSERT_TRUE(url.ok()) << url.status();
    url_ = *url;
  }

  bool DatabaseExists() const {
    return Connect(url_.WithDatabase("opsbench_stress_0")).ok();
  }

  // The last row of each table that has more than its first hundred: a loss
  // behind the run's back.
  void DeleteLastRows() const {
    const auto session = Connect(url_.WithDatabase("opsbench_stress_0"));
    ASSERT_TRUE(session.ok()) << session.status();
    ResultSet tables;
    ASSERT_TRUE((*session)
                    ->Query("SELECT table_name FROM information_schema.tables "
                            "WHERE table_schema = 'public'",
                            &tables)
                    .ok());
    int64_t deleted = 0;
    for (size_t i = 0; i < tables.row_count(); ++i) {
      const std::string table = tables.at(i, 0).ToString();
      const auto count = (*session)->Execute(absl::StrCat(
          "DELETE FROM ", table, " WHERE id = (SELECT MAX(id) FROM ", table,
          " WHERE id >= 100)"));
      ASSERT_TRUE(count.ok()) << count.status();
      deleted += *count;
    }
    ASSERT_GT(deleted, 0);
  }

  std::unique_ptr<PrivateServer> server_;
  Url url_;
};

TEST_F(OutsideServerTest, DatabasesAreDroppedKeptRefusedAndReplaced) {
  const std::string url = absl::StrCat(" --url ", url_.ToString());
  const std::string more = "--duration 0.5 --databases 1" + url;
  const Outcome dropped = RunInto(out(), more);
  ASSERT_EQ(dropped.exit_code, 0) << dropped.output << dropped.errors;
  EXPECT_FALSE(DatabaseExists());
  EXPECT_THAT(dropped.output, Not(HasSubstr(url_.password)));

  const fs::path kept = folder() / "kept";
  const Outcome keep = RunInto(kept, more + " --keep");
  ASSERT_EQ(keep.exit_code, 0) << keep.output << keep.errors;
  EXPECT_TRUE(DatabaseExists());
  const Outcome check = Stress(absl::StrCat("check ", kept.string(), url));
  EXPECT_EQ(check.exit_code, 0) << check.output << check.errors;
  EXPECT_THAT(check.output, HasSubstr("Oracle:      ok"));

  const fs::path refused = folder() / "refused";
  const Outcome exists = RunInto(refused, more);
  ExpectOneLine(exists);
  EXPECT_THAT(exists.errors,
              AllOf(HasSubstr("opsbench_stress_0"), HasSubstr("--fresh")));
  EXPECT_FALSE(fs::exists(refused));
  EXPECT_TRUE(DatabaseExists());

  DeleteLastRows();
  const Outcome lost = Stress(absl::StrCat("check ", kept.string(), url));
  EXPECT_EQ(lost.exit_code, 1) << lost.output << lost.errors;
  EXPECT_THAT(lost.output, AllOf(HasSubstr("FAILED"), HasSubstr("user ")));

  const Outcome fresh = RunInto(kept, more + " --fresh");
  EXPECT_EQ(fresh.exit_code, 0) << fresh.output << fresh.errors;
  EXPECT_FALSE(DatabaseExists());
}

TEST_F(OutsideServerTest, WhatItDoesNotAllowIsRefused) {
  const std::string url = absl::StrCat(" --url ", url_.ToString());
  const Outcome kill = RunInto(out(), "--faults kill" + url);
  ExpectOneLine(kill);
  EXPECT_THAT(kill.errors, AllOf(HasSubstr("--faults"), HasSubstr("reset")));
  const Outcome engine = RunInto(out(), "--engine mysql" + url);
  ExpectOneLine(engine);
  EXPECT_THAT(engine.errors,
              AllOf(HasSubstr("--engine mysql"), HasSubstr("--url")));
  const Outcome transport = RunInto(out(), "--transport tcp" + url);
  ExpectOneLine(transport);
  EXPECT_THAT(transport.errors, HasSubstr("--transport"));
  EXPECT_FALSE(fs::exists(out()));
}

// --- Bad input ---

TEST_F(StressCommandTest, ContradictionsAreOneLineAndNothingIsMade) {
  for (const char* flags :
       {"--think-min-ms 300", "--batch-min 20000", "--engine redis",
        "--inserter-users 0 --query-users 0 --mixed-users 0",
        "--engine mysql --data-format copy_binary", "--transport tcp",
        "--faults kill", "--durable off", "--seed twelve", "--duration 0",
        "--engine postgres --faults kil", "--url sqlite:/tmp/x.db",
        "--url nonsense", "--memory-limit much", "--data-format arrow"}) {
    const Outcome outcome =
        Stress(absl::StrCat("run --output-dir ", out().string(), " ", flags));
    ExpectOneLine(outcome);
    // The flag, or the setting, by name.
    const std::vector<std::string> words = absl::StrSplit(flags, ' ');
    EXPECT_TRUE(absl::StrContains(outcome.errors, words[0]) ||
                absl::StrContains(outcome.errors, words[2 % words.size()]))
        << flags << ": " << outcome.errors;
    EXPECT_FALSE(fs::exists(out())) << flags;
  }
  const Outcome variable = Stress("run", {"STRESS_BATCH_MIN=none"});
  ExpectOneLine(variable);
  EXPECT_THAT(variable.errors, HasSubstr("STRESS_BATCH_MIN \"none\""));
  const Outcome unknown = Stress("run --batch-mini 5");
  ExpectOneLine(unknown);
}

TEST_F(StressCommandTest, AnOutputFolderThatWillNotDoIsOneLine) {
  const fs::path file = folder() / "file";
  std::ofstream(file) << "x";
  const fs::path full = folder() / "full";
  fs::create_directory(full);
  std::ofstream(full / "thesis.txt") << "x";
  struct Case {
    std::string path;
    const char* message;
  };
  const std::vector<Case> cases = {
      {(folder() / "no" / "such").string(), "there is no folder"},
      {file.string(), "is no folder"},
      {full.string(), "is not empty"},
      {(file / "below").string(), ""},
      // Not even root may make folders there.
      {"/proc/opsbench-stress", "cannot make it"},
  };
  for (const Case& test : cases) {
    const Outcome outcome = RunInto(test.path, "--duration 0.5");
    ExpectOneLine(outcome);
    EXPECT_THAT(outcome.errors,
                AllOf(HasSubstr("--output-dir"), HasSubstr(test.path),
                      HasSubstr(test.message)));
  }
  EXPECT_EQ(ReadText(full / "thesis.txt"), "x");
}

TEST_F(StressCommandTest, AFullDiskIsOneLineBeforeAnythingRuns) {
  rlimit old;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  // Enough for the line itself, not for replay.json.
  const rlimit limit = {1'024, old.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  const Outcome outcome = RunInto(out(), "--duration 0.5");
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &old), 0);
  std::signal(SIGXFSZ, handler);
  ExpectOneLine(outcome);
  EXPECT_THAT(outcome.errors, HasSubstr("--output-dir"));
  EXPECT_FALSE(fs::exists(out()));
}

TEST_F(StressCommandTest, FreshReplacesResultsAndNothingElse) {
  ASSERT_EQ(RunInto(out(), "--duration 0.3 --databases 4").exit_code, 0);
  std::ofstream(out() / "notes.txt") << "mine";
  EXPECT_TRUE(fs::exists(out() / "opsbench_stress_3.db"));
  const Outcome refused = RunInto(out(), "--duration 0.3");
  ExpectOneLine(refused);
  EXPECT_TRUE(fs::exists(out() / "opsbench_stress_3.db"));
  const Outcome fresh =
      RunInto(out(), "--duration 0.3 --databases 2 --mixed-users 0 --fresh");
  EXPECT_EQ(fresh.exit_code, 0) << fresh.output << fresh.errors;
  EXPECT_FALSE(fs::exists(out() / "opsbench_stress_3.db"));
  EXPECT_TRUE(fs::exists(out() / "opsbench_stress_1.db"));
  EXPECT_FALSE(fs::exists(stress::UserLogPath((out() / "users").string(), 8)));
  EXPECT_EQ(ReadText(out() / "notes.txt"), "mine");
}

// --- Replays ---

TEST_F(StressCommandTest, AReplayThatIsNoneIsOneLine) {
  ASSERT_EQ(RunInto(out(), "--duration 0.3").exit_code, 0);
  const std::string good = ReadText(out() / "replay.json");
  json later = json::parse(good);
  later["version"] = 99;
  json edited = json::parse(good);
  edited["users"][3]["seed"] = "0000000000000001";
  json typed = json::parse(good);
  typed["users"][3]["seed"] = 1;
  struct Case {
    std::string text;
    const char* message;
  };
  const std::vector<Case> cases = {
      {good.substr(0, good.size() / 2), "is truncated"},
      {"", "is truncated"},
      {"{ seed: 5 }", "line 1, column 3"},
      {later.dump(), "version is 99"},
      {edited.dump(), "users[3] was edited"},
      {typed.dump(), "users[3].seed is no text"},
  };
  const fs::path path = folder() / "bad.json";
  const fs::path again = folder() / "again";
  for (const Case& test : cases) {
    std::ofstream(path) << test.text;
    const Outcome outcome = Stress(absl::StrCat(
        "replay ", path.string(), " --output-dir ", again.string()));
    ExpectOneLine(outcome);
    EXPECT_THAT(outcome.errors,
                AllOf(HasSubstr(path.string()), HasSubstr(test.message)));
    EXPECT_FALSE(fs::exists(again));
  }
  ExpectOneLine(Stress("replay " + (folder() / "none.json").string()));
  ExpectOneLine(Stress("replay"));
}

TEST_F(StressCommandTest, AReplayIgnoresOtherVariablesAndSaysSo) {
  ASSERT_EQ(RunInto(out(), "--duration 0.5 --seed 5").exit_code, 0);
  const fs::path again = folder() / "again";
  const Outcome replay = Stress(
      "run", {"STRESS_REPLAY_FILE=" + (out() / "replay.json").string(),
              "STRESS_OUTPUT_DIR=" + again.string(), "STRESS_BATCH_MAX=77"});
  ASSERT_EQ(replay.exit_code, 0) << replay.output << replay.errors;
  EXPECT_THAT(replay.errors, HasSubstr("ignored STRESS_BATCH_MAX"));
  EXPECT_THAT(replay.output, HasSubstr("compared, equal"));
  EXPECT_EQ(Summary(again)["config"]["seed"], "5");
  EXPECT_EQ(Summary(again)["config"]["batch-max"], "200");
}

TEST_F(StressCommandTest, AReplayOnOneCoreIsEqual) {
  ASSERT_EQ(RunInto(out(), "--duration 2").exit_code, 0);
  cpu_set_t all;
  ASSERT_EQ(sched_getaffinity(0, sizeof(all), &all), 0);
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &all)) continue;
    CPU_SET(cpu, &one);
    break;
  }
  ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
  const Outcome replay =
      Stress(absl::StrCat("replay ", (out() / "replay.json").string(),
                          " --output-dir ", (folder() / "again").string()));
  ASSERT_EQ(sched_setaffinity(0, sizeof(all), &all), 0);
  EXPECT_EQ(replay.exit_code, 0) << replay.output << replay.errors;
  const std::vector<std::string> lines = absl::StrSplit(replay.output, '\n');
  EXPECT_EQ(std::count_if(lines.begin(), lines.end(),
                          [](const std::string& line) {
                            return absl::EndsWith(line, "compared, equal");
                          }),
            9)
      << replay.output;
}

// A hash that the seeds do not give, sealed as a run would: what a replay on
// another opsbench, whose operations differ, looks like.
TEST_F(StressCommandTest, AReplayThatDiffersFails) {
  ASSERT_EQ(RunInto(out(), "--duration 0.5").exit_code, 0);
  stress::Replay replay = ReplayOf(out());
  replay.users[4].hash ^= 1;
  const fs::path path = folder() / "other.json";
  std::ofstream(path) << stress::FormatReplay(replay);
  const Outcome outcome =
      Stress(absl::StrCat("replay ", path.string(), " --output-dir ",
                          (folder() / "again").string()));
  EXPECT_EQ(outcome.exit_code, 1) << outcome.output << outcome.errors;
  const std::vector<std::string> lines = absl::StrSplit(outcome.output, '\n');
  for (const std::string& line : lines) {
    if (!absl::StrContains(line, "operations compared")) continue;
    EXPECT_EQ(absl::EndsWith(line, "DIFFERENT"),
              absl::StrContains(line, "user 4,"))
        << line;
  }
  EXPECT_TRUE(fs::exists(folder() / "again" / "summary.json"));
}

// --- Ends that nobody planned ---

// Operations that user 0 of a run has ended; 0 before it began.
int64_t EndedBy(const fs::path& out) {
  const auto log =
      stress::UserLog::Read(stress::UserLogPath((out / "users").string(), 0));
  return log.ok() ? (*log)->ended() : 0;
}

class EndTest : public StressCommandTest {
 protected:
  // Sends `signal` once users are at work, and waits.
  Outcome End(int signal) const {
    Running run(folder(),
                Arguments(absl::StrCat("run --duration 600 --output-dir ",
                                       out().string(), kBusy)),
                Variables());
    EXPECT_TRUE(run.Until([this] { return EndedBy(out()) > 50; }));
    kill(run.pid(), signal);
    return run.Wait();
  }
};

TEST_F(EndTest, CtrlCKeepsResults) {
  const Outcome outcome = End(SIGINT);
  EXPECT_EQ(outcome.exit_code, 1) << outcome.output << outcome.errors;
  EXPECT_THAT(outcome.output,
              AllOf(HasSubstr("(Interrupted)"), HasSubstr("Oracle:      ok")));
  const json summary = Summary(out());
  EXPECT_EQ(summary["stop_reason"], "Interrupted");
  EXPECT_GT(summary["totals"]["operations"], 50);
  EXPECT_EQ(ReplayOf(out()).stop_reason, stress::StopReason::kInterrupted);
  EXPECT_TRUE(
      results::ReadBenchmarkFile((out() / "stress.json").string()).ok());
  const Outcome check = Stress("check " + out().string());
  EXPECT_EQ(check.exit_code, 0) << check.output << check.errors;
}

TEST_F(EndTest, ARunUnderWayMayBeShownNotCheckedOrReplaced) {
  Running run(folder(),
              Arguments(absl::StrCat("run --duration 600 --output-dir ",
                                     out().string(), kBusy)),
              Variables());
  ASSERT_TRUE(run.Until([this] { return EndedBy(out()) > 50; }));
  const TestFolder others;
  const auto stress = [&](absl::string_view text) {
    return RunOpsbench(others.path(), Arguments(text), Variables());
  };
  const Outcome check = stress("check " + out().string());
  ExpectOneLine(check);
  EXPECT_THAT(check.errors, HasSubstr("a run is under way in"));
  const Outcome fresh = stress("run --fresh --output-dir " + out().string());
  ExpectOneLine(fresh);
  EXPECT_THAT(fresh.errors, HasSubstr("a run is under way in"));
  EXPECT_EQ(stress("show " + out().string()).exit_code, 0);
  kill(run.pid(), SIGINT);
  const Outcome outcome = run.Wait();
  EXPECT_EQ(outcome.exit_code, 1) << outcome.output << outcome.errors;
  EXPECT_THAT(outcome.output, HasSubstr("Oracle:      ok"));
  EXPECT_EQ(stress("check " + out().string()).exit_code, 0);
}

TEST_F(EndTest, AfterKill9AllThatWasAcknowledgedIsThere) {
  const Outcome outcome = End(SIGKILL);
  EXPECT_EQ(outcome.exit_code, 128 + SIGKILL);
  EXPECT_FALSE(fs::exists(out() / "summary.json"));
  EXPECT_FALSE(ReplayOf(out()).stop_reason.has_value());

  const Outcome check = Stress("check " + out().string());
  EXPECT_EQ(check.exit_code, 0) << check.output << check.errors;
  EXPECT_THAT(check.output, AllOf(HasSubstr("it did not end by itself"),
                                  HasSubstr("Oracle:      ok")));
  const Outcome show = Stress("show " + out().string() + " --last 3");
  EXPECT_EQ(show.exit_code, 0) << show.output << show.errors;
  EXPECT_THAT(show.output, AllOf(HasSubstr("user 0, inserter, database 0: "),
                                 HasSubstr("user 8, mixed, database 2: "),
                                 HasSubstr("bulk_insert t")));

  // The logs stand in for the end that replay.json lacks.
  const Outcome replay = Stress(absl::StrCat(
      "replay ", (out() / "replay.json").string(),
      " --duration 0.5 --output-dir ", (folder() / "again").string()));
  EXPECT_EQ(replay.exit_code, 0) << replay.output << replay.errors;
  EXPECT_THAT(replay.output, AllOf(HasSubstr("compared, equal"),
                                   Not(HasSubstr(": 0 operations compared"))));

  // The control: what is not there is missed.
  fs::remove(out() / "opsbench_stress_1.db");
  const Outcome lost = Stress("check " + out().string());
  EXPECT_EQ(lost.exit_code, 1) << lost.output << lost.errors;
  EXPECT_THAT(lost.output, HasSubstr("opsbench_stress_1 is gone"));
}

TEST_F(EndTest, FoldersThatAreNoRunsAreOneLine) {
  ExpectOneLine(Stress("check " + (folder() / "none").string()));
  ExpectOneLine(Stress("show " + folder().string()));
  ASSERT_EQ(RunInto(out(), "--duration 0.3").exit_code, 0);
  const std::string log = stress::UserLogPath((out() / "users").string(), 2);
  fs::resize_file(log, 100);
  const Outcome truncated = Stress("show " + out().string());
  ExpectOneLine(truncated);
  EXPECT_THAT(truncated.errors, AllOf(HasSubstr(log), HasSubstr("truncated")));
  fs::remove(log);
  const Outcome missing = Stress("check " + out().string());
  ExpectOneLine(missing);
  EXPECT_THAT(missing.errors, HasSubstr(log));
}

TEST_F(EndTest, ACheckOfAPrivateServersRunSaysWhyNot) {
  const Outcome run = RunInto(out(), "--duration 0.5 --engine postgres");
  ASSERT_EQ(run.exit_code, 0) << run.output << run.errors;
  const Outcome check = Stress("check " + out().string());
  ExpectOneLine(check);
  EXPECT_THAT(check.errors, HasSubstr("--url"));
}

}  // namespace
}  // namespace opsbench
