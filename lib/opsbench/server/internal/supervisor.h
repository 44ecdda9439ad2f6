#ifndef OPSBENCH_SERVER_INTERNAL_SUPERVISOR_H_
#define OPSBENCH_SERVER_INTERNAL_SUPERVISOR_H_

// The process between opsbench and a server: it is the server's parent, runs
// it as an unprivileged user, ends it and removes its folders when opsbench
// goes away, however it goes.
//
// It hangs on one end of a socket pair whose other end only opsbench holds.
// Commands come over it, and its closing, which the kernel does even after
// SIGKILL, is the command to end. It leads a session of its own, so that
// Ctrl-C at the terminal reaches opsbench alone; it adopts the server's
// orphans, so that none outlives it; and it reaps the server only on command,
// so that a pid that opsbench knows is never another process's.
//
// Should the supervisor itself be killed, the kernel sends the server
// `discard_signal`, and opsbench removes the folders.
//
// Thread safety: Launch may be called from several threads; a Supervisor from
// one at a time, pid() from any.

#include <sys/types.h>

#include <atomic>
#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace opsbench::internal {

// Whom a server runs as.
struct User {
  uid_t uid = 0;
  gid_t gid = 0;
};

struct Program {
  std::string path;
  std::vector<std::string> arguments;  // argv, with argv[0].
  std::string input_path = "/dev/null";
};

struct SupervisorOptions {
  // Run once, in order, each to its end.
  std::vector<Program> initialise;
  Program serve;

  std::vector<std::string> environment;  // All of it: NAME=value.
  std::string working_folder;
  std::string log_path;          // Gets stdout and stderr of all programs.
  absl::optional<User> user;     // Absent: the caller's own.
  int stop_signal = SIGTERM;     // Asks for an orderly end.
  int discard_signal = SIGKILL;  // The quickest end that leaves nothing behind
                                 // outside of `folders`.
  std::vector<std::string> folders;  // Removed at the end.
};

class Supervisor {
 public:
  // Forks the supervisor; no program runs yet. ResourceExhausted: no process
  // or file descriptor left.
  static absl::StatusOr<std::unique_ptr<Supervisor>> Launch(
      const SupervisorOptions& options);

  // Ends the server by the discard signal, and returns when the folders are
  // gone.
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // Runs the `initialise` programs. Internal: one of them failed, the log says
  // why. DeadlineExceeded: the supervisor can only be destroyed then.
  absl::Status Initialise(absl::Time deadline);

  // Starts the server. REQUIRES: it does not run.
  absl::Status Run();

  // The server's pid, 0 before the first Run().
  pid_t pid() const { return pid_.load(std::memory_order_relaxed); }
  bool running() const { return !WaitForEnd(absl::ZeroDuration()); }
  // Waits for the server's end that long, and returns whether it has ended.
  bool WaitForEnd(absl::Duration timeout) const;

  // Stops the server and all its children, and continues them: see pausing.h.
  // A server that is stopped can be ended in all ways but Stop(), which takes
  // one that runs. FailedPrecondition: it does not run. DeadlineExceeded: one
  // did not stop; all run again.
  absl::Status Pause(absl::Duration timeout);
  absl::Status Resume();

  // Orderly end; after `grace`, SIGKILL and DeadlineExceeded.
  absl::Status Stop(absl::Duration grace);
  // SIGKILL to the server and all its children.
  absl::Status Kill();

  // Of the supervisor process.
  pid_t supervisor_pid() const { return supervisor_; }

 private:
  Supervisor(pid_t supervisor, int control, std::vector<std::string> folders,
             int discard_signal);

  // Sends a command and returns its answer.
  absl::StatusOr<int> Command(char command, absl::Time deadline);
  // Ends the server when its supervisor is gone.
  void EndOrphan(int signal) const;

  pid_t supervisor_;
  int control_;
  std::vector<std::string> folders_;
  int discard_signal_;
  std::atomic<pid_t> pid_{0};
  int server_fd_ = -1;  // pidfd of the server.
};

}  // namespace opsbench::internal

#endif  // OPSBENCH_SERVER_INTERNAL_SUPERVISOR_H_
