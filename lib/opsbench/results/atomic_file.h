#ifndef OPSBENCH_RESULTS_ATOMIC_FILE_H_
#define OPSBENCH_RESULTS_ATOMIC_FILE_H_

// Files that are replaced at once or not at all.
//
// Thread safety: from any thread; the last of several writers of one path wins.

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace opsbench::results {

// Writes a temporary file beside `path`, syncs it and renames it. On an error
// nothing half-written is left, and the old file is what it was.
// ResourceExhausted: no space. PermissionDenied, NotFound (of the folder).
absl::Status WriteFileAtomically(const std::string& path,
                                 absl::string_view text);

// The whole of a file. NotFound, PermissionDenied.
absl::StatusOr<std::string> ReadFile(const std::string& path);

}  // namespace opsbench::results

#endif  // OPSBENCH_RESULTS_ATOMIC_FILE_H_
