#include "opsbench/pipeline/internal/postgres_decode.h"

#include <limits>
#include <utility>

#include "absl/base/attributes.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "opsbench/pipeline/internal/big_endian.h"
#include "opsbench/pipeline/internal/postgres_numeric.h"

namespace opsbench::pipeline::postgres {
namespace {

constexpr Fault kWrongSize = "a field of the wrong size";

template <typename T, typename Unsigned>
ABSL_ATTRIBUTE_ALWAYS_INLINE inline Fault AppendNumber(absl::string_view field,
                                                       Column* column) {
  if (field.size() != sizeof(T)) return kWrongSize;
  const Unsigned bits = LoadBigEndian<Unsigned>(field.data());
  T value;
  std::memcpy(&value, &bits, sizeof(T));
  column->AppendFixed(value);
  return nullptr;
}

Fault AppendDate(absl::string_view field, Column* column) {
  if (field.size() != 4) return kWrongSize;
  const auto days = static_cast<int32_t>(LoadBigEndian<uint32_t>(field.data()));
  constexpr int32_t kLast = std::numeric_limits<int32_t>::max();
  constexpr int32_t kFirst = std::numeric_limits<int32_t>::min();
  if (days == kLast || days == kFirst) {
    column->AppendFixed(days);
  } else if (days >= kLast - kEpochDays) {
    return "a date beyond what 32 bits of days hold";
  } else {
    column->AppendFixed(days + kEpochDays);
  }
  return nullptr;
}

Fault AppendTimestamp(absl::string_view field, Column* column) {
  if (field.size() != 8) return kWrongSize;
  const auto us = static_cast<int64_t>(LoadBigEndian<uint64_t>(field.data()));
  constexpr int64_t kLast = std::numeric_limits<int64_t>::max();
  constexpr int64_t kFirst = std::numeric_limits<int64_t>::min();
  if (us == kLast || us == kFirst) {
    column->AppendFixed(us);
  } else if (us >= kLast - kEpochUs) {
    return "a timestamp beyond what 64 bits of microseconds from 1970 hold";
  } else {
    column->AppendFixed(us + kEpochUs);
  }
  return nullptr;
}

// jsonb is its text behind a byte that says version 1.
Fault AppendJsonb(absl::string_view field, Column* column) {
  if (field.empty() || field[0] != 1) return "jsonb of an unknown version";
  column->AppendText(field.substr(1));
  return nullptr;
}

Fault AppendNumeric(absl::string_view field, std::string* scratch,
                    Column* column) {
  if (column->type().id == TypeId::kDecimal) {
    absl::int128 value;
    const Fault fault = DecodeDecimal(field, column->type().scale, &value);
    if (fault == nullptr) column->AppendFixed(value);
    return fault;
  }
  scratch->clear();
  const Fault fault = DecodeNumericText(field, scratch);
  if (fault == nullptr) column->AppendText(*scratch);
  return fault;
}

// Forced inline: it is the inner loop of AppendRow().
ABSL_ATTRIBUTE_ALWAYS_INLINE inline Fault Append(Form form,
                                                 absl::string_view field,
                                                 std::string* scratch,
                                                 Column* column) {
  switch (form) {
    case Form::kBool:
      if (field.size() != 1) return kWrongSize;
      column->AppendBool(field[0] != 0);
      return nullptr;
    case Form::kInt2:
      return AppendNumber<int16_t, uint16_t>(field, column);
    case Form::kInt4:
      return AppendNumber<int32_t, uint32_t>(field, column);
    case Form::kOid:
      return AppendNumber<uint32_t, uint32_t>(field, column);
    case Form::kInt8:
    case Form::kTime:
      return AppendNumber<int64_t, uint64_t>(field, column);
    case Form::kFloat4:
      return AppendNumber<float, uint32_t>(field, column);
    case Form::kFloat8:
      return AppendNumber<double, uint64_t>(field, column);
    case Form::kNumeric:
      return AppendNumeric(field, scratch, column);
    case Form::kUuid:
      if (field.size() != 16) return kWrongSize;
      column->AppendText(field);
      return nullptr;
    case Form::kDate:
      return AppendDate(field, column);
    case Form::kTimestamp:
    case Form::kTimestampTz:
      return AppendTimestamp(field, column);
    case Form::kJsonb:
      return AppendJsonb(field, column);
    // The source casts intervals to text.
    case Form::kInterval:
    case Form::kNone:
    case Form::kText:
    case Form::kBytea:
    case Form::kJson:
      break;
  }
  column->AppendText(field);
  return nullptr;
}

}  // namespace

absl::Status RemoveCopyHeader(absl::string_view* message) {
  constexpr size_t kSignatureBytes = 11;
  if (!absl::StartsWith(*message, kCopyHeader.substr(0, kSignatureBytes)) ||
      message->size() < kCopyHeader.size()) {
    return absl::DataLossError("the COPY does not begin with its signature");
  }
  const size_t extension =
      LoadBigEndian<uint32_t>(message->data() + kSignatureBytes + 4);
  const uint32_t flags =
      LoadBigEndian<uint32_t>(message->data() + kSignatureBytes);
  message->remove_prefix(kCopyHeader.size());
  if (flags != 0 || extension > message->size()) {
    return absl::DataLossError("the COPY has a header of an unknown kind");
  }
  message->remove_prefix(extension);
  return absl::OkStatus();
}

RowDecoder::RowDecoder(TableName table, SchemaPtr schema,
                       std::vector<Form> forms)
    : table_(std::move(table)),
      schema_(std::move(schema)),
      forms_(std::move(forms)) {}

absl::Status RowDecoder::AppendRow(absl::string_view message, int64_t row,
                                   Batch* batch) {
  const char* at = message.data();
  const char* const end = at + message.size();
  const size_t count = forms_.size();
  if (message.size() < 2 || LoadBigEndian<uint16_t>(at) != count) {
    return Damaged(row);
  }
  at += 2;
  Column* const columns = batch->columns().data();
  for (size_t i = 0; i < count; ++i) {
    if (ABSL_PREDICT_FALSE(end - at < 4)) return Damaged(row);
    const auto size = static_cast<int32_t>(LoadBigEndian<uint32_t>(at));
    at += 4;
    if (size < 0) {
      if (size != -1) return Damaged(row);
      columns[i].AppendNull();
      continue;
    }
    if (ABSL_PREDICT_FALSE(size > end - at)) return Damaged(row);
    const Fault fault =
        Append(forms_[i], {at, static_cast<size_t>(size)}, &text_, &columns[i]);
    if (ABSL_PREDICT_FALSE(fault != nullptr)) return Wrong(i, row, fault);
    at += size;
  }
  return ABSL_PREDICT_TRUE(at == end) ? absl::OkStatus() : Damaged(row);
}

absl::Status RowDecoder::AppendField(size_t column, absl::string_view field,
                                     int64_t row, Batch* batch) {
  const Fault fault =
      Append(forms_[column], field, &text_, &batch->columns()[column]);
  return fault == nullptr ? absl::OkStatus() : Wrong(column, row, fault);
}

absl::Status RowDecoder::Damaged(int64_t row) const {
  return absl::DataLossError(
      absl::StrCat(table_.ToString(), ", row ", row, ": the row is damaged"));
}

absl::Status RowDecoder::Wrong(size_t column, int64_t row,
                               const char* fault) const {
  const bool damaged = fault == kWrongSize;
  return ValueError(
      damaged ? absl::StatusCode::kDataLoss : absl::StatusCode::kOutOfRange,
      table_, schema_->fields[column].name, row, fault);
}

}  // namespace opsbench::pipeline::postgres
