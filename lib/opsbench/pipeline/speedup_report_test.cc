#include "opsbench/pipeline/speedup_report.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace opsbench::pipeline {
namespace {

using ::testing::HasSubstr;

PipelineResult Result(int64_t rows, double seconds) {
  PipelineResult result;
  result.records_read = rows;
  result.bytes_read = rows * 120;
  result.duration_ns = static_cast<int64_t>(seconds * 1e9);
  result.destination.flush_ns = result.duration_ns / 2;
  return result;
}

TEST(SpeedupReportTest, MediansSideBySideWithSpeedups) {
  const auto text = RenderSpeedups(
      {{"INSERT", {Result(10'000, 9), Result(10'000, 1.2), Result(10'000, 1)}},
       {"COPY",
        {Result(10'000, 0.6), Result(10'000, 0.5), Result(10'000, 0.7)}}});
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_THAT(*text,
              HasSubstr("  Dataset:     10000 rows, 1.14 MB (120 B/row)\n"
                        "  Iterations:  3 per mode\n\n"
                        "  Metric (median)             INSERT        "
                        "COPY     Speedup\n"
                        "  ----------------------  ----------  "
                        "----------  ----------\n"
                        "  Total duration               1.200       "
                        "0.600        2.0x\n"));
  EXPECT_THAT(*text, HasSubstr("    Flush                      0.600       "
                               "0.300        2.0x\n"));
  EXPECT_THAT(*text, HasSubstr("  Throughput (rows/s)          8,333      "
                               "16,667        2.0x\n"));
}

TEST(SpeedupReportTest, DifferentSizesAreNeverMixed) {
  EXPECT_TRUE(absl::IsFailedPrecondition(
      RenderSpeedups({{"A", {Result(10, 1)}}, {"B", {Result(11, 1)}}})
          .status()));
  EXPECT_TRUE(absl::IsInvalidArgument(RenderSpeedups({}).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(RenderSpeedups({{"A", {}}}).status()));
}

}  // namespace
}  // namespace opsbench::pipeline
