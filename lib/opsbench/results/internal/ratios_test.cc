#include "opsbench/results/internal/ratios.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace opsbench::results::internal {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Measurement Of(const std::string& name, double time_ns) {
  Measurement measurement;
  measurement.name = SplitName(name);
  measurement.real_time_ns = time_ns;
  return measurement;
}

TEST(RatiosTest, ComparesAtTheLargestSizeForOneTwoAndMostThreads) {
  std::vector<Measurement> measurements;
  for (const char* threads : {"1", "2", "4", "16"}) {
    const std::string end = std::string("/items:1000/threads:") + threads;
    measurements.push_back(Of("M/Get/impl:opsbench" + end, 10));
    measurements.push_back(Of("M/Get/impl:seed" + end, 30));
    measurements.push_back(Of("M/Get/impl:map" + end, 5));
  }
  // A small size, of no account, and one thread alone for the map.
  measurements.push_back(Of("M/Get/impl:opsbench/items:10/threads:1", 1));
  measurements.push_back(Of("M/Get/impl:seed/items:10/threads:1", 100));
  measurements.erase(measurements.begin() + 5);
  const Ratios ratios = ComputeRatios(measurements);
  EXPECT_THAT(ratios.rivals, ElementsAre("seed", "map"));
  ASSERT_EQ(ratios.rows.size(), 3u);
  EXPECT_EQ(ratios.rows[0].family, "M/Get");
  EXPECT_EQ(ratios.rows[0].threads, "1");
  EXPECT_THAT(ratios.rows[0].ratios, ElementsAre(3.0, 0.5));
  EXPECT_EQ(ratios.rows[1].threads, "2");
  EXPECT_THAT(ratios.rows[1].ratios, ElementsAre(3.0, absl::nullopt));
  EXPECT_EQ(ratios.rows[2].threads, "16");
}

TEST(RatiosTest, LeavesOutWhatCannotBeCompared) {
  std::vector<Measurement> measurements = {
      Of("A/impl:opsbench/items:1", 1),          // No rival.
      Of("B/impl:seed/items:1", 1),              // Not ours.
      Of("C/impl:opsbench/level:1/items:1", 1),  // More than a size.
      Of("C/impl:seed/level:1/items:1", 1),
      Of("D/engine:mysql/items:1", 1),
      Of("E/impl:opsbench/items:1", 1),
      Of("E/impl:seed/items:1", 0),
      Of("F/impl:opsbench/items:1", 1),
      Of("F/impl:seed/items:1", 1),
  };
  measurements[6].state = Measurement::State::kError;
  measurements[7].counters["bytes_per_row"] = 100;
  EXPECT_THAT(ComputeRatios(measurements).rows, IsEmpty());
}

}  // namespace
}  // namespace opsbench::results::internal
