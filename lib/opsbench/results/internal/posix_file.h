#ifndef OPSBENCH_RESULTS_INTERNAL_POSIX_FILE_H_
#define OPSBENCH_RESULTS_INTERNAL_POSIX_FILE_H_

// Descriptors and errno as statuses.

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace opsbench::results::internal {

// errno as a status: "<what> <path>: <reason>". A file that reached its limit
// is ResourceExhausted, as a full disk is.
absl::Status ErrnoStatus(absl::string_view what, absl::string_view path);

// Writes all of `text`, in a single write() unless that is cut short.
absl::Status WriteAll(int file, absl::string_view text, absl::string_view path);

// Makes renames in a folder last through a power cut. Not every file system
// can: what is written is then still whole, so this is no error.
void SyncFolder(const std::string& folder);

}  // namespace opsbench::results::internal

#endif  // OPSBENCH_RESULTS_INTERNAL_POSIX_FILE_H_
