// libFuzzer over the readers of data sets, built by clang:
//
//   vector_reader_fuzz -runs=1000000 -max_len=4096 CORPUS
//   fixtures/vector/fuzz_seeds
//
// CORPUS is a folder for what it finds. reader_fuzz_test.cc does the same at a
// small budget, with any compiler. HDF5 is left out: its library is not built
// for this.

#include <cstdint>
#include <stdexcept>
#include <string>

#include "opsbench/vector/internal/reader_check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string fault = opsbench::vector::internal::ReaderFault(
      {reinterpret_cast<const char*>(data), size}, /*hdf5=*/false);
  // Nobody catches it: libFuzzer reports it with the bytes that led to it.
  if (!fault.empty()) throw std::runtime_error(fault);
  return 0;
}
