#ifndef OPSBENCH_VECTOR_RECALL_H_
#define OPSBENCH_VECTOR_RECALL_H_

// How many of the right neighbours a search found.
//
// Recall of one query: hits / k, where k is what was asked for, so that a short
// reply counts against the search. When fewer than k base vectors could have
// been found, which the truth then says, k is their number. When there are
// none, recall is not defined, and the query does not count.
//
// What is a hit: a distinct id that is among the first k of the truth, or, by
// distance, one that is no further than the k-th of the truth:
//
//   distance <= kth + epsilon * max(|kth|, 1e-6)
//
// The second rule counts ties right: of several base vectors that are equally
// near, the truth holds only those with the smallest ids. ann-benchmarks counts
// by a threshold of distance likewise. An id twice in a reply counts once, and
// hits are never more than k. The distance is the exact one of the pair, not
// what the engine said, which may be of another scale or wrong.
//
// Thread safety: Recall is for one thread; functions keep no state.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "absl/types/span.h"
#include "opsbench/vector/dataset.h"
#include "opsbench/vector/vectors.h"

namespace opsbench::vector {

// Relative error of distances in single precision, generously.
inline constexpr double kRecallEpsilon = 1e-5;

// Hits of one query among the ids found. `truth` is nearest first; its first k
// count. Ids that no base vector has are no hits. `matches`, when not null, is
// the filter that the truth was made with: what does not pass it is no hit.
// REQUIRES: query < data.queries().rows, k > 0.
size_t CountHits(const Dataset& data, size_t query,
                 absl::Span<const Neighbor> truth,
                 absl::Span<const Neighbor> found, size_t k,
                 const Filter* matches = nullptr,
                 double epsilon = kRecallEpsilon);

// Average and range over queries.
class Recall {
 public:
  // `hits` of `wanted`, among `found` answers. Nothing is added where nothing
  // could be found.
  void Add(size_t hits, size_t wanted,
           size_t found = std::numeric_limits<size_t>::max()) {
    if (wanted == 0) return;
    const double recall =
        static_cast<double>(hits) / static_cast<double>(wanted);
    if (found < wanted) ++short_replies_;
    sum_ += recall;
    min_ = std::min(min_, recall);
    max_ = std::max(max_, recall);
    ++queries_;
  }

  void Merge(const Recall& other) {
    sum_ += other.sum_;
    min_ = std::min(min_, other.min_);
    max_ = std::max(max_, other.max_);
    queries_ += other.queries_;
    short_replies_ += other.short_replies_;
  }

  // 0 when there was no query.
  double average() const {
    return queries_ == 0 ? 0 : sum_ / static_cast<double>(queries_);
  }
  double min() const { return queries_ == 0 ? 0 : min_; }
  double max() const { return queries_ == 0 ? 0 : max_; }
  int64_t queries() const { return queries_; }
  // With fewer neighbours than could be found.
  int64_t short_replies() const { return short_replies_; }

 private:
  double sum_ = 0;
  double min_ = std::numeric_limits<double>::infinity();
  double max_ = 0;
  int64_t queries_ = 0;
  int64_t short_replies_ = 0;
};

// Adds one query: its hits over k, or over the length of the truth if that is
// less. An error reply is an empty `found`: its recall is 0.
void AddRecall(const Dataset& data, size_t query,
               absl::Span<const Neighbor> truth,
               absl::Span<const Neighbor> found, size_t k, Recall* recall,
               const Filter* matches = nullptr);

}  // namespace opsbench::vector

#endif  // OPSBENCH_VECTOR_RECALL_H_
