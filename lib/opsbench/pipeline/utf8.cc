#include <cstdint>
#include <cstring>

#include "absl/strings/string_view.h"
#include "opsbench/pipeline/value_text.h"

namespace opsbench::pipeline {
namespace {

bool IsContinuation(uint8_t byte) { return (byte & 0xc0) == 0x80; }

// The bytes of the character above U+007F at `at`, or 0 when there is none:
// table 3-7 of the Unicode standard.
size_t CharacterBytes(const uint8_t* at, size_t left) {
  const uint8_t first = at[0];
  if (first < 0xc2 || first > 0xf4) return 0;
  if (first < 0xe0) return left >= 2 && IsContinuation(at[1]) ? 2 : 0;
  // The second byte alone decides on overlong forms, surrogates and the end.
  if (left < 3 || !IsContinuation(at[1]) || !IsContinuation(at[2])) return 0;
  if (first < 0xf0) {
    if (first == 0xe0 && at[1] < 0xa0) return 0;
    if (first == 0xed && at[1] > 0x9f) return 0;
    return 3;
  }
  if (first == 0xf0 && at[1] < 0x90) return 0;
  if (first == 0xf4 && at[1] > 0x8f) return 0;
  return left >= 4 && IsContinuation(at[3]) ? 4 : 0;
}

}  // namespace

bool IsUtf8(absl::string_view text) {
  constexpr uint64_t kHighBits = 0x8080808080808080u;
  const auto* at = reinterpret_cast<const uint8_t*>(text.data());
  const uint8_t* const end = at + text.size();
  while (at < end) {
    while (end - at >= 16) {
      uint64_t words[2];
      std::memcpy(words, at, sizeof(words));
      if (((words[0] | words[1]) & kHighBits) != 0) break;
      at += sizeof(words);
    }
    while (at < end && *at < 0x80) ++at;
    while (at < end && *at >= 0x80) {
      const size_t bytes = CharacterBytes(at, static_cast<size_t>(end - at));
      if (bytes == 0) return false;
      at += bytes;
    }
  }
  return true;
}

}  // namespace opsbench::pipeline
