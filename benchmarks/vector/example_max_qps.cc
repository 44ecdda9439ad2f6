// A script of one's own: the scripts of the Valkey search benchmark in C++.
//
//   example_max_qps [DATASET [BACKEND]]
//
// Measures once, then looks for the most queries per second by one parameter,
// under constraints, and over a grid, and keeps everything in a CSV file.

#include <algorithm>
#include <cstdio>
#include <string>

#include "absl/strings/str_format.h"
#include "opsbench/base/stage.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/vector/benchmark.h"
#include "opsbench/vector/benchmark_report.h"

namespace {

using opsbench::vector::BenchmarkConfig;
using opsbench::vector::BenchmarkResult;
using opsbench::vector::BinarySearchOptions;
using opsbench::vector::ConstraintSearchOptions;
using opsbench::vector::Evidence;
using opsbench::vector::GridOptions;
using opsbench::vector::GridResult;
using opsbench::vector::MakeParameter;
using opsbench::vector::SaveResultsCsv;
using opsbench::vector::SearchOutcome;
using opsbench::vector::VectorBenchmark;

absl::Status RunAll(const std::string& dataset, const std::string& backend) {
  VectorBenchmark benchmark;
  BenchmarkConfig config;
  config.dataset = dataset;
  config.backend = backend;
  config.num_clients = 2;
  config.ef_search = 100;
  config.duration = absl::Milliseconds(200);

  {
    const auto stage = benchmark.StartStage("example", "ef_100");
    OPSBENCH_ASSIGN_OR_RETURN(const BenchmarkResult result,
                              benchmark.Run(config));
    absl::PrintF("QPS: %.1f, p99: %.3f ms, recall: %.2f%%\n", result.qps,
                 result.latency_p99_ms, 100 * result.recall_avg.value_or(0));
  }

  BinarySearchOptions search;
  search.target_recall = 0.95;
  search.param_name = "ef_search";
  search.min_val = 10;
  search.max_val = 100;
  search.tune.budget = absl::Seconds(5);
  OPSBENCH_ASSIGN_OR_RETURN(const SearchOutcome fastest,
                            benchmark.BinarySearchMaxQps(config, search));
  if (fastest.feasible && fastest.best.has_value()) {
    absl::PrintF("Recall 0.95 from ef %d on: %.1f QPS\n",
                 fastest.best->config.ef_search, fastest.best->qps);
  }

  ConstraintSearchOptions constraints;
  constraints.min_recall = 0.95;
  constraints.max_latency_p99_ms = 10;
  constraints.param_name = "num_clients";
  constraints.max_val = 4;
  constraints.tune.budget = absl::Seconds(5);
  OPSBENCH_ASSIGN_OR_RETURN(
      const SearchOutcome within,
      benchmark.FindMaxQpsWithConstraints(config, constraints));
  if (within.feasible && within.best.has_value()) {
    absl::PrintF("With a p99 of at most 10 ms: %d clients, %.1f QPS\n",
                 within.best->config.num_clients, within.best->qps);
  }

  GridOptions grid;
  grid.param_grid = {MakeParameter("num_clients", {1, 2}),
                     MakeParameter("ef_search", {20, 50})};
  grid.filter = [](const Evidence& evidence) { return evidence.recall >= 0.5; };
  OPSBENCH_ASSIGN_OR_RETURN(const GridResult all,
                            benchmark.GridSearch(config, grid));
  const auto best = std::max_element(
      all.kept.begin(), all.kept.end(),
      [](const Evidence& a, const Evidence& b) { return a.qps < b.qps; });
  if (best != all.kept.end()) {
    absl::PrintF("Fastest of the grid: %d clients, ef %d: %.1f QPS\n",
                 best->setting[0], best->setting[1], best->qps);
  }
  return SaveResultsCsv(benchmark.results(), "example_max_qps.csv");
}

}  // namespace

int main(int argc, char** argv) {
  const absl::Status status = RunAll(argc > 1 ? argv[1] : "clusters-10k-64",
                                     argc > 2 ? argv[2] : "hnsw");
  if (status.ok()) return 0;
  absl::FPrintF(stderr, "example_max_qps: %s\n", status.message());
  return 1;
}
