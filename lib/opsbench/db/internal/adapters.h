#ifndef OPSBENCH_DB_INTERNAL_ADAPTERS_H_
#define OPSBENCH_DB_INTERNAL_ADAPTERS_H_

// The entry of each adapter. Only connect.cc calls them; an adapter that is not
// built in is left out by OPSBENCH_WITH_MYSQL, OPSBENCH_WITH_POSTGRES and
// OPSBENCH_WITH_REDIS.
//
// Thread safety: may be called from any thread.

#include <memory>

#include "absl/status/statusor.h"
#include "opsbench/db/redis.h"
#include "opsbench/db/session.h"

namespace opsbench::internal {

absl::StatusOr<std::unique_ptr<Session>> ConnectSqlite(
    const Url& url, const ConnectOptions& options);

// By libmariadb, MariaDB's C client, which speaks to MySQL as well.
absl::StatusOr<std::unique_ptr<Session>> ConnectMysqlNative(
    const Url& url, const ConnectOptions& options);

// By MySQL Connector/C++.
absl::StatusOr<std::unique_ptr<Session>> ConnectMysqlConnector(
    const Url& url, const ConnectOptions& options);

// By libpqxx, over a libpq connection that the adapter keeps at hand.
absl::StatusOr<std::unique_ptr<Session>> ConnectPostgres(
    const Url& url, const ConnectOptions& options);

// By hiredis.
absl::StatusOr<std::unique_ptr<RedisSession>> ConnectHiredis(
    const Url& url, const RedisOptions& options);

}  // namespace opsbench::internal

#endif  // OPSBENCH_DB_INTERNAL_ADAPTERS_H_
