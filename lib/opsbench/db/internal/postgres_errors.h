#ifndef OPSBENCH_DB_INTERNAL_POSTGRES_ERRORS_H_
#define OPSBENCH_DB_INTERNAL_POSTGRES_ERRORS_H_

// PostgreSQL's errors as statuses, by SQLSTATE ("PostgreSQL Error Codes",
// appendix A of its manual).
//
// Thread safety: pure functions.

#include <libpq-fe.h>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace opsbench::internal {

// `text` is the engine's message; `broken` says that the connection is gone,
// which outweighs the state.
absl::Status StatusOfSqlState(absl::string_view sqlstate,
                              absl::string_view text, bool broken);

// The error of a result, or of the connection when there is none.
absl::Status ErrorOf(PGconn* connection, const PGresult* result);

// The same, with the payloads of db/stream.h when the server said where in the
// data the fault is.
absl::Status ErrorWithContext(PGconn* connection, const PGresult* result);

// libpq gives no SQLSTATE for a connection that was refused: its text decides.
absl::Status StatusOfConnectError(absl::string_view text);

}  // namespace opsbench::internal

#endif  // OPSBENCH_DB_INTERNAL_POSTGRES_ERRORS_H_
