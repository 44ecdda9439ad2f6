#ifndef OPSBENCH_VECTOR_LOCAL_LOAD_H_
#define OPSBENCH_VECTOR_LOCAL_LOAD_H_

// Load on a Backend whose Searchers answer one request at a time: an index of
// this process, or an engine whose client library blocks. Each client is a
// thread with a Searcher of its own.
//
// Thread safety: the function blocks and owns its threads.

#include <cstdint>

#include "absl/status/statusor.h"
#include "opsbench/vector/backend.h"
#include "opsbench/vector/dataset.h"
#include "opsbench/vector/ground_truth.h"
#include "opsbench/vector/query_load.h"

namespace opsbench::vector {

// Queries of `data` in an order that the seed draws, as `request` says (its
// `query` is not looked at). `truth` holds the right neighbours of each query
// under the request's filter. The recall of every request of the measured part
// is counted between requests, not while one is timed.
//
// InvalidArgument: a data set without queries, a truth of other queries,
// options out of range. Others as Backend::Connect(). Unavailable: every client
// has lost its connection for good.
absl::StatusOr<QueryLoadResult> RunLocalLoad(Backend& backend,
                                             const Dataset& data,
                                             const GroundTruth& truth,
                                             const SearchRequest& request,
                                             uint64_t seed,
                                             const QueryLoadOptions& options);

}  // namespace opsbench::vector

#endif  // OPSBENCH_VECTOR_LOCAL_LOAD_H_
