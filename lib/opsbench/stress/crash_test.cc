// kill -9 of the server under load, again and again: what was acknowledged must
// be there. The control shows that the oracle would see it if it were not: with
// durability off, a killed server loses what it acknowledged last.
//
// OPSBENCH_STRESS_KILLS=200 kills each server so often; 10 otherwise.

#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <string>

#include "absl/strings/numbers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/stress/testing_run.h"

namespace opsbench::stress {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

int Kills() {
  const char* text = std::getenv("OPSBENCH_STRESS_KILLS");
  int kills = 0;
  if (text == nullptr || !absl::SimpleAtoi(text, &kills)) return 10;
  return kills;
}

struct Case {
  Engine engine;
  ServerKind kind;
  // With which a crash loses what was acknowledged.
  std::map<std::string, std::string> careless;
};

class CrashTest : public ::testing::TestWithParam<Case> {
 protected:
  static std::unique_ptr<PrivateServer> Start(bool durable) {
    ServerOptions options;
    options.kind = GetParam().kind;
    options.durable = durable;
    options.cache_bytes = int64_t{64} << 20;
    if (!durable) options.settings = GetParam().careless;
    auto server = PrivateServer::Start(options);
    EXPECT_TRUE(server.ok()) << server.status();
    return *std::move(server);
  }

  static StressConfig Config(int kills, double seconds_each) {
    StressConfig config = BusyConfig(GetParam().engine, kills * seconds_each);
    config.faults.counts[static_cast<size_t>(FaultKind::kKill)] = kills;
    config.plan.databases = 1;
    return config;
  }
};

TEST_P(CrashTest, NothingAcknowledgedIsLost) {
  const auto server = Start(/*durable=*/true);
  const int kills = Kills();
  TestRun run(Config(kills, 1.5), server.get());
  const auto report = run.Run();
  ASSERT_TRUE(report.ok()) << report.status();
  for (const FaultEvent& event : report->faults) {
    EXPECT_TRUE(event.status.ok()) << event.status;
  }
  EXPECT_EQ(static_cast<int>(report->faults.size()), kills);
  ASSERT_TRUE(report->oracle.has_value()) << report->oracle_status;
  const OracleReport& oracle = *report->oracle;
  EXPECT_THAT(oracle.findings, IsEmpty());
  EXPECT_TRUE(report->ok()) << report->stop_detail;
  EXPECT_EQ(oracle.lost_rows, 0);
  // The kills did hit users at work.
  int64_t reconnects = 0;
  for (const UserReport& user : report->users) {
    reconnects += user.result.reconnects;
  }
  EXPECT_GT(reconnects, 0);
  std::cout << kills << " kills, " << oracle.acknowledged_rows
            << " rows acknowledged, " << oracle.lost_rows << " lost; "
            << oracle.unknown_operations << " writes unknown, of which "
            << oracle.unknown_applied << " stand\n";
}

TEST_P(CrashTest, AServerThatForgetsIsCaught) {
  const auto server = Start(/*durable=*/false);
  TestRun run(Config(2, 2), server.get());
  const auto report = run.Run();
  ASSERT_TRUE(report.ok()) << report.status();
  ASSERT_TRUE(report->oracle.has_value()) << report->oracle_status;
  EXPECT_GT(report->oracle->lost_rows, 0);
  EXPECT_THAT(report->oracle->findings, Not(IsEmpty()));
  // The server had said that it would.
  EXPECT_THAT(report->oracle->notes, Contains(HasSubstr("a crash of the ser")));
  EXPECT_FALSE(report->ok());
}

INSTANTIATE_TEST_SUITE_P(
    Engines, CrashTest,
    ::testing::Values(Case{Engine::kPostgres,
                           ServerKind::kPostgres,
                           {{"synchronous_commit", "off"},
                            {"wal_writer_delay", "10000ms"}}},
                      Case{Engine::kMysql,
                           ServerKind::kMysql,
                           {{"innodb_flush_log_at_trx_commit", "0"},
                            {"innodb_flush_log_at_timeout", "2700"}}}),
    [](const auto& tested) {
      return std::string(EngineName(tested.param.engine));
    });

}  // namespace
}  // namespace opsbench::stress
