#include "opsbench/server/private_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/server/internal/binaries.h"
#include "opsbench/server/internal/engine_plan.h"
#include "opsbench/server/internal/slow_disk.h"
#include "opsbench/server/internal/supervisor.h"
#include "opsbench/server/process_sampling.h"

namespace opsbench {
namespace {

namespace fs = std::filesystem;

using internal::EnginePlan;
using internal::Place;
using internal::ServerBinary;
using internal::Supervisor;
using internal::User;

// How long the server's readiness goes unasked.
constexpr absl::Duration kPollInterval = absl::Milliseconds(2);
// An orderly end writes what the caches hold.
constexpr absl::Duration kStopGrace = absl::Minutes(1);
// A process that waits for a disk stops when that is done.
constexpr absl::Duration kPauseTimeout = absl::Seconds(10);
constexpr absl::Duration kMaxDiskDelay = absl::Hours(1);
constexpr int kTailLines = 12;
// The longest name that a server appends to its socket folder:
// "/.s.PGSQL.65535".
constexpr size_t kLongestSocketName = 16;

absl::Status ErrnoStatus(absl::string_view what) {
  const int error = errno;
  if (error == ENOSPC || error == EDQUOT) {
    return absl::ResourceExhaustedError(
        absl::StrCat(what, ": ", std::generic_category().message(error)));
  }
  return absl::ErrnoToStatus(error, what);
}

// Whom servers run as when opsbench runs as root.
absl::optional<User> UnprivilegedUser() {
  if (geteuid() != 0) return absl::nullopt;
  // What Debian gives to nobody, should the list of users not have it.
  User user = {65534, 65534};
  passwd entry;
  passwd* found = nullptr;
  char buffer[4096];
  if (getpwnam_r("nobody", &entry, buffer, sizeof(buffer), &found) == 0 &&
      found != nullptr && found->pw_uid != 0) {
    user = {found->pw_uid, found->pw_gid};
  }
  return user;
}

// Whether `user` may pass through all folders of `path`.
bool CanReach(const fs::path& path, const absl::optional<User>& user) {
  if (!user.has_value()) return true;
  for (fs::path part = path;; part = part.parent_path()) {
    struct stat state;
    if (stat(part.c_str(), &state) != 0) return false;
    const mode_t needed = state.st_uid == user->uid   ? S_IXUSR
                          : state.st_gid == user->gid ? S_IXGRP
                                                      : S_IXOTH;
    if ((state.st_mode & needed) == 0) return false;
    if (part == part.root_path()) return true;
  }
}

absl::StatusOr<std::string> ParentFolder(const std::string& wanted,
                                         const absl::optional<User>& user) {
  const char* variable = std::getenv("TMPDIR");
  const bool from_variable =
      wanted.empty() && variable != nullptr && *variable != '\0';
  std::error_code error;
  fs::path parent = fs::absolute(!wanted.empty() ? wanted
                                 : from_variable ? variable
                                                 : "/tmp",
                                 error);
  parent = fs::canonical(parent, error);
  // A TMPDIR of root's own is as good as none.
  if (from_variable && (error || !CanReach(parent, user))) return "/tmp";
  if (error) {
    return absl::NotFoundError(absl::StrCat(
        "the folder for the server's data, ", wanted, ": ", error.message()));
  }
  if (!CanReach(parent, user)) {
    return absl::PermissionDeniedError(absl::StrCat(
        "the server runs as an unprivileged user, who cannot enter ",
        parent.string(), ": choose another folder for its data"));
  }
  return parent.string();
}

absl::StatusOr<std::string> MakeFolder(const std::string& path,
                                       const absl::optional<User>& user) {
  if (mkdir(path.c_str(), 0700) != 0 ||
      (user.has_value() && chown(path.c_str(), user->uid, user->gid) != 0)) {
    return ErrnoStatus(absl::StrCat("make ", path));
  }
  return path;
}

absl::StatusOr<std::string> MakeUniqueFolder(const std::string& parent,
                                             absl::string_view name,
                                             const absl::optional<User>& user) {
  std::string path = absl::StrCat(parent, "/opsbench-", name, "-XXXXXX");
  if (mkdtemp(path.data()) == nullptr) {
    return ErrnoStatus(absl::StrCat("make a folder in ", parent));
  }
  if (user.has_value() && chown(path.c_str(), user->uid, user->gid) != 0) {
    absl::Status status = ErrnoStatus(absl::StrCat("chown ", path));
    rmdir(path.c_str());
    return status;
  }
  return path;
}

absl::StatusOr<std::string> RandomPassword() {
  char bytes[16];
  if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes)) {
    return ErrnoStatus("getrandom");
  }
  return absl::BytesToHexString(absl::string_view(bytes, sizeof(bytes)));
}

// A free loopback port that stays ours: the kernel gives a port on which a
// socket is bound to nobody who asks for any, and yet lets a server that names
// it listen, because the socket here does not listen and both allow reuse.
class PortReservation {
 public:
  static absl::StatusOr<std::unique_ptr<PortReservation>> Make() {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return ErrnoStatus("socket");
    auto reservation = std::unique_ptr<PortReservation>(new PortReservation);
    reservation->fd_ = fd;
    const int on = 1;
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(fd, raw, sizeof(address)) != 0 ||
        getsockname(fd, raw, &size) != 0) {
      return absl::ResourceExhaustedError(
          absl::StrCat("no free port on 127.0.0.1: ",
                       std::generic_category().message(errno)));
    }
    reservation->port_ = ntohs(address.sin_port);
    return reservation;
  }
  ~PortReservation() { close(fd_); }
  int port() const { return port_; }

 private:
  PortReservation() = default;

  int fd_ = -1;
  int port_ = 0;
};

std::string PercentEncoded(absl::string_view text) {
  std::string encoded;
  for (unsigned char c : text) {
    if (absl::ascii_isalnum(c) || absl::StrContains("/._-~", c)) {
      encoded += static_cast<char>(c);
    } else {
      absl::StrAppendFormat(&encoded, "%%%02X", c);
    }
  }
  return encoded;
}

absl::Status CheckOptions(const ServerOptions& options) {
  if (options.cache_bytes < int64_t{8} << 20) {
    return absl::InvalidArgumentError(
        absl::StrCat("a server's cache must be at least 8 MiB, got ",
                     options.cache_bytes, " bytes"));
  }
  if (options.start_timeout <= absl::ZeroDuration() ||
      options.restart_timeout <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError("a start's timeout must be above 0");
  }
  return absl::OkStatus();
}

}  // namespace

class PrivateServer::Impl {
 public:
  explicit Impl(const ServerOptions& options) : options_(options) {}
  ~Impl();

  absl::Status Start();
  absl::Status Run(absl::Duration timeout, absl::Time deadline);

  absl::Status Prepare();
  absl::StatusOr<EnginePlan> MakePlan(const ServerBinary& binary) const;
  absl::Status Launch(const ServerBinary& binary);
  bool Answers() const;
  // `status` with the log's end; ResourceExhausted when that names the cause.
  absl::Status WithLog(const absl::Status& status) const;
  std::string LogTail(int lines) const;
  void SetUrls();

  const ServerOptions options_;
  Place place_;
  EnginePlan plan_;
  std::string log_path_;
  std::string url_;
  std::string socket_url_;
  std::unique_ptr<PortReservation> port_;
  std::vector<std::string> folders_;
  std::unique_ptr<internal::SlowDisk> slow_disk_;  // If it is asked for.
  std::unique_ptr<Supervisor> supervisor_;
  internal::SharedSegment segment_;  // PostgreSQL's.
  // The server's pid while it may be sampled, else 0.
  std::atomic<pid_t> sampled_pid_{0};
  std::atomic<bool> paused_{false};
};

PrivateServer::Impl::~Impl() {
  if (supervisor_ != nullptr) {
    // It removes the folders.
    supervisor_.reset();
    segment_.Remove();
    return;
  }
  for (const std::string& folder : folders_) {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  }
}

absl::Status PrivateServer::Impl::Prepare() {
  const absl::string_view name = ServerKindName(options_.kind);
  place_.user = UnprivilegedUser();
  OPSBENCH_ASSIGN_OR_RETURN(const std::string parent,
                            ParentFolder(options_.parent_folder, place_.user));
  OPSBENCH_ASSIGN_OR_RETURN(place_.folder,
                            MakeUniqueFolder(parent, name, place_.user));
  folders_.push_back(place_.folder);
  place_.socket_folder = place_.folder;
  if (place_.folder.size() + kLongestSocketName >=
      sizeof(sockaddr_un::sun_path)) {
    OPSBENCH_ASSIGN_OR_RETURN(place_.socket_folder,
                              MakeUniqueFolder("/tmp", name, place_.user));
    folders_.push_back(place_.socket_folder);
  }
  OPSBENCH_ASSIGN_OR_RETURN(
      place_.data_folder,
      MakeFolder(absl::StrCat(place_.folder, "/data"), place_.user));
  OPSBENCH_ASSIGN_OR_RETURN(
      place_.temp_folder,
      MakeFolder(absl::StrCat(place_.folder, "/tmp"), place_.user));
  log_path_ = absl::StrCat(place_.folder, "/server.log");
  OPSBENCH_ASSIGN_OR_RETURN(port_, PortReservation::Make());
  place_.port = port_->port();
  OPSBENCH_ASSIGN_OR_RETURN(place_.password, RandomPassword());
  return absl::OkStatus();
}

absl::StatusOr<EnginePlan> PrivateServer::Impl::MakePlan(
    const ServerBinary& binary) const {
  switch (options_.kind) {
    case ServerKind::kMysql:
      return internal::PlanMysql(options_, binary, place_);
    case ServerKind::kPostgres:
      return internal::PlanPostgres(options_, binary, place_);
    case ServerKind::kRedis:
      return internal::PlanRedis(options_, binary, place_);
  }
  return absl::InvalidArgumentError("unknown kind of server");
}

void PrivateServer::Impl::SetUrls() {
  url_ = absl::StrCat(options_.kind == ServerKind::kPostgres
                          ? "postgres"
                          : ServerKindName(options_.kind),
                      "://", plan_.url_user, ":", place_.password,
                      "@127.0.0.1:", place_.port, "/", plan_.database);
  socket_url_ =
      absl::StrCat(url_, "?socket=", PercentEncoded(plan_.socket_path));
}

absl::Status PrivateServer::Impl::Launch(const ServerBinary& binary) {
  internal::SupervisorOptions launch;
  launch.initialise = plan_.initialise;
  launch.serve = plan_.serve;
  // Little and always the same: no variable of the user's changes a server.
  launch.environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C",
                        "TZ=UTC", absl::StrCat("HOME=", place_.folder),
                        absl::StrCat("TMPDIR=", place_.temp_folder)};
  const std::string libraries = binary.LibraryPath();
  if (!libraries.empty()) {
    launch.environment.push_back(absl::StrCat("LD_LIBRARY_PATH=", libraries));
  }
  if (options_.delayable_disk) {
    OPSBENCH_ASSIGN_OR_RETURN(slow_disk_, internal::SlowDisk::Make(place_));
    for (std::string& variable : internal::SlowDisk::Environment()) {
      launch.environment.push_back(std::move(variable));
    }
  }
  launch.working_folder = place_.folder;
  launch.log_path = log_path_;
  launch.user = place_.user;
  launch.stop_signal = plan_.stop_signal;
  launch.discard_signal = plan_.discard_signal;
  launch.folders = folders_;
  OPSBENCH_ASSIGN_OR_RETURN(supervisor_, Supervisor::Launch(launch));
  return absl::OkStatus();
}

absl::Status PrivateServer::Impl::Start() {
  const absl::Time deadline = absl::Now() + options_.start_timeout;
  OPSBENCH_RETURN_IF_ERROR(CheckOptions(options_));
  OPSBENCH_ASSIGN_OR_RETURN(
      const ServerBinary binary,
      internal::FindServer(options_.kind,
                           internal::SearchPlaces::OfThisProcess()));
  OPSBENCH_RETURN_IF_ERROR(Prepare());
  OPSBENCH_ASSIGN_OR_RETURN(plan_, MakePlan(binary));
  SetUrls();
  OPSBENCH_RETURN_IF_ERROR(Launch(binary));
  const absl::Status initialised = supervisor_->Initialise(deadline);
  if (!initialised.ok()) return WithLog(initialised);
  for (const std::string& file : plan_.secret_files) unlink(file.c_str());
  return Run(options_.start_timeout, deadline);
}

absl::Status PrivateServer::Impl::Run(absl::Duration timeout,
                                      absl::Time deadline) {
  if (slow_disk_ != nullptr) slow_disk_->control().loaded = 0;
  OPSBENCH_RETURN_IF_ERROR(supervisor_->Run());
  sampled_pid_.store(supervisor_->pid());
  while (!Answers()) {
    if (supervisor_->WaitForEnd(kPollInterval)) {
      return WithLog(absl::InternalError("it ended before it answered"));
    }
    if (absl::Now() > deadline) {
      return WithLog(absl::DeadlineExceededError(absl::StrCat(
          "it did not answer within ", absl::FormatDuration(timeout))));
    }
  }
  if (slow_disk_ != nullptr && slow_disk_->control().loaded == 0) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the disk cannot be slowed down: the server did not load the library "
        "for that from ",
        place_.folder,
        ", whose file system may be mounted noexec; choose another folder for "
        "its data"));
  }
  if (options_.kind == ServerKind::kPostgres) {
    segment_ = internal::PostgresSegment(place_, supervisor_->pid());
  }
  return absl::OkStatus();
}

bool PrivateServer::Impl::Answers() const {
  switch (options_.kind) {
    case ServerKind::kMysql:
      return internal::MysqlAnswers(place_, plan_);
    case ServerKind::kPostgres:
      return internal::PostgresAnswers(place_, supervisor_->pid());
    case ServerKind::kRedis:
      return internal::RedisAnswers(place_, plan_);
  }
  return false;
}

absl::Status PrivateServer::Impl::WithLog(const absl::Status& status) const {
  const std::string tail = LogTail(kTailLines);
  // As the engines put it; MariaDB leaves it at the number.
  const bool disk_full = absl::StrContains(tail, "No space left on device") ||
                         absl::StrContains(tail, "Check free disk space") ||
                         absl::StrContains(tail, "failed with error 28");
  return absl::Status(
      disk_full ? absl::StatusCode::kResourceExhausted : status.code(),
      absl::StrCat("cannot start ", plan_.description, ": ", status.message(),
                   "; the end of its log:\n", tail));
}

std::string PrivateServer::Impl::LogTail(int lines) const {
  std::ifstream file(log_path_);
  std::deque<std::string> tail;
  for (std::string line; std::getline(file, line);) {
    tail.push_back(std::move(line));
    if (tail.size() > static_cast<size_t>(std::max(0, lines))) {
      tail.pop_front();
    }
  }
  return absl::StrJoin(tail, "\n");
}

absl::string_view ServerKindName(ServerKind kind) {
  switch (kind) {
    case ServerKind::kMysql:
      return "mysql";
    case ServerKind::kPostgres:
      return "postgres";
    case ServerKind::kRedis:
      return "redis";
  }
  return "unknown";
}

absl::StatusOr<std::string> FindServerBinary(ServerKind kind) {
  OPSBENCH_ASSIGN_OR_RETURN(
      const ServerBinary binary,
      internal::FindServer(kind, internal::SearchPlaces::OfThisProcess()));
  return binary.path;
}

PrivateServer::PrivateServer(std::unique_ptr<Impl> impl)
    : impl_(std::move(impl)) {}

PrivateServer::~PrivateServer() = default;

absl::StatusOr<std::unique_ptr<PrivateServer>> PrivateServer::Start(
    const ServerOptions& options) {
  auto impl = std::make_unique<Impl>(options);
  OPSBENCH_RETURN_IF_ERROR(impl->Start());
  return std::unique_ptr<PrivateServer>(new PrivateServer(std::move(impl)));
}

ServerKind PrivateServer::kind() const { return impl_->options_.kind; }
const std::string& PrivateServer::url() const { return impl_->url_; }
const std::string& PrivateServer::socket_url() const {
  return impl_->socket_url_;
}
int PrivateServer::port() const { return impl_->place_.port; }
const std::string& PrivateServer::data_folder() const {
  return impl_->place_.data_folder;
}
const std::string& PrivateServer::log_path() const { return impl_->log_path_; }
pid_t PrivateServer::pid() const { return impl_->supervisor_->pid(); }
pid_t PrivateServer::supervisor_pid() const {
  return impl_->supervisor_->supervisor_pid();
}
const std::string& PrivateServer::description() const {
  return impl_->plan_.description;
}
const std::map<std::string, std::string>& PrivateServer::settings() const {
  return impl_->plan_.settings;
}
bool PrivateServer::running() const { return impl_->supervisor_->running(); }

absl::StatusOr<ServerSample> PrivateServer::Sample() const {
  const pid_t pid = impl_->sampled_pid_.load();
  if (pid == 0) return absl::FailedPreconditionError("the server has ended");
  OPSBENCH_ASSIGN_OR_RETURN(ServerSample sample, SampleProcesses(pid));
  sample.disk_bytes = DiskBytes(impl_->place_.folder);
  return sample;
}

std::string PrivateServer::LogTail(int lines) const {
  return impl_->LogTail(lines);
}

absl::Status PrivateServer::Stop() {
  impl_->sampled_pid_.store(0);
  if (impl_->slow_disk_ != nullptr) impl_->slow_disk_->control().delay_us = 0;
  if (impl_->paused_.exchange(false))
    impl_->supervisor_->Resume().IgnoreError();
  return impl_->supervisor_->Stop(kStopGrace);
}

absl::Status PrivateServer::Kill() {
  impl_->sampled_pid_.store(0);
  impl_->paused_ = false;
  return impl_->supervisor_->Kill();
}

absl::Status PrivateServer::Restart() {
  if (running()) {
    return absl::FailedPreconditionError("the server runs already");
  }
  impl_->paused_ = false;
  const absl::Duration timeout = impl_->options_.restart_timeout;
  return impl_->Run(timeout, absl::Now() + timeout);
}

absl::Status PrivateServer::Pause() {
  OPSBENCH_RETURN_IF_ERROR(impl_->supervisor_->Pause(kPauseTimeout));
  impl_->paused_ = true;
  return absl::OkStatus();
}

absl::Status PrivateServer::Resume() {
  impl_->paused_ = false;
  return impl_->supervisor_->Resume();
}

bool PrivateServer::paused() const { return impl_->paused_.load(); }

absl::Status PrivateServer::SetDiskDelay(absl::Duration delay) {
  if (impl_->slow_disk_ == nullptr) {
    return absl::FailedPreconditionError(
        "the server was not started with delayable_disk");
  }
  if (delay < absl::ZeroDuration() || delay > kMaxDiskDelay) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a disk's delay is from 0 to ", absl::FormatDuration(kMaxDiskDelay),
        ", got ", absl::FormatDuration(delay)));
  }
  impl_->slow_disk_->control().delay_us =
      static_cast<uint64_t>(absl::ToInt64Microseconds(delay));
  return absl::OkStatus();
}

int64_t PrivateServer::delayed_disk_calls() const {
  return impl_->slow_disk_ == nullptr
             ? 0
             : static_cast<int64_t>(impl_->slow_disk_->control().delayed);
}

}  // namespace opsbench
