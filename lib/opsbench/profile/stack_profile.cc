#include "opsbench/profile/stack_profile.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "opsbench/profile/cpp_name.h"

namespace opsbench::profile {
namespace {

// Libraries whose templates are compiled into programs, and names that are
// reserved for that of C++.
constexpr absl::string_view kLibraryNamespaces[] = {
    "std::",        "absl::",       "__gnu_cxx::", "benchmark::", "tbb::",
    "libcuckoo::",  "nlohmann::",   "leveldb::",   "rocksdb::",   "boost::",
    "operator new", "operator del", "__",          "_M_",         "_S_"};

}  // namespace

absl::string_view FrameKindName(FrameKind kind) {
  switch (kind) {
    case FrameKind::kOurs:
      return "ours";
    case FrameKind::kLibrary:
      return "library";
    case FrameKind::kKernel:
      return "kernel";
    case FrameKind::kUnknown:
      break;
  }
  return "unknown";
}

FrameKind KindOf(absl::string_view name, absl::string_view module) {
  if (absl::StartsWith(module, "[kernel") ||
      absl::StartsWith(module, "[guest.kernel") ||
      absl::EndsWith(module, ".ko") || absl::EndsWith(module, ".ko.xz")) {
    return FrameKind::kKernel;
  }
  if (name.empty() || name == "[unknown]") return FrameKind::kUnknown;
  if (absl::StartsWith(module, "/usr/") || absl::StartsWith(module, "/lib") ||
      absl::StartsWith(module, "[")) {
    return FrameKind::kLibrary;
  }
  const std::string shortened = ShortenCppName(name);
  for (const absl::string_view prefix : kLibraryNamespaces) {
    if (absl::StartsWith(shortened, prefix)) return FrameKind::kLibrary;
  }
  return FrameKind::kOurs;
}

int StackProfile::Intern(const Frame& frame) {
  const auto [entry, is_new] =
      numbers_.try_emplace({frame.name, frame.module, frame.inlined},
                           static_cast<int>(frames_.size()));
  if (is_new) frames_.push_back(frame);
  return entry->second;
}

void StackProfile::Add(absl::Span<const int> outermost_first, int64_t weight) {
  int node = 0;
  nodes_[0].total += weight;
  for (const int frame : outermost_first) {
    const auto [entry, is_new] =
        children_.try_emplace({node, frame}, static_cast<int>(nodes_.size()));
    if (is_new) {
      nodes_[node].children.push_back(entry->second);
      nodes_.push_back({.frame = frame, .parent = node, .children = {}});
    }
    node = entry->second;
    nodes_[node].total += weight;
  }
  nodes_[node].self += weight;
  ++stacks_;
}

std::vector<StackProfile::Function> StackProfile::Functions() const {
  // Frames of one name are one function.
  std::map<absl::string_view, int> functions;
  std::vector<int> function_of(frames_.size());
  std::vector<Function> sums;
  for (size_t i = 0; i < frames_.size(); ++i) {
    const auto [entry, is_new] =
        functions.try_emplace(frames_[i].name, static_cast<int>(sums.size()));
    if (is_new) sums.push_back({.frame = static_cast<int>(i)});
    function_of[i] = entry->second;
  }
  for (size_t i = 1; i < nodes_.size(); ++i) {
    const Node& node = nodes_[i];
    const int function = function_of[node.frame];
    sums[function].self += node.self;
    int caller = node.parent;
    while (caller > 0 && function_of[nodes_[caller].frame] != function) {
      caller = nodes_[caller].parent;
    }
    if (caller <= 0) sums[function].total += node.total;
  }
  std::sort(sums.begin(), sums.end(),
            [&](const Function& a, const Function& b) {
              return std::make_tuple(-a.self, -a.total, frames_[a.frame].name) <
                     std::make_tuple(-b.self, -b.total, frames_[b.frame].name);
            });
  return sums;
}

}  // namespace opsbench::profile
