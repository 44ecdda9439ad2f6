#include "opsbench/results/atomic_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "absl/strings/str_cat.h"

namespace opsbench::results {
namespace {

absl::Status ErrorOf(absl::string_view path) {
  const int code = errno;
  // EFBIG is the limit of a user's file sizes, which is a full disk to him.
  if (code == EFBIG) {
    return absl::ResourceExhaustedError(absl::StrCat(path, ": file too large"));
  }
  return absl::ErrnoToStatus(code, path);
}

absl::Status WriteAll(int fd, absl::string_view text, absl::string_view path) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ErrorOf(path);
    text.remove_prefix(static_cast<size_t>(written));
  }
  return fsync(fd) == 0 ? absl::OkStatus() : ErrorOf(path);
}

}  // namespace

absl::Status WriteFileAtomically(const std::string& path,
                                 absl::string_view text) {
  std::string temporary = path + ".XXXXXX";
  const int fd = mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0) return ErrorOf(path);
  absl::Status status = WriteAll(fd, text, path);
  // mkostemp made it for this user alone; results are for everybody.
  if (status.ok() && fchmod(fd, 0644) != 0) status = ErrorOf(path);
  if (close(fd) != 0 && status.ok()) status = ErrorOf(path);
  if (status.ok() && rename(temporary.c_str(), path.c_str()) != 0) {
    status = ErrorOf(path);
  }
  if (!status.ok()) unlink(temporary.c_str());
  return status;
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return ErrorOf(path);
  std::string text;
  char chunk[1 << 16];
  ssize_t bytes;
  while ((bytes = read(fd, chunk, sizeof(chunk))) != 0) {
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes < 0) {
      const absl::Status status = ErrorOf(path);
      close(fd);
      return status;
    }
    text.append(chunk, static_cast<size_t>(bytes));
  }
  close(fd);
  return text;
}

}  // namespace opsbench::results
