#ifndef OPSBENCH_MEMTABLE_INTERNAL_SQL_FILES_H_
#define OPSBENCH_MEMTABLE_INTERNAL_SQL_FILES_H_

// The memtable's files of sql/, built into the program by EmbedSql.cmake.
//
// Thread safety: constant.

#include "absl/types/span.h"
#include "opsbench/db/sql_catalog.h"

namespace opsbench::memtable::internal {

absl::Span<const SqlFile> SqlFiles();

}  // namespace opsbench::memtable::internal

#endif  // OPSBENCH_MEMTABLE_INTERNAL_SQL_FILES_H_
