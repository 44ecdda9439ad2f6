#ifndef OPSBENCH_VECTOR_REDIS_VECTOR_SET_H_
#define OPSBENCH_VECTOR_REDIS_VECTOR_SET_H_

// Redis 8's vector sets: one key that holds the vectors as elements "<row>",
// with tag and number as JSON attributes. In a cluster it lives on one node.
//
// Cosine alone. The server tells a similarity, 1 when two vectors point the
// same way and 0 when they are opposed; the distance of vectors.h is
// 2 * (1 - similarity).
//
// Sources: https://redis.io/docs/latest/commands/vadd, …/vsim, and the server's
// replies in fixtures/vector/replies.
//
// Thread safety: as RedisIndex.

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "opsbench/vector/redis_features.h"
#include "opsbench/vector/redis_index.h"
#include "opsbench/vector/vectors.h"

namespace opsbench::vector {

struct VectorSetOptions {
  // As the other engines keep vectors, or in 8 bits or 1 bit a number. Redis's
  // own default is 8 bits.
  enum class Quantization { kNone, kInt8, kBinary };
  Quantization quantization = Quantization::kNone;

  // A set is made by its first VADD, and each VADD repeats these; those of
  // BuildOptions are not taken.
  int m = 16;
  int ef_construction = 200;

  // An insert looks for its neighbours in a thread of the server's.
  bool check_and_set = false;
};

// `key`, `distances`: see wire_backends.h. InvalidArgument: a metric other than
// cosine. REQUIRES: features.vector_sets.
absl::StatusOr<std::unique_ptr<RedisIndex>> NewRedisVectorSet(
    const RedisFeatures& features, std::string key, Metric metric,
    bool distances, const VectorSetOptions& options = {});

}  // namespace opsbench::vector

#endif  // OPSBENCH_VECTOR_REDIS_VECTOR_SET_H_
