#if defined(__x86_64__)

#include <immintrin.h>

#include <cstring>

#define OPSBENCH_KERNEL_TARGET __attribute__((target("avx2,fma,f16c")))
#include "opsbench/vector/internal/simd_body.h"

namespace opsbench::vector::internal {
namespace {

struct FloatSums {
  using Vector = __m256;
  using Accumulator = __m256;
  static constexpr size_t kLanes = 8;
  static constexpr int kBlockQueries = 2;

  OPSBENCH_KERNEL_INLINE __m256 Zero() { return _mm256_setzero_ps(); }
  OPSBENCH_KERNEL_INLINE __m256 Dot(__m256 sum, __m256 a, __m256 b) {
    return _mm256_fmadd_ps(a, b, sum);
  }
  OPSBENCH_KERNEL_INLINE __m256 L2(__m256 sum, __m256 a, __m256 b) {
    const __m256 d = _mm256_sub_ps(a, b);
    return _mm256_fmadd_ps(d, d, sum);
  }
  OPSBENCH_KERNEL_INLINE float Sum(__m256 v) {
    __m128 s =
        _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
  }
};

struct Floats : FloatSums {
  using Element = float;
  OPSBENCH_KERNEL_INLINE __m256 Load(const float* p) {
    return _mm256_loadu_ps(p);
  }
  OPSBENCH_KERNEL_INLINE __m256 LoadTail(const float* p, size_t n) {
    float buffer[kLanes] = {};
    std::memcpy(buffer, p, n * sizeof(float));
    return _mm256_loadu_ps(buffer);
  }
};

struct Halves : FloatSums {
  using Element = Half;
  OPSBENCH_KERNEL_INLINE __m256 Load(const Half* p) {
    return _mm256_cvtph_ps(
        _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  OPSBENCH_KERNEL_INLINE __m256 LoadTail(const Half* p, size_t n) {
    Half buffer[kLanes] = {};
    std::memcpy(buffer, p, n * sizeof(Half));
    return Load(buffer);
  }
};

// Widened to 16 bits: a product of differences fits 32, as does the sum of
// 32768 of them.
struct Bytes {
  using Element = int8_t;
  using Vector = __m256i;
  using Accumulator = __m256i;
  static constexpr size_t kLanes = 16;
  static constexpr int kBlockQueries = 2;

  OPSBENCH_KERNEL_INLINE __m256i Load(const int8_t* p) {
    return _mm256_cvtepi8_epi16(
        _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  OPSBENCH_KERNEL_INLINE __m256i LoadTail(const int8_t* p, size_t n) {
    int8_t buffer[kLanes] = {};
    std::memcpy(buffer, p, n);
    return Load(buffer);
  }
  OPSBENCH_KERNEL_INLINE __m256i Zero() { return _mm256_setzero_si256(); }
  OPSBENCH_KERNEL_INLINE __m256i Dot(__m256i sum, __m256i a, __m256i b) {
    return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b));
  }
  OPSBENCH_KERNEL_INLINE __m256i L2(__m256i sum, __m256i a, __m256i b) {
    const __m256i d = _mm256_sub_epi16(a, b);
    return _mm256_add_epi32(sum, _mm256_madd_epi16(d, d));
  }
  OPSBENCH_KERNEL_INLINE int32_t Sum(__m256i v) {
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(v),
                              _mm256_extracti128_si256(v, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1));
    return _mm_cvtsi128_si32(s);
  }
};

// 12 of the 16 registers hold sums.
constexpr size_t kPanelQueries = 6;
constexpr size_t kPanelVectors = 2;

OPSBENCH_KERNEL_TARGET uint32_t RunPanel(const PanelArguments& in) {
  __m256 sums[kPanelQueries][kPanelVectors];
  OPSBENCH_UNROLL
  for (auto& row : sums) {
    for (__m256& sum : row) sum = _mm256_setzero_ps();
  }
  const float* queries = in.queries;
  const float* rows = in.rows;
  for (size_t i = 0; i < in.dimension; ++i) {
    const __m256 row0 = _mm256_loadu_ps(rows);
    const __m256 row1 = _mm256_loadu_ps(rows + 8);
    for (size_t q = 0; q < kPanelQueries; ++q) {
      const __m256 query = _mm256_broadcast_ss(queries + q);
      sums[q][0] = _mm256_fmadd_ps(query, row0, sums[q][0]);
      sums[q][1] = _mm256_fmadd_ps(query, row1, sums[q][1]);
    }
    queries += kPanelQueries;
    rows += kPanelVectors * 8;
  }
  uint32_t any = 0;
  OPSBENCH_UNROLL
  for (size_t q = 0; q < kPanelQueries; ++q) {
    const __m256 threshold = _mm256_set1_ps(in.thresholds[q]);
    uint32_t mask = 0;
    for (size_t v = 0; v < kPanelVectors; ++v) {
      const __m256 value =
          _mm256_fmadd_ps(sums[q][v], _mm256_loadu_ps(in.scale + v * 8),
                          _mm256_loadu_ps(in.bias + v * 8));
      _mm256_storeu_ps(in.out + (q * kPanelVectors + v) * 8, value);
      const __m256 near = _mm256_cmp_ps(value, threshold, _CMP_NGT_UQ);
      mask |= static_cast<uint32_t>(_mm256_movemask_ps(near)) << (v * 8);
    }
    in.masks[q] = mask;
    any |= mask;
  }
  return any;
}

constexpr KernelSet kKernels = {DistanceKernelsOf<Floats>(),
                                DistanceKernelsOf<Halves>(),
                                DistanceKernelsOf<Bytes>(),
                                {kPanelQueries, kPanelVectors * 8, RunPanel}};

}  // namespace

const KernelSet& Avx2Kernels() { return kKernels; }

}  // namespace opsbench::vector::internal

#endif  // defined(__x86_64__)
