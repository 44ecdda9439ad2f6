#ifndef OPSBENCH_VECTOR_DISTANCE_H_
#define OPSBENCH_VECTOR_DISTANCE_H_

// How far apart vectors are: kernels for each metric, element type and
// instruction set, chosen when the program runs.
//
// Distances are those of vectors.h. Sums of floats are made in single
// precision by the SIMD kernels, in an order of their own: they differ from the
// true sum by at most dimension * 2^-24 times the sum of the absolute terms.
// Sums of int8 are exact. ExactDistance() is for what others are judged by.
//
// Thread safety: pure functions and immutable values.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "opsbench/vector/vectors.h"

namespace opsbench::vector {

// IEEE 754 binary16, as stored.
struct Half {
  uint16_t bits = 0;
};

float ToFloat(Half half);
// Rounds to nearest, ties to even; above 65504 it becomes infinite.
Half ToHalf(float value);

enum class SimdLevel : uint8_t {
  kScalar,  // Sums in double precision.
  kAvx2,    // AVX2 with FMA and F16C.
  kAvx512,  // AVX-512 F, BW, DQ and VL.
};

absl::string_view SimdLevelName(SimdLevel level);

// Those that this processor can run, kScalar first.
const std::vector<SimdLevel>& SimdLevels();
SimdLevel BestSimdLevel();

namespace internal {
template <typename T>
struct DistanceKernels;
}  // namespace internal

// T: float, Half, int8_t. Data need no alignment beyond their type's.
template <typename T>
class DistanceFunction {
 public:
  // REQUIRES: dimension > 0; for int8_t, dimension <= 32768.
  DistanceFunction(Metric metric, size_t dimension,
                   SimdLevel level = BestSimdLevel());

  float operator()(const T* a, const T* b) const {
    float distance;
    rows_(a, b, 1, dimension_, &distance);
    return distance;
  }

  // distances[i]: of `query` to row i of `rows`, which lie one after the other.
  void Rows(const T* query, const T* rows, size_t row_count,
            float* distances) const {
    rows_(query, rows, row_count, dimension_, distances);
  }

  // distances[q * row_count + i]: of query q to row i. Each row that is loaded
  // serves several queries, and the other way round.
  void Block(const T* queries, size_t query_count, const T* rows,
             size_t row_count, float* distances) const {
    block_(queries, query_count, rows, row_count, dimension_, distances);
  }

 private:
  using RowsKernel = void (*)(const T*, const T*, size_t, size_t, float*);
  using BlockKernel = void (*)(const T*, size_t, const T*, size_t, size_t,
                               float*);

  size_t dimension_;
  RowsKernel rows_;
  BlockKernel block_;
};

extern template class DistanceFunction<float>;
extern template class DistanceFunction<Half>;
extern template class DistanceFunction<int8_t>;

// Sums in double precision in one fixed order, the same bits on every
// processor. The product of two floats is exact in it.
double ExactDot(const float* a, const float* b, size_t dimension);
double ExactSquaredL2(const float* a, const float* b, size_t dimension);

// The distance by those sums, rounded to float once.
float ExactDistance(Metric metric, const float* a, const float* b,
                    size_t dimension);

// Likewise, with the squares of the lengths of a and b at hand (which only
// cosine looks at).
float ExactDistance(Metric metric, const float* a, double a_square,
                    const float* b, double b_square, size_t dimension);

}  // namespace opsbench::vector

#endif  // OPSBENCH_VECTOR_DISTANCE_H_
