#ifndef OPSBENCH_PIPELINE_INTERNAL_ARROW_TABLES_H_
#define OPSBENCH_PIPELINE_INTERNAL_ARROW_TABLES_H_

// Numbers of Arrow's Flatbuffers tables: which place a field has, which number
// a type. Places count as the format's schema does; Slot() makes of one what
// Flatbuffers looks up.

#include <cstdint>

#include "flatbuffers/flatbuffers.h"

namespace opsbench::pipeline::internal {

constexpr flatbuffers::voffset_t Slot(int place) {
  return static_cast<flatbuffers::voffset_t>(4 + 2 * place);
}

// The places of each table's fields.
struct MessagePlace {
  static constexpr auto kVersion = Slot(0);
  static constexpr auto kHeaderType = Slot(1);
  static constexpr auto kHeader = Slot(2);
  static constexpr auto kBodyLength = Slot(3);
};
struct SchemaPlace {
  static constexpr auto kEndianness = Slot(0);
  static constexpr auto kFields = Slot(1);
  static constexpr auto kMetadata = Slot(2);
};
struct FieldPlace {
  static constexpr auto kName = Slot(0);
  static constexpr auto kNullable = Slot(1);
  static constexpr auto kTypeType = Slot(2);
  static constexpr auto kType = Slot(3);
  static constexpr auto kDictionary = Slot(4);
  static constexpr auto kChildren = Slot(5);
  static constexpr auto kMetadata = Slot(6);
};
struct KeyValuePlace {
  static constexpr auto kKey = Slot(0);
  static constexpr auto kValue = Slot(1);
};
struct RecordBatchPlace {
  static constexpr auto kLength = Slot(0);
  static constexpr auto kNodes = Slot(1);
  static constexpr auto kBuffers = Slot(2);
  static constexpr auto kCompression = Slot(3);
};
struct BodyCompressionPlace {
  static constexpr auto kCodec = Slot(0);
  static constexpr auto kMethod = Slot(1);
};
struct FooterPlace {
  static constexpr auto kVersion = Slot(0);
  static constexpr auto kSchema = Slot(1);
  static constexpr auto kDictionaries = Slot(2);
  static constexpr auto kRecordBatches = Slot(3);
  static constexpr auto kMetadata = Slot(4);
};
// The types' own tables: the first fields of each, and what they are.
struct TypePlace {
  static constexpr auto kFirst = Slot(0);   // Bits, precision, unit or bytes.
  static constexpr auto kSecond = Slot(1);  // Sign, scale, bits or zone.
  static constexpr auto kThird = Slot(2);   // A decimal's bits.
};

// Version 4 differs from 5 in unions alone, which opsbench has not.
inline constexpr int16_t kVersion4 = 3;
inline constexpr int16_t kVersion5 = 4;

enum HeaderType : uint8_t {
  kSchemaHeader = 1,
  kDictionaryBatchHeader = 2,
  kRecordBatchHeader = 3,
};

enum ArrowTypeNumber : uint8_t {
  kArrowInt = 2,
  kArrowFloatingPoint = 3,
  kArrowBinary = 4,
  kArrowUtf8 = 5,
  kArrowBool = 6,
  kArrowDecimal = 7,
  kArrowDate = 8,
  kArrowTime = 9,
  kArrowTimestamp = 10,
  kArrowFixedSizeBinary = 15,
  kArrowDuration = 18,
};

// Units of time, and of dates; what is not written is the default.
inline constexpr int16_t kMillisecond = 1;
inline constexpr int16_t kMicrosecond = 2;
inline constexpr int16_t kDateDay = 0;
inline constexpr int16_t kDateMillisecond = 1;
inline constexpr int32_t kDefaultTimeBits = 32;
inline constexpr int32_t kDefaultDecimalBits = 128;
inline constexpr int16_t kSinglePrecision = 1;
inline constexpr int16_t kDoublePrecision = 2;

// BodyCompression.codec.
inline constexpr int8_t kLz4Frame = 0;
inline constexpr int8_t kZstd = 1;

// A file's block, as it lies in the footer.
struct BlockStruct {
  int64_t offset;
  int32_t metadata_bytes;
  int32_t padding;
  int64_t body_bytes;
};
static_assert(sizeof(BlockStruct) == 24);

}  // namespace opsbench::pipeline::internal

#endif  // OPSBENCH_PIPELINE_INTERNAL_ARROW_TABLES_H_
