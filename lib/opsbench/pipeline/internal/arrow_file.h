#ifndef OPSBENCH_PIPELINE_INTERNAL_ARROW_FILE_H_
#define OPSBENCH_PIPELINE_INTERNAL_ARROW_FILE_H_

// Files for Arrow IPC: read from the front, looked up from the end, and written
// beside the file that they take the place of.
//
// Status codes: NotFound (no such file or folder), PermissionDenied,
// ResourceExhausted (disk or quota full), DataLoss (no Arrow file, or a damaged
// one), Unavailable (anything else of the system). Messages name the path.
//
// Thread safety: for one thread at a time.

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opsbench/pipeline/arrow_ipc.h"
#include "opsbench/pipeline/types.h"

namespace opsbench::pipeline::internal {

class FileSource : public ByteSource {
 public:
  static absl::StatusOr<std::unique_ptr<FileSource>> Open(
      const std::string& path);
  ~FileSource() override;
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;

  absl::StatusOr<size_t> Read(void* out, size_t bytes) override;

 private:
  FileSource(std::string path, int file);

  std::string path_;
  int file_;
};

// What a file's footer says, without its batches being read.
struct ArrowFileSummary {
  Schema schema;
  std::map<std::string, std::string> schema_metadata;
  ArrowFileIndex index;
};
absl::StatusOr<ArrowFileSummary> ReadArrowFileSummary(const std::string& path);

// A file on its way: `path` with ".partial" behind, locked as long as it is
// written, so that a second writer is told (Aborted). Until the commit it
// begins with a mark in place of Arrow's: what a killed writer left is used
// again by the next, and another file of that name is refused
// (FailedPrecondition). A file that stands at `path` keeps its permissions; a
// symbolic link does as well, and what it names is replaced. InvalidArgument:
// what stands there is no regular file.
class PartialFile : public ByteSink {
 public:
  static absl::StatusOr<std::unique_ptr<PartialFile>> Open(
      const std::string& path);
  // Removed unless committed.
  ~PartialFile() override;
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  absl::Status Write(absl::string_view bytes) override;
  // The first `bytes` of `path`.
  absl::Status CopyStart(int64_t bytes);
  // Everything is on the disk, under `path`.
  absl::Status Commit();

 private:
  PartialFile(std::string path, std::string partial, int file);
  absl::Status Flush();
  absl::Status WriteAll(absl::string_view bytes);

  const std::string path_;  // Without links.
  const std::string partial_;
  int file_;
  bool committed_ = false;
  size_t start_left_;  // Of the first bytes, which only Commit() writes.
  std::string pending_;
};

}  // namespace opsbench::pipeline::internal

#endif  // OPSBENCH_PIPELINE_INTERNAL_ARROW_FILE_H_
