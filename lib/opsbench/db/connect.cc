#include "absl/strings/str_cat.h"
#include "opsbench/db/internal/adapters.h"
#include "opsbench/db/redis.h"
#include "opsbench/db/session.h"

namespace opsbench {

absl::StatusOr<std::unique_ptr<Session>> Connect(
    const Url& url, const ConnectOptions& options) {
  switch (url.engine) {
    case Engine::kSqlite:
      return internal::ConnectSqlite(url, options);
    case Engine::kMysql:
#ifdef OPSBENCH_WITH_MYSQL
      if (options.driver == ConnectOptions::Driver::kConnector) {
        return internal::ConnectMysqlConnector(url, options);
      }
      return internal::ConnectMysqlNative(url, options);
#else
      return absl::UnimplementedError(
          "this opsbench was built without MySQL: configure with "
          "-DOPSBENCH_WITH_MYSQL=ON");
#endif
    case Engine::kPostgres:
#ifdef OPSBENCH_WITH_POSTGRES
      return internal::ConnectPostgres(url, options);
#else
      return absl::UnimplementedError(
          "this opsbench was built without PostgreSQL: configure with "
          "-DOPSBENCH_WITH_POSTGRES=ON");
#endif
    case Engine::kRedis:
      return absl::UnimplementedError(
          "Redis has commands, not SQL sessions: see ConnectRedis()");
  }
  return absl::InternalError("unknown engine");
}

absl::StatusOr<std::unique_ptr<RedisSession>> ConnectRedis(
    const Url& url, const RedisOptions& options) {
#ifdef OPSBENCH_WITH_REDIS
  return internal::ConnectHiredis(url, options);
#else
  (void)url, (void)options;
  return absl::UnimplementedError(
      "this opsbench was built without Redis: configure with "
      "-DOPSBENCH_WITH_REDIS=ON");
#endif
}

}  // namespace opsbench
