#ifndef OPSBENCH_DB_INTERNAL_POSTGRES_TYPES_H_
#define OPSBENCH_DB_INTERNAL_POSTGRES_TYPES_H_

// PostgreSQL's values on the wire, binary and text, to and from Value.
//
// Thread safety: pure functions.
//
// Source: the send and recv functions of PostgreSQL's types (src/backend/utils/
// adt) and "Message Formats" in its manual; timestamps count microseconds from
// 2000-01-01 UTC.

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opsbench/db/value.h"

namespace opsbench::internal {

// Object ids of types, fixed in PostgreSQL's catalogue (pg_type.dat).
enum PostgresOid : uint32_t {
  kBoolOid = 16,
  kByteaOid = 17,
  kNameOid = 19,
  kInt8Oid = 20,
  kInt2Oid = 21,
  kInt4Oid = 23,
  kTextOid = 25,
  kOidOid = 26,
  kJsonOid = 114,
  kFloat4Oid = 700,
  kFloat8Oid = 701,
  kUnknownOid = 705,
  kBpcharOid = 1042,
  kVarcharOid = 1043,
  kTimestampOid = 1114,
  kTimestamptzOid = 1184,
  kJsonbOid = 3802,
};

// Whether values of the type can be read and written in binary here. ltree has
// no fixed id: whoever knows it passes it as `ltree_oid`, 0 otherwise.
bool HasBinaryForm(uint32_t oid, uint32_t ltree_oid);

// Whether the value's own bytes are the binary form of type `oid`: text and
// bytes for a type of text or bytea.
bool IsRawForm(const Value& value, uint32_t oid);

// Appends `value`, which is not NULL, in the binary form of type `oid`. Numbers
// and timestamps become digits in a type of text.
// InvalidArgument: the value does not fit the type.
absl::Status AppendBinary(const Value& value, uint32_t oid, uint32_t ltree_oid,
                          std::string* out);

// Appends `value`, which is not NULL, as text that PostgreSQL parses back to
// the same value. InvalidArgument: there is a zero byte in it.
absl::Status AppendTextForm(const Value& value, std::string* out);

// Appends `value`, which is not NULL, as text that a column of type `oid`
// takes, not escaped for COPY. Takes and refuses the same values as
// AppendBinary() for the types that this knows; the server judges text for all
// of them but bytea, whose bytes it is.
absl::Status AppendColumnText(const Value& value, uint32_t oid,
                              std::string* out);

// Appends one field of a result to `rows`, from its binary or its text form.
// Both give the same value. A timestamp that is no number of microseconds in 64
// bits (infinity, the years from 294247 on) and types without a binary form are
// the text that PostgreSQL makes of them.
void DecodeBinary(uint32_t oid, absl::string_view field, ResultSet* rows);
void DecodeText(uint32_t oid, absl::string_view field, ResultSet* rows);

}  // namespace opsbench::internal

#endif  // OPSBENCH_DB_INTERNAL_POSTGRES_TYPES_H_
