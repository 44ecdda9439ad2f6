#include "opsbench/vector/distance.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <vector>

#include "gtest/gtest.h"
#include "opsbench/base/random.h"

namespace opsbench::vector {
namespace {

constexpr Metric kMetrics[] = {Metric::kL2, Metric::kInnerProduct,
                               Metric::kCosine};

double AsDouble(float value) { return value; }
double AsDouble(Half value) { return ToFloat(value); }
double AsDouble(int8_t value) { return value; }

template <typename T>
T Draw(Random& random) {
  if constexpr (std::is_same_v<T, int8_t>) {
    return static_cast<int8_t>(random.Between(-128, 127));
  } else {
    const float value = static_cast<float>(4 * random.Double() - 2);
    if constexpr (std::is_same_v<T, Half>)
      return ToHalf(value);
    else
      return value;
  }
}

struct Expected {
  double distance = 0;
  double bound = 0;  // On what single precision may be off.
};

// The definition of vectors.h in double precision.
template <typename T>
Expected Reference(Metric metric, const T* a, const T* b, size_t dimension) {
  double l2 = 0, dot = 0, absolute = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < dimension; ++i) {
    const double x = AsDouble(a[i]);
    const double y = AsDouble(b[i]);
    l2 += (x - y) * (x - y);
    dot += x * y;
    absolute += std::abs(x * y);
    aa += x * x;
    bb += y * y;
  }
  // See distance.h; a few roundings more for what happens to the sum.
  const double n = static_cast<double>(dimension + 4) * 0x1p-24;
  const double unit = std::is_same_v<T, int8_t> ? 4 * 0x1p-24 : n;
  if (metric == Metric::kL2) return {l2, unit * l2};
  if (metric == Metric::kInnerProduct) {
    return {1 - dot, unit * absolute + 0x1p-22 * std::abs(1 - dot)};
  }
  if (aa * bb == 0) return {1, 0};
  return {1 - dot / std::sqrt(aa * bb),
          unit * (absolute / std::sqrt(aa * bb) + 2) + 0x1p-22};
}

template <typename T>
class DistanceTest : public testing::Test {};
using Types = testing::Types<float, Half, int8_t>;
TYPED_TEST_SUITE(DistanceTest, Types);

template <typename T>
void CheckDimension(size_t dimension, size_t shift, SimdLevel level) {
  constexpr size_t kQueries = 6;
  constexpr size_t kRows = 11;
  Random random = Random::Stream(7, dimension, shift);
  // Nothing starts at the beginning of what the allocator aligned, and the last
  // row ends where the memory ends, which AddressSanitizer watches.
  std::vector<T> queries(shift + kQueries * dimension);
  std::vector<T> rows(shift + kRows * dimension);
  for (T& value : queries) value = Draw<T>(random);
  for (T& value : rows) value = Draw<T>(random);
  const T* const q = queries.data() + shift;
  const T* const r = rows.data() + shift;
  for (const Metric metric : kMetrics) {
    const DistanceFunction<T> function(metric, dimension, level);
    std::vector<float> block(kQueries * kRows, -1);
    function.Block(q, kQueries, r, kRows, block.data());
    for (size_t i = 0; i < kQueries; ++i) {
      std::vector<float> of_rows(kRows, -1);
      function.Rows(q + i * dimension, r, kRows, of_rows.data());
      for (size_t j = 0; j < kRows; ++j) {
        const T* const a = q + i * dimension;
        const T* const b = r + j * dimension;
        const Expected expected = Reference(metric, a, b, dimension);
        for (const float got :
             {function(a, b), of_rows[j], block[i * kRows + j]}) {
          ASSERT_NEAR(got, expected.distance, expected.bound)
              << SimdLevelName(level) << " " << MetricName(metric)
              << " dimension " << dimension << " query " << i << " row " << j;
        }
      }
    }
  }
}

TYPED_TEST(DistanceTest, IsThatOfDoublePrecisionInEveryDimension) {
  for (const SimdLevel level : SimdLevels()) {
    for (size_t dimension = 1; dimension <= 1536;
         dimension += dimension < 130 ? 1 : 61) {
      CheckDimension<TypeParam>(dimension, 1 + dimension % 5, level);
    }
    for (const size_t dimension : {256, 384, 512, 768, 960, 1024, 1535, 1536}) {
      CheckDimension<TypeParam>(dimension, 3, level);
    }
  }
}

TYPED_TEST(DistanceTest, OfNothingToItselfIsAsDefined) {
  const std::vector<TypeParam> zero(37);
  std::vector<TypeParam> other(37);
  Random random(3);
  for (TypeParam& value : other) value = Draw<TypeParam>(random);
  for (const SimdLevel level : SimdLevels()) {
    const DistanceFunction<TypeParam> cosine(Metric::kCosine, 37, level);
    EXPECT_EQ(cosine(zero.data(), other.data()), 1);
    EXPECT_EQ(cosine(other.data(), zero.data()), 1);
    EXPECT_EQ(cosine(zero.data(), zero.data()), 1);
    EXPECT_NEAR(cosine(other.data(), other.data()), 0, 1e-6);
    EXPECT_GE(cosine(other.data(), other.data()), 0);
    const DistanceFunction<TypeParam> l2(Metric::kL2, 37, level);
    EXPECT_EQ(l2(other.data(), other.data()), 0);
    const DistanceFunction<TypeParam> ip(Metric::kInnerProduct, 37, level);
    EXPECT_EQ(ip(zero.data(), other.data()), 1);
  }
}

// The largest sums that int8 vectors have: they must not wrap.
TEST(DistanceInt8Test, SumsAreExactAtTheEndsOfTheRange) {
  constexpr size_t kDimension = 32'768;
  const std::vector<int8_t> low(kDimension, -128);
  const std::vector<int8_t> high(kDimension, 127);
  for (const SimdLevel level : SimdLevels()) {
    const DistanceFunction<int8_t> l2(Metric::kL2, kDimension, level);
    EXPECT_EQ(l2(low.data(), high.data()), 255.0f * 255 * kDimension);
    const DistanceFunction<int8_t> ip(Metric::kInnerProduct, kDimension, level);
    EXPECT_EQ(ip(low.data(), low.data()),
              static_cast<float>(1 - 128.0 * 128 * kDimension));
  }
}

TEST(SimdLevelTest, ScalarIsAlwaysThereAndTheBestIsLast) {
  ASSERT_FALSE(SimdLevels().empty());
  EXPECT_EQ(SimdLevels().front(), SimdLevel::kScalar);
  EXPECT_EQ(SimdLevels().back(), BestSimdLevel());
  RecordProperty("best", std::string(SimdLevelName(BestSimdLevel())));
}

TEST(HalfTest, EveryHalfSurvivesAndOthersGoToTheNearest) {
  std::vector<double> finite;  // Of the positive ones, which ascend by bits.
  for (uint32_t bits = 0; bits < 65'536; ++bits) {
    const Half half{static_cast<uint16_t>(bits)};
    const float value = ToFloat(half);
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(ToFloat(ToHalf(value)))) << bits;
    } else {
      EXPECT_EQ(ToHalf(value).bits, bits);
    }
    if (bits < 0x7c00) finite.push_back(value);
  }
  EXPECT_EQ(finite.front(), 0);
  EXPECT_EQ(finite[1], 0x1p-24);
  EXPECT_EQ(finite.back(), 65'504);
  for (uint32_t bits = 0; bits + 1 < finite.size(); ++bits) {
    const double low = finite[bits];
    const double high = finite[bits + 1];
    ASSERT_LT(low, high);
    const float middle = static_cast<float>((low + high) / 2);
    const uint32_t even = bits % 2 == 0 ? bits : bits + 1;
    ASSERT_EQ(ToHalf(middle).bits, even) << bits;
    ASSERT_EQ(ToHalf(std::nextafter(middle, 0.0f)).bits, bits);
    ASSERT_EQ(ToHalf(std::nextafter(middle, 1e9f)).bits, bits + 1);
    ASSERT_EQ(ToHalf(-std::nextafter(middle, 1e9f)).bits, 0x8000 | (bits + 1));
  }
  EXPECT_EQ(ToHalf(65'519.996f).bits, 0x7bff);
  EXPECT_EQ(ToHalf(65'520).bits, 0x7c00);
  EXPECT_EQ(ToHalf(-std::numeric_limits<float>::infinity()).bits, 0xfc00);
}

TEST(ExactDistanceTest, IsTheSameAsASumInLongDouble) {
  Random random(5);
  for (size_t dimension = 1; dimension <= 1536; dimension += 7) {
    std::vector<float> a(dimension), b(dimension);
    for (float& value : a) value = Draw<float>(random);
    for (float& value : b) value = Draw<float>(random);
    long double l2 = 0, dot = 0;
    for (size_t i = 0; i < dimension; ++i) {
      const long double d = static_cast<long double>(a[i]) - b[i];
      l2 += d * d;
      dot += static_cast<long double>(a[i]) * b[i];
    }
    EXPECT_NEAR(ExactSquaredL2(a.data(), b.data(), dimension),
                static_cast<double>(l2), 1e-11);
    EXPECT_NEAR(ExactDot(a.data(), b.data(), dimension),
                static_cast<double>(dot), 1e-11);
  }
}

}  // namespace
}  // namespace opsbench::vector
