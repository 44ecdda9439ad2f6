// What the gate's reports say and in which order, whatever names and notes
// hold.

#include "opsbench/results/gate_report.h"

#include <limits>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace opsbench::results::gate {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

MetricComparison Metric(const std::string& name, Verdict verdict,
                        double effect) {
  MetricComparison metric;
  metric.area = "base";
  metric.benchmark = name;
  metric.metric = "real_time_ns";
  metric.verdict = verdict;
  metric.base = 100;
  metric.head = 100 * (1 + effect);
  metric.effect = effect;
  metric.effect_low = effect - 0.01;
  metric.effect_high = effect + 0.01;
  metric.smallest_visible = 0.034;
  metric.threshold = 0.02;
  return metric;
}

GateReport Report() {
  GateReport report;
  report.comparison.base_name = "main (0123456789)";
  report.comparison.head_name = "HEAD (abcdefabcd)";
  report.comparison.metrics = {Metric("Case/Same", Verdict::kSame, 0.004),
                               Metric("Case/Little", Verdict::kSlower, 0.05),
                               Metric("Case/Much", Verdict::kSlower, 0.25),
                               Metric("Case/Noisy", Verdict::kUnsure, 0.01)};
  MetricComparison gone;
  gone.area = "base";
  gone.benchmark = "Case/Gone";
  gone.metric = "real_time_ns";
  gone.verdict = Verdict::kMissing;
  report.comparison.metrics.push_back(gone);
  report.comparison.confidence = 0.98;
  report.null_arm = {60, 0.4, 0.001, false};
  report.seconds = 81.4;
  return report;
}

// The places where these texts stand, each after the one before.
void ExpectInOrder(const std::string& text,
                   const std::vector<std::string>& parts) {
  size_t from = 0;
  for (const std::string& part : parts) {
    const size_t found = text.find(part, from);
    ASSERT_NE(found, std::string::npos) << part << " in\n" << text;
    from = found;
  }
}

TEST(GateReportTest, FailuresComeFirstTheLargestOnTop) {
  const std::vector<std::string> order = {
      "Case/Gone", "Case/Much", "Case/Little", "Case/Noisy", "Case/Same"};
  ExpectInOrder(RenderGateText(Report(), false), order);
  ExpectInOrder(RenderGateMarkdown(Report()), order);
}

TEST(GateReportTest, EveryNoChangeSaysWhatWouldHaveBeenSeen) {
  const std::string text = RenderGateText(Report(), false);
  EXPECT_THAT(text, HasSubstr("98% interval  visible from"));
  ExpectInOrder(text, {"Case/Same", "+0.4%", "3.4%"});
  EXPECT_THAT(text, HasSubstr("failed: 1 missing, 2 slower, 1 unsure, 1 same"));
  EXPECT_THAT(text, HasSubstr("p = 0.4"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(RenderGateText(Report(), true), HasSubstr("\x1b[31m"));
}

TEST(GateReportTest, TheNullArmIsTold) {
  GateReport report = Report();
  report.comparison.metrics.pop_back();  // What is gone fails in any case.
  report.null_arm.fired = true;
  const std::string text = RenderGateText(report, false);
  EXPECT_THAT(text, HasSubstr("it fired"));
  EXPECT_THAT(text, HasSubstr("inconclusive: "));
  EXPECT_THAT(RenderGateJUnit(report), HasSubstr("failures=\"0\""));
  EXPECT_THAT(RenderGateJUnit(report), HasSubstr("skipped=\"3\""));
}

TEST(GateReportTest, AReportAloneConcludesNothing) {
  GateReport report = Report();
  report.report_only = true;
  EXPECT_EQ(ConclusionLine(report), "1 missing, 2 slower, 1 unsure, 1 same");
  EXPECT_THAT(RenderGateJUnit(report),
              HasSubstr("failures=\"0\" errors=\"0\""));
}

TEST(GateMarkdownTest, AThousandFailuresFitIntoAComment) {
  GateReport report = Report();
  for (int i = 0; i < 1000; ++i) {
    report.comparison.metrics.push_back(
        Metric(absl::StrCat("Case/Name/that/is/rather/long/items:", i),
               i % 2 == 0 ? Verdict::kSlower : Verdict::kSame, 0.03));
  }
  const std::string text = RenderGateMarkdown(report);
  EXPECT_LT(text.size(), 65'536u);
  EXPECT_THAT(text, StartsWith(kCommentMark));
  EXPECT_THAT(text, HasSubstr("more did not fit"));
  EXPECT_THAT(text, HasSubstr("Case/Much"));
  EXPECT_THAT(text, HasSubstr("Null arm"));
  EXPECT_LT(RenderGateMarkdown(report, 2000).size(), 2000u);
}

TEST(GateMarkdownTest, NotesCannotBreakOutOfTheTable) {
  GateReport report = Report();
  report.comparison.metrics[1].note = "a | b\n# c <script> @someone `x`";
  report.comparison.metrics[1].benchmark = "Case/`|`";
  const std::string text = RenderGateMarkdown(report);
  EXPECT_THAT(text, HasSubstr("a \\| b # c &lt;script>"));
  EXPECT_THAT(text, Not(HasSubstr("@someone")));
  EXPECT_THAT(text, HasSubstr("`Case/'\\|'`"));
}

TEST(GateJsonTest, HasEveryNumberAndOnlyNumbers) {
  GateReport report = Report();
  report.comparison.metrics[0].smallest_visible =
      std::numeric_limits<double>::infinity();
  const auto document = nlohmann::json::parse(RenderGateJson(report));
  EXPECT_EQ(document.at("conclusion"), "failed");
  EXPECT_EQ(document.at("null_arm").at("blocks"), 60);
  const auto& metrics = document.at("metrics");
  ASSERT_EQ(metrics.size(), 5u);
  EXPECT_FALSE(metrics[0].contains("smallest_visible"));
  EXPECT_EQ(metrics[1].at("verdict"), "slower");
  EXPECT_EQ(metrics[1].at("effect"), 0.05);
  EXPECT_FALSE(metrics[4].contains("base"));
}

TEST(GateJUnitTest, OneCaseAMetric) {
  GateReport report = Report();
  report.comparison.metrics[1].note = "<&\"\x01";
  report.comparison.metrics.push_back(
      Metric("Case/Broken", Verdict::kError, 0));
  const std::string text = RenderGateJUnit(report);
  EXPECT_THAT(text, HasSubstr("tests=\"6\" failures=\"3\" errors=\"1\" "
                              "skipped=\"1\""));
  EXPECT_THAT(text, HasSubstr("&lt;&amp;&quot; "));
  EXPECT_THAT(text, HasSubstr("<testcase classname=\"base\" "
                              "name=\"Case/Same\" time=\"0\"/>"));
  EXPECT_THAT(text, HasSubstr("<failure message=\"slower +25.0% \"/>"));
}

}  // namespace
}  // namespace opsbench::results::gate
