#ifndef OPSBENCH_BASE_OUTPUT_TARGET_H_
#define OPSBENCH_BASE_OUTPUT_TARGET_H_

// What a path to write to names, and whether it can be written: asked before
// work begins, so that no result is lost for want of a place. Only regular
// files are ever replaced; what else there may be (devices, pipes, descriptors)
// is written to, or refused.
//
// Thread safety: safe; what is found may change afterwards.

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace opsbench {

struct OutputTarget {
  enum class Kind {
    kNew,         // Nothing is there yet.
    kFile,        // A regular file, which is replaced.
    kStream,      // A character device or a pipe, which is opened.
    kDescriptor,  // A descriptor of this process, such as /dev/stdout.
  };

  Kind kind = Kind::kNew;
  // What the path names when all symbolic links are followed.
  std::string path;
  int descriptor = -1;  // Of kDescriptor.

  // Whether a file is written beside `path` and renamed to it.
  bool is_replaced() const { return kind == Kind::kNew || kind == Kind::kFile; }
};

// Finds what `path` names. Follows symbolic links, also to what is not there.
// Makes sure that it can be written, without changing it: a file is made beside
// it and removed. The message says what is wrong and what to do, without the
// path that was given.
//
// NotFound: no such folder. InvalidArgument: no name, a folder, a block device,
// a socket. PermissionDenied and other codes: as writing would fail.
absl::StatusOr<OutputTarget> ResolveOutput(const std::string& path);

// The same for what can only be a file: also InvalidArgument for kStream and
// kDescriptor.
absl::StatusOr<OutputTarget> ResolveOutputFile(const std::string& path);

// Opens a file of its own beside `path`, whose name it sets. Errors as open(2).
absl::StatusOr<int> OpenTemporaryBeside(const std::string& path,
                                        std::string* temporary);

}  // namespace opsbench

#endif  // OPSBENCH_BASE_OUTPUT_TARGET_H_
