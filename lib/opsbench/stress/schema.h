#ifndef OPSBENCH_STRESS_SCHEMA_H_
#define OPSBENCH_STRESS_SCHEMA_H_

// The tables of a simulated database and the content of their rows.
//
// A database has 2 to 5 tables, each small (3 columns), medium (8) or wide (20)
// with probability 40, 35 and 25%, all drawn from the database's seed. A row's
// content is a pure function of its table and its id, so that whoever reads a
// row can tell whether it is right, and nothing has to be remembered of what
// was written.
//
// `value` counts in quarters and stays below 2^18: sums of up to 2^34 values
// are exact in a double, in whatever order an engine adds them.
//
// Thread safety: value types and pure functions; a RowMaker for one thread.

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "opsbench/db/value.h"

namespace opsbench::stress {

enum class TableSize { kSmall, kMedium, kWide };

// "small", "medium", "wide".
absl::string_view TableSizeName(TableSize size);

// In the order of the rows that a RowMaker makes: id, name, value, ….
absl::Span<const std::string> Columns(TableSize size);

struct Table {
  TableSize size = TableSize::kSmall;
  uint64_t seed = 0;
  std::string name;  // "t0_small": [a-z0-9_]+.
};

inline constexpr int kMinTables = 2;
inline constexpr int kMaxTables = 5;

struct DatabaseSchema {
  uint64_t seed = 0;
  std::vector<Table> tables;
};

DatabaseSchema MakeSchema(uint64_t seed);

// Rows with the ids 0 to kSeedRows - 1 are in every table from the start.
inline constexpr int64_t kSeedRows = 100;

// `value` in quarters.
int64_t ValueQuarters(const Table& table, int64_t id);

inline double ValueOf(const Table& table, int64_t id) {
  return static_cast<double>(ValueQuarters(table, id)) / 4;
}

class RowMaker {
 public:
  // The most that the texts of one row take.
  static size_t MaxTextBytes(TableSize size);

  // Appends one Value a column. Texts are views into `*text`, which must have
  // room for them: it must not move.
  static void Append(const Table& table, int64_t id, std::string* text,
                     std::vector<Value>* row);

  // OK when `row` begins with the first columns of row `id`; DataLoss names the
  // column, what was found and what should be there.
  absl::Status Check(const Table& table, int64_t id,
                     absl::Span<const Value> row);

  // A bit for each column of `row` that differs from that of row `id`.
  uint32_t Differences(const Table& table, int64_t id,
                       absl::Span<const Value> row);
  // These columns for people, at most three: "column value: found 3 instead of
  // 4".
  std::string DescribeDifferences(const Table& table, int64_t id,
                                  absl::Span<const Value> row);

 private:
  std::string text_;
};

}  // namespace opsbench::stress

#endif  // OPSBENCH_STRESS_SCHEMA_H_
