#include "opsbench/results/atomic_file.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "opsbench/base/output_target.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/results/internal/posix_file.h"

namespace opsbench::results {
namespace {

using internal::ErrnoStatus;

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

// Keeps a reader that has gone from ending this process: while it lives, a
// write to a pipe without a reader is an error and no signal.
class NoBrokenPipeSignal {
 public:
  NoBrokenPipeSignal() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~NoBrokenPipeSignal() {
    if (sigismember(&before_, SIGPIPE) != 0) return;
    const timespec now = {};
    while (sigtimedwait(&pipe_, nullptr, &now) > 0) {
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  NoBrokenPipeSignal(const NoBrokenPipeSignal&) = delete;
  NoBrokenPipeSignal& operator=(const NoBrokenPipeSignal&) = delete;

 private:
  sigset_t pipe_;
  sigset_t before_;
};

// Writes, syncs if asked to, and closes: network file systems report a full
// disk as late as there.
absl::Status WriteAndClose(int file, absl::string_view text, bool sync,
                           const std::string& path) {
  absl::Status written = internal::WriteAll(file, text, path);
  if (written.ok() && sync && fsync(file) != 0) {
    written = ErrnoStatus("cannot write", path);
  }
  if (close(file) != 0 && written.ok()) {
    written = ErrnoStatus("cannot write", path);
  }
  return written;
}

absl::Status WriteStream(const OutputTarget& target, absl::string_view text,
                         const std::string& path) {
  const NoBrokenPipeSignal no_signal;
  if (target.kind == OutputTarget::Kind::kDescriptor) {
    // What was printed comes first.
    if (target.descriptor == STDOUT_FILENO) (void)fflush(stdout);
    return internal::WriteAll(target.descriptor, text, path);
  }
  // Waits for the reader of a pipe.
  const int file = open(target.path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY);
  if (file < 0) return ErrnoStatus("cannot write", path);
  return WriteAndClose(file, text, /*sync=*/false, path);
}

// Where a file cannot be given the name of another: the name is a mount point,
// or the old one's owner cannot be kept. The old content goes first.
absl::Status WriteInPlace(const OutputTarget& target, absl::string_view text,
                          const std::string& path) {
  const int file =
      open(target.path.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0) return ErrnoStatus("cannot write", path);
  return WriteAndClose(file, text, /*sync=*/true, path);
}

// Whether `file` now has the mode and owner of the one that it replaces.
bool TakeAfter(int file, const std::string& replaced) {
  struct stat old = {};
  struct stat own = {};
  if (stat(replaced.c_str(), &old) != 0 || fstat(file, &own) != 0) return true;
  if ((own.st_uid != old.st_uid || own.st_gid != old.st_gid) &&
      fchown(file, old.st_uid, old.st_gid) != 0) {
    return false;
  }
  return fchmod(file, old.st_mode & 07777) == 0;
}

}  // namespace

absl::Status WriteFileAtomically(const std::string& path,
                                 absl::string_view text, mode_t mode) {
  const absl::StatusOr<OutputTarget> target = ResolveOutput(path);
  if (!target.ok()) {
    return absl::Status(
        target.status().code(),
        absl::StrCat("cannot write ", path, ": ", target.status().message()));
  }
  if (!target->is_replaced()) return WriteStream(*target, text, path);
  std::string temporary;
  const absl::StatusOr<int> file =
      OpenTemporaryBeside(target->path, &temporary);
  if (!file.ok()) return file.status();
  absl::Cleanup remove = [&temporary] { (void)unlink(temporary.c_str()); };
  const bool replaces = target->kind == OutputTarget::Kind::kFile;
  const bool fits = replaces ? TakeAfter(*file, target->path)
                             : mode == 0 || fchmod(*file, mode) == 0;
  OPSBENCH_RETURN_IF_ERROR(
      WriteAndClose(*file, fits ? text : "", /*sync=*/true, path));
  if (!fits) return WriteInPlace(*target, text, path);
  if (rename(temporary.c_str(), target->path.c_str()) != 0) {
    const bool may_write = errno == EBUSY || errno == EPERM || errno == EACCES;
    if (replaces && may_write) return WriteInPlace(*target, text, path);
    return ErrnoStatus("cannot write", path);
  }
  std::move(remove).Cancel();
  internal::SyncFolder(FolderOf(target->path));
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
