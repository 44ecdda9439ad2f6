#include "opsbench/results/comparison.h"

#include "absl/algorithm/container.h"

namespace opsbench::results {

absl::string_view VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kImproved:
      return "improved";
    case Verdict::kSlower:
      return "slower";
    case Verdict::kSame:
      return "same";
    case Verdict::kUnsure:
      return "unsure";
    case Verdict::kNew:
      return "new";
    case Verdict::kMissing:
      return "missing";
    case Verdict::kError:
      return "error";
  }
  return "unknown";
}

int64_t CountVerdicts(const Comparison& comparison, Verdict verdict) {
  return absl::c_count_if(comparison.metrics,
                          [&](const MetricComparison& metric) {
                            return metric.verdict == verdict;
                          });
}

}  // namespace opsbench::results
