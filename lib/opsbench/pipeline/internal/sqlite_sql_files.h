#ifndef OPSBENCH_PIPELINE_INTERNAL_SQLITE_SQL_FILES_H_
#define OPSBENCH_PIPELINE_INTERNAL_SQLITE_SQL_FILES_H_

// The files of sql/sqlite/pipeline, built in.
//
// Thread safety: constant.

#include "absl/types/span.h"
#include "opsbench/db/sql_catalog.h"

namespace opsbench::pipeline::internal::sqlite_sql {

absl::Span<const SqlFile> SqlFiles();

}  // namespace opsbench::pipeline::internal::sqlite_sql

#endif  // OPSBENCH_PIPELINE_INTERNAL_SQLITE_SQL_FILES_H_
