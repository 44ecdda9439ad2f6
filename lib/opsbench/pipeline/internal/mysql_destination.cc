#include "opsbench/pipeline/internal/mysql_destination.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "opsbench/base/clock.h"
#include "opsbench/base/status_macros.h"

namespace opsbench::pipeline::internal {
namespace {

// The rows of an upsert before they meet the target's.
constexpr char kUpsertTable[] = "opsbench_pipeline_upsert";
// An INSERT that is longer gains nothing, and the server keeps it whole.
constexpr size_t kMaxInsertBytes = 4 << 20;
// Of one LOAD DATA: the client keeps it whole.
constexpr size_t kMaxLoadBytes = 8 << 20;
// Of a packet, beside the statement.
constexpr size_t kPacketOverhead = 64;

// Whether the error may be a row's, so that looking for it makes sense.
bool MayBeOfARow(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kInternal:
      return true;
    default:
      return false;
  }
}

std::set<std::string> SetOf(const std::vector<std::string>& names) {
  std::set<std::string> set;
  for (const std::string& name : names) {
    set.insert(absl::AsciiStrToLower(name));
  }
  return set;
}

// A batch's rows as BulkLoad() takes them.
class BatchRows : public RowIterator {
 public:
  BatchRows(const MysqlEncoder& encoder, const Batch& batch, int64_t number,
            size_t max_row_bytes)
      : encoder_(encoder),
        batch_(batch),
        number_(number),
        max_row_bytes_(max_row_bytes) {}

  absl::StatusOr<bool> Next(absl::Span<Value> row) override {
    if (next_ == batch_.rows()) return false;
    status_ =
        encoder_.FillValues(batch_, next_, number_ + next_, &scratch_, row);
    if (!status_.ok()) return status_;
    size_t bytes = 0;
    for (const Value& value : row) {
      const bool text = value.type() == Value::Type::kText ||
                        value.type() == Value::Type::kBytes;
      bytes += text ? value.text().size() + 9 : 16;
    }
    if (bytes > max_row_bytes_) {
      status_ = encoder_.TooLong(number_ + next_, bytes, max_row_bytes_);
      return status_;
    }
    bytes_ += static_cast<int64_t>(bytes);
    ++next_;
    return true;
  }

  int64_t bytes() const { return bytes_; }
  // An error of a value, which knows its row.
  const absl::Status& status() const { return status_; }

 private:
  const MysqlEncoder& encoder_;
  const Batch& batch_;
  const int64_t number_;  // Of the first row.
  const size_t max_row_bytes_;
  int64_t next_ = 0;
  int64_t bytes_ = 0;
  absl::Status status_;
  std::vector<std::string> scratch_;
};

}  // namespace

MysqlDestination::MysqlDestination(MysqlDestinationOptions options)
    : options_(std::move(options)) {}

MysqlDestination::~MysqlDestination() { Abort(); }

absl::Status MysqlDestination::Execute(absl::string_view sql) {
  return session_->Execute(sql).status();
}

absl::Status MysqlDestination::Connect() {
  const int64_t start_ns = MonotonicNowNs();
  OPSBENCH_RETURN_IF_ERROR(session_.Connect(options_.url));
  if (options_.method == MysqlDestinationOptions::Method::kLoadData &&
      !session_->capabilities().load_data_local) {
    return absl::UnimplementedError(
        "load_method: load_data needs local_infile = ON on the server");
  }
  OPSBENCH_RETURN_IF_ERROR(SetUpMysqlSession(*session_));
  ResultSet rows;
  OPSBENCH_RETURN_IF_ERROR(
      session_->Query("SELECT @@max_allowed_packet", &rows));
  max_packet_bytes_ = static_cast<size_t>(rows.at(0, 0).int64());
  times_.connect_ns += MonotonicNowNs() - start_ns;
  return absl::OkStatus();
}

absl::StatusOr<std::string> MysqlDestination::Identity(
    const WriteRequest& request) {
  TableName name = request.table;
  if (name.schema.empty()) name.schema = options_.schema;
  return MysqlIdentity(*session_, name);
}

absl::Status MysqlDestination::Prepare(const WriteRequest& request,
                                       SchemaPtr schema) {
  const int64_t start_ns = MonotonicNowNs();
  OPSBENCH_RETURN_IF_ERROR(session_.CheckInterrupted());
  if (prepared_) {
    return absl::FailedPreconditionError("a write is under way already");
  }
  if (schema->fields.empty()) {
    return absl::InvalidArgumentError("there are no columns to write");
  }
  if (request.staged && request.mode != WriteMode::kReplace) {
    return absl::InvalidArgumentError("only a replacement can be staged");
  }
  mode_ = request.mode;
  target_ = request.table;
  if (target_.schema.empty()) target_.schema = options_.schema;
  key_ = request.key.empty() ? schema->primary_key : request.key;
  staged_ = created_ = false;
  rows_ = kept_ = 0;
  counts_ = {};
  prepared_ = true;
  if (request.marked) OPSBENCH_RETURN_IF_ERROR(HasMarkerTable().status());
  OPSBENCH_ASSIGN_OR_RETURN(MysqlTable table, FindOrCreate(*schema));
  target_ = table.name;
  if (mode_ == WriteMode::kUpsert) OPSBENCH_RETURN_IF_ERROR(CheckKey(table));
  if (request.staged && !created_) {
    OPSBENCH_ASSIGN_OR_RETURN(table, CreateStaged(table));
  } else if (!table.transactional) {
    return absl::InvalidArgumentError(absl::StrCat(
        target_.ToString(), ": ",
        table.engine.empty() ? "it is no table with"
                             : table.engine + " is an engine without",
        " transactions, so that nothing could be undone"));
  }
  table_ = table.name;
  const bool empties = mode_ == WriteMode::kReplace && !staged_ && !created_;
  if (empties) {
    OPSBENCH_ASSIGN_OR_RETURN(const std::string dependents,
                              MysqlDependents(*session_, target_));
    OPSBENCH_RETURN_IF_ERROR(RefuseDependents(target_, dependents));
  }
  OPSBENCH_RETURN_IF_ERROR(MakeStatements(table, *schema));
  OPSBENCH_RETURN_IF_ERROR(session_->Begin());
  if (empties) {
    OPSBENCH_RETURN_IF_ERROR(
        Execute(absl::StrCat("DELETE FROM ", MysqlQuoted(target_))));
  }
  times_.flush_ns += MonotonicNowNs() - start_ns;
  return absl::OkStatus();
}

absl::StatusOr<MysqlTable> MysqlDestination::FindOrCreate(
    const Schema& schema) {
  auto found = DescribeMysqlTable(*session_, target_);
  if (!absl::IsNotFound(found.status())) return found;
  // A column that is NULL in no row of the source's may be the key.
  const std::vector<std::string>& key =
      mode_ == WriteMode::kUpsert ? key_ : schema.primary_key;
  for (const std::string& column : key) {
    if (schema.IndexOf(column) < 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          target_.ToString(), ": the key's column ", column, " is not read"));
    }
  }
  OPSBENCH_RETURN_IF_ERROR(KeepTimestampsPlain(schema));
  const absl::Status made = Execute(
      MysqlCreateTableSql(target_, schema, key, session_->capabilities()));
  if (!made.ok()) {
    return absl::Status(made.code(),
                        absl::StrCat("cannot create ", target_.ToString(), ": ",
                                     made.message()));
  }
  created_ = true;
  return DescribeMysqlTable(*session_, target_);
}

// Where explicit_defaults_for_timestamp is off, a timestamp that is not null is
// made to follow the clock when its row is updated.
absl::Status MysqlDestination::KeepTimestampsPlain(const Schema& schema) {
  const bool any = std::any_of(
      schema.fields.begin(), schema.fields.end(), [](const Field& field) {
        return !field.nullable && absl::StrContains(field.native, "timestamp");
      });
  if (!any) return absl::OkStatus();
  ResultSet rows;
  OPSBENCH_RETURN_IF_ERROR(
      session_->Query("SELECT @@explicit_defaults_for_timestamp", &rows));
  if (rows.at(0, 0).int64() == 1) return absl::OkStatus();
  return Execute("SET SESSION explicit_defaults_for_timestamp = 1");
}

// ON DUPLICATE KEY UPDATE looks at every unique key: beside another one than
// the rows' it would change a row of another primary key.
absl::Status MysqlDestination::CheckKey(const MysqlTable& table) {
  if (key_.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(target_.ToString(),
                     ": an upsert needs a key: the source has no primary key "
                     "and none is named"));
  }
  const std::set<std::string> key = SetOf(key_);
  bool found = false;
  std::vector<std::string> others;
  for (const MysqlKey& unique : table.unique_keys) {
    if (SetOf(unique.columns) == key) {
      found = true;
    } else {
      others.push_back(unique.name);
    }
  }
  const std::string columns = absl::StrJoin(key_, ", ");
  if (!found) {
    return absl::InvalidArgumentError(absl::StrCat(
        target_.ToString(), " has no unique key (", columns, ") to upsert by"));
  }
  if (!others.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(target_.ToString(), ": MySQL cannot upsert by (", columns,
                     ") beside the unique key ", absl::StrJoin(others, ", ")));
  }
  return absl::OkStatus();
}

absl::Status MysqlDestination::MakeStatements(const MysqlTable& table,
                                              const Schema& schema) {
  OPSBENCH_ASSIGN_OR_RETURN(MysqlEncoder encoder,
                            MysqlEncoder::Make(table, schema));
  encoder_ = std::make_unique<MysqlEncoder>(std::move(encoder));
  columns_.clear();
  std::vector<std::string> updates;
  const std::set<std::string> key = SetOf(key_);
  for (const Field& field : schema.fields) {
    columns_.push_back(table.Find(field.name)->name);
    if (key.count(absl::AsciiStrToLower(field.name)) > 0) continue;
    const std::string column = MysqlQuoted(field.name);
    updates.push_back(absl::StrCat(column, " = VALUES(", column, ")"));
  }
  const std::string list = MysqlQuotedList(columns_);
  const std::string name = MysqlQuoted(table_);
  insert_ = absl::StrCat("INSERT INTO ", name, " (", list, ") VALUES ");
  update_.clear();
  std::string loaded = name;
  if (mode_ == WriteMode::kUpsert) {
    if (updates.empty()) {
      const std::string column = MysqlQuoted(columns_[0]);
      updates.push_back(absl::StrCat(column, " = VALUES(", column, ")"));
    }
    update_ =
        absl::StrCat(" ON DUPLICATE KEY UPDATE ", absl::StrJoin(updates, ", "));
    if (options_.method != MysqlDestinationOptions::Method::kInsert) {
      // A temporary table commits nothing when it is made.
      loaded = MysqlQuoted(UpsertTable());
      OPSBENCH_RETURN_IF_ERROR(
          Execute(absl::StrCat("DROP TEMPORARY TABLE IF EXISTS ", loaded)));
      OPSBENCH_RETURN_IF_ERROR(
          Execute(absl::StrCat("CREATE TEMPORARY TABLE ", loaded, " AS SELECT ",
                               list, " FROM ", name, " LIMIT 0")));
      merge_ = absl::StrCat("INSERT INTO ", name, " (", list, ") SELECT ", list,
                            " FROM ", loaded, update_);
    }
  }
  load_ = absl::StrCat("LOAD DATA LOCAL INFILE 'opsbench' INTO TABLE ", loaded,
                       " CHARACTER SET utf8mb4 ", encoder_->LoadColumns());
  return absl::OkStatus();
}

absl::Status MysqlDestination::Write(const Batch& batch) {
  const int64_t start_ns = MonotonicNowNs();
  OPSBENCH_RETURN_IF_ERROR(session_.CheckInterrupted());
  if (!batch.wire_format().empty()) {
    return absl::InvalidArgumentError("MySQL takes columns only");
  }
  absl::Status status;
  switch (options_.method) {
    case MysqlDestinationOptions::Method::kInsert:
      status = WriteInserts(batch);
      break;
    case MysqlDestinationOptions::Method::kLoadData:
      status = WriteByLoadData(batch);
      break;
    case MysqlDestinationOptions::Method::kBatch:
      status = WriteByBinding(batch);
      break;
  }
  OPSBENCH_RETURN_IF_ERROR(status);
  rows_ += batch.rows();
  counts_.rows = rows_;
  times_.flush_ns += MonotonicNowNs() - start_ns;
  return absl::OkStatus();
}

absl::Status MysqlDestination::WriteInserts(const Batch& batch) {
  const size_t packet_bytes =
      max_packet_bytes_ -
      std::min(max_packet_bytes_, update_.size() + kPacketOverhead);
  const size_t enough = std::min(packet_bytes, kMaxInsertBytes);
  text_ = insert_;
  int64_t first = 0;
  for (int64_t row = 0; row < batch.rows(); ++row) {
    const size_t before = text_.size();
    if (row > first) text_.push_back(',');
    OPSBENCH_RETURN_IF_ERROR(
        encoder_->AppendTuple(batch, row, rows_ + row + 1, &text_));
    if (text_.size() > enough && row > first) {
      // The row that was too much begins the next statement.
      const std::string tuple = text_.substr(before + 1);
      text_.resize(before);
      OPSBENCH_RETURN_IF_ERROR(RunInsert(batch, first, row));
      text_ = absl::StrCat(insert_, tuple);
      first = row;
    }
    if (text_.size() > packet_bytes) {
      return encoder_->TooLong(rows_ + row + 1, text_.size(), packet_bytes);
    }
    if (row + 1 - first == options_.insert_rows) {
      OPSBENCH_RETURN_IF_ERROR(RunInsert(batch, first, row + 1));
      text_ = insert_;
      first = row + 1;
    }
  }
  return first < batch.rows() ? RunInsert(batch, first, batch.rows())
                              : absl::OkStatus();
}

absl::Status MysqlDestination::RunInsert(const Batch& batch, int64_t first,
                                         int64_t end) {
  OPSBENCH_RETURN_IF_ERROR(session_.CheckInterrupted());
  text_.append(update_);
  const auto inserted = session_->Execute(text_);
  counts_.bytes += static_cast<int64_t>(text_.size());
  // A statement that failed has undone itself.
  if (!inserted.ok()) return Blame(inserted.status(), batch, first, end);
  kept_ += *inserted;
  return absl::OkStatus();
}

absl::Status MysqlDestination::WriteByLoadData(const Batch& batch) {
  int64_t row = 0;
  while (row < batch.rows()) {
    OPSBENCH_RETURN_IF_ERROR(session_.CheckInterrupted());
    text_.clear();
    const int64_t first = row;
    while (row < batch.rows() && text_.size() < kMaxLoadBytes) {
      OPSBENCH_RETURN_IF_ERROR(
          encoder_->AppendLine(batch, row, rows_ + row + 1, &text_));
      ++row;
    }
    OPSBENCH_RETURN_IF_ERROR(Execute("SAVEPOINT opsbench_chunk"));
    const auto loaded = session_->LoadData(load_, text_);
    counts_.bytes += static_cast<int64_t>(text_.size());
    absl::Status status = loaded.status();
    if (status.ok() && *loaded != row - first) {
      status = absl::InternalError(absl::StrCat(
          "MySQL: LOAD DATA read ", *loaded, " rows of ", row - first));
    }
    if (status.ok()) status = MergeUpsert();
    if (!status.ok()) return Blame(status, batch, first, row);
    kept_ += *loaded;
  }
  return absl::OkStatus();
}

absl::Status MysqlDestination::WriteByBinding(const Batch& batch) {
  // What binds arrays puts names into backticks itself; the INSERT of many rows
  // takes them as they are.
  const bool arrays = session_->capabilities().bulk_binding;
  const TableName into = mode_ == WriteMode::kUpsert ? UpsertTable() : table_;
  const auto spelled = [&](std::string name) {
    return arrays ? name.substr(1, name.size() - 2) : name;
  };
  std::vector<std::string> columns;
  for (const std::string& column : columns_) {
    columns.push_back(spelled(MysqlQuoted(column)));
  }
  BulkOptions options;
  options.method = arrays ? BulkMethod::kBulkBinding : BulkMethod::kMultiRow;
  // A packet is what was gathered and one row more.
  options.buffer_bytes = std::min(options.buffer_bytes, max_packet_bytes_ / 4);
  BatchRows rows(*encoder_, batch, rows_ + 1,
                 max_packet_bytes_ - options.buffer_bytes - kPacketOverhead);
  OPSBENCH_RETURN_IF_ERROR(Execute("SAVEPOINT opsbench_chunk"));
  const auto loaded =
      session_->BulkLoad(spelled(MysqlQuoted(into)), columns, rows, options);
  OPSBENCH_RETURN_IF_ERROR(rows.status());
  counts_.bytes += rows.bytes();
  const absl::Status status = loaded.ok() ? MergeUpsert() : loaded.status();
  if (!status.ok()) return Blame(status, batch, 0, batch.rows());
  kept_ += *loaded;
  return absl::OkStatus();
}

absl::Status MysqlDestination::MergeUpsert() {
  if (mode_ != WriteMode::kUpsert) return absl::OkStatus();
  OPSBENCH_RETURN_IF_ERROR(Execute(merge_));
  return Execute(absl::StrCat("DELETE FROM ", MysqlQuoted(UpsertTable())));
}

// A temporary table hides another one of its name.
TableName MysqlDestination::UpsertTable() const {
  const bool hides = absl::EqualsIgnoreCase(table_.table, kUpsertTable);
  return {table_.schema, absl::StrCat(kUpsertTable, hides ? "_rows" : "")};
}

absl::Status MysqlDestination::Blame(const absl::Status& error,
                                     const Batch& batch, int64_t first,
                                     int64_t end) {
  const absl::Status whole(
      error.code(),
      absl::StrCat(target_.ToString(), ", rows ", rows_ + first + 1, " to ",
                   rows_ + end, ": ", error.message()));
  if (!MayBeOfARow(error)) return whole;
  if (options_.method != MysqlDestinationOptions::Method::kInsert &&
      !Execute("ROLLBACK TO SAVEPOINT opsbench_chunk").ok()) {
    return whole;
  }
  for (int64_t row = first; row < end; ++row) {
    if (session_.interrupted()) return whole;
    text_ = insert_;
    OPSBENCH_RETURN_IF_ERROR(
        encoder_->AppendTuple(batch, row, rows_ + row + 1, &text_));
    text_.append(update_);
    const absl::Status status = Execute(text_);
    if (status.ok()) continue;
    return MayBeOfARow(status) ? RowError(status, rows_ + row + 1) : whole;
  }
  return whole;
}

// The server names the column in one of several ways, or not at all.
absl::Status MysqlDestination::RowError(const absl::Status& error,
                                        int64_t number) const {
  for (const std::string& column : columns_) {
    if (absl::StrContains(error.message(),
                          absl::StrCat("olumn '", column, "'")) ||
        absl::StrContains(error.message(),
                          absl::StrCat(MysqlQuoted(column), " at row")) ||
        // A check that is part of the column's definition.
        absl::StrContains(
            error.message(),
            absl::StrCat(MysqlQuoted(absl::StrCat(table_.table, ".", column)),
                         " failed"))) {
      return ValueError(error.code(), target_, column, number, error.message());
    }
  }
  return {error.code(), absl::StrCat(target_.ToString(), ", row ", number, ": ",
                                     error.message())};
}

}  // namespace opsbench::pipeline::internal
