#ifndef OPSBENCH_VECTOR_INTERNAL_PGVECTOR_FORMAT_H_
#define OPSBENCH_VECTOR_INTERNAL_PGVECTOR_FORMAT_H_

// PostgreSQL's binary COPY of rows (id, embedding, tag, number), and pgvector's
// vector within it.
//
// Thread safety: pure functions.
//
// Sources: "COPY", section "Binary Format", in PostgreSQL's manual; vector_recv
// in pgvector's src/vector.c.

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "opsbench/vector/dataset.h"

namespace opsbench::vector::internal {

// The number of dimensions and a zero in 16 bits each, then the numbers, all in
// big-endian order. REQUIRES: fewer than 2^15 of them.
void AppendPgVector(absl::Span<const float> values, std::string* out);

// Whether "[1,0.5,-2]", as vector_out writes it, is this vector.
bool IsVectorText(absl::string_view text, absl::Span<const float> values);

void AppendCopyHeader(std::string* out);
// Tag and number are 0 when the data set has none.
void AppendCopyRow(const Dataset& data, size_t row, std::string* out);
void AppendCopyTrailer(std::string* out);

}  // namespace opsbench::vector::internal

#endif  // OPSBENCH_VECTOR_INTERNAL_PGVECTOR_FORMAT_H_
