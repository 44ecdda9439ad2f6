#include "opsbench/base/distributions.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "opsbench/base/internal/portable_math.h"

namespace opsbench {
namespace {

using internal::PortableExp;
using internal::PortableLog;

// log(1 + t) / t and (e^t - 1) / t, continued through t = 0, where the naive
// forms lose every digit. The error of `u` cancels in the quotient: Kahan's
// trick, Higham, "Accuracy and Stability of Numerical Algorithms", 1.14.1.
double LogRatio(double t) {
  const double u = 1 + t;
  return u == 1 ? 1 : PortableLog(u) / (u - 1);
}

double ExpRatio(double t) {
  const double u = PortableExp(t);
  if (u == 1) {
    return 1;
  }
  // Far from 1 nothing cancels, and `u` may have no logarithm.
  return std::abs(t) > 1 ? (u - 1) / t : (u - 1) / PortableLog(u);
}

}  // namespace

double Exponential(Random& random, double mean) {
  assert(mean > 0);
  // In the middle of one of 2^52 parts of (0, 1): neither end is possible.
  const double uniform =
      (static_cast<double>(random.Next() >> 12) + 0.5) * 0x1.0p-52;
  return -mean * PortableLog(uniform);
}

double Normal(Random& random) {
  for (;;) {
    const double x = 2 * random.Double() - 1;
    const double y = 2 * random.Double() - 1;
    const double square = x * x + y * y;
    // At least 2^-104 when it is not 0, so normal. The second value that the
    // method gives is let go: keeping it would need a state.
    if (square > 0 && square < 1) {
      return x * std::sqrt(-2 * PortableLog(square) / square);
    }
  }
}

absl::StatusOr<WeightedChoice> WeightedChoice::Create(
    absl::Span<const double> weights) {
  if (weights.empty()) {
    return absl::InvalidArgumentError("a choice needs at least one weight");
  }
  if (weights.size() > std::numeric_limits<uint32_t>::max()) {
    return absl::InvalidArgumentError(
        absl::StrCat("too many weights: ", weights.size()));
  }
  double largest = 0;
  for (const double weight : weights) {
    if (!std::isfinite(weight) || weight < 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          "a weight must be finite and not negative, got ", weight));
    }
    largest = std::max(largest, weight);
  }
  if (largest == 0) {
    return absl::InvalidArgumentError("at least one weight must be above 0");
  }
  // Relative to the largest, so that no sum overflows.
  double sum = 0;
  for (const double weight : weights) {
    sum += weight / largest;
  }
  const double scale = static_cast<double>(weights.size()) / sum;
  std::vector<double> share;
  share.reserve(weights.size());
  for (const double weight : weights) {
    share.push_back(weight / largest * scale);
  }
  return WeightedChoice(std::move(share));
}

// Vose: each slot holds an average share. One with less is filled up by one
// with more, which keeps the rest of its share for later.
WeightedChoice::WeightedChoice(std::vector<double> share)
    : slots_(share.size()) {
  std::vector<uint32_t> small;
  std::vector<uint32_t> large;
  for (uint32_t i = 0; i < size(); ++i) {
    slots_[i] = {.keep = 0, .alias = i};
    (share[i] < 1 ? small : large).push_back(i);
  }
  while (!small.empty() && !large.empty()) {
    const uint32_t under = small.back();
    const uint32_t over = large.back();
    small.pop_back();
    slots_[under] = {.keep = static_cast<uint64_t>(share[under] * 0x1.0p64),
                     .alias = over};
    share[over] = (share[over] + share[under]) - 1;
    if (share[over] < 1) {
      large.pop_back();
      small.push_back(over);
    }
  }
  // What is left differs from 1 by rounding only and stays its own alias.
}

uint32_t WeightedChoice::operator()(Random& random) const {
  // One draw serves twice: the product's upper half is the slot, its lower half
  // the place within the slot.
  const unsigned __int128 product =
      static_cast<unsigned __int128>(random.Next()) * slots_.size();
  const auto index = static_cast<uint32_t>(product >> 64);
  const Slot& slot = slots_[index];
  return static_cast<uint64_t>(product) < slot.keep ? index : slot.alias;
}

absl::StatusOr<Zipf> Zipf::Create(uint64_t items, double skew) {
  if (items == 0) {
    return absl::InvalidArgumentError("Zipf needs at least one item");
  }
  if (!std::isfinite(skew) || skew < 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the skew of Zipf must be finite and not negative, got ", skew));
  }
  return Zipf(items, skew);
}

Zipf::Zipf(uint64_t items, double skew)
    : items_(items),
      skew_(skew),
      h_first_(H(1.5) - 1),
      h_last_(H(static_cast<double>(items) + 0.5)),
      accept_(2 - HInverse(H(2.5) - PortableExp(-skew * PortableLog(2)))) {}

double Zipf::H(double x) const {
  const double log_x = PortableLog(x);
  return ExpRatio((1 - skew_) * log_x) * log_x;
}

double Zipf::HInverse(double y) const {
  const double t = (1 - skew_) * y;
  // Rounding may carry y beyond the integral's limit, which x never reaches.
  return t <= -1 ? std::numeric_limits<double>::infinity()
                 : PortableExp(LogRatio(t) * y);
}

uint64_t Zipf::operator()(Random& random) const {
  if (skew_ == 0) {
    return random.Below(items_);
  }
  for (;;) {
    // A point under the histogram of hats: h_first_ < y <= h_last_.
    const double y = h_last_ + random.Double() * (h_first_ - h_last_);
    const double x = HInverse(y);
    const double nearest = std::max(std::floor(x + 0.5), 1.0);
    const bool is_last = nearest >= static_cast<double>(items_);
    const double rank = is_last ? static_cast<double>(items_) : nearest;
    // The first test is a cheap sufficient condition for the second.
    if (rank - x <= accept_ ||
        y >= H(rank + 0.5) - PortableExp(-skew_ * PortableLog(rank))) {
      return (is_last ? items_ : static_cast<uint64_t>(rank)) - 1;
    }
  }
}

}  // namespace opsbench
