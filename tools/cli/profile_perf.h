#ifndef OPSBENCH_TOOLS_CLI_PROFILE_PERF_H_
#define OPSBENCH_TOOLS_CLI_PROFILE_PERF_H_

// CPU samples with stacks, by perf.
//
// Thread safety: for the main thread.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opsbench/profile/stack_profile.h"

namespace opsbench::cli {

// The path of a program in PATH. NotFound names the package that has it and
// says how to install it.
absl::StatusOr<std::string> FindTool(const std::string& program,
                                     absl::string_view package);

struct RecordOptions {
  std::vector<std::string> command;  // A benchmark binary with its flags.
  std::map<std::string, std::string> environment;
  int frequency = 499;  // Samples per second of each thread that runs.
  bool whole =
      false;  // Of the process; else where the benchmark's time counts.
  std::string folder;  // For the recording and what was said.
};

// Whether perf is here and may record; otherwise what to install or to set.
absl::Status CheckPerf();

// Leaves `<folder>/perf.data`, and the command's output in `<folder>/log`.
// Returns the command's exit code.
absl::StatusOr<int> RecordCpu(const RecordOptions& options);

struct CpuProfile {
  profile::StackProfile stacks;
  std::string event;
  std::string unit;  // Of the weights: "ns", or "events" of another event.
  int64_t samples = 0;
  int64_t truncated = 0;
  bool inlined_known = false;  // Whether inlined functions have frames.
};

// Reads a recording, any that `perf record -g` made. `folder` is for temporary
// files. InvalidArgument: perf cannot read it, or it has no sample; the message
// has perf's reason.
absl::StatusOr<CpuProfile> ReadRecording(const std::string& path,
                                         const std::string& folder);

// The last line of a file that says something, for messages.
std::string LastLine(const std::string& path);

}  // namespace opsbench::cli

#endif  // OPSBENCH_TOOLS_CLI_PROFILE_PERF_H_
