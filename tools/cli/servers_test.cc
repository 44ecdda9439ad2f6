// What these tests are afraid of: servers that stay when nobody keeps them, a
// second set of them, and a signal to a process that is not ours.

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "opsbench/server/process_sampling.h"
#include "testing.h"

namespace opsbench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

class ServersTest : public ::testing::Test {
 protected:
  ServersTest() {
    fs::create_directory(data_);
    fs::create_directory(state_.parent_path());
    // The servers' user has to pass through.
    fs::permissions(data_, fs::perms(0755));
  }
  ~ServersTest() override { EXPECT_EQ(Run("down").exit_code, 0); }

  // Runs `opsbench servers <arguments> --state-file ...`.
  Outcome Run(const std::string& arguments) const {
    const fs::path errors = folder_ / "stderr";
    const std::string command = absl::StrCat(
        "'", OPSBENCH_CLI, "' servers ", arguments, " --state-file '",
        state_.string(), "' 2>'", errors.string(), "'");
    Outcome outcome;
    FILE* output = popen(command.c_str(), "re");
    if (output == nullptr) return outcome;
    char buffer[4096];
    while (const size_t size = fread(buffer, 1, sizeof(buffer), output)) {
      outcome.output.append(buffer, size);
    }
    const int status = pclose(output);
    if (WIFEXITED(status)) outcome.exit_code = WEXITSTATUS(status);
    outcome.errors = ReadText(errors);
    return outcome;
  }
  Outcome Up(const std::string& arguments) const {
    return Run(
        absl::StrCat("up --parent-folder '", data_.string(), "' ", arguments));
  }
  json State() const { return json::parse(ReadText(state_)); }
  json Status() const { return json::parse(Run("status --json").output); }

  const TestFolder test_folder_;
  const fs::path folder_ = test_folder_.path();
  const fs::path data_ = folder_ / "data";
  const fs::path state_ = folder_ / "state folder" / "servers.json";
};

TEST_F(ServersTest, UpStatusUpAgainDown) {
  const fs::path env_file = folder_ / "env";
  const Outcome up = Up(absl::StrCat("--env-file '", env_file.string(), "'"));
  ASSERT_EQ(up.exit_code, 0) << up.errors;
  EXPECT_THAT(up.output, HasSubstr("mariadbd "));
  EXPECT_THAT(up.output, HasSubstr("postgres "));
  EXPECT_THAT(up.output, HasSubstr("redis-server "));
  struct stat state;
  ASSERT_EQ(stat(state_.c_str(), &state), 0);
  EXPECT_EQ(state.st_mode & 0777, 0600);
  ASSERT_EQ(stat(env_file.c_str(), &state), 0);
  EXPECT_EQ(state.st_mode & 0777, 0600);

  const json noted = State();
  ASSERT_EQ(noted["servers"].size(), 3);
  const Outcome status = Run("status");
  EXPECT_EQ(status.exit_code, 0);
  const Outcome exported = Run("up --export");
  EXPECT_EQ(exported.exit_code, 0);
  EXPECT_THAT(exported.errors, HasSubstr("up already"));
  std::string lines;
  std::string export_lines;
  for (const json& server : noted["servers"]) {
    const std::string url = server["url"];
    const std::string name = absl::StrCat(
        "OPSBENCH_", absl::AsciiStrToUpper(server["engine"].get<std::string>()),
        "_URL=");
    absl::StrAppend(&lines, name, url, "\n");
    absl::StrAppend(&export_lines, "export ", name, "'", url, "'\n");
    const std::string password = url.substr(url.find('@') - 32, 32);
    for (const Outcome& outcome : {up, status}) {
      EXPECT_THAT(outcome.output, Not(HasSubstr(password)));
      EXPECT_THAT(outcome.output, HasSubstr("***"));
    }
    EXPECT_EQ(ProcessStartTicks(server["pid"]), server["start_ticks"]);
  }
  EXPECT_EQ(ReadText(env_file),
            absl::StrCat("# opsbench servers up [new file]: ", state_.string(),
                         "\n", lines, "# opsbench servers up: end\n"));
  EXPECT_EQ(exported.output, export_lines);
  EXPECT_EQ(State(), noted) << "a second `up` has changed something";

  const json report = Status();
  EXPECT_EQ(report["up"], true);
  for (const json& server : report["servers"]) {
    EXPECT_EQ(server["running"], true);
    EXPECT_GT(server["resident_bytes"], 1 << 20);
  }

  EXPECT_EQ(Run("down").exit_code, 0);
  EXPECT_EQ(ProcessStartTicks(noted["keeper_pid"]), 0);
  for (const json& server : noted["servers"]) {
    EXPECT_EQ(ProcessStartTicks(server["pid"]), 0);
  }
  EXPECT_TRUE(fs::is_empty(data_));
  EXPECT_FALSE(fs::exists(state_));
  EXPECT_FALSE(fs::exists(env_file));
  EXPECT_EQ(Status()["up"], false);
  EXPECT_EQ(Run("down").exit_code, 0);
}

TEST_F(ServersTest, AKilledKeeperTakesItsServersAlong) {
  ASSERT_EQ(Up("").exit_code, 0);
  const json noted = State();
  std::vector<std::unique_ptr<Watched>> servers;
  for (const json& server : noted["servers"]) {
    servers.push_back(std::make_unique<Watched>(server["pid"]));
  }
  ASSERT_EQ(servers.size(), 3);
  ASSERT_EQ(kill(noted["keeper_pid"], SIGKILL), 0);
  for (const auto& server : servers) {
    EXPECT_TRUE(server->EndsWithin(kEndTimeoutMs));
  }
  EXPECT_EQ(Status()["up"], false);
  // The next `up` does not take the leftovers of the last for servers.
  ASSERT_EQ(Up("--engines redis").exit_code, 0);
  EXPECT_NE(State()["keeper_pid"], noted["keeper_pid"]);
  ASSERT_EQ(State()["servers"].size(), 1);
  int folders = 0;
  for (const auto& entry : fs::directory_iterator(data_)) {
    EXPECT_THAT(entry.path().filename().string(), HasSubstr("redis"));
    ++folders;
  }
  EXPECT_EQ(folders, 1);
}

TEST_F(ServersTest, AServerThatHasEndedShows) {
  ASSERT_EQ(Up("--engines redis").exit_code, 0);
  const pid_t pid = State()["servers"][0]["pid"];
  const Watched server(pid);
  ASSERT_EQ(kill(pid, SIGKILL), 0);
  ASSERT_TRUE(server.EndsWithin(kEndTimeoutMs));
  const Outcome status = Run("status");
  EXPECT_EQ(status.exit_code, 1);
  EXPECT_THAT(status.output, HasSubstr("ended"));
  EXPECT_EQ(Up("").exit_code, 2);
  EXPECT_EQ(Up("--engines redis --fresh").exit_code, 0);
  EXPECT_EQ(Run("status").exit_code, 0);
}

TEST_F(ServersTest, TwoCommandsAtOnceStartOneSet) {
  const std::string command = absl::StrCat(
      "'", OPSBENCH_CLI,
      "' servers up --engines redis --export --parent-folder '", data_.string(),
      "' --state-file '", state_.string(), "' 2>/dev/null");
  FILE* first = popen(command.c_str(), "re");
  FILE* second = popen(command.c_str(), "re");
  ASSERT_NE(first, nullptr);
  ASSERT_NE(second, nullptr);
  char first_line[512] = "";
  char second_line[512] = "";
  EXPECT_NE(fgets(first_line, sizeof(first_line), first), nullptr);
  EXPECT_NE(fgets(second_line, sizeof(second_line), second), nullptr);
  EXPECT_EQ(pclose(first), 0);
  EXPECT_EQ(pclose(second), 0);
  EXPECT_THAT(first_line, HasSubstr("export OPSBENCH_REDIS_URL='redis://"));
  EXPECT_STREQ(first_line, second_line);
}

TEST_F(ServersTest, WhatIsUpMustServeTheRequest) {
  ASSERT_EQ(Up("--engines redis --durable").exit_code, 0);
  EXPECT_EQ(Up("").exit_code, 0);
  const Outcome more = Up("--engines redis,mysql");
  EXPECT_EQ(more.exit_code, 2);
  EXPECT_THAT(more.errors, HasSubstr("no mysql"));
  ASSERT_EQ(Up("--engines redis --fresh").exit_code, 0);
  EXPECT_EQ(Up("--durable").exit_code, 2);
}

// The pid in a stale state file may by now be anybody's.
TEST_F(ServersTest, DownSparesAProcessThatHasOnlyThePid) {
  ASSERT_EQ(Up("--engines redis").exit_code, 0);
  json forged = State();
  ASSERT_EQ(Run("down").exit_code, 0);
  const pid_t bystander = fork();
  if (bystander == 0) {
    for (;;) pause();
  }
  forged["keeper_pid"] = bystander;
  forged["servers"][0]["pid"] = bystander;
  forged["servers"][0]["supervisor_pid"] = bystander;
  std::ofstream(state_) << forged;
  const Outcome down = Run("down");
  EXPECT_EQ(down.exit_code, 0);
  EXPECT_THAT(down.output, HasSubstr("No servers were up"));
  EXPECT_FALSE(fs::exists(state_));
  EXPECT_NE(ProcessStartTicks(bystander), 0);
  kill(bystander, SIGKILL);
  waitpid(bystander, nullptr, 0);
}

TEST_F(ServersTest, RefusesWhatItCannotDo) {
  const Outcome sqlite = Up("--engines sqlite");
  EXPECT_EQ(sqlite.exit_code, 2);
  EXPECT_THAT(sqlite.errors, HasSubstr("sqlite"));
  const Outcome unknown = Up("--engines oracle");
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.errors, HasSubstr("oracle"));
  EXPECT_FALSE(fs::exists(state_));
  EXPECT_TRUE(fs::is_empty(data_));
}

TEST_F(ServersTest, SaysWhenTheStateFileIsNotOurs) {
  fs::create_directories(state_.parent_path());
  for (const char* text : {"", "{", "{}", "{\"schema_version\": 99}"}) {
    std::ofstream(state_) << text;
    const Outcome status = Run("status");
    EXPECT_EQ(status.exit_code, 2) << text;
    EXPECT_THAT(status.errors, HasSubstr(state_.string()));
  }
  fs::remove(state_);
}

}  // namespace
}  // namespace opsbench
