#include "opsbench/base/random.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <set>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/base/internal/goodness_of_fit.h"

namespace opsbench {
namespace {

using internal::ChiSquareZ;
using internal::kZLimit;
using internal::UniformZ;
using testing::ElementsAre;

template <int kCount>
constexpr std::array<uint64_t, kCount> Draw(Random random) {
  std::array<uint64_t, kCount> draws = {};
  for (uint64_t& draw : draws) {
    draw = random.Next();
  }
  return draws;
}

// The numbers that Vigna's splitmix64.c prints for this seed.
TEST(Mix64Test, IsSplitMix64) {
  std::vector<uint64_t> mixed;
  uint64_t state = 1234567;
  for (int i = 0; i < 5; ++i) {
    mixed.push_back(Mix64(state += 0x9e3779b97f4a7c15u));
  }
  EXPECT_THAT(mixed, ElementsAre(6457827717110365317u, 3203168211198807973u,
                                 9817491932198370423u, 4593380528125082431u,
                                 16408922859458223821u));
}

// The numbers of the reference implementation, xoshiro256plusplus.c, with its
// state filled from splitmix64.c as its authors recommend.
TEST(RandomTest, IsXoshiro256PlusPlus) {
  EXPECT_THAT(Draw<6>(Random(0)),
              ElementsAre(5987356902031041503u, 7051070477665621255u,
                          6633766593972829180u, 211316841551650330u,
                          9136120204379184874u, 379361710973160858u));
}

// Data sets on disk and replays of a run depend on these numbers.
TEST(RandomTest, StreamsKeepTheirNumbers) {
  EXPECT_THAT(Draw<3>(Random::Stream(1, 2, 3)),
              ElementsAre(13803337838974891522u, 13749328131438488432u,
                          4158705716355830655u));
  uint64_t hash = 0;
  for (uint64_t worker = 0; worker < 100; ++worker) {
    for (uint64_t index = 0; index < 1000; ++index) {
      hash = Mix64(hash ^ Random::Stream(7, worker, index).Next());
    }
  }
  EXPECT_EQ(hash, 8359215695919469491u);
}

TEST(RandomTest, StreamIsPure) {
  static_assert(Draw<4>(Random::Stream(1, 2, 3)) ==
                Draw<4>(Random::Stream(1, 2, 3)));
  Random other = Random::Stream(1, 2, 2);
  other.Next();
  // The compiler's arithmetic and the processor's agree, whatever ran before.
  constexpr std::array<uint64_t, 4> kExpected =
      Draw<4>(Random::Stream(1, 2, 3));
  volatile uint64_t seed = 1;
  EXPECT_EQ(Draw<4>(Random::Stream(seed, 2, 3)), kExpected);
}

// Small numbers in every place, the usual names, must not meet: not shifted
// (worker 1, operation 0 and worker 0, operation 1), not swapped, not summed.
TEST(RandomTest, DifferentNamesGiveDifferentStreams) {
  std::set<uint64_t> first;
  for (uint64_t seed = 0; seed < 32; ++seed) {
    first.insert(Random(seed).Next());
    for (uint64_t a = 0; a < 32; ++a) {
      for (uint64_t b = 0; b < 32; ++b) {
        first.insert(Random::Stream(seed, a, b).Next());
      }
    }
  }
  EXPECT_EQ(first.size(), 32u + 32 * 32 * 32);
}

// One draw of each of many neighbouring streams must be as good as many draws
// of one: that is how operations are generated. Looks at the bytes on their
// own, and at how many bits differ from the neighbour's: a binomial number.
TEST(RandomTest, NeighbouringStreamsAreIndependent) {
  std::vector<double> binomial(65);
  for (int k = 0; k <= 64; ++k) {
    binomial[k] = std::exp(std::lgamma(65.0) - std::lgamma(k + 1.0) -
                           std::lgamma(65.0 - k) - 64 * std::log(2.0));
  }
  for (const bool by_worker : {false, true}) {
    std::vector<std::vector<uint64_t>> bytes(8, std::vector<uint64_t>(256));
    std::vector<uint64_t> flips(65);
    uint64_t before = 0;
    for (uint64_t i = 0; i < 200'000; ++i) {
      const uint64_t draw = by_worker ? Random::Stream(1, i, 5).Next()
                                      : Random::Stream(1, 5, i).Next();
      for (int byte = 0; byte < 8; ++byte) {
        ++bytes[byte][(draw >> (8 * byte)) & 255];
      }
      if (i > 0) {
        ++flips[std::popcount(draw ^ before)];
      }
      before = draw;
    }
    for (int byte = 0; byte < 8; ++byte) {
      EXPECT_LT(std::abs(UniformZ(bytes[byte])), kZLimit) << byte;
    }
    EXPECT_LT(std::abs(ChiSquareZ(flips, binomial)), kZLimit);
  }
}

TEST(RandomTest, BelowIsUniform) {
  Random random(2);
  for (const uint64_t bound : {1u, 2u, 3u, 6u, 7u, 10u, 64u, 1000u}) {
    std::vector<uint64_t> counts(bound);
    for (int i = 0; i < 200'000; ++i) {
      const uint64_t draw = random.Below(bound);
      ASSERT_LT(draw, bound);
      ++counts[draw];
    }
    EXPECT_LT(std::abs(UniformZ(counts)), kZLimit) << bound;
  }
}

// At three quarters of the range the usual shortcuts are badly wrong: a modulo
// draws the lowest third twice as often as the others, a multiplication without
// rejection every number divisible by 3.
TEST(RandomTest, BelowHasNoBiasForLargeBounds) {
  constexpr uint64_t kBound = uint64_t{3} << 62;
  Random random(3);
  std::vector<uint64_t> thirds(3);
  std::vector<uint64_t> residues(3);
  for (int i = 0; i < 200'000; ++i) {
    const uint64_t draw = random.Below(kBound);
    ASSERT_LT(draw, kBound);
    ++thirds[draw >> 62];
    ++residues[draw % 3];
  }
  EXPECT_LT(std::abs(UniformZ(thirds)), kZLimit);
  EXPECT_LT(std::abs(UniformZ(residues)), kZLimit);
}

TEST(RandomTest, BetweenIsUniformAndReachesBothEnds) {
  Random random(4);
  std::vector<uint64_t> counts(7);
  for (int i = 0; i < 100'000; ++i) {
    const int64_t draw = random.Between(-3, 3);
    ASSERT_GE(draw, -3);
    ASSERT_LE(draw, 3);
    ++counts[draw + 3];
  }
  EXPECT_LT(std::abs(UniformZ(counts)), kZLimit);
}

TEST(RandomTest, BetweenTakesTheWholeRange) {
  Random random(5);
  // The upper four bits of the distance from the lowest number.
  std::vector<uint64_t> sixteenths(16);
  for (int i = 0; i < 100'000; ++i) {
    const auto offset =
        static_cast<uint64_t>(random.Between(INT64_MIN, INT64_MAX)) -
        (uint64_t{1} << 63);
    ++sixteenths[offset >> 60];
  }
  EXPECT_LT(std::abs(UniformZ(sixteenths)), kZLimit);

  for (const int64_t only : {INT64_MIN, int64_t{-1}, int64_t{0}, INT64_MAX}) {
    EXPECT_EQ(random.Between(only, only), only);
  }
  std::set<int64_t> drawn;
  for (int i = 0; i < 100; ++i) {
    drawn.insert(random.Between(INT64_MIN, INT64_MIN + 1));
    drawn.insert(random.Between(INT64_MAX - 1, INT64_MAX));
  }
  EXPECT_THAT(drawn,
              ElementsAre(INT64_MIN, INT64_MIN + 1, INT64_MAX - 1, INT64_MAX));
}

TEST(RandomTest, DoubleIsUniformWith53Bits) {
  Random random(6);
  std::vector<uint64_t> high(1000);
  std::vector<uint64_t> low(2);
  for (int i = 0; i < 200'000; ++i) {
    const double draw = random.Double();
    ASSERT_GE(draw, 0);
    ASSERT_LT(draw, 1);
    ++high[static_cast<int>(draw * 1000)];
    const double scaled = draw * 0x1.0p53;
    ASSERT_EQ(scaled, std::floor(scaled));
    ++low[static_cast<uint64_t>(scaled) & 1];
  }
  EXPECT_LT(std::abs(UniformZ(high)), kZLimit);
  EXPECT_LT(std::abs(UniformZ(low)), kZLimit);
}

TEST(RandomTest, BernoulliHasItsProbability) {
  Random random(7);
  for (const double probability : {0.0, 0.001, 0.3, 0.5, 1.0}) {
    std::vector<uint64_t> counts(2);
    for (int i = 0; i < 100'000; ++i) {
      ++counts[random.Bernoulli(probability)];
    }
    EXPECT_LT(std::abs(ChiSquareZ(counts, {1 - probability, probability})),
              kZLimit)
        << probability;
  }
}

}  // namespace
}  // namespace opsbench
