// The Redis and Valkey adapter. hiredis connects and parses replies; commands
// are written here, because hiredis writes them so that a closed connection
// ends the process with SIGPIPE.

#include <hiredis.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/internal/adapters.h"
#include "opsbench/db/redis.h"
#include "opsbench/db/redis_reply.h"

namespace opsbench::internal {
namespace {

// What is kept of the send buffer between pipelines.
constexpr size_t kKeptBytes = size_t{4} << 20;

struct ContextDeleter {
  void operator()(redisContext* context) const { redisFree(context); }
};
using Context = std::unique_ptr<redisContext, ContextDeleter>;

timeval ToTimeval(int ms) {
  timeval time;
  time.tv_sec = ms / 1000;
  time.tv_usec = ms % 1000 * 1000;
  return time;
}

RedisReply Converted(RedisReplyView reply) {
  RedisReply out;
  out.type = reply.type();
  out.integer = reply.integer();
  out.text = std::string(reply.text());
  for (size_t i = 0; i < reply.size(); ++i) {
    out.elements.push_back(Converted(reply[i]));
  }
  return out;
}

class HiredisSession : public RedisSession {
 public:
  explicit HiredisSession(Context context) : context_(std::move(context)) {}

  void Append(absl::Span<const absl::string_view> command) override {
    AppendRespCommand(command, &out_);
    ++pending_;
  }

  absl::Status Flush(std::vector<RedisReply>* replies) override {
    if (replies != nullptr) replies->clear();
    const size_t expected = std::exchange(pending_, 0);
    absl::Status status = alive_ ? Send() : LostBefore();
    out_.clear();
    if (out_.capacity() > kKeptBytes) out_.shrink_to_fit();
    OPSBENCH_RETURN_IF_ERROR(status);
    for (size_t i = 0; i < expected; ++i) {
      void* read = nullptr;
      if (redisGetReply(context_.get(), &read) != REDIS_OK) return Lost();
      const RedisReplyPtr reply(static_cast<redisReply*>(read));
      if (reply->type == REDIS_REPLY_ERROR && status.ok()) {
        status = RedisErrorStatus({reply->str, reply->len});
      }
      if (replies != nullptr) replies->push_back(Converted(*reply));
    }
    return status;
  }

  absl::StatusOr<RedisReply> Execute(
      absl::Span<const absl::string_view> command) override {
    Append(command);
    std::vector<RedisReply> replies;
    OPSBENCH_RETURN_IF_ERROR(Flush(&replies));
    return std::move(replies[0]);
  }

  bool alive() const override { return alive_; }

 private:
  absl::Status Send() {
    for (size_t sent = 0; sent < out_.size();) {
      const ssize_t size = send(context_->fd, out_.data() + sent,
                                out_.size() - sent, MSG_NOSIGNAL);
      if (size >= 0) {
        sent += static_cast<size_t>(size);
      } else if (errno != EINTR) {
        alive_ = false;
        return LateOrLost(errno, strerror(errno));
      }
    }
    return absl::OkStatus();
  }

  // After hiredis failed.
  absl::Status Lost() {
    alive_ = false;
    return LateOrLost(context_->err == REDIS_ERR_IO ? errno : 0,
                      context_->errstr);
  }

  static absl::Status LateOrLost(int error, absl::string_view text) {
    if (error == EAGAIN || error == EWOULDBLOCK) {
      return absl::DeadlineExceededError("Redis: no reply in time");
    }
    return absl::UnavailableError(
        absl::StrCat("Redis: the connection was lost: ", text));
  }

  static absl::Status LostBefore() {
    return absl::UnavailableError("Redis: the connection was lost before");
  }

  const Context context_;
  bool alive_ = true;
  std::string out_;
  size_t pending_ = 0;
};

absl::Status CheckUrl(const Url& url) {
  if (url.engine != Engine::kRedis) {
    return absl::InvalidArgumentError(
        absl::StrCat("Redis: this is a URL of ", EngineName(url.engine)));
  }
  if (!url.parameters.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("Redis: the URL's parameter '",
                     url.parameters.begin()->first, "' is not known"));
  }
  int database = 0;
  if (!url.database.empty() &&
      (!absl::SimpleAtoi(url.database, &database) || database < 0)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "Redis: the URL's database is a number, not '", url.database, "'"));
  }
  return absl::OkStatus();
}

// AUTH and SELECT. Some versions repeat the arguments of a command that they do
// not know.
absl::Status Greet(const Url& url, RedisSession& session) {
  if (!url.password.empty()) {
    std::vector<absl::string_view> auth = {"AUTH"};
    if (!url.user.empty()) auth.push_back(url.user);
    auth.push_back(url.password);
    const absl::Status status = session.Execute(auth).status();
    if (!status.ok()) {
      return absl::Status(
          status.code(),
          absl::StrReplaceAll(status.message(), {{url.password, "***"}}));
    }
  }
  const absl::string_view database =
      url.database.empty() ? "0" : absl::string_view(url.database);
  return session.Execute({"SELECT", database}).status();
}

}  // namespace

absl::StatusOr<std::unique_ptr<RedisSession>> ConnectHiredis(
    const Url& url, const RedisOptions& options) {
  OPSBENCH_RETURN_IF_ERROR(CheckUrl(url));
  const timeval connect_timeout = ToTimeval(options.connect_timeout_ms);
  const std::string host = url.host.empty() ? "127.0.0.1" : url.host;
  Context context(
      url.socket.empty()
          ? redisConnectWithTimeout(host.c_str(), url.EffectivePort(),
                                    connect_timeout)
          : redisConnectUnixWithTimeout(url.socket.c_str(), connect_timeout));
  if (context == nullptr) {
    return absl::ResourceExhaustedError("Redis: no memory for a connection");
  }
  if (context->err != 0 ||
      redisSetTimeout(context.get(), ToTimeval(options.reply_timeout_ms)) !=
          REDIS_OK) {
    return absl::UnavailableError(
        absl::StrCat("Redis: ", context->errstr, ": ", url.Redacted()));
  }
  auto session = std::make_unique<HiredisSession>(std::move(context));
  OPSBENCH_RETURN_IF_ERROR(Greet(url, *session));
  return session;
}

}  // namespace opsbench::internal
