#ifndef OPSBENCH_BASE_FORMAT_H_
#define OPSBENCH_BASE_FORMAT_H_

// Numbers for people, three significant digits in the unit that fits, and their
// places in tables.
//
// Thread safety: pure functions.

#include <string>

#include "absl/strings/string_view.h"

namespace opsbench {

// "870 ns", "52.3 µs", "1.72 ms", "12.0 s".
std::string FormatLatency(double latency_ns);

// "870/s", "52.3K/s", "1.72M/s".
std::string FormatRate(double per_second);

// Columns that UTF-8 text without combining characters takes: the sign of a
// microsecond is two bytes.
int DisplayWidth(absl::string_view text);

// With spaces to `width` columns; unchanged when it has as many.
std::string PadLeft(absl::string_view text, int width);
std::string PadRight(absl::string_view text, int width);

}  // namespace opsbench

#endif  // OPSBENCH_BASE_FORMAT_H_
