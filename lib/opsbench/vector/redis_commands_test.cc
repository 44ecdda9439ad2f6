// The keys of plain commands: users' own ones of such names are refused and
// stay, and what opsbench wrote is gone afterwards.

#include "opsbench/vector/redis_commands.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/db/redis.h"
#include "opsbench/db/redis_reply.h"
#include "opsbench/server/private_server.h"
#include "opsbench/vector/testing_redis_cluster.h"

namespace opsbench::vector {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Code = absl::StatusCode;

// The first key of a request of the command; empty: it has none.
std::string KeyOf(const RedisCommandOptions& options) {
  std::string bytes;
  (*MakeRedisCommandTraffic(options))(0)->Append(7, &bytes);
  RedisReplyReader reader;
  reader.Feed(bytes);
  const auto words = reader.Next();
  EXPECT_TRUE(words.ok() && *words != nullptr);
  const RedisReplyView view = **words;
  return view.size() < 2 ? "" : std::string(view[1].text());
}

class RedisCommandsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ServerOptions options;
    options.kind = ServerKind::kRedis;
    auto server = PrivateServer::Start(options);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    url_ = *Url::Parse(server_->url());
    auto session = ConnectRedis(url_);
    ASSERT_TRUE(session.ok()) << session.status();
    session_ = *std::move(session);
  }

  RedisReply Ask(const std::vector<absl::string_view>& command) {
    const auto reply = session_->Execute(command);
    EXPECT_TRUE(reply.ok()) << reply.status();
    return reply.ok() ? *reply : RedisReply();
  }

  void Run(const TrafficFactory& traffic) {
    QueryLoadOptions load;
    load.requests = 200;
    load.warmup = absl::ZeroDuration();
    const auto result = RunRedisLoad(url_, load, traffic);
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->errors, 0) << result->first_error;
  }

  std::unique_ptr<PrivateServer> server_;
  Url url_;
  std::unique_ptr<RedisSession> session_;
};

TEST_F(RedisCommandsTest, NothingIsLeftOfACommand) {
  for (const RedisCommandInfo& info : RedisCommands()) {
    for (const char* prefix : {"ops:", kBenchKeyPrefix}) {
      RedisCommandOptions options;
      options.command = info.name;
      options.key_space = 100;
      options.key_prefix = prefix;
      ASSERT_TRUE(ClaimRedisKeys(url_, options).ok());
      if (const auto fill = MakeRedisFillTraffic(options)) Run(fill);
      Run(*MakeRedisCommandTraffic(options));
      // Claimed twice is claimed.
      EXPECT_TRUE(ClaimRedisKeys(url_, options).ok());
      ASSERT_TRUE(ReleaseRedisKeys(url_, options).ok());
      EXPECT_EQ(Ask({"DBSIZE"}).integer, 0) << info.name;
    }
  }
}

TEST_F(RedisCommandsTest, KeysOfOthersAreRefusedAndStay) {
  using Command = std::vector<absl::string_view>;
  int refused = 0;
  for (const RedisCommandInfo& info : RedisCommands()) {
    RedisCommandOptions options;
    options.command = info.name;
    const std::string key = KeyOf(options);
    if (key.empty()) continue;
    const std::string mark =
        key.substr(0, key.find_first_of("{0123456789")) + "mark";
    for (const Command& plant :
         {Command{"SET", key, "7"}, Command{"RPUSH", key, "mine"},
          Command{"SADD", key, "mine"}, Command{"HSET", key, "f", "mine"},
          Command{"ZADD", key, "1", "mine"}, Command{"SET", mark, "mine"},
          Command{"HSET", mark, "f", "mine"}}) {
      Ask(plant);
      const std::string before = Ask({"DUMP", plant[1]}).text;
      const absl::Status status = ClaimRedisKeys(url_, options);
      EXPECT_EQ(status.code(), Code::kFailedPrecondition) << status;
      EXPECT_THAT(std::string(status.message()),
                  HasSubstr(std::string(plant[1])));
      EXPECT_THAT(std::string(status.message()), Not(HasSubstr("\n")));
      EXPECT_EQ(Ask({"DUMP", plant[1]}).text, before);
      EXPECT_EQ(Ask({"DBSIZE"}).integer, 1);
      Ask({"FLUSHDB"});
      ++refused;
    }
  }
  EXPECT_GT(refused, 50);
}

// With the mark of an earlier run, a key of another type is somebody else's.
TEST_F(RedisCommandsTest, TheMarkCoversKeysOfTheCommandsType) {
  RedisCommandOptions options;
  options.command = "set";
  ASSERT_TRUE(ClaimRedisKeys(url_, options).ok());
  Ask({"SET", "ops:000000000001", "xxx"});
  EXPECT_TRUE(ClaimRedisKeys(url_, options).ok());
  Ask({"RPUSH", "ops:000000000002", "mine"});
  EXPECT_EQ(ClaimRedisKeys(url_, options).code(), Code::kFailedPrecondition);
  Ask({"DEL", "ops:000000000002"});
  // Names that no command has are in nobody's way.
  for (const char* key : {"ops:config", "ops:00000000001", "ops:hash:x"}) {
    Ask({"RPUSH", key, "mine"});
  }
  EXPECT_TRUE(ClaimRedisKeys(url_, options).ok());
  ASSERT_TRUE(ReleaseRedisKeys(url_, options).ok());
  EXPECT_EQ(Ask({"DBSIZE"}).integer, 3);
}

// What one command claims are not the keys of a command of another type.
TEST_F(RedisCommandsTest, TheMarkOfOneTypeSaysNothingOfAnother) {
  Ask({"SET", "ops:000000000001", "mine"});
  RedisCommandOptions options;
  options.command = "hset";
  ASSERT_TRUE(ClaimRedisKeys(url_, options).ok());
  options.command = "get";
  EXPECT_EQ(ClaimRedisKeys(url_, options).code(), Code::kFailedPrecondition);
  EXPECT_EQ(Ask({"GET", "ops:000000000001"}).text, "mine");
}

TEST_F(RedisCommandsTest, WhoMayNotLookGetsARefusal) {
  RedisCommandOptions options;
  options.command = "set";
  Ask({"ACL", "SETUSER", "blind", "on", ">secret", "~*", "+@all", "-scan"});
  Url limited = url_;
  limited.user = "blind";
  limited.password = "secret";
  EXPECT_EQ(ClaimRedisKeys(limited, options).code(), Code::kPermissionDenied);
  EXPECT_EQ(Ask({"DBSIZE"}).integer, 0);
}

// Whichever node has them.
TEST(RedisCommandsCluster, KeysOfOthersAreFoundOnEveryNode) {
  auto cluster = TestingRedisCluster::Start(3);
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  RedisCommandOptions options;
  options.command = "set";
  options.key_space = 300;
  ASSERT_TRUE(ClaimRedisKeys((*cluster)->url(0), options).ok());
  ASSERT_TRUE(ReleaseRedisKeys((*cluster)->url(0), options).ok());
  int planted = 0;
  for (int master = 0; master < 3; ++master) {
    for (int i = 0; i < 100; ++i) {
      const std::string key = absl::StrCat("ops:", 100'000'000'000 + i);
      if (!(*cluster)->Execute(master, {"SET", key, "mine"}).ok()) continue;
      EXPECT_EQ(ClaimRedisKeys((*cluster)->url(0), options).code(),
                Code::kFailedPrecondition);
      const auto kept = (*cluster)->Execute(master, {"GETDEL", key});
      ASSERT_TRUE(kept.ok()) << kept.status();
      EXPECT_EQ(kept->text, "mine");
      ++planted;
      break;
    }
  }
  EXPECT_EQ(planted, 3);
}

}  // namespace
}  // namespace opsbench::vector
