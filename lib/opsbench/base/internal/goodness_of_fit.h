#ifndef OPSBENCH_BASE_INTERNAL_GOODNESS_OF_FIT_H_
#define OPSBENCH_BASE_INTERNAL_GOODNESS_OF_FIT_H_

// How far samples are from the distribution that they should have: for the
// tests of random numbers.
//
// Thread safety: pure functions.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace opsbench::internal {

// A right generator exceeds this z-score, on either side, once in a million
// seeds. Tests fix their seeds, so they either always pass or never.
inline constexpr double kZLimit = 4.892;

// Pearson's chi-square test as a z-score: far above 0 when the counts do not
// fit the probabilities, far below when they fit too well for chance. Cells
// that expect less than 10 are pooled with their neighbours. Infinite when an
// impossible cell was hit.
//
// Source: Wilson and Hilferty, "The distribution of chi-square", PNAS 17(12),
// 1931: the cube root of chi-square over its degrees of freedom is normal.
//
// REQUIRES: one probability for each count; they sum to 1.
inline double ChiSquareZ(const std::vector<uint64_t>& counts,
                         const std::vector<double>& probabilities) {
  double total = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    total += static_cast<double>(counts[i]);
    if (counts[i] != 0 && probabilities[i] <= 0) {
      return std::numeric_limits<double>::infinity();
    }
  }
  double chi_square = 0;
  double cells = 0;
  double seen = 0;
  double expected = 0;
  double expected_later = total;
  for (size_t i = 0; i < counts.size(); ++i) {
    seen += static_cast<double>(counts[i]);
    expected += probabilities[i] * total;
    expected_later -= probabilities[i] * total;
    // The last cell takes what would be too little for one of its own.
    if ((expected >= 10 && expected_later >= 10) || i + 1 == counts.size()) {
      chi_square += (seen - expected) * (seen - expected) / expected;
      cells += 1;
      seen = expected = 0;
    }
  }
  if (cells < 2) {
    return 0;  // All of the probability is in one cell, and so were all counts.
  }
  const double variance = 2 / (9 * (cells - 1));
  return (std::cbrt(chi_square / (cells - 1)) - (1 - variance)) /
         std::sqrt(variance);
}

// As ChiSquareZ() against equal probabilities.
inline double UniformZ(const std::vector<uint64_t>& counts) {
  return ChiSquareZ(
      counts, std::vector<double>(counts.size(),
                                  1 / static_cast<double>(counts.size())));
}

// A right generator exceeds this Kolmogorov-Smirnov statistic once in a million
// seeds: 2 * exp(-2 * limit^2) = 1e-6.
inline constexpr double kKsLimit = 2.693;

// The greatest distance between the samples' distribution and `cdf`, times the
// root of their number.
template <typename Cdf>
double KolmogorovSmirnov(std::vector<double> samples, Cdf cdf) {
  std::sort(samples.begin(), samples.end());
  const double size = static_cast<double>(samples.size());
  double distance = 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    const double probability = cdf(samples[i]);
    const double rank = static_cast<double>(i);
    distance = std::max(
        {distance, probability - rank / size, (rank + 1) / size - probability});
  }
  return distance * std::sqrt(size);
}

}  // namespace opsbench::internal

#endif  // OPSBENCH_BASE_INTERNAL_GOODNESS_OF_FIT_H_
