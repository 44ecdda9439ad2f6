// libFuzzer over the Arrow reader, built by clang:
//
//   arrow_fuzz -runs=1000000 -max_len=16384 CORPUS fixtures/pipelines/arrow
//
// CORPUS is a folder for what it finds. arrow_fuzz_test.cc does the same at a
// small budget, with any compiler.

#include <cstdint>
#include <stdexcept>
#include <string>

#include "opsbench/pipeline/internal/arrow_check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string fault = opsbench::pipeline::internal::ArrowReaderFault(
      {reinterpret_cast<const char*>(data), size});
  // Nobody catches it: libFuzzer reports it with the bytes that led to it.
  if (!fault.empty()) throw std::runtime_error(fault);
  return 0;
}
