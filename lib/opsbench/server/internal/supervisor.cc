#include "opsbench/server/internal/supervisor.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <limits>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/server/internal/pausing.h"

namespace opsbench::internal {
namespace {

// The commands, and what the 32-bit number that answers each one means.
constexpr char kInitialise = 'i';  // A wait status; 0 when all went well.
constexpr char kRun = 'r';         // The server's pid; -1 when fork failed.
constexpr char kStop = 's';        // 0, at once.
constexpr char kKill = 'k';        // 0, when the server and its children ended.

// Where the supervisor keeps its descriptors.
constexpr int kControlFd = 3;
constexpr int kLogFd = 4;

// How long the server may take to end by the discard signal.
constexpr int kDiscardGraceMs = 10'000;

int OpenPidfd(pid_t pid) {
  return static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
}

// The part below runs in the child of a process that may have had several
// threads: it calls async-signal-safe functions only and allocates nothing.
// All that it needs was prepared before the fork.

struct RawProgram {
  const char* path;
  const char* input_path;
  char* const* arguments;
};

struct RawOptions {
  const RawProgram* initialise;
  size_t initialise_count;
  RawProgram serve;
  char* const* environment;
  char* const* remove_arguments;
  const char* working_folder;
  bool switch_user;
  User user;
  int stop_signal;
  int discard_signal;
};

[[noreturn]] void GiveUp(const char* what, const char* detail) {
  const char* reason = strerrordesc_np(errno);
  for (const char* part : {"opsbench: cannot ", what, " ", detail, ": ",
                           reason == nullptr ? "?" : reason, "\n"}) {
    // Nobody is left to tell when the log cannot be written.
    if (write(STDERR_FILENO, part, strlen(part)) < 0) break;
  }
  _exit(127);
}

void ResetSignals() {
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction action = {};
    action.sa_handler = SIG_DFL;
    sigaction(signal, &action, nullptr);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void ExecProgram(const RawOptions& options,
                              const RawProgram& program, pid_t supervisor) {
  dup2(kLogFd, STDOUT_FILENO);
  dup2(kLogFd, STDERR_FILENO);
  const int input = open(program.input_path, O_RDONLY | O_CLOEXEC);
  if (input < 0) GiveUp("open", program.input_path);
  dup2(input, STDIN_FILENO);
  // A process group of its own, whose only tie is the supervisor: when that
  // dies, the kernel continues the group if it was stopped, and the signal of
  // PR_SET_PDEATHSIG can act.
  setpgid(0, 0);
  if (options.switch_user) {
    if (setgroups(0, nullptr) != 0 || setgid(options.user.gid) != 0 ||
        setuid(options.user.uid) != 0) {
      GiveUp("become", "an unprivileged user");
    }
  }
  // After the change of user, which clears it.
  prctl(PR_SET_PDEATHSIG, options.discard_signal);
  if (getppid() != supervisor) _exit(127);
  umask(077);
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  limit = {0, 0};
  setrlimit(RLIMIT_CORE, &limit);
  if (chdir(options.working_folder) != 0) {
    GiveUp("enter", options.working_folder);
  }
  execve(program.path, program.arguments, options.environment);
  GiveUp("execute", program.path);
}

pid_t Spawn(const RawOptions& options, const RawProgram& program) {
  const pid_t supervisor = getpid();
  const pid_t pid = fork();
  if (pid == 0) ExecProgram(options, program, supervisor);
  return pid;
}

enum class WaitResult { kEnded, kTimeout, kAbandoned };

// Waits for a child's end, without reaping it. kAbandoned: opsbench has gone,
// which counts unless it was known before.
WaitResult WaitForChild(pid_t pid, int timeout_ms, bool abandoned) {
  const int fd = OpenPidfd(pid);
  if (fd < 0) return WaitResult::kEnded;
  pollfd polled[2] = {{fd, POLLIN, 0}, {kControlFd, POLLRDHUP, 0}};
  int result;
  do {
    result = poll(polled, abandoned ? 1 : 2, timeout_ms);
  } while (result < 0 && errno == EINTR);
  close(fd);
  if (result == 0) return WaitResult::kTimeout;
  if (polled[0].revents != 0) return WaitResult::kEnded;
  return WaitResult::kAbandoned;
}

// Appends the decimal digits of `number` at `out`, and returns their end.
char* AppendDigits(char* out, pid_t number) {
  if (number >= 10) out = AppendDigits(out, number / 10);
  *out = static_cast<char>('0' + number % 10);
  return out + 1;
}

// Calls `act` for each process in a list of children of /proc. Without that
// file (it is a kernel option) there are none.
template <typename Act>
void ForEachChild(const char* path, Act act) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  char text[4096];
  pid_t pid = 0;
  for (ssize_t size; (size = read(fd, text, sizeof(text))) > 0;) {
    for (ssize_t i = 0; i < size; ++i) {
      if (text[i] >= '0' && text[i] <= '9') {
        pid = pid * 10 + (text[i] - '0');
      } else if (pid > 0) {
        act(pid);
        pid = 0;
      }
    }
  }
  close(fd);
}

// Continues the server with its descendants, which may have been stopped.
void Continue(pid_t pid) {
  char path[64] = "/proc/";
  char* end = AppendDigits(path + strlen(path), pid);
  memcpy(end, "/task/", 6);
  end = AppendDigits(end + 6, pid);
  memcpy(end, "/children", 10);
  ForEachChild(path, Continue);
  kill(pid, SIGCONT);
}

// Kills the processes that the server left behind, which the kernel has handed
// to this process, and reaps them.
void EndOrphans() {
  for (;;) {
    // Where they are not known they are only waited for: the children of
    // PostgreSQL and Redis end when they miss their parent.
    ForEachChild("/proc/thread-self/children",
                 [](pid_t pid) { kill(pid, SIGKILL); });
    if (waitpid(-1, nullptr, 0) < 0 && errno != EINTR) return;
  }
}

// Sends `signal`, and SIGKILL when that does not do, or when opsbench goes away
// meanwhile. Returns the wait status.
int EndServer(pid_t pid, int signal, bool abandoned) {
  kill(pid, signal);
  // One that was stopped takes no other signal.
  Continue(pid);
  if (WaitForChild(pid, kDiscardGraceMs, abandoned) != WaitResult::kEnded) {
    kill(pid, SIGKILL);
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  EndOrphans();
  return status;
}

int RunInitialise(const RawOptions& options, bool* abandoned) {
  for (size_t i = 0; i < options.initialise_count; ++i) {
    const pid_t pid = Spawn(options, options.initialise[i]);
    if (pid < 0) return W_EXITCODE(127, 0);
    int status = 0;
    if (WaitForChild(pid, -1, false) == WaitResult::kAbandoned) {
      *abandoned = true;
      return EndServer(pid, SIGKILL, true);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    EndOrphans();
    if (status != 0) return status;
  }
  return 0;
}

[[noreturn]] void Supervise(const RawOptions& options) {
  pid_t server = 0;
  bool abandoned = false;
  while (!abandoned) {
    char command = 0;
    const ssize_t size = read(kControlFd, &command, 1);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    int32_t reply = 0;
    switch (command) {
      case kInitialise:
        reply = RunInitialise(options, &abandoned);
        break;
      case kRun:
        // The one before has ended and was kept for its pid.
        if (server > 0) EndServer(server, SIGKILL, false);
        server = Spawn(options, options.serve);
        reply = server;
        break;
      case kStop:
        if (server > 0) kill(server, options.stop_signal);
        break;
      case kKill:
        if (server > 0) EndServer(server, SIGKILL, false);
        server = 0;
        break;
    }
    send(kControlFd, &reply, sizeof(reply), MSG_NOSIGNAL);
  }
  if (server > 0) {
    EndServer(server, options.discard_signal, true);
  }
  execve("/bin/rm", options.remove_arguments, options.environment);
  _exit(127);
}

[[noreturn]] void BecomeSupervisor(const RawOptions& options, int control,
                                   int log) {
  setsid();
  ResetSignals();
  prctl(PR_SET_NAME, "opsbench-server");
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  // Above the places that are about to be taken.
  control = fcntl(control, F_DUPFD_CLOEXEC, kLogFd + 1);
  log = fcntl(log, F_DUPFD_CLOEXEC, kLogFd + 1);
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(null, fd);
  if (dup3(control, kControlFd, O_CLOEXEC) < 0 ||
      dup3(log, kLogFd, O_CLOEXEC) < 0) {
    _exit(127);
  }
  // The rest is opsbench's, the ends of other supervisors' pipes among them:
  // held open here, they would keep those from noticing its end.
  close_range(kLogFd + 1, ~0U, 0);
  Supervise(options);
}

// The part above runs in the child.

// The arrays of pointers that execve wants, over strings that stay where they
// are.
class PointerArray {
 public:
  explicit PointerArray(const std::vector<std::string>& strings) {
    for (const std::string& text : strings) {
      pointers_.push_back(const_cast<char*>(text.c_str()));
    }
    pointers_.push_back(nullptr);
  }
  char* const* get() const { return pointers_.data(); }

 private:
  std::vector<char*> pointers_;
};

// For poll: rounded up, -1 for ever.
int TimeoutMs(absl::Duration timeout) {
  if (timeout == absl::InfiniteDuration()) return -1;
  if (timeout <= absl::ZeroDuration()) return 0;
  return static_cast<int>(std::min<int64_t>(
      absl::ToInt64Milliseconds(absl::Ceil(timeout, absl::Milliseconds(1))),
      std::numeric_limits<int>::max()));
}

absl::Status ErrnoStatus(absl::string_view what) {
  const int error = errno;
  return absl::ErrnoToStatus(error, what);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Supervisor>> Supervisor::Launch(
    const SupervisorOptions& options) {
  std::vector<PointerArray> arguments;
  std::vector<RawProgram> programs;
  arguments.reserve(options.initialise.size() + 1);
  for (const Program& program : options.initialise) {
    arguments.emplace_back(program.arguments);
    programs.push_back({program.path.c_str(), program.input_path.c_str(),
                        arguments.back().get()});
  }
  arguments.emplace_back(options.serve.arguments);
  const PointerArray environment(options.environment);
  std::vector<std::string> remove = {"rm", "-rf", "--"};
  remove.insert(remove.end(), options.folders.begin(), options.folders.end());
  const PointerArray remove_arguments(remove);

  RawOptions raw = {};
  raw.initialise = programs.data();
  raw.initialise_count = programs.size();
  raw.serve = {options.serve.path.c_str(), options.serve.input_path.c_str(),
               arguments.back().get()};
  raw.environment = environment.get();
  raw.remove_arguments = remove_arguments.get();
  raw.working_folder = options.working_folder.c_str();
  raw.switch_user = options.user.has_value();
  if (options.user.has_value()) raw.user = *options.user;
  raw.stop_signal = options.stop_signal;
  raw.discard_signal = options.discard_signal;

  const int log = open(options.log_path.c_str(),
                       O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log < 0) return ErrnoStatus(absl::StrCat("open ", options.log_path));
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    absl::Status status = ErrnoStatus("socketpair");
    close(log);
    return status;
  }
  // No handler of this process may run in the child before it has reset them.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = fork();
  if (pid == 0) BecomeSupervisor(raw, ends[1], log);
  const int error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  close(ends[1]);
  close(log);
  if (pid < 0) {
    close(ends[0]);
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot fork: ", strerror(error)));
  }
  return std::unique_ptr<Supervisor>(
      new Supervisor(pid, ends[0], options.folders, options.discard_signal));
}

Supervisor::Supervisor(pid_t supervisor, int control,
                       std::vector<std::string> folders, int discard_signal)
    : supervisor_(supervisor),
      control_(control),
      folders_(std::move(folders)),
      discard_signal_(discard_signal) {}

Supervisor::~Supervisor() {
  close(control_);
  while (waitpid(supervisor_, nullptr, 0) < 0 && errno == EINTR) {
  }
  EndOrphan(discard_signal_);
  if (server_fd_ >= 0) close(server_fd_);
  for (const std::string& folder : folders_) {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }
}

absl::StatusOr<int> Supervisor::Command(char command, absl::Time deadline) {
  if (send(control_, &command, 1, MSG_NOSIGNAL) != 1) {
    return ErrnoStatus("the server's supervisor is gone");
  }
  pollfd polled = {control_, POLLIN, 0};
  for (;;) {
    const int result = poll(&polled, 1, TimeoutMs(deadline - absl::Now()));
    if (result > 0) break;
    if (result == 0) {
      return absl::DeadlineExceededError("the server did not start in time");
    }
    if (errno != EINTR) return ErrnoStatus("poll");
  }
  int32_t reply = 0;
  if (recv(control_, &reply, sizeof(reply), 0) != sizeof(reply)) {
    return absl::UnavailableError("the server's supervisor is gone");
  }
  return reply;
}

absl::Status Supervisor::Initialise(absl::Time deadline) {
  OPSBENCH_ASSIGN_OR_RETURN(const int status, Command(kInitialise, deadline));
  if (status == 0) return absl::OkStatus();
  return absl::InternalError(
      WIFSIGNALED(status)
          ? absl::StrCat("it was ended by signal ", WTERMSIG(status))
          : absl::StrCat("it ended with code ", WEXITSTATUS(status)));
}

absl::Status Supervisor::Run() {
  OPSBENCH_ASSIGN_OR_RETURN(const int pid,
                            Command(kRun, absl::InfiniteFuture()));
  if (pid <= 0) return absl::ResourceExhaustedError("cannot fork");
  if (server_fd_ >= 0) close(server_fd_);
  server_fd_ = OpenPidfd(pid);
  pid_.store(pid, std::memory_order_relaxed);
  if (server_fd_ < 0) return ErrnoStatus("pidfd_open");
  return absl::OkStatus();
}

bool Supervisor::WaitForEnd(absl::Duration timeout) const {
  if (server_fd_ < 0) return true;
  const absl::Time deadline = absl::Now() + timeout;
  pollfd polled = {server_fd_, POLLIN, 0};
  for (;;) {
    const int result = poll(&polled, 1, TimeoutMs(deadline - absl::Now()));
    if (result >= 0) return result > 0;
    if (errno != EINTR) return true;
  }
}

absl::Status Supervisor::Pause(absl::Duration timeout) {
  if (!running()) {
    return absl::FailedPreconditionError("the server is not running");
  }
  absl::Status stopped = StopTree(pid(), absl::Now() + timeout);
  if (!stopped.ok()) ContinueTree(pid());
  // One that ended meanwhile stands still as well.
  if (stopped.ok() && !running()) {
    return absl::FailedPreconditionError("the server has ended");
  }
  return stopped;
}

absl::Status Supervisor::Resume() {
  if (!running()) {
    return absl::FailedPreconditionError("the server is not running");
  }
  ContinueTree(pid());
  return absl::OkStatus();
}

absl::Status Supervisor::Stop(absl::Duration grace) {
  if (!running()) return absl::OkStatus();
  if (!Command(kStop, absl::InfiniteFuture()).ok()) EndOrphan(SIGTERM);
  const bool ended = WaitForEnd(grace);
  OPSBENCH_RETURN_IF_ERROR(Kill());
  if (ended) return absl::OkStatus();
  return absl::DeadlineExceededError(absl::StrCat("the server did not stop in ",
                                                  absl::FormatDuration(grace),
                                                  " and was killed"));
}

absl::Status Supervisor::Kill() {
  if (server_fd_ < 0) return absl::OkStatus();
  if (!Command(kKill, absl::InfiniteFuture()).ok()) EndOrphan(SIGKILL);
  return absl::OkStatus();
}

void Supervisor::EndOrphan(int signal) const {
  if (!running()) return;
  // By the pidfd: nobody keeps the pid of an orphan from being used again.
  syscall(SYS_pidfd_send_signal, server_fd_, signal, nullptr, 0);
  ContinueTree(pid());
  if (WaitForEnd(absl::Milliseconds(kDiscardGraceMs))) return;
  syscall(SYS_pidfd_send_signal, server_fd_, SIGKILL, nullptr, 0);
  WaitForEnd(absl::InfiniteDuration());
}

}  // namespace opsbench::internal
