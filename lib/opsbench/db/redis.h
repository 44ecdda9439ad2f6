#ifndef OPSBENCH_DB_REDIS_H_
#define OPSBENCH_DB_REDIS_H_

// One connection to a Redis or Valkey server, with pipelining.
//
// Thread safety: a RedisSession belongs to one thread at a time.
//
// Errors are absl::Status, by the first word of the server's reply:
//   Unavailable         no connection, or it was lost; the server is loading
//   Unauthenticated     NOAUTH, WRONGPASS
//   PermissionDenied    NOPERM
//   InvalidArgument     WRONGTYPE, and what ERR says of arguments
//   ResourceExhausted   OOM, too many clients
//   FailedPrecondition  READONLY, MISCONF: it takes no writes now
//   Aborted             BUSY, EXECABORT: try again
//   DeadlineExceeded    no reply within RedisOptions::reply_timeout_ms
//   Unimplemented       an unknown command; MOVED, ASK: it is a cluster
//   Internal            anything else
// The message holds the server's text, never the password.
//
// Protocol: https://redis.io/docs/reference/protocol-spec (RESP 2).

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "opsbench/db/url.h"

namespace opsbench {

struct RedisReply {
  enum class Type { kNil, kInteger, kText, kArray, kError };

  Type type = Type::kNil;
  int64_t integer = 0;
  std::string text;  // Of a text or an error.
  std::vector<RedisReply> elements;
};

class RedisSession {
 public:
  virtual ~RedisSession() = default;

  // Adds a command (its name, then its arguments, of any bytes) to the
  // pipeline. Nothing is sent yet; the arguments are copied.
  virtual void Append(absl::Span<const absl::string_view> command) = 0;

  // Sends the pipeline, and waits for a reply to each command. *replies, unless
  // null, is what came, in order, errors among them. The error is the first
  // that a command had: those after it were carried out all the same. The
  // pipeline is empty afterwards. The server keeps the replies until all is
  // sent: that bounds what should be sent at once.
  virtual absl::Status Flush(std::vector<RedisReply>* replies = nullptr) = 0;

  // One command and its reply. REQUIRES: the pipeline is empty.
  virtual absl::StatusOr<RedisReply> Execute(
      absl::Span<const absl::string_view> command) = 0;

  // Whether the connection can be used. Once it was lost, or a reply was late,
  // every call fails with Unavailable.
  virtual bool alive() const = 0;
};

// Appends a command as it is sent: "*2\r\n$3\r\nGET\r\n$1\r\na\r\n".
void AppendRespCommand(absl::Span<const absl::string_view> command,
                       std::string* out);

struct RedisOptions {
  // A connection attempt ends after this.
  int connect_timeout_ms = 10'000;

  // So does the wait for the next bytes of a reply.
  int reply_timeout_ms = 30'000;
};

// An error reply ("WRONGTYPE Operation against…") as a status, by the list
// above.
absl::Status RedisErrorStatus(absl::string_view error);

// Connects, authenticates and selects the database, a number, 0 when `url` has
// none. Unimplemented when the adapter was not built in. InvalidArgument: a URL
// of another engine, parameters, a database that is no number.
absl::StatusOr<std::unique_ptr<RedisSession>> ConnectRedis(
    const Url& url, const RedisOptions& options = {});

}  // namespace opsbench

#endif  // OPSBENCH_DB_REDIS_H_
