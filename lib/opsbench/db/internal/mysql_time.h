#ifndef OPSBENCH_DB_INTERNAL_MYSQL_TIME_H_
#define OPSBENCH_DB_INTERNAL_MYSQL_TIME_H_

// DATETIME(6) in its three forms (MYSQL_TIME, text, microseconds since 1970
// UTC) without the C library's calendar, which takes a lock.
//
// Thread safety: pure functions.
//
// Source of the calendar: Hinnant, "chrono-Compatible Low-Level Date
// Algorithms", 2013.

#include <mysql.h>

#include <cstdint>

#include "absl/strings/string_view.h"

namespace opsbench::internal {

MYSQL_TIME ToMysqlTime(int64_t us);
int64_t FromMysqlTime(const MYSQL_TIME& time);

// Writes "2025-12-01 00:00:00.123456", 26 bytes, for years 0 to 9999.
inline constexpr int kDatetimeBytes = 26;
void WriteDatetime(int64_t us, char* out);

// Reads "2025-12-01", with " 00:00:00" and ".123456" if present.
bool ParseDatetime(absl::string_view text, int64_t* us);

}  // namespace opsbench::internal

#endif  // OPSBENCH_DB_INTERNAL_MYSQL_TIME_H_
