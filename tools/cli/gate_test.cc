// `opsbench gate` as its users meet it, in a repository of its own: a small
// project with one benchmark binary, built and measured for real.

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "testing.h"

namespace opsbench {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kProject[] = R"(cmake_minimum_required(VERSION 3.22)
project(small LANGUAGES CXX)
find_package(benchmark REQUIRED)
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE_PROGRAM}")
endif()
add_executable(base_bench lib/opsbench/base/base_bench.cc)
target_link_libraries(base_bench PRIVATE benchmark::benchmark_main)
)";

constexpr char kPresets[] = R"({
  "version": 4,
  "configurePresets": [{
    "name": "release", "generator": "Ninja",
    "binaryDir": "${sourceDir}/build/release",
    "cacheVariables": {"CMAKE_BUILD_TYPE": "Release"}
  }]
})";

constexpr char kConfig[] = R"(version: 1
defaults: {threshold: 10%, promise: 100%, slice_ms: 4}
binaries:
  - target: base_bench
    path: base_bench
    area: base
    benchmarks: ['Base/.*']
)";

// Two benchmarks, the second of which can be made slower.
constexpr char kSource[] = R"(#include <benchmark/benchmark.h>
#include <cstdlib>
static void Fixed(benchmark::internal::Benchmark* benchmark) {
  const char* text = std::getenv("OPSBENCH_ITERATIONS");
  if (text != nullptr) benchmark->Iterations(std::atoll(text));
}
static void Quick(benchmark::State& state) {
  for (auto _ : state) benchmark::ClobberMemory();
}
static void Merge(benchmark::State& state) {
  for (auto _ : state) {
    for (int i = 0; i < 1000; ++i) benchmark::DoNotOptimize(i);
    // opsbench gate --self-test: slow down here
  }
}
BENCHMARK(Quick)->Name("Base/Quick")->Apply(Fixed);
BENCHMARK(Merge)->Name("Base/Histogram/Merge")->Apply(Fixed);
)";

void Write(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

class GateCommandTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Write(root() / "CMakeLists.txt", kProject);
    Write(root() / "CMakePresets.json", kPresets);
    Write(root() / "gate.yaml", kConfig);
    Write(root() / ".gitignore", "/.opsbench/\n/build/\n/stdout\n/stderr\n");
    WriteSource(kSource);
    Git("init -q -b main");
    Commit();
  }

  const fs::path& root() const { return folder_.path(); }
  fs::path State() const { return root() / ".opsbench" / "gate"; }

  void WriteSource(const std::string& text) const {
    Write(root() / "lib/opsbench/base/base_bench.cc", text);
  }
  // The source with `from` as `to`.
  void Edit(const std::string& from, const std::string& to) const {
    ASSERT_THAT(kSource, HasSubstr(from));
    WriteSource(absl::StrReplaceAll(kSource, {{from, to}}));
  }
  void Git(const std::string& arguments) const {
    const std::string command = absl::StrCat(
        "env -u GIT_DIR -u GIT_INDEX_FILE -u GIT_WORK_TREE git -C ",
        root().string(),
        " -c user.name=test -c user.email=test@localhost "
        "-c core.hooksPath=/dev/null -c commit.gpgsign=false ",
        arguments);
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }
  void Commit() const {
    Git("add -A");
    Git("commit -q -m change");
  }

  std::vector<std::string> Arguments(const std::string& text) const {
    std::vector<std::string> arguments =
        absl::StrSplit(text, ' ', absl::SkipEmpty());
    arguments.insert(arguments.begin(), "gate");
    if (!absl::StrContains(text, "--config")) {
      arguments.insert(arguments.end(), {"--config", "gate.yaml"});
    }
    return arguments;
  }
  std::vector<std::string> Variables() const {
    return {absl::StrCat("OPSBENCH_ROOT=", root().string())};
  }
  Outcome Gate(const std::string& text) const {
    return RunOpsbench(root(), Arguments(text), Variables());
  }

  // No checkout is left, neither in the folder nor in git's own books.
  void ExpectNoWorktrees() const {
    EXPECT_TRUE(!fs::exists(State() / "worktrees") ||
                fs::is_empty(State() / "worktrees"));
    EXPECT_TRUE(!fs::exists(root() / ".git/worktrees") ||
                fs::is_empty(root() / ".git/worktrees"));
  }

 private:
  const TestFolder folder_;
};

void ExpectOneLine(const Outcome& outcome, int code, const char* text) {
  EXPECT_EQ(outcome.exit_code, code) << outcome.output << outcome.errors;
  EXPECT_THAT(outcome.errors, StartsWith("opsbench: "));
  EXPECT_EQ(std::count(outcome.errors.begin(), outcome.errors.end(), '\n'), 1)
      << outcome.errors;
  EXPECT_THAT(outcome.errors, HasSubstr(text));
}

TEST_F(GateCommandTest, ASlowdownFailsAndEveryReportSaysSo) {
  Edit("i < 1000", "i < 4000");
  Commit();
  const Outcome outcome = Gate(
      absl::StrCat("--base HEAD~1 --format markdown --output ",
                   (root() / "stdout.md").string(), " --format junit --output ",
                   (root() / "stdout.xml").string(), " --format json --output ",
                   (root() / "stdout.json").string()));
  EXPECT_EQ(outcome.exit_code, 1) << outcome.output << outcome.errors;
  EXPECT_THAT(outcome.output, HasSubstr("failed: 1 slower"));
  EXPECT_THAT(ReadText(root() / "stdout.md"),
              HasSubstr("`Base/Histogram/Merge`"));
  EXPECT_THAT(ReadText(root() / "stdout.xml"), HasSubstr("failures=\"1\""));
  const auto document = nlohmann::json::parse(ReadText(root() / "stdout.json"));
  EXPECT_EQ(document.at("conclusion"), "failed");
  for (const auto& metric : document.at("metrics")) {
    if (metric.at("benchmark") != "Base/Histogram/Merge") continue;
    EXPECT_EQ(metric.at("verdict"), "slower");
    EXPECT_GT(metric.at("effect").get<double>(), 1);
  }
  ExpectNoWorktrees();

  // To see is not to judge, and needs no second build.
  const Outcome report =
      Gate("--base HEAD~1 --report-only --filter Merge --budget 20s --seed 3");
  EXPECT_EQ(report.exit_code, 0) << report.errors;
  EXPECT_THAT(report.output, HasSubstr("Base/Histogram/Merge"));
  EXPECT_THAT(report.output, Not(HasSubstr("failed")));
}

// Comments change no program.
TEST_F(GateCommandTest, TheSameProgramIsNotMeasured) {
  WriteSource(absl::StrCat(kSource, "// The end.\n"));
  Commit();
  const Outcome outcome = Gate("--base HEAD~1");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output << outcome.errors;
  EXPECT_THAT(outcome.output, HasSubstr("byte for byte"));
  EXPECT_THAT(outcome.output, HasSubstr("passed: 2 same"));
}

// The head branched off before main went on: what main did since is not its
// doing.
TEST_F(GateCommandTest, TheMergeBaseIsMeasured) {
  Git("checkout -q -b change");
  WriteSource(absl::StrCat(kSource, "// The end.\n"));
  Commit();
  Git("checkout -q main");
  Edit("i < 1000", "i < 10");
  Commit();
  const Outcome outcome = Gate("--base main --head change");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output << outcome.errors;
  EXPECT_THAT(outcome.output, HasSubstr("merge base"));
}

TEST_F(GateCommandTest, WhatVanishedFailsAndWhatIsNewIsListed) {
  Edit("Base/Quick", "Base/Renamed");
  Commit();
  const Outcome outcome = Gate("--base HEAD~1 --filter Quick|Renamed");
  EXPECT_EQ(outcome.exit_code, 1) << outcome.output << outcome.errors;
  EXPECT_THAT(outcome.output, HasSubstr("failed: 1 missing, 1 new"));
}

TEST_F(GateCommandTest, AnErrorOfTheHeadFails) {
  Edit("for (auto _ : state) benchmark::ClobberMemory();",
       "state.SkipWithError(\"wrong answer\");");
  Commit();
  const Outcome outcome = Gate("--base HEAD~1 --filter Quick");
  EXPECT_EQ(outcome.exit_code, 1) << outcome.output << outcome.errors;
  EXPECT_THAT(outcome.output, HasSubstr("wrong answer"));
}

// Rows further apart: as many instructions, and the caches miss.
TEST_F(GateCommandTest, MoreTimeForTheSameInstructionsIsLinkedAgain) {
  const std::string walk = R"(#include <vector>
static volatile unsigned stride = 1;
static void Walk(benchmark::State& state) {
  const std::vector<unsigned char> rows(1u << 25);
  unsigned at = 0;
  for (auto _ : state) {
    for (int i = 0; i < 1000; ++i) {
      at = (at + stride + rows[at]) & ((1u << 25) - 1);
      benchmark::DoNotOptimize(at);
    }
  }
}
BENCHMARK(Walk)->Name("Base/Walk")->Apply(Fixed);
)";
  WriteSource(kSource + walk);
  Commit();
  WriteSource(kSource +
              absl::StrReplaceAll(walk, {{"stride = 1;", "stride = 77777;"}}));
  Commit();
  const Outcome outcome = Gate("--base HEAD~1 --filter Walk");
  EXPECT_EQ(outcome.exit_code, 1) << outcome.output << outcome.errors;
  EXPECT_THAT(outcome.output, HasSubstr("stays with another link order"));
  ExpectNoWorktrees();
}

TEST_F(GateCommandTest, ABaseThatIsOlderThanTheGateIsMeasuredAllTheSame) {
  Edit("->Apply(Fixed)", "");
  Commit();
  Edit("i < 1000", "i < 4000");
  Commit();
  const Outcome outcome = Gate("--base HEAD~1 --filter Merge");
  EXPECT_THAT(outcome.output, HasSubstr("older than the gate"));
  EXPECT_THAT(outcome.output, HasSubstr("slower (1)"));
  EXPECT_EQ(outcome.exit_code, 1) << outcome.output << outcome.errors;
}

TEST_F(GateCommandTest, ADirtyTreeIsRefusedOrMeasured) {
  Edit("i < 1000", "i < 4000");
  ExpectOneLine(Gate("--base HEAD"), 2, "--allow-dirty");
  const Outcome outcome = Gate("--base HEAD --allow-dirty --filter Merge");
  EXPECT_EQ(outcome.exit_code, 1) << outcome.output << outcome.errors;
  EXPECT_THAT(outcome.output, HasSubstr("working tree"));
  // The user's tree is as it was.
  EXPECT_THAT(ReadText(root() / "lib/opsbench/base/base_bench.cc"),
              HasSubstr("i < 4000"));
}

TEST_F(GateCommandTest, AHeadThatDoesNotBuildShowsItsLogsEnd) {
  WriteSource("#error planted\n");
  Commit();
  const Outcome outcome = Gate("--base HEAD~1");
  EXPECT_EQ(outcome.exit_code, 2) << outcome.output;
  EXPECT_THAT(outcome.errors, HasSubstr("#error planted"));
  EXPECT_THAT(outcome.errors, HasSubstr("opsbench: head "));
  ExpectNoWorktrees();
}

TEST_F(GateCommandTest, BadInputIsOneLine) {
  ExpectOneLine(Gate(""), 2, "--base");
  ExpectOneLine(Gate("--base nowhere"), 2, "no commit nowhere");
  ExpectOneLine(Gate("--base HEAD --filter ("), 2, "regular expression");
  ExpectOneLine(Gate("--base HEAD --area vector"), 2, "base");
  ExpectOneLine(Gate("--base HEAD --budget soon"), 2, "soon");
  ExpectOneLine(Gate("--base HEAD --format pdf"), 2, "pdf");
  ExpectOneLine(Gate("--base HEAD --output /nowhere/report"), 2, "/nowhere");
  ExpectOneLine(Gate("--self-test --plant much"), 2, "much");
  ExpectOneLine(Gate("--base HEAD --config nothing.yaml"), 2, "nothing.yaml");
  Write(root() / "gate.yaml", "version: 1\nbinary: []\n");
  ExpectOneLine(Gate("--base HEAD"), 2, "gate.yaml:2:1: unknown key");
  EXPECT_FALSE(fs::exists(State() / "worktrees"));
}

TEST_F(GateCommandTest, OnlyOneAtATimeAndCtrlCLeavesNothingBehind) {
  Edit("i < 1000", "i < 1001");
  Commit();
  Running first(root(), Arguments("--base HEAD~1 --always"), Variables());
  ASSERT_TRUE(first.Until([&] { return fs::exists(State() / "slices" / "c"); }))
      << first.Wait().errors;
  const TestFolder other;
  ExpectOneLine(
      RunOpsbench(other.path(),
                  Arguments(absl::StrCat("--base HEAD~1 --config ",
                                         (root() / "gate.yaml").string())),
                  Variables()),
      2, "another gate is under way");
  kill(first.pid(), SIGINT);
  const Outcome outcome = first.Wait();
  EXPECT_EQ(outcome.exit_code, 3) << outcome.errors;
  EXPECT_THAT(outcome.errors, HasSubstr("interrupted"));
  ExpectNoWorktrees();
  EXPECT_FALSE(fs::exists(State() / "slices"));
}

// A gate that was killed cannot tidy up: the next one does.
TEST_F(GateCommandTest, TheNextGateRemovesWhatAKilledOneLeft) {
  Git(absl::StrCat("worktree add -q --detach ",
                   (State() / "worktrees" / "head").string(), " HEAD"));
  EXPECT_EQ(Gate("--base HEAD --exact-base").exit_code, 0);
  ExpectNoWorktrees();
}

TEST_F(GateCommandTest, TheSelfTestPlantsAndCounts) {
  const Outcome outcome =
      Gate("--self-test --suites 1 --plant 100% --budget 40s");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output << outcome.errors;
  EXPECT_THAT(outcome.output, HasSubstr("Identical code"));
  EXPECT_THAT(outcome.output, HasSubstr("Planted 100.0%"));
  EXPECT_THAT(outcome.output, HasSubstr("caught by the gate          1 of 1"));
  ExpectNoWorktrees();
}

}  // namespace
}  // namespace opsbench
