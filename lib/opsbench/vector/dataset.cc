#include "opsbench/vector/dataset.h"

#include <cstring>

namespace opsbench::vector {
namespace {

// A round of MurmurHash3's finalizer for each word: no cryptography, but data
// sets that nobody made to collide do not.
uint64_t Mixed(uint64_t hash, uint64_t word) {
  hash ^= word;
  hash ^= hash >> 33;
  hash *= 0xff51afd7ed558ccd;
  hash ^= hash >> 33;
  hash *= 0xc4ceb9fe1a85ec53;
  return hash ^ (hash >> 33);
}

// Four chains side by side: one would be as slow as its multiplications.
template <typename T>
uint64_t MixedAll(uint64_t hash, const T* values, size_t count) {
  static_assert(sizeof(T) == 4);
  constexpr size_t kLanes = 4;
  uint64_t lanes[kLanes] = {hash, hash + 1, hash + 2, hash + 3};
  size_t i = 0;
  for (; i + 2 * kLanes <= count; i += 2 * kLanes) {
    uint64_t words[kLanes];
    std::memcpy(words, values + i, sizeof(words));
    for (size_t lane = 0; lane < kLanes; ++lane) {
      lanes[lane] = Mixed(lanes[lane], words[lane]);
    }
  }
  for (; i < count; ++i) {
    uint32_t word = 0;
    std::memcpy(&word, values + i, sizeof(word));
    lanes[0] = Mixed(lanes[0], word);
  }
  for (const uint64_t lane : lanes) hash = Mixed(hash, lane);
  return Mixed(hash, count);
}

}  // namespace

bool Attributes::Matches(const Filter& filter, size_t row) const {
  if (filter.by_tag) return tags[row] == filter.tag;
  if (filter.by_number) {
    return numbers[row] >= filter.number_low &&
           numbers[row] < filter.number_high;
  }
  return true;
}

uint64_t Dataset::content_hash() const {
  uint64_t hash = content_hash_.load(std::memory_order_relaxed);
  if (hash != 0) return hash;
  hash = Mixed(static_cast<uint64_t>(metric_), dimension());
  hash = MixedAll(hash, base_.data, base_.rows * base_.dimension);
  hash = MixedAll(hash, attributes_.tags.data(), attributes_.tags.size());
  hash = MixedAll(hash, attributes_.numbers.data(), attributes_.numbers.size());
  if (hash == 0) hash = 1;
  // Whoever else works it out stores the same.
  content_hash_.store(hash, std::memory_order_relaxed);
  return hash;
}

}  // namespace opsbench::vector
