#include "opsbench/base/distributions.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"

namespace opsbench {
namespace {

// log(1 + x) / x and (exp(x) - 1) / x, continuous through x = 0: what makes one
// formula serve the skews around 1, where the integral turns from a power into
// a logarithm.
double LogOnePlusOver(double x) {
  if (std::abs(x) > 1e-8) return std::log1p(x) / x;
  return 1 - x * (1.0 / 2 - x * (1.0 / 3 - x / 4));
}

double ExpMinusOneOver(double x) {
  if (std::abs(x) > 1e-8) return std::expm1(x) / x;
  return 1 + x / 2 * (1 + x / 3 * (1 + x / 4));
}

}  // namespace

double Exponential(Random& random, double mean) {
  // 1 - Double() is in (0, 1]: the logarithm is finite.
  return -mean * std::log(1 - random.Double());
}

WeightedChoice::WeightedChoice(std::vector<Slot> slots)
    : slots_(std::move(slots)) {}

absl::StatusOr<WeightedChoice> WeightedChoice::Create(
    absl::Span<const double> weights) {
  if (weights.empty()) {
    return absl::InvalidArgumentError("there is nothing to choose from");
  }
  double sum = 0;
  for (const double weight : weights) {
    if (!std::isfinite(weight) || weight < 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          "a weight must be a finite number of 0 or more, got ", weight));
    }
    sum += weight;
  }
  if (!std::isfinite(sum) || sum <= 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("the weights must have a sum above 0, got ", sum));
  }
  const size_t count = weights.size();
  std::vector<Slot> slots(count);
  std::vector<double> scaled(count);
  std::vector<uint32_t> small, large;
  for (size_t i = 0; i < count; ++i) {
    scaled[i] = weights[i] / sum * static_cast<double>(count);
    (scaled[i] < 1 ? small : large).push_back(static_cast<uint32_t>(i));
  }
  while (!small.empty() && !large.empty()) {
    const uint32_t less = small.back();
    small.pop_back();
    const uint32_t more = large.back();
    slots[less] = {scaled[less], more};
    scaled[more] -= 1 - scaled[less];
    if (scaled[more] < 1) {
      large.pop_back();
      small.push_back(more);
    }
  }
  // What rounding leaves over is full, unless it has no weight at all.
  const uint32_t heaviest = static_cast<uint32_t>(
      std::max_element(weights.begin(), weights.end()) - weights.begin());
  for (const std::vector<uint32_t>* rest : {&small, &large}) {
    for (const uint32_t i : *rest) {
      slots[i] = weights[i] > 0 ? Slot{1, i} : Slot{0, heaviest};
    }
  }
  return WeightedChoice(std::move(slots));
}

uint32_t WeightedChoice::operator()(Random& random) const {
  const uint32_t i = static_cast<uint32_t>(random.Below(slots_.size()));
  return random.Double() < slots_[i].keep ? i : slots_[i].alias;
}

absl::StatusOr<Zipf> Zipf::Create(uint64_t items, double skew) {
  if (items == 0) {
    return absl::InvalidArgumentError("Zipf needs at least one item");
  }
  if (!std::isfinite(skew) || skew < 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the skew must be a finite number of 0 or more, got ", skew));
  }
  return Zipf(items, skew);
}

Zipf::Zipf(uint64_t items, double skew) : items_(items), skew_(skew) {
  h_first_ = H(1.5) - 1;
  h_last_ = H(static_cast<double>(items) + 0.5);
  accept_ = 2 - HInverse(H(2.5) - std::exp(-skew * std::log(2.0)));
}

double Zipf::H(double x) const {
  const double log_x = std::log(x);
  return ExpMinusOneOver((1 - skew_) * log_x) * log_x;
}

double Zipf::HInverse(double y) const {
  // Rounding must not leave the domain of the logarithm.
  const double t = std::max(-1.0, y * (1 - skew_));
  return std::exp(LogOnePlusOver(t) * y);
}

uint64_t Zipf::operator()(Random& random) const {
  if (skew_ == 0) return random.Below(items_);
  while (true) {
    const double u = h_last_ + random.Double() * (h_first_ - h_last_);
    const double x = HInverse(u);
    const double nearest = std::floor(x + 0.5);
    const double k = std::clamp(nearest, 1.0, static_cast<double>(items_));
    if (k - x <= accept_ || u >= H(k + 0.5) - std::exp(-skew_ * std::log(k))) {
      return std::min(static_cast<uint64_t>(k), items_) - 1;
    }
  }
}

}  // namespace opsbench
