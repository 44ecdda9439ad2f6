#ifndef OPSBENCH_TOOLS_CLI_GATE_SAMPLER_H_
#define OPSBENCH_TOOLS_CLI_GATE_SAMPLER_H_

// Runs slices of benchmarks for the gate: each a process of its own.
//
// Thread safety: for one thread.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gate_build.h"
#include "opsbench/results/benchmark_json.h"
#include "opsbench/results/gate_config.h"
#include "opsbench/results/gate_procedure.h"

namespace opsbench::cli {

// A benchmark of the suite.
struct GateBenchmark {
  int binary = 0;  // Of the configuration.
  std::string name;
  // Of a slice, on both sides. 0: the base is too old to be told, and both
  // sides run for as long as a slice.
  int64_t iterations = 0;
};

// The names of a binary's benchmarks that belong to the suite, in its order.
//
// FailedPrecondition: it does not run.
absl::StatusOr<std::vector<std::string>> ListBenchmarks(
    const std::filesystem::path& program,
    const results::gate::BinaryConfig& config);

class ProcessSampler : public results::gate::Sampler {
 public:
  // `scratch`: a folder for this sampler's files, made and emptied by it.
  // `base` and `head` are copied before each round: where a file's pages lie in
  // memory is drawn again.
  ProcessSampler(const results::gate::GateConfig& config,
                 std::filesystem::path scratch, Binaries base, Binaries head);

  // Those of procedures to come.
  void set_benchmarks(std::vector<GateBenchmark> benchmarks) {
    benchmarks_ = std::move(benchmarks);
  }
  const std::vector<GateBenchmark>& benchmarks() const { return benchmarks_; }

  // Called after each slice.
  void set_on_slice(std::function<void()> on_slice) {
    on_slice_ = std::move(on_slice);
  }

  // Sets `iterations` so that the base takes a slice's time for them.
  //
  // As Measure() fails.
  absl::Status Calibrate(GateBenchmark* benchmark);

  // One process that runs `benchmark` with `iterations`, preceded by the words
  // of `wrapper`: its rows.
  absl::StatusOr<results::BenchmarkFile> RunOnce(
      const GateBenchmark& benchmark, const std::filesystem::path& program,
      const std::vector<std::string>& wrapper, int repetitions);

  // The side's copy of a benchmark's program, until the next round.
  std::filesystem::path ProgramOf(const GateBenchmark& benchmark,
                                  results::gate::Side side) const;

  absl::StatusOr<std::vector<double>> Measure(
      int benchmark, results::gate::Side side) override;
  void BeginRound() override;
  double Now() const override;

 private:
  // Of the base's program from its start to its end, the quickest of some.
  // Leaves in `told` whether it took the number of iterations from us.
  absl::StatusOr<int64_t> ProcessTimeNs(const GateBenchmark& benchmark,
                                        bool* told);

  const results::gate::GateConfig& config_;
  const std::filesystem::path scratch_;
  const Binaries base_;
  const Binaries head_;
  std::vector<GateBenchmark> benchmarks_;
  std::function<void()> on_slice_;
};

// The value of a metric in a row: real_time_ns, cpu_time_ns, or a counter.
//
// NotFound: the row has no such counter, or it is not above 0 and finite.
absl::StatusOr<double> MetricOf(const results::BenchmarkRow& row,
                                const std::string& metric);

}  // namespace opsbench::cli

#endif  // OPSBENCH_TOOLS_CLI_GATE_SAMPLER_H_
