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

// Every setting that changes what a statement means or what its answer looks
// like: a server's defaults are its owner's. ../SETTINGS.md says why each is
// here, and what is left alone. /*M! … */ is for MariaDB alone, /*!80000 … */
// for MySQL from 8.0 alone. sql_notes are off, so that a warning after LOAD
// DATA always means lost data.
inline constexpr absl::string_view kMysqlSessionSetup =
    "SET SESSION "
    "sql_mode = 'STRICT_ALL_TABLES,STRICT_TRANS_TABLES,NO_ZERO_DATE,"
    "NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', "
    "time_zone = '+00:00', autocommit = 1, completion_type = 0, "
    "/*M! tx_isolation = 'REPEATABLE-READ', max_statement_time = 0, */ "
    "/*!80000 transaction_isolation = 'REPEATABLE-READ', "
    "max_execution_time = 0, information_schema_stats_expiry = 0, */ "
    "character_set_client = utf8mb4, character_set_connection = utf8mb4, "
    "character_set_results = utf8mb4, default_storage_engine = InnoDB, "
    "foreign_key_checks = 1, unique_checks = 1, sql_auto_is_null = 0, "
    "sql_safe_updates = 0, sql_select_limit = 18446744073709551615, "
    "max_join_size = 18446744073709551615, sql_big_selects = 1, "
    "div_precision_increment = 4, group_concat_max_len = 1048576, "
    "max_sort_length = 1024, wait_timeout = 28800, sql_notes = 0";

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
