#ifndef OPSBENCH_DB_INTERNAL_MYSQL_BULK_H_
#define OPSBENCH_DB_INTERNAL_MYSQL_BULK_H_

// Bulk loads through the C client: LOAD DATA LOCAL out of memory, and MariaDB's
// many rows for one prepared INSERT (COM_STMT_BULK_EXECUTE). Neither opens a
// transaction: on an error some rows are in the table, and the caller undoes.
//
// Thread safety: for the thread that owns the session; `cancelled` may be set
// by any, and ends a load with Cancelled.

#include <mysql.h>

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "opsbench/db/session.h"

namespace opsbench::internal {

struct MysqlLoad {
  absl::string_view table;
  absl::Span<const std::string> columns;
  // Bytes gathered before they go to the server.
  size_t buffer_bytes = 0;
  const std::atomic<bool>* cancelled = nullptr;
};

// Makes `connection` refuse every file that the server asks for: with LOCAL
// allowed, a hostile server could otherwise ask for any. The loads below lift
// it for their own rows. Call before connecting.
void RefuseLocalFiles(MYSQL* connection);

// Streams `rows` as the text of LOAD DATA LOCAL INFILE. LOCAL turns errors into
// warnings, drops rows and changes values; any warning is an error here.
// REQUIRES: sql_notes is off, so that harmless notes are not among them.
absl::StatusOr<int64_t> LoadRows(MYSQL* connection, const MysqlLoad& load,
                                 RowIterator& rows);

// Runs `sql`, a LOAD DATA LOCAL INFILE of any file name, with `bytes` for the
// file; the rows that were loaded. Any warning is an error, as above.
absl::StatusOr<int64_t> LoadBytes(MYSQL* connection, absl::string_view sql,
                                  absl::string_view bytes,
                                  const std::atomic<bool>* cancelled);

// Inserts `rows` in batches of `buffer_bytes`.
absl::StatusOr<int64_t> InsertByArrays(MYSQL* connection, const MysqlLoad& load,
                                       RowIterator& rows);

}  // namespace opsbench::internal

#endif  // OPSBENCH_DB_INTERNAL_MYSQL_BULK_H_
