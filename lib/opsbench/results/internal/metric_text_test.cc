#include "opsbench/results/internal/metric_text.h"

#include "gtest/gtest.h"

namespace opsbench::results::internal {
namespace {

TEST(MetricTextTest, ShowsValuesInTheUnitOfTheName) {
  EXPECT_EQ(ValueText("real_time_ns", 52'300), "52.3 µs");
  EXPECT_EQ(ValueText("p99_us", 1'720), "1.72 ms");
  EXPECT_EQ(ValueText("load_s", 12), "12.0 s");
  EXPECT_EQ(ValueText("items_per_second", 1.72e6), "1.72M/s");
  EXPECT_EQ(ValueText("writes_per_s", 3), "3");
  EXPECT_EQ(ValueText("resident_bytes", 3 << 20), "3 MiB");
  EXPECT_EQ(ValueText("bytes", 100), "100 B");
  EXPECT_EQ(ValueText("bytes_per_row", 92.5), "92.5 bytes/row");
  EXPECT_EQ(ValueText("overhead_pct", -2.5), "-2.5 %");
  EXPECT_EQ(ValueText("recall", 0.98765), "0.9877");
  EXPECT_EQ(ValueText("real_time_ns", absl::nullopt), "-");
  // Neither 300 digits nor nothing but zeros.
  EXPECT_EQ(ValueText("real_time_ns", 1e300), "1e+300 ns");
  EXPECT_EQ(ValueText("real_time_ns", 1e-9), "1e-09 ns");
}

TEST(MetricTextTest, KnowsUnits) {
  EXPECT_EQ(UnitOf("real_time_ns"), "ns");
  EXPECT_EQ(UnitOf("items_per_second"), "items/s");
  EXPECT_EQ(UnitOf("allocations_per_op"), "allocations/op");
  EXPECT_EQ(UnitOf("search_qps"), "queries/s");
  EXPECT_EQ(UnitOf("recall"), "");
}

TEST(MetricTextTest, ShowsChanges) {
  EXPECT_EQ(EffectText(0.032), "+3.2%");
  EXPECT_EQ(EffectText(-0.0004), "-0.04%");
  EXPECT_EQ(EffectText(1.7), "x2.70");
  EXPECT_EQ(EffectText(1266.41), "x1267");
  EXPECT_EQ(EffectText(1e9), "x1e+09");
  EXPECT_EQ(EffectText(absl::nullopt), "-");
  MetricComparison metric;
  EXPECT_EQ(IntervalText(metric), "-");
  EXPECT_EQ(VisibleText(metric), "-");
  metric.effect_low = 0.01;
  metric.effect_high = 0.055;
  metric.smallest_visible = 0.0214;
  EXPECT_EQ(IntervalText(metric), "+1.0% to +5.5%");
  EXPECT_EQ(VisibleText(metric), "2.1%");
  metric.smallest_visible = 1e30;
  EXPECT_EQ(VisibleText(metric), ">1000%");
}

}  // namespace
}  // namespace opsbench::results::internal
