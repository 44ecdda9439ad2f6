#ifndef OPSBENCH_VECTOR_INTERNAL_MAPPED_FILE_H_
#define OPSBENCH_VECTOR_INTERNAL_MAPPED_FILE_H_

// A file's bytes, mapped: only what is looked at is read.
//
// Thread safety: immutable once open. The file must not shrink meanwhile.

#include <cstddef>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace opsbench::vector::internal {

class MappedFile {
 public:
  // NotFound: there is none. InvalidArgument: not a regular file. Other codes
  // as the system refuses. The message names the path.
  static absl::StatusOr<MappedFile> Open(const std::string& path);

  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  MappedFile& operator=(MappedFile&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~MappedFile();

  // Starts at a page, so at any alignment that is needed.
  absl::string_view bytes() const {
    return {static_cast<const char*>(data_), size_};
  }

 private:
  void* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace opsbench::vector::internal

#endif  // OPSBENCH_VECTOR_INTERNAL_MAPPED_FILE_H_
