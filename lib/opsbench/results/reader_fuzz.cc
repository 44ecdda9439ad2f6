// libFuzzer over the readers, built by clang:
//
//   reader_fuzz -runs=1000000 -max_len=4096 CORPUS fixtures/compare/fuzz_seeds
//
// CORPUS is a folder for what it finds. reader_fuzz_test.cc does the same at a
// small budget, with any compiler.

#include <cstdint>
#include <stdexcept>
#include <string>

#include "opsbench/results/internal/reader_check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string fault = opsbench::results::internal::ReaderFault(
      {reinterpret_cast<const char*>(data), size});
  // Nobody catches it: libFuzzer reports it with the text that led to it.
  if (!fault.empty()) throw std::runtime_error(fault);
  return 0;
}
