#ifndef OPSBENCH_TOOLS_CLI_GATE_RATES_H_
#define OPSBENCH_TOOLS_CLI_GATE_RATES_H_

// Shows how often the gate errs here and now: suites of identical code, which
// must pass, and suites with a slowdown planted into one benchmark, which must
// fail. The slowdown is code: a loop that is edited into a scratch checkout and
// compiled. Beside it stands what compare.py of Google Benchmark would have
// said in the same minutes.
//
// Thread safety: for one thread.

#include <filesystem>
#include <string>

#include "absl/status/statusor.h"
#include "gate_run.h"
#include "opsbench/results/gate_config.h"

namespace opsbench::cli {

// "5%" as 0.05. False: no percentage from 0.1% to 100%.
bool ParsePlant(const std::string& text, double* effect);

// `source` with a loop of so many turns in place of the mark that says where.
//
// NotFound: it has no such mark.
absl::StatusOr<std::string> PlantLoop(const std::string& source, int turns);

// Prints the rates. Returns the exit code: 0 when the goals of GATE.md are met
// as far as the suites that were run can tell, 1 when they are clearly missed.
//
// As RunGate(); FailedPrecondition also if the planted benchmark is not in the
// suite.
absl::StatusOr<int> RunSelfTest(const GateFlags& flags,
                                const results::gate::GateConfig& config,
                                const std::filesystem::path& state_folder);

}  // namespace opsbench::cli

#endif  // OPSBENCH_TOOLS_CLI_GATE_RATES_H_
