#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/stream.h"
#include "opsbench/pipeline/internal/postgres_decode.h"
#include "opsbench/pipeline/internal/postgres_writers.h"

namespace opsbench::pipeline::postgres {
namespace {

// Rows between two looks at how much is gathered.
constexpr int64_t kRowsOfPiece = 64;

absl::string_view TextOf(const Buffer& buffer) {
  return {reinterpret_cast<const char*>(buffer.data()), buffer.size()};
}

class CopyRowWriter : public RowWriter {
 public:
  CopyRowWriter(WriteTarget target, const CopyOptions& options)
      : target_(std::move(target)),
        options_(options),
        encoder_(target_.named, target_.fields) {}

  absl::Status Begin(Session& session) {
    std::vector<std::string> columns;
    for (const FieldTarget& field : target_.fields) {
      columns.push_back(field.name);
    }
    OPSBENCH_ASSIGN_OR_RETURN(
        copy_,
        session.CopyIn(absl::StrCat("COPY ", QuoteTable(target_.relation), " (",
                                    QuoteColumns(columns), ") FROM STDIN",
                                    options_.text ? "" : " (FORMAT binary)")));
    if (!options_.text) buffer_.Append(kCopyHeader.data(), kCopyHeader.size());
    return absl::OkStatus();
  }

  absl::Status Write(const Batch& batch, int64_t first_row) override {
    if (!batch.wire_format().empty()) return Relay(batch);
    OPSBENCH_RETURN_IF_ERROR(encoder_.CheckRounding(batch, first_row));
    if (options_.text) {
      OPSBENCH_RETURN_IF_ERROR(encoder_.CheckText(batch, first_row));
    }
    for (int64_t row = 0; row < batch.rows(); row += kRowsOfPiece) {
      const int64_t end = std::min(batch.rows(), row + kRowsOfPiece);
      if (options_.text) {
        encoder_.AppendTextRows(batch, row, end, &buffer_);
      } else {
        OPSBENCH_RETURN_IF_ERROR(
            encoder_.AppendRows(batch, row, end, first_row, &buffer_));
      }
      if (buffer_.size() >= options_.flush_bytes) {
        OPSBENCH_RETURN_IF_ERROR(Flush());
      }
    }
    return absl::OkStatus();
  }

  absl::StatusOr<int64_t> Finish() override {
    if (!options_.text) {
      buffer_.Append(kCopyTrailer.data(), kCopyTrailer.size());
    }
    OPSBENCH_RETURN_IF_ERROR(Flush());
    absl::StatusOr<int64_t> rows = copy_->Finish();
    if (!rows.ok()) return LocateCopyError(rows.status(), target_);
    return rows;
  }

 private:
  // The server reads a piece as a whole before it looks at it: pieces that fit
  // a cache are cheaper on both sides.
  absl::Status Send(absl::string_view bytes) {
    bytes_ += static_cast<int64_t>(bytes.size());
    while (!bytes.empty()) {
      const absl::string_view piece = bytes.substr(0, options_.flush_bytes);
      absl::Status sent = copy_->Write(piece);
      if (!sent.ok()) return LocateCopyError(std::move(sent), target_);
      bytes.remove_prefix(piece.size());
    }
    return absl::OkStatus();
  }

  absl::Status Flush() {
    const absl::Status sent = Send(TextOf(buffer_));
    buffer_.Clear();
    // A value of many megabytes is no reason to keep as much.
    buffer_.Trim(4 * options_.flush_bytes);
    return sent;
  }

  absl::Status Relay(const Batch& batch) {
    if (options_.text) {
      return absl::InvalidArgumentError("a COPY in text takes no binary rows");
    }
    if (!buffer_.empty()) OPSBENCH_RETURN_IF_ERROR(Flush());
    return Send(TextOf(batch.wire()));
  }

  const WriteTarget target_;
  const CopyOptions options_;
  RowEncoder encoder_;
  Buffer buffer_;
  std::unique_ptr<CopyWriter> copy_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<RowWriter>> MakeCopyWriter(
    Session& session, WriteTarget target, const CopyOptions& options) {
  auto writer = std::make_unique<CopyRowWriter>(std::move(target), options);
  OPSBENCH_RETURN_IF_ERROR(writer->Begin(session));
  return writer;
}

absl::StatusCode CodeOf(const absl::Status& status) {
  // Too long a text, a number and a time out of range.
  for (const char* state : {"(22001)", "(22003)", "(22008)"}) {
    if (absl::EndsWith(status.message(), state)) {
      return absl::StatusCode::kOutOfRange;
    }
  }
  return status.code();
}

absl::Status LocateError(const absl::Status& status, const WriteTarget& target,
                         int64_t row, absl::string_view column) {
  if (!column.empty()) {
    return ValueError(CodeOf(status), target.named, column, row,
                      status.message());
  }
  return {CodeOf(status), absl::StrCat(target.named.ToString(), ", row ", row,
                                       ": ", status.message())};
}

absl::Status TableError(const absl::Status& status, const WriteTarget& target) {
  return {CodeOf(status),
          absl::StrCat(target.named.ToString(), ": ", status.message())};
}

absl::Status LocateCopyError(absl::Status status, const WriteTarget& target) {
  const auto payload = status.GetPayload(kServerContextPayload);
  if (!payload.has_value()) return TableError(status, target);
  // COPY events, line 3, column amount: "x"
  // Contexts that lie further in are on lines before it.
  const std::string prefix =
      absl::StrCat("COPY ", target.relation.table, ", line ");
  const std::string text = absl::StrCat("\n", std::string(*payload));
  const size_t start = text.find(absl::StrCat("\n", prefix));
  if (start == std::string::npos) return TableError(status, target);
  absl::string_view context =
      absl::string_view(text).substr(start + 1 + prefix.size());
  int64_t row = 0;
  const size_t digits =
      std::min(context.find_first_not_of("0123456789"), context.size());
  if (!absl::SimpleAtoi(context.substr(0, digits), &row)) {
    return TableError(status, target);
  }
  context.remove_prefix(digits);
  std::string column;
  const auto named = status.GetPayload(kServerColumnPayload);
  if (named.has_value()) column = std::string(*named);
  if (absl::ConsumePrefix(&context, ", column ")) {
    // A name may hold a colon; the longest one that fits is the column's.
    for (const FieldTarget& field : target.fields) {
      if (field.name.size() >= column.size() &&
          absl::StartsWith(context, field.name) &&
          (context.size() == field.name.size() ||
           context[field.name.size()] == ':' ||
           context[field.name.size()] == '\n')) {
        column = field.name;
      }
    }
  }
  return LocateError(status, target, row, column);
}

}  // namespace opsbench::pipeline::postgres
