#ifndef OPSBENCH_TOOLS_CLI_SIDETABLE_RESULT_H_
#define OPSBENCH_TOOLS_CLI_SIDETABLE_RESULT_H_

// A `sidetable run` in the schema of the benchmark binaries, so that one
// comparison serves both.
//
// Thread safety: the functions keep no state.

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "opsbench/db/url.h"
#include "opsbench/load/load.h"
#include "opsbench/results/benchmark_json.h"
#include "opsbench/sidetable/strategy.h"

namespace opsbench::cli {

// One row for all operations together and one for each that ran, with the
// latencies' percentiles, rates, rows and errors as counters.
results::BenchmarkFile LoadResult(Engine engine, sidetable::Strategy strategy,
                                  absl::string_view mix,
                                  const LoadOptions& options,
                                  const LoadReport& report);

// LoadResult() into a file, which is replaced at once or not at all. Errors as
// results::WriteFileAtomically().
absl::Status WriteLoadResult(const std::string& path, Engine engine,
                             sidetable::Strategy strategy,
                             absl::string_view mix, const LoadOptions& options,
                             const LoadReport& report);

}  // namespace opsbench::cli

#endif  // OPSBENCH_TOOLS_CLI_SIDETABLE_RESULT_H_
