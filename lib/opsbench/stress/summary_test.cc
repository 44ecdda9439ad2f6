// What is said of a run whose figures are known: every one of them is found in
// the text, in summary.json and in the rows for comparisons, and no fault is
// left out.

#include "opsbench/stress/summary.h"

#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "opsbench/results/metric.h"

namespace opsbench::stress {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr double kMib = 1 << 20;

OperationReport OperationOf(OperationKind kind, int count, int64_t latency_ns,
                            int64_t rows) {
  OperationReport operation;
  operation.name = std::string(OperationKindName(kind));
  for (int i = 1; i <= count; ++i) {
    operation.latency.Record(latency_ns * i / count);
    operation.service.Record(latency_ns * i / count / 2);
  }
  operation.rows = rows;
  return operation;
}

// A run of 10 s without faults, in which all went well.
StressReport GoodReport() {
  StressReport report;
  report.started = absl::FromUnixSeconds(1'800'000'000);
  report.load.elapsed = absl::Seconds(10);
  report.load.operations = {
      OperationOf(OperationKind::kBulkInsert, 1'000, 100'000'000, 2'500'000),
      OperationOf(OperationKind::kSingleInsert, 200, 1'000'000, 200),
      OperationOf(OperationKind::kSimpleSelect, 10'000, 2'000'000, 300'000),
      OperationOf(OperationKind::kAggregate, 0, 0, 0),
  };
  report.load.seconds.resize(10);
  report.load.seconds[3].operations = 77;
  report.load.seconds[3].p99_ns = 5'000'000;
  report.load.holds = 12;
  report.load.held = absl::Milliseconds(3'400);
  for (int i = 0; i < 2; ++i) {
    UserReport user;
    user.user = {.id = i,
                 .user_class = UserClass::kMixed,
                 .seed = 0xfedcba9876543210u + static_cast<uint64_t>(i),
                 .database = i};
    user.operations = 5'600;
    user.hash = 0xffffffffffffffffu;
    user.result.checked_exactly = 4'000;
    user.result.checked_partly = 1'000;
    user.result.reconnects = i;
    report.users.push_back(user);
  }
  report.monitor.readings = 41;
  report.monitor.peaks = {{"client_resident_bytes", 100 * kMib},
                          {"server_resident_bytes", 2'344 * kMib},
                          {"server_cpu_pct", 79},
                          {"disk_bytes", 856 * kMib}};
  report.monitor.metrics = {"client_resident_bytes", "disk_bytes",
                            "psi_cpu_some_pct", "server_cpu_pct"};
  report.monitor.points = {{0, {1, 2, 3, 4}}, {0.25, {5, std::nan(""), 7, 8}}};
  report.monitor.backpressure = {2, 1.5, 4.5, 3.25};
  report.monitor.events = {{1.5, "backpressure", "on: too much"}};
  OracleReport oracle;
  oracle.acknowledged_operations = 1'200;
  oracle.acknowledged_rows = 2'500'200;
  oracle.checked_rows = 2'500'400;
  report.oracle = oracle;
  return report;
}

StressConfig ConfigOfRun() {
  StressConfig config;
  config.engine = Engine::kPostgres;
  config.plan.seed = 7'777;
  return config;
}

std::string Text(const StressReport& report) {
  return RenderStressReport(ConfigOfRun(), report);
}
json Summary(const StressReport& report,
             const StressConfig& config = ConfigOfRun()) {
  return json::parse(FormatSummary(config, "15.18", report));
}
results::BenchmarkFile Rows(const StressReport& report) {
  return ToBenchmarkFile(ConfigOfRun(), report);
}

TEST(RenderTest, BeginsWithTheFieldsOfSeedDocument003) {
  const std::string text = Text(GoodReport());
  std::vector<std::string> labels;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    if (line.empty()) break;
    if (line[0] != ' ') labels.emplace_back(line.substr(0, line.find(':')));
  }
  EXPECT_THAT(labels,
              ElementsAre("Config", "Duration", "Operations", "Throughput",
                          "Latency", "Peak memory", "Peak load", "Disk used"));
  EXPECT_THAT(text, AllOf(HasSubstr("Duration:    10.0s\n"),
                          HasSubstr("Operations:  11,200 (0 failures)\n"),
                          HasSubstr("1,120 ops/sec, 250,020 insert-rows/sec"),
                          HasSubstr("max=100 ms\n"),
                          HasSubstr("Peak memory: 2,344 MiB\n"),
                          HasSubstr("Peak load:   0.79\n"),
                          HasSubstr("Disk used:   856 MiB\n")));
  EXPECT_THAT(text, HasSubstr("seed 7777"));
}

TEST(RenderTest, HasARowAKindAndSeparateWaits) {
  const std::string text = Text(GoodReport());
  EXPECT_THAT(text, HasSubstr("  bulk_insert      1,000       0       0    "
                              "2,500,000"));
  EXPECT_THAT(text, HasSubstr("  aggregate            0 "));
  EXPECT_THAT(text, AllOf(HasSubstr("Held:        12 operations, 3.4 s"),
                          HasSubstr("Pressure:    2 times, 3.2 s in all, "
                                    "first at 1.5 s"),
                          HasSubstr("8,000 checked exactly, 2,000 partly, 0 "
                                    "wrong"),
                          HasSubstr("Connections: 1 made again, 0 users lost"),
                          HasSubstr("Oracle:      ok: 1,200 writes of "
                                    "2,500,200 rows acknowledged"),
                          HasSubstr("Result:      ok\n"),
                          Not(HasSubstr("Faults:")), Not(HasSubstr("\x1b"))));
  // No line wider than a terminal that people use for tables.
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    EXPECT_LE(line.size(), 124) << line;
  }
}

TEST(RenderTest, WhatIsNotMeasuredSaysSo) {
  StressReport report = GoodReport();
  report.monitor.peaks.clear();
  EXPECT_THAT(Text(report), AllOf(HasSubstr("Peak memory: not measured"),
                                  HasSubstr("Peak load:   not measured"),
                                  HasSubstr("Disk used:   not measured")));
}

TEST(RenderTest, SqliteIsMeasuredAsOurProcess) {
  StressConfig config = ConfigOfRun();
  config.engine = Engine::kSqlite;
  EXPECT_THAT(RenderStressReport(config, GoodReport()),
              HasSubstr("Peak memory: 100 MiB"));
}

TEST(RenderTest, HyperdsOwnFiguresComeFirst) {
  StressReport report = GoodReport();
  report.monitor.peaks["hyperd_overall_load"] = 1.36;
  report.monitor.peaks["hyperd_memory_bytes"] = 4'348 * kMib;
  report.monitor.peaks["hyperd_process_cpu_pct"] = 55;
  EXPECT_THAT(Text(report), AllOf(HasSubstr("Peak memory: 4,348 MiB\n"),
                                  HasSubstr("Peak load:   1.36\n")));
  EXPECT_EQ(Summary(report)["totals"]["peak_cpu_pct"], 55);
}

// --- What went wrong ---

struct Wrong {
  const char* what;
  std::function<void(StressReport*)> change;
  const char* said;
};

TEST(FailureTest, EachIsInTheTextTheSummaryAndTheRows) {
  const std::vector<Wrong> wrongs = {
      {"a wrong answer",
       [](StressReport* report) {
         report->users[1].result.wrong_answers = 3;
         report->users[1].result.first_wrong = {"user 1, operation 5: row 7"};
       },
       "3 wrong answers"},
      {"lost rows",
       [](StressReport* report) {
         report->oracle->lost_rows = 5'000;
         report->oracle->findings = {"user 1, operation 5: row 7"};
       },
       "5000 acknowledged rows lost"},
      {"ghosts",
       [](StressReport* report) {
         report->oracle->ghost_rows = 2;
         report->oracle->findings = {"user 1, operation 5: row 7"};
       },
       "2 rows that nobody wrote"},
      {"a changed row",
       [](StressReport* report) {
         report->oracle->changed_rows = 1;
         report->oracle->findings = {"user 1, operation 5: row 7"};
       },
       "1 rows changed"},
      {"a torn write",
       [](StressReport* report) {
         report->oracle->unknown_operations = 1;
         report->oracle->unknown_torn = 1;
         report->oracle->findings = {"user 1, operation 5: row 7"};
       },
       "1 unanswered writes applied in part"},
      {"an unreachable database",
       [](StressReport* report) {
         report->oracle.reset();
         report->oracle_status =
             absl::UnavailableError("user 1, operation 5: row 7");
       },
       "the databases could not be asked"},
      {"an error",
       [](StressReport* report) {
         report->load.operations[0].errors = 1;
         report->load.operations[0].errors_by_kind = {{"INTERNAL", 1}};
         report->load.operations[0].first_error = "user 1, operation 5: row 7";
       },
       "1 failures"},
      {"a lost connection without a fault",
       [](StressReport* report) {
         report->load.operations[0].errors = 4;
         report->load.operations[0].errors_by_kind = {{"UNAVAILABLE", 4}};
         report->load.operations[0].first_error = "user 1, operation 5: row 7";
       },
       "4 operations cut off without a fault"},
      {"a crash",
       [](StressReport* report) {
         report->stop_reason = StopReason::kCrashDetected;
         report->stop_detail = "user 1, operation 5: row 7";
       },
       "CrashDetected"},
  };
  for (const Wrong& wrong : wrongs) {
    StressReport report = GoodReport();
    wrong.change(&report);
    ASSERT_FALSE(report.ok()) << wrong.what;
    const std::string text = Text(report);
    EXPECT_THAT(
        text,
        AllOf(HasSubstr("user 1, operation 5: row 7"),
              HasSubstr(absl::StrCat("Result:      FAILED: ", wrong.said))))
        << wrong.what;
    const json summary = Summary(report);
    EXPECT_EQ(summary["ok"], false) << wrong.what;
    EXPECT_THAT(summary["errors"].dump(),
                HasSubstr("user 1, operation 5: row 7"))
        << wrong.what;
    const results::BenchmarkFile file = Rows(report);
    EXPECT_TRUE(file.rows[0].error_occurred) << wrong.what;
    EXPECT_THAT(file.rows[0].error_message, HasSubstr(wrong.said));
    EXPECT_FALSE(results::CheckBenchmarkFile(file, "f").ok()) << wrong.what;
  }
}

TEST(FailureTest, LostConnectionsAreExplainedByFaults) {
  StressReport report = GoodReport();
  report.load.operations[0].errors = 4;
  report.load.operations[0].errors_by_kind = {{"UNAVAILABLE", 4}};
  report.oracle->unknown_operations = 3;
  report.oracle->unknown_applied = 2;
  report.oracle->unknown_absent = 1;
  report.faults = {{FaultKind::kKill, 2, 2.125, 3.5, "process 4711", {}},
                   {FaultKind::kReset, 5, 5, 5, "",
                    absl::NotFoundError("no connection to reset")}};
  ASSERT_TRUE(report.ok());
  EXPECT_THAT(
      Text(report),
      AllOf(HasSubstr("Operations:  11,200 (0 failures, 4 cut off)"),
            HasSubstr("2.12 s  kill      for 1.38 s, process 4711"),
            HasSubstr("5.00 s  reset     not done: no connection to reset"),
            HasSubstr("3 writes of unknown outcome: 2 are there, 1 are not, 0 "
                      "in part"),
            HasSubstr("Result:      ok")));
  const json summary = Summary(report);
  EXPECT_EQ(summary["ok"], true);
  EXPECT_EQ(summary["totals"]["cut_off"], 4);
  EXPECT_EQ(summary["faults"][0]["target"], "process 4711");
  EXPECT_EQ(summary["faults"][1]["status"], "NOT_FOUND");
  EXPECT_FALSE(summary["errors"].empty());
}

TEST(FailureTest, ErrorsAreAtMostAHundred) {
  StressReport report = GoodReport();
  for (int i = 0; i < 200; ++i) {
    report.oracle->findings.push_back(absl::StrCat("finding ", i));
  }
  EXPECT_EQ(Summary(report)["errors"].size(), 100);
}

// --- summary.json ---

TEST(SummaryTest, HasTheFiguresOfTheRun) {
  const json summary = Summary(GoodReport());
  EXPECT_EQ(summary["version"], 1);
  EXPECT_EQ(summary["started"], "2027-01-15T08:00:00.000Z");
  EXPECT_EQ(summary["engine"], "postgres");
  EXPECT_EQ(summary["engine_version"], "15.18");
  EXPECT_EQ(summary["ok"], true);
  EXPECT_EQ(summary["crash_detected"], false);
  EXPECT_EQ(summary["stop_reason"], "DurationElapsed");
  const json& totals = summary["totals"];
  EXPECT_EQ(totals["operations"], 11'200);
  EXPECT_EQ(totals["insert_rows"], 2'500'200);
  EXPECT_EQ(totals["insert_rows_per_second"], 250'020);
  EXPECT_EQ(totals["peak_memory_mib"], 2'344);
  EXPECT_EQ(totals["peak_load"], 0.79);
  EXPECT_EQ(totals["latency_us"]["max"], 100'000);
  const json& bulk = summary["kinds"]["bulk_insert"];
  EXPECT_EQ(bulk["count"], 1'000);
  EXPECT_NEAR(bulk["latency_us"]["p50"], 50'000, 500);
  EXPECT_NEAR(bulk["service_us"]["p50"], 25'000, 250);
  EXPECT_TRUE(summary["kinds"]["aggregate"]["latency_us"].is_null());
  EXPECT_EQ(summary["waits"]["holds"], 12);
  EXPECT_EQ(summary["waits"]["backpressure"]["total_s"], 3.25);
  EXPECT_EQ(summary["users"][0]["seed"], "fedcba9876543210");
  EXPECT_EQ(summary["users"][1]["hash"], "ffffffffffffffff");
  EXPECT_EQ(summary["seconds"].size(), 10);
  EXPECT_EQ(summary["seconds"][3]["operations"], 77);
  EXPECT_EQ(summary["seconds"][3]["p99_us"], 5'000);
  EXPECT_EQ(summary["oracle"]["acknowledged_rows"], 2'500'200);
  EXPECT_EQ(summary["answers"]["checked_exactly"], 8'000);
  EXPECT_TRUE(summary["errors"].empty());
  for (const Setting& setting : Settings()) {
    EXPECT_EQ(summary["config"].contains(setting.name), setting.part_of_run);
  }
}

TEST(SummaryTest, TheTimelineHoldsNullWhereNothingWasRead) {
  const json monitor = Summary(GoodReport())["monitor"];
  EXPECT_EQ(monitor["metrics"].size(), 4);
  EXPECT_EQ(monitor["points"][0], json({0.0, 1.0, 2.0, 3.0, 4.0}));
  EXPECT_EQ(monitor["points"][1], json({0.25, 5.0, nullptr, 7.0, 8.0}));
  EXPECT_EQ(monitor["peaks"]["server_cpu_pct"], 79);
  EXPECT_EQ(monitor["events"][0]["text"], "on: too much");
}

TEST(SummaryTest, LogModeChoosesGroupsOfFigures) {
  struct Mode {
    int bits;
    std::vector<std::string> metrics;
  };
  const std::vector<Mode> modes = {
      {kLogClient, {"client_resident_bytes"}},
      {kLogServer, {"server_cpu_pct"}},
      {kLogDisk, {"disk_bytes"}},
      {kLogPressure, {"psi_cpu_some_pct"}},
      {kLogEngine | kLogHyperd, {}},
      {kLogClient | kLogServer, {"client_resident_bytes", "server_cpu_pct"}},
  };
  for (const Mode& mode : modes) {
    StressConfig config = ConfigOfRun();
    config.log_mode = mode.bits;
    const json monitor = Summary(GoodReport(), config)["monitor"];
    EXPECT_EQ(monitor["metrics"], json(mode.metrics)) << mode.bits;
    EXPECT_EQ(monitor["points"].size(), mode.metrics.empty() ? 0 : 2);
    if (!mode.metrics.empty()) {
      EXPECT_EQ(monitor["points"][0].size(), mode.metrics.size() + 1);
    }
    EXPECT_EQ(monitor["peaks"].size(), 4);
  }
}

TEST(SummaryTest, BytesThatAreNoTextDoNotBreakIt) {
  StressReport report = GoodReport();
  report.stop_reason = StopReason::kCrashDetected;
  report.stop_detail = "log: \xff\xfe";
  EXPECT_THAT(Summary(report)["stop_detail"].get<std::string>(),
              StartsWith("log: "));
}

// --- Rows for comparisons ---

TEST(BenchmarkFileTest, HasARowForAllAndOneAKind) {
  StressReport report = GoodReport();
  const results::BenchmarkFile file = Rows(report);
  std::vector<std::string> names;
  for (const results::BenchmarkRow& row : file.rows) names.push_back(row.name);
  const std::string rest = "/engine:postgres/format:best/users:9";
  EXPECT_THAT(names,
              ElementsAre("Stress/all" + rest, "Stress/bulk_insert" + rest,
                          "Stress/single_insert" + rest,
                          "Stress/simple_select" + rest));
  EXPECT_TRUE(results::CheckBenchmarkFile(file, "f").ok())
      << results::CheckBenchmarkFile(file, "f");
  EXPECT_EQ(file.rows[0].counters.at("operations_per_second"), 1'120);
  EXPECT_EQ(file.rows[1].counters.at("rows_per_second"), 250'000);
  EXPECT_EQ(file.rows[1].counters.at("max_us"), 100'000);
  EXPECT_EQ(file.rows[1].iterations, 1'000);
  EXPECT_EQ(file.context.at("opsbench_seed"), "7777");
  for (const results::BenchmarkRow& row : file.rows) {
    for (const auto& [name, value] : row.counters) {
      if (name == "errors" || name == "skipped_writes")
        continue;  // Plain counts.
      EXPECT_TRUE(results::DirectionOf(name).ok()) << name;
    }
  }
  // It survives its own format.
  const auto read = results::ParseBenchmarkJson(
      results::FormatBenchmarkJson(file), "written");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->rows.size(), 4);
}

TEST(BenchmarkFileTest, AKindThatNeverSucceededIsAnError) {
  StressReport report = GoodReport();
  report.load.operations[3].errors = 8;
  report.load.operations[3].errors_by_kind = {{"UNAVAILABLE", 8}};
  report.faults = {{FaultKind::kKill, 2, 2, 3, "process 4711", {}}};
  const results::BenchmarkFile file = Rows(report);
  ASSERT_EQ(file.rows.size(), 5);
  EXPECT_FALSE(file.rows[0].error_occurred);
  EXPECT_TRUE(file.rows[4].error_occurred);
  EXPECT_EQ(file.rows[4].error_message, "no operation succeeded, 8 failed");
}

}  // namespace
}  // namespace opsbench::stress
