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
#include "opsbench/vector/internal/redis_reader.h"

namespace opsbench::vector::internal {

class RedisConnection {
 public:
  // Connects, authenticates and selects the database, within the timeout.
  // Unavailable: no connection. Otherwise what the server said, as
  // RedisErrorStatus() has it, or Internal: it does not speak Redis's protocol.
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
  // Whether what was read has a further reply, which reader() then holds, with
  // an object when `objects` was true. Internal: that is not the protocol.
  absl::StatusOr<bool> Next(bool objects);
  const RedisReader& reader() const { return reader_; }

 private:
  struct ContextDeleter {
    void operator()(redisContext* context) const { redisFree(context); }
  };
  using Context = std::unique_ptr<redisContext, ContextDeleter>;

  explicit RedisConnection(Context context) : context_(std::move(context)) {}

  absl::Status ShakeHands(const Url& url, int timeout_ms);
  // Waits for one reply, which is to be no error.
  absl::Status AwaitReply(const Url& url, int64_t end_ns);

  const Context context_;
  RedisReader reader_;
  std::string out_;
  size_t sent_ = 0;
};

}  // namespace opsbench::vector::internal

#endif  // OPSBENCH_VECTOR_INTERNAL_REDIS_CONNECTION_H_
