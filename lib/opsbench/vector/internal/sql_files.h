#ifndef OPSBENCH_VECTOR_INTERNAL_SQL_FILES_H_
#define OPSBENCH_VECTOR_INTERNAL_SQL_FILES_H_

// The vector area's files of sql/, built into the program by EmbedSql.cmake.
//
// Thread safety: constant.

#include "absl/types/span.h"
#include "opsbench/db/sql_catalog.h"

namespace opsbench::vector::internal {

absl::Span<const SqlFile> SqlFiles();

}  // namespace opsbench::vector::internal

#endif  // OPSBENCH_VECTOR_INTERNAL_SQL_FILES_H_
