#ifndef OPSBENCH_DB_INTERNAL_MYSQL_ERRORS_H_
#define OPSBENCH_DB_INTERNAL_MYSQL_ERRORS_H_

// MySQL's and MariaDB's errors as statuses, by number ("Server Error Message
// Reference" and "Client Error Message Reference" of MySQL's manual, "MariaDB
// Error Code Reference").
//
// Thread safety: pure functions.

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

struct st_mysql;
struct st_mysql_stmt;

namespace opsbench::internal {

// `number` is the server's or the client library's; `text` its message.
absl::Status StatusOfMysqlError(unsigned number, absl::string_view text);

// The last error of a connection or of a statement. REQUIRES: there is one.
absl::Status ErrorOf(st_mysql* connection);
absl::Status ErrorOf(st_mysql_stmt* statement);

}  // namespace opsbench::internal

#endif  // OPSBENCH_DB_INTERNAL_MYSQL_ERRORS_H_
