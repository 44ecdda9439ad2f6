#ifndef OPSBENCH_VECTOR_INTERNAL_HNSW_SEARCH_H_
#define OPSBENCH_VECTOR_INTERNAL_HNSW_SEARCH_H_

// The search over an HnswLayout: hnswlib_backend.h says how it differs from
// hnswlib's.
//
// Thread safety: for one thread.

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
  // those whose row passes(row). REQUIRES: 0 < k <= ef.
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

  uint32_t Descend(const float* query) const;
  void Forget();
  // Marks the links of a node that were not seen before; returns how many.
  size_t TakeUnseen(uint32_t node);
  template <typename Passes>
  void Offer(Candidate candidate, size_t ef, const Passes& passes);

  // Of one vector.
  void Prefetch(uint32_t node) const;

  const HnswLayout& layout_;
  const DistanceFunction<float>& distance_;
  const size_t vector_bytes_;

  // seen_[node] == round_: this search has seen the node.
  std::vector<uint16_t> seen_;
  uint16_t round_ = 0;
  std::vector<Candidate> to_visit_;  // Nearest on top.
  std::vector<Candidate> nearest_;   // Furthest on top.
  float limit_ = 0;                  // Beyond it nothing is wanted.
  std::vector<uint32_t> unseen_;
  std::vector<const float*> vectors_;
  std::vector<float> distances_;
};

}  // namespace opsbench::vector::internal

#endif  // OPSBENCH_VECTOR_INTERNAL_HNSW_SEARCH_H_
