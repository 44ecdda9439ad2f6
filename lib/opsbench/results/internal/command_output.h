#ifndef OPSBENCH_RESULTS_INTERNAL_COMMAND_OUTPUT_H_
#define OPSBENCH_RESULTS_INTERNAL_COMMAND_OUTPUT_H_

// What a program says, without a shell between.

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace opsbench::results::internal {

// Runs `arguments` (the first is looked up in PATH) without input, discards
// its standard error, and returns its standard output once it ends. The
// variables by which a git hook binds git to its own repository are not passed
// on.
//
// Unavailable: it cannot be started, or ends with another code than 0.
absl::StatusOr<std::string> CommandOutput(
    const std::vector<std::string>& arguments);

}  // namespace opsbench::results::internal

#endif  // OPSBENCH_RESULTS_INTERNAL_COMMAND_OUTPUT_H_
