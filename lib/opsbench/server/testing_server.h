#ifndef OPSBENCH_SERVER_TESTING_SERVER_H_
#define OPSBENCH_SERVER_TESTING_SERVER_H_

// What the tests of private servers have in common.
//
// Thread safety: all functions may be called from any thread.

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "opsbench/server/private_server.h"

namespace opsbench {

// Bounds the wait for an end that never comes; reached only by a failure.
inline constexpr int kEndTimeoutMs = 60'000;

inline ServerOptions Options(ServerKind kind) {
  ServerOptions options;
  options.kind = kind;
  options.cache_bytes = int64_t{32} << 20;
  return options;
}

inline std::unique_ptr<PrivateServer> MustStart(const ServerOptions& options) {
  auto server = PrivateServer::Start(options);
  EXPECT_TRUE(server.ok()) << server.status();
  return server.ok() ? *std::move(server) : nullptr;
}

// The folder that goes away with the server.
inline std::filesystem::path FolderOf(const PrivateServer& server) {
  return std::filesystem::path(server.log_path()).parent_path();
}

// A field of /proc/<pid>/status, "" when there is none.
inline std::string StatusField(pid_t pid, const std::string& name) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/status"));
  for (std::string line; std::getline(file, line);) {
    if (absl::StartsWith(line, name + ":")) {
      return std::string(
          absl::StripAsciiWhitespace(line.substr(name.size() + 1)));
    }
  }
  return "";
}

inline pid_t ParentOf(pid_t pid) { return std::stoi(StatusField(pid, "PPid")); }

// A process that may end; knows it by a descriptor, which no later process of
// the same pid can answer for.
class Watched {
 public:
  explicit Watched(pid_t pid)
      : fd_(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))) {}
  ~Watched() { close(fd_); }
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;

  bool valid() const { return fd_ >= 0; }
  bool Ends() const {
    pollfd polled = {fd_, POLLIN, 0};
    return poll(&polled, 1, kEndTimeoutMs) == 1;
  }

 private:
  int fd_;
};

class TempFolder {
 public:
  // `name` is the last part of its path.
  explicit TempFolder(const std::string& name) {
    std::string root =
        (std::filesystem::temp_directory_path() / "opsbench-test-XXXXXX")
            .string();
    EXPECT_NE(mkdtemp(root.data()), nullptr);
    root_ = root;
    path_ = root_ / name;
    std::filesystem::create_directories(path_);
    // The server's user has to pass through.
    std::filesystem::permissions(root_, std::filesystem::perms(0755));
    std::filesystem::permissions(path_, std::filesystem::perms(0755));
  }
  ~TempFolder() { std::filesystem::remove_all(root_); }
  const std::filesystem::path& path() const { return path_; }
  bool empty() const { return std::filesystem::is_empty(path_); }

 private:
  std::filesystem::path root_;
  std::filesystem::path path_;
};

// Whether System V shared memory is left that process `pid` has made.
inline bool HasSharedMemory(pid_t pid) {
  std::ifstream table("/proc/sysvipc/shm");
  std::string line;
  std::getline(table, line);
  while (std::getline(table, line)) {
    const std::vector<std::string> fields =
        absl::StrSplit(line, ' ', absl::SkipEmpty());
    if (fields.size() > 4 && fields[4] == absl::StrCat(pid)) return true;
  }
  return false;
}

}  // namespace opsbench

#endif  // OPSBENCH_SERVER_TESTING_SERVER_H_
