#include "opsbench/server/internal/binaries.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

extern char** environ;

namespace opsbench::internal {
namespace {

namespace fs = std::filesystem;

struct KnownBinary {
  const char* file;
  const char* name;  // argv[0].
};

// In order of preference. Debian's redis-tools holds the server under the name
// redis-check-rdb: one binary, and argv[0] decides what it is. That package
// installs no service.
std::vector<KnownBinary> KnownBinaries(ServerKind kind) {
  switch (kind) {
    case ServerKind::kMysql:
      return {{"mariadbd", "mariadbd"}, {"mysqld", "mysqld"}};
    case ServerKind::kPostgres:
      return {{"postgres", "postgres"}};
    case ServerKind::kRedis:
      return {{"valkey-server", "valkey-server"},
              {"redis-server", "redis-server"},
              {"valkey-check-rdb", "valkey-server"},
              {"redis-check-rdb", "redis-server"}};
  }
  return {};
}

const char* PackageOf(ServerKind kind) {
  switch (kind) {
    case ServerKind::kMysql:
      return "mariadb-server-core";
    case ServerKind::kPostgres:
      return "postgresql-15";
    case ServerKind::kRedis:
      return "redis-tools";
  }
  return "";
}

// The folders below `root` in which Debian keeps servers. PostgreSQL's come
// newest version first.
std::vector<std::string> DebianFolders(const std::string& root) {
  std::vector<std::string> folders;
  for (const char* folder : {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
                             "/usr/bin", "/sbin", "/bin"}) {
    folders.push_back(absl::StrCat(root, folder));
  }
  std::vector<std::pair<int, std::string>> versions;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(
           absl::StrCat(root, "/usr/lib/postgresql"), error)) {
    int version = 0;
    if (absl::SimpleAtoi(entry.path().filename().string(), &version)) {
      versions.emplace_back(-version,
                            absl::StrCat(entry.path().string(), "/bin"));
    }
  }
  std::sort(versions.begin(), versions.end());
  for (auto& [version, folder] : versions) folders.push_back(folder);
  return folders;
}

bool IsProgram(const std::string& path) {
  std::error_code error;
  return fs::is_regular_file(path, error) && access(path.c_str(), X_OK) == 0;
}

}  // namespace

SearchPlaces SearchPlaces::OfThisProcess() {
  const char* path = std::getenv("PATH");
  const char* engines = std::getenv("OPSBENCH_ENGINES");
  return {path == nullptr ? "" : path, engines == nullptr ? "" : engines, ""};
}

std::string ServerBinary::Prefix() const {
  return fs::path(path).parent_path().parent_path().string();
}

std::string ServerBinary::LibraryPath() const {
  if (root.empty()) return "";
  std::vector<std::string> folders;
  for (const char* libraries : {"/usr/lib", "/lib"}) {
    std::error_code error;
    for (const auto& entry :
         fs::directory_iterator(absl::StrCat(root, libraries), error)) {
      if (absl::EndsWith(entry.path().filename().string(), "-linux-gnu")) {
        folders.push_back(entry.path().string());
      }
    }
  }
  return absl::StrJoin(folders, ":");
}

absl::StatusOr<ServerBinary> FindServer(ServerKind kind,
                                        const SearchPlaces& places) {
  struct Place {
    std::string folder;
    std::string root;
  };
  std::vector<Place> search;
  for (absl::string_view root :
       absl::StrSplit(places.engines, ':', absl::SkipEmpty())) {
    for (std::string& folder : DebianFolders(std::string(root))) {
      search.push_back({std::move(folder), std::string(root)});
    }
  }
  for (absl::string_view folder :
       absl::StrSplit(places.path, ':', absl::SkipEmpty())) {
    search.push_back({std::string(folder), ""});
  }
  for (std::string& folder : DebianFolders(places.root)) {
    search.push_back({std::move(folder), ""});
  }
  std::vector<std::string> names;
  for (const KnownBinary& known : KnownBinaries(kind)) {
    for (const Place& place : search) {
      const std::string path = absl::StrCat(place.folder, "/", known.file);
      if (!IsProgram(path)) continue;
      std::error_code error;
      const fs::path resolved = fs::canonical(path, error);
      return ServerBinary{error ? path : resolved.string(), known.name,
                          place.root};
    }
    names.push_back(known.file);
  }
  return absl::NotFoundError(absl::StrCat(
      "no ", ServerKindName(kind), " server (", absl::StrJoin(names, ", "),
      ") on PATH, in Debian's places "
      "or below OPSBENCH_ENGINES: install the package ",
      PackageOf(kind)));
}

absl::StatusOr<std::string> VersionText(const ServerBinary& binary) {
  std::array<int, 2> ends;
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    return absl::ErrnoToStatus(errno, "pipe");
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null",
                                   O_WRONLY, 0);
  std::string name = binary.name;
  std::string option = "--version";
  std::string library_path =
      absl::StrCat("LD_LIBRARY_PATH=", binary.LibraryPath());
  char* arguments[] = {name.data(), option.data(), nullptr};
  char* environment[] = {library_path.data(), nullptr};
  pid_t pid = 0;
  const int error =
      posix_spawn(&pid, binary.path.c_str(), &actions, nullptr, arguments,
                  binary.root.empty() ? environ : environment);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  std::string text;
  char buffer[512];
  ssize_t size;
  while (error == 0 && (size = read(ends[0], buffer, sizeof(buffer))) != 0) {
    if (size > 0) text.append(buffer, size);
    if (size < 0 && errno != EINTR) break;
  }
  close(ends[0]);
  if (error != 0) {
    return absl::InternalError(
        absl::StrCat("cannot execute ", binary.path, ": ",
                     std::generic_category().message(error)));
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (status != 0) {
    return absl::InternalError(absl::StrCat(binary.path, " --version failed"));
  }
  return text;
}

std::string VersionIn(const std::string& text) {
  for (size_t begin = 0; begin < text.size(); ++begin) {
    if (!absl::ascii_isdigit(text[begin])) continue;
    size_t end = begin;
    while (end < text.size() &&
           (absl::ascii_isdigit(text[end]) || text[end] == '.')) {
      ++end;
    }
    const std::string number = text.substr(begin, end - begin);
    if (absl::StrContains(number, '.')) return number;
    begin = end;
  }
  return "";
}

}  // namespace opsbench::internal
