#ifndef OPSBENCH_VECTOR_INTERNAL_READER_CHECK_H_
#define OPSBENCH_VECTOR_INTERNAL_READER_CHECK_H_

// For tests: what has to hold of the readers whatever they are given. The
// fuzzers look for bytes of which it does not.
//
// Thread safety: the functions keep no state.

#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "opsbench/vector/dataset_file.h"
#include "opsbench/vector/internal/hdf5_file.h"
#include "opsbench/vector/internal/vector_files.h"

namespace opsbench::vector::internal {

inline constexpr absl::string_view kVectorNames[] = {
    "f.fvecs", "f.bvecs", "f.fbin", "f.u8bin", "f.i8bin", "f.npy"};
inline constexpr absl::string_view kIdNames[] = {"f.ivecs", "f.ibin", "f.npy"};

// An error is one line, of what is wrong with the input, that names the file.
inline std::string StatusFault(const absl::Status& status,
                               absl::string_view name) {
  if (status.ok()) return "";
  if (!absl::IsInvalidArgument(status)) {
    return absl::StrCat("an error of another kind: ", status.ToString());
  }
  const absl::string_view text = status.message();
  if (!absl::StartsWith(text, absl::StrCat(name, ": "))) {
    return absl::StrCat("does not name the file: ", text);
  }
  return absl::StrContains(text, '\n') ? absl::StrCat("two lines: ", text) : "";
}

// A header is not believed beyond what the file can hold.
inline std::string SizeFault(size_t numbers, size_t values, size_t bytes) {
  if (values != numbers)
    return "rows and dimension are not those of its values";
  return numbers > bytes ? "more numbers than bytes" : "";
}

inline std::string DatasetFault(const Dataset& data) {
  for (const Matrix& matrix : {data.base(), data.queries()}) {
    for (size_t i = 0; i < matrix.rows * matrix.dimension; ++i) {
      if (!std::isfinite(matrix.data[i])) return "a vector that is not finite";
    }
  }
  for (size_t q = 0; q < data.queries().rows && data.truth_k() > 0; ++q) {
    for (const Neighbor& neighbor : data.truth(q)) {
      if (neighbor.id < 0 ||
          static_cast<size_t>(neighbor.id) >= data.base().rows) {
        return "a neighbour out of range";
      }
    }
  }
  return "";
}

// What is wrong with how the readers took these bytes; empty when nothing is.
inline std::string ReaderFault(absl::string_view bytes, bool hdf5) {
  for (const absl::string_view name : kVectorNames) {
    const auto table = ParseVectorFile(bytes, name);
    std::string fault = StatusFault(table.status(), name);
    if (table.ok()) {
      fault = SizeFault(table->rows * table->dimension, table->values.size(),
                        bytes.size());
    }
    if (!fault.empty()) return absl::StrCat(name, ": ", fault);
  }
  for (const absl::string_view name : kIdNames) {
    const auto table = ParseIdFile(bytes, name);
    std::string fault = StatusFault(table.status(), name);
    if (table.ok()) {
      fault =
          SizeFault(table->rows * table->k, table->ids.size(), bytes.size());
    }
    if (!fault.empty()) return absl::StrCat(name, ": ", fault);
  }
  // A file is mapped at a page.
  std::vector<uint64_t> aligned(bytes.size() / 8 + 1);
  std::memcpy(aligned.data(), bytes.data(), bytes.size());
  const auto data = ParseDatasetFile(
      {reinterpret_cast<const char*>(aligned.data()), bytes.size()}, "f");
  const std::string fault =
      data.ok() ? DatasetFault(**data) : StatusFault(data.status(), "f");
  if (!fault.empty()) return absl::StrCat("data set file: ", fault);
  if (!hdf5) return "";
  return StatusFault(ParseHdf5File(bytes, "f", 1).status(), "f");
}

}  // namespace opsbench::vector::internal

#endif  // OPSBENCH_VECTOR_INTERNAL_READER_CHECK_H_
