#ifndef OPSBENCH_BASE_DISTRIBUTIONS_H_
#define OPSBENCH_BASE_DISTRIBUTIONS_H_

// Random distributions over opsbench::Random: the same values on every
// platform.
//
// Thread safety: immutable after construction; one instance may serve any
// number of threads, each with its own Random.

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "opsbench/base/random.h"

namespace opsbench {

// Exponentially distributed with the given mean, above 0 and finite: the time
// between arrivals of a Poisson process. By inversion. REQUIRES: mean > 0.
double Exponential(Random& random, double mean);

// Draws index i with probability weights[i] / sum in O(1): Walker's alias
// method as built by Vose, "A linear algorithm for generating random numbers
// with a given distribution", IEEE TSE 17(9), 1991.
class WeightedChoice {
 public:
  // InvalidArgument: no weight, a negative or non-finite weight, or a sum of 0.
  static absl::StatusOr<WeightedChoice> Create(
      absl::Span<const double> weights);

  uint32_t operator()(Random& random) const;

  uint32_t size() const { return static_cast<uint32_t>(slots_.size()); }

 private:
  struct Slot {
    double keep;     // Probability of the slot's own index.
    uint32_t alias;  // Drawn otherwise.
  };

  explicit WeightedChoice(std::vector<Slot> slots);

  std::vector<Slot> slots_;
};

// Zipf over ranks 0 to items - 1: rank k with probability proportional to
// 1 / (k + 1)^skew. Every skew >= 0: 0 is uniform; 1 and above work as below
// it. O(1) a draw, no table, by rejection inversion: Hörmann and Derflinger,
// "Rejection-inversion to generate variates from monotone discrete
// distributions", ACM TOMACS 6(3), 1996.
class Zipf {
 public:
  // InvalidArgument: no items, or a skew that is negative or not finite.
  static absl::StatusOr<Zipf> Create(uint64_t items, double skew);

  // A rank in [0, items); 0 is the most frequent.
  uint64_t operator()(Random& random) const;

  uint64_t items() const { return items_; }
  double skew() const { return skew_; }

 private:
  Zipf(uint64_t items, double skew);

  // The integral of x^-skew and its inverse, both exact through skew 1.
  double H(double x) const;
  double HInverse(double y) const;

  uint64_t items_;
  double skew_;
  double h_first_;
  double h_last_;
  double accept_;
};

}  // namespace opsbench

#endif  // OPSBENCH_BASE_DISTRIBUTIONS_H_
