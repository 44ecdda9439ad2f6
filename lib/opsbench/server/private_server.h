#ifndef OPSBENCH_SERVER_PRIVATE_SERVER_H_
#define OPSBENCH_SERVER_PRIVATE_SERVER_H_

// A database server of one's own for the length of a run: a temporary data
// folder, a free loopback port and a Unix socket, a random password. Never the
// system's service, never its data, never run as root.
//
// The server ends with the process that started it, even when that is killed:
// a supervisor process holds the read end of a pipe, and when the pipe closes
// it stops the server and removes its folder.
//
// Thread safety: Start may be called from several threads at once; a
// PrivateServer from one thread at a time; Sample(), paused(), SetDiskDelay()
// and delayed_disk_calls() from any.

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace opsbench {

enum class ServerKind { kMysql, kPostgres, kRedis };

// "mysql", "postgres", "redis".
absl::string_view ServerKindName(ServerKind kind);

struct ServerOptions {
  ServerKind kind = ServerKind::kMysql;

  // Behaviour.

  // The folder that the data folder is made in; empty: TMPDIR or /tmp.
  std::string parent_folder;

  // Survive power loss at each commit. Off is seed 000's "optimised
  // durability": the log is flushed about once a second. What Kill() then
  // loses of the commits that were acknowledged:
  //   MySQL, MariaDB  nothing: innodb_flush_log_at_trx_commit=2 hands the log
  //                   to the kernel at each commit, which outlives the process
  //   PostgreSQL      the last ones: synchronous_commit=off leaves the end of
  //                   the log in shared memory
  //   Redis           all: nothing is written
  // A control that is to lose some on both SQL engines takes these settings:
  // innodb_flush_log_at_trx_commit=0 and innodb_flush_log_at_timeout=2700;
  // synchronous_commit=off and wal_writer_delay=10000ms.
  bool durable = false;

  // The disk of the server can be made slow: see SetDiskDelay().
  bool delayable_disk = false;

  // Give up when the server does not answer by then.
  absl::Duration start_timeout = absl::Seconds(30);
  // The same for Restart(), which may have to recover first.
  absl::Duration restart_timeout = absl::Minutes(2);

  // Performance.

  // For the buffer pool or shared buffers; Redis has no such setting.
  int64_t cache_bytes = int64_t{1} << 30;

  // Further settings as the engine names them ("max_connections" -> "200"):
  // they override those chosen here.
  std::map<std::string, std::string> settings;
};

// What a server uses at one moment, its child processes included.
struct ServerSample {
  int64_t resident_bytes = 0;
  int64_t cpu_ns = 0;  // User and system time since the start.
  int64_t disk_bytes = 0;
  int threads = 0;
};

// The server binaries of a kind, found on PATH and where Debian keeps them
// (and below OPSBENCH_ENGINES, where the bootstrap unpacks engines).
// NotFound names the package to install.
absl::StatusOr<std::string> FindServerBinary(ServerKind kind);

class PrivateServer {
 public:
  // Starts a server and returns when it answers.
  //
  // NotFound: no binary, with the package that has it. ResourceExhausted: no
  // free port, no space. DeadlineExceeded, Internal: it did not come up; the
  // message ends with the last lines of its log.
  static absl::StatusOr<std::unique_ptr<PrivateServer>> Start(
      const ServerOptions& options);

  // Stops the server and removes its folder.
  ~PrivateServer();
  PrivateServer(const PrivateServer&) = delete;
  PrivateServer& operator=(const PrivateServer&) = delete;

  ServerKind kind() const;
  // URLs with the password, for connecting over TCP and the Unix socket. The
  // database is "opsbench", which exists.
  const std::string& url() const;
  const std::string& socket_url() const;
  int port() const;
  const std::string& data_folder() const;
  const std::string& log_path() const;
  // Of the server's main process; of the last one after Kill().
  pid_t pid() const;
  // Of the process that ends the server and then removes its folder.
  pid_t supervisor_pid() const;
  // "mariadbd 10.11.19", "postgres 15.18".
  const std::string& description() const;
  // The settings it was started with.
  const std::map<std::string, std::string>& settings() const;

  // Whether the main process runs.
  bool running() const;
  absl::StatusOr<ServerSample> Sample() const;
  // The end of the server's log.
  std::string LogTail(int lines) const;

  // Orderly end; idempotent. It resumes a paused server, and sets the disk's
  // delay to 0: what the caches hold is written at full speed.
  absl::Status Stop();
  // SIGKILL to all of its processes, as a crash would end it.
  absl::Status Kill();
  // Starts it again on its data, port, password and settings, with the disk's
  // delay as it is, and waits until it answers. FailedPrecondition: it runs.
  absl::Status Restart();

  // SIGSTOP to all of its processes, as a machine that hangs would stop it:
  // connections stay open, and nobody answers. Returns when all stand still;
  // idempotent. FailedPrecondition: it is not running. DeadlineExceeded: one
  // did not stop within 10 s, and all run again.
  absl::Status Pause();
  // SIGCONT to all of them; idempotent.
  absl::Status Resume();
  // Whether Pause() was the last to be called of Pause, Resume, Stop, Kill and
  // Restart. A paused server counts as running().
  bool paused() const;

  // Makes each fsync, fdatasync, syncfs, sync_file_range and msync of the
  // server take `delay` longer, from now on; 0 ends waits that have begun as
  // well. What goes past the C library (io_uring) is not delayed.
  // FailedPrecondition: without `delayable_disk`. InvalidArgument: below 0 or
  // above 1 h.
  absl::Status SetDiskDelay(absl::Duration delay);
  // How many calls were delayed so far.
  int64_t delayed_disk_calls() const;

 private:
  class Impl;
  explicit PrivateServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace opsbench

#endif  // OPSBENCH_SERVER_PRIVATE_SERVER_H_
