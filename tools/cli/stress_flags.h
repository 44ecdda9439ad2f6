#ifndef OPSBENCH_TOOLS_CLI_STRESS_FLAGS_H_
#define OPSBENCH_TOOLS_CLI_STRESS_FLAGS_H_

// Flags of `opsbench stress run` and `replay` that cannot act.
//
// Thread safety: a pure function.

#include "absl/status/status.h"
#include "stress_setup.h"

namespace opsbench::cli {

// InvalidArgument names a flag that does nothing beside the others, why, and
// what to do.
absl::Status CheckFlagsAct(const StressFlags& flags, const StressSetup& setup);

}  // namespace opsbench::cli

#endif  // OPSBENCH_TOOLS_CLI_STRESS_FLAGS_H_
