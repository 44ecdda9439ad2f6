#ifndef OPSBENCH_TOOLS_CLI_UNTOUCHED_WATCHED_REDIS_H_
#define OPSBENCH_TOOLS_CLI_UNTOUCHED_WATCHED_REDIS_H_

// A Redis of a test's own, which logs its commands.
//
// Thread safety: not thread-safe.

#include <memory>

#include "opsbench/server/private_server.h"
#include "untouched/watched_server.h"

namespace opsbench {

std::unique_ptr<WatchedServer> StartWatchedRedis(
    std::unique_ptr<PrivateServer> server);

}  // namespace opsbench

#endif  // OPSBENCH_TOOLS_CLI_UNTOUCHED_WATCHED_REDIS_H_
