#ifndef OPSBENCH_SIDETABLE_STRATEGY_H_
#define OPSBENCH_SIDETABLE_STRATEGY_H_

// The ways to answer "latest N under a prefix" that are compared. All hold the
// same operations and give the same answers.
//
// Thread safety: pure functions.

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "opsbench/db/session.h"

namespace opsbench::sidetable {

enum class Strategy {
  kSideTable,     // One row for each prefix of each operation.
  kLikeScan,      // LIKE 'p.%' over an index on (type_path, created_at).
  kLevelColumns,  // One column a level, each indexed.
  kLtree,         // PostgreSQL's ltree with a GiST index.
};

// "side_table", "like_scan", "level_columns", "ltree".
absl::string_view StrategyName(Strategy strategy);

// InvalidArgument names what was given and lists what there is.
absl::StatusOr<Strategy> ParseStrategy(absl::string_view name);

// Those that an engine can do.
absl::Span<const Strategy> StrategiesOf(Engine engine);

// Whose tables these are. Each purpose has names of its own in the database, so
// that a benchmark never touches what a user has seeded.
enum class Purpose {
  kData,       // Of `sidetable seed`, for the commands that read and write it.
  kBenchmark,  // Of sidetable_bench.
  kCompare,    // Of `sidetable compare`.
  kPeers,      // Of the scripts in benchmarks/peers/.
};

// What the names of all tables, indexes and procedures begin with.
absl::string_view NamePrefix(Purpose purpose);

// The maker in the mark of all tables and procedures (db/ownership.h).
absl::string_view Maker(Purpose purpose);

// The strategy's main table, and all of its tables. Names here and below are
// those behind NamePrefix().
absl::string_view OperationsTable(Strategy strategy);
std::vector<std::string> Tables(Strategy strategy, Engine engine);

// The index that "latest" and "exact" are meant to seek in, at a level.
std::string LatestIndex(Strategy strategy, int level);
std::string ExactIndex(Strategy strategy);

}  // namespace opsbench::sidetable

#endif  // OPSBENCH_SIDETABLE_STRATEGY_H_
