#ifndef OPSBENCH_BASE_NUMBER_H_
#define OPSBENCH_BASE_NUMBER_H_

// Numbers that people write: in flags, variables, files and URLs. Decimal
// digits alone count: no blanks, no hexadecimal, no "010", no "nan" and no
// "inf", which pass for numbers with the readers of C; the last two make loops
// that never end.
//
// Thread safety: pure functions.

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace opsbench {

// Quotes `text` for a message of one line: control characters are escaped, and
// what is long is cut.
std::string QuoteBriefly(absl::string_view text);

// Reads "12" or "-3". InvalidArgument: `expected a whole number from 0 to 9,
// not "1.5"`.
absl::StatusOr<int64_t> ParseWholeNumber(absl::string_view text, int64_t low,
                                         int64_t high);
// The same of numbers up to 2^64 - 1, as seeds are.
absl::StatusOr<uint64_t> ParseUnsigned(absl::string_view text);

// Reads "12", "0.5" or "1e3". REQUIRES: finite bounds. InvalidArgument:
// `expected a number from 0 to 1, not "nan"`.
absl::StatusOr<double> ParseNumber(absl::string_view text, double low,
                                   double high);

// Reads "2%" or "0.02". InvalidArgument: `expected a share from 0 to 1, such
// as 2% or 0.02, not "nan"`.
absl::StatusOr<double> ParseShare(absl::string_view text, double low,
                                  double high);

// Reads a time: seconds as a number alone, or "500ms", "90s", "1h30m".
// InvalidArgument: `expected a time from 1s to 24h, such as 90s or 2m, not
// "nan"`.
absl::StatusOr<absl::Duration> ParseTime(absl::string_view text,
                                         absl::Duration low,
                                         absl::Duration high);

}  // namespace opsbench

#endif  // OPSBENCH_BASE_NUMBER_H_
