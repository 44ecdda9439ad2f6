#ifndef OPSBENCH_VECTOR_INTERNAL_TEST_FILES_H_
#define OPSBENCH_VECTOR_INTERNAL_TEST_FILES_H_

// For tests: small files of every format, written number by number and not by
// what reads them, and a folder that goes away.
//
// Thread safety: functions keep no state; a TemporaryFolder is for one thread.

#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace opsbench::vector::internal {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "opsbench-XXXXXX").string();
    if (mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }

  std::string File(absl::string_view name) const {
    return absl::StrCat(path_, "/", name);
  }

  std::string Write(absl::string_view name, absl::string_view bytes) const {
    const std::string path = File(name);
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }

 private:
  std::string path_;
};

inline std::string ReadBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

template <typename T>
void Append(T value, std::string* bytes) {
  bytes->append(reinterpret_cast<const char*>(&value), sizeof(value));
}

template <typename T>
using Rows = std::vector<std::vector<T>>;

template <typename T>
std::string VecsBytes(const Rows<T>& rows) {
  std::string bytes;
  for (const auto& row : rows) {
    Append(static_cast<uint32_t>(row.size()), &bytes);
    for (const T value : row) Append(value, &bytes);
  }
  return bytes;
}

template <typename T>
std::string BinBytes(const Rows<T>& rows) {
  std::string bytes;
  Append(static_cast<uint32_t>(rows.size()), &bytes);
  Append(static_cast<uint32_t>(rows[0].size()), &bytes);
  for (const auto& row : rows) {
    for (const T value : row) Append(value, &bytes);
  }
  return bytes;
}

// As numpy.save() writes it.
template <typename T>
std::string NpyBytes(const Rows<T>& rows, absl::string_view type,
                     bool fortran = false) {
  std::string header = absl::StrCat(
      "{'descr': '", type, "', 'fortran_order': ", fortran ? "True" : "False",
      ", 'shape': (", rows.size(), ", ", rows[0].size(), "), }");
  while ((header.size() + 11) % 64 != 0) header += ' ';
  header += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  Append(static_cast<uint16_t>(header.size()), &bytes);
  bytes += header;
  const size_t columns = rows[0].size();
  for (size_t i = 0; i < rows.size() * columns; ++i) {
    Append(fortran ? rows[i % rows.size()][i / rows.size()]
                   : rows[i / columns][i % columns],
           &bytes);
  }
  return bytes;
}

}  // namespace opsbench::vector::internal

#endif  // OPSBENCH_VECTOR_INTERNAL_TEST_FILES_H_
