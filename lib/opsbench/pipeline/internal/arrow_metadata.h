#ifndef OPSBENCH_PIPELINE_INTERNAL_ARROW_METADATA_H_
#define OPSBENCH_PIPELINE_INTERNAL_ARROW_METADATA_H_

// The metadata of Arrow IPC: Flatbuffers tables that say what a message is and
// where in its body the columns lie. Only the subset that opsbench's types need
// is written; the rest is refused by name.
//
// Places of fields, numbers of types and defaults are those of the format's
// version 1.4: https://arrow.apache.org/docs/format/Columnar.html#ipc
//
// Thread safety: an encoder is for one thread at a time.

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "flatbuffers/flatbuffers.h"
#include "opsbench/pipeline/codec.h"
#include "opsbench/pipeline/internal/arrow_types.h"
#include "opsbench/pipeline/types.h"

namespace opsbench::pipeline::internal {

// Two of Flatbuffers' structs, as they lie in a message.
struct FieldNode {
  int64_t length;
  int64_t null_count;
};
struct BufferRange {
  int64_t offset;
  int64_t length;
};

struct RecordBatchHeader {
  int64_t rows = 0;
  std::vector<FieldNode> nodes;
  std::vector<BufferRange> buffers;
  Compression compression = Compression::kNone;
};

// Where a message lies in a file.
struct FileBlock {
  int64_t offset = 0;
  int64_t metadata_bytes = 0;  // With the 8 bytes before it.
  int64_t body_bytes = 0;

  friend bool operator==(const FileBlock&, const FileBlock&) = default;
};

struct ArrowFooter {
  Schema schema;
  ArrowMetadata schema_metadata;
  std::vector<FileBlock> batches;
  ArrowMetadata metadata;
};

struct ArrowMessage {
  enum class Kind : uint8_t { kSchema, kRecordBatch };

  Kind kind = Kind::kSchema;
  int64_t body_bytes = 0;
  // Of kSchema.
  Schema schema;
  ArrowMetadata schema_metadata;
  // Of kRecordBatch.
  RecordBatchHeader batch;
};

// Each result is valid until the next.
class MetadataEncoder {
 public:
  absl::string_view SchemaMessage(const Schema& schema,
                                  const ArrowMetadata& metadata);
  absl::string_view BatchMessage(const RecordBatchHeader& batch,
                                 int64_t body_bytes);
  absl::string_view Footer(const ArrowFooter& footer);

 private:
  flatbuffers::FlatBufferBuilder builder_;
};

// DataLoss when the tables are damaged, Unimplemented for types and features
// that opsbench has none for. REQUIRES: `bytes` is at a multiple of 8.
// `message` is filled; its memory is used again.
absl::Status DecodeMessage(absl::string_view bytes, ArrowMessage* message);
absl::StatusOr<ArrowFooter> DecodeFooter(absl::string_view bytes);

}  // namespace opsbench::pipeline::internal

#endif  // OPSBENCH_PIPELINE_INTERNAL_ARROW_METADATA_H_
