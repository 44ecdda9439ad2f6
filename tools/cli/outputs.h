#ifndef OPSBENCH_TOOLS_CLI_OUTPUTS_H_
#define OPSBENCH_TOOLS_CLI_OUTPUTS_H_

// Checks of flags that name what is written, for CLI::Option::check(): a place
// that cannot be written is told with the command line, before anything is
// measured. Every such flag has one (output_flags_test.cc sees to it).
//
// Thread safety: for the main thread.

#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"

namespace opsbench::cli {

// Accepts what base/output_target.h does: a file, new or replaced, in a folder
// that is there; a device or pipe, which is written to.
CLI::Validator OutputFile();
// Accepts only what can be a regular file.
CLI::Validator RegularOutputFile();

// Checks that `flag` names a folder that is empty, or that can be made in one
// that is there. Changes nothing.
absl::Status CheckOutputFolder(const std::string& flag,
                               const std::string& folder);

// InvalidArgument: two flags name one file, so that one result would replace
// the other. Empty paths are left out.
absl::Status CheckDistinctOutputs(
    const std::vector<std::pair<std::string, std::string>>& flags_and_paths);

}  // namespace opsbench::cli

#endif  // OPSBENCH_TOOLS_CLI_OUTPUTS_H_
