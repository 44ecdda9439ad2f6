#ifndef OPSBENCH_TOOLS_CLI_GATE_RUN_H_
#define OPSBENCH_TOOLS_CLI_GATE_RUN_H_

// One gate: two sets of binaries in, a report out.
//
// Thread safety: for one thread.

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gate_build.h"
#include "gate_sampler.h"
#include "opsbench/results/gate_config.h"
#include "opsbench/results/gate_report.h"
#include "progress.h"

namespace opsbench::cli {

struct GateFlags {
  GateRefs refs;
  std::string config = "fixtures/gate.yaml";
  double budget_s = 600;
  std::string filter;
  std::vector<std::string> areas;
  // What is written where: the n-th format to the n-th file. Text goes to
  // stdout in any case, but for a single format without a file.
  std::vector<std::string> formats;
  std::vector<std::string> outputs;
  bool report_only = false;
  // Measure also what has the same code on both sides.
  bool always = false;
  std::string preset = "release";
  uint64_t seed = 0;  // 0: another one each time.

  bool self_test = false;
  int suites = 20;
  std::vector<std::string> plant = {"1%", "2%", "5%", "10%"};
};

// The two sides' benchmarks, matched by name.
struct GateSuite {
  std::vector<GateBenchmark> measured;  // On both sides.
  std::vector<GateBenchmark> same_code;
  std::vector<GateBenchmark> only_base;
  std::vector<GateBenchmark> only_head;
};

// InvalidArgument: nothing is selected. Otherwise as ListBenchmarks.
absl::StatusOr<GateSuite> MatchBenchmarks(
    const results::gate::GateConfig& config, const GateFlags& flags,
    const Binaries& base, const Binaries& head);

// Calibrates what is to be measured, and tells in `warnings` of what has no
// fixed number of iterations.
absl::Status CalibrateAll(std::vector<GateBenchmark> benchmarks,
                          ProcessSampler* sampler, ProgressLine* progress,
                          std::vector<std::string>* warnings);

std::vector<results::gate::BenchmarkPlan> PlansOf(
    const results::gate::GateConfig& config,
    const std::vector<GateBenchmark>& benchmarks);

// Runs the gate as the flags say.
//
// InvalidArgument, FailedPrecondition, NotFound: unusable input. Unavailable:
// another gate is under way, or the machine does not do what it should.
// Cancelled: the user wanted to stop.
absl::StatusOr<results::gate::GateReport> RunGate(
    const GateFlags& flags, const results::gate::GateConfig& config,
    const std::filesystem::path& state_folder);

}  // namespace opsbench::cli

#endif  // OPSBENCH_TOOLS_CLI_GATE_RUN_H_
