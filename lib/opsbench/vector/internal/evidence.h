#ifndef OPSBENCH_VECTOR_INTERNAL_EVIDENCE_H_
#define OPSBENCH_VECTOR_INTERNAL_EVIDENCE_H_

// What samples say, and whether they can be true.
//
// Thread safety: pure functions.

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "opsbench/vector/tuner.h"

namespace opsbench::vector::internal {

// Fills in medians, intervals, feasible and decided from the samples.
void Weigh(const Constraints& constraints, double confidence,
           std::vector<Evidence>* all);

// Internal: not finite, below 0, or no queries.
absl::Status CheckSample(const Sample& sample);

// "clients=8 ef=40".
std::string SettingText(const std::vector<Parameter>& parameters,
                        const Setting& setting);

// The evaluator's error that a search survives: the setting is infeasible, or
// unknown.
bool IsOfSetting(const absl::Status& status);

bool AnyMeasured(const std::vector<Evidence>& all);

// A latency's logarithm, also that of 0.
double LogP99(const Sample& sample);

}  // namespace opsbench::vector::internal

#endif  // OPSBENCH_VECTOR_INTERNAL_EVIDENCE_H_
