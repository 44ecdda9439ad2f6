#include "opsbench/pipeline/internal/mysql_encoder.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/pipeline/value_text.h"

namespace opsbench::pipeline::internal {
namespace {

// Years 0000 to 9999.
constexpr int32_t kMinDay = -719'528;
constexpr int32_t kMaxDay = 2'932'896;
constexpr int64_t kUsPerDay = int64_t{86'400} * 1'000'000;

constexpr uint64_t kOnes = 0x0101010101010101;
constexpr uint64_t kHighBits = kOnes << 7;

// Whether one of the eight bytes of `word` is `c`.
constexpr bool HasByte(uint64_t word, char c) {
  const uint64_t zero = word ^ (kOnes * static_cast<unsigned char>(c));
  return ((zero - kOnes) & ~zero & kHighBits) != 0;
}

// What needs a backslash before it. In LOAD DATA's bytes those above 127 do as
// well: MySQL reads an escaped byte as it is, but refuses one that is not of
// the text's character set.
struct LoadTextEscapes {
  static bool Needs(char c) { return c == '\t' || c == '\n' || c == '\\'; }
  static bool Any(uint64_t word) {
    return HasByte(word, '\t') || HasByte(word, '\n') || HasByte(word, '\\');
  }
};
struct LoadBytesEscapes {
  static bool Needs(char c) {
    return LoadTextEscapes::Needs(c) || static_cast<unsigned char>(c) > 127;
  }
  static bool Any(uint64_t word) {
    return LoadTextEscapes::Any(word) || (word & kHighBits) != 0;
  }
};
struct LiteralEscapes {
  static bool Needs(char c) { return c == '\'' || c == '\\'; }
  static bool Any(uint64_t word) {
    return HasByte(word, '\'') || HasByte(word, '\\');
  }
};

template <typename Escapes>
void AppendEscaped(absl::string_view text, std::string* out) {
  const char* in = text.data();
  const char* const end = in + text.size();
  const char* plain = in;  // From here to `in` nothing needs an escape.
  while (in != end) {
    if (end - in >= 8) {
      uint64_t word;
      std::memcpy(&word, in, sizeof(word));
      if (!Escapes::Any(word)) {
        in += sizeof(word);
        continue;
      }
    }
    const char* const stop = in + std::min<ptrdiff_t>(8, end - in);
    for (; in != stop; ++in) {
      if (!Escapes::Needs(*in)) continue;
      out->append(plain, static_cast<size_t>(in - plain));
      out->push_back('\\');
      plain = in;
    }
  }
  out->append(plain, static_cast<size_t>(end - plain));
}

void AppendHexLiteral(absl::string_view bytes, std::string* out) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  const size_t old = out->size();
  out->resize(old + 2 * bytes.size() + 3);
  char* at = out->data() + old;
  *at++ = 'X';
  *at++ = '\'';
  for (const char c : bytes) {
    *at++ = kDigits[static_cast<unsigned char>(c) >> 4];
    *at++ = kDigits[static_cast<unsigned char>(c) & 15];
  }
  *at = '\'';
}

// The members of "enum('a','it''s')".
std::vector<std::string> MembersOf(absl::string_view type) {
  std::vector<std::string> members;
  bool inside = false;
  for (size_t i = 0; i < type.size(); ++i) {
    if (!inside) {
      if (type[i] == '\'') {
        inside = true;
        members.emplace_back();
      }
    } else if (type[i] != '\'') {
      members.back().push_back(type[i]);
    } else if (i + 1 < type.size() && type[i + 1] == '\'') {
      members.back().push_back('\'');
      ++i;
    } else {
      inside = false;
    }
  }
  return members;
}

bool IsInteger(TypeId id) {
  return id >= TypeId::kInt8 && id <= TypeId::kUInt64;
}

bool IsTimestamp(TypeId id) {
  return id == TypeId::kTimestamp || id == TypeId::kTimestampTz;
}

// The number of a column of integers or bools; above 2^63 - 1 it is 2^63 - 1.
int64_t SmallInteger(const Column& column, int64_t row) {
  switch (column.type().id) {
    case TypeId::kBool:
      return column.Bool(row) ? 1 : 0;
    case TypeId::kInt8:
      return column.Fixed<int8_t>(row);
    case TypeId::kInt16:
      return column.Fixed<int16_t>(row);
    case TypeId::kInt32:
      return column.Fixed<int32_t>(row);
    case TypeId::kInt64:
      return column.Fixed<int64_t>(row);
    case TypeId::kUInt8:
      return column.Fixed<uint8_t>(row);
    case TypeId::kUInt16:
      return column.Fixed<uint16_t>(row);
    case TypeId::kUInt32:
      return column.Fixed<uint32_t>(row);
    default:
      return static_cast<int64_t>(std::min<uint64_t>(
          column.Fixed<uint64_t>(row), std::numeric_limits<int64_t>::max()));
  }
}

absl::Status OutOfRange(absl::string_view what) {
  return absl::OutOfRangeError(what);
}

double FloatOf(const Column& column, int64_t row) {
  return column.type().id == TypeId::kFloat32 ? double{column.Fixed<float>(row)}
                                              : column.Fixed<double>(row);
}

// A value as MySQL's text, without quotes or escapes. REQUIRES: the type is
// none of text and bytes.
void AppendPlain(const Column& column, int64_t row, std::string* out) {
  switch (column.type().id) {
    case TypeId::kBool:
      return out->push_back(column.Bool(row) ? '1' : '0');
    case TypeId::kFloat32:
    case TypeId::kFloat64: {
      // A float as the double that it is: MySQL compares with the largest
      // float before it rounds.
      char text[32];
      const auto result =
          std::to_chars(text, text + sizeof(text), FloatOf(column, row));
      out->append(text, static_cast<size_t>(result.ptr - text));
      return;
    }
    case TypeId::kTimestampTz:
      // The session's time zone is UTC.
      return AppendTimestampText(column.Fixed<int64_t>(row), out);
    default:
      return AppendValueText(column, row, out);
  }
}

bool IsTextual(TypeId id) {
  return id == TypeId::kText || id == TypeId::kJson || id == TypeId::kBytes;
}

}  // namespace

bool MysqlEncoder::KindOf(const MysqlColumnInfo& column, Kind* kind) {
  static constexpr std::pair<absl::string_view, Kind> kKinds[] = {
      {"tinyint", Kind::kInteger},   {"smallint", Kind::kInteger},
      {"mediumint", Kind::kInteger}, {"int", Kind::kInteger},
      {"bigint", Kind::kInteger},    {"year", Kind::kYear},
      {"bit", Kind::kBit},           {"float", Kind::kFloat},
      {"double", Kind::kDouble},     {"decimal", Kind::kDecimal},
      {"char", Kind::kText},         {"varchar", Kind::kText},
      {"tinytext", Kind::kText},     {"text", Kind::kText},
      {"mediumtext", Kind::kText},   {"longtext", Kind::kText},
      {"inet4", Kind::kText},        {"inet6", Kind::kText},
      {"enum", Kind::kEnum},         {"set", Kind::kSet},
      {"json", Kind::kJson},         {"uuid", Kind::kUuid},
      {"binary", Kind::kFixedBytes}, {"varbinary", Kind::kBytes},
      {"tinyblob", Kind::kBytes},    {"blob", Kind::kBytes},
      {"mediumblob", Kind::kBytes},  {"longblob", Kind::kBytes},
      {"date", Kind::kDate},         {"time", Kind::kTime},
      {"datetime", Kind::kDatetime}, {"timestamp", Kind::kDatetime},
  };
  for (const auto& [name, found] : kKinds) {
    if (column.data_type != name) continue;
    *kind = found;
    return true;
  }
  return false;
}

bool MysqlEncoder::CanHold(const Target& target,
                           const MysqlColumnInfo& column) {
  const TypeId id = target.source.id;
  const bool integer = IsInteger(id) || id == TypeId::kBool;
  const int width = FixedWidth(id);
  switch (target.kind) {
    case Kind::kInteger:
    case Kind::kDecimal:
      return integer || id == TypeId::kDecimal || id == TypeId::kNumeric;
    case Kind::kYear:
    case Kind::kBit:
      return integer;
    case Kind::kFloat:
      return (integer && width <= 2) || id == TypeId::kFloat32;
    case Kind::kDouble:
      // FLOAT(M, D) and DOUBLE(M, D) round to D digits.
      return (integer && width <= 4) || id == TypeId::kFloat32 ||
             id == TypeId::kFloat64;
    case Kind::kText:
      return id != TypeId::kBytes &&
             (column.data_type.find("inet") != 0 || id == TypeId::kText);
    case Kind::kEnum:
    case Kind::kSet:
      return id == TypeId::kText;
    case Kind::kJson:
      return id == TypeId::kText || id == TypeId::kJson;
    case Kind::kUuid:
      return id == TypeId::kUuid;
    case Kind::kBytes:
    case Kind::kFixedBytes:
      return IsTextual(id);
    case Kind::kDate:
      return id == TypeId::kDate;
    case Kind::kTime:
      return id == TypeId::kTime || id == TypeId::kDuration;
    case Kind::kDatetime:
      return IsTimestamp(id) || id == TypeId::kDate;
  }
  return false;
}

absl::StatusOr<MysqlEncoder> MysqlEncoder::Make(const MysqlTable& table,
                                                const Schema& schema) {
  MysqlEncoder encoder;
  encoder.table_ = table.name;
  for (const Field& field : schema.fields) {
    const MysqlColumnInfo* const column = table.Find(field.name);
    if (column == nullptr) {
      return absl::NotFoundError(
          absl::StrCat(table.name.ToString(), " has no column ", field.name));
    }
    const auto refuse = [&](absl::string_view why) {
      return absl::InvalidArgumentError(absl::StrCat(
          table.name.ToString(), ", column ", column->name, ": ", why));
    };
    if (column->generated) return refuse("is generated, and takes no values");
    Target target;
    target.name = column->name;
    target.source = field.type;
    if (!KindOf(*column, &target.kind) || !CanHold(target, *column)) {
      return refuse(absl::StrCat(column->column_type, " cannot hold every ",
                                 TypeName(field.type)));
    }
    target.nullable = column->nullable;
    target.quoted = target.kind >= Kind::kText || target.kind == Kind::kFloat ||
                    target.kind == Kind::kDouble;
    target.chars =
        column->data_type == "varchar" || column->data_type == "char";
    // CHAR's spaces are none of the value's to begin with.
    target.max_size = column->data_type == "char" ? 0 : column->max_chars;
    target.scale = column->scale;
    for (int i = column->fraction_digits; i < 6; ++i) target.us_per_digit *= 10;
    if (target.kind == Kind::kEnum || target.kind == Kind::kSet) {
      target.members = MembersOf(column->column_type);
    }
    encoder.targets_.push_back(std::move(target));
  }
  return encoder;
}

absl::Status MysqlEncoder::Refuse(const absl::Status& status, size_t column,
                                  int64_t number) const {
  return ValueError(status.code(), table_, targets_[column].name, number,
                    status.message());
}

absl::Status MysqlEncoder::TooLong(int64_t number, size_t bytes,
                                   size_t max_bytes) const {
  return absl::OutOfRangeError(
      absl::StrCat(table_.ToString(), ", row ", number, ": its ", bytes,
                   " bytes are above the ", max_bytes,
                   " that the server's max_allowed_packet leaves; "
                   "load_method: load_data has no such limit"));
}

absl::Status MysqlEncoder::CheckMembers(const Target& target,
                                        absl::string_view text) {
  const auto refuse = [&] {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text.substr(0, 64),
                     "\" is not spelled as a value of the column's type"));
  };
  const auto index = [&](absl::string_view value) {
    return std::find(target.members.begin(), target.members.end(), value) -
           target.members.begin();
  };
  const auto end = static_cast<ptrdiff_t>(target.members.size());
  if (target.kind == Kind::kEnum) {
    return index(text) == end ? refuse() : absl::OkStatus();
  }
  if (text.empty()) return absl::OkStatus();
  ptrdiff_t last = -1;
  for (const absl::string_view value : absl::StrSplit(text, ',')) {
    const ptrdiff_t at = index(value);
    // MySQL brings them into the order of the type.
    if (at == end || at <= last) return refuse();
    last = at;
  }
  return absl::OkStatus();
}

absl::Status MysqlEncoder::CheckText(const Target& target,
                                     absl::string_view text) {
  switch (target.kind) {
    case Kind::kEnum:
    case Kind::kSet:
      return CheckMembers(target, text);
    case Kind::kFixedBytes:
      if (static_cast<int64_t>(text.size()) != target.max_size) {
        return OutOfRange(absl::StrCat(text.size(), " bytes do not fill ",
                                       "binary(", target.max_size, ")"));
      }
      return absl::OkStatus();
    case Kind::kText: {
      if (target.max_size == 0 || text.empty() || text.back() != ' ' ||
          static_cast<int64_t>(text.size()) <= target.max_size) {
        return absl::OkStatus();
      }
      const auto size =
          !target.chars
              ? static_cast<int64_t>(text.size())
              : std::count_if(text.begin(), text.end(), [](char c) {
                  return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
                });
      if (size <= target.max_size) return absl::OkStatus();
      return OutOfRange(absl::StrCat(
          "text of ", size, " is too long for the column's ", target.max_size));
    }
    default:
      return absl::OkStatus();
  }
}

absl::Status MysqlEncoder::CheckDecimal(const Target& target,
                                        const Column& column, int64_t row) {
  // It stands in statements as it is.
  if (target.source.id == TypeId::kNumeric) {
    OPSBENCH_RETURN_IF_ERROR(CheckNumeric(column.Text(row)));
  }
  if (target.kind == Kind::kText) return absl::OkStatus();
  std::string text;
  AppendValueText(column, row, &text);
  if (target.source.id == TypeId::kNumeric &&
      text.find_first_of("0123456789") == std::string::npos) {
    return OutOfRange(absl::StrCat("MySQL has no number ", text));
  }
  const size_t point = text.find('.');
  if (point == std::string::npos) return absl::OkStatus();
  const size_t last = text.find_last_not_of('0');
  if (last <= point + static_cast<size_t>(target.scale)) {
    return absl::OkStatus();
  }
  return OutOfRange(
      absl::StrCat(text, " has more digits behind its point than the column's ",
                   target.scale));
}

absl::Status MysqlEncoder::CheckTime(const Target& target, const Column& column,
                                     int64_t row) {
  int64_t us = 0;
  if (target.source.id == TypeId::kDate) {
    const int32_t day = column.Fixed<int32_t>(row);
    if (day < kMinDay || day > kMaxDay)
      us = std::numeric_limits<int64_t>::max();
  } else {
    us = column.Fixed<int64_t>(row);
  }
  if (target.source.id == TypeId::kDate || IsTimestamp(target.source.id)) {
    if (us < kMinDay * kUsPerDay || us >= (int64_t{kMaxDay} + 1) * kUsPerDay) {
      std::string text;
      AppendValueText(column, row, &text);
      return OutOfRange(absl::StrCat(text, ": MySQL's years are 0000 to 9999"));
    }
  }
  if (target.kind != Kind::kText && us % target.us_per_digit != 0) {
    return OutOfRange(
        "the column has fewer digits for the fraction of a second");
  }
  return absl::OkStatus();
}

absl::Status MysqlEncoder::Check(const Target& target, const Column& column,
                                 int64_t row) {
  switch (target.source.id) {
    case TypeId::kText:
    case TypeId::kJson:
    case TypeId::kBytes:
      return CheckText(target, column.Text(row));
    case TypeId::kFloat32:
    case TypeId::kFloat64:
      if (!std::isfinite(FloatOf(column, row))) {
        return OutOfRange("MySQL has no NaN and no infinity");
      }
      return absl::OkStatus();
    case TypeId::kDecimal:
    case TypeId::kNumeric:
      if (target.kind == Kind::kDecimal &&
          target.scale >= target.source.scale &&
          target.source.id == TypeId::kDecimal) {
        return absl::OkStatus();
      }
      return CheckDecimal(target, column, row);
    case TypeId::kDate:
    case TypeId::kTime:
    case TypeId::kDuration:
    case TypeId::kTimestamp:
    case TypeId::kTimestampTz:
      return CheckTime(target, column, row);
    case TypeId::kUuid:
      return absl::OkStatus();
    default:
      break;
  }
  if (target.kind == Kind::kYear) {
    const int64_t year = SmallInteger(column, row);
    if (year != 0 && (year < 1901 || year > 2155)) {
      return OutOfRange(
          absl::StrCat("the year ", year, " is none of 0 and 1901 to 2155"));
    }
  }
  return absl::OkStatus();
}

template <bool kSql>
absl::Status MysqlEncoder::AppendRow(const Batch& batch, int64_t row,
                                     int64_t number, std::string* out) const {
  for (size_t i = 0; i < targets_.size(); ++i) {
    const Target& target = targets_[i];
    const Column& column = batch.columns()[i];
    out->push_back(!kSql ? '\t' : i == 0 ? '(' : ',');
    // A line begins without a tab.
    if (!kSql && i == 0) out->pop_back();
    if (column.IsNull(row)) {
      if (!target.nullable) {
        return Refuse(absl::InvalidArgumentError("NULL in a NOT NULL column"),
                      i, number);
      }
      out->append(kSql ? "NULL" : "\\N");
      continue;
    }
    const absl::Status status = Check(target, column, row);
    if (!status.ok()) return Refuse(status, i, number);
    const bool bytes =
        target.kind == Kind::kBytes || target.kind == Kind::kFixedBytes;
    if (IsTextual(target.source.id)) {
      const absl::string_view text = column.Text(row);
      if (kSql && bytes) {
        AppendHexLiteral(text, out);
      } else if (kSql) {
        out->push_back('\'');
        AppendEscaped<LiteralEscapes>(text, out);
        out->push_back('\'');
      } else if (bytes) {
        AppendEscaped<LoadBytesEscapes>(text, out);
      } else {
        AppendEscaped<LoadTextEscapes>(text, out);
      }
      continue;
    }
    if (target.kind == Kind::kYear) {
      // As text of one digit 0 would be the year 2000.
      const std::string year =
          absl::StrCat(absl::Dec(SmallInteger(column, row), absl::kZeroPad4));
      out->append(year);
      continue;
    }
    const bool quoted = kSql && target.quoted;
    if (quoted) out->push_back('\'');
    AppendPlain(column, row, out);
    if (quoted) out->push_back('\'');
  }
  out->push_back(kSql ? ')' : '\n');
  return absl::OkStatus();
}

absl::Status MysqlEncoder::AppendTuple(const Batch& batch, int64_t row,
                                       int64_t number, std::string* out) const {
  return AppendRow<true>(batch, row, number, out);
}

absl::Status MysqlEncoder::AppendLine(const Batch& batch, int64_t row,
                                      int64_t number, std::string* out) const {
  return AppendRow<false>(batch, row, number, out);
}

absl::Status MysqlEncoder::FillValues(const Batch& batch, int64_t row,
                                      int64_t number,
                                      std::vector<std::string>* scratch,
                                      absl::Span<Value> values) const {
  scratch->resize(targets_.size());
  for (size_t i = 0; i < targets_.size(); ++i) {
    const Target& target = targets_[i];
    const Column& column = batch.columns()[i];
    if (column.IsNull(row)) {
      if (!target.nullable) {
        return Refuse(absl::InvalidArgumentError("NULL in a NOT NULL column"),
                      i, number);
      }
      values[i] = Value::Null();
      continue;
    }
    const absl::Status status = Check(target, column, row);
    if (!status.ok()) return Refuse(status, i, number);
    const TypeId id = target.source.id;
    if (IsTextual(id)) {
      const bool bytes =
          target.kind == Kind::kBytes || target.kind == Kind::kFixedBytes;
      values[i] = bytes ? Value::Bytes(column.Text(row))
                        : Value::Text(column.Text(row));
    } else if (target.kind == Kind::kDatetime && IsTimestamp(id)) {
      values[i] = Value::TimestampUs(column.Fixed<int64_t>(row));
    } else if (target.kind < Kind::kText &&
               (id == TypeId::kFloat32 || id == TypeId::kFloat64)) {
      values[i] = Value::Double(FloatOf(column, row));
    } else if (target.kind < Kind::kText && id != TypeId::kUInt64 &&
               (id == TypeId::kBool || IsInteger(id))) {
      values[i] = Value::Int64(SmallInteger(column, row));
    } else if (target.kind < Kind::kText && id == TypeId::kUInt64 &&
               column.Fixed<int64_t>(row) >= 0) {
      values[i] = Value::Int64(column.Fixed<int64_t>(row));
    } else {
      std::string& text = (*scratch)[i];
      text.clear();
      if (target.kind == Kind::kBit) {
        // A BIT column takes the bytes of a text for its bits.
        const auto bits = column.Fixed<uint64_t>(row);
        for (int shift = 56; shift >= 0; shift -= 8) {
          text.push_back(static_cast<char>(bits >> shift));
        }
        values[i] = Value::Bytes(text);
      } else {
        AppendPlain(column, row, &text);
        values[i] = Value::Text(text);
      }
    }
  }
  return absl::OkStatus();
}

std::string MysqlEncoder::LoadColumns() const {
  std::vector<std::string> columns, assignments;
  for (size_t i = 0; i < targets_.size(); ++i) {
    const std::string column = MysqlQuoted(targets_[i].name);
    if (targets_[i].kind == Kind::kBit) {
      const std::string variable = absl::StrCat("@opsbench_", i);
      columns.push_back(variable);
      assignments.push_back(
          absl::StrCat(column, " = CAST(", variable, " AS UNSIGNED)"));
    } else {
      columns.push_back(column);
    }
  }
  return absl::StrCat("(", absl::StrJoin(columns, ", "), ")",
                      assignments.empty() ? "" : " SET ",
                      absl::StrJoin(assignments, ", "));
}

}  // namespace opsbench::pipeline::internal
