// Schedules against what they promise: exact instants for constant arrivals,
// the exponential distribution for Poisson ones, alone and all together; and
// think times against the uniform distribution.

#include "opsbench/load/internal/schedule.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace opsbench::load_internal {
namespace {

std::vector<int64_t> Take(const ScheduleOptions& options, int count) {
  Schedule schedule(options);
  std::vector<int64_t> taken;
  for (int i = 0; i < count; ++i) {
    taken.push_back(schedule.next_ns());
    schedule.Advance();
  }
  return taken;
}

std::vector<int64_t> TakeAllWorkers(ScheduleOptions options, int count_each) {
  std::vector<int64_t> all;
  for (options.worker = 0; options.worker < options.workers; ++options.worker) {
    const std::vector<int64_t> taken = Take(options, count_each);
    all.insert(all.end(), taken.begin(), taken.end());
  }
  std::sort(all.begin(), all.end());
  return all;
}

// Kolmogorov and Smirnov's statistic of the gaps, times sqrt(n), against the
// exponential distribution.
double KsAgainstExponential(const std::vector<int64_t>& instants,
                            double mean_ns) {
  std::vector<double> gaps;
  for (size_t i = 0; i < instants.size(); ++i) {
    gaps.push_back(
        static_cast<double>(instants[i] - (i == 0 ? 0 : instants[i - 1])));
  }
  std::sort(gaps.begin(), gaps.end());
  const auto n = static_cast<double>(gaps.size());
  double distance = 0;
  for (size_t i = 0; i < gaps.size(); ++i) {
    const double expected = 1 - std::exp(-gaps[i] / mean_ns);
    distance = std::max({distance, expected - static_cast<double>(i) / n,
                         static_cast<double>(i + 1) / n - expected});
  }
  return distance * std::sqrt(n);
}

// The statistic that a true sample exceeds once in a thousand. The seeds are
// fixed, so the tests do not depend on luck.
constexpr double kKsLimit = 1.95;

TEST(ScheduleTest, ConstantArrivalsAreExact) {
  const std::vector<int64_t> taken =
      Take({.rate_per_second = 1000, .worker = 2, .workers = 5}, 1'000'000);
  for (int64_t k = 0; k < 1'000'000; ++k) {
    ASSERT_EQ(taken[static_cast<size_t>(k)], (k * 5 + 2) * 1'000'000);
  }
}

// A rate whose interval is not a whole number of nanoseconds must not drift.
TEST(ScheduleTest, ConstantArrivalsDoNotDrift) {
  const std::vector<int64_t> taken = Take({.rate_per_second = 3}, 3'000'001);
  EXPECT_EQ(taken[1], 333'333'333);
  EXPECT_EQ(taken[2], 666'666'667);
  EXPECT_EQ(taken[3'000'000], 1'000'000 * int64_t{1'000'000'000});
}

TEST(ScheduleTest, ConstantWorkersTakeTurnsAtEvenIntervals) {
  const std::vector<int64_t> all =
      TakeAllWorkers({.rate_per_second = 8000, .workers = 4}, 500);
  for (size_t i = 0; i < all.size(); ++i) {
    ASSERT_EQ(all[i], static_cast<int64_t>(i) * 125'000);
  }
}

TEST(ScheduleTest, PoissonGapsOfAWorkerAreExponential) {
  const std::vector<int64_t> taken = Take({.arrival = Arrival::kPoisson,
                                           .rate_per_second = 1000,
                                           .worker = 1,
                                           .workers = 4,
                                           .seed = 7},
                                          20'000);
  EXPECT_LT(KsAgainstExponential(taken, 4e6), kKsLimit);
  // The test sees a mean that is wrong by 5%.
  EXPECT_GT(KsAgainstExponential(taken, 4.2e6), kKsLimit);
}

TEST(ScheduleTest, PoissonWorkersTogetherArePoisson) {
  constexpr int kEach = 5'000;
  std::vector<int64_t> all = TakeAllWorkers({.arrival = Arrival::kPoisson,
                                             .rate_per_second = 1000,
                                             .workers = 4,
                                             .seed = 7},
                                            kEach);
  // Past the end of the shortest worker's, arrivals are missing.
  all.resize(4 * kEach * 9 / 10);
  EXPECT_LT(KsAgainstExponential(all, 1e6), kKsLimit);
}

TEST(ScheduleTest, PoissonIsAFunctionOfSeedAndWorker) {
  ScheduleOptions options = {
      .arrival = Arrival::kPoisson, .rate_per_second = 10, .seed = 1};
  const std::vector<int64_t> taken = Take(options, 100);
  EXPECT_EQ(Take(options, 100), taken);
  options.seed = 2;
  EXPECT_NE(Take(options, 100), taken);
  options.seed = 1;
  options.worker = 1;
  EXPECT_NE(Take(options, 100), taken);
}

TEST(ScheduleTest, CountsWhatIsDueBeforeAnInstantOnce) {
  Schedule schedule({.rate_per_second = 1000});
  EXPECT_EQ(schedule.CountBefore(-1), 0);
  EXPECT_EQ(schedule.CountBefore(0), 0);
  EXPECT_EQ(schedule.CountBefore(1), 1);
  EXPECT_EQ(schedule.CountBefore(10'000'000), 9);
  EXPECT_EQ(schedule.CountBefore(10'000'000), 0);
  EXPECT_EQ(schedule.next_ns(), 10'000'000);
}

TEST(ScheduleTest, ArrivalsBeyondAllTimesAreNever) {
  for (const Arrival arrival : {Arrival::kConstant, Arrival::kPoisson}) {
    const std::vector<int64_t> taken = Take({.arrival = arrival,
                                             .rate_per_second = 1e-300,
                                             .worker = 1,
                                             .workers = 2},
                                            3);
    EXPECT_EQ(taken[0], kForeverNs);
    EXPECT_EQ(taken[2], kForeverNs);
  }
}

ThinkTime Think(absl::Duration min, absl::Duration max) {
  LoadOptions options;
  options.think_min = min;
  options.think_max = max;
  return ThinkTime(options);
}

TEST(ThinkTimeTest, IsUniformBetweenItsBounds) {
  constexpr int kEach = 5'000;
  const ThinkTime think = Think(absl::Nanoseconds(10), absl::Nanoseconds(19));
  EXPECT_TRUE(think.any());
  std::vector<int> counts(10);
  for (int worker = 0; worker < 4; ++worker) {
    for (int64_t i = 0; i < kEach; ++i) {
      const int64_t ns = think.After(3, worker, i);
      ASSERT_GE(ns, 10);
      ASSERT_LE(ns, 19);
      ++counts[static_cast<size_t>(ns - 10)];
    }
  }
  double chi_square = 0;
  for (const int count : counts) {
    constexpr double kExpected = 4 * kEach / 10.0;
    chi_square += (count - kExpected) * (count - kExpected) / kExpected;
  }
  // Nine degrees of freedom: exceeded once in a thousand, and not by this seed.
  EXPECT_LT(chi_square, 27.88);
}

TEST(ThinkTimeTest, IsAFunctionOfSeedWorkerAndIndex) {
  const ThinkTime think = Think(absl::ZeroDuration(), absl::Hours(1));
  const int64_t ns = think.After(1, 2, 3);
  EXPECT_EQ(think.After(1, 2, 3), ns);
  EXPECT_NE(think.After(2, 2, 3), ns);
  EXPECT_NE(think.After(1, 3, 3), ns);
  EXPECT_NE(think.After(1, 2, 4), ns);
  // A stream of its own: the operation's would begin with another number.
  EXPECT_NE(Random::Stream(1, 2, 3).Between(0, ToNs(absl::Hours(1))), ns);
}

TEST(ThinkTimeTest, EqualBoundsAreExactAndZeroIsNone) {
  const ThinkTime exact = Think(absl::Seconds(2), absl::Seconds(2));
  EXPECT_EQ(exact.After(1, 0, 0), 2'000'000'000);
  EXPECT_EQ(exact.After(5, 6, 7), 2'000'000'000);
  EXPECT_FALSE(Think(absl::ZeroDuration(), absl::ZeroDuration()).any());
}

}  // namespace
}  // namespace opsbench::load_internal
