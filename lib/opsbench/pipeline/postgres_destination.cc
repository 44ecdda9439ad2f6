// Rows into a PostgreSQL table, in one transaction.

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/ownership.h"
#include "opsbench/db/session.h"
#include "opsbench/pipeline/connector.h"
#include "opsbench/pipeline/internal/postgres_connectors.h"
#include "opsbench/pipeline/internal/postgres_prepare.h"
#include "opsbench/pipeline/internal/postgres_writers.h"
#include "opsbench/pipeline/internal/session_holder.h"

namespace opsbench::pipeline::postgres {
namespace {

constexpr absl::string_view kMarkerTable = "opsbench_pipeline_marker";
const TableName& UpsertTable() {
  static const auto* const kName = new TableName{"pg_temp", "opsbench_upsert"};
  return *kName;
}

struct Settings {
  std::string load_method;
  int64_t insert_rows = 1000;
  size_t flush_bytes = size_t{256} << 10;
  bool truncate = true;
  bool create_table = true;
  bool analyze = false;
};

class PostgresDestination : public Destination {
 public:
  PostgresDestination(ConnectorConfig config, Settings settings)
      : config_(std::move(config)), settings_(std::move(settings)) {}
  ~PostgresDestination() override { PostgresDestination::Abort(); }

  absl::Status Connect() override {
    const AddTime time(&times_.connect_ns);
    OPSBENCH_ASSIGN_OR_RETURN(auto session, Open(config_.url));
    session_.Take(std::move(session));
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> Identity(const WriteRequest& request) override {
    const AddTime time(&times_.flush_ns);
    return IdentityOf(*session_, InSchema(request.table, config_));
  }

  std::string ChooseWireFormat(const WriteRequest& request,
                               const Schema& schema,
                               absl::Span<const std::string> formats) override {
    const AddTime time(&times_.flush_ns);
    if (settings_.load_method != "copy" || formats.empty() || !session_) {
      return "";
    }
    const std::string own = OwnWireFormat(request, schema).value_or("");
    const bool spoken =
        !own.empty() &&
        std::find(formats.begin(), formats.end(), own) != formats.end();
    return spoken ? own : "";
  }

  absl::Status Prepare(const WriteRequest& request, SchemaPtr schema) override {
    const AddTime time(&times_.flush_ns);
    if (!session_ || open_) {
      return absl::FailedPreconditionError(
          open_ ? "the destination has been prepared"
                : "the destination is not connected");
    }
    request_ = request;
    request_.table = InSchema(request.table, config_);
    schema_ = std::move(schema);
    rows_ = 0;
    failure_ = absl::OkStatus();
    writer_ = nullptr;
    staged_ = false;
    OPSBENCH_RETURN_IF_ERROR(CheckRequest());
    absl::Status prepared = OpenTable();
    if (!prepared.ok()) Abort();
    return prepared;
  }

  absl::Status Write(const Batch& batch) override {
    const AddTime time(&times_.flush_ns);
    if (!open_) {
      return absl::FailedPreconditionError("the destination is not prepared");
    }
    // After an error nothing more is of use, and Commit() says the same.
    if (failure_.ok()) failure_ = WriteRows(batch);
    return failure_;
  }

  absl::StatusOr<WriteCounts> Commit(absl::string_view marker) override {
    const AddTime time(&times_.commit_ns);
    if (!open_) {
      return absl::FailedPreconditionError("the destination is not prepared");
    }
    absl::StatusOr<WriteCounts> counts =
        failure_.ok() ? Complete(marker) : failure_;
    if (!counts.ok()) Abort();
    return counts;
  }

  absl::StatusOr<bool> HasMarker(absl::string_view marker) override {
    if (!session_) {
      return absl::FailedPreconditionError("the destination is not connected");
    }
    // Read committed: what is read behind the lock is what its holder left.
    OPSBENCH_RETURN_IF_ERROR(
        session_->Execute("BEGIN ISOLATION LEVEL READ COMMITTED").status());
    absl::StatusOr<bool> found = FindMarker(marker);
    session_->Rollback().IgnoreError();
    return found;
  }

  void Abort() override {
    // An open COPY fails first.
    writer_ = nullptr;
    if (!open_) return;
    open_ = false;
    session_->Rollback().IgnoreError();
  }

  void Interrupt() override { session_.Interrupt(); }

 private:
  absl::Status WriteRows(const Batch& batch) {
    OPSBENCH_RETURN_IF_ERROR(session_.CheckInterrupted());
    if (batch.rows() == 0) return absl::OkStatus();
    if (writer_ == nullptr) {
      OPSBENCH_RETURN_IF_ERROR(MakeWriter(batch.wire_format()));
    }
    if (batch.wire_format() != wire_format_) {
      return absl::InvalidArgumentError(
          "the batches of a run are all of one wire format");
    }
    OPSBENCH_RETURN_IF_ERROR(writer_->Write(batch, rows_ + 1));
    rows_ += batch.rows();
    return absl::OkStatus();
  }

  absl::Status CheckRequest() const {
    if (schema_->fields.empty()) {
      return absl::InvalidArgumentError("there are no columns to write");
    }
    if (request_.staged && request_.mode != WriteMode::kReplace) {
      return absl::InvalidArgumentError(
          "only a table that is replaced can be staged");
    }
    if (request_.mode != WriteMode::kUpsert) return absl::OkStatus();
    if (Key().empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(request_.table.ToString(),
                       ": an upsert needs a key, and the source has none"));
    }
    for (const std::string& column : Key()) {
      if (schema_->IndexOf(column) < 0) {
        return absl::InvalidArgumentError(
            absl::StrCat(request_.table.ToString(), ": the key's column ",
                         column, " is not among those that come"));
      }
    }
    return absl::OkStatus();
  }

  const std::vector<std::string>& Key() const {
    return request_.key.empty() ? schema_->primary_key : request_.key;
  }

  TableName MarkerTable() const {
    return InSchema({"", std::string(kMarkerTable)}, config_);
  }

  // The wire format of the table as it is, or as Prepare() would make it.
  absl::StatusOr<std::string> OwnWireFormat(const WriteRequest& request,
                                            const Schema& schema) {
    const TableName name = InSchema(request.table, config_);
    OPSBENCH_ASSIGN_OR_RETURN(auto table, ReadTable(*session_, name));
    if (!table.has_value()) {
      OPSBENCH_ASSIGN_OR_RETURN(const std::string create,
                                CreateTableSql(*session_, name, schema, {}));
      OPSBENCH_RETURN_IF_ERROR(session_->Begin());
      absl::Status made = session_->Execute(create).status();
      if (made.ok()) {
        auto read = ReadTable(*session_, name);
        made = read.status();
        if (made.ok()) table = *std::move(read);
      }
      OPSBENCH_RETURN_IF_ERROR(session_->Rollback());
      OPSBENCH_RETURN_IF_ERROR(made);
    }
    if (!table.has_value()) return std::string();
    OPSBENCH_ASSIGN_OR_RETURN(const std::vector<PostgresColumn> columns,
                              ColumnsOf(*table, schema));
    return WireFormatOf(columns);
  }

  absl::Status OpenTable() {
    OPSBENCH_ASSIGN_OR_RETURN(auto found, ReadTable(*session_, request_.table));
    const bool create = !found.has_value();
    std::string create_sql;
    if (create) {
      if (!settings_.create_table) {
        return absl::NotFoundError(
            absl::StrCat("there is no table ", request_.table.ToString()));
      }
      OPSBENCH_ASSIGN_OR_RETURN(
          create_sql, CreateTableSql(*session_, request_.table, *schema_,
                                     request_.mode == WriteMode::kUpsert
                                         ? Key()
                                         : schema_->primary_key));
    }
    OPSBENCH_RETURN_IF_ERROR(session_->Begin());
    open_ = true;
    if (request_.marked) OPSBENCH_RETURN_IF_ERROR(HasMarkerTable().status());
    OPSBENCH_RETURN_IF_ERROR(
        session_->Execute(create ? create_sql : LockSql(found->name)).status());
    OPSBENCH_ASSIGN_OR_RETURN(found, ReadTable(*session_, request_.table));
    if (!found.has_value()) {
      return absl::NotFoundError(absl::StrCat(
          "the table ", request_.table.ToString(), " was dropped meanwhile"));
    }
    table_ = *std::move(found);
    if (absl::StartsWith(table_.name.schema, "pg_temp")) {
      return absl::InvalidArgumentError(absl::StrCat(
          request_.table.ToString(),
          " would be a temporary table, by the role's search_path: name its "
          "schema in config"));
    }
    if (table_.kind == 'v' || table_.kind == 'm') {
      return absl::InvalidArgumentError(
          absl::StrCat(table_.name.ToString(), " is a view"));
    }
    OPSBENCH_ASSIGN_OR_RETURN(columns_, ColumnsOf(table_, *schema_));
    target_ = {};
    target_.named = request_.table;
    target_.relation = table_.name;
    OPSBENCH_ASSIGN_OR_RETURN(target_.fields,
                              TargetsOf(request_.table, *schema_, columns_));
    for (const PostgresColumn& column : columns_) {
      target_.identity = target_.identity || column.identity;
    }
    return create && request_.mode != WriteMode::kUpsert ? absl::OkStatus()
                                                         : ApplyMode();
  }

  // Against changes of its columns, and against others' writes where they would
  // be lost. TRUNCATE locks out readers by itself.
  std::string LockSql(const TableName& table) const {
    return absl::StrCat("LOCK TABLE ", QuoteTable(table), " IN ",
                        request_.mode == WriteMode::kReplace
                            ? "SHARE ROW EXCLUSIVE"
                            : "ROW EXCLUSIVE",
                        " MODE");
  }

  absl::Status ApplyMode() {
    const std::string table = QuoteTable(table_.name);
    switch (request_.mode) {
      case WriteMode::kAppend:
        return absl::OkStatus();
      case WriteMode::kReplace:
        if (request_.staged) {
          OPSBENCH_ASSIGN_OR_RETURN(target_.relation,
                                    MakeStaged(*session_, table_));
          staged_ = true;
          return absl::OkStatus();
        }
        OPSBENCH_RETURN_IF_ERROR(CheckDependents());
        return session_
            ->Execute(absl::StrCat(
                settings_.truncate ? "TRUNCATE TABLE " : "DELETE FROM ", table))
            .status();
      case WriteMode::kUpsert:
        break;
    }
    std::vector<std::string> names;
    for (const FieldTarget& field : target_.fields) names.push_back(field.name);
    OPSBENCH_RETURN_IF_ERROR(
        session_
            ->Execute(absl::StrCat(
                "CREATE TEMPORARY TABLE ", QuoteIdentifier(UpsertTable().table),
                " ON COMMIT DROP AS SELECT ", QuoteColumns(names), " FROM ",
                table, " WITH NO DATA"))
            .status());
    target_.relation = UpsertTable();
    // Says now whether the key is one.
    return session_->Execute(absl::StrCat("EXPLAIN ", Upsert())).status();
  }

  absl::Status CheckDependents() {
    ResultSet rows;
    OPSBENCH_ASSIGN_OR_RETURN(
        const CompiledSql sql,
        CompileSection("dependents", absl::StrCat(table_.oid)));
    OPSBENCH_RETURN_IF_ERROR(session_->Query(sql.sql, &rows));
    std::vector<std::string> dependents;
    for (size_t i = 0; i < rows.row_count(); ++i) {
      dependents.emplace_back(rows.at(i, 0).text());
    }
    return RefuseDependents(table_.name, absl::StrJoin(dependents, ", "));
  }

  std::string Upsert() const {
    return UpsertSql(table_.name, UpsertTable(), target_.fields, Key(),
                     target_.identity);
  }

  absl::Status MakeWriter(const std::string& wire_format) {
    wire_format_ = wire_format;
    const bool copies =
        settings_.load_method == "copy" || settings_.load_method == "copy_text";
    if (!wire_format.empty() && (settings_.load_method != "copy" ||
                                 wire_format != WireFormatOf(columns_))) {
      return absl::InvalidArgumentError(
          absl::StrCat(request_.table.ToString(),
                       " takes no rows of the wire format ", wire_format));
    }
    WriteTarget target = target_;
    if (request_.mode == WriteMode::kUpsert) target.identity = false;
    if (copies) {
      const bool binary = !wire_format.empty() ||
                          RowEncoder(target.named, target.fields).binary();
      CopyOptions options;
      options.text = settings_.load_method == "copy_text" || !binary;
      options.flush_bytes = settings_.flush_bytes;
      OPSBENCH_ASSIGN_OR_RETURN(
          writer_, MakeCopyWriter(*session_, std::move(target), options));
    } else if (settings_.load_method == "insert") {
      OPSBENCH_ASSIGN_OR_RETURN(writer_,
                                MakeInsertWriter(*session_, std::move(target),
                                                 settings_.insert_rows));
    } else {
      OPSBENCH_ASSIGN_OR_RETURN(writer_,
                                MakeBatchWriter(*session_, std::move(target)));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<WriteCounts> Complete(absl::string_view marker) {
    OPSBENCH_RETURN_IF_ERROR(session_.CheckInterrupted());
    WriteCounts counts;
    if (writer_ != nullptr) {
      OPSBENCH_ASSIGN_OR_RETURN(counts.rows, writer_->Finish());
      counts.bytes = writer_->bytes();
      writer_ = nullptr;
    }
    OPSBENCH_RETURN_IF_ERROR(CheckKept(table_.name, rows_, counts.rows));
    if (request_.mode == WriteMode::kUpsert) {
      OPSBENCH_ASSIGN_OR_RETURN(counts.rows, session_->Execute(Upsert()));
      // Rows of a key alone that are there already are none that it writes.
      if (target_.fields.size() > Key().size()) {
        OPSBENCH_RETURN_IF_ERROR(CheckKept(table_.name, rows_, counts.rows));
      }
    }
    if (staged_) {
      OPSBENCH_RETURN_IF_ERROR(SwapStaged(*session_, table_, target_.relation));
    }
    if (settings_.analyze) {
      OPSBENCH_RETURN_IF_ERROR(
          session_->Execute(absl::StrCat("ANALYZE ", QuoteTable(table_.name)))
              .status());
    }
    if (!marker.empty()) OPSBENCH_RETURN_IF_ERROR(StoreMarker(marker));
    OPSBENCH_RETURN_IF_ERROR(session_.BeginUninterrupted());
    const absl::Status committed = session_->Commit();
    session_.EndUninterrupted();
    // What the server answers is that it has rolled back.
    if (absl::IsUnavailable(committed)) {
      return CommitUnknown(table_.name, committed);
    }
    OPSBENCH_RETURN_IF_ERROR(committed);
    open_ = false;
    return counts;
  }

  absl::Status RunMarkerSection(absl::string_view section,
                                absl::string_view marker, ResultSet* rows) {
    return RunSection(
        *session_, section,
        {{"name", std::string(marker.substr(0, marker.find('/')))},
         {"marker", std::string(marker)}},
        rows, QuoteTable(MarkerTable()));
  }

  // FailedPrecondition: a table of that name was not made for markers.
  absl::StatusOr<bool> HasMarkerTable() {
    const TableName table = MarkerTable();
    return RequireOurs(*session_, {table.schema, table.table}, kMarkerMaker,
                       kMarkerRemedy);
  }

  absl::Status StoreMarker(absl::string_view marker) {
    OPSBENCH_RETURN_IF_ERROR(RunMarkerSection("lock_marker", marker, nullptr));
    OPSBENCH_ASSIGN_OR_RETURN(const bool there, HasMarkerTable());
    if (!there) {
      const TableName table = MarkerTable();
      OPSBENCH_ASSIGN_OR_RETURN(
          const CompiledSql create,
          CompileSection("create_markers", QuoteTable(table)));
      OPSBENCH_RETURN_IF_ERROR(CreateMarkedTable(
          *session_, {table.schema, table.table}, create.sql, kMarkerMaker));
    }
    return RunMarkerSection("write_marker", marker, nullptr);
  }

  absl::StatusOr<bool> FindMarker(absl::string_view marker) {
    OPSBENCH_RETURN_IF_ERROR(
        session_->Execute("SET LOCAL lock_timeout = '1s'").status());
    ResultSet rows;
    OPSBENCH_RETURN_IF_ERROR(RunMarkerSection("lock_marker", marker, &rows));
    OPSBENCH_ASSIGN_OR_RETURN(const bool there, HasMarkerTable());
    if (!there) return false;
    OPSBENCH_RETURN_IF_ERROR(RunMarkerSection("has_marker", marker, &rows));
    return rows.at(0, 0).int64() > 0;
  }

  const ConnectorConfig config_;
  const Settings settings_;
  internal::SessionHolder session_;

  // Of the run.
  bool open_ = false;  // A transaction is.
  bool staged_ = false;
  WriteRequest request_;
  SchemaPtr schema_;
  PostgresTable table_;
  std::vector<PostgresColumn> columns_;  // In the order of the fields.
  WriteTarget target_;
  std::unique_ptr<RowWriter> writer_;  // From the first rows on.
  std::string wire_format_;
  int64_t rows_ = 0;
  absl::Status failure_;  // The first of Write()'s.
};

absl::StatusOr<int64_t> NumberSetting(const ConnectorConfig& config,
                                      const char* name) {
  const std::string& text = config.settings.at(name);
  int64_t value = 0;
  if (!absl::SimpleAtoi(text, &value) || value < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, " is a number from 1 on, not ", text));
  }
  return value;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Destination>> MakeDestination(
    const ConnectorConfig& config) {
  Settings settings;
  settings.load_method = config.settings.at("load_method");
  OPSBENCH_ASSIGN_OR_RETURN(settings.insert_rows,
                            NumberSetting(config, "insert_rows"));
  OPSBENCH_ASSIGN_OR_RETURN(const int64_t flush_bytes,
                            NumberSetting(config, "flush_bytes"));
  settings.flush_bytes = static_cast<size_t>(flush_bytes);
  settings.truncate = config.settings.at("replace_by") == "truncate";
  settings.create_table = config.settings.at("create_table") == "true";
  settings.analyze = config.settings.at("analyze") == "true";
  return std::make_unique<PostgresDestination>(config, std::move(settings));
}

}  // namespace opsbench::pipeline::postgres
