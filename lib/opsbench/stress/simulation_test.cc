#include "opsbench/stress/simulation.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/stress/replay.h"
#include "opsbench/stress/testing_run.h"

namespace opsbench::stress {
namespace {

using ::testing::IsEmpty;

std::unique_ptr<PrivateServer> StartServer(ServerKind kind) {
  ServerOptions options;
  options.kind = kind;
  options.cache_bytes = int64_t{64} << 20;
  options.delayable_disk = true;
  auto server = PrivateServer::Start(options);
  EXPECT_TRUE(server.ok()) << server.status();
  return *std::move(server);
}

class SimulationTest : public ::testing::TestWithParam<Engine> {
 protected:
  SimulationTest() {
    if (GetParam() == Engine::kPostgres) {
      server_ = StartServer(ServerKind::kPostgres);
    } else if (GetParam() == Engine::kMysql) {
      server_ = StartServer(ServerKind::kMysql);
    }
  }

  std::unique_ptr<PrivateServer> server_;
};

TEST_P(SimulationTest, RunsForItsTimeAndIsRight) {
  TestRun run(BusyConfig(GetParam(), 2), server_.get());
  const auto report = run.Run();
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->ok());
  EXPECT_EQ(report->stop_reason, StopReason::kDurationElapsed);
  EXPECT_EQ(report->failures(), 0);
  EXPECT_EQ(report->wrong_answers(), 0);
  ASSERT_TRUE(report->oracle.has_value()) << report->oracle_status;
  EXPECT_THAT(report->oracle->findings, IsEmpty());
  EXPECT_GT(report->oracle->acknowledged_rows, 0);
  EXPECT_GT(report->load.completed(), 100);
  int64_t operations = 0;
  for (const UserReport& user : report->users) operations += user.operations;
  EXPECT_EQ(operations, report->load.completed() + report->load.skipped());
  EXPECT_GT(report->monitor.readings, 2);
}

TEST_P(SimulationTest, AStopEndsItEarlyAndIsStillChecked) {
  TestRun run(BusyConfig(GetParam(), 600), server_.get());
  // Raised before the first operation: the run connects, and ends.
  const std::atomic<bool> stop{true};
  run.stop = &stop;
  const auto report = run.Run();
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->stop_reason, StopReason::kInterrupted);
  ASSERT_TRUE(report->oracle.has_value());
  EXPECT_TRUE(report->oracle->ok());
}

TEST_P(SimulationTest, ThresholdsHoldUsersUpAndStopWrites) {
  StressConfig config = BusyConfig(GetParam(), 2);
  // Both are passed from the start.
  config.max_memory_mb = 1;
  config.max_disk_mb = 0.01;
  TestRun run(config, server_.get());
  const auto report = run.Run();
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->ok());
  EXPECT_GT(report->load.holds, 0);
  EXPECT_GT(report->load.held, absl::ZeroDuration());
  EXPECT_GT(report->load.skipped(), 0);
  EXPECT_EQ(report->monitor.backpressure.times, 1);
  EXPECT_EQ(report->monitor.over_disk_budget.times, 1);
  // What was skipped was drawn all the same.
  const Plan plan = Plan::Make(config.plan);
  for (const UserReport& user : report->users) {
    uint64_t hash = 0;
    for (int64_t i = 0; i < user.operations; ++i) {
      hash = HashOperation(hash, i, plan.At(user.user, i));
    }
    EXPECT_EQ(user.hash, hash);
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, SimulationTest,
                         ::testing::Values(Engine::kSqlite, Engine::kPostgres,
                                           Engine::kMysql),
                         [](const auto& tested) {
                           return std::string(EngineName(tested.param));
                         });

// 54 runs: each user's hash is that of the first run over what both did.
class ReplayRunsTest : public ::testing::Test {
 protected:
  static Replay RunOnce(const StressConfig& config, PrivateServer* server,
                        const Plan& plan) {
    TestRun run(config, server);
    const auto report = run.Run(plan);
    EXPECT_TRUE(report.ok()) << report.status();
    EXPECT_TRUE(report->ok()) << report->stop_detail;
    return MakeReplay(config, plan, &*report);
  }

  static void ExpectEqualRuns(StressConfig config, PrivateServer* server,
                              int rounds) {
    for (const int users : {1, 2, 16}) {
      config.plan.inserter_users = (users + 1) / 3;
      config.plan.query_users = users / 3;
      config.plan.mixed_users =
          users - config.plan.inserter_users - config.plan.query_users;
      config.plan.databases = 1;
      config.plan.seed = static_cast<uint64_t>(1'000 + users);
      const Replay first = RunOnce(config, server, Plan::Make(config.plan));
      const absl::StatusOr<Replay> read =
          ParseReplay(FormatReplay(first), "replay.json");
      ASSERT_TRUE(read.ok()) << read.status();
      for (int round = 1; round < rounds; ++round) {
        const Replay again = RunOnce(read->config, server, read->MakePlan());
        const auto comparison = CompareReplays(*read, again);
        ASSERT_TRUE(comparison.ok()) << comparison.status();
        EXPECT_TRUE(comparison->equal()) << users << " users, round " << round;
        int64_t compared = 0;
        for (const auto& verdict : comparison->users) {
          compared += verdict.compared;
        }
        EXPECT_GT(compared, 0);
      }
    }
  }
};

TEST_F(ReplayRunsTest, Sqlite) {
  ExpectEqualRuns(BusyConfig(Engine::kSqlite, 0.2), nullptr, 12);
}

TEST_F(ReplayRunsTest, PostgresWithFaults) {
  const auto server = StartServer(ServerKind::kPostgres);
  StressConfig config = BusyConfig(Engine::kPostgres, 1);
  config.faults = *ParseFaults("reset=2,pause,slow_disk");
  ExpectEqualRuns(config, server.get(), 3);
}

TEST_F(ReplayRunsTest, MysqlWithFaults) {
  const auto server = StartServer(ServerKind::kMysql);
  StressConfig config = BusyConfig(Engine::kMysql, 1);
  config.faults = *ParseFaults("reset=2,pause,slow_disk");
  ExpectEqualRuns(config, server.get(), 3);
}

}  // namespace
}  // namespace opsbench::stress
