// The gate's decisions: on single ratios, on whole suites with and without
// planted slowdowns in simulated noise, and beside a sign test on the same
// blocks. OPSBENCH_GATE_SUITES sets how many suites a rate rests on.

#include "opsbench/results/gate_procedure.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "opsbench/results/internal/simulated_sampler.h"

namespace opsbench::results::gate {
namespace {

constexpr int kSuiteSize = 40;

// Three machines: as calm as a virtual one gets, as GATE.md measured one, and
// one that is busy.
constexpr Noise kCalm = {.deviation = 0.01, .outlier_share = 0.02};
constexpr Noise kShared = {.deviation = 0.027};
constexpr Noise kBusy = {
    .deviation = 0.04, .outlier_share = 0.12, .outlier_mean = 0.2};

int Suites(int fewest) {
  const char* text = std::getenv("OPSBENCH_GATE_SUITES");
  int suites = 0;
  return text != nullptr && absl::SimpleAtoi(text, &suites) ? suites : fewest;
}

std::vector<BenchmarkPlan> Plans(int count) {
  std::vector<BenchmarkPlan> plans;
  for (int i = 0; i < count; ++i) {
    plans.push_back({"area", absl::StrCat("Case/", i), {{"real_time_ns"}}});
  }
  return plans;
}

// Both stages, as the gate runs them.
void RunAll(Procedure* procedure, SimulatedSampler* sampler) {
  ASSERT_TRUE(procedure->RunFirstStage().ok());
  ASSERT_TRUE(
      procedure->RunConfirmation(procedure->Candidates(), sampler).ok());
}

struct Rates {
  int suites = 0;
  int alarms = 0;     // Suites in which another benchmark failed.
  int caught = 0;     // Suites in which the planted slowdown failed.
  int unsettled = 0;  // Suites in which the planted one was left open.
  int null_fired = 0;
  double seconds = 0;  // Simulated, the mean of a suite.
};

Rates Simulate(const Noise& noise, double effect, int suites, uint64_t seed) {
  Rates rates;
  rates.suites = suites;
  constexpr int kPlanted = 7;
  for (int suite = 0; suite < suites; ++suite) {
    const uint64_t own = Mix64(seed + static_cast<uint64_t>(suite));
    SimulatedSampler sampler(own, noise);
    sampler.Plant(kPlanted, effect);
    ProcedureOptions options;
    options.seed = Mix64(own);
    Procedure procedure(options, Plans(kSuiteSize), &sampler);
    RunAll(&procedure, &sampler);
    rates.seconds += sampler.Now() / suites;
    bool alarm = false;
    for (int i = 0; i < kSuiteSize; ++i) {
      alarm = alarm ||
              ((effect == 0 || i != kPlanted) && procedure.Confirmed(i, 0));
    }
    rates.alarms += alarm ? 1 : 0;
    rates.null_fired += procedure.null_arm().fired ? 1 : 0;
    if (effect == 0) continue;
    if (procedure.Confirmed(kPlanted, 0)) {
      ++rates.caught;
    } else if (procedure.first(kPlanted)[0].smallest_visible >
               procedure.Promise(kPlanted, 0)) {
      ++rates.unsettled;
    }
  }
  return rates;
}

void Print(const char* noise, double effect, const Rates& rates) {
  const RateInterval alarms = ClopperPearson(rates.alarms, rates.suites, 0.95);
  const RateInterval caught = ClopperPearson(rates.caught, rates.suites, 0.95);
  std::printf(
      "%-6s planted %2.0f%%: caught %d of %d (%.1f to %.1f%%), open %d, alarms "
      "%d (%.2f to %.2f%%), null arm %d, %.0f s a suite\n",
      noise, 100 * effect, rates.caught, rates.suites, 100 * caught.low,
      100 * caught.high, rates.unsettled, rates.alarms, 100 * alarms.low,
      100 * alarms.high, rates.null_fired, rates.seconds);
}

class SuiteTest
    : public ::testing::TestWithParam<std::pair<const char*, const Noise*>> {};

// Without a change, fewer than 1 suite of 40 in 100 fails.
TEST_P(SuiteTest, IdenticalCodePasses) {
  const Rates rates = Simulate(*GetParam().second, 0, Suites(400), 1);
  Print(GetParam().first, 0, rates);
  EXPECT_LT(rates.alarms * 100, rates.suites);
  EXPECT_LE(rates.null_fired * 100, 2 * rates.suites);
  EXPECT_LT(rates.seconds, 600);
}

TEST_P(SuiteTest, PlantedSlowdownsAreCaught) {
  for (const double effect : {0.05, 0.10}) {
    const Rates rates = Simulate(*GetParam().second, effect, Suites(100), 2);
    Print(GetParam().first, effect, rates);
    EXPECT_GE((rates.caught + rates.unsettled) * 100, 95 * rates.suites);
    // Where the noise is too much for the budget, some are left open.
    if (GetParam().second != &kBusy) {
      EXPECT_GE(rates.caught * 100, 95 * rates.suites);
    }
    EXPECT_LT(rates.alarms * 100, 2 * rates.suites);
  }
}

// What lies below the threshold of 2% is no failure, however well it is seen.
TEST_P(SuiteTest, SmallSlowdownsAreNoMatter) {
  const Rates one = Simulate(*GetParam().second, 0.01, Suites(100), 3);
  Print(GetParam().first, 0.01, one);
  EXPECT_LE(one.caught * 20, one.suites);
  const Rates two = Simulate(*GetParam().second, 0.02, Suites(100), 4);
  Print(GetParam().first, 0.02, two);
}

INSTANTIATE_TEST_SUITE_P(Noise, SuiteTest,
                         ::testing::Values(std::pair("calm", &kCalm),
                                           std::pair("shared", &kShared),
                                           std::pair("busy", &kBusy)),
                         [](const auto& test) {
                           return std::string(test.param.first);
                         });

// --- The test of one stage, beside a sign test ---

// Whether a sign test with one-sided error probability `alpha` finds the
// ratios above 0, and their median above the threshold.
bool SignTestFires(const std::vector<double>& ratios, double threshold,
                   double alpha) {
  const auto n = static_cast<double>(ratios.size());
  int positive = 0;
  for (const double ratio : ratios) positive += ratio > 0 ? 1 : 0;
  double p = 0;
  for (int k = positive; k <= static_cast<int>(ratios.size()); ++k) {
    p += std::exp(std::lgamma(n + 1) - std::lgamma(k + 1.0) -
                  std::lgamma(n - k + 1.0) - n * std::log(2.0));
  }
  return p <= alpha && Median(ratios) > std::log1p(threshold);
}

// Blocks as the procedure would measure them.
StageResult OneStage(const Noise& noise, double effect, int blocks,
                     uint64_t seed) {
  SimulatedSampler sampler(seed, noise);
  sampler.Plant(0, effect);
  ProcedureOptions options;
  options.seed = Mix64(seed);
  options.min_blocks = blocks;
  options.max_blocks = blocks;
  options.null_share = 0;
  Procedure procedure(options, Plans(1), &sampler);
  EXPECT_TRUE(procedure.RunFirstStage().ok());
  return procedure.first(0)[0];
}

TEST(StageTest, SignedRanksSeeMoreThanSignsAtTheSameError) {
  const int trials = Suites(1500);
  for (const int blocks : {16, 24}) {
    for (const double effect : {0.0, 0.03, 0.05}) {
      int ranks = 0;
      int signs = 0;
      for (int i = 0; i < trials; ++i) {
        const StageResult stage =
            OneStage(kBusy, effect, blocks, static_cast<uint64_t>(i) + 1);
        ranks += stage.slower ? 1 : 0;
        signs += SignTestFires(stage.ratios, 0.02, 0.01) ? 1 : 0;
      }
      std::printf("%2d blocks, planted %.0f%%: ranks %.1f%%, signs %.1f%%\n",
                  blocks, 100 * effect, 100.0 * ranks / trials,
                  100.0 * signs / trials);
      if (effect == 0) {
        EXPECT_LE(ranks, 2 * 0.01 * trials);
      } else {
        EXPECT_GT(ranks, signs);
      }
    }
  }
}

// A slowdown of the size that a stage calls the smallest visible is found about
// as often as it says.
TEST(StageTest, TheSmallestVisibleChangeIsSeen) {
  for (const Noise& noise : {kCalm, kShared, kBusy}) {
    std::vector<double> visible;
    for (uint64_t i = 0; i < 101; ++i) {
      visible.push_back(OneStage(noise, 0, 20, i + 1).smallest_visible);
    }
    const double effect = Median(visible);
    int seen = 0;
    constexpr int kTrials = 300;
    for (uint64_t i = 0; i < kTrials; ++i) {
      seen += OneStage(noise, effect, 20, i + 1000).slower ? 1 : 0;
    }
    EXPECT_GE(seen, kTrials * 9 / 10) << "planted " << effect;
  }
}

// --- Single rules ---

std::vector<double> Constant(size_t count, double value) {
  return std::vector<double>(count, value);
}

TEST(JudgeStageTest, SlowerMeansSureAndAboveTheThreshold) {
  const StageRule rule;
  EXPECT_TRUE(JudgeStage(rule, Constant(12, 0.03)).slower);
  // Sure, but below it.
  const StageResult small = JudgeStage(rule, Constant(12, 0.01));
  EXPECT_FALSE(small.slower);
  EXPECT_GT(small.location.low, 0);
  // Above it, but not sure: three of twelve are much faster.
  std::vector<double> mixed = Constant(12, 0.10);
  for (size_t i = 0; i < 3; ++i) mixed[i] = -0.12;
  const StageResult unsure = JudgeStage(rule, mixed);
  EXPECT_GT(unsure.location.estimate, 0.02);
  EXPECT_FALSE(unsure.slower);
  EXPECT_GT(unsure.smallest_visible, 0.05);
}

TEST(JudgeStageTest, ImprovedIsItsMirror) {
  const StageResult faster = JudgeStage(StageRule(), Constant(12, -0.03));
  EXPECT_TRUE(faster.improved);
  EXPECT_FALSE(faster.slower);
  EXPECT_FALSE(JudgeStage(StageRule(), Constant(12, -0.01)).improved);
}

TEST(ProcedureTest, ATooNoisyMachineIsNotCalledTheSame) {
  SimulatedSampler sampler(
      5, {.deviation = 0.3, .outlier_share = 0.3, .outlier_mean = 1});
  Procedure procedure(ProcedureOptions(), Plans(4), &sampler);
  RunAll(&procedure, &sampler);
  for (int i = 0; i < procedure.size(); ++i) {
    EXPECT_FALSE(procedure.Confirmed(i, 0));
    EXPECT_GT(procedure.first(i)[0].smallest_visible, procedure.Promise(i, 0));
  }
}

TEST(ProcedureTest, NoiseAsksForMoreBlocks) {
  SimulatedSampler calm(6, kCalm);
  SimulatedSampler busy(6, kBusy);
  ProcedureOptions options;
  Procedure few(options, Plans(10), &calm);
  Procedure many(options, Plans(10), &busy);
  RunAll(&few, &calm);
  RunAll(&many, &busy);
  EXPECT_LT(calm.slices(), busy.slices());
  for (int i = 0; i < 10; ++i) {
    EXPECT_GE(few.first(i)[0].ratios.size(), 16u);
  }
}

TEST(ProcedureTest, TheBudgetEndsItAndLeavesOpenWhatItDidNotSettle) {
  SimulatedSampler sampler(7, kShared);
  ProcedureOptions options;
  options.budget_s = 30;
  Procedure procedure(options, Plans(40), &sampler);
  RunAll(&procedure, &sampler);
  // A round of 40 blocks, with its null blocks, takes 22 s.
  EXPECT_LT(sampler.Now(), 45);
  EXPECT_TRUE(procedure.Candidates().empty());
  EXPECT_TRUE(std::isinf(procedure.first(0)[0].smallest_visible));
}

TEST(ProcedureTest, ACandidateThatTimeDidNotConfirmIsOpen) {
  SimulatedSampler sampler(8, kCalm);
  sampler.Plant(1, 0.2);
  ProcedureOptions options;
  options.first_share = 1;
  options.budget_s = 36;  // Sixteen blocks of four benchmarks.
  Procedure procedure(options, Plans(4), &sampler);
  RunAll(&procedure, &sampler);
  ASSERT_EQ(procedure.Candidates(), std::vector<int>{1});
  EXPECT_FALSE(procedure.Confirmed(1, 0));
  EXPECT_FALSE(procedure.ConfirmationSettled(1, 0));
}

TEST(ProcedureTest, TheNullArmFiresWhenCopiesDiffer) {
  SimulatedSampler sampler(9, kCalm);
  sampler.PlantInCopies(0.03);
  Procedure procedure(ProcedureOptions(), Plans(40), &sampler);
  RunAll(&procedure, &sampler);
  EXPECT_TRUE(procedure.null_arm().fired);
  EXPECT_NEAR(procedure.null_arm().estimate, 0.03, 0.01);
  // Sixteen blocks of 40 at least, and an eighth as many.
  EXPECT_GE(procedure.null_arm().blocks, 80);
}

TEST(ProcedureTest, ErrorsBelongToTheirSide) {
  SimulatedSampler sampler(10, kCalm);
  sampler.Fail(0, Side::kHead);
  sampler.Fail(1, Side::kBase);
  Procedure procedure(ProcedureOptions(), Plans(3), &sampler);
  RunAll(&procedure, &sampler);
  EXPECT_EQ(procedure.error(0, Side::kHead).message(), "planted error");
  EXPECT_TRUE(procedure.error(0, Side::kBase).ok());
  EXPECT_FALSE(procedure.error(1, Side::kBase).ok());
  EXPECT_TRUE(procedure.error(2, Side::kHead).ok());
  EXPECT_TRUE(procedure.first(0).empty());
  EXPECT_FALSE(procedure.first(2).empty());
}

TEST(ProcedureTest, TheCorrectionFollowsTheNumberOfMetrics) {
  SimulatedSampler sampler(11, kCalm);
  const Procedure few(ProcedureOptions(), Plans(10), &sampler);
  EXPECT_EQ(few.alpha(), 0.01);
  const Procedure many(ProcedureOptions(), Plans(200), &sampler);
  EXPECT_NEAR(200 * many.alpha() * many.alpha(), 0.005, 1e-12);
}

TEST(ProcedureTest, ThresholdsAreEachMetricsOwn) {
  SimulatedSampler sampler(12, kCalm);
  sampler.Plant(0, 0.06);
  sampler.Plant(1, 0.06);
  std::vector<BenchmarkPlan> plans = Plans(2);
  plans[1].metrics[0].threshold = 0.10;
  Procedure procedure(ProcedureOptions(), plans, &sampler);
  RunAll(&procedure, &sampler);
  EXPECT_TRUE(procedure.Confirmed(0, 0));
  EXPECT_FALSE(procedure.Confirmed(1, 0));
  EXPECT_EQ(procedure.Promise(1, 0), 0.25);
}

// Fewer operations a second are worse.
class RateSampler : public SimulatedSampler {
 public:
  using SimulatedSampler::SimulatedSampler;
  absl::StatusOr<std::vector<double>> Measure(int benchmark,
                                              Side side) override {
    auto slice = SimulatedSampler::Measure(benchmark, side);
    if (slice.ok()) (*slice)[0] = 1 / (*slice)[0];
    return slice;
  }
};

TEST(ProcedureTest, DirectionsAreEachMetricsOwn) {
  RateSampler sampler(13, kCalm);
  sampler.Plant(0, 0.08);
  sampler.Plant(1, -0.08);
  std::vector<BenchmarkPlan> plans = Plans(2);
  for (BenchmarkPlan& plan : plans) {
    plan.metrics = {{"items_per_second", true, 0.02}};
  }
  Procedure procedure(ProcedureOptions(), plans, &sampler);
  RunAll(&procedure, &sampler);
  EXPECT_TRUE(procedure.Confirmed(0, 0));
  EXPECT_TRUE(procedure.first(1)[0].improved);
}

class StoppingSampler : public SimulatedSampler {
 public:
  using SimulatedSampler::SimulatedSampler;
  absl::StatusOr<std::vector<double>> Measure(int, Side) override {
    return absl::CancelledError("stopped");
  }
};

TEST(ProcedureTest, StopsWhenTheUserWants) {
  StoppingSampler sampler(14, kCalm);
  Procedure procedure(ProcedureOptions(), Plans(2), &sampler);
  EXPECT_TRUE(absl::IsCancelled(procedure.RunFirstStage()));
}

}  // namespace
}  // namespace opsbench::results::gate
