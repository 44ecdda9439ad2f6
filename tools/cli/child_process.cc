#include "child_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "command.h"
#include "opsbench/base/clock.h"

namespace opsbench::cli {
namespace {

absl::Status ErrnoError(absl::string_view what) {
  return absl::ErrnoToStatus(errno, what);
}

std::vector<std::string> ChildEnvironment(const ChildOptions& options) {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string text = *variable;
    if (options.environment.count(text.substr(0, text.find('='))) == 0) {
      variables.push_back(text);
    }
  }
  for (const auto& [name, value] : options.environment) {
    variables.push_back(absl::StrCat(name, "=", value));
  }
  return variables;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// Hands over the whole lines of `*buffer` and leaves the rest in it.
void TakeLines(std::string* buffer, const ChildOptions& options) {
  size_t begin = 0;
  for (size_t end; (end = buffer->find('\n', begin)) != std::string::npos;
       begin = end + 1) {
    if (options.on_line) {
      options.on_line(absl::string_view(*buffer).substr(begin, end - begin));
    }
  }
  buffer->erase(0, begin);
}

// Reads until the child closes its output, and passes a wish to stop on.
absl::Status ReadLines(int fd, pid_t child, const ChildOptions& options) {
  std::string buffer;
  bool told = !options.passes_stop_on;
  const int64_t start_ns = MonotonicNowNs();
  for (;;) {
    if (options.timeout_ms > 0 &&
        MonotonicNowNs() - start_ns > options.timeout_ms * 1'000'000) {
      return absl::DeadlineExceededError(
          absl::StrCat(options.arguments[0], " took longer than ",
                       options.timeout_ms, " ms"));
    }
    if (stop_requested.load(std::memory_order_relaxed) && !told) {
      told = true;
      // After a Ctrl-C it has had the terminal's SIGINT; its handler takes one
      // signal of each kind as a wish, and a second as an order.
      kill(child, SIGTERM);
    }
    pollfd readable = {fd, POLLIN, 0};
    const int ready = poll(&readable, 1, 200);
    if (ready < 0 && errno != EINTR) return ErrnoError("poll");
    if (ready <= 0) continue;
    char chunk[4096];
    const ssize_t bytes = read(fd, chunk, sizeof(chunk));
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes < 0) return ErrnoError("reading the child's output");
    if (bytes == 0) break;
    buffer.append(chunk, bytes);
    TakeLines(&buffer, options);
  }
  if (!buffer.empty() && options.on_line) options.on_line(buffer);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<int> RunChild(const ChildOptions& options) {
  if (access(options.arguments[0].c_str(), X_OK) != 0) {
    return absl::NotFoundError(
        absl::StrCat("no program ", options.arguments[0],
                     ": build it, for instance by tools/opsbench"));
  }
  int log_fd = -1;
  if (!options.stderr_path.empty()) {
    log_fd = open(options.stderr_path.c_str(),
                  O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (log_fd < 0) return ErrnoError(options.stderr_path);
  }
  int output[2];
  if (pipe2(output, O_CLOEXEC) != 0) {
    if (log_fd >= 0) close(log_fd);
    return ErrnoError("pipe");
  }
  std::vector<std::string> arguments = options.arguments;
  std::vector<std::string> environment = ChildEnvironment(options);
  const std::vector<char*> argv = Pointers(arguments);
  const std::vector<char*> envp = Pointers(environment);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) _exit(126);
    dup2(output[1], STDOUT_FILENO);
    if (log_fd >= 0) dup2(log_fd, STDERR_FILENO);
    execve(argv[0], argv.data(), envp.data());
    _exit(127);
  }
  const int fork_errno = errno;
  close(output[1]);
  if (log_fd >= 0) close(log_fd);
  if (child < 0) {
    close(output[0]);
    return absl::ErrnoToStatus(fork_errno, "fork");
  }
  const absl::Status read_status = ReadLines(output[0], child, options);
  close(output[0]);
  if (!read_status.ok()) kill(child, SIGKILL);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!read_status.ok()) return read_status;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace opsbench::cli
