#ifndef OPSBENCH_RESULTS_INTERNAL_RENDERERS_H_
#define OPSBENCH_RESULTS_INTERNAL_RENDERERS_H_

// One function for each format of a comparison; RenderComparison() chooses.
//
// Thread safety: the functions keep no state.

#include <string>

#include "absl/strings/string_view.h"
#include "opsbench/results/comparison.h"
#include "opsbench/results/render_comparison.h"

namespace opsbench::results::internal {

std::string RenderText(const Comparison& comparison,
                       const RenderComparisonOptions& options);
std::string RenderMarkdown(const Comparison& comparison,
                           const RenderComparisonOptions& options);
std::string RenderJson(const Comparison& comparison);
std::string RenderCsv(const Comparison& comparison);
std::string RenderJunit(const Comparison& comparison);
// Of the metrics that are better when higher, or of the others.
std::string RenderCustom(const Comparison& comparison, bool higher_is_better);

// "99%".
std::string ConfidenceText(const Comparison& comparison);

// `text` without what would break a line or a terminal: controls as spaces.
std::string OneLine(absl::string_view text);

// What failed, for sorting it first: error, slower, missing.
bool IsFailure(Verdict verdict);

}  // namespace opsbench::results::internal

#endif  // OPSBENCH_RESULTS_INTERNAL_RENDERERS_H_
