#include "sidetable_result.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "opsbench/results/atomic_file.h"

namespace opsbench::cli {
namespace {

results::BenchmarkRow MakeRow(std::string name, const LoadOptions& options,
                              const LoadReport& report,
                              const Histogram& latency, int64_t rows,
                              int64_t errors) {
  const double seconds = absl::ToDoubleSeconds(report.elapsed);
  const double completed = static_cast<double>(latency.count());
  results::BenchmarkRow row;
  row.name = row.run_name = std::move(name);
  row.run_type = "iteration";
  row.threads = options.workers;
  row.iterations = static_cast<int64_t>(latency.count());
  row.time_unit = "us";
  row.real_time = latency.count() > 0 ? latency.mean_ns() / 1e3 : 0;
  const auto percentile_us = [&latency](double percent) {
    return static_cast<double>(latency.Percentile(percent)) / 1e3;
  };
  row.counters = {{"operations_per_second", completed / seconds},
                  {"rows_per_second", static_cast<double>(rows) / seconds},
                  {"errors", static_cast<double>(errors)},
                  {"p50_us", percentile_us(50)},
                  {"p90_us", percentile_us(90)},
                  {"p95_us", percentile_us(95)},
                  {"p99_us", percentile_us(99)},
                  {"p999_us", percentile_us(99.9)},
                  {"max_us", percentile_us(100)}};
  if (latency.count() == 0) {
    row.error_occurred = true;
    row.error_message =
        absl::StrCat("no operation succeeded, ", errors, " failed");
  }
  return row;
}

}  // namespace

results::BenchmarkFile LoadResult(Engine engine, sidetable::Strategy strategy,
                                  absl::string_view mix,
                                  const LoadOptions& options,
                                  const LoadReport& report) {
  const std::string name =
      absl::StrCat("Sidetable/Run/engine:", EngineName(engine),
                   "/strategy:", sidetable::StrategyName(strategy),
                   "/mix:", mix, "/workers:", options.workers);
  results::BenchmarkFile file;
  file.context["opsbench_seed"] = absl::StrCat(options.seed);
  if (options.rate_per_second > 0) {
    file.context["opsbench_rate_per_second"] =
        absl::StrCat(options.rate_per_second);
  }
  file.rows.push_back(MakeRow(name, options, report, report.latency(),
                              report.rows(), report.errors()));
  for (const OperationReport& operation : report.operations) {
    if (operation.completed() + operation.errors == 0) continue;
    file.rows.push_back(
        MakeRow(absl::StrCat(name, "/operation:", operation.name), options,
                report, operation.latency, operation.rows, operation.errors));
  }
  return file;
}

absl::Status WriteLoadResult(const std::string& path, Engine engine,
                             sidetable::Strategy strategy,
                             absl::string_view mix, const LoadOptions& options,
                             const LoadReport& report) {
  return results::WriteFileAtomically(
      path, results::FormatBenchmarkJson(
                LoadResult(engine, strategy, mix, options, report)));
}

}  // namespace opsbench::cli
