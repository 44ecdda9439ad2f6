#ifndef OPSBENCH_STRESS_INTERNAL_SQL_FILES_H_
#define OPSBENCH_STRESS_INTERNAL_SQL_FILES_H_

// The stress area's files of sql/, built into the program by EmbedSql.cmake.
//
// Thread safety: constant.

#include "absl/types/span.h"
#include "opsbench/db/sql_catalog.h"

namespace opsbench::stress::internal {

absl::Span<const SqlFile> SqlFiles();

}  // namespace opsbench::stress::internal

#endif  // OPSBENCH_STRESS_INTERNAL_SQL_FILES_H_
