#ifndef OPSBENCH_VECTOR_INTERNAL_VECTOR_FILES_H_
#define OPSBENCH_VECTOR_INTERNAL_VECTOR_FILES_H_

// The plain formats that vectors and neighbours are published in. All numbers
// are little-endian.
//
//   fvecs, bvecs, ivecs   each row: int32 length, then as many float32, uint8
//   or
//                         int32; all rows of one length
//                         (corpus-texmex.irisa.fr)
//   fbin, u8bin, i8bin    uint32 rows, uint32 dimension, then float32, uint8 or
//                         int8 (big-ann-benchmarks.com)
//   ibin                  uint32 rows, uint32 k, then int32 ids, then possibly
//                         as many float32 distances, which are not looked at
//   npy                   NumPy's format 1.0 to 3.0: a matrix, in C or Fortran
//                         order, of float16, float32, float64, int8 or uint8;
//                         of ids: int32, uint32, int64, uint64
//
// Errors are InvalidArgument, one line that starts with `name`. No header is
// believed before it was held against the size of the file.
//
// Thread safety: functions keep no state.

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opsbench/vector/internal/parts.h"

namespace opsbench::vector::internal {

// By the name's extension. NotFound: not that of vectors.
absl::StatusOr<VectorTable> ParseVectorFile(absl::string_view bytes,
                                            absl::string_view name);

// By the name's extension. NotFound: not that of ids.
absl::StatusOr<IdTable> ParseIdFile(absl::string_view bytes,
                                    absl::string_view name);

// In lower case, without the dot; empty when there is none.
std::string Extension(absl::string_view name);

}  // namespace opsbench::vector::internal

#endif  // OPSBENCH_VECTOR_INTERNAL_VECTOR_FILES_H_
