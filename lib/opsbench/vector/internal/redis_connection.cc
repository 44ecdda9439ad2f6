#include "opsbench/vector/internal/redis_connection.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "opsbench/base/clock.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/redis.h"
#include "opsbench/vector/redis_index.h"

namespace opsbench::vector::internal {
namespace {

// Much in one call, where pipelines are deep; small enough for a cache.
constexpr size_t kReadBytes = size_t{64} << 10;

absl::Status Lost(absl::string_view why) {
  return absl::UnavailableError(
      absl::StrCat("the connection to Redis was lost: ", why));
}

redisContext* Connect(const Url& url, const timeval& timeout) {
  if (!url.socket.empty()) {
    return redisConnectUnixWithTimeout(url.socket.c_str(), timeout);
  }
  const std::string host = url.host.empty() ? "127.0.0.1" : url.host;
  return redisConnectWithTimeout(host.c_str(), url.EffectivePort(), timeout);
}

}  // namespace

absl::StatusOr<std::unique_ptr<RedisConnection>> RedisConnection::Open(
    const Url& url, int timeout_ms) {
  timeval timeout;
  timeout.tv_sec = timeout_ms / 1000;
  timeout.tv_usec = timeout_ms % 1000 * 1000;
  Context context(Connect(url, timeout));
  if (context == nullptr) return absl::ResourceExhaustedError("no memory");
  if (context->err != 0) {
    return absl::UnavailableError(absl::StrCat(
        "cannot connect to Redis at ", url.Redacted(), ": ", context->errstr));
  }
  const int flags = fcntl(context->fd, F_GETFL);
  if (flags < 0 || fcntl(context->fd, F_SETFL, flags | O_NONBLOCK) < 0) {
    return absl::ErrnoToStatus(errno, "cannot set up a socket");
  }
  std::unique_ptr<RedisConnection> connection(
      new RedisConnection(std::move(context)));
  OPSBENCH_RETURN_IF_ERROR(connection->ShakeHands(url, timeout_ms));
  return connection;
}

absl::Status RedisConnection::ShakeHands(const Url& url, int timeout_ms) {
  int expected = 0;
  if (!url.password.empty()) {
    std::vector<absl::string_view> auth = {"AUTH"};
    if (!url.user.empty()) auth.push_back(url.user);
    auth.push_back(url.password);
    AppendRespCommand(auth, &out_);
    ++expected;
  }
  // Also of database 0: only a reply shows that the server serves us, and does
  // not have too many clients.
  AppendRespCommand(
      {"SELECT", url.database.empty() ? "0" : absl::string_view(url.database)},
      &out_);
  ++expected;
  OPSBENCH_RETURN_IF_ERROR(Flush());
  const int64_t end_ns = MonotonicNowNs() + int64_t{timeout_ms} * 1'000'000;
  for (; expected > 0; --expected) {
    OPSBENCH_RETURN_IF_ERROR(AwaitReply(url, end_ns));
  }
  return absl::OkStatus();
}

absl::Status RedisConnection::AwaitReply(const Url& url, int64_t end_ns) {
  while (true) {
    OPSBENCH_ASSIGN_OR_RETURN(const bool replied, Next(false));
    if (replied) break;
    const int64_t left_ns = end_ns - MonotonicNowNs();
    if (left_ns <= 0) return Lost("no reply in time");
    pollfd polled = {fd(), POLLIN, 0};
    poll(&polled, 1, static_cast<int>(left_ns / 1'000'000 + 1));
    OPSBENCH_RETURN_IF_ERROR(Read());
  }
  if (!reader_.is_error()) return absl::OkStatus();
  std::string error(reader_.error());
  if (!url.password.empty()) {
    // Some versions repeat what they do not understand.
    error = absl::StrReplaceAll(error, {{url.password, "***"}});
  }
  return RedisErrorStatus(error);
}

absl::Status RedisConnection::Flush() {
  while (sent_ < out_.size()) {
    const ssize_t size =
        send(fd(), out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL);
    if (size >= 0) {
      sent_ += static_cast<size_t>(size);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return absl::OkStatus();
    } else if (errno != EINTR) {
      return Lost(strerror(errno));
    }
  }
  out_.clear();
  sent_ = 0;
  return absl::OkStatus();
}

absl::Status RedisConnection::Read() {
  char buffer[kReadBytes];
  while (true) {
    const ssize_t size = recv(fd(), buffer, sizeof(buffer), 0);
    if (size == 0) return Lost("the server closed it");
    if (size < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) return absl::OkStatus();
      return Lost(strerror(errno));
    }
    if (!reader_.Feed(buffer, static_cast<size_t>(size))) {
      return Lost("no memory for what it sent");
    }
    // What did not fill the buffer was all: a further call would only say so.
    if (static_cast<size_t>(size) < sizeof(buffer)) return absl::OkStatus();
  }
}

absl::StatusOr<bool> RedisConnection::Next(bool objects) {
  switch (reader_.Next(objects)) {
    case RedisReader::Outcome::kNeedsMore:
      return false;
    case RedisReader::Outcome::kReply:
      return true;
    case RedisReader::Outcome::kGarbage:
      break;
  }
  return absl::InternalError(
      absl::StrCat("this is not Redis's protocol: ", reader_.garbage()));
}

}  // namespace opsbench::vector::internal
