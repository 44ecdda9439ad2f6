#ifndef OPSBENCH_PIPELINE_INTERNAL_BODY_CODEC_H_
#define OPSBENCH_PIPELINE_INTERNAL_BODY_CODEC_H_

// Compression of the buffers in an Arrow message's body: eight bytes that say
// how long the buffer is, or -1 for one that was left as it is, and then a
// frame of LZ4 or of zstd.
//
// Thread safety: for one thread at a time; contexts are used again.

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "opsbench/pipeline/batch.h"
#include "opsbench/pipeline/codec.h"

namespace opsbench::pipeline::internal {

class BodyCodec {
 public:
  BodyCodec();
  ~BodyCodec();
  BodyCodec(const BodyCodec&) = delete;
  BodyCodec& operator=(const BodyCodec&) = delete;

  // Appends the compressed form of `raw`, which is not empty.
  absl::Status Compress(Compression compression, const Buffer& raw,
                        Buffer* out);

  // Replaces `raw` by what `bytes` hold. ResourceExhausted when that is more
  // than `limit_bytes`, DataLoss when they are damaged.
  absl::Status Decompress(Compression compression, absl::string_view bytes,
                          size_t limit_bytes, Buffer* raw);

 private:
  struct Contexts;
  std::unique_ptr<Contexts> contexts_;
};

}  // namespace opsbench::pipeline::internal

#endif  // OPSBENCH_PIPELINE_INTERNAL_BODY_CODEC_H_
