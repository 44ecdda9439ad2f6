#ifndef OPSBENCH_VECTOR_INTERNAL_HDF5_FILE_H_
#define OPSBENCH_VECTOR_INTERNAL_HDF5_FILE_H_

// ann-benchmarks' HDF5 files: float matrices `train` and `test`, an integer
// matrix `neighbors` of the ids of test's neighbours in train, and the
// attribute `distance` ("euclidean", "angular", "dot"), which some files say in
// their name alone ("glove-100-angular.hdf5").
//
// The only place that includes HDF5's headers. The library never returns from
// some corrupt files, and crashes on others (its list of CVEs is long), so it
// runs in a process of its own.
//
// Thread safety: functions keep no state; they fork, see isolated.h.

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "opsbench/vector/internal/parts.h"

namespace opsbench::vector::internal {

struct Hdf5Contents {
  VectorTable train;
  VectorTable test;
  // None when the file has none.
  absl::optional<IdTable> neighbors;
  absl::optional<Metric> metric;
};

// InvalidArgument, one line that starts with the path: not HDF5, no `train` or
// `test`, not matrices of numbers, sizes that the file cannot hold, or corrupt
// in any other way. NotFound. ResourceExhausted.
absl::StatusOr<Hdf5Contents> ReadHdf5File(const std::string& path);

// The same of a file's bytes. `name` is for errors and the metric. The library
// may use the processor for `seconds`.
absl::StatusOr<Hdf5Contents> ParseHdf5File(absl::string_view bytes,
                                           absl::string_view name, int seconds);

}  // namespace opsbench::vector::internal

#endif  // OPSBENCH_VECTOR_INTERNAL_HDF5_FILE_H_
