#ifndef OPSBENCH_DB_INTERNAL_MYSQL_TYPES_H_
#define OPSBENCH_DB_INTERNAL_MYSQL_TYPES_H_

// Columns of MySQL's results into a ResultSet or into Values, from the binary
// protocol of prepared statements and from the text protocol, to the same
// values.
//
//   integers, YEAR, BIT    kInt64; above 2^63 - 1 as kText, never wrapped
//   FLOAT, DOUBLE          kDouble
//   DATETIME, TIMESTAMP    kTimestamp; 0000-00-00 and the like as kText
//   DATE, DECIMAL          kText, exact
//   TIME                   kText, without the last zeros of a fraction
//   text, JSON, ENUM, SET  kText
//   BINARY, BLOB, GEOMETRY kBytes
//
// Thread safety: pure functions.
//
// Source: "Binary Protocol Resultset Row" in MySQL's and MariaDB's
// documentation of the client/server protocol.

#include <mysql.h>

#include <array>
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

// Appends the value at `cursor`, which is not NULL, and returns its end.
// REQUIRES: the value is whole; the server is trusted to send it so, as the
// library's own decoders do.
unsigned char* DecodeMysqlBinary(MysqlColumn column, unsigned char* cursor,
                                 ResultSet* rows);

// Room for the text of a value that the server sends in another form: a date,
// a number above 2^63 - 1.
using MysqlScratch = std::array<char, 64>;

// As above, to one value, whose text lies at `cursor` or in `scratch`.
unsigned char* DecodeMysqlBinary(MysqlColumn column, unsigned char* cursor,
                                 MysqlScratch* scratch, Value* value);

void DecodeMysqlText(MysqlColumn column, absl::string_view field,
                     ResultSet* rows);

}  // namespace opsbench::internal

#endif  // OPSBENCH_DB_INTERNAL_MYSQL_TYPES_H_
