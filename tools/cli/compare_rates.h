#ifndef OPSBENCH_TOOLS_CLI_COMPARE_RATES_H_
#define OPSBENCH_TOOLS_CLI_COMPARE_RATES_H_

// How often `opsbench compare` errs on this machine: verdicts between processes
// of one and the same build, none of which is right.
//
// Thread safety: the functions keep no state.

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "opsbench/results/compare.h"
#include "opsbench/results/sample_set.h"

namespace opsbench::cli {

// Compares each `processes` processes of `side`, in the order in which they
// ran, with as many that followed them, as two runs one after the other would
// be: all areas together, and each alone. Returns a table.
//
// FailedPrecondition: the side has fewer than twice as many processes. Others
// as Compare().
absl::StatusOr<std::string> RenderFalseVerdicts(
    const results::SampleSet& side, int64_t processes,
    const results::CompareOptions& options);

}  // namespace opsbench::cli

#endif  // OPSBENCH_TOOLS_CLI_COMPARE_RATES_H_
