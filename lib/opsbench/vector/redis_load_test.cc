#include "opsbench/vector/redis_load.h"

#include <atomic>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/db/redis.h"
#include "opsbench/db/redis_reply.h"
#include "opsbench/server/private_server.h"
#include "opsbench/vector/redis_commands.h"
#include "opsbench/vector/redis_index.h"
#include "opsbench/vector/testing_redis_cluster.h"

namespace opsbench::vector {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

// SET k<index> <index>, and remembers which indexes were acknowledged.
class SetTraffic : public RedisTraffic {
 public:
  SetTraffic(std::mutex* mutex, std::multiset<int64_t>* acknowledged)
      : mutex_(mutex), acknowledged_(acknowledged) {}

  int Append(int64_t index, std::string* out) override {
    const std::string key = absl::StrCat("k", index);
    AppendRespCommand({"SET", key, absl::StrCat(index)}, out);
    return ClusterSlot(key);
  }
  absl::Status OnReply(int64_t index, const redisReply& reply) override {
    if (RedisReplyView(reply).text() != "OK")
      return absl::InternalError("not OK");
    const std::lock_guard<std::mutex> lock(*mutex_);
    acknowledged_->insert(index);
    return absl::OkStatus();
  }

 private:
  std::mutex* const mutex_;
  std::multiset<int64_t>* const acknowledged_;
};

class RedisLoadTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ServerOptions options;
    options.kind = ServerKind::kRedis;
    auto server = PrivateServer::Start(options);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    url_ = *Url::Parse(server_->url());
    url_.database = "0";
  }

  TrafficFactory Sets() {
    return [this](int) {
      return std::make_unique<SetTraffic>(&mutex_, &acknowledged_);
    };
  }

  int64_t Keys() {
    const auto session = ConnectRedis(url_);
    return (*session)->Execute({"DBSIZE"})->integer;
  }

  std::unique_ptr<PrivateServer> server_;
  Url url_;
  std::mutex mutex_;
  std::multiset<int64_t> acknowledged_;
};

QueryLoadOptions Requests(int64_t requests, int clients, int threads,
                          int pipeline) {
  QueryLoadOptions options;
  options.requests = requests;
  options.clients = clients;
  options.threads = threads;
  options.pipeline = pipeline;
  options.warmup = absl::ZeroDuration();
  return options;
}

TEST_F(RedisLoadTest, EachRequestOnceWhateverTheShape) {
  int64_t keys = 0;
  for (const auto& [clients, threads, pipeline] :
       {std::tuple(1, 1, 1), {1, 1, 16}, {7, 2, 3}, {50, 2, 1}, {3, 5, 4}}) {
    constexpr int64_t kRequests = 5'003;
    acknowledged_.clear();
    const auto result = RunRedisLoad(
        url_, Requests(kRequests, clients, threads, pipeline), Sets());
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->requests, kRequests);
    EXPECT_EQ(result->errors, 0);
    EXPECT_EQ(result->latency.count(), static_cast<uint64_t>(kRequests));
    EXPECT_EQ(acknowledged_.size(), static_cast<size_t>(kRequests));
    EXPECT_EQ(*acknowledged_.begin(), 0);
    EXPECT_EQ(*acknowledged_.rbegin(), kRequests - 1);
    EXPECT_EQ(
        std::set<int64_t>(acknowledged_.begin(), acknowledged_.end()).size(),
        static_cast<size_t>(kRequests));
    keys = kRequests;
    EXPECT_GT(result->qps(), 0);
  }
  EXPECT_EQ(Keys(), keys);
}

TEST_F(RedisLoadTest, TheWarmUpIsRealAndNotCounted) {
  QueryLoadOptions options = Requests(100, 4, 2, 2);
  options.warmup = absl::Milliseconds(50);
  const auto result = RunRedisLoad(url_, options, Sets());
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->requests, 100);
  EXPECT_EQ(acknowledged_.size(), 100u);
  EXPECT_GT(Keys(), 100);  // The others are the warm-up's.
}

TEST_F(RedisLoadTest, ErrorRepliesAreCountedByKind) {
  const auto session = ConnectRedis(url_);
  // Half of the keys are lists.
  for (int i = 0; i < 100; i += 2) {
    ASSERT_TRUE((*session)->Execute({"LPUSH", absl::StrCat("k", i), "x"}).ok());
  }
  class GetTraffic : public RedisTraffic {
   public:
    explicit GetTraffic(std::atomic<int>* failed) : failed_(failed) {}
    int Append(int64_t index, std::string* out) override {
      AppendRespCommand({"GET", absl::StrCat("k", index % 100)}, out);
      return kAnyNode;
    }
    absl::Status OnReply(int64_t, const redisReply&) override {
      return absl::OkStatus();
    }
    void OnError(int64_t) override { ++*failed_; }

   private:
    std::atomic<int>* const failed_;
  };
  std::atomic<int> failed{0};
  const auto result = RunRedisLoad(
      url_, Requests(1000, 5, 2, 4),
      [&failed](int) { return std::make_unique<GetTraffic>(&failed); });
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->requests, 500);
  EXPECT_EQ(result->errors, 500);
  EXPECT_EQ(failed, 500);
  EXPECT_THAT(result->errors_by_kind, ElementsAre(Pair("WRONGTYPE", 500)));
  EXPECT_THAT(result->first_error, HasSubstr("WRONGTYPE"));
  EXPECT_EQ(result->latency.count(), 500u);
}

TEST_F(RedisLoadTest, ARateIsKeptAndLatencyIsFromTheSchedule) {
  QueryLoadOptions options = Requests(0, 4, 2, 8);
  options.duration = absl::Seconds(1);
  options.rate_per_second = 2'000;
  std::atomic<bool> paused{false};
  // The server stands still for 300 ms: what was due meanwhile waited.
  std::thread pauser([&] {
    absl::SleepFor(absl::Milliseconds(300));
    paused = server_->Pause().ok();
    absl::SleepFor(absl::Milliseconds(300));
    EXPECT_TRUE(server_->Resume().ok());
  });
  const auto result = RunRedisLoad(url_, options, Sets());
  pauser.join();
  ASSERT_TRUE(result.ok()) << result.status();
  ASSERT_TRUE(paused);
  EXPECT_EQ(result->errors, 0);
  EXPECT_EQ(result->requests, 2'000);
  // A third of the requests waited for 150 ms on average, whatever 32 slots
  // had under way.
  EXPECT_GE(result->latency.Percentile(99), 250'000'000);
  EXPECT_GE(result->latency.Percentile(85), 50'000'000);
}

TEST_F(RedisLoadTest, ARateThatIsTooHighIsSaid) {
  QueryLoadOptions options = Requests(0, 1, 1, 1);
  options.duration = absl::Milliseconds(200);
  options.rate_per_second = 50'000'000;
  RedisLoadOptions redis;
  redis.patience = absl::Milliseconds(200);
  const auto result = RunRedisLoad(url_, options, Sets(), redis);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_FALSE(result->rate_met);
}

TEST_F(RedisLoadTest, TheDepthOfThePipelineIsKept) {
  // A server that is stopped answers nothing: what was sent is what may be.
  class CountTraffic : public RedisTraffic {
   public:
    explicit CountTraffic(std::atomic<int>* sent) : sent_(sent) {}
    int Append(int64_t, std::string* out) override {
      ++*sent_;
      AppendRespCommand({"PING"}, out);
      return kAnyNode;
    }
    absl::Status OnReply(int64_t, const redisReply&) override {
      return absl::OkStatus();
    }

   private:
    std::atomic<int>* const sent_;
  };
  std::atomic<int> sent{0};
  std::atomic<bool> stop{false};
  QueryLoadOptions options = Requests(1'000'000, 3, 1, 5);
  options.stop = &stop;
  // A connection that is open before the server stops answering.
  std::thread stopper([&] {
    while (sent < 15) std::this_thread::yield();
    ASSERT_TRUE(server_->Pause().ok());
    const int before = sent;
    absl::SleepFor(absl::Milliseconds(50));
    EXPECT_LE(sent - before, 15);
    stop = true;
  });
  RedisLoadOptions redis;
  const auto result = RunRedisLoad(
      url_, options,
      [&sent](int) { return std::make_unique<CountTraffic>(&sent); }, redis);
  stopper.join();
  EXPECT_TRUE(server_->Resume().ok());
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_TRUE(result->interrupted);
  EXPECT_LE(result->errors, 15);
}

TEST_F(RedisLoadTest, AServerThatComesBackIsUsedAgain) {
  QueryLoadOptions options = Requests(0, 6, 2, 4);
  options.duration = absl::Seconds(2);
  std::thread killer([&] {
    absl::SleepFor(absl::Milliseconds(300));
    EXPECT_TRUE(server_->Kill().ok());
    EXPECT_TRUE(server_->Restart().ok());
  });
  const auto result = RunRedisLoad(url_, options, Sets());
  killer.join();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->reconnects, 6);
  EXPECT_GT(result->errors, 0);
  EXPECT_LE(result->errors, 24);  // What was under way.
  EXPECT_GT(result->errors_by_kind.at("UNAVAILABLE"), 0);
  EXPECT_GT(result->requests, 1000);
}

TEST_F(RedisLoadTest, AServerThatStaysAwayEndsTheRun) {
  QueryLoadOptions options = Requests(0, 2, 2, 1);
  options.duration = absl::Minutes(5);
  std::thread killer([&] {
    absl::SleepFor(absl::Milliseconds(100));
    EXPECT_TRUE(server_->Kill().ok());
  });
  RedisLoadOptions redis;
  redis.patience = absl::Milliseconds(300);
  const auto result = RunRedisLoad(url_, options, Sets(), redis);
  killer.join();
  EXPECT_EQ(result.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(result.status().message(), HasSubstr("gone for longer"));
}

TEST_F(RedisLoadTest, WhoCannotConnectIsToldSo) {
  Url wrong = url_;
  wrong.password = "hushhush";
  const auto refused = RunRedisLoad(wrong, Requests(1, 1, 1, 1), Sets());
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kUnauthenticated);
  EXPECT_THAT(refused.status().message(), Not(HasSubstr("hushhush")));
  ASSERT_TRUE(server_->Kill().ok());
  EXPECT_EQ(RunRedisLoad(url_, Requests(1, 1, 1, 1), Sets()).status().code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(RunRedisLoad(url_, Requests(1, 0, 1, 1), Sets()).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(RedisLoadTest, OverAUnixSocketAndPing) {
  const Url socket = *Url::Parse(server_->socket_url());
  Url first = socket;
  first.database = "0";
  const auto result = RunRedisLoad(first, Requests(500, 3, 1, 2), Sets());
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->requests, 500);
  const auto ping = PingLatency(first, 100);
  ASSERT_TRUE(ping.ok()) << ping.status();
  EXPECT_EQ(ping->count(), 100u);
  EXPECT_GT(ping->min_ns(), 0);
}

// --- Commands ---

TEST_F(RedisLoadTest, EveryCommandOfTheTableWorks) {
  for (const RedisCommandInfo& info : RedisCommands()) {
    SCOPED_TRACE(info.name);
    RedisCommandOptions options;
    options.command = info.name;
    options.key_space = 50;
    options.value_bytes = 20;
    if (const TrafficFactory fill = MakeRedisFillTraffic(options)) {
      const auto filled = RunRedisLoad(url_, Requests(50, 2, 1, 4), fill);
      ASSERT_TRUE(filled.ok()) << filled.status();
      EXPECT_EQ(filled->errors, 0) << filled->first_error;
    }
    const auto traffic = MakeRedisCommandTraffic(options);
    ASSERT_TRUE(traffic.ok()) << traffic.status();
    const auto result = RunRedisLoad(url_, Requests(300, 4, 2, 3), *traffic);
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->requests, 300);
    EXPECT_EQ(result->errors, 0) << result->first_error;
  }
  RedisCommandOptions unknown;
  unknown.command = "gett";
  EXPECT_THAT(MakeRedisCommandTraffic(unknown).status().message(),
              HasSubstr("vec-query, ping, set, get"));
}

// Reads the keys off the commands: how often the first of ten is asked for.
TEST(RedisCommandsTest, KeysAreDrawnAsSkewedAsAsked) {
  RedisCommandOptions options;
  options.key_space = 10;
  const auto first_of = [&options] {
    const auto factory = MakeRedisCommandTraffic(options);
    EXPECT_TRUE(factory.ok()) << factory.status();
    const auto traffic = (*factory)(0);
    int first = 0;
    for (int64_t i = 0; i < 10'000; ++i) {
      std::string command;
      std::string again;
      const int slot = traffic->Append(i, &command);
      EXPECT_EQ(traffic->Append(i, &again), slot);
      EXPECT_EQ(again, command);
      if (absl::StrContains(command, ":000000000000\r\n")) ++first;
    }
    return first;
  };
  EXPECT_NEAR(first_of(), 1'000, 150);
  options.skew = 1;  // 1 / (1 + 1/2 + … + 1/10) of all.
  EXPECT_NEAR(first_of(), 3'414, 250);
  options.skew = -1;
  EXPECT_EQ(MakeRedisCommandTraffic(options).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(RedisProtocolTest, SlotsAreThoseOfTheSpecification) {
  EXPECT_EQ(ClusterSlot("123456789"), 0x31c3);
  EXPECT_EQ(ClusterSlot(""), 0);
  EXPECT_EQ(ClusterSlot("{user1000}.following"),
            ClusterSlot("{user1000}.followers"));
  EXPECT_NE(ClusterSlot("foo{}{bar}"), ClusterSlot("bar"));
  EXPECT_EQ(ClusterSlot("foo{{bar}}zap"), ClusterSlot("{bar"));
  EXPECT_EQ(ClusterSlot("foo{bar}{zap}"), ClusterSlot("bar"));
}

// --- Cluster ---

class RedisClusterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto cluster = TestingRedisCluster::Start(3);
    ASSERT_TRUE(cluster.ok()) << cluster.status();
    cluster_ = *std::move(cluster);
  }

  TrafficFactory Sets() {
    return [this](int) {
      return std::make_unique<SetTraffic>(&mutex_, &acknowledged_);
    };
  }

  // Reads key by key at whoever has it.
  int Missing(const std::set<int64_t>& keys) {
    int missing = 0;
    class GetTraffic : public RedisTraffic {
     public:
      explicit GetTraffic(const std::set<int64_t>& keys)
          : keys_(keys.begin(), keys.end()) {}
      int Append(int64_t index, std::string* out) override {
        const std::string key =
            absl::StrCat("k", keys_[static_cast<size_t>(index)]);
        AppendRespCommand({"GET", key}, out);
        return ClusterSlot(key);
      }
      absl::Status OnReply(int64_t index, const redisReply& reply) override {
        return RedisReplyView(reply).text() ==
                       absl::StrCat(keys_[static_cast<size_t>(index)])
                   ? absl::OkStatus()
                   : absl::NotFoundError("missing");
      }

     private:
      const std::vector<int64_t> keys_;
    };
    const auto count = static_cast<int64_t>(keys.size());
    const auto result = RunRedisLoad(
        cluster_->url(1), Requests(count, 4, 1, 8),
        [&keys](int) { return std::make_unique<GetTraffic>(keys); });
    EXPECT_TRUE(result.ok()) << result.status();
    if (result.ok()) missing = static_cast<int>(result->errors);
    return missing;
  }

  std::unique_ptr<TestingRedisCluster> cluster_;
  std::mutex mutex_;
  std::multiset<int64_t> acknowledged_;
};

TEST_F(RedisClusterTest, SlotsAreRedissOwn) {
  for (const char* key : {"", "a", "{user1000}.following", "foo{}{bar}",
                          "foo{{bar}}zap", "foo{bar}{zap}", "k4711"}) {
    const auto slot = cluster_->Execute(0, {"CLUSTER", "KEYSLOT", key});
    ASSERT_TRUE(slot.ok()) << slot.status();
    EXPECT_EQ(ClusterSlot(key), slot->integer) << key;
  }
}

TEST_F(RedisClusterTest, EveryKeyGoesToItsNode) {
  const auto result =
      RunRedisLoad(cluster_->url(0), Requests(6'000, 6, 2, 4), Sets());
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->requests, 6'000);
  EXPECT_EQ(result->errors, 0) << result->first_error;
  EXPECT_EQ(result->redirects, 0);
  int64_t keys = 0;
  for (int master = 0; master < 3; ++master) {
    const auto size = cluster_->Execute(master, {"DBSIZE"});
    EXPECT_GT(size->integer, 1'500);
    keys += size->integer;
  }
  EXPECT_EQ(keys, 6'000);
  EXPECT_EQ(Missing({acknowledged_.begin(), acknowledged_.end()}), 0);
}

TEST_F(RedisClusterTest, SlotsMoveWhileQueriesRun) {
  std::atomic<bool> stop{false};
  QueryLoadOptions options = Requests(0, 6, 2, 4);
  options.duration = absl::Minutes(5);
  options.stop = &stop;
  absl::Status moved;
  std::thread mover([&] {
    // Those of keys that are written again and again, and others.
    for (int slot = 0; slot < 60 && moved.ok(); ++slot) {
      moved = cluster_->MoveSlot(slot, 0, 1 + slot % 2);
    }
    stop = true;
  });
  // The same keys all the time, so that a slot has keys while it moves.
  class AgainTraffic : public SetTraffic {
   public:
    using SetTraffic::SetTraffic;
    int Append(int64_t index, std::string* out) override {
      return SetTraffic::Append(index % 20'000, out);
    }
  };
  const auto result = RunRedisLoad(cluster_->url(2), options, [this](int) {
    return std::make_unique<AgainTraffic>(&mutex_, &acknowledged_);
  });
  mover.join();
  ASSERT_TRUE(moved.ok()) << moved;
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->errors, 0) << result->first_error;
  EXPECT_GT(result->redirects, 0);
  EXPECT_GT(result->requests, 1000);
  std::set<int64_t> written;
  for (const int64_t index : acknowledged_) written.insert(index % 20'000);
  EXPECT_EQ(Missing(written), 0);
}

// While a slot moves, its keys are at two nodes and a command with several of
// them is told TRYAGAIN.
TEST_F(RedisClusterTest, CommandsWithSeveralKeysWaitWhileTheirSlotMoves) {
  // Ten keys of slot 12182 ("foo"), at the last node.
  constexpr int kSlot = 12182;
  class MsetTraffic : public RedisTraffic {
   public:
    int Append(int64_t index, std::string* out) override {
      std::vector<std::string> words = {"MSET"};
      for (int i = 0; i < 10; ++i) {
        words.push_back(absl::StrCat("{foo}", i));
        words.push_back(absl::StrCat(index));
      }
      AppendRespCommand(
          std::vector<absl::string_view>(words.begin(), words.end()), out);
      return ClusterSlot("foo");
    }
    absl::Status OnReply(int64_t, const redisReply& reply) override {
      return RedisReplyView(reply).text() == "OK"
                 ? absl::OkStatus()
                 : absl::InternalError("not OK");
    }
  };
  ASSERT_EQ(ClusterSlot("foo"), kSlot);
  std::atomic<bool> stop{false};
  QueryLoadOptions options = Requests(0, 4, 2, 2);
  options.duration = absl::Minutes(5);
  options.stop = &stop;
  absl::Status moved;
  int64_t told = 0;
  std::thread mover([&] {
    // Once there are keys to move.
    const absl::Time end = absl::Now() + absl::Seconds(20);
    while (cluster_->Execute(2, {"EXISTS", "{foo}9"})->integer == 0 &&
           absl::Now() < end) {
    }
    for (int round = 0; round < 6 && moved.ok(); ++round) {
      moved = cluster_->MoveSlot(kSlot, 2 - round % 2 * 2, round % 2 * 2, 1,
                                 absl::Milliseconds(10));
    }
    for (int master = 0; master < 3; ++master) {
      const auto errors = cluster_->Execute(master, {"INFO", "errorstats"});
      if (absl::StrContains(errors->text, "errorstat_TRYAGAIN")) ++told;
    }
    stop = true;
  });
  const auto result = RunRedisLoad(cluster_->url(0), options, [](int) {
    return std::make_unique<MsetTraffic>();
  });
  mover.join();
  ASSERT_TRUE(moved.ok()) << moved;
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->errors, 0) << result->first_error;
  EXPECT_GT(result->redirects, 0);
  EXPECT_GT(told, 0);
}

TEST_F(RedisClusterTest, AMasterThatJoinsGetsItsKeys) {
  std::atomic<bool> stop{false};
  QueryLoadOptions options = Requests(0, 4, 2, 4);
  options.duration = absl::Minutes(5);
  options.stop = &stop;
  absl::Status moved;
  int64_t keys = 0;
  std::thread joiner([&] {
    moved = cluster_->AddMaster();
    for (int slot = 0; slot < 200 && moved.ok(); ++slot) {
      moved = cluster_->MoveSlot(slot, 0, 3);
    }
    // Of a slot that has moved: what is new comes to the node that joined.
    const absl::Time end = absl::Now() + absl::Seconds(20);
    const auto before = cluster_->Execute(3, {"DBSIZE"});
    while (before.ok() && keys <= before->integer && absl::Now() < end) {
      keys = cluster_->Execute(3, {"DBSIZE"})->integer;
    }
    if (before.ok() && keys <= before->integer) keys = 0;
    stop = true;
  });
  const auto result = RunRedisLoad(cluster_->url(0), options, Sets());
  joiner.join();
  ASSERT_TRUE(moved.ok()) << moved;
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->errors, 0) << result->first_error;
  EXPECT_GT(result->redirects, 0);
  EXPECT_GT(keys, 0);
}

// However many requests its keys have left, nobody waits for each.
TEST_F(RedisClusterTest, AMasterThatStaysDeadDoesNotKeepTheRun) {
  // Otherwise the others take nothing either.
  for (int master = 0; master < 3; ++master) {
    ASSERT_TRUE(cluster_
                    ->Execute(master, {"CONFIG", "SET",
                                       "cluster-require-full-coverage", "no"})
                    .ok());
  }
  RedisLoadOptions redis;
  redis.patience = absl::Milliseconds(200);
  std::thread killer([&] {
    absl::SleepFor(absl::Milliseconds(100));
    EXPECT_TRUE(cluster_->server(1).Kill().ok());
  });
  const auto result = RunRedisLoad(
      cluster_->url(0), Requests(1'000'000, 4, 2, 4),
      [](int) {
        RedisCommandOptions options;
        options.command = "set";
        return (*MakeRedisCommandTraffic(options))(0);
      },
      redis);
  killer.join();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->requests + result->errors, 1'000'000);
  EXPECT_GT(result->requests, 500'000);
  EXPECT_GT(result->errors, 0);
}

TEST_F(RedisClusterTest, AMasterThatDiesFailsItsKeysAlone) {
  QueryLoadOptions options = Requests(0, 6, 2, 4);
  options.duration = absl::Seconds(1);
  RedisLoadOptions redis;
  redis.patience = absl::Milliseconds(200);
  std::thread killer([&] {
    absl::SleepFor(absl::Milliseconds(300));
    EXPECT_TRUE(cluster_->server(1).Kill().ok());
  });
  const auto result = RunRedisLoad(cluster_->url(0), options, Sets(), redis);
  killer.join();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_GT(result->requests, 100);
  EXPECT_GT(result->errors, 0);
}

}  // namespace
}  // namespace opsbench::vector
