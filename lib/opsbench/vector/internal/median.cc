#include "opsbench/vector/internal/median.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>

namespace opsbench::vector::internal {
namespace {

// About the first value, so that equal values have exactly none.
double SquaredRests(const std::vector<double>& values) {
  const double n = static_cast<double>(values.size());
  double sum = 0;
  double squares = 0;
  for (double value : values) {
    const double d = value - values.front();
    sum += d;
    squares += d * d;
  }
  return std::max(squares - sum * sum / n, 0.0);
}

}  // namespace

double MedianOf(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half]
                                : (values[half - 1] + values[half]) / 2;
}

Interval MedianInterval(const std::vector<std::vector<double>>& groups,
                        size_t which, double confidence) {
  double others = 0;
  size_t others_freedom = 0;
  for (size_t i = 0; i < groups.size(); ++i) {
    if (i != which) {
      others += SquaredRests(groups[i]);
      others_freedom += groups[i].size() - 1;
    }
  }
  const std::vector<double>& own = groups[which];
  const double borrowed = std::min<double>(4, others_freedom);
  const double freedom = static_cast<double>(own.size() - 1) + borrowed;
  const double median = MedianOf(own);
  if (freedom == 0) {
    const double infinity = std::numeric_limits<double>::infinity();
    return {-infinity, infinity};
  }
  double squares = SquaredRests(own);
  if (others_freedom > 0) {
    squares += borrowed * others / static_cast<double>(others_freedom);
  }
  const double of_median = own.size() > 2 ? std::sqrt(M_PI / 2) : 1;
  const double reach =
      boost::math::quantile(boost::math::students_t(freedom),
                            (1 + confidence) / 2) *
      of_median *
      std::sqrt(squares / freedom / static_cast<double>(own.size()));
  return {median - reach, median + reach};
}

double NormalReach(double confidence) {
  return boost::math::quantile(boost::math::normal(), (1 + confidence) / 2);
}

}  // namespace opsbench::vector::internal
