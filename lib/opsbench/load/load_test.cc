// The load engine against a system that does what the test says: what is drawn,
// what is counted, and what happens when things go wrong.

#include "opsbench/load/load.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iterator>
#include <latch>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/load/internal/fake_workload.h"

namespace opsbench::load_internal {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

const std::vector<WeightedOperation> kMix = {
    {"read", 60}, {"scan", 20}, {"never", 0}, {"write", 15}, {"rare", 5}};

LoadOptions Counted(int workers, int64_t operations) {
  LoadOptions options;
  options.mix = kMix;
  options.workers = workers;
  options.operations = operations;
  options.seed = 42;
  return options;
}

int CountThreads() {
  return static_cast<int>(std::distance(
      std::filesystem::directory_iterator("/proc/self/task"), {}));
}

TEST(LoadTest, OperationsAreAFunctionOfSeedWorkerAndIndex) {
  constexpr int64_t kEach = 500;
  for (const int workers : {1, 2, 8}) {
    FakeWorkload system(workers);
    ASSERT_TRUE(RunLoad(Counted(workers, kEach * workers), system).ok());
    for (int w = 0; w < workers; ++w) {
      EXPECT_EQ(system.executed[static_cast<size_t>(w)],
                ReferenceOperations(kMix, 42, w, kEach))
          << "worker " << w << " of " << workers;
    }
  }
  EXPECT_NE(ReferenceOperations(kMix, 42, 0, kEach),
            ReferenceOperations(kMix, 43, 0, kEach));
  EXPECT_NE(ReferenceOperations(kMix, 42, 0, kEach),
            ReferenceOperations(kMix, 42, 1, kEach));
}

// The same on every platform and in every release: a stored replay depends on
// it.
TEST(LoadTest, OperationsAreThoseOfEarlierReleases) {
  FakeWorkload system(2);
  ASSERT_TRUE(RunLoad(Counted(2, 2000), system).ok());
  uint64_t hash = 0;
  for (const auto& log : system.executed) {
    for (const Drawn& drawn : log) {
      hash = Mix64(hash ^ drawn.argument) + static_cast<uint64_t>(drawn.kind);
    }
  }
  EXPECT_EQ(hash, 16188807439610590099u);
}

// Errors, recoveries, slowness, a warm-up of unknown length and a schedule: the
// operations stay the same.
TEST(LoadTest, WhatTheSystemDoesDoesNotChangeWhatIsDrawn) {
  constexpr int64_t kEach = 300;
  for (const Arrival arrival :
       {Arrival::kClosed, Arrival::kConstant, Arrival::kPoisson}) {
    FakeWorkload system(3);
    system.on_execute = [](const Call& call) -> absl::StatusOr<int64_t> {
      if (call.index % 7 == 3) return absl::UnavailableError("gone");
      if (call.index % 5 == 1) return absl::InternalError("broken");
      if (call.index % 50 == 2) Pass(1'000'000);
      return 1;
    };
    system.on_recover = [](int) { return absl::OkStatus(); };
    LoadOptions options = Counted(3, kEach * 3);
    options.warmup = absl::Milliseconds(5);
    options.arrival = arrival;
    options.rate_per_second = arrival == Arrival::kClosed ? 0 : 20'000;
    const auto report = RunLoad(options, system);
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_GT(report->errors(), 0);
    EXPECT_EQ(report->completed() + report->errors(), kEach * 3);
    for (int w = 0; w < 3; ++w) {
      const auto& log = system.executed[static_cast<size_t>(w)];
      ASSERT_GT(log.size(), static_cast<size_t>(kEach)) << "no warm-up";
      EXPECT_EQ(std::vector(log.end() - kEach, log.end()),
                ReferenceOperations(kMix, 42, w, kEach));
      // The warm-up does not run ahead into the measured operations.
      EXPECT_NE(log[0], log[log.size() - kEach]);
    }
  }
}

TEST(LoadTest, KindsFollowTheWeights) {
  constexpr int64_t kOperations = 100'000;
  FakeWorkload system(4);
  const auto report = RunLoad(Counted(4, kOperations), system);
  ASSERT_TRUE(report.ok()) << report.status();
  const double sum = std::accumulate(
      kMix.begin(), kMix.end(), 0.0,
      [](double total, const auto& kind) { return total + kind.weight; });
  double chi_square = 0;
  for (size_t i = 0; i < kMix.size(); ++i) {
    const OperationReport& kind = report->operations[i];
    EXPECT_EQ(kind.name, kMix[i].name);
    const double expected = kMix[i].weight / sum * kOperations;
    const auto got = static_cast<double>(kind.completed());
    if (expected == 0) {
      EXPECT_EQ(got, 0);
      continue;
    }
    chi_square += (got - expected) * (got - expected) / expected;
  }
  // Three degrees of freedom: exceeded once in a thousand, and not by this
  // seed.
  EXPECT_LT(chi_square, 16.27);
}

TEST(LoadTest, RunsExactlyTheOperationsAskedFor) {
  for (const int64_t operations : {1, 7, 8, 1003}) {
    for (const int workers : {1, 3, 8}) {
      FakeWorkload system(workers);
      const auto report = RunLoad(Counted(workers, operations), system);
      ASSERT_TRUE(report.ok()) << report.status();
      EXPECT_EQ(report->completed(), operations);
      EXPECT_EQ(system.total(), operations);
      EXPECT_EQ(report->abandoned, 0);
      EXPECT_TRUE(report->ended_early.ok());
      EXPECT_FALSE(report->interrupted);
      for (const auto& log : system.executed) {
        const auto count = static_cast<int64_t>(log.size());
        EXPECT_GE(count, operations / workers);
        EXPECT_LE(count, operations / workers + 1);
      }
    }
  }
}

TEST(LoadTest, ClosedLoopRunsForTheDuration) {
  FakeWorkload system(2);
  system.on_execute = [](const Call&) {
    Pass(100'000);
    return 3;
  };
  LoadOptions options;
  options.mix = kMix;
  options.workers = 2;
  options.duration = absl::Milliseconds(50);
  const auto report = RunLoad(options, system);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_GE(report->elapsed, options.duration);
  EXPECT_EQ(report->completed(), system.total());
  EXPECT_EQ(report->rows(), 3 * system.total());
  EXPECT_EQ(static_cast<int64_t>(report->latency().count()), system.total());
  // Nothing runs in less time than it takes, and nothing besides it.
  EXPECT_GE(report->latency().min_ns(), 100'000);
  EXPECT_LE(system.total(),
            2 * absl::ToInt64Nanoseconds(report->elapsed) / 100'000);
  EXPECT_DOUBLE_EQ(report->operations_per_second(),
                   static_cast<double>(system.total()) /
                       absl::ToDoubleSeconds(report->elapsed));
  EXPECT_DOUBLE_EQ(report->rows_per_second(),
                   3 * report->operations_per_second());
  for (const auto& log : system.executed) EXPECT_FALSE(log.empty());
}

// However late a busy machine wakes its workers: the window is over before any
// of them can begin.
TEST(LoadTest, AClosedLoopIsNeverEmpty) {
  for (const int workers : {1, 8}) {
    LoadOptions options = Counted(workers, 0);
    options.duration = absl::Nanoseconds(1);
    FakeWorkload system(workers);
    const absl::StatusOr<LoadReport> report = RunLoad(options, system);
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(report->completed(), workers);
    EXPECT_GT(report->elapsed, absl::ZeroDuration());
    EXPECT_FALSE(report->interrupted);
  }
}

TEST(LoadTest, CountsErrorsByKindAndRowsOfSuccessesAlone) {
  FakeWorkload system(1);
  std::vector<int64_t> rows(kMix.size()), missing(kMix.size()),
      gone(kMix.size());
  std::vector<std::string> first(kMix.size());
  system.on_execute = [&](const Call& call) -> absl::StatusOr<int64_t> {
    const auto kind = static_cast<size_t>(call.drawn.kind);
    const std::string message = absl::StrCat("operation ", call.index);
    if (call.index % 10 == 3 || call.index % 10 == 7) {
      if (first[kind].empty()) first[kind] = message;
    }
    if (call.index % 10 == 3) {
      ++missing[kind];
      return absl::NotFoundError(message);
    }
    if (call.index % 10 == 7) {
      ++gone[kind];
      return absl::UnavailableError(message);
    }
    rows[kind] += call.index;
    return call.index;
  };
  system.on_recover = [](int) { return absl::OkStatus(); };
  const auto report = RunLoad(Counted(1, 1001), system);
  ASSERT_TRUE(report.ok()) << report.status();
  for (size_t i = 0; i < kMix.size(); ++i) {
    const OperationReport& kind = report->operations[i];
    EXPECT_EQ(kind.rows, rows[i]);
    EXPECT_EQ(kind.errors, missing[i] + gone[i]);
    EXPECT_EQ(kind.first_error, first[i]);
    if (kind.errors == 0) continue;
    EXPECT_THAT(kind.errors_by_kind, ElementsAre(Pair("NOT_FOUND", missing[i]),
                                                 Pair("UNAVAILABLE", gone[i])));
  }
  EXPECT_EQ(report->errors(), 200);
  EXPECT_EQ(report->completed(), 801);
  EXPECT_EQ(system.recoveries, 100);
  EXPECT_EQ(report->workers_lost, 0);
}

// Compared with the time that preparing takes and not with a fixed bound: were
// it part of the latency, no operation could be quicker.
TEST(LoadTest, PreparingIsNotTimed) {
  constexpr int64_t kPrepareNs = 2'000'000;
  FakeWorkload system(1);
  system.on_prepare = [](const Call&) { Pass(kPrepareNs); };
  const auto report = RunLoad(Counted(1, 50), system);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_GE(report->elapsed, 50 * absl::Nanoseconds(kPrepareNs));
  EXPECT_LT(report->latency().Percentile(50), kPrepareNs);
}

// The run ends when its progress has shown what it should, so that a slow
// machine only makes it longer.
TEST(LoadTest, SecondsAddUpToTheTotalsAndProgressShowsThem) {
  FakeWorkload system(3);
  system.on_execute = [](const Call& call) -> absl::StatusOr<int64_t> {
    if (call.index % 9 == 4) return absl::AbortedError("again");
    return 2;
  };
  std::atomic<bool> stop{false};
  std::vector<LoadProgress> progress;
  LoadOptions options;
  options.mix = kMix;
  options.workers = 3;
  options.arrival = Arrival::kPoisson;
  options.rate_per_second = 3000;
  options.duration = absl::Minutes(1);
  options.stop = &stop;
  options.on_progress = [&](const LoadProgress& now) {
    progress.push_back(now);
    stop = progress.size() >= 2 && now.last_second.p99_ns > 0;
  };
  const auto report = RunLoad(options, system);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->interrupted);
  EXPECT_EQ(static_cast<double>(report->seconds.size()),
            std::ceil(absl::ToDoubleSeconds(report->elapsed)));
  int64_t operations = 0, rows = 0, errors = 0, max_ns = 0;
  for (const LoadSecond& second : report->seconds) {
    operations += second.operations;
    rows += second.rows;
    errors += second.errors;
    max_ns = std::max(max_ns, second.max_ns);
    EXPECT_LE(second.p50_ns, second.p99_ns);
    EXPECT_LE(second.p99_ns, second.max_ns);
    EXPECT_EQ(second.p50_ns > 0, second.operations > 0);
  }
  EXPECT_EQ(operations, report->completed());
  EXPECT_EQ(rows, report->rows());
  EXPECT_EQ(errors, report->errors());
  EXPECT_EQ(max_ns, report->latency().max_ns());
  EXPECT_GT(errors, 0);

  ASSERT_FALSE(progress.empty());
  int64_t shown_operations = 0, shown_errors = 0;
  for (const LoadProgress& now : progress) {
    EXPECT_FALSE(now.warming_up);
    shown_operations += now.last_second.operations;
    shown_errors += now.last_second.errors;
    EXPECT_EQ(now.operations, shown_operations);
    EXPECT_EQ(now.errors, shown_errors);
  }
  EXPECT_GT(shown_operations, 0);
  EXPECT_LE(shown_operations, report->completed());
}

TEST(LoadTest, RequestStopBeginsNoFurtherOperation) {
  std::atomic<bool> outside{false};
  LoadEngine* running = nullptr;
  const std::function<void()> ways[] = {[&] { running->RequestStop(); },
                                        [&] { outside = true; }};
  for (const auto& request_stop : ways) {
    FakeWorkload system(1);
    system.on_execute = [&](const Call& call) {
      if (call.index == 9) request_stop();
      return 1;
    };
    LoadOptions options;
    options.mix = kMix;
    options.duration = absl::InfiniteDuration();
    options.stop = &outside;
    const auto engine = LoadEngine::Create(options);
    ASSERT_TRUE(engine.ok()) << engine.status();
    running = engine->get();
    const auto report = running->Run(system);
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_TRUE(report->interrupted);
    EXPECT_EQ(report->completed(), 10);
    EXPECT_EQ(system.total(), 10);
    EXPECT_TRUE(report->ended_early.ok());
  }
}

LoadEngine* engine_to_stop = nullptr;

TEST(LoadTest, ASignalHandlerMayStopIt) {
  FakeWorkload system(2);
  system.on_execute = [](const Call& call) {
    if (call.worker == 1 && call.index == 20) std::raise(SIGUSR1);
    return 1;
  };
  LoadOptions options;
  options.mix = kMix;
  options.workers = 2;
  options.duration = absl::InfiniteDuration();
  options.warmup = absl::Milliseconds(1);
  const auto engine = LoadEngine::Create(options);
  ASSERT_TRUE(engine.ok()) << engine.status();
  engine_to_stop = engine->get();
  const auto before =
      std::signal(SIGUSR1, [](int) { engine_to_stop->RequestStop(); });
  const auto report = (*engine)->Run(system);
  std::signal(SIGUSR1, before);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->interrupted);
}

TEST(LoadTest, AStopBeforeTheRunEndsItAtOnce) {
  FakeWorkload system(2);
  auto engine = LoadEngine::Create(Counted(2, 100));
  ASSERT_TRUE(engine.ok()) << engine.status();
  (*engine)->RequestStop();
  const auto report = (*engine)->Run(system);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->interrupted);
  EXPECT_EQ(system.total(), 0);
  EXPECT_EQ(report->abandoned, 100);
  EXPECT_EQ((*engine)->Run(system).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(LoadTest, AWorkerThatCannotConnectEndsTheRun) {
  const int threads = CountThreads();
  FakeWorkload system(4);
  system.on_connect = [](int worker) {
    return worker < 2 ? absl::OkStatus()
                      : absl::PermissionDeniedError(
                            absl::StrCat("no entry for ", worker));
  };
  LoadOptions options = Counted(4, 100);
  options.warmup = absl::Milliseconds(1);
  EXPECT_EQ(RunLoad(options, system).status(),
            absl::PermissionDeniedError("no entry for 2"));
  EXPECT_EQ(system.total(), 0);
  EXPECT_EQ(system.alive, 0);
  EXPECT_EQ(CountThreads(), threads);
}

TEST(LoadTest, ALostWorkerEndsAloneAndIsReported) {
  FakeWorkload system(3);
  system.on_execute = [](const Call& call) -> absl::StatusOr<int64_t> {
    if (call.worker == 1 && call.index == 5) {
      return absl::UnavailableError("gone");
    }
    return 1;
  };
  const auto report = RunLoad(Counted(3, 300), system);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->workers_lost, 1);
  EXPECT_TRUE(report->ended_early.ok()) << report->ended_early;
  EXPECT_EQ(system.executed[1].size(), 6);
  EXPECT_EQ(report->completed(), 205);
  EXPECT_EQ(report->errors(), 1);
  EXPECT_EQ(report->abandoned, 94);
}

TEST(LoadTest, TheLossOfTheLastWorkerEndsTheRunEarly) {
  for (const absl::Duration warmup :
       {absl::ZeroDuration(), absl::Milliseconds(1)}) {
    FakeWorkload system(3);
    system.on_execute = [](const Call&) {
      return absl::UnavailableError("killed");
    };
    system.on_recover = [](int worker) {
      return absl::DeadlineExceededError(absl::StrCat("worker ", worker));
    };
    LoadOptions options;
    options.mix = kMix;
    options.workers = 3;
    options.warmup = warmup;
    options.duration = absl::InfiniteDuration();
    const auto report = RunLoad(options, system);
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(report->workers_lost, 3);
    EXPECT_EQ(report->completed(), 0);
    EXPECT_EQ(report->errors(), warmup == absl::ZeroDuration() ? 3 : 0);
    EXPECT_EQ(report->ended_early.code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_THAT(std::string(report->ended_early.message()),
                HasSubstr("worker "));
    EXPECT_FALSE(report->interrupted);
    EXPECT_EQ(system.alive, 0);
  }
}

// Worker 0's operation of the warm-up outlasts it by far, and the others have
// all the time to begin measuring: they may not before it has ended.
TEST(LoadTest, MeasuringStartsWhenTheWarmUpHasReachedAllWorkers) {
  constexpr int kWorkers = 4;
  FakeWorkload system(kWorkers);
  std::latch other_ran(1);
  std::atomic<bool> slow_one_done{false};
  std::atomic<int> too_early{0};
  std::vector<Drawn> first_measured;
  for (int w = 0; w < kWorkers; ++w) {
    first_measured.push_back(ReferenceOperations(kMix, 42, w, 1)[0]);
  }
  system.on_execute = [&](const Call& call) {
    if (call.worker == 0 && call.index == 0) {
      other_ran.wait();
      Pass(100'000'000);
      slow_one_done = true;
    }
    if (call.worker == 1 && call.index == 0) other_ran.count_down();
    if (call.drawn == first_measured[static_cast<size_t>(call.worker)] &&
        !slow_one_done) {
      ++too_early;
    }
    return 1;
  };
  LoadOptions options = Counted(kWorkers, 40);
  options.warmup = absl::Milliseconds(10);
  const auto report = RunLoad(options, system);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(too_early, 0);
  EXPECT_EQ(report->completed(), 40);
  for (const auto& log : system.executed) {
    EXPECT_GT(log.size(), 10) << "a worker was not warmed up";
  }
}

// Worker 0 hangs in the warm-up until another one measures: the start may not
// wait for it for ever, and it joins in afterwards.
TEST(LoadTest, TheStartWaitsForAHangingWorkerOnlyForATime) {
  FakeWorkload system(2);
  std::latch measured(1);
  const Drawn first_measured = ReferenceOperations(kMix, 42, 1, 1)[0];
  system.on_execute = [&](const Call& call) {
    if (call.worker == 0 && call.index == 0) measured.wait();
    if (call.worker == 1 && call.drawn == first_measured) measured.count_down();
    return 1;
  };
  LoadOptions options = Counted(2, 100);
  options.warmup = absl::Milliseconds(5);
  options.warmup_timeout = absl::Milliseconds(5);
  const auto report = RunLoad(options, system);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->completed(), 100);
}

TEST(LoadTest, RefusesInvalidOptions) {
  const double infinity = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  struct Case {
    const char* what;
    std::function<void(LoadOptions&)> spoil;
  };
  const Case cases[] = {
      {"no operation", [](LoadOptions& o) { o.mix.clear(); }},
      {"negative weight", [](LoadOptions& o) { o.mix[0].weight = -1; }},
      {"infinite weight", [=](LoadOptions& o) { o.mix[0].weight = infinity; }},
      {"NaN weight", [=](LoadOptions& o) { o.mix[0].weight = nan; }},
      {"all weights 0",
       [](LoadOptions& o) {
         o.mix = {{"a", 0}, {"b", 0}};
       }},
      {"no worker", [](LoadOptions& o) { o.workers = 0; }},
      {"negative workers", [](LoadOptions& o) { o.workers = -3; }},
      {"too many workers",
       [](LoadOptions& o) { o.workers = LoadOptions::kMaxWorkers + 1; }},
      {"no duration", [](LoadOptions& o) { o.duration = {}; }},
      {"negative duration",
       [](LoadOptions& o) { o.duration = -absl::Seconds(1); }},
      {"negative warm-up",
       [](LoadOptions& o) { o.warmup = -absl::Seconds(1); }},
      // What absl::Seconds() makes of a NaN.
      {"infinite warm-up",
       [](LoadOptions& o) { o.warmup = absl::InfiniteDuration(); }},
      {"negative warm-up time-out",
       [](LoadOptions& o) { o.warmup_timeout = -absl::Seconds(1); }},
      {"negative drain",
       [](LoadOptions& o) { o.drain_timeout = -absl::Seconds(1); }},
      {"negative operations", [](LoadOptions& o) { o.operations = -1; }},
      {"no rate", [](LoadOptions& o) { o.arrival = Arrival::kConstant; }},
      {"negative rate",
       [](LoadOptions& o) {
         o.arrival = Arrival::kPoisson;
         o.rate_per_second = -1;
       }},
      {"infinite rate",
       [=](LoadOptions& o) {
         o.arrival = Arrival::kConstant;
         o.rate_per_second = infinity;
       }},
      {"NaN rate",
       [=](LoadOptions& o) {
         o.arrival = Arrival::kPoisson;
         o.rate_per_second = nan;
       }},
      {"a rate in a closed loop",
       [](LoadOptions& o) { o.rate_per_second = 10; }},
  };
  LoadOptions valid;
  valid.mix = kMix;
  ASSERT_TRUE(LoadEngine::Create(valid).ok());
  for (const Case& test : cases) {
    LoadOptions options = valid;
    test.spoil(options);
    const auto engine = LoadEngine::Create(options);
    EXPECT_EQ(engine.status().code(), absl::StatusCode::kInvalidArgument)
        << test.what;
    EXPECT_NE(engine.status().message(), "") << test.what;
  }
}

}  // namespace
}  // namespace opsbench::load_internal
