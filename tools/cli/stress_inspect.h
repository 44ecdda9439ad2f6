#ifndef OPSBENCH_TOOLS_CLI_STRESS_INSPECT_H_
#define OPSBENCH_TOOLS_CLI_STRESS_INSPECT_H_

// `opsbench stress check` and `show`: what a run's folder says once the run is
// over or its process was killed.
//
// Thread safety: not thread-safe.

#include "absl/status/statusor.h"
#include "command.h"
#include "stress_setup.h"

namespace opsbench::cli {

// Exit codes, as of all commands.
absl::StatusOr<int> CheckStressFolder(const StressFlags& flags);
absl::StatusOr<int> ShowStressFolder(const StressFlags& flags);

}  // namespace opsbench::cli

#endif  // OPSBENCH_TOOLS_CLI_STRESS_INSPECT_H_
