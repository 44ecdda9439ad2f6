// What these tests are afraid of: a server or a folder that is left behind, a
// server that others can reach, and an error that does not say its cause.

#include "opsbench/server/private_server.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/server/testing_server.h"

namespace opsbench {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

struct Listener {
  std::string address;  // As /proc/net/tcp has it: hexadecimal.
  int port = 0;
};

// The listening TCP sockets of a process, of both families.
std::vector<Listener> ListenersOf(pid_t pid) {
  std::set<std::string> inodes;
  for (const auto& entry :
       fs::directory_iterator(absl::StrCat("/proc/", pid, "/fd"))) {
    std::error_code error;
    const std::string target = fs::read_symlink(entry.path(), error).string();
    if (absl::StartsWith(target, "socket:[")) {
      inodes.insert(target.substr(8, target.size() - 9));
    }
  }
  std::vector<Listener> listeners;
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream file(table);
    std::string line;
    std::getline(file, line);
    while (std::getline(file, line)) {
      const std::vector<std::string> fields =
          absl::StrSplit(line, ' ', absl::SkipEmpty());
      if (fields.size() < 10 || fields[3] != "0A") continue;
      if (!inodes.contains(fields[9])) continue;
      const std::vector<std::string> parts = absl::StrSplit(fields[1], ':');
      listeners.push_back({parts[0], std::stoi(parts[1], nullptr, 16)});
    }
  }
  return listeners;
}

class PrivateServerTest : public ::testing::TestWithParam<ServerKind> {};

INSTANTIATE_TEST_SUITE_P(Kinds, PrivateServerTest,
                         ::testing::Values(ServerKind::kMysql,
                                           ServerKind::kPostgres,
                                           ServerKind::kRedis),
                         [](const auto& kind) {
                           return std::string(ServerKindName(kind.param));
                         });

TEST_P(PrivateServerTest, RunsUnprivilegedOnLoopbackAndLeavesNothing) {
  const TempFolder parent("data");
  ServerOptions options = Options(GetParam());
  options.parent_folder = parent.path().string();
  auto server = MustStart(options);
  ASSERT_NE(server, nullptr);
  EXPECT_TRUE(server->running());
  EXPECT_EQ(server->kind(), GetParam());
  EXPECT_THAT(server->description(), ::testing::MatchesRegex(".* [0-9.]+"));
  EXPECT_THAT(server->url(),
              HasSubstr(absl::StrCat("@127.0.0.1:", server->port(), "/")));
  EXPECT_THAT(server->socket_url(), HasSubstr("?socket=/"));
  EXPECT_FALSE(server->settings().empty());

  // Real, effective, saved and file system user.
  std::istringstream users(StatusField(server->pid(), "Uid"));
  int count = 0;
  for (int uid; users >> uid; ++count) EXPECT_NE(uid, 0);
  EXPECT_EQ(count, 4);

  const std::vector<Listener> listeners = ListenersOf(server->pid());
  ASSERT_EQ(listeners.size(), 1);
  EXPECT_EQ(listeners[0].address, "0100007F");
  EXPECT_EQ(listeners[0].port, server->port());

  const fs::path folder = FolderOf(*server);
  EXPECT_EQ(folder.parent_path(), parent.path());
  struct stat state;
  ASSERT_EQ(stat(folder.c_str(), &state), 0);
  EXPECT_EQ(state.st_mode & 0777, 0700);

  auto sample = server->Sample();
  ASSERT_TRUE(sample.ok()) << sample.status();
  EXPECT_GT(sample->resident_bytes, 1 << 20);
  EXPECT_GT(sample->threads, 0);
  EXPECT_GT(sample->disk_bytes, 0);
  EXPECT_LT(sample->disk_bytes, 150 << 20) << "rude to the disk";

  const Watched process(server->pid());
  ASSERT_TRUE(process.valid());
  EXPECT_TRUE(server->Stop().ok());
  EXPECT_FALSE(server->running());
  EXPECT_TRUE(server->Stop().ok());
  EXPECT_FALSE(server->Sample().ok());
  EXPECT_TRUE(process.Ends());
  EXPECT_TRUE(fs::exists(server->log_path()));
  server.reset();
  EXPECT_TRUE(parent.empty());
}

// The password must not be readable by others: neither in the list of
// processes nor in what the server inherits.
TEST_P(PrivateServerTest, KeepsItsPasswordFromTheProcessList) {
  auto server = MustStart(Options(GetParam()));
  ASSERT_NE(server, nullptr);
  const std::vector<std::string> before_host =
      absl::StrSplit(server->url(), '@');
  const std::string password =
      before_host[0].substr(before_host[0].rfind(':') + 1);
  ASSERT_EQ(password.size(), 32);
  for (const char* file : {"/cmdline", "/environ"}) {
    std::ifstream stream(absl::StrCat("/proc/", server->pid(), file));
    std::ostringstream text;
    text << stream.rdbuf();
    ASSERT_FALSE(text.str().empty());
    EXPECT_THAT(text.str(), ::testing::Not(HasSubstr(password))) << file;
  }
}

TEST_P(PrivateServerTest, TwoRunSideBySide) {
  auto first = MustStart(Options(GetParam()));
  auto second = MustStart(Options(GetParam()));
  ASSERT_NE(first, nullptr);
  ASSERT_NE(second, nullptr);
  EXPECT_NE(first->port(), second->port());
  EXPECT_NE(first->data_folder(), second->data_folder());
  EXPECT_NE(first->url(), second->url());
  first.reset();
  EXPECT_TRUE(second->running());
}

TEST_P(PrivateServerTest, RestartsAfterAKillOnTheSamePort) {
  auto server = MustStart(Options(GetParam()));
  ASSERT_NE(server, nullptr);
  const pid_t first = server->pid();
  const std::string url = server->url();
  const Watched process(first);
  EXPECT_EQ(server->Restart().code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(server->Kill().ok());
  EXPECT_TRUE(process.Ends());
  EXPECT_FALSE(server->running());
  EXPECT_EQ(server->pid(), first);
  const absl::Status restarted = server->Restart();
  ASSERT_TRUE(restarted.ok()) << restarted;
  EXPECT_TRUE(server->running());
  EXPECT_NE(server->pid(), first);
  EXPECT_EQ(server->url(), url);
  EXPECT_EQ(ListenersOf(server->pid()).size(), 1);
}

// A crash of its own, unlike Kill(), goes by opsbench unasked.
TEST_P(PrivateServerTest, NoticesACrashAndRestarts) {
  auto server = MustStart(Options(GetParam()));
  ASSERT_NE(server, nullptr);
  const Watched process(server->pid());
  ASSERT_EQ(kill(server->pid(), SIGKILL), 0);
  ASSERT_TRUE(process.Ends());
  EXPECT_FALSE(server->running());
  EXPECT_FALSE(server->Sample().ok());
  const absl::Status restarted = server->Restart();
  EXPECT_TRUE(restarted.ok()) << restarted;
}

TEST_P(PrivateServerTest, LeavesNothingAfterAKillEither) {
  const TempFolder parent("data");
  ServerOptions options = Options(GetParam());
  options.parent_folder = parent.path().string();
  auto server = MustStart(options);
  ASSERT_NE(server, nullptr);
  const pid_t pid = server->pid();
  EXPECT_EQ(HasSharedMemory(pid), GetParam() == ServerKind::kPostgres);
  ASSERT_TRUE(server->Kill().ok());
  server.reset();
  EXPECT_FALSE(HasSharedMemory(pid));
  EXPECT_TRUE(parent.empty());
}

// A child of the test starts a server and is killed as `kill -9` kills
// opsbench: nobody is left to call anything.
TEST_P(PrivateServerTest, EndsWithItsParentEvenOnSigkill) {
  const TempFolder parent("data");
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // For a test that fails half-way.
    ServerOptions options = Options(GetParam());
    options.parent_folder = parent.path().string();
    auto server = PrivateServer::Start(options);
    const pid_t pid = server.ok() ? (*server)->pid() : -1;
    if (write(ends[1], &pid, sizeof(pid)) != sizeof(pid)) _exit(1);
    for (;;) pause();
  }
  close(ends[1]);
  pid_t pid = -1;
  ASSERT_EQ(read(ends[0], &pid, sizeof(pid)), ssize_t{sizeof(pid)});
  close(ends[0]);
  ASSERT_GT(pid, 0) << "the child could not start a server";
  EXPECT_FALSE(parent.empty());
  const Watched server(pid);
  const Watched supervisor(ParentOf(pid));
  ASSERT_TRUE(server.valid());
  ASSERT_TRUE(supervisor.valid());
  ASSERT_EQ(kill(child, SIGKILL), 0);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(server.Ends());
  ASSERT_TRUE(supervisor.Ends());
  EXPECT_TRUE(parent.empty());
}

// Even so the server must not outlive opsbench, nor leave its folder.
TEST_P(PrivateServerTest, EndsWhenItsSupervisorIsKilled) {
  const TempFolder parent("data");
  ServerOptions options = Options(GetParam());
  options.parent_folder = parent.path().string();
  auto server = MustStart(options);
  ASSERT_NE(server, nullptr);
  const Watched process(server->pid());
  ASSERT_EQ(ParentOf(server->pid()), server->supervisor_pid());
  ASSERT_EQ(kill(server->supervisor_pid(), SIGKILL), 0);
  EXPECT_TRUE(process.Ends());
  EXPECT_FALSE(server->running());
  EXPECT_TRUE(server->Kill().ok());
  EXPECT_FALSE(server->Restart().ok());
  server.reset();
  EXPECT_TRUE(parent.empty());
}

TEST_P(PrivateServerTest, AcceptsSpacesAndLongPathsAndAReadOnlyHome) {
  // Longer than the 107 bytes that the path of a Unix socket may have.
  const TempFolder parent(
      absl::StrCat("with spaces, \"quotes\" and ", std::string(100, 'x')));
  const char* home = std::getenv("HOME");
  const std::string before = home == nullptr ? "" : home;
  setenv("HOME", "/proc/self/fdinfo", 1);
  ServerOptions options = Options(GetParam());
  options.parent_folder = parent.path().string();
  auto server = MustStart(options);
  setenv("HOME", before.c_str(), 1);
  ASSERT_NE(server, nullptr);
  const std::string socket_url = server->socket_url();
  const std::string socket = socket_url.substr(socket_url.find("?socket=") + 8);
  EXPECT_LT(socket.size(), sizeof(sockaddr_un::sun_path));
  EXPECT_TRUE(fs::is_socket(socket)) << socket;
  server.reset();
  EXPECT_TRUE(parent.empty());
  EXPECT_FALSE(fs::exists(fs::path(socket).parent_path()));
}

TEST_P(PrivateServerTest, AStartThatFailsShowsTheLogAndLeavesNothing) {
  const TempFolder parent("data");
  ServerOptions options = Options(GetParam());
  options.parent_folder = parent.path().string();
  options.settings["no_such_setting"] = "1";
  const absl::Status status = PrivateServer::Start(options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()), HasSubstr("no_such_setting"));
  EXPECT_TRUE(parent.empty());
}

TEST_P(PrivateServerTest, TheContractIsNotASetting) {
  ServerOptions options = Options(GetParam());
  options.settings["port"] = "3306";
  EXPECT_EQ(PrivateServer::Start(options).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_P(PrivateServerTest, SettingsOverrideAndDurabilityShows) {
  const std::string name =
      GetParam() == ServerKind::kMysql      ? "innodb_flush_log_at_trx_commit"
      : GetParam() == ServerKind::kPostgres ? "synchronous_commit"
                                            : "appendfsync";
  ServerOptions options = Options(GetParam());
  auto relaxed = MustStart(options);
  options.durable = true;
  auto durable = MustStart(options);
  ASSERT_NE(relaxed, nullptr);
  ASSERT_NE(durable, nullptr);
  EXPECT_NE(relaxed->settings().at(name), durable->settings().at(name));
  options.settings[name] = relaxed->settings().at(name);
  auto overridden = MustStart(options);
  ASSERT_NE(overridden, nullptr);
  EXPECT_EQ(overridden->settings().at(name), relaxed->settings().at(name));
}

TEST(PrivateServerOptionsTest, RefusesWhatCannotBe) {
  ServerOptions options;
  options.cache_bytes = 0;
  EXPECT_EQ(PrivateServer::Start(options).status().code(),
            absl::StatusCode::kInvalidArgument);
  options = {};
  options.start_timeout = absl::ZeroDuration();
  EXPECT_EQ(PrivateServer::Start(options).status().code(),
            absl::StatusCode::kInvalidArgument);
  options = {};
  options.parent_folder = "/nonexistent/folder";
  EXPECT_EQ(PrivateServer::Start(options).status().code(),
            absl::StatusCode::kNotFound);
}

TEST(PrivateServerOptionsTest, SaysWhenTheServersUserCannotEnter) {
  if (geteuid() != 0) return;  // Then the server runs as the caller.
  const TempFolder parent("data");
  fs::permissions(parent.path(), fs::perms(0700));
  ServerOptions options = Options(ServerKind::kRedis);
  options.parent_folder = parent.path().string();
  const absl::Status status = PrivateServer::Start(options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(status.message()), HasSubstr(parent.path().string()));
  EXPECT_TRUE(parent.empty());
}

// In a file system of 30 MiB, which only root can mount; the mount is seen by
// the child of the test alone, and ends with it.
TEST_P(PrivateServerTest, SaysWhenTheDiskIsFull) {
  // Redis writes nothing at its start.
  if (geteuid() != 0 || GetParam() == ServerKind::kRedis) return;
  const TempFolder parent("data");
  const pid_t child = fork();
  if (child == 0) {
    if (unshare(CLONE_NEWNS) != 0 ||
        mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("tmpfs", parent.path().c_str(), "tmpfs", 0,
              "size=30m,mode=755") != 0) {
      _exit(2);
    }
    ServerOptions options = Options(GetParam());
    options.parent_folder = parent.path().string();
    const absl::Status status = PrivateServer::Start(options).status();
    _exit(absl::IsResourceExhausted(status) && parent.empty() ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  // 2: this container does not let even root mount.
  EXPECT_THAT(WEXITSTATUS(status), ::testing::AnyOf(0, 2));
}

// Sends inline commands over Redis's socket and returns the last line that
// comes back.
std::string RedisSays(const PrivateServer& server, const std::string& command) {
  const std::string url = server.socket_url();
  const std::string password = url.substr(url.find('@') - 32, 32);
  const std::string path = url.substr(url.find("?socket=") + 8);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)),
            0);
  const std::string request =
      absl::StrCat("AUTH ", password, "\r\n", command, "\r\nQUIT\r\n");
  EXPECT_EQ(write(fd, request.data(), request.size()),
            static_cast<ssize_t>(request.size()));
  std::string answer;
  char buffer[256];
  for (ssize_t size; (size = read(fd, buffer, sizeof(buffer))) > 0;) {
    answer.append(buffer, size);
  }
  close(fd);
  std::vector<std::string> lines =
      absl::StrSplit(answer, "\r\n", absl::SkipEmpty());
  // The last line is QUIT's.
  return lines.size() < 2 ? "" : lines[lines.size() - 2];
}

TEST(PrivateRedisTest, DurableDataOutlivesAKill) {
  ServerOptions options = Options(ServerKind::kRedis);
  options.durable = true;
  auto server = MustStart(options);
  ASSERT_NE(server, nullptr);
  EXPECT_EQ(RedisSays(*server, "SET key before-the-crash"), "+OK");
  ASSERT_TRUE(server->Kill().ok());
  ASSERT_TRUE(server->Restart().ok());
  EXPECT_EQ(RedisSays(*server, "GET key"), "before-the-crash");
}

}  // namespace
}  // namespace opsbench
