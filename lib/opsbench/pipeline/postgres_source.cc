// Rows of a PostgreSQL table, by COPY in binary or by a cursor.

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/session.h"
#include "opsbench/pipeline/connector.h"
#include "opsbench/pipeline/internal/postgres_connectors.h"
#include "opsbench/pipeline/internal/postgres_decode.h"
#include "opsbench/pipeline/internal/postgres_query.h"

namespace opsbench::pipeline::postgres {
namespace {

// A column of a batch counts its bytes in 31 bits, and one value has at most
// 2^30: a batch ends before both together are too much.
constexpr size_t kMaxBatchBytes = size_t{1} << 29;

class PostgresSource : public Source {
 public:
  explicit PostgresSource(ConnectorConfig config)
      : config_(std::move(config)),
        decimals_(config_.settings.at("numeric") == "decimal"),
        cursor_(config_.settings.at("method") == "cursor") {}

  ~PostgresSource() override {
    reader_.reset();
    if (session_ != nullptr) session_->Rollback().IgnoreError();
  }

  absl::Status Connect() override {
    const AddTime time(&times_.connect_ns);
    OPSBENCH_ASSIGN_OR_RETURN(session_, Open(config_.url));
    connected_ = session_.get();
    return absl::OkStatus();
  }

  absl::StatusOr<SchemaPtr> Describe(const ReadRequest& request) override {
    const AddTime time(&times_.query_ns);
    OPSBENCH_ASSIGN_OR_RETURN(described_, Plan(request));
    return described_.schema;
  }

  absl::StatusOr<std::string> Identity(const ReadRequest& request) override {
    const AddTime time(&times_.query_ns);
    return IdentityOf(*session_, Placed(request).table);
  }

  absl::StatusOr<std::vector<Partition>> Split(const ReadRequest& request,
                                               int parts) override {
    const AddTime time(&times_.query_ns);
    const ReadRequest placed = Placed(request);
    OPSBENCH_ASSIGN_OR_RETURN(const ReadPlan plan, Plan(request));
    return SplitRead(*session_, plan, placed, config_.settings.at("split"),
                     parts);
  }

  absl::StatusOr<std::string> Snapshot() override {
    const AddTime time(&times_.query_ns);
    OPSBENCH_RETURN_IF_ERROR(Begin());
    ResultSet rows;
    OPSBENCH_RETURN_IF_ERROR(
        session_->Query("SELECT pg_export_snapshot()", &rows));
    return std::string(rows.at(0, 0).text());
  }

  absl::Status ReadAs(absl::string_view snapshot) override {
    const AddTime time(&times_.query_ns);
    OPSBENCH_RETURN_IF_ERROR(Begin());
    return session_
        ->Execute(
            absl::StrCat("SET TRANSACTION SNAPSHOT ", QuoteLiteral(snapshot)))
        .status();
  }

  absl::StatusOr<std::string> MaxCursor(const ReadRequest& request) override {
    const AddTime time(&times_.query_ns);
    OPSBENCH_ASSIGN_OR_RETURN(const ReadPlan plan, Plan(request));
    if (request.cursor_column.empty()) {
      return absl::InvalidArgumentError("the request has no cursor column");
    }
    // Some types with an order have no max(), uuid for one.
    const std::string column = QuoteIdentifier(request.cursor_column);
    ResultSet rows;
    OPSBENCH_RETURN_IF_ERROR(session_->Query(
        absl::StrCat("SELECT ", column, "::text FROM ",
                     QuoteTable(plan.table.name), WhereSql(request),
                     " ORDER BY ", column, " DESC NULLS LAST LIMIT 1"),
        &rows));
    return rows.row_count() == 0 || rows.at(0, 0).is_null()
               ? std::string()
               : std::string(rows.at(0, 0).text());
  }

  std::vector<std::string> WireFormats(const Schema& schema) override {
    if (cursor_ || described_.schema == nullptr ||
        schema.fields != described_.schema->fields) {
      return {};
    }
    std::string format = WireFormatOf(described_.columns);
    if (format.empty()) return {};
    return {std::move(format)};
  }

  absl::Status Start(const ReadRequest& request) override {
    const AddTime time(&times_.query_ns);
    OPSBENCH_RETURN_IF_ERROR(Begin());
    request_ = Placed(request);
    request_.batch_bytes =
        std::clamp(request.batch_bytes, size_t{1}, kMaxBatchBytes);
    OPSBENCH_RETURN_IF_ERROR(PlanToRead());
    const bool raw = !request_.wire_format.empty();
    if (raw &&
        (cursor_ || request_.wire_format != WireFormatOf(plan_.columns))) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the source does not speak the wire format ", request_.wire_format));
    }
    decoder_ = std::make_unique<RowDecoder>(plan_.table.name, plan_.schema,
                                            plan_.forms);
    reader_.reset();
    fetched_ = nullptr;
    fetch_rows_ = 1;
    header_seen_ = false;
    rows_ = 0;
    done_ = false;
    const std::string select = SelectSql(plan_, request_, raw);
    if (cursor_) {
      if (declared_) {
        OPSBENCH_RETURN_IF_ERROR(
            session_->Execute("CLOSE opsbench_rows").status());
        declared_ = false;
      }
      OPSBENCH_RETURN_IF_ERROR(
          session_
              ->Execute(absl::StrCat(
                  "DECLARE opsbench_rows NO SCROLL CURSOR FOR ", select))
              .status());
      declared_ = true;
      return absl::OkStatus();
    }
    OPSBENCH_ASSIGN_OR_RETURN(
        reader_, session_->CopyOut(absl::StrCat(
                     "COPY (", select, ") TO STDOUT (FORMAT binary)")));
    return absl::OkStatus();
  }

  absl::StatusOr<bool> Next(Batch* batch) override {
    const AddTime time(&times_.fetch_ns);
    if (interrupted_.load(std::memory_order_relaxed)) {
      return absl::CancelledError("the source was interrupted");
    }
    if (done_) return false;
    if (cursor_) return NextOfCursor(batch);
    if (reader_ == nullptr) {
      return absl::FailedPreconditionError("the source was not started");
    }
    return NextOfCopy(batch);
  }

  void Interrupt() override {
    interrupted_ = true;
    Session* const session = connected_;
    if (session != nullptr) session->Interrupt();
  }

 private:
  ReadRequest Placed(ReadRequest request) const {
    request.table = InSchema(request.table, config_);
    return request;
  }

  absl::StatusOr<ReadPlan> Plan(const ReadRequest& request) {
    if (session_ == nullptr) {
      return absl::FailedPreconditionError("the source is not connected");
    }
    return PlanRead(*session_, Placed(request), decimals_);
  }

  // One transaction, in which the table stays as it is described.
  absl::Status Begin() {
    if (session_ == nullptr) {
      return absl::FailedPreconditionError("the source is not connected");
    }
    if (in_transaction_) return absl::OkStatus();
    OPSBENCH_RETURN_IF_ERROR(
        session_->Execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .status());
    in_transaction_ = true;
    return absl::OkStatus();
  }

  absl::Status PlanToRead() {
    // Locks the table against changes of its columns until the end.
    OPSBENCH_RETURN_IF_ERROR(
        session_
            ->Execute(absl::StrCat("SELECT FROM ", QuoteTable(request_.table),
                                   " LIMIT 0"))
            .status());
    OPSBENCH_ASSIGN_OR_RETURN(plan_, Plan(request_));
    if (described_.schema != nullptr && *described_.schema != *plan_.schema) {
      return absl::FailedPreconditionError(
          absl::StrCat(plan_.table.name.ToString(),
                       " changed after it was described, or another request "
                       "was described"));
    }
    return absl::OkStatus();
  }

  // An error of the server's with the rows that it was to send.
  absl::Status AtRows(const absl::Status& status, int64_t first,
                      int64_t count) const {
    const std::string rows =
        count == 1 ? absl::StrCat("row ", first)
                   : absl::StrCat("rows ", first, " to ", first + count - 1);
    return {status.code(), absl::StrCat(plan_.table.name.ToString(), ", ", rows,
                                        ": ", status.message())};
  }

  absl::StatusOr<bool> NextOfCopy(Batch* batch) {
    const bool raw = !request_.wire_format.empty();
    if (raw) batch->set_wire_format(request_.wire_format);
    int64_t rows = 0;
    size_t bytes = 0;
    while (rows < request_.batch_rows && bytes < request_.batch_bytes) {
      const auto next = reader_->Next();
      // The rows before the one that the server could not send have come.
      if (!next.ok()) return AtRows(next.status(), rows_ + rows + 1, 1);
      absl::string_view message = *next;
      if (message.empty()) {
        done_ = true;
        break;
      }
      if (!header_seen_) {
        OPSBENCH_RETURN_IF_ERROR(RemoveCopyHeader(&message));
        header_seen_ = true;
        if (message.empty()) continue;
      }
      if (message == kCopyTrailer) continue;
      if (raw) {
        batch->wire().Append(message.data(), message.size());
      } else {
        OPSBENCH_RETURN_IF_ERROR(
            decoder_->AppendRow(message, rows_ + rows + 1, batch));
      }
      bytes += message.size();
      ++rows;
    }
    rows_ += rows;
    batch->SetRows(rows);
    return rows > 0;
  }

  absl::StatusOr<bool> NextOfCursor(Batch* batch) {
    if (fetched_ == nullptr || fetched_row_ == fetched_->rows()) {
      OPSBENCH_RETURN_IF_ERROR(Fetch());
      if (done_) return false;
    }
    int64_t rows = 0;
    size_t bytes = 0;
    const int columns = static_cast<int>(plan_.columns.size());
    while (fetched_row_ < fetched_->rows() && bytes < request_.batch_bytes) {
      for (int i = 0; i < columns; ++i) {
        if (fetched_->IsNull(fetched_row_, i)) {
          batch->columns()[i].AppendNull();
          continue;
        }
        const absl::string_view field = fetched_->Field(fetched_row_, i);
        OPSBENCH_RETURN_IF_ERROR(decoder_->AppendField(
            static_cast<size_t>(i), field, rows_ + rows + 1, batch));
        bytes += field.size();
      }
      ++fetched_row_;
      ++rows;
    }
    rows_ += rows;
    batch->SetRows(rows);
    return rows > 0;
  }

  // libpq holds the rows of a FETCH as a whole: a few at first, until it is
  // known how large they are.
  absl::Status Fetch() {
    fetched_ = nullptr;
    auto fetched = session_->QueryBinary(
        absl::StrCat("FETCH FORWARD ", fetch_rows_, " FROM opsbench_rows"));
    if (!fetched.ok()) return AtRows(fetched.status(), rows_ + 1, fetch_rows_);
    fetched_ = *std::move(fetched);
    fetched_row_ = 0;
    const int64_t rows = fetched_->rows();
    done_ = rows == 0;
    size_t bytes = 1;
    for (int64_t row = 0; row < rows; ++row) {
      for (size_t i = 0; i < plan_.columns.size(); ++i) {
        bytes += fetched_->Field(row, static_cast<int>(i)).size();
      }
    }
    const auto fit = static_cast<int64_t>(request_.batch_bytes / bytes) * rows;
    fetch_rows_ = std::clamp<int64_t>(
        fit, 1, std::min(request_.batch_rows, 16 * fetch_rows_));
    return absl::OkStatus();
  }

  const ConnectorConfig config_;
  const bool decimals_;
  const bool cursor_;
  std::unique_ptr<Session> session_;
  std::atomic<Session*> connected_{nullptr};
  std::atomic<bool> interrupted_{false};
  bool in_transaction_ = false;
  ReadPlan described_;

  // Of the read that runs.
  ReadRequest request_;
  ReadPlan plan_;
  std::unique_ptr<RowDecoder> decoder_;
  std::unique_ptr<CopyReader> reader_;
  bool header_seen_ = false;
  bool done_ = false;
  int64_t rows_ = 0;
  bool declared_ = false;  // Whether the cursor is open.
  std::unique_ptr<BinaryRows> fetched_;
  int64_t fetched_row_ = 0;
  int64_t fetch_rows_ = 1;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Source>> MakeSource(
    const ConnectorConfig& config) {
  return std::make_unique<PostgresSource>(config);
}

}  // namespace opsbench::pipeline::postgres
