#ifndef OPSBENCH_BASE_DISTRIBUTIONS_H_
#define OPSBENCH_BASE_DISTRIBUTIONS_H_

// Random distributions over opsbench::Random: the same values, to the bit, on
// every compiler and platform with IEEE 754 doubles. The standard library's
// distributions are not, nor is the C library's log() from one processor to the
// next; internal/portable_math.h says why.
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
// between arrivals of a Poisson process. By inversion of 52 random bits, so at
// most 36.8 times the mean. REQUIRES: mean > 0.
double Exponential(Random& random, double mean);

// Normally distributed with mean 0 and variance 1: Marsaglia's polar method,
// Marsaglia and Bray, "A convenient method for generating normal variables",
// SIAM Review 6(3), 1964. Two draws of 53 bits a trial, of which 79% succeed.
double Normal(Random& random);

// Draws index i with probability weights[i] / sum in O(1): Walker's alias
// method as built by Vose, "A linear algorithm for generating random numbers
// with a given distribution", IEEE TSE 17(9), 1991. Each probability is met to
// within 2^-32; an index of weight 0 is never drawn.
class WeightedChoice {
 public:
  // InvalidArgument: no weight, 2^32 weights or more, a negative or non-finite
  // weight, or a sum of 0.
  static absl::StatusOr<WeightedChoice> Create(
      absl::Span<const double> weights);

  uint32_t operator()(Random& random) const;

  uint32_t size() const { return static_cast<uint32_t>(slots_.size()); }

 private:
  struct Slot {
    uint64_t keep;   // Of 2^64 places in the slot, those of its own index.
    uint32_t alias;  // Has the others; itself when all are its own.
  };

  // `share`: each index's weight over the average weight.
  explicit WeightedChoice(std::vector<double> share);

  std::vector<Slot> slots_;
};

// Zipf over ranks 0 to items - 1: rank k with probability proportional to
// 1 / (k + 1)^skew. Every skew >= 0: 0 is uniform; 1 and above work as below
// it. O(1) a draw, no table, by rejection inversion: Hörmann and Derflinger,
// "Rejection-inversion to generate variates from monotone discrete
// distributions", ACM TOMACS 6(3), 1996.
//
// A draw rests on 53 random bits: what is rarer than 2^-53 is not resolved, and
// with more than 2^53 items and a skew above 0 not every rank is reachable.
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

  // The integral of x^-skew from 1 to x, and its inverse: continuous in the
  // skew, with no loss of digits around 1.
  double H(double x) const;
  double HInverse(double y) const;

  uint64_t items_;
  double skew_;
  double h_first_;  // H at the two ends of the area that is drawn from.
  double h_last_;
  double accept_;  // A point this close below its rank needs no second look.
};

}  // namespace opsbench

#endif  // OPSBENCH_BASE_DISTRIBUTIONS_H_
