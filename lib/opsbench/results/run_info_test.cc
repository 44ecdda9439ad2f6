#include "opsbench/results/run_info.h"

#include <sys/utsname.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "opsbench/results/internal/command_output.h"

namespace opsbench::results {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::StartsWith;

RunInfo Example() {
  RunInfo info;
  info.status = RunStatus::kComplete;
  info.started = "2026-01-31T12:00:00Z";
  info.git_sha = "0123456789abcdef0123456789abcdef01234567";
  info.git_short_sha = "0123456789";
  info.git_branch = "main";
  info.git_dirty = true;
  info.compiler = "GNU 12.2.0";
  info.flags = "-O3 -DNAME=\"x\"";
  info.build_type = "RelWithDebInfo";
  info.cpu_model = "AMD EPYC";
  info.cores = 2;
  info.memory_bytes = 8LL << 30;
  info.kernel = "Linux 6.1.0";
  info.scale = "quick";
  info.seed = 18'446'744'073'709'551'615u;
  info.areas = {"sidetable", "vector"};
  info.filter = "Get|'Put'";
  info.rows = 5000;
  info.repetitions = 7;
  info.engines = {{"mysql", "10.11.6-MariaDB", {{"sync_binlog", "0"}}},
                  {"sqlite", "3.40.1", {}}};
  return info;
}

TEST(RunInfoTest, ReadsWhatItWrites) {
  const RunInfo before = Example();
  const auto after = ParseRunInfo(FormatRunInfo(before), "run.json");
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_EQ(after->schema_version, kRunSchemaVersion);
  EXPECT_EQ(after->status, RunStatus::kComplete);
  EXPECT_EQ(after->started, before.started);
  EXPECT_EQ(after->git_sha, before.git_sha);
  EXPECT_EQ(after->git_short_sha, before.git_short_sha);
  EXPECT_EQ(after->git_branch, before.git_branch);
  EXPECT_TRUE(after->git_dirty);
  EXPECT_EQ(after->compiler, before.compiler);
  EXPECT_EQ(after->flags, before.flags);
  EXPECT_EQ(after->build_type, before.build_type);
  EXPECT_EQ(after->cpu_model, before.cpu_model);
  EXPECT_EQ(after->cores, before.cores);
  EXPECT_EQ(after->memory_bytes, before.memory_bytes);
  EXPECT_EQ(after->kernel, before.kernel);
  EXPECT_EQ(after->scale, before.scale);
  EXPECT_EQ(after->seed, before.seed);
  EXPECT_EQ(after->areas, before.areas);
  EXPECT_EQ(after->filter, before.filter);
  EXPECT_EQ(after->rows, 5000);
  EXPECT_EQ(after->repetitions, 7);
  ASSERT_EQ(after->engines.size(), 2u);
  EXPECT_EQ(after->engines[0].name, "mysql");
  EXPECT_EQ(after->engines[0].version, "10.11.6-MariaDB");
  EXPECT_EQ(after->engines[0].settings, before.engines[0].settings);
  EXPECT_EQ(after->engines[1].name, "sqlite");
}

TEST(RunInfoTest, KeepsEveryStatus) {
  for (const RunStatus status :
       {RunStatus::kRunning, RunStatus::kInterrupted, RunStatus::kComplete}) {
    RunInfo info = Example();
    info.status = status;
    const auto read = ParseRunInfo(FormatRunInfo(info), "run.json");
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(read->status, status);
  }
}

TEST(RunInfoTest, RefusesALaterSchemaWhateverElseItHolds) {
  const absl::Status status =
      ParseRunInfo(R"({"schema_version": 2, "state": []})", "a/run.json")
          .status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("a/run.json: written by a later opsbench: schema "
                        "version 2"));
}

TEST(RunInfoTest, SaysWhatIsWrong) {
  const std::string good = FormatRunInfo(Example());
  for (const auto& [text, complaint] :
       {std::pair<std::string, std::string>{"{", "parse error"},
        {"[]", "run.json"},
        {"{}", "schema_version"},
        {absl::StrReplaceAll(good, {{"\"complete\"", "\"done\""}}), "done"},
        {absl::StrReplaceAll(good, {{"\"cores\": 2", "\"cores\": \"2\""}}),
         "type"},
        {absl::StrReplaceAll(good, {{"\"seed\"", "\"sead\""}}), "seed"}}) {
    ASSERT_NE(text, good);
    const absl::Status status = ParseRunInfo(text, "run.json").status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(status.message()), StartsWith("run.json: "));
    EXPECT_THAT(std::string(status.message()), HasSubstr(complaint));
  }
}

TEST(RunInfoTest, CollectsBuildAndMachine) {
  const absl::Time before = absl::Now() - absl::Seconds(1);
  const RunInfo info = CollectRunInfo(".");
  absl::Time started;
  std::string error;
  ASSERT_TRUE(
      absl::ParseTime(absl::RFC3339_full, info.started, &started, &error))
      << error;
  EXPECT_GE(started, before);
  EXPECT_LE(started, absl::Now());
  EXPECT_EQ(info.started.back(), 'Z');
#ifdef __clang__
  EXPECT_THAT(info.compiler, StartsWith("Clang "));
#else
  EXPECT_THAT(info.compiler,
              StartsWith(absl::StrCat("GNU ", __GNUC__, ".", __GNUC_MINOR__)));
#endif
#ifdef __OPTIMIZE__
  EXPECT_THAT(info.flags, HasSubstr("-O"));
#endif
  EXPECT_GT(info.cores, 0);
  EXPECT_GT(info.memory_bytes, 64 << 20);
  EXPECT_FALSE(info.cpu_model.empty());
  utsname kernel;
  ASSERT_EQ(uname(&kernel), 0);
  EXPECT_EQ(info.kernel, absl::StrCat(kernel.sysname, " ", kernel.release));
}

// Cut to size, as the JSON library does it, they would pass for others.
TEST(RunInfoTest, RefusesNumbersOutOfRange) {
  RunInfo info;
  info.scale = "quick";
  const std::string text = FormatRunInfo(info);
  ASSERT_TRUE(ParseRunInfo(text, "x").ok());
  for (const auto& [from, to] :
       {std::pair("\"cores\": 0", "\"cores\": 1e300"),
        std::pair("\"cores\": 0", "\"cores\": 4294967298"),
        std::pair("\"seed\": 0", "\"seed\": -1"),
        std::pair("\"memory_bytes\": 0", "\"memory_bytes\": 1.5"),
        std::pair("\"schema_version\": 1", "\"schema_version\": true")}) {
    std::string bad = text;
    const size_t place = bad.find(from);
    ASSERT_NE(place, std::string::npos) << from;
    bad.replace(place, std::string(from).size(), to);
    EXPECT_EQ(ParseRunInfo(bad, "x").status().code(),
              absl::StatusCode::kInvalidArgument)
        << to;
  }
}

class GitTest : public ::testing::Test {
 protected:
  GitTest() {
    std::string pattern = fs::temp_directory_path() / "opsbench it's-XXXXXX";
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  ~GitTest() override { fs::remove_all(folder_); }

  std::string Git(std::vector<std::string> arguments) {
    std::vector<std::string> command = {"git",
                                        "-C",
                                        folder_,
                                        "-c",
                                        "user.name=n",
                                        "-c",
                                        "user.email=e@e",
                                        "-c",
                                        "commit.gpgsign=false",
                                        "-c",
                                        "core.hooksPath=/dev/null"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    const auto output = internal::CommandOutput(command);
    EXPECT_TRUE(output.ok()) << output.status() << arguments[0];
    return output.value_or("");
  }

  void Write(const std::string& name, const std::string& text) {
    std::ofstream(fs::path(folder_) / name) << text;
  }

  std::string folder_;
};

TEST_F(GitTest, OutsideACheckoutNothingIsKnown) {
  for (const std::string& folder : {folder_, folder_ + "/none"}) {
    const RunInfo info = CollectRunInfo(folder);
    EXPECT_EQ(info.git_sha, "unknown");
    EXPECT_EQ(info.git_short_sha, "nogit");
    EXPECT_EQ(info.git_branch, "unknown");
    EXPECT_FALSE(info.git_dirty);
  }
}

TEST_F(GitTest, WithoutGitNothingIsKnown) {
  const std::string path = getenv("PATH");
  setenv("PATH", folder_.c_str(), 1);
  const RunInfo info = CollectRunInfo(".");
  setenv("PATH", path.c_str(), 1);
  EXPECT_EQ(info.git_sha, "unknown");
  EXPECT_EQ(info.git_short_sha, "nogit");
}

TEST_F(GitTest, TellsCommitBranchAndChanges) {
  Git({"init", "-q", "-b", "feature/x"});
  EXPECT_EQ(CollectRunInfo(folder_).git_short_sha, "nogit");  // No commit yet.
  Write("a", "1");
  Git({"add", "a"});
  Git({"commit", "-q", "-m", "one"});
  std::string sha = Git({"rev-parse", "HEAD"});
  sha.pop_back();

  RunInfo info = CollectRunInfo(folder_);
  EXPECT_EQ(info.git_sha, sha);
  EXPECT_EQ(info.git_short_sha, sha.substr(0, 10));
  EXPECT_EQ(info.git_branch, "feature/x");
  EXPECT_FALSE(info.git_dirty);

  Write("untracked", "1");
  EXPECT_FALSE(CollectRunInfo(folder_).git_dirty);
  Write("a", "2");
  EXPECT_TRUE(CollectRunInfo(folder_).git_dirty);
  Git({"checkout", "-q", "--detach", "-f"});
  info = CollectRunInfo(folder_);
  EXPECT_EQ(info.git_sha, sha);
  EXPECT_EQ(info.git_branch, "HEAD");
}

// A hook of another repository sets GIT_DIR, which would win over the folder.
TEST_F(GitTest, IsNotLedAstrayByAHooksVariables) {
  Git({"init", "-q", "-b", "own"});
  setenv("GIT_DIR", "/nonexistent", 1);
  const RunInfo info = CollectRunInfo(folder_);
  unsetenv("GIT_DIR");
  EXPECT_EQ(info.git_branch, "own");
}

}  // namespace
}  // namespace opsbench::results
