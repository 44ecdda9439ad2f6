#ifndef OPSBENCH_PIPELINE_INTERNAL_POSTGRES_SQL_FILES_H_
#define OPSBENCH_PIPELINE_INTERNAL_POSTGRES_SQL_FILES_H_

// The pipeline's files of sql/postgres/, built into the program.
//
// Thread safety: constant.

#include "absl/types/span.h"
#include "opsbench/db/sql_catalog.h"

namespace opsbench::pipeline::postgres {

absl::Span<const SqlFile> SqlFiles();

}  // namespace opsbench::pipeline::postgres

#endif  // OPSBENCH_PIPELINE_INTERNAL_POSTGRES_SQL_FILES_H_
