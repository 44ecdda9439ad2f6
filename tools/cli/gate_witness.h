#ifndef OPSBENCH_TOOLS_CLI_GATE_WITNESS_H_
#define OPSBENCH_TOOLS_CLI_GATE_WITNESS_H_

// The gate's second witness: instructions, which no other work on the machine
// changes, counted by valgrind's callgrind.
//
// Thread safety: for one thread.

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gate_sampler.h"

namespace opsbench::cli {

// The total that callgrind's log states, "I refs: 1,234".
//
// NotFound: it states none.
absl::StatusOr<int64_t> ParseCallgrindTotal(absl::string_view log);

// By how much the head executes more instructions in an iteration than the
// base: 0.05. Two runs of different lengths on either side tell an iteration
// from what comes before and after it; both sides run at once.
//
// NotFound: no valgrind. FailedPrecondition: the number of iterations cannot be
// set. Otherwise as ProcessSampler::RunOnce.
absl::StatusOr<double> InstructionChange(ProcessSampler& sampler,
                                         const GateBenchmark& benchmark);

}  // namespace opsbench::cli

#endif  // OPSBENCH_TOOLS_CLI_GATE_WITNESS_H_
