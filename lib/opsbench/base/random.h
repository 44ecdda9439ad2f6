#ifndef OPSBENCH_BASE_RANDOM_H_
#define OPSBENCH_BASE_RANDOM_H_

// The project's own random numbers: the same on every platform and compiler,
// which the standard library's distributions are not.
//
// Thread safety: a Random is for one thread. Streams are split, not shared:
// Random::Stream(seed, worker, index) is a pure function of its arguments, so
// operation `index` of `worker` draws the same numbers whatever ran before.
//
// Not a standard generator on purpose: std::shuffle and the distributions of
// <random> would take one, and their results differ between libraries.
//
// Source: xoshiro256++ 1.0, Blackman and Vigna, "Scrambled linear pseudorandom
// number generators", ACM TOMS 47(4), 2021; seeded by SplitMix64, Steele, Lea
// and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.

#include <cstdint>

namespace opsbench {

// Mixes 64 bits so that each output bit depends on each input bit (SplitMix64's
// finaliser, variant 13 of Stafford). A bijection.
constexpr uint64_t Mix64(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

class Random {
 public:
  explicit constexpr Random(uint64_t seed) {
    for (uint64_t& word : state_) {
      seed += 0x9e3779b97f4a7c15u;
      word = Mix64(seed);
    }
  }

  // The stream of numbers named by (seed, a, b): statistically independent of
  // every other name's.
  static constexpr Random Stream(uint64_t seed, uint64_t a, uint64_t b = 0) {
    return Random(Mix64(
        Mix64(Mix64(seed + 0x9e3779b97f4a7c15u) ^ (a + 0xd1b54a32d192ed03u)) ^
        (b + 0x8cb92ba72f3d8dd7u)));
  }

  // 64 uniform bits.
  constexpr uint64_t Next() {
    const uint64_t result = Rotl(state_[0] + state_[3], 23) + state_[0];
    const uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = Rotl(state_[3], 45);
    return result;
  }

  // Uniform in [0, bound), without modulo bias (Lemire, "Fast random integer
  // generation in an interval", ACM TOMACS 29(1), 2019). REQUIRES: bound > 0.
  constexpr uint64_t Below(uint64_t bound) {
    unsigned __int128 product = static_cast<unsigned __int128>(Next()) * bound;
    if (static_cast<uint64_t>(product) < bound) {
      const uint64_t threshold = -bound % bound;
      while (static_cast<uint64_t>(product) < threshold) {
        product = static_cast<unsigned __int128>(Next()) * bound;
      }
    }
    return static_cast<uint64_t>(product >> 64);
  }

  // Uniform in [low, high]. REQUIRES: low <= high.
  constexpr int64_t Between(int64_t low, int64_t high) {
    const uint64_t span =
        static_cast<uint64_t>(high) - static_cast<uint64_t>(low) + 1;
    const uint64_t offset = span == 0 ? Next() : Below(span);
    return static_cast<int64_t>(static_cast<uint64_t>(low) + offset);
  }

  // Uniform in [0, 1) with 53 random bits.
  constexpr double Double() { return (Next() >> 11) * 0x1.0p-53; }

  // True with the given probability; never for 0, always for 1.
  constexpr bool Bernoulli(double probability) {
    return Double() < probability;
  }

 private:
  static constexpr uint64_t Rotl(uint64_t x, int k) {
    return (x << k) | (x >> (64 - k));
  }

  uint64_t state_[4] = {};
};

}  // namespace opsbench

#endif  // OPSBENCH_BASE_RANDOM_H_
