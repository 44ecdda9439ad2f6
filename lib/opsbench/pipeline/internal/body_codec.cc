#include "opsbench/pipeline/internal/body_codec.h"

#include <lz4frame.h>
#include <zstd.h>

#include <cstdint>
#include <cstring>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "opsbench/base/status_macros.h"

namespace opsbench::pipeline::internal {
namespace {

constexpr int64_t kNotCompressed = -1;
constexpr int kZstdLevel = 1;

struct Free {
  void operator()(LZ4F_dctx* context) const {
    LZ4F_freeDecompressionContext(context);
  }
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

absl::Status NoMemory() {
  return absl::ResourceExhaustedError("no memory for compression");
}

}  // namespace

struct BodyCodec::Contexts {
  std::unique_ptr<ZSTD_CCtx, Free> zstd_compress;
  std::unique_ptr<ZSTD_DCtx, Free> zstd_decompress;
  std::unique_ptr<LZ4F_dctx, Free> lz4_decompress;

  absl::Status DecompressLz4(absl::string_view bytes, Buffer* raw);
  absl::Status DecompressZstd(absl::string_view bytes, Buffer* raw);
};

// Fills `raw`, which has the size to expect.
absl::Status BodyCodec::Contexts::DecompressLz4(absl::string_view bytes,
                                                Buffer* raw) {
  if (lz4_decompress == nullptr) {
    LZ4F_dctx* context = nullptr;
    if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)) !=
        0) {
      return NoMemory();
    }
    lz4_decompress.reset(context);
  }
  LZ4F_resetDecompressionContext(lz4_decompress.get());
  size_t read = 0;
  size_t written = 0;
  while (true) {
    size_t source = bytes.size() - read;
    size_t room = raw->size() - written;
    const size_t left =
        LZ4F_decompress(lz4_decompress.get(), raw->data() + written, &room,
                        bytes.data() + read, &source, nullptr);
    if (LZ4F_isError(left) != 0) {
      return absl::DataLossError(
          absl::StrCat("lz4: ", LZ4F_getErrorName(left)));
    }
    read += source;
    written += room;
    if (left == 0) break;
    // Neither side moved: the frame wants more than there is.
    if (source == 0 && room == 0) return absl::DataLossError("lz4: cut off");
  }
  if (read != bytes.size() || written != raw->size()) {
    return absl::DataLossError("lz4: another size");
  }
  return absl::OkStatus();
}

absl::Status BodyCodec::Contexts::DecompressZstd(absl::string_view bytes,
                                                 Buffer* raw) {
  if (zstd_decompress == nullptr) zstd_decompress.reset(ZSTD_createDCtx());
  if (zstd_decompress == nullptr) return NoMemory();
  const size_t size =
      ZSTD_decompressDCtx(zstd_decompress.get(), raw->data(), raw->size(),
                          bytes.data(), bytes.size());
  if (ZSTD_isError(size) != 0) {
    return absl::DataLossError(absl::StrCat("zstd: ", ZSTD_getErrorName(size)));
  }
  if (size != raw->size()) return absl::DataLossError("zstd: another size");
  return absl::OkStatus();
}

BodyCodec::BodyCodec() : contexts_(std::make_unique<Contexts>()) {}
BodyCodec::~BodyCodec() = default;

absl::Status BodyCodec::Compress(Compression compression, const Buffer& raw,
                                 Buffer* out) {
  const size_t start = out->size();
  out->AppendValue(static_cast<int64_t>(raw.size()));
  const size_t body = out->size();
  size_t size = 0;
  if (compression == Compression::kLz4) {
    LZ4F_preferences_t preferences = {};
    preferences.frameInfo.contentSize = raw.size();
    const size_t room = LZ4F_compressFrameBound(raw.size(), &preferences);
    out->Resize(body + room);
    size = LZ4F_compressFrame(out->data() + body, room, raw.data(), raw.size(),
                              &preferences);
    if (LZ4F_isError(size) != 0) return NoMemory();
  } else {
    if (contexts_->zstd_compress == nullptr) {
      contexts_->zstd_compress.reset(ZSTD_createCCtx());
    }
    if (contexts_->zstd_compress == nullptr) return NoMemory();
    const size_t room = ZSTD_compressBound(raw.size());
    out->Resize(body + room);
    size = ZSTD_compressCCtx(contexts_->zstd_compress.get(), out->data() + body,
                             room, raw.data(), raw.size(), kZstdLevel);
    if (ZSTD_isError(size) != 0) return NoMemory();
  }
  if (size < raw.size()) {
    out->Resize(body + size);
    return absl::OkStatus();
  }
  out->Resize(start);
  out->AppendValue(kNotCompressed);
  out->Append(raw.data(), raw.size());
  return absl::OkStatus();
}

absl::Status BodyCodec::Decompress(Compression compression,
                                   absl::string_view bytes, size_t limit_bytes,
                                   Buffer* raw) {
  raw->Clear();
  if (bytes.empty()) return absl::OkStatus();
  int64_t size = 0;
  if (bytes.size() < sizeof(size)) {
    return absl::DataLossError("a compressed buffer without its size");
  }
  std::memcpy(&size, bytes.data(), sizeof(size));
  bytes.remove_prefix(sizeof(size));
  const auto claimed =
      size == kNotCompressed ? bytes.size() : static_cast<uint64_t>(size);
  if (size < kNotCompressed) {
    return absl::DataLossError("a compressed buffer of < 0 bytes");
  }
  if (claimed > limit_bytes) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "a buffer of ", claimed, " bytes where ", limit_bytes, " are left"));
  }
  if (size == kNotCompressed) {
    raw->Append(bytes.data(), bytes.size());
    return absl::OkStatus();
  }
  // No byte of LZ4 makes more than 255: a size beyond is a lie, for which no
  // memory is taken.
  if (compression == Compression::kLz4 && claimed / 255 > bytes.size()) {
    return absl::DataLossError("lz4: another size");
  }
  if (compression == Compression::kZstd) {
    const unsigned long long content =
        ZSTD_getFrameContentSize(bytes.data(), bytes.size());
    if (content != ZSTD_CONTENTSIZE_UNKNOWN && content != claimed) {
      return absl::DataLossError("zstd: another size");
    }
  }
  raw->Resize(claimed);
  absl::Status status = compression == Compression::kLz4
                            ? contexts_->DecompressLz4(bytes, raw)
                            : contexts_->DecompressZstd(bytes, raw);
  if (!status.ok()) raw->Clear();
  return status;
}

}  // namespace opsbench::pipeline::internal
