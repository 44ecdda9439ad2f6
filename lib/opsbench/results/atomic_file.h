#ifndef OPSBENCH_RESULTS_ATOMIC_FILE_H_
#define OPSBENCH_RESULTS_ATOMIC_FILE_H_

// Files that are either the old or the new one, whole, whatever happens.
//
// Thread safety: safe from several threads and processes at once, also for one
// path: the last rename wins.

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace opsbench::results {

// Writes `text` to a temporary file beside `path`, syncs it and renames it to
// `path`. On an error the earlier file is as it was and the temporary one gone.
//
// ResourceExhausted: the disk, the quota or the limit of a file's size is
// reached. PermissionDenied: the folder may not be written. NotFound: there is
// no such folder. The message names the path.
absl::Status WriteFileAtomically(const std::string& path,
                                 absl::string_view text);

// The whole file. NotFound: there is none; other codes as reading it fails.
absl::StatusOr<std::string> ReadWholeFile(const std::string& path);

}  // namespace opsbench::results

#endif  // OPSBENCH_RESULTS_ATOMIC_FILE_H_
