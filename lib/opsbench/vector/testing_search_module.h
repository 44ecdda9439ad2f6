#ifndef OPSBENCH_VECTOR_TESTING_SEARCH_MODULE_H_
#define OPSBENCH_VECTOR_TESTING_SEARCH_MODULE_H_

// A stand-in for a search module, for tests on machines without one: a server
// on the loopback address that passes commands on to a real Redis and answers
// FT.* itself, by a scan over the hashes whose writing it saw. Its replies have
// the shape of RediSearch's in fixtures/vector/replies, searches that of
// NOCONTENT.
//
// Thread safety: for one thread; it has threads of its own.

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "opsbench/db/redis.h"
#include "opsbench/db/redis_reply.h"
#include "opsbench/vector/redis_exchanges.h"

namespace opsbench::vector {

class SearchModuleStandIn {
 public:
  // `upstream` is an address without a socket.
  explicit SearchModuleStandIn(Url upstream)
      : upstream_(std::move(upstream)),
        listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    // A port of 0 in the URL, at which nothing answers, tells a failure.
    if (bind(listener_, generic, size) == 0 && listen(listener_, 64) == 0) {
      getsockname(listener_, generic, &size);
    }
    url_.engine = Engine::kRedis;
    url_.host = "127.0.0.1";
    url_.port = ntohs(address.sin_port);
    url_.database = upstream_.database;
    acceptor_ = std::thread([this] { Accept(); });
  }

  // REQUIRES: the clients have hung up.
  ~SearchModuleStandIn() {
    shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    for (std::thread& thread : threads_) thread.join();
    close(listener_);
  }

  const Url& url() const { return url_; }

 private:
  using Words = std::vector<std::string>;

  void Accept() {
    while (true) {
      const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (client < 0) return;
      threads_.emplace_back([this, client] {
        Serve(client);
        close(client);
      });
    }
  }

  void Serve(int client) {
    const auto upstream = RawRedisClient::Connect(upstream_);
    if (!upstream.ok()) return;
    RedisReplyReader reader;
    char buffer[16384];
    while (true) {
      const ssize_t size = recv(client, buffer, sizeof(buffer), 0);
      if (size <= 0) return;
      reader.Feed({buffer, static_cast<size_t>(size)});
      // Together, or the kernel waits for an acknowledgement between two.
      std::string replies;
      while (true) {
        const auto request = reader.Next();
        if (!request.ok()) return;
        if (*request == nullptr) break;
        Words words;
        const RedisReplyView view = **request;
        for (size_t i = 0; i < view.size(); ++i) {
          words.emplace_back(view[i].text());
        }
        const std::string reply = Answer(words, **upstream);
        if (reply.empty()) return;
        replies += reply;
      }
      if (!replies.empty() &&
          send(client, replies.data(), replies.size(), MSG_NOSIGNAL) < 0) {
        return;
      }
    }
  }

  std::string Answer(const Words& words, RawRedisClient& upstream) {
    if (words[0] == "COMMAND") {
      return "*4\r\n*1\r\n+a\r\n*1\r\n+a\r\n*-1\r\n*-1\r\n";
    }
    if (absl::StartsWith(words[0], "FT.")) {
      const std::lock_guard<std::mutex> lock(mutex_);
      return Search(words);
    }
    const std::vector<absl::string_view> views(words.begin(), words.end());
    std::string request;
    AppendRespCommand(views, &request);
    std::string reply;
    if (!upstream.Send(request).ok() || !upstream.Read(&reply).ok()) return "";
    if (reply[0] != '-') {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (words[0] == "HSET" && words[2] == "v") rows_[words[1]] = words[3];
      if (words[0] == "UNLINK") rows_.erase(words[1]);
    }
    return reply;
  }

  std::string Search(const Words& words) {
    const std::string& name = words[1];
    const auto index = indexes_.find(name);
    if (words[0] == "FT.CREATE") {
      if (index != indexes_.end()) return "-Index already exists\r\n";
      const auto prefix = std::find(words.begin(), words.end(), "PREFIX");
      indexes_[name] = *(prefix + 2);
      return "+OK\r\n";
    }
    if (index == indexes_.end()) return "-Unknown index name\r\n";
    if (words[0] == "FT.DROPINDEX") {
      indexes_.erase(index);
      return "+OK\r\n";
    }
    const std::string& prefix = index->second;
    std::vector<std::pair<float, std::string>> found;
    for (const auto& [key, vector] : rows_) {
      if (!absl::StartsWith(key, prefix)) continue;
      found.emplace_back(
          words[0] == "FT.SEARCH" ? SquaredL2(vector, words[6]) : 0, key);
    }
    if (words[0] == "FT.INFO") {
      return absl::StrCat("*4\r\n+index_definition\r\n*2\r\n+prefixes\r\n*1",
                          "\r\n+", prefix, "\r\n+num_docs\r\n:", found.size(),
                          "\r\n");
    }
    std::sort(found.begin(), found.end());
    found.resize(std::min<size_t>(found.size(), 10));
    std::string reply =
        absl::StrCat("*", found.size() + 1, "\r\n:", found.size(), "\r\n");
    for (const auto& [distance, key] : found) {
      absl::StrAppend(&reply, "+", key, "\r\n");
    }
    return reply;
  }

  static float SquaredL2(const std::string& a, const std::string& b) {
    float sum = 0;
    for (size_t i = 0; i + sizeof(float) <= std::min(a.size(), b.size());
         i += sizeof(float)) {
      float x = 0;
      float y = 0;
      std::memcpy(&x, a.data() + i, sizeof(x));
      std::memcpy(&y, b.data() + i, sizeof(y));
      sum += (x - y) * (x - y);
    }
    return sum;
  }

  const Url upstream_;
  const int listener_;
  Url url_;
  std::mutex mutex_;
  std::map<std::string, std::string> indexes_;  // Prefix by name.
  std::map<std::string, std::string> rows_;     // Vector by key.
  std::thread acceptor_;
  std::list<std::thread> threads_;  // Of the acceptor, until it has ended.
};

}  // namespace opsbench::vector

#endif  // OPSBENCH_VECTOR_TESTING_SEARCH_MODULE_H_
