#ifndef OPSBENCH_DB_INTERNAL_MYSQL_TYPES_H_
#define OPSBENCH_DB_INTERNAL_MYSQL_TYPES_H_

// Columns of MySQL's results into a ResultSet, from the binary protocol of
// prepared statements and from the text protocol, to the same values.
//
//   integers, YEAR, BIT    kInt64; above 2^63 - 1 as kText, never wrapped
//   FLOAT, DOUBLE          kDouble
//   DATETIME, TIMESTAMP    kTimestamp; 0000-00-00 and the like as kText
//   DATE, TIME, DECIMAL    kText, exact; the fraction of a TIME as short as it
//   is text, JSON, ENUM, SET  kText BINARY, BLOB, GEOMETRY kBytes
//
// Thread safety: pure functions.
//
// Source: "Binary Protocol Resultset Row" in MySQL's and MariaDB's
// documentation of the client/server protocol.

#include <mysql.h>

#include <cstdint>

#include "absl/strings/string_view.h"
#include "opsbench/db/value.h"

namespace opsbench::internal {

enum class MysqlColumn : uint8_t {
  kInt8,
  kUint8,
  kInt16,
  kUint16,
  kInt32,
  kUint32,
  kInt64,
  kUint64,
  kFloat,
  kDouble,
  kBit,
  kDate,
  kTime,
  kTimestamp,
  kText,
  kBytes,
};

MysqlColumn MysqlColumnOf(const MYSQL_FIELD& field);

// Appends the value at `cursor`, which is not NULL, and returns its end. The
// client library has checked that the packet is whole.
unsigned char* DecodeMysqlBinary(MysqlColumn column, unsigned char* cursor,
                                 ResultSet* rows);

void DecodeMysqlText(MysqlColumn column, absl::string_view field,
                     ResultSet* rows);

}  // namespace opsbench::internal

#endif  // OPSBENCH_DB_INTERNAL_MYSQL_TYPES_H_
