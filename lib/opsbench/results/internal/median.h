#ifndef OPSBENCH_RESULTS_INTERNAL_MEDIAN_H_
#define OPSBENCH_RESULTS_INTERNAL_MEDIAN_H_

// The median of a sample.
//
// Thread safety: a pure function.

#include <algorithm>
#include <cstddef>
#include <vector>

namespace opsbench::results::internal {

// The mean of the middle two for an even number. REQUIRES: not empty, no NaN.
inline double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half]
                                : (values[half - 1] + values[half]) / 2;
}

}  // namespace opsbench::results::internal

#endif  // OPSBENCH_RESULTS_INTERNAL_MEDIAN_H_
