#ifndef OPSBENCH_TOOLS_CLI_PEERS_H_
#define OPSBENCH_TOOLS_CLI_PEERS_H_

// The scripts of benchmarks/peers/: the same work by another tool, on the same
// server, in turns with ours. Each ends with a line `effects: <count> …`, which
// says that the work of so many figures was found done, and a line
// `ratio <number> …`.
//
// Thread safety: for the main thread.

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "command.h"
#include "opsbench/engines/engines.h"

namespace opsbench::cli {

// The last lines of a script, and how it ended.
struct PeerEnd {
  int exit_code = 0;
  std::string before_last;
  std::string last;
  std::string last_error;  // On standard error.
};

// Returns the line to show: the ratio, or `left out: …`, which a script prints
// alone where it does not apply. FailedPrecondition: there is no ratio, it is
// no number above 0, no effect was checked, or the script failed, whatever it
// has printed.
absl::StatusOr<std::string> PeerResult(const PeerEnd& end);

// Runs `<area>_*.sh` of these areas for the engines that are up, prints the
// result of each, and leaves their output in `<folder>/peers/`. A script that
// is named `<area>_<engine>_….sh` needs that engine. Returns whether all of
// them have a result. NotFound: no sources beside the program.
absl::StatusOr<bool> RunPeers(
    const Context& context, const std::vector<std::string>& areas,
    const std::vector<std::unique_ptr<EngineHandle>>& engines,
    const std::string& folder);

}  // namespace opsbench::cli

#endif  // OPSBENCH_TOOLS_CLI_PEERS_H_
