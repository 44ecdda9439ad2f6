#ifndef OPSBENCH_DB_INTERNAL_MYSQL_SERVER_H_
#define OPSBENCH_DB_INTERNAL_MYSQL_SERVER_H_

// What both MySQL sessions do at the start: tell MariaDB from MySQL, and bring
// the server's session into the state that opsbench counts on.
//
// Thread safety: pure functions.

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "opsbench/db/session.h"

namespace opsbench::internal {

// UTC, strict on every storage engine (what does not fit is an error, never a
// changed value), and each statement its own transaction until Begin(). Notes
// are off, so that a warning after LOAD DATA always means lost data.
inline constexpr absl::string_view kMysqlSessionSetup =
    "SET SESSION time_zone = '+00:00', autocommit = 1, sql_notes = 0, "
    "sql_mode = 'STRICT_ALL_TABLES,STRICT_TRANS_TABLES,NO_ZERO_DATE,"
    "NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'";

// Fills engine, flavour, version, version_number and descending_index from the
// version that a server gives of itself: "8.4.3", "10.11.6-MariaDB-log", or
// "5.5.5-10.11.6-MariaDB", where the first part is for old replicas only.
//
// Internal: there is no version number in it.
absl::Status ParseMysqlVersion(absl::string_view text,
                               Capabilities* capabilities);

// The adapter knows no parameter beside `socket`. InvalidArgument names one
// that was given, rather than to leave it without effect.
absl::Status CheckMysqlUrl(const Url& url);

}  // namespace opsbench::internal

#endif  // OPSBENCH_DB_INTERNAL_MYSQL_SERVER_H_
