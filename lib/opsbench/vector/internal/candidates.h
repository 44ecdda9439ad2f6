#ifndef OPSBENCH_VECTOR_INTERNAL_CANDIDATES_H_
#define OPSBENCH_VECTOR_INTERNAL_CANDIDATES_H_

// What may yet be among the k nearest of one query, by distances that are off
// by a known bound.
//
// Thread safety: for one thread.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "opsbench/vector/vectors.h"

namespace opsbench::vector::internal {

struct Candidate {
  float approximate = 0;
  uint32_t row = 0;
};

class Candidates {
 public:
  // What lies further than this beyond the k-th nearest seen cannot be among
  // the nearest: twice the bound on the error of a distance. Infinite when
  // there is no bound.
  Candidates(size_t k, double slack) : k_(k), slack_(slack) {}

  // Whatever is not above it has to be added. Infinite, or NaN, at first.
  float threshold() const { return threshold_; }
  bool full() const { return items_.size() >= 5 * k_ / 2 + 64; }
  void Add(Candidate candidate) { items_.push_back(candidate); }
  const std::vector<Candidate>& items() const { return items_; }

  // Drops what cannot be among the nearest. `exact` gives a row's Neighbor; it
  // is asked only when the approximate distances do not tell enough apart.
  template <typename Exact>
  void Shrink(const Exact& exact) {
    if (items_.size() <= k_) return;
    if (std::isfinite(slack_)) {
      const auto kth = items_.begin() + static_cast<ptrdiff_t>(k_ - 1);
      std::nth_element(items_.begin(), kth, items_.end(),
                       [](const Candidate& a, const Candidate& b) {
                         return a.approximate < b.approximate;
                       });
      threshold_ =
          std::min(threshold_,
                   std::nextafter(static_cast<float>(kth->approximate + slack_),
                                  std::numeric_limits<float>::infinity()));
      items_.erase(std::remove_if(items_.begin(), items_.end(),
                                  [this](const Candidate& candidate) {
                                    return candidate.approximate > threshold_;
                                  }),
                   items_.end());
    }
    if (items_.size() > 3 * k_ / 2 + 32) KeepNearest(exact);
  }

 private:
  // Ties, or a bound that is wide: k of these are nearer than all others of
  // them, and will stay so whatever comes.
  template <typename Exact>
  void KeepNearest(const Exact& exact) {
    struct Known {
      Neighbor neighbor;
      Candidate candidate;
    };
    std::vector<Known> known;
    known.reserve(items_.size());
    for (const Candidate& item : items_) known.push_back({exact(item), item});
    std::nth_element(
        known.begin(), known.begin() + static_cast<ptrdiff_t>(k_ - 1),
        known.end(),
        [](const Known& a, const Known& b) { return a.neighbor < b.neighbor; });
    items_.clear();
    for (size_t i = 0; i < k_; ++i) items_.push_back(known[i].candidate);
  }

  size_t k_;
  double slack_;
  float threshold_ = std::numeric_limits<float>::infinity();
  std::vector<Candidate> items_;
};

}  // namespace opsbench::vector::internal

#endif  // OPSBENCH_VECTOR_INTERNAL_CANDIDATES_H_
