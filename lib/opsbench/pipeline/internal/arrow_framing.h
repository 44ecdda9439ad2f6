#ifndef OPSBENCH_PIPELINE_INTERNAL_ARROW_FRAMING_H_
#define OPSBENCH_PIPELINE_INTERNAL_ARROW_FRAMING_H_

// What stands around the messages of an Arrow stream and file.

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace opsbench::pipeline::internal {

// Before each message's size; a size of 0 is the end.
inline constexpr uint32_t kMessageStart = 0xffffffff;
inline constexpr size_t kPrefixBytes = 8;

inline constexpr absl::string_view kFileMagic = "ARROW1";
// The magic up to a multiple of eight.
inline constexpr absl::string_view kFileStart("ARROW1\0\0", 8);

constexpr size_t Padded(size_t bytes) { return (bytes + 7) / 8 * 8; }

}  // namespace opsbench::pipeline::internal

#endif  // OPSBENCH_PIPELINE_INTERNAL_ARROW_FRAMING_H_
