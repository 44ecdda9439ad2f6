#ifndef OPSBENCH_VECTOR_INTERNAL_REDIS_CONNECTION_H_
#define OPSBENCH_VECTOR_INTERNAL_REDIS_CONNECTION_H_

// A connection that never blocks once it is open.
//
// Thread safety: for one thread at a time.

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "opsbench/db/redis_reply.h"
#include "opsbench/db/url.h"

namespace opsbench::vector::internal {

class RedisConnection {
 public:
  // Connects, authenticates and selects the database, within the timeout.
  // Unavailable: no connection. Otherwise what the server said, as
  // RedisErrorStatus() has it, or Internal: it does not speak Redis's protocol.
  static absl::StatusOr<std::unique_ptr<RedisConnection>> Open(const Url& url,
                                                               int timeout_ms);

  int fd() const { return fd_; }

  // What is to be sent: append to it, then Flush().
  std::string& out() { return out_; }
  // Sends what can be sent now. Unavailable: the connection is lost.
  absl::Status Flush();
  // Whether something is left: call Flush() when the socket takes more.
  bool wants_write() const { return sent_ < out_.size(); }

  // Reads what is there. Unavailable: the connection is lost.
  absl::Status Read();
  // Whether what was read has a further reply. `objects`: whether object() is
  // to have it. Internal: that is not the protocol.
  absl::StatusOr<bool> Next(bool objects);
  // Of the last reply, until Next() is called again.
  bool is_error() const { return is_error_; }
  absl::string_view error() const { return error_; }
  // Whether it is nil, or an array without elements; unknown with objects.
  bool is_empty() const { return is_empty_; }
  const redisReply* object() const { return object_.get(); }

  ~RedisConnection();
  RedisConnection(const RedisConnection&) = delete;
  RedisConnection& operator=(const RedisConnection&) = delete;

 private:
  explicit RedisConnection(int fd) : fd_(fd) {}

  absl::Status ShakeHands(const Url& url, int timeout_ms);
  // Waits for one reply, which is to be no error.
  absl::Status AwaitReply(const Url& url, int64_t end_ns);

  const int fd_;
  RedisReplyReader reader_;
  RedisReplyPtr object_;
  bool is_error_ = false;
  bool is_empty_ = false;
  std::string error_;
  std::string out_;
  size_t sent_ = 0;
};

}  // namespace opsbench::vector::internal

#endif  // OPSBENCH_VECTOR_INTERNAL_REDIS_CONNECTION_H_
