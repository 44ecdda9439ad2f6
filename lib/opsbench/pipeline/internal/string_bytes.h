#ifndef OPSBENCH_PIPELINE_INTERNAL_STRING_BYTES_H_
#define OPSBENCH_PIPELINE_INTERNAL_STRING_BYTES_H_

// Arrow IPC to and from strings: for tests and benchmarks.

#include <algorithm>
#include <cstring>
#include <string>

#include "absl/strings/string_view.h"
#include "opsbench/pipeline/arrow_ipc.h"

namespace opsbench::pipeline::internal {

class StringSink : public ByteSink {
 public:
  absl::Status Write(absl::string_view bytes) override {
    text.append(bytes.data(), bytes.size());
    return absl::OkStatus();
  }

  std::string text;
};

// At most `step` bytes a read: as a pipe may give them.
class StringSource : public ByteSource {
 public:
  explicit StringSource(absl::string_view text, size_t step = size_t{1} << 20)
      : rest_(text), step_(step) {}

  absl::StatusOr<size_t> Read(void* out, size_t bytes) override {
    const size_t some = std::min({bytes, step_, rest_.size()});
    if (some > 0) std::memcpy(out, rest_.data(), some);
    rest_.remove_prefix(some);
    return some;
  }

 private:
  absl::string_view rest_;
  size_t step_;
};

}  // namespace opsbench::pipeline::internal

#endif  // OPSBENCH_PIPELINE_INTERNAL_STRING_BYTES_H_
