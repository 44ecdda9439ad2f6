// Redis and Valkey.

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/server/internal/engine_plan.h"

namespace opsbench::internal {
namespace {

// How long one attempt waits for an answer.
constexpr int kAnswerTimeoutMs = 100;

const std::set<std::string>& ReservedSettings() {
  static const auto* const names = new std::set<std::string>{
      "aclfile",        "bind",          "daemonize",  "dir",
      "include",        "logfile",       "pidfile",    "port",
      "protected-mode", "requirepass",   "supervised", "tls-port",
      "unixsocket",     "unixsocketperm"};
  return *names;
}

// As redis.conf quotes: double quotes and backslashes are escaped.
std::string Quoted(absl::string_view text) {
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

}  // namespace

absl::StatusOr<EnginePlan> PlanRedis(const ServerOptions& options,
                                     const ServerBinary& binary,
                                     const Place& place) {
  OPSBENCH_ASSIGN_OR_RETURN(const std::string version, VersionText(binary));
  EnginePlan plan;
  plan.description = absl::StrCat(binary.name, " ", VersionIn(version));
  plan.socket_path = absl::StrCat(place.socket_folder, "/redis.sock");
  plan.database = "0";
  plan.url_user = "default";  // redis-cli takes no URL without a user.
  std::map<std::string, std::string> chosen = {
      {"save", ""},  // No snapshots.
      {"appendonly", options.durable ? "yes" : "no"},
      {"appendfsync", options.durable ? "always" : "everysec"},
      {"maxclients", "1000"},
  };
  OPSBENCH_ASSIGN_OR_RETURN(
      plan.settings,
      MergeSettings(std::move(chosen), options.settings, ReservedSettings()));

  // A file, because a password among the arguments is for all to see.
  std::string configuration = absl::StrCat(
      "bind 127.0.0.1\nport ", place.port, "\nprotected-mode yes\n",
      "daemonize no\nunixsocket ", Quoted(plan.socket_path),
      "\nunixsocketperm 700\ndir ", Quoted(place.data_folder), "\nrequirepass ",
      place.password, "\n");
  // A value is left as it is: it may be several arguments ("900 1").
  for (const auto& [name, value] : plan.settings) {
    absl::StrAppend(&configuration, name, " ", value.empty() ? "\"\"" : value,
                    "\n");
  }
  const std::string path = absl::StrCat(place.folder, "/redis.conf");
  OPSBENCH_RETURN_IF_ERROR(place.Write(path, configuration));
  plan.serve = {binary.path, {binary.name, path}};
  return plan;
}

bool RedisAnswers(const Place& place, const EnginePlan& plan) {
  const int fd = ConnectUnixSocket(plan.socket_path);
  if (fd < 0) return false;
  const std::string request =
      absl::StrCat("AUTH ", place.password, "\r\nPING\r\n");
  std::string answer;
  bool open = send(fd, request.data(), request.size(), MSG_NOSIGNAL) ==
              static_cast<ssize_t>(request.size());
  pollfd polled = {fd, POLLIN, 0};
  // While it loads its data, it answers "-LOADING".
  while (open && !absl::StrContains(answer, "+PONG\r\n") &&
         !absl::StrContains(answer, '-')) {
    char buffer[256];
    open = poll(&polled, 1, kAnswerTimeoutMs) == 1;
    const ssize_t size = open ? recv(fd, buffer, sizeof(buffer), 0) : 0;
    open = size > 0;
    if (open) answer.append(buffer, size);
  }
  close(fd);
  return absl::StrContains(answer, "+PONG\r\n");
}

}  // namespace opsbench::internal
