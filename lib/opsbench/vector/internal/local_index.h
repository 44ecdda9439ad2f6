#ifndef OPSBENCH_VECTOR_INTERNAL_LOCAL_INDEX_H_
#define OPSBENCH_VECTOR_INTERNAL_LOCAL_INDEX_H_

// What the indexes of this process have in common: checks of what they are
// given, and vectors as they keep them.
//
// Thread safety: functions keep no state; a QueryReader is for one thread.

#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "opsbench/vector/backend.h"
#include "opsbench/vector/dataset.h"
#include "opsbench/vector/vectors.h"

namespace opsbench::vector::internal {

// InvalidArgument: see local_backends.h.
absl::Status CheckBuild(const Dataset& data, const BuildOptions& options);

// InvalidArgument: `m` not from 2 to 512, `ef_construction` not from 1 to 2^20.
absl::Status CheckGraphOptions(const BuildOptions& options,
                               absl::string_view backend);

// The metric of an index whose vectors all have length 1 or are 0.
inline Metric IndexMetric(Metric metric) {
  return metric == Metric::kCosine ? Metric::kInnerProduct : metric;
}

// Writes a vector as an index of the metric keeps it: for cosine with a length
// of 1 (0 stays 0, so that 1 - product is 1), else as it is.
void StoreVector(Metric metric, absl::Span<const float> vector, float* to);

// Checks requests, and gives the query as the index wants it.
class QueryReader {
 public:
  // Of what Build() was given.
  explicit QueryReader(const Dataset& data);

  // Valid until the next call, and no longer than the request's query.
  absl::StatusOr<const float*> Read(const SearchRequest& request);

 private:
  const Metric metric_;
  const size_t dimension_;
  const bool has_attributes_;
  std::vector<float> stored_;  // Cosine only.
};

}  // namespace opsbench::vector::internal

#endif  // OPSBENCH_VECTOR_INTERNAL_LOCAL_INDEX_H_
