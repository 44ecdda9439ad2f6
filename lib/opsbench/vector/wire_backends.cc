#include "opsbench/vector/wire_backends.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/vector/redis_search_index.h"

namespace opsbench::vector {
namespace {

constexpr size_t kMaxNameBytes = 40;

#ifdef OPSBENCH_WITH_REDIS
constexpr absl::string_view kWhatToStart =
    "start Redis 8, Redis Stack, or Valkey with valkey-search";
#endif

absl::StatusOr<std::unique_ptr<RedisIndex>> OpenRedis(
    const Url& url, Metric metric, const WireOptions& options) {
  OPSBENCH_ASSIGN_OR_RETURN(const auto session, ConnectRedis(url));
  OPSBENCH_ASSIGN_OR_RETURN(const RedisFeatures features,
                            DetectRedisFeatures(*session));
  auto index = ChooseRedisIndex(features, metric, options);
  if (index.ok()) return index;
  return absl::Status(
      index.status().code(),
      absl::StrCat(url.Redacted(), ": ", index.status().message()));
}

}  // namespace

absl::StatusOr<RedisIndexKind> ParseRedisIndexKind(absl::string_view name) {
  if (name == "auto") return RedisIndexKind::kAuto;
  if (name == "search") return RedisIndexKind::kSearch;
  if (name == "vector_set") return RedisIndexKind::kVectorSet;
  return absl::InvalidArgumentError(
      absl::StrCat("no kind of Redis index '", absl::CHexEscape(name),
                   "': there are auto, search and vector_set"));
}

absl::Status CheckIndexName(absl::string_view name) {
  const bool fits = !name.empty() && name.size() <= kMaxNameBytes &&
                    name.find_first_not_of(
                        "abcdefghijklmnopqrstuvwxyz0123456789_") == name.npos &&
                    name[0] >= 'a' && name[0] <= 'z';
  if (fits) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "'", absl::CHexEscape(name.substr(0, 2 * kMaxNameBytes)),
      "' cannot be the name of an index: take lower-case letters, digits and "
      "underscores, a letter first, at most ",
      kMaxNameBytes));
}

#ifdef OPSBENCH_WITH_REDIS
absl::StatusOr<std::unique_ptr<RedisIndex>> ChooseRedisIndex(
    const RedisFeatures& features, Metric metric, const WireOptions& options) {
  OPSBENCH_RETURN_IF_ERROR(CheckIndexName(options.name));
  switch (options.redis_kind) {
    case RedisIndexKind::kAuto:
      if (features.search) break;
      if (features.vector_sets) {
        return NewRedisVectorSet(features, options.name, metric,
                                 options.distances, options.vector_set);
      }
      return absl::FailedPreconditionError(absl::StrCat(
          features.server,
          " has no vector search, neither FT.SEARCH nor VSIM: ", kWhatToStart));
    case RedisIndexKind::kSearch:
      if (features.search) break;
      return absl::FailedPreconditionError(
          absl::StrCat(features.server, " has no search module (FT.SEARCH)",
                       features.vector_sets ? ", it has vector sets" : "", ": ",
                       kWhatToStart));
    case RedisIndexKind::kVectorSet:
      if (features.vector_sets) {
        return NewRedisVectorSet(features, options.name, metric,
                                 options.distances, options.vector_set);
      }
      return absl::FailedPreconditionError(
          absl::StrCat(features.server, " has no vector sets (VADD, VSIM)",
                       features.search ? ", it has the search module" : "",
                       ": start Redis 8"));
  }
  return NewRedisSearchIndex(features, options.name, metric, options.distances);
}
#else
absl::StatusOr<std::unique_ptr<RedisIndex>> ChooseRedisIndex(
    const RedisFeatures& /*features*/, Metric /*metric*/,
    const WireOptions& /*options*/) {
  return absl::UnimplementedError(
      "this opsbench was built without Redis: configure with "
      "-DOPSBENCH_WITH_REDIS=ON");
}
#endif

absl::StatusOr<WireEngine> OpenWireEngine(const Url& url, Metric metric,
                                          const WireOptions& options) {
  OPSBENCH_RETURN_IF_ERROR(CheckIndexName(options.name));
  WireEngine engine;
  switch (url.engine) {
    case Engine::kRedis: {
      OPSBENCH_ASSIGN_OR_RETURN(engine.redis, OpenRedis(url, metric, options));
      return engine;
    }
    case Engine::kPostgres: {
      PgvectorOptions pgvector = options.pgvector;
      pgvector.table = options.name;
      OPSBENCH_ASSIGN_OR_RETURN(engine.postgres,
                                PgvectorBackend::Open(url, pgvector));
      return engine;
    }
    default:
      return absl::InvalidArgumentError(absl::StrCat(
          url.Redacted(),
          ": vectors are searched by redis:// and postgres:// servers, not by ",
          EngineName(url.engine)));
  }
}

}  // namespace opsbench::vector
