#ifndef OPSBENCH_RESULTS_INTERNAL_PIVOT_H_
#define OPSBENCH_RESULTS_INTERNAL_PIVOT_H_

// From a list of benchmark rows to a grid, by what their names say. Knows
// nothing of any area.

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "opsbench/results/benchmark_json.h"

namespace opsbench::results::internal {

// "Sidetable/Latest/engine:mysql/level:3/real_time" taken apart. Arguments
// without a name are joined under the key "args".
struct NameParts {
  std::string family;                                     // "Sidetable/Latest".
  std::vector<std::pair<std::string, std::string>> keys;  // As in the name.

  // The value of a key; empty if there is none.
  absl::string_view Value(absl::string_view key) const;
};

NameParts SplitName(absl::string_view run_name);

// All repetitions of one benchmark.
struct Measurement {
  enum class State { kMeasured, kError, kSkipped };

  NameParts name;
  State state = State::kMeasured;
  // Medians over the repetitions.
  double real_time_ns = 0;
  absl::optional<double> operations_per_second;
  // All others that have a unit, but rates, which the time says already.
  std::map<std::string, double> counters;
};

// By run_name, in the order of their first rows. Repetitions count if there are
// any, else the aggregate "median", else "mean"; benchmarks with none of these
// are left out. Where two names differ only in what SplitName drops, the later
// ones keep their full name as family.
std::vector<Measurement> Summarize(absl::Span<const BenchmarkRow> rows);

// Measurements by the values of some keys (columns) and of all others (rows),
// each in the order of their first appearance.
struct Grid {
  std::vector<std::string> row_keys;
  std::vector<std::vector<std::string>> rows;  // One value a row key, or "".
  // One value a column key, or "". Columns that share the first value adjoin.
  std::vector<std::vector<std::string>> columns;
  // cells[row][column]; null where nothing was measured.
  std::vector<std::vector<const Measurement*>> cells;
};

// REQUIRES: no two of the measurements have the same keys. The grid points into
// `measurements`.
Grid Pivot(absl::Span<const Measurement* const> measurements,
           absl::Span<const std::string> column_keys);

}  // namespace opsbench::results::internal

#endif  // OPSBENCH_RESULTS_INTERNAL_PIVOT_H_
