// The monitor beside real servers that run, stand still, crash and come back.
// What never comes runs into ctest's time limit; so does a Stop() that hangs.

#include "opsbench/stress/monitor.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/db/session.h"
#include "opsbench/server/testing_server.h"

namespace opsbench::stress {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Key;
using ::testing::Not;

constexpr absl::Duration kPoll = absl::Milliseconds(5);

std::unique_ptr<ResourceMonitor> MustMonitor(
    const MonitorOptions& options,
    std::vector<std::unique_ptr<MonitorSource>> further = {}) {
  auto monitor = ResourceMonitor::Start(options, std::move(further));
  EXPECT_TRUE(monitor.ok()) << monitor.status();
  return monitor.ok() ? *std::move(monitor) : nullptr;
}

void WaitFor(const ResourceMonitor& monitor,
             const std::function<bool(const Reading&)>& condition) {
  while (!condition(monitor.latest())) std::this_thread::yield();
}

// The events of a source, in one line each.
std::vector<std::string> EventsOf(const MonitorReport& report,
                                  absl::string_view source) {
  std::vector<std::string> texts;
  for (const MonitorEvent& event : report.events) {
    if (event.source == source) texts.push_back(event.text);
  }
  return texts;
}

// The one fake: a figure that the test sets, and how often it was asked for.
struct Dial {
  std::atomic<double> value{0};
  std::atomic<int> reads{0};
};

class DialSource : public MonitorSource {
 public:
  DialSource(std::string metric, Dial* dial)
      : metric_(std::move(metric)), dial_(dial) {}
  void Read(Reading* reading) override {
    (*reading)[metric_] = dial_->value;
    ++dial_->reads;
  }

 private:
  const std::string metric_;
  Dial* const dial_;
};

TEST(ResourceMonitorTest, TheFlagsFollowTheFigures) {
  Dial load, disk;
  MonitorOptions options;
  options.poll = absl::Milliseconds(1);
  options.thresholds.max_overall_load = 1;
  options.thresholds.max_disk_mb = 1;
  std::vector<std::unique_ptr<MonitorSource>> sources;
  sources.push_back(std::make_unique<DialSource>("hyperd_overall_load", &load));
  sources.push_back(std::make_unique<DialSource>("disk_bytes", &disk));
  auto monitor = MustMonitor(options, std::move(sources));
  ASSERT_NE(monitor, nullptr);
  EXPECT_EQ(load.reads, 1) << "Start() takes the first reading itself";
  for (int i = 0; i < 3; ++i) {
    load.value = 1.5;
    while (!monitor->backpressure()) std::this_thread::yield();
    load.value = 0.2;
    while (monitor->backpressure()) std::this_thread::yield();
  }
  EXPECT_FALSE(monitor->over_disk_budget());
  disk.value = 3 << 20;
  while (!monitor->over_disk_budget()) std::this_thread::yield();
  const MonitorReport& report = monitor->Stop();
  EXPECT_FALSE(monitor->over_disk_budget());
  EXPECT_EQ(report.backpressure.times, 3);
  EXPECT_GT(report.backpressure.total_seconds, 0);
  EXPECT_EQ(report.over_disk_budget.times, 1);
  EXPECT_EQ(EventsOf(report, "backpressure").size(), 6);
  EXPECT_EQ(report.peaks.at("hyperd_overall_load"), 1.5);
  EXPECT_EQ(report.readings, load.reads);
  const int reads = load.reads;
  EXPECT_EQ(&monitor->Stop(), &report);
  EXPECT_EQ(load.reads, reads);
}

TEST(ResourceMonitorTest, SeesOurProcessAndTheKernelsPressure) {
  MonitorOptions options;
  options.poll = kPoll;
  auto monitor = MustMonitor(options);
  ASSERT_NE(monitor, nullptr);
  WaitFor(*monitor, [](const Reading& reading) {
    const auto cpu = reading.find("client_cpu_pct");
    return cpu != reading.end() && cpu->second > 0;  // Of this very loop.
  });
  const MonitorReport& report = monitor->Stop();
  EXPECT_GT(report.peaks.at("client_resident_bytes"), 1 << 20);
  EXPECT_GE(report.peaks.at("client_threads"), 2);
  EXPECT_LE(report.peaks.at("client_cpu_pct"), 110);
  EXPECT_EQ(report.peaks.contains("psi_cpu_some_pct"),
            std::filesystem::exists("/proc/pressure/cpu"));
  EXPECT_THAT(report.peaks, Not(Contains(Key("server_threads"))));
  EXPECT_THAT(report.peaks, Not(Contains(Key("disk_bytes"))));
  ASSERT_EQ(report.points.size(), static_cast<size_t>(report.readings));
  EXPECT_TRUE(std::is_sorted(
      report.points.begin(), report.points.end(),
      [](const auto& a, const auto& b) { return a.seconds < b.seconds; }));
}

TEST(ResourceMonitorTest, FilesOfSqliteCountWithWhatLiesBesideThem) {
  const TempFolder folder("data");
  Url url;
  url.engine = Engine::kSqlite;
  url.database = (folder.path() / "a.db").string();
  const auto session = Connect(url);
  ASSERT_TRUE(session.ok()) << session.status();
  ResultSet rows;
  for (const char* sql :
       {"PRAGMA journal_mode = WAL", "PRAGMA wal_autocheckpoint = 0",
        "CREATE TABLE t AS SELECT randomblob(1000000) AS a"}) {
    const absl::Status status = (*session)->Query(sql, &rows);
    ASSERT_TRUE(status.ok()) << sql << ": " << status;
  }
  MonitorOptions options;
  options.disk_paths = {url.database};
  options.engine = url;
  options.engine_in_process = true;
  options.thresholds.max_disk_mb = 0.9;
  options.thresholds.max_memory_mb = 1;
  auto monitor = MustMonitor(options);
  ASSERT_NE(monitor, nullptr);
  EXPECT_TRUE(monitor->over_disk_budget());
  EXPECT_TRUE(monitor->backpressure());
  // The megabyte is in the WAL alone.
  EXPECT_LT(std::filesystem::file_size(url.database), 100'000);
  EXPECT_GE(monitor->latest().at("disk_bytes"), 1'000'000);
  EXPECT_LT(monitor->latest().at("disk_bytes"), 2'000'000);
}

TEST(ResourceMonitorTest, ReadsHyperdsLogFromItsStartOn) {
  const TempFolder folder("log");
  MonitorOptions options;
  options.poll = kPoll;
  options.hyperd_log = (folder.path() / "hyperd.log").string();
  options.thresholds.max_memory_mb = 1'000;
  const auto append = [&](double mb) {
    std::ofstream(options.hyperd_log, std::ios::app)
        << R"({"k":"resource-metrics","v":{"memory":)"
        << R"({"process_physical_memory_mb":)" << mb << "}}}\n";
  };
  append(9'000);  // Of another run.
  auto monitor = MustMonitor(options);
  ASSERT_NE(monitor, nullptr);
  append(500);
  WaitFor(*monitor, [](const Reading& reading) {
    return reading.contains("hyperd_memory_bytes");
  });
  EXPECT_FALSE(monitor->backpressure());
  append(1'001);
  while (!monitor->backpressure()) std::this_thread::yield();
  const MonitorReport& report = monitor->Stop();
  EXPECT_EQ(report.peaks.at("hyperd_memory_bytes"), 1'001.0 * (1 << 20));
  EXPECT_EQ(EventsOf(report, "hyperd_log").size(), 1);
}

TEST(ResourceMonitorTest, RefusesOptionsThatMakeNoSense) {
  const std::function<void(MonitorOptions*)> faults[] = {
      [](MonitorOptions* options) { options->poll = absl::ZeroDuration(); },
      [](MonitorOptions* options) { options->poll = absl::InfiniteDuration(); },
      [](MonitorOptions* options) { options->max_points = 1; },
      [](MonitorOptions* options) { options->thresholds.max_disk_mb = 0; },
      [](MonitorOptions* options) { options->thresholds.max_memory_mb = -1; },
      [](MonitorOptions* options) {
        options->thresholds.max_cpu_percent = std::nan("");
      },
      [](MonitorOptions* options) { options->thresholds.release_at = 1.1; },
  };
  for (const auto& fault : faults) {
    MonitorOptions options;
    fault(&options);
    EXPECT_EQ(ResourceMonitor::Start(options).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
}

class MonitoredServerTest : public ::testing::TestWithParam<ServerKind> {
 protected:
  void SetUp() override {
    server_ = MustStart(opsbench::Options(GetParam()));
    ASSERT_NE(server_, nullptr);
    const auto url = Url::Parse(server_->socket_url());
    ASSERT_TRUE(url.ok()) << url.status();
    options_.server = server_.get();
    options_.engine = *url;
    options_.poll = kPoll;
  }

  // A figure that the engine alone can know.
  const char* EngineFigure() const {
    return GetParam() == ServerKind::kMysql ? "mysql_threads_connected"
                                            : "postgres_commits";
  }
  bool HasEngine(const Reading& reading) const {
    return reading.contains(EngineFigure());
  }
  void WaitForEngine(const ResourceMonitor& monitor, bool there) const {
    WaitFor(monitor, [&](const Reading& reading) {
      return HasEngine(reading) == there;
    });
  }

  MonitorOptions options_;
  std::unique_ptr<PrivateServer> server_;
};

INSTANTIATE_TEST_SUITE_P(Kinds, MonitoredServerTest,
                         ::testing::Values(ServerKind::kMysql,
                                           ServerKind::kPostgres),
                         [](const auto& kind) {
                           return std::string(ServerKindName(kind.param));
                         });

TEST_P(MonitoredServerTest, SeesTheServerAndWhatTheEngineCounts) {
  options_.thresholds.max_memory_mb = 1;
  options_.thresholds.max_disk_mb = 1;
  auto monitor = MustMonitor(options_);
  ASSERT_NE(monitor, nullptr);
  EXPECT_TRUE(monitor->backpressure());
  EXPECT_TRUE(monitor->over_disk_budget());
  const bool mysql = GetParam() == ServerKind::kMysql;
  const char* const inserted =
      mysql ? "mysql_com_insert" : "postgres_rows_inserted";
  Reading first;
  WaitFor(*monitor, [&](const Reading& reading) {
    first = reading;
    return HasEngine(reading);
  });
  ASSERT_THAT(first, Contains(Key(inserted)));
  const double after = first[inserted] + (mysql ? 1 : 5);
  {
    const auto session = Connect(*options_.engine);
    ASSERT_TRUE(session.ok()) << session.status();
    for (const char* sql : {"CREATE TABLE t (a INT)",
                            "INSERT INTO t VALUES (1), (2), (3), (4), (5)"}) {
      ASSERT_TRUE((*session)->Execute(sql).ok());
    }
  }
  // PostgreSQL counts a session's work when it ends, at the latest.
  WaitFor(*monitor, [&](const Reading& reading) {
    const auto figure = reading.find(inserted);
    return figure != reading.end() && figure->second >= after;
  });
  WaitFor(*monitor, [](const Reading& reading) {
    return reading.contains("server_cpu_pct");
  });
  const MonitorReport& report = monitor->Stop();
  EXPECT_GT(report.peaks.at("server_resident_bytes"), 1 << 20);
  EXPECT_GT(report.peaks.at("server_threads"), 0);
  EXPECT_GE(report.peaks.at("disk_bytes"), 1 << 20);
  for (const char* metric :
       mysql ? std::vector<const char*>{"mysql_threads_running",
                                        "mysql_questions",
                                        "mysql_innodb_row_lock_waits"}
             : std::vector<const char*>{
                   "postgres_sessions_active", "postgres_sessions_waiting",
                   "postgres_deadlocks", "postgres_checkpoints_timed",
                   "postgres_buffers_allocated"}) {
    EXPECT_THAT(report.metrics, Contains(metric));
  }
  EXPECT_THAT(EventsOf(report, "engine"), ::testing::ElementsAre("connected"));
}

TEST_P(MonitoredServerTest, GoesOnThroughACrashAndConnectsAgain) {
  auto monitor = MustMonitor(options_);
  ASSERT_NE(monitor, nullptr);
  for (int crash = 0; crash < 2; ++crash) {
    WaitForEngine(*monitor, true);
    ASSERT_TRUE(server_->Kill().ok());
    WaitForEngine(*monitor, false);
    WaitFor(*monitor, [](const Reading& reading) {
      return !reading.contains("server_resident_bytes");
    });
    // The files are still there.
    EXPECT_GT(monitor->latest().at("disk_bytes"), 0);
    const absl::Status restarted = server_->Restart();
    ASSERT_TRUE(restarted.ok()) << restarted;
  }
  WaitForEngine(*monitor, true);
  const std::vector<std::string> events = EventsOf(monitor->Stop(), "engine");
  EXPECT_EQ(std::count(events.begin(), events.end(), "connected"), 3);
  EXPECT_THAT(events, Contains(::testing::StartsWith("lost: ")).Times(2));
}

// The engine's thread waits for an answer that does not come; the rest goes on.
TEST_P(MonitoredServerTest, APausedServerHoldsUpNeitherReadingsNorStop) {
  auto monitor = MustMonitor(options_);
  ASSERT_NE(monitor, nullptr);
  WaitForEngine(*monitor, true);
  ASSERT_TRUE(server_->Pause().ok());
  WaitForEngine(*monitor, false);
  EXPECT_THAT(monitor->latest(), Contains(Key("server_resident_bytes")));
  ASSERT_TRUE(server_->Resume().ok());
  WaitForEngine(*monitor, true);
  ASSERT_TRUE(server_->Pause().ok());
  WaitForEngine(*monitor, false);
  const MonitorReport& report = monitor->Stop();
  // It was never lost, only slow.
  EXPECT_THAT(EventsOf(report, "engine"), ::testing::ElementsAre("connected"));
}

TEST_P(MonitoredServerTest, StopsWhileItConnectsToAServerThatStandsStill) {
  ASSERT_TRUE(server_->Pause().ok());
  auto monitor = MustMonitor(options_);
  ASSERT_NE(monitor, nullptr);
  WaitFor(*monitor, [](const Reading& reading) {
    return reading.contains("server_cpu_pct");
  });
  monitor->Stop();
  EXPECT_THAT(monitor->latest(), Not(Contains(Key(EngineFigure()))));
}

TEST_P(MonitoredServerTest, StopsBesideAServerThatIsGone) {
  auto monitor = MustMonitor(options_);
  ASSERT_NE(monitor, nullptr);
  WaitForEngine(*monitor, true);
  ASSERT_TRUE(server_->Kill().ok());
  WaitForEngine(*monitor, false);
  EXPECT_THAT(EventsOf(monitor->Stop(), "engine"),
              Contains(HasSubstr("lost: ")));
}

}  // namespace
}  // namespace opsbench::stress
