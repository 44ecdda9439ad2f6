#ifndef OPSBENCH_BASE_EDIT_DISTANCE_H_
#define OPSBENCH_BASE_EDIT_DISTANCE_H_

// How far a mistyped name is from the one that was meant.
//
// Thread safety: the function may be called from any thread.

#include <cstddef>

#include "absl/strings/string_view.h"

namespace opsbench {

// Levenshtein's distance: the fewest bytes to insert, remove or change that
// make one text of the other.
size_t EditDistance(absl::string_view a, absl::string_view b);

}  // namespace opsbench

#endif  // OPSBENCH_BASE_EDIT_DISTANCE_H_
