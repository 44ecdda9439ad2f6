#ifndef OPSBENCH_STRESS_TESTING_RUN_H_
#define OPSBENCH_STRESS_TESTING_RUN_H_

// For tests: a simulation on a private server or on SQLite, with a temporary
// folder that goes with it.
//
// Thread safety: for one thread.

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "opsbench/server/private_server.h"
#include "opsbench/stress/simulation.h"

namespace opsbench::stress {

class TestRun {
 public:
  // `server`: null for SQLite.
  TestRun(StressConfig config, PrivateServer* server)
      : config_(std::move(config)), server_(server) {
    folder_ = ::testing::TempDir() + "/stress.XXXXXX";
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
  }
  ~TestRun() { std::filesystem::remove_all(folder_); }
  TestRun(const TestRun&) = delete;
  TestRun& operator=(const TestRun&) = delete;

  absl::StatusOr<StressReport> Run() { return Run(Plan::Make(config_.plan)); }

  absl::StatusOr<StressReport> Run(Plan plan) {
    SimulationOptions options;
    options.config = config_;
    options.plan = std::move(plan);
    options.log_folder = folder_;
    options.replace = Replace::kOurs;
    options.server = server_;
    if (server_ == nullptr) {
      options.url = {.engine = Engine::kSqlite, .database = folder_};
    } else {
      options.url = *Url::Parse(server_->socket_url());
    }
    options.stop = stop;
    return Simulate(options);
  }

  const std::string& folder() const { return folder_; }
  const StressConfig& config() const { return config_; }

  const std::atomic<bool>* stop = nullptr;

 private:
  StressConfig config_;
  PrivateServer* const server_;
  std::string folder_;
};

// Busy users without thresholds, for so long.
inline StressConfig BusyConfig(Engine engine, double seconds) {
  StressConfig config;
  config.engine = engine;
  config.duration_s = seconds;
  config.think_min_ms = 0;
  config.think_max_ms = 1;
  config.max_cpu_percent = 0;
  config.max_memory_mb = 0;
  config.plan.batch_min = 5;
  config.plan.batch_max = 100;
  config.plan.databases = 2;
  return config;
}

}  // namespace opsbench::stress

#endif  // OPSBENCH_STRESS_TESTING_RUN_H_
