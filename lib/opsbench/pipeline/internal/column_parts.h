#ifndef OPSBENCH_PIPELINE_INTERNAL_COLUMN_PARTS_H_
#define OPSBENCH_PIPELINE_INTERNAL_COLUMN_PARTS_H_

// Columns of parts that someone else wrote: the one place where what comes from
// files, other libraries and decompression is checked, so that no reader of a
// column has to.

#include <cstdint>

#include "absl/status/statusor.h"
#include "opsbench/pipeline/batch.h"
#include "opsbench/pipeline/types.h"

namespace opsbench::pipeline::internal {

// The sizes that the parts of `rows` rows have. REQUIRES: rows >= 0, and at
// most kMaxRows.
inline constexpr int64_t kMaxRows = int64_t{1} << 31;
size_t ValidityBytes(int64_t rows);
size_t OffsetsBytes(int64_t rows);
// Of a type without offsets.
size_t ValuesBytes(TypeId id, int64_t rows);

// A column of the parts. Checks that each is large enough and that offsets lie
// within the values and never fall (DataLoss); cuts what is too long, moves
// offsets that do not start at 0, counts the nulls, and clears the bits behind
// the last row, which appending relies on. An empty validity means no nulls.
absl::StatusOr<Column> ColumnOfParts(const Type& type, int64_t rows,
                                     Column::Parts parts);

// `rows` bits from the bit `first` on. Reads no byte that holds none of them.
Buffer CopyBits(const void* bits, int64_t first, int64_t rows);

// REQUIRES: the column has rows from `first` to `first` + `rows`.
Column SliceOf(const Column& column, int64_t first, int64_t rows);

}  // namespace opsbench::pipeline::internal

#endif  // OPSBENCH_PIPELINE_INTERNAL_COLUMN_PARTS_H_
