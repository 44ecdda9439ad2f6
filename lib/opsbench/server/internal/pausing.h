#ifndef OPSBENCH_SERVER_INTERNAL_PAUSING_H_
#define OPSBENCH_SERVER_INTERNAL_PAUSING_H_

// Stops and continues a process with all of its descendants.
//
// Thread safety: all functions may be called from any thread.

#include <sys/types.h>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace opsbench::internal {

// Sends SIGSTOP and returns when every thread of every process stands still.
// None escapes by being forked meanwhile: parents stand still before their
// children are looked for.
//
// DeadlineExceeded: one did not, because it waits for a disk; some are stopped.
absl::Status StopTree(pid_t root, absl::Time deadline);

// Sends SIGCONT, to `root` last.
void ContinueTree(pid_t root);

}  // namespace opsbench::internal

#endif  // OPSBENCH_SERVER_INTERNAL_PAUSING_H_
