#include "opsbench/server/internal/engine_plan.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace opsbench::internal {

absl::Status Place::Write(const std::string& path,
                          absl::string_view text) const {
  const int fd =
      open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return absl::ErrnoToStatus(errno, absl::StrCat("write ", path));
  bool written = !user.has_value() || fchown(fd, user->uid, user->gid) == 0;
  while (written && !text.empty()) {
    const ssize_t size = write(fd, text.data(), text.size());
    if (size < 0 && errno == EINTR) continue;
    written = size >= 0;
    if (written) text.remove_prefix(size);
  }
  const int error = errno;
  close(fd);
  if (written) return absl::OkStatus();
  return absl::ErrnoToStatus(error, absl::StrCat("write ", path));
}

absl::StatusOr<std::map<std::string, std::string>> MergeSettings(
    std::map<std::string, std::string> chosen,
    const std::map<std::string, std::string>& wanted,
    const std::set<std::string>& reserved) {
  for (const auto& [name, value] : wanted) {
    if (name.empty() ||
        !std::all_of(name.begin(), name.end(), [](unsigned char c) {
          return absl::ascii_isalnum(c) || c == '_' || c == '-' || c == '.';
        })) {
      return absl::InvalidArgumentError(
          absl::StrCat("no name of a server setting: \"", name, "\""));
    }
    if (reserved.contains(name)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "a private server's ", name, " is opsbench's own to choose"));
    }
    if (std::any_of(value.begin(), value.end(),
                    [](unsigned char c) { return absl::ascii_iscntrl(c); })) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the server setting ", name, " has a control character in it"));
    }
    chosen[name] = value;
  }
  return chosen;
}

int ConnectUnixSocket(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return -1;
  memcpy(address.sun_path, path.data(), path.size());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd >= 0 && connect(fd, reinterpret_cast<const sockaddr*>(&address),
                         sizeof(address)) != 0) {
    close(fd);
    return -1;
  }
  return fd;
}

}  // namespace opsbench::internal
