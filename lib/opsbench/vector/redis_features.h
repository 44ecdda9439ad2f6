#ifndef OPSBENCH_VECTOR_REDIS_FEATURES_H_
#define OPSBENCH_VECTOR_REDIS_FEATURES_H_

// What a server behind Redis's protocol can do with vectors.
//
// Thread safety: value types; a RedisSession is used by one thread at a time.

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opsbench/db/redis.h"

namespace opsbench::vector {

struct RedisFeatures {
  // "Redis 8.2.3", "Valkey 9.1.2".
  std::string server;
  bool valkey = false;
  // It is a node of a cluster.
  bool cluster = false;

  // FT.CREATE and FT.SEARCH: RediSearch, which Redis 8 and Redis Stack bring
  // along, or valkey-search.
  bool search = false;
  // "2.10.5"; empty when the server does not say.
  std::string search_version;

  // VADD and VSIM: Redis 8.
  bool vector_sets = false;
};

// Asks the server. Unavailable: the connection was lost. Internal: a reply that
// makes no sense.
absl::StatusOr<RedisFeatures> DetectRedisFeatures(RedisSession& session);

}  // namespace opsbench::vector

#endif  // OPSBENCH_VECTOR_REDIS_FEATURES_H_
