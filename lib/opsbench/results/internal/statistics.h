#ifndef OPSBENCH_RESULTS_INTERNAL_STATISTICS_H_
#define OPSBENCH_RESULTS_INTERNAL_STATISTICS_H_

// What two small samples say about the shift between them, without assuming how
// the values are distributed. COMPARE.md says how it is used.
//
// Thread safety: the functions keep no state; a RankSumTable and a Shift belong
// to one thread.

#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "absl/types/optional.h"
#include "absl/types/span.h"

namespace opsbench::results::internal {

// The mean of the middle two for an even count. REQUIRES: not empty.
double Median(std::vector<double> values);

// The distribution of Mann and Whitney's U for two samples of one distribution,
// exact up to 2,500 pairs and normal with a correction for continuity beyond.
//
// H. B. Mann, D. R. Whitney: On a test of whether one of two random variables
// is stochastically larger than the other, 1947.
class RankSumTable {
 public:
  struct Sizes {
    int64_t base = 0;
    int64_t head = 0;
  };

  // P(U <= u). 0 for u < 0. REQUIRES: both sizes are above 0.
  double Cdf(Sizes sizes, int64_t u);

  // The largest u with 2 P(U <= u) <= alpha; -1 if even u = 0 is likelier.
  int64_t Quantile(Sizes sizes, double alpha);

  // The smallest two-sided p-value that samples of these sizes can have.
  double SmallestP(Sizes sizes) { return 2 * Cdf(sizes, 0); }

 private:
  std::map<std::pair<int64_t, int64_t>, std::vector<double>> exact_;
};

// How many values a side need for 2 P(U = 0) <= alpha. REQUIRES: alpha > 0.
int64_t SamplesNeeded(double alpha);

struct Interval {
  double low = 0;
  double high = 0;
};

// By how much the head's distribution lies beside the base's: the differences
// of all pairs, head minus base, bound it.
//
// L. E. Moses: Query: Confidence limits from rank tests, Technometrics, 1965.
class Shift {
 public:
  // REQUIRES: neither is empty; all are finite. `table` outlives the object.
  Shift(absl::Span<const double> base, absl::Span<const double> head,
        RankSumTable* table);

  // Covers the shift with a probability of at least 1 - alpha. Nothing if the
  // samples are too small for that.
  absl::optional<Interval> IntervalAt(double alpha) const;

  // Two-sided, of no shift. Differences of 0 speak for it.
  double PValue() const;

  // The smallest that PValue() can be.
  double SmallestP() const { return table_->SmallestP(sizes_); }

 private:
  // The `rank`-th smallest difference, from 0.
  double Difference(int64_t rank) const;
  // How many differences are at most `limit`.
  int64_t CountUpTo(double limit) const;

  RankSumTable* const table_;
  const RankSumTable::Sizes sizes_;
  const int64_t pairs_;
  std::vector<double> base_;  // Sorted.
  std::vector<double> head_;
  // All pairs' in no order, but that those before each of placed_ are no larger
  // and those behind it no smaller: few ranks are asked for, and sorting for
  // them would take most of a comparison's time. Empty when they are too many.
  mutable std::vector<double> differences_;
  mutable std::set<int64_t> placed_;
};

// Holm's step-down correction: the smallest level at which each of the tests is
// significant when all of them together may err once in 1/level times.
//
// S. Holm: A simple sequentially rejective multiple test procedure, 1979.
std::vector<double> HolmAdjusted(absl::Span<const double> p_values);

}  // namespace opsbench::results::internal

#endif  // OPSBENCH_RESULTS_INTERNAL_STATISTICS_H_
