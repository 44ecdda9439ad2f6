#include "opsbench/pipeline/internal/postgres_encode.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "absl/base/attributes.h"
#include "absl/strings/str_cat.h"
#include "opsbench/pipeline/internal/big_endian.h"
#include "opsbench/pipeline/value_text.h"

namespace opsbench::pipeline::postgres {
namespace {

// Length and value of any encoding without text.
constexpr size_t kMaxFixedBytes = 4 + kMaxDecimalBytes + 8;

bool IsVariable(Encoding encoding) {
  return encoding == Encoding::kText || encoding == Encoding::kValueText ||
         encoding == Encoding::kNumeric || encoding == Encoding::kJsonb;
}

template <typename T>
ABSL_ATTRIBUTE_ALWAYS_INLINE inline char* StoreField(T value, char* out) {
  out = StoreBigEndian(static_cast<uint32_t>(sizeof(T)), out);
  return StoreBigEndian(value, out);
}

ABSL_ATTRIBUTE_ALWAYS_INLINE inline char* StoreBytes(absl::string_view bytes,
                                                     char* out) {
  out = StoreBigEndian(static_cast<uint32_t>(bytes.size()), out);
  // A column of empty texts alone has no memory, which memcpy wants.
  if (!bytes.empty()) std::memcpy(out, bytes.data(), bytes.size());
  return out + bytes.size();
}

// Writes the length of what lies between.
char* CloseField(char* field, char* end) {
  StoreBigEndian(static_cast<uint32_t>(end - field - 4), field);
  return end;
}

absl::int128 IntegerAt(const Column& column, int64_t row) {
  switch (column.type().id) {
    case TypeId::kInt8:
      return column.Fixed<int8_t>(row);
    case TypeId::kInt16:
      return column.Fixed<int16_t>(row);
    case TypeId::kInt32:
      return column.Fixed<int32_t>(row);
    case TypeId::kUInt8:
      return column.Fixed<uint8_t>(row);
    case TypeId::kUInt16:
      return column.Fixed<uint16_t>(row);
    case TypeId::kUInt32:
      return column.Fixed<uint32_t>(row);
    case TypeId::kUInt64:
      return column.Fixed<uint64_t>(row);
    default:
      return column.Fixed<int64_t>(row);
  }
}

template <typename T>
bool Fits(absl::int128 value) {
  return value >= absl::int128(std::numeric_limits<T>::min()) &&
         value <= absl::int128(std::numeric_limits<T>::max());
}

// nullptr: out of range.
char* StoreInteger(absl::int128 value, Form form, char* out) {
  switch (form) {
    case Form::kInt2:
      return Fits<int16_t>(value)
                 ? StoreField(static_cast<uint16_t>(value), out)
                 : nullptr;
    case Form::kInt4:
      return Fits<int32_t>(value)
                 ? StoreField(static_cast<uint32_t>(value), out)
                 : nullptr;
    case Form::kOid:
      return Fits<uint32_t>(value)
                 ? StoreField(static_cast<uint32_t>(value), out)
                 : nullptr;
    default:
      return Fits<int64_t>(value)
                 ? StoreField(static_cast<uint64_t>(value), out)
                 : nullptr;
  }
}

// Out-of-range numbers of any kind wrap to one that the server refuses.
uint32_t DateOnWire(int32_t days) {
  constexpr int32_t kLast = std::numeric_limits<int32_t>::max();
  constexpr int32_t kFirst = std::numeric_limits<int32_t>::min();
  if (days == kLast || days == kFirst) return static_cast<uint32_t>(days);
  return static_cast<uint32_t>(days) - static_cast<uint32_t>(kEpochDays);
}

bool TimestampOnWire(int64_t us, uint64_t* wire) {
  constexpr int64_t kLast = std::numeric_limits<int64_t>::max();
  constexpr int64_t kFirst = std::numeric_limits<int64_t>::min();
  *wire = static_cast<uint64_t>(us) - static_cast<uint64_t>(kEpochUs);
  if (us == kLast || us == kFirst) *wire = static_cast<uint64_t>(us);
  return us == kFirst || us > kFirst + kEpochUs;
}

constexpr Fault kOutOfRange = "the number is out of the column's range";

}  // namespace

RowEncoder::RowEncoder(TableName table, std::vector<FieldTarget> targets)
    : table_(std::move(table)), targets_(std::move(targets)) {
  for (size_t i = 0; i < targets_.size(); ++i) {
    binary_ = binary_ && targets_[i].form != Form::kNone;
    fixed_bytes_ += kMaxFixedBytes;
    if (IsVariable(targets_[i].encoding)) variable_.push_back(i);
  }
}

absl::Status RowEncoder::Wrong(size_t column, int64_t row, Fault fault) const {
  return ValueError(absl::StatusCode::kOutOfRange, table_,
                    targets_[column].name, row, fault);
}

// For kValueText the text is made by the caller and not counted.
size_t RowEncoder::MaxBytes(const Column& column, size_t target,
                            int64_t row) const {
  if (targets_[target].encoding == Encoding::kValueText &&
      !HasOffsets(column.type().id)) {
    return 64;
  }
  const size_t size = column.Text(row).size();
  return targets_[target].encoding == Encoding::kNumeric ? MaxNumericBytes(size)
                                                         : size + 1;
}

ABSL_ATTRIBUTE_ALWAYS_INLINE inline char* RowEncoder::AppendField(
    const Column& column, const FieldTarget& target, int64_t row, char* out) {
  switch (target.encoding) {
    case Encoding::kText:
      return StoreBytes(column.Text(row), out);
    case Encoding::kBool:
      out = StoreBigEndian(uint32_t{1}, out);
      *out = column.Bool(row) ? '\1' : '\0';
      return out + 1;
    case Encoding::kInt16:
      return StoreField(column.Fixed<uint16_t>(row), out);
    case Encoding::kInt32:
    case Encoding::kFloat32:
      return StoreField(column.Fixed<uint32_t>(row), out);
    case Encoding::kInt64:
    case Encoding::kFloat64:
      return StoreField(column.Fixed<uint64_t>(row), out);
    case Encoding::kDate:
      return StoreField(DateOnWire(column.Fixed<int32_t>(row)), out);
    case Encoding::kTimestamp: {
      uint64_t wire;
      if (!TimestampOnWire(column.Fixed<int64_t>(row), &wire)) {
        fault_ = "the timestamp is before what PostgreSQL has";
        return nullptr;
      }
      return StoreField(wire, out);
    }
    case Encoding::kInteger: {
      char* const end = StoreInteger(IntegerAt(column, row), target.form, out);
      if (end == nullptr) fault_ = kOutOfRange;
      return end;
    }
    case Encoding::kIntegerToNumeric:
      return CloseField(out, EncodeDecimal(IntegerAt(column, row), 0, out + 4));
    case Encoding::kFloat32To64: {
      const double wide = column.Fixed<float>(row);
      uint64_t bits;
      std::memcpy(&bits, &wide, sizeof(bits));
      return StoreField(bits, out);
    }
    case Encoding::kIntegerToFloat64: {
      const auto wide = static_cast<double>(IntegerAt(column, row));
      uint64_t bits;
      std::memcpy(&bits, &wide, sizeof(bits));
      return StoreField(bits, out);
    }
    case Encoding::kDuration: {
      // Microseconds, days, months.
      out = StoreBigEndian(uint32_t{16}, out);
      out = StoreBigEndian(column.Fixed<uint64_t>(row), out);
      return StoreBigEndian(uint64_t{0}, out);
    }
    case Encoding::kDecimal:
      return CloseField(out, EncodeDecimal(column.Fixed<absl::int128>(row),
                                           column.type().scale, out + 4));
    case Encoding::kNumeric: {
      char* const end = EncodeNumericText(column.Text(row), out + 4);
      if (end == nullptr) {
        fault_ = "PostgreSQL's numeric cannot hold the number";
        return nullptr;
      }
      return CloseField(out, end);
    }
    case Encoding::kUuid:
      return StoreBytes(column.Text(row), out);
    case Encoding::kJsonb: {
      const absl::string_view text = column.Text(row);
      out = StoreBigEndian(static_cast<uint32_t>(text.size() + 1), out);
      *out++ = '\1';
      if (!text.empty()) std::memcpy(out, text.data(), text.size());
      return out + text.size();
    }
    case Encoding::kValueText:
      text_.clear();
      AppendValueText(column, row, &text_);
      return StoreBytes(text_, out);
  }
  return nullptr;
}

absl::Status RowEncoder::AppendRows(const Batch& batch, int64_t begin,
                                    int64_t end, int64_t first_row,
                                    Buffer* out) {
  const size_t count = targets_.size();
  const Column* const columns = batch.columns().data();
  size_t used = out->size();
  for (int64_t row = begin; row < end; ++row) {
    size_t most = fixed_bytes_;
    for (const size_t i : variable_) most += MaxBytes(columns[i], i, row);
    if (ABSL_PREDICT_FALSE(used + most > out->capacity())) {
      // Resize() keeps only what counts as used.
      out->Resize(used);
      out->Resize(used + most);
    }
    char* at = reinterpret_cast<char*>(out->data()) + used;
    at = StoreBigEndian(static_cast<uint16_t>(count), at);
    for (size_t i = 0; i < count; ++i) {
      if (columns[i].IsNull(row)) {
        at = StoreBigEndian(uint32_t{0xffffffff}, at);
        continue;
      }
      at = AppendField(columns[i], targets_[i], row, at);
      if (ABSL_PREDICT_FALSE(at == nullptr)) {
        return Wrong(i, first_row + row, fault_);
      }
    }
    used = static_cast<size_t>(at - reinterpret_cast<char*>(out->data()));
  }
  out->Resize(used);
  return absl::OkStatus();
}

absl::Status RowEncoder::AppendArray(const Batch& batch, size_t column,
                                     int64_t begin, int64_t end,
                                     int64_t first_row, Buffer* out) {
  const FieldTarget& target = targets_[column];
  const Column& values = batch.columns()[column];
  const bool variable = IsVariable(target.encoding);
  // Dimensions, a flag for nulls, the element's type; length and lower bound.
  constexpr size_t kHeaderBytes = 20;
  size_t used = out->size();
  out->Resize(used + kHeaderBytes);
  char* at = reinterpret_cast<char*>(out->data()) + used;
  at = StoreBigEndian(uint32_t{1}, at);
  at = StoreBigEndian(uint32_t{values.null_count() > 0}, at);
  at = StoreBigEndian(ParameterType(target.form), at);
  at = StoreBigEndian(static_cast<uint32_t>(end - begin), at);
  StoreBigEndian(uint32_t{1}, at);
  used += kHeaderBytes;
  for (int64_t row = begin; row < end; ++row) {
    const size_t most =
        kMaxFixedBytes + (variable ? MaxBytes(values, column, row) : 0);
    if (ABSL_PREDICT_FALSE(used + most > out->capacity())) {
      out->Resize(used);
      out->Resize(used + most);
    }
    at = reinterpret_cast<char*>(out->data()) + used;
    if (values.IsNull(row)) {
      at = StoreBigEndian(uint32_t{0xffffffff}, at);
    } else {
      at = AppendField(values, target, row, at);
      if (at == nullptr) return Wrong(column, first_row + row, fault_);
    }
    used = static_cast<size_t>(at - reinterpret_cast<char*>(out->data()));
  }
  out->Resize(used);
  return absl::OkStatus();
}

namespace {

// What a byte becomes behind a backslash in COPY's text; 0: it stays.
char EscapeOf(char c) {
  switch (c) {
    case '\\':
      return '\\';
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    default:
      return '\0';
  }
}

void AppendEscaped(absl::string_view text, Buffer* out) {
  size_t from = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char escape = EscapeOf(text[i]);
    if (ABSL_PREDICT_TRUE(escape == '\0')) continue;
    out->Append(text.data() + from, i - from);
    out->AppendValue('\\');
    out->AppendValue(escape);
    from = i + 1;
  }
  out->Append(text.data() + from, text.size() - from);
}

bool IsRounded(const Column& column, const FieldTarget& target, int64_t row) {
  switch (column.type().id) {
    case TypeId::kDecimal: {
      absl::int128 unit = 1;
      for (int i = target.scale; i < column.type().scale; ++i) unit *= 10;
      return column.Fixed<absl::int128>(row) % unit != 0;
    }
    case TypeId::kNumeric: {
      absl::string_view text = column.Text(row);
      if (text.find('.') == absl::string_view::npos) return false;
      while (text.back() == '0') text.remove_suffix(1);
      return FractionDigits(text) > target.scale;
    }
    default: {
      int64_t unit = 1;
      for (int i = target.fraction_digits; i < 6; ++i) unit *= 10;
      const auto us = column.Fixed<int64_t>(row);
      return us % unit != 0 && us != std::numeric_limits<int64_t>::max() &&
             us != std::numeric_limits<int64_t>::min();
    }
  }
}

bool MayBeRounded(const Type& type, const FieldTarget& target) {
  switch (type.id) {
    case TypeId::kDecimal:
      return target.scale >= 0 && type.scale > target.scale;
    case TypeId::kNumeric:
      return target.scale >= 0;
    case TypeId::kTime:
    case TypeId::kTimestamp:
    case TypeId::kTimestampTz:
      return target.fraction_digits < 6;
    default:
      return false;
  }
}

}  // namespace

void RowEncoder::AppendTextRows(const Batch& batch, int64_t begin, int64_t end,
                                Buffer* out) {
  for (int64_t row = begin; row < end; ++row) {
    for (size_t i = 0; i < targets_.size(); ++i) {
      if (i > 0) out->AppendValue('\t');
      const Column& column = batch.columns()[i];
      if (column.IsNull(row)) {
        out->Append("\\N", 2);
      } else if (column.type().id == TypeId::kText ||
                 column.type().id == TypeId::kJson) {
        AppendEscaped(column.Text(row), out);
      } else {
        text_.clear();
        AppendValueText(column, row, &text_);
        AppendEscaped(text_, out);
      }
    }
    out->AppendValue('\n');
  }
}

absl::Status RowEncoder::CheckRounding(const Batch& batch,
                                       int64_t first_row) const {
  for (size_t i = 0; i < targets_.size(); ++i) {
    const Column& column = batch.columns()[i];
    if (ABSL_PREDICT_TRUE(!MayBeRounded(column.type(), targets_[i]))) continue;
    for (int64_t row = 0; row < batch.rows(); ++row) {
      if (!column.IsNull(row) && IsRounded(column, targets_[i], row)) {
        return Wrong(i, first_row + row,
                     "the value has more digits behind the point than the "
                     "column keeps");
      }
    }
  }
  return absl::OkStatus();
}

absl::Status RowEncoder::CheckText(const Batch& batch,
                                   int64_t first_row) const {
  for (size_t i = 0; i < targets_.size(); ++i) {
    const Column& column = batch.columns()[i];
    const TypeId id = column.type().id;
    if (id != TypeId::kText && id != TypeId::kJson) continue;
    for (int64_t row = 0; row < batch.rows(); ++row) {
      const absl::string_view text = column.Text(row);
      Fault fault = nullptr;
      if (!text.empty() &&
          std::memchr(text.data(), 0, text.size()) != nullptr) {
        fault = "the text holds a NUL (U+0000), which PostgreSQL's does not";
      } else if (!IsUtf8(text)) {
        fault = "the text is not UTF-8";
      }
      if (fault == nullptr) continue;
      return ValueError(absl::StatusCode::kInvalidArgument, table_,
                        targets_[i].name, first_row + row, fault);
    }
  }
  return absl::OkStatus();
}

}  // namespace opsbench::pipeline::postgres
