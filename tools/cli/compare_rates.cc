#include "compare_rates.h"

#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/results/gate_statistics.h"

namespace opsbench::cli {
namespace {

using results::Verdict;

struct Rates {
  int64_t comparisons = 0;
  int64_t erring = 0;  // Of these, with a false verdict at least.
  int64_t metrics = 0;
  int64_t false_verdicts = 0;
  int64_t errors = 0;  // Benchmarks that failed.
};

// One comparison every `step` processes.
absl::StatusOr<Rates> CountRates(const results::SampleSet& side,
                                 int64_t processes, int64_t step,
                                 const results::CompareOptions& options) {
  Rates rates;
  for (int64_t first = 0; first + 2 * processes <= side.process_count();
       first += step) {
    OPSBENCH_ASSIGN_OR_RETURN(
        const results::Comparison comparison,
        results::Compare(side.OfProcesses(first, processes),
                         side.OfProcesses(first + processes, processes),
                         options));
    const int64_t wrong =
        results::CountVerdicts(comparison, Verdict::kSlower) +
        results::CountVerdicts(comparison, Verdict::kImproved);
    ++rates.comparisons;
    rates.erring += wrong > 0 ? 1 : 0;
    rates.metrics += static_cast<int64_t>(comparison.metrics.size());
    rates.false_verdicts += wrong;
    rates.errors += results::CountVerdicts(comparison, Verdict::kError);
  }
  return rates;
}

std::string Line(const std::string& title, const Rates& rates) {
  return absl::StrFormat("%-24s %4d of %-4d %7d of %-8d %6d\n", title,
                         rates.erring, rates.comparisons, rates.false_verdicts,
                         rates.metrics, rates.errors);
}

}  // namespace

absl::StatusOr<std::string> RenderFalseVerdicts(
    const results::SampleSet& side, int64_t processes,
    const results::CompareOptions& options) {
  if (side.process_count() < 2 * processes) {
    return absl::FailedPreconditionError(absl::StrCat(
        side.name(), " has ", side.process_count(), " processes: two sides of ",
        processes, " take ", 2 * processes,
        " (opsbench run --repetitions, or several runs with commas)"));
  }
  std::string text = absl::StrFormat(
      "%d processes of one build, %d against the next %d; no verdict is right\n"
      "%-24s %12s %19s %8s\n",
      side.process_count(), processes, processes, "", "comparisons",
      "false verdicts", "failed");
  OPSBENCH_ASSIGN_OR_RETURN(
      const Rates disjoint,
      CountRates(side, processes, 2 * processes, options));
  absl::StrAppend(&text, Line("all areas, apart", disjoint));
  Rates all;
  const auto add = [&](const std::string& title,
                       const results::CompareOptions& chosen) -> absl::Status {
    OPSBENCH_ASSIGN_OR_RETURN(const Rates rates,
                              CountRates(side, processes, 1, chosen));
    absl::StrAppend(&text, Line(title, rates));
    all.comparisons += rates.comparisons;
    all.erring += rates.erring;
    return absl::OkStatus();
  };
  OPSBENCH_RETURN_IF_ERROR(add("all areas, overlapping", options));
  std::set<std::string> areas;
  for (const results::BenchmarkSamples& one : side.benchmarks()) {
    if (!one.area.empty()) areas.insert(one.area);
  }
  for (const std::string& area : areas) {
    results::CompareOptions alone = options;
    alone.areas = {area};
    OPSBENCH_RETURN_IF_ERROR(add(area + ", overlapping", alone));
  }
  const results::gate::RateInterval apart = results::gate::ClopperPearson(
      disjoint.erring, disjoint.comparisons, /*confidence=*/0.95);
  absl::StrAppend(
      &text,
      absl::StrFormat("a false verdict in %d of %d comparisons that share "
                      "processes, and in %d of %d that share none "
                      "(%.1f to %.1f%%)\n",
                      all.erring, all.comparisons, disjoint.erring,
                      disjoint.comparisons, 100 * apart.low, 100 * apart.high));
  return text;
}

}  // namespace opsbench::cli
