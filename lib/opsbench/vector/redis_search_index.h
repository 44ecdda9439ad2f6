#ifndef OPSBENCH_VECTOR_REDIS_SEARCH_INDEX_H_
#define OPSBENCH_VECTOR_REDIS_SEARCH_INDEX_H_

// RediSearch and valkey-search: an HNSW index over hashes "NAME:<row>", whose
// field "v" is the vector.
//
// Where the two differ: valkey-search's FT.INFO has other names; a search's
// replies come by distance, RediSearch's by document. Both are asked for the
// distances, and replies are sorted here. Distances are those of vectors.h, but
// for a query of zeros under cosine, of which RediSearch says "nan": that is 1.
//
// Sources: https://redis.io/docs/latest/commands/ft.search and
// https://valkey.io/commands/ft.search, and the servers' replies in
// fixtures/vector/replies.
//
// Without distances a reply is keys alone, which the server writes in a fifth
// to a third less time; RediSearch is then asked for them by distance.
//
// Thread safety: as RedisIndex.

#include <memory>
#include <string>

#include "opsbench/vector/redis_features.h"
#include "opsbench/vector/redis_index.h"
#include "opsbench/vector/vectors.h"

namespace opsbench::vector {

// `name`, `distances`: see wire_backends.h. REQUIRES: features.search.
std::unique_ptr<RedisIndex> NewRedisSearchIndex(const RedisFeatures& features,
                                                std::string name, Metric metric,
                                                bool distances);

}  // namespace opsbench::vector

#endif  // OPSBENCH_VECTOR_REDIS_SEARCH_INDEX_H_
