#ifndef OPSBENCH_PIPELINE_INTERNAL_ARROW_CHECK_H_
#define OPSBENCH_PIPELINE_INTERNAL_ARROW_CHECK_H_

// What must hold of the Arrow reader whatever bytes it is given; for the
// fuzzer and the test that stands in for it.

#include <string>

#include "absl/strings/string_view.h"

namespace opsbench::pipeline::internal {

// Reads all of `bytes` and each value of what comes. What is wrong with the
// reader, as text; empty when nothing is. `fine`, if given, says whether the
// bytes were Arrow to the end.
std::string ArrowReaderFault(absl::string_view bytes, bool* fine = nullptr);

}  // namespace opsbench::pipeline::internal

#endif  // OPSBENCH_PIPELINE_INTERNAL_ARROW_CHECK_H_
