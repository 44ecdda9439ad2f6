#ifndef OPSBENCH_STRESS_HYPERD_LOG_H_
#define OPSBENCH_STRESS_HYPERD_LOG_H_

// The resource figures that Hyper's server writes to hyperd.log: lines of JSON,
// of which those with "k":"resource-metrics" count.
//
// Thread safety: for one thread at a time.
//
// Source: the table "Metrics Parsed" of the document that the stress area comes
// from (seed 003). Figure and JSON path below the line's "v":
//   hyperd_memory_bytes        memory.process_physical_memory_mb, in MiB there
//   hyperd_overall_load        load.overall_load, 1 is all that it can do
//   hyperd_scheduler_load      load.scheduler_load
//   hyperd_memory_load         load.memory_load
//   hyperd_threads_active, hyperd_threads_inactive
//                              scheduler-thread-count.scheduler_thread_count
//                              .active and .inactive
//   hyperd_waiting_jobs        scheduler-thread-count
//                              .scheduler_waiting_jobs_count
//   hyperd_process_cpu_pct     cpu.process_cpu_utilization
//   hyperd_system_cpu_pct      cpu.system_cpu_utilization
// What a line lacks, or has as something else than a number (the processor's
// figures are {} on macOS), is absent.

#include <sys/types.h>

#include <map>
#include <string>

#include "absl/strings/string_view.h"

namespace opsbench::stress {

// Adds the line's figures and returns true, or returns false for a line that is
// none of resource metrics.
bool ParseHyperdLine(absl::string_view line,
                     std::map<std::string, double>* figures);

// Reads what is appended to a log, from file to file when it is rotated.
class HyperdLogTail {
 public:
  // The file need not exist yet. `skip_existing`: what it holds by now does not
  // count.
  HyperdLogTail(std::string path, bool skip_existing);
  ~HyperdLogTail();
  HyperdLogTail(const HyperdLogTail&) = delete;
  HyperdLogTail& operator=(const HyperdLogTail&) = delete;

  // Reads the lines that are complete by now, at most 16 MiB. Of each figure
  // the highest of them goes to `*figures`. Returns how many lines had some.
  //
  // A file that was renamed away is read to its end before the new one is, and
  // one that was cut shorter than what was read from its start.
  int Poll(std::map<std::string, double>* figures);

 private:
  // Opens the file at the path, at `offset` or at its end when that is below 0.
  bool Open(off_t offset);
  int ReadToEnd(size_t budget, std::map<std::string, double>* figures);
  int TakeLines(absl::string_view bytes,
                std::map<std::string, double>* figures);

  const std::string path_;
  int fd_ = -1;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  off_t offset_ = 0;
  std::string line_;            // The one that is not complete.
  bool skipping_line_ = false;  // It is longer than any of metrics.
};

}  // namespace opsbench::stress

#endif  // OPSBENCH_STRESS_HYPERD_LOG_H_
