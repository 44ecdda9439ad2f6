#include "opsbench/results/render_comparison.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "opsbench/results/internal/renderers.h"

namespace opsbench::results {
namespace {

constexpr Verdict kFailuresFirst[] = {
    Verdict::kError,    Verdict::kSlower, Verdict::kMissing, Verdict::kUnsure,
    Verdict::kImproved, Verdict::kNew,    Verdict::kSame};

}  // namespace

namespace internal {

std::string ConfidenceText(const Comparison& comparison) {
  return absl::StrFormat("%g%%", comparison.confidence * 100);
}

std::string OneLine(absl::string_view text) {
  std::string line(text);
  for (char& c : line) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) c = ' ';
  }
  return line;
}

bool IsFailure(Verdict verdict) {
  return verdict == Verdict::kError || verdict == Verdict::kSlower ||
         verdict == Verdict::kMissing;
}

}  // namespace internal

absl::StatusOr<ComparisonFormat> ParseComparisonFormat(absl::string_view name) {
  constexpr std::pair<absl::string_view, ComparisonFormat> kFormats[] = {
      {"text", ComparisonFormat::kText},
      {"markdown", ComparisonFormat::kMarkdown},
      {"json", ComparisonFormat::kJson},
      {"csv", ComparisonFormat::kCsv},
      {"junit", ComparisonFormat::kJunit},
      {"smaller", ComparisonFormat::kSmallerIsBetter},
      {"customSmallerIsBetter", ComparisonFormat::kSmallerIsBetter},
      {"bigger", ComparisonFormat::kBiggerIsBetter},
      {"customBiggerIsBetter", ComparisonFormat::kBiggerIsBetter}};
  for (const auto& [known, format] : kFormats) {
    if (known == name) return format;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("unknown format ", name,
                   ": there are text, markdown, json, csv, junit, smaller and "
                   "bigger"));
}

std::string RenderComparison(const Comparison& comparison,
                             ComparisonFormat format,
                             const RenderComparisonOptions& options) {
  switch (format) {
    case ComparisonFormat::kText:
      return internal::RenderText(comparison, options);
    case ComparisonFormat::kMarkdown:
      return internal::RenderMarkdown(comparison, options);
    case ComparisonFormat::kJson:
      return internal::RenderJson(comparison);
    case ComparisonFormat::kCsv:
      return internal::RenderCsv(comparison);
    case ComparisonFormat::kJunit:
      return internal::RenderJunit(comparison);
    case ComparisonFormat::kSmallerIsBetter:
      return internal::RenderCustom(comparison, /*higher_is_better=*/false);
    case ComparisonFormat::kBiggerIsBetter:
      return internal::RenderCustom(comparison, /*higher_is_better=*/true);
  }
  return "";
}

std::string CountsText(const Comparison& comparison) {
  std::vector<std::string> counts;
  for (const Verdict verdict : kFailuresFirst) {
    const int64_t count = CountVerdicts(comparison, verdict);
    if (count > 0) {
      counts.push_back(absl::StrCat(count, " ", VerdictName(verdict)));
    }
  }
  return counts.empty() ? "nothing to compare" : absl::StrJoin(counts, ", ");
}

}  // namespace opsbench::results
