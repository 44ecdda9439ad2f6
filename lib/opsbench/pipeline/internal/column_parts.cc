#include "opsbench/pipeline/internal/column_parts.h"

#include <bit>
#include <cstdint>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "opsbench/base/status_macros.h"

namespace opsbench::pipeline::internal {
namespace {

absl::Status TooShort(absl::string_view part, size_t bytes, size_t needed) {
  return absl::DataLossError(absl::StrCat(part, " of ", bytes, " bytes where ",
                                          needed, " are needed"));
}

void ClearBitsBehind(int64_t rows, Buffer* bits) {
  if (rows % 8 == 0) return;
  bits->data()[rows / 8] &= static_cast<uint8_t>((1U << (rows % 8)) - 1);
}

int64_t CountBits(const Buffer& bits) {
  int64_t count = 0;
  size_t at = 0;
  for (; at + 8 <= bits.size(); at += 8) {
    uint64_t word = 0;
    std::memcpy(&word, bits.data() + at, sizeof(word));
    count += std::popcount(word);
  }
  for (; at < bits.size(); ++at) count += std::popcount(bits.data()[at]);
  return count;
}

absl::Status CheckOffsets(int64_t rows, Buffer* offsets, Buffer* values) {
  const size_t needed = OffsetsBytes(rows);
  if (offsets->size() < needed) {
    // Arrow's writers may leave the offsets of no rows out.
    if (rows > 0 || !offsets->empty()) {
      return TooShort("offsets", offsets->size(), needed);
    }
    offsets->AppendValue<int32_t>(0);
  }
  offsets->Resize(needed);
  auto* const at = reinterpret_cast<int32_t*>(offsets->data());
  // One pass without branches: any step down sets the sign of the sum.
  int32_t falls = at[0];
  for (int64_t row = 0; row < rows; ++row) {
    falls |= at[row + 1] < at[row] ? -1 : 0;
  }
  if (falls < 0) return absl::DataLossError("offsets that fall");
  const int32_t first = at[0];
  const auto end = static_cast<size_t>(at[rows]);
  if (end > values->size()) return TooShort("values", values->size(), end);
  if (first > 0) {
    for (int64_t row = 0; row <= rows; ++row) at[row] -= first;
    const size_t size = end - static_cast<size_t>(first);
    std::memmove(values->data(), values->data() + first, size);
    values->Resize(size);
  } else {
    values->Resize(end);
  }
  return absl::OkStatus();
}

}  // namespace

size_t ValidityBytes(int64_t rows) {
  return (static_cast<size_t>(rows) + 7) / 8;
}

size_t OffsetsBytes(int64_t rows) {
  return (static_cast<size_t>(rows) + 1) * sizeof(int32_t);
}

size_t ValuesBytes(TypeId id, int64_t rows) {
  if (id == TypeId::kBool) return ValidityBytes(rows);
  return static_cast<size_t>(rows) * static_cast<size_t>(FixedWidth(id));
}

Buffer CopyBits(const void* bits, int64_t first, int64_t rows) {
  const auto* from = static_cast<const uint8_t*>(bits) + first / 8;
  const auto shift = static_cast<unsigned>(first % 8);
  const size_t bytes = ValidityBytes(rows);
  Buffer copy;
  if (shift == 0) {
    copy.Append(from, bytes);
    return copy;
  }
  copy.Resize(bytes);
  // The last byte that holds a bit of ours: the one behind may not exist.
  const auto last = static_cast<size_t>(shift + rows - 1) / 8;
  for (size_t i = 0; i < bytes; ++i) {
    const unsigned next = i + 1 <= last ? from[i + 1] : 0U;
    copy.data()[i] =
        static_cast<uint8_t>((from[i] >> shift) | (next << (8 - shift)));
  }
  return copy;
}

Column SliceOf(const Column& column, int64_t first, int64_t rows) {
  const TypeId id = column.type().id;
  Column::Parts parts;
  if (column.null_count() > 0) {
    parts.validity = CopyBits(column.validity().data(), first, rows);
  }
  if (id == TypeId::kBool) {
    parts.values = CopyBits(column.values().data(), first, rows);
  } else if (HasOffsets(id)) {
    const auto* from =
        reinterpret_cast<const int32_t*>(column.offsets().data()) + first;
    parts.offsets.Resize(OffsetsBytes(rows));
    auto* const to = reinterpret_cast<int32_t*>(parts.offsets.data());
    for (int64_t row = 0; row <= rows; ++row) to[row] = from[row] - from[0];
    parts.values.Append(column.values().data() + from[0],
                        static_cast<size_t>(from[rows] - from[0]));
  } else {
    const auto width = static_cast<size_t>(FixedWidth(id));
    parts.values.Append(
        column.values().data() + static_cast<size_t>(first) * width,
        static_cast<size_t>(rows) * width);
  }
  // Its parts are as large as they have to be: there is nothing to refuse.
  return *ColumnOfParts(column.type(), rows, std::move(parts));
}

absl::StatusOr<Column> ColumnOfParts(const Type& type, int64_t rows,
                                     Column::Parts parts) {
  if (rows < 0 || rows > kMaxRows) {
    return absl::DataLossError(absl::StrCat(rows, " rows"));
  }
  int64_t null_count = 0;
  if (!parts.validity.empty()) {
    const size_t needed = ValidityBytes(rows);
    if (parts.validity.size() < needed) {
      return TooShort("validity", parts.validity.size(), needed);
    }
    parts.validity.Resize(needed);
    if (rows > 0) ClearBitsBehind(rows, &parts.validity);
    null_count = rows - CountBits(parts.validity);
    if (null_count == 0) parts.validity.Clear();
  }
  if (HasOffsets(type.id)) {
    OPSBENCH_RETURN_IF_ERROR(CheckOffsets(rows, &parts.offsets, &parts.values));
  } else {
    parts.offsets.Clear();
    const size_t needed = ValuesBytes(type.id, rows);
    if (parts.values.size() < needed) {
      return TooShort("values", parts.values.size(), needed);
    }
    parts.values.Resize(needed);
    if (type.id == TypeId::kBool && rows > 0) {
      ClearBitsBehind(rows, &parts.values);
    }
  }
  return Column::FromParts(type, rows, null_count, std::move(parts.validity),
                           std::move(parts.offsets), std::move(parts.values));
}

}  // namespace opsbench::pipeline::internal
