#ifndef OPSBENCH_VECTOR_REDIS_LOAD_H_
#define OPSBENCH_VECTOR_REDIS_LOAD_H_

// Load on a Redis or Valkey server, or a cluster of them: many connections a
// thread, driven by events, each with a pipeline, in a closed loop or at a
// rate.
//
// Who asks what is a RedisTraffic. A request has an index, from 0, each exactly
// once; its command is a pure function of that. A request that a cluster
// redirects, or asks to try again, is sent anew and its latency goes on.
//
// Cluster: detected by what the server says of itself. Commands go to the node
// that has their slot, MOVED teaches the new owner, ASK is followed once. A
// client has a connection to each node.
//
// Losses: requests under way on a connection that breaks are errors
// (UNAVAILABLE): whether they were carried out is not known. The connection is
// made again, with pauses from 1 to 200 ms, and the run goes on. A server that
// is still loading its data (LOADING) is asked again.
//
// Thread safety: functions block and own their threads; a RedisTraffic is used
// by one of them at a time.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "opsbench/base/histogram.h"
#include "opsbench/db/url.h"
#include "opsbench/vector/query_load.h"
#include "opsbench/vector/recall.h"

struct redisReply;

namespace opsbench::vector {

class RedisTraffic {
 public:
  virtual ~RedisTraffic() = default;

  // Appends request `index` as RESP (one command), and returns the slot of its
  // key or kAnyNode; see redis_index.h. May be called again for the same index,
  // and then appends the same. The warm-up has indexes of its own, above all
  // others.
  virtual int Append(int64_t index, std::string* out) = 0;

  // Called before the first Append() when there is one server and no cluster:
  // slots need not be worked out.
  virtual void NoSlots() {}

  // Whether OnReply() is to see replies. Otherwise no objects are made of them,
  // which saves much of what a small reply costs.
  virtual bool wants_replies() const { return true; }

  // The reply to a request of the measured part, no error. What it returns, if
  // not OK, is counted as an error. `reply` is gone afterwards.
  virtual absl::Status OnReply(int64_t index, const redisReply& reply) = 0;

  // A request of the measured part came to nothing.
  virtual void OnError(int64_t index) { (void)index; }

  // Of all replies so far; empty: not measured.
  virtual Recall recall() const { return {}; }
};

struct RedisLoadOptions {
  enum class Cluster { kAuto, kOff };

  Cluster cluster = Cluster::kAuto;
  // Whether threads may look for replies for up to 50 us before they sleep,
  // which they do as long as replies come within that, and while the machine
  // has more processors than the load has threads: else a round trip is mostly
  // the time to wake a processor.
  bool may_poll = true;
  // The run ends when no connection of a thread could be made again for this
  // long, and so does the wait for the last replies.
  absl::Duration patience = absl::Seconds(10);
  // A connection with requests under way that brings nothing for this long is
  // broken; they are errors (DEADLINE_EXCEEDED).
  absl::Duration reply_timeout = absl::Seconds(30);
};

// Makes the traffic of a thread, on the caller's.
using TrafficFactory = std::function<std::unique_ptr<RedisTraffic>(int thread)>;

// InvalidArgument: a URL of another engine, options out of range. Errors of the
// first connection as ConnectRedis(). ResourceExhausted: too many connections
// for the server or this process. Unavailable: the server went away for longer
// than `patience`. Internal: what came is not Redis's protocol. Unimplemented:
// built without hiredis.
absl::StatusOr<QueryLoadResult> RunRedisLoad(
    const Url& url, const QueryLoadOptions& options,
    const TrafficFactory& traffic, const RedisLoadOptions& redis = {});

// Round trips of PING, one after the other on one connection.
absl::StatusOr<Histogram> PingLatency(const Url& url, int round_trips = 500);

}  // namespace opsbench::vector

#endif  // OPSBENCH_VECTOR_REDIS_LOAD_H_
