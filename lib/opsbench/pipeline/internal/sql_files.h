#ifndef OPSBENCH_PIPELINE_INTERNAL_SQL_FILES_H_
#define OPSBENCH_PIPELINE_INTERNAL_SQL_FILES_H_

// The statements of sql/<engine>/pipeline.
//
// Thread safety: pure functions.

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "opsbench/db/sql_catalog.h"

namespace opsbench::pipeline::runner_internal {

// Generated.
absl::Span<const SqlFile> SqlFiles();

// NotFound: no such file. `name` is that of SqlFile.
inline absl::StatusOr<SqlCatalog> LoadCatalog(absl::string_view name) {
  for (const SqlFile& file : SqlFiles()) {
    if (file.name == name) return SqlCatalog::Parse(file.content);
  }
  return absl::NotFoundError(name);
}

}  // namespace opsbench::pipeline::runner_internal

#endif  // OPSBENCH_PIPELINE_INTERNAL_SQL_FILES_H_
