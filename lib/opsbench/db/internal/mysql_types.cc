#include "opsbench/db/internal/mysql_types.h"

#include <cstdio>
#include <cstring>
#include <limits>
#include <type_traits>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "opsbench/db/internal/mysql_time.h"

namespace opsbench::internal {
namespace {

// The character set of columns that hold bytes, not text.
constexpr unsigned kBinaryCharset = 63;

template <typename Int>
Int LoadLittleEndian(const unsigned char* data) {
  std::make_unsigned_t<Int> value = 0;
  for (size_t i = 0; i < sizeof(Int); ++i) {
    value |= static_cast<std::make_unsigned_t<Int>>(
        static_cast<std::make_unsigned_t<Int>>(data[i]) << (8 * i));
  }
  return static_cast<Int>(value);
}

template <typename Int>
unsigned char* DecodeInteger(unsigned char* cursor, ResultSet* rows) {
  rows->AppendInt64(LoadLittleEndian<Int>(cursor));
  return cursor + sizeof(Int);
}

template <typename Float, typename Bits>
unsigned char* DecodeFloat(unsigned char* cursor, ResultSet* rows) {
  const Bits bits = LoadLittleEndian<Bits>(cursor);
  Float value;
  static_assert(sizeof(value) == sizeof(bits));
  std::memcpy(&value, &bits, sizeof(value));
  rows->AppendDouble(value);
  return cursor + sizeof(Float);
}

void AppendUnsigned(uint64_t value, ResultSet* rows) {
  if (value <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    rows->AppendInt64(static_cast<int64_t>(value));
  } else {
    rows->AppendText(absl::StrCat(value));
  }
}

void AppendBits(absl::string_view big_endian, ResultSet* rows) {
  uint64_t value = 0;
  for (const char c : big_endian) {
    value = value << 8 | static_cast<unsigned char>(c);
  }
  AppendUnsigned(value, rows);
}

// A string with its length before it, in 1, 3, 4 or 9 bytes.
absl::string_view TakeString(unsigned char** cursor) {
  uint64_t size = **cursor;
  *cursor += 1;
  if (size >= 0xfc) {
    const int bytes = size == 0xfc ? 2 : size == 0xfd ? 3 : 8;
    size = 0;
    for (int i = 0; i < bytes; ++i) {
      size |= static_cast<uint64_t>((*cursor)[i]) << (8 * i);
    }
    *cursor += bytes;
  }
  const absl::string_view text(reinterpret_cast<const char*>(*cursor), size);
  *cursor += size;
  return text;
}

void AppendCivil(const CivilTime& civil, ResultSet* rows) {
  if (IsDay(civil)) return rows->AppendTimestampUs(MicrosOf(civil));
  char text[64];
  std::snprintf(text, sizeof(text), "%04d-%02d-%02d %02d:%02d:%02d", civil.year,
                civil.month, civil.day, civil.hour, civil.minute, civil.second);
  rows->AppendText(text);
}

// Trailing fields that are 0 are left out, as the length before them says.
unsigned char* DecodeDate(MysqlColumn column, unsigned char* cursor,
                          ResultSet* rows) {
  const int size = *cursor++;
  CivilTime civil;
  if (size >= 4) {
    civil.year = LoadLittleEndian<uint16_t>(cursor);
    civil.month = cursor[2];
    civil.day = cursor[3];
  }
  if (size >= 7) {
    civil.hour = cursor[4];
    civil.minute = cursor[5];
    civil.second = cursor[6];
  }
  if (size >= 11) civil.microsecond = LoadLittleEndian<int32_t>(cursor + 7);
  if (column == MysqlColumn::kTimestamp) {
    AppendCivil(civil, rows);
  } else {
    char text[40];
    std::snprintf(text, sizeof(text), "%04d-%02d-%02d", civil.year, civil.month,
                  civil.day);
    rows->AppendText(text);
  }
  return cursor + size;
}

unsigned char* DecodeTime(unsigned char* cursor, ResultSet* rows) {
  const int size = *cursor++;
  char text[64] = "00:00:00";
  if (size >= 8) {
    const uint32_t hours = LoadLittleEndian<uint32_t>(cursor + 1) * 24;
    const int written = std::snprintf(
        text, sizeof(text), "%s%02u:%02u:%02u", cursor[0] != 0 ? "-" : "",
        hours + cursor[5], unsigned{cursor[6]}, unsigned{cursor[7]});
    if (size >= 12) {
      std::snprintf(text + written, sizeof(text) - written, ".%06u",
                    LoadLittleEndian<uint32_t>(cursor + 8));
    }
  }
  rows->AppendText(TrimFraction(text));
  return cursor + size;
}

}  // namespace

MysqlColumn MysqlColumnOf(const MYSQL_FIELD& field) {
  const bool is_unsigned = (field.flags & UNSIGNED_FLAG) != 0;
  switch (field.type) {
    case MYSQL_TYPE_TINY:
      return is_unsigned ? MysqlColumn::kUint8 : MysqlColumn::kInt8;
    case MYSQL_TYPE_SHORT:
      return is_unsigned ? MysqlColumn::kUint16 : MysqlColumn::kInt16;
    case MYSQL_TYPE_YEAR:
      return MysqlColumn::kUint16;
    case MYSQL_TYPE_INT24:
    case MYSQL_TYPE_LONG:
      return is_unsigned ? MysqlColumn::kUint32 : MysqlColumn::kInt32;
    case MYSQL_TYPE_LONGLONG:
      return is_unsigned ? MysqlColumn::kUint64 : MysqlColumn::kInt64;
    case MYSQL_TYPE_FLOAT:
      return MysqlColumn::kFloat;
    case MYSQL_TYPE_DOUBLE:
      return MysqlColumn::kDouble;
    case MYSQL_TYPE_BIT:
      return MysqlColumn::kBit;
    case MYSQL_TYPE_DATE:
    case MYSQL_TYPE_NEWDATE:
      return MysqlColumn::kDate;
    case MYSQL_TYPE_TIME:
      return MysqlColumn::kTime;
    case MYSQL_TYPE_DATETIME:
    case MYSQL_TYPE_TIMESTAMP:
      return MysqlColumn::kTimestamp;
    case MYSQL_TYPE_GEOMETRY:
      return MysqlColumn::kBytes;
    case MYSQL_TYPE_TINY_BLOB:
    case MYSQL_TYPE_MEDIUM_BLOB:
    case MYSQL_TYPE_LONG_BLOB:
    case MYSQL_TYPE_BLOB:
    case MYSQL_TYPE_STRING:
    case MYSQL_TYPE_VAR_STRING:
    case MYSQL_TYPE_VARCHAR:
      return field.charsetnr == kBinaryCharset ? MysqlColumn::kBytes
                                               : MysqlColumn::kText;
    default:  // DECIMAL and JSON, which MySQL says to be of no character set.
      return MysqlColumn::kText;
  }
}

unsigned char* DecodeMysqlBinary(MysqlColumn column, unsigned char* cursor,
                                 ResultSet* rows) {
  switch (column) {
    case MysqlColumn::kInt8:
      return DecodeInteger<int8_t>(cursor, rows);
    case MysqlColumn::kUint8:
      return DecodeInteger<uint8_t>(cursor, rows);
    case MysqlColumn::kInt16:
      return DecodeInteger<int16_t>(cursor, rows);
    case MysqlColumn::kUint16:
      return DecodeInteger<uint16_t>(cursor, rows);
    case MysqlColumn::kInt32:
      return DecodeInteger<int32_t>(cursor, rows);
    case MysqlColumn::kUint32:
      return DecodeInteger<uint32_t>(cursor, rows);
    case MysqlColumn::kInt64:
      return DecodeInteger<int64_t>(cursor, rows);
    case MysqlColumn::kUint64:
      AppendUnsigned(LoadLittleEndian<uint64_t>(cursor), rows);
      return cursor + sizeof(uint64_t);
    case MysqlColumn::kFloat:
      return DecodeFloat<float, uint32_t>(cursor, rows);
    case MysqlColumn::kDouble:
      return DecodeFloat<double, uint64_t>(cursor, rows);
    case MysqlColumn::kBit:
      AppendBits(TakeString(&cursor), rows);
      return cursor;
    case MysqlColumn::kDate:
    case MysqlColumn::kTimestamp:
      return DecodeDate(column, cursor, rows);
    case MysqlColumn::kTime:
      return DecodeTime(cursor, rows);
    case MysqlColumn::kText:
      rows->AppendText(TakeString(&cursor));
      return cursor;
    case MysqlColumn::kBytes:
      rows->AppendBytes(TakeString(&cursor));
      return cursor;
  }
  return cursor;
}

void DecodeMysqlText(MysqlColumn column, absl::string_view field,
                     ResultSet* rows) {
  int64_t integer;
  float single;
  double number;
  CivilTime civil;
  switch (column) {
    case MysqlColumn::kFloat:
      // By way of float: the binary protocol gives the same double then.
      if (absl::SimpleAtof(field, &single)) return rows->AppendDouble(single);
      break;
    case MysqlColumn::kDouble:
      if (absl::SimpleAtod(field, &number)) return rows->AppendDouble(number);
      break;
    case MysqlColumn::kBit:
      return AppendBits(field, rows);
    case MysqlColumn::kTimestamp:
      if (ParseCivil(field, &civil)) return AppendCivil(civil, rows);
      break;
    case MysqlColumn::kBytes:
      return rows->AppendBytes(field);
    case MysqlColumn::kTime:
      return rows->AppendText(TrimFraction(field));
    case MysqlColumn::kDate:
    case MysqlColumn::kText:
      break;
    default:
      if (absl::SimpleAtoi(field, &integer)) return rows->AppendInt64(integer);
      break;
  }
  rows->AppendText(field);
}

}  // namespace opsbench::internal
