#ifndef OPSBENCH_PIPELINE_TYPES_H_
#define OPSBENCH_PIPELINE_TYPES_H_

// The types that rows have between a source and a destination: those of Apache
// Arrow's columnar format that the engines' common types need.
//
// Thread safety: value types.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace opsbench::pipeline {

// How a value is stored in a column's values, and which Arrow type it is.
enum class TypeId : uint8_t {
  kBool,     // One bit, least significant first. Arrow: Bool.
  kInt8,     // Two's complement of the width.
  kInt16,    //
  kInt32,    //
  kInt64,    //
  kUInt8,    //
  kUInt16,   //
  kUInt32,   //
  kUInt64,   //
  kFloat32,  // IEEE 754.
  kFloat64,  //
  // 128 bits, two's complement, the number times 10^scale, at most 38 digits.
  kDecimal,
  // A number of any size in its shortest decimal text that keeps its scale,
  // without exponent ("-12.50"), or NaN, Infinity, -Infinity. Arrow: Utf8.
  kNumeric,
  kText,   // UTF-8. Arrow: Utf8.
  kBytes,  // Arrow: Binary.
  // Days since 1970-01-01, 32 bits. The two ends of the range are -infinity and
  // infinity, here and in the timestamps. Arrow: Date32.
  kDate,
  kTime,         // Microseconds since midnight, 64 bits. Arrow: Time64.
  kDuration,     // Microseconds, signed, 64 bits. Arrow: Duration.
  kTimestamp,    // Microseconds since 1970-01-01 00:00 of no zone, 64 bits.
  kTimestampTz,  // Likewise of UTC. Arrow: Timestamp with "UTC".
  kUuid,         // 16 bytes. Arrow: FixedSizeBinary, extension arrow.uuid.
  kJson,         // UTF-8 as the source sent it. Arrow: Utf8, arrow.json.
};

inline constexpr int kTypeCount = static_cast<int>(TypeId::kJson) + 1;
inline constexpr int kMaxDecimalDigits = 38;

struct Type {
  TypeId id = TypeId::kText;
  int precision = 0;  // kDecimal: digits in all, 1 to 38.
  int scale = 0;      // kDecimal: digits behind the point, 0 to precision.

  friend bool operator==(const Type&, const Type&) = default;
};

// "int32", "decimal(10, 2)", "timestamp_tz".
std::string TypeName(const Type& type);

// Bytes of one value: 0 for kBool, whose values are bits, and for those of no
// fixed width, which have offsets.
int FixedWidth(TypeId id);
bool HasOffsets(TypeId id);

struct Field {
  std::string name;
  Type type;
  bool nullable = true;
  // The source's own name of the type, with its engine: "postgres:int4[]",
  // "mysql:enum('a','b')". A destination of the same engine makes the same
  // column of it. Empty where there is none.
  std::string native;

  friend bool operator==(const Field&, const Field&) = default;
};

struct Schema {
  std::vector<Field> fields;
  // Names of the primary key's columns, in its order; empty without one.
  std::vector<std::string> primary_key;

  // -1 when there is none of this name.
  int IndexOf(absl::string_view name) const;

  friend bool operator==(const Schema&, const Schema&) = default;
};

using SchemaPtr = std::shared_ptr<const Schema>;

}  // namespace opsbench::pipeline

#endif  // OPSBENCH_PIPELINE_TYPES_H_
