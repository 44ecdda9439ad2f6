// Every test draws from fixed seeds: it either always passes or never does.

#include "opsbench/base/distributions.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/base/internal/goodness_of_fit.h"
#include "opsbench/base/random.h"

namespace opsbench {
namespace {

using internal::ChiSquareZ;
using internal::kKsLimit;
using internal::KolmogorovSmirnov;
using internal::kZLimit;
using testing::ElementsAre;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr uint64_t kManyItems = 1'000'000'000'000;
constexpr double kSkews[] = {0, 0.5, 0.99, 1, 1.0000001, 1.5, 3};

// A hash of 100 000 draws, the same for every compiler, C library and
// processor. Data sets on disk and replays of a run depend on it.
template <typename Draw>
uint64_t HashOfDraws(Draw draw) {
  Random random(1);
  uint64_t hash = 0;
  for (int i = 0; i < 100'000; ++i) {
    hash = Mix64(hash ^ draw(random));
  }
  return hash;
}

double ExponentialKs(double assumed_mean) {
  constexpr double kMean = 250;
  Random random(1);
  std::vector<double> samples(200'000);
  for (double& sample : samples) {
    sample = Exponential(random, kMean);
  }
  return KolmogorovSmirnov(
      samples, [&](double x) { return -std::expm1(-x / assumed_mean); });
}

double NormalKs(double assumed_deviation) {
  Random random(1);
  std::vector<double> samples(200'000);
  for (double& sample : samples) {
    sample = Normal(random);
  }
  return KolmogorovSmirnov(samples, [&](double x) {
    return 0.5 * std::erfc(-x / assumed_deviation / std::sqrt(2.0));
  });
}

TEST(NormalTest, HasItsDistribution) {
  EXPECT_LT(NormalKs(1), kKsLimit);
  // The test would see a deviation that is wrong by 4%.
  EXPECT_GT(NormalKs(1.04), kKsLimit);
}

TEST(NormalTest, DrawsTheSameEverywhere) {
  EXPECT_EQ(HashOfDraws([](Random& random) {
              return std::bit_cast<uint64_t>(Normal(random));
            }),
            11390784276175170696u);
}

TEST(ExponentialTest, HasItsDistribution) {
  EXPECT_LT(ExponentialKs(250), kKsLimit);
  // The test would see a mean that is wrong by 2%.
  EXPECT_GT(ExponentialKs(255), kKsLimit);
}

TEST(ExponentialTest, IsAboveZeroAndFinite) {
  for (const double mean : {1e-300, 1.0, 1e300}) {
    Random random(2);
    for (int i = 0; i < 100'000; ++i) {
      const double draw = Exponential(random, mean);
      ASSERT_GT(draw, 0);
      ASSERT_LT(draw / mean, 36.8);
    }
  }
}

TEST(ExponentialTest, KeepsItsDraws) {
  EXPECT_EQ(HashOfDraws([](Random& random) {
              return std::bit_cast<uint64_t>(Exponential(random, 1e6));
            }),
            4395616602542027918u);
}

TEST(WeightedChoiceTest, RefusesBadWeights) {
  const std::vector<std::vector<double>> all = {
      {}, {0}, {0, 0, 0}, {1, -1}, {1, kInfinity}, {kNan, 1}, {-0.5}};
  for (const std::vector<double>& weights : all) {
    EXPECT_EQ(WeightedChoice::Create(weights).status().code(),
              absl::StatusCode::kInvalidArgument)
        << testing::PrintToString(weights);
  }
}

std::vector<std::vector<double>> WeightSets() {
  std::vector<std::vector<double>> sets = {
      {1},
      {0, 5, 0},
      {1, 1},
      {1, 2, 3, 4},
      {0.5, 0.3, 0.2},
      {1e-9, 1, 1e-9},
      {1e308, 1e308, 0, 1e308},  // The sum overflows.
      {1e-308, 2e-308},
      {0, 0, 1, 0, 3, 0, 0},
  };
  std::vector<double> harmonic(1000);
  std::vector<double> random_weights(777);
  Random random(3);
  for (size_t i = 0; i < harmonic.size(); ++i) {
    harmonic[i] = 1 / static_cast<double>(i + 1);
  }
  for (double& weight : random_weights) {
    weight = random.Bernoulli(0.3) ? 0 : random.Double();
  }
  sets.push_back(std::move(harmonic));
  sets.push_back(std::move(random_weights));
  return sets;
}

TEST(WeightedChoiceTest, HasItsDistribution) {
  uint64_t seed = 4;
  for (const std::vector<double>& weights : WeightSets()) {
    const auto choice = WeightedChoice::Create(weights);
    ASSERT_TRUE(choice.ok()) << choice.status();
    ASSERT_EQ(choice->size(), weights.size());
    Random random(seed++);
    std::vector<uint64_t> counts(weights.size());
    for (int i = 0; i < 500'000; ++i) {
      const uint32_t draw = (*choice)(random);
      ASSERT_LT(draw, weights.size());
      ++counts[draw];
    }
    const double largest = *std::max_element(weights.begin(), weights.end());
    double sum = 0;
    for (const double weight : weights) {
      sum += weight / largest;
    }
    std::vector<double> probabilities;
    for (const double weight : weights) {
      probabilities.push_back(weight / largest / sum);
    }
    EXPECT_LT(std::abs(ChiSquareZ(counts, probabilities)), kZLimit)
        << weights.size() << " weights, the first " << weights[0];
  }
}

TEST(WeightedChoiceTest, KeepsItsDraws) {
  const auto choice = WeightedChoice::Create({60, 20, 10, 5, 4, 1});
  ASSERT_TRUE(choice.ok()) << choice.status();
  Random random(1);
  std::vector<uint32_t> first(8);
  for (uint32_t& draw : first) {
    draw = (*choice)(random);
  }
  EXPECT_THAT(first, ElementsAre(0, 0, 0, 0, 1, 0, 1, 3));
  EXPECT_EQ(HashOfDraws(*choice), 10894456012448289152u);
}

TEST(ZipfTest, RefusesBadArguments) {
  for (const double skew : {-1e-9, -1.0, kInfinity, -kInfinity, kNan}) {
    EXPECT_EQ(Zipf::Create(10, skew).status().code(),
              absl::StatusCode::kInvalidArgument)
        << skew;
  }
  EXPECT_EQ(Zipf::Create(0, 1).status().code(),
            absl::StatusCode::kInvalidArgument);
}

// The sum of k^-skew for k from `first` to `last`: term by term, and by
// Euler-Maclaurin's formula where the terms are smooth. It shares nothing with
// the method under test.
long double PowerSum(uint64_t first, uint64_t last, double skew) {
  constexpr uint64_t kTerms = 1000;
  const auto power = [&](uint64_t k) {
    return std::pow(static_cast<long double>(k), -skew);
  };
  long double sum = 0;
  for (; first <= last && first < kTerms; ++first) {
    sum += power(first);
  }
  if (first > last) {
    return sum;
  }
  const auto a = static_cast<long double>(first);
  const auto b = static_cast<long double>(last);
  const long double log_ratio = std::log(b / a);
  const long double exponent = 1 - static_cast<long double>(skew);
  const long double integral =
      exponent == 0
          ? log_ratio
          : std::pow(a, exponent) * std::expm1(exponent * log_ratio) / exponent;
  return sum + integral + (power(first) + power(last)) / 2 +
         skew * (power(first) / a - power(last) / b) / 12;
}

TEST(ZipfTest, ReferenceSumsAreRight) {
  for (const double skew : kSkews) {
    long double term_by_term = 0;
    for (uint64_t k = 20'000; k > 0; --k) {
      term_by_term += std::pow(static_cast<long double>(k), -skew);
    }
    EXPECT_NEAR(static_cast<double>(PowerSum(1, 20'000, skew) / term_by_term),
                1, 1e-12)
        << skew;
  }
}

// The last rank of each cell that draws are counted in: single ranks first,
// then ever wider ranges.
std::vector<uint64_t> CellEnds(uint64_t items) {
  std::vector<uint64_t> ends;
  for (uint64_t rank = 0; rank < items; rank += 1 + rank / 1000) {
    ends.push_back(rank);
  }
  ends.back() = items - 1;
  return ends;
}

double ZipfZ(uint64_t items, double skew, double assumed_skew, uint64_t seed) {
  const auto zipf = Zipf::Create(items, skew);
  if (!zipf.ok()) {
    ADD_FAILURE() << zipf.status();
    return kInfinity;
  }
  const std::vector<uint64_t> ends = CellEnds(items);
  std::vector<uint64_t> counts(ends.size());
  Random random(seed);
  for (int i = 0; i < 400'000; ++i) {
    const uint64_t rank = (*zipf)(random);
    if (rank >= items) {
      ADD_FAILURE() << "rank " << rank << " of " << items;
      return kInfinity;
    }
    ++counts[std::lower_bound(ends.begin(), ends.end(), rank) - ends.begin()];
  }
  const long double all = PowerSum(1, items, assumed_skew);
  std::vector<double> probabilities;
  uint64_t first = 1;
  for (const uint64_t end : ends) {
    probabilities.push_back(
        static_cast<double>(PowerSum(first, end + 1, assumed_skew) / all));
    first = end + 2;
  }
  return ChiSquareZ(counts, probabilities);
}

TEST(ZipfTest, HasItsDistribution) {
  uint64_t seed = 5;
  for (const double skew : kSkews) {
    for (const uint64_t items :
         {uint64_t{1}, uint64_t{2}, uint64_t{10}, uint64_t{1000}, kManyItems}) {
      EXPECT_LT(std::abs(ZipfZ(items, skew, skew, seed++)), kZLimit)
          << items << " items, skew " << skew;
    }
  }
}

// What the test above is worth: it tells skews that differ by 0.04.
TEST(ZipfTest, AnotherSkewWouldBeSeen) {
  for (const double skew : {0.5, 1.0, 1.5}) {
    for (const uint64_t items : {uint64_t{10}, uint64_t{1000}, kManyItems}) {
      EXPECT_GT(ZipfZ(items, skew, skew + 0.04, 6), kZLimit)
          << items << " items, skew " << skew;
    }
  }
}

TEST(ZipfTest, EndsOfTheRange) {
  for (const double skew : {0.0, 5e-324, 1e-9, 0.5, 1.0, 1.5, 50.0, 1e3, 1e300,
                            std::numeric_limits<double>::max()}) {
    for (const uint64_t items :
         {uint64_t{1}, uint64_t{2}, (uint64_t{1} << 53) + 1, UINT64_MAX}) {
      const auto zipf = Zipf::Create(items, skew);
      ASSERT_TRUE(zipf.ok()) << zipf.status();
      EXPECT_EQ(zipf->items(), items);
      EXPECT_EQ(zipf->skew(), skew);
      Random random(7);
      uint64_t highest = 0;
      for (int i = 0; i < 2'000; ++i) {
        highest = std::max(highest, (*zipf)(random));
      }
      ASSERT_LT(highest, items);
      if (skew >= 50) {
        EXPECT_EQ(highest, 0u) << skew;
      } else if (skew <= 0.5) {
        EXPECT_GE(highest, items / 2) << skew;
      }
    }
  }
}

TEST(ZipfTest, KeepsItsDraws) {
  struct Case {
    uint64_t items;
    double skew;
    uint64_t hash;
  };
  constexpr Case kCases[] = {
      {1'000, 0, 14466526640858310524u},
      {1'000, 0.5, 13289066829102548622u},
      {1'000, 0.99, 17572882546420084748u},
      {1'000, 1, 13338939767915816595u},
      {1'000, 1.5, 2956041103747382007u},
      {1'000, 3, 7337010195333211124u},
      {kManyItems, 0, 12030281274263349493u},
      {kManyItems, 0.99, 16772908709858251701u},
      {kManyItems, 1.0000001, 13196749953822501520u},
  };
  for (const Case& expected : kCases) {
    const auto zipf = Zipf::Create(expected.items, expected.skew);
    ASSERT_TRUE(zipf.ok()) << zipf.status();
    EXPECT_EQ(HashOfDraws(*zipf), expected.hash)
        << expected.items << " items, skew " << expected.skew;
  }
}

}  // namespace
}  // namespace opsbench
