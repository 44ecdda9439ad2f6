#ifndef OPSBENCH_RESULTS_RENDER_COMPARISON_H_
#define OPSBENCH_RESULTS_RENDER_COMPARISON_H_

// A comparison, or what the gate found, for people and for other programs.
//
// Thread safety: the functions keep no state.

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opsbench/results/comparison.h"

namespace opsbench::results {

enum class ComparisonFormat {
  kText,      // A table for a terminal, and what it means.
  kMarkdown,  // For a pull request or a step's summary: failures first.
  kJson,      // Every field. Numbers that are not known are left out.
  kCsv,       // One line a metric, RFC 4180 but for the line's end.
  kJunit,     // One case a benchmark: slower and missing are failures, unsure
              // is skipped.
  // What github-action-benchmark reads: the head's medians of the metrics that
  // are better when lower, or higher.
  kSmallerIsBetter,
  kBiggerIsBetter,
};

// "text", "markdown", "json", "csv", "junit", "smaller", "bigger"; the last two
// also as "customSmallerIsBetter" and "customBiggerIsBetter".
// InvalidArgument: none of these.
absl::StatusOr<ComparisonFormat> ParseComparisonFormat(absl::string_view name);

struct RenderComparisonOptions {
  // Text: whether escape sequences may mark verdicts.
  bool color = false;
  // Text: the width that lines keep to where numbers allow it.
  int columns = 140;
  // Text: more rows than this are counted only; 0: none are left out.
  size_t rows = 0;
  // Markdown: more than this is left out, with a count of what it was. The
  // default fits a comment of GitHub's; a step's summary takes 1 MiB.
  size_t markdown_bytes = 64'000;
};

// In the order of comparison.metrics, but for Markdown, which has failures
// first. Ends in a newline.
std::string RenderComparison(const Comparison& comparison,
                             ComparisonFormat format,
                             const RenderComparisonOptions& options = {});

// "1 slower, 3 unsure, 12 same": every verdict that occurs, failures first.
std::string CountsText(const Comparison& comparison);

}  // namespace opsbench::results

#endif  // OPSBENCH_RESULTS_RENDER_COMPARISON_H_
