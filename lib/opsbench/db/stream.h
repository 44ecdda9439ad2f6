#ifndef OPSBENCH_DB_STREAM_H_
#define OPSBENCH_DB_STREAM_H_

// Rows in an engine's own bulk format, as its server sends and takes them: what
// moving a table needs, where a value at a time would be too dear. Made by a
// Session, which they must not outlive and which does nothing else meanwhile.
//
// Thread safety: as Session.

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace opsbench {

// The answer to a COPY … TO STDOUT.
class CopyReader {
 public:
  virtual ~CopyReader() = default;

  // The next message of the server's, valid until the next call; empty at the
  // end. In PostgreSQL a message holds one row, the first one the header as
  // well, and the last one of the binary format the trailer alone.
  virtual absl::StatusOr<absl::string_view> Next() = 0;
};

// A COPY … FROM STDIN that runs. Destroyed before Finish(), it fails, and the
// server keeps nothing of it.
class CopyWriter {
 public:
  virtual ~CopyWriter() = default;

  // Sends `bytes`, which need not end where a row ends.
  virtual absl::Status Write(absl::string_view bytes) = 0;

  // Ends the COPY; the rows that the server took. Its errors come here, and
  // sometimes from an earlier Write().
  virtual absl::StatusOr<int64_t> Finish() = 0;
};

}  // namespace opsbench

#endif  // OPSBENCH_DB_STREAM_H_
