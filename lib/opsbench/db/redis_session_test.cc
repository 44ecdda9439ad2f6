#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/db/redis.h"
#include "opsbench/server/private_server.h"
#include "opsbench/testing/test_servers.h"

namespace opsbench {
namespace {

using Code = absl::StatusCode;
using Type = RedisReply::Type;
using ::testing::HasSubstr;
using ::testing::Not;

// A server of the test's own: it may be killed and its data dropped.
class RedisSessionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ServerOptions options;
    options.kind = ServerKind::kRedis;
    options.durable = true;
    auto server = PrivateServer::Start(options);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    session_ = Open(server_->socket_url());
    ASSERT_NE(session_, nullptr);
  }

  static Url Parsed(const std::string& text) {
    auto url = Url::Parse(text);
    EXPECT_TRUE(url.ok()) << url.status();
    return url.value_or(Url());
  }

  static std::unique_ptr<RedisSession> Open(const std::string& url) {
    auto session = ConnectRedis(Parsed(url));
    EXPECT_TRUE(session.ok()) << session.status();
    return session.ok() ? *std::move(session) : nullptr;
  }

  RedisReply Run(std::vector<absl::string_view> command) {
    auto reply = session_->Execute(command);
    EXPECT_TRUE(reply.ok()) << command[0] << ": " << reply.status();
    return reply.value_or(RedisReply());
  }

  Code CodeOf(std::vector<absl::string_view> command) {
    return session_->Execute(command).status().code();
  }

  std::unique_ptr<PrivateServer> server_;
  std::unique_ptr<RedisSession> session_;
};

TEST_F(RedisSessionTest, SpeaksOverSocketAndTcp) {
  const std::string bytes("a\0b\r\n\xff", 6);
  EXPECT_EQ(Run({"SET", "key", bytes}).text, "OK");
  const auto tcp = Open(server_->url());
  ASSERT_NE(tcp, nullptr);
  const auto read = tcp->Execute({"GET", "key"});
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->type, Type::kText);
  EXPECT_EQ(read->text, bytes);
  EXPECT_EQ(Run({"GET", "missing"}).type, Type::kNil);
  EXPECT_EQ(Run({"SET", "", ""}).text, "OK");
  EXPECT_EQ(Run({"GET", ""}).type, Type::kText);
}

TEST_F(RedisSessionTest, ReadsEveryKindOfReply) {
  EXPECT_EQ(Run({"HSET", "hash", "f", "1", "g", "2"}).integer, 2);
  const RedisReply hash = Run({"HGETALL", "hash"});
  ASSERT_EQ(hash.type, Type::kArray);
  ASSERT_EQ(hash.elements.size(), 4U);
  EXPECT_EQ(hash.elements[3].text, "2");
  const RedisReply nested = Run({"EVAL", "return {1, {'two', false}}", "0"});
  ASSERT_EQ(nested.elements.size(), 2U);
  EXPECT_EQ(nested.elements[0].integer, 1);
  EXPECT_EQ(nested.elements[1].elements[0].text, "two");
  EXPECT_EQ(nested.elements[1].elements[1].type, Type::kNil);
}

TEST_F(RedisSessionTest, PipelinesInOrder) {
  constexpr int kCommands = 20'000;
  for (int i = 0; i < kCommands; ++i) {
    session_->Append({"SET", absl::StrCat("k", i), absl::StrCat(i)});
  }
  for (int i = 0; i < kCommands; ++i) {
    session_->Append({"GET", absl::StrCat("k", i)});
  }
  std::vector<RedisReply> replies;
  ASSERT_TRUE(session_->Flush(&replies).ok());
  ASSERT_EQ(replies.size(), 2U * kCommands);
  for (int i = 0; i < kCommands; ++i) {
    EXPECT_EQ(replies[kCommands + i].text, absl::StrCat(i));
  }
  EXPECT_TRUE(session_->Flush(&replies).ok());
  EXPECT_TRUE(replies.empty());
}

// More than the sockets' buffers hold, in both directions.
TEST_F(RedisSessionTest, TakesValuesOfManyMegabytes) {
  std::string value(8 << 20, 'x');
  value.back() = 'y';
  for (int i = 0; i < 4; ++i) {
    session_->Append({"SET", "large", value});
    session_->Append({"GET", "large"});
  }
  std::vector<RedisReply> replies;
  ASSERT_TRUE(session_->Flush(&replies).ok());
  ASSERT_EQ(replies.size(), 8U);
  EXPECT_TRUE(replies[7].text == value);
}

TEST_F(RedisSessionTest, TheFirstErrorOfAPipelineIsItsStatus) {
  session_->Append({"SET", "text", "1"});
  session_->Append({"HSET", "text", "f", "1"});
  session_->Append({"NOSUCH"});
  session_->Append({"SET", "after", "1"});
  std::vector<RedisReply> replies;
  const absl::Status status = session_->Flush(&replies);
  EXPECT_EQ(status.code(), Code::kInvalidArgument) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("WRONGTYPE"));
  ASSERT_EQ(replies.size(), 4U);
  EXPECT_EQ(replies[1].type, Type::kError);
  EXPECT_EQ(replies[2].type, Type::kError);
  EXPECT_TRUE(session_->alive());
  EXPECT_EQ(Run({"GET", "after"}).text, "1");
}

TEST_F(RedisSessionTest, ErrorsHaveCodes) {
  Run({"SET", "text", "1"});
  EXPECT_EQ(CodeOf({"LPUSH", "text", "1"}), Code::kInvalidArgument);
  EXPECT_EQ(CodeOf({"SET", "text"}), Code::kInvalidArgument);
  EXPECT_EQ(CodeOf({"NOSUCH"}), Code::kUnimplemented);
  Run({"CONFIG", "SET", "maxmemory", "1"});
  EXPECT_EQ(CodeOf({"SET", "text", "2"}), Code::kResourceExhausted);
  Run({"CONFIG", "SET", "maxmemory", "0"});
  Run({"ACL", "SETUSER", "reader", "on", ">secretword", "~*", "+get",
       "+select"});
  Url url = Parsed(server_->socket_url());
  url.user = "reader";
  url.password = "secretword";
  auto reader = ConnectRedis(url);
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_TRUE((*reader)->Execute({"GET", "text"}).ok());
  EXPECT_EQ((*reader)->Execute({"SET", "text", "2"}).status().code(),
            Code::kPermissionDenied);
}

TEST_F(RedisSessionTest, WrongCredentialsAreToldWithoutThePassword) {
  Url url = Parsed(server_->url());
  const std::string good = url.password;
  for (const char* password : {"wrongsecret", ""}) {
    url.password = password;
    const absl::Status status = ConnectRedis(url).status();
    EXPECT_EQ(status.code(), Code::kUnauthenticated) << status;
    EXPECT_THAT(status.ToString(), Not(HasSubstr("wrongsecret")));
  }
  url.password = good;
  url.port = 1;
  const absl::Status refused = ConnectRedis(url).status();
  EXPECT_EQ(refused.code(), Code::kUnavailable) << refused;
  EXPECT_THAT(refused.ToString(), Not(HasSubstr(good)));
}

TEST_F(RedisSessionTest, RefusesOtherUrls) {
  for (const char* text :
       {"mysql://u@127.0.0.1/d", "redis://127.0.0.1/zero",
        "redis://127.0.0.1/-1", "redis://127.0.0.1/0?ssl=1"}) {
    EXPECT_EQ(ConnectRedis(Parsed(text)).status().code(),
              Code::kInvalidArgument)
        << text;
  }
  Url url = Parsed(server_->socket_url());
  url.database = "99999";
  EXPECT_EQ(ConnectRedis(url).status().code(), Code::kInvalidArgument);
}

TEST_F(RedisSessionTest, SelectsTheDatabaseOfTheUrl) {
  Url url = Parsed(server_->socket_url());
  url.database = "3";
  auto third = ConnectRedis(url);
  ASSERT_TRUE(third.ok()) << third.status();
  ASSERT_TRUE((*third)->Execute({"SET", "only", "here"}).ok());
  EXPECT_EQ(Run({"GET", "only"}).type, Type::kNil);
}

// Writing to a closed connection must not raise SIGPIPE, which would end this
// test.
TEST_F(RedisSessionTest, ALostConnectionIsUnavailableForEver) {
  Run({"SET", "kept", "1"});
  ASSERT_TRUE(server_->Kill().ok());
  for (int time = 0; time < 3; ++time) {
    session_->Append({"SET", "lost", "1"});
    EXPECT_EQ(session_->Flush().code(), Code::kUnavailable);
    EXPECT_FALSE(session_->alive());
  }
  ASSERT_TRUE(server_->Restart().ok());
  EXPECT_EQ(CodeOf({"PING"}), Code::kUnavailable);
  session_ = Open(server_->socket_url());
  ASSERT_NE(session_, nullptr);
  EXPECT_EQ(Run({"GET", "kept"}).text, "1");
}

TEST_F(RedisSessionTest, AReplyThatIsLateEndsTheSession) {
  RedisOptions options;
  options.reply_timeout_ms = 50;
  auto hasty = ConnectRedis(Parsed(server_->socket_url()), options);
  ASSERT_TRUE(hasty.ok()) << hasty.status();
  EXPECT_EQ((*hasty)->Execute({"BLPOP", "never", "0"}).status().code(),
            Code::kDeadlineExceeded);
  EXPECT_FALSE((*hasty)->alive());
  EXPECT_EQ((*hasty)->Execute({"PING"}).status().code(), Code::kUnavailable);
}

}  // namespace
}  // namespace opsbench
