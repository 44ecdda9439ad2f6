// The gate's statistics against enumeration of all signs, and against published
// values.

#include "opsbench/results/gate_statistics.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "gtest/gtest.h"
#include "opsbench/base/random.h"

namespace opsbench::results::gate {
namespace {

double PositiveRankSum(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) {
    if (value <= 0) continue;
    double rank = 0;
    for (const double other : values) {
      if (other == 0) continue;
      if (std::fabs(other) < std::fabs(value)) rank += 1;
      if (std::fabs(other) == std::fabs(value)) rank += 0.5;
    }
    sum += rank + 0.5;
  }
  return sum;
}

// Over all 2^n ways to draw the signs.
double EnumeratedPValue(const std::vector<double>& values) {
  const double observed = PositiveRankSum(values);
  const size_t ways = size_t{1} << values.size();
  size_t as_large = 0;
  for (size_t way = 0; way < ways; ++way) {
    std::vector<double> drawn = values;
    for (size_t i = 0; i < drawn.size(); ++i) {
      if ((way >> i & 1) != 0) drawn[i] = -drawn[i];
    }
    if (PositiveRankSum(drawn) >= observed - 1e-9) ++as_large;
  }
  return static_cast<double>(as_large) / static_cast<double>(ways);
}

TEST(SignedRankTest, EqualsTheEnumerationOfAllSigns) {
  Random random(1);
  for (int round = 0; round < 40; ++round) {
    std::vector<double> values(1 + random.Below(10));
    for (double& value : values) {
      // Few different values: ties and zeros occur.
      value = static_cast<double>(random.Between(-4, 6));
    }
    EXPECT_NEAR(SignedRankPValue(values), EnumeratedPValue(values), 1e-12);
  }
}

TEST(SignedRankTest, ZerosAloneSayNothing) {
  EXPECT_EQ(SignedRankPValue({}), 1);
  EXPECT_EQ(SignedRankPValue({0.0, 0.0}), 1);
  EXPECT_DOUBLE_EQ(SignedRankPValue({1.0, 2.0, 3.0}), 1.0 / 8);
}

// A bound is where the test stops rejecting.
TEST(LocateTest, BoundsAreWhereTheTestStopsRejecting) {
  Random random(2);
  for (int round = 0; round < 20; ++round) {
    std::vector<double> values(8 + random.Below(30));
    for (double& value : values) value = random.Double() - 0.4;
    constexpr double kAlpha = 0.01;
    const Location location = Locate(values, kAlpha);
    const auto p_of_shift = [&](double shift) {
      std::vector<double> shifted = values;
      for (double& value : shifted) value -= shift;
      return SignedRankPValue(shifted);
    };
    EXPECT_LE(p_of_shift(location.low - 1e-9), kAlpha);
    EXPECT_GT(p_of_shift(location.low + 1e-9), kAlpha);
    for (double& value : values) value = -value;
    const Location mirrored = Locate(values, kAlpha);
    EXPECT_NEAR(mirrored.low, -location.high, 1e-12);
    EXPECT_NEAR(mirrored.estimate, -location.estimate, 1e-12);
  }
}

TEST(LocateTest, TooFewValuesGiveNoBound) {
  const Location location = Locate({1.0, 1.0, 1.0}, 0.01);
  EXPECT_TRUE(std::isinf(location.low));
  EXPECT_TRUE(std::isinf(location.high));
  EXPECT_EQ(location.estimate, 1.0);
}

TEST(LocateTest, ASingleOutlierHardlyMovesTheEstimate) {
  std::vector<double> values;
  for (int i = 0; i < 20; ++i) values.push_back(0.01 + 0.001 * i);
  const double before = Locate(values, 0.01).estimate;
  values.back() = 100;
  EXPECT_NEAR(Locate(values, 0.01).estimate, before, 0.002);
}

TEST(RobustDeviationTest, IsThatOfNormalNoise) {
  // Quartiles of the standard normal distribution.
  EXPECT_NEAR(RobustDeviation({-1.2, -0.67449, 0.1}), 1.0, 1e-5);
  EXPECT_EQ(RobustDeviation({0.0}), 0.0);
}

TEST(MedianTest, OfEvenAndOddCounts) {
  EXPECT_EQ(Median({3.0, 1.0, 2.0}), 2.0);
  EXPECT_EQ(Median({4.0, 1.0, 2.0, 3.0}), 2.5);
}

// The values of scipy.stats.mannwhitneyu(method="asymptotic").
TEST(MannWhitneyTest, EqualsScipy) {
  const std::vector<double> low = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  std::vector<double> high = low;
  for (double& value : high) value += 10;
  EXPECT_NEAR(MannWhitneyPValue(low, high), 1.826717911e-4, 1e-9);
  EXPECT_NEAR(MannWhitneyPValue(high, low), 1.826717911e-4, 1e-9);
  EXPECT_EQ(MannWhitneyPValue(low, low), 1);
  EXPECT_EQ(MannWhitneyPValue({1.0, 1.0}, {1.0, 1.0}), 1);
  // Males and females of SciPy's own documentation: U = 17, p = 0.11134688653.
  EXPECT_NEAR(MannWhitneyPValue({19.0, 22.0, 16.0, 29.0, 24.0},
                                {20.0, 11.0, 17.0, 12.0}),
              0.11134688653314041, 1e-12);
}

// Clopper and Pearson's own property: at a bound, the tail has the
// probability asked for. With no hits it has a closed form.
TEST(ClopperPearsonTest, HasTheTailsAskedFor) {
  const RateInterval none = ClopperPearson(0, 300, 0.95);
  EXPECT_EQ(none.low, 0);
  EXPECT_NEAR(none.high, 1 - std::pow(0.025, 1.0 / 300), 1e-9);
  const RateInterval all = ClopperPearson(20, 20, 0.95);
  EXPECT_NEAR(all.low, std::pow(0.025, 1.0 / 20), 1e-9);
  EXPECT_EQ(all.high, 1);
  const RateInterval some = ClopperPearson(3, 50, 0.95);
  double tail = 0;  // P(X <= 3) at the upper bound.
  for (int k = 0; k <= 3; ++k) {
    tail += std::exp(std::lgamma(51.0) - std::lgamma(k + 1.0) -
                     std::lgamma(51.0 - k) + k * std::log(some.high) +
                     (50 - k) * std::log1p(-some.high));
  }
  EXPECT_NEAR(tail, 0.025, 1e-9);
  const RateInterval nothing = ClopperPearson(0, 0, 0.95);
  EXPECT_EQ(nothing.low, 0);
  EXPECT_EQ(nothing.high, 1);
}

}  // namespace
}  // namespace opsbench::results::gate
