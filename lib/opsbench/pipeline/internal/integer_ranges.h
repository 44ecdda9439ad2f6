#ifndef OPSBENCH_PIPELINE_INTERNAL_INTEGER_RANGES_H_
#define OPSBENCH_PIPELINE_INTERNAL_INTEGER_RANGES_H_

// Splitting a table by ranges of an integer key.
//
// Thread safety: pure functions.

#include <string>
#include <vector>

#include "absl/numeric/int128.h"
#include "absl/strings/string_view.h"
#include "opsbench/pipeline/connector.h"

namespace opsbench::pipeline::internal {

// At most `parts` partitions of the same width between the lowest and the
// highest key. The first has no lower and the last no upper bound, so that
// together they hold every key, those made meanwhile too. `column` is quoted.
std::vector<Partition> SplitIntegers(absl::string_view column,
                                     absl::int128 lowest, absl::int128 highest,
                                     int parts);

// As text, a query's own literal.
std::string IntegerText(absl::int128 value);

}  // namespace opsbench::pipeline::internal

#endif  // OPSBENCH_PIPELINE_INTERNAL_INTEGER_RANGES_H_
