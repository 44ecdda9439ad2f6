#include "opsbench/vector/internal/vector_files.h"

#include <bit>
#include <cstring>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/vector/distance.h"
#include "opsbench/vector/internal/npy.h"

namespace opsbench::vector::internal {
namespace {

static_assert(std::endian::native == std::endian::little);

template <typename... Parts>
absl::Status Unusable(absl::string_view name, const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(name, ": ", parts...));
}

template <typename T>
T LoadAt(absl::string_view bytes, size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

// Rows of numbers at a fixed distance in a file.
struct Layout {
  size_t rows = 0;
  size_t columns = 0;
  size_t first = 0;        // Offset of the first number.
  size_t stride = 0;       // Bytes from row to row.
  size_t item_stride = 0;  // Bytes from column to column.
};

absl::Status CheckDimension(size_t dimension, absl::string_view name) {
  if (dimension == 0 || dimension > kMaxDimension) {
    return Unusable(name, "its header says dimension ", dimension,
                    "; it must be from 1 to ", kMaxDimension);
  }
  return absl::OkStatus();
}

// fvecs and its kin: the length before each row.
absl::StatusOr<Layout> VecsLayout(absl::string_view bytes, size_t item_bytes,
                                  absl::string_view name) {
  if (bytes.size() < 4) return Unusable(name, "no vectors");
  const uint32_t dimension = LoadAt<uint32_t>(bytes, 0);
  OPSBENCH_RETURN_IF_ERROR(CheckDimension(dimension, name));
  Layout layout;
  layout.columns = dimension;
  layout.first = 4;
  layout.stride = 4 + dimension * item_bytes;
  layout.item_stride = item_bytes;
  layout.rows = bytes.size() / layout.stride;
  if (bytes.size() % layout.stride != 0) {
    return Unusable(name, "cut off in row ", layout.rows, ": ", bytes.size(),
                    " bytes are not a whole number of rows of ", layout.stride);
  }
  for (size_t i = 0; i < layout.rows; ++i) {
    const uint32_t length = LoadAt<uint32_t>(bytes, i * layout.stride);
    if (length != dimension) {
      return Unusable(name, "row ", i, " is of dimension ", length,
                      ", those before it of ", dimension);
    }
  }
  return layout;
}

// fbin and its kin: rows and dimension first. `extra_bytes` a number may follow
// the numbers.
absl::StatusOr<Layout> BinLayout(absl::string_view bytes, size_t item_bytes,
                                 size_t extra_bytes, absl::string_view name) {
  if (bytes.size() < 8) return Unusable(name, "cut off in its header");
  Layout layout;
  layout.rows = LoadAt<uint32_t>(bytes, 0);
  layout.columns = LoadAt<uint32_t>(bytes, 4);
  layout.first = 8;
  OPSBENCH_RETURN_IF_ERROR(CheckDimension(layout.columns, name));
  layout.stride = layout.columns * item_bytes;
  layout.item_stride = item_bytes;
  // Below 2^32 times 2^19: no overflow.
  const size_t wanted = layout.first + layout.rows * layout.stride;
  const size_t more = layout.rows * layout.columns * extra_bytes;
  if (bytes.size() != wanted && bytes.size() != wanted + more) {
    return Unusable(name, bytes.size() < wanted ? "cut off" : "too long", ": ",
                    bytes.size(), " bytes, but its header says ", layout.rows,
                    " rows of ", layout.columns, ", which are ", wanted);
  }
  return layout;
}

absl::StatusOr<Layout> NpyLayout(const NpyHeader& header,
                                 absl::string_view bytes, size_t item_bytes,
                                 absl::string_view name) {
  OPSBENCH_RETURN_IF_ERROR(CheckDimension(header.columns, name));
  Layout layout;
  layout.rows = header.rows;
  layout.columns = header.columns;
  layout.first = header.data_offset;
  layout.stride = header.columns * item_bytes;
  layout.item_stride = item_bytes;
  const size_t have = bytes.size() - layout.first;
  if (layout.rows > have / layout.stride ||
      have != layout.rows * layout.stride) {
    return Unusable(name, have, " bytes of data, but its header says ",
                    layout.rows, " rows of ", layout.stride);
  }
  if (header.fortran_order) {
    layout.stride = item_bytes;
    layout.item_stride = layout.rows * item_bytes;
  }
  return layout;
}

inline float Number(float value) { return value; }
inline float Number(double value) { return static_cast<float>(value); }
inline float Number(Half value) { return ToFloat(value); }
inline float Number(int8_t value) { return value; }
inline float Number(uint8_t value) { return value; }

template <typename T>
absl::StatusOr<VectorTable> Vectors(absl::string_view bytes,
                                    absl::StatusOr<Layout> layout) {
  if (!layout.ok()) return layout.status();
  VectorTable table;
  table.rows = layout->rows;
  table.dimension = layout->columns;
  table.values.resize(table.rows * table.dimension);
  float* out = table.values.data();
  for (size_t i = 0; i < table.rows; ++i) {
    const size_t row = layout->first + i * layout->stride;
    for (size_t d = 0; d < table.dimension; ++d) {
      *out++ = Number(LoadAt<T>(bytes, row + d * layout->item_stride));
    }
  }
  return table;
}

template <typename T>
absl::StatusOr<IdTable> Ids(absl::string_view bytes,
                            absl::StatusOr<Layout> layout) {
  if (!layout.ok()) return layout.status();
  IdTable table;
  table.rows = layout->rows;
  table.k = layout->columns;
  table.ids.resize(table.rows * table.k);
  int64_t* out = table.ids.data();
  for (size_t i = 0; i < table.rows; ++i) {
    const size_t row = layout->first + i * layout->stride;
    for (size_t d = 0; d < table.k; ++d) {
      // What is above 2^63 becomes negative, so out of range.
      *out++ =
          static_cast<int64_t>(LoadAt<T>(bytes, row + d * layout->item_stride));
    }
  }
  return table;
}

absl::StatusOr<VectorTable> NpyVectors(absl::string_view bytes,
                                       absl::string_view name) {
  OPSBENCH_ASSIGN_OR_RETURN(const NpyHeader header,
                            ParseNpyHeader(bytes, name));
  const auto layout = [&](size_t item) {
    return NpyLayout(header, bytes, item, name);
  };
  if (header.type == "<f4") return Vectors<float>(bytes, layout(4));
  if (header.type == "<f2") return Vectors<Half>(bytes, layout(2));
  if (header.type == "<f8") return Vectors<double>(bytes, layout(8));
  if (header.type == "|i1") return Vectors<int8_t>(bytes, layout(1));
  if (header.type == "|u1") return Vectors<uint8_t>(bytes, layout(1));
  return Unusable(name, "numbers of type '", header.type,
                  "'; vectors are of <f2, <f4, <f8, |i1 or |u1");
}

absl::StatusOr<IdTable> NpyIds(absl::string_view bytes,
                               absl::string_view name) {
  OPSBENCH_ASSIGN_OR_RETURN(const NpyHeader header,
                            ParseNpyHeader(bytes, name));
  const auto layout = [&](size_t item) {
    return NpyLayout(header, bytes, item, name);
  };
  if (header.type == "<i4") return Ids<int32_t>(bytes, layout(4));
  if (header.type == "<u4") return Ids<uint32_t>(bytes, layout(4));
  if (header.type == "<i8") return Ids<int64_t>(bytes, layout(8));
  if (header.type == "<u8") return Ids<uint64_t>(bytes, layout(8));
  return Unusable(name, "numbers of type '", header.type,
                  "'; ids are of <i4, <u4, <i8 or <u8");
}

}  // namespace

std::string Extension(absl::string_view name) {
  const size_t slash = name.rfind('/');
  if (slash != absl::string_view::npos) name.remove_prefix(slash + 1);
  const size_t dot = name.rfind('.');
  if (dot == absl::string_view::npos) return "";
  return absl::AsciiStrToLower(name.substr(dot + 1));
}

absl::StatusOr<VectorTable> ParseVectorFile(absl::string_view bytes,
                                            absl::string_view name) {
  const std::string extension = Extension(name);
  if (extension == "fvecs") {
    return Vectors<float>(bytes, VecsLayout(bytes, 4, name));
  }
  if (extension == "bvecs") {
    return Vectors<uint8_t>(bytes, VecsLayout(bytes, 1, name));
  }
  if (extension == "fbin") {
    return Vectors<float>(bytes, BinLayout(bytes, 4, 0, name));
  }
  if (extension == "u8bin") {
    return Vectors<uint8_t>(bytes, BinLayout(bytes, 1, 0, name));
  }
  if (extension == "i8bin") {
    return Vectors<int8_t>(bytes, BinLayout(bytes, 1, 0, name));
  }
  if (extension == "npy") return NpyVectors(bytes, name);
  return absl::NotFoundError(absl::StrCat(
      name,
      ": vectors are read from .fvecs, .bvecs, .fbin, .u8bin, .i8bin and "
      ".npy files"));
}

absl::StatusOr<IdTable> ParseIdFile(absl::string_view bytes,
                                    absl::string_view name) {
  const std::string extension = Extension(name);
  if (extension == "ivecs") {
    return Ids<int32_t>(bytes, VecsLayout(bytes, 4, name));
  }
  if (extension == "ibin") {
    return Ids<int32_t>(bytes, BinLayout(bytes, 4, 4, name));
  }
  if (extension == "npy") return NpyIds(bytes, name);
  return absl::NotFoundError(absl::StrCat(
      name, ": neighbours are read from .ivecs, .ibin and .npy files"));
}

}  // namespace opsbench::vector::internal
