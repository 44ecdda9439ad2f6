#include "opsbench/vector/internal/kernels.h"

namespace opsbench::vector::internal {
namespace {

inline double Value(float value) { return value; }
inline double Value(Half value) { return ToFloat(value); }
inline double Value(int8_t value) { return value; }

template <typename T, Metric kMetric>
void Rows(const T* query, const T* rows, size_t row_count, size_t dimension,
          float* distances) {
  for (size_t r = 0; r < row_count; ++r) {
    const T* row = rows + r * dimension;
    double first = 0;
    double query_square = 0;
    double row_square = 0;
    for (size_t i = 0; i < dimension; ++i) {
      const double a = Value(query[i]);
      const double b = Value(row[i]);
      first += kMetric == Metric::kL2 ? (a - b) * (a - b) : a * b;
      if constexpr (kMetric == Metric::kCosine) {
        query_square += a * a;
        row_square += b * b;
      }
    }
    distances[r] = FinishDistance(kMetric, first, query_square, row_square);
  }
}

template <typename T, Metric kMetric>
void Block(const T* queries, size_t query_count, const T* rows,
           size_t row_count, size_t dimension, float* distances) {
  for (size_t q = 0; q < query_count; ++q) {
    Rows<T, kMetric>(queries + q * dimension, rows, row_count, dimension,
                     distances + q * row_count);
  }
}

template <typename T>
constexpr DistanceKernels<T> KernelsOfType() {
  return {{Rows<T, Metric::kL2>, Rows<T, Metric::kInnerProduct>,
           Rows<T, Metric::kCosine>},
          {Block<T, Metric::kL2>, Block<T, Metric::kInnerProduct>,
           Block<T, Metric::kCosine>}};
}

constexpr size_t kPanelQueries = 4;
constexpr size_t kPanelRows = 8;

uint32_t RunPanel(const PanelArguments& in) {
  float sums[kPanelQueries][kPanelRows] = {};
  for (size_t i = 0; i < in.dimension; ++i) {
    for (size_t q = 0; q < kPanelQueries; ++q) {
      const float query = in.queries[i * kPanelQueries + q];
      for (size_t r = 0; r < kPanelRows; ++r) {
        sums[q][r] += query * in.rows[i * kPanelRows + r];
      }
    }
  }
  uint32_t any = 0;
  for (size_t q = 0; q < kPanelQueries; ++q) {
    in.masks[q] = 0;
    for (size_t r = 0; r < kPanelRows; ++r) {
      const float value = sums[q][r] * in.scale[r] + in.bias[r];
      in.out[q * kPanelRows + r] = value;
      in.masks[q] |= static_cast<uint32_t>(!(value > in.thresholds[q])) << r;
    }
    any |= in.masks[q];
  }
  return any;
}

constexpr KernelSet kKernels = {KernelsOfType<float>(),
                                KernelsOfType<Half>(),
                                KernelsOfType<int8_t>(),
                                {kPanelQueries, kPanelRows, RunPanel}};

}  // namespace

const KernelSet& ScalarKernels() { return kKernels; }

}  // namespace opsbench::vector::internal
