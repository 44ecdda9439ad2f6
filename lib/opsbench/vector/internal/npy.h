#ifndef OPSBENCH_VECTOR_INTERNAL_NPY_H_
#define OPSBENCH_VECTOR_INTERNAL_NPY_H_

// The header of NumPy's .npy files: numpy.org/doc/stable/reference/generated/
// numpy.lib.format.html.
//
// Thread safety: functions keep no state.

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace opsbench::vector::internal {

struct NpyHeader {
  std::string type;  // "<f4", "|u1", ….
  size_t rows = 0;
  size_t columns = 0;
  bool fortran_order = false;  // Column after column.
  size_t data_offset = 0;
};

// InvalidArgument, one line that starts with `name`: not such a file, cut off,
// not of two axes.
absl::StatusOr<NpyHeader> ParseNpyHeader(absl::string_view bytes,
                                         absl::string_view name);

}  // namespace opsbench::vector::internal

#endif  // OPSBENCH_VECTOR_INTERNAL_NPY_H_
