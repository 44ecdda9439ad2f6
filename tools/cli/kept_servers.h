#ifndef OPSBENCH_TOOLS_CLI_KEPT_SERVERS_H_
#define OPSBENCH_TOOLS_CLI_KEPT_SERVERS_H_

// Private servers that outlive the command which started them: a keeper
// process owns them, and a state file says where they are.
//
// The keeper ends, and its servers with it, on SIGTERM, or when the state file
// no longer names it (somebody has removed the folder). When it is killed, the
// servers' supervisors end them.
//
// Thread safety: for the main thread of a process that has no other.

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "opsbench/db/url.h"

namespace opsbench::cli {

// A process that is known by more than its pid, so that another one that has
// got the pid since is never taken for it.
struct ProcessId {
  pid_t pid = 0;
  int64_t start_ticks = 0;

  static ProcessId Of(pid_t pid);
  bool running() const;
  // Sends `signal` (0: none) and waits until it has ended. DeadlineExceeded:
  // it has not.
  absl::Status End(int signal, absl::Duration timeout) const;
};

struct KeptServer {
  Engine engine = Engine::kMysql;
  std::string description;  // "mariadbd 10.11.19".
  std::string url;          // With the password.
  ProcessId process;
  ProcessId supervisor;  // Ends when the server's folder is gone.
  absl::Time started;
};

struct KeptServers {
  ProcessId keeper;
  bool durable = false;
  std::string env_file;       // Empty: none was asked for.
  std::string parent_folder;  // Empty: the usual one.
  std::vector<KeptServer> servers;
};

struct KeepOptions {
  std::vector<Engine> engines;
  bool durable = false;
  std::string parent_folder;
  std::filesystem::path state_file;
  // Gets OPSBENCH_<ENGINE>_URL=… lines as well; empty: none.
  std::string env_file;
};

// Held for as long as a command reads and changes the state, so that two do not
// start the servers twice.
class StateLock {
 public:
  // Makes the state file's folder when it is missing, and waits for the lock.
  static absl::StatusOr<StateLock> Take(
      const std::filesystem::path& state_file);
  StateLock(StateLock&& other) noexcept;
  StateLock& operator=(StateLock&&) = delete;
  ~StateLock();

 private:
  explicit StateLock(int fd) : fd_(fd) {}

  int fd_;
};

// Absent when there is no such file. InvalidArgument: it is not one of ours.
absl::StatusOr<absl::optional<KeptServers>> ReadState(
    const std::filesystem::path& state_file);

// Starts a keeper and returns when all its servers answer; on an error, none
// is left. The error of the first engine that did not start.
absl::StatusOr<KeptServers> StartKeeper(const KeepOptions& options);

// Ends the keeper and its servers and removes the files; returns when all are
// gone.
absl::Status StopKeeper(const KeptServers& kept,
                        const std::filesystem::path& state_file);

// Adds the servers' variables to kept.env_file, if there is one: env_file.h.
absl::Status WriteEnvFile(const KeptServers& kept,
                          const std::filesystem::path& state_file);

// "OPSBENCH_MYSQL_URL".
std::string UrlVariable(Engine engine);

}  // namespace opsbench::cli

#endif  // OPSBENCH_TOOLS_CLI_KEPT_SERVERS_H_
