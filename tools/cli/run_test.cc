// `opsbench run` as its users meet it: results that can be read, baselines, bad
// input, Ctrl-C.

#include <csignal>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "opsbench/results/run_store.h"
#include "testing.h"

namespace opsbench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class RunCommandTest : public ::testing::Test {
 protected:
  std::vector<std::string> Arguments(absl::string_view text) const {
    std::vector<std::string> arguments =
        absl::StrSplit(text, ' ', absl::SkipEmpty());
    arguments.insert(arguments.begin(), "run");
    return arguments;
  }
  std::vector<std::string> Variables() const {
    return {absl::StrCat("OPSBENCH_ROOT=", folder_.path().string()),
            "OPSBENCH_SQLITE_URL="};
  }
  Outcome Run(absl::string_view text) const {
    return RunOpsbench(folder_.path(), Arguments(text), Variables());
  }
  fs::path State() const { return folder_.path() / ".opsbench"; }

  // The only run's folder.
  std::string RunFolder() const {
    std::vector<std::string> folders;
    if (fs::exists(State() / "runs")) {
      for (const auto& entry : fs::directory_iterator(State() / "runs")) {
        folders.push_back(entry.path().string());
      }
    }
    EXPECT_EQ(folders.size(), 1u);
    return folders.empty() ? "" : folders[0];
  }

  const TestFolder folder_;
};

TEST_F(RunCommandTest, LeavesARunItsHistoryAndABaseline) {
  const Outcome outcome =
      Run("--scale smoke --engines sqlite --filter Exact|Mix.*mix:A "
          "--seed 7 --save first");
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("Sidetable/Mix"));
  EXPECT_THAT(outcome.output, HasSubstr("side_table"));
  EXPECT_THAT(outcome.output, HasSubstr("level_columns"));
  EXPECT_THAT(outcome.output, HasSubstr("Saved as baseline first"));

  const results::RunStore store(State());
  const std::string folder = RunFolder();
  for (const std::string& name : {folder, std::string("first")}) {
    const auto run = store.Load(name);
    ASSERT_TRUE(run.ok()) << run.status();
    EXPECT_EQ(run->info.status, results::RunStatus::kComplete);
    EXPECT_EQ(run->info.scale, "smoke");
    EXPECT_EQ(run->info.seed, 7u);
    ASSERT_EQ(run->info.engines.size(), 1u);
    EXPECT_THAT(run->info.engines[0].version, StartsWith("SQLite 3."));
    EXPECT_FALSE(run->info.engines[0].settings.empty());
    // Three strategies, of each Exact and mix A with 1 and 8 workers.
    EXPECT_EQ(run->areas.at("sidetable").rows.size(), 9u);
  }
  EXPECT_FALSE(fs::exists(fs::path(folder) / "sidetable.partial.json"));
  int lines = 0;
  for (const absl::string_view line : absl::StrSplit(
           ReadText(State() / "history.jsonl"), '\n', absl::SkipEmpty())) {
    const json entry = json::parse(line.begin(), line.end());
    EXPECT_GT(entry.at("real_time_ns").get<double>(), 0);
    EXPECT_EQ(entry.at("run"), fs::path(folder).filename().string());
    ++lines;
  }
  EXPECT_EQ(lines, 9);
}

// No engine is started for it, and rivals stand beside ours.
TEST_F(RunCommandTest, AnAreaWithoutEnginesRunsInProcess) {
  const Outcome outcome =
      Run("--scale smoke --area memtable --filter /Get/.*items:1000/");
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("Memtable/Get"));
  EXPECT_THAT(outcome.output, HasSubstr("libcuckoo"));
  EXPECT_THAT(outcome.output, HasSubstr("Times of each rival over ours"));
  const auto run = results::RunStore(State()).Load(RunFolder());
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_TRUE(run->info.engines.empty());
  // Nine implementations alone, eight with threads.
  EXPECT_EQ(run->areas.at("memtable").rows.size(), 17u);
}

// Nothing of areas that were not asked for is missing.
TEST_F(RunCommandTest, ComparesWithABaseline) {
  const std::string get =
      "--scale smoke --area memtable --filter Get/impl:opsbench/.*items:1000/";
  ASSERT_EQ(Run(get + " --save before").exit_code, 0);
  const Outcome outcome = Run(get + " --compare before --fail-on missing,new");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.errors << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("base  before"));
  EXPECT_THAT(outcome.output, HasSubstr("head  this run"));
  EXPECT_THAT(outcome.output, HasSubstr("real_time_ns"));
}

// It runs when it is named, or when nobody chooses engines.
TEST_F(RunCommandTest, ChosenEnginesLeaveOutAreasWithoutEngines) {
  const Outcome outcome =
      Run("--scale smoke --engines sqlite --filter /Get/.*items:1000/");
  EXPECT_EQ(outcome.exit_code, 2) << outcome.output;
  EXPECT_THAT(outcome.errors, HasSubstr("matches no benchmark"));
}

// Those of the benchmark binary lie within those of the command, although its
// other messages go to its log; each stage that begins also ends.
TEST_F(RunCommandTest, StagesAreSignalledOnStderr) {
  const Outcome outcome =
      Run("--scale smoke --area memtable --stages "
          "--filter /Get/impl:(opsbench|tbb)/items:1000/threads:1/");
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  std::vector<std::string> open;
  std::set<std::string> seen;
  for (const std::string& line : std::vector<std::string>(
           absl::StrSplit(outcome.errors, '\n', absl::SkipEmpty()))) {
    absl::string_view rest = line;
    if (absl::ConsumePrefix(&rest, "[STAGE:START] ")) {
      open.emplace_back(rest);
      seen.emplace(rest);
    } else if (absl::ConsumePrefix(&rest, "[STAGE:END] ")) {
      ASSERT_FALSE(open.empty()) << line;
      EXPECT_THAT(line, StartsWith(absl::StrCat("[STAGE:END] ", open.back(),
                                                " duration=")));
      open.pop_back();
    } else {
      ADD_FAILURE() << "no signal: " << line;
    }
  }
  EXPECT_TRUE(open.empty());
  EXPECT_EQ(seen.count("run:memtable"), 1u);
  EXPECT_EQ(seen.count("measure:Memtable/Get/impl:tbb/items:1000/threads:1"),
            1u);
  EXPECT_EQ(
      seen.count("populate:Memtable/Get/impl:opsbench/items:1000/threads:1"),
      1u);
  EXPECT_TRUE(fs::exists(fs::path(RunFolder()) / "memtable.log"));
}

TEST_F(RunCommandTest, BadInputIsOneLineAndTouchesNothing) {
  struct Case {
    const char* arguments;
    const char* expected;
  };
  constexpr Case kCases[] = {
      {"--area nothing", "nothing"},
      {"--scale huge", "huge"},
      {"--filter (", "--filter"},
      {"--engines oracle", "oracle"},
      {"--area stress --engines redis", "redis"},
      {"--filter ^none$", "no benchmark"},
      {"--save ../x", "../x"},
      {"--save latest", "latest"},
      {"--area memtable --filter ^Stress", "memtable"},
      {"--seed -1", "--seed"},
      {"--frobnicate", "--frobnicate"},
  };
  for (const Case& bad : kCases) {
    const Outcome outcome = Run(bad.arguments);
    EXPECT_EQ(outcome.exit_code, 2) << bad.arguments;
    EXPECT_THAT(outcome.errors, StartsWith("opsbench: "));
    EXPECT_EQ(std::count(outcome.errors.begin(), outcome.errors.end(), '\n'), 1)
        << outcome.errors;
    EXPECT_THAT(outcome.errors, HasSubstr(bad.expected)) << bad.arguments;
  }
  EXPECT_FALSE(fs::exists(State()));
}

TEST_F(RunCommandTest, AnEngineThatIsDownIsNamed) {
  std::vector<std::string> variables = Variables();
  variables.emplace_back("OPSBENCH_MYSQL_URL=mysql://u:secret@127.0.0.1:1/db");
  const Outcome outcome = RunOpsbench(
      folder_.path(), Arguments("--scale smoke --engines mysql"), variables);
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.errors, HasSubstr("127.0.0.1"));
  EXPECT_THAT(outcome.errors, ::testing::Not(HasSubstr("secret")));
}

// What differs from process to process is in the repetitions: each has one of
// its own, and the file tells which.
TEST_F(RunCommandTest, RepetitionsAreProcesses) {
  const std::string get =
      "--scale smoke --engines sqlite --area sidetable,memtable --repetitions "
      "3 --filter Memtable/Get/impl:opsbench/items:1000/threads:1/|BulkLoad";
  const Outcome outcome = Run(get + " --stages");
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors << outcome.output;
  // In turns, so that what goes on beside the run meets all areas alike.
  std::vector<std::string> runs;
  for (const absl::string_view line : absl::StrSplit(outcome.errors, '\n')) {
    absl::string_view rest = line;
    if (absl::ConsumePrefix(&rest, "[STAGE:START] run:")) {
      runs.emplace_back(rest);
    }
  }
  EXPECT_THAT(runs,
              ::testing::ElementsAre("sidetable", "memtable", "sidetable",
                                     "memtable", "sidetable", "memtable"));
  const auto run = results::RunStore(State()).Load(RunFolder());
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_EQ(run->info.repetitions, 3);
  for (const auto& [area, file] : run->areas) {
    ASSERT_EQ(file.rows.size() % 3, 0u);
    for (size_t i = 0; i < file.rows.size(); ++i) {
      const results::BenchmarkRow& row = file.rows[i];
      EXPECT_EQ(row.run_name, file.rows[i / 3 * 3].run_name);
      EXPECT_EQ(row.process, static_cast<int64_t>(i % 3) + 1);
      EXPECT_EQ(row.repetition_index, static_cast<int64_t>(i % 3));
      EXPECT_EQ(row.repetitions, 3);
      EXPECT_EQ(row.run_type, "iteration");
    }
  }
  EXPECT_EQ(run->areas.size(), 2u);
}

// The child of `parent` that runs this program, once there is one; else 0.
pid_t ChildNamed(pid_t parent, absl::string_view program) {
  const fs::path task = absl::StrCat("/proc/", parent, "/task/", parent);
  for (const absl::string_view child : absl::StrSplit(
           ReadText(task / "children"), ' ', absl::SkipWhitespace())) {
    std::error_code error;
    const fs::path exe =
        fs::read_symlink(absl::StrCat("/proc/", child, "/exe"), error);
    pid_t pid = 0;
    if (exe.filename() == std::string(program) &&
        absl::SimpleAtoi(child, &pid)) {
      return pid;
    }
  }
  return 0;
}

// It crashes when a benchmark has been written: that one, and the areas after
// it, are kept.
TEST_F(RunCommandTest, ACrashCostsTheCrashedBenchmarkAlone) {
  Running run(folder_.path(),
              Arguments("--engines sqlite --area sidetable,memtable --save x "
                        "--filter BulkLoad|Mix|Get/impl:opsbench/.*threads:1/"),
              Variables());
  const fs::path runs = State() / "runs";
  ASSERT_TRUE(run.Until([&] {
    if (!fs::exists(runs)) return false;
    for (const auto& entry : fs::recursive_directory_iterator(runs)) {
      if (entry.path().filename() == "sidetable.partial.json" &&
          absl::StrContains(ReadText(entry.path()), "BulkLoad")) {
        return true;
      }
    }
    return false;
  })) << run.Wait().errors;
  const pid_t child = ChildNamed(run.pid(), "sidetable_bench");
  ASSERT_NE(child, 0);
  kill(child, SIGSEGV);
  const Outcome outcome = run.Wait();
  EXPECT_EQ(outcome.exit_code, 1) << outcome.errors;
  EXPECT_THAT(outcome.errors,
              HasSubstr("sidetable_bench was ended by SIGSEGV in Sidetable/"));
  EXPECT_THAT(outcome.errors, HasSubstr("not saved as x"));
  const auto kept = results::RunStore(State()).Load(RunFolder());
  ASSERT_TRUE(kept.ok()) << kept.status();
  EXPECT_EQ(kept->info.status, results::RunStatus::kInterrupted);
  EXPECT_FALSE(kept->areas.at("memtable").rows.empty());
  const auto& rows = kept->areas.at("sidetable").rows;
  ASSERT_GE(rows.size(), 2u);
  EXPECT_FALSE(rows.front().error_occurred);
  EXPECT_TRUE(rows.back().error_occurred);
  EXPECT_THAT(rows.back().error_message, HasSubstr("SIGSEGV"));
  EXPECT_FALSE(fs::exists(State() / "baselines/x"));
}

// Interrupted when a benchmark of 27 has been written.
TEST_F(RunCommandTest, CtrlCKeepsWhatWasMeasured) {
  Running run(folder_.path(),
              Arguments("--engines sqlite --filter BulkLoad|Mix"), Variables());
  const fs::path runs = State() / "runs";
  ASSERT_TRUE(run.Until([&] {
    if (!fs::exists(runs)) return false;
    for (const auto& entry : fs::recursive_directory_iterator(runs)) {
      if (entry.path().filename() == "sidetable.partial.json" &&
          absl::StrContains(ReadText(entry.path()), "BulkLoad")) {
        return true;
      }
    }
    return false;
  })) << run.Wait().errors;
  kill(run.pid(), SIGINT);
  const Outcome outcome = run.Wait();
  EXPECT_EQ(outcome.exit_code, 1) << outcome.errors;
  EXPECT_THAT(outcome.output, HasSubstr("Interrupted"));
  EXPECT_THAT(outcome.output, HasSubstr("BulkLoad"));
  const auto kept = results::RunStore(State()).Load(RunFolder());
  ASSERT_TRUE(kept.ok()) << kept.status();
  EXPECT_EQ(kept->info.status, results::RunStatus::kInterrupted);
  const auto& rows = kept->areas.at("sidetable").rows;
  ASSERT_FALSE(rows.empty());
  EXPECT_LT(rows.size(), 27u);
  for (const results::BenchmarkRow& row : rows) {
    EXPECT_FALSE(row.error_occurred) << row.error_message;
  }
}

}  // namespace
}  // namespace opsbench
