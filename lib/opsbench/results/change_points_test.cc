#include "opsbench/results/change_points.h"

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/base/random.h"

namespace opsbench::results {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

// Standard normal, by Box and Muller.
double Normal(Random& random) {
  return std::sqrt(-2 * std::log(1 - random.Double())) *
         std::cos(6.283185307179586 * random.Double());
}

struct Level {
  size_t count;
  double value;
};

// Levels with noise of `deviation` (of the logarithm); with `outliers`, one
// value in twenty is 10 to 30% larger, as on a shared machine.
std::vector<double> Series(const std::vector<Level>& levels, double deviation,
                           uint64_t seed, bool outliers = false) {
  Random random(seed);
  std::vector<double> values;
  for (const Level& level : levels) {
    for (size_t i = 0; i < level.count; ++i) {
      double log = deviation * Normal(random);
      if (outliers && random.Bernoulli(0.05))
        log += 0.1 + 0.2 * random.Double();
      values.push_back(level.value * std::exp(log));
    }
  }
  return values;
}

TEST(ChangePointsTest, FindsEachPlantedChangeWithinOne) {
  struct Case {
    std::vector<Level> levels;
    double deviation;
    bool outliers = false;
  };
  const std::vector<Case> cases = {
      {{{20, 100}, {20, 110}}, 0.02},
      {{{20, 100}, {20, 91}}, 0.02},
      {{{8, 100}, {4, 120}}, 0.02},               // A young history.
      {{{40, 100}, {10, 120}, {40, 100}}, 0.03},  // Came and went.
      {{{60, 1}, {50, 1.15}, {45, 1.4}, {70, 0.9}}, 0.03},
      {{{500, 2e9}, {500, 2.3e9}, {500, 2e9}}, 0.03},
      {{{40, 100}, {20, 115}}, 0.03, true},
      {{{40, 100}, {8, 130}}, 0.03, true},
  };
  constexpr int kSeeds = 200;
  for (const Case& planted : cases) {
    int found = 0;
    int wanted = 0;
    int others = 0;
    for (int seed = 0; seed < kSeeds; ++seed) {
      const auto points = FindChangePoints(
          Series(planted.levels, planted.deviation, seed, planted.outliers));
      size_t place = 0;
      size_t matched = 0;
      for (size_t i = 0; i + 1 < planted.levels.size(); ++i) {
        place += planted.levels[i].count;
        ++wanted;
        for (const ChangePoint& point : points) {
          if (std::abs(static_cast<int>(point.index) -
                       static_cast<int>(place)) <= 1) {
            ++matched;
            break;
          }
        }
      }
      found += static_cast<int>(matched);
      others += static_cast<int>(points.size() - matched);
    }
    SCOPED_TRACE(planted.levels[0].value * 1e3 +
                 static_cast<double>(planted.levels[0].count));
    EXPECT_GE(found, wanted * 95 / 100) << others;
    EXPECT_LE(others, wanted * 5 / 100);
  }
}

TEST(ChangePointsTest, TellsTheLevelsOnBothSides) {
  const auto points = FindChangePoints(Series({{30, 100}, {30, 150}}, 0.02, 1));
  ASSERT_THAT(points, SizeIs(1));
  EXPECT_EQ(points[0].index, 30u);
  EXPECT_NEAR(points[0].before, 100, 2);
  EXPECT_NEAR(points[0].after, 150, 3);
  EXPECT_NEAR(points[0].Change(), 0.5, 0.03);
  EXPECT_LT(points[0].p_value, 1e-9);
}

// As rarely as promised, with outliers too; the bound is three deviations
// above. Of t-tests alone it is, there, ten times as often.
TEST(ChangePointsTest, NoiseAloneRarelyRaisesAnAlarm) {
  for (const size_t count : {6, 12, 30, 50, 200}) {
    for (const bool outliers : {false, true}) {
      constexpr int kSeeds = 3000;
      int alarms = 0;
      for (int seed = 0; seed < kSeeds; ++seed) {
        alarms += FindChangePoints(
                      Series({{count, 100}}, 0.03, seed * 7919 + 1, outliers))
                          .empty()
                      ? 0
                      : 1;
      }
      const double windows =
          std::max(1.0, 2 * static_cast<double>(count) / 50 - 1);
      const double expected = kSeeds * 0.001 * windows;
      EXPECT_LE(alarms, expected + 3 * std::sqrt(expected))
          << count << " values, outliers " << outliers;
    }
  }
}

TEST(ChangePointsTest, AnOutlierAloneIsNoChange) {
  std::vector<double> values = Series({{40, 100}}, 0.02, 3);
  values[20] = 200;
  EXPECT_THAT(FindChangePoints(values), IsEmpty());
  values.back() = 300;
  EXPECT_THAT(FindChangePoints(values), IsEmpty());
}

// A change of 1% is certain in 2000 values, and still of no account.
TEST(ChangePointsTest, SmallChangesAreLeftOut) {
  const std::vector<double> values =
      Series({{1000, 100}, {1000, 101}}, 0.005, 4);
  EXPECT_THAT(FindChangePoints(values), IsEmpty());
  EXPECT_THAT(FindChangePoints(values, {.smallest_change = 0.005}), SizeIs(1));
}

TEST(ChangePointsTest, SeriesWithoutNoiseOrSense) {
  EXPECT_THAT(FindChangePoints({}), IsEmpty());
  EXPECT_THAT(FindChangePoints({1, 1, 2}), IsEmpty());
  EXPECT_THAT(FindChangePoints(std::vector<double>(100, 0.1)), IsEmpty());
  EXPECT_THAT(FindChangePoints({1, 1, 1, 0, 2, 2, 2}), IsEmpty());
  EXPECT_THAT(FindChangePoints(
                  {1, 1, std::numeric_limits<double>::quiet_NaN(), 2, 2, 2, 2}),
              IsEmpty());
  const auto exact = FindChangePoints({8, 8, 8, 9, 9, 9});  // Bytes, say.
  ASSERT_THAT(exact, SizeIs(1));
  EXPECT_EQ(exact[0].index, 3u);
}

// Linear in the length: a quadratic search would take minutes.
TEST(ChangePointsTest, AHundredThousandValuesAreQuick) {
  const std::vector<double> values =
      Series({{50'000, 100}, {50'000, 110}}, 0.03, 5);
  const auto begin = std::chrono::steady_clock::now();
  const auto points = FindChangePoints(values);
  const std::chrono::duration<double> elapsed =
      std::chrono::steady_clock::now() - begin;
  EXPECT_LT(elapsed.count(), 30);
  ASSERT_FALSE(points.empty());
}

}  // namespace
}  // namespace opsbench::results
