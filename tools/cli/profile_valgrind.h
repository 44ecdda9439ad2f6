#ifndef OPSBENCH_TOOLS_CLI_PROFILE_VALGRIND_H_
#define OPSBENCH_TOOLS_CLI_PROFILE_VALGRIND_H_

// Instructions and cache misses, counted by valgrind's callgrind.
//
// Thread safety: for the main thread.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "opsbench/profile/callgrind_output.h"

namespace opsbench::cli {

struct CountOptions {
  std::vector<std::string> command;  // A benchmark binary with its flags.
  std::map<std::string, std::string> environment;
  bool cache = false;  // Simulate caches as well: those of this machine.
  // Above 0: a last level of another size, rounded to what can be simulated.
  int64_t last_level_kib = 0;
  bool whole =
      false;  // Of the process; else where the benchmark's time counts.
  std::string folder;  // For what was said.
  std::string output;  // Where callgrind's own file goes.
};

struct Counted {
  int exit_code = 0;  // The command's.
  profile::CallgrindProfile costs;
  int64_t operations = 0;  // That were measured; 0: unknown.
};

// NotFound: no valgrind. FailedPrecondition: nothing was counted. Otherwise as
// ParseCallgrind.
absl::StatusOr<Counted> CountInstructions(const CountOptions& options);

// "size,ways,line" for valgrind, whose caches have a power of two of sets: the
// ways are what the size leaves. Zero or less anywhere is "".
std::string CacheGeometry(int64_t size_bytes, int64_t ways, int64_t line_bytes);

}  // namespace opsbench::cli

#endif  // OPSBENCH_TOOLS_CLI_PROFILE_VALGRIND_H_
