#ifndef OPSBENCH_STRESS_TABLE_CHECK_H_
#define OPSBENCH_STRESS_TABLE_CHECK_H_

// Compares all rows of one table with what users wrote to it and what was in it
// from the start.
//
// Rows come in any order, each is compared column by column with the content
// that its id implies, and a bit for each expected row tells which did not
// come. A row that is not right is kept by a hash of its content, by which the
// row that it was moved or copied from is found. So memory is a bit an expected
// row, and 32 bytes a write and a wrong row.
//
// Thread safety: for one thread.

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "opsbench/db/value.h"
#include "opsbench/stress/oracle_report.h"
#include "opsbench/stress/plan.h"
#include "opsbench/stress/user_log.h"

namespace opsbench::stress {

// The rows first_id to first_id + rows - 1, which one operation writes; those
// of the start begin with 0.
struct Write {
  int64_t first_id = 0;
  int64_t rows = 0;
  Outcome outcome = Outcome::kDone;
};

struct TableNames {
  std::string table;  // "opsbench_stress_0.t0_small".
  // "user 3, operation 12 (bulk_insert t0_small rows=512)" for an id that one
  // writes, else the reason why none does.
  std::function<std::string(int64_t id)> operation;
};

class TableCheck {
 public:
  // Beyond these, wrong rows are counted by their ids alone: as changed or as
  // ghosts.
  static constexpr size_t kMaxWrong = 1'000'000;

  // `writes`: those of all users to the table, ascending by first_id; the rows
  // of the start are added here. `table` and `report` must outlive it.
  TableCheck(const Table& table, std::vector<Write> writes, TableNames names,
             OracleReport* report);

  // A row of the table, all of its columns.
  void Add(absl::Span<const Value> row);

  // After the last row: adds to the report's counts and findings.
  void Finish();

 private:
  // A row that is not what its id implies.
  struct Wrong {
    int64_t id = 0;
    uint64_t content = 0;  // Hash of the columns after the id.
    uint32_t columns = 0;  // A bit for each that differs.
    enum class Kind : uint8_t { kChanged, kGhost, kMoved, kDuplicated } kind;
    int64_t origin = 0;  // Of kMoved and kDuplicated: the id with this content.
    std::string detail;  // Of the first ones: what was found.
  };

  const Write* Find(int64_t id);
  size_t BitOf(const Write& write, int64_t id) const;

  void FindOrigins();
  void CountWrong();
  void CountWrites();
  void CountUnknown(const Write& write, int64_t found);
  // Adds a finding unless there are enough of its kind.
  void Name(size_t* named, absl::string_view finding);
  std::string RowName(int64_t id) const;

  const Table& table_;
  const TableNames names_;
  OracleReport& report_;
  std::vector<Write> writes_;
  std::vector<size_t> first_bits_;  // By write.
  std::vector<bool> seen_;          // By bit.
  const Write* last_ = nullptr;     // That Find() returned.
  int64_t found_ = 0;               // Rows.
  std::vector<Wrong> wrong_;
  RowMaker maker_;
};

}  // namespace opsbench::stress

#endif  // OPSBENCH_STRESS_TABLE_CHECK_H_
