#ifndef OPSBENCH_SERVER_PROCESS_SAMPLING_H_
#define OPSBENCH_SERVER_PROCESS_SAMPLING_H_

// What a process, its descendants and its folder use, from /proc.
//
// Thread safety: all functions may be called from any thread.

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "opsbench/server/private_server.h"

namespace opsbench {

// `root` and its descendants; empty when there is no such process.
std::vector<pid_t> ProcessTree(pid_t root);

// Memory, processor time and threads; disk_bytes stays 0.
//
// Memory that processes share counts once: private memory is summed, of shared
// memory and mapped files the largest share of one process is taken.
// Processor time includes that of children that have ended. NotFound: there is
// no such process.
absl::StatusOr<ServerSample> SampleProcesses(pid_t root);

// When the process was started, in the kernel's ticks since it booted: together
// with the pid, this names a process for good. 0: there is no such process.
int64_t ProcessStartTicks(pid_t pid);

// The blocks that the files below `folder` take. Files that vanish meanwhile
// count as gone.
int64_t DiskBytes(const std::string& folder);

}  // namespace opsbench

#endif  // OPSBENCH_SERVER_PROCESS_SAMPLING_H_
