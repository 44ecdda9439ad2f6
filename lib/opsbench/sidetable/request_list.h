#ifndef OPSBENCH_SIDETABLE_REQUEST_LIST_H_
#define OPSBENCH_SIDETABLE_REQUEST_LIST_H_

// The reads of a workload as text, so that another tool can do the same work:
// one prepared statement and the arguments of each request.
//
// Thread safety: pure functions.

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "opsbench/sidetable/mix.h"
#include "opsbench/sidetable/store.h"

namespace opsbench::sidetable {

struct RequestList {
  std::string sql;  // On one line, with the engine's placeholders.
  // Of each request, in the order of the placeholders. A number has no quotes,
  // a text is free of tabs, quotes and backslashes.
  std::vector<std::vector<std::string>> arguments;
};

// The requests that SidetableWorkload draws `distinct` of. Only for reads of
// Strategy::kSideTable: InvalidArgument otherwise.
absl::StatusOr<RequestList> ListRequests(const Store& store,
                                         const MixOperation& operation,
                                         int distinct);

}  // namespace opsbench::sidetable

#endif  // OPSBENCH_SIDETABLE_REQUEST_LIST_H_
