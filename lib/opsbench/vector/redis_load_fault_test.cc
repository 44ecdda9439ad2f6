// The client against a server that does what no real one does on demand: sends
// replies byte by byte, nonsense, says that it is loading, or says nothing.

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/base/clock.h"
#include "opsbench/base/random.h"
#include "opsbench/db/redis.h"
#include "opsbench/db/redis_reply.h"
#include "opsbench/vector/redis_index.h"
#include "opsbench/vector/redis_load.h"

namespace opsbench::vector {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

// Answers commands by a function of their words; an empty answer is none. The
// greeting of a connection (AUTH, SELECT) and the question for a cluster are
// answered as a server does that is none.
class FakeServer {
 public:
  // Of a command that is no greeting; the count of those before it.
  using Answer = std::function<std::string(int64_t count,
                                           const std::vector<std::string>&)>;

  // `chunks`: replies are sent in pieces of random sizes.
  explicit FakeServer(Answer answer, bool chunks = false)
      : answer_(std::move(answer)), chunks_(chunks) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    ok_ = bind(listener_, generic, size) == 0 && listen(listener_, 64) == 0 &&
          getsockname(listener_, generic, &size) == 0;
    url_.engine = Engine::kRedis;
    url_.host = "127.0.0.1";
    url_.port = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { Accept(); });
  }
  ~FakeServer() {
    ended_ = true;
    acceptor_.join();
    for (std::thread& thread : threads_) thread.join();
    close(listener_);
  }

  bool ok() const { return ok_; }
  const Url& url() const { return url_; }
  int64_t connections() const { return connections_; }

 private:
  void Accept() {
    while (Readable(listener_)) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      ++connections_;
      threads_.emplace_back([this, fd] {
        Serve(fd);
        close(fd);
      });
    }
  }

  // False: the test has ended.
  bool Readable(int fd) const {
    pollfd polled = {fd, POLLIN, 0};
    while (!ended_) {
      if (poll(&polled, 1, 5) == 1) return true;
    }
    return false;
  }

  void Serve(int fd) {
    RedisReplyReader reader;
    Random random(static_cast<uint64_t>(fd));
    char buffer[4096];
    while (Readable(fd)) {
      const ssize_t size = recv(fd, buffer, sizeof(buffer), 0);
      if (size <= 0) return;
      reader.Feed({buffer, static_cast<size_t>(size)});
      std::string out;
      while (true) {
        const auto request = reader.Next();
        ASSERT_TRUE(request.ok()) << request.status();
        if (*request == nullptr) break;
        const RedisReplyView view(**request);
        std::vector<std::string> words;
        for (size_t i = 0; i < view.size(); ++i) {
          words.emplace_back(view[i].text());
        }
        out += Reply(words);
      }
      Send(fd, out, &random);
    }
  }

  std::string Reply(const std::vector<std::string>& words) {
    if (words[0] == "AUTH" || words[0] == "SELECT") return "+OK\r\n";
    if (words[0] == "INFO") return "$17\r\ncluster_enabled:0\r\n";
    return answer_(count_++, words);
  }

  void Send(int fd, absl::string_view out, Random* random) const {
    while (!out.empty()) {
      const size_t most =
          chunks_ ? 1 + random->Below(1 + random->Below(64)) : out.size();
      const ssize_t sent =
          send(fd, out.data(), std::min(most, out.size()), MSG_NOSIGNAL);
      if (sent <= 0) return;
      out.remove_prefix(static_cast<size_t>(sent));
      if (chunks_ && random->Below(8) == 0) std::this_thread::yield();
    }
  }

  const Answer answer_;
  const bool chunks_;
  bool ok_ = false;
  int listener_ = -1;
  Url url_;
  std::atomic<bool> ended_{false};
  std::atomic<int64_t> count_{0};
  std::atomic<int64_t> connections_{0};
  std::thread acceptor_;
  std::vector<std::thread> threads_;  // Of the acceptor, until it has ended.
};

// ECHO of a text that is a function of the index, up to 40 KB long.
std::string TextOf(int64_t index) {
  Random random = Random::Stream(7, static_cast<uint64_t>(index));
  const uint64_t most = random.Below(40) == 0 ? 40'000 : 200;
  return std::string(random.Below(most), static_cast<char>('a' + index % 26));
}

class EchoTraffic : public RedisTraffic {
 public:
  explicit EchoTraffic(bool wants_replies) : wants_replies_(wants_replies) {}
  int Append(int64_t index, std::string* out) override {
    AppendRespCommand({"ECHO", absl::StrCat(index)}, out);
    return kAnyNode;
  }
  bool wants_replies() const override { return wants_replies_; }
  absl::Status OnReply(int64_t index, const redisReply& reply) override {
    const RedisReplyView view(reply);
    const bool right = wants_replies_ && view.size() == 3 &&
                       view[0].integer() == index &&
                       view[1].text() == TextOf(index);
    return right ? absl::OkStatus() : absl::DataLossError("another reply");
  }

 private:
  const bool wants_replies_;
};

TrafficFactory Echoes(bool wants_replies = true) {
  return [wants_replies](int) {
    return std::make_unique<EchoTraffic>(wants_replies);
  };
}

QueryLoadOptions Requests(int64_t requests, int clients, int pipeline) {
  QueryLoadOptions options;
  options.requests = requests;
  options.clients = clients;
  options.pipeline = pipeline;
  options.warmup = absl::ZeroDuration();
  return options;
}

// An error, or an array of the index, its text and an array in which an error
// stands, which is no error of the request.
std::string EchoReply(const std::vector<std::string>& words) {
  const int64_t index = std::stoll(words[1]);
  if (index % 5 == 4) return absl::StrCat("-BAD index ", index, "\r\n");
  const std::string text = TextOf(index);
  return absl::StrCat("*3\r\n:", index, "\r\n$", text.size(), "\r\n", text,
                      "\r\n*2\r\n$-1\r\n-ERR inside\r\n");
}

TEST(RedisLoadFaultTest, RepliesInPiecesAreWhole) {
  FakeServer server(
      [](int64_t, const std::vector<std::string>& words) {
        return EchoReply(words);
      },
      true);
  ASSERT_TRUE(server.ok());
  for (const bool objects : {true, false}) {
    const auto result =
        RunRedisLoad(server.url(), Requests(300, 4, 7), Echoes(objects));
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->requests, 240) << result->first_error;
    EXPECT_THAT(result->errors_by_kind, ElementsAre(Pair("BAD", 60)));
    EXPECT_EQ(result->reconnects, 0);
  }
}

TEST(RedisLoadFaultTest, NonsenseEndsTheRunAndIsNamed) {
  FakeServer server([](int64_t count, const std::vector<std::string>& words) {
    return count == 50 ? "HTTP/1.1 400 Bad Request\r\n" : EchoReply(words);
  });
  QueryLoadOptions options = Requests(1'000'000, 3, 2);
  const auto result = RunRedisLoad(server.url(), options, Echoes());
  EXPECT_EQ(result.status().code(), absl::StatusCode::kInternal);
  EXPECT_THAT(result.status().message(), HasSubstr("not Redis's protocol"));
  EXPECT_THAT(result.status().message(),
              HasSubstr(absl::StrCat(server.url().port)));
}

TEST(RedisLoadFaultTest, AServerThatIsLoadingIsAskedAgain) {
  FakeServer server([](int64_t count, const std::vector<std::string>&) {
    return count < 40 ? "-LOADING Redis is loading the dataset in memory\r\n"
                      : "+OK\r\n";
  });
  const auto result =
      RunRedisLoad(server.url(), Requests(100, 2, 4), Echoes(false));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->requests, 100);
  EXPECT_EQ(result->errors, 0) << result->first_error;
}

TEST(RedisLoadFaultTest, AConnectionThatFallsSilentIsReplaced) {
  // One request is never answered, nor is what comes after it on its
  // connection until that is closed.
  FakeServer server([](int64_t count, const std::vector<std::string>&) {
    return count == 20 ? "" : "+OK\r\n";
  });
  RedisLoadOptions redis;
  redis.reply_timeout = absl::Milliseconds(200);
  const int64_t start_ns = MonotonicNowNs();
  const auto result =
      RunRedisLoad(server.url(), Requests(500, 2, 1), Echoes(false), redis);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->requests, 499);
  EXPECT_THAT(result->errors_by_kind,
              ElementsAre(Pair("DEADLINE_EXCEEDED", 1)));
  // The other client had done all the rest, or the broken one came back.
  EXPECT_LE(result->reconnects, 1);
  EXPECT_GE(MonotonicNowNs() - start_ns, 200'000'000);
}

TEST(RedisLoadFaultTest, AReplyTooManyBreaksTheConnection) {
  FakeServer server([](int64_t count, const std::vector<std::string>&) {
    return count == 10 ? "+OK\r\n+OK\r\n" : "+OK\r\n";
  });
  const auto result =
      RunRedisLoad(server.url(), Requests(100, 1, 1), Echoes(false));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->requests, 100);
  EXPECT_EQ(result->reconnects, 1);
}

// Whatever bytes come, the run ends with a status and nothing is read that is
// not there (under ASan).
TEST(RedisLoadFaultTest, DamagedRepliesEndTheRunOrAreErrors) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    FakeServer server(
        [seed](int64_t count, const std::vector<std::string>& words) {
          std::string reply = EchoReply(words);
          Random random = Random::Stream(seed, static_cast<uint64_t>(count));
          if (reply.size() < 1'000 && random.Below(10) == 0) {
            reply[random.Below(reply.size())] =
                static_cast<char>(random.Below(256));
          }
          return reply;
        },
        true);
    QueryLoadOptions options = Requests(60, 2, 3);
    RedisLoadOptions redis;
    redis.reply_timeout = absl::Milliseconds(20);
    redis.patience = absl::Milliseconds(200);
    const auto result = RunRedisLoad(server.url(), options, Echoes(), redis);
    if (result.ok()) {
      EXPECT_EQ(result->requests + result->errors, 60);
    } else {
      EXPECT_FALSE(result.status().message().empty());
    }
  }
}

}  // namespace
}  // namespace opsbench::vector
