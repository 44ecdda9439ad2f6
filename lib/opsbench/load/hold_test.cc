// Holds, and the service time that leaves them and all other waiting out.

#include <atomic>
#include <cstdint>
#include <latch>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "opsbench/load/internal/fake_workload.h"
#include "opsbench/load/load.h"

namespace opsbench::load_internal {
namespace {

constexpr int64_t kMs = 1'000'000;

const std::vector<WeightedOperation> kMix = {
    {"read", 60}, {"scan", 25}, {"write", 15}};

LoadOptions Counted(int workers, int64_t operations) {
  LoadOptions options;
  options.mix = kMix;
  options.workers = workers;
  options.operations = operations;
  options.seed = 7;
  return options;
}

std::vector<Drawn> Reference(int worker, int64_t count) {
  return ReferenceOperations(kMix, 7, worker, count);
}

// Nobody clears the flag: every operation is held for the whole limit.
TEST(HoldTest, EndsAtItsLimitAndIsLatencyButNotService) {
  constexpr int64_t kLimitNs = 10 * kMs;
  const std::atomic<bool> hold{true};
  LoadOptions options = Counted(2, 20);
  options.hold = &hold;
  options.hold_limit = absl::Nanoseconds(kLimitNs);
  FakeWorkload system(2);
  const auto report = RunLoad(options, system);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->completed(), 20);
  EXPECT_EQ(report->holds, 20);
  EXPECT_GE(report->held, absl::Nanoseconds(20 * kLimitNs));
  EXPECT_GE(report->latency().min_ns(), kLimitNs);
  EXPECT_LT(report->service().min_ns(), kLimitNs);
  // The delays are all that sets the two apart.
  EXPECT_NEAR((report->latency().mean_ns() - report->service().mean_ns()) * 20,
              absl::ToDoubleNanoseconds(report->held), 1);
  int64_t holds = 0, held_ns = 0;
  for (const LoadSecond& second : report->seconds) {
    holds += second.holds;
    held_ns += second.held_ns;
  }
  EXPECT_EQ(holds, 20);
  EXPECT_EQ(absl::Nanoseconds(held_ns), report->held);
  for (int w = 0; w < 2; ++w) {
    EXPECT_EQ(system.executed[static_cast<size_t>(w)], Reference(w, 10));
  }
}

// The worker raises the flag, another thread lowers it, and there is no limit:
// what is run finds it down, and the run ends.
TEST(HoldTest, EndsWhenTheFlagClears) {
  constexpr int64_t kOperations = 30;
  std::atomic<bool> hold{true};
  std::atomic<bool> done{false};
  std::atomic<int> begun_while_held{0};
  FakeWorkload system(1);
  system.on_execute = [&](const Call&) {
    if (hold) ++begun_while_held;
    hold = true;
    return 1;
  };
  std::thread releaser([&] {
    while (!done) {
      Pass(2 * kMs);
      hold = false;
    }
  });
  LoadOptions options = Counted(1, kOperations);
  options.hold = &hold;
  options.hold_limit = absl::InfiniteDuration();
  const auto report = RunLoad(options, system);
  done = true;
  releaser.join();
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(begun_while_held, 0);
  EXPECT_EQ(report->completed(), kOperations);
  EXPECT_GT(report->holds, 0);
  EXPECT_LE(report->holds, kOperations);
  EXPECT_GT(report->held, absl::ZeroDuration());
  EXPECT_EQ(system.executed[0], Reference(0, kOperations));
}

TEST(HoldTest, AFlagThatIsDownOrALimitOfZeroHoldsNothing) {
  std::atomic<bool> hold{false};
  for (const bool up : {false, true}) {
    hold = up;
    LoadOptions options = Counted(2, 200);
    options.hold = &hold;
    if (up) options.hold_limit = absl::ZeroDuration();
    FakeWorkload system(2);
    const auto report = RunLoad(options, system);
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(report->completed(), 200);
    EXPECT_EQ(report->holds, 0);
    EXPECT_EQ(report->held, absl::ZeroDuration());
    EXPECT_EQ(Buckets(report->latency()), Buckets(report->service()));
  }
}

TEST(HoldTest, AStopEndsIt) {
  const std::atomic<bool> hold{true};
  LoadOptions options = Counted(1, 10);
  options.hold = &hold;
  options.hold_limit = absl::InfiniteDuration();
  FakeWorkload system(1);
  std::latch prepared(1);
  system.on_prepare = [&](const Call&) { prepared.count_down(); };
  const auto report = RunAndStop(options, system, prepared);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->interrupted);
  EXPECT_EQ(system.total(), 0);
  EXPECT_EQ(report->abandoned, 10);
}

// A closed loop owes nothing that it has not begun; an open one does.
TEST(HoldTest, WhatIsHeldWhenTheTimeIsOverIsNotBegun) {
  const std::atomic<bool> hold{true};
  LoadOptions options = Counted(2, 0);
  options.duration = absl::Milliseconds(30);
  options.hold = &hold;
  options.hold_limit = absl::InfiniteDuration();
  FakeWorkload closed(2);
  auto report = RunLoad(options, closed);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(closed.total(), 0);
  EXPECT_LE(report->holds, 2);
  EXPECT_EQ(report->abandoned, 0);
  EXPECT_FALSE(report->interrupted);
  EXPECT_GE(report->elapsed, options.duration);

  options.arrival = Arrival::kConstant;
  options.rate_per_second = 1000;
  options.drain_timeout = absl::Milliseconds(20);
  FakeWorkload open(2);
  report = RunLoad(options, open);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(open.total(), 0);
  EXPECT_LE(report->holds, 2);
  EXPECT_GE(report->elapsed, options.duration + options.drain_timeout);
  EXPECT_EQ(report->abandoned, 30);
  EXPECT_EQ(report->overdue, 30);
  EXPECT_FALSE(report->rate_met);
}

// The first operation of the warm-up is not held beyond its end.
TEST(HoldTest, DoesNotKeepTheWarmUpFromReachingAWorker) {
  std::atomic<bool> hold{true};
  LoadOptions options = Counted(1, 5);
  options.warmup = absl::Milliseconds(10);
  options.hold = &hold;
  options.hold_limit = absl::InfiniteDuration();
  FakeWorkload system(1);
  system.on_execute = [&](const Call&) {
    hold = false;
    return 1;
  };
  const auto report = RunLoad(options, system);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->completed(), 5);
  EXPECT_EQ(report->holds, 0);
  EXPECT_EQ(system.total(), 6);
}

// All are due at about the start: each is held anew, and waits for the holds of
// those before it too.
TEST(HoldTest, AnOpenLoopGoesOnMeanwhile) {
  constexpr int64_t kLimitNs = 20 * kMs;
  const std::atomic<bool> hold{true};
  LoadOptions options = Counted(1, 6);
  options.arrival = Arrival::kConstant;
  options.rate_per_second = 1e6;
  options.hold = &hold;
  options.hold_limit = absl::Nanoseconds(kLimitNs);
  FakeWorkload system(1);
  const auto report = RunLoad(options, system);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->holds, 6);
  EXPECT_GE(report->latency().min_ns(), kLimitNs);
  EXPECT_GE(report->latency().max_ns(), 6 * kLimitNs - 5'000);
  EXPECT_LT(report->service().min_ns(), kLimitNs);
}

TEST(HoldTest, AnOperationIsAdmittedAfterIt) {
  std::atomic<bool> hold{true};
  std::atomic<int> asked_while_held{0};
  std::latch prepared(1);
  LoadOptions options = Counted(1, 3);
  options.hold = &hold;
  options.hold_limit = absl::InfiniteDuration();
  FakeWorkload system(1);
  system.on_prepare = [&](const Call& call) {
    if (call.index == 0) prepared.count_down();
  };
  system.on_admit = [&](const Call&) {
    if (hold) ++asked_while_held;
    return false;
  };
  std::thread releaser([&] {
    prepared.wait();
    Pass(10 * kMs);
    hold = false;
  });
  const auto report = RunLoad(options, system);
  releaser.join();
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->skipped(), 3);
  EXPECT_EQ(asked_while_held, 0);
}

TEST(ServiceTest, LeavesOutTheWaitForEarlierOperations) {
  constexpr int64_t kExecuteNs = 5 * kMs;
  FakeWorkload system(1);
  system.on_execute = [](const Call& call) -> absl::StatusOr<int64_t> {
    Pass(kExecuteNs);
    if (call.index == 3) return absl::InternalError("not counted");
    return 1;
  };
  LoadOptions options = Counted(1, 10);
  options.arrival = Arrival::kConstant;
  options.rate_per_second = 1e9;
  const auto report = RunLoad(options, system);
  ASSERT_TRUE(report.ok()) << report.status();
  const Histogram latency = report->latency();
  const Histogram service = report->service();
  EXPECT_EQ(service.count(), 9);
  EXPECT_GE(service.min_ns(), kExecuteNs);
  EXPECT_GE(latency.max_ns(), 10 * kExecuteNs - 10);
  // Operation k waited for k others: 42 waits, without those of the failure.
  EXPECT_GE((latency.mean_ns() - service.mean_ns()) * 9, 42 * kExecuteNs - 100);
  for (const OperationReport& operation : report->operations) {
    EXPECT_EQ(operation.service.count(), operation.latency.count());
    EXPECT_GE(operation.latency.min_ns(), operation.service.min_ns());
    EXPECT_GE(operation.latency.max_ns(), operation.service.max_ns());
  }
}

TEST(ServiceTest, IsTheLatencyOfAClosedLoopThatNeverWaits) {
  FakeWorkload system(2);
  const auto report = RunLoad(Counted(2, 2000), system);
  ASSERT_TRUE(report.ok()) << report.status();
  for (const OperationReport& operation : report->operations) {
    EXPECT_GT(operation.service.count(), 0);
    EXPECT_EQ(Buckets(operation.service), Buckets(operation.latency));
  }
}

}  // namespace
}  // namespace opsbench::load_internal
