#include "opsbench/results/metric.h"

#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace opsbench::results {
namespace {

using ::testing::HasSubstr;

TEST(MetricTest, CostsAreBetterWhenLower) {
  for (const char* metric :
       {"real_time", "cpu_time", "p99_ns", "p50_us", "build_ms", "load_s",
        "resident_bytes", "bytes", "peak_mib", "overhead_pct", "bytes_per_row",
        "allocations_per_op"}) {
    const auto direction = DirectionOf(metric);
    ASSERT_TRUE(direction.ok()) << direction.status();
    EXPECT_EQ(*direction, Direction::kLowerIsBetter) << metric;
  }
}

TEST(MetricTest, RatesAndQualityAreBetterWhenHigher) {
  for (const char* metric :
       {"items_per_second", "bytes_per_second", "operations_per_second", "qps",
        "search_qps", "recall", "min_recall", "peak_share"}) {
    const auto direction = DirectionOf(metric);
    ASSERT_TRUE(direction.ok()) << direction.status();
    EXPECT_EQ(*direction, Direction::kHigherIsBetter) << metric;
  }
}

// Guessing would turn a regression into an improvement.
TEST(MetricTest, NeverGuesses) {
  for (const char* metric :
       {"", "rows", "status", "writes_per_s", "kib_per_ms", "ns_per_operation",
        "bytes_written", "recall_at_10", "P99_NS", "_", "iterations"}) {
    const auto direction = DirectionOf(metric);
    EXPECT_EQ(direction.status().code(), absl::StatusCode::kNotFound) << metric;
    EXPECT_THAT(std::string(direction.status().message()),
                HasSubstr("metric.cc"));
  }
}

}  // namespace
}  // namespace opsbench::results
