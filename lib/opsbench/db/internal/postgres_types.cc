#include "opsbench/db/internal/postgres_types.h"

#include <bit>
#include <cstdlib>
#include <limits>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace opsbench::internal {
namespace {

// Microseconds from 1970-01-01 to 2000-01-01.
constexpr int64_t kPostgresEpochUs = int64_t{946'684'800} * 1'000'000;

// Version bytes before the content of these types.
constexpr char kJsonbVersion = 1;
constexpr char kLtreeVersion = 1;

template <typename Int>
void AppendBigEndian(Int value, std::string* out) {
  for (int shift = 8 * (static_cast<int>(sizeof(Int)) - 1); shift >= 0;
       shift -= 8) {
    out->push_back(static_cast<char>(value >> shift));
  }
}

template <typename Int>
Int LoadBigEndian(const char* data) {
  Int value = 0;
  for (size_t i = 0; i < sizeof(Int); ++i) {
    value =
        static_cast<Int>((value << 8) | static_cast<unsigned char>(data[i]));
  }
  return value;
}

absl::Status WrongType(const Value& value, absl::string_view wanted) {
  return absl::InvalidArgumentError(
      absl::StrCat("PostgreSQL: the value ", value.ToString().substr(0, 40),
                   " does not fit a column of type ", wanted));
}

template <typename Int>
absl::Status AppendInteger(const Value& value, absl::string_view type,
                           std::string* out) {
  if (value.type() != Value::Type::kInt64 ||
      value.int64() < std::numeric_limits<Int>::min() ||
      value.int64() > std::numeric_limits<Int>::max()) {
    return WrongType(value, type);
  }
  AppendBigEndian(static_cast<std::make_unsigned_t<Int>>(value.int64()), out);
  return absl::OkStatus();
}

bool IsNumber(const Value& value) {
  return value.type() == Value::Type::kDouble ||
         value.type() == Value::Type::kInt64;
}

double AsDouble(const Value& value) {
  return value.type() == Value::Type::kDouble
             ? value.float64()
             : static_cast<double>(value.int64());
}

bool IsText(const Value& value) {
  return value.type() == Value::Type::kText ||
         value.type() == Value::Type::kBytes;
}

absl::Status AppendVersioned(const Value& value, absl::string_view type,
                             char version, std::string* out) {
  if (!IsText(value)) return WrongType(value, type);
  out->push_back(version);
  absl::StrAppend(out, value.text());
  return absl::OkStatus();
}

// "2025-12-01 00:00:00.123456+00" or without the zone.
bool ParseTimestampUs(absl::string_view text, int64_t* us) {
  std::string iso(text);
  const size_t space = iso.find(' ');
  if (space == std::string::npos) return false;
  iso[space] = 'T';
  const size_t plus = iso.find('+', space);
  if (plus != std::string::npos) iso.resize(plus);
  absl::Time time;
  std::string error;
  if (!absl::ParseTime("%Y-%m-%dT%H:%M:%E*S", iso, &time, &error)) return false;
  *us = absl::ToUnixMicros(time);
  return true;
}

}  // namespace

bool HasBinaryForm(uint32_t oid, uint32_t ltree_oid) {
  switch (oid) {
    case kBoolOid:
    case kByteaOid:
    case kNameOid:
    case kInt8Oid:
    case kInt2Oid:
    case kInt4Oid:
    case kTextOid:
    case kOidOid:
    case kJsonOid:
    case kFloat4Oid:
    case kFloat8Oid:
    case kUnknownOid:
    case kBpcharOid:
    case kVarcharOid:
    case kTimestampOid:
    case kTimestamptzOid:
    case kJsonbOid:
      return true;
    default:
      return ltree_oid != 0 && oid == ltree_oid;
  }
}

absl::Status AppendBinary(const Value& value, uint32_t oid, uint32_t ltree_oid,
                          std::string* out) {
  switch (oid) {
    case kInt2Oid:
      return AppendInteger<int16_t>(value, "smallint", out);
    case kInt4Oid:
      return AppendInteger<int32_t>(value, "integer", out);
    case kInt8Oid:
      return AppendInteger<int64_t>(value, "bigint", out);
    case kOidOid:
      if (value.type() != Value::Type::kInt64) return WrongType(value, "oid");
      AppendBigEndian(static_cast<uint32_t>(value.int64()), out);
      return absl::OkStatus();
    case kBoolOid:
      if (value.type() != Value::Type::kInt64)
        return WrongType(value, "boolean");
      out->push_back(value.int64() != 0);
      return absl::OkStatus();
    case kFloat4Oid:
      if (!IsNumber(value)) return WrongType(value, "real");
      AppendBigEndian(
          std::bit_cast<uint32_t>(static_cast<float>(AsDouble(value))), out);
      return absl::OkStatus();
    case kFloat8Oid:
      if (!IsNumber(value)) return WrongType(value, "double precision");
      AppendBigEndian(std::bit_cast<uint64_t>(AsDouble(value)), out);
      return absl::OkStatus();
    case kTimestampOid:
    case kTimestamptzOid:
      if (value.type() != Value::Type::kTimestamp) {
        return WrongType(value, "timestamp");
      }
      AppendBigEndian(static_cast<uint64_t>(value.int64() - kPostgresEpochUs),
                      out);
      return absl::OkStatus();
    case kJsonbOid:
      return AppendVersioned(value, "jsonb", kJsonbVersion, out);
    default:
      if (ltree_oid != 0 && oid == ltree_oid) {
        return AppendVersioned(value, "ltree", kLtreeVersion, out);
      }
      if (!IsText(value)) return WrongType(value, "text");
      absl::StrAppend(out, value.text());
      return absl::OkStatus();
  }
}

void DecodeBinary(uint32_t oid, absl::string_view field, ResultSet* rows) {
  switch (oid) {
    case kInt2Oid:
      return rows->AppendInt64(LoadBigEndian<int16_t>(field.data()));
    case kInt4Oid:
      return rows->AppendInt64(LoadBigEndian<int32_t>(field.data()));
    case kInt8Oid:
      return rows->AppendInt64(
          static_cast<int64_t>(LoadBigEndian<uint64_t>(field.data())));
    case kOidOid:
      return rows->AppendInt64(LoadBigEndian<uint32_t>(field.data()));
    case kBoolOid:
      return rows->AppendInt64(field[0] != 0);
    case kFloat4Oid:
      return rows->AppendDouble(
          std::bit_cast<float>(LoadBigEndian<uint32_t>(field.data())));
    case kFloat8Oid:
      return rows->AppendDouble(
          std::bit_cast<double>(LoadBigEndian<uint64_t>(field.data())));
    case kTimestampOid:
    case kTimestamptzOid:
      return rows->AppendTimestampUs(
          static_cast<int64_t>(LoadBigEndian<uint64_t>(field.data())) +
          kPostgresEpochUs);
    case kByteaOid:
      return rows->AppendBytes(field);
    case kJsonbOid:
      return rows->AppendText(field.substr(1));
    default:
      return rows->AppendText(field);
  }
}

void DecodeText(uint32_t oid, absl::string_view field, ResultSet* rows) {
  int64_t integer;
  double number;
  switch (oid) {
    case kInt2Oid:
    case kInt4Oid:
    case kInt8Oid:
    case kOidOid:
      if (absl::SimpleAtoi(field, &integer)) return rows->AppendInt64(integer);
      break;
    case kBoolOid:
      return rows->AppendInt64(field == "t");
    case kFloat4Oid:
    case kFloat8Oid:
      if (absl::SimpleAtod(field, &number)) return rows->AppendDouble(number);
      break;
    case kTimestampOid:
    case kTimestamptzOid:
      if (ParseTimestampUs(field, &integer)) {
        return rows->AppendTimestampUs(integer);
      }
      break;
    default:
      break;
  }
  rows->AppendText(field);
}

}  // namespace opsbench::internal
