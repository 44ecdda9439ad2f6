#include "opsbench/vector/redis_load.h"

#include <cmath>
#include <memory>

#include "opsbench/base/clock.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/redis.h"
#include "opsbench/vector/internal/redis_run.h"
#include "opsbench/vector/internal/slot_map.h"

namespace opsbench::vector {
namespace {

using internal::kWarmupBase;
using internal::SlotMap;

absl::Status CheckOptions(const QueryLoadOptions& options) {
  if (options.clients < 1 || options.threads < 1 || options.pipeline < 1) {
    return absl::InvalidArgumentError(
        "clients, threads and pipeline have to be above 0");
  }
  if (options.requests < 0 || options.requests >= kWarmupBase ||
      (options.requests == 0 && options.duration <= absl::ZeroDuration())) {
    return absl::InvalidArgumentError(
        "a run needs a number of requests or a duration, above 0");
  }
  if (options.warmup < absl::ZeroDuration() ||
      options.warmup == absl::InfiniteDuration() ||
      !(options.rate_per_second >= 0) ||
      !std::isfinite(options.rate_per_second)) {
    return absl::InvalidArgumentError(
        "the warm-up and the rate must be finite and not below 0");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<QueryLoadResult> RunRedisLoad(const Url& url,
                                             const QueryLoadOptions& options,
                                             const TrafficFactory& traffic,
                                             const RedisLoadOptions& redis) {
  OPSBENCH_RETURN_IF_ERROR(CheckOptions(options));
  OPSBENCH_ASSIGN_OR_RETURN(const std::unique_ptr<RedisSession> session,
                            ConnectRedis(url));
  SlotMap slots(url);
  if (redis.cluster == RedisLoadOptions::Cluster::kAuto) {
    OPSBENCH_ASSIGN_OR_RETURN(slots, SlotMap::Read(url, *session));
  }
#ifdef OPSBENCH_WITH_REDIS
  return internal::RunWorkers(slots, options, traffic, redis);
#else
  // Not reached: nobody has connected.
  static_cast<void>(traffic);
  return absl::UnimplementedError("built without the adapter of Redis");
#endif
}

absl::StatusOr<Histogram> PingLatency(const Url& url, int round_trips) {
  OPSBENCH_ASSIGN_OR_RETURN(const std::unique_ptr<RedisSession> session,
                            ConnectRedis(url));
  Histogram histogram;
  for (int i = 0; i < round_trips; ++i) {
    const int64_t start_ns = MonotonicNowNs();
    OPSBENCH_RETURN_IF_ERROR(session->Execute({"PING"}).status());
    histogram.Record(MonotonicNowNs() - start_ns);
  }
  return histogram;
}

}  // namespace opsbench::vector
