#ifndef OPSBENCH_VECTOR_INTERNAL_SIMD_BODY_H_
#define OPSBENCH_VECTOR_INTERNAL_SIMD_BODY_H_

// The kernels as templates over an instruction set's vector types, for the one
// source of each set, which defines
//
//   OPSBENCH_KERNEL_TARGET   the target attribute that its intrinsics need
//
// before it includes this, and passes types of its unnamed namespace, so that
// nothing that is compiled here for one processor is linked into another's.
// An attribute rather than a compiler flag: a flag would also apply to what
// standard headers define inline.
//
// A vector type V of elements has Element, Vector, Accumulator, kLanes and
//   Load(p), LoadTail(p, n) with zeros after n elements, Zero(),
//   Dot(sum, a, b), L2(sum, a, b), Sum(accumulator).
//
// Thread safety: pure functions.

#ifndef OPSBENCH_KERNEL_TARGET
#error "Define OPSBENCH_KERNEL_TARGET before including this."
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "opsbench/vector/internal/kernels.h"

#define OPSBENCH_KERNEL_INLINE \
  OPSBENCH_KERNEL_TARGET __attribute__((always_inline)) static inline

// Before a loop over an array of vectors: a compiler that does not unroll it
// keeps the array in memory, in every other loop as well.
#if defined(__clang__)
#define OPSBENCH_UNROLL _Pragma("unroll")
#else
#define OPSBENCH_UNROLL _Pragma("GCC unroll 16")
#endif

namespace opsbench::vector::internal {

// Sums over some queries and rows at once. kUnroll sums of each are open at a
// time, because a processor starts several multiplications before the first
// has ended.
template <typename V, Metric kMetric, int kQueries, int kRows, int kUnroll>
struct Sums {
  using T = typename V::Element;
  typename V::Accumulator first[kQueries][kRows][kUnroll];
  typename V::Accumulator square[kRows][kUnroll];  // Of the rows: cosine only.

  OPSBENCH_KERNEL_TARGET __attribute__((always_inline)) inline void Clear() {
    for (int r = 0; r < kRows; ++r) {
      for (int u = 0; u < kUnroll; ++u) {
        square[r][u] = V::Zero();
        for (int q = 0; q < kQueries; ++q) first[q][r][u] = V::Zero();
      }
    }
  }

  OPSBENCH_KERNEL_TARGET __attribute__((always_inline)) inline void Step(
      const typename V::Vector (&query)[kQueries], typename V::Vector row,
      int r, int u) {
    for (int q = 0; q < kQueries; ++q) {
      first[q][r][u] = kMetric == Metric::kL2
                           ? V::L2(first[q][r][u], query[q], row)
                           : V::Dot(first[q][r][u], query[q], row);
    }
    if constexpr (kMetric == Metric::kCosine) {
      square[r][u] = V::Dot(square[r][u], row, row);
    }
  }

  OPSBENCH_KERNEL_TARGET __attribute__((always_inline)) inline void Add(
      const T* queries, const T* rows, size_t dimension) {
    constexpr size_t kLanes = V::kLanes;
    typename V::Vector query[kQueries];
    size_t i = 0;
    for (; i + kUnroll * kLanes <= dimension; i += kUnroll * kLanes) {
      for (int u = 0; u < kUnroll; ++u) {
        const size_t at = i + u * kLanes;
        for (int q = 0; q < kQueries; ++q) {
          query[q] = V::Load(queries + q * dimension + at);
        }
        for (int r = 0; r < kRows; ++r) {
          Step(query, V::Load(rows + r * dimension + at), r, u);
        }
      }
    }
    for (; i < dimension; i += kLanes) {
      const size_t n = std::min(kLanes, dimension - i);
      for (int q = 0; q < kQueries; ++q) {
        query[q] = V::LoadTail(queries + q * dimension + i, n);
      }
      for (int r = 0; r < kRows; ++r) {
        Step(query, V::LoadTail(rows + r * dimension + i, n), r, 0);
      }
    }
  }

  OPSBENCH_KERNEL_INLINE double Total(
      const typename V::Accumulator (&sums)[kUnroll]) {
    double total = 0;
    for (int u = 0; u < kUnroll; ++u) total += V::Sum(sums[u]);
    return total;
  }
};

template <typename V, Metric kMetric, int kQueries, int kRows, int kUnroll>
OPSBENCH_KERNEL_INLINE void BlockDistances(const typename V::Element* queries,
                                           const double* query_squares,
                                           const typename V::Element* rows,
                                           size_t dimension, size_t row_count,
                                           float* distances) {
  using S = Sums<V, kMetric, kQueries, kRows, kUnroll>;
  S sums;
  sums.Clear();
  sums.Add(queries, rows, dimension);
  OPSBENCH_UNROLL
  for (int r = 0; r < kRows; ++r) {
    const double square =
        kMetric == Metric::kCosine ? S::Total(sums.square[r]) : 0;
    OPSBENCH_UNROLL
    for (int q = 0; q < kQueries; ++q) {
      distances[q * row_count + r] = FinishDistance(
          kMetric, S::Total(sums.first[q][r]), query_squares[q], square);
    }
  }
}

template <typename V, Metric kMetric>
OPSBENCH_KERNEL_INLINE double QuerySquare(const typename V::Element* query,
                                          size_t dimension) {
  if (kMetric != Metric::kCosine) return 0;
  using S = Sums<V, Metric::kInnerProduct, 1, 1, 2>;
  S sums;
  sums.Clear();
  sums.Add(query, query, dimension);
  return S::Total(sums.first[0][0]);
}

template <typename V, Metric kMetric>
OPSBENCH_KERNEL_TARGET void RowsKernel(const typename V::Element* query,
                                       const typename V::Element* rows,
                                       size_t row_count, size_t dimension,
                                       float* distances) {
  const double square = QuerySquare<V, kMetric>(query, dimension);
  size_t r = 0;
  for (; r + 4 <= row_count; r += 4) {
    BlockDistances<V, kMetric, 1, 4, 1>(query, &square, rows + r * dimension,
                                        dimension, row_count, distances + r);
  }
  for (; r < row_count; ++r) {
    BlockDistances<V, kMetric, 1, 1, 4>(query, &square, rows + r * dimension,
                                        dimension, row_count, distances + r);
  }
}

template <typename V, Metric kMetric>
OPSBENCH_KERNEL_TARGET void BlockKernel(const typename V::Element* queries,
                                        size_t query_count,
                                        const typename V::Element* rows,
                                        size_t row_count, size_t dimension,
                                        float* distances) {
  constexpr int kQueries = V::kBlockQueries;
  const size_t whole_rows = row_count / 4 * 4;
  size_t q = 0;
  for (; q + kQueries <= query_count; q += kQueries) {
    const auto* block = queries + q * dimension;
    float* out = distances + q * row_count;
    double squares[kQueries];
    for (int i = 0; i < kQueries; ++i) {
      squares[i] = QuerySquare<V, kMetric>(block + i * dimension, dimension);
    }
    for (size_t r = 0; r < whole_rows; r += 4) {
      BlockDistances<V, kMetric, kQueries, 4, 1>(
          block, squares, rows + r * dimension, dimension, row_count, out + r);
    }
    for (size_t r = whole_rows; r < row_count; ++r) {
      BlockDistances<V, kMetric, kQueries, 1, 1>(
          block, squares, rows + r * dimension, dimension, row_count, out + r);
    }
  }
  for (; q < query_count; ++q) {
    RowsKernel<V, kMetric>(queries + q * dimension, rows, row_count, dimension,
                           distances + q * row_count);
  }
}

template <typename V>
constexpr DistanceKernels<typename V::Element> DistanceKernelsOf() {
  return {{RowsKernel<V, Metric::kL2>, RowsKernel<V, Metric::kInnerProduct>,
           RowsKernel<V, Metric::kCosine>},
          {BlockKernel<V, Metric::kL2>, BlockKernel<V, Metric::kInnerProduct>,
           BlockKernel<V, Metric::kCosine>}};
}

}  // namespace opsbench::vector::internal

#endif  // OPSBENCH_VECTOR_INTERNAL_SIMD_BODY_H_
