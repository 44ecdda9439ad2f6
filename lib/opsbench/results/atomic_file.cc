#include "opsbench/results/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "opsbench/results/internal/posix_file.h"

namespace opsbench::results {
namespace {

using internal::ErrnoStatus;

// Beside `path`, because a rename does not cross file systems. Unlike
// mkstemp's, the file gets the mode that the user's umask gives any other.
absl::StatusOr<int> OpenTemporary(const std::string& path,
                                  std::string* temporary) {
  static std::atomic<int> counter{0};
  for (;;) {
    *temporary =
        absl::StrCat(path, ".", getpid(), ".",
                     counter.fetch_add(1, std::memory_order_relaxed), ".tmp");
    const int file =
        open(temporary->c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file >= 0) return file;
    // Left by a killed process that had the same id.
    if (errno != EEXIST) return ErrnoStatus("cannot write", path);
  }
}

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

}  // namespace

absl::Status WriteFileAtomically(const std::string& path,
                                 absl::string_view text) {
  std::string temporary;
  const absl::StatusOr<int> file = OpenTemporary(path, &temporary);
  if (!file.ok()) return file.status();
  absl::Cleanup remove = [&temporary] { (void)unlink(temporary.c_str()); };
  absl::Status written = internal::WriteAll(*file, text, path);
  if (written.ok() && fsync(*file) != 0) {
    written = ErrnoStatus("cannot write", path);
  }
  // Network file systems report a full disk as late as here.
  if (close(*file) != 0 && written.ok()) {
    written = ErrnoStatus("cannot write", path);
  }
  if (!written.ok()) return written;
  if (rename(temporary.c_str(), path.c_str()) != 0) {
    return ErrnoStatus("cannot write", path);
  }
  std::move(remove).Cancel();
  internal::SyncFolder(FolderOf(path));
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadWholeFile(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return ErrnoStatus("cannot read", path);
  absl::Cleanup closer = [file] { (void)close(file); };
  std::string text;
  struct stat state;
  if (fstat(file, &state) == 0 && S_ISREG(state.st_mode)) {
    text.reserve(static_cast<size_t>(state.st_size));
  }
  char buffer[1 << 16];
  for (;;) {
    const ssize_t count = read(file, buffer, sizeof buffer);
    if (count > 0) {
      text.append(buffer, static_cast<size_t>(count));
    } else if (count == 0) {
      return text;
    } else if (errno != EINTR) {
      return ErrnoStatus("cannot read", path);
    }
  }
}

}  // namespace opsbench::results
