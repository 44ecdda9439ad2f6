#include "opsbench/db/internal/mysql_statement.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/internal/mysql_errors.h"
#include "opsbench/db/internal/mysql_time.h"

namespace opsbench::internal {
namespace {

constexpr size_t kFirstTextBytes = 256;
constexpr unsigned kBinaryCharset = 63;

}  // namespace

absl::Status MysqlErrorOf(MYSQL_STMT* statement) {
  return StatusOfMysqlError(mysql_stmt_errno(statement),
                            mysql_stmt_error(statement));
}

absl::Status MysqlErrorOf(MYSQL* connection) {
  return StatusOfMysqlError(mysql_errno(connection), mysql_error(connection));
}

absl::StatusOr<std::unique_ptr<MysqlStatement>> MysqlStatement::Prepare(
    MYSQL* connection, absl::string_view sql) {
  MYSQL_STMT* handle = mysql_stmt_init(connection);
  if (handle == nullptr) return MysqlErrorOf(connection);
  auto statement = std::unique_ptr<MysqlStatement>(new MysqlStatement(handle));
  if (mysql_stmt_prepare(handle, sql.data(), sql.size()) != 0) {
    return MysqlErrorOf(handle);
  }
  const size_t count = mysql_stmt_param_count(handle);
  statement->parameters_.resize(count);
  statement->integers_.resize(count);
  statement->numbers_.resize(count);
  statement->times_.resize(count);
  statement->lengths_.resize(count);
  return statement;
}

MysqlStatement::MysqlStatement(MYSQL_STMT* statement) : statement_(statement) {}

MysqlStatement::~MysqlStatement() { mysql_stmt_close(statement_); }

absl::Status MysqlStatement::BindParameters(
    absl::Span<const Value> parameters) {
  if (parameters.size() != parameters_.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the statement has ", parameters_.size(),
                     " parameters, got ", parameters.size()));
  }
  for (size_t i = 0; i < parameters.size(); ++i) {
    const Value& value = parameters[i];
    MYSQL_BIND& bind = parameters_[i];
    bind = {};
    switch (value.type()) {
      case Value::Type::kNull:
        bind.buffer_type = MYSQL_TYPE_NULL;
        break;
      case Value::Type::kInt64:
        integers_[i] = value.int64();
        bind.buffer_type = MYSQL_TYPE_LONGLONG;
        bind.buffer = &integers_[i];
        break;
      case Value::Type::kDouble:
        numbers_[i] = value.float64();
        bind.buffer_type = MYSQL_TYPE_DOUBLE;
        bind.buffer = &numbers_[i];
        break;
      case Value::Type::kTimestamp:
        times_[i] = ToMysqlTime(value.int64());
        bind.buffer_type = MYSQL_TYPE_DATETIME;
        bind.buffer = &times_[i];
        break;
      case Value::Type::kText:
      case Value::Type::kBytes:
        lengths_[i] = value.text().size();
        bind.buffer_type = value.type() == Value::Type::kText
                               ? MYSQL_TYPE_STRING
                               : MYSQL_TYPE_BLOB;
        bind.buffer = const_cast<char*>(value.text().data());
        bind.buffer_length = lengths_[i];
        bind.length = &lengths_[i];
        break;
    }
  }
  if (!parameters_.empty() &&
      mysql_stmt_bind_param(statement_, parameters_.data()) != 0) {
    return MysqlErrorOf(statement_);
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> MysqlStatement::Execute(
    absl::Span<const Value> parameters, ResultSet* rows) {
  OPSBENCH_RETURN_IF_ERROR(BindParameters(parameters));
  if (mysql_stmt_execute(statement_) != 0) return MysqlErrorOf(statement_);
  if (rows != nullptr) rows->Clear();
  int64_t count;
  if (mysql_stmt_field_count(statement_) == 0) {
    count = static_cast<int64_t>(mysql_stmt_affected_rows(statement_));
  } else {
    absl::StatusOr<int64_t> read = ReadRows(rows);
    mysql_stmt_free_result(statement_);
    OPSBENCH_RETURN_IF_ERROR(read.status());
    count = *read;
  }
  OPSBENCH_RETURN_IF_ERROR(DrainResults());
  return count;
}

absl::Status MysqlStatement::BindColumns() {
  MYSQL_RES* metadata = mysql_stmt_result_metadata(statement_);
  if (metadata == nullptr) return MysqlErrorOf(statement_);
  const unsigned count = mysql_num_fields(metadata);
  const MYSQL_FIELD* fields = mysql_fetch_fields(metadata);
  columns_.resize(count);
  results_.assign(count, MYSQL_BIND{});
  for (unsigned i = 0; i < count; ++i) {
    Column& column = columns_[i];
    column.name.assign(fields[i].name, fields[i].name_length);
    column.type = fields[i].type;
    column.flags = fields[i].flags;
    switch (fields[i].type) {
      case MYSQL_TYPE_TINY:
      case MYSQL_TYPE_SHORT:
      case MYSQL_TYPE_INT24:
      case MYSQL_TYPE_LONG:
      case MYSQL_TYPE_LONGLONG:
      case MYSQL_TYPE_YEAR:
        column.kind = Kind::kInt64;
        break;
      case MYSQL_TYPE_FLOAT:
      case MYSQL_TYPE_DOUBLE:
        column.kind = Kind::kDouble;
        break;
      case MYSQL_TYPE_DATETIME:
      case MYSQL_TYPE_TIMESTAMP:
        column.kind = Kind::kTime;
        break;
      case MYSQL_TYPE_TINY_BLOB:
      case MYSQL_TYPE_MEDIUM_BLOB:
      case MYSQL_TYPE_LONG_BLOB:
      case MYSQL_TYPE_BLOB:
      case MYSQL_TYPE_STRING:
      case MYSQL_TYPE_VAR_STRING:
        column.kind =
            fields[i].charsetnr == kBinaryCharset ? Kind::kBytes : Kind::kText;
        break;
      default:
        column.kind = Kind::kText;
    }
    BindBuffer(i);
  }
  mysql_free_result(metadata);
  if (mysql_stmt_bind_result(statement_, results_.data()) != 0) {
    return MysqlErrorOf(statement_);
  }
  return absl::OkStatus();
}

void MysqlStatement::BindBuffer(size_t i) {
  Column& column = columns_[i];
  MYSQL_BIND& bind = results_[i];
  bind.is_null = &column.is_null;
  bind.error = &column.truncated;
  bind.length = &column.length;
  switch (column.kind) {
    case Kind::kInt64:
      bind.buffer_type = MYSQL_TYPE_LONGLONG;
      bind.buffer = &column.integer;
      // An unsigned column above 2^63 wraps; opsbench has no such value.
      bind.is_unsigned = (column.flags & UNSIGNED_FLAG) != 0;
      break;
    case Kind::kDouble:
      bind.buffer_type = MYSQL_TYPE_DOUBLE;
      bind.buffer = &column.number;
      break;
    case Kind::kTime:
      bind.buffer_type = MYSQL_TYPE_DATETIME;
      bind.buffer = &column.time;
      break;
    case Kind::kText:
    case Kind::kBytes:
      if (column.text.size() < kFirstTextBytes) {
        column.text.resize(kFirstTextBytes);
      }
      bind.buffer_type =
          column.kind == Kind::kText ? MYSQL_TYPE_STRING : MYSQL_TYPE_BLOB;
      bind.buffer = column.text.data();
      bind.buffer_length = column.text.size();
      break;
  }
}

absl::StatusOr<int64_t> MysqlStatement::ReadRows(ResultSet* rows) {
  // The types of a CALL's or a changed table's result may differ from those of
  // the last execution; comparing costs less than the row.
  const MYSQL_FIELD* fields = statement_->fields;
  bool same = columns_.size() == mysql_stmt_field_count(statement_);
  for (size_t i = 0; same && i < columns_.size(); ++i) {
    same = columns_[i].type == fields[i].type &&
           columns_[i].flags == fields[i].flags;
  }
  if (!same) OPSBENCH_RETURN_IF_ERROR(BindColumns());
  if (rows != nullptr) {
    for (const Column& column : columns_) rows->AddColumn(column.name);
  }
  int64_t count = 0;
  while (true) {
    const int code = mysql_stmt_fetch(statement_);
    if (code == MYSQL_NO_DATA) return count;
    if (code != 0 && code != MYSQL_DATA_TRUNCATED) {
      return MysqlErrorOf(statement_);
    }
    ++count;
    if (rows == nullptr) continue;
    OPSBENCH_RETURN_IF_ERROR(AppendRow(rows));
    // Binding forgets where the fields of the current row are, so a buffer that
    // grew is bound when the row is done.
    if (std::exchange(grown_, false) &&
        mysql_stmt_bind_result(statement_, results_.data()) != 0) {
      return MysqlErrorOf(statement_);
    }
  }
}

absl::Status MysqlStatement::AppendRow(ResultSet* rows) {
  for (size_t i = 0; i < columns_.size(); ++i) {
    const Column& column = columns_[i];
    if (column.is_null) {
      rows->AppendNull();
      continue;
    }
    switch (column.kind) {
      case Kind::kInt64:
        rows->AppendInt64(column.integer);
        break;
      case Kind::kDouble:
        rows->AppendDouble(column.number);
        break;
      case Kind::kTime:
        rows->AppendTimestampUs(FromMysqlTime(column.time));
        break;
      default:
        OPSBENCH_RETURN_IF_ERROR(AppendText(i, rows));
    }
  }
  return absl::OkStatus();
}

absl::Status MysqlStatement::AppendText(size_t i, ResultSet* rows) {
  Column& column = columns_[i];
  if (column.length > column.text.size()) {
    column.text.resize(column.length);
    BindBuffer(i);
    MYSQL_BIND whole = results_[i];
    if (mysql_stmt_fetch_column(statement_, &whole, static_cast<unsigned>(i),
                                0) != 0) {
      return MysqlErrorOf(statement_);
    }
    grown_ = true;
  }
  const absl::string_view text(column.text.data(), column.length);
  if (column.kind == Kind::kText) {
    rows->AppendText(text);
  } else {
    rows->AppendBytes(text);
  }
  return absl::OkStatus();
}

absl::Status MysqlStatement::DrainResults() {
  while (mysql_stmt_more_results(statement_)) {
    const int code = mysql_stmt_next_result(statement_);
    if (code > 0) return MysqlErrorOf(statement_);
    if (code < 0) break;
    if (mysql_stmt_field_count(statement_) > 0) {
      mysql_stmt_free_result(statement_);
    }
  }
  return absl::OkStatus();
}

}  // namespace opsbench::internal
