// Every way in which the gate's evidence leads to a verdict, and verdicts to a
// conclusion.

#include "opsbench/results/gate_verdict.h"

#include <cmath>
#include <limits>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace opsbench::results::gate {
namespace {

using ::testing::HasSubstr;

constexpr double kPromise = 0.05;

BenchmarkPlan Plan() {
  return {"area", "Case", {{"real_time_ns", false, 0.02}}};
}

StageResult Stage(double effect, bool slower, double visible = 0.03) {
  StageResult stage;
  const double log = std::log1p(effect);
  stage.ratios = std::vector<double>(16, log);
  stage.location = {log, log - 0.01, log + 0.01};
  stage.slower = slower;
  stage.smallest_visible = visible;
  stage.base = 100;
  stage.head = 100 * (1 + effect);
  return stage;
}

Verdict VerdictOf(const Evidence& evidence) {
  return Judge(Plan(), 0, evidence, kPromise).verdict;
}

TEST(JudgeTest, OneStageWithoutAFinding) {
  Evidence evidence;
  EXPECT_EQ(VerdictOf(evidence), Verdict::kUnsure);
  evidence.first = {Stage(0.001, false)};
  EXPECT_EQ(VerdictOf(evidence), Verdict::kSame);
  evidence.first = {Stage(0.001, false, 0.06)};
  EXPECT_EQ(VerdictOf(evidence), Verdict::kUnsure);
  evidence.first = {
      Stage(0.001, false, std::numeric_limits<double>::infinity())};
  const MetricComparison few = Judge(Plan(), 0, evidence, kPromise);
  EXPECT_EQ(few.verdict, Verdict::kUnsure);
  EXPECT_FALSE(few.smallest_visible.has_value());
  EXPECT_THAT(few.note, HasSubstr("--budget"));
  evidence.first = {Stage(-0.05, false)};
  evidence.first[0].improved = true;
  EXPECT_EQ(VerdictOf(evidence), Verdict::kImproved);
}

TEST(JudgeTest, AFindingNeedsTheSecondStage) {
  Evidence evidence;
  evidence.first = {Stage(0.05, true)};
  EXPECT_EQ(VerdictOf(evidence), Verdict::kUnsure);
  evidence.second = {Stage(0.001, false)};
  EXPECT_EQ(VerdictOf(evidence), Verdict::kSame);
  evidence.second = {Stage(0.01, false, 0.2)};
  EXPECT_EQ(VerdictOf(evidence), Verdict::kUnsure);
}

TEST(JudgeTest, TimeAndInstructionsAgree) {
  Evidence evidence;
  evidence.first = {Stage(0.06, true)};
  evidence.second = {Stage(0.05, true)};
  evidence.instructions = 0.04;
  EXPECT_FALSE(NeedsRelinking(Plan(), evidence));
  const MetricComparison found = Judge(Plan(), 0, evidence, kPromise);
  EXPECT_EQ(found.verdict, Verdict::kSlower);
  EXPECT_THAT(found.note, HasSubstr("instructions +4.0%"));
  // The first stage was chosen for what it shows; the second was not.
  EXPECT_NEAR(*found.effect, 0.05, 1e-12);
  EXPECT_EQ(found.base, 100);
  EXPECT_NEAR(*found.head, 105, 1e-9);
  EXPECT_LT(*found.effect_low, 0.05);
  EXPECT_GT(*found.effect_high, 0.05);
}

TEST(JudgeTest, TimeAloneNeedsAnotherLinkOrder) {
  for (const absl::optional<double> instructions :
       {absl::optional<double>(), absl::optional<double>(0.001),
        absl::optional<double>(-0.03)}) {
    Evidence evidence;
    evidence.first = {Stage(0.06, true)};
    evidence.second = {Stage(0.05, true)};
    evidence.instructions = instructions;
    EXPECT_TRUE(NeedsRelinking(Plan(), evidence));
    EXPECT_EQ(VerdictOf(evidence), Verdict::kUnsure);
    evidence.relinked = {Stage(0.05, true)};
    EXPECT_EQ(VerdictOf(evidence), Verdict::kSlower);
    evidence.relinked = {Stage(0.001, false)};
    EXPECT_EQ(VerdictOf(evidence), Verdict::kSame);
    evidence.relinked = {Stage(0.03, false, 0.3)};
    EXPECT_EQ(VerdictOf(evidence), Verdict::kUnsure);
  }
}

TEST(JudgeTest, WhatIsNoTimeNeedsNoWitness) {
  BenchmarkPlan plan = Plan();
  plan.metrics = {{"memory_bytes", false, 0.02}};
  Evidence evidence;
  evidence.first = {Stage(0.06, true)};
  evidence.second = {Stage(0.05, true)};
  EXPECT_FALSE(NeedsRelinking(plan, evidence));
  EXPECT_EQ(Judge(plan, 0, evidence, kPromise).verdict, Verdict::kSlower);
}

TEST(JudgeTest, InstructionsAloneAreANote) {
  Evidence evidence;
  evidence.first = {Stage(0.001, false)};
  evidence.instructions = 0.013;
  const MetricComparison same = Judge(Plan(), 0, evidence, kPromise);
  EXPECT_EQ(same.verdict, Verdict::kSame);
  EXPECT_THAT(same.note, HasSubstr("instructions +1.3%"));
}

TEST(JudgeTest, ErrorsOfTheHeadFailThoseOfTheBaseDoNot) {
  Evidence evidence;
  evidence.first = {Stage(0.001, false)};
  evidence.head_error = absl::InternalError("wrong answer");
  const MetricComparison error = Judge(Plan(), 0, evidence, kPromise);
  EXPECT_EQ(error.verdict, Verdict::kError);
  EXPECT_EQ(error.note, "wrong answer");
  evidence.base_error = evidence.head_error;
  EXPECT_EQ(VerdictOf(evidence), Verdict::kError);
  evidence.head_error = absl::OkStatus();
  EXPECT_EQ(VerdictOf(evidence), Verdict::kNew);
}

// An effect is that of the metric, whichever way is better.
TEST(JudgeTest, EffectsFollowTheMetric) {
  BenchmarkPlan plan = Plan();
  plan.metrics = {{"items_per_second", true, 0.02}};
  Evidence evidence;
  evidence.first = {Stage(0.06, true)};
  evidence.second = {Stage(0.05, true)};
  evidence.instructions = 0.05;
  const MetricComparison fewer = Judge(plan, 0, evidence, kPromise);
  EXPECT_EQ(fewer.verdict, Verdict::kSlower);
  EXPECT_NEAR(*fewer.effect, 1 / 1.05 - 1, 1e-9);
  EXPECT_LT(*fewer.effect_low, *fewer.effect);
  EXPECT_GT(*fewer.effect_high, *fewer.effect);
}

TEST(ConcludeTest, FailuresThenDoubtsThenPass) {
  Comparison comparison;
  const auto add = [&](Verdict verdict) {
    comparison.metrics.emplace_back();
    comparison.metrics.back().verdict = verdict;
  };
  EXPECT_EQ(Conclude(comparison, false), Conclusion::kPassed);
  add(Verdict::kSame);
  add(Verdict::kNew);
  add(Verdict::kImproved);
  EXPECT_EQ(Conclude(comparison, false), Conclusion::kPassed);
  EXPECT_EQ(Conclude(comparison, true), Conclusion::kInconclusive);
  add(Verdict::kUnsure);
  EXPECT_EQ(Conclude(comparison, false), Conclusion::kInconclusive);
  add(Verdict::kSlower);
  EXPECT_EQ(Conclude(comparison, false), Conclusion::kFailed);
  EXPECT_EQ(Conclude(comparison, true), Conclusion::kInconclusive);
  for (const Verdict gone : {Verdict::kMissing, Verdict::kError}) {
    comparison.metrics.clear();
    add(gone);
    EXPECT_EQ(Conclude(comparison, false), Conclusion::kFailed);
    EXPECT_EQ(Conclude(comparison, true), Conclusion::kFailed);
  }
}

}  // namespace
}  // namespace opsbench::results::gate
