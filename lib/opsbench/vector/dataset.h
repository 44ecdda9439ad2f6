#ifndef OPSBENCH_VECTOR_DATASET_H_
#define OPSBENCH_VECTOR_DATASET_H_

// A data set: base vectors to search in, queries, and for each query the
// neighbours that are right.
//
// Thread safety: a Dataset is immutable once made; any number of threads may
// read it.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "opsbench/vector/vectors.h"

namespace opsbench::vector {

// What filters look at, by base vector. Empty: there are none.
struct Attributes {
  uint32_t tag_count = 0;
  std::vector<uint32_t> tags;  // Below tag_count.
  std::vector<float> numbers;  // In [0, 1).

  bool empty() const { return tags.empty(); }
  bool Matches(const Filter& filter, size_t row) const;
};

class Dataset {
 public:
  virtual ~Dataset() = default;

  const std::string& name() const { return name_; }
  Metric metric() const { return metric_; }
  size_t dimension() const { return base_.dimension; }
  Matrix base() const { return base_; }
  Matrix queries() const { return queries_; }

  // The right neighbours of query `i` without a filter, nearest first; fewer
  // than asked for only when the base has fewer. Empty when the file has none
  // (then see ground_truth.h).
  size_t truth_k() const { return truth_k_; }
  absl::Span<const Neighbor> truth(size_t i) const {
    return absl::MakeConstSpan(truth_).subspan(i * truth_k_, truth_k_);
  }
  const Attributes& attributes() const { return attributes_; }

  // A hash of what is searched in, bit by bit: metric, dimension, base vectors
  // and attributes. The same on every machine, since servers keep it. Worked
  // out at the first call.
  uint64_t content_hash() const;

 protected:
  std::string name_;
  Metric metric_ = Metric::kL2;
  Matrix base_;
  Matrix queries_;
  size_t truth_k_ = 0;
  std::vector<Neighbor> truth_;  // truth_k_ a query.
  Attributes attributes_;

 private:
  mutable std::atomic<uint64_t> content_hash_{0};  // 0: not worked out.
};

}  // namespace opsbench::vector

#endif  // OPSBENCH_VECTOR_DATASET_H_
