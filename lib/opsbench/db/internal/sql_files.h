#ifndef OPSBENCH_DB_INTERNAL_SQL_FILES_H_
#define OPSBENCH_DB_INTERNAL_SQL_FILES_H_

// The files sql/<engine>/ownership.sql, built into the program by
// EmbedSql.cmake.
//
// Thread safety: constant.

#include "absl/types/span.h"
#include "opsbench/db/sql_catalog.h"

namespace opsbench::internal {

absl::Span<const SqlFile> SqlFiles();

}  // namespace opsbench::internal

#endif  // OPSBENCH_DB_INTERNAL_SQL_FILES_H_
