#include "opsbench/pipeline/internal/arrow_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/pipeline/internal/arrow_framing.h"
#include "opsbench/pipeline/internal/arrow_metadata.h"

namespace opsbench::pipeline::internal {
namespace {

// Small pieces are gathered; one of this size is written as it is.
constexpr size_t kPendingBytes = size_t{256} << 10;
constexpr int64_t kMaxFooterBytes = int64_t{64} << 20;

absl::Status SystemError(absl::string_view what, absl::string_view path) {
  absl::StatusCode code = absl::StatusCode::kUnavailable;
  const int error = errno;
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      code = absl::StatusCode::kNotFound;
      break;
    case EACCES:
    case EPERM:
    case EROFS:
      code = absl::StatusCode::kPermissionDenied;
      break;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      code = absl::StatusCode::kResourceExhausted;
      break;
    case EISDIR:
    case ELOOP:
      code = absl::StatusCode::kInvalidArgument;
      break;
    default:
      break;
  }
  return {code, absl::StrCat(what, " ", path, ": ", std::strerror(error))};
}

absl::Status Damaged(absl::string_view path, absl::string_view what) {
  return absl::DataLossError(absl::StrCat(path, ": ", what));
}

// Exactly `bytes` from `offset` on.
absl::Status ReadAt(int file, const std::string& path, int64_t offset,
                    size_t bytes, Buffer* out) {
  out->Resize(bytes);
  size_t done = 0;
  while (done < bytes) {
    const ssize_t some = pread(file, out->data() + done, bytes - done,
                               offset + static_cast<int64_t>(done));
    if (some < 0 && errno == EINTR) continue;
    if (some < 0) return SystemError("cannot read", path);
    if (some == 0) return Damaged(path, "ends before its end");
    done += static_cast<size_t>(some);
  }
  return absl::OkStatus();
}

absl::string_view ViewOf(const Buffer& buffer) {
  return {reinterpret_cast<const char*>(buffer.data()), buffer.size()};
}

// Stands where a finished file has kFileStart.
constexpr absl::string_view kPartialStart = "OPSBPART";
static_assert(kPartialStart.size() == kFileStart.size());

// Opens and locks what is to be written to; whether it was made for that.
absl::StatusOr<int> OpenPartial(const std::string& partial, bool* made) {
  constexpr int kFlags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;
  int file = open(partial.c_str(), kFlags | O_CREAT | O_EXCL, 0666);
  *made = file >= 0;
  if (!*made && errno == EEXIST) file = open(partial.c_str(), kFlags);
  if (file < 0) return SystemError("cannot write", partial);
  if (flock(file, LOCK_EX | LOCK_NB) == 0) return file;
  const bool busy = errno == EWOULDBLOCK;
  const absl::Status status =
      busy
          ? absl::AbortedError(absl::StrCat("another run is writing ", partial))
          : SystemError("cannot lock", partial);
  if (*made) (void)unlink(partial.c_str());
  close(file);
  return status;
}

absl::Status CheckPartialStart(int file, const std::string& partial) {
  Buffer start;
  if (ReadAt(file, partial, 0, kPartialStart.size(), &start).ok() &&
      ViewOf(start) == kPartialStart) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(absl::StrCat(
      partial,
      " was not made by opsbench, which would write there: move it away"));
}

// `path` itself, or what it names as a symbolic link, and the permissions of
// what is there; 0 when there is nothing.
absl::StatusOr<std::string> ReplaceablePath(const std::string& path,
                                            mode_t* permissions) {
  struct stat state = {};
  *permissions = 0;
  if (stat(path.c_str(), &state) != 0) {
    if (errno != ENOENT) return SystemError("cannot write", path);
    if (lstat(path.c_str(), &state) == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, " is a symbolic link to nothing"));
    }
    return path;
  }
  if (!S_ISREG(state.st_mode)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " is no regular file, as an Arrow file is"));
  }
  *permissions = state.st_mode & 07777;
  const std::unique_ptr<char, decltype(&free)> real(
      realpath(path.c_str(), nullptr), &free);
  if (real == nullptr) return SystemError("cannot write", path);
  return std::string(real.get());
}

// Where the first message, the schema's, ends.
absl::StatusOr<int64_t> EndOfSchema(int file, const std::string& path) {
  Buffer start;
  OPSBENCH_RETURN_IF_ERROR(
      ReadAt(file, path, 0, kFileStart.size() + kPrefixBytes, &start));
  uint32_t mark = 0;
  uint32_t size = 0;
  std::memcpy(&mark, start.data() + kFileStart.size(), sizeof(mark));
  std::memcpy(&size, start.data() + kFileStart.size() + sizeof(mark),
              sizeof(size));
  if (ViewOf(start).substr(0, kFileMagic.size()) != kFileMagic ||
      mark != kMessageStart || size == 0) {
    return Damaged(path, "no Arrow file");
  }
  return static_cast<int64_t>(start.size()) + size;
}

}  // namespace

FileSource::FileSource(std::string path, int file)
    : path_(std::move(path)), file_(file) {}

FileSource::~FileSource() { close(file_); }

absl::StatusOr<std::unique_ptr<FileSource>> FileSource::Open(
    const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return SystemError("cannot read", path);
  return std::unique_ptr<FileSource>(new FileSource(path, file));
}

absl::StatusOr<size_t> FileSource::Read(void* out, size_t bytes) {
  while (true) {
    const ssize_t some = read(file_, out, bytes);
    if (some >= 0) return static_cast<size_t>(some);
    if (errno != EINTR) return SystemError("cannot read", path_);
  }
}

absl::StatusOr<ArrowFileSummary> ReadArrowFileSummary(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return SystemError("cannot read", path);
  const absl::Cleanup closer = [file] { close(file); };
  OPSBENCH_ASSIGN_OR_RETURN(int64_t end, EndOfSchema(file, path));
  struct stat state = {};
  if (fstat(file, &state) != 0) return SystemError("cannot read", path);
  constexpr int64_t kEndBytes = sizeof(int32_t) + kFileMagic.size();
  Buffer bytes;
  OPSBENCH_RETURN_IF_ERROR(
      ReadAt(file, path, state.st_size - kEndBytes, kEndBytes, &bytes));
  int32_t size = 0;
  std::memcpy(&size, bytes.data(), sizeof(size));
  const int64_t footer_offset = state.st_size - kEndBytes - size;
  if (ViewOf(bytes).substr(sizeof(size)) != kFileMagic || size <= 0 ||
      size > kMaxFooterBytes || footer_offset < end) {
    return Damaged(path, "no end of an Arrow file");
  }
  OPSBENCH_RETURN_IF_ERROR(
      ReadAt(file, path, footer_offset, static_cast<size_t>(size), &bytes));
  absl::StatusOr<ArrowFooter> footer = DecodeFooter(ViewOf(bytes));
  if (!footer.ok()) {
    return absl::Status(footer.status().code(),
                        absl::StrCat(path, ": ", footer.status().message()));
  }
  ArrowFileSummary summary;
  for (const FileBlock& block : footer->batches) {
    if (block.offset < end || block.metadata_bytes < 0 ||
        block.body_bytes < 0 || block.offset > footer_offset ||
        block.body_bytes >
            footer_offset - block.offset - block.metadata_bytes) {
      return Damaged(path, "a batch where none can be");
    }
    end = block.offset + block.metadata_bytes + block.body_bytes;
    summary.index.blocks.push_back(
        {block.offset, block.metadata_bytes, block.body_bytes});
  }
  summary.index.end_offset = end;
  summary.index.metadata = std::move(footer->metadata);
  summary.schema = std::move(footer->schema);
  summary.schema_metadata = std::move(footer->schema_metadata);
  return summary;
}

PartialFile::PartialFile(std::string path, std::string partial, int file)
    : path_(std::move(path)),
      partial_(std::move(partial)),
      file_(file),
      start_left_(kFileStart.size()) {}

PartialFile::~PartialFile() {
  if (!committed_) (void)unlink(partial_.c_str());
  // The lock goes last: the next writer finds no file, or its own.
  close(file_);
}

absl::StatusOr<std::unique_ptr<PartialFile>> PartialFile::Open(
    const std::string& named_path) {
  mode_t permissions = 0;
  OPSBENCH_ASSIGN_OR_RETURN(const std::string path,
                            ReplaceablePath(named_path, &permissions));
  const std::string partial = path + ".partial";
  while (true) {
    bool made = false;
    OPSBENCH_ASSIGN_OR_RETURN(const int file, OpenPartial(partial, &made));
    absl::Cleanup closer = [file] { close(file); };
    // Its last writer may have renamed or removed it before the lock came.
    struct stat locked = {};
    struct stat named = {};
    if (fstat(file, &locked) != 0) return SystemError("cannot write", partial);
    if (stat(partial.c_str(), &named) != 0 || locked.st_ino != named.st_ino ||
        locked.st_dev != named.st_dev) {
      continue;
    }
    if (!made) OPSBENCH_RETURN_IF_ERROR(CheckPartialStart(file, partial));
    if (pwrite(file, kPartialStart.data(), kPartialStart.size(), 0) !=
            static_cast<ssize_t>(kPartialStart.size()) ||
        ftruncate(file, static_cast<off_t>(kPartialStart.size())) != 0 ||
        (permissions != 0 && fchmod(file, permissions) != 0) ||
        lseek(file, 0, SEEK_END) < 0) {
      const absl::Status status = SystemError("cannot write", partial);
      // Without its mark the next writer would not know it.
      (void)unlink(partial.c_str());
      return status;
    }
    std::move(closer).Cancel();
    return std::unique_ptr<PartialFile>(new PartialFile(path, partial, file));
  }
}

absl::Status PartialFile::WriteAll(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t some = write(file_, bytes.data(), bytes.size());
    if (some < 0 && errno == EINTR) continue;
    if (some < 0) return SystemError("cannot write", partial_);
    bytes.remove_prefix(static_cast<size_t>(some));
  }
  return absl::OkStatus();
}

absl::Status PartialFile::Flush() {
  OPSBENCH_RETURN_IF_ERROR(WriteAll(pending_));
  pending_.clear();
  return absl::OkStatus();
}

absl::Status PartialFile::Write(absl::string_view bytes) {
  const size_t start = std::min(start_left_, bytes.size());
  bytes.remove_prefix(start);
  start_left_ -= start;
  if (pending_.size() + bytes.size() > kPendingBytes) {
    OPSBENCH_RETURN_IF_ERROR(Flush());
  }
  if (bytes.size() >= kPendingBytes) return WriteAll(bytes);
  pending_.append(bytes.data(), bytes.size());
  return absl::OkStatus();
}

absl::Status PartialFile::CopyStart(int64_t bytes) {
  OPSBENCH_ASSIGN_OR_RETURN(const auto source, FileSource::Open(path_));
  std::string piece(kPendingBytes, '\0');
  while (bytes > 0) {
    OPSBENCH_ASSIGN_OR_RETURN(
        const size_t some,
        source->Read(piece.data(),
                     std::min(piece.size(), static_cast<size_t>(bytes))));
    if (some == 0) return Damaged(path_, "shorter than it was");
    OPSBENCH_RETURN_IF_ERROR(Write(absl::string_view(piece).substr(0, some)));
    bytes -= static_cast<int64_t>(some);
  }
  return absl::OkStatus();
}

absl::Status PartialFile::Commit() {
  OPSBENCH_RETURN_IF_ERROR(Flush());
  if (pwrite(file_, kFileStart.data(), kFileStart.size(), 0) !=
      static_cast<ssize_t>(kFileStart.size())) {
    return SystemError("cannot write", partial_);
  }
  if (fsync(file_) != 0) return SystemError("cannot write", partial_);
  if (rename(partial_.c_str(), path_.c_str()) != 0) {
    return SystemError("cannot write", path_);
  }
  committed_ = true;
  // The name is on the disk when its folder is. Some file systems refuse; the
  // rename stands nevertheless.
  const size_t slash = path_.rfind('/');
  const std::string folder =
      slash == std::string::npos ? "." : path_.substr(0, slash + 1);
  const int directory =
      open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory >= 0) {
    (void)fsync(directory);
    close(directory);
  }
  return absl::OkStatus();
}

}  // namespace opsbench::pipeline::internal
