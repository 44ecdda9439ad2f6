#ifndef OPSBENCH_RESULTS_INTERNAL_ENVIRONMENT_H_
#define OPSBENCH_RESULTS_INTERNAL_ENVIRONMENT_H_

// Whether two sets of measurements may be compared at all: other machines,
// flags, scales and engines make a difference that no change of the code made.
//
// Thread safety: the function keeps no state.

#include <string>
#include <vector>

#include "opsbench/results/sample_set.h"

namespace opsbench::results::internal {

// One line for each fact that is not the same everywhere, and for each that
// makes a side untrustworthy by itself.
std::vector<std::string> EnvironmentWarnings(const SampleSet& base,
                                             const SampleSet& head);

}  // namespace opsbench::results::internal

#endif  // OPSBENCH_RESULTS_INTERNAL_ENVIRONMENT_H_
