#ifndef OPSBENCH_TESTING_FIXED_ITERATIONS_H_
#define OPSBENCH_TESTING_FIXED_ITERATIONS_H_

// For benchmarks that the gate measures: it has both sides of a comparison run
// the same number of iterations, which Google Benchmark 1.7 takes no flag for.
//
//   BENCHMARK(Case)->Apply(FixedIterations);
//
// Thread safety: for static initialisation, and one thread after it.

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "benchmark/benchmark.h"

namespace opsbench {

// The variable's name is part of the gate's protocol (results/GATE.md).
inline constexpr char kIterationsVariable[] = "OPSBENCH_ITERATIONS";

// What the variable asks for; 0 when it is absent or no positive number.
inline int64_t RequestedIterations() {
  const char* text = std::getenv(kIterationsVariable);
  if (text == nullptr) return 0;
  const std::string_view digits = text;
  int64_t iterations = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), iterations);
  const bool whole = end == digits.data() + digits.size();
  return error == std::errc() && whole && iterations > 0 ? iterations : 0;
}

inline void FixedIterations(benchmark::internal::Benchmark* benchmark) {
  const int64_t iterations = RequestedIterations();
  if (iterations > 0) benchmark->Iterations(iterations);
}

}  // namespace opsbench

#endif  // OPSBENCH_TESTING_FIXED_ITERATIONS_H_
