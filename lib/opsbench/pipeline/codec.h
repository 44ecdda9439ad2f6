#ifndef OPSBENCH_PIPELINE_CODEC_H_
#define OPSBENCH_PIPELINE_CODEC_H_

// Batches compressed for the way from a source's thread to a destination's, and
// back: each buffer of a column by itself, since its values are alike, or the
// bytes of the wire format. A buffer that would not get smaller stays as it is.
//
// Nothing here is a format to store: both ends are of one process. Files and
// streams are Arrow's (arrow_ipc.h).
//
// Thread safety: a codec is for one thread at a time and keeps its contexts, so
// that a batch costs no allocation; each end has its own.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opsbench/pipeline/batch.h"
#include "opsbench/pipeline/types.h"

namespace opsbench::pipeline {

enum class Compression : uint8_t { kNone, kLz4, kZstd };

// "none", "lz4", "zstd".
absl::string_view CompressionName(Compression compression);
// InvalidArgument for another name.
absl::StatusOr<Compression> ParseCompression(absl::string_view name);

struct CompressedBatch {
  struct Part {
    size_t raw_bytes = 0;
    size_t bytes = 0;  // Equal to raw_bytes: not compressed.
  };

  SchemaPtr schema;
  int64_t rows = 0;
  std::string wire_format;
  Compression compression = Compression::kNone;
  // Validity, offsets and values of each column, or the wire format's bytes;
  // their contents stand in `bytes` one after the other.
  std::vector<Part> parts;
  Buffer bytes;

  size_t raw_bytes() const {
    size_t sum = 0;
    for (const Part& part : parts) sum += part.raw_bytes;
    return sum;
  }
};

class BatchCodec {
 public:
  explicit BatchCodec(Compression compression);
  BatchCodec(BatchCodec&&) noexcept;
  BatchCodec& operator=(BatchCodec&&) noexcept;
  ~BatchCodec();

  Compression compression() const { return compression_; }

  // Replaces what `out` held, whose memory is used again. ResourceExhausted
  // when the library has no memory or the buffer is larger than it takes.
  absl::Status Compress(const Batch& batch, CompressedBatch* out);

  // Replaces what `batch` held, whose memory is used again when it is of the
  // same schema. Takes what any codec compressed; DataLoss when sizes, offsets
  // or contents do not fit.
  absl::Status Decompress(const CompressedBatch& compressed, Batch* batch);

 private:
  struct Contexts;

  Compression compression_;
  std::unique_ptr<Contexts> contexts_;
};

}  // namespace opsbench::pipeline

#endif  // OPSBENCH_PIPELINE_CODEC_H_
