#ifndef OPSBENCH_STRESS_INTERNAL_FAULTS_SQL_FILES_H_
#define OPSBENCH_STRESS_INTERNAL_FAULTS_SQL_FILES_H_

// The statements of faults.h, of sql/, built into the program by
// EmbedSql.cmake.
//
// Thread safety: constant.

#include "absl/types/span.h"
#include "opsbench/db/sql_catalog.h"

namespace opsbench::stress::internal::faults_sql {

absl::Span<const SqlFile> SqlFiles();

}  // namespace opsbench::stress::internal::faults_sql

#endif  // OPSBENCH_STRESS_INTERNAL_FAULTS_SQL_FILES_H_
