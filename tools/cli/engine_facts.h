#ifndef OPSBENCH_TOOLS_CLI_ENGINE_FACTS_H_
#define OPSBENCH_TOOLS_CLI_ENGINE_FACTS_H_

// What a result has to say of the engine it was measured on, asked of the
// engine itself: an outside server may be set up in any way.
//
// Thread safety: the function keeps no state.

#include "absl/status/statusor.h"
#include "opsbench/db/url.h"
#include "opsbench/results/run_info.h"

namespace opsbench::cli {

// Connects. Errors as opsbench::Connect() or ConnectRedis().
absl::StatusOr<results::EngineInfo> ReadEngineFacts(const Url& url);

}  // namespace opsbench::cli

#endif  // OPSBENCH_TOOLS_CLI_ENGINE_FACTS_H_
