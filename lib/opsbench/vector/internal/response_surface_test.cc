#include "opsbench/vector/internal/response_surface.h"

#include <cmath>
#include <vector>

#include "gtest/gtest.h"
#include "opsbench/base/random.h"
#include "opsbench/vector/internal/median.h"

namespace opsbench::vector::internal {
namespace {

// Equations 2.25 and 2.26 of Rasmussen and Williams, written out for two
// points.
TEST(ResponseSurfaceTest, TwoPointsAsByHand) {
  ResponseSurface surface({0, 0.5, 0.1});
  surface.Set(0, {0.2}, std::vector<double>{1.0});
  surface.Set(1, {0.7}, std::vector<double>{2.0, 2.4});
  surface.Fit(false);
  const auto prediction = surface.Predict({{0.4}, {0.9}});

  const auto kernel = [](double a, double b) {
    const double r = std::sqrt(5.0) * std::abs(a - b) / 0.6;
    return 0.25 * (1 + r + r * r / 3) * std::exp(-r);
  };
  const double a = 0.25 + 0.01;
  const double d = 0.25 + 0.01 / 2;
  const double b = kernel(0.2, 0.7);
  const double determinant = a * d - b * b;
  const double mean = (1.0 + 2.2) / 2;
  const double u = 1.0 - mean;
  const double v = 2.2 - mean;
  const auto covariance = [&](double x, double y) {
    const double x0 = kernel(x, 0.2);
    const double x1 = kernel(x, 0.7);
    const double y0 = kernel(y, 0.2);
    const double y1 = kernel(y, 0.7);
    return kernel(x, y) -
           (x0 * (d * y0 - b * y1) + x1 * (a * y1 - b * y0)) / determinant;
  };
  size_t i = 0;
  for (double x : {0.4, 0.9}) {
    const double x0 = kernel(x, 0.2);
    const double x1 = kernel(x, 0.7);
    EXPECT_NEAR(
        prediction[i].mean,
        mean + (x0 * (d * u - b * v) + x1 * (a * v - b * u)) / determinant,
        1e-6);
    EXPECT_NEAR(prediction[i].deviation, std::sqrt(covariance(x, x)), 1e-6);
    ++i;
  }
  EXPECT_NEAR(prediction.DeviationBetween(0, 1),
              std::sqrt(covariance(0.4, 0.4) + covariance(0.9, 0.9) -
                        2 * covariance(0.4, 0.9)),
              1e-6);
}

double Normal(Random* random) {
  return std::sqrt(-2 * std::log(1 - random->Double())) *
         std::cos(2 * M_PI * random->Double());
}

TEST(ResponseSurfaceTest, FindsTheNoiseAndTheShape) {
  for (double noise : {0.01, 0.1}) {
    Random random(3);
    ResponseSurface surface({0, 0.7, 0.05});
    size_t key = 0;
    for (int i = 0; i <= 12; ++i) {
      const double x = i / 12.0;
      std::vector<double> values;
      for (int n = 0; n < 4; ++n) {
        values.push_back(std::sin(4 * x) + noise * Normal(&random));
      }
      surface.Set(key++, {x}, values);
      surface.Fit(true);
    }
    EXPECT_GT(surface.noise(), noise / 2.1) << noise;
    EXPECT_LT(surface.noise(), noise * 2.1) << noise;
    const auto prediction = surface.Predict({{0.3}, {0.63}});
    EXPECT_NEAR(prediction[0].mean, std::sin(1.2), noise * 1.5);
    EXPECT_NEAR(prediction[1].mean, std::sin(2.52), noise * 1.5);
  }
}

// One point 30% below a flat surface: with outliers to that side it drags its
// neighbours along less, to the other side not at all.
TEST(ResponseSurfaceTest, OutliersCountLess) {
  const auto dragged = [](int outliers) {
    ResponseSurface surface({outliers, 0.3, 0.02});
    for (size_t i = 0; i <= 10; ++i) {
      surface.Set(i, {static_cast<double>(i) / 10},
                  std::vector<double>{i == 5 ? -0.3 : 0.01 * (i % 2 ? 1 : -1)});
    }
    surface.Fit(false);
    return -surface.Predict({{0.5}})[0].mean;
  };
  EXPECT_LT(dragged(-1), 0.7 * dragged(0));
  EXPECT_GE(dragged(1), dragged(0));
}

TEST(MedianTest, OfOddAndEven) {
  EXPECT_EQ(MedianOf({3, 1, 2}), 2);
  EXPECT_EQ(MedianOf({4, 1, 2, 3}), 2.5);
}

// Student's table: t(1) = 12.706, t(5) = 2.571 at 95%.
TEST(MedianTest, IntervalsAreStudents) {
  const Interval two = MedianInterval({{1, 2}}, 0, 0.95);
  EXPECT_NEAR(two.high - 1.5, 12.706 * std::sqrt(0.5) / std::sqrt(2.0), 1e-3);
  EXPECT_NEAR(1.5 - two.low, two.high - 1.5, 1e-12);

  // Five more of the same scatter count as four.
  const Interval borrowed =
      MedianInterval({{1, 2}, {5, 6}, {7, 8}, {0, 1}, {3, 4}, {2, 3}}, 0, 0.95);
  EXPECT_NEAR(borrowed.high - 1.5, 2.571 * std::sqrt(0.5) / std::sqrt(2.0),
              1e-3);

  EXPECT_TRUE(std::isinf(MedianInterval({{1}, {2}}, 0, 0.95).high));
}

TEST(MedianTest, IntervalsCoverTheMedianAsOftenAsTheySay) {
  Random random(11);
  int covered = 0;
  constexpr int kTrials = 2000;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::vector<std::vector<double>> groups(5);
    for (auto& group : groups) {
      for (int i = 0; i < 4; ++i) {
        group.push_back(Normal(&random));
      }
    }
    const Interval interval = MedianInterval(groups, 2, 0.95);
    covered += interval.low <= 0 && 0 <= interval.high ? 1 : 0;
  }
  EXPECT_GT(covered, 0.93 * kTrials);
  EXPECT_LT(covered, 0.995 * kTrials);
}

TEST(MedianTest, NormalReachIsTheQuantile) {
  EXPECT_NEAR(NormalReach(0.95), 1.95996, 1e-4);
}

}  // namespace
}  // namespace opsbench::vector::internal
