#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "opsbench/base/format.h"
#include "opsbench/results/internal/metric_text.h"
#include "opsbench/results/internal/renderers.h"

namespace opsbench::results::internal {
namespace {

constexpr char kReset[] = "\x1b[0m";
constexpr char kBold[] = "\x1b[1m";

absl::string_view ColorOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kError:
    case Verdict::kSlower:
    case Verdict::kMissing:
      return "\x1b[1;31m";  // Red.
    case Verdict::kImproved:
      return "\x1b[32m";  // Green.
    case Verdict::kUnsure:
      return "\x1b[33m";  // Yellow.
    case Verdict::kNew:
      return "\x1b[36m";  // Cyan.
    case Verdict::kSame:
      return "";
  }
  return "";
}

// What stands beside a benchmark's name.
constexpr size_t kCells = 7;
using Cells = std::array<std::string, kCells>;

struct Line {
  Verdict verdict = Verdict::kSame;
  std::string name;
  Cells cells;
  std::string note;
};

Line LineOf(const MetricComparison& metric) {
  return {
      .verdict = metric.verdict,
      .name = OneLine(metric.benchmark),
      .cells = {OneLine(metric.metric), ValueText(metric.metric, metric.base),
                ValueText(metric.metric, metric.head),
                EffectText(metric.effect), IntervalText(metric),
                VisibleText(metric),
                absl::StrCat(metric.base_samples, "+", metric.head_samples)},
      .note = OneLine(metric.note)};
}

// Widths of the columns, and how lines are made of them.
class Layout {
 public:
  Layout(const std::vector<Line>& lines, const Cells& heading,
         const RenderComparisonOptions& options)
      : color_(options.color) {
    for (size_t i = 0; i < kCells; ++i) widths_[i] = DisplayWidth(heading[i]);
    int widest = 0;
    for (const Line& line : lines) {
      widest = std::max(widest, DisplayWidth(line.name));
      for (size_t i = 0; i < kCells; ++i) {
        widths_[i] = std::max(widths_[i], DisplayWidth(line.cells[i]));
      }
    }
    int others = kVerdictWidth;
    for (const int width : widths_) others += kGap + width;
    // Names that do not fit get a line of their own.
    own_line_ = others + kGap + widest > options.columns;
    name_width_ = own_line_ ? 0 : std::max(widest, kNameHeading);
  }

  void Append(const Line& line, std::string* text) const {
    const std::string verdict =
        PadRight(VerdictName(line.verdict), kVerdictWidth);
    const absl::string_view color = color_ ? ColorOf(line.verdict) : "";
    absl::StrAppend(text, color, verdict, color.empty() ? "" : kReset);
    if (own_line_) {
      absl::StrAppend(text, "  ", line.name, "\n", PadRight("", kVerdictWidth));
    } else {
      absl::StrAppend(text, "  ", PadRight(line.name, name_width_));
    }
    AppendCells(line.cells, text);
    if (!line.note.empty()) {
      absl::StrAppend(text, PadRight("", kVerdictWidth), "  ", line.note, "\n");
    }
  }

  void AppendHeading(const Cells& heading, std::string* text) const {
    std::string line = PadRight("verdict", kVerdictWidth);
    if (!own_line_) {
      absl::StrAppend(&line, "  ", PadRight("benchmark", name_width_));
    }
    absl::StrAppend(text, color_ ? kBold : "");
    AppendCells(heading, &line);
    line.insert(line.size() - 1, color_ ? kReset : "");
    absl::StrAppend(text, line);
  }

 private:
  static constexpr int kVerdictWidth = 8;
  static constexpr int kNameHeading = 9;
  static constexpr int kGap = 2;

  void AppendCells(const Cells& cells, std::string* text) const {
    // A metric is a word; the others are numbers.
    absl::StrAppend(text, "  ", PadRight(cells[0], widths_[0]));
    for (size_t i = 1; i < kCells; ++i) {
      absl::StrAppend(text, "  ", PadLeft(cells[i], widths_[i]));
    }
    absl::StrAppend(text, "\n");
  }

  const bool color_;
  std::array<int, kCells> widths_{};
  bool own_line_ = false;
  int name_width_ = 0;
};

}  // namespace

std::string RenderText(const Comparison& comparison,
                       const RenderComparisonOptions& options) {
  std::vector<Line> lines;
  lines.reserve(comparison.metrics.size());
  for (const MetricComparison& metric : comparison.metrics) {
    if (options.rows > 0 && lines.size() == options.rows) break;
    lines.push_back(LineOf(metric));
  }
  const size_t left_out = comparison.metrics.size() - lines.size();
  const std::string confidence = ConfidenceText(comparison);
  const Cells heading = {"metric",
                         "base",
                         "head",
                         "change",
                         absl::StrCat(confidence, " interval"),
                         "would see",
                         "samples"};
  std::string text =
      absl::StrCat("base  ", OneLine(comparison.base_name), "\nhead  ",
                   OneLine(comparison.head_name), "\n");
  for (const std::string& warning : comparison.warnings) {
    absl::StrAppend(&text, options.color ? "\x1b[33m" : "",
                    "warning: ", OneLine(warning), options.color ? kReset : "",
                    "\n");
  }
  if (!lines.empty()) {
    absl::StrAppend(&text, "\n");
    const Layout layout(lines, heading, options);
    layout.AppendHeading(heading, &text);
    for (const Line& line : lines) layout.Append(line, &text);
  }
  if (left_out > 0) absl::StrAppend(&text, "… and ", left_out, " more\n");
  absl::StrAppend(&text, "\n", options.color ? kBold : "",
                  CountsText(comparison), options.color ? kReset : "", "\n");
  return text;
}

}  // namespace opsbench::results::internal
