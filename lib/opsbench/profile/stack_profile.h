#ifndef OPSBENCH_PROFILE_STACK_PROFILE_H_
#define OPSBENCH_PROFILE_STACK_PROFILE_H_

// Stacks with weights, merged into a tree of calls: what a flame graph shows
// and a table of functions sums up.
//
// Thread safety: not thread-safe; const methods may be called at once.

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace opsbench::profile {

enum class FrameKind {
  kOurs,     // The profiled program's own code.
  kLibrary,  // Shared libraries, and header libraries compiled into it.
  kKernel,
  kUnknown,  // No symbol.
};

// "ours", "library", "kernel", "unknown".
absl::string_view FrameKindName(FrameKind kind);

// What a frame is, by its function's name, demangled in full, and the file
// that its code is in: "/usr/bin/x", "[kernel.kallsyms]", "[vdso]". Files below
// /usr and /lib are libraries.
FrameKind KindOf(absl::string_view name, absl::string_view module);

struct Frame {
  std::string name;  // Demangled, in full; "[unknown]" without a symbol.
  std::string module;
  FrameKind kind = FrameKind::kUnknown;
  bool inlined = false;  // Into the frame that called it.
};

class StackProfile {
 public:
  // A function within its callers. Nodes are in the order in which they were
  // made: a parent stands before its children.
  struct Node {
    int frame = -1;  // Of frames(); -1 of the root.
    int parent = -1;
    int64_t self = 0;   // Of stacks that end here.
    int64_t total = 0;  // Of all that pass through.
    std::vector<int> children;
  };

  struct Function {
    int frame = 0;
    int64_t self = 0;
    int64_t total = 0;  // A stack counts once, however often it recurs.
  };

  StackProfile() : nodes_(1) {}

  // The number of a frame; equal ones have the same.
  int Intern(const Frame& frame);

  // A stack from its outermost caller to where it was; numbers come from
  // Intern(). `weight` is above 0, as a rule nanoseconds or bytes.
  void Add(absl::Span<const int> outermost_first, int64_t weight);

  int64_t total() const { return nodes_[0].total; }
  int64_t stacks() const { return stacks_; }
  const std::vector<Frame>& frames() const { return frames_; }
  const std::vector<Node>& nodes() const { return nodes_; }  // The root first.

  // By self, then total, then name; functions that are in several modules or
  // inlined in places count as one each.
  std::vector<Function> Functions() const;

 private:
  std::vector<Frame> frames_;
  std::map<std::tuple<std::string, std::string, bool>, int> numbers_;
  std::vector<Node> nodes_;
  std::map<std::pair<int, int>, int> children_;  // (parent, frame) to node.
  int64_t stacks_ = 0;
};

}  // namespace opsbench::profile

#endif  // OPSBENCH_PROFILE_STACK_PROFILE_H_
