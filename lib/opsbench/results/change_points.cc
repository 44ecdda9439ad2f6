#include "opsbench/results/change_points.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>

#include "boost/math/distributions/students_t.hpp"
#include "opsbench/results/internal/statistics.h"

namespace opsbench::results {
namespace {

// Values that a level has at least.
constexpr size_t kShortest = 3;

// The p-value up to which a place is proposed: what lies between two changes
// looks weak as long as only one of them is known.
constexpr double kProposed = 0.1;

struct Moments {
  double count = 0;
  double mean = 0;
  double squares = 0;  // Sum of the squared distances from the mean.
};

Moments MomentsOf(absl::Span<const double> values) {
  Moments moments;
  moments.count = static_cast<double>(values.size());
  moments.mean =
      std::accumulate(values.begin(), values.end(), 0.0) / moments.count;
  for (const double value : values) {
    moments.squares += (value - moments.mean) * (value - moments.mean);
  }
  return moments;
}

// Two-sided, with one variance for both sides: two values that happen to agree
// must not pass for a side without noise.
double TTest(absl::Span<const double> left, absl::Span<const double> right) {
  const Moments a = MomentsOf(left);
  const Moments b = MomentsOf(right);
  const double freedom = a.count + b.count - 2;
  const double difference = std::abs(a.mean - b.mean);
  const double variance =
      (a.squares + b.squares) / freedom * (1 / a.count + 1 / b.count);
  // Values that repeat exactly differ by rounding at most.
  if (difference <= 1e-12 * std::max(1.0, std::abs(a.mean))) return 1;
  if (variance <= 0) return 0;
  const boost::math::students_t distribution(freedom);
  return 2 * boost::math::cdf(boost::math::complement(
                 distribution, difference / std::sqrt(variance)));
}

// In how many pairs the values of the two sides are in the rarer order; equal
// ones count for both.
int64_t RarerPairs(std::vector<double> left, std::vector<double> right) {
  std::sort(left.begin(), left.end());
  std::sort(right.begin(), right.end());
  int64_t not_above = 0;  // Pairs whose right value is at most the left one.
  int64_t not_below = 0;
  auto above = right.begin();
  auto below = right.begin();
  for (const double value : left) {
    while (above != right.end() && *above <= value) ++above;
    while (below != right.end() && *below < value) ++below;
    not_above += above - right.begin();
    not_below += right.end() - below;
  }
  return std::min(not_above, not_below);
}

// How many places there are to split `count` values at.
size_t Places(size_t count) {
  return count < 2 * kShortest ? 0 : count - 2 * kShortest + 1;
}

// E-divisive's choice: where the energy distance between the sides, weighted by
// their sizes, is largest. Each step moves one value from right to left.
size_t BestSplit(absl::Span<const double> values) {
  const size_t n = values.size();
  const auto distances_to = [&](size_t i, size_t begin, size_t end) {
    double sum = 0;
    for (size_t j = begin; j < end; ++j) sum += std::abs(values[i] - values[j]);
    return sum;
  };
  double within_left = 0;
  double within_right = 0;
  double between = 0;
  for (size_t i = 0; i < n; ++i) within_right += distances_to(i, i + 1, n);
  size_t best = 0;
  double best_distance = -1;
  for (size_t split = 1; split + kShortest <= n; ++split) {
    const size_t moved = split - 1;
    const double to_left = distances_to(moved, 0, moved);
    const double to_right = distances_to(moved, split, n);
    within_left += to_left;
    within_right -= to_right;
    between += to_right - to_left;
    if (split < kShortest) continue;
    const auto left = static_cast<double>(split);
    const auto right = static_cast<double>(n - split);
    const double energy = 2 * between / (left * right) -
                          2 * within_left / (left * (left - 1)) -
                          2 * within_right / (right * (right - 1));
    const double distance = left * right / (left + right) * energy;
    if (distance > best_distance) {
      best_distance = distance;
      best = split;
    }
  }
  return best;
}

class Finder {
 public:
  Finder(absl::Span<const double> logs, const ChangePointOptions& options)
      : logs_(logs), options_(options) {}

  std::vector<ChangePoint> Find() {
    const size_t window = std::max(options_.window, 2 * kShortest);
    for (size_t begin = 0;; begin += window / 2) {
      Propose(begin, std::min(begin + window, logs_.size()));
      if (begin + window >= logs_.size()) break;
    }
    std::sort(splits_.begin(), splits_.end());
    splits_.erase(std::unique(splits_.begin(), splits_.end()), splits_.end());
    Separate();
    return Merge();
  }

 private:
  // Splits [begin, end) top-down.
  void Propose(size_t begin, size_t end) {
    if (Places(end - begin) == 0) return;
    const absl::Span<const double> part = logs_.subspan(begin, end - begin);
    const size_t split = BestSplit(part);
    if (split == 0) return;
    if (TTest(part.first(split), part.subspan(split)) > kProposed) return;
    splits_.push_back(begin + split);
    Propose(begin, begin + split);
    Propose(begin + split, end);
  }

  // Two windows may have put one change at places side by side, with less than
  // a level between them.
  void Separate() {
    std::vector<size_t> kept;
    for (const size_t split : splits_) {
      if (kept.empty() || split - kept.back() >= kShortest) {
        kept.push_back(split);
      }
    }
    splits_ = std::move(kept);
  }

  size_t BeginOf(size_t i) const { return i == 0 ? 0 : splits_[i - 1]; }
  size_t EndOf(size_t i) const {
    return i + 1 == splits_.size() ? logs_.size() : splits_[i + 1];
  }

  ChangePoint Judge(size_t i) const {
    const size_t split = splits_[i];
    const absl::Span<const double> left =
        logs_.subspan(BeginOf(i), split - BeginOf(i));
    const absl::Span<const double> right =
        logs_.subspan(split, EndOf(i) - split);
    ChangePoint point;
    point.index = split;
    point.before = std::exp(MomentsOf(left).mean);
    point.after = std::exp(MomentsOf(right).mean);
    point.p_value = TTest(left, right);
    if (point.p_value <= Level()) {
      point.p_value = std::max(point.p_value, RankTest(left, right));
    }
    return point;
  }

  // The p-value up to which a place is a change.
  double Level() const {
    const auto places =
        static_cast<double>(Places(std::min(options_.window, logs_.size())));
    return options_.significance / places;
  }

  // Mann and Whitney's, which asks how many values are out of order and not how
  // far: some outliers side by side do not pass for a level. Where so few
  // values can never be significant, none may be out of order.
  double RankTest(absl::Span<const double> left,
                  absl::Span<const double> right) const {
    const int64_t pairs =
        RarerPairs({left.begin(), left.end()}, {right.begin(), right.end()});
    const internal::RankSumTable::Sizes sizes = {
        .base = static_cast<int64_t>(left.size()),
        .head = static_cast<int64_t>(right.size())};
    if (ranks_.SmallestP(sizes) > Level()) return pairs == 0 ? 0 : 1;
    return std::min(1.0, 2 * ranks_.Cdf(sizes, pairs));
  }

  // Whether it may be noise after all.
  bool Weak(const ChangePoint& point) const { return point.p_value > Level(); }

  // Takes out the weakest change until all hold; a longer level on both sides
  // then tells more of its neighbours.
  std::vector<ChangePoint> Merge() {
    std::vector<ChangePoint> points;
    for (size_t i = 0; i < splits_.size(); ++i) points.push_back(Judge(i));
    while (!points.empty()) {
      size_t weakest = 0;
      size_t smallest = 0;
      for (size_t i = 0; i < points.size(); ++i) {
        if (points[i].p_value > points[weakest].p_value) weakest = i;
        if (Size(points[i]) < Size(points[smallest])) smallest = i;
      }
      if (!Weak(points[weakest])) {
        if (Size(points[smallest]) >= options_.smallest_change) break;
        weakest = smallest;
      }
      const auto at = static_cast<std::ptrdiff_t>(weakest);
      points.erase(points.begin() + at);
      splits_.erase(splits_.begin() + at);
      if (weakest > 0) points[weakest - 1] = Judge(weakest - 1);
      if (weakest < points.size()) points[weakest] = Judge(weakest);
    }
    return points;
  }

  // Alike for what doubles and what halves.
  static double Size(const ChangePoint& point) {
    return std::expm1(std::abs(std::log(point.after / point.before)));
  }

  const absl::Span<const double> logs_;
  const ChangePointOptions& options_;
  mutable internal::RankSumTable ranks_;
  std::vector<size_t> splits_;
};

}  // namespace

absl::string_view ChangePointMethod() {
  return "e-divisive means with Student's t-test, as in Hunter "
         "(arXiv:2301.03034), and a test of ranks, at 0.001 for each 50 runs";
}

std::vector<ChangePoint> FindChangePoints(absl::Span<const double> values,
                                          const ChangePointOptions& options) {
  std::vector<double> logs;
  logs.reserve(values.size());
  for (const double value : values) {
    if (!std::isfinite(value) || value <= 0) return {};
    logs.push_back(std::log(value));
  }
  if (Places(logs.size()) == 0) return {};
  return Finder(logs, options).Find();
}

}  // namespace opsbench::results
