#ifndef OPSBENCH_PROFILE_CALLGRIND_OUTPUT_H_
#define OPSBENCH_PROFILE_CALLGRIND_OUTPUT_H_

// The file that valgrind's callgrind leaves: costs of functions, with names
// compressed to numbers. Its format is specified in valgrind's manual,
// "Callgrind Format Specification".
//
// Thread safety: the functions keep no state; the structs are plain data.

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace opsbench::profile {

struct CallgrindCosts {
  std::string name;    // Of a function, demangled; or a source file's path.
  std::string object;  // The file that its code is in; empty of a source file.
  std::vector<int64_t> self;   // By event.
  std::vector<int64_t> total;  // With what it called; empty of a source file.
  int64_t calls = 0;           // Of it; 0 of a source file.
};

struct CallgrindProfile {
  std::string command;
  std::vector<std::string> caches;  // "I1 cache: 32768 B, 64 B, 8-way …".
  std::vector<std::string> events;  // "Ir", "Dr", "D1mr" …
  std::vector<int64_t> totals;      // By event.
  // By their first event, largest first. A function that recurs through others
  // counts what it calls more than once, at most up to the totals.
  std::vector<CallgrindCosts> functions;
  // Likewise, by the source file of each line: what optimisation inlined is
  // told apart by it.
  std::vector<CallgrindCosts> sources;

  // The total of an event; 0 when it was not counted.
  int64_t TotalOf(absl::string_view event) const;
  // Its place in `events`; -1 when it was not counted.
  int EventIndex(absl::string_view event) const;
};

// `source` is what errors call the text.
//
// InvalidArgument: not of this format; the message holds the line's number.
// DataLoss: the costs do not add up to the file's own sum: it was cut off.
absl::StatusOr<CallgrindProfile> ParseCallgrind(absl::string_view text,
                                                absl::string_view source);

}  // namespace opsbench::profile

#endif  // OPSBENCH_PROFILE_CALLGRIND_OUTPUT_H_
