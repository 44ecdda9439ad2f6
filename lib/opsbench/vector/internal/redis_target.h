#ifndef OPSBENCH_VECTOR_INTERNAL_REDIS_TARGET_H_
#define OPSBENCH_VECTOR_INTERNAL_REDIS_TARGET_H_

// A server behind Redis's protocol, as a target: vector search through a
// RedisIndex, or plain commands.
//
// Thread safety: as Target.

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "opsbench/db/url.h"
#include "opsbench/vector/internal/target.h"
#include "opsbench/vector/redis_index.h"

namespace opsbench::vector::internal {

// `index`, called `name`, says how search is spoken there; null: plain commands
// alone.
absl::StatusOr<std::unique_ptr<Target>> MakeRedisTarget(
    const Url& url, std::string name, std::unique_ptr<RedisIndex> index);

}  // namespace opsbench::vector::internal

#endif  // OPSBENCH_VECTOR_INTERNAL_REDIS_TARGET_H_
