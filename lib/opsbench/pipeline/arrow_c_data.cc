#include "opsbench/pipeline/arrow_c_data.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/pipeline/internal/arrow_types.h"
#include "opsbench/pipeline/internal/column_parts.h"

namespace opsbench::pipeline {
namespace {

using internal::ArrowMetadata;

struct Format {
  const char* text;
  TypeId id;
};

// kNumeric and kJson are texts, which the metadata tells apart; kDecimal has
// its digits behind.
constexpr Format kFormats[] = {
    {"b", TypeId::kBool},         {"c", TypeId::kInt8},
    {"s", TypeId::kInt16},        {"i", TypeId::kInt32},
    {"l", TypeId::kInt64},        {"C", TypeId::kUInt8},
    {"S", TypeId::kUInt16},       {"I", TypeId::kUInt32},
    {"L", TypeId::kUInt64},       {"f", TypeId::kFloat32},
    {"g", TypeId::kFloat64},      {"u", TypeId::kText},
    {"u", TypeId::kNumeric},      {"u", TypeId::kJson},
    {"z", TypeId::kBytes},        {"tdD", TypeId::kDate},
    {"ttu", TypeId::kTime},       {"tDu", TypeId::kDuration},
    {"tsu:", TypeId::kTimestamp}, {"tsu:UTC", TypeId::kTimestampTz},
    {"w:16", TypeId::kUuid},
};

std::string FormatOf(const Type& type) {
  if (type.id == TypeId::kDecimal) {
    return absl::StrCat("d:", type.precision, ",", type.scale);
  }
  for (const Format& format : kFormats) {
    if (format.id == type.id) return format.text;
  }
  return "";
}

absl::StatusOr<Type> TypeOfFormat(absl::string_view text) {
  for (const Format& format : kFormats) {
    if (text == format.text) return Type{format.id};
  }
  // Whatever the zone, the values are of UTC.
  if (absl::StartsWith(text, "tsu:")) return Type{TypeId::kTimestampTz};
  absl::string_view digits = text;
  if (absl::ConsumePrefix(&digits, "d:")) {
    const std::vector<absl::string_view> parts = absl::StrSplit(digits, ',');
    Type type = {TypeId::kDecimal};
    if (parts.size() == 2 && absl::SimpleAtoi(parts[0], &type.precision) &&
        absl::SimpleAtoi(parts[1], &type.scale) && type.precision >= 1 &&
        type.precision <= kMaxDecimalDigits && type.scale >= 0 &&
        type.scale <= type.precision) {
      return type;
    }
  }
  return absl::UnimplementedError(absl::StrCat("no type for Arrow's format \"",
                                               absl::CHexEscape(text), "\""));
}

// Numbers and texts with their lengths before them, in the machine's order.
std::string EncodeMetadata(const ArrowMetadata& metadata) {
  if (metadata.empty()) return "";
  std::string bytes;
  const auto put = [&bytes](size_t value) {
    const auto number = static_cast<int32_t>(value);
    bytes.append(reinterpret_cast<const char*>(&number), sizeof(number));
  };
  put(metadata.size());
  for (const auto& [key, value] : metadata) {
    put(key.size());
    bytes += key;
    put(value.size());
    bytes += value;
  }
  return bytes;
}

absl::StatusOr<ArrowMetadata> DecodeMetadata(const char* bytes) {
  ArrowMetadata metadata;
  if (bytes == nullptr) return metadata;
  const auto take_number = [&bytes] {
    int32_t number = 0;
    std::memcpy(&number, bytes, sizeof(number));
    bytes += sizeof(number);
    return number;
  };
  const int32_t pairs = take_number();
  if (pairs < 0) return absl::InvalidArgumentError("metadata of < 0 pairs");
  for (int32_t i = 0; i < pairs; ++i) {
    std::array<std::string, 2> pair;
    for (std::string& text : pair) {
      const int32_t size = take_number();
      if (size < 0) return absl::InvalidArgumentError("metadata of < 0 bytes");
      text.assign(bytes, static_cast<size_t>(size));
      bytes += size;
    }
    metadata[std::move(pair[0])] = std::move(pair[1]);
  }
  return metadata;
}

// What an exported schema and its children point to.
struct SchemaOwner {
  std::string format;
  std::string name;
  std::string metadata;
  std::vector<ArrowSchema> children;
  std::vector<ArrowSchema*> child_pointers;
};

void ReleaseSchema(ArrowSchema* schema) {
  auto* owner = static_cast<SchemaOwner*>(schema->private_data);
  // A child that was moved away has no release any more.
  for (ArrowSchema& child : owner->children) {
    if (child.release != nullptr) child.release(&child);
  }
  delete owner;
  schema->release = nullptr;
}

void FillSchema(std::unique_ptr<SchemaOwner> owner, int64_t flags,
                ArrowSchema* out) {
  for (ArrowSchema& child : owner->children) {
    owner->child_pointers.push_back(&child);
  }
  *out = {};
  out->format = owner->format.c_str();
  out->name = owner->name.c_str();
  if (!owner->metadata.empty()) out->metadata = owner->metadata.data();
  out->flags = flags;
  out->n_children = static_cast<int64_t>(owner->children.size());
  out->children = owner->child_pointers.data();
  out->release = ReleaseSchema;
  out->private_data = owner.release();
}

// What an exported array and its children point to; each child holds the batch,
// since it may be moved away and outlive its parent.
struct ArrayOwner {
  std::shared_ptr<const Batch> batch;
  std::array<const void*, 3> buffers = {};
  std::vector<ArrowArray> children;
  std::vector<ArrowArray*> child_pointers;
};

void ReleaseArray(ArrowArray* array) {
  auto* owner = static_cast<ArrayOwner*>(array->private_data);
  for (ArrowArray& child : owner->children) {
    if (child.release != nullptr) child.release(&child);
  }
  delete owner;
  array->release = nullptr;
}

void FillArray(std::unique_ptr<ArrayOwner> owner, int64_t buffers,
               ArrowArray* out) {
  for (ArrowArray& child : owner->children) {
    owner->child_pointers.push_back(&child);
  }
  *out = {};
  out->length = owner->batch->rows();
  out->n_buffers = buffers;
  out->n_children = static_cast<int64_t>(owner->children.size());
  out->buffers = owner->buffers.data();
  out->children = owner->child_pointers.data();
  out->release = ReleaseArray;
  out->private_data = owner.release();
}

// Consumers may take any pointer but the bitmap's for a valid one.
const void* DataOf(const Buffer& buffer) {
  alignas(64) static constexpr uint8_t kNothing[64] = {};
  return buffer.data() == nullptr ? kNothing : buffer.data();
}

// Releases at the end of a scope what the caller gave up.
template <typename T>
class Releaser {
 public:
  explicit Releaser(T* object) : object_(object) {}
  ~Releaser() {
    if (object_->release != nullptr) object_->release(object_);
  }
  Releaser(const Releaser&) = delete;
  Releaser& operator=(const Releaser&) = delete;

 private:
  T* object_;
};

absl::StatusOr<Field> ImportField(const ArrowSchema& schema,
                                  ArrowMetadata* metadata) {
  if (schema.format == nullptr) {
    return absl::InvalidArgumentError("a field without a format");
  }
  if (schema.dictionary != nullptr) {
    return absl::UnimplementedError("no type for Arrow's dictionaries");
  }
  Field field;
  if (schema.name != nullptr) field.name = schema.name;
  OPSBENCH_ASSIGN_OR_RETURN(field.type, TypeOfFormat(schema.format));
  field.nullable = (schema.flags & ARROW_FLAG_NULLABLE) != 0;
  OPSBENCH_ASSIGN_OR_RETURN(*metadata, DecodeMetadata(schema.metadata));
  internal::ReadFieldMetadata(*metadata, &field);
  return field;
}

absl::StatusOr<Column::Parts> CopyTexts(const ArrowArray& array, int64_t first,
                                        int64_t rows) {
  Column::Parts parts;
  if (array.buffers[1] == nullptr) {
    if (rows > 0) return absl::InvalidArgumentError("no offsets");
    return parts;
  }
  const auto* offsets = static_cast<const int32_t*>(array.buffers[1]) + first;
  parts.offsets.Append(offsets, internal::OffsetsBytes(rows));
  const int32_t start = offsets[0];
  const int32_t end = offsets[rows];
  if (start < 0 || end < start) {
    return absl::DataLossError("offsets that fall");
  }
  auto* const copy = reinterpret_cast<int32_t*>(parts.offsets.data());
  for (int64_t row = 0; row <= rows; ++row) {
    // Those between may be anything until they are checked.
    copy[row] = static_cast<int32_t>(static_cast<uint32_t>(copy[row]) -
                                     static_cast<uint32_t>(start));
  }
  if (end > start) {
    if (array.buffers[2] == nullptr) {
      return absl::InvalidArgumentError("no values");
    }
    parts.values.Append(static_cast<const uint8_t*>(array.buffers[2]) + start,
                        static_cast<size_t>(end - start));
  }
  return parts;
}

// `rows` rows of the child, from `skipped` on in the parent's counting.
absl::StatusOr<Column> ImportColumn(const Type& type, const ArrowArray& array,
                                    int64_t skipped, int64_t rows) {
  const int64_t buffers = HasOffsets(type.id) ? 3 : 2;
  if (array.release == nullptr || array.n_buffers != buffers ||
      array.n_children != 0 || array.dictionary != nullptr ||
      array.buffers == nullptr) {
    return absl::InvalidArgumentError("not an array of the field's type");
  }
  if (array.length < 0 || array.offset < 0 ||
      array.offset > internal::kMaxRows || array.length > internal::kMaxRows ||
      skipped + rows > array.length) {
    return absl::InvalidArgumentError(
        absl::StrCat(array.length, " values from ", array.offset,
                     " on for rows ", skipped, " to ", skipped + rows));
  }
  const int64_t first = array.offset + skipped;
  Column::Parts parts;
  if (HasOffsets(type.id)) {
    OPSBENCH_ASSIGN_OR_RETURN(parts, CopyTexts(array, first, rows));
  } else if (rows > 0) {
    if (array.buffers[1] == nullptr) {
      return absl::InvalidArgumentError("no values");
    }
    if (type.id == TypeId::kBool) {
      parts.values = internal::CopyBits(array.buffers[1], first, rows);
    } else {
      const auto width = static_cast<size_t>(FixedWidth(type.id));
      parts.values.Append(static_cast<const uint8_t*>(array.buffers[1]) +
                              static_cast<size_t>(first) * width,
                          static_cast<size_t>(rows) * width);
    }
  }
  if (array.null_count != 0 && rows > 0) {
    if (array.buffers[0] != nullptr) {
      parts.validity = internal::CopyBits(array.buffers[0], first, rows);
    } else if (array.null_count > 0) {
      return absl::InvalidArgumentError("nulls without a bitmap");
    }
  }
  return internal::ColumnOfParts(type, rows, std::move(parts));
}

}  // namespace

void ExportSchema(const Schema& schema, ArrowSchema* out) {
  auto owner = std::make_unique<SchemaOwner>();
  owner->format = "+s";
  owner->children.resize(schema.fields.size());
  for (size_t i = 0; i < schema.fields.size(); ++i) {
    auto child = std::make_unique<SchemaOwner>();
    child->format = FormatOf(schema.fields[i].type);
    child->name = schema.fields[i].name;
    child->metadata = EncodeMetadata(internal::FieldMetadata(schema, i));
    FillSchema(std::move(child),
               schema.fields[i].nullable ? ARROW_FLAG_NULLABLE : 0,
               &owner->children[i]);
  }
  FillSchema(std::move(owner), 0, out);
}

absl::Status ExportBatch(Batch batch, ArrowArray* out) {
  if (!batch.wire_format().empty()) {
    return absl::InvalidArgumentError(
        "a batch of a wire format has no columns");
  }
  for (const Column& column : batch.columns()) {
    if (column.size() != batch.rows()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "a column of ", column.size(), " values in ", batch.rows(), " rows"));
    }
  }
  const auto shared = std::make_shared<const Batch>(std::move(batch));
  auto owner = std::make_unique<ArrayOwner>();
  owner->batch = shared;
  owner->children.resize(shared->columns().size());
  for (size_t i = 0; i < shared->columns().size(); ++i) {
    const Column& column = shared->columns()[i];
    auto child = std::make_unique<ArrayOwner>();
    child->batch = shared;
    if (column.null_count() > 0) child->buffers[0] = column.validity().data();
    const bool offsets = HasOffsets(column.type().id);
    if (offsets) child->buffers[1] = DataOf(column.offsets());
    child->buffers[offsets ? 2 : 1] = DataOf(column.values());
    FillArray(std::move(child), offsets ? 3 : 2, &owner->children[i]);
    owner->children[i].null_count = column.null_count();
  }
  FillArray(std::move(owner), 1, out);
  return absl::OkStatus();
}

absl::StatusOr<SchemaPtr> ImportSchema(ArrowSchema* schema) {
  if (schema->release == nullptr) {
    return absl::InvalidArgumentError("a schema that was released");
  }
  const Releaser<ArrowSchema> releaser(schema);
  if (schema->format == nullptr || absl::string_view(schema->format) != "+s" ||
      schema->n_children < 0 ||
      (schema->n_children > 0 && schema->children == nullptr)) {
    return absl::InvalidArgumentError("a schema that is no struct");
  }
  auto result = std::make_shared<Schema>();
  std::vector<ArrowMetadata> metadata(static_cast<size_t>(schema->n_children));
  for (size_t i = 0; i < metadata.size(); ++i) {
    const ArrowSchema* child = schema->children[i];
    if (child == nullptr || child->release == nullptr) {
      return absl::InvalidArgumentError("a field that was released");
    }
    OPSBENCH_ASSIGN_OR_RETURN(Field field, ImportField(*child, &metadata[i]));
    result->fields.push_back(std::move(field));
  }
  OPSBENCH_RETURN_IF_ERROR(internal::ReadPrimaryKey(metadata, result.get()));
  return result;
}

absl::StatusOr<Batch> ImportBatch(SchemaPtr schema, ArrowArray* array) {
  if (array->release == nullptr) {
    return absl::InvalidArgumentError("an array that was released");
  }
  const Releaser<ArrowArray> releaser(array);
  const size_t columns = schema->fields.size();
  if (array->n_children != static_cast<int64_t>(columns) ||
      (columns > 0 && array->children == nullptr) || array->n_buffers != 1) {
    return absl::InvalidArgumentError("not an array of the schema's fields");
  }
  if (array->length < 0 || array->offset < 0 ||
      array->length > internal::kMaxRows ||
      array->offset > internal::kMaxRows) {
    return absl::InvalidArgumentError(
        absl::StrCat(array->length, " rows from ", array->offset, " on"));
  }
  if (array->null_count > 0) {
    return absl::InvalidArgumentError("rows that are null as a whole");
  }
  Batch batch(std::move(schema));
  for (size_t i = 0; i < columns; ++i) {
    const Field& field = batch.schema()->fields[i];
    if (array->children[i] == nullptr) {
      return absl::InvalidArgumentError("a column that is missing");
    }
    absl::StatusOr<Column> column = ImportColumn(
        field.type, *array->children[i], array->offset, array->length);
    if (!column.ok()) {
      return absl::Status(
          column.status().code(),
          absl::StrCat("column ", field.name, ": ", column.status().message()));
    }
    batch.columns()[i] = *std::move(column);
  }
  batch.SetRows(array->length);
  return batch;
}

}  // namespace opsbench::pipeline
