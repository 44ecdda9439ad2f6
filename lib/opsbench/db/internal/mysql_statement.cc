#include "opsbench/db/internal/mysql_statement.h"

#include <cstring>

#include "absl/strings/str_cat.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/internal/mysql_errors.h"
#include "opsbench/db/internal/mysql_time.h"

namespace opsbench::internal {

MYSQL_TIME MysqlTimeOf(int64_t us) {
  const CivilTime civil = CivilOf(us);
  MYSQL_TIME time = {};
  time.year = static_cast<unsigned>(civil.year);
  time.month = static_cast<unsigned>(civil.month);
  time.day = static_cast<unsigned>(civil.day);
  time.hour = static_cast<unsigned>(civil.hour);
  time.minute = static_cast<unsigned>(civil.minute);
  time.second = static_cast<unsigned>(civil.second);
  time.second_part = static_cast<unsigned long>(civil.microsecond);
  time.time_type = MYSQL_TIMESTAMP_DATETIME;
  return time;
}

absl::StatusOr<std::unique_ptr<MysqlStatement>> MysqlStatement::Prepare(
    MYSQL* connection, absl::string_view sql, int64_t* last_insert_id) {
  MYSQL_STMT* handle = mysql_stmt_init(connection);
  if (handle == nullptr) return ErrorOf(connection);
  auto statement = std::unique_ptr<MysqlStatement>(
      new MysqlStatement(connection, handle, last_insert_id));
  if (mysql_stmt_prepare(handle, sql.data(), sql.size()) != 0) {
    return ErrorOf(handle);
  }
  const size_t count = mysql_stmt_param_count(handle);
  statement->parameters_.resize(count);
  statement->binds_.resize(count);
  for (size_t i = 0; i < count; ++i) {
    statement->PointBind(i, MYSQL_TYPE_NULL, nullptr);
  }
  if (mysql_stmt_attr_set(handle, STMT_ATTR_CB_USER_DATA, statement.get()) !=
          0 ||
      mysql_stmt_attr_set(handle, STMT_ATTR_CB_RESULT,
                          reinterpret_cast<const void*>(&TakeColumn)) != 0) {
    return ErrorOf(handle);
  }
  return statement;
}

MysqlStatement::MysqlStatement(MYSQL* connection, MYSQL_STMT* statement,
                               int64_t* last_insert_id)
    : connection_(connection),
      statement_(statement),
      last_insert_id_(last_insert_id) {}

MysqlStatement::~MysqlStatement() { mysql_stmt_close(statement_); }

absl::StatusOr<int64_t> MysqlStatement::Execute(
    absl::Span<const Value> parameters, ResultSet* rows) {
  OPSBENCH_RETURN_IF_ERROR(Bind(parameters));
  if (rows != nullptr) rows->Clear();
  if (mysql_stmt_execute(statement_) != 0) {
    const absl::Status status = ErrorOf(statement_);
    // After CR_NEW_STMT_METADATA the rows still wait to be read.
    mysql_stmt_free_result(statement_);
    return status;
  }
  int64_t count;
  if (mysql_stmt_field_count(statement_) == 0) {
    count = static_cast<int64_t>(mysql_stmt_affected_rows(statement_));
    const auto id = static_cast<int64_t>(mysql_stmt_insert_id(statement_));
    if (id != 0) *last_insert_id_ = id;
  } else {
    OPSBENCH_ASSIGN_OR_RETURN(count, ReadRows(rows));
  }
  OPSBENCH_RETURN_IF_ERROR(DrainResults());
  return count;
}

absl::Status MysqlStatement::Bind(absl::Span<const Value> parameters) {
  if (parameters.size() != parameters_.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the statement has ", parameters_.size(),
                     " parameters, got ", parameters.size()));
  }
  for (size_t i = 0; i < parameters.size(); ++i) {
    OPSBENCH_RETURN_IF_ERROR(BindOne(parameters[i], i));
  }
  if (!bound_ && !binds_.empty()) {
    if (mysql_stmt_bind_param(statement_, binds_.data()) != 0) {
      return ErrorOf(statement_);
    }
    bound_ = true;
  }
  return absl::OkStatus();
}

absl::Status MysqlStatement::BindOne(const Value& value, size_t i) {
  Parameter& parameter = parameters_[i];
  parameter.is_null = value.is_null();
  switch (value.type()) {
    case Value::Type::kNull:
      break;
    case Value::Type::kInt64:
      parameter.integer = value.int64();
      PointBind(i, MYSQL_TYPE_LONGLONG, &parameter.integer);
      break;
    case Value::Type::kDouble:
      parameter.number = value.float64();
      PointBind(i, MYSQL_TYPE_DOUBLE, &parameter.number);
      break;
    case Value::Type::kTimestamp:
      if (!FitsMysql(value.int64())) {
        return absl::InvalidArgumentError(
            absl::StrCat("MySQL: no DATETIME holds ", value.ToString()));
      }
      parameter.time = MysqlTimeOf(value.int64());
      PointBind(i, MYSQL_TYPE_DATETIME, &parameter.time);
      break;
    case Value::Type::kText:
    case Value::Type::kBytes: {
      const absl::string_view text = value.text();
      parameter.length = text.size();
      void* buffer = const_cast<char*>(text.data());
      if (text.size() <= kInlineBytes) {
        if (!text.empty()) {
          std::memcpy(parameter.text, text.data(), text.size());
        }
        buffer = parameter.text;
      }
      PointBind(i,
                value.type() == Value::Type::kText ? MYSQL_TYPE_STRING
                                                   : MYSQL_TYPE_BLOB,
                buffer);
      break;
    }
  }
  return absl::OkStatus();
}

void MysqlStatement::PointBind(size_t i, enum_field_types type, void* buffer) {
  MYSQL_BIND& bind = binds_[i];
  if (bind.buffer_type == type && bind.buffer == buffer && bound_) return;
  bind = {};
  bind.buffer_type = type;
  bind.buffer = buffer;
  bind.length = &parameters_[i].length;
  bind.is_null = &parameters_[i].is_null;
  bound_ = false;
}

absl::StatusOr<int64_t> MysqlStatement::ReadRows(ResultSet* rows) {
  // Each time anew: a CALL's results differ, and a table may have changed.
  const unsigned count = mysql_stmt_field_count(statement_);
  const MYSQL_FIELD* fields = mariadb_stmt_fetch_fields(statement_);
  columns_.resize(count);
  for (unsigned i = 0; i < count; ++i) {
    columns_[i] = MysqlColumnOf(fields[i]);
    if (rows != nullptr) {
      rows->AddColumn({fields[i].name, fields[i].name_length});
    }
  }
  rows_ = rows;
  int64_t read = 0;
  int code;
  while ((code = mysql_stmt_fetch(statement_)) == 0) ++read;
  rows_ = nullptr;
  if (code == MYSQL_NO_DATA) return read;
  // The library leaves an error that comes between rows with the connection.
  return mysql_stmt_errno(statement_) != 0 ? ErrorOf(statement_)
                                           : ErrorOf(connection_);
}

absl::Status MysqlStatement::DrainResults() {
  while (mysql_stmt_more_results(statement_)) {
    if (mysql_stmt_next_result(statement_) != 0) return ErrorOf(statement_);
    if (mysql_stmt_field_count(statement_) > 0) {
      OPSBENCH_RETURN_IF_ERROR(ReadRows(nullptr).status());
    }
  }
  return absl::OkStatus();
}

void MysqlStatement::TakeColumn(void* statement, unsigned column,
                                unsigned char** cursor) {
  auto* self = static_cast<MysqlStatement*>(statement);
  // Nobody wants the values, so nobody needs to know where they end.
  if (self->rows_ == nullptr) return;
  if (cursor == nullptr) {
    self->rows_->AppendNull();
  } else {
    *cursor = DecodeMysqlBinary(self->columns_[column], *cursor, self->rows_);
  }
}

}  // namespace opsbench::internal
