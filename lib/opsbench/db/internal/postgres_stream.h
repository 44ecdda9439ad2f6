#ifndef OPSBENCH_DB_INTERNAL_POSTGRES_STREAM_H_
#define OPSBENCH_DB_INTERNAL_POSTGRES_STREAM_H_

// A PostgreSQL session's streams: rows one by one, COPY in both directions,
// results in binary form. See db/stream.h.
//
// Thread safety: as the connection, for one thread at a time.

#include <libpq-fe.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "opsbench/db/session.h"

namespace opsbench::internal {

// `cancel` ends the statement when the stream is destroyed before its end: the
// rows that are left would have to be read otherwise.
absl::StatusOr<std::unique_ptr<RowIterator>> StreamRows(PGconn* connection,
                                                        PGcancel* cancel,
                                                        absl::string_view sql);
absl::StatusOr<std::unique_ptr<CopyReader>> StartCopyOut(PGconn* connection,
                                                         PGcancel* cancel,
                                                         absl::string_view sql);

absl::StatusOr<std::unique_ptr<CopyWriter>> StartCopyIn(PGconn* connection,
                                                        absl::string_view sql);

absl::StatusOr<std::unique_ptr<BinaryRows>> ReadBinary(PGconn* connection,
                                                       absl::string_view sql);

}  // namespace opsbench::internal

#endif  // OPSBENCH_DB_INTERNAL_POSTGRES_STREAM_H_
