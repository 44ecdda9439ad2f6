#ifndef OPSBENCH_VECTOR_INTERNAL_MEDIAN_H_
#define OPSBENCH_VECTOR_INTERNAL_MEDIAN_H_

// Medians, and intervals for them from few measurements.
//
// Thread safety: pure functions.

#include <cstddef>
#include <vector>

#include "absl/types/span.h"

namespace opsbench::vector::internal {

// The mean of the middle two for an even number. REQUIRES: not empty, no NaN.
double MedianOf(std::vector<double> values);

struct Interval {
  double low = 0;
  double high = 0;
};

// Where the median of group `which` lies: Student's interval, in which the
// other groups' scatter counts as at most four more measurements, so that two
// that agree by chance do not decide (the moderated t of Smyth, "Linear models
// and empirical Bayes methods", 2004). The median of normal values is 1.25
// times as uncertain as their mean from three on. Infinite where nothing was
// measured twice. REQUIRES: no group is empty; 0 < confidence < 1.
Interval MedianInterval(const std::vector<std::vector<double>>& groups,
                        size_t which, double confidence);

// How many deviations a normal variable stays within. REQUIRES: as above.
double NormalReach(double confidence);

}  // namespace opsbench::vector::internal

#endif  // OPSBENCH_VECTOR_INTERNAL_MEDIAN_H_
