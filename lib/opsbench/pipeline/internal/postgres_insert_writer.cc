#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/stream.h"
#include "opsbench/pipeline/internal/big_endian.h"
#include "opsbench/pipeline/internal/postgres_writers.h"

namespace opsbench::pipeline::postgres {
namespace {

// An array has less than a gigabyte, and memory is dear long before.
constexpr size_t kMaxStatementBytes = size_t{4} << 20;

std::string Cast(const FieldTarget& field, absl::string_view value) {
  return field.cast.empty()
             ? std::string(value)
             : absl::StrCat("CAST(", value, " AS ", field.cast, ")");
}

// INSERT INTO t (a, b)
std::string InsertInto(const WriteTarget& target) {
  std::vector<std::string> columns;
  for (const FieldTarget& field : target.fields) columns.push_back(field.name);
  return absl::StrCat("INSERT INTO ", QuoteTable(target.relation), " (",
                      QuoteColumns(columns), ")",
                      target.identity ? " OVERRIDING SYSTEM VALUE" : "");
}

// What INSERTs of many rows and of one have in common: they are queued for a
// batch at a time, and when one fails its rows are run again one by one, to
// tell which it is.
class QueueRowWriter : public RowWriter {
 public:
  QueueRowWriter(Session& session, WriteTarget target)
      : session_(session),
        target_(std::move(target)),
        encoder_(target_.named, target_.fields) {}

  absl::Status Write(const Batch& batch, int64_t first_row) override {
    OPSBENCH_RETURN_IF_ERROR(encoder_.CheckRounding(batch, first_row));
    OPSBENCH_RETURN_IF_ERROR(encoder_.CheckText(batch, first_row));
    OPSBENCH_RETURN_IF_ERROR(
        session_.Execute("SAVEPOINT opsbench_rows").status());
    starts_.clear();
    for (int64_t row = 0; row < batch.rows();) {
      const int64_t end = EndOfStatement(batch, row);
      starts_.push_back(row);
      OPSBENCH_RETURN_IF_ERROR(Add(batch, row, end, first_row));
      row = end;
    }
    absl::StatusOr<int64_t> inserted = queue_->Finish();
    if (!inserted.ok()) return Locate(batch, first_row, inserted.status());
    rows_ += *inserted;
    return session_.Execute("RELEASE SAVEPOINT opsbench_rows").status();
  }

  absl::StatusOr<int64_t> Finish() override { return rows_; }

 protected:
  // The row behind those that go with `row` into one statement.
  virtual int64_t EndOfStatement(const Batch& batch, int64_t row) = 0;
  virtual absl::Status Add(const Batch& batch, int64_t begin, int64_t end,
                           int64_t first_row) = 0;

  Session& session_;
  const WriteTarget target_;
  RowEncoder encoder_;
  std::unique_ptr<StatementQueue> queue_;
  Buffer buffer_;
  std::vector<BinaryParameter> parameters_;

 private:
  absl::Status Locate(const Batch& batch, int64_t first_row,
                      absl::Status status) {
    const int64_t failed = queue_->failed();
    if (failed < 0 || failed >= static_cast<int64_t>(starts_.size())) {
      return TableError(status, target_);
    }
    const int64_t begin = starts_[failed];
    const int64_t end = EndOfStatement(batch, begin);
    const absl::Status whole(
        status.code(),
        absl::StrCat(target_.named.ToString(), ", rows ", first_row + begin,
                     " to ", first_row + end - 1, ": ", status.message()));
    if (!session_.Execute("ROLLBACK TO SAVEPOINT opsbench_rows").ok()) {
      return whole;
    }
    // Those before it again, with which it may be in conflict.
    for (int64_t i = 0; i < failed; ++i) {
      OPSBENCH_RETURN_IF_ERROR(
          Add(batch, starts_[i], EndOfStatement(batch, starts_[i]), first_row));
      if (!queue_->Finish().ok()) return whole;
    }
    for (int64_t row = begin; row < end; ++row) {
      OPSBENCH_RETURN_IF_ERROR(Add(batch, row, row + 1, first_row));
      const absl::Status single = queue_->Finish().status();
      if (single.ok()) continue;
      const auto column = single.GetPayload(kServerColumnPayload);
      return LocateError(single, target_, first_row + row,
                         column.has_value() ? std::string(*column) : "");
    }
    return whole;
  }

  std::vector<int64_t> starts_;  // The first row of each statement.
  int64_t rows_ = 0;
};

class InsertRowWriter : public QueueRowWriter {
 public:
  InsertRowWriter(Session& session, WriteTarget target, int64_t rows)
      : QueueRowWriter(session, std::move(target)), rows_of_statement_(rows) {}

  absl::Status Begin() {
    std::vector<std::string> values, arrays, names;
    std::vector<uint32_t> types;
    for (const FieldTarget& field : target_.fields) {
      const std::string name = absl::StrCat("c", names.size());
      values.push_back(Cast(field, name));
      names.push_back(name);
      types.push_back(ParameterArrayType(field.form));
      arrays.push_back(absl::StrCat("$", types.size()));
    }
    OPSBENCH_ASSIGN_OR_RETURN(
        queue_, session_.Queue(
                    absl::StrCat(InsertInto(target_), " SELECT ",
                                 absl::StrJoin(values, ", "), " FROM unnest(",
                                 absl::StrJoin(arrays, ", "), ") AS given(",
                                 absl::StrJoin(names, ", "), ")"),
                    types));
    return absl::OkStatus();
  }

 protected:
  int64_t EndOfStatement(const Batch& batch, int64_t row) override {
    const auto average = static_cast<int64_t>(
        batch.bytes() /
        static_cast<size_t>(std::max<int64_t>(batch.rows(), 1)));
    const int64_t fit = static_cast<int64_t>(kMaxStatementBytes) /
                        std::max<int64_t>(average, 1);
    return std::min(batch.rows(),
                    row + std::clamp<int64_t>(fit, 1, rows_of_statement_));
  }

  absl::Status Add(const Batch& batch, int64_t begin, int64_t end,
                   int64_t first_row) override {
    buffer_.Clear();
    ends_.clear();
    for (size_t i = 0; i < target_.fields.size(); ++i) {
      OPSBENCH_RETURN_IF_ERROR(
          encoder_.AppendArray(batch, i, begin, end, first_row, &buffer_));
      ends_.push_back(buffer_.size());
    }
    parameters_.clear();
    size_t start = 0;
    for (const size_t size : ends_) {
      parameters_.push_back(
          {reinterpret_cast<const char*>(buffer_.data()) + start,
           size - start});
      start = size;
    }
    bytes_ += static_cast<int64_t>(buffer_.size());
    return queue_->Add(parameters_);
  }

 private:
  const int64_t rows_of_statement_;
  std::vector<size_t> ends_;
};

class BatchRowWriter : public QueueRowWriter {
 public:
  using QueueRowWriter::QueueRowWriter;

  absl::Status Begin() {
    std::vector<std::string> values;
    std::vector<uint32_t> types;
    for (const FieldTarget& field : target_.fields) {
      types.push_back(ParameterType(field.form));
      values.push_back(Cast(field, absl::StrCat("$", types.size())));
    }
    OPSBENCH_ASSIGN_OR_RETURN(
        queue_, session_.Queue(absl::StrCat(InsertInto(target_), " VALUES (",
                                            absl::StrJoin(values, ", "), ")"),
                               types));
    return absl::OkStatus();
  }

 protected:
  int64_t EndOfStatement(const Batch& /*batch*/, int64_t row) override {
    return row + 1;
  }

  absl::Status Add(const Batch& batch, int64_t begin, int64_t end,
                   int64_t first_row) override {
    buffer_.Clear();
    OPSBENCH_RETURN_IF_ERROR(
        encoder_.AppendRows(batch, begin, end, first_row, &buffer_));
    bytes_ += static_cast<int64_t>(buffer_.size());
    // A row of COPY is the count of its fields, then each with its length.
    const char* at = reinterpret_cast<const char*>(buffer_.data()) + 2;
    parameters_.clear();
    for (size_t i = 0; i < target_.fields.size(); ++i) {
      const auto size = static_cast<int32_t>(LoadBigEndian<uint32_t>(at));
      at += 4;
      if (size < 0) {
        parameters_.push_back({});
        continue;
      }
      parameters_.push_back({at, static_cast<size_t>(size)});
      at += size;
    }
    return queue_->Add(parameters_);
  }
};

}  // namespace

absl::StatusOr<std::unique_ptr<RowWriter>> MakeInsertWriter(Session& session,
                                                            WriteTarget target,
                                                            int64_t rows) {
  auto writer =
      std::make_unique<InsertRowWriter>(session, std::move(target), rows);
  OPSBENCH_RETURN_IF_ERROR(writer->Begin());
  return writer;
}

absl::StatusOr<std::unique_ptr<RowWriter>> MakeBatchWriter(Session& session,
                                                           WriteTarget target) {
  auto writer = std::make_unique<BatchRowWriter>(session, std::move(target));
  OPSBENCH_RETURN_IF_ERROR(writer->Begin());
  return writer;
}

}  // namespace opsbench::pipeline::postgres
