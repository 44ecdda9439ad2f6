#ifndef OPSBENCH_VECTOR_INTERNAL_HNSW_SEARCH_H_
#define OPSBENCH_VECTOR_INTERNAL_HNSW_SEARCH_H_

// The search over an HnswLayout: hnsw_backend.h says how it differs from
// hnswlib's.
//
// Thread safety: for one thread.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "opsbench/vector/distance.h"
#include "opsbench/vector/internal/hnsw_graph.h"
#include "opsbench/vector/vectors.h"

namespace opsbench::vector::internal {

class HnswSearch {
 public:
  // Both must outlive it. REQUIRES: layout.size > 0.
  HnswSearch(const HnswLayout& layout, const DistanceFunction<float>& distance,
             size_t dimension);

  // The nearest `k` of the `ef` nearest that it comes by, nearest first, among
  // those whose node passes(node). REQUIRES: 0 < k <= ef.
  template <typename Passes>
  void Run(const float* query, size_t k, size_t ef, const Passes& passes,
           std::vector<Neighbor>* found);

 private:
  using Candidate = std::pair<float, uint32_t>;  // Distance, node.

  // Both heaps have their top in front. Order of equal distances: as
  // std::priority_queue leaves it, which hnswlib uses.
  struct Nearer {
    bool operator()(const Candidate& a, const Candidate& b) const {
      return a.first < b.first;
    }
  };
  struct Further {
    bool operator()(const Candidate& a, const Candidate& b) const {
      return a.first > b.first;
    }
  };

  // The node of the lowest level from which to search it.
  uint32_t Descend(const float* query) const;
  // Starts a search that has seen nothing.
  void Begin();
  // Those links of a node that this search had not seen, with their distances.
  size_t TakeUnseen(uint32_t node, const float* query);
  template <typename Passes>
  void Offer(Candidate candidate, size_t ef, const Passes& passes);
  void Take(size_t k, std::vector<Neighbor>* found);

  const HnswLayout& layout_;
  const DistanceFunction<float>& distance_;
  const size_t prefetch_bytes_;  // Of a vector.

  // seen_[node] == round_: this search has seen the node.
  std::vector<uint16_t> seen_;
  uint16_t round_ = 0;
  std::vector<Candidate> to_visit_;  // Nearest on top.
  std::vector<Candidate> nearest_;   // Furthest on top.
  float limit_ = 0;                  // Beyond it nothing is wanted.
  std::vector<uint32_t> unseen_;     // As many as a node may have links.
  std::vector<float> distances_;     // Of them.
};

template <typename Passes>
void HnswSearch::Offer(Candidate candidate, size_t ef, const Passes& passes) {
  if (nearest_.size() >= ef && !(candidate.first < limit_)) return;
  to_visit_.push_back(candidate);
  std::push_heap(to_visit_.begin(), to_visit_.end(), Further());
  // Likely to be visited next: its links are wanted first.
  const uint32_t* const links = layout_.links(to_visit_.front().second);
  __builtin_prefetch(links);
  __builtin_prefetch(links + 16);
  if (!passes(candidate.second)) return;
  nearest_.push_back(candidate);
  std::push_heap(nearest_.begin(), nearest_.end(), Nearer());
  if (nearest_.size() > ef) {
    std::pop_heap(nearest_.begin(), nearest_.end(), Nearer());
    nearest_.pop_back();
  }
  limit_ = nearest_.front().first;
}

template <typename Passes>
void HnswSearch::Run(const float* query, size_t k, size_t ef,
                     const Passes& passes, std::vector<Neighbor>* found) {
  Begin();
  const uint32_t start = Descend(query);
  seen_[start] = round_;
  Offer({distance_(query, layout_.vector(start)), start}, ef, passes);
  while (!to_visit_.empty()) {
    const Candidate nearest = to_visit_.front();
    if (nearest_.size() == ef && nearest.first > limit_) break;
    std::pop_heap(to_visit_.begin(), to_visit_.end(), Further());
    to_visit_.pop_back();
    const size_t count = TakeUnseen(nearest.second, query);
    for (size_t i = 0; i < count; ++i) {
      Offer({distances_[i], unseen_[i]}, ef, passes);
    }
  }
  Take(k, found);
}

}  // namespace opsbench::vector::internal

#endif  // OPSBENCH_VECTOR_INTERNAL_HNSW_SEARCH_H_
