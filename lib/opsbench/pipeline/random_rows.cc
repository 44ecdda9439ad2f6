#include "opsbench/pipeline/random_rows.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "opsbench/pipeline/internal/text_pieces.h"
#include "opsbench/pipeline/value_text.h"

namespace opsbench::pipeline {
namespace {

constexpr int64_t kDayUs = int64_t{86'400} * 1'000'000;

// How often a value is one of those that break things.
constexpr double kEdgeShare = 0.25;

template <typename T, size_t kSize>
T OneOf(const std::array<T, kSize>& values, Random* random) {
  return values[random->Below(kSize)];
}

// Numbers of all lengths, not only those near the ends.
template <typename T>
T RandomInteger(Random* random) {
  using Limits = std::numeric_limits<T>;
  if (random->Bernoulli(kEdgeShare)) {
    return OneOf(
        std::array<T, 7>{Limits::min(), Limits::max(), 0, 1, static_cast<T>(-1),
                         static_cast<T>(Limits::min() + 1),
                         static_cast<T>(Limits::max() - 1)},
        random);
  }
  const auto bits = static_cast<T>(random->Next());
  return static_cast<T>(bits >> random->Below(sizeof(T) * 8));
}

template <typename T>
T RandomFloat(const RandomRowsOptions& options, Random* random) {
  using Limits = std::numeric_limits<T>;
  using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
  T value = 0;
  if (options.infinities && random->Bernoulli(kEdgeShare / 2)) {
    value = OneOf(std::array<T, 3>{Limits::infinity(), -Limits::infinity(),
                                   Limits::quiet_NaN()},
                  random);
  } else if (random->Bernoulli(kEdgeShare)) {
    value = OneOf(
        std::array<T, 8>{0, -T{0}, Limits::max(), Limits::lowest(),
                         Limits::min(), Limits::denorm_min(), T{1} / 3, 1},
        random);
  } else if (random->Bernoulli(0.5)) {
    value = static_cast<T>(random->Between(-1'000'000, 1'000'000)) / 64;
  } else {
    value = std::bit_cast<T>(static_cast<Bits>(random->Next()));
    if (!std::isfinite(value)) value = Limits::epsilon();
  }
  return value == 0 && !options.negative_zero ? T{0} : value;
}

absl::int128 RandomDecimal(int precision, Random* random) {
  absl::int128 bound = 1;  // At most 10^38.
  const auto digits = static_cast<uint64_t>(precision);
  const uint64_t length =
      random->Bernoulli(kEdgeShare) ? digits : 1 + random->Below(digits);
  for (uint64_t i = 0; i < length; ++i) bound *= 10;
  switch (random->Below(8)) {
    case 0:
      return 0;
    case 1:
      return bound - 1;
    case 2:
      return 1 - bound;
    default:
      return absl::MakeInt128(static_cast<int64_t>(random->Next()),
                              random->Next()) %
             bound;
  }
}

std::string RandomNumeric(const RandomRowsOptions& options, Random* random) {
  if (options.infinities && random->Bernoulli(kEdgeShare / 2)) {
    return OneOf(std::array<const char*, 3>{"NaN", "Infinity", "-Infinity"},
                 random);
  }
  const bool is_short = random->Bernoulli(0.7);
  const int most = std::max(1, options.max_numeric_digits);
  const auto digits = static_cast<size_t>(
      random->Between(1, is_short ? std::min(most, 18) : most));
  const auto scale = static_cast<size_t>(
      random->Between(0, std::min<int64_t>(static_cast<int64_t>(digits),
                                           options.max_numeric_scale)));
  std::string text;
  const bool zero = random->Bernoulli(0.05);
  for (size_t i = 0; i < digits; ++i) {
    text.push_back(zero ? '0' : static_cast<char>('0' + random->Below(10)));
  }
  if (scale > 0) text.insert(digits - scale, 1, '.');
  if (random->Bernoulli(0.5)) text.insert(0, 1, '-');
  // Without leading zeros and "-0".
  return CanonicalNumeric(text).value_or("0");
}

void AppendUtf8(uint32_t point, std::string* out) {
  const auto put = [out](uint32_t byte) {
    out->push_back(static_cast<char>(byte));
  };
  if (point < 0x80) return put(point);
  if (point < 0x800) {
    put(0xc0 | (point >> 6));
  } else {
    if (point < 0x10000) {
      put(0xe0 | (point >> 12));
    } else {
      put(0xf0 | (point >> 18));
      put(0x80 | ((point >> 12) & 63));
    }
    put(0x80 | ((point >> 6) & 63));
  }
  put(0x80 | (point & 63));
}

void AppendRandomCharacter(const RandomRowsOptions& options, Random* random,
                           std::string* out) {
  constexpr absl::string_view kTroublesome = "'\"\\`,;%_$\t\n\r\v\b\x1a\x7f";
  switch (random->Below(6)) {
    case 0:
      return out->push_back(kTroublesome[random->Below(kTroublesome.size())]);
    case 1:
      return out->push_back(static_cast<char>(
          options.nul_in_text ? random->Below(32) : 1 + random->Below(31)));
    case 2: {
      const uint64_t point = random->Below(0x110000 - 0x800);
      // Surrogates are no characters.
      return AppendUtf8(
          static_cast<uint32_t>(point < 0xd800 ? point + (point == 0 ? 1 : 0)
                                               : point + 0x800),
          out);
    }
    case 3:
      return AppendUtf8(
          OneOf(std::array<uint32_t, 8>{0x80, 0x7ff, 0x800, 0xffff, 0x10000,
                                        0x10ffff, 0x1f600, 0xfeff},
                random),
          out);
    default:
      return out->push_back(static_cast<char>(' ' + random->Below(95)));
  }
}

// `most` bytes at most.
std::string RandomText(const RandomRowsOptions& options, size_t most,
                       Random* random) {
  if (random->Bernoulli(kEdgeShare)) {
    constexpr std::array<absl::string_view, 12> kTexts = {
        "",   "\\N", "NULL", "\\.",  " ",    "  both ends  ",
        "\\", "\n",  "''",   "\"\"", "\t\t", "0"};
    const absl::string_view text = OneOf(kTexts, random);
    if (text.size() <= most) return std::string(text);
  }
  const uint64_t bytes = random->Below(8) == 0
                             ? most
                             : random->Below(std::min(most, size_t{40}) + 1);
  std::string text;
  while (text.size() + 4 <= bytes) {
    AppendRandomCharacter(options, random, &text);
  }
  while (text.size() < bytes) text.push_back('z');
  return text;
}

void AppendJsonString(absl::string_view text, std::string* out) {
  out->push_back('"');
  for (const char c : text) {
    constexpr absl::string_view kPlain = "\"\\\b\f\n\r\t";
    constexpr absl::string_view kEscaped = "\"\\bfnrt";
    const size_t at = kPlain.find(c);
    if (at != absl::string_view::npos) {
      out->push_back('\\');
      out->push_back(kEscaped[at]);
    } else if (static_cast<uint8_t>(c) < 0x20) {
      absl::StrAppend(out, "\\u",
                      absl::Hex(static_cast<int>(c), absl::kZeroPad4));
    } else {
      out->push_back(c);
    }
  }
  out->push_back('"');
}

void AppendRandomJson(const RandomRowsOptions& options, int depth,
                      Random* random, std::string* out) {
  const uint64_t kind = random->Below(depth > 0 ? 7 : 5);
  switch (kind) {
    case 0:
      out->append("null");
      return;
    case 1:
      out->append(random->Bernoulli(0.5) ? "true" : "false");
      return;
    case 2:
      absl::StrAppend(out, RandomInteger<int32_t>(random));
      return;
    case 3:
    case 4: {
      RandomRowsOptions inner = options;
      inner.nul_in_text = false;  // No engine's JSON takes it.
      return AppendJsonString(RandomText(inner, 30, random), out);
    }
    default:
      break;
  }
  const bool object = kind == 5;
  const uint64_t members = random->Below(4);
  out->push_back(object ? '{' : '[');
  std::string key;
  for (uint64_t i = 0; i < members; ++i) {
    if (i > 0) out->append(", ");
    if (object) {
      key.push_back(static_cast<char>('a' + random->Below(26)));
      AppendJsonString(key, out);
      out->append(": ");
    }
    AppendRandomJson(options, depth - 1, random, out);
  }
  out->push_back(object ? '}' : ']');
}

std::string RandomBytes(size_t most, Random* random) {
  const uint64_t size = random->Below(4) == 0
                            ? random->Below(most + 1)
                            : random->Below(std::min(most, size_t{40}) + 1);
  const bool same = random->Bernoulli(kEdgeShare);
  const auto fill = static_cast<char>(random->Next());
  std::string bytes(size, fill);
  if (!same) {
    for (char& byte : bytes) byte = static_cast<char>(random->Next());
  }
  return bytes;
}

struct DayRange {
  int64_t first;
  int64_t last;
};

DayRange Days(const RandomRowsOptions& options) {
  return {internal::DaysFromCivil({options.min_year, 1, 1}),
          internal::DaysFromCivil({options.max_year, 12, 31})};
}

int32_t RandomDate(const RandomRowsOptions& options, Random* random) {
  if (options.infinities && random->Bernoulli(kEdgeShare / 4)) {
    return random->Bernoulli(0.5) ? std::numeric_limits<int32_t>::min()
                                  : std::numeric_limits<int32_t>::max();
  }
  const DayRange range = Days(options);
  int64_t days = random->Between(range.first, range.last);
  if (random->Bernoulli(kEdgeShare)) {
    // Among them 1970, the leap day of 2000 and the day before 2000-01-01.
    days = OneOf(
        std::array<int64_t, 6>{range.first, range.last, 0, -1, 11'016, 10'956},
        random);
    days = std::clamp(days, range.first, range.last);
  }
  return static_cast<int32_t>(days);
}

int64_t RandomTime(Random* random) {
  if (random->Bernoulli(kEdgeShare)) {
    return OneOf(std::array<int64_t, 4>{0, 1, kDayUs - 1, kDayUs / 2}, random);
  }
  // Fractions of all lengths.
  const auto unit = OneOf(std::array<int64_t, 3>{1, 1'000, 1'000'000}, random);
  return random->Between(0, kDayUs / unit - 1) * unit;
}

int64_t RandomTimestamp(const RandomRowsOptions& options, Random* random) {
  if (options.infinities && random->Bernoulli(kEdgeShare / 4)) {
    return random->Bernoulli(0.5) ? std::numeric_limits<int64_t>::min()
                                  : std::numeric_limits<int64_t>::max();
  }
  RandomRowsOptions finite = options;
  finite.infinities = false;
  // 64 bits end within the year 294247, and as far before 1970.
  constexpr int64_t kMostDays =
      std::numeric_limits<int64_t>::max() / kDayUs - 1;
  const int64_t days =
      std::clamp<int64_t>(RandomDate(finite, random), -kMostDays, kMostDays);
  return days * kDayUs + RandomTime(random);
}

int64_t RandomDuration(const RandomRowsOptions& options, Random* random) {
  const int64_t most =
      (int64_t{options.max_duration_hours} * 3'600 + 3'599) * 1'000'000;
  int64_t value = random->Between(-most, most);
  if (random->Bernoulli(kEdgeShare)) {
    value = OneOf(std::array<int64_t, 5>{most, -most, 0, 1, -1}, random);
  }
  return value;
}

void AppendRandomValue(const RandomRowsOptions& options, Random* random,
                       Column* column) {
  const auto most = static_cast<size_t>(std::max(0, options.max_text_bytes));
  switch (column->type().id) {
    case TypeId::kBool:
      return column->AppendBool(random->Bernoulli(0.5));
    case TypeId::kInt8:
      return column->AppendFixed(RandomInteger<int8_t>(random));
    case TypeId::kInt16:
      return column->AppendFixed(RandomInteger<int16_t>(random));
    case TypeId::kInt32:
      return column->AppendFixed(RandomInteger<int32_t>(random));
    case TypeId::kInt64:
      return column->AppendFixed(RandomInteger<int64_t>(random));
    case TypeId::kUInt8:
      return column->AppendFixed(RandomInteger<uint8_t>(random));
    case TypeId::kUInt16:
      return column->AppendFixed(RandomInteger<uint16_t>(random));
    case TypeId::kUInt32:
      return column->AppendFixed(RandomInteger<uint32_t>(random));
    case TypeId::kUInt64:
      return column->AppendFixed(RandomInteger<uint64_t>(random));
    case TypeId::kFloat32:
      return column->AppendFixed(RandomFloat<float>(options, random));
    case TypeId::kFloat64:
      return column->AppendFixed(RandomFloat<double>(options, random));
    case TypeId::kDecimal:
      return column->AppendFixed(
          RandomDecimal(column->type().precision, random));
    case TypeId::kNumeric:
      return column->AppendText(RandomNumeric(options, random));
    case TypeId::kText:
      return column->AppendText(RandomText(options, most, random));
    case TypeId::kBytes:
      return column->AppendText(RandomBytes(most, random));
    case TypeId::kDate:
      return column->AppendFixed(RandomDate(options, random));
    case TypeId::kTime:
      return column->AppendFixed(RandomTime(random));
    case TypeId::kDuration:
      return column->AppendFixed(RandomDuration(options, random));
    case TypeId::kTimestamp:
    case TypeId::kTimestampTz:
      return column->AppendFixed(RandomTimestamp(options, random));
    case TypeId::kUuid: {
      const std::array<uint64_t, 2> bits = {random->Next(), random->Next()};
      return column->AppendText(
          {reinterpret_cast<const char*>(bits.data()), sizeof(bits)});
    }
    case TypeId::kJson: {
      std::string json;
      AppendRandomJson(options, 3, random, &json);
      return column->AppendText(json);
    }
  }
}

template <typename T>
bool SameFloat(const Column& a, const Column& b, int64_t row) {
  using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
  const T left = a.Fixed<T>(row);
  const T right = b.Fixed<T>(row);
  if (std::isnan(left) && std::isnan(right)) return true;
  return std::bit_cast<Bits>(left) == std::bit_cast<Bits>(right);
}

// REQUIRES: the columns have one type, and the row is null in neither.
bool SameValue(const Column& a, const Column& b, int64_t row) {
  const TypeId id = a.type().id;
  if (id == TypeId::kBool) return a.Bool(row) == b.Bool(row);
  if (id == TypeId::kFloat32) return SameFloat<float>(a, b, row);
  if (id == TypeId::kFloat64) return SameFloat<double>(a, b, row);
  if (HasOffsets(id)) return a.Text(row) == b.Text(row);
  const auto width = static_cast<size_t>(FixedWidth(id));
  const size_t at = static_cast<size_t>(row) * width;
  return std::memcmp(a.values().data() + at, b.values().data() + at, width) ==
         0;
}

std::string Shown(const Column& column, int64_t row) {
  constexpr size_t kShownBytes = 80;
  if (column.IsNull(row)) return "null";
  std::string text;
  AppendValueText(column, row, &text);
  const bool cut = text.size() > kShownBytes;
  return absl::StrCat(absl::CHexEscape(text.substr(0, kShownBytes)),
                      cut ? absl::StrCat("… of ", text.size(), " bytes") : "");
}

}  // namespace

SchemaPtr RandomSchema(const RandomRowsOptions& options, Random* random) {
  auto schema = std::make_shared<Schema>();
  schema->fields.push_back(
      {"c0", Type{TypeId::kInt64}, /*nullable=*/false, ""});
  schema->primary_key = {"c0"};
  const int64_t columns =
      options.max_columns > 1 ? random->Between(2, options.max_columns) : 1;
  for (int64_t i = 1; i < columns; ++i) {
    Type type;
    type.id = options.types.empty()
                  ? static_cast<TypeId>(random->Below(kTypeCount))
                  : options.types[random->Below(options.types.size())];
    if (type.id == TypeId::kDecimal) {
      type.precision = static_cast<int>(random->Between(1, kMaxDecimalDigits));
      type.scale = static_cast<int>(random->Between(0, type.precision));
    }
    schema->fields.push_back(
        {absl::StrCat("c", i), type, random->Bernoulli(0.8), ""});
  }
  return schema;
}

void AppendRandomRows(const RandomRowsOptions& options, int64_t first_key,
                      int64_t rows, Random* random, Batch* batch) {
  const std::vector<Field>& fields = batch->schema()->fields;
  for (int64_t i = 0; i < rows; ++i) {
    batch->columns()[0].AppendFixed(first_key + i);
    for (size_t c = 1; c < fields.size(); ++c) {
      Column& column = batch->columns()[c];
      if (fields[c].nullable && random->Bernoulli(options.null_share)) {
        column.AppendNull();
      } else {
        AppendRandomValue(options, random, &column);
      }
    }
  }
  batch->SetRows(batch->rows() + rows);
}

std::string FirstDifference(const Batch& a, const Batch& b) {
  if (a.wire_format() != b.wire_format()) {
    return absl::StrCat("wire format ", a.wire_format(), " and ",
                        b.wire_format());
  }
  if (a.rows() != b.rows()) {
    return absl::StrCat(a.rows(), " rows and ", b.rows());
  }
  if (!a.wire_format().empty()) {
    const Buffer& left = a.wire();
    const Buffer& right = b.wire();
    const bool same =
        left.size() == right.size() &&
        std::equal(left.data(), left.data() + left.size(), right.data());
    return same ? "" : "the bytes of the wire format";
  }
  if (a.columns().size() != b.columns().size()) {
    return absl::StrCat(a.columns().size(), " columns and ",
                        b.columns().size());
  }
  for (size_t c = 0; c < a.columns().size(); ++c) {
    const Column& left = a.columns()[c];
    const Column& right = b.columns()[c];
    const std::string& name = a.schema()->fields[c].name;
    if (left.type() != right.type()) {
      return absl::StrCat("column ", name, ": ", TypeName(left.type()), " and ",
                          TypeName(right.type()));
    }
    if (left.size() != right.size()) {
      return absl::StrCat("column ", name, ": ", left.size(), " values and ",
                          right.size());
    }
    for (int64_t row = 0; row < left.size(); ++row) {
      const bool null = left.IsNull(row);
      if (null == right.IsNull(row) && (null || SameValue(left, right, row))) {
        continue;
      }
      return absl::StrCat("column ", name, ", row ", row + 1, ": ",
                          Shown(left, row), " and ", Shown(right, row));
    }
  }
  return "";
}

}  // namespace opsbench::pipeline
