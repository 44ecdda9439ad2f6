#include "opsbench/results/internal/posix_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"

namespace opsbench::results::internal {

absl::Status ErrnoStatus(absl::string_view what, absl::string_view path) {
  const int error = errno;
  absl::Status status =
      absl::ErrnoToStatus(error, absl::StrCat(what, " ", path));
  if (error != EFBIG) return status;
  return absl::ResourceExhaustedError(status.message());
}

absl::Status WriteAll(int file, absl::string_view text,
                      absl::string_view path) {
  while (!text.empty()) {
    const ssize_t count = write(file, text.data(), text.size());
    if (count >= 0) {
      text.remove_prefix(static_cast<size_t>(count));
    } else if (errno != EINTR) {
      return ErrnoStatus("cannot write", path);
    }
  }
  return absl::OkStatus();
}

void SyncFolder(const std::string& folder) {
  const int file = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) return;
  (void)fsync(file);
  (void)close(file);
}

}  // namespace opsbench::results::internal
