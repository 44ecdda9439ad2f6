#include "opsbench/results/internal/report_benchmarks.h"

#include <cmath>
#include <unordered_map>

#include "opsbench/results/internal/statistics.h"

namespace opsbench::results::internal {
namespace {

void AddSample(const std::string& metric, double value,
               ReportBenchmark* benchmark) {
  if (std::isfinite(value)) benchmark->samples[metric].push_back(value);
}

void AddRow(const BenchmarkRow& row, ReportBenchmark* benchmark) {
  if (row.error_occurred) {
    benchmark->state = Measurement::State::kError;
    benchmark->message = row.error_message;
    return;
  }
  if (row.skipped) {
    benchmark->state = Measurement::State::kSkipped;
    benchmark->message = row.skip_message;
    return;
  }
  AddSample("real_time_ns", ToNanoseconds(row.real_time, row.time_unit),
            benchmark);
  AddSample("cpu_time_ns", ToNanoseconds(row.cpu_time, row.time_unit),
            benchmark);
  for (const auto& [counter, value] : row.counters) {
    AddSample(counter, value, benchmark);
  }
}

}  // namespace

absl::optional<double> ReportBenchmark::Value(const std::string& metric) const {
  const auto found = samples.find(metric);
  if (found == samples.end() || found->second.empty()) return absl::nullopt;
  return Median(found->second);
}

std::vector<ReportBenchmark> CollectBenchmarks(
    absl::Span<const BenchmarkRow> rows) {
  std::vector<std::vector<const BenchmarkRow*>> groups;
  std::unordered_map<std::string, size_t> places;
  for (const BenchmarkRow& row : rows) {
    const auto [place, added] = places.emplace(row.run_name, groups.size());
    if (added) groups.emplace_back();
    groups[place->second].push_back(&row);
  }
  std::vector<ReportBenchmark> benchmarks;
  for (const auto& group : groups) {
    for (const absl::string_view aggregate : {"", "median", "mean"}) {
      ReportBenchmark benchmark;
      bool any = false;
      for (const BenchmarkRow* row : group) {
        const bool repetition = row->run_type == "iteration";
        if (repetition != aggregate.empty()) continue;
        if (!repetition && row->aggregate_name != aggregate) continue;
        any = true;
        AddRow(*row, &benchmark);
      }
      if (!any) continue;
      benchmark.run_name = group.front()->run_name;
      benchmark.name = SplitName(benchmark.run_name);
      benchmarks.push_back(std::move(benchmark));
      break;
    }
  }
  return benchmarks;
}

std::string RivalKeyOf(absl::Span<const ReportBenchmark* const> benchmarks) {
  for (const char* key : {"strategy", "impl"}) {
    for (const ReportBenchmark* benchmark : benchmarks) {
      if (!benchmark->name.Value(key).empty()) return key;
    }
  }
  return "";
}

bool IsOurs(absl::string_view rival) {
  return rival == "opsbench" || rival == "side_table";
}

std::string ThroughputMetric(const ReportBenchmark& benchmark) {
  for (const char* metric :
       {"operations_per_second", "qps", "items_per_second"}) {
    if (benchmark.samples.count(metric) > 0) return metric;
  }
  return "";
}

}  // namespace opsbench::results::internal
