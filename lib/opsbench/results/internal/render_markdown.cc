#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "opsbench/results/internal/metric_text.h"
#include "opsbench/results/internal/renderers.h"

namespace opsbench::results::internal {
namespace {

// Longer texts of foreign files are cut: one of them must not fill the page.
constexpr size_t kLongestText = 400;
constexpr size_t kMostWarnings = 20;

// `text` as itself, whatever Markdown or HTML would make of it.
std::string Escaped(absl::string_view text) {
  std::string escaped;
  size_t shown = 0;
  for (const char c : OneLine(text)) {
    // Not in the middle of a character.
    if (++shown > kLongestText && (c & 0xc0) != 0x80) {
      return absl::StrCat(escaped, "…");
    }
    switch (c) {
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '&':
        escaped += "&amp;";
        break;
      case '|':
      case '*':
      case '_':
      case '`':
      case '[':
      case ']':
      case '\\':
      case '~':
        escaped += '\\';
        escaped += c;
        break;
      case '@':  // Nobody is to be notified by a benchmark's name.
        escaped += "@\u200b";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string Row(const MetricComparison& metric) {
  const absl::string_view mark = IsFailure(metric.verdict) ? "**" : "";
  return absl::StrCat("| ", mark, VerdictName(metric.verdict), mark, " | ",
                      Escaped(metric.benchmark), " | ", Escaped(metric.metric),
                      " | ", Escaped(ValueText(metric.metric, metric.base)),
                      " | ", Escaped(ValueText(metric.metric, metric.head)),
                      " | ", EffectText(metric.effect), " | ",
                      IntervalText(metric), " | ", VisibleText(metric), " | ",
                      Escaped(metric.note), " |\n");
}

std::string TableHeading(const Comparison& comparison) {
  return absl::StrCat(
      "| verdict | benchmark | metric | base | head | change | ",
      ConfidenceText(comparison),
      " interval | would see | |\n"
      "|---|---|---|--:|--:|--:|--:|--:|---|\n");
}

// Adds rows while there is room for them and for what has to follow.
class Page {
 public:
  Page(std::string* text, size_t limit) : text_(text), limit_(limit) {}

  bool Add(const std::string& row, Verdict verdict) {
    if (!full_ && text_->size() + row.size() + kReserve > limit_) full_ = true;
    if (full_) {
      ++left_out_[verdict];
      return false;
    }
    *text_ += row;
    return true;
  }

  // What there was no room for, or nothing.
  std::string LeftOut() const {
    if (left_out_.empty()) return "";
    std::vector<std::string> counts;
    for (const auto& [verdict, count] : left_out_) {
      counts.push_back(absl::StrCat(count, " ", VerdictName(verdict)));
    }
    return absl::StrCat(
        "\nNot shown for want of room: ", absl::StrJoin(counts, ", "), ".\n");
  }

 private:
  static constexpr size_t kReserve = 600;

  std::string* const text_;
  const size_t limit_;
  bool full_ = false;
  std::map<Verdict, int64_t> left_out_;
};

void AppendWarnings(const Comparison& comparison, std::string* text) {
  const size_t shown = std::min(comparison.warnings.size(), kMostWarnings);
  for (size_t i = 0; i < shown; ++i) {
    absl::StrAppend(text, "- Warning: ", Escaped(comparison.warnings[i]), "\n");
  }
  if (comparison.warnings.size() > shown) {
    absl::StrAppend(text, "- and ", comparison.warnings.size() - shown,
                    " more warnings\n");
  }
  if (shown > 0) absl::StrAppend(text, "\n");
}

}  // namespace

std::string RenderMarkdown(const Comparison& comparison,
                           const RenderComparisonOptions& options) {
  std::string text = absl::StrCat("### Benchmarks: ", CountsText(comparison),
                                  "\n\n", Escaped(comparison.base_name), " → ",
                                  Escaped(comparison.head_name), "\n\n");
  AppendWarnings(comparison, &text);
  Page page(&text, options.markdown_bytes);
  const auto append_table = [&](bool failures) {
    bool begun = false;
    for (const MetricComparison& metric : comparison.metrics) {
      if (IsFailure(metric.verdict) != failures) continue;
      const std::string row = Row(metric);
      const std::string heading =
          begun      ? ""
          : failures ? TableHeading(comparison)
                     : absl::StrCat(
                           "<details><summary>All others</summary>"
                           "\n\n",
                           TableHeading(comparison));
      if (page.Add(heading + row, metric.verdict)) begun = true;
    }
    if (begun) absl::StrAppend(&text, failures ? "\n" : "\n</details>\n");
  };
  append_table(true);
  append_table(false);
  return text + page.LeftOut();
}

}  // namespace opsbench::results::internal
