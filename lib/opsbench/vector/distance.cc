#include "opsbench/vector/distance.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <bit>
#include <type_traits>

#include "opsbench/vector/internal/kernels.h"

namespace opsbench::vector {
namespace {

#if defined(__x86_64__)
// Conversions of float16, which clang's __builtin_cpu_supports() does not know.
bool HasF16c() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
}
#endif

std::vector<SimdLevel> FindSimdLevels() {
  std::vector<SimdLevel> levels = {SimdLevel::kScalar};
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
      HasF16c()) {
    levels.push_back(SimdLevel::kAvx2);
    if (__builtin_cpu_supports("avx512f") &&
        __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl")) {
      levels.push_back(SimdLevel::kAvx512);
    }
  }
#endif
  return levels;
}

// Sums of a fixed number of interleaved parts: as exact as, and faster than,
// one after the other, and in an order that no compiler may change.
constexpr size_t kParts = 16;

template <typename Term>
__attribute__((always_inline)) inline double SumOfTerms(size_t dimension,
                                                        const Term& term) {
  double parts[kParts] = {};
  size_t i = 0;
  for (; i + kParts <= dimension; i += kParts) {
    for (size_t p = 0; p < kParts; ++p) parts[p] += term(i + p);
  }
  for (size_t p = 0; i < dimension; ++i, ++p) parts[p] += term(i);
  for (size_t half = kParts / 2; half > 0; half /= 2) {
    for (size_t p = 0; p < half; ++p) parts[p] += parts[p + half];
  }
  return parts[0];
}

__attribute__((always_inline)) inline double DotSum(const float* a,
                                                    const float* b,
                                                    size_t dimension) {
  return SumOfTerms(dimension, [a, b](size_t i) {
    return static_cast<double>(a[i]) * static_cast<double>(b[i]);
  });
}

__attribute__((always_inline)) inline double L2Sum(const float* a,
                                                   const float* b,
                                                   size_t dimension) {
  return SumOfTerms(dimension, [a, b](size_t i) {
    const double d = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    return d * d;
  });
}

// The same source, compiled twice: wider registers hold more of the parts. Not
// for fused multiply-add, which would round otherwise.
struct ExactKernels {
  double (*dot)(const float*, const float*, size_t);
  double (*l2)(const float*, const float*, size_t);
};

double DotPlain(const float* a, const float* b, size_t dimension) {
  return DotSum(a, b, dimension);
}
double L2Plain(const float* a, const float* b, size_t dimension) {
  return L2Sum(a, b, dimension);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) double DotAvx2(const float* a, const float* b,
                                               size_t dimension) {
  return DotSum(a, b, dimension);
}
__attribute__((target("avx2"))) double L2Avx2(const float* a, const float* b,
                                              size_t dimension) {
  return L2Sum(a, b, dimension);
}
#endif

const ExactKernels& Exact() {
  static const ExactKernels kernels = [] {
#if defined(__x86_64__)
    if (BestSimdLevel() != SimdLevel::kScalar) {
      return ExactKernels{DotAvx2, L2Avx2};
    }
#endif
    return ExactKernels{DotPlain, L2Plain};
  }();
  return kernels;
}

template <typename T>
const internal::DistanceKernels<T>& KernelsOfType(
    const internal::KernelSet& kernels) {
  if constexpr (std::is_same_v<T, float>) {
    return kernels.of_float;
  } else if constexpr (std::is_same_v<T, Half>) {
    return kernels.of_half;
  } else {
    return kernels.of_int8;
  }
}

}  // namespace

float ToFloat(Half half) {
  const uint32_t sign = static_cast<uint32_t>(half.bits & 0x8000) << 16;
  const uint32_t exponent = (half.bits >> 10) & 0x1f;
  const uint32_t fraction = half.bits & 0x3ff;
  if (exponent == 0) {
    const float value = static_cast<float>(fraction) * 0x1p-24f;
    return sign != 0 ? -value : value;
  }
  const uint32_t wide = exponent == 0x1f ? 0xff : exponent + 112;
  return std::bit_cast<float>(sign | wide << 23 | fraction << 13);
}

Half ToHalf(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint16_t sign = static_cast<uint16_t>((bits >> 16) & 0x8000);
  const uint32_t magnitude = bits & 0x7fffffff;
  uint16_t half;
  if (magnitude > 0x7f800000) {
    half = 0x7e00;
  } else if (magnitude >= 0x477ff000) {
    half = 0x7c00;  // 65520 and more round to infinity.
  } else if (magnitude < 0x38800000) {
    // Subnormal: the sum has its last bit where the half has it, so that the
    // processor rounds.
    half = static_cast<uint16_t>(
        std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) -
        std::bit_cast<uint32_t>(0.5f));
  } else {
    const uint32_t odd = (magnitude >> 13) & 1;
    half =
        static_cast<uint16_t>((magnitude - (112u << 23) + 0xfff + odd) >> 13);
  }
  return {static_cast<uint16_t>(half | sign)};
}

absl::string_view SimdLevelName(SimdLevel level) {
  switch (level) {
    case SimdLevel::kScalar:
      return "scalar";
    case SimdLevel::kAvx2:
      return "avx2";
    case SimdLevel::kAvx512:
      return "avx512";
  }
  return "unknown";
}

const std::vector<SimdLevel>& SimdLevels() {
  static const auto* const levels =
      new std::vector<SimdLevel>(FindSimdLevels());
  return *levels;
}

SimdLevel BestSimdLevel() { return SimdLevels().back(); }

namespace internal {

const KernelSet& KernelsOf(SimdLevel level) {
#if defined(__x86_64__)
  if (level == SimdLevel::kAvx512) return Avx512Kernels();
  if (level == SimdLevel::kAvx2) return Avx2Kernels();
#endif
  return ScalarKernels();
}

}  // namespace internal

template <typename T>
DistanceFunction<T>::DistanceFunction(Metric metric, size_t dimension,
                                      SimdLevel level)
    : dimension_(dimension) {
  const auto& kernels = KernelsOfType<T>(internal::KernelsOf(level));
  rows_ = kernels.rows[static_cast<size_t>(metric)];
  block_ = kernels.block[static_cast<size_t>(metric)];
}

template class DistanceFunction<float>;
template class DistanceFunction<Half>;
template class DistanceFunction<int8_t>;

double ExactDot(const float* a, const float* b, size_t dimension) {
  return Exact().dot(a, b, dimension);
}

double ExactSquaredL2(const float* a, const float* b, size_t dimension) {
  return Exact().l2(a, b, dimension);
}

float ExactDistance(Metric metric, const float* a, const float* b,
                    size_t dimension) {
  const bool cosine = metric == Metric::kCosine;
  return ExactDistance(metric, a, cosine ? ExactDot(a, a, dimension) : 0, b,
                       cosine ? ExactDot(b, b, dimension) : 0, dimension);
}

float ExactDistance(Metric metric, const float* a, double a_square,
                    const float* b, double b_square, size_t dimension) {
  const double first = metric == Metric::kL2 ? ExactSquaredL2(a, b, dimension)
                                             : ExactDot(a, b, dimension);
  return internal::FinishDistance(metric, first, a_square, b_square);
}

}  // namespace opsbench::vector
