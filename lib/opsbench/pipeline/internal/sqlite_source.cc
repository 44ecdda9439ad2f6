#include "opsbench/pipeline/internal/sqlite_source.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "opsbench/base/clock.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/pipeline/internal/integer_ranges.h"
#include "opsbench/pipeline/value_text.h"

namespace opsbench::pipeline::internal {
namespace {

bool IsInteger(TypeId id) {
  return id >= TypeId::kInt8 && id <= TypeId::kUInt32;
}

}  // namespace

SqliteSource::SqliteSource(Url url) : url_(std::move(url)) {}

SqliteSource::~SqliteSource() = default;

absl::Status SqliteSource::Connect() {
  const int64_t start_ns = MonotonicNowNs();
  ConnectOptions options;
  options.read_only = true;
  OPSBENCH_RETURN_IF_ERROR(session_.Connect(url_, options));
  times_.connect_ns += MonotonicNowNs() - start_ns;
  return absl::OkStatus();
}

absl::StatusOr<SqliteSource::Read> SqliteSource::DescribeRequest(
    const ReadRequest& request) {
  Read read;
  OPSBENCH_ASSIGN_OR_RETURN(read.table,
                            DescribeSqliteTable(*session_, request.table));
  read.schema = std::make_shared<Schema>();
  std::vector<std::string> columns = request.columns;
  if (columns.empty()) {
    for (const SqliteColumnInfo& column : read.table.columns) {
      columns.push_back(column.name);
    }
  }
  for (const std::string& column : columns) {
    const SqliteColumnInfo* const info = read.table.Find(column);
    if (info == nullptr) {
      return absl::NotFoundError(
          absl::StrCat(read.table.name, " has no column ", column));
    }
    if (read.schema->IndexOf(info->name) >= 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          read.table.name, ": column ", info->name, " was asked for twice"));
    }
    OPSBENCH_ASSIGN_OR_RETURN(Field field,
                              FieldOfSqliteColumn(read.table, *info));
    read.schema->fields.push_back(std::move(field));
  }
  read.schema->primary_key = read.table.PrimaryKey();
  for (const std::string& key : read.schema->primary_key) {
    if (read.schema->IndexOf(key) < 0) {
      read.schema->primary_key.clear();
      break;
    }
  }
  OPSBENCH_RETURN_IF_ERROR(FindCursor(request, &read));
  OPSBENCH_RETURN_IF_ERROR(Where(request, read).status());
  return read;
}

absl::Status SqliteSource::FindCursor(const ReadRequest& request, Read* read) {
  if (request.cursor_column.empty()) return absl::OkStatus();
  const SqliteColumnInfo* const info = read->table.Find(request.cursor_column);
  if (info == nullptr) {
    return absl::NotFoundError(absl::StrCat(read->table.name, " has no column ",
                                            request.cursor_column));
  }
  OPSBENCH_ASSIGN_OR_RETURN(const Field field,
                            FieldOfSqliteColumn(read->table, *info));
  read->cursor_type = field.type.id;
  read->cursor = SqliteQuoted(info->name);
  switch (field.type.id) {
    case TypeId::kBytes:
      return absl::OkStatus();
    case TypeId::kText:
    case TypeId::kDate:
    case TypeId::kTime:
    case TypeId::kTimestamp:
    case TypeId::kTimestampTz:
    case TypeId::kUuid:
      absl::StrAppend(&read->cursor, " COLLATE BINARY");
      return absl::OkStatus();
    default:
      if (IsInteger(field.type.id)) return absl::OkStatus();
      return absl::InvalidArgumentError(absl::StrCat(
          read->table.name, ", column ", info->name, ": a ",
          TypeName(field.type), " has no exact order and cannot be a cursor"));
  }
}

absl::StatusOr<std::string> SqliteSource::CursorLiteral(
    const Read& read, const std::string& value) {
  if (IsInteger(read.cursor_type)) {
    OPSBENCH_ASSIGN_OR_RETURN(const absl::int128 number,
                              ParseDecimal(value, 0));
    return IntegerText(number);
  }
  if (read.cursor_type == TypeId::kBytes) {
    return absl::StrCat("X'", absl::BytesToHexString(value), "'");
  }
  return SqliteLiteral(value);
}

absl::StatusOr<std::string> SqliteSource::Where(const ReadRequest& request,
                                                const Read& read) {
  std::vector<std::string> parts;
  if (!request.partition.predicate.empty()) {
    parts.push_back(absl::StrCat("(", request.partition.predicate, ")"));
  }
  if (!read.cursor.empty() && !request.cursor_after.empty()) {
    OPSBENCH_ASSIGN_OR_RETURN(const std::string after,
                              CursorLiteral(read, request.cursor_after));
    parts.push_back(absl::StrCat(read.cursor, " > ", after));
  }
  if (!read.cursor.empty() && !request.cursor_until.empty()) {
    OPSBENCH_ASSIGN_OR_RETURN(const std::string until,
                              CursorLiteral(read, request.cursor_until));
    parts.push_back(absl::StrCat(read.cursor, " <= ", until));
  }
  if (parts.empty()) return std::string();
  return absl::StrCat(" WHERE ", absl::StrJoin(parts, " AND "));
}

absl::StatusOr<SchemaPtr> SqliteSource::Describe(const ReadRequest& request) {
  const int64_t start_ns = MonotonicNowNs();
  OPSBENCH_RETURN_IF_ERROR(session_.CheckInterrupted());
  OPSBENCH_ASSIGN_OR_RETURN(const Read read, DescribeRequest(request));
  times_.query_ns += MonotonicNowNs() - start_ns;
  return read.schema;
}

absl::StatusOr<std::string> SqliteSource::Identity(const ReadRequest& request) {
  const int64_t start_ns = MonotonicNowNs();
  absl::StatusOr<std::string> identity =
      SqliteIdentity(*session_, request.table);
  times_.query_ns += MonotonicNowNs() - start_ns;
  return identity;
}

absl::StatusOr<std::vector<Partition>> SqliteSource::Split(
    const ReadRequest& request, int parts) {
  const int64_t start_ns = MonotonicNowNs();
  OPSBENCH_ASSIGN_OR_RETURN(const Read read, DescribeRequest(request));
  std::vector<Partition> partitions(1);
  const std::vector<std::string> key = read.table.PrimaryKey();
  if (key.size() == 1 && parts > 1) {
    OPSBENCH_ASSIGN_OR_RETURN(
        const Field field,
        FieldOfSqliteColumn(read.table, *read.table.Find(key[0])));
    const std::string quoted = SqliteQuoted(key[0]);
    OPSBENCH_ASSIGN_OR_RETURN(const std::string where, Where(request, read));
    ResultSet rows;
    OPSBENCH_RETURN_IF_ERROR(session_->Query(
        absl::StrCat("SELECT MIN(", quoted, "), MAX(", quoted, ") FROM ",
                     SqliteQuoted(read.table.name), where),
        &rows));
    if (IsInteger(field.type.id) &&
        rows.at(0, 0).type() == Value::Type::kInt64 &&
        rows.at(0, 1).type() == Value::Type::kInt64) {
      partitions = SplitIntegers(quoted, rows.at(0, 0).int64(),
                                 rows.at(0, 1).int64(), parts);
      // A key may be NULL in SQLite, and NULL is in no range.
      if (partitions.size() > 1 && read.table.Find(key[0])->nullable) {
        partitions[0].predicate = absl::StrCat("(", partitions[0].predicate,
                                               " OR ", quoted, " IS NULL)");
      }
    }
  }
  times_.query_ns += MonotonicNowNs() - start_ns;
  return partitions;
}

absl::StatusOr<std::string> SqliteSource::MaxCursor(
    const ReadRequest& request) {
  const int64_t start_ns = MonotonicNowNs();
  OPSBENCH_ASSIGN_OR_RETURN(const Read read, DescribeRequest(request));
  if (read.cursor.empty()) {
    return absl::InvalidArgumentError("there is no cursor column");
  }
  OPSBENCH_ASSIGN_OR_RETURN(const std::string where, Where(request, read));
  ResultSet rows;
  OPSBENCH_RETURN_IF_ERROR(
      session_->Query(absl::StrCat("SELECT MAX(", read.cursor, ") FROM ",
                                   SqliteQuoted(read.table.name), where),
                      &rows));
  times_.query_ns += MonotonicNowNs() - start_ns;
  const Value max = rows.at(0, 0);
  if (max.is_null()) return std::string();
  if (max.type() == Value::Type::kInt64) return absl::StrCat(max.int64());
  if (max.type() == Value::Type::kDouble) {
    return absl::InvalidArgumentError(
        absl::StrCat(read.table.name, ", column ", request.cursor_column,
                     ": a REAL is stored, which cannot be a cursor"));
  }
  return std::string(max.text());
}

absl::Status SqliteSource::Start(const ReadRequest& request) {
  const int64_t start_ns = MonotonicNowNs();
  rows_.reset();
  OPSBENCH_RETURN_IF_ERROR(session_.CheckInterrupted());
  if (!request.wire_format.empty()) {
    return absl::InvalidArgumentError("SQLite hands on columns only");
  }
  if (!in_snapshot_) {
    // Session::Begin() would be for a writer.
    OPSBENCH_RETURN_IF_ERROR(session_->Execute("BEGIN").status());
    in_snapshot_ = true;
  }
  OPSBENCH_ASSIGN_OR_RETURN(const Read read, DescribeRequest(request));
  table_ = {"", read.table.name};
  schema_ = read.schema;
  std::vector<std::string> columns;
  for (const Field& field : schema_->fields) columns.push_back(field.name);
  OPSBENCH_ASSIGN_OR_RETURN(const std::string where, Where(request, read));
  OPSBENCH_ASSIGN_OR_RETURN(
      rows_, session_->Stream(absl::StrCat("SELECT ", SqliteQuotedList(columns),
                                           " FROM ", SqliteQuoted(table_.table),
                                           where)));
  row_.assign(columns.size(), Value());
  row_number_ = 0;
  batch_rows_ = std::max<int64_t>(1, request.batch_rows);
  batch_bytes_ = request.batch_bytes;
  times_.query_ns += MonotonicNowNs() - start_ns;
  return absl::OkStatus();
}

absl::StatusOr<bool> SqliteSource::Next(Batch* batch) {
  if (rows_ == nullptr) return false;
  const int64_t start_ns = MonotonicNowNs();
  std::vector<Column>& columns = batch->columns();
  int64_t rows = 0;
  size_t bytes = 0;
  while (rows < batch_rows_ && bytes < batch_bytes_) {
    OPSBENCH_RETURN_IF_ERROR(session_.CheckInterrupted());
    OPSBENCH_ASSIGN_OR_RETURN(const bool more,
                              rows_->Next(absl::MakeSpan(row_)));
    if (!more) {
      rows_.reset();
      break;
    }
    ++row_number_;
    for (size_t i = 0; i < row_.size(); ++i) {
      const Value& value = row_[i];
      if (value.is_null()) {
        columns[i].AppendNull();
        continue;
      }
      const absl::Status status = AppendSqliteValue(value, &columns[i]);
      if (!status.ok()) {
        return ValueError(status.code(), table_, schema_->fields[i].name,
                          row_number_, status.message());
      }
      const bool text = value.type() == Value::Type::kText ||
                        value.type() == Value::Type::kBytes;
      bytes += text ? 4 + value.text().size() : 8;
    }
    ++rows;
  }
  batch->SetRows(rows);
  times_.fetch_ns += MonotonicNowNs() - start_ns;
  return rows > 0;
}

}  // namespace opsbench::pipeline::internal
