// The slot of a key, as redis_index.h declares it.

#include <array>

#include "opsbench/vector/redis_index.h"

namespace opsbench::vector {
namespace {

constexpr uint16_t kCrcPolynomial = 0x1021;  // CRC-16/XMODEM.

constexpr std::array<uint16_t, 256> MakeCrcTable() {
  std::array<uint16_t, 256> table{};
  for (unsigned i = 0; i < table.size(); ++i) {
    unsigned crc = i << 8;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc & 0x8000) != 0 ? (crc << 1) ^ kCrcPolynomial : crc << 1;
    }
    table[i] = static_cast<uint16_t>(crc);
  }
  return table;
}

constexpr std::array<uint16_t, 256> kCrcTable = MakeCrcTable();

}  // namespace

int ClusterSlot(absl::string_view key) {
  const size_t open = key.find('{');
  if (open != absl::string_view::npos) {
    const size_t close = key.find('}', open + 1);
    if (close != absl::string_view::npos && close > open + 1) {
      key = key.substr(open + 1, close - open - 1);
    }
  }
  unsigned crc = 0;
  for (const char c : key) {
    crc = ((crc << 8) & 0xffff) ^
          kCrcTable[(crc >> 8) ^ static_cast<unsigned char>(c)];
  }
  return static_cast<int>(crc % 16384);
}

}  // namespace opsbench::vector
