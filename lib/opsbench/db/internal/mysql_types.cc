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

// Where decoded values go: rows that keep copies of them.
class ResultSetSink {
 public:
  explicit ResultSetSink(ResultSet* rows) : rows_(rows) {}
  void Int64(int64_t value) { rows_->AppendInt64(value); }
  void Double(double value) { rows_->AppendDouble(value); }
  void Timestamp(int64_t us) { rows_->AppendTimestampUs(us); }
  void Text(absl::string_view text) { rows_->AppendText(text); }
  void Bytes(absl::string_view bytes) { rows_->AppendBytes(bytes); }
  // Text that was put together here and is gone after the call.
  void Formatted(absl::string_view text) { rows_->AppendText(text); }

 private:
  ResultSet* rows_;
};

// Or one Value, which looks at the text where it lies.
class ValueSink {
 public:
  ValueSink(MysqlScratch* scratch, Value* value)
      : scratch_(scratch), value_(value) {}
  void Int64(int64_t value) { *value_ = Value::Int64(value); }
  void Double(double value) { *value_ = Value::Double(value); }
  void Timestamp(int64_t us) { *value_ = Value::TimestampUs(us); }
  void Text(absl::string_view text) { *value_ = Value::Text(text); }
  void Bytes(absl::string_view bytes) { *value_ = Value::Bytes(bytes); }
  void Formatted(absl::string_view text) {
    std::memcpy(scratch_->data(), text.data(), text.size());
    *value_ = Value::Text({scratch_->data(), text.size()});
  }

 private:
  MysqlScratch* scratch_;
  Value* value_;
};

template <typename Int, typename Sink>
unsigned char* DecodeInteger(unsigned char* cursor, Sink sink) {
  sink.Int64(LoadLittleEndian<Int>(cursor));
  return cursor + sizeof(Int);
}

template <typename Float, typename Bits, typename Sink>
unsigned char* DecodeFloat(unsigned char* cursor, Sink sink) {
  const Bits bits = LoadLittleEndian<Bits>(cursor);
  Float value;
  static_assert(sizeof(value) == sizeof(bits));
  std::memcpy(&value, &bits, sizeof(value));
  sink.Double(value);
  return cursor + sizeof(Float);
}

template <typename Sink>
void AppendUnsigned(uint64_t value, Sink sink) {
  if (value <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    sink.Int64(static_cast<int64_t>(value));
  } else {
    sink.Formatted(absl::StrCat(value));
  }
}

template <typename Sink>
void AppendBits(absl::string_view big_endian, Sink sink) {
  uint64_t value = 0;
  for (const char c : big_endian) {
    value = value << 8 | static_cast<unsigned char>(c);
  }
  AppendUnsigned(value, sink);
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

template <typename Sink>
void AppendCivil(const CivilTime& civil, Sink sink) {
  if (IsDay(civil)) return sink.Timestamp(MicrosOf(civil));
  char text[64];
  std::snprintf(text, sizeof(text), "%04d-%02d-%02d %02d:%02d:%02d", civil.year,
                civil.month, civil.day, civil.hour, civil.minute, civil.second);
  sink.Formatted(text);
}

// Trailing fields that are 0 are left out, as the length before them says.
template <typename Sink>
unsigned char* DecodeDate(MysqlColumn column, unsigned char* cursor,
                          Sink sink) {
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
    AppendCivil(civil, sink);
  } else {
    char text[40];
    std::snprintf(text, sizeof(text), "%04d-%02d-%02d", civil.year, civil.month,
                  civil.day);
    sink.Formatted(text);
  }
  return cursor + size;
}

template <typename Sink>
unsigned char* DecodeTime(unsigned char* cursor, Sink sink) {
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
  sink.Formatted(TrimFraction(text));
  return cursor + size;
}

template <typename Sink>
unsigned char* DecodeBinary(MysqlColumn column, unsigned char* cursor,
                            Sink sink) {
  switch (column) {
    case MysqlColumn::kInt8:
      return DecodeInteger<int8_t>(cursor, sink);
    case MysqlColumn::kUint8:
      return DecodeInteger<uint8_t>(cursor, sink);
    case MysqlColumn::kInt16:
      return DecodeInteger<int16_t>(cursor, sink);
    case MysqlColumn::kUint16:
      return DecodeInteger<uint16_t>(cursor, sink);
    case MysqlColumn::kInt32:
      return DecodeInteger<int32_t>(cursor, sink);
    case MysqlColumn::kUint32:
      return DecodeInteger<uint32_t>(cursor, sink);
    case MysqlColumn::kInt64:
      return DecodeInteger<int64_t>(cursor, sink);
    case MysqlColumn::kUint64:
      AppendUnsigned(LoadLittleEndian<uint64_t>(cursor), sink);
      return cursor + sizeof(uint64_t);
    case MysqlColumn::kFloat:
      return DecodeFloat<float, uint32_t>(cursor, sink);
    case MysqlColumn::kDouble:
      return DecodeFloat<double, uint64_t>(cursor, sink);
    case MysqlColumn::kBit:
      AppendBits(TakeString(&cursor), sink);
      return cursor;
    case MysqlColumn::kDate:
    case MysqlColumn::kTimestamp:
      return DecodeDate(column, cursor, sink);
    case MysqlColumn::kTime:
      return DecodeTime(cursor, sink);
    case MysqlColumn::kText:
      sink.Text(TakeString(&cursor));
      return cursor;
    case MysqlColumn::kBytes:
      sink.Bytes(TakeString(&cursor));
      return cursor;
  }
  return cursor;
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
  return DecodeBinary(column, cursor, ResultSetSink(rows));
}

unsigned char* DecodeMysqlBinary(MysqlColumn column, unsigned char* cursor,
                                 MysqlScratch* scratch, Value* value) {
  return DecodeBinary(column, cursor, ValueSink(scratch, value));
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
      return AppendBits(field, ResultSetSink(rows));
    case MysqlColumn::kTimestamp:
      if (ParseCivil(field, &civil)) {
        return AppendCivil(civil, ResultSetSink(rows));
      }
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
