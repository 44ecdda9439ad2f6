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

// Appends `value`, which is not NULL, in the binary form of type `oid`.
// InvalidArgument: the value does not fit the type.
absl::Status AppendBinary(const Value& value, uint32_t oid, uint32_t ltree_oid,
                          std::string* out);

// Appends one field of a result to `rows`, from its binary or its text form.
void DecodeBinary(uint32_t oid, absl::string_view field, ResultSet* rows);
void DecodeText(uint32_t oid, absl::string_view field, ResultSet* rows);

}  // namespace opsbench::internal

#endif  // OPSBENCH_DB_INTERNAL_POSTGRES_TYPES_H_
