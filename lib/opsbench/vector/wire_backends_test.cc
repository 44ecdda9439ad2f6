// What a server is taken for, on the loopback address and as recorded.

#include "opsbench/vector/wire_backends.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/vector/redis_recordings.h"

namespace opsbench::vector {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using Code = absl::StatusCode;

// A server on the loopback address that answers one connection as recorded, as
// long as it is asked what was recorded, and then hangs up.
class ScriptedServer {
 public:
  explicit ScriptedServer(std::vector<Exchange> exchanges)
      : exchanges_(std::move(exchanges)),
        listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(listener_, generic, size), 0);
    EXPECT_EQ(listen(listener_, 1), 0);
    EXPECT_EQ(getsockname(listener_, generic, &size), 0);
    url_.engine = Engine::kRedis;
    url_.host = "127.0.0.1";
    url_.port = ntohs(address.sin_port);
    thread_ = std::thread([this] { Play(); });
  }

  ~ScriptedServer() {
    // Ends a wait for a connection that nobody made.
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }

  const Url& url() const { return url_; }

 private:
  void Play() {
    const int client = accept(listener_, nullptr, nullptr);
    if (client < 0) return;
    for (const Exchange& exchange : exchanges_) {
      std::string request(exchange.request.size(), '\0');
      if (recv(client, request.data(), request.size(), MSG_WAITALL) !=
              static_cast<ssize_t>(request.size()) ||
          request != exchange.request ||
          send(client, exchange.reply.data(), exchange.reply.size(),
               MSG_NOSIGNAL) < 0) {
        break;
      }
    }
    close(client);
  }

  const std::vector<Exchange> exchanges_;
  const int listener_;
  Url url_;
  std::thread thread_;
};

TEST(RedisFeatures, AreWhatTheServersTell) {
  for (const Server& server : Servers()) {
    SCOPED_TRACE(server.file);
    ScriptedServer fake(Recorded(server.file + ".greeting"));
    auto session = ConnectRedis(fake.url());
    ASSERT_TRUE(session.ok()) << session.status();
    const auto features = DetectRedisFeatures(**session);
    ASSERT_TRUE(features.ok()) << features.status();
    EXPECT_EQ(features->server, server.features.server);
    EXPECT_EQ(features->valkey, server.features.valkey);
    EXPECT_EQ(features->search, server.features.search);
    EXPECT_EQ(features->search_version, server.features.search_version);
    EXPECT_EQ(features->vector_sets, server.features.vector_sets);
    EXPECT_FALSE(features->cluster);
  }
}

TEST(RedisFeatures, ANodeOfAClusterIsKnown) {
  RedisFeatures features;
  for (const char* file : {"Redis-8.2.3", "Valkey-9.1.2"}) {
    std::vector<Exchange> exchanges = Recorded(absl::StrCat(file, ".greeting"));
    ASSERT_EQ(exchanges.size(), 3U);
    const auto info = ParseReply(exchanges[1].reply);
    ASSERT_TRUE(info.ok()) << info.status();
    const std::string text = absl::StrReplaceAll(
        RedisReplyView(**info).text(), {{"_mode:standalone", "_mode:cluster"}});
    exchanges[1].reply = absl::StrCat("$", text.size(), "\r\n", text, "\r\n");
    ScriptedServer fake(exchanges);
    auto session = ConnectRedis(fake.url());
    ASSERT_TRUE(session.ok()) << session.status();
    const auto detected = DetectRedisFeatures(**session);
    ASSERT_TRUE(detected.ok()) << detected.status();
    features = *detected;
    EXPECT_TRUE(features.cluster) << file;
  }

  // One node's FT.INFO is of its own rows in valkey-search.
  features.search = true;
  const auto index = ChooseRedisIndex(features, Metric::kL2, WireOptions());
  ASSERT_TRUE(index.ok()) << index.status();
  EXPECT_THAT((*index)->CountCommand(),
              ElementsAre("FT.INFO", "opsbench", "PRIMARY"));
  const auto reply = ParseReply(
      "*10\r\n+mode\r\n+primary\r\n+index_name\r\n+opsbench\r\n+num_docs\r\n$2"
      "\r\n40\r\n+num_records\r\n$3\r\n120\r\n+hash_indexing_failures\r\n$1\r\n"
      "0\r\n");
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ((*index)->ParseCount(**reply).value_or(-1), 40);
}

TEST(RedisFeatures, AServerThatHangsUpOrTalksNonsenseIsAnError) {
  const std::vector<Exchange> greeting = Recorded("Redis-7.0.15.greeting");
  ASSERT_EQ(greeting.size(), 3U);
  for (size_t kept = 1; kept < greeting.size(); ++kept) {
    ScriptedServer fake({greeting.begin(), greeting.begin() + kept});
    auto session = ConnectRedis(fake.url());
    ASSERT_TRUE(session.ok()) << session.status();
    EXPECT_EQ(DetectRedisFeatures(**session).status().code(),
              Code::kUnavailable);
  }
  for (const size_t changed : {1, 2}) {
    for (const char* reply : {"+OK\r\n", "*0\r\n", ":1\r\n", "$-1\r\n"}) {
      std::vector<Exchange> exchanges = greeting;
      exchanges[changed].reply = reply;
      ScriptedServer fake(exchanges);
      auto session = ConnectRedis(fake.url());
      ASSERT_TRUE(session.ok()) << session.status();
      EXPECT_EQ(DetectRedisFeatures(**session).status().code(),
                Code::kInternal);
    }
  }
}

TEST(WireEngine, AServerIsTakenForWhatItHas) {
  for (const Server& server : Servers()) {
    SCOPED_TRACE(server.file);
    ScriptedServer fake(Recorded(server.file + ".greeting"));
    const auto engine = OpenWireEngine(fake.url(), Metric::kCosine);
    if (server.indexes.empty()) {
      EXPECT_EQ(engine.status().code(), Code::kFailedPrecondition);
      const std::string text(engine.status().message());
      EXPECT_THAT(text,
                  HasSubstr(server.features.server + " has no vector search"));
      EXPECT_THAT(text, HasSubstr("start Redis 8"));
      EXPECT_THAT(text, Not(HasSubstr("\n")));
      continue;
    }
    ASSERT_TRUE(engine.ok()) << engine.status();
    EXPECT_EQ(engine->postgres, nullptr);
    EXPECT_EQ(engine->info().name, server.indexes[0]);
    EXPECT_THAT(engine->info().version, HasSubstr(server.features.server));
    EXPECT_THAT(engine->info().version,
                HasSubstr(server.features.search_version));
  }
}

TEST(WireEngine, WhatIsAskedForAndNotThereIsNamed) {
  RedisFeatures features;
  features.server = "Redis 8.2.3";
  features.vector_sets = true;
  WireOptions options;
  options.redis_kind = RedisIndexKind::kSearch;
  EXPECT_EQ(ChooseRedisIndex(features, Metric::kL2, options).status().message(),
            "Redis 8.2.3 has no search module (FT.SEARCH), it has vector sets: "
            "start Redis 8, Redis Stack, or Valkey with valkey-search");
  options.redis_kind = RedisIndexKind::kAuto;
  const absl::Status metric =
      ChooseRedisIndex(features, Metric::kL2, options).status();
  EXPECT_EQ(metric.code(), Code::kInvalidArgument);
  EXPECT_THAT(std::string(metric.message()), HasSubstr("cosine"));
  options.redis_kind = RedisIndexKind::kVectorSet;
  features.vector_sets = false;
  features.search = true;
  EXPECT_EQ(ChooseRedisIndex(features, Metric::kL2, options).status().message(),
            "Redis 8.2.3 has no vector sets (VADD, VSIM), it has the search "
            "module: start Redis 8");
  options.redis_kind = RedisIndexKind::kAuto;
  for (const char* name : {"", "a*", "a:b", "A", "2a", "a\r\nb", "{a}"}) {
    options.name = name;
    EXPECT_EQ(ChooseRedisIndex(features, Metric::kL2, options).status().code(),
              Code::kInvalidArgument);
  }
  Url url;
  url.engine = Engine::kMysql;
  EXPECT_EQ(OpenWireEngine(url, Metric::kL2).status().code(),
            Code::kInvalidArgument);
  EXPECT_FALSE(ParseRedisIndexKind("vset").ok());
  EXPECT_EQ(*ParseRedisIndexKind("vector_set"), RedisIndexKind::kVectorSet);
}

}  // namespace
}  // namespace opsbench::vector
