#ifndef OPSBENCH_VECTOR_INTERNAL_ISOLATED_H_
#define OPSBENCH_VECTOR_INTERNAL_ISOLATED_H_

// Work that may crash or never end, in a process of its own: what a library
// does with a corrupt file must not end the program.
//
// Thread safety: may be called from several threads at once. The child is a
// copy with one thread, so that `work` must not need what other threads of the
// parent hold; memory may be allocated.

#include <functional>
#include <string>

#include "absl/status/statusor.h"

namespace opsbench::vector::internal {

// Forks; the child calls `work` and ends. What it appended to its argument, a
// file descriptor, is returned. It may use the processor for `seconds`.
//
// Aborted: the child crashed or was out of time; the message says which.
// ResourceExhausted: no process or no memory was to be had.
absl::StatusOr<std::string> RunIsolated(int seconds,
                                        const std::function<void(int)>& work);

}  // namespace opsbench::vector::internal

#endif  // OPSBENCH_VECTOR_INTERNAL_ISOLATED_H_
