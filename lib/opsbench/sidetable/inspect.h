#ifndef OPSBENCH_SIDETABLE_INSPECT_H_
#define OPSBENCH_SIDETABLE_INSPECT_H_

// Looking at the data and at what the engine does with the queries: table sizes
// and recent operations, query plans, and whether a plan seeks in the index
// that it is meant to seek in.
//
// Thread safety: as the Store's session, for one thread at a time.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opsbench/sidetable/store.h"

namespace opsbench::sidetable {

struct TableSize {
  std::string table;
  int64_t rows = 0;   // As the engine estimates it.
  int64_t bytes = 0;  // With indexes.
};

struct RecentOperation {
  int64_t id = 0;
  std::string path;
  std::string created_at;
  int status = 0;
  // Prefix and time of each row of the side table; empty for other strategies.
  std::vector<std::pair<std::string, std::string>> prefixes;
};

struct Records {
  std::vector<TableSize> tables;
  // Rows of all tables for each operation; bytes likewise.
  double amplification = 0;
  double bytes_per_operation = 0;
  std::vector<RecentOperation> recent;
};

absl::StatusOr<std::vector<TableSize>> TableSizes(Store& store);
absl::StatusOr<Records> ReadRecords(Store& store, int recent);
std::string RenderRecords(const Records& records);

// One query, explained and run once.
struct ExplainedQuery {
  std::string title;        // "Level 3 prefix".
  std::string description;  // "Latest 5 items under prefix '…'".
  std::string sql;
  std::vector<std::string> plan;  // Lines, as the engine gives them.
  int64_t rows = 0;
  double milliseconds = 0;
  ResultSet result;

  // The index that the strategy was made for, and whether the plan seeks in it
  // (and, where the index has the order, reads without sorting).
  std::string expected_index;
  bool seeks = false;
  std::string why;  // What is wrong when it does not.
};

// Exact match and latest by prefix for levels 1 to `levels` of `path`.
// REQUIRES: a valid path of at least `levels` components.
absl::StatusOr<std::vector<ExplainedQuery>> ExplainQueries(
    Store& store, absl::string_view path, int levels, int64_t limit);
std::string RenderExplained(const ExplainedQuery& query);

// Judges a plan's lines; `ordered` when rows must come out of the index in
// order. Empty when all is well, else what is wrong. Exposed for tests on
// recorded plans.
std::string JudgePlan(Engine engine, const std::vector<std::string>& plan,
                      absl::string_view index, bool ordered);

}  // namespace opsbench::sidetable

#endif  // OPSBENCH_SIDETABLE_INSPECT_H_
