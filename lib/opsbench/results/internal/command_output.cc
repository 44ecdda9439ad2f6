#include "opsbench/results/internal/command_output.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace opsbench::results::internal {
namespace {

std::vector<char*> EnvironmentWithoutRepository() {
  std::vector<char*> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    bool passed_on = true;
    for (const char* name : {"GIT_DIR=", "GIT_WORK_TREE=", "GIT_INDEX_FILE=",
                             "GIT_COMMON_DIR=", "GIT_PREFIX="}) {
      passed_on = passed_on && !absl::StartsWith(*variable, name);
    }
    if (passed_on) variables.push_back(*variable);
  }
  variables.push_back(nullptr);
  return variables;
}

std::string ReadToEnd(int file) {
  std::string text;
  char buffer[4096];
  for (;;) {
    const ssize_t count = read(file, buffer, sizeof buffer);
    if (count > 0) {
      text.append(buffer, static_cast<size_t>(count));
    } else if (count == 0 || errno != EINTR) {
      return text;
    }
  }
}

}  // namespace

absl::StatusOr<std::string> CommandOutput(
    const std::vector<std::string>& arguments) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "pipe");
  absl::Cleanup close_read_end = [&ends] { (void)close(ends[0]); };

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null",
                                   O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null",
                                   O_WRONLY, 0);
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (const std::string& argument : arguments) {
    argv.push_back(const_cast<char*>(argument.c_str()));
  }
  argv.push_back(nullptr);
  std::vector<char*> variables = EnvironmentWithoutRepository();
  pid_t child = 0;
  const int error = posix_spawnp(&child, argv[0], &actions, nullptr,
                                 argv.data(), variables.data());
  posix_spawn_file_actions_destroy(&actions);
  (void)close(ends[1]);
  if (error != 0) {
    return absl::UnavailableError(absl::StrCat("cannot run ", arguments[0]));
  }

  std::string output = ReadToEnd(ends[0]);
  int state = 0;
  while (waitpid(child, &state, 0) < 0) {
    if (errno != EINTR) return absl::ErrnoToStatus(errno, "waitpid");
  }
  if (!WIFEXITED(state) || WEXITSTATUS(state) != 0) {
    return absl::UnavailableError(absl::StrCat(arguments[0], " failed"));
  }
  return output;
}

}  // namespace opsbench::results::internal
