#ifndef OPSBENCH_RESULTS_COMPARE_H_
#define OPSBENCH_RESULTS_COMPARE_H_

// Describes how two sets of measurements differ. COMPARE.md has the method, its
// sources and what it cannot tell.
//
// Nothing is dropped silently: what only one side has, what failed and what
// cannot be judged is in the result, as an entry or as a warning.
//
// Thread safety: the functions keep no state.

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "opsbench/results/comparison.h"
#include "opsbench/results/metric.h"
#include "opsbench/results/sample_set.h"

namespace opsbench::results {

struct MetricChoice {
  std::string name;
  // Which way it gets better, if its name does not say.
  absl::optional<Direction> direction;
};

// "p99_us", or "evictions:lower" and "hits:higher" for names whose unit does
// not say which is better. InvalidArgument: another word than these two.
absl::StatusOr<MetricChoice> ParseMetricChoice(absl::string_view text);

struct CompareOptions {
  // A POSIX extended regular expression that is searched for in the names of
  // benchmarks. Empty: all.
  std::string filter;
  // Benchmarks of these areas, and those that no area is known of. Empty: all.
  std::vector<std::string> areas;
  // Empty: real_time_ns, and each counter whose name says which way it gets
  // better. Processor time is compared when it is asked for.
  std::vector<MetricChoice> metrics;
  // A relative change that is not larger is no matter.
  double threshold = 0.02;
  // How sure verdicts are: of all tests of the comparison together.
  double confidence = 0.99;
};

// InvalidArgument: the filter is no regular expression, or a number is out of
// its range (0 <= threshold, 0.5 <= confidence < 1). NotFound: nothing is left
// to compare, because the filter or the metrics select nothing.
// FailedPrecondition: neither side measured anything.
absl::StatusOr<Comparison> Compare(const SampleSet& base, const SampleSet& head,
                                   const CompareOptions& options);

// Two benchmarks of one set, or all pairs of them: those whose names turn into
// each other when `base` is replaced by `head`, wherever it stands.
struct Rivals {
  std::string base;  // "impl:libcuckoo"
  std::string head;  // "impl:opsbench"
};

// As Compare(), with names such as "Get/impl:libcuckoo=opsbench/threads:2".
// NotFound: no two names are rivals.
absl::StatusOr<Comparison> CompareRivals(const SampleSet& run,
                                         const Rivals& rivals,
                                         const CompareOptions& options);

// Whether any benchmark was measured on both sides.
bool ComparesAnything(const Comparison& comparison);

enum class SortKey {
  kVerdict,  // Errors, slower, missing, unsure, improved, new, same; then as
             // kEffect. What Compare() returns.
  kEffect,   // The largest change for the worse first.
  kName,
};

void SortMetrics(SortKey key, Comparison* comparison);

}  // namespace opsbench::results

#endif  // OPSBENCH_RESULTS_COMPARE_H_
