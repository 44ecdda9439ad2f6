#ifndef OPSBENCH_RESULTS_COMPARISON_H_
#define OPSBENCH_RESULTS_COMPARISON_H_

// What a comparison or the gate found: one entry for each metric of each
// benchmark, in a form that every renderer reads (render_comparison.h).
//
// Thread safety: plain data; the functions keep no state.

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace opsbench::results {

enum class Verdict {
  kImproved,
  kSlower,   // Worse in the metric's direction, whatever the metric.
  kSame,     // A change as large as the threshold would have been seen.
  kUnsure,   // Too little or too noisy data for any of the three above.
  kNew,      // Only in the head.
  kMissing,  // Only in the base.
  kError,    // It failed in the head, or in both.
};

// "improved", "slower", "same", "unsure", "new", "missing", "error".
absl::string_view VerdictName(Verdict verdict);

// One metric of one benchmark. Effects are relative changes of the head against
// the base: 0.05 means 5% more of the metric, whichever direction is better.
struct MetricComparison {
  std::string area;       // Empty when the files name none.
  std::string benchmark;  // "Memtable/Get/impl:opsbench/items:100000".
  std::string metric;     // "real_time_ns", "items_per_second" …
  bool higher_is_better = false;
  Verdict verdict = Verdict::kUnsure;
  // Medians, in the metric's unit; absent on the side that has none.
  absl::optional<double> base;
  absl::optional<double> head;
  int64_t base_samples = 0;
  int64_t head_samples = 0;
  absl::optional<double> effect;
  // An interval of confidence of the effect (Comparison::confidence).
  absl::optional<double> effect_low;
  absl::optional<double> effect_high;
  // The smallest change for the worse that this data would have shown.
  absl::optional<double> smallest_visible;
  double threshold = 0;  // A change below it is no matter.
  std::string note;      // Why, in one line; an error's message.
};

struct Comparison {
  std::string base_name;  // As the user named it, with its commit if known.
  std::string head_name;
  double confidence = 0.99;
  std::vector<MetricComparison> metrics;
  // What a reader has to know first: other machines, flags or scales.
  std::vector<std::string> warnings;
};

// How many have the verdict.
int64_t CountVerdicts(const Comparison& comparison, Verdict verdict);

}  // namespace opsbench::results

#endif  // OPSBENCH_RESULTS_COMPARISON_H_
