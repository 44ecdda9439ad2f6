#include <cstdint>
#include <string>
#include <vector>

#include "opsbench/pipeline/internal/arrow_metadata.h"
#include "opsbench/pipeline/internal/arrow_tables.h"

namespace opsbench::pipeline::internal {
namespace {

using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;
using flatbuffers::uoffset_t;
using flatbuffers::Vector;

// Tables are built by place: which they are, no type says.
struct AnyTable {};
using TableOffset = Offset<AnyTable>;
using TablesOffset = Offset<Vector<TableOffset>>;

TableOffset EndTable(uoffset_t start, FlatBufferBuilder* builder) {
  return TableOffset(builder->EndTable(start));
}

TablesOffset PutMetadata(const ArrowMetadata& metadata,
                         FlatBufferBuilder* builder) {
  if (metadata.empty()) return 0;
  std::vector<TableOffset> pairs;
  for (const auto& [key, value] : metadata) {
    const auto key_offset = builder->CreateString(key);
    const auto value_offset = builder->CreateString(value);
    const uoffset_t start = builder->StartTable();
    builder->AddOffset(KeyValuePlace::kKey, key_offset);
    builder->AddOffset(KeyValuePlace::kValue, value_offset);
    pairs.push_back(EndTable(start, builder));
  }
  return builder->CreateVector(pairs);
}

struct TypeTable {
  uint8_t number = 0;
  TableOffset table;
};

TypeTable PutInt(int32_t bits, bool is_signed, FlatBufferBuilder* builder) {
  const uoffset_t start = builder->StartTable();
  builder->AddElement<int32_t>(TypePlace::kFirst, bits, 0);
  builder->AddElement<uint8_t>(TypePlace::kSecond, is_signed ? 1 : 0, 0);
  return {kArrowInt, EndTable(start, builder)};
}

TypeTable PutUnit(uint8_t number, int16_t unit, int16_t default_unit,
                  FlatBufferBuilder* builder) {
  const uoffset_t start = builder->StartTable();
  builder->AddElement<int16_t>(TypePlace::kFirst, unit, default_unit);
  if (number == kArrowTime) {
    builder->AddElement<int32_t>(TypePlace::kSecond, 64, kDefaultTimeBits);
  }
  return {number, EndTable(start, builder)};
}

TypeTable PutTimestamp(const char* zone, FlatBufferBuilder* builder) {
  const auto zone_offset = zone == nullptr ? 0 : builder->CreateString(zone);
  const uoffset_t start = builder->StartTable();
  builder->AddElement<int16_t>(TypePlace::kFirst, kMicrosecond, 0);
  builder->AddOffset(TypePlace::kSecond, zone_offset);
  return {kArrowTimestamp, EndTable(start, builder)};
}

TypeTable PutEmpty(uint8_t number, FlatBufferBuilder* builder) {
  const uoffset_t start = builder->StartTable();
  return {number, EndTable(start, builder)};
}

TypeTable PutDecimal(const Type& type, FlatBufferBuilder* builder) {
  const uoffset_t start = builder->StartTable();
  builder->AddElement<int32_t>(TypePlace::kFirst, type.precision, 0);
  builder->AddElement<int32_t>(TypePlace::kSecond, type.scale, 0);
  builder->AddElement<int32_t>(TypePlace::kThird, kDefaultDecimalBits,
                               kDefaultDecimalBits);
  return {kArrowDecimal, EndTable(start, builder)};
}

TypeTable PutType(const Type& type, FlatBufferBuilder* builder) {
  switch (type.id) {
    case TypeId::kBool:
      return PutEmpty(kArrowBool, builder);
    case TypeId::kInt8:
    case TypeId::kInt16:
    case TypeId::kInt32:
    case TypeId::kInt64:
      return PutInt(8 * FixedWidth(type.id), true, builder);
    case TypeId::kUInt8:
    case TypeId::kUInt16:
    case TypeId::kUInt32:
    case TypeId::kUInt64:
      return PutInt(8 * FixedWidth(type.id), false, builder);
    case TypeId::kFloat32:
      return PutUnit(kArrowFloatingPoint, kSinglePrecision, 0, builder);
    case TypeId::kFloat64:
      return PutUnit(kArrowFloatingPoint, kDoublePrecision, 0, builder);
    case TypeId::kDecimal:
      return PutDecimal(type, builder);
    case TypeId::kNumeric:
    case TypeId::kText:
    case TypeId::kJson:
      return PutEmpty(kArrowUtf8, builder);
    case TypeId::kBytes:
      return PutEmpty(kArrowBinary, builder);
    case TypeId::kDate:
      return PutUnit(kArrowDate, kDateDay, kDateMillisecond, builder);
    case TypeId::kTime:
      return PutUnit(kArrowTime, kMicrosecond, kMillisecond, builder);
    case TypeId::kDuration:
      return PutUnit(kArrowDuration, kMicrosecond, kMillisecond, builder);
    case TypeId::kTimestamp:
      return PutTimestamp(nullptr, builder);
    case TypeId::kTimestampTz:
      return PutTimestamp("UTC", builder);
    case TypeId::kUuid: {
      const uoffset_t start = builder->StartTable();
      builder->AddElement<int32_t>(TypePlace::kFirst, 16, 0);
      return {kArrowFixedSizeBinary, EndTable(start, builder)};
    }
  }
  return {};
}

TableOffset PutField(const Schema& schema, size_t index,
                     FlatBufferBuilder* builder) {
  const Field& field = schema.fields[index];
  const auto name = builder->CreateString(field.name);
  const TypeTable type = PutType(field.type, builder);
  // Readers of other languages expect a list even of no children.
  const auto children = builder->CreateVector(std::vector<TableOffset>());
  const auto metadata = PutMetadata(FieldMetadata(schema, index), builder);
  const uoffset_t start = builder->StartTable();
  builder->AddOffset(FieldPlace::kName, name);
  builder->AddElement<uint8_t>(FieldPlace::kNullable, field.nullable ? 1 : 0,
                               0);
  builder->AddElement<uint8_t>(FieldPlace::kTypeType, type.number, 0);
  builder->AddOffset(FieldPlace::kType, type.table);
  builder->AddOffset(FieldPlace::kChildren, children);
  builder->AddOffset(FieldPlace::kMetadata, metadata);
  return EndTable(start, builder);
}

TableOffset PutSchema(const Schema& schema, const ArrowMetadata& metadata,
                      FlatBufferBuilder* builder) {
  std::vector<TableOffset> fields;
  for (size_t i = 0; i < schema.fields.size(); ++i) {
    fields.push_back(PutField(schema, i, builder));
  }
  const auto fields_offset = builder->CreateVector(fields);
  const auto metadata_offset = PutMetadata(metadata, builder);
  const uoffset_t start = builder->StartTable();
  builder->AddElement<int16_t>(SchemaPlace::kEndianness, 0, 0);
  builder->AddOffset(SchemaPlace::kFields, fields_offset);
  builder->AddOffset(SchemaPlace::kMetadata, metadata_offset);
  return EndTable(start, builder);
}

absl::string_view FinishMessage(uint8_t header_type, TableOffset header,
                                int64_t body_bytes,
                                FlatBufferBuilder* builder) {
  const uoffset_t start = builder->StartTable();
  builder->AddElement<int64_t>(MessagePlace::kBodyLength, body_bytes, 0);
  builder->AddOffset(MessagePlace::kHeader, header);
  builder->AddElement<int16_t>(MessagePlace::kVersion, kVersion5, 0);
  builder->AddElement<uint8_t>(MessagePlace::kHeaderType, header_type, 0);
  builder->Finish(EndTable(start, builder));
  return {reinterpret_cast<const char*>(builder->GetBufferPointer()),
          builder->GetSize()};
}

}  // namespace

absl::string_view MetadataEncoder::SchemaMessage(
    const Schema& schema, const ArrowMetadata& metadata) {
  builder_.Clear();
  const TableOffset header = PutSchema(schema, metadata, &builder_);
  return FinishMessage(kSchemaHeader, header, 0, &builder_);
}

absl::string_view MetadataEncoder::BatchMessage(const RecordBatchHeader& batch,
                                                int64_t body_bytes) {
  builder_.Clear();
  TableOffset compression = 0;
  if (batch.compression != Compression::kNone) {
    const uoffset_t start = builder_.StartTable();
    builder_.AddElement<int8_t>(
        BodyCompressionPlace::kCodec,
        batch.compression == Compression::kLz4 ? kLz4Frame : kZstd, kLz4Frame);
    compression = EndTable(start, &builder_);
  }
  const auto nodes = builder_.CreateVectorOfStructs(batch.nodes);
  const auto buffers = builder_.CreateVectorOfStructs(batch.buffers);
  const uoffset_t start = builder_.StartTable();
  builder_.AddElement<int64_t>(RecordBatchPlace::kLength, batch.rows, 0);
  builder_.AddOffset(RecordBatchPlace::kNodes, nodes);
  builder_.AddOffset(RecordBatchPlace::kBuffers, buffers);
  builder_.AddOffset(RecordBatchPlace::kCompression, compression);
  const TableOffset header = EndTable(start, &builder_);
  return FinishMessage(kRecordBatchHeader, header, body_bytes, &builder_);
}

absl::string_view MetadataEncoder::Footer(const ArrowFooter& footer) {
  builder_.Clear();
  const TableOffset schema =
      PutSchema(footer.schema, footer.schema_metadata, &builder_);
  std::vector<BlockStruct> blocks;
  for (const FileBlock& block : footer.batches) {
    blocks.push_back({block.offset, static_cast<int32_t>(block.metadata_bytes),
                      0, block.body_bytes});
  }
  const auto no_dictionaries =
      builder_.CreateVectorOfStructs(std::vector<BlockStruct>());
  const auto batches = builder_.CreateVectorOfStructs(blocks);
  const auto metadata = PutMetadata(footer.metadata, &builder_);
  const uoffset_t start = builder_.StartTable();
  builder_.AddElement<int16_t>(FooterPlace::kVersion, kVersion5, 0);
  builder_.AddOffset(FooterPlace::kSchema, schema);
  builder_.AddOffset(FooterPlace::kDictionaries, no_dictionaries);
  builder_.AddOffset(FooterPlace::kRecordBatches, batches);
  builder_.AddOffset(FooterPlace::kMetadata, metadata);
  builder_.Finish(EndTable(start, &builder_));
  return {reinterpret_cast<const char*>(builder_.GetBufferPointer()),
          builder_.GetSize()};
}

}  // namespace opsbench::pipeline::internal
