#include "opsbench/results/gate_statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "boost/math/distributions/binomial.hpp"

namespace opsbench::results::gate {
namespace {

// The share of sums of a subset of `ranks`, each taken or not with probability
// one half, that are `sum`.
std::vector<double> SumDistribution(absl::Span<const int> ranks) {
  std::vector<double> shares = {1.0};
  for (const int rank : ranks) {
    std::vector<double> next(shares.size() + static_cast<size_t>(rank), 0.0);
    for (size_t sum = 0; sum < shares.size(); ++sum) {
      next[sum] += shares[sum] / 2;
      next[sum + static_cast<size_t>(rank)] += shares[sum] / 2;
    }
    shares = std::move(next);
  }
  return shares;
}

// Twice the rank of each of the sorted values, so that the mean rank of tied
// values is whole.
std::vector<int> DoubledRanks(absl::Span<const double> sorted) {
  std::vector<int> ranks(sorted.size());
  for (size_t begin = 0; begin < sorted.size();) {
    size_t end = begin;
    while (end < sorted.size() && sorted[end] == sorted[begin]) ++end;
    for (size_t i = begin; i < end; ++i) {
      ranks[i] = static_cast<int>(begin + end + 1);
    }
    begin = end;
  }
  return ranks;
}

// How many of the sorted means of pairs lie below the lower bound: the largest
// k with P(sum of ranks <= k - 1) <= alpha, 0 if there is none.
size_t RankOfBound(size_t count, double alpha) {
  std::vector<int> ranks(count);
  for (size_t i = 0; i < count; ++i) ranks[i] = static_cast<int>(i + 1);
  double below = 0;
  size_t k = 0;
  for (const double share : SumDistribution(ranks)) {
    below += share;
    if (below > alpha) break;
    ++k;
  }
  return k;
}

}  // namespace

double Median(absl::Span<const double> values) {
  std::vector<double> sorted(values.begin(), values.end());
  absl::c_sort(sorted);
  const size_t half = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[half]
                                : (sorted[half - 1] + sorted[half]) / 2;
}

double SignedRankPValue(absl::Span<const double> values) {
  std::vector<std::pair<double, bool>> sizes;  // And whether it is positive.
  for (const double value : values) {
    if (value != 0) sizes.emplace_back(std::fabs(value), value > 0);
  }
  if (sizes.empty()) return 1;
  absl::c_sort(sizes);
  std::vector<double> sorted;
  for (const auto& [size, positive] : sizes) sorted.push_back(size);
  const std::vector<int> ranks = DoubledRanks(sorted);
  size_t observed = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i].second) observed += static_cast<size_t>(ranks[i]);
  }
  const std::vector<double> shares = SumDistribution(ranks);
  double p = 0;
  for (size_t sum = observed; sum < shares.size(); ++sum) p += shares[sum];
  return std::min(p, 1.0);
}

Location Locate(absl::Span<const double> values, double alpha) {
  std::vector<double> means;
  means.reserve(values.size() * (values.size() + 1) / 2);
  for (size_t i = 0; i < values.size(); ++i) {
    for (size_t j = i; j < values.size(); ++j) {
      means.push_back((values[i] + values[j]) / 2);
    }
  }
  absl::c_sort(means);
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const size_t k = RankOfBound(values.size(), alpha);
  Location location;
  location.estimate = Median(means);
  location.low = k == 0 ? -kInfinity : means[k - 1];
  location.high = k == 0 ? kInfinity : means[means.size() - k];
  return location;
}

double RobustDeviation(absl::Span<const double> values) {
  std::vector<double> sizes;
  for (const double value : values) sizes.push_back(std::fabs(value));
  constexpr double kNormalQuartile = 0.6744897501960817;
  return Median(sizes) / kNormalQuartile;
}

double MannWhitneyPValue(absl::Span<const double> a,
                         absl::Span<const double> b) {
  std::vector<std::pair<double, bool>> all;
  for (const double value : a) all.emplace_back(value, true);
  for (const double value : b) all.emplace_back(value, false);
  absl::c_sort(all);
  std::vector<double> sorted;
  for (const auto& [value, first] : all) sorted.push_back(value);
  const std::vector<int> ranks = DoubledRanks(sorted);
  double rank_sum = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i].second) rank_sum += ranks[i] / 2.0;
  }
  double ties = 0;
  for (size_t begin = 0; begin < sorted.size();) {
    size_t end = begin;
    while (end < sorted.size() && sorted[end] == sorted[begin]) ++end;
    const auto tied = static_cast<double>(end - begin);
    ties += tied * tied * tied - tied;
    begin = end;
  }
  const auto n = static_cast<double>(a.size());
  const auto m = static_cast<double>(b.size());
  const double u = rank_sum - n * (n + 1) / 2;
  const double variance =
      n * m / 12 * (n + m + 1 - ties / ((n + m) * (n + m - 1)));
  if (variance <= 0) return 1;
  const double distance = std::fabs(u - n * m / 2) - 0.5;
  if (distance <= 0) return 1;
  return std::erfc(distance / std::sqrt(2 * variance));
}

RateInterval ClopperPearson(int64_t hits, int64_t trials, double confidence) {
  using Binomial = boost::math::binomial_distribution<double>;
  const double tail = (1 - confidence) / 2;
  RateInterval interval;
  if (trials == 0) return interval;
  const auto n = static_cast<double>(trials);
  const auto k = static_cast<double>(hits);
  if (hits > 0) interval.low = Binomial::find_lower_bound_on_p(n, k, tail);
  if (hits < trials) {
    interval.high = Binomial::find_upper_bound_on_p(n, k, tail);
  }
  return interval;
}

}  // namespace opsbench::results::gate
