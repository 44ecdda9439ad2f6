#ifndef OPSBENCH_PROFILE_INLINE_FRAMES_H_
#define OPSBENCH_PROFILE_INLINE_FRAMES_H_

// Which functions were inlined at an address: perf of Debian 12 does not say,
// and an optimised benchmark is one function without it. Asks `addr2line -a -i
// -f`, whose output is documented in addr2line(1).
//
// Thread safety: not thread-safe; const methods may be called at once.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace opsbench::profile {

// How an ELF file's offsets, which perf prints, become the addresses that
// addr2line wants.
class LoadSegments {
 public:
  // NotFound: no such file. InvalidArgument: no ELF file of 64 bits in this
  // machine's byte order.
  static absl::StatusOr<LoadSegments> Read(const std::string& path);

  // `offset` itself when no segment holds it.
  uint64_t AddressOf(uint64_t offset) const;

 private:
  struct Segment {
    uint64_t offset;
    uint64_t size;
    uint64_t address;
  };
  std::vector<Segment> segments_;
};

// Functions at addresses, innermost first, from the lines of addr2line.
class InlineFrames {
 public:
  // `line` without its end.
  void AddLine(absl::string_view line);

  // Demangled names; empty when the address was not asked for or addr2line
  // knows no function there.
  const std::vector<std::string>& At(uint64_t address) const;

 private:
  std::map<uint64_t, std::vector<std::string>> functions_;
  std::vector<std::string>* current_ = nullptr;
  bool name_is_next_ = true;  // Else it is "file:line".
};

}  // namespace opsbench::profile

#endif  // OPSBENCH_PROFILE_INLINE_FRAMES_H_
