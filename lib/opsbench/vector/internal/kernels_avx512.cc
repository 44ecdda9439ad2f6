#if defined(__x86_64__)

#include <immintrin.h>

#define OPSBENCH_KERNEL_TARGET \
  __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")))
#include "opsbench/vector/internal/simd_body.h"

namespace opsbench::vector::internal {
namespace {

struct FloatSums {
  using Vector = __m512;
  using Accumulator = __m512;
  static constexpr size_t kLanes = 16;
  static constexpr int kBlockQueries = 4;

  OPSBENCH_KERNEL_INLINE __m512 Zero() { return _mm512_setzero_ps(); }
  OPSBENCH_KERNEL_INLINE __m512 Dot(__m512 sum, __m512 a, __m512 b) {
    return _mm512_fmadd_ps(a, b, sum);
  }
  OPSBENCH_KERNEL_INLINE __m512 L2(__m512 sum, __m512 a, __m512 b) {
    const __m512 d = _mm512_sub_ps(a, b);
    return _mm512_fmadd_ps(d, d, sum);
  }
  OPSBENCH_KERNEL_INLINE float Sum(__m512 v) {
    const __m256 h =
        _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
    __m128 s =
        _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
  }
};

struct Floats : FloatSums {
  using Element = float;
  OPSBENCH_KERNEL_INLINE __m512 Load(const float* p) {
    return _mm512_loadu_ps(p);
  }
  OPSBENCH_KERNEL_INLINE __m512 LoadTail(const float* p, size_t n) {
    const __mmask16 mask = static_cast<__mmask16>((1u << n) - 1);
    return _mm512_maskz_loadu_ps(mask, p);
  }
};

struct Halves : FloatSums {
  using Element = Half;
  OPSBENCH_KERNEL_INLINE __m512 Load(const Half* p) {
    return _mm512_cvtph_ps(
        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  OPSBENCH_KERNEL_INLINE __m512 LoadTail(const Half* p, size_t n) {
    const __mmask16 mask = static_cast<__mmask16>((1u << n) - 1);
    return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, p));
  }
};

// Widened to 16 bits: a product of differences fits 32, as does the sum of
// 32768 of them.
struct Bytes {
  using Element = int8_t;
  using Vector = __m512i;
  using Accumulator = __m512i;
  static constexpr size_t kLanes = 32;
  static constexpr int kBlockQueries = 4;

  OPSBENCH_KERNEL_INLINE __m512i Load(const int8_t* p) {
    return _mm512_cvtepi8_epi16(
        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  OPSBENCH_KERNEL_INLINE __m512i LoadTail(const int8_t* p, size_t n) {
    const __mmask32 mask = static_cast<__mmask32>((uint64_t{1} << n) - 1);
    return _mm512_cvtepi8_epi16(_mm256_maskz_loadu_epi8(mask, p));
  }
  OPSBENCH_KERNEL_INLINE __m512i Zero() { return _mm512_setzero_si512(); }
  OPSBENCH_KERNEL_INLINE __m512i Dot(__m512i sum, __m512i a, __m512i b) {
    return _mm512_add_epi32(sum, _mm512_madd_epi16(a, b));
  }
  OPSBENCH_KERNEL_INLINE __m512i L2(__m512i sum, __m512i a, __m512i b) {
    const __m512i d = _mm512_sub_epi16(a, b);
    return _mm512_add_epi32(sum, _mm512_madd_epi16(d, d));
  }
  OPSBENCH_KERNEL_INLINE int32_t Sum(__m512i v) {
    const __m256i h = _mm256_add_epi32(_mm512_castsi512_si256(v),
                                       _mm512_extracti64x4_epi64(v, 1));
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(h),
                              _mm256_extracti128_si256(h, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1));
    return _mm_cvtsi128_si32(s);
  }
};

// 24 of the 32 registers hold sums; queries are broadcast out of memory.
constexpr size_t kPanelQueries = 12;
constexpr size_t kPanelVectors = 2;

OPSBENCH_KERNEL_TARGET uint32_t RunPanel(const PanelArguments& in) {
  __m512 sums[kPanelQueries][kPanelVectors];
  for (auto& row : sums) {
    for (__m512& sum : row) sum = _mm512_setzero_ps();
  }
  const float* queries = in.queries;
  const float* rows = in.rows;
  for (size_t i = 0; i < in.dimension; ++i) {
    const __m512 row0 = _mm512_loadu_ps(rows);
    const __m512 row1 = _mm512_loadu_ps(rows + 16);
    for (size_t q = 0; q < kPanelQueries; ++q) {
      const __m512 query = _mm512_set1_ps(queries[q]);
      sums[q][0] = _mm512_fmadd_ps(query, row0, sums[q][0]);
      sums[q][1] = _mm512_fmadd_ps(query, row1, sums[q][1]);
    }
    queries += kPanelQueries;
    rows += kPanelVectors * 16;
  }
  uint32_t any = 0;
  OPSBENCH_UNROLL
  for (size_t q = 0; q < kPanelQueries; ++q) {
    const __m512 threshold = _mm512_set1_ps(in.thresholds[q]);
    uint32_t mask = 0;
    for (size_t v = 0; v < kPanelVectors; ++v) {
      const __m512 value =
          _mm512_fmadd_ps(sums[q][v], _mm512_loadu_ps(in.scale + v * 16),
                          _mm512_loadu_ps(in.bias + v * 16));
      _mm512_storeu_ps(in.out + (q * kPanelVectors + v) * 16, value);
      const __mmask16 near = _mm512_cmp_ps_mask(value, threshold, _CMP_NGT_UQ);
      mask |= static_cast<uint32_t>(near) << (v * 16);
    }
    in.masks[q] = mask;
    any |= mask;
  }
  return any;
}

constexpr KernelSet kKernels = {DistanceKernelsOf<Floats>(),
                                DistanceKernelsOf<Halves>(),
                                DistanceKernelsOf<Bytes>(),
                                {kPanelQueries, kPanelVectors * 16, RunPanel}};

}  // namespace

const KernelSet& Avx512Kernels() { return kKernels; }

}  // namespace opsbench::vector::internal

#endif  // defined(__x86_64__)
