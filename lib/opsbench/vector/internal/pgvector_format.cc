#include "opsbench/vector/internal/pgvector_format.h"

#include <array>
#include <bit>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace opsbench::vector::internal {
namespace {

template <typename Int>
void AppendBigEndian(Int value, std::string* out) {
  std::array<char, sizeof(Int)> bytes;
  for (size_t i = 0; i < sizeof(Int); ++i) {
    bytes[i] = static_cast<char>(value >> (8 * (sizeof(Int) - 1 - i)));
  }
  out->append(bytes.data(), bytes.size());
}

constexpr uint16_t kColumns = 4;

}  // namespace

void AppendPgVector(absl::Span<const float> values, std::string* out) {
  AppendBigEndian(static_cast<uint16_t>(values.size()), out);
  AppendBigEndian(uint16_t{0}, out);
  for (const float value : values) {
    AppendBigEndian(std::bit_cast<uint32_t>(value), out);
  }
}

bool IsVectorText(absl::string_view text, absl::Span<const float> values) {
  if (!absl::ConsumePrefix(&text, "[") || !absl::ConsumeSuffix(&text, "]")) {
    return false;
  }
  size_t i = 0;
  for (const absl::string_view number : absl::StrSplit(text, ',')) {
    float value = 0;
    if (i == values.size() || !absl::SimpleAtof(number, &value) ||
        value != values[i++]) {
      return false;
    }
  }
  return i == values.size();
}

void AppendCopyHeader(std::string* out) {
  // The signature, its zero byte included, no flags, no extension.
  out->append("PGCOPY\n\377\r\n\0", 11);
  AppendBigEndian(uint32_t{0}, out);
  AppendBigEndian(uint32_t{0}, out);
}

void AppendCopyRow(const Dataset& data, size_t row, std::string* out) {
  const Attributes& attributes = data.attributes();
  const uint32_t tag = attributes.empty() ? 0 : attributes.tags[row];
  const double number = attributes.empty() ? 0 : attributes.numbers[row];
  AppendBigEndian(kColumns, out);
  AppendBigEndian(uint32_t{4}, out);
  AppendBigEndian(static_cast<uint32_t>(row), out);
  AppendBigEndian(static_cast<uint32_t>(4 + 4 * data.dimension()), out);
  AppendPgVector(data.base().row(row), out);
  AppendBigEndian(uint32_t{4}, out);
  AppendBigEndian(tag, out);
  AppendBigEndian(uint32_t{8}, out);
  AppendBigEndian(std::bit_cast<uint64_t>(number), out);
}

void AppendCopyTrailer(std::string* out) {
  AppendBigEndian(uint16_t{0xffff}, out);
}

}  // namespace opsbench::vector::internal
