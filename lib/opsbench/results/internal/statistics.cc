#include "opsbench/results/internal/statistics.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <numeric>

namespace opsbench::results::internal {
namespace {

// Up to so many pairs the distribution is exact.
constexpr int64_t kExactPairs = 2'500;
// Up to so many pairs their differences are kept.
constexpr int64_t kKeptPairs = 1 << 16;

// P(U <= u) for every u. The largest value comes from either side, so that
// P(m, n, u) = m/(m+n) P(m-1, n, u-n) + n/(m+n) P(m, n-1, u): sums of positive
// numbers, which lose no digits.
std::vector<double> ExactCdf(RankSumTable::Sizes sizes) {
  const int64_t columns = sizes.head + 1;
  const int64_t pairs = sizes.base * sizes.head;
  // P(m, n, ·) of the row m for n = 0 … head. U is 0 where a side is empty.
  std::vector<std::vector<double>> row(
      static_cast<size_t>(columns),
      std::vector<double>(static_cast<size_t>(pairs) + 1));
  for (auto& probabilities : row) probabilities[0] = 1;
  for (int64_t m = 1; m <= sizes.base; ++m) {
    for (int64_t n = 1; n < columns; ++n) {
      const double from_base =
          static_cast<double>(m) / static_cast<double>(m + n);
      const std::vector<double>& left = row[static_cast<size_t>(n - 1)];
      std::vector<double>& cell = row[static_cast<size_t>(n)];
      // Downwards, because the cell still holds the values of row m-1.
      for (int64_t u = m * n; u >= 0; --u) {
        const double above = u >= n ? cell[static_cast<size_t>(u - n)] : 0;
        cell[static_cast<size_t>(u)] =
            from_base * above + (1 - from_base) * left[static_cast<size_t>(u)];
      }
    }
  }
  std::vector<double> cdf = std::move(row.back());
  std::partial_sum(cdf.begin(), cdf.end(), cdf.begin());
  return cdf;
}

double NormalCdf(RankSumTable::Sizes sizes, int64_t u) {
  const auto base = static_cast<double>(sizes.base);
  const auto head = static_cast<double>(sizes.head);
  const double mean = base * head / 2;
  const double deviation = std::sqrt(base * head * (base + head + 1) / 12);
  const double z = (static_cast<double>(u) + 0.5 - mean) / deviation;
  return std::erfc(-z / std::sqrt(2.0)) / 2;
}

}  // namespace

double Median(std::vector<double> values) {
  const auto middle =
      values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return std::midpoint(*std::max_element(values.begin(), middle), *middle);
}

double RankSumTable::Cdf(Sizes sizes, int64_t u) {
  const int64_t pairs = sizes.base * sizes.head;
  if (u < 0) return 0;
  if (u >= pairs) return 1;
  if (pairs > kExactPairs) return NormalCdf(sizes, u);
  // U is distributed alike whichever side comes first.
  const auto [small, large] = std::minmax(sizes.base, sizes.head);
  std::vector<double>& cdf = exact_[{small, large}];
  if (cdf.empty()) cdf = ExactCdf({.base = small, .head = large});
  return cdf[static_cast<size_t>(u)];
}

int64_t RankSumTable::Quantile(Sizes sizes, double alpha) {
  // P(U <= low) is small enough, P(U <= high) too large.
  int64_t low = -1;
  int64_t high = sizes.base * sizes.head / 2 + 1;
  while (high - low > 1) {
    const int64_t middle = std::midpoint(low, high);
    (2 * Cdf(sizes, middle) <= alpha ? low : high) = middle;
  }
  return low;
}

int64_t SamplesNeeded(double alpha) {
  // P(U = 0) of n against n is 1 over (2n choose n).
  double choices = 1;
  int64_t n = 0;
  while (2 / choices > alpha) {
    ++n;
    choices *= static_cast<double>(2 * (2 * n - 1)) / static_cast<double>(n);
  }
  return n;
}

Shift::Shift(absl::Span<const double> base, absl::Span<const double> head,
             RankSumTable* table)
    : table_(table),
      sizes_{.base = static_cast<int64_t>(base.size()),
             .head = static_cast<int64_t>(head.size())},
      pairs_(sizes_.base * sizes_.head),
      base_(base.begin(), base.end()),
      head_(head.begin(), head.end()) {
  std::sort(base_.begin(), base_.end());
  std::sort(head_.begin(), head_.end());
  if (pairs_ <= kKeptPairs) {
    differences_.reserve(static_cast<size_t>(pairs_));
    for (const double before : base_) {
      for (const double after : head_) differences_.push_back(after - before);
    }
  }
}

absl::optional<Interval> Shift::IntervalAt(double alpha) const {
  const int64_t cut = table_->Quantile(sizes_, alpha);
  if (cut < 0) return absl::nullopt;
  return Interval{.low = Difference(cut), .high = Difference(pairs_ - 1 - cut)};
}

double Shift::PValue() const {
  const int64_t not_above = CountUpTo(0);
  const int64_t not_below =
      pairs_ - CountUpTo(-std::numeric_limits<double>::denorm_min());
  return std::min(1.0, 2 * table_->Cdf(sizes_, std::min(not_above, not_below)));
}

double Shift::Difference(int64_t rank) const {
  if (!differences_.empty()) {
    const auto [place, added] = placed_.insert(rank);
    if (added) {
      const auto begin = differences_.begin();
      std::nth_element(
          place == placed_.begin() ? begin : begin + *std::prev(place) + 1,
          begin + rank,
          std::next(place) == placed_.end() ? differences_.end()
                                            : begin + *std::next(place));
    }
    return differences_[static_cast<size_t>(rank)];
  }
  // Halves the range in which it lies until no number is left between.
  double low = head_.front() - base_.back();
  double high = head_.back() - base_.front();
  for (;;) {
    const double middle = std::midpoint(low, high);
    if (middle <= low || middle >= high) break;
    (CountUpTo(middle) > rank ? high : low) = middle;
  }
  return CountUpTo(low) > rank ? low : high;
}

int64_t Shift::CountUpTo(double limit) const {
  int64_t count = 0;
  auto end = head_.begin();  // Past the last that is near enough.
  for (const double before : base_) {
    while (end != head_.end() && *end - before <= limit) ++end;
    count += end - head_.begin();
  }
  return count;
}

std::vector<double> HolmAdjusted(absl::Span<const double> p_values) {
  std::vector<size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return p_values[a] < p_values[b]; });
  std::vector<double> adjusted(p_values.size());
  double largest = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    const auto remaining = static_cast<double>(order.size() - i);
    largest = std::max(largest, remaining * p_values[order[i]]);
    adjusted[order[i]] = std::min(1.0, largest);
  }
  return adjusted;
}

}  // namespace opsbench::results::internal
