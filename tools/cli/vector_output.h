#ifndef OPSBENCH_TOOLS_CLI_VECTOR_OUTPUT_H_
#define OPSBENCH_TOOLS_CLI_VECTOR_OUTPUT_H_

// Where the results of `opsbench vector` go: a folder that `compare` and
// `report` read as a run (run.json, vector.json, report.html) with results.csv,
// and further files on request.
//
// Thread safety: for the main thread.

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "command.h"
#include "opsbench/vector/benchmark_config.h"

namespace opsbench::cli {

class VectorOutput {
 public:
  // Checks that all can be written, before anything is measured.
  // FailedPrecondition, InvalidArgument: one line says what is in the way.
  static absl::StatusOr<VectorOutput> Make(const Context& context,
                                           std::string folder,
                                           std::vector<std::string> files);

  const std::string& folder() const { return folder_; }

  // Nothing is written, and no folder made, without results.
  absl::Status Write(const Context& context,
                     absl::Span<const vector::BenchmarkResult> results,
                     uint64_t seed, bool complete,
                     const std::string& command) const;

 private:
  VectorOutput(std::string folder, std::vector<std::string> files)
      : folder_(std::move(folder)), files_(std::move(files)) {}

  std::string folder_;
  std::vector<std::string> files_;
};

}  // namespace opsbench::cli

#endif  // OPSBENCH_TOOLS_CLI_VECTOR_OUTPUT_H_
