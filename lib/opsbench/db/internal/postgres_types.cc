#include "opsbench/db/internal/postgres_types.h"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "opsbench/base/status_macros.h"

namespace opsbench::internal {
namespace {

// Microseconds from 1970-01-01 to 2000-01-01.
constexpr int64_t kPostgresEpochUs = int64_t{946'684'800} * 1'000'000;

// Version bytes before the content of these types.
constexpr char kJsonbVersion = 1;
constexpr char kLtreeVersion = 1;

template <typename Int>
void AppendBigEndian(Int value, std::string* out) {
  std::array<char, sizeof(Int)> bytes;
  for (size_t i = 0; i < sizeof(Int); ++i) {
    bytes[i] = static_cast<char>(value >> (8 * (sizeof(Int) - 1 - i)));
  }
  // In one piece: a string grows by checks, byte for byte.
  out->append(bytes.data(), bytes.size());
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

// Whether a finite number stays finite.
bool FitsReal(double value) {
  return !std::isfinite(value) ||
         std::abs(value) <= std::numeric_limits<float>::max();
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

bool IsTextType(uint32_t oid) {
  return oid == kTextOid || oid == kVarcharOid || oid == kBpcharOid ||
         oid == kJsonOid || oid == kNameOid || oid == kUnknownOid;
}

// The shortest digits that give the same number again.
template <typename Float>
void AppendDigits(Float value, std::string* out) {
  char digits[32];
  const auto [end, error] =
      std::to_chars(digits, digits + sizeof(digits), value);
  out->append(digits, end);
}

absl::Status CheckTimestamp(const Value& value) {
  // The lowest number of all is PostgreSQL's -infinity.
  if (value.type() != Value::Type::kTimestamp ||
      value.int64() <= std::numeric_limits<int64_t>::min() + kPostgresEpochUs) {
    return WrongType(value, "timestamp");
  }
  return absl::OkStatus();
}

void AppendPadded(int64_t number, int width, std::string* out) {
  char digits[24];
  const auto [end, error] =
      std::to_chars(digits, digits + sizeof(digits), number);
  for (auto i = end - digits; i < width; ++i) out->push_back('0');
  out->append(digits, end);
}

// "2026-01-31 23:59:59.123456". The year 0 is 1 BC in PostgreSQL.
absl::Status AppendTimestampText(const Value& value, uint32_t oid,
                                 std::string* out) {
  OPSBENCH_RETURN_IF_ERROR(CheckTimestamp(value));
  constexpr int64_t kSecondUs = 1'000'000;
  const int64_t us = (value.int64() % kSecondUs + kSecondUs) % kSecondUs;
  const absl::CivilSecond time =
      absl::CivilSecond(1970, 1, 1) + (value.int64() - us) / kSecondUs;
  AppendPadded(time.year() > 0 ? time.year() : 1 - time.year(), 4, out);
  const std::pair<char, int> parts[] = {{'-', time.month()},
                                        {'-', time.day()},
                                        {' ', time.hour()},
                                        {':', time.minute()},
                                        {':', time.second()}};
  for (const auto& [separator, part] : parts) {
    out->push_back(separator);
    AppendPadded(part, 2, out);
  }
  out->push_back('.');
  AppendPadded(us, 6, out);
  if (oid == kTimestamptzOid) out->append("+00");
  if (time.year() <= 0) out->append(" BC");
  return absl::OkStatus();
}

absl::Status AppendTimestamp(const Value& value, std::string* out) {
  OPSBENCH_RETURN_IF_ERROR(CheckTimestamp(value));
  AppendBigEndian(static_cast<uint64_t>(value.int64() - kPostgresEpochUs), out);
  return absl::OkStatus();
}

void DecodeTimestamp(uint32_t oid, int64_t postgres_us, ResultSet* rows) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  if (postgres_us == kMax) return rows->AppendText("infinity");
  if (postgres_us == std::numeric_limits<int64_t>::min()) {
    return rows->AppendText("-infinity");
  }
  if (postgres_us <= kMax - kPostgresEpochUs) {
    return rows->AppendTimestampUs(postgres_us + kPostgresEpochUs);
  }
  const absl::Time time =
      absl::FromUnixMicros(kPostgresEpochUs) + absl::Microseconds(postgres_us);
  rows->AppendText(absl::FormatTime(
      oid == kTimestamptzOid ? "%Y-%m-%d %H:%M:%E*S+00" : "%Y-%m-%d %H:%M:%E*S",
      time, absl::UTCTimeZone()));
}

// "2025-12-01 00:00:00.123456", "0044-03-15 12:00:00 BC", and either with the
// zone before the era ("+00", "-03:30") for timestamptz.
bool ParseTimestampUs(uint32_t oid, absl::string_view text, int64_t* us) {
  const bool before_christ = absl::ConsumeSuffix(&text, " BC");
  const size_t dash = text.find('-');
  int64_t year;
  if (dash == absl::string_view::npos ||
      !absl::SimpleAtoi(text.substr(0, dash), &year)) {
    return false;
  }
  if (before_christ) year = 1 - year;
  absl::Time time;
  if (!absl::ParseTime(oid == kTimestamptzOid ? "%Y-%m-%d %H:%M:%E*S%Ez"
                                              : "%Y-%m-%d %H:%M:%E*S",
                       absl::StrCat(year, text.substr(dash)), &time, nullptr)) {
    return false;
  }
  *us = absl::ToUnixMicros(time);
  return absl::FromUnixMicros(*us) == time;
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

bool IsRawForm(const Value& value, uint32_t oid) {
  return IsText(value) && (IsTextType(oid) || oid == kByteaOid);
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
      return AppendInteger<uint32_t>(value, "oid", out);
    case kBoolOid:
      if (value.type() != Value::Type::kInt64) {
        return WrongType(value, "boolean");
      }
      out->push_back(value.int64() != 0);
      return absl::OkStatus();
    case kFloat4Oid:
      if (!IsNumber(value) || !FitsReal(AsDouble(value))) {
        return WrongType(value, "real");
      }
      AppendBigEndian(
          std::bit_cast<uint32_t>(static_cast<float>(AsDouble(value))), out);
      return absl::OkStatus();
    case kFloat8Oid:
      if (!IsNumber(value)) return WrongType(value, "double precision");
      AppendBigEndian(std::bit_cast<uint64_t>(AsDouble(value)), out);
      return absl::OkStatus();
    case kTimestampOid:
    case kTimestamptzOid:
      return AppendTimestamp(value, out);
    case kByteaOid:
      if (!IsText(value)) return WrongType(value, "bytea");
      absl::StrAppend(out, value.text());
      return absl::OkStatus();
    case kJsonbOid:
      return AppendVersioned(value, "jsonb", kJsonbVersion, out);
    default:
      if (ltree_oid != 0 && oid == ltree_oid) {
        return AppendVersioned(value, "ltree", kLtreeVersion, out);
      }
      if (!IsText(value)) return AppendTextForm(value, out);
      absl::StrAppend(out, value.text());
      return absl::OkStatus();
  }
}

absl::Status AppendTextForm(const Value& value, std::string* out) {
  if (value.type() == Value::Type::kDouble) {
    AppendDigits(value.float64(), out);
    return absl::OkStatus();
  }
  if (!IsText(value)) {
    absl::StrAppend(out, value.ToString());
    return absl::OkStatus();
  }
  if (absl::StrContains(value.text(), '\0')) {
    return absl::InvalidArgumentError(
        "PostgreSQL: text cannot hold a zero byte");
  }
  absl::StrAppend(out, value.text());
  return absl::OkStatus();
}

absl::Status AppendColumnText(const Value& value, uint32_t oid,
                              std::string* out) {
  if (oid == kByteaOid) {
    if (!IsText(value)) return WrongType(value, "bytea");
    absl::StrAppend(out, "\\x", absl::BytesToHexString(value.text()));
    return absl::OkStatus();
  }
  if (value.type() == Value::Type::kText) return AppendTextForm(value, out);
  switch (oid) {
    case kInt2Oid:
    case kInt4Oid:
    case kInt8Oid:
    case kOidOid:
      if (value.type() != Value::Type::kInt64) {
        return WrongType(value, "integer");
      }
      break;
    case kBoolOid:
      if (value.type() != Value::Type::kInt64) {
        return WrongType(value, "boolean");
      }
      out->push_back(value.int64() != 0 ? 't' : 'f');
      return absl::OkStatus();
    case kFloat4Oid:
      if (!IsNumber(value) || !FitsReal(AsDouble(value))) {
        return WrongType(value, "real");
      }
      // A float's own digits: those of a double could round to another one.
      AppendDigits(static_cast<float>(AsDouble(value)), out);
      return absl::OkStatus();
    case kFloat8Oid:
      if (!IsNumber(value)) return WrongType(value, "double precision");
      break;
    case kTimestampOid:
    case kTimestamptzOid:
      return AppendTimestampText(value, oid, out);
    case kJsonbOid:
      if (!IsText(value)) return WrongType(value, "jsonb");
      break;
    default:
      break;
  }
  return AppendTextForm(value, out);
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
      return DecodeTimestamp(
          oid, static_cast<int64_t>(LoadBigEndian<uint64_t>(field.data())),
          rows);
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
  float single;
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
      // By way of float: the binary form gives the same double then.
      if (absl::SimpleAtof(field, &single)) return rows->AppendDouble(single);
      break;
    case kFloat8Oid:
      if (absl::SimpleAtod(field, &number)) return rows->AppendDouble(number);
      break;
    case kTimestampOid:
    case kTimestamptzOid:
      if (ParseTimestampUs(oid, field, &integer)) {
        return rows->AppendTimestampUs(integer);
      }
      break;
    case kByteaOid:
      if (absl::ConsumePrefix(&field, "\\x")) {
        return rows->AppendBytes(absl::HexStringToBytes(field));
      }
      break;
    default:
      break;
  }
  rows->AppendText(field);
}

}  // namespace opsbench::internal
