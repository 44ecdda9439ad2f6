#ifndef OPSBENCH_VECTOR_INTERNAL_KERNELS_H_
#define OPSBENCH_VECTOR_INTERNAL_KERNELS_H_

// The kernels of each instruction set, as tables of functions.
//
// Thread safety: pure functions and constant tables.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "opsbench/vector/distance.h"
#include "opsbench/vector/vectors.h"

namespace opsbench::vector::internal {

// From sums to the distance: `first` is the sum of squared differences for l2,
// otherwise the inner product.
inline float FinishDistance(Metric metric, double first, double query_square,
                            double row_square) {
  if (metric == Metric::kL2) return static_cast<float>(first);
  if (metric == Metric::kInnerProduct) return static_cast<float>(1 - first);
  const double product = query_square * row_square;
  if (!(product > 0)) return 1;
  // Rounding must not make a distance that cannot be.
  return static_cast<float>(std::clamp(1 - first / std::sqrt(product), 0., 2.));
}

// By metric, in the order of its enumerators.
template <typename T>
struct DistanceKernels {
  void (*rows[3])(const T* query, const T* rows, size_t row_count,
                  size_t dimension, float* distances);
  void (*block[3])(const T* queries, size_t query_count, const T* rows,
                   size_t row_count, size_t dimension, float* distances);
};

// One small matrix product of the exhaustive search, with what is near enough
// picked out while it is in registers:
//
//   out[q][r] = scale[r] * (sum over i of queries[i][q] * rows[i][r]) + bias[r]
//   bit r of masks[q] = !(out[q][r] > thresholds[q])
//
// and returns all masks or-ed together.
//
// Both operands are interleaved by dimension: `queries` of the kernel's queries
// a dimension, `rows` of the kernel's rows.
struct PanelArguments {
  const float* queries = nullptr;
  const float* rows = nullptr;
  size_t dimension = 0;
  const float* scale = nullptr;
  const float* bias = nullptr;
  const float* thresholds = nullptr;
  float* out = nullptr;
  uint32_t* masks = nullptr;
};

struct PanelKernel {
  size_t queries = 0;
  size_t rows = 0;  // At most 32.
  uint32_t (*run)(const PanelArguments& arguments) = nullptr;
};

inline constexpr size_t kMaxPanelQueries = 12;
inline constexpr size_t kMaxPanelRows = 32;

struct KernelSet {
  DistanceKernels<float> of_float;
  DistanceKernels<Half> of_half;
  DistanceKernels<int8_t> of_int8;
  PanelKernel panel;
};

const KernelSet& ScalarKernels();
#if defined(__x86_64__)
const KernelSet& Avx2Kernels();
const KernelSet& Avx512Kernels();
#endif

// REQUIRES: this processor can run `level`.
const KernelSet& KernelsOf(SimdLevel level);

}  // namespace opsbench::vector::internal

#endif  // OPSBENCH_VECTOR_INTERNAL_KERNELS_H_
