#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/pipeline/internal/arrow_metadata.h"
#include "opsbench/pipeline/internal/arrow_tables.h"

namespace opsbench::pipeline::internal {
namespace {

using flatbuffers::String;
using flatbuffers::uoffset_t;
using flatbuffers::Vector;
using flatbuffers::Verifier;
using flatbuffers::voffset_t;

// A table of someone else's: each look at it is checked first. What fails once
// makes the whole of it damaged, so callers ask for ok() at the end.
class TableReader {
 public:
  TableReader() = default;

  static TableReader Root(Verifier* verifier, const uint8_t* bytes) {
    const uoffset_t offset = verifier->VerifyOffset(0);
    if (offset == 0) return Damaged();
    return TableReader(verifier, bytes + offset);
  }

  // Not there, and not damaged.
  bool missing() const { return table_ == nullptr && ok_; }
  bool ok() const { return ok_; }

  template <typename T>
  T Scalar(voffset_t slot, T default_value) {
    if (table_ == nullptr) return default_value;
    if (!table_->VerifyField<T>(*verifier_, slot, sizeof(T))) {
      ok_ = false;
      return default_value;
    }
    return table_->GetField<T>(slot, default_value);
  }

  TableReader Table(voffset_t slot) {
    const auto* table = Pointer<uint8_t>(slot);
    if (!ok_) return Damaged();
    return table == nullptr ? TableReader() : TableReader(verifier_, table);
  }

  std::string Text(voffset_t slot) {
    const auto* text = Pointer<String>(slot);
    if (text == nullptr) return "";
    if (!verifier_->VerifyString(text)) {
      ok_ = false;
      return "";
    }
    return text->str();
  }

  std::vector<TableReader> Tables(voffset_t slot) {
    const auto* offsets = Pointer<Vector<uoffset_t>>(slot);
    std::vector<TableReader> tables;
    if (offsets == nullptr) return tables;
    if (!verifier_->VerifyVector(offsets)) {
      ok_ = false;
      return tables;
    }
    tables.reserve(offsets->size());
    for (uoffset_t i = 0; i < offsets->size(); ++i) {
      const uint8_t* const at = offsets->Data() + i * sizeof(uoffset_t);
      const uoffset_t offset = verifier_->VerifyOffset(at, 0);
      if (offset == 0) {
        ok_ = false;
        return tables;
      }
      tables.push_back(TableReader(verifier_, at + offset));
    }
    return tables;
  }

  template <typename T>
  void Structs(voffset_t slot, std::vector<T>* structs) {
    structs->clear();
    const auto* vector = Pointer<Vector<T>>(slot);
    if (vector == nullptr) return;
    // Counted in bytes of the struct, which is larger than any scalar.
    if (!verifier_->VerifyVectorOrString(
            reinterpret_cast<const uint8_t*>(vector), sizeof(T))) {
      ok_ = false;
      return;
    }
    structs->resize(vector->size());
    if (structs->empty()) return;
    std::memcpy(structs->data(), vector->Data(), structs->size() * sizeof(T));
  }

  bool Has(voffset_t slot) const {
    return table_ != nullptr && table_->CheckField(slot);
  }

 private:
  TableReader(Verifier* verifier, const uint8_t* table) : verifier_(verifier) {
    const auto* candidate = reinterpret_cast<const flatbuffers::Table*>(table);
    ok_ = candidate->VerifyTableStart(*verifier);
    if (!ok_) return;
    table_ = candidate;
    // How deep tables nest is up to the code here, not to the bytes.
    verifier->EndTable();
  }

  static TableReader Damaged() {
    TableReader reader;
    reader.ok_ = false;
    return reader;
  }

  template <typename T>
  const T* Pointer(voffset_t slot) {
    if (table_ == nullptr) return nullptr;
    if (!table_->VerifyOffset(*verifier_, slot)) {
      ok_ = false;
      return nullptr;
    }
    return table_->GetPointer<const T*>(slot);
  }

  Verifier* verifier_ = nullptr;
  const flatbuffers::Table* table_ = nullptr;
  bool ok_ = true;
};

absl::Status Damaged(absl::string_view what) {
  return absl::DataLossError(absl::StrCat("damaged Arrow metadata: ", what));
}

absl::StatusOr<ArrowMetadata> ReadMetadata(TableReader* table, voffset_t slot) {
  ArrowMetadata metadata;
  for (TableReader& pair : table->Tables(slot)) {
    std::string key = pair.Text(KeyValuePlace::kKey);
    metadata[std::move(key)] = pair.Text(KeyValuePlace::kValue);
    if (!pair.ok()) return Damaged("a pair of texts");
  }
  return metadata;
}

absl::Status NoTypeFor(absl::string_view what) {
  return absl::UnimplementedError(absl::StrCat("no type for Arrow's ", what));
}

absl::StatusOr<Type> ReadInt(TableReader* table) {
  const auto bits = table->Scalar<int32_t>(TypePlace::kFirst, 0);
  const bool is_signed = table->Scalar<uint8_t>(TypePlace::kSecond, 0) != 0;
  switch (bits) {
    case 8:
      return Type{is_signed ? TypeId::kInt8 : TypeId::kUInt8};
    case 16:
      return Type{is_signed ? TypeId::kInt16 : TypeId::kUInt16};
    case 32:
      return Type{is_signed ? TypeId::kInt32 : TypeId::kUInt32};
    case 64:
      return Type{is_signed ? TypeId::kInt64 : TypeId::kUInt64};
    default:
      return Damaged(absl::StrCat("integers of ", bits, " bits"));
  }
}

absl::StatusOr<Type> ReadDecimal(TableReader* table) {
  Type type = {TypeId::kDecimal};
  type.precision = table->Scalar<int32_t>(TypePlace::kFirst, 0);
  type.scale = table->Scalar<int32_t>(TypePlace::kSecond, 0);
  const auto bits =
      table->Scalar<int32_t>(TypePlace::kThird, kDefaultDecimalBits);
  if (bits != kDefaultDecimalBits || type.precision < 1 ||
      type.precision > kMaxDecimalDigits || type.scale < 0 ||
      type.scale > type.precision) {
    return NoTypeFor(absl::StrCat("decimal(", type.precision, ", ", type.scale,
                                  ") of ", bits, " bits"));
  }
  return type;
}

absl::StatusOr<Type> ReadUnit(uint8_t number, TableReader* table) {
  const auto unit = table->Scalar<int16_t>(
      TypePlace::kFirst, number == kArrowTimestamp ? 0 : kMillisecond);
  switch (number) {
    case kArrowFloatingPoint: {
      const auto precision = table->Scalar<int16_t>(TypePlace::kFirst, 0);
      if (precision == kSinglePrecision) return Type{TypeId::kFloat32};
      if (precision == kDoublePrecision) return Type{TypeId::kFloat64};
      return NoTypeFor("half floats");
    }
    case kArrowDate:
      if (unit == kDateDay) return Type{TypeId::kDate};
      return NoTypeFor("dates in milliseconds");
    case kArrowTime:
      if (unit == kMicrosecond) return Type{TypeId::kTime};
      return NoTypeFor("times of other units than microseconds");
    case kArrowDuration:
      if (unit == kMicrosecond) return Type{TypeId::kDuration};
      return NoTypeFor("durations of other units than microseconds");
    default:
      if (unit != kMicrosecond) {
        return NoTypeFor("timestamps of other units than microseconds");
      }
      // Whatever the zone, the values are of UTC.
      return Type{table->Text(TypePlace::kSecond).empty()
                      ? TypeId::kTimestamp
                      : TypeId::kTimestampTz};
  }
}

absl::StatusOr<Type> ReadType(uint8_t number, TableReader* table) {
  if (table->missing()) return Damaged("a field without a type");
  switch (number) {
    case kArrowInt:
      return ReadInt(table);
    case kArrowBinary:
      return Type{TypeId::kBytes};
    case kArrowUtf8:
      return Type{TypeId::kText};
    case kArrowBool:
      return Type{TypeId::kBool};
    case kArrowDecimal:
      return ReadDecimal(table);
    case kArrowFloatingPoint:
    case kArrowDate:
    case kArrowTime:
    case kArrowTimestamp:
    case kArrowDuration:
      return ReadUnit(number, table);
    case kArrowFixedSizeBinary: {
      const auto bytes = table->Scalar<int32_t>(TypePlace::kFirst, 0);
      if (bytes == 16) return Type{TypeId::kUuid};
      return NoTypeFor(absl::StrCat("binaries of fixed ", bytes, " bytes"));
    }
    default: {
      // By the numbers of the format's union of types.
      constexpr absl::string_view kNames[] = {"type of no kind",
                                              "null",
                                              "",
                                              "",
                                              "",
                                              "",
                                              "",
                                              "",
                                              "",
                                              "",
                                              "",
                                              "interval",
                                              "list",
                                              "struct",
                                              "union",
                                              "",
                                              "list of fixed size",
                                              "map",
                                              "",
                                              "large binary",
                                              "large utf8",
                                              "large list",
                                              "run-end encoding",
                                              "binary view",
                                              "utf8 view",
                                              "list view",
                                              "large list view"};
      return NoTypeFor(number < std::size(kNames)
                           ? std::string(kNames[number])
                           : absl::StrCat("type ", number));
    }
  }
}

absl::StatusOr<Field> ReadField(TableReader* table, ArrowMetadata* metadata) {
  Field field;
  field.name = table->Text(FieldPlace::kName);
  field.nullable = table->Scalar<uint8_t>(FieldPlace::kNullable, 0) != 0;
  const auto number = table->Scalar<uint8_t>(FieldPlace::kTypeType, 0);
  TableReader type = table->Table(FieldPlace::kType);
  if (!table->ok() || !type.ok()) return Damaged("a field");
  absl::StatusOr<Type> read = ReadType(number, &type);
  if (!type.ok()) return Damaged("a field's type");
  if (read.ok() && table->Has(FieldPlace::kDictionary)) {
    read = NoTypeFor("dictionaries");
  }
  if (!read.ok()) {
    return absl::Status(
        read.status().code(),
        absl::StrCat("column ", field.name, ": ", read.status().message()));
  }
  field.type = *read;
  OPSBENCH_ASSIGN_OR_RETURN(*metadata,
                            ReadMetadata(table, FieldPlace::kMetadata));
  if (!table->ok()) return Damaged("a field");
  ReadFieldMetadata(*metadata, &field);
  return field;
}

absl::Status ReadSchema(TableReader* table, Schema* schema,
                        ArrowMetadata* metadata) {
  if (table->missing()) return Damaged("no schema");
  if (table->Scalar<int16_t>(SchemaPlace::kEndianness, 0) != 0) {
    return absl::UnimplementedError("Arrow data of big-endian machines");
  }
  schema->fields.clear();
  std::vector<TableReader> fields = table->Tables(SchemaPlace::kFields);
  std::vector<ArrowMetadata> fields_metadata(fields.size());
  for (size_t i = 0; i < fields.size(); ++i) {
    OPSBENCH_ASSIGN_OR_RETURN(Field field,
                              ReadField(&fields[i], &fields_metadata[i]));
    schema->fields.push_back(std::move(field));
  }
  OPSBENCH_ASSIGN_OR_RETURN(*metadata,
                            ReadMetadata(table, SchemaPlace::kMetadata));
  if (!table->ok()) return Damaged("the schema");
  const absl::Status key = ReadPrimaryKey(fields_metadata, schema);
  return key.ok() ? key : Damaged(key.message());
}

absl::Status ReadBatch(TableReader* table, RecordBatchHeader* batch) {
  if (table->missing()) return Damaged("no record batch");
  batch->rows = table->Scalar<int64_t>(RecordBatchPlace::kLength, 0);
  table->Structs(RecordBatchPlace::kNodes, &batch->nodes);
  table->Structs(RecordBatchPlace::kBuffers, &batch->buffers);
  batch->compression = Compression::kNone;
  TableReader compression = table->Table(RecordBatchPlace::kCompression);
  if (!compression.missing()) {
    const auto codec =
        compression.Scalar<int8_t>(BodyCompressionPlace::kCodec, kLz4Frame);
    const auto method =
        compression.Scalar<int8_t>(BodyCompressionPlace::kMethod, 0);
    if ((codec != kLz4Frame && codec != kZstd) || method != 0) {
      return absl::UnimplementedError(absl::StrCat(
          "compression ", codec, " of method ", method, " of Arrow's"));
    }
    batch->compression =
        codec == kZstd ? Compression::kZstd : Compression::kLz4;
  }
  if (!table->ok() || !compression.ok()) return Damaged("a record batch");
  return absl::OkStatus();
}

absl::Status CheckVersion(int16_t version) {
  if (version == kVersion4 || version == kVersion5) return absl::OkStatus();
  return absl::UnimplementedError(
      absl::StrCat("metadata version ", version + 1, " of Arrow's"));
}

}  // namespace

absl::Status DecodeMessage(absl::string_view bytes, ArrowMessage* message) {
  const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
  Verifier verifier(data, bytes.size());
  TableReader root = TableReader::Root(&verifier, data);
  const auto version = root.Scalar<int16_t>(MessagePlace::kVersion, 0);
  const auto kind = root.Scalar<uint8_t>(MessagePlace::kHeaderType, 0);
  message->body_bytes = root.Scalar<int64_t>(MessagePlace::kBodyLength, 0);
  TableReader header = root.Table(MessagePlace::kHeader);
  if (!root.ok() || !header.ok() || message->body_bytes < 0) {
    return Damaged("a message");
  }
  OPSBENCH_RETURN_IF_ERROR(CheckVersion(version));
  switch (kind) {
    case kSchemaHeader:
      message->kind = ArrowMessage::Kind::kSchema;
      return ReadSchema(&header, &message->schema, &message->schema_metadata);
    case kRecordBatchHeader:
      message->kind = ArrowMessage::Kind::kRecordBatch;
      return ReadBatch(&header, &message->batch);
    case kDictionaryBatchHeader:
      return NoTypeFor("dictionaries");
    default:
      return Damaged(absl::StrCat("a message of kind ", kind));
  }
}

absl::StatusOr<ArrowFooter> DecodeFooter(absl::string_view bytes) {
  const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
  Verifier verifier(data, bytes.size());
  TableReader root = TableReader::Root(&verifier, data);
  const auto version = root.Scalar<int16_t>(FooterPlace::kVersion, 0);
  TableReader schema = root.Table(FooterPlace::kSchema);
  std::vector<BlockStruct> dictionaries;
  std::vector<BlockStruct> batches;
  root.Structs(FooterPlace::kDictionaries, &dictionaries);
  root.Structs(FooterPlace::kRecordBatches, &batches);
  if (!root.ok() || !schema.ok()) return Damaged("the footer");
  OPSBENCH_RETURN_IF_ERROR(CheckVersion(version));
  if (!dictionaries.empty()) return NoTypeFor("dictionaries");
  ArrowFooter footer;
  OPSBENCH_RETURN_IF_ERROR(
      ReadSchema(&schema, &footer.schema, &footer.schema_metadata));
  OPSBENCH_ASSIGN_OR_RETURN(footer.metadata,
                            ReadMetadata(&root, FooterPlace::kMetadata));
  if (!root.ok()) return Damaged("the footer");
  for (const BlockStruct& block : batches) {
    footer.batches.push_back(
        {block.offset, block.metadata_bytes, block.body_bytes});
  }
  return footer;
}

}  // namespace opsbench::pipeline::internal
