#ifndef OPSBENCH_TOOLS_CLI_PIPELINE_ENGINES_H_
#define OPSBENCH_TOOLS_CLI_PIPELINE_ENGINES_H_

// Pipeline files as the command line reads them: variables come from the
// environment and .env, and where one that names an engine is not set, a
// private server is started and named instead.
//
// Thread safety: for the main thread.

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "opsbench/engines/engines.h"
#include "opsbench/pipeline/config.h"

namespace opsbench::cli {

class PipelineEngines {
 public:
  static absl::StatusOr<PipelineEngines> Load();

  // Nothing is started before the whole file was found to be right. Servers
  // live as long as this, for all files that it reads.
  absl::StatusOr<pipeline::PipelineConfig> Read(
      const std::string& path, absl::Span<const pipeline::ConnectorKind> kinds);

  // The engine that the environment names, or a private one.
  absl::StatusOr<Url> Acquire(Engine engine);

 private:
  absl::optional<std::string> Lookup(absl::string_view name,
                                     std::set<Engine>* missing) const;

  Environment environment_;
  std::map<Engine, std::unique_ptr<EngineHandle>> handles_;
};

}  // namespace opsbench::cli

#endif  // OPSBENCH_TOOLS_CLI_PIPELINE_ENGINES_H_
