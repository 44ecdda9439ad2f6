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
#include "absl/types/span.h"

namespace opsbench {

// The payload of an error in which the server said where in the stream it found
// the fault: "COPY events, line 3, column amount: "x"".
inline constexpr absl::string_view kServerContextPayload =
    "opsbench/server-context";
// And that with the name of the column, where the server tells it apart.
inline constexpr absl::string_view kServerColumnPayload =
    "opsbench/server-column";

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

// A result whose fields are in the engine's binary form, held as a whole.
class BinaryRows {
 public:
  virtual ~BinaryRows() = default;

  virtual int64_t rows() const = 0;
  virtual bool IsNull(int64_t row, int column) const = 0;
  // Valid as long as the result is.
  virtual absl::string_view Field(int64_t row, int column) const = 0;
};

// A parameter in its type's binary form; data == nullptr is NULL.
struct BinaryParameter {
  const char* data = nullptr;
  size_t size = 0;
};

// One prepared statement that is sent many times without waiting for each
// answer (PostgreSQL: libpq's pipeline mode). The session does nothing else
// between an Add() and the Finish() that follows.
class StatementQueue {
 public:
  virtual ~StatementQueue() = default;

  // Sends the statement with `parameters`, as many as it has types.
  virtual absl::Status Add(absl::Span<const BinaryParameter> parameters) = 0;

  // Waits for the answers of all that were added since the last call; the rows
  // affected. After one that failed none of the later ones ran.
  virtual absl::StatusOr<int64_t> Finish() = 0;

  // Which one of those that Finish() waited for failed, from 0; -1: none did,
  // or the connection is lost.
  virtual int64_t failed() const = 0;
};

}  // namespace opsbench

#endif  // OPSBENCH_DB_STREAM_H_
