#ifndef OPSBENCH_RESULTS_ATOMIC_FILE_H_
#define OPSBENCH_RESULTS_ATOMIC_FILE_H_

// Files that are either the old or the new one, whole, whatever happens.
//
// Thread safety: safe from several threads and processes at once, also for one
// path: the last rename wins.

#include <sys/types.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace opsbench::results {

// Writes `text` to a temporary file beside what `path` names, syncs it and
// renames it, so that on an error the earlier file is as it was. Follows
// symbolic links and keeps the earlier file's mode and owner; a new one gets
// `mode`, or what the umask leaves when that is 0. Writes into devices, pipes
// and descriptors such as /dev/stdout as they are, and into a file that cannot
// be renamed to, as a mount point.
//
// ResourceExhausted: the disk, the quota or the limit of a file's size is
// reached. PermissionDenied: the folder may not be written. NotFound: there is
// no such folder. InvalidArgument: `path` is a folder, a block device or a
// socket. The message names the path. base/output_target.h tells beforehand.
absl::Status WriteFileAtomically(const std::string& path,
                                 absl::string_view text, mode_t mode = 0);

// The whole file. NotFound: there is none; other codes as reading it fails.
absl::StatusOr<std::string> ReadWholeFile(const std::string& path);

}  // namespace opsbench::results

#endif  // OPSBENCH_RESULTS_ATOMIC_FILE_H_
