#ifndef OPSBENCH_BASE_FORMAT_H_
#define OPSBENCH_BASE_FORMAT_H_

// Numbers for people, three significant digits in the unit that fits, and their
// places in tables.
//
// Thread safety: pure functions.

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace opsbench {

// A time that may be a mean: "0.87 ns", "87.0 ns", "52.3 µs", "1.72 ms", "12.0
// s".
std::string FormatTime(double time_ns);

// The same of a clock's whole nanoseconds: "87 ns".
std::string FormatLatency(int64_t latency_ns);

// "870/s", "52.3k/s", "1.72M/s".
std::string FormatRate(double per_second);

// Columns that UTF-8 text without combining characters takes: the sign of a
// microsecond is two bytes.
int DisplayWidth(absl::string_view text);

// With spaces to `width` columns; unchanged when it has as many.
std::string PadLeft(absl::string_view text, int width);
std::string PadRight(absl::string_view text, int width);

}  // namespace opsbench

#endif  // OPSBENCH_BASE_FORMAT_H_
