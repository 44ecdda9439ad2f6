#ifndef OPSBENCH_RESULTS_CHANGE_POINTS_H_
#define OPSBENCH_RESULTS_CHANGE_POINTS_H_

// Where a series of measurements changed its level for good, told from noise.
//
// Method: e-divisive means proposes the places (Matteson and James, "A
// Nonparametric Approach for Multiple Change Point Analysis of Multivariate
// Data", JASA 109(505), 2014, with distances to the power of 1), in overlapping
// windows, and Student's t-test between the neighbouring segments decides, weak
// places being merged bottom-up: the variant of Fleming et al., "Hunter: Using
// Change Point Detection to Hunt for Performance Regressions in CI",
// arXiv:2301.03034. In place of a permutation test, a t-test can tell in a
// short series, and gives the same answer each time. Beyond Hunter: the level
// of significance is divided by the number of places that were looked at, since
// the best of fifty looks significant in noise as well; and values are compared
// by their logarithms, in which the spread does not grow with the level; and
// Mann and Whitney's test of ranks has to agree, since a few outliers side by
// side, as on shared machines, are no level.
//
// Cost: O(n * window) time, O(window^2) memory.
//
// Thread safety: a pure function.

#include <cstddef>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace opsbench::results {

struct ChangePointOptions {
  // Probability with which noise alone shows a change within one window, for
  // values whose logarithms are independent and normal, also where one in
  // twenty is larger by 10 to 30%.
  double significance = 0.001;

  // Smaller relative changes of the level are left out.
  double smallest_change = 0.02;

  // Values that are looked at together; windows overlap by half. At least 4.
  size_t window = 50;
};

struct ChangePoint {
  size_t index = 0;    // Of the first value at the new level.
  double before = 0;   // Geometric means of the levels on either side, up to
  double after = 0;    // the neighbouring change points.
  double p_value = 1;  // The larger of both tests', before the division.
  double Change() const { return after / before - 1; }
};

// What a report says of the method, with its source.
absl::string_view ChangePointMethod();

// In ascending order. Every level has at least three values: an outlier or two
// are no change, and a series of five has none. Nor has one with a value that
// is not finite and above 0.
std::vector<ChangePoint> FindChangePoints(
    absl::Span<const double> values, const ChangePointOptions& options = {});

}  // namespace opsbench::results

#endif  // OPSBENCH_RESULTS_CHANGE_POINTS_H_
