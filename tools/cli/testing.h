#ifndef OPSBENCH_TOOLS_CLI_TESTING_H_
#define OPSBENCH_TOOLS_CLI_TESTING_H_

// For tests of the opsbench command: runs the real program, whose path is
// OPSBENCH_CLI.
//
// Thread safety: not thread-safe.

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace opsbench {

// Bounds the wait for an end that never comes; reached only by a failure.
inline constexpr int kEndTimeoutMs = 60'000;

struct Outcome {
  int exit_code = -1;
  std::string output;
  std::string errors;
};

inline std::string ReadText(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// A process, known for good, whose end can be waited for.
class Watched {
 public:
  explicit Watched(pid_t pid)
      : fd_(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))) {}
  ~Watched() {
    if (fd_ >= 0) close(fd_);
  }
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;

  bool EndsWithin(int timeout_ms) const {
    pollfd polled = {fd_, POLLIN, 0};
    return fd_ < 0 || poll(&polled, 1, timeout_ms) == 1;
  }

 private:
  int fd_;
};

// A folder of the test's own, which servers' users may pass through.
class TestFolder {
 public:
  TestFolder() {
    std::string folder =
        (std::filesystem::temp_directory_path() / "opsbench-test-XXXXXX")
            .string();
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    path_ = folder;
    std::filesystem::permissions(path_, std::filesystem::perms(0755));
  }
  ~TestFolder() { std::filesystem::remove_all(path_); }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// An opsbench under way, its output in files. Killed when the test is done
// with it.
class Running {
 public:
  // `variables` are NAME=value pairs for its environment; `program` is opsbench
  // or another program of the build.
  Running(const std::filesystem::path& folder,
          std::vector<std::string> arguments,
          const std::vector<std::string>& variables = {},
          const std::string& program = OPSBENCH_CLI)
      : output_(folder / "stdout"), errors_(folder / "stderr") {
    // Those of an earlier process must not be taken for its own.
    std::filesystem::remove(output_);
    std::filesystem::remove(errors_);
    arguments.insert(arguments.begin(), program);
    pid_ = fork();
    if (pid_ != 0) return;
    for (const std::string& variable : variables) {
      const size_t equals = variable.find('=');
      setenv(variable.substr(0, equals).c_str(), variable.c_str() + equals + 1,
             1);
    }
    Redirect(output_, STDOUT_FILENO);
    Redirect(errors_, STDERR_FILENO);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    execv(argv[0], argv.data());
    _exit(127);
  }
  ~Running() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  pid_t pid() const { return pid_; }
  std::string output() const { return ReadText(output_); }

  // Looks again and again whether `reached` holds; false when the process has
  // ended before.
  template <typename Condition>
  bool Until(Condition reached) const {
    const Watched watched(pid_);
    while (!reached()) {
      if (watched.EndsWithin(5)) return reached();
    }
    return true;
  }

  // Waits for its end. exit_code is 128 and the signal when one ended it.
  Outcome Wait() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
            ReadText(output_), ReadText(errors_)};
  }

 private:
  static void Redirect(const std::filesystem::path& path, int fd) {
    dup2(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), fd);
  }

  const std::filesystem::path output_;
  const std::filesystem::path errors_;
  pid_t pid_ = -1;
};

// Runs it to its end.
inline Outcome RunOpsbench(const std::filesystem::path& folder,
                           std::vector<std::string> arguments,
                           const std::vector<std::string>& variables = {},
                           const std::string& program = OPSBENCH_CLI) {
  return Running(folder, std::move(arguments), variables, program).Wait();
}

}  // namespace opsbench

#endif  // OPSBENCH_TOOLS_CLI_TESTING_H_
