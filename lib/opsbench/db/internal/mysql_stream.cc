#include "opsbench/db/internal/mysql_stream.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "opsbench/db/internal/mysql_errors.h"

namespace opsbench::internal {

absl::StatusOr<std::unique_ptr<MysqlStream>> MysqlStream::Open(
    MYSQL* connection, absl::string_view sql, std::function<void()> kill) {
  MYSQL_STMT* handle = mysql_stmt_init(connection);
  if (handle == nullptr) return ErrorOf(connection);
  auto stream = std::unique_ptr<MysqlStream>(
      new MysqlStream(connection, handle, std::move(kill)));
  if (mysql_stmt_prepare(handle, sql.data(), sql.size()) != 0) {
    return ErrorOf(handle);
  }
  if (mysql_stmt_param_count(handle) > 0 ||
      mysql_stmt_field_count(handle) == 0) {
    return absl::InvalidArgumentError(
        "MySQL: a stream needs a query without parameters");
  }
  if (mysql_stmt_attr_set(handle, STMT_ATTR_CB_USER_DATA, stream.get()) != 0 ||
      mysql_stmt_attr_set(handle, STMT_ATTR_CB_RESULT,
                          reinterpret_cast<const void*>(&TakeColumn)) != 0 ||
      mysql_stmt_execute(handle) != 0) {
    return ErrorOf(handle);
  }
  stream->running_ = true;
  const unsigned count = mysql_stmt_field_count(handle);
  const MYSQL_FIELD* fields = mariadb_stmt_fetch_fields(handle);
  for (unsigned i = 0; i < count; ++i) {
    stream->columns_.push_back(MysqlColumnOf(fields[i]));
  }
  stream->scratch_.resize(count);
  return stream;
}

MysqlStream::MysqlStream(MYSQL* connection, MYSQL_STMT* statement,
                         std::function<void()> kill)
    : connection_(connection), statement_(statement), kill_(std::move(kill)) {}

MysqlStream::~MysqlStream() {
  if (running_) {
    kill_();
    row_ = nullptr;
    while (mysql_stmt_fetch(statement_) == 0) {
    }
  }
  mysql_stmt_close(statement_);
  // A query that had ended before it was killed leaves the interruption to the
  // next statement of the session.
  if (running_) mysql_real_query(connection_, "DO 0", 4);
}

absl::StatusOr<bool> MysqlStream::Next(absl::Span<Value> row) {
  if (row.size() != columns_.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("MySQL: the query has ", columns_.size(), " columns, and ",
                     row.size(), " values were asked for"));
  }
  if (!running_) return false;
  row_ = row.data();
  const int code = mysql_stmt_fetch(statement_);
  if (code == 0) return true;
  running_ = false;
  if (code == MYSQL_NO_DATA) return false;
  // The library leaves an error that comes between rows with the connection.
  return mysql_stmt_errno(statement_) != 0 ? ErrorOf(statement_)
                                           : ErrorOf(connection_);
}

void MysqlStream::TakeColumn(void* stream, unsigned column,
                             unsigned char** cursor) {
  auto* self = static_cast<MysqlStream*>(stream);
  if (self->row_ == nullptr) return;
  Value& value = self->row_[column];
  if (cursor == nullptr) {
    value = Value::Null();
  } else {
    *cursor = DecodeMysqlBinary(self->columns_[column], *cursor,
                                &self->scratch_[column], &value);
  }
}

}  // namespace opsbench::internal
