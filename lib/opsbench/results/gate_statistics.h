#ifndef OPSBENCH_RESULTS_GATE_STATISTICS_H_
#define OPSBENCH_RESULTS_GATE_STATISTICS_H_

// The tests behind the gate (GATE.md says why these). All of them are exact:
// they hold for any noise, because which binary ran when was drawn by lot.
//
// Sources: Wilcoxon, "Individual comparisons by ranking methods", 1945; Hodges
// and Lehmann, "Estimates of location based on rank tests", 1963; Clopper and
// Pearson, "The use of confidence or fiducial limits", 1934.
//
// Thread safety: pure functions.

#include <cstdint>

#include "absl/types/span.h"

namespace opsbench::results::gate {

// REQUIRES: not empty.
double Median(absl::Span<const double> values);

// The probability that signs drawn by lot give the values a sum of positive
// ranks as large as theirs, or larger: small when the values lie above 0.
// Exact, also with ties; zeros say nothing and are left out. 1 for no values.
double SignedRankPValue(absl::Span<const double> values);

// Where the values lie: the median of the means of all their pairs
// (Hodges-Lehmann), between bounds each of which the signed-rank test rejects
// with probability `alpha` at most. A bound that so few values cannot give is
// infinite.
struct Location {
  double estimate = 0;
  double low = 0;
  double high = 0;
};

// REQUIRES: not empty, 0 < alpha < 0.5.
Location Locate(absl::Span<const double> values, double alpha);

// The standard deviation of normal noise with this median of absolute values:
// single outliers do not move it. REQUIRES: not empty.
double RobustDeviation(absl::Span<const double> values);

// Two-sided, by the normal approximation with correction for ties and
// continuity: what SciPy's mannwhitneyu, and so compare.py of Google Benchmark,
// says of ten repetitions. REQUIRES: neither is empty.
double MannWhitneyPValue(absl::Span<const double> a,
                         absl::Span<const double> b);

// The rate behind `hits` of `trials`: exact interval of Clopper and Pearson.
struct RateInterval {
  double low = 0;
  double high = 1;
};

// REQUIRES: 0 <= hits <= trials, 0 < confidence < 1.
RateInterval ClopperPearson(int64_t hits, int64_t trials, double confidence);

}  // namespace opsbench::results::gate

#endif  // OPSBENCH_RESULTS_GATE_STATISTICS_H_
