#ifndef OPSBENCH_VECTOR_INTERNAL_PARTS_H_
#define OPSBENCH_VECTOR_INTERNAL_PARTS_H_

// What readers and generators put together, and the checks that make a data set
// of it: what every Dataset keeps, wherever it came from.
//
// Thread safety: functions keep no state.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opsbench/vector/dataset.h"
#include "opsbench/vector/vectors.h"

namespace opsbench::vector::internal {

inline constexpr size_t kMaxDimension = 65'535;

// Vectors of a file.
struct VectorTable {
  size_t rows = 0;
  size_t dimension = 0;
  std::vector<float> values;

  Matrix matrix() const { return {values.data(), rows, dimension}; }
};

// Ids of a file: `k` a row.
struct IdTable {
  size_t rows = 0;
  size_t k = 0;
  std::vector<int64_t> ids;
};

struct DatasetParts {
  std::string name;
  Metric metric = Metric::kL2;
  VectorTable base;
  VectorTable queries;
  size_t truth_k = 0;
  std::vector<Neighbor> truth;
  Attributes attributes;
};

// InvalidArgument, with `source` and the place: no vectors, a dimension of 0 or
// above kMaxDimension, a component that is NaN or infinite.
absl::Status CheckVectors(Matrix vectors, absl::string_view what,
                          absl::string_view source);

// Ids in range and distinct, as many rows as queries, at most as many
// neighbours as base vectors, nearest first under the metric of the data set.
absl::Status CheckTruth(const Dataset& data, absl::string_view source);

// Distances of ids, by ExactDistance(), in order. InvalidArgument as
// CheckTruth(), and when the ids are in an order that the metric does not
// explain, which says that it is another metric's or other vectors' truth.
absl::StatusOr<std::vector<Neighbor>> TruthOfIds(Matrix base, Matrix queries,
                                                 Metric metric,
                                                 const IdTable& ids,
                                                 absl::string_view source);

// InvalidArgument as above, and for attributes that are not those of the base.
absl::StatusOr<std::unique_ptr<Dataset>> MakeDataset(DatasetParts parts,
                                                     absl::string_view source);

// Of a Dataset that stands on other memory.
absl::Status CheckDataset(const Dataset& data, absl::string_view source);

}  // namespace opsbench::vector::internal

#endif  // OPSBENCH_VECTOR_INTERNAL_PARTS_H_
