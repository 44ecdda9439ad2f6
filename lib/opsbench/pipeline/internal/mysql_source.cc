#include "opsbench/pipeline/internal/mysql_source.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "opsbench/base/clock.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/pipeline/internal/integer_ranges.h"
#include "opsbench/pipeline/value_text.h"

namespace opsbench::pipeline::internal {
namespace {

// A column's offsets end at 2^31 - 1, and a batch may hold some text already.
constexpr size_t kMaxValueBytes = size_t{2'000'000'000};

absl::Status NotADay(absl::string_view text) {
  return absl::InvalidArgumentError(absl::StrCat(
      "the date ", text, " names no day; zero_dates: null reads it as NULL"));
}

template <typename T>
absl::Status AppendInteger(const Value& value, Column* column) {
  // Above 2^63 - 1 it is text.
  if (value.type() != Value::Type::kInt64) {
    return AppendParsedValue(value.text(), column);
  }
  column->AppendFixed(static_cast<T>(value.int64()));
  return absl::OkStatus();
}

absl::Status AppendBool(const Value& value, Column* column) {
  const int64_t number = value.int64();
  if (number != 0 && number != 1) {
    return absl::OutOfRangeError(
        absl::StrCat("a tinyint(1) of ", number,
                     " is no bool; tinyint1_is_bool: false reads it as int8"));
  }
  column->AppendBool(number != 0);
  return absl::OkStatus();
}

absl::Status AppendTextValue(absl::string_view text, bool utf8,
                             Column* column) {
  if (text.size() > kMaxValueBytes) {
    return absl::OutOfRangeError(absl::StrCat(
        "a value of ", text.size(), " bytes is above the limit of 2 GB"));
  }
  // The server has checked what came by INSERT, but not what it was told to
  // take for text that had been bytes.
  if (utf8 && !IsUtf8(text)) {
    return absl::InvalidArgumentError("not UTF-8");
  }
  column->AppendText(text);
  return absl::OkStatus();
}

bool IsIntegerType(TypeId id) {
  return id >= TypeId::kInt8 && id <= TypeId::kUInt64;
}

}  // namespace

MysqlSource::MysqlSource(MysqlSourceOptions options)
    : options_(std::move(options)) {}

MysqlSource::~MysqlSource() = default;

absl::Status MysqlSource::Connect() {
  const int64_t start_ns = MonotonicNowNs();
  OPSBENCH_RETURN_IF_ERROR(session_.Connect(options_.url));
  OPSBENCH_RETURN_IF_ERROR(SetUpMysqlSession(*session_));
  OPSBENCH_RETURN_IF_ERROR(
      session_
          ->Execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
          .status());
  times_.connect_ns += MonotonicNowNs() - start_ns;
  return absl::OkStatus();
}

absl::StatusOr<MysqlSource::Read> MysqlSource::DescribeRequest(
    const ReadRequest& request) {
  TableName name = request.table;
  if (name.schema.empty()) name.schema = options_.schema;
  Read read;
  OPSBENCH_ASSIGN_OR_RETURN(read.table, DescribeMysqlTable(*session_, name));
  read.schema = std::make_shared<Schema>();
  MysqlFieldOptions field_options;
  field_options.flavour = session_->capabilities().flavour;
  field_options.tinyint1_is_bool = options_.tinyint1_is_bool;
  field_options.zero_dates_are_null = options_.zero_dates_are_null;
  std::vector<std::string> columns = request.columns;
  if (columns.empty()) {
    for (const MysqlColumnInfo& column : read.table.columns) {
      columns.push_back(column.name);
    }
  }
  for (const std::string& column : columns) {
    const MysqlColumnInfo* const info = read.table.Find(column);
    if (info == nullptr) {
      return absl::NotFoundError(
          absl::StrCat(read.table.name.ToString(), " has no column ", column));
    }
    if (read.schema->IndexOf(info->name) >= 0) {
      return absl::InvalidArgumentError(absl::StrCat(read.table.name.ToString(),
                                                     ": column ", info->name,
                                                     " was asked for twice"));
    }
    OPSBENCH_ASSIGN_OR_RETURN(
        Field field, FieldOfMysqlColumn(read.table, *info, field_options));
    read.schema->fields.push_back(std::move(field));
  }
  read.schema->primary_key = read.table.PrimaryKey();
  for (const std::string& key : read.schema->primary_key) {
    if (read.schema->IndexOf(key) < 0) {
      read.schema->primary_key.clear();
      break;
    }
  }
  if (!request.cursor_column.empty()) {
    read.cursor = read.table.Find(request.cursor_column);
    if (read.cursor == nullptr) {
      return absl::NotFoundError(absl::StrCat(read.table.name.ToString(),
                                              " has no column ",
                                              request.cursor_column));
    }
    OPSBENCH_RETURN_IF_ERROR(Where(request, read).status());
  }
  return read;
}

absl::StatusOr<SchemaPtr> MysqlSource::Describe(const ReadRequest& request) {
  const int64_t start_ns = MonotonicNowNs();
  OPSBENCH_RETURN_IF_ERROR(session_.CheckInterrupted());
  OPSBENCH_ASSIGN_OR_RETURN(const Read read, DescribeRequest(request));
  times_.query_ns += MonotonicNowNs() - start_ns;
  return read.schema;
}

absl::StatusOr<std::string> MysqlSource::Identity(const ReadRequest& request) {
  const int64_t start_ns = MonotonicNowNs();
  TableName name = request.table;
  if (name.schema.empty()) name.schema = options_.schema;
  absl::StatusOr<std::string> identity = MysqlIdentity(*session_, name);
  times_.query_ns += MonotonicNowNs() - start_ns;
  return identity;
}

// What is compared with the cursor, in an order that the literals have, too.
absl::StatusOr<std::string> MysqlSource::CursorExpression(
    const Read& read) const {
  MysqlFieldOptions field_options;
  field_options.flavour = session_->capabilities().flavour;
  OPSBENCH_ASSIGN_OR_RETURN(
      const Field field,
      FieldOfMysqlColumn(read.table, *read.cursor, field_options));
  const std::string column = MysqlQuoted(field.name);
  switch (field.type.id) {
    case TypeId::kText:
    case TypeId::kUuid:
      return absl::StrCat("CAST(CONVERT(", column,
                          " USING utf8mb4) AS BINARY)");
    case TypeId::kNumeric:
      if (read.cursor->data_type == "decimal") return column;
      break;
    case TypeId::kFloat32:
    case TypeId::kFloat64:
    case TypeId::kJson:
      break;
    default:
      return column;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      read.table.name.ToString(), ", column ", field.name, ": a ",
      TypeName(field.type), " has no exact order and cannot be a cursor"));
}

absl::StatusOr<std::string> MysqlSource::Where(const ReadRequest& request,
                                               const Read& read) const {
  std::vector<std::string> parts;
  if (!request.partition.predicate.empty()) {
    parts.push_back(absl::StrCat("(", request.partition.predicate, ")"));
  }
  if (read.cursor != nullptr) {
    OPSBENCH_ASSIGN_OR_RETURN(const std::string expression,
                              CursorExpression(read));
    const auto literal =
        [&](const std::string& value) -> absl::StatusOr<std::string> {
      const std::string& type = read.cursor->data_type;
      const bool number = type == "decimal" || type == "year" ||
                          type == "bit" || type.find("int") + 3 == type.size();
      if (!number) {
        return absl::StrCat(type == "binary" || type == "varbinary" ||
                                    type.find("blob") != std::string::npos
                                ? "_binary"
                                : "",
                            MysqlLiteral(value));
      }
      // Compared as text, large numbers would be compared as doubles.
      OPSBENCH_ASSIGN_OR_RETURN(std::string text, CanonicalNumeric(value));
      return text;
    };
    if (!request.cursor_after.empty()) {
      OPSBENCH_ASSIGN_OR_RETURN(const std::string after,
                                literal(request.cursor_after));
      parts.push_back(absl::StrCat(expression, " > ", after));
    }
    if (!request.cursor_until.empty()) {
      OPSBENCH_ASSIGN_OR_RETURN(const std::string until,
                                literal(request.cursor_until));
      parts.push_back(absl::StrCat(expression, " <= ", until));
    }
  }
  if (parts.empty()) return std::string();
  return absl::StrCat(" WHERE ", absl::StrJoin(parts, " AND "));
}

absl::StatusOr<std::vector<Partition>> MysqlSource::Split(
    const ReadRequest& request, int parts) {
  const int64_t start_ns = MonotonicNowNs();
  OPSBENCH_ASSIGN_OR_RETURN(const Read read, DescribeRequest(request));
  const std::vector<std::string> key = read.table.PrimaryKey();
  std::vector<Partition> partitions(1);
  const MysqlColumnInfo* const column =
      key.size() == 1 ? read.table.Find(key[0]) : nullptr;
  if (column != nullptr && parts > 1) {
    MysqlFieldOptions field_options;
    field_options.tinyint1_is_bool = false;
    OPSBENCH_ASSIGN_OR_RETURN(
        const Field field,
        FieldOfMysqlColumn(read.table, *column, field_options));
    const std::string quoted = MysqlQuoted(column->name);
    if (IsIntegerType(field.type.id) && column->data_type != "bit") {
      OPSBENCH_ASSIGN_OR_RETURN(const std::string where, Where(request, read));
      ResultSet rows;
      OPSBENCH_RETURN_IF_ERROR(session_->Query(
          absl::StrCat("SELECT CAST(MIN(", quoted, ") AS CHAR), CAST(MAX(",
                       quoted, ") AS CHAR) FROM ", MysqlQuoted(read.table.name),
                       where),
          &rows));
      if (!rows.at(0, 0).is_null()) {
        OPSBENCH_ASSIGN_OR_RETURN(const absl::int128 lowest,
                                  ParseDecimal(rows.at(0, 0).text(), 0));
        OPSBENCH_ASSIGN_OR_RETURN(const absl::int128 highest,
                                  ParseDecimal(rows.at(0, 1).text(), 0));
        partitions = SplitIntegers(quoted, lowest, highest, parts);
      }
    }
  }
  times_.query_ns += MonotonicNowNs() - start_ns;
  return partitions;
}

absl::StatusOr<std::string> MysqlSource::MaxCursor(const ReadRequest& request) {
  const int64_t start_ns = MonotonicNowNs();
  OPSBENCH_ASSIGN_OR_RETURN(const Read read, DescribeRequest(request));
  if (read.cursor == nullptr) {
    return absl::InvalidArgumentError("there is no cursor column");
  }
  OPSBENCH_ASSIGN_OR_RETURN(const std::string expression,
                            CursorExpression(read));
  OPSBENCH_ASSIGN_OR_RETURN(const std::string where, Where(request, read));
  ResultSet rows;
  OPSBENCH_RETURN_IF_ERROR(session_->Query(
      absl::StrCat("SELECT CAST(MAX(", expression, ")",
                   // The number of its bits, not their bytes.
                   read.cursor->data_type == "bit" ? " + 0" : "",
                   " AS BINARY) FROM ", MysqlQuoted(read.table.name), where),
      &rows));
  times_.query_ns += MonotonicNowNs() - start_ns;
  if (rows.at(0, 0).is_null()) return std::string();
  return std::string(rows.at(0, 0).text());
}

absl::Status MysqlSource::Start(const ReadRequest& request) {
  const int64_t start_ns = MonotonicNowNs();
  rows_.reset();
  OPSBENCH_RETURN_IF_ERROR(session_.CheckInterrupted());
  if (!request.wire_format.empty()) {
    return absl::InvalidArgumentError("MySQL hands on columns only");
  }
  OPSBENCH_ASSIGN_OR_RETURN(read_, DescribeRequest(request));
  if (!in_snapshot_) {
    OPSBENCH_RETURN_IF_ERROR(
        session_
            ->Execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
            .status());
    in_snapshot_ = true;
  }
  std::vector<std::string> columns;
  for (const Field& field : read_.schema->fields) columns.push_back(field.name);
  OPSBENCH_ASSIGN_OR_RETURN(const std::string where, Where(request, read_));
  OPSBENCH_ASSIGN_OR_RETURN(
      rows_, session_->Stream(
                 absl::StrCat("SELECT ", MysqlQuotedList(columns), " FROM ",
                              MysqlQuoted(read_.table.name), where)));
  row_.assign(columns.size(), Value());
  row_number_ = 0;
  batch_rows_ = std::max<int64_t>(1, request.batch_rows);
  batch_bytes_ = request.batch_bytes;
  times_.query_ns += MonotonicNowNs() - start_ns;
  return absl::OkStatus();
}

absl::StatusOr<bool> MysqlSource::Next(Batch* batch) {
  if (rows_ == nullptr) return false;
  const int64_t start_ns = MonotonicNowNs();
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
    OPSBENCH_RETURN_IF_ERROR(AppendRow(batch, &bytes));
    ++rows;
  }
  batch->SetRows(rows);
  times_.fetch_ns += MonotonicNowNs() - start_ns;
  return rows > 0;
}

absl::Status MysqlSource::AppendRow(Batch* batch, size_t* bytes) {
  std::vector<Column>& columns = batch->columns();
  for (size_t i = 0; i < row_.size(); ++i) {
    const Value& value = row_[i];
    if (value.is_null()) {
      columns[i].AppendNull();
      continue;
    }
    const absl::Status status = AppendValue(value, &columns[i]);
    if (!status.ok()) {
      return ValueError(status.code(), read_.table.name,
                        read_.schema->fields[i].name, row_number_,
                        status.message());
    }
    *bytes += HasOffsets(columns[i].type().id) ? 4 + value.text().size() : 8;
  }
  return absl::OkStatus();
}

absl::Status MysqlSource::AppendValue(const Value& value,
                                      Column* column) const {
  switch (column->type().id) {
    case TypeId::kBool:
      return AppendBool(value, column);
    case TypeId::kInt8:
      return AppendInteger<int8_t>(value, column);
    case TypeId::kInt16:
      return AppendInteger<int16_t>(value, column);
    case TypeId::kInt32:
      return AppendInteger<int32_t>(value, column);
    case TypeId::kInt64:
      return AppendInteger<int64_t>(value, column);
    case TypeId::kUInt8:
      return AppendInteger<uint8_t>(value, column);
    case TypeId::kUInt16:
      return AppendInteger<uint16_t>(value, column);
    case TypeId::kUInt32:
      return AppendInteger<uint32_t>(value, column);
    case TypeId::kUInt64:
      return AppendInteger<uint64_t>(value, column);
    case TypeId::kFloat32:
      column->AppendFixed(static_cast<float>(value.float64()));
      return absl::OkStatus();
    case TypeId::kFloat64:
      column->AppendFixed(value.float64());
      return absl::OkStatus();
    case TypeId::kText:
    case TypeId::kJson:
      return AppendTextValue(value.text(), true, column);
    case TypeId::kBytes:
      return AppendTextValue(value.text(), false, column);
    case TypeId::kTimestamp:
    case TypeId::kTimestampTz:
      if (value.type() == Value::Type::kTimestamp) {
        column->AppendFixed(value.int64());
        return absl::OkStatus();
      }
      break;
    case TypeId::kDate: {
      const absl::StatusOr<int32_t> days = ParseDate(value.text());
      if (days.ok()) {
        column->AppendFixed(*days);
        return absl::OkStatus();
      }
      break;
    }
    default:  // The rest comes as the text that it is parsed from.
      return AppendParsedValue(value.text(), column);
  }
  // What is no day comes as text.
  if (!options_.zero_dates_are_null) return NotADay(value.text());
  column->AppendNull();
  return absl::OkStatus();
}

}  // namespace opsbench::pipeline::internal
