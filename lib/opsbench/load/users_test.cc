// Many users: operations weighted by worker, think times and skips. What is
// drawn is compared with the pure function that the contract names, whatever
// delays or drops an operation; times only with what they cannot be below,
// which a busy machine does not change.

#include <atomic>
#include <cmath>
#include <cstdint>
#include <functional>
#include <latch>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/load/internal/fake_workload.h"
#include "opsbench/load/internal/schedule.h"
#include "opsbench/load/load.h"

namespace opsbench::load_internal {
namespace {

using ::testing::HasSubstr;

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

std::vector<WeightedOperation> WithWeights(const std::vector<double>& weights) {
  std::vector<WeightedOperation> mix = kMix;
  for (size_t i = 0; i < mix.size(); ++i) mix[i].weight = weights[i];
  return mix;
}

TEST(WorkerWeightsTest, EachWorkerDrawsByItsOwnWeights) {
  constexpr int64_t kEach = 400;
  const std::vector<std::vector<double>> rows = {
      {1, 0, 0}, {60, 25, 15}, {0, 1, 3}, {1, 0, 0}, {0, 1, 3}};
  const auto workers = static_cast<int>(rows.size());
  LoadOptions options = Counted(workers, workers * kEach);
  options.mix = WithWeights({0, 0, 0});  // Not looked at.
  options.worker_weights = rows;
  FakeWorkload system(workers);
  const auto report = RunLoad(options, system);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->completed(), workers * kEach);
  for (int w = 0; w < workers; ++w) {
    const auto index = static_cast<size_t>(w);
    EXPECT_EQ(system.executed[index],
              ReferenceOperations(WithWeights(rows[index]), 7, w, kEach))
        << "worker " << w;
  }
  // As if there were no rows at all.
  EXPECT_EQ(system.executed[1], Reference(1, kEach));
}

TEST(WorkerWeightsTest, TheWarmUpDrawsByThemToo) {
  LoadOptions options = Counted(2, 20);
  options.worker_weights = {{1, 0, 0}, {0, 0, 1}};
  options.warmup = absl::Milliseconds(5);
  FakeWorkload system(2);
  ASSERT_TRUE(RunLoad(options, system).ok());
  for (size_t w = 0; w < 2; ++w) {
    EXPECT_GT(system.executed[w].size(), 10);
    for (const Drawn& drawn : system.executed[w]) {
      EXPECT_EQ(drawn.kind, w == 0 ? 0 : 2);
    }
  }
}

TEST(UsersTest, RefusesInvalidOptions) {
  struct Case {
    std::function<void(LoadOptions&)> spoil;
    const char* message;
  };
  const Case cases[] = {
      {[](LoadOptions& o) { o.worker_weights.pop_back(); },
       "a row for each of the 3 workers, got 2"},
      {[](LoadOptions& o) {
         o.worker_weights[1] = {1, 2};
       },
       "worker 1 must have a weight for each of the 3 operations, got 2"},
      {[](LoadOptions& o) {
         o.worker_weights[2] = {0, 0, 0};
       },
       "worker 2: at least one weight must be above 0"},
      {[](LoadOptions& o) {
         o.worker_weights[0] = {1, -2, 0};
       },
       "worker 0: a weight must be finite and not negative, got -2"},
      {[](LoadOptions& o) { o.worker_weights[2][0] = std::nan(""); },
       "worker 2: a weight must be finite"},
      {[](LoadOptions& o) { o.think_min = absl::Seconds(1); },
       "think_min <= think_max and finite, got 1s to 0"},
      {[](LoadOptions& o) { o.think_min = -absl::Seconds(1); }, "got -1s to 0"},
      {[](LoadOptions& o) { o.think_max = absl::InfiniteDuration(); },
       "got 0 to inf"},
      {[](LoadOptions& o) {
         o.arrival = Arrival::kPoisson;
         o.rate_per_second = 10;
         o.think_max = absl::Milliseconds(20);
       },
       "an open loop has no think time, got up to 20ms"},
      {[](LoadOptions& o) { o.hold_limit = -absl::Seconds(2); },
       "the limit of a hold cannot be negative, got -2s"},
  };
  LoadOptions valid = Counted(3, 10);
  valid.worker_weights = {{1, 2, 3}, {1, 2, 3}, {3, 2, 1}};
  ASSERT_TRUE(LoadEngine::Create(valid).ok());
  for (const Case& test : cases) {
    LoadOptions options = valid;
    test.spoil(options);
    const absl::Status status = LoadEngine::Create(options).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument)
        << test.message;
    EXPECT_THAT(std::string(status.message()), HasSubstr(test.message));
  }
}

// The earliest that an operation may be admitted is the end of the one before
// (or of its recovery) and the think time that the pure function gives; a
// skipped operation is followed by one as well.
TEST(ThinkTimeTest, ComesAfterEveryOperation) {
  constexpr int64_t kEach = 25;
  LoadOptions options = Counted(2, 2 * kEach);
  options.think_min = absl::Milliseconds(1);
  options.think_max = absl::Milliseconds(6);
  const ThinkTime think(options);
  FakeWorkload system(2);
  std::atomic<int64_t> checked{0};
  std::atomic<int64_t> early{0};
  int64_t ended_ns[2] = {};
  system.on_admit = [&](const Call& call) {
    int64_t& ended = ended_ns[call.worker];
    const int64_t now = MonotonicNowNs();
    if (call.index > 0) {
      ++checked;
      if (now < ended + think.After(7, call.worker, call.index - 1)) ++early;
    }
    ended = now;
    return call.index % 4 != 1;
  };
  system.on_execute = [&](const Call& call) -> absl::StatusOr<int64_t> {
    ended_ns[call.worker] = MonotonicNowNs();
    if (call.index % 5 == 2) return absl::UnavailableError("gone");
    return 1;
  };
  system.on_recover = [&](int worker) {
    Pass(kMs);
    ended_ns[worker] = MonotonicNowNs();
    return absl::OkStatus();
  };
  const auto report = RunLoad(options, system);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(checked, 2 * (kEach - 1));
  EXPECT_EQ(early, 0);
  EXPECT_GT(system.recoveries, 0);
  EXPECT_EQ(report->completed() + report->errors() + report->skipped(),
            2 * kEach);
  for (int w = 0; w < 2; ++w) {
    EXPECT_EQ(system.prepared[static_cast<size_t>(w)], Reference(w, kEach));
  }
}

// Compared with the time itself: were it part of the latency, or of the service
// time, no operation could be quicker.
TEST(ThinkTimeTest, IsNotLatency) {
  LoadOptions options = Counted(1, 30);
  options.think_min = absl::Milliseconds(20);
  options.think_max = absl::Milliseconds(20);
  FakeWorkload system(1);
  const auto report = RunLoad(options, system);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->completed(), 30);
  EXPECT_GE(report->elapsed, 29 * options.think_min);
  EXPECT_LT(report->latency().Percentile(50), 20 * kMs);
  EXPECT_LT(report->service().Percentile(50), 20 * kMs);
}

// An hour of it: neither before the first operation nor after the last one, or
// the test would not end.
TEST(ThinkTimeTest, IsBetweenOperationsAlone) {
  LoadOptions options = Counted(3, 3);
  options.think_min = options.think_max = absl::Hours(1);
  FakeWorkload system(3);
  const auto report = RunLoad(options, system);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->completed(), 3);
  EXPECT_FALSE(report->interrupted);
}

TEST(ThinkTimeTest, EndsWithTheDuration) {
  LoadOptions options = Counted(3, 0);
  options.duration = absl::Milliseconds(30);
  options.warmup = absl::Milliseconds(10);
  options.think_min = options.think_max = absl::Hours(1);
  FakeWorkload system(3);
  const auto report = RunLoad(options, system);
  ASSERT_TRUE(report.ok()) << report.status();
  // A thread that starts late may miss the measured part.
  EXPECT_LE(report->completed(), 3);
  EXPECT_EQ(system.total(), 3 + report->completed());
  EXPECT_EQ(report->abandoned, 0);
  EXPECT_FALSE(report->interrupted);
  EXPECT_GE(report->elapsed, options.duration);
}

TEST(ThinkTimeTest, AStopEndsIt) {
  LoadOptions options = Counted(1, 5);
  options.think_min = options.think_max = absl::Hours(1);
  FakeWorkload system(1);
  std::latch first_ran(1);
  system.on_execute = [&](const Call&) {
    first_ran.count_down();
    return 1;
  };
  const auto report = RunAndStop(options, system, first_ran);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->interrupted);
  EXPECT_EQ(report->completed(), 1);
  EXPECT_EQ(report->abandoned, 4);
}

// Compared with the time that it takes, as preparing is in load_test.cc.
TEST(AdmitTest, IsNotTimed) {
  for (const bool thinks : {false, true}) {
    LoadOptions options = Counted(1, 30);
    if (thinks) options.think_max = absl::Milliseconds(1);
    FakeWorkload system(1);
    system.on_admit = [](const Call&) {
      Pass(10 * kMs);
      return true;
    };
    const auto report = RunLoad(options, system);
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(report->completed(), 30);
    EXPECT_LT(report->latency().min_ns(), 10 * kMs);
    EXPECT_LT(report->service().min_ns(), 10 * kMs);
  }
}

TEST(AdmitTest, SkipsAreCountedAndChangeNothingThatIsDrawn) {
  constexpr int64_t kEach = 300;
  const auto admits = [](int64_t index) { return index % 3 != 1; };
  for (const Arrival arrival : {Arrival::kClosed, Arrival::kPoisson}) {
    LoadOptions options = Counted(2, 2 * kEach);
    options.arrival = arrival;
    options.rate_per_second = arrival == Arrival::kClosed ? 0 : 50'000;
    FakeWorkload system(2);
    system.on_admit = [&](const Call& call) { return admits(call.index); };
    system.on_execute = [](const Call& call) -> absl::StatusOr<int64_t> {
      if (call.index % 10 == 4) return absl::UnavailableError("gone");
      return 1;
    };
    system.on_recover = [](int) { return absl::OkStatus(); };
    const auto report = RunLoad(options, system);
    ASSERT_TRUE(report.ok()) << report.status();
    std::vector<int64_t> skipped(kMix.size()), failed(kMix.size()),
        completed(kMix.size());
    for (int w = 0; w < 2; ++w) {
      const std::vector<Drawn> all = Reference(w, kEach);
      std::vector<Drawn> admitted;
      for (int64_t i = 0; i < kEach; ++i) {
        const Drawn& drawn = all[static_cast<size_t>(i)];
        const auto kind = static_cast<size_t>(drawn.kind);
        if (admits(i)) admitted.push_back(drawn);
        ++(!admits(i) ? skipped : i % 10 == 4 ? failed : completed)[kind];
      }
      EXPECT_EQ(system.prepared[static_cast<size_t>(w)], all);
      EXPECT_EQ(system.executed[static_cast<size_t>(w)], admitted);
    }
    for (size_t i = 0; i < kMix.size(); ++i) {
      EXPECT_EQ(report->operations[i].skipped, skipped[i]);
      EXPECT_EQ(report->operations[i].errors, failed[i]);
      EXPECT_EQ(report->operations[i].completed(), completed[i]);
    }
    EXPECT_EQ(report->skipped(), 200);
    EXPECT_EQ(system.recoveries, report->errors());
    EXPECT_EQ(report->abandoned, 0);
  }
}

// The pauses add up to a lower bound of the time that so many skips take.
TEST(AdmitTest, AWorkerThatAdmitsNothingDoesNotSpin) {
  LoadOptions options = Counted(2, 0);
  options.duration = absl::Milliseconds(200);
  FakeWorkload system(2);
  system.on_admit = [](const Call&) { return false; };
  const auto report = RunLoad(options, system);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(system.total(), 0);
  EXPECT_GE(report->elapsed, options.duration);
  for (const auto& prepared : system.prepared) {
    // 16 skips pause for 16 ms together, each further one for as long.
    EXPECT_LE(static_cast<double>(prepared.size()),
              17 + absl::ToDoubleMilliseconds(report->elapsed) / 16.384);
  }
  EXPECT_EQ(report->skipped(), static_cast<int64_t>(system.prepared[0].size() +
                                                    system.prepared[1].size()));
}

TEST(AdmitTest, AStopEndsARunThatAdmitsNothing) {
  LoadOptions options = Counted(1, 0);
  options.duration = absl::InfiniteDuration();
  FakeWorkload system(1);
  std::latch skipped_some(20);
  system.on_admit = [&](const Call& call) {
    if (call.index < 20) skipped_some.count_down();
    return false;
  };
  const auto report = RunAndStop(options, system, skipped_some);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->interrupted);
  EXPECT_GE(report->skipped(), 20);
  EXPECT_EQ(report->completed(), 0);
}

// With the pauses of a timed run it would take half an hour.
TEST(AdmitTest, ANumberOfOperationsBoundsTheSkips) {
  FakeWorkload system(1);
  system.on_admit = [](const Call& call) { return call.index % 1000 == 0; };
  const auto report = RunLoad(Counted(1, 100'000), system);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->skipped(), 99'900);
  EXPECT_EQ(report->completed(), 100);
}

TEST(AdmitTest, AnOpenLoopAccountsForEveryScheduledOperation) {
  LoadOptions options = Counted(2, 0);
  options.duration = absl::Milliseconds(100);
  options.arrival = Arrival::kConstant;
  options.rate_per_second = 2000;
  FakeWorkload system(2);
  system.on_admit = [](const Call& call) { return call.index % 2 == 0; };
  const auto report = RunLoad(options, system);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->completed(), 100);
  EXPECT_EQ(report->skipped(), 100);
  EXPECT_EQ(report->abandoned, 0);
}

// What a client may rely on to count: Prepare() comes once for each index, in
// order, in the warm-up and again from 0 in the measured part. A client that
// counts wrong draws apart from the reference.
TEST(UsersTest, PrepareIsCalledOnceForEachIndexInOrder) {
  constexpr int64_t kEach = 60;
  LoadOptions options = Counted(2, 2 * kEach);
  options.warmup = absl::Milliseconds(3);
  options.think_max = absl::Microseconds(500);
  FakeWorkload system(2);
  system.on_admit = [](const Call& call) { return call.index % 4 != 2; };
  system.on_execute = [](const Call& call) -> absl::StatusOr<int64_t> {
    if (call.index % 6 == 3) return absl::UnavailableError("gone");
    return 1;
  };
  system.on_recover = [](int) { return absl::OkStatus(); };
  ASSERT_TRUE(RunLoad(options, system).ok());
  for (int w = 0; w < 2; ++w) {
    const auto& prepared = system.prepared[static_cast<size_t>(w)];
    ASSERT_GT(prepared.size(), static_cast<size_t>(kEach)) << "no warm-up";
    EXPECT_EQ(std::vector(prepared.end() - kEach, prepared.end()),
              Reference(w, kEach));
  }
}

// Everything at once, with a flag that goes up and down, until a stop: whatever
// each worker got to is the beginning of its reference. Under ThreadSanitizer,
// the flags and the counts are what it watches.
TEST(UsersTest, AllTogetherDrawWhatEachAloneWould) {
  constexpr int kWorkers = 4;
  const std::vector<std::vector<double>> rows = {
      {1, 0, 0}, {1, 1, 1}, {1, 1, 1}, {0, 1, 9}};
  std::atomic<bool> hold{false};
  std::atomic<bool> done{false};
  std::latch ran_enough(2);
  LoadOptions options = Counted(kWorkers, 0);
  options.duration = absl::InfiniteDuration();
  options.worker_weights = rows;
  options.think_max = absl::Microseconds(300);
  options.hold = &hold;
  options.hold_limit = absl::Milliseconds(7);
  FakeWorkload system(kWorkers);
  system.on_admit = [](const Call& call) { return call.index % 5 != 0; };
  system.on_execute = [&](const Call& call) -> absl::StatusOr<int64_t> {
    if (call.worker < 2 && call.index == 101) ran_enough.count_down();
    if (call.worker == 1) hold = true;
    if (call.index % 7 == 3) return absl::UnavailableError("gone");
    return 1;
  };
  system.on_recover = [](int) { return absl::OkStatus(); };
  std::thread releaser([&] {
    while (!done) {
      Pass(2 * kMs);
      hold = false;
    }
  });
  const auto report = RunAndStop(options, system, ran_enough);
  done = true;
  releaser.join();
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->interrupted);
  EXPECT_GT(report->holds, 0);
  EXPECT_GT(report->skipped(), 0);
  EXPECT_EQ(report->completed() + report->errors(), system.total());
  for (int w = 0; w < kWorkers; ++w) {
    const auto& prepared = system.prepared[static_cast<size_t>(w)];
    EXPECT_EQ(prepared,
              ReferenceOperations(WithWeights(rows[static_cast<size_t>(w)]), 7,
                                  w, static_cast<int64_t>(prepared.size())));
  }
}

}  // namespace
}  // namespace opsbench::load_internal
