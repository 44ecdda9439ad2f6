#ifndef OPSBENCH_VECTOR_INTERNAL_REDIS_ROWS_H_
#define OPSBENCH_VECTOR_INTERNAL_REDIS_ROWS_H_

// The rows of a search index, hashes "<name>:<row>", by their numbers: many at
// a time, each on the node that has it.
//
// Thread safety: functions block and keep no state.

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "opsbench/db/url.h"
#include "opsbench/vector/index_mark.h"

namespace opsbench::vector::internal {

// Returns the first key of a row that is there and does not look like a row of
// the mark: a hash of 1 or 3 fields, whose field "v" has the size of a vector.
// Empty: there is none.
absl::StatusOr<std::string> FindOtherRow(const Url& url,
                                         const std::string& name,
                                         const IndexMark& mark);

// Rows that are not there are no error; each error reply is.
absl::Status RemoveRows(const Url& url, const std::string& name, int64_t rows);

}  // namespace opsbench::vector::internal

#endif  // OPSBENCH_VECTOR_INTERNAL_REDIS_ROWS_H_
