#include "opsbench/vector/internal/redis_connection.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

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

// Waits until the socket is connected, or is not to be.
absl::Status AwaitConnected(int fd, int timeout_ms) {
  pollfd polled = {fd, POLLOUT, 0};
  if (poll(&polled, 1, timeout_ms) != 1) {
    return absl::UnavailableError("no answer in time");
  }
  int error = 0;
  socklen_t size = sizeof(error);
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error == 0) return absl::OkStatus();
  return absl::UnavailableError(strerror(error));
}

// A socket that never blocks, connected to the address.
absl::StatusOr<int> ConnectTo(const sockaddr* address, socklen_t size,
                              int timeout_ms) {
  const int fd =
      socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return absl::ErrnoToStatus(errno, "no socket");
  absl::Status status;
  if (connect(fd, address, size) != 0) {
    status = errno == EINPROGRESS ? AwaitConnected(fd, timeout_ms)
                                  : absl::UnavailableError(strerror(errno));
  }
  if (!status.ok()) {
    close(fd);
    return status;
  }
  if (address->sa_family != AF_UNIX) {
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }
  return fd;
}

absl::StatusOr<int> Connect(const Url& url, int timeout_ms) {
  if (!url.socket.empty()) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    if (url.socket.size() >= sizeof(address.sun_path)) {
      return absl::InvalidArgumentError("the socket's path is too long");
    }
    memcpy(address.sun_path, url.socket.data(), url.socket.size());
    return ConnectTo(reinterpret_cast<const sockaddr*>(&address),
                     sizeof(address), timeout_ms);
  }
  const std::string host = url.host.empty() ? "127.0.0.1" : url.host;
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(
      host.c_str(), absl::StrCat(url.EffectivePort()).c_str(), &hints, &found);
  if (error != 0) return absl::UnavailableError(gai_strerror(error));
  // A name may have several addresses: the first that answers.
  absl::StatusOr<int> fd = absl::UnavailableError("it has no address");
  for (const addrinfo* one = found; one != nullptr && !fd.ok();
       one = one->ai_next) {
    fd = ConnectTo(one->ai_addr, one->ai_addrlen, timeout_ms);
  }
  freeaddrinfo(found);
  return fd;
}

}  // namespace

absl::StatusOr<std::unique_ptr<RedisConnection>> RedisConnection::Open(
    const Url& url, int timeout_ms) {
  const absl::StatusOr<int> fd = Connect(url, timeout_ms);
  if (!fd.ok()) {
    return absl::Status(
        fd.status().code(),
        absl::StrCat("cannot connect to Redis at ", url.Redacted(), ": ",
                     fd.status().message()));
  }
  std::unique_ptr<RedisConnection> connection(new RedisConnection(*fd));
  OPSBENCH_RETURN_IF_ERROR(connection->ShakeHands(url, timeout_ms));
  return connection;
}

RedisConnection::~RedisConnection() { close(fd_); }

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
  if (!is_error_) return absl::OkStatus();
  std::string error = error_;
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
    reader_.Feed({buffer, static_cast<size_t>(size)});
    // What did not fill the buffer was all: a further call would only say so.
    if (static_cast<size_t>(size) < sizeof(buffer)) return absl::OkStatus();
  }
}

absl::StatusOr<bool> RedisConnection::Next(bool objects) {
  object_ = nullptr;
  if (!objects) {
    OPSBENCH_ASSIGN_OR_RETURN(const auto skipped, reader_.Skip(&error_));
    is_error_ = skipped == RedisReplyReader::Skipped::kError;
    is_empty_ = skipped == RedisReplyReader::Skipped::kEmpty;
    return skipped != RedisReplyReader::Skipped::kNothing;
  }
  OPSBENCH_ASSIGN_OR_RETURN(object_, reader_.Next());
  if (object_ == nullptr) return false;
  const RedisReplyView view(*object_);
  is_error_ = view.type() == RedisReply::Type::kError;
  if (is_error_) error_ = std::string(view.text());
  return true;
}

}  // namespace opsbench::vector::internal
