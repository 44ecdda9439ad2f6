#include "opsbench/base/output_target.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "opsbench/base/status_macros.h"

namespace opsbench {
namespace {

// As the system allows itself.
constexpr int kMaxLinks = 40;

absl::StatusOr<std::string> RealPath(const std::string& path) {
  const std::unique_ptr<char, void (*)(void*)> real(
      realpath(path.c_str(), nullptr), free);
  if (real == nullptr) return absl::ErrnoToStatus(errno, path);
  return std::string(real.get());
}

// A path's folder, with links followed, and the name in it.
struct Place {
  std::string folder;
  std::string name;

  std::string path() const {
    return absl::StrCat(folder == "/" ? "" : folder, "/", name);
  }
};

absl::StatusOr<Place> PlaceOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "."
                             : slash == 0               ? "/"
                                                        : path.substr(0, slash);
  Place place;
  place.name = slash == std::string::npos ? path : path.substr(slash + 1);
  if (path.empty()) return absl::InvalidArgumentError("it names no file");
  if (place.name.empty() || place.name == "." || place.name == "..") {
    return absl::InvalidArgumentError("it names a folder: name a file");
  }
  absl::StatusOr<std::string> real = RealPath(folder);
  if (real.ok()) {
    place.folder = *std::move(real);
    return place;
  }
  if (absl::IsNotFound(real.status())) {
    return absl::NotFoundError(
        absl::StrCat("there is no folder ", folder, ": make it first"));
  }
  return real.status();
}

// Whether the folder is that of this process's descriptors, whose entries look
// like links to files and are not: behind one may be a pipe, or a file that is
// being written already.
bool IsDescriptor(const Place& place, int* descriptor) {
  const absl::StatusOr<std::string> own = RealPath("/proc/self/fd");
  return own.ok() && place.folder == *own &&
         absl::SimpleAtoi(place.name, descriptor);
}

absl::StatusOr<std::string> ReadLink(const std::string& path) {
  std::string text(PATH_MAX, '\0');
  const ssize_t size = readlink(path.c_str(), text.data(), text.size());
  if (size < 0) return absl::ErrnoToStatus(errno, path);
  text.resize(static_cast<size_t>(size));
  return text;
}

absl::Status CheckDescriptor(int descriptor) {
  const int flags = fcntl(descriptor, F_GETFL);
  if (flags < 0) return absl::InvalidArgumentError("it is not open");
  return (flags & O_ACCMODE) == O_RDONLY
             ? absl::InvalidArgumentError("it is open for reading only")
             : absl::OkStatus();
}

// Whether a file can be made beside it, and be given its name.
absl::Status CheckReplaceable(const OutputTarget& target) {
  if (target.kind == OutputTarget::Kind::kFile) {
    const int file = open(target.path.c_str(),
                          O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0) return absl::ErrnoToStatus(errno, "cannot write it");
    (void)close(file);
  }
  std::string temporary;
  OPSBENCH_ASSIGN_OR_RETURN(const int file,
                            OpenTemporaryBeside(target.path, &temporary));
  (void)close(file);
  (void)unlink(temporary.c_str());
  return absl::OkStatus();
}

absl::Status Check(mode_t mode, OutputTarget* target) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      target->kind = OutputTarget::Kind::kFile;
      return CheckReplaceable(*target);
    case S_IFCHR:
    case S_IFIFO:
      target->kind = OutputTarget::Kind::kStream;
      // Not opened: a pipe's reader would see its end.
      return faccessat(AT_FDCWD, target->path.c_str(), W_OK, AT_EACCESS) == 0
                 ? absl::OkStatus()
                 : absl::ErrnoToStatus(errno, "cannot write it");
    case S_IFDIR:
      return absl::InvalidArgumentError("it is a folder: name a file");
    case S_IFBLK:
      return absl::InvalidArgumentError(
          "it is a block device, and would be overwritten: name a file");
    default:
      return absl::InvalidArgumentError("it is a socket: name a file");
  }
}

}  // namespace

absl::StatusOr<OutputTarget> ResolveOutput(const std::string& path) {
  std::string current = path;
  for (int links = 0; links <= kMaxLinks; ++links) {
    OPSBENCH_ASSIGN_OR_RETURN(const Place place, PlaceOf(current));
    OutputTarget target = {.path = place.path()};
    if (IsDescriptor(place, &target.descriptor)) {
      target.kind = OutputTarget::Kind::kDescriptor;
      OPSBENCH_RETURN_IF_ERROR(CheckDescriptor(target.descriptor));
      return target;
    }
    struct stat state = {};
    if (lstat(target.path.c_str(), &state) != 0) {
      if (errno != ENOENT) return absl::ErrnoToStatus(errno, "cannot write it");
      OPSBENCH_RETURN_IF_ERROR(CheckReplaceable(target));
      return target;
    }
    if (!S_ISLNK(state.st_mode)) {
      OPSBENCH_RETURN_IF_ERROR(Check(state.st_mode, &target));
      return target;
    }
    const absl::StatusOr<std::string> link = ReadLink(target.path);
    OPSBENCH_RETURN_IF_ERROR(link.status());
    current = absl::StartsWith(*link, "/")
                  ? *link
                  : absl::StrCat(place.folder, "/", *link);
  }
  return absl::InvalidArgumentError("its symbolic links lead to no end");
}

absl::StatusOr<OutputTarget> ResolveOutputFile(const std::string& path) {
  OPSBENCH_ASSIGN_OR_RETURN(OutputTarget target, ResolveOutput(path));
  if (target.is_replaced()) return target;
  return absl::InvalidArgumentError(
      "it is no regular file, which this output needs: name a file");
}

absl::StatusOr<int> OpenTemporaryBeside(const std::string& path,
                                        std::string* temporary) {
  static std::atomic<int> counter{0};
  // A name of its own, however long the other's is.
  const std::string folder = path.substr(0, path.rfind('/') + 1);
  for (;;) {
    *temporary =
        absl::StrCat(folder, ".opsbench-", getpid(), "-",
                     counter.fetch_add(1, std::memory_order_relaxed), ".tmp");
    // Unlike mkstemp's, the file gets the mode that the user's umask gives any
    // other.
    const int file =
        open(temporary->c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file >= 0) return file;
    // Left by a killed process that had the same id.
    if (errno != EEXIST) {
      const int error = errno;
      return absl::ErrnoToStatus(
          error, absl::StrCat("cannot write in ",
                              folder.empty() ? "this folder" : folder));
    }
  }
}

}  // namespace opsbench
