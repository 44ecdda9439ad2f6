#include "opsbench/base/internal/portable_math.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "gtest/gtest.h"
#include "opsbench/base/random.h"

namespace opsbench::internal {
namespace {

// The distance from the true value in units of the last place. The reference
// has 11 more bits where long double is longer than double.
double UlpsOff(double value, long double truth) {
  const auto rounded = static_cast<double>(truth);
  const double ulp = std::nextafter(std::abs(rounded),
                                    std::numeric_limits<double>::infinity()) -
                     std::abs(rounded);
  // Divided first: the difference may be too small for a double.
  return static_cast<double>(std::abs(value - truth) / ulp);
}

TEST(PortableLogTest, IsTheLogarithm) {
  std::vector<double> points = {std::numeric_limits<double>::min(),
                                std::numeric_limits<double>::max(),
                                std::sqrt(0.5), std::sqrt(2.0), 0x1.0p-53};
  for (const double center : {0.5, 1.0, 2.0}) {
    points.push_back(std::nextafter(center, 0));
    points.push_back(std::nextafter(center, 3));
  }
  Random random(1);
  for (int i = 0; i < 200'000; ++i) {
    points.push_back(std::ldexp(1 + random.Double(),
                                static_cast<int>(random.Between(-1022, 1023))));
    points.push_back(0.5 + 1.5 * random.Double());
    points.push_back(1 + std::ldexp(random.Double() - 0.5,
                                    -static_cast<int>(random.Below(50))));
  }
  for (const double x : points) {
    ASSERT_LT(UlpsOff(PortableLog(x), std::log(static_cast<long double>(x))),
              1.0)
        << x;
  }
  EXPECT_EQ(PortableLog(1), 0);
}

TEST(PortableExpTest, IsTheExponential) {
  std::vector<double> points = {-708, -1, -0.5, 0.5, 1, 709, 1e-300, -1e-300};
  Random random(2);
  for (int i = 0; i < 200'000; ++i) {
    points.push_back(-708 + 1417 * random.Double());
    points.push_back(2 * random.Double() - 1);
    points.push_back(
        std::ldexp(random.Double() - 0.5, -static_cast<int>(random.Below(60))));
  }
  for (const double x : points) {
    ASSERT_LT(UlpsOff(PortableExp(x), std::exp(static_cast<long double>(x))),
              1.0)
        << x;
  }
  EXPECT_EQ(PortableExp(0), 1);
}

TEST(PortableExpTest, LeavesTheRangeOfNormalNumbersInAKnownWay) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(PortableExp(709.1), kInfinity);
  EXPECT_EQ(PortableExp(kInfinity), kInfinity);
  EXPECT_EQ(PortableExp(-708.1), 0);
  EXPECT_EQ(PortableExp(-kInfinity), 0);
}

// The compiler's own evaluation never fuses operations; the processor's must
// not, either.
TEST(PortableMathTest, RunTimeAgreesWithCompileTime) {
  constexpr int kPoints = 200;
  struct Table {
    double log[kPoints];
    double exp[kPoints];
  };
  constexpr auto compute = [](double step) {
    Table table = {};
    for (int i = 0; i < kPoints; ++i) {
      table.log[i] = PortableLog((i + 1) * step);
      table.exp[i] = PortableExp((i - 100) * step);
    }
    return table;
  };
  static constexpr Table kAtCompileTime = compute(0.37);
  volatile double step = 0.37;
  const Table at_run_time = compute(step);
  for (int i = 0; i < kPoints; ++i) {
    EXPECT_EQ(at_run_time.log[i], kAtCompileTime.log[i]) << i;
    EXPECT_EQ(at_run_time.exp[i], kAtCompileTime.exp[i]) << i;
  }
}

}  // namespace
}  // namespace opsbench::internal
