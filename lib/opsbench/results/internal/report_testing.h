#ifndef OPSBENCH_RESULTS_INTERNAL_REPORT_TESTING_H_
#define OPSBENCH_RESULTS_INTERNAL_REPORT_TESTING_H_

// For tests of the report: a run that has everything that a report shows.

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "opsbench/results/report.h"

namespace opsbench::results::internal {

// Would end the data's element, and run, if it were not escaped.
inline constexpr char kEvil[] =
    "</script><script>document.title='owned'</script><!--&lt;\u2028'\"";

inline BenchmarkRow SampleRow(const std::string& name, int repetition,
                              double time_ns) {
  BenchmarkRow row;
  row.name = row.run_name = name;
  row.repetition_index = repetition;
  row.real_time = time_ns;
  row.cpu_time = time_ns;
  row.counters["items_per_second"] = 1e9 / time_ns;
  return row;
}

// Two families: Get of three implementations by threads, five repetitions each,
// and PutLatency with percentiles; one benchmark that failed.
inline Run SampleRun(double factor) {
  Run run;
  run.folder = "/somewhere/20260131T120000Z-0123456789";
  run.info.status = RunStatus::kComplete;
  run.info.started = "2026-01-31T12:00:00Z";
  run.info.git_sha = "0123456789abcdef0123456789abcdef01234567";
  run.info.git_short_sha = "0123456789";
  run.info.git_branch = "main";
  run.info.git_dirty = true;
  run.info.compiler = "GNU 12.2.0";
  run.info.scale = "quick";
  run.info.areas = {"memtable"};
  run.info.engines = {{"sqlite", "SQLite 3.40.1", {{"journal_mode", kEvil}}}};
  std::vector<BenchmarkRow>& rows = run.areas["memtable"].rows;
  const std::vector<std::string> impls = {"opsbench", "tbb", "leveldb"};
  for (size_t impl = 0; impl < impls.size(); ++impl) {
    for (const int threads : {1, 2, 8}) {
      for (int i = 0; i < 5; ++i) {
        rows.push_back(
            SampleRow(absl::StrCat("Memtable/Get/impl:", impls[impl],
                                   "/items:200000/threads:", threads),
                      i, factor * (100.0 * (1 + 20.0 * impl) / threads + i)));
      }
    }
  }
  for (const int threads : {1, 8}) {
    BenchmarkRow row =
        SampleRow(absl::StrCat("Memtable/PutLatency/impl:opsbench/items:1000/"
                               "threads:",
                               threads),
                  0, 150);
    row.counters["put_p50_ns"] = 150;
    row.counters["put_p99_ns"] = 500.0 * threads;
    row.counters["put_p999_ns"] = 80'000.0 * threads;
    row.counters["put_max_ns"] = 2e6;
    row.counters["peak_bytes"] = 3 << 20;
    rows.push_back(row);
  }
  BenchmarkRow failed = SampleRow(absl::StrCat("Memtable/", kEvil), 0, 1);
  failed.error_occurred = true;
  failed.error_message = kEvil;
  rows.push_back(failed);
  return run;
}

inline ReportData SampleReport() {
  ReportData data;
  data.run = SampleRun(1.2);
  data.base = SampleRun(1);
  Comparison comparison = {.base_name = "before", .head_name = "after"};
  comparison.warnings = {absl::StrCat("other flags ", kEvil)};
  const struct {
    const char* impl;
    Verdict verdict;
    double effect;
  } verdicts[] = {{"opsbench", Verdict::kSlower, 0.2},
                  {"tbb", Verdict::kSame, 0.001},
                  {"leveldb", Verdict::kImproved, -0.1}};
  for (const auto& [impl, verdict, effect] : verdicts) {
    MetricComparison metric;
    metric.area = "memtable";
    metric.benchmark =
        absl::StrCat("Memtable/Get/impl:", impl, "/items:200000/threads:1");
    metric.metric = "real_time_ns";
    metric.verdict = verdict;
    metric.base = 100;
    metric.head = 100 * (1 + effect);
    metric.effect = effect;
    metric.effect_low = effect - 0.02;
    metric.effect_high = effect + 0.02;
    metric.smallest_visible = 0.03;
    comparison.metrics.push_back(metric);
  }
  data.comparison = comparison;
  History history;
  for (int i = 0; i < 20; ++i) {
    HistoryEntry entry;
    entry.timestamp = absl::StrCat("2026-01-", 10 + i, "T12:00:00Z");
    entry.git_sha = absl::StrCat("abcdef", i);
    entry.run = absl::StrCat("run-", i);
    entry.scale = "quick";
    entry.area = "memtable";
    entry.name = "Memtable/Get/impl:opsbench/items:200000/threads:1";
    entry.metrics["real_time_ns"] = (i < 12 ? 100 : 130) + i * 7 % 5;
    history.entries.push_back(entry);
  }
  data.history = SelectHistory(history).value();
  data.bad_history_lines = {{7, "no JSON (cut off?)"}};
  return data;
}

}  // namespace opsbench::results::internal

#endif  // OPSBENCH_RESULTS_INTERNAL_REPORT_TESTING_H_
