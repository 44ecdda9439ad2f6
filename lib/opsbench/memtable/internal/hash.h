#ifndef OPSBENCH_MEMTABLE_INTERNAL_HASH_H_
#define OPSBENCH_MEMTABLE_INTERNAL_HASH_H_

// Hashes of keys and values. All 64 bits are used: the high ones choose the
// slot, the low ones are its tag.
//
// Thread safety: pure functions.

#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

namespace opsbench::memtable::internal {

// Both halves of a 128-bit product: the mixing step of wyhash and of Abseil.
inline uint64_t FoldedMultiply(uint64_t a, uint64_t b) {
  const unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

inline uint64_t Load64(const char* at) {
  uint64_t word = 0;
  std::memcpy(&word, at, sizeof(word));
  return word;
}

inline constexpr uint64_t kHashMultiplier = 0x9e3779b97f4a7c15u;
inline constexpr uint64_t kHashIncrement = 0xd1b54a32d192ed03u;

inline uint64_t HashBytes(std::string_view text) {
  const char* at = text.data();
  size_t left = text.size();
  uint64_t state = kHashIncrement ^ text.size();
  for (; left > 16; at += 16, left -= 16) {
    state =
        FoldedMultiply(Load64(at) ^ kHashMultiplier, Load64(at + 8) ^ state);
  }
  uint64_t a = 0;
  uint64_t b = 0;
  if (left >= 8) {  // Overlapping words cover 8 to 16 bytes.
    a = Load64(at);
    b = Load64(at + left - 8);
  } else {
    for (size_t i = 0; i < left; ++i) {
      a = a << 8 | static_cast<unsigned char>(at[i]);
    }
  }
  return FoldedMultiply(
      FoldedMultiply(a ^ kHashMultiplier, b ^ state) ^ kHashIncrement,
      kHashMultiplier);
}

template <typename Value>
uint64_t HashOf(const Value& value) {
  if constexpr (std::is_same_v<Value, std::string_view>) {
    return HashBytes(value);
  } else {
    static_assert(std::is_integral_v<Value>);
    return FoldedMultiply(static_cast<uint64_t>(value) ^ kHashIncrement,
                          kHashMultiplier);
  }
}

}  // namespace opsbench::memtable::internal

#endif  // OPSBENCH_MEMTABLE_INTERNAL_HASH_H_
