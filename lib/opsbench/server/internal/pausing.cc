#include "opsbench/server/internal/pausing.h"

#include <poll.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/server/process_sampling.h"

namespace opsbench::internal {
namespace {

namespace fs = std::filesystem;

constexpr int kPollMs = 1;

// Field 3 of /proc/<pid>/task/<tid>/stat (man 5 proc): whether the thread can
// run no code. One that has ended cannot either.
bool ThreadStandsStill(const fs::path& task) {
  std::ifstream file(task / "stat");
  std::string line;
  if (!std::getline(file, line)) return true;
  const size_t name_end = line.rfind(')');
  if (name_end == std::string::npos || name_end + 2 >= line.size()) return true;
  switch (line[name_end + 2]) {
    case 'T':  // Stopped.
    case 't':  // Stopped by a debugger.
    case 'X':
    case 'Z':  // Ended.
      return true;
    default:
      return false;
  }
}

bool StandsStill(pid_t pid) {
  std::error_code error;
  fs::directory_iterator task(absl::StrCat("/proc/", pid, "/task"), error);
  for (; !error && task != fs::directory_iterator(); task.increment(error)) {
    if (!ThreadStandsStill(task->path())) return false;
  }
  return true;
}

absl::Status WaitUntilStill(pid_t pid, absl::Time deadline) {
  while (!StandsStill(pid)) {
    if (absl::Now() > deadline) {
      return absl::DeadlineExceededError(
          absl::StrCat("process ", pid, " did not stop in time"));
    }
    poll(nullptr, 0, kPollMs);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status StopTree(pid_t root, absl::Time deadline) {
  std::set<pid_t> stopped;
  // From generation to generation: a process that stands still neither forks
  // nor waits for its children, so that their pids stay theirs.
  for (std::vector<pid_t> generation = {root}; !generation.empty();) {
    for (const pid_t pid : generation) kill(pid, SIGSTOP);
    for (const pid_t pid : generation) {
      OPSBENCH_RETURN_IF_ERROR(WaitUntilStill(pid, deadline));
      stopped.insert(pid);
    }
    generation.clear();
    for (const pid_t pid : ProcessTree(root)) {
      if (!stopped.contains(pid)) generation.push_back(pid);
    }
  }
  return absl::OkStatus();
}

void ContinueTree(pid_t root) {
  const std::vector<pid_t> tree = ProcessTree(root);
  for (auto pid = tree.rbegin(); pid != tree.rend(); ++pid) {
    kill(*pid, SIGCONT);
  }
}

}  // namespace opsbench::internal
