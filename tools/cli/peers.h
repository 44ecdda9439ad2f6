#ifndef OPSBENCH_TOOLS_CLI_PEERS_H_
#define OPSBENCH_TOOLS_CLI_PEERS_H_

// The scripts of benchmarks/peers/: the same work by another tool, on the same
// server, in turns with ours. Each prints a ratio last.
//
// Thread safety: for the main thread.

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "command.h"
#include "opsbench/engines/engines.h"

namespace opsbench::cli {

// Runs `<area>_*.sh` of these areas for the engines that are up, prints the
// last line of each, and leaves their output in `<folder>/peers/`. A script
// that is named `<area>_<engine>_….sh` needs that engine. Returns whether all
// of them ended well. NotFound: no sources beside the program.
absl::StatusOr<bool> RunPeers(
    const Context& context, const std::vector<std::string>& areas,
    const std::vector<std::unique_ptr<EngineHandle>>& engines,
    const std::string& folder);

}  // namespace opsbench::cli

#endif  // OPSBENCH_TOOLS_CLI_PEERS_H_
