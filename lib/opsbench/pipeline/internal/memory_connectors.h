#ifndef OPSBENCH_PIPELINE_INTERNAL_MEMORY_CONNECTORS_H_
#define OPSBENCH_PIPELINE_INTERNAL_MEMORY_CONNECTORS_H_

// For tests: a source that counts and a destination that keeps what it gets, in
// this process, with faults wherever a test wants them.
//
// Thread safety: a MemoryTable may be used from any thread; connectors as
// theirs.

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/pipeline/connector.h"

namespace opsbench::pipeline {

inline SchemaPtr CountingSchema() {
  auto schema = std::make_shared<Schema>();
  schema->fields = {{"id", {TypeId::kInt64}, false},
                    {"name", {TypeId::kText}, true}};
  schema->primary_key = {"id"};
  return schema;
}

struct MemoryFaults {
  // Each is asked before the step; an error is the step's.
  std::function<absl::Status()> connect;
  std::function<absl::Status(int64_t row)> next;
  std::function<absl::Status(int64_t rows)> write;
  std::function<absl::Status()> commit;
  std::function<absl::Status()> has_marker;
  // Asked behind the commit.
  std::function<absl::Status()> committed;
};

// Rows (i, "name<i>") for i from 1 to `rows`; every seventh name is null.
class CountingSource : public Source {
 public:
  CountingSource(int64_t rows, MemoryFaults faults, bool wire = false)
      : rows_(rows), faults_(std::move(faults)), wire_(wire) {}

  absl::Status Connect() override {
    return faults_.connect ? faults_.connect() : absl::OkStatus();
  }
  absl::StatusOr<SchemaPtr> Describe(const ReadRequest&) override {
    return CountingSchema();
  }
  absl::StatusOr<std::vector<Partition>> Split(const ReadRequest&,
                                               int parts) override {
    std::vector<Partition> partitions;
    for (int i = 0; i < parts; ++i) {
      partitions.push_back({absl::StrCat("id % ", parts, " = ", i)});
    }
    return partitions;
  }
  absl::StatusOr<std::string> Snapshot() override { return "s1"; }
  absl::Status ReadAs(absl::string_view snapshot) override {
    return snapshot == "s1" ? absl::OkStatus()
                            : absl::InvalidArgumentError("no snapshot");
  }
  absl::StatusOr<std::string> MaxCursor(const ReadRequest& request) override {
    int64_t after = 0;
    if (!request.cursor_after.empty() &&
        !absl::SimpleAtoi(request.cursor_after, &after)) {
      return absl::InvalidArgumentError("cursor_after");
    }
    return rows_ <= after ? "" : absl::StrCat(rows_);
  }
  std::vector<std::string> WireFormats(const Schema&) override {
    if (!wire_) return {};
    return {"memory"};
  }
  absl::Status Start(const ReadRequest& request) override {
    request_ = request;
    row_ = 0;
    last_ = rows_;
    if (!request.cursor_after.empty() &&
        !absl::SimpleAtoi(request.cursor_after, &row_)) {
      return absl::InvalidArgumentError("cursor_after");
    }
    if (!request.cursor_until.empty() &&
        !absl::SimpleAtoi(request.cursor_until, &last_)) {
      return absl::InvalidArgumentError("cursor_until");
    }
    const std::string& predicate = request.partition.predicate;
    if (!predicate.empty() && std::sscanf(predicate.c_str(), "id %% %ld = %ld",
                                          &parts_, &part_) != 2) {
      return absl::InvalidArgumentError(predicate);
    }
    return absl::OkStatus();
  }
  absl::StatusOr<bool> Next(Batch* batch) override {
    int64_t rows = 0;
    while (rows < request_.batch_rows && row_ < last_) {
      ++row_;
      if (row_ % parts_ != part_) continue;
      if (interrupted_) return absl::CancelledError("source interrupted");
      if (faults_.next) OPSBENCH_RETURN_IF_ERROR(faults_.next(row_));
      ++rows;
      if (!request_.wire_format.empty()) {
        batch->wire().AppendValue(row_);
        continue;
      }
      batch->columns()[0].AppendFixed<int64_t>(row_);
      if (row_ % 7 == 0) {
        batch->columns()[1].AppendNull();
      } else {
        batch->columns()[1].AppendText(absl::StrCat("name", row_));
      }
    }
    batch->set_wire_format(request_.wire_format);
    batch->SetRows(rows);
    return rows > 0;
  }
  void Interrupt() override { interrupted_ = true; }

 private:
  const int64_t rows_;
  const MemoryFaults faults_;
  const bool wire_;
  ReadRequest request_;
  int64_t row_ = 0;
  int64_t last_ = 0;
  long parts_ = 1;  // NOLINT(google-runtime-int): sscanf's type.
  long part_ = 0;   // NOLINT(google-runtime-int)
  std::atomic<bool> interrupted_{false};
};

// What has been committed.
struct MemoryTable {
  std::mutex mutex;
  std::vector<std::pair<int64_t, std::string>> rows;  // "NULL" for null.
  std::string marker;
  int aborted = 0;
  std::atomic<int> interrupted{0};
};

class MemoryDestination : public Destination {
 public:
  MemoryDestination(MemoryTable* table, MemoryFaults faults)
      : table_(table), faults_(std::move(faults)) {}

  absl::Status Connect() override {
    return faults_.connect ? faults_.connect() : absl::OkStatus();
  }
  std::string ChooseWireFormat(const WriteRequest&, const Schema&,
                               absl::Span<const std::string> formats) override {
    for (const std::string& format : formats) {
      if (format == "memory") return format;
    }
    return "";
  }
  absl::Status Prepare(const WriteRequest& request, SchemaPtr) override {
    request_ = request;
    return absl::OkStatus();
  }
  absl::Status Write(const Batch& batch) override {
    if (interrupted_) return absl::CancelledError("destination interrupted");
    if (faults_.write) {
      OPSBENCH_RETURN_IF_ERROR(
          faults_.write(static_cast<int64_t>(rows_.size())));
    }
    bytes_ += static_cast<int64_t>(batch.bytes());
    for (int64_t row = 0; row < batch.rows(); ++row) {
      if (batch.wire_format() == "memory") {
        int64_t id = 0;
        std::memcpy(&id, batch.wire().data() + 8 * row, sizeof(id));
        rows_.emplace_back(id, "wire");
        continue;
      }
      const Column& name = batch.columns()[1];
      rows_.emplace_back(
          batch.columns()[0].Fixed<int64_t>(row),
          name.IsNull(row) ? "NULL" : std::string(name.Text(row)));
    }
    return absl::OkStatus();
  }
  absl::StatusOr<WriteCounts> Commit(absl::string_view marker) override {
    if (faults_.commit) OPSBENCH_RETURN_IF_ERROR(faults_.commit());
    const std::lock_guard<std::mutex> lock(table_->mutex);
    if (request_.mode == WriteMode::kReplace) table_->rows.clear();
    table_->rows.insert(table_->rows.end(), rows_.begin(), rows_.end());
    table_->marker = std::string(marker);
    if (faults_.committed) OPSBENCH_RETURN_IF_ERROR(faults_.committed());
    return WriteCounts{static_cast<int64_t>(rows_.size()), bytes_};
  }
  absl::StatusOr<bool> HasMarker(absl::string_view marker) override {
    if (faults_.has_marker) OPSBENCH_RETURN_IF_ERROR(faults_.has_marker());
    const std::lock_guard<std::mutex> lock(table_->mutex);
    return table_->marker == marker;
  }
  void Abort() override {
    const std::lock_guard<std::mutex> lock(table_->mutex);
    ++table_->aborted;
  }
  void Interrupt() override {
    interrupted_ = true;
    ++table_->interrupted;
  }

 private:
  MemoryTable* const table_;
  const MemoryFaults faults_;
  WriteRequest request_;
  std::vector<std::pair<int64_t, std::string>> rows_;
  int64_t bytes_ = 0;
  std::atomic<bool> interrupted_{false};
};

}  // namespace opsbench::pipeline

#endif  // OPSBENCH_PIPELINE_INTERNAL_MEMORY_CONNECTORS_H_
