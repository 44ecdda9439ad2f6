#ifndef OPSBENCH_VECTOR_GROUND_TRUTH_H_
#define OPSBENCH_VECTOR_GROUND_TRUTH_H_

// The right neighbours, by looking at every base vector.
//
// Two steps. A blocked matrix product in single precision, as fast as the
// processor multiplies, rules out what cannot be among the nearest: a base
// vector stays as long as its distance, less a bound on the rounding error, is
// not beyond the k-th nearest seen. What is left is compared by
// ExactDistance(). So the result is that of double precision, the same bits for
// every instruction set and number of threads.
//
// The bound: a sum of n products in floats is off by at most
// n * 2^-24 / (1 - n * 2^-24) times the lengths of the two vectors (Higham,
// "Accuracy and Stability of Numerical Algorithms", 3.1).
//
// Thread safety: functions keep no state; they start and join their threads.

#include <atomic>
#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "opsbench/vector/dataset.h"
#include "opsbench/vector/distance.h"
#include "opsbench/vector/vectors.h"

namespace opsbench::vector {

struct GroundTruthOptions {
  // Neighbours of each query.
  int k = 100;

  // Only base vectors that match. Needs `attributes`, one for each base vector.
  Filter filter;
  const Attributes* attributes = nullptr;

  // 0: one for each processor.
  int threads = 0;
  SimdLevel level = BestSimdLevel();

  // Called with the part that is done, in (0, 1], which rises: from one of the
  // threads, never from two at once.
  std::function<void(double)> on_progress;
  // Ends the search early, with Cancelled, once true.
  const std::atomic<bool>* stop = nullptr;
};

struct GroundTruth {
  // What was asked for, or how many base vectors match, if they are fewer.
  size_t k = 0;
  // k for each query, nearest first, equally near ones by ascending id.
  std::vector<Neighbor> neighbors;

  absl::Span<const Neighbor> of(size_t query) const {
    return absl::MakeConstSpan(neighbors).subspan(query * k, k);
  }
};

// InvalidArgument: vectors of different dimensions, k below 1, a filter without
// attributes or with those of other vectors, 2^32 base vectors or more.
// Cancelled: see `stop`.
absl::StatusOr<GroundTruth> ComputeGroundTruth(
    Matrix base, Matrix queries, Metric metric,
    const GroundTruthOptions& options = {});

// The reference: one query, every base vector by ExactDistance(), sorted. Slow
// and plain. `attributes` may be null when the filter is of nothing.
std::vector<Neighbor> NearestByScan(Matrix base, absl::Span<const float> query,
                                    Metric metric, size_t k,
                                    const Filter& filter,
                                    const Attributes* attributes);

}  // namespace opsbench::vector

#endif  // OPSBENCH_VECTOR_GROUND_TRUTH_H_
