#include "opsbench/pipeline/value_text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <type_traits>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/pipeline/internal/text_pieces.h"

namespace opsbench::pipeline {
namespace {

using internal::RefuseText;

constexpr char kHexDigits[] = "0123456789abcdef";
constexpr uint8_t kNoHex = 0xff;

constexpr std::array<uint8_t, 256> kHexValues = [] {
  std::array<uint8_t, 256> values = {};
  values.fill(kNoHex);
  for (uint8_t i = 0; i < 10; ++i) values[size_t{'0'} + i] = i;
  for (uint8_t i = 0; i < 6; ++i) {
    values[size_t{'a'} + i] = static_cast<uint8_t>(10 + i);
    values[size_t{'A'} + i] = static_cast<uint8_t>(10 + i);
  }
  return values;
}();

// The first number of one digit more than the index.
constexpr std::array<__int128, kMaxDecimalDigits + 1> kDecimalBounds = [] {
  std::array<__int128, kMaxDecimalDigits + 1> bounds = {};
  unsigned __int128 bound = 1;
  for (__int128& entry : bounds) {
    entry = static_cast<__int128>(bound);
    bound *= 10;
  }
  return bounds;
}();

template <typename T>
void AppendNumber(T value, std::string* out) {
  char text[32];
  const auto result = std::to_chars(text, text + sizeof(text), value);
  out->append(text, static_cast<size_t>(result.ptr - text));
}

template <typename T>
void AppendFloat(T value, std::string* out) {
  if (std::isfinite(value)) {
    AppendNumber(value, out);
  } else if (std::isnan(value)) {
    out->append("NaN");
  } else {
    out->append(value > 0 ? "Infinity" : "-Infinity");
  }
}

void AppendHex(const uint8_t* bytes, size_t size, char* out) {
  for (size_t i = 0; i < size; ++i) {
    out[2 * i] = kHexDigits[bytes[i] >> 4];
    out[2 * i + 1] = kHexDigits[bytes[i] & 15];
  }
}

void AppendBytesText(absl::string_view bytes, std::string* out) {
  const size_t old = out->size();
  out->resize(old + 2 + 2 * bytes.size());
  char* const at = out->data() + old;
  at[0] = '\\';
  at[1] = 'x';
  AppendHex(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(),
            at + 2);
}

void AppendUuidText(absl::string_view uuid, std::string* out) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(uuid.data());
  char text[36];
  char* at = text;
  size_t from = 0;
  for (const size_t size : {4, 2, 2, 2, 6}) {
    if (from > 0) *at++ = '-';
    AppendHex(bytes + from, size, at);
    at += 2 * size;
    from += size;
  }
  out->append(text, sizeof(text));
}

template <typename T>
absl::Status AppendParsedInteger(absl::string_view text, Column* column) {
  T value = 0;
  const char* const end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (result.ec == std::errc() && result.ptr == end) {
    column->AppendFixed(value);
    return absl::OkStatus();
  }
  // A number below 0 is a number, but none of an unsigned type.
  int64_t number = 0;
  const bool is_number =
      (result.ec == std::errc::result_out_of_range && result.ptr == end) ||
      (std::is_unsigned_v<T> && absl::StartsWith(text, "-") &&
       std::from_chars(text.data(), end, number).ptr == end);
  if (is_number) {
    return RefuseText(
        absl::StatusCode::kOutOfRange,
        absl::StrCat("beyond the range of ", TypeName(column->type())), text);
  }
  return RefuseText(absl::StatusCode::kInvalidArgument, "not an integer", text);
}

template <typename T>
bool TakeSpecialFloat(absl::string_view text, T* value) {
  if (absl::EqualsIgnoreCase(text, "nan")) {
    *value = std::numeric_limits<T>::quiet_NaN();
    return true;
  }
  const bool negative = absl::ConsumePrefix(&text, "-");
  if (!absl::EqualsIgnoreCase(text, "infinity") &&
      !absl::EqualsIgnoreCase(text, "inf")) {
    return false;
  }
  *value = std::numeric_limits<T>::infinity();
  if (negative) *value = -*value;
  return true;
}

template <typename T>
absl::Status AppendParsedFloat(absl::string_view text, Column* column) {
  T value = 0;
  const char* const end = text.data() + text.size();
  // Letters are decided here: the standard's parser knows more of them.
  const char last = text.empty() ? 'x' : text.back();
  if (internal::IsDigit(last) || last == '.') {
    const auto result = std::from_chars(text.data(), end, value);
    if (result.ec == std::errc() && result.ptr == end) {
      column->AppendFixed(value);
      return absl::OkStatus();
    }
    if (result.ec == std::errc::result_out_of_range && result.ptr == end) {
      return RefuseText(
          absl::StatusCode::kOutOfRange,
          absl::StrCat("beyond the range of ", TypeName(column->type())), text);
    }
  } else if (TakeSpecialFloat(text, &value)) {
    column->AppendFixed(value);
    return absl::OkStatus();
  }
  return RefuseText(absl::StatusCode::kInvalidArgument, "not a number", text);
}

absl::Status AppendParsedBool(absl::string_view text, Column* column) {
  if (text == "t" || text == "1" || text == "true") {
    column->AppendBool(true);
  } else if (text == "f" || text == "0" || text == "false") {
    column->AppendBool(false);
  } else {
    return RefuseText(absl::StatusCode::kInvalidArgument, "not a bool", text);
  }
  return absl::OkStatus();
}

absl::Status AppendParsedDecimal(absl::string_view text, Column* column) {
  const Type& type = column->type();
  OPSBENCH_ASSIGN_OR_RETURN(const absl::int128 value,
                            ParseDecimal(text, type.scale));
  const __int128 bound = kDecimalBounds[static_cast<size_t>(type.precision)];
  const auto number = static_cast<__int128>(value);
  if (number >= bound || number <= -bound) {
    return RefuseText(absl::StatusCode::kOutOfRange,
                      absl::StrCat("beyond the range of ", TypeName(type)),
                      text);
  }
  column->AppendFixed(value);
  return absl::OkStatus();
}

absl::Status AppendParsedNumeric(absl::string_view text, Column* column) {
  if (internal::IsCanonicalNumeric(text)) {
    column->AppendText(text);
    return absl::OkStatus();
  }
  OPSBENCH_ASSIGN_OR_RETURN(const std::string numeric, CanonicalNumeric(text));
  column->AppendText(numeric);
  return absl::OkStatus();
}

// REQUIRES: digits.size() is even. False when one is no hexadecimal digit.
bool TakeHex(absl::string_view digits, uint8_t* out) {
  uint8_t seen = 0;
  for (size_t i = 0; i < digits.size(); i += 2) {
    const uint8_t high = kHexValues[static_cast<uint8_t>(digits[i])];
    const uint8_t low = kHexValues[static_cast<uint8_t>(digits[i + 1])];
    seen |= high | low;
    *out++ = static_cast<uint8_t>((high << 4) | (low & 15));
  }
  return (seen & 0xf0) == 0;
}

bool AreHexDigits(absl::string_view digits) {
  uint8_t seen = 0;
  for (const char c : digits) seen |= kHexValues[static_cast<uint8_t>(c)];
  return (seen & 0xf0) == 0;
}

absl::Status AppendParsedBytes(absl::string_view text, Column* column) {
  if (text.empty()) {
    column->AppendText("");
    return absl::OkStatus();
  }
  if (text.size() % 2 != 0 || !absl::StartsWith(text, "\\x") ||
      !AreHexDigits(text.substr(2))) {
    return RefuseText(absl::StatusCode::kInvalidArgument,
                      "not bytes as \\x and hexadecimal digits", text);
  }
  text.remove_prefix(2);
  TakeHex(text, column->AppendSpace(text.size() / 2));
  return absl::OkStatus();
}

absl::Status AppendParsedUuid(absl::string_view text, Column* column) {
  uint8_t uuid[16];
  bool fine = false;
  if (text.size() == 32) {
    fine = TakeHex(text, uuid);
  } else if (text.size() == 36 && text[8] == '-' && text[13] == '-' &&
             text[18] == '-' && text[23] == '-') {
    fine = TakeHex(text.substr(0, 8), uuid) &&
           TakeHex(text.substr(9, 4), uuid + 4) &&
           TakeHex(text.substr(14, 4), uuid + 6) &&
           TakeHex(text.substr(19, 4), uuid + 8) &&
           TakeHex(text.substr(24, 12), uuid + 10);
  }
  if (!fine) {
    return RefuseText(absl::StatusCode::kInvalidArgument, "not a uuid", text);
  }
  column->AppendText({reinterpret_cast<const char*>(uuid), sizeof(uuid)});
  return absl::OkStatus();
}

absl::Status AppendParsedText(absl::string_view text, Column* column) {
  if (!IsUtf8(text)) {
    return RefuseText(absl::StatusCode::kInvalidArgument, "not UTF-8", text);
  }
  column->AppendText(text);
  return absl::OkStatus();
}

template <typename T>
absl::Status AppendParsed(const absl::StatusOr<T>& value, Column* column) {
  if (!value.ok()) return value.status();
  column->AppendFixed(*value);
  return absl::OkStatus();
}

}  // namespace

namespace internal {

absl::Status RefuseText(absl::StatusCode code, absl::string_view what,
                        absl::string_view text) {
  constexpr size_t kShownBytes = 64;
  const absl::string_view shown = text.substr(0, kShownBytes);
  return {code, absl::StrCat(what, ": \"",
                             IsUtf8(text) && shown.size() == text.size()
                                 ? absl::Utf8SafeCHexEscape(shown)
                                 : absl::CHexEscape(shown),
                             text.size() > kShownBytes ? "\"…" : "\"")};
}

}  // namespace internal

void AppendValueText(const Column& column, int64_t row, std::string* out) {
  switch (column.type().id) {
    case TypeId::kBool:
      return out->push_back(column.Bool(row) ? 't' : 'f');
    case TypeId::kInt8:
      return AppendNumber(column.Fixed<int8_t>(row), out);
    case TypeId::kInt16:
      return AppendNumber(column.Fixed<int16_t>(row), out);
    case TypeId::kInt32:
      return AppendNumber(column.Fixed<int32_t>(row), out);
    case TypeId::kInt64:
      return AppendNumber(column.Fixed<int64_t>(row), out);
    case TypeId::kUInt8:
      return AppendNumber(column.Fixed<uint8_t>(row), out);
    case TypeId::kUInt16:
      return AppendNumber(column.Fixed<uint16_t>(row), out);
    case TypeId::kUInt32:
      return AppendNumber(column.Fixed<uint32_t>(row), out);
    case TypeId::kUInt64:
      return AppendNumber(column.Fixed<uint64_t>(row), out);
    case TypeId::kFloat32:
      return AppendFloat(column.Fixed<float>(row), out);
    case TypeId::kFloat64:
      return AppendFloat(column.Fixed<double>(row), out);
    case TypeId::kDecimal:
      return AppendDecimalText(column.Fixed<absl::int128>(row),
                               column.type().scale, out);
    case TypeId::kNumeric:
    case TypeId::kText:
    case TypeId::kJson: {
      const absl::string_view text = column.Text(row);
      out->append(text.data(), text.size());
      return;
    }
    case TypeId::kBytes:
      return AppendBytesText(column.Text(row), out);
    case TypeId::kDate:
      return AppendDateText(column.Fixed<int32_t>(row), out);
    case TypeId::kTime:
    case TypeId::kDuration:
      return AppendTimeText(column.Fixed<int64_t>(row), out);
    case TypeId::kTimestamp:
      return AppendTimestampText(column.Fixed<int64_t>(row), out);
    case TypeId::kTimestampTz:
      return AppendTimestampTzText(column.Fixed<int64_t>(row), out);
    case TypeId::kUuid:
      return AppendUuidText(column.Text(row), out);
  }
}

absl::Status AppendParsedValue(absl::string_view text, Column* column) {
  switch (column->type().id) {
    case TypeId::kBool:
      return AppendParsedBool(text, column);
    case TypeId::kInt8:
      return AppendParsedInteger<int8_t>(text, column);
    case TypeId::kInt16:
      return AppendParsedInteger<int16_t>(text, column);
    case TypeId::kInt32:
      return AppendParsedInteger<int32_t>(text, column);
    case TypeId::kInt64:
      return AppendParsedInteger<int64_t>(text, column);
    case TypeId::kUInt8:
      return AppendParsedInteger<uint8_t>(text, column);
    case TypeId::kUInt16:
      return AppendParsedInteger<uint16_t>(text, column);
    case TypeId::kUInt32:
      return AppendParsedInteger<uint32_t>(text, column);
    case TypeId::kUInt64:
      return AppendParsedInteger<uint64_t>(text, column);
    case TypeId::kFloat32:
      return AppendParsedFloat<float>(text, column);
    case TypeId::kFloat64:
      return AppendParsedFloat<double>(text, column);
    case TypeId::kDecimal:
      return AppendParsedDecimal(text, column);
    case TypeId::kNumeric:
      return AppendParsedNumeric(text, column);
    case TypeId::kText:
    case TypeId::kJson:
      return AppendParsedText(text, column);
    case TypeId::kBytes:
      return AppendParsedBytes(text, column);
    case TypeId::kDate:
      return AppendParsed(ParseDate(text), column);
    case TypeId::kTime:
      return AppendParsed(ParseTime(text), column);
    case TypeId::kDuration:
      return AppendParsed(ParseDuration(text), column);
    case TypeId::kTimestamp:
      return AppendParsed(ParseTimestamp(text), column);
    case TypeId::kTimestampTz:
      return AppendParsed(ParseTimestampTz(text), column);
    case TypeId::kUuid:
      return AppendParsedUuid(text, column);
  }
  return absl::InternalError("a type that nothing parses");
}

}  // namespace opsbench::pipeline
