#ifndef OPSBENCH_TOOLS_CLI_CHILD_PROCESS_H_
#define OPSBENCH_TOOLS_CLI_CHILD_PROCESS_H_

// A program that is run to its end, its standard output read line by line.
//
// Thread safety: for one thread; the environment must not change meanwhile.

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace opsbench::cli {

inline constexpr int kSignalsFd = 3;

struct ChildOptions {
  std::vector<std::string> arguments;  // The first is the program's path.

  // Added to this process's environment.
  std::map<std::string, std::string> environment;

  // Where standard error goes, appended; empty: this process's own.
  std::string stderr_path;

  // The child is killed when it takes longer; 0: it may take for ever.
  int64_t timeout_ms = 0;

  // Whether a wish to stop is passed on; cleaning up goes on after it.
  bool passes_stop_on = true;
  // This process's standard error for the child, as descriptor kSignalsFd: for
  // stage signals, which stderr_path would swallow.
  bool signals = false;

  // Called with each line of standard output, without its end.
  std::function<void(absl::string_view)> on_line;
};

// Returns its exit code, or 128 and the signal that ended it. The child shares
// this process's group, so that a terminal's Ctrl-C reaches it, and is ended
// when this process dies; a SIGTERM that this process got (stop_requested) is
// passed on.
//
// NotFound: no such program. DeadlineExceeded: it was killed after timeout_ms.
// Internal: no process, no pipe.
absl::StatusOr<int> RunChild(const ChildOptions& options);

}  // namespace opsbench::cli

#endif  // OPSBENCH_TOOLS_CLI_CHILD_PROCESS_H_
