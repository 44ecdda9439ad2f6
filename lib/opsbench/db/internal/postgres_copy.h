#ifndef OPSBENCH_DB_INTERNAL_POSTGRES_COPY_H_
#define OPSBENCH_DB_INTERNAL_POSTGRES_COPY_H_

// COPY … FROM STDIN, in binary or as text: rows from memory into a table.
//
// Thread safety: as the connection, for one thread at a time.
//
// Source: "COPY", sections "Text Format" and "Binary Format", in PostgreSQL's
// manual.

#include <libpq-fe.h>

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "opsbench/db/session.h"

namespace opsbench::internal {

enum class CopyFormat { kBinary, kText };

struct CopyTarget {
  absl::string_view table;
  absl::Span<const std::string> columns;
  absl::Span<const uint32_t> oids;  // The columns' types.
  uint32_t ltree_oid = 0;           // 0: there is no such type.
  CopyFormat format = CopyFormat::kBinary;
};

// Copies all of `rows` and returns how many. Both formats take and refuse the
// same values; text goes into types without a binary form as well. A failure
// leaves the statement, so a transaction around it has failed as well; the
// source's own error is the one that is returned.
absl::StatusOr<int64_t> CopyRows(PGconn* connection, const CopyTarget& target,
                                 RowIterator& rows, const BulkOptions& options);

}  // namespace opsbench::internal

#endif  // OPSBENCH_DB_INTERNAL_POSTGRES_COPY_H_
