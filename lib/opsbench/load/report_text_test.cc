#include "opsbench/load/report_text.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace opsbench {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// Latencies that the histogram keeps exactly.
LoadReport ThreeOperations() {
  LoadReport report;
  report.elapsed = absl::Seconds(2);
  report.operations.resize(3);
  OperationReport& read = report.operations[0];
  read.name = "latest_l2";
  for (int ns = 1; ns <= 100; ++ns) read.latency.Record(ns);
  read.rows = 9'000;
  OperationReport& scan = report.operations[1];
  scan.name = "scan";
  scan.latency.Record(52'340);
  scan.rows = 1'000;
  OperationReport& write = report.operations[2];
  write.name = "insert";
  write.errors = 3;
  write.errors_by_kind = {{"INTERNAL", 1}, {"UNAVAILABLE", 2}};
  write.first_error = "the server has gone away";
  return report;
}

std::vector<std::string> Cells(const std::string& line) {
  return absl::StrSplit(line, ' ', absl::SkipEmpty());
}

size_t Width(absl::string_view line) {
  size_t characters = 0;
  for (const char byte : line) characters += (byte & 0xc0) != 0x80;
  return characters;
}

TEST(ReportTextTest, ShowsTotalsTableAndErrors) {
  const std::string text = RenderLoadReport(ThreeOperations());
  EXPECT_THAT(
      text,
      AllOf(HasSubstr("Total Ops: 101 in 2.0 s\n"), HasSubstr("QPS: 50.50\n"),
            HasSubstr("Rows/s: 5000.00\n"), HasSubstr("Errors: 3\n")));
  EXPECT_THAT(text, HasSubstr("errors of insert: 1 INTERNAL, 2 UNAVAILABLE; "
                              "the first: the server has gone away\n"));
  EXPECT_THAT(text, Not(HasSubstr("offered")));
  EXPECT_THAT(text, Not(HasSubstr("interrupted")));

  const std::vector<std::string> lines = absl::StrSplit(text, '\n');
  size_t header = 0;
  while (header < lines.size() &&
         lines[header].find("p99.9") == std::string::npos) {
    ++header;
  }
  ASSERT_LT(header + 4, lines.size());
  EXPECT_THAT(
      Cells(lines[header + 1]),
      ElementsAre("latest_l2", "100", "0", "9000", "50", "ns", "90", "ns", "95",
                  "ns", "99", "ns", "100", "ns", "100", "ns"));
  EXPECT_THAT(
      Cells(lines[header + 2]),
      ElementsAre("scan", "1", "0", "1000", "52.3", "µs", "52.3", "µs", "52.3",
                  "µs", "52.3", "µs", "52.3", "µs", "52.3", "µs"));
  EXPECT_THAT(
      Cells(lines[header + 3]),
      ElementsAre("insert", "0", "3", "0", "-", "-", "-", "-", "-", "-"));
  EXPECT_THAT(lines[header + 4], StartsWith("  all "));
  for (size_t i = header; i <= header + 4; ++i) {
    EXPECT_EQ(Width(lines[i]), Width(lines[header])) << lines[i];
    EXPECT_LE(Width(lines[i]), 100);
  }
}

TEST(ReportTextTest, SaysWhatMakesTheFiguresDoubtful) {
  LoadReport report = ThreeOperations();
  report.offered_per_second = 1000;
  report.rate_met = false;
  report.overdue = 70;
  report.abandoned = 20;
  report.workers_lost = 2;
  report.ended_early = absl::UnavailableError("no worker is left");
  report.interrupted = true;
  EXPECT_THAT(RenderLoadReport(report),
              AllOf(HasSubstr("offered 1000/s: NOT met"),
                    HasSubstr("70 operations were overdue"),
                    HasSubstr("20 operations were never begun"),
                    HasSubstr("2 workers were lost"),
                    HasSubstr("ended early: no worker is left"),
                    HasSubstr("interrupted")));
}

TEST(ReportTextTest, ShowsServiceTimesSkipsAndHoldsWhereThereAreAny) {
  LoadReport report = ThreeOperations();
  for (OperationReport& operation : report.operations) {
    operation.service = operation.latency;
  }
  const std::string plain = RenderLoadReport(report);
  EXPECT_THAT(plain, Not(HasSubstr("service")));
  EXPECT_THAT(plain, Not(HasSubstr("skipped")));
  EXPECT_THAT(plain, Not(HasSubstr("held")));

  report.operations[1].service.Reset();
  report.operations[1].service.Record(2'340);
  report.operations[0].skipped = 5;
  report.operations[2].skipped = 7;
  report.holds = 4;
  report.held = absl::Milliseconds(10);
  const std::string text = RenderLoadReport(report);
  EXPECT_THAT(text, HasSubstr("\n  12 operations were skipped: 5 latest_l2, "
                              "7 insert\n"));
  EXPECT_THAT(
      text,
      HasSubstr("\n  4 operations were held back, for 2.50 ms on average\n"));
  const std::vector<std::string> lines = absl::StrSplit(text, '\n');
  size_t header = 0;
  while (header < lines.size() &&
         lines[header].find("service") == std::string::npos) {
    ++header;
  }
  ASSERT_LT(header + 4, lines.size());
  EXPECT_THAT(Cells(lines[header + 1]),
              ElementsAre("latest_l2", "50", "ns", "90", "ns", "95", "ns", "99",
                          "ns", "100", "ns", "100", "ns"));
  EXPECT_THAT(Cells(lines[header + 2]),
              ElementsAre("scan", "2.34", "µs", "2.34", "µs", "2.34", "µs",
                          "2.34", "µs", "2.34", "µs", "2.34", "µs"));
  EXPECT_THAT(Cells(lines[header + 3]),
              ElementsAre("insert", "-", "-", "-", "-", "-", "-"));
  EXPECT_THAT(lines[header + 4], StartsWith("  all "));
  // In the columns of the latencies above.
  const std::string& latencies = lines[header - 6];
  ASSERT_THAT(latencies, StartsWith("  operation"));
  EXPECT_EQ(lines[header].find("p50"), latencies.find("p50"));
  for (size_t i = header; i <= header + 4; ++i) {
    EXPECT_EQ(Width(lines[i]), Width(lines[header])) << lines[i];
  }
}

TEST(ReportTextTest, ShowsTheCourseOfTheThroughput) {
  LoadReport report = ThreeOperations();
  for (const int64_t operations : {700, 0, 350, 700, 13}) {
    report.seconds.push_back({.operations = operations});
  }
  EXPECT_THAT(RenderLoadReport(report),
              HasSubstr("over time: █▁▅█ 0 to 700/s\n"));
  // An hour is summed up, not printed second by second.
  report.seconds.assign(3601, {.operations = 10});
  EXPECT_THAT(RenderLoadReport(report), HasSubstr(" 10 to 10/s\n"));
}

TEST(ReportTextTest, AnEmptyReportIsStillReadable) {
  EXPECT_THAT(RenderLoadReport(LoadReport()), HasSubstr("Total Ops: 0"));
}

}  // namespace
}  // namespace opsbench
