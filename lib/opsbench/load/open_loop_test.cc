// The open loop: operations come when they are due, whatever the system does,
// and their latency counts from then.

#include <atomic>
#include <cstdint>
#include <latch>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "opsbench/base/clock.h"
#include "opsbench/load/internal/fake_workload.h"
#include "opsbench/load/internal/schedule.h"
#include "opsbench/load/load.h"

namespace opsbench::load_internal {
namespace {

LoadOptions Constant(double rate_per_second, absl::Duration duration) {
  LoadOptions options;
  options.mix = {{"read", 3}, {"write", 1}};
  options.arrival = Arrival::kConstant;
  options.rate_per_second = rate_per_second;
  options.duration = duration;
  return options;
}

TEST(OpenLoopTest, RunsWhatIsScheduledAndNothingElse) {
  for (const int workers : {1, 3}) {
    LoadOptions options = Constant(2000, absl::Milliseconds(200));
    options.workers = workers;
    FakeWorkload system(workers);
    const auto report = RunLoad(options, system);
    ASSERT_TRUE(report.ok()) << report.status();
    // Due at 0, 0.5 ms ... 199.5 ms.
    EXPECT_EQ(report->completed(), 400);
    EXPECT_EQ(system.total(), 400);
    EXPECT_EQ(report->abandoned, 0);
    EXPECT_EQ(report->offered_per_second, 2000);
    EXPECT_GE(report->elapsed, options.duration);
  }
}

TEST(OpenLoopTest, PoissonRunsWhatItsSchedulesSay) {
  constexpr int kWorkers = 2;
  LoadOptions options = Constant(2000, absl::Milliseconds(200));
  options.arrival = Arrival::kPoisson;
  options.workers = kWorkers;
  FakeWorkload first(kWorkers), second(kWorkers);
  const auto report = RunLoad(options, first);
  ASSERT_TRUE(report.ok()) << report.status();
  ASSERT_TRUE(RunLoad(options, second).ok());
  EXPECT_EQ(report->completed(), first.total());
  // Five standard deviations.
  EXPECT_NEAR(static_cast<double>(report->completed()), 400, 100);
  EXPECT_EQ(first.executed, second.executed);
}

// The defence against coordinated omission. The system stalls once for S: at a
// rate R that delays R*S operations, of which half wait S/2 or more. Measured
// from when they were issued, one operation would be slow. The lower bound
// cannot be missed on a busy machine; the upper one leaves it room.
TEST(OpenLoopTest, AStallShowsInEveryOperationThatItDelays) {
  constexpr int64_t kStallNs = 300'000'000;
  const auto stall_once = [](const Call& call) {
    if (call.index == 100) Pass(kStallNs);
    return 1;
  };
  FakeWorkload open(1);
  open.on_execute = stall_once;
  const auto report = RunLoad(Constant(1000, absl::Seconds(1)), open);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->completed(), 1000);
  const int64_t slow = CountAbove(report->latency(), kStallNs * 49 / 100);
  EXPECT_GE(slow, 148);
  EXPECT_LE(slow, 400);
  EXPECT_GE(report->latency().max_ns(), kStallNs);

  FakeWorkload closed(1);
  closed.on_execute = stall_once;
  LoadOptions options = Constant(0, absl::Seconds(1));
  options.arrival = Arrival::kClosed;
  options.operations = 1000;
  const auto contrast = RunLoad(options, closed);
  ASSERT_TRUE(contrast.ok()) << contrast.status();
  EXPECT_LE(CountAbove(contrast->latency(), kStallNs * 49 / 100), 10);
}

TEST(OpenLoopTest, PreparingAheadOfTimeIsNotTimed) {
  constexpr int64_t kPrepareNs = 10'000'000;
  FakeWorkload system(1);
  system.on_prepare = [](const Call&) { Pass(kPrepareNs); };
  const auto report = RunLoad(Constant(25, absl::Seconds(1)), system);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->completed(), 25);
  EXPECT_LT(report->latency().Percentile(50), kPrepareNs);
}

// All are due at about the start, and run one after the other: the time for its
// own arguments is left out of each, that of earlier ones is a wait.
TEST(OpenLoopTest, PreparingLateIsLeftOutOfItsOwnOperationAlone) {
  constexpr int64_t kPrepareNs = 20'000'000;
  FakeWorkload system(1);
  system.on_prepare = [](const Call&) { Pass(kPrepareNs); };
  LoadOptions options = Constant(1e9, absl::Seconds(1));
  options.operations = 10;
  const auto report = RunLoad(options, system);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_LT(report->latency().min_ns(), kPrepareNs);
  EXPECT_GE(report->latency().max_ns(), 9 * kPrepareNs - 10);
}

TEST(OpenLoopTest, DrainsWhatWasDueWhenTheDurationEnds) {
  FakeWorkload system(1);
  system.on_execute = [](const Call& call) {
    if (call.index == 0) Pass(120'000'000);
    return 1;
  };
  const auto report = RunLoad(Constant(1000, absl::Milliseconds(100)), system);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->completed(), 100);
  EXPECT_EQ(report->abandoned, 0);
  EXPECT_EQ(report->overdue, 99);
  EXPECT_FALSE(report->rate_met);
  EXPECT_GE(report->elapsed, absl::Milliseconds(120));
}

TEST(OpenLoopTest, AbandonsWhatRemainsAfterTheDrainTimeout) {
  FakeWorkload system(2);
  std::atomic<int64_t> failed{0};
  system.on_execute = [&](const Call& call) -> absl::StatusOr<int64_t> {
    if (call.index == 0) {
      Pass(120'000'000);
      ++failed;
      return absl::InternalError("slow and wrong");
    }
    return 1;
  };
  LoadOptions options = Constant(1000, absl::Milliseconds(100));
  options.workers = 2;
  options.drain_timeout = absl::ZeroDuration();
  const auto report = RunLoad(options, system);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->errors(), failed);
  EXPECT_EQ(report->completed(), 0);
  EXPECT_EQ(report->abandoned, 100 - failed);
  EXPECT_EQ(report->overdue, report->abandoned);
  EXPECT_FALSE(report->rate_met);
  EXPECT_TRUE(report->ended_early.ok());
}

TEST(OpenLoopTest, SaysWhetherACountedLoadMetItsRate) {
  for (const int64_t execute_ns : {0, 5'000'000}) {
    FakeWorkload system(1);
    system.on_execute = [&](const Call&) {
      Pass(execute_ns);
      return 1;
    };
    // One operation may be overdue: the slow system leaves most of 50 so, the
    // quick one would have to be late by 400 ms for two of 3.
    LoadOptions options = Constant(execute_ns == 0 ? 5 : 1000, {});
    options.operations = execute_ns == 0 ? 3 : 50;
    const auto report = RunLoad(options, system);
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(report->completed(), options.operations);
    EXPECT_EQ(report->rate_met, execute_ns == 0);
  }
}

// Nothing is due for minutes: a stop must not wait for it.
TEST(OpenLoopTest, AStopEndsTheWaitForAnOperation) {
  FakeWorkload system(1);
  std::latch first_ran(1);
  system.on_execute = [&](const Call&) {
    first_ran.count_down();
    return 1;
  };
  auto engine = LoadEngine::Create(Constant(0.001, absl::Hours(10)));
  ASSERT_TRUE(engine.ok()) << engine.status();
  std::thread stopper([&] {
    first_ran.wait();
    (*engine)->RequestStop();
  });
  const auto report = (*engine)->Run(system);
  stopper.join();
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->interrupted);
  EXPECT_EQ(report->completed(), 1);
  EXPECT_EQ(report->abandoned, 0);
}

// An outage lasts as long as the recovery: what was due meanwhile has waited.
TEST(OpenLoopTest, RecoveringCountsAsWaiting) {
  constexpr int64_t kRecoverNs = 100'000'000;
  FakeWorkload system(1);
  system.on_execute = [](const Call& call) -> absl::StatusOr<int64_t> {
    if (call.index == 10) return absl::UnavailableError("gone");
    return 1;
  };
  system.on_recover = [](int) {
    Pass(kRecoverNs);
    return absl::OkStatus();
  };
  const auto report = RunLoad(Constant(100, absl::Milliseconds(300)), system);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->completed(), 29);
  EXPECT_EQ(report->errors(), 1);
  // They wait 90, 80, 70, 60 and 50 ms.
  EXPECT_GE(report->latency().max_ns(), 90'000'000);
  EXPECT_GE(CountAbove(report->latency(), 49'000'000), 5);
}

TEST(OpenLoopTest, WhatALostWorkerOwesIsAbandoned) {
  FakeWorkload system(2);
  system.on_execute = [](const Call& call) -> absl::StatusOr<int64_t> {
    if (call.worker == 1 && call.index == 9) {
      return absl::UnavailableError("gone");
    }
    return 1;
  };
  LoadOptions options = Constant(1000, absl::Milliseconds(100));
  options.workers = 2;
  const auto report = RunLoad(options, system);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->workers_lost, 1);
  EXPECT_EQ(report->completed(), 59);
  EXPECT_EQ(report->errors(), 1);
  EXPECT_EQ(report->abandoned, 40);
  EXPECT_FALSE(report->rate_met);
}

// A rate so low that no operation would be due in the warm-up.
TEST(OpenLoopTest, TheWarmUpReachesWorkersThatHaveNothingDue) {
  LoadOptions options = Constant(1, absl::Milliseconds(10));
  options.workers = 4;
  options.warmup = absl::Milliseconds(10);
  FakeWorkload system(4);
  const auto report = RunLoad(options, system);
  ASSERT_TRUE(report.ok()) << report.status();
  // In the measured part, only worker 0 has one due.
  EXPECT_EQ(report->completed(), 1);
  for (size_t w = 0; w < 4; ++w) {
    EXPECT_GE(system.executed[w].size(), w == 0 ? 2 : 1);
  }
}

}  // namespace
}  // namespace opsbench::load_internal
