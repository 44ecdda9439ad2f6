#ifndef OPSBENCH_VECTOR_INTERNAL_RECALL_SEARCH_H_
#define OPSBENCH_VECTOR_INTERNAL_RECALL_SEARCH_H_

// Which settings have enough recall, as long as recall depends on one parameter
// alone and rises with it: by halving that parameter's range. All measurements
// of one of its values, a rank, are taken together.
//
// Thread safety: for one thread.

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "opsbench/vector/internal/setting_space.h"

namespace opsbench::vector::internal {

class RecallSearch {
 public:
  // `space` has to outlive this.
  RecallSearch(const SettingSpace* space, double min_recall);

  void Add(size_t setting, double recall);
  // The setting cannot be measured. A rank where three failed and none worked
  // counts as too high.
  void Fail(size_t setting);

  // Whether the structure was promised and not contradicted so far.
  bool holds() const { return holds_; }
  // What was promised or seen, in a sentence; empty: nothing.
  std::string Note() const;

  // A setting that says something else than others, or lies so near the
  // constraint that one measurement does not decide: to be measured again. When
  // what contradicts was measured twice, there is nothing more to doubt and
  // holds() is false from then on.
  absl::optional<size_t> Doubt();

  // The rank to be measured next; none: the least rank that has enough recall
  // is known, or that there is none.
  absl::optional<size_t> NextRank() const;

  // The least rank that has enough, ranks() if none does. REQUIRES: !NextRank()
  size_t LeastRank() const;

  size_t ranks() const { return by_rank_.size(); }
  size_t RankOf(size_t setting) const;
  size_t WithRank(size_t setting, size_t rank) const;
  // Whether measurements of the rank say that its recall is too low, or that it
  // cannot be measured.
  bool IsOut(size_t rank) const;
  // REQUIRES: the rank was measured.
  double MedianRecall(size_t rank) const;

 private:
  struct Rank {
    std::map<size_t, std::vector<double>> by_setting;
    size_t samples = 0;
    size_t failures = 0;
  };
  // lo: the highest rank with too little, or -1. hi: the lowest above it with
  // enough or that fails, or ranks().
  struct Bounds {
    int lo = -1;
    int hi = 0;
  };

  Bounds Find() const;
  bool IsShort(size_t rank) const;
  bool IsBroken(const Rank& rank) const;
  // Differences within it are noise.
  double Noise(double least) const;
  absl::optional<size_t> DoubtOrder();
  absl::optional<size_t> DoubtConstancy();
  absl::optional<size_t> DoubtBoundary() const;

  const SettingSpace* space_;
  double min_recall_;
  absl::optional<size_t> rising_;  // Parameter.
  bool promised_ = true;
  bool holds_ = true;
  std::string contradiction_;
  std::vector<Rank> by_rank_;
};

}  // namespace opsbench::vector::internal

#endif  // OPSBENCH_VECTOR_INTERNAL_RECALL_SEARCH_H_
