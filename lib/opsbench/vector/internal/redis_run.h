#ifndef OPSBENCH_VECTOR_INTERNAL_REDIS_RUN_H_
#define OPSBENCH_VECTOR_INTERNAL_REDIS_RUN_H_

// The threads of a Redis load, and what they have to agree on.
//
// Thread safety: blocks and owns its threads.

#include <cstdint>

#include "absl/status/statusor.h"
#include "opsbench/vector/internal/slot_map.h"
#include "opsbench/vector/query_load.h"
#include "opsbench/vector/redis_load.h"

namespace opsbench::vector::internal {

// The warm-up's indexes are above all that a run can reach.
inline constexpr int64_t kWarmupBase = int64_t{1} << 48;

// As RunRedisLoad() says. REQUIRES: options in range.
absl::StatusOr<QueryLoadResult> RunWorkers(const SlotMap& slots,
                                           const QueryLoadOptions& options,
                                           const TrafficFactory& traffic,
                                           const RedisLoadOptions& redis);

}  // namespace opsbench::vector::internal

#endif  // OPSBENCH_VECTOR_INTERNAL_REDIS_RUN_H_
