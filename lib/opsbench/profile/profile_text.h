#ifndef OPSBENCH_PROFILE_PROFILE_TEXT_H_
#define OPSBENCH_PROFILE_PROFILE_TEXT_H_

// Profiles as tables for a terminal.
//
// Thread safety: pure functions.

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "opsbench/profile/callgrind_output.h"
#include "opsbench/profile/stack_profile.h"

namespace opsbench::profile {

struct TableOptions {
  int rows = 20;
  int columns = 100;  // Names are cut to fit.
  // Of a stack profile's weights, as FlameGraphOptions::unit.
  std::string unit = "samples";
  // What costs are divided by; 0: unknown, and nothing is divided.
  int64_t operations = 0;
};

// "1.50 s", "12.0 MiB" or "1234" with its unit.
std::string FormatWeight(int64_t weight, absl::string_view unit);

// The functions with the largest self: its share and weight, and the share with
// what they called. Functions of one short name, as instances of one template,
// share a row.
std::string RenderFunctionTable(const StackProfile& profile,
                                const TableOptions& options);

// Instructions by function and by source file, in all and per operation.
std::string RenderInstructionTables(const CallgrindProfile& profile,
                                    const TableOptions& options);

// Totals of references and misses of the simulated caches, then the functions
// with the most misses of the first level's data cache. Needs the events of
// callgrind's --cache-sim=yes.
std::string RenderCacheTables(const CallgrindProfile& profile,
                              const TableOptions& options);

}  // namespace opsbench::profile

#endif  // OPSBENCH_PROFILE_PROFILE_TEXT_H_
