#include "opsbench/base/histogram.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/base/distributions.h"
#include "opsbench/base/random.h"

namespace opsbench {
namespace {

using testing::ElementsAre;

// Thousandths of a percent, so that the reference rank is integer arithmetic.
constexpr uint64_t kWhole = 100'000;
constexpr uint64_t kPercentiles[] = {0,      1,      10,     100,    1'000,
                                     5'000,  10'000, 25'000, 33'333, 50'000,
                                     66'667, 75'000, 90'000, 95'000, 99'000,
                                     99'900, 99'990, 99'999, kWhole};

double Percent(uint64_t thousandths) {
  return static_cast<double>(thousandths) / 1000;
}

uint64_t RankOf(uint64_t thousandths, uint64_t count) {
  return std::max<uint64_t>((thousandths * count + kWhole - 1) / kWhole, 1);
}

struct Bucket {
  int64_t low_ns;
  int64_t high_ns;
  uint64_t count;

  bool operator==(const Bucket&) const = default;
};

std::vector<Bucket> BucketsOf(const Histogram& histogram) {
  std::vector<Bucket> buckets;
  histogram.ForEachBucket([&](int64_t low_ns, int64_t high_ns, uint64_t count) {
    buckets.push_back({low_ns, high_ns, count});
  });
  return buckets;
}

Histogram Recorded(const std::vector<int64_t>& values) {
  Histogram histogram;
  for (const int64_t value : values) {
    histogram.Record(value);
  }
  return histogram;
}

void ExpectSame(const Histogram& a, const Histogram& b) {
  EXPECT_EQ(a.count(), b.count());
  EXPECT_EQ(a.min_ns(), b.min_ns());
  EXPECT_EQ(a.max_ns(), b.max_ns());
  EXPECT_EQ(a.mean_ns(), b.mean_ns());
  EXPECT_EQ(BucketsOf(a), BucketsOf(b));
}

// Latencies of many shapes. Each is drawn from its own stream.
struct Shape {
  std::string name;
  int64_t (*draw)(Random& random);
};

const Shape kShapes[] = {
    {"constant", [](Random&) { return int64_t{123'456'789}; }},
    {"tiny", [](Random& random) { return random.Between(0, 5); }},
    {"uniform", [](Random& random) { return random.Between(1, 1'000'000); }},
    {"exponential",
     [](Random& random) {
       return static_cast<int64_t>(Exponential(random, 1e6));
     }},
    {"every size up to an hour",
     [](Random& random) {
       const double log_hour =
           std::log(static_cast<double>(Histogram::kMaxValueNs));
       return static_cast<int64_t>(std::exp(random.Double() * log_hour));
     }},
    {"cache hits and misses",
     [](Random& random) {
       return random.Bernoulli(0.95) ? random.Between(900, 1'100)
                                     : random.Between(4'000'000, 60'000'000);
     }},
    {"stalls of seconds",
     [](Random& random) {
       return random.Bernoulli(0.999)
                  ? random.Between(50'000, 80'000)
                  : random.Between(1'000'000'000, Histogram::kMaxValueNs);
     }},
};

TEST(HistogramTest, PercentilesAreThoseOfTheSortedValues) {
  for (const Shape& shape : kShapes) {
    for (const uint64_t count : {1, 2, 3, 7, 100, 1000, 200'001}) {
      Random random = Random::Stream(1, count);
      std::vector<int64_t> values(count);
      for (int64_t& value : values) {
        value = shape.draw(random);
      }
      const Histogram histogram = Recorded(values);
      std::sort(values.begin(), values.end());
      for (const uint64_t percentile : kPercentiles) {
        const int64_t expected = values[RankOf(percentile, count) - 1];
        EXPECT_NEAR(histogram.Percentile(Percent(percentile)), expected,
                    0.01 * static_cast<double>(expected))
            << shape.name << ", " << count << " values, p"
            << Percent(percentile);
      }
      EXPECT_EQ(histogram.count(), count);
      EXPECT_EQ(histogram.Percentile(0), values.front());
      EXPECT_EQ(histogram.min_ns(), values.front());
      EXPECT_EQ(histogram.Percentile(100), values.back());
      EXPECT_EQ(histogram.max_ns(), values.back());
      const int64_t sum =
          std::accumulate(values.begin(), values.end(), int64_t{0});
      EXPECT_EQ(histogram.mean_ns(),
                static_cast<double>(sum) / static_cast<double>(count));
    }
  }
}

// A rank too high or too low by one would go unnoticed among close values. Here
// it crosses a gap: exactly as many small values as the rank says, then one
// fewer. 99.9 and its like are no doubles, so this also holds rounding to it.
TEST(HistogramTest, RanksAreExact) {
  for (const uint64_t count : {7ull, 1'000ull, 10'000ull, 123'456ull,
                               1'000'000ull, 1'000'000'000'000ull}) {
    for (uint64_t percentile = 0; percentile <= kWhole; percentile += 7) {
      const uint64_t rank = RankOf(percentile, count);
      Histogram histogram;
      histogram.RecordMany(10, rank);
      histogram.RecordMany(100, count - rank);
      ASSERT_EQ(histogram.Percentile(Percent(percentile)), 10)
          << Percent(percentile) << " of " << count;
      histogram.Reset();
      histogram.RecordMany(10, rank - 1);
      histogram.RecordMany(100, count - rank + 1);
      ASSERT_EQ(histogram.Percentile(Percent(percentile)), 100)
          << Percent(percentile) << " of " << count;
    }
  }
}

// What the histogram makes of one value. Neighbours on both sides keep the
// exact minimum and maximum from answering for it.
int64_t Kept(int64_t value_ns) {
  return Recorded({0, value_ns, INT64_MAX}).Percentile(50);
}

TEST(HistogramTest, SmallValuesAreExact) {
  for (int64_t value = 0; value < 128; ++value) {
    EXPECT_EQ(Kept(value), value);
  }
}

TEST(HistogramTest, ValuesUpToAnHourAreKeptWithinOnePercent) {
  std::vector<int64_t> values = {Histogram::kMaxValueNs - 1,
                                 Histogram::kMaxValueNs};
  for (int power = 0; power < 42; ++power) {
    for (const int64_t step : {-1, 0, 1}) {
      values.push_back((int64_t{1} << power) + step);
    }
  }
  Random random(2);
  for (int i = 0; i < 20'000; ++i) {
    values.push_back(kShapes[4].draw(random));
  }
  for (const int64_t value : values) {
    if (value <= Histogram::kMaxValueNs) {
      ASSERT_NEAR(Kept(value), value, 0.01 * static_cast<double>(value));
    }
  }
}

TEST(HistogramTest, BucketsAdjoinAndAreNarrow) {
  int64_t next = 0;
  int buckets = 0;
  for (; next < int64_t{1} << 42; ++buckets) {
    const std::vector<Bucket> found = BucketsOf(Recorded({next}));
    ASSERT_EQ(found.size(), 1u);
    ASSERT_EQ(found[0].low_ns, next);
    ASSERT_GE(found[0].high_ns, next);
    ASSERT_LE((found[0].high_ns - next) * 64, next);
    // The upper end belongs to it, too.
    ASSERT_EQ(BucketsOf(Recorded({found[0].high_ns})), found);
    next = found[0].high_ns + 1;
  }
  EXPECT_EQ(buckets, 2368);
}

TEST(HistogramTest, OutOfRangeValuesAreCounted) {
  constexpr int64_t kEnd = int64_t{1} << 42;
  const Histogram histogram =
      Recorded({INT64_MIN, -1, 5, kEnd - 1, kEnd, INT64_MAX - 1});
  EXPECT_EQ(histogram.count(), 6u);
  EXPECT_EQ(histogram.min_ns(), 0);
  EXPECT_EQ(histogram.max_ns(), INT64_MAX - 1);
  EXPECT_THAT(BucketsOf(histogram),
              ElementsAre(Bucket{0, 0, 2}, Bucket{5, 5, 1},
                          Bucket{kEnd - (int64_t{1} << 35), kEnd - 1, 3}));
  EXPECT_EQ(histogram.Percentile(30), 0);
  EXPECT_EQ(histogram.Percentile(50), 5);
  EXPECT_EQ(histogram.Percentile(60), INT64_MAX - 1);
  EXPECT_EQ(histogram.Percentile(100), INT64_MAX - 1);
}

TEST(HistogramTest, EmptyIsZero) {
  Histogram histogram;
  histogram.RecordMany(5, 0);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(histogram.count(), 0u);
    EXPECT_EQ(histogram.min_ns(), 0);
    EXPECT_EQ(histogram.max_ns(), 0);
    EXPECT_EQ(histogram.mean_ns(), 0);
    EXPECT_EQ(histogram.Percentile(0), 0);
    EXPECT_EQ(histogram.Percentile(50), 0);
    EXPECT_EQ(histogram.Percentile(100), 0);
    EXPECT_THAT(BucketsOf(histogram), ElementsAre());
    // Again after a reset.
    histogram.Record(77);
    histogram.Reset();
  }
  histogram.Record(9);
  ExpectSame(histogram, Recorded({9}));
}

TEST(HistogramTest, RecordManyIsRecordManyTimes) {
  Histogram many;
  many.RecordMany(1'000, 3);
  many.RecordMany(-4, 2);
  ExpectSame(many, Recorded({1'000, 1'000, 1'000, -4, -4}));
}

// As 64 bits of nanoseconds would not: a million hours and more.
TEST(HistogramTest, SumsDoNotOverflow) {
  Histogram histogram;
  histogram.RecordMany(Histogram::kMaxValueNs, 1'000'000'000'000'000);
  EXPECT_EQ(histogram.mean_ns(), Histogram::kMaxValueNs);
  EXPECT_EQ(histogram.Percentile(50), Histogram::kMaxValueNs);
}

// Exactly: whichever worker an operation ran on, the report is the same.
TEST(HistogramTest, MergingEqualsRecordingTogether) {
  constexpr int kWorkers = 3;
  for (const Shape& shape : kShapes) {
    Random random(3);
    Histogram together;
    std::vector<Histogram> workers(kWorkers);
    for (int i = 0; i < 30'000; ++i) {
      const int64_t value = shape.draw(random);
      together.Record(value);
      workers[random.Below(kWorkers)].Record(value);
    }
    for (int first = 0; first < kWorkers; ++first) {
      Histogram merged;
      for (int i = 0; i < kWorkers; ++i) {
        merged.Merge(workers[(first + i) % kWorkers]);
      }
      merged.Merge(Histogram());
      ExpectSame(merged, together);
    }
  }
}

TEST(HistogramTest, BucketsHoldEveryValue) {
  for (const Shape& shape : kShapes) {
    Random random(4);
    std::vector<int64_t> values(10'000);
    for (int64_t& value : values) {
      value = shape.draw(random);
    }
    const Histogram histogram = Recorded(values);
    std::sort(values.begin(), values.end());
    auto from = values.begin();
    for (const Bucket& bucket : BucketsOf(histogram)) {
      const auto to = std::upper_bound(from, values.end(), bucket.high_ns);
      ASSERT_NE(to, from) << "an empty bucket was visited";
      EXPECT_GE(*from, bucket.low_ns);
      EXPECT_EQ(bucket.count, static_cast<uint64_t>(to - from));
      from = to;
    }
    EXPECT_EQ(from, values.end());
  }
}

TEST(HistogramTest, CopiesAreIndependent) {
  const Histogram original = Recorded({1, 2, 3'000'000});
  Histogram copy = original;
  copy.Record(4);
  ExpectSame(original, Recorded({1, 2, 3'000'000}));
  ExpectSame(copy, Recorded({1, 2, 3'000'000, 4}));

  const Histogram moved = std::move(copy);
  ExpectSame(moved, Recorded({1, 2, 3'000'000, 4}));
  copy = original;
  ExpectSame(copy, original);
}

}  // namespace
}  // namespace opsbench
