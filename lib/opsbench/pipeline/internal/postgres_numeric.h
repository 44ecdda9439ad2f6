#ifndef OPSBENCH_PIPELINE_INTERNAL_POSTGRES_NUMERIC_H_
#define OPSBENCH_PIPELINE_INTERNAL_POSTGRES_NUMERIC_H_

// PostgreSQL's numeric in binary, to and from decimals and decimal text.
//
// Four 16-bit numbers, highest byte first: count of digits, weight of the first
// one, sign, digits behind the point to show; then the digits, of base 10,000.
// Source: numeric_send() and numeric_recv() in src/backend/utils/adt/numeric.c.
//
// Thread safety: pure functions.

#include <cstddef>
#include <string>

#include "absl/numeric/int128.h"
#include "absl/strings/string_view.h"

namespace opsbench::pipeline::postgres {

// What is wrong with a value, for a ValueError; nullptr: nothing.
using Fault = const char*;

// The number times 10^scale.
Fault DecodeDecimal(absl::string_view field, int scale, absl::int128* value);

// Appends the text of a kNumeric.
Fault DecodeNumericText(absl::string_view field, std::string* out);

// What EncodeDecimal() writes at most.
inline constexpr size_t kMaxDecimalBytes = 32;

// Writes `value` / 10^scale and returns the end.
char* EncodeDecimal(absl::int128 value, int scale, char* out);

// What EncodeNumericText() writes at most for a text of `size` bytes.
inline size_t MaxNumericBytes(size_t size) { return size + 24; }

// Writes the number of a kNumeric's text and returns the end; nullptr: it is no
// such text, or too large for the type.
char* EncodeNumericText(absl::string_view text, char* out);

// The digits behind the point of a kNumeric's text.
int FractionDigits(absl::string_view text);

}  // namespace opsbench::pipeline::postgres

#endif  // OPSBENCH_PIPELINE_INTERNAL_POSTGRES_NUMERIC_H_
