#ifndef OPSBENCH_STRESS_INTERNAL_MONITOR_SQL_H_
#define OPSBENCH_STRESS_INTERNAL_MONITOR_SQL_H_

// The monitor's files of sql/, built into the program by EmbedSql.cmake.
//
// Thread safety: constant.

#include "absl/types/span.h"
#include "opsbench/db/sql_catalog.h"

namespace opsbench::stress::internal::monitor_sql {

absl::Span<const SqlFile> SqlFiles();

}  // namespace opsbench::stress::internal::monitor_sql

#endif  // OPSBENCH_STRESS_INTERNAL_MONITOR_SQL_H_
