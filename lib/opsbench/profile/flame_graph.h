#ifndef OPSBENCH_PROFILE_FLAME_GRAPH_H_
#define OPSBENCH_PROFILE_FLAME_GRAPH_H_

// A flame graph as one SVG file: every function a bar as wide as its share,
// below the one that called it. The idea is Brendan Gregg's ("The Flame Graph",
// Communications of the ACM 59:6, 2016); drawn from the top, as icicles are.
//
// In a browser it can be searched by regular expression, zoomed by click and
// used by keyboard: arrows walk, Enter zooms, Escape shows all, "/" searches.
// Without scripts it is a picture of the same.
//
// Thread safety: the functions keep no state.

#include <string>

#include "absl/strings/string_view.h"
#include "opsbench/profile/stack_profile.h"

namespace opsbench::profile {

struct FlameGraphOptions {
  std::string title;
  std::string subtitle;  // One line: what was run where.

  // Of the weights. "ns" and "bytes" are shown in the size that fits; another
  // one follows the number: "allocations".
  std::string unit = "samples";

  // Frames with a smaller share of all are left out.
  double min_share = 0.0002;
};

// XML, in UTF-8 whatever the names hold. The profile may be empty.
std::string RenderFlameGraph(const StackProfile& profile,
                             const FlameGraphOptions& options);

}  // namespace opsbench::profile

#endif  // OPSBENCH_PROFILE_FLAME_GRAPH_H_
