#include "opsbench/db/internal/mysql_load_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace opsbench::internal {
namespace {

// The longest number or timestamp.
constexpr size_t kMaxScalarBytes = 32;
static_assert(TimestampFormatter::kMaxSize <= kMaxScalarBytes);

constexpr uint64_t kOnes = 0x0101010101010101;
constexpr uint64_t kHighBits = kOnes << 7;

// Whether one of the eight bytes of `word` is `c`: only a zero byte borrows
// into its highest bit.
constexpr bool HasByte(uint64_t word, char c) {
  const uint64_t zero = word ^ (kOnes * static_cast<unsigned char>(c));
  return ((zero - kOnes) & ~zero & kHighBits) != 0;
}

template <bool kBytes>
constexpr bool NeedsEscape(char c) {
  return c == '\t' || c == '\n' || c == '\\' ||
         (kBytes && static_cast<unsigned char>(c) > 127);
}

template <bool kBytes>
constexpr bool AnyNeedsEscape(uint64_t word) {
  return HasByte(word, '\t') || HasByte(word, '\n') || HasByte(word, '\\') ||
         (kBytes && (word & kHighBits) != 0);
}

}  // namespace

absl::Status MysqlLoadText::AppendRow(absl::Span<const Value> row) {
  const size_t start = size_;
  for (size_t i = 0; i < row.size(); ++i) {
    const absl::Status status = AppendField(row[i]);
    if (!status.ok()) {
      size_ = start;
      return status;
    }
    Reserve(1);
    buffer_[size_++] = i + 1 < row.size() ? '\t' : '\n';
  }
  return absl::OkStatus();
}

absl::Status MysqlLoadText::AppendField(const Value& value) {
  Reserve(kMaxScalarBytes);
  char* const out = buffer_.get() + size_;
  char* end = out;
  switch (value.type()) {
    case Value::Type::kNull:
      *end++ = '\\';
      *end++ = 'N';
      break;
    case Value::Type::kInt64:
      end = std::to_chars(out, out + kMaxScalarBytes, value.int64()).ptr;
      break;
    case Value::Type::kDouble:
      if (!std::isfinite(value.float64())) {
        return absl::InvalidArgumentError(
            absl::StrCat("MySQL: no column holds ", value.ToString()));
      }
      // The shortest digits that read back as the same number.
      end = std::to_chars(out, out + kMaxScalarBytes, value.float64()).ptr;
      break;
    case Value::Type::kTimestamp:
      if (!FitsMysql(value.int64())) {
        return absl::InvalidArgumentError(
            absl::StrCat("MySQL: no DATETIME holds ", value.ToString()));
      }
      end = timestamps_.Append(value.int64(), out);
      break;
    case Value::Type::kText:
      AppendEscaped<false>(value.text());
      return absl::OkStatus();
    case Value::Type::kBytes:
      AppendEscaped<true>(value.text());
      return absl::OkStatus();
  }
  size_ += static_cast<size_t>(end - out);
  return absl::OkStatus();
}

template <bool kBytes>
void MysqlLoadText::AppendEscaped(absl::string_view text) {
  Reserve(2 * text.size() + sizeof(uint64_t));
  char* out = buffer_.get() + size_;
  const char* in = text.data();
  const char* const end = in + text.size();
  while (static_cast<size_t>(end - in) >= sizeof(uint64_t)) {
    uint64_t word;
    std::memcpy(&word, in, sizeof(word));
    if (AnyNeedsEscape<kBytes>(word)) {
      for (size_t i = 0; i < sizeof(word); ++i) {
        if (NeedsEscape<kBytes>(*in)) *out++ = '\\';
        *out++ = *in++;
      }
    } else {
      std::memcpy(out, &word, sizeof(word));
      in += sizeof(word);
      out += sizeof(word);
    }
  }
  while (in != end) {
    if (NeedsEscape<kBytes>(*in)) *out++ = '\\';
    *out++ = *in++;
  }
  size_ = static_cast<size_t>(out - buffer_.get());
}

void MysqlLoadText::Reserve(size_t bytes) {
  if (capacity_ - size_ >= bytes) return;
  const size_t capacity = std::max(2 * capacity_, size_ + bytes);
  auto buffer = std::make_unique<char[]>(capacity);
  if (size_ > 0) std::memcpy(buffer.get(), buffer_.get(), size_);
  buffer_ = std::move(buffer);
  capacity_ = capacity;
}

}  // namespace opsbench::internal
