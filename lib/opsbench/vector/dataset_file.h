#ifndef OPSBENCH_VECTOR_DATASET_FILE_H_
#define OPSBENCH_VECTOR_DATASET_FILE_H_

// The project's own file of a data set, which DATASET.md specifies.
//
// Thread safety: functions keep no state.

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opsbench/vector/dataset.h"

namespace opsbench::vector {

// Writes beside `path` and renames, so that there is the old file or the new
// one, whole. ResourceExhausted, PermissionDenied, NotFound and so on as the
// system refuses; the message names the path.
absl::Status WriteDatasetFile(const Dataset& data, const std::string& path);

// Maps the file, which must not change as long as the data set lives, and
// checks all of it. InvalidArgument as DATASET.md says; NotFound.
absl::StatusOr<std::unique_ptr<Dataset>> ReadDatasetFile(
    const std::string& path);

namespace internal {

// The same of bytes that the caller keeps, aligned to 8. `name` is for errors.
absl::StatusOr<std::unique_ptr<Dataset>> ParseDatasetFile(
    absl::string_view bytes, absl::string_view name);

// Whether bytes start as such a file does.
bool IsDatasetFile(absl::string_view bytes);

}  // namespace internal
}  // namespace opsbench::vector

#endif  // OPSBENCH_VECTOR_DATASET_FILE_H_
