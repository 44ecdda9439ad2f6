#ifndef OPSBENCH_RESULTS_INTERNAL_BENCHMARK_SAX_H_
#define OPSBENCH_RESULTS_INTERNAL_BENCHMARK_SAX_H_

// Reads Google Benchmark's JSON row by row, without a tree of the whole file in
// memory: the part of the reader that knows the format's fields and its traps.
//
// Thread safety: the function keeps no state.

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "opsbench/results/benchmark_json.h"

namespace opsbench::results::internal {

// As VisitBenchmarkJson().
absl::Status ParseRows(absl::string_view text, absl::string_view source,
                       RowVisitor visit,
                       std::map<std::string, std::string>* context);

}  // namespace opsbench::results::internal

#endif  // OPSBENCH_RESULTS_INTERNAL_BENCHMARK_SAX_H_
