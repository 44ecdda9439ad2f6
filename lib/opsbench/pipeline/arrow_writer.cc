#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/pipeline/arrow_ipc.h"
#include "opsbench/pipeline/internal/arrow_framing.h"
#include "opsbench/pipeline/internal/arrow_metadata.h"
#include "opsbench/pipeline/internal/body_codec.h"

namespace opsbench::pipeline {
namespace {

using internal::BufferRange;
using internal::kFileMagic;
using internal::kFileStart;
using internal::kMessageStart;
using internal::Padded;

absl::string_view ViewOf(const Buffer& buffer) {
  return {reinterpret_cast<const char*>(buffer.data()), buffer.size()};
}

constexpr absl::string_view kZeros("\0\0\0\0\0\0\0", 7);

absl::Status CheckBatch(const Batch& batch, const Schema& schema) {
  if (!batch.wire_format().empty()) {
    return absl::InvalidArgumentError(
        "a batch of a wire format has no columns");
  }
  if (batch.columns().size() != schema.fields.size()) {
    return absl::InvalidArgumentError(absl::StrCat(batch.columns().size(),
                                                   " columns for a schema of ",
                                                   schema.fields.size()));
  }
  for (size_t i = 0; i < schema.fields.size(); ++i) {
    const Column& column = batch.columns()[i];
    const Field& field = schema.fields[i];
    if (column.type() != field.type || column.size() != batch.rows()) {
      return absl::InvalidArgumentError(
          absl::StrCat("column ", field.name, ": ", column.size(),
                       " values of ", TypeName(column.type()), " for ",
                       batch.rows(), " rows of ", TypeName(field.type)));
    }
  }
  return absl::OkStatus();
}

}  // namespace

struct ArrowWriter::State {
  ArrowWriterOptions options;
  SchemaPtr schema;
  ByteSink* sink = nullptr;
  int64_t bytes_written = 0;
  ArrowFileIndex index;

  internal::MetadataEncoder encoder;
  internal::BodyCodec codec;
  internal::RecordBatchHeader header;
  // The body's pieces: the columns' own buffers, or what was compressed.
  std::vector<absl::string_view> pieces;
  Buffer compressed;
  Buffer frame;

  absl::Status Put(absl::string_view bytes) {
    bytes_written += static_cast<int64_t>(bytes.size());
    return sink->Write(bytes);
  }

  // The eight bytes before the metadata, and the metadata up to a multiple of
  // eight; how many bytes that was.
  absl::StatusOr<int64_t> PutMetadata(absl::string_view metadata) {
    const size_t padded = Padded(metadata.size());
    frame.Clear();
    frame.AppendValue(kMessageStart);
    frame.AppendValue(static_cast<uint32_t>(padded));
    frame.Append(metadata.data(), metadata.size());
    frame.Append(kZeros.data(), padded - metadata.size());
    OPSBENCH_RETURN_IF_ERROR(Put(ViewOf(frame)));
    return static_cast<int64_t>(frame.size());
  }

  void AddPiece(absl::string_view piece, int64_t* offset) {
    pieces.push_back(piece);
    header.buffers.push_back(
        BufferRange{*offset, static_cast<int64_t>(piece.size())});
    *offset += static_cast<int64_t>(Padded(piece.size()));
  }

  absl::Status Compress(const Batch& batch);
  absl::Status PutFooter(const std::map<std::string, std::string>& metadata);
};

// All buffers of the batch into one, since it moves while it grows; the pieces
// are cut from it afterwards.
absl::Status ArrowWriter::State::Compress(const Batch& batch) {
  compressed.Clear();
  std::vector<size_t> ends;
  for (const Column& column : batch.columns()) {
    const bool offsets = HasOffsets(column.type().id);
    for (const Buffer* buffer :
         {&column.validity(), &column.offsets(), &column.values()}) {
      if (buffer == &column.offsets() && !offsets) continue;
      if (!buffer->empty()) {
        OPSBENCH_RETURN_IF_ERROR(
            codec.Compress(options.compression, *buffer, &compressed));
      }
      ends.push_back(compressed.size());
    }
  }
  int64_t offset = 0;
  size_t start = 0;
  const absl::string_view all = ViewOf(compressed);
  for (const size_t end : ends) {
    AddPiece(all.substr(start, end - start), &offset);
    start = end;
  }
  return absl::OkStatus();
}

absl::Status ArrowWriter::State::PutFooter(
    const std::map<std::string, std::string>& metadata) {
  internal::ArrowFooter footer;
  footer.schema = *schema;
  footer.schema_metadata = options.metadata;
  footer.metadata = metadata;
  for (const ArrowFileIndex::Block& block : index.blocks) {
    footer.batches.push_back(
        {block.offset, block.metadata_bytes, block.body_bytes});
  }
  const absl::string_view bytes = encoder.Footer(footer);
  OPSBENCH_RETURN_IF_ERROR(Put(bytes));
  frame.Clear();
  frame.AppendValue(static_cast<int32_t>(bytes.size()));
  frame.Append(kFileMagic.data(), kFileMagic.size());
  return Put(ViewOf(frame));
}

ArrowWriter::ArrowWriter(std::unique_ptr<State> state)
    : state_(std::move(state)) {}
ArrowWriter::~ArrowWriter() = default;

absl::StatusOr<std::unique_ptr<ArrowWriter>> ArrowWriter::Open(
    const ArrowWriterOptions& options, SchemaPtr schema, ByteSink* sink) {
  auto state = std::make_unique<State>();
  state->options = options;
  state->schema = std::move(schema);
  state->sink = sink;
  if (options.format == ArrowFormat::kFile) {
    OPSBENCH_RETURN_IF_ERROR(state->Put(kFileStart));
  }
  OPSBENCH_RETURN_IF_ERROR(state
                               ->PutMetadata(state->encoder.SchemaMessage(
                                   *state->schema, options.metadata))
                               .status());
  return std::unique_ptr<ArrowWriter>(new ArrowWriter(std::move(state)));
}

absl::StatusOr<std::unique_ptr<ArrowWriter>> ArrowWriter::Continue(
    const ArrowWriterOptions& options, SchemaPtr schema,
    const ArrowFileIndex& index, ByteSink* sink) {
  if (options.format != ArrowFormat::kFile) {
    return absl::InvalidArgumentError("a stream has no index to go on from");
  }
  auto state = std::make_unique<State>();
  state->options = options;
  state->schema = std::move(schema);
  state->sink = sink;
  state->index = index;
  state->bytes_written = index.end_offset;
  return std::unique_ptr<ArrowWriter>(new ArrowWriter(std::move(state)));
}

absl::Status ArrowWriter::Write(const Batch& batch) {
  State& state = *state_;
  OPSBENCH_RETURN_IF_ERROR(CheckBatch(batch, *state.schema));
  state.header.rows = batch.rows();
  state.header.compression = state.options.compression;
  state.header.nodes.clear();
  state.header.buffers.clear();
  state.pieces.clear();
  for (const Column& column : batch.columns()) {
    state.header.nodes.push_back({column.size(), column.null_count()});
  }
  if (state.options.compression != Compression::kNone) {
    OPSBENCH_RETURN_IF_ERROR(state.Compress(batch));
  } else {
    int64_t offset = 0;
    for (const Column& column : batch.columns()) {
      state.AddPiece(ViewOf(column.validity()), &offset);
      if (HasOffsets(column.type().id)) {
        state.AddPiece(ViewOf(column.offsets()), &offset);
      }
      state.AddPiece(ViewOf(column.values()), &offset);
    }
  }
  int64_t body_bytes = 0;
  if (!state.header.buffers.empty()) {
    const BufferRange& last = state.header.buffers.back();
    body_bytes = last.offset +
                 static_cast<int64_t>(Padded(static_cast<size_t>(last.length)));
  }
  ArrowFileIndex::Block block;
  block.offset = state.bytes_written;
  block.body_bytes = body_bytes;
  OPSBENCH_ASSIGN_OR_RETURN(
      block.metadata_bytes,
      state.PutMetadata(state.encoder.BatchMessage(state.header, body_bytes)));
  for (const absl::string_view piece : state.pieces) {
    if (piece.empty()) continue;
    OPSBENCH_RETURN_IF_ERROR(state.Put(piece));
    const size_t padding = Padded(piece.size()) - piece.size();
    if (padding > 0) {
      OPSBENCH_RETURN_IF_ERROR(state.Put(kZeros.substr(0, padding)));
    }
  }
  // A stream may go on for ever.
  if (state.options.format == ArrowFormat::kFile) {
    state.index.blocks.push_back(block);
  }
  return absl::OkStatus();
}

absl::Status ArrowWriter::Finish(
    const std::map<std::string, std::string>& metadata) {
  State& state = *state_;
  state.frame.Clear();
  state.frame.AppendValue(kMessageStart);
  state.frame.AppendValue(uint32_t{0});
  OPSBENCH_RETURN_IF_ERROR(state.Put(ViewOf(state.frame)));
  if (state.options.format == ArrowFormat::kStream) return absl::OkStatus();
  return state.PutFooter(metadata);
}

int64_t ArrowWriter::bytes_written() const { return state_->bytes_written; }

}  // namespace opsbench::pipeline
