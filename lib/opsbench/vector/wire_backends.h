#ifndef OPSBENCH_VECTOR_WIRE_BACKENDS_H_
#define OPSBENCH_VECTOR_WIRE_BACKENDS_H_

// From a URL to what speaks to the vector search behind it: a RedisIndex for a
// server with Redis's protocol, whose commands somebody else sends, or a
// Backend for PostgreSQL.
//
// Thread safety: functions keep no state.

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opsbench/db/url.h"
#include "opsbench/vector/pgvector_backend.h"
#include "opsbench/vector/redis_features.h"
#include "opsbench/vector/redis_index.h"
#include "opsbench/vector/redis_vector_set.h"
#include "opsbench/vector/vectors.h"

namespace opsbench::vector {

// kAuto: the search module where the server has it, else vector sets.
enum class RedisIndexKind { kAuto, kSearch, kVectorSet };

// "auto", "search", "vector_set". InvalidArgument lists what there is.
absl::StatusOr<RedisIndexKind> ParseRedisIndexKind(absl::string_view name);

struct WireOptions {
  // Of the index, the prefix of its keys, or the table.
  std::string name = "opsbench";

  // Redis and Valkey.
  RedisIndexKind redis_kind = RedisIndexKind::kAuto;
  // Whether searches ask for the distances, which costs the server time. If
  // not, a Neighbor's distance is its place, from 0: the order holds, and
  // recall is judged by exact distances anyway.
  bool distances = true;
  // `m` and `ef_construction` as in the BuildOptions that come later.
  VectorSetOptions vector_set;

  // PostgreSQL; its `table` is `name`.
  PgvectorOptions pgvector;
};

// One of the two.
struct WireEngine {
  std::unique_ptr<RedisIndex> redis;
  std::unique_ptr<PgvectorBackend> postgres;

  const BackendInfo& info() const {
    return redis != nullptr ? redis->info() : postgres->info();
  }
};

// Connects, and asks the server what it can do.
// FailedPrecondition: it has no vector search (or not the kind asked for); one
// line says what it is, what it lacks and what to start. InvalidArgument: a URL
// of another engine, a name that is none, a metric that the engine does not
// know. Other errors as ConnectRedis() and Connect().
absl::StatusOr<WireEngine> OpenWireEngine(const Url& url, Metric metric,
                                          const WireOptions& options = {});

// The part of it that is about Redis, for a server that was asked already.
absl::StatusOr<std::unique_ptr<RedisIndex>> ChooseRedisIndex(
    const RedisFeatures& features, Metric metric, const WireOptions& options);

// What may stand in statements, keys and patterns without quotes: lower-case
// letters, digits and underscores, a letter first, at most 40. InvalidArgument
// otherwise.
absl::Status CheckIndexName(absl::string_view name);

}  // namespace opsbench::vector

#endif  // OPSBENCH_VECTOR_WIRE_BACKENDS_H_
