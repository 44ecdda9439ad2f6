#ifndef OPSBENCH_PIPELINE_INTERNAL_BIG_ENDIAN_H_
#define OPSBENCH_PIPELINE_INTERNAL_BIG_ENDIAN_H_

// Numbers in network order, at any address.
//
// Thread safety: pure functions.

#include <bit>
#include <cstdint>
#include <cstring>

namespace opsbench::pipeline {

static_assert(std::endian::native == std::endian::little,
              "columns are little-endian, as Arrow's are");

inline uint16_t Swap(uint16_t value) { return __builtin_bswap16(value); }
inline uint32_t Swap(uint32_t value) { return __builtin_bswap32(value); }
inline uint64_t Swap(uint64_t value) { return __builtin_bswap64(value); }

// REQUIRES: T is an unsigned integer of 16, 32 or 64 bits.
template <typename T>
T LoadBigEndian(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return Swap(value);
}

// Returns the address behind it. REQUIRES: as above.
template <typename T>
char* StoreBigEndian(T value, char* at) {
  value = Swap(value);
  std::memcpy(at, &value, sizeof(T));
  return at + sizeof(T);
}

}  // namespace opsbench::pipeline

#endif  // OPSBENCH_PIPELINE_INTERNAL_BIG_ENDIAN_H_
