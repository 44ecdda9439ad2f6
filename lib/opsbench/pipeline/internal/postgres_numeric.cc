#include "opsbench/pipeline/internal/postgres_numeric.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "opsbench/pipeline/internal/big_endian.h"
#include "opsbench/pipeline/types.h"

namespace opsbench::pipeline::postgres {
namespace {

using uint128 = unsigned __int128;

constexpr size_t kHeaderBytes = 8;
constexpr int kDigitsOfOne = 4;  // Decimal digits in one of base 10,000.
constexpr uint16_t kNegative = 0x4000;
constexpr uint16_t kNan = 0xc000;
constexpr uint16_t kPositiveInfinity = 0xd000;
constexpr uint16_t kNegativeInfinity = 0xf000;
constexpr Fault kDamaged = "a damaged numeric";

constexpr std::array<uint128, 39> MakePowers() {
  std::array<uint128, 39> powers{};
  uint128 power = 1;
  for (uint128& each : powers) {
    each = power;
    power *= 10;
  }
  return powers;
}
constexpr std::array<uint128, 39> kPowersOfTen = MakePowers();
constexpr uint16_t kSmallPowers[] = {1, 10, 100, 1000, 10000};

struct Numeric {
  int count;
  int weight;
  uint16_t sign;
  int shown;
  const char* digits;

  int Digit(int i) const { return LoadBigEndian<uint16_t>(digits + 2 * i); }
  // Of the group whose last decimal digit is worth 10^(4 * place).
  int DigitAt(int place) const {
    const int i = weight - place;
    return i < 0 || i >= count ? 0 : Digit(i);
  }
};

bool Parse(absl::string_view field, Numeric* number) {
  if (field.size() < kHeaderBytes) return false;
  const char* const at = field.data();
  number->count = LoadBigEndian<uint16_t>(at);
  number->weight = static_cast<int16_t>(LoadBigEndian<uint16_t>(at + 2));
  number->sign = LoadBigEndian<uint16_t>(at + 4);
  number->shown = LoadBigEndian<uint16_t>(at + 6);
  number->digits = at + kHeaderBytes;
  return field.size() == kHeaderBytes + 2 * static_cast<size_t>(number->count);
}

bool IsNumber(const Numeric& number) {
  return number.sign == 0 || number.sign == kNegative;
}

char* StoreHeader(int count, int weight, uint16_t sign, int shown, char* out) {
  out = StoreBigEndian(static_cast<uint16_t>(count), out);
  out = StoreBigEndian(static_cast<uint16_t>(weight), out);
  out = StoreBigEndian(sign, out);
  return StoreBigEndian(static_cast<uint16_t>(shown), out);
}

}  // namespace

Fault DecodeDecimal(absl::string_view field, int scale, absl::int128* value) {
  Numeric number;
  if (!Parse(field, &number)) return kDamaged;
  if (!IsNumber(number)) {
    return "NaN and infinity are no decimals: read the column with the "
           "source's setting `numeric: text`";
  }
  constexpr Fault kTooLarge = "the number has more digits than its column";
  uint128 sum = 0;
  for (int i = 0; i < number.count; ++i) {
    const int digit = number.Digit(i);
    // The power of ten of this group's last digit, of the scaled number.
    const int power = kDigitsOfOne * (number.weight - i) + scale;
    if (power >= 0) {
      if (power > kMaxDecimalDigits) return kTooLarge;
      const uint128 part = kPowersOfTen[static_cast<size_t>(power)];
      if (digit != 0 && (power > kMaxDecimalDigits - kDigitsOfOne) &&
          part > kPowersOfTen[kMaxDecimalDigits] / digit) {
        return kTooLarge;
      }
      sum += part * digit;
    } else if (power > -kDigitsOfOne) {
      if (digit % kSmallPowers[-power] != 0) {
        return "the number has more digits behind the point than its column";
      }
      sum += digit / kSmallPowers[-power];
    } else if (digit != 0) {
      return "the number has more digits behind the point than its column";
    }
  }
  if (sum >= kPowersOfTen[kMaxDecimalDigits]) return kTooLarge;
  const auto positive = static_cast<__int128>(sum);
  *value = number.sign == kNegative ? -positive : positive;
  return nullptr;
}

Fault DecodeNumericText(absl::string_view field, std::string* out) {
  Numeric number;
  if (!Parse(field, &number)) return kDamaged;
  if (number.sign == kNan) {
    out->append("NaN");
    return nullptr;
  }
  if (number.sign == kPositiveInfinity || number.sign == kNegativeInfinity) {
    out->append(number.sign == kPositiveInfinity ? "Infinity" : "-Infinity");
    return nullptr;
  }
  if (!IsNumber(number)) return kDamaged;
  if (number.sign == kNegative) out->push_back('-');
  if (number.weight < 0 || number.count == 0) {
    out->push_back('0');
  } else {
    absl::StrAppend(out, number.Digit(0));
    for (int place = number.weight - 1; place >= 0; --place) {
      absl::StrAppend(out, absl::Dec(number.DigitAt(place), absl::kZeroPad4));
    }
  }
  if (number.shown == 0) return nullptr;
  out->push_back('.');
  const size_t end = out->size() + static_cast<size_t>(number.shown);
  for (int place = -1; out->size() < end; --place) {
    absl::StrAppend(out, absl::Dec(number.DigitAt(place), absl::kZeroPad4));
  }
  out->resize(end);
  return nullptr;
}

char* EncodeDecimal(absl::int128 value, int scale, char* out) {
  const bool negative = value < 0;
  uint128 rest = static_cast<uint128>(negative ? -value : value);
  if (rest == 0) return StoreHeader(0, 0, 0, scale, out);
  // Groups of four begin at the point: the last one may be short.
  uint16_t groups[12];
  int count = 0;
  const int odd = scale % kDigitsOfOne;
  int weight = -((scale + kDigitsOfOne - 1) / kDigitsOfOne);
  if (odd != 0) {
    const uint16_t part = kSmallPowers[odd];
    groups[count++] = static_cast<uint16_t>(static_cast<uint16_t>(rest % part) *
                                            kSmallPowers[kDigitsOfOne - odd]);
    rest /= part;
  }
  while (rest >> 64 != 0) {
    groups[count++] = static_cast<uint16_t>(rest % 10000);
    rest /= 10000;
  }
  for (auto low = static_cast<uint64_t>(rest); low != 0; low /= 10000) {
    groups[count++] = static_cast<uint16_t>(low % 10000);
  }
  int first = 0;  // Trailing zeros are left out.
  while (groups[first] == 0) ++first;
  weight += count - 1;
  out =
      StoreHeader(count - first, weight, negative ? kNegative : 0, scale, out);
  for (int i = count - 1; i >= first; --i) out = StoreBigEndian(groups[i], out);
  return out;
}

int FractionDigits(absl::string_view text) {
  const size_t point = text.find('.');
  return point == absl::string_view::npos
             ? 0
             : static_cast<int>(text.size() - point - 1);
}

char* EncodeNumericText(absl::string_view text, char* out) {
  if (text == "NaN") return StoreHeader(0, 0, kNan, 0, out);
  if (text == "Infinity") return StoreHeader(0, 0, kPositiveInfinity, 0, out);
  if (text == "-Infinity") return StoreHeader(0, 0, kNegativeInfinity, 0, out);
  const bool negative = !text.empty() && text[0] == '-';
  if (negative) text.remove_prefix(1);
  const size_t point = std::min(text.find('.'), text.size());
  const absl::string_view whole = text.substr(0, point);
  const absl::string_view fraction =
      point < text.size() ? text.substr(point + 1) : absl::string_view();
  // What the type holds: 131,072 digits before the point, 16,383 behind it.
  if (whole.empty() || whole.size() > 131'072 || fraction.size() > 16'383) {
    return nullptr;
  }
  char* const digits = out + kHeaderBytes;
  char* at = digits;
  const auto group = [&](absl::string_view part, int before) {
    uint16_t value = 0;
    for (const char c : part) {
      if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return false;
      value = static_cast<uint16_t>(value * 10 + (c - '0'));
    }
    at =
        StoreBigEndian(static_cast<uint16_t>(value * kSmallPowers[before]), at);
    return true;
  };
  const size_t odd = whole.size() % kDigitsOfOne;
  if (odd != 0 && !group(whole.substr(0, odd), 0)) return nullptr;
  for (size_t i = odd; i < whole.size(); i += kDigitsOfOne) {
    if (!group(whole.substr(i, kDigitsOfOne), 0)) return nullptr;
  }
  int weight = static_cast<int>((at - digits) / 2) - 1;
  for (size_t i = 0; i < fraction.size(); i += kDigitsOfOne) {
    const absl::string_view part = fraction.substr(i, kDigitsOfOne);
    if (!group(part, kDigitsOfOne - static_cast<int>(part.size()))) {
      return nullptr;
    }
  }
  // numeric_recv() takes zeros at the ends, but what numeric_send() makes of
  // the number has none; one form makes results comparable.
  char* first = digits;
  while (first < at && LoadBigEndian<uint16_t>(first) == 0) {
    first += 2;
    --weight;
  }
  while (at > first && LoadBigEndian<uint16_t>(at - 2) == 0) at -= 2;
  const auto count = static_cast<int>((at - first) / 2);
  if (first != digits) {
    std::copy(first, at, digits);
  }
  StoreHeader(count, count == 0 ? 0 : weight,
              negative && count > 0 ? kNegative : 0,
              static_cast<int>(fraction.size()), out);
  return digits + 2 * count;
}

}  // namespace opsbench::pipeline::postgres
