#ifndef OPSBENCH_VECTOR_VECTORS_H_
#define OPSBENCH_VECTOR_VECTORS_H_

// What vector search is about: vectors, how far apart they are, and the
// neighbours of a query.
//
// Distances are such that smaller is nearer, as the engines themselves report
// them (RediSearch, pgvector, hnswlib):
//   l2      the square of the Euclidean distance
//   ip      1 - the inner product
//   cosine  1 - the cosine of the angle; 1 when a vector is all 0
//
// Thread safety: value types.

#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace opsbench::vector {

enum class Metric : uint8_t { kL2, kInnerProduct, kCosine };

// "l2", "ip", "cosine"; ParseMetric also takes the usual others ("euclidean",
// "angular", "dot"). InvalidArgument lists what there is.
absl::string_view MetricName(Metric metric);
absl::StatusOr<Metric> ParseMetric(absl::string_view name);

// Rows of one length, one after the other, that somebody else owns.
struct Matrix {
  const float* data = nullptr;
  size_t rows = 0;
  size_t dimension = 0;

  absl::Span<const float> row(size_t i) const {
    return {data + i * dimension, dimension};
  }
};

struct Neighbor {
  int64_t id = 0;  // Row of the base vectors.
  float distance = 0;

  // Nearer first, equally near ones by ascending id.
  friend bool operator<(const Neighbor& a, const Neighbor& b) {
    return a.distance != b.distance ? a.distance < b.distance : a.id < b.id;
  }
  friend bool operator==(const Neighbor& a, const Neighbor& b) {
    return a.id == b.id && a.distance == b.distance;
  }
};

// Which base vectors may be found. Each has a tag below `tags` and a number in
// [0, 1); see Attributes.
struct Filter {
  // At most one of these.
  bool by_tag = false;
  bool by_number = false;
  uint32_t tag = 0;
  // number_low <= number < number_high.
  double number_low = 0;
  double number_high = 1;

  bool any() const { return by_tag || by_number; }
};

}  // namespace opsbench::vector

#endif  // OPSBENCH_VECTOR_VECTORS_H_
