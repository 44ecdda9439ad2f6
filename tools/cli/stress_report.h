#ifndef OPSBENCH_TOOLS_CLI_STRESS_REPORT_H_
#define OPSBENCH_TOOLS_CLI_STRESS_REPORT_H_

// A stress run's folder as a run that `opsbench compare` and `opsbench report`
// read: run.json beside stress.json, and its report.html with the timeline.
//
// Thread safety: for the main thread.

#include <string>

#include "absl/status/status.h"
#include "command.h"
#include "opsbench/stress/simulation.h"
#include "stress_setup.h"

namespace opsbench::cli {

// REQUIRES: stress.json is there.
absl::Status WriteStressRun(const Context& context, const std::string& folder,
                            const StressSetup& setup,
                            const StressTarget& target,
                            const stress::StressReport& report);

}  // namespace opsbench::cli

#endif  // OPSBENCH_TOOLS_CLI_STRESS_REPORT_H_
