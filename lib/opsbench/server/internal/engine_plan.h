#ifndef OPSBENCH_SERVER_INTERNAL_ENGINE_PLAN_H_
#define OPSBENCH_SERVER_INTERNAL_ENGINE_PLAN_H_

// What differs between the engines: how one is initialised and started, and
// how it shows that it answers. Each is in a file of its own.
//
// Thread safety: all functions may be called from any thread.

#include <sys/types.h>

#include <csignal>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "opsbench/server/internal/binaries.h"
#include "opsbench/server/internal/supervisor.h"
#include "opsbench/server/private_server.h"

namespace opsbench::internal {

// The name of the user and of the database of every private server.
inline constexpr char kUserName[] = "opsbench";
inline constexpr char kDatabaseName[] = "opsbench";

// What is decided before the engine has a say.
struct Place {
  std::string folder;         // The server's own; mode 0700.
  std::string socket_folder;  // `folder`, or a short one when that is long.
  std::string data_folder;    // Below `folder`; exists, is empty.
  std::string temp_folder;    // Below `folder`; exists.
  int port = 0;
  std::string password;       // Hexadecimal digits.
  absl::optional<User> user;  // Whom the server runs as, if not the caller.

  // Writes a file that the server's user, and nobody else, can read.
  absl::Status Write(const std::string& path, absl::string_view text) const;
};

struct EnginePlan {
  std::vector<Program> initialise;
  Program serve;
  std::vector<std::string> secret_files;  // To remove after `initialise`.
  std::string socket_path;
  std::string database;  // In URLs.
  std::string url_user;
  std::string description;
  std::map<std::string, std::string> settings;
  int stop_signal = SIGTERM;
  int discard_signal = SIGKILL;
};

absl::StatusOr<EnginePlan> PlanMysql(const ServerOptions& options,
                                     const ServerBinary& binary,
                                     const Place& place);
absl::StatusOr<EnginePlan> PlanPostgres(const ServerOptions& options,
                                        const ServerBinary& binary,
                                        const Place& place);
absl::StatusOr<EnginePlan> PlanRedis(const ServerOptions& options,
                                     const ServerBinary& binary,
                                     const Place& place);

// Whether the server answers by now; `pid` is its main process.
bool MysqlAnswers(const Place& place, const EnginePlan& plan);
bool PostgresAnswers(const Place& place, pid_t pid);
bool RedisAnswers(const Place& place, const EnginePlan& plan);

// The shared memory of a running PostgreSQL, which SIGKILL leaves behind in the
// system as no crash of a machine would.
struct SharedMemory {
  std::vector<std::string> files;
  std::vector<int> segments;  // System V.

  void Remove() const;
};
SharedMemory PostgresSharedMemory(const Place& place, pid_t pid);

// `chosen` with `wanted` over it. InvalidArgument: `wanted` has a name in
// `reserved` (those are part of the contract), a malformed name, or a value of
// more than one line.
absl::StatusOr<std::map<std::string, std::string>> MergeSettings(
    std::map<std::string, std::string> chosen,
    const std::map<std::string, std::string>& wanted,
    const std::set<std::string>& reserved);

// A connection to a Unix socket, or -1.
int ConnectUnixSocket(const std::string& path);

}  // namespace opsbench::internal

#endif  // OPSBENCH_SERVER_INTERNAL_ENGINE_PLAN_H_
