#ifndef OPSBENCH_TOOLS_CLI_NUMBERS_H_
#define OPSBENCH_TOOLS_CLI_NUMBERS_H_

// Checks of flags that take numbers, for CLI::Option::check(): finite, in
// range, and one short line when they are not. CLI11's own checks and readers
// take "nan", "inf", "0x10" and " 1", and name ranges with 309 digits, so every
// flag that takes a number has one of these (number_flags_test.cc sees to it).
//
// Thread safety: for the main thread.

#include <cstdint>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/time/time.h"

namespace opsbench::cli {

// Accepts whole numbers from `low` to `high`.
CLI::Validator WholeNumber(int64_t low, int64_t high);
// Accepts those from 0 to 2^64 - 1.
CLI::Validator SeedNumber();
// Accepts numbers from `low` to `high`, which are finite.
CLI::Validator Number(double low, double high);
// Accepts a share: 2% or 0.02.
CLI::Validator Share(double low, double high);
// Accepts a time: seconds, or as 90s or 2m.
CLI::Validator Time(absl::Duration low, absl::Duration high);

// Reads what Time() has accepted.
absl::Duration CheckedTime(const std::string& text);

}  // namespace opsbench::cli

#endif  // OPSBENCH_TOOLS_CLI_NUMBERS_H_
