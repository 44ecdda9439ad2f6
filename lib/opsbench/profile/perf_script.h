#ifndef OPSBENCH_PROFILE_PERF_SCRIPT_H_
#define OPSBENCH_PROFILE_PERF_SCRIPT_H_

// What `perf script` prints of a recording with call stacks: a line about the
// sample, a line for each frame from the innermost outwards, an empty line.
// Documented in perf-script(1); the form is that of the fields
// comm,tid,time,period,event,ip,sym,symoff,dso, also with pid or cpu.
//
//   memtable_bench  3578 34441.057689:    2004008 cpu-clock:
//   \t           5c9af opsbench::F+0x14f (/build/bin/memtable_bench)
//   \t ffffffff8158ff22 filemap_get_entry+0x92 ([kernel.kallsyms])
//
// Thread safety: not thread-safe.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace opsbench::profile {

struct PerfFrame {
  // In the module's file, except in the kernel.
  uint64_t address = 0;
  std::string symbol;    // Without its offset; "[unknown]".
  std::string module;    // "/build/bin/x", "[kernel.kallsyms]", "[unknown]".
  bool inlined = false;  // Then the module is that of the frame around it.
};

struct PerfSample {
  std::string thread;             // Its name, which may hold spaces.
  std::string event;              // "cpu-clock", "cycles:u".
  int64_t period = 0;             // Of cpu-clock: nanoseconds.
  std::vector<PerfFrame> frames;  // Innermost first; empty without a stack.
};

// Takes the output line by line, so that none of it has to be kept.
class PerfScriptReader {
 public:
  explicit PerfScriptReader(std::function<void(const PerfSample&)> on_sample)
      : on_sample_(std::move(on_sample)) {}

  // `line` without its end. Comments are skipped. InvalidArgument: the line
  // before was neither a sample nor a frame of one; the message holds its
  // number.
  absl::Status AddLine(absl::string_view line);

  // Ends the input. A last sample without its empty line was cut off, and is
  // not reported but counted. InvalidArgument: there was no sample.
  absl::Status Finish();

  int64_t samples() const { return samples_; }
  int64_t truncated() const { return truncated_; }

 private:
  void Emit();

  std::function<void(const PerfSample&)> on_sample_;
  PerfSample sample_;
  bool open_ = false;      // Within a sample.
  absl::Status bad_line_;  // An error unless it is the last one, cut off.
  int64_t line_number_ = 0;
  int64_t samples_ = 0;
  int64_t truncated_ = 0;
};

}  // namespace opsbench::profile

#endif  // OPSBENCH_PROFILE_PERF_SCRIPT_H_
