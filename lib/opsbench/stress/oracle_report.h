#ifndef OPSBENCH_STRESS_ORACLE_REPORT_H_
#define OPSBENCH_STRESS_ORACLE_REPORT_H_

// What the oracle found.
//
// Thread safety: a value type.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace opsbench::stress {

struct OracleReport {
  static constexpr size_t kMaxFindings = 40;

  int64_t acknowledged_operations = 0;
  int64_t acknowledged_rows = 0;
  // Rows that the databases hold, each compared column by column.
  int64_t checked_rows = 0;

  // Acknowledged rows whose content is nowhere in their table.
  int64_t lost_rows = 0;
  // Rows of users and of the start whose content is whole under another id.
  int64_t moved_rows = 0;
  // Rows of users in which a column differs.
  int64_t changed_rows = 0;
  // Copies of a row that is there as well.
  int64_t duplicated_rows = 0;
  // Rows that nobody wrote.
  int64_t ghost_rows = 0;
  // Rows of writes that were refused or skipped.
  int64_t refused_rows = 0;
  // Of the rows that are there from the start.
  int64_t lost_initial_rows = 0;
  int64_t changed_initial_rows = 0;

  // Writes whose outcome was unknown, and what came of them.
  int64_t unknown_operations = 0;
  int64_t unknown_applied = 0;
  int64_t unknown_absent = 0;
  int64_t unknown_torn = 0;  // Applied in part: never right.

  // Databases, tables and columns that are missing, changed or foreign.
  int64_t wrong_definitions = 0;
  // Users' logs whose totals are not those of their operations.
  int64_t wrong_logs = 0;

  // What is wrong, at most kMaxFindings: "opsbench_stress_0.t0_small: user 3,
  // operation 1204 (bulk_insert …): 5000 of 5000 acknowledged rows are lost".
  std::vector<std::string> findings;
  int64_t more_findings = 0;  // Beyond these.
  // What to know when judging: settings of the server that allow losses.
  std::vector<std::string> notes;

  // A few words for each count that must be 0 and is not: "2 acknowledged rows
  // lost", the worst first.
  std::vector<std::string> Failures() const;
  bool ok() const { return Failures().empty(); }

  void Add(std::string finding) {
    if (findings.size() < kMaxFindings) {
      findings.push_back(std::move(finding));
    } else {
      ++more_findings;
    }
  }
};

}  // namespace opsbench::stress

#endif  // OPSBENCH_STRESS_ORACLE_REPORT_H_
