#include "opsbench/pipeline/codec.h"

#include <lz4.h>
#include <zstd.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/pipeline/internal/column_parts.h"

namespace opsbench::pipeline {
namespace {

// The fastest of zstd's regular levels: the channel must keep up with a source.
constexpr int kZstdLevel = 1;

struct ZstdFree {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

}  // namespace

struct BatchCodec::Contexts {
  std::vector<char> lz4_state;
  std::unique_ptr<ZSTD_CCtx, ZstdFree> zstd_compress;
  std::unique_ptr<ZSTD_DCtx, ZstdFree> zstd_decompress;

  absl::StatusOr<size_t> Compress(Compression compression, const Buffer& raw,
                                  uint8_t* out, size_t room);
  absl::Status Decompress(Compression compression, const uint8_t* bytes,
                          size_t size, Buffer* raw);
  absl::Status DecompressParts(const CompressedBatch& compressed, Batch* batch);
};

namespace {

size_t Bound(Compression compression, size_t bytes) {
  if (compression == Compression::kZstd) return ZSTD_compressBound(bytes);
  // Above what LZ4 takes, the buffer stays as it is.
  return bytes > LZ4_MAX_INPUT_SIZE
             ? bytes
             : static_cast<size_t>(LZ4_compressBound(static_cast<int>(bytes)));
}

}  // namespace

// The compressed size; 0 when it would not be smaller.
absl::StatusOr<size_t> BatchCodec::Contexts::Compress(Compression compression,
                                                      const Buffer& raw,
                                                      uint8_t* out,
                                                      size_t room) {
  if (compression == Compression::kNone) return 0;
  size_t size = 0;
  if (compression == Compression::kLz4) {
    if (raw.size() > LZ4_MAX_INPUT_SIZE) return 0;
    if (lz4_state.empty()) {
      lz4_state.resize(static_cast<size_t>(LZ4_sizeofState()));
    }
    size = static_cast<size_t>(LZ4_compress_fast_extState(
        lz4_state.data(), reinterpret_cast<const char*>(raw.data()),
        reinterpret_cast<char*>(out), static_cast<int>(raw.size()),
        static_cast<int>(
            std::min<size_t>(room, std::numeric_limits<int>::max())),
        /*acceleration=*/1));
  } else {
    if (zstd_compress == nullptr) zstd_compress.reset(ZSTD_createCCtx());
    if (zstd_compress == nullptr) {
      return absl::ResourceExhaustedError("no memory for zstd");
    }
    size = ZSTD_compressCCtx(zstd_compress.get(), out, room, raw.data(),
                             raw.size(), kZstdLevel);
    if (ZSTD_isError(size) != 0) {
      return absl::ResourceExhaustedError(
          absl::StrCat("zstd: ", ZSTD_getErrorName(size)));
    }
  }
  return size < raw.size() ? size : 0;
}

// Fills `raw`, which has the size to expect.
absl::Status BatchCodec::Contexts::Decompress(Compression compression,
                                              const uint8_t* bytes, size_t size,
                                              Buffer* raw) {
  if (compression == Compression::kLz4) {
    if (raw->size() > LZ4_MAX_INPUT_SIZE || size > LZ4_MAX_INPUT_SIZE) {
      return absl::DataLossError("lz4: a buffer beyond its limit");
    }
    const int got = LZ4_decompress_safe(reinterpret_cast<const char*>(bytes),
                                        reinterpret_cast<char*>(raw->data()),
                                        static_cast<int>(size),
                                        static_cast<int>(raw->size()));
    if (got < 0 || static_cast<size_t>(got) != raw->size()) {
      return absl::DataLossError("lz4: damaged");
    }
    return absl::OkStatus();
  }
  if (compression != Compression::kZstd) {
    return absl::DataLossError("a compressed part without a compression");
  }
  if (zstd_decompress == nullptr) zstd_decompress.reset(ZSTD_createDCtx());
  if (zstd_decompress == nullptr) {
    return absl::ResourceExhaustedError("no memory for zstd");
  }
  const size_t got = ZSTD_decompressDCtx(zstd_decompress.get(), raw->data(),
                                         raw->size(), bytes, size);
  if (ZSTD_isError(got) != 0) {
    return absl::DataLossError(absl::StrCat("zstd: ", ZSTD_getErrorName(got)));
  }
  if (got != raw->size()) return absl::DataLossError("zstd: another size");
  return absl::OkStatus();
}

// May leave columns without parts when it fails.
absl::Status BatchCodec::Contexts::DecompressParts(
    const CompressedBatch& compressed, Batch* batch) {
  size_t part = 0;
  size_t at = 0;
  const auto take = [&](Buffer* raw) -> absl::Status {
    if (part == compressed.parts.size()) {
      return absl::DataLossError("fewer parts than the schema has");
    }
    const CompressedBatch::Part& sizes = compressed.parts[part++];
    if (sizes.bytes > compressed.bytes.size() - at) {
      return absl::DataLossError("a part beyond the end");
    }
    const uint8_t* const bytes = compressed.bytes.data() + at;
    at += sizes.bytes;
    raw->Clear();
    if (sizes.bytes == sizes.raw_bytes) {
      raw->Append(bytes, sizes.bytes);
      return absl::OkStatus();
    }
    raw->Resize(sizes.raw_bytes);
    return Decompress(compressed.compression, bytes, sizes.bytes, raw);
  };
  if (!compressed.wire_format.empty()) {
    OPSBENCH_RETURN_IF_ERROR(take(&batch->wire()));
  } else {
    for (Column& column : batch->columns()) {
      Column::Parts parts = column.Release();
      OPSBENCH_RETURN_IF_ERROR(take(&parts.validity));
      OPSBENCH_RETURN_IF_ERROR(take(&parts.offsets));
      OPSBENCH_RETURN_IF_ERROR(take(&parts.values));
      OPSBENCH_ASSIGN_OR_RETURN(
          column, internal::ColumnOfParts(column.type(), compressed.rows,
                                          std::move(parts)));
    }
  }
  if (part != compressed.parts.size() || at != compressed.bytes.size()) {
    return absl::DataLossError("more parts than the schema has");
  }
  return absl::OkStatus();
}

absl::string_view CompressionName(Compression compression) {
  switch (compression) {
    case Compression::kNone:
      return "none";
    case Compression::kLz4:
      return "lz4";
    case Compression::kZstd:
      return "zstd";
  }
  return "";
}

absl::StatusOr<Compression> ParseCompression(absl::string_view name) {
  for (const Compression compression :
       {Compression::kNone, Compression::kLz4, Compression::kZstd}) {
    if (name == CompressionName(compression)) return compression;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("compression is none, lz4 or zstd, not \"", name, "\""));
}

BatchCodec::BatchCodec(Compression compression)
    : compression_(compression), contexts_(std::make_unique<Contexts>()) {}
BatchCodec::BatchCodec(BatchCodec&&) noexcept = default;
BatchCodec& BatchCodec::operator=(BatchCodec&&) noexcept = default;
BatchCodec::~BatchCodec() = default;

absl::Status BatchCodec::Compress(const Batch& batch, CompressedBatch* out) {
  out->schema = batch.schema();
  out->rows = batch.rows();
  out->wire_format = batch.wire_format();
  out->compression = compression_;
  out->parts.clear();
  out->bytes.Clear();
  const auto add = [&](const Buffer& raw) -> absl::Status {
    const size_t old = out->bytes.size();
    size_t size = 0;
    if (compression_ != Compression::kNone && !raw.empty()) {
      const size_t room = Bound(compression_, raw.size());
      out->bytes.Resize(old + room);
      OPSBENCH_ASSIGN_OR_RETURN(
          size, contexts_->Compress(compression_, raw, out->bytes.data() + old,
                                    room));
      out->bytes.Resize(old + size);
    }
    if (size == 0) {
      size = raw.size();
      out->bytes.Append(raw.data(), size);
    }
    out->parts.push_back({raw.size(), size});
    return absl::OkStatus();
  };
  if (!batch.wire_format().empty()) return add(batch.wire());
  for (const Column& column : batch.columns()) {
    OPSBENCH_RETURN_IF_ERROR(add(column.validity()));
    OPSBENCH_RETURN_IF_ERROR(add(column.offsets()));
    OPSBENCH_RETURN_IF_ERROR(add(column.values()));
  }
  return absl::OkStatus();
}

absl::Status BatchCodec::Decompress(const CompressedBatch& compressed,
                                    Batch* batch) {
  if (batch->schema() != compressed.schema) *batch = Batch(compressed.schema);
  batch->Clear();
  batch->set_wire_format(compressed.wire_format);
  absl::Status status = contexts_->DecompressParts(compressed, batch);
  if (!status.ok()) {
    // One that can be filled again.
    *batch = Batch(compressed.schema);
    return status;
  }
  batch->SetRows(compressed.rows);
  return absl::OkStatus();
}

}  // namespace opsbench::pipeline
