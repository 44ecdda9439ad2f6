#include "opsbench/vector/ground_truth.h"

#include <atomic>
#include <string>
#include <tuple>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "opsbench/base/random.h"
#include "opsbench/vector/generate.h"

namespace opsbench::vector {
namespace {

struct Vectors {
  size_t rows;
  size_t dimension;
  std::vector<float> values;
  Matrix matrix() const { return {values.data(), rows, dimension}; }
};

// `spread` distinct values of a component: few make many ties.
Vectors Draw(size_t rows, size_t dimension, uint64_t seed, int spread,
             float scale = 1, float offset = 0) {
  Random random(seed);
  Vectors vectors{rows, dimension, {}};
  for (size_t i = 0; i < rows * dimension; ++i) {
    vectors.values.push_back(
        offset + scale * static_cast<float>(random.Between(-spread, spread)));
  }
  return vectors;
}

void ExpectReference(const Vectors& base, const Vectors& queries, Metric metric,
                     const GroundTruthOptions& options) {
  const auto truth =
      ComputeGroundTruth(base.matrix(), queries.matrix(), metric, options);
  ASSERT_TRUE(truth.ok()) << truth.status();
  for (size_t q = 0; q < queries.rows; ++q) {
    const std::vector<Neighbor> expected = NearestByScan(
        base.matrix(), queries.matrix().row(q), metric,
        static_cast<size_t>(options.k), options.filter, options.attributes);
    ASSERT_EQ(truth->k, expected.size());
    const auto got = truth->of(q);
    for (size_t i = 0; i < expected.size(); ++i) {
      ASSERT_EQ(got[i], expected[i])
          << MetricName(metric) << " " << SimdLevelName(options.level)
          << " query " << q << " place " << i << ": " << got[i].id << " at "
          << got[i].distance << ", not " << expected[i].id << " at "
          << expected[i].distance;
    }
  }
}

class GroundTruthTest
    : public testing::TestWithParam<std::tuple<Metric, SimdLevel>> {
 protected:
  Metric metric() const { return std::get<0>(GetParam()); }
  GroundTruthOptions options(int k) const {
    GroundTruthOptions options;
    options.k = k;
    options.level = std::get<1>(GetParam());
    options.threads = 3;
    return options;
  }
};

INSTANTIATE_TEST_SUITE_P(All, GroundTruthTest,
                         testing::Combine(testing::Values(Metric::kL2,
                                                          Metric::kInnerProduct,
                                                          Metric::kCosine),
                                          testing::ValuesIn(SimdLevels())),
                         [](const auto& sample) {
                           return absl::StrCat(
                               MetricName(std::get<0>(sample.param)), "_",
                               SimdLevelName(std::get<1>(sample.param)));
                         });

TEST_P(GroundTruthTest, IsThatOfAScan) {
  for (const size_t dimension : {1, 3, 17, 64, 131}) {
    ExpectReference(Draw(3'001, dimension, 1, 1'000'000),
                    Draw(29, dimension, 2, 1'000'000), metric(), options(10));
  }
}

TEST_P(GroundTruthTest, TiesGoToTheLowerId) {
  // 27 different vectors: thousands are equally near.
  ExpectReference(Draw(20'000, 3, 1, 1), Draw(40, 3, 2, 1), metric(),
                  options(100));
}

TEST_P(GroundTruthTest, NearDuplicatesFarFromTheOriginAreToldApart) {
  // All the digits that single precision has go to the offset, so that the
  // matrix product tells next to nothing.
  ExpectReference(Draw(5'000, 8, 1, 50, 1e-3f, 4'000),
                  Draw(20, 8, 2, 50, 1e-3f, 4'000), metric(), options(20));
}

TEST_P(GroundTruthTest, HoldsAtTheEndsOfFloatsRange) {
  for (const float scale : {1e15f, 1e30f, 1e-15f, 1e-30f}) {
    ExpectReference(Draw(2'000, 9, 1, 1'000, scale),
                    Draw(10, 9, 2, 1'000, scale), metric(), options(10));
  }
}

TEST_P(GroundTruthTest, VectorsOfZerosTakePart) {
  Vectors base = Draw(1'000, 5, 1, 100);
  for (size_t i = 0; i < 500; i += 7) {
    std::fill_n(base.values.begin() + static_cast<ptrdiff_t>(i * 5), 5, 0.0f);
  }
  Vectors queries = Draw(10, 5, 2, 100);
  std::fill_n(queries.values.begin(), 5, 0.0f);
  ExpectReference(base, queries, metric(), options(50));
}

TEST_P(GroundTruthTest, KMayBeAllOrMoreThanThereAre) {
  const Vectors base = Draw(33, 4, 1, 1'000);
  for (const int k : {1, 32, 33, 34, 1'000}) {
    ExpectReference(base, Draw(13, 4, 2, 1'000), metric(), options(k));
  }
}

TEST_P(GroundTruthTest, FiltersLeaveOnlyWhatMatches) {
  const Vectors base = Draw(4'000, 12, 1, 100'000);
  const auto attributes = GenerateAttributes(4'000, {0.001, 0.01, 0.1, 0.5}, 9);
  ASSERT_TRUE(attributes.ok());
  std::vector<Filter> filters;
  for (uint32_t tag = 0; tag < attributes->tag_count + 1; ++tag) {
    Filter filter;
    filter.by_tag = true;
    filter.tag = tag;
    filters.push_back(filter);
  }
  for (const double high : {0.0, 0.001, 0.2, 1.0}) {
    Filter filter;
    filter.by_number = true;
    filter.number_high = high;
    filters.push_back(filter);
  }
  for (const Filter& filter : filters) {
    GroundTruthOptions filtered = options(10);
    filtered.filter = filter;
    filtered.attributes = &*attributes;
    ExpectReference(base, Draw(15, 12, 2, 100'000), metric(), filtered);
  }
}

TEST(GroundTruthOptionsTest, MoreQueriesThanAGroupAndProgressRises) {
  const Vectors base = Draw(500, 6, 1, 1'000);
  const Vectors queries = Draw(4'500, 6, 2, 1'000);
  GroundTruthOptions options;
  options.k = 3;
  std::vector<double> parts;
  options.on_progress = [&parts](double part) { parts.push_back(part); };
  ExpectReference(base, queries, Metric::kL2, options);
  ASSERT_FALSE(parts.empty());
  EXPECT_TRUE(std::is_sorted(parts.begin(), parts.end()));
  EXPECT_GT(parts.front(), 0);
  EXPECT_DOUBLE_EQ(parts.back(), 1);
}

TEST(GroundTruthOptionsTest, StopsWhenAsked) {
  const Vectors base = Draw(50'000, 6, 1, 1'000);
  std::atomic<bool> stop{false};
  GroundTruthOptions options;
  int steps = 0;
  options.threads = 1;
  options.stop = &stop;
  options.on_progress = [&](double) {
    stop = true;
    ++steps;
  };
  const auto truth =
      ComputeGroundTruth(base.matrix(), base.matrix(), Metric::kL2, options);
  EXPECT_TRUE(absl::IsCancelled(truth.status())) << truth.status();
  EXPECT_EQ(steps, 1);
}

TEST(GroundTruthOptionsTest, RefusesWhatDoesNotFit) {
  const Vectors base = Draw(10, 4, 1, 10);
  const Vectors other = Draw(10, 5, 1, 10);
  EXPECT_EQ(ComputeGroundTruth(base.matrix(), other.matrix(), Metric::kL2)
                .status()
                .message(),
            "base vectors of dimension 4 and queries of dimension 5");
  GroundTruthOptions options;
  options.k = 0;
  EXPECT_TRUE(absl::IsInvalidArgument(
      ComputeGroundTruth(base.matrix(), base.matrix(), Metric::kL2, options)
          .status()));
  options.k = 1;
  options.filter.by_tag = true;
  EXPECT_TRUE(absl::IsInvalidArgument(
      ComputeGroundTruth(base.matrix(), base.matrix(), Metric::kL2, options)
          .status()));
}

}  // namespace
}  // namespace opsbench::vector
