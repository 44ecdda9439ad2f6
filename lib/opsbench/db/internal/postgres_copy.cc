#include "opsbench/db/internal/postgres_copy.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/internal/postgres_errors.h"
#include "opsbench/db/internal/postgres_result.h"
#include "opsbench/db/internal/postgres_types.h"

namespace opsbench::internal {
namespace {

// libpq counts what it sends in an int.
constexpr size_t kMaxBufferBytes = size_t{1} << 28;

// Signature, flags and the length of a header extension that there is not.
constexpr absl::string_view kHeader("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19);

class Sender {
 public:
  Sender(PGconn* connection, const CopyTarget& target, size_t buffer_bytes)
      : connection_(connection),
        target_(target),
        buffer_bytes_(std::min(buffer_bytes, kMaxBufferBytes)),
        buffer_(kHeader) {}

  absl::Status Send(RowIterator& rows) {
    std::vector<Value> row(target_.oids.size());
    while (true) {
      OPSBENCH_ASSIGN_OR_RETURN(const bool more,
                                rows.Next(absl::MakeSpan(row)));
      if (!more) break;
      AppendInt16(static_cast<int>(row.size()));
      for (size_t i = 0; i < row.size(); ++i) {
        OPSBENCH_RETURN_IF_ERROR(AppendField(row[i], target_.oids[i]));
      }
      if (buffer_.size() >= buffer_bytes_) OPSBENCH_RETURN_IF_ERROR(Flush());
    }
    AppendInt16(-1);
    return Flush();
  }

 private:
  absl::Status AppendField(const Value& value, uint32_t oid) {
    if (value.is_null()) {
      buffer_.append(4, '\xff');
      return absl::OkStatus();
    }
    const size_t start = buffer_.size();
    buffer_.append(4, '\0');
    OPSBENCH_RETURN_IF_ERROR(
        AppendBinary(value, oid, target_.ltree_oid, &buffer_));
    const uint32_t size = static_cast<uint32_t>(buffer_.size() - start - 4);
    for (int i = 0; i < 4; ++i) {
      buffer_[start + i] = static_cast<char>(size >> (24 - 8 * i));
    }
    return absl::OkStatus();
  }

  void AppendInt16(int value) {
    buffer_.push_back(static_cast<char>(value >> 8));
    buffer_.push_back(static_cast<char>(value));
  }

  absl::Status Flush() {
    const int sent = PQputCopyData(connection_, buffer_.data(),
                                   static_cast<int>(buffer_.size()));
    buffer_.clear();
    return sent == 1 ? absl::OkStatus() : ErrorOf(connection_, nullptr);
  }

  PGconn* const connection_;
  const CopyTarget& target_;
  const size_t buffer_bytes_;
  std::string buffer_;
};

}  // namespace

absl::StatusOr<int64_t> CopyRows(PGconn* connection, const CopyTarget& target,
                                 RowIterator& rows,
                                 const BulkOptions& options) {
  PostgresResult begun(
      PQexec(connection, absl::StrCat("COPY ", target.table, " (",
                                      absl::StrJoin(target.columns, ", "),
                                      ") FROM STDIN (FORMAT binary)")
                             .c_str()));
  if (PQresultStatus(begun.get()) != PGRES_COPY_IN) {
    return ErrorOf(connection, begun.get());
  }
  absl::Status status =
      Sender(connection, target, options.buffer_bytes).Send(rows);
  if (PQputCopyEnd(connection,
                   status.ok() ? nullptr : "the source of rows failed") < 0 &&
      status.ok()) {
    status = ErrorOf(connection, nullptr);
  }
  // All results are read in any case: the connection is of no use before.
  int64_t count = 0;
  while (PostgresResult result{PQgetResult(connection)}) {
    if (PQresultStatus(result.get()) == PGRES_COPY_IN)
      break;  // It never ended.
    if (Succeeded(result)) {
      count = Affected(result.get());
    } else if (status.ok()) {
      status = ErrorOf(connection, result.get());
    }
  }
  if (!status.ok()) return status;
  return count;
}

}  // namespace opsbench::internal
