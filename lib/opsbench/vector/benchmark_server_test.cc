// Measurements of a private server that loses what was put there, or dies.

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/db/redis.h"
#include "opsbench/server/private_server.h"
#include "opsbench/vector/benchmark.h"
#include "opsbench/vector/benchmark_report.h"

namespace opsbench::vector {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

class BenchmarkServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto server = PrivateServer::Start({.kind = ServerKind::kRedis});
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  BenchmarkConfig Config(const std::string& operation) const {
    BenchmarkConfig config;
    config.backend = server_->url();
    config.operation = operation;
    config.num_clients = 2;
    config.num_requests = 300;
    config.key_space = 50;
    config.warmup = absl::ZeroDuration();
    return config;
  }

  void Execute(const std::vector<std::string>& command) {
    const auto url = Url::Parse(server_->url());
    ASSERT_TRUE(url.ok());
    const auto session = ConnectRedis(*url);
    ASSERT_TRUE(session.ok()) << session.status();
    const auto reply = (*session)->Execute(
        std::vector<absl::string_view>(command.begin(), command.end()));
    ASSERT_TRUE(reply.ok()) << reply.status();
  }

  std::unique_ptr<PrivateServer> server_;
};

// Commands whose effect is read back afterwards, or that take away what they
// find: the server is as it should be.
TEST_F(BenchmarkServerTest, EveryCommandHasItsEffect) {
  VectorBenchmark benchmark;
  for (const char* operation :
       // What they take away is not what others have put there.
       {"lpop", "rpop", "spop", "zpopmin", "ping", "set", "get", "incr",
        "lpush", "rpush", "sadd", "hset", "hget", "zadd", "mset", "get",
        "set"}) {
    const auto result = benchmark.Run(Config(operation));
    ASSERT_TRUE(result.ok()) << operation << ": " << result.status();
    EXPECT_EQ(result->requests, 300) << operation;
    const bool pops = absl::StrContains(operation, "pop");
    // 50 keys, and 300 requests.
    EXPECT_EQ(result->empty_replies > 0, pops) << operation;
  }
}

// Values of another size in between: what is read is filled anew.
TEST_F(BenchmarkServerTest, WhatIsReadHasTheSizeThatIsAskedFor) {
  VectorBenchmark benchmark;
  BenchmarkConfig large = Config("set");
  large.value_bytes = 1'000;
  ASSERT_TRUE(benchmark.Run(Config("get")).ok());
  ASSERT_TRUE(benchmark.Run(large).ok());
  const auto again = benchmark.Run(Config("get"));
  EXPECT_TRUE(again.ok()) << again.status();
}

// Somebody removes the keys, as a server does whose memory is full: GET of what
// is not there is no GET of a value.
TEST_F(BenchmarkServerTest, KeysThatAreGoneAreNoResult) {
  VectorBenchmark benchmark;
  const BenchmarkConfig config = Config("get");
  ASSERT_TRUE(benchmark.Run(config).ok());
  Execute({"FLUSHALL"});
  const auto result = benchmark.Run(config);
  EXPECT_EQ(result.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(result.status().message()),
              HasSubstr("300 of 300 get found no value"));
  EXPECT_THAT(benchmark.results(), SizeIs(1));
}

// SET that stores nothing, as of a server that evicts it at once.
TEST_F(BenchmarkServerTest, ValuesThatWereNotStoredAreNoResult) {
  Execute({"CONFIG", "SET", "maxmemory-policy", "allkeys-lru"});
  Execute({"CONFIG", "SET", "maxmemory", "4mb"});
  VectorBenchmark benchmark;
  BenchmarkConfig config = Config("set");
  config.key_space = 10'000;
  config.num_requests = 3'000;
  config.value_bytes = 5'000;
  const auto result = benchmark.Run(config);
  EXPECT_EQ(result.status().code(), absl::StatusCode::kDataLoss)
      << result.status();
  EXPECT_THAT(std::string(result.status().message()),
              HasSubstr("what SET left is not there"));
}

// The server dies behind the second measurement: what was measured is kept, all
// else is unknown, and nothing is decided.
TEST_F(BenchmarkServerTest, AServerThatDiesLeavesSettingsUnknown) {
  int measured = 0;
  VectorBenchmark benchmark({.on_result = [&](const BenchmarkResult&) {
    if (++measured == 2) {
      EXPECT_TRUE(server_->Kill().ok());
    }
  }});
  GridOptions grid;
  grid.param_grid = {MakeParameter("num_clients", {1, 2, 3, 4, 5, 6})};
  const auto result = benchmark.GridSearch(Config("ping"), grid);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->measured, 2);
  EXPECT_EQ(result->ended, "failures");
  EXPECT_FALSE(result->failure.ok());
  EXPECT_THAT(result->kept, SizeIs(2));
  EXPECT_THAT(benchmark.results(), SizeIs(2));
  EXPECT_THAT(RenderGrid(*result, grid.param_grid),
              HasSubstr("2 of 6 settings measured"));
}

TEST_F(BenchmarkServerTest, ATunerWhoseServerDiesDecidesNothing) {
  int measured = 0;
  VectorBenchmark benchmark({.on_result = [&](const BenchmarkResult&) {
    if (++measured == 3) {
      EXPECT_TRUE(server_->Kill().ok());
    }
  }});
  TuneOptions options;
  options.parameters = {MakeParameter("num_clients", {1, 2, 3, 4, 5, 6, 7, 8})};
  const auto outcome = benchmark.Tune(Config("ping"), options);
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_FALSE(outcome->search.decided);
  EXPECT_EQ(outcome->search.ended, "failures");
  EXPECT_THAT(std::string(outcome->search.failure.message()),
              HasSubstr("does not answer any more"));
  EXPECT_TRUE(outcome->best.has_value());
  EXPECT_THAT(benchmark.results(), SizeIs(3));
  EXPECT_THAT(RenderOutcome(*outcome, options), Not(HasSubstr(": decided")));
}

// A measurement during which requests failed is none.
TEST_F(BenchmarkServerTest, AMeasurementWithErrorsIsNone) {
  VectorBenchmark benchmark;
  GridOptions grid;
  grid.param_grid = {MakeParameter("num_clients", {1, 2})};
  BenchmarkConfig config = Config("set");
  Execute({"CONFIG", "SET", "maxmemory-policy", "noeviction"});
  Execute({"CONFIG", "SET", "maxmemory", "3mb"});
  config.value_bytes = 20'000;
  config.key_space = 100'000;
  const auto result = benchmark.GridSearch(config, grid);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->measured, 0);
  EXPECT_EQ(result->failed, 2);
  const auto file = ToBenchmarkFile(benchmark.results());
  for (const auto& row : file.rows) {
    EXPECT_TRUE(row.error_occurred);
    EXPECT_THAT(row.error_message, HasSubstr("requests failed"));
  }
}

}  // namespace
}  // namespace opsbench::vector
