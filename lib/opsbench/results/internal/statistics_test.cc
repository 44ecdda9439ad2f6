#include "opsbench/results/internal/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/base/random.h"

namespace opsbench::results::internal {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;

// P(U <= u) by looking at every way in which the ranks can be shared out.
double CountedCdf(int base, int head, int64_t u) {
  std::vector<bool> is_head(static_cast<size_t>(base + head));
  std::fill(is_head.begin() + base, is_head.end(), true);
  int64_t all = 0;
  int64_t at_most = 0;
  do {
    int64_t pairs = 0;  // In which the head's value is the smaller one.
    int64_t heads = 0;
    for (const bool one : is_head) {
      if (one) {
        ++heads;
      } else {
        pairs += heads;
      }
    }
    ++all;
    at_most += pairs <= u ? 1 : 0;
  } while (std::next_permutation(is_head.begin(), is_head.end()));
  return static_cast<double>(at_most) / static_cast<double>(all);
}

// All differences, sorted, without any cleverness.
std::vector<double> Differences(const std::vector<double>& base,
                                const std::vector<double>& head) {
  std::vector<double> differences;
  for (const double before : base) {
    for (const double after : head) differences.push_back(after - before);
  }
  std::sort(differences.begin(), differences.end());
  return differences;
}

// About normal, from the project's own generator.
double Noise(Random* random) {
  double sum = 0;
  for (int i = 0; i < 12; ++i) sum += random->Double();
  return sum - 6;
}

std::vector<double> Draw(Random* random, int count, double shift) {
  std::vector<double> values;
  for (int i = 0; i < count; ++i) values.push_back(Noise(random) + shift);
  return values;
}

TEST(MedianTest, IsTheMiddleOrTheMeanOfTheMiddleTwo) {
  EXPECT_EQ(Median({3}), 3);
  EXPECT_EQ(Median({3, 1, 2}), 2);
  EXPECT_EQ(Median({4, 1, 9, 3}), 3.5);
  EXPECT_EQ(Median({1.7e308, 1.7e308}), 1.7e308);
}

TEST(RankSumTableTest, EqualsCountingEveryOrder) {
  RankSumTable table;
  for (int base = 1; base <= 6; ++base) {
    for (int head = 1; head <= 6; ++head) {
      for (int64_t u = -1; u <= base * head; ++u) {
        EXPECT_THAT(table.Cdf({.base = base, .head = head}, u),
                    DoubleNear(CountedCdf(base, head, u), 1e-12))
            << base << " " << head << " " << u;
      }
    }
  }
}

// Critical values of the two-sided test at 1%, as published tables have them
// (Mann and Whitney's U for n = 5, 8, 10 and 20).
TEST(RankSumTableTest, AgreesWithPublishedTables) {
  RankSumTable table;
  EXPECT_EQ(table.Quantile({.base = 4, .head = 4}, 0.01), -1);
  EXPECT_EQ(table.Quantile({.base = 5, .head = 5}, 0.01), 0);
  EXPECT_EQ(table.Quantile({.base = 8, .head = 8}, 0.01), 7);
  EXPECT_EQ(table.Quantile({.base = 10, .head = 10}, 0.01), 16);
  EXPECT_EQ(table.Quantile({.base = 20, .head = 20}, 0.01), 105);
  EXPECT_EQ(table.Quantile({.base = 10, .head = 10}, 0.05), 23);
}

TEST(RankSumTableTest, GoesOverIntoTheNormalDistribution) {
  RankSumTable table;
  // 50 x 50 is exact, 50 x 51 is not: near each other in the tail.
  const double exact = table.Cdf({.base = 50, .head = 50}, 876);
  const double normal = table.Cdf({.base = 50, .head = 51}, 894);
  EXPECT_GT(exact, 0.004);
  EXPECT_LT(exact, 0.006);
  EXPECT_THAT(normal / exact, DoubleNear(1, 0.05));
}

TEST(SamplesNeededTest, IsTheLeastThatCanBeSignificant) {
  RankSumTable table;
  for (const double alpha : {0.05, 0.01, 0.01 / 40, 0.01 / 30'000}) {
    const int64_t n = SamplesNeeded(alpha);
    EXPECT_LE(table.SmallestP({.base = n, .head = n}), alpha);
    EXPECT_GT(table.SmallestP({.base = n - 1, .head = n - 1}), alpha);
  }
  EXPECT_EQ(SamplesNeeded(0.01), 5);
  EXPECT_EQ(SamplesNeeded(0.01 / 40), 8);
}

TEST(ShiftTest, IsBoundedByTheDifferences) {
  Random random(7);
  RankSumTable table;
  for (const auto& [base_count, head_count] :
       {std::pair(1, 1), std::pair(2, 3), std::pair(8, 8), std::pair(10, 7)}) {
    const std::vector<double> base = Draw(&random, base_count, 0);
    const std::vector<double> head = Draw(&random, head_count, 1);
    const std::vector<double> differences = Differences(base, head);
    const Shift shift(base, head, &table);
    const int64_t cut =
        table.Quantile({.base = base_count, .head = head_count}, 0.01);
    const auto interval = shift.IntervalAt(0.01);
    ASSERT_EQ(interval.has_value(), cut >= 0);
    if (cut < 0) continue;
    EXPECT_EQ(interval->low, differences[static_cast<size_t>(cut)]);
    EXPECT_EQ(interval->high,
              differences[differences.size() - 1 - static_cast<size_t>(cut)]);
  }
}

// Too many pairs to keep: they are counted instead.
TEST(ShiftTest, IsTheSameForLargeSamples) {
  Random random(8);
  RankSumTable table;
  std::vector<double> base = Draw(&random, 300, 0);
  std::vector<double> head = Draw(&random, 301, 0.1);
  base[7] = base[8] = head[9] = 0.5;  // Ties.
  const std::vector<double> differences = Differences(base, head);
  const Shift shift(base, head, &table);
  const int64_t cut = table.Quantile({.base = 300, .head = 301}, 0.01);
  const auto interval = shift.IntervalAt(0.01);
  ASSERT_TRUE(interval.has_value());
  EXPECT_EQ(interval->low, differences[static_cast<size_t>(cut)]);
  EXPECT_EQ(interval->high,
            differences[differences.size() - 1 - static_cast<size_t>(cut)]);
  const Shift none(std::vector<double>(300, 2.5), std::vector<double>(300, 2.5),
                   &table);
  EXPECT_EQ(none.PValue(), 1);
}

// The interval excludes 0 exactly when the test rejects it.
TEST(ShiftTest, IntervalAndPValueAgree) {
  Random random(9);
  RankSumTable table;
  int excluded = 0;
  for (int i = 0; i < 500; ++i) {
    std::vector<double> base = Draw(&random, 8, 0);
    std::vector<double> head = Draw(&random, 8, 1.5);
    // Clocks are coarse, so that values repeat.
    for (double& value : base) value = std::round(value * 4) / 4;
    for (double& value : head) value = std::round(value * 4) / 4;
    const Shift shift(base, head, &table);
    const auto interval = shift.IntervalAt(0.01);
    ASSERT_TRUE(interval.has_value());
    const bool excludes = interval->low > 0 || interval->high < 0;
    EXPECT_EQ(excludes, shift.PValue() <= 0.01);
    excluded += excludes ? 1 : 0;
  }
  EXPECT_GT(excluded, 50);
  EXPECT_LT(excluded, 450);
}

// Of 5,000 intervals at 99%, 50 are expected to miss; more than 80 are less
// likely than once in 20,000. The distribution is skewed, as times are.
TEST(ShiftTest, IntervalsCoverAsOftenAsTheyClaim) {
  Random random(10);
  RankSumTable table;
  int missed = 0;
  for (int i = 0; i < 5'000; ++i) {
    std::vector<double> base;
    std::vector<double> head;
    for (int k = 0; k < 10; ++k) {
      base.push_back(std::exp(Noise(&random)));
      head.push_back(std::exp(Noise(&random)) + 0.25);
    }
    const auto interval = Shift(base, head, &table).IntervalAt(0.01);
    missed += interval->low > 0.25 || interval->high < 0.25 ? 1 : 0;
  }
  EXPECT_LT(missed, 80);
  EXPECT_GT(missed, 20);  // Nor are they wider than they need to be.
}

TEST(HolmAdjustedTest, StepsDown) {
  // By hand: 4 x 0.005, 3 x 0.01, 2 x 0.03, then no less than the one before.
  EXPECT_THAT(HolmAdjusted({0.01, 0.04, 0.03, 0.005}),
              ElementsAre(DoubleNear(0.03, 1e-12), DoubleNear(0.06, 1e-12),
                          DoubleNear(0.06, 1e-12), DoubleNear(0.02, 1e-12)));
  EXPECT_THAT(HolmAdjusted({0.6, 0.7}), ElementsAre(1, 1));
  EXPECT_TRUE(HolmAdjusted({}).empty());
}

}  // namespace
}  // namespace opsbench::results::internal
