#ifndef OPSBENCH_TOOLS_CLI_PROFILE_HEAP_H_
#define OPSBENCH_TOOLS_CLI_PROFILE_HEAP_H_

// Allocations with stacks, by heaptrack.
//
// Thread safety: for the main thread.

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "opsbench/profile/stack_profile.h"

namespace opsbench::cli {

struct HeapOptions {
  std::vector<std::string> command;  // A benchmark binary with its flags.
  std::map<std::string, std::string> environment;
  std::string folder;  // For the recording and what was said.
};

struct HeapProfile {
  int exit_code = 0;                  // The command's.
  profile::StackProfile peak;         // Bytes, when most were in use.
  profile::StackProfile allocations;  // Calls, over the whole process.
  std::vector<std::string> summary;   // heaptrack's own last lines.
};

// Of the whole process: what was allocated before time counts is in use when
// it does. NotFound: no heaptrack. FailedPrecondition: it left no recording.
absl::StatusOr<HeapProfile> RecordHeap(const HeapOptions& options);

}  // namespace opsbench::cli

#endif  // OPSBENCH_TOOLS_CLI_PROFILE_HEAP_H_
