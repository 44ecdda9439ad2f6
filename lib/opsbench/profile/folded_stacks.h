#ifndef OPSBENCH_PROFILE_FOLDED_STACKS_H_
#define OPSBENCH_PROFILE_FOLDED_STACKS_H_

// Stacks as lines "outermost;…;innermost weight", the form that Brendan Gregg's
// flame graphs introduced and that heaptrack_print, bpftrace and others write.
//
// Thread safety: the functions keep no state.

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "opsbench/profile/stack_profile.h"

namespace opsbench::profile {

// Adds the stack of a line, without its end, to `*profile`. Mangled names are
// demangled. Without modules, a frame's kind follows from its name alone: plain
// ones, but for main, are taken for a library's. An empty line, or a weight of
// 0, adds nothing.
//
// InvalidArgument: no weight at its end, or one below 0.
absl::Status AddFoldedStack(absl::string_view line, StackProfile* profile);

// All stacks as such lines, in the order of the tree. Semicolons within names
// become colons.
std::string FormatFoldedStacks(const StackProfile& profile);

}  // namespace opsbench::profile

#endif  // OPSBENCH_PROFILE_FOLDED_STACKS_H_
