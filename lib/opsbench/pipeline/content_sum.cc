#include "opsbench/pipeline/content_sum.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/numeric/int128.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"
#include "opsbench/base/random.h"
#include "opsbench/pipeline/value_text.h"

namespace opsbench::pipeline {
namespace {

constexpr int64_t kDayUs = int64_t{86'400} * 1'000'000;

// Tags keep values of one kind apart from those of another.
enum Tag : uint64_t { kNull = 1, kWhole, kDigits, kBytes, kUs, kBroken };

uint64_t HashNumber(Tag tag, int64_t value) {
  return Mix64(Mix64(tag) + static_cast<uint64_t>(value));
}

uint64_t HashBytes(Tag tag, absl::string_view bytes) {
  uint64_t hash = Mix64(tag + (bytes.size() << 8));
  while (bytes.size() >= 8) {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data(), 8);
    hash = Mix64(hash ^ word) + 0x9e3779b97f4a7c15ULL;
    bytes.remove_prefix(8);
  }
  uint64_t word = 0;
  // A column of empty texts alone has no memory, which memcpy wants.
  if (!bytes.empty()) std::memcpy(&word, bytes.data(), bytes.size());
  return Mix64(hash ^ word);
}

// 0.<digits> times 10^point, of either sign, whatever zeros the digits begin
// and end with.
uint64_t HashDecimal(bool negative, absl::string_view digits,
                     absl::int128 point) {
  while (!digits.empty() && digits.front() == '0') {
    digits.remove_prefix(1);
    --point;
  }
  while (!digits.empty() && digits.back() == '0') digits.remove_suffix(1);
  if (digits.empty()) return HashNumber(kWhole, 0);
  const absl::int128 zeros = point - static_cast<int64_t>(digits.size());
  if (zeros >= 0 && point <= 19) {
    absl::uint128 value = 0;
    for (const char digit : digits) value = value * 10 + (digit - '0');
    for (int64_t i = 0; i < zeros; ++i) value *= 10;
    const absl::uint128 limit = uint64_t{1} << 63;
    if (value < limit || (negative && value == limit)) {
      const uint64_t bits = absl::Uint128Low64(value);
      return HashNumber(kWhole,
                        static_cast<int64_t>(negative ? 0 - bits : bits));
    }
  }
  std::string text = absl::StrCat(negative ? "-" : "", digits, "e");
  AppendDecimalText(point, 0, &text);
  return HashBytes(kDigits, text);
}

// "-12.50", "1.5e+20", "NaN".
uint64_t HashNumberText(absl::string_view text) {
  const absl::string_view whole = text;
  const bool negative = !text.empty() && text[0] == '-';
  if (negative) text.remove_prefix(1);
  std::string digits;
  int64_t point = -1;
  size_t i = 0;
  for (; i < text.size(); ++i) {
    if (text[i] >= '0' && text[i] <= '9') {
      digits.push_back(text[i]);
    } else if (text[i] == '.') {
      point = static_cast<int64_t>(digits.size());
    } else {
      break;
    }
  }
  if (point < 0) point = static_cast<int64_t>(digits.size());
  if (digits.empty()) return HashBytes(kDigits, whole);
  int64_t exponent = 0;
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    absl::string_view rest = text.substr(i + 1);
    if (!rest.empty() && rest[0] == '+') rest.remove_prefix(1);
    if (!absl::SimpleAtoi(rest, &exponent)) return HashBytes(kDigits, whole);
  } else if (i < text.size()) {
    return HashBytes(kDigits, whole);
  }
  // The sum of two numbers of 64 bits has more.
  return HashDecimal(negative, digits, absl::int128(point) + exponent);
}

uint64_t HashFloat(double value) {
  if (std::isnan(value)) return HashBytes(kDigits, "NaN");
  if (std::isinf(value)) {
    return HashBytes(kDigits, value < 0 ? "-Infinity" : "Infinity");
  }
  if (std::abs(value) < 9e18 && value == std::floor(value)) {
    return HashNumber(kWhole, static_cast<int64_t>(value));
  }
  char text[40];
  const auto end = std::to_chars(text, text + sizeof(text), value,
                                 std::chars_format::scientific);
  return HashNumberText({text, static_cast<size_t>(end.ptr - text)});
}

uint64_t HashDecimalValue(absl::int128 value, int scale) {
  while (scale > 0 && value % 10 == 0) {
    value /= 10;
    --scale;
  }
  if (scale == 0 && value >= std::numeric_limits<int64_t>::min() &&
      value <= std::numeric_limits<int64_t>::max()) {
    return HashNumber(kWhole, static_cast<int64_t>(value));
  }
  std::string text;
  AppendDecimalText(value, scale, &text);
  return HashNumberText(text);
}

uint64_t HashNumberValue(const Column& column, int64_t row) {
  switch (column.type().id) {
    case TypeId::kBool:
      return HashNumber(kWhole, column.Bool(row) ? 1 : 0);
    case TypeId::kInt8:
      return HashNumber(kWhole, column.Fixed<int8_t>(row));
    case TypeId::kInt16:
      return HashNumber(kWhole, column.Fixed<int16_t>(row));
    case TypeId::kInt32:
      return HashNumber(kWhole, column.Fixed<int32_t>(row));
    case TypeId::kInt64:
      return HashNumber(kWhole, column.Fixed<int64_t>(row));
    case TypeId::kUInt8:
      return HashNumber(kWhole, column.Fixed<uint8_t>(row));
    case TypeId::kUInt16:
      return HashNumber(kWhole, column.Fixed<uint16_t>(row));
    case TypeId::kUInt32:
      return HashNumber(kWhole, column.Fixed<uint32_t>(row));
    case TypeId::kUInt64:
      return HashDecimalValue(absl::int128(column.Fixed<uint64_t>(row)), 0);
    case TypeId::kFloat32:
      return HashFloat(static_cast<double>(column.Fixed<float>(row)));
    case TypeId::kFloat64:
      return HashFloat(column.Fixed<double>(row));
    case TypeId::kDecimal:
      return HashDecimalValue(column.Fixed<absl::int128>(row),
                              column.type().scale);
    default:
      return HashNumberText(column.Text(row));
  }
}

uint64_t HashInstant(const Column& column, int64_t row) {
  if (column.type().id != TypeId::kDate) {
    return HashNumber(kUs, column.Fixed<int64_t>(row));
  }
  const int32_t days = column.Fixed<int32_t>(row);
  if (days == std::numeric_limits<int32_t>::min()) {
    return HashNumber(kUs, std::numeric_limits<int64_t>::min());
  }
  if (days == std::numeric_limits<int32_t>::max()) {
    return HashNumber(kUs, std::numeric_limits<int64_t>::max());
  }
  return HashNumber(kUs, days * kDayUs);
}

uint64_t HashJson(absl::string_view text) {
  const auto parsed = nlohmann::json::parse(text, nullptr, false);
  if (parsed.is_discarded()) return HashBytes(kBroken, text);
  return HashBytes(
      kBytes,
      parsed.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

ContentForm FormOf(TypeId id) {
  switch (id) {
    case TypeId::kText:
    case TypeId::kBytes:
      return ContentForm::kText;
    case TypeId::kJson:
      return ContentForm::kJson;
    case TypeId::kUuid:
      return ContentForm::kUuid;
    case TypeId::kDate:
    case TypeId::kTimestamp:
    case TypeId::kTimestampTz:
      return ContentForm::kInstant;
    case TypeId::kTime:
    case TypeId::kDuration:
      return ContentForm::kTime;
    default:
      return ContentForm::kNumber;
  }
}

}  // namespace

absl::StatusOr<ContentForm> CommonForm(const Type& a, const Type& b) {
  const ContentForm form_a = FormOf(a.id);
  const ContentForm form_b = FormOf(b.id);
  if (form_a == form_b) return form_a;
  // Text may hold any other type's values, bytes a uuid's as well.
  if (form_a == ContentForm::kText) return form_b;
  if (form_b == ContentForm::kText) return form_a;
  return absl::InvalidArgumentError(
      absl::StrCat(TypeName(a), " and ", TypeName(b), " cannot be compared"));
}

uint64_t HashValue(ContentForm form, const Column& column, int64_t row) {
  switch (form) {
    case ContentForm::kNumber:
      return HashNumberValue(column, row);
    case ContentForm::kInstant:
      return HashInstant(column, row);
    case ContentForm::kTime:
      return HashNumber(kUs, column.Fixed<int64_t>(row));
    case ContentForm::kJson:
      return HashJson(column.Text(row));
    case ContentForm::kText:
    case ContentForm::kUuid:
      return HashBytes(kBytes, column.Text(row));
  }
  return 0;
}

ContentSum::ContentSum(std::vector<ContentForm> forms, std::vector<Type> others)
    : forms_(std::move(forms)),
      others_(std::move(others)),
      columns_(forms_.size()) {}

void ContentSum::AddColumn(size_t index, const Column& column) {
  const ContentForm form = forms_[index];
  // What this side keeps as text is read as what the other side has.
  const TypeId id = column.type().id;
  const bool parse = FormOf(id) == ContentForm::kText &&
                     form != ContentForm::kText && form != ContentForm::kJson &&
                     !(id == TypeId::kBytes && form == ContentForm::kUuid);
  Column parsed(parse ? others_[index] : column.type());
  ColumnSum& sum = columns_[index];
  for (int64_t row = 0; row < column.size(); ++row) {
    uint64_t hash = 0;
    if (column.IsNull(row)) {
      ++sum.nulls;
      hash = Mix64(kNull);
    } else if (!parse) {
      hash = HashValue(form, column, row);
    } else if (const absl::string_view text = column.Text(row);
               !text.empty() && AppendParsedValue(text, &parsed).ok()) {
      hash = HashValue(form, parsed, 0);
      parsed.Clear();
    } else {
      hash = HashBytes(kBroken, text);
    }
    sum.sum += hash;
    uint64_t& row_hash = row_hashes_[static_cast<size_t>(row)];
    row_hash = Mix64(row_hash + hash);
  }
}

void ContentSum::Add(const Batch& batch) {
  row_hashes_.assign(static_cast<size_t>(batch.rows()), 0);
  for (size_t i = 0; i < columns_.size(); ++i) {
    AddColumn(i, batch.columns()[i]);
  }
  for (const uint64_t hash : row_hashes_) row_sum_ += Mix64(hash);
  rows_ += batch.rows();
}

}  // namespace opsbench::pipeline
