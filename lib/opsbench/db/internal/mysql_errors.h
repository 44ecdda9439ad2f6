#ifndef OPSBENCH_DB_INTERNAL_MYSQL_ERRORS_H_
#define OPSBENCH_DB_INTERNAL_MYSQL_ERRORS_H_

// Errors of MySQL and MariaDB as statuses, by their numbers, and what their
// version strings say. Shared by the C client and Connector/C++.
//
// Thread safety: pure functions.
//
// Source: mysqld_error.h and errmsg.h of MariaDB Connector/C; "Server Error
// Message Reference" of MySQL 8.4.

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "opsbench/db/session.h"

namespace opsbench::internal {

absl::Status StatusOfMysqlError(unsigned number, absl::string_view text);

// Sets flavour, version and version_number from what the server says of itself:
// "8.4.0", "10.11.6-MariaDB-log", "5.5.5-10.11.6-MariaDB" (the same, as MariaDB
// tells it to old clients).
void ParseMysqlVersion(absl::string_view text, Capabilities* capabilities);

}  // namespace opsbench::internal

#endif  // OPSBENCH_DB_INTERNAL_MYSQL_ERRORS_H_
