#include "opsbench/vector/search.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace opsbench::vector {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::function<int64_t()> NoTime() {
  return [] { return int64_t{0}; };
}

absl::StatusOr<Sample> ByEf(int64_t ef) {
  Sample sample;
  sample.qps = 1e6 / static_cast<double>(ef);
  sample.p99_ms = static_cast<double>(ef) / 50;
  sample.recall = 1 - 1 / static_cast<double>(ef);
  return sample;
}

absl::StatusOr<Sample> ByClients(int64_t clients) {
  Sample sample;
  const double c = static_cast<double>(clients);
  sample.qps = 1e5 * c / (c + 10);
  sample.p99_ms = c / 5;
  sample.recall = 0.97;
  return sample;
}

// Against a scan of every value: the least ef with enough recall is the
// fastest.
TEST(SearchTest, BinarySearchEqualsAScan) {
  for (double target : {0.5, 0.9, 0.95, 0.99, 0.9949}) {
    int64_t scanned = 1;
    while (ByEf(scanned)->recall < target) {
      ++scanned;
    }
    BinarySearchOptions options;
    options.target_recall = target;
    options.param_name = "ef_search";
    options.min_val = 1;
    options.max_val = 100 + scanned / 4;
    options.tune.now_ns = NoTime();
    int asked = 0;
    const auto result = BinarySearchMaxQps(options, [&asked](int64_t ef) {
      ++asked;
      return ByEf(ef);
    });
    ASSERT_TRUE(result.ok()) << result.status();
    if (scanned > options.max_val) {
      EXPECT_FALSE(result->best);
      EXPECT_EQ(result->evidence[*result->closest].setting[0], options.max_val);
      continue;
    }
    ASSERT_TRUE(result->best);
    EXPECT_EQ(result->evidence[*result->best].setting[0], scanned) << target;
    EXPECT_LE(asked, 25);
  }
}

TEST(SearchTest, ConstraintsOnClientsEndAtTheLatency) {
  ConstraintSearchOptions options;
  options.max_latency_p99_ms = 10;  // 50 clients.
  options.tune.now_ns = NoTime();
  options.tune.max_evaluations = 60;
  const auto result = FindMaxQpsWithConstraints(options, ByClients);
  ASSERT_TRUE(result.ok()) << result.status();
  ASSERT_TRUE(result->best);
  const Evidence& best = result->evidence[*result->best];
  EXPECT_LE(best.setting[0], 50);
  EXPECT_GE(best.qps, 0.95 * ByClients(50)->qps);
}

TEST(SearchTest, RangeTheWrongWayRoundIsRefused) {
  BinarySearchOptions options;
  options.min_val = 10;
  options.max_val = 9;
  const auto result = BinarySearchMaxQps(options, ByClients);
  EXPECT_TRUE(absl::IsInvalidArgument(result.status()));
  EXPECT_THAT(std::string(result.status().message()), HasSubstr("num_clients"));
}

TEST(SearchTest, RangesAscendFromEndToEnd) {
  EXPECT_THAT(RangeValues(3, 3), ElementsAre(3));
  EXPECT_THAT(RangeValues(-1, 2), ElementsAre(-1, 0, 1, 2));
  for (int64_t last : {127, 128, 129, 130, 200, 5000, 1'000'000'000}) {
    const std::vector<int64_t> values = RangeValues(1, last);
    EXPECT_EQ(values.front(), 1);
    EXPECT_EQ(values.back(), last);
    EXPECT_LE(values.size(), 128u);
    EXPECT_TRUE(std::is_sorted(values.begin(), values.end()));
    EXPECT_EQ(std::adjacent_find(values.begin(), values.end()), values.end());
  }
}

GridOptions SmallGrid() {
  GridOptions options;
  options.param_grid = {MakeParameter("num_clients", {10, 20}),
                        MakeParameter("ef_search", {50, 100, 200})};
  options.now_ns = NoTime();
  return options;
}

absl::StatusOr<Sample> ByBoth(const Setting& setting) {
  absl::StatusOr<Sample> sample = ByEf(setting[1]);
  sample->qps *= static_cast<double>(setting[0]);
  return sample;
}

TEST(SearchTest, GridMeasuresAllInTheGridsOrderAndFilters) {
  GridOptions options = SmallGrid();
  options.repeats = 3;
  options.filter = [](const Evidence& evidence) {
    return evidence.recall >= 0.99;
  };
  std::vector<Setting> order;
  const auto result = GridSearch(options, [&order](const Setting& setting) {
    order.push_back(setting);
    return ByBoth(setting);
  });
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->ended, "complete");
  EXPECT_EQ(result->evaluations, 18);
  EXPECT_EQ(result->measured, 6);
  std::vector<Setting> kept;
  for (const Evidence& evidence : result->kept) {
    kept.push_back(evidence.setting);
    EXPECT_EQ(evidence.samples.size(), 3u);
    EXPECT_NEAR(evidence.qps, ByBoth(evidence.setting)->qps, 1e-6);
  }
  EXPECT_THAT(kept, ElementsAre(Setting{10, 100}, Setting{20, 100},
                                Setting{10, 200}, Setting{20, 200}));
  // Each round is all of it, not always in one order.
  const auto sorted = [&order](size_t round) {
    std::vector<Setting> part(order.begin() + 6 * static_cast<int>(round),
                              order.begin() + 6 * static_cast<int>(round + 1));
    std::sort(part.begin(), part.end());
    return part;
  };
  EXPECT_EQ(sorted(0), sorted(1));
  EXPECT_EQ(sorted(0), sorted(2));
  EXPECT_FALSE(
      std::equal(order.begin(), order.begin() + 6, order.begin() + 6) &&
      std::equal(order.begin(), order.begin() + 6, order.begin() + 12));
}

TEST(SearchTest, GridKeepsWhatItHasWhenTheBudgetEnds) {
  GridOptions options = SmallGrid();
  int64_t now_ns = 0;
  options.now_ns = [&now_ns] { return now_ns; };
  options.budget = absl::Seconds(4);
  const auto result = GridSearch(options, [&now_ns](const Setting& setting) {
    now_ns += 1'000'000'000;
    return ByBoth(setting);
  });
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->ended, "budget");
  EXPECT_EQ(result->measured, 4);
  EXPECT_EQ(result->settings, 6);
  EXPECT_EQ(result->kept.size(), 4u);
}

TEST(SearchTest, GridGoesOnBehindASettingThatFails) {
  GridOptions options = SmallGrid();
  options.repeats = 2;
  options.filter = [](const Evidence&) { return false; };
  const auto result = GridSearch(options, [](const Setting& setting) {
    return setting[1] == 200
               ? absl::StatusOr<Sample>(absl::UnavailableError("no memory"))
               : ByBoth(setting);
  });
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->evaluations, 2 + 2 * 4);
  EXPECT_EQ(result->measured, 4);
  EXPECT_EQ(result->failed, 2);
  ASSERT_EQ(result->kept.size(), 2u);  // A failure is not filtered away.
  EXPECT_TRUE(absl::IsUnavailable(result->kept[0].error));
}

TEST(SearchTest, GridStops) {
  GridOptions options = SmallGrid();
  std::atomic<bool> stop = false;
  options.stop = &stop;
  const auto result = GridSearch(options, [&stop](const Setting& setting) {
    stop = true;
    return ByBoth(setting);
  });
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->ended, "interrupted");
  EXPECT_EQ(result->measured, 1);
}

TEST(SearchTest, GridRefusesWhatMakesNoSense) {
  GridOptions options = SmallGrid();
  options.repeats = 0;
  EXPECT_TRUE(absl::IsInvalidArgument(GridSearch(options, ByBoth).status()));
  options = SmallGrid();
  options.param_grid[0].values.clear();
  EXPECT_TRUE(absl::IsInvalidArgument(GridSearch(options, ByBoth).status()));
  EXPECT_EQ(
      GridSearch(SmallGrid(),
                 [](const Setting&) {
                   return absl::StatusOr<Sample>(absl::DataLossError("broken"));
                 })
          .status()
          .code(),
      absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace opsbench::vector
