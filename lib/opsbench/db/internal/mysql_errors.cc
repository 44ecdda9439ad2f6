#include "opsbench/db/internal/mysql_errors.h"

#include <errmsg.h>
#include <mysql.h>
#include <mysqld_error.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace opsbench::internal {
namespace {

// Numbers that only MySQL 8 has, and those below the servers' range, which are
// the storage layer's own (EE_WRITE, EE_DISK_FULL).
constexpr unsigned kWriteFailed = 3;
constexpr unsigned kDiskFull = 20;
constexpr unsigned kQueryTimeout = 3024;
constexpr unsigned kLockNoWait = 3572;
constexpr unsigned kCheckViolated = 3819;
constexpr unsigned kLocalInfileDisabled = 3948;
constexpr unsigned kInvalidJsonText = 3140;

absl::StatusCode CodeOfConnection(unsigned number) {
  switch (number) {
    case CR_SOCKET_CREATE_ERROR:
    case CR_CONNECTION_ERROR:
    case CR_CONN_HOST_ERROR:
    case CR_IPSOCK_ERROR:
    case CR_UNKNOWN_HOST:
    case CR_SERVER_GONE_ERROR:
    case CR_SERVER_HANDSHAKE_ERR:
    case CR_SERVER_LOST:
    case CR_SERVER_LOST_EXTENDED:
    case CR_STMT_CLOSED:
    case CR_SSL_CONNECTION_ERROR:
    case CR_ERR_NET_READ:
    case CR_ERR_NET_WRITE:
    case ER_SERVER_SHUTDOWN:
    case ER_NORMAL_SHUTDOWN:
    case ER_SHUTDOWN_COMPLETE:
    case ER_CONNECTION_KILLED:
    case ER_NEW_ABORTING_CONNECTION:
    case ER_ABORTING_CONNECTION:
    case ER_NET_READ_ERROR:
    case ER_NET_READ_INTERRUPTED:
    case ER_NET_ERROR_ON_WRITE:
    case ER_NET_WRITE_INTERRUPTED:
    case ER_HOST_IS_BLOCKED:
      return absl::StatusCode::kUnavailable;
    case CR_AUTH_PLUGIN_CANNOT_LOAD:
    case CR_AUTH_PLUGIN_ERR:
    case CR_SECURE_AUTH:
    case CR_PLUGIN_NOT_ALLOWED:
    case ER_ACCESS_DENIED_ERROR:
    case ER_ACCOUNT_HAS_BEEN_LOCKED:
    case ER_ACCESS_DENIED_NO_PASSWORD_ERROR:
    case ER_MUST_CHANGE_PASSWORD_LOGIN:
    case ER_PLUGIN_IS_NOT_LOADED:
      return absl::StatusCode::kUnauthenticated;
    case ER_HOST_NOT_PRIVILEGED:
    case ER_DBACCESS_DENIED_ERROR:
    case ER_TABLEACCESS_DENIED_ERROR:
    case ER_COLUMNACCESS_DENIED_ERROR:
    case ER_SPECIFIC_ACCESS_DENIED_ERROR:
    case ER_PROCACCESS_DENIED_ERROR:
    case ER_KILL_DENIED_ERROR:
    case ER_OPTION_PREVENTS_STATEMENT:
      return absl::StatusCode::kPermissionDenied;
    default:
      return absl::StatusCode::kInternal;
  }
}

absl::StatusCode CodeOfRun(unsigned number) {
  switch (number) {
    case ER_LOCK_DEADLOCK:
    case ER_CHECKREAD:
      return absl::StatusCode::kAborted;
    case ER_LOCK_WAIT_TIMEOUT:
    case ER_STATEMENT_TIMEOUT:
    case kQueryTimeout:
    case kLockNoWait:
      return absl::StatusCode::kDeadlineExceeded;
    case ER_QUERY_INTERRUPTED:
      return absl::StatusCode::kCancelled;
    case CR_OUT_OF_MEMORY:
    case CR_NET_PACKET_TOO_LARGE:
    case ER_CON_COUNT_ERROR:
    case ER_DISK_FULL:
    case ER_LOCK_TABLE_FULL:
    case ER_MAX_PREPARED_STMT_COUNT_REACHED:
    case ER_NET_PACKET_TOO_LARGE:
    case ER_OUTOFMEMORY:
    case ER_OUT_OF_RESOURCES:
    case ER_OUT_OF_SORTMEMORY:
    case ER_RECORD_FILE_FULL:
    case ER_TOO_MANY_USER_CONNECTIONS:
    case ER_USER_LIMIT_REACHED:
    case kDiskFull:
      return absl::StatusCode::kResourceExhausted;
    case ER_CHECK_NOT_IMPLEMENTED:
    case ER_LOAD_INFILE_CAPABILITY_DISABLED:
    case ER_NOT_ALLOWED_COMMAND:
    case ER_NOT_SUPPORTED_YET:
    case ER_UNSUPPORTED_PS:
    case kLocalInfileDisabled:
      return absl::StatusCode::kUnimplemented;
    case CR_NEW_STMT_METADATA:
    case ER_CANT_CHANGE_TX_CHARACTERISTICS:
    case ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION:
      return absl::StatusCode::kFailedPrecondition;
    default:
      return absl::StatusCode::kInternal;
  }
}

absl::StatusCode CodeOfObject(unsigned number) {
  switch (number) {
    case ER_BAD_DB_ERROR:
    case ER_BAD_FIELD_ERROR:
    case ER_BAD_TABLE_ERROR:
    case ER_CANT_DROP_FIELD_OR_KEY:
    case ER_DB_DROP_EXISTS:
    case ER_FUNC_INEXISTENT_NAME_COLLISION:
    case ER_KEY_DOES_NOT_EXISTS:
    case ER_NO_SUCH_TABLE:
    case ER_NO_SUCH_THREAD:
    case ER_SP_DOES_NOT_EXIST:
    case ER_UNKNOWN_SYSTEM_VARIABLE:
    case ER_UNKNOWN_TABLE:
      return absl::StatusCode::kNotFound;
    case ER_DB_CREATE_EXISTS:
    case ER_DUP_ENTRY:
    case ER_DUP_ENTRY_WITH_KEY_NAME:
    case ER_DUP_FIELDNAME:
    case ER_DUP_KEY:
    case ER_DUP_KEYNAME:
    case ER_DUP_UNIQUE:
    case ER_MULTIPLE_PRI_KEY:
    case ER_SP_ALREADY_EXISTS:
    case ER_TABLE_EXISTS_ERROR:
    case ER_TRG_ALREADY_EXISTS:
      return absl::StatusCode::kAlreadyExists;
    default:
      return absl::StatusCode::kInternal;
  }
}

absl::StatusCode CodeOfInput(unsigned number) {
  switch (number) {
    case ER_BAD_NULL_ERROR:
    case ER_BLOBS_AND_NO_TERMINATED:
    case ER_CANNOT_CONVERT_CHARACTER:
    case ER_CONSTRAINT_FAILED:
    case ER_DATA_OUT_OF_RANGE:
    case ER_DATA_TOO_LONG:
    case ER_DATETIME_FUNCTION_OVERFLOW:
    case ER_DIVISION_BY_ZERO:
    case ER_EMPTY_QUERY:
    case ER_ILLEGAL_VALUE_FOR_TYPE:
    case ER_INVALID_CHARACTER_STRING:
    case ER_NON_UNIQ_ERROR:
    case ER_NO_DB_ERROR:
    case ER_NO_DEFAULT_FOR_FIELD:
    case ER_NO_REFERENCED_ROW:
    case ER_NO_REFERENCED_ROW_2:
    case ER_PARSE_ERROR:
    case ER_ROW_IS_REFERENCED:
    case ER_ROW_IS_REFERENCED_2:
    case ER_SIGNAL_EXCEPTION:
    case ER_SP_WRONG_NO_OF_ARGS:
    case ER_SUBQUERY_NO_1_ROW:
    case ER_SYNTAX_ERROR:
    case ER_TRUNCATED_WRONG_VALUE:
    case ER_TRUNCATED_WRONG_VALUE_FOR_FIELD:
    case ER_TOO_BIG_ROWSIZE:
    case ER_TOO_MANY_FIELDS:
    case ER_WARN_DATA_OUT_OF_RANGE:
    case ER_WARN_NULL_TO_NOTNULL:
    case ER_WARN_TOO_FEW_RECORDS:
    case ER_WARN_TOO_MANY_RECORDS:
    case ER_WRONG_ARGUMENTS:
    case ER_WRONG_VALUE_COUNT:
    case ER_WRONG_VALUE_COUNT_ON_ROW:
    case ER_WRONG_VALUE_FOR_VAR:
    case WARN_DATA_TRUNCATED:
    case kCheckViolated:
    case kInvalidJsonText:
      return absl::StatusCode::kInvalidArgument;
    default:
      return absl::StatusCode::kInternal;
  }
}

absl::StatusCode CodeOf(unsigned number, absl::string_view text) {
  // These wrap an error of the operating system's and name it in their text.
  if (number == kWriteFailed || number == ER_ERROR_ON_WRITE ||
      number == ER_GET_ERRNO || number == ER_CANT_CREATE_TABLE ||
      number == ER_CANT_CREATE_FILE || number == ER_GET_ERRMSG) {
    // InnoDB's own limit is below the servers'.
    if (absl::StrContains(text, "Too many columns")) {
      return absl::StatusCode::kInvalidArgument;
    }
    return absl::StrContains(text, "No space left") ||
                   absl::StrContains(text, "error 28") ||
                   absl::StrContains(text, "rrcode: 28") ||
                   absl::StrContains(text, "errno: 28")
               ? absl::StatusCode::kResourceExhausted
               : absl::StatusCode::kInternal;
  }
  for (const auto code_of :
       {CodeOfConnection, CodeOfRun, CodeOfObject, CodeOfInput}) {
    const absl::StatusCode code = code_of(number);
    if (code != absl::StatusCode::kInternal) return code;
  }
  return absl::StatusCode::kInternal;
}

}  // namespace

absl::Status StatusOfMysqlError(unsigned number, absl::string_view text) {
  absl::string_view hint;
  if (number == CR_AUTH_PLUGIN_CANNOT_LOAD) {
    hint = "; the client's authentication plugins come with libmariadb3";
  }
  return absl::Status(CodeOf(number, text),
                      absl::StrCat("MySQL: ", text, " (", number, ")", hint));
}

absl::Status ErrorOf(st_mysql* connection) {
  return StatusOfMysqlError(mysql_errno(connection), mysql_error(connection));
}

absl::Status ErrorOf(st_mysql_stmt* statement) {
  return StatusOfMysqlError(mysql_stmt_errno(statement),
                            mysql_stmt_error(statement));
}

}  // namespace opsbench::internal
