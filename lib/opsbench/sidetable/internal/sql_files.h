#ifndef OPSBENCH_SIDETABLE_INTERNAL_SQL_FILES_H_
#define OPSBENCH_SIDETABLE_INTERNAL_SQL_FILES_H_

// The side table's files of sql/, built into the program by EmbedSql.cmake.
//
// Thread safety: constant.

#include "absl/types/span.h"
#include "opsbench/db/sql_catalog.h"

namespace opsbench::sidetable::internal {

absl::Span<const SqlFile> SqlFiles();

}  // namespace opsbench::sidetable::internal

#endif  // OPSBENCH_SIDETABLE_INTERNAL_SQL_FILES_H_
