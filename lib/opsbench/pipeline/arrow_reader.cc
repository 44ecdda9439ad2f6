#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/pipeline/arrow_ipc.h"
#include "opsbench/pipeline/internal/arrow_framing.h"
#include "opsbench/pipeline/internal/arrow_metadata.h"
#include "opsbench/pipeline/internal/body_codec.h"
#include "opsbench/pipeline/internal/column_parts.h"

namespace opsbench::pipeline {
namespace {

using internal::ArrowMessage;
using internal::BufferRange;
using internal::kFileMagic;
using internal::kFileStart;
using internal::kMessageStart;
using internal::kPrefixBytes;

// Above what 1,600 columns with long names take by far.
constexpr size_t kMaxMetadataBytes = size_t{64} << 20;
// Memory for what is still to come is taken in steps that double, so that a
// size which the bytes do not keep costs little.
constexpr size_t kFirstReadBytes = size_t{1} << 20;

absl::Status CutOff() {
  return absl::DataLossError("Arrow data that ends before its end");
}

absl::string_view ViewOf(const Buffer& buffer) {
  return {reinterpret_cast<const char*>(buffer.data()), buffer.size()};
}

}  // namespace

struct ArrowReader::State {
  ArrowReaderOptions options;
  ByteSource* source = nullptr;
  ArrowFormat format = ArrowFormat::kStream;
  SchemaPtr schema;
  std::map<std::string, std::string> metadata;
  ArrowFileIndex index;
  int64_t position = 0;
  bool ended = false;

  ArrowMessage message;
  internal::BodyCodec codec;
  Buffer metadata_bytes;
  Buffer body;

  absl::StatusOr<size_t> ReadSome(uint8_t* out, size_t bytes);
  absl::Status ReadExactly(size_t bytes, Buffer* out);
  absl::StatusOr<bool> ReadMessage(absl::string_view start);
  absl::Status ReadEnd();
  absl::Status CheckFooter(absl::string_view bytes);
  absl::Status FillBatch(Batch* batch);
  absl::Status TakeBuffer(size_t place, size_t needed, size_t* left,
                          Buffer* out);
};

// Up to `bytes`; fewer at the end of the source alone.
absl::StatusOr<size_t> ArrowReader::State::ReadSome(uint8_t* out,
                                                    size_t bytes) {
  size_t done = 0;
  while (done < bytes) {
    OPSBENCH_ASSIGN_OR_RETURN(const size_t some,
                              source->Read(out + done, bytes - done));
    if (some == 0) break;
    done += some;
  }
  position += static_cast<int64_t>(done);
  return done;
}

absl::Status ArrowReader::State::ReadExactly(size_t bytes, Buffer* out) {
  out->Clear();
  while (out->size() < bytes) {
    const size_t had = out->size();
    const size_t step = std::min(bytes - had, std::max(had, kFirstReadBytes));
    out->Resize(had + step);
    OPSBENCH_ASSIGN_OR_RETURN(const size_t some,
                              ReadSome(out->data() + had, step));
    if (some < step) return CutOff();
  }
  return absl::OkStatus();
}

// False at the end mark. `start` is what was read of the prefix already.
absl::StatusOr<bool> ArrowReader::State::ReadMessage(absl::string_view start) {
  uint8_t prefix[kPrefixBytes];
  std::copy(start.begin(), start.end(), prefix);
  OPSBENCH_ASSIGN_OR_RETURN(
      const size_t got,
      ReadSome(prefix + start.size(), kPrefixBytes - start.size()));
  if (start.size() + got < kPrefixBytes) return CutOff();
  uint32_t mark = 0;
  uint32_t size = 0;
  std::memcpy(&mark, prefix, sizeof(mark));
  std::memcpy(&size, prefix + sizeof(mark), sizeof(size));
  if (mark != kMessageStart) {
    return absl::DataLossError(
        "no Arrow message where one should be (or one of a format before "
        "0.15)");
  }
  if (size == 0) return false;
  if (size > kMaxMetadataBytes) {
    return absl::DataLossError(absl::StrCat("metadata of ", size, " bytes"));
  }
  OPSBENCH_RETURN_IF_ERROR(ReadExactly(size, &metadata_bytes));
  OPSBENCH_RETURN_IF_ERROR(
      internal::DecodeMessage(ViewOf(metadata_bytes), &message));
  if (message.body_bytes > options.max_batch_bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("a message of ", message.body_bytes, " bytes, above ",
                     options.max_batch_bytes));
  }
  OPSBENCH_RETURN_IF_ERROR(
      ReadExactly(static_cast<size_t>(message.body_bytes), &body));
  return true;
}

// What stands behind a file's batches: footer, its size, the magic.
absl::Status ArrowReader::State::ReadEnd() {
  ended = true;
  if (format == ArrowFormat::kStream) return absl::OkStatus();
  Buffer& rest = metadata_bytes;
  rest.Clear();
  while (true) {
    const size_t had = rest.size();
    const size_t step = std::max(had, kFirstReadBytes);
    rest.Resize(had + step);
    OPSBENCH_ASSIGN_OR_RETURN(const size_t some,
                              ReadSome(rest.data() + had, step));
    rest.Resize(had + some);
    if (some < step) break;
    if (rest.size() > kMaxMetadataBytes) {
      return absl::DataLossError("a footer without an end");
    }
  }
  const absl::string_view bytes = ViewOf(rest);
  constexpr size_t kEndBytes = sizeof(int32_t) + kFileMagic.size();
  if (bytes.size() < kEndBytes ||
      bytes.substr(bytes.size() - kFileMagic.size()) != kFileMagic) {
    return CutOff();
  }
  int32_t size = 0;
  std::memcpy(&size, bytes.data() + bytes.size() - kEndBytes, sizeof(size));
  if (size < 0 || static_cast<size_t>(size) != bytes.size() - kEndBytes) {
    return absl::DataLossError("a footer of another size than it says");
  }
  return CheckFooter(bytes.substr(0, static_cast<size_t>(size)));
}

absl::Status ArrowReader::State::CheckFooter(absl::string_view bytes) {
  OPSBENCH_ASSIGN_OR_RETURN(internal::ArrowFooter footer,
                            internal::DecodeFooter(bytes));
  if (footer.schema != *schema) {
    return absl::DataLossError("a footer of another schema");
  }
  std::vector<ArrowFileIndex::Block> blocks;
  for (const internal::FileBlock& block : footer.batches) {
    blocks.push_back({block.offset, block.metadata_bytes, block.body_bytes});
  }
  if (blocks != index.blocks) {
    return absl::DataLossError("a footer of other batches");
  }
  index.metadata = std::move(footer.metadata);
  return absl::OkStatus();
}

// The buffer at `place` of the message, of which `needed` bytes are used.
absl::Status ArrowReader::State::TakeBuffer(size_t place, size_t needed,
                                            size_t* left, Buffer* out) {
  const BufferRange& range = message.batch.buffers[place];
  const auto body_bytes = static_cast<int64_t>(body.size());
  if (range.offset < 0 || range.length < 0 || range.offset > body_bytes ||
      range.length > body_bytes - range.offset) {
    return absl::DataLossError("a buffer beyond its message");
  }
  absl::string_view bytes = ViewOf(body).substr(
      static_cast<size_t>(range.offset), static_cast<size_t>(range.length));
  if (message.batch.compression != Compression::kNone) {
    OPSBENCH_RETURN_IF_ERROR(
        codec.Decompress(message.batch.compression, bytes, *left, out));
  } else {
    bytes = bytes.substr(0, needed);
    // Ranges may lie on each other, so that a small message makes much.
    if (bytes.size() > *left) {
      return absl::ResourceExhaustedError("a batch beyond its limit");
    }
    out->Clear();
    out->Append(bytes.data(), bytes.size());
  }
  *left -= out->size();
  return absl::OkStatus();
}

// May leave columns without parts when it fails.
absl::Status ArrowReader::State::FillBatch(Batch* batch) {
  const internal::RecordBatchHeader& header = message.batch;
  size_t buffers = 0;
  for (const Field& field : schema->fields) {
    buffers += HasOffsets(field.type.id) ? 3 : 2;
  }
  if (header.rows < 0 || header.rows > internal::kMaxRows ||
      header.nodes.size() != schema->fields.size() ||
      header.buffers.size() != buffers) {
    return absl::DataLossError("a batch of another schema");
  }
  auto left = static_cast<size_t>(options.max_batch_bytes);
  size_t place = 0;
  for (size_t i = 0; i < schema->fields.size(); ++i) {
    const internal::FieldNode& node = header.nodes[i];
    if (node.length != header.rows || node.null_count < 0 ||
        node.null_count > node.length) {
      return absl::DataLossError("a column of other rows than its batch");
    }
    Column& column = batch->columns()[i];
    const Type type = column.type();
    Column::Parts parts = column.Release();
    // Without nulls the bitmap may be there, and may be anything.
    const size_t validity =
        node.null_count == 0 ? 0 : internal::ValidityBytes(header.rows);
    OPSBENCH_RETURN_IF_ERROR(
        TakeBuffer(place++, validity, &left, &parts.validity));
    if (node.null_count == 0) parts.validity.Clear();
    size_t values = std::numeric_limits<size_t>::max();
    if (HasOffsets(type.id)) {
      OPSBENCH_RETURN_IF_ERROR(TakeBuffer(
          place++, internal::OffsetsBytes(header.rows), &left, &parts.offsets));
    } else {
      values = internal::ValuesBytes(type.id, header.rows);
    }
    OPSBENCH_RETURN_IF_ERROR(TakeBuffer(place++, values, &left, &parts.values));
    OPSBENCH_ASSIGN_OR_RETURN(
        column, internal::ColumnOfParts(type, header.rows, std::move(parts)));
    if (column.null_count() != node.null_count) {
      return absl::DataLossError("another number of nulls than its bitmap has");
    }
  }
  batch->SetRows(header.rows);
  return absl::OkStatus();
}

ArrowReader::ArrowReader(std::unique_ptr<State> state)
    : state_(std::move(state)) {}
ArrowReader::~ArrowReader() = default;

absl::StatusOr<std::unique_ptr<ArrowReader>> ArrowReader::Open(
    const ArrowReaderOptions& options, ByteSource* source) {
  auto state = std::make_unique<State>();
  state->options = options;
  state->source = source;
  uint8_t start[kPrefixBytes];
  OPSBENCH_ASSIGN_OR_RETURN(const size_t got,
                            state->ReadSome(start, sizeof(start)));
  absl::string_view prefix(reinterpret_cast<const char*>(start), got);
  if (prefix.substr(0, kFileMagic.size()) == kFileMagic &&
      got == kFileStart.size()) {
    state->format = ArrowFormat::kFile;
    prefix = "";
  }
  OPSBENCH_ASSIGN_OR_RETURN(const bool more, state->ReadMessage(prefix));
  if (!more || state->message.kind != ArrowMessage::Kind::kSchema) {
    return absl::DataLossError("Arrow data that does not start with a schema");
  }
  state->schema = std::make_shared<Schema>(std::move(state->message.schema));
  state->metadata = std::move(state->message.schema_metadata);
  state->index.end_offset = state->position;
  return std::unique_ptr<ArrowReader>(new ArrowReader(std::move(state)));
}

ArrowFormat ArrowReader::format() const { return state_->format; }
const SchemaPtr& ArrowReader::schema() const { return state_->schema; }
const std::map<std::string, std::string>& ArrowReader::metadata() const {
  return state_->metadata;
}
const ArrowFileIndex& ArrowReader::index() const { return state_->index; }

absl::StatusOr<bool> ArrowReader::Next(Batch* batch) {
  State& state = *state_;
  if (batch->schema() != state.schema) *batch = Batch(state.schema);
  batch->Clear();
  batch->set_wire_format("");
  if (state.ended) return false;
  const int64_t start = state.position;
  OPSBENCH_ASSIGN_OR_RETURN(const bool more, state.ReadMessage(""));
  if (!more) {
    OPSBENCH_RETURN_IF_ERROR(state.ReadEnd());
    return false;
  }
  if (state.message.kind != ArrowMessage::Kind::kRecordBatch) {
    return absl::DataLossError("a second schema");
  }
  const absl::Status status = state.FillBatch(batch);
  if (!status.ok()) {
    // One without rows, that can be filled again.
    *batch = Batch(state.schema);
    return status;
  }
  state.index.end_offset = state.position;
  if (state.format == ArrowFormat::kFile) {
    state.index.blocks.push_back(
        {start, state.position - start - state.message.body_bytes,
         state.message.body_bytes});
  }
  return true;
}

}  // namespace opsbench::pipeline
