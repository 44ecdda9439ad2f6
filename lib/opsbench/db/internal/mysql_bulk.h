#ifndef OPSBENCH_DB_INTERNAL_MYSQL_BULK_H_
#define OPSBENCH_DB_INTERNAL_MYSQL_BULK_H_

// Bulk loads through the C client: LOAD DATA LOCAL out of memory, and MariaDB's
// arrays bound to one prepared INSERT (COM_STMT_BULK_EXECUTE).
//
// Thread safety: for the thread that owns the session.

#include <mysql.h>

#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "opsbench/db/session.h"

namespace opsbench::internal {

// Makes `connection` refuse every file that the server asks for: with LOCAL
// allowed, a hostile server could otherwise ask for any. LoadData lifts it for
// its own rows. Call once, after connecting.
void RefuseLocalFiles(MYSQL* connection);

// Streams `rows` as the text of LOAD DATA LOCAL INFILE. LOCAL turns errors into
// warnings; any warning is an error here, so the caller's transaction is undone
// and no row is dropped or changed in silence.
absl::StatusOr<int64_t> LoadData(MYSQL* connection, absl::string_view table,
                                 absl::Span<const std::string> columns,
                                 RowIterator& rows, size_t buffer_bytes);

absl::StatusOr<int64_t> InsertByArrays(MYSQL* connection,
                                       absl::string_view table,
                                       absl::Span<const std::string> columns,
                                       RowIterator& rows);

}  // namespace opsbench::internal

#endif  // OPSBENCH_DB_INTERNAL_MYSQL_BULK_H_
