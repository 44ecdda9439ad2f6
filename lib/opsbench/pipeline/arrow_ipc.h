#ifndef OPSBENCH_PIPELINE_ARROW_IPC_H_
#define OPSBENCH_PIPELINE_ARROW_IPC_H_

// Arrow IPC: batches as bytes that every Arrow library reads, as a stream or as
// a file, whose footer says where each batch lies.
// https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc
//
// Written: metadata version 5, little-endian, buffers at multiples of 8 bytes.
// Read: the same and version 4, of any writer; what opsbench has no type for is
// refused by name. A type's finer points are metadata of its field:
// ARROW:extension:name for uuid and json, opsbench:type for numeric,
// opsbench:native and opsbench:primary_key (1 for the first column of it).
//
// Thread safety: for one thread at a time.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opsbench/pipeline/batch.h"
#include "opsbench/pipeline/codec.h"
#include "opsbench/pipeline/types.h"

namespace opsbench::pipeline {

// Where bytes go, one after the other.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual absl::Status Write(absl::string_view bytes) = 0;
};

// Where bytes come from.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // How many came, at most `bytes`; none at the end alone.
  virtual absl::StatusOr<size_t> Read(void* out, size_t bytes) = 0;
};

enum class ArrowFormat : uint8_t { kStream, kFile };

// Where the batches of a file that is to be continued lie; from ArrowReader.
struct ArrowFileIndex {
  struct Block {
    int64_t offset = 0;
    int64_t metadata_bytes = 0;
    int64_t body_bytes = 0;

    friend bool operator==(const Block&, const Block&) = default;
  };
  std::vector<Block> blocks;
  // Where the next batch goes: behind the last.
  int64_t end_offset = 0;
  // Of the footer.
  std::map<std::string, std::string> metadata;
};

struct ArrowWriterOptions {
  ArrowFormat format = ArrowFormat::kStream;
  Compression compression = Compression::kNone;
  // Of the schema: whatever a reader may want to know.
  std::map<std::string, std::string> metadata;
};

class ArrowWriter {
 public:
  // Writes the schema. `sink` outlives the writer. Errors are the sink's.
  static absl::StatusOr<std::unique_ptr<ArrowWriter>> Open(
      const ArrowWriterOptions& options, SchemaPtr schema, ByteSink* sink);

  // Goes on behind the batches of a file of the same schema, whose first
  // `index.end_offset` bytes the sink holds already. REQUIRES: kFile.
  static absl::StatusOr<std::unique_ptr<ArrowWriter>> Continue(
      const ArrowWriterOptions& options, SchemaPtr schema,
      const ArrowFileIndex& index, ByteSink* sink);

  ~ArrowWriter();

  // InvalidArgument when the batch is of other types than the schema, of a wire
  // format, or its columns differ in length.
  absl::Status Write(const Batch& batch);

  // Writes the end, without which what was written is damaged; a file's footer
  // gets `metadata`.
  absl::Status Finish(const std::map<std::string, std::string>& metadata = {});

  int64_t bytes_written() const;

 private:
  struct State;
  explicit ArrowWriter(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

struct ArrowReaderOptions {
  // What a batch may take, in the stream and in memory; above it is
  // ResourceExhausted. A size that bytes claim but do not have costs nothing.
  int64_t max_batch_bytes = int64_t{1} << 30;
};

class ArrowReader {
 public:
  // Reads the schema; tells stream and file apart. `source` outlives the
  // reader. DataLoss for what is no Arrow IPC, or damaged.
  static absl::StatusOr<std::unique_ptr<ArrowReader>> Open(
      const ArrowReaderOptions& options, ByteSource* source);

  ~ArrowReader();

  ArrowFormat format() const;
  const SchemaPtr& schema() const;
  const std::map<std::string, std::string>& metadata() const;

  // Replaces what `batch` held, whose memory is used again when it is of this
  // schema; false at the end, which a stream has to say and behind which a file
  // has to have a footer of the batches that came. What is damaged is DataLoss,
  // before any value of the batch can be read.
  absl::StatusOr<bool> Next(Batch* batch);

  // Of the batches that came; its metadata is there after the end.
  const ArrowFileIndex& index() const;

 private:
  struct State;
  explicit ArrowReader(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace opsbench::pipeline

#endif  // OPSBENCH_PIPELINE_ARROW_IPC_H_
