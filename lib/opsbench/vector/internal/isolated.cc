#include "opsbench/vector/internal/isolated.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace opsbench::vector::internal {
namespace {

[[noreturn]] void BeChild(int seconds, int output,
                          const std::function<void(int)>& work) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The parent's handlers are not meant for this process.
  for (const int number : {SIGINT, SIGTERM, SIGSEGV, SIGABRT, SIGBUS, SIGFPE}) {
    signal(number, SIG_DFL);
  }
  const rlimit time = {static_cast<rlim_t>(seconds),
                       static_cast<rlim_t>(seconds)};
  setrlimit(RLIMIT_CPU, &time);
  const rlimit no_core = {0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  try {
    work(output);
  } catch (...) {
    _exit(1);
  }
  _exit(0);
}

absl::StatusOr<std::string> ReadAll(int file) {
  struct stat info;
  if (fstat(file, &info) != 0) return absl::ErrnoToStatus(errno, "fstat");
  std::string bytes(static_cast<size_t>(info.st_size), '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = pread(file, bytes.data() + done, bytes.size() - done,
                            static_cast<off_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return absl::ErrnoToStatus(errno, "pread");
    done += static_cast<size_t>(n);
  }
  return bytes;
}

}  // namespace

absl::StatusOr<std::string> RunIsolated(int seconds,
                                        const std::function<void(int)>& work) {
  const int output = memfd_create("opsbench", MFD_CLOEXEC);
  if (output < 0) {
    return absl::ResourceExhaustedError("no memory for a child's output");
  }
  const auto closer = absl::MakeCleanup([output] { close(output); });
  const pid_t child = fork();
  if (child < 0) return absl::ResourceExhaustedError("no process to be had");
  if (child == 0) BeChild(seconds, output, work);
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return absl::ErrnoToStatus(errno, "waitpid");
  }
  if (WIFSIGNALED(status) &&
      (WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL)) {
    return absl::AbortedError(absl::StrCat("not done in ", seconds, " s"));
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return absl::AbortedError("crashed");
  }
  return ReadAll(output);
}

}  // namespace opsbench::vector::internal
