#include "opsbench/stress/oracle_report.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace opsbench::stress {

std::vector<std::string> OracleReport::Failures() const {
  std::vector<std::string> failures;
  for (const auto& [count, what] :
       {std::pair<int64_t, absl::string_view>(lost_rows,
                                              "acknowledged rows lost"),
        {unknown_torn, "unanswered writes applied in part"},
        {moved_rows, "rows moved to another id"},
        {changed_rows, "rows changed"},
        {duplicated_rows, "rows duplicated"},
        {ghost_rows, "rows that nobody wrote"},
        {refused_rows, "rows of refused or skipped writes"},
        {lost_initial_rows, "initial rows lost"},
        {changed_initial_rows, "initial rows changed"},
        {wrong_definitions, "wrong databases, tables or columns"},
        {wrong_logs, "users' logs that contradict themselves"}}) {
    if (count > 0) failures.push_back(absl::StrCat(count, " ", what));
  }
  return failures;
}

}  // namespace opsbench::stress
