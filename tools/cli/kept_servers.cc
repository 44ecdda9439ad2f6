#include "kept_servers.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <fstream>
#include <memory>
#include <sstream>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "env_file.h"
#include "nlohmann/json.hpp"
#include "opsbench/base/status_macros.h"
#include "opsbench/results/atomic_file.h"
#include "opsbench/server/private_server.h"
#include "opsbench/server/process_sampling.h"

namespace opsbench::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int kSchemaVersion = 1;
// An orderly end writes what the caches hold.
constexpr absl::Duration kKeeperGrace = absl::Minutes(1);
constexpr absl::Duration kKillGrace = absl::Seconds(20);
// How often a keeper looks whether its state file still names it.
constexpr int kStateCheckSeconds = 10;
// Where the keeper has the pipe on which the command waits.
constexpr int kReportFd = 3;

json ToJson(const KeptServers& kept) {
  json servers = json::array();
  for (const KeptServer& server : kept.servers) {
    servers.push_back(
        {{"engine", EngineName(server.engine)},
         {"description", server.description},
         {"url", server.url},
         {"pid", server.process.pid},
         {"start_ticks", server.process.start_ticks},
         {"supervisor_pid", server.supervisor.pid},
         {"supervisor_start_ticks", server.supervisor.start_ticks},
         {"started_s", absl::ToUnixSeconds(server.started)}});
  }
  return {{"schema_version", kSchemaVersion},
          {"keeper_pid", kept.keeper.pid},
          {"keeper_start_ticks", kept.keeper.start_ticks},
          {"durable", kept.durable},
          {"env_file", kept.env_file},
          {"parent_folder", kept.parent_folder},
          {"servers", servers}};
}

absl::StatusOr<KeptServers> FromJson(const json& text) {
  // The library throws on a missing or ill-typed member.
  try {
    if (text.at("schema_version").get<int>() != kSchemaVersion) {
      return absl::InvalidArgumentError("is of another version of opsbench");
    }
    KeptServers kept;
    kept.keeper = {text.at("keeper_pid").get<pid_t>(),
                   text.at("keeper_start_ticks").get<int64_t>()};
    kept.durable = text.at("durable").get<bool>();
    kept.env_file = text.at("env_file").get<std::string>();
    kept.parent_folder = text.value("parent_folder", "");
    for (const json& entry : text.at("servers")) {
      KeptServer server;
      OPSBENCH_ASSIGN_OR_RETURN(
          server.engine, ParseEngine(entry.at("engine").get<std::string>()));
      server.description = entry.at("description").get<std::string>();
      server.url = entry.at("url").get<std::string>();
      server.process = {entry.at("pid").get<pid_t>(),
                        entry.at("start_ticks").get<int64_t>()};
      server.supervisor = {entry.at("supervisor_pid").get<pid_t>(),
                           entry.at("supervisor_start_ticks").get<int64_t>()};
      server.started =
          absl::FromUnixSeconds(entry.at("started_s").get<int64_t>());
      kept.servers.push_back(std::move(server));
    }
    return kept;
  } catch (const json::exception& error) {
    return absl::InvalidArgumentError(error.what());
  }
}

EnvBlock EnvBlockOf(const KeptServers& kept, const fs::path& state_file) {
  EnvBlock block = {state_file.string(), {}};
  for (const KeptServer& server : kept.servers) {
    block.variables[UrlVariable(server.engine)] = server.url;
  }
  return block;
}

// Only the user may read either, for the passwords in them. The state comes
// first: what it names is removed by the next command, whatever happens here.
absl::Status WriteFiles(const KeptServers& kept, const fs::path& state_file) {
  OPSBENCH_RETURN_IF_ERROR(results::WriteFileAtomically(
      state_file.string(), ToJson(kept).dump(2) + "\n", 0600));
  return WriteEnvFile(kept, state_file);
}

absl::Status RemoveFiles(const KeptServers& kept, const fs::path& state_file) {
  absl::Status status = absl::OkStatus();
  if (!kept.env_file.empty()) {
    status = RemoveEnvBlock(kept.env_file, EnvBlockOf(kept, state_file));
  }
  unlink(state_file.c_str());
  return status;
}

bool NamesThisKeeper(const fs::path& state_file, const ProcessId& keeper) {
  const auto state = ReadState(state_file);
  return state.ok() && state->has_value() &&
         (*state)->keeper.pid == keeper.pid &&
         (*state)->keeper.start_ticks == keeper.start_ticks;
}

ServerKind KindOf(Engine engine) {
  if (engine == Engine::kPostgres) return ServerKind::kPostgres;
  if (engine == Engine::kRedis) return ServerKind::kRedis;
  return ServerKind::kMysql;
}

using PrivateServers = std::vector<std::unique_ptr<PrivateServer>>;

// All at once: the slowest alone decides how long it takes.
absl::StatusOr<PrivateServers> StartServers(const KeepOptions& options) {
  std::vector<absl::StatusOr<std::unique_ptr<PrivateServer>>> started(
      options.engines.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < options.engines.size(); ++i) {
    threads.emplace_back([&options, &started, i] {
      ServerOptions server;
      server.kind = KindOf(options.engines[i]);
      server.durable = options.durable;
      server.parent_folder = options.parent_folder;
      started[i] = PrivateServer::Start(server);
    });
  }
  for (std::thread& thread : threads) thread.join();
  PrivateServers servers;
  for (auto& server : started) {
    OPSBENCH_RETURN_IF_ERROR(server.status());
    servers.push_back(*std::move(server));
  }
  return servers;
}

KeptServers Describe(const KeepOptions& options,
                     const PrivateServers& servers) {
  KeptServers kept;
  kept.keeper = ProcessId::Of(getpid());
  kept.durable = options.durable;
  kept.env_file = options.env_file;
  kept.parent_folder = options.parent_folder;
  for (size_t i = 0; i < servers.size(); ++i) {
    kept.servers.push_back(
        {options.engines[i], servers[i]->description(),
         servers[i]->socket_url(), ProcessId::Of(servers[i]->pid()),
         ProcessId::Of(servers[i]->supervisor_pid()), absl::Now()});
  }
  return kept;
}

// What the keeper tells the command that waits for it: one byte with the
// status code, then the message.
void Report(int fd, const absl::Status& status) {
  const std::string text = absl::StrCat(
      std::string(1, static_cast<char>(status.code())), status.message());
  // An error is the command's end, which closes the pipe: nobody listens.
  if (write(fd, text.data(), text.size()) < 0) return;
}

// The keeper's life, from the fork to its end.
[[noreturn]] void Keep(const KeepOptions& options, int report) {
  setsid();
  // Ctrl-C and a closed terminal are for the command; a pipe without a reader
  // shows in write().
  signal(SIGINT, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  signal(SIGPIPE, SIG_IGN);
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigprocmask(SIG_BLOCK, &stop, nullptr);
  // Whoever waits for the command's output to end must not wait for this
  // process as well.
  report = fcntl(report, F_DUPFD_CLOEXEC, kReportFd + 1);
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(null, fd);
  dup3(report, kReportFd, O_CLOEXEC);
  close_range(kReportFd + 1, ~0U, 0);
  if (chdir("/") != 0) _exit(1);

  auto servers = StartServers(options);
  absl::Status status = servers.status();
  KeptServers kept;
  if (status.ok()) {
    kept = Describe(options, *servers);
    status = WriteFiles(kept, options.state_file);
  }
  if (!status.ok() && servers.ok()) {
    RemoveFiles(kept, options.state_file).IgnoreError();
    servers->clear();
  }
  Report(kReportFd, status);
  close(kReportFd);
  if (!status.ok()) {
    _exit(1);
  }
  const timespec interval = {kStateCheckSeconds, 0};
  while (sigtimedwait(&stop, nullptr, &interval) != SIGTERM &&
         NamesThisKeeper(options.state_file, kept.keeper)) {
  }
  // First the files: who reads them meanwhile finds no server rather than one
  // that is about to end.
  if (NamesThisKeeper(options.state_file, kept.keeper)) {
    // The command that ends this process reports what cannot be removed.
    RemoveFiles(kept, options.state_file).IgnoreError();
  }
  servers->clear();
  _exit(0);
}

}  // namespace

ProcessId ProcessId::Of(pid_t pid) { return {pid, ProcessStartTicks(pid)}; }

bool ProcessId::running() const {
  return pid > 0 && start_ticks != 0 && ProcessStartTicks(pid) == start_ticks;
}

absl::Status ProcessId::End(int signal, absl::Duration timeout) const {
  const int fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0) return absl::OkStatus();
  // Asked after the descriptor was opened: from then on it is the same process.
  if (!running()) {
    close(fd);
    return absl::OkStatus();
  }
  absl::Status status = absl::OkStatus();
  if (signal != 0 &&
      syscall(SYS_pidfd_send_signal, fd, signal, nullptr, 0) != 0 &&
      errno != ESRCH) {
    status = absl::ErrnoToStatus(errno, absl::StrCat("stop process ", pid));
  }
  const absl::Time deadline = absl::Now() + timeout;
  pollfd polled = {fd, POLLIN, 0};
  while (status.ok()) {
    const int64_t left_ms = absl::ToInt64Milliseconds(deadline - absl::Now());
    const int result =
        poll(&polled, 1, static_cast<int>(std::max<int64_t>(0, left_ms)));
    if (result > 0) break;
    if (result == 0) {
      status = absl::DeadlineExceededError(
          absl::StrCat("process ", pid, " does not end"));
    }
  }
  close(fd);
  return status;
}

absl::StatusOr<StateLock> StateLock::Take(const fs::path& state_file) {
  const fs::path folder = state_file.parent_path();
  std::error_code error;
  fs::create_directories(folder, error);
  const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("open ", folder.string()));
  }
  // Of the folder, because the file comes and goes.
  while (flock(fd, LOCK_EX) != 0) {
    if (errno == EINTR) continue;
    absl::Status status = absl::ErrnoToStatus(errno, "flock");
    close(fd);
    return status;
  }
  return StateLock(fd);
}

StateLock::StateLock(StateLock&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)) {}

StateLock::~StateLock() {
  if (fd_ >= 0) close(fd_);
}

absl::StatusOr<absl::optional<KeptServers>> ReadState(
    const fs::path& state_file) {
  std::ifstream file(state_file);
  if (!file) return absl::optional<KeptServers>();
  std::ostringstream text;
  text << file.rdbuf();
  const json document =
      json::parse(text.str(), nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded()) {
    return absl::InvalidArgumentError(absl::StrCat(
        state_file.string(), " is not a file that `servers up` wrote"));
  }
  absl::StatusOr<KeptServers> kept = FromJson(document);
  if (!kept.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(state_file.string(), ": ", kept.status().message()));
  }
  return absl::optional<KeptServers>(*std::move(kept));
}

absl::StatusOr<KeptServers> StartKeeper(const KeepOptions& options) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "pipe");
  const pid_t pid = fork();
  if (pid == 0) Keep(options, ends[1]);
  const int error = errno;
  close(ends[1]);
  if (pid < 0) {
    close(ends[0]);
    return absl::ErrnoToStatus(error, "fork");
  }
  std::string report;
  char buffer[4096];
  ssize_t size;
  while ((size = read(ends[0], buffer, sizeof(buffer))) != 0) {
    if (size > 0) report.append(buffer, size);
    if (size < 0 && errno != EINTR) break;
  }
  close(ends[0]);
  if (report.empty()) {
    return absl::InternalError("the keeper of the servers has died");
  }
  OPSBENCH_RETURN_IF_ERROR(
      absl::Status(static_cast<absl::StatusCode>(report[0]), report.substr(1)));
  OPSBENCH_ASSIGN_OR_RETURN(absl::optional<KeptServers> kept,
                            ReadState(options.state_file));
  if (!kept.has_value()) {
    return absl::InternalError(
        absl::StrCat(options.state_file.string(), " has vanished"));
  }
  return *std::move(kept);
}

absl::Status StopKeeper(const KeptServers& kept, const fs::path& state_file) {
  if (!kept.keeper.End(SIGTERM, kKeeperGrace).ok()) {
    OPSBENCH_RETURN_IF_ERROR(kept.keeper.End(SIGKILL, kKillGrace));
  }
  // After a keeper that was killed, the supervisors clean up by themselves.
  for (const KeptServer& server : kept.servers) {
    OPSBENCH_RETURN_IF_ERROR(server.process.End(0, kKillGrace));
    OPSBENCH_RETURN_IF_ERROR(server.supervisor.End(0, kKillGrace));
  }
  return RemoveFiles(kept, state_file);
}

absl::Status WriteEnvFile(const KeptServers& kept, const fs::path& state_file) {
  return kept.env_file.empty()
             ? absl::OkStatus()
             : AddEnvBlock(kept.env_file, EnvBlockOf(kept, state_file));
}

std::string UrlVariable(Engine engine) {
  return absl::StrCat("OPSBENCH_", absl::AsciiStrToUpper(EngineName(engine)),
                      "_URL");
}

}  // namespace opsbench::cli
