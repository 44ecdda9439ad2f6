#include "opsbench/db/internal/postgres_copy.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/internal/postgres_stream.h"
#include "opsbench/db/internal/postgres_types.h"

namespace opsbench::internal {
namespace {

// Signature, flags and the length of a header extension that there is not.
constexpr absl::string_view kHeader("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19);

// At most so much goes to the server at once: it works on that while the next
// rows are made.
constexpr size_t kPieceBytes = size_t{64} << 10;

void AppendInt16(int value, std::string* out) {
  out->push_back(static_cast<char>(value >> 8));
  out->push_back(static_cast<char>(value));
}

absl::Status AppendBinaryRow(absl::Span<const Value> row,
                             const CopyTarget& target, std::string* out) {
  AppendInt16(static_cast<int>(row.size()), out);
  for (size_t i = 0; i < row.size(); ++i) {
    if (row[i].is_null()) {
      out->append(4, '\xff');
      continue;
    }
    const size_t start = out->size();
    out->append(4, '\0');
    OPSBENCH_RETURN_IF_ERROR(
        AppendBinary(row[i], target.oids[i], target.ltree_oid, out));
    const uint32_t size = static_cast<uint32_t>(out->size() - start - 4);
    for (int byte = 0; byte < 4; ++byte) {
      (*out)[start + byte] = static_cast<char>(size >> (24 - 8 * byte));
    }
  }
  return absl::OkStatus();
}

// What separates and what escapes has a backslash before it.
void AppendEscaped(absl::string_view text, std::string* out) {
  for (const char c : text) {
    switch (c) {
      case '\\':
        out->append("\\\\");
        break;
      case '\t':
        out->append("\\t");
        break;
      case '\n':
        out->append("\\n");
        break;
      case '\r':
        out->append("\\r");
        break;
      default:
        out->push_back(c);
    }
  }
}

absl::Status AppendTextRow(absl::Span<const Value> row,
                           const CopyTarget& target, std::string* scratch,
                           std::string* out) {
  for (size_t i = 0; i < row.size(); ++i) {
    if (i > 0) out->push_back('\t');
    if (row[i].is_null()) {
      out->append("\\N");
      continue;
    }
    scratch->clear();
    OPSBENCH_RETURN_IF_ERROR(AppendColumnText(row[i], target.oids[i], scratch));
    AppendEscaped(*scratch, out);
  }
  out->push_back('\n');
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<int64_t> CopyRows(PGconn* connection, const CopyTarget& target,
                                 RowIterator& rows,
                                 const BulkOptions& options) {
  const bool binary = target.format == CopyFormat::kBinary;
  OPSBENCH_ASSIGN_OR_RETURN(
      const std::unique_ptr<CopyWriter> writer,
      StartCopyIn(connection, absl::StrCat("COPY ", target.table, " (",
                                           absl::StrJoin(target.columns, ", "),
                                           ") FROM STDIN",
                                           binary ? " (FORMAT binary)" : "")));
  const size_t piece_bytes = std::min(options.buffer_bytes, kPieceBytes);
  std::string buffer;
  buffer.reserve(piece_bytes + piece_bytes / 4);
  if (binary) absl::StrAppend(&buffer, kHeader);
  std::string scratch;
  std::vector<Value> row(target.oids.size());
  while (true) {
    OPSBENCH_ASSIGN_OR_RETURN(const bool more, rows.Next(absl::MakeSpan(row)));
    if (!more) break;
    OPSBENCH_RETURN_IF_ERROR(
        binary ? AppendBinaryRow(row, target, &buffer)
               : AppendTextRow(row, target, &scratch, &buffer));
    if (buffer.size() < piece_bytes) continue;
    OPSBENCH_RETURN_IF_ERROR(writer->Write(buffer));
    buffer.clear();
  }
  if (binary) AppendInt16(-1, &buffer);
  OPSBENCH_RETURN_IF_ERROR(writer->Write(buffer));
  return writer->Finish();
}

}  // namespace opsbench::internal
