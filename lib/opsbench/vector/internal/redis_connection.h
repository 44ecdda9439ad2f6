#ifndef OPSBENCH_VECTOR_INTERNAL_REDIS_CONNECTION_H_
#define OPSBENCH_VECTOR_INTERNAL_REDIS_CONNECTION_H_

// A connection that never blocks once it is open. hiredis connects and parses.
//
// Thread safety: for one thread at a time.

#include <hiredis.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "opsbench/db/url.h"

namespace opsbench::vector::internal {

struct ReplyDeleter {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Reply = std::unique_ptr<redisReply, ReplyDeleter>;

class RedisConnection {
 public:
  // Connects, authenticates and selects the database, within the timeout.
  static absl::StatusOr<std::unique_ptr<RedisConnection>> Open(const Url& url,
                                                               int timeout_ms);

  int fd() const { return context_->fd; }

  // What is to be sent: append to it, then Flush().
  std::string& out() { return out_; }
  // Sends what can be sent now. Unavailable: the connection is lost.
  absl::Status Flush();
  // Whether something is left: call Flush() when the socket takes more.
  bool wants_write() const { return sent_ < out_.size(); }

  // Reads what is there. Unavailable: the connection is lost.
  absl::Status Read();
  // The next reply of what was read; null: there is no whole one. Unavailable:
  // what came is not the protocol.
  absl::StatusOr<Reply> Next();

 private:
  struct ContextDeleter {
    void operator()(redisContext* context) const { redisFree(context); }
  };
  using Context = std::unique_ptr<redisContext, ContextDeleter>;

  explicit RedisConnection(Context context) : context_(std::move(context)) {}

  absl::Status ShakeHands(const Url& url, int timeout_ms);

  const Context context_;
  std::string out_;
  size_t sent_ = 0;
};

}  // namespace opsbench::vector::internal

#endif  // OPSBENCH_VECTOR_INTERNAL_REDIS_CONNECTION_H_
