#include "opsbench/vector/vectors.h"

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace opsbench::vector {
namespace {

TEST(MetricTest, NamesAreReadAgain) {
  for (const Metric metric :
       {Metric::kL2, Metric::kInnerProduct, Metric::kCosine}) {
    EXPECT_EQ(*ParseMetric(MetricName(metric)), metric);
  }
  EXPECT_EQ(*ParseMetric("Euclidean"), Metric::kL2);
  EXPECT_EQ(*ParseMetric("angular"), Metric::kCosine);
  EXPECT_EQ(*ParseMetric("dot"), Metric::kInnerProduct);
  EXPECT_THAT(std::string(ParseMetric("a\nb").status().message()),
              testing::StartsWith("no metric 'a\\nb'"));
  const auto unknown = ParseMetric("hamming");
  EXPECT_TRUE(absl::IsInvalidArgument(unknown.status()));
  EXPECT_THAT(std::string(unknown.status().message()),
              testing::HasSubstr("'hamming': there are l2"));
}

TEST(NeighborTest, EquallyNearOnesAreInOrderOfTheirIds) {
  EXPECT_LT((Neighbor{2, 1.0f}), (Neighbor{1, 2.0f}));
  EXPECT_LT((Neighbor{1, 1.0f}), (Neighbor{2, 1.0f}));
  EXPECT_FALSE((Neighbor{1, 1.0f}) < (Neighbor{1, 1.0f}));
}

}  // namespace
}  // namespace opsbench::vector
