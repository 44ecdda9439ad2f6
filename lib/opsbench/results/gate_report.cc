#include "opsbench/results/gate_report.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "nlohmann/json.hpp"
#include "opsbench/base/format.h"

namespace opsbench::results::gate {
namespace {

// What wants attention first.
constexpr Verdict kOrder[] = {
    Verdict::kError, Verdict::kMissing,  Verdict::kSlower, Verdict::kUnsure,
    Verdict::kNew,   Verdict::kImproved, Verdict::kSame};

bool Fails(Verdict verdict) {
  return verdict == Verdict::kError || verdict == Verdict::kMissing ||
         verdict == Verdict::kSlower;
}

const char* ConclusionName(Conclusion conclusion) {
  switch (conclusion) {
    case Conclusion::kPassed:
      return "passed";
    case Conclusion::kFailed:
      return "failed";
    case Conclusion::kInconclusive:
      return "inconclusive";
  }
  return "";
}

std::string Percent(const absl::optional<double>& share, bool sign) {
  if (!share.has_value()) return "";
  return sign ? absl::StrFormat("%+.1f%%", 100 * *share)
              : absl::StrFormat("%.1f%%", 100 * *share);
}

std::string Value(const MetricComparison& metric,
                  const absl::optional<double>& value) {
  if (!value.has_value()) return "";
  if (absl::EndsWith(metric.metric, "_ns")) return FormatTime(*value);
  if (absl::EndsWith(metric.metric, "_per_second")) return FormatRate(*value);
  return absl::StrFormat("%.4g", *value);
}

// The name, with the metric where it is not the usual one.
std::string NameOf(const MetricComparison& metric) {
  return metric.metric == "real_time_ns"
             ? metric.benchmark
             : absl::StrCat(metric.benchmark, " ", metric.metric);
}

std::vector<std::string> Cells(const MetricComparison& metric) {
  std::string interval;
  if (metric.effect_low.has_value() && metric.effect_high.has_value()) {
    interval = absl::StrCat(Percent(metric.effect_low, true), " to ",
                            Percent(metric.effect_high, true));
  }
  return {NameOf(metric),
          Value(metric, metric.base),
          Value(metric, metric.head),
          Percent(metric.effect, true),
          interval,
          Percent(metric.smallest_visible, false),
          metric.note};
}

std::vector<const MetricComparison*> Of(const Comparison& comparison,
                                        Verdict verdict) {
  std::vector<const MetricComparison*> found;
  for (const MetricComparison& metric : comparison.metrics) {
    if (metric.verdict == verdict) found.push_back(&metric);
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const auto* a, const auto* b) {
                     return std::fabs(a->effect.value_or(0)) >
                            std::fabs(b->effect.value_or(0));
                   });
  return found;
}

std::vector<std::string> Headings(const Comparison& comparison) {
  return {"benchmark",
          "base",
          "head",
          "change",
          absl::StrFormat("%.0f%% interval", 100 * comparison.confidence),
          "visible from",
          ""};
}

std::string NullArmLine(const GateReport& report) {
  const Procedure::NullArm& arm = report.null_arm;
  if (arm.blocks == 0) return "";
  return absl::StrFormat(
      "Null arm: a copy of the base against itself, %d blocks, %+.2f%%, p = "
      "%.3g%s",
      arm.blocks, 100 * arm.estimate, arm.p_value,
      arm.fired ? ": it fired, this machine treats equal binaries unequally"
                : "");
}

// In a table's cell, and outside of code.
std::string MarkdownText(absl::string_view text) {
  return absl::StrReplaceAll(
      text,
      {{"|", "\\|"}, {"\n", " "}, {"<", "&lt;"}, {"`", "'"}, {"@", "@\u200b"}});
}

std::string MarkdownRow(const MetricComparison& metric) {
  std::vector<std::string> cells = Cells(metric);
  for (size_t i = 0; i < cells.size(); ++i) {
    cells[i] = MarkdownText(cells[i]);
    if (i == 0) cells[i] = absl::StrCat("`", cells[i], "`");
  }
  return absl::StrCat("| ", absl::StrJoin(cells, " | "), " |\n");
}

std::string XmlText(absl::string_view text) {
  std::string escaped;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '&') {
      escaped += "&amp;";
    } else if (c == '<') {
      escaped += "&lt;";
    } else if (c == '>') {
      escaped += "&gt;";
    } else if (c == '"') {
      escaped += "&quot;";
    } else if (byte < 0x20) {
      escaped += ' ';  // XML has no way to write most of them.
    } else {
      escaped += c;
    }
  }
  return escaped;
}

}  // namespace

std::string ConclusionLine(const GateReport& report) {
  std::vector<std::string> parts;
  for (const Verdict verdict : kOrder) {
    const int64_t count = CountVerdicts(report.comparison, verdict);
    if (count > 0)
      parts.push_back(absl::StrCat(count, " ", VerdictName(verdict)));
  }
  const std::string counts =
      parts.empty() ? "nothing to compare" : absl::StrJoin(parts, ", ");
  if (report.report_only) return counts;
  const Conclusion conclusion =
      Conclude(report.comparison, report.null_arm.fired);
  return absl::StrCat(
      ConclusionName(conclusion), ": ", counts,
      report.null_arm.fired ? "; the machine was too noisy to decide" : "");
}

std::string RenderGateText(const GateReport& report, bool color) {
  const Comparison& comparison = report.comparison;
  std::string text = absl::StrCat("base ", comparison.base_name, "\nhead ",
                                  comparison.head_name, "\n");
  for (const std::string& warning : comparison.warnings) {
    absl::StrAppend(&text, "warning: ", warning, "\n");
  }
  std::vector<int> widths;
  const std::vector<std::string> headings = Headings(comparison);
  for (const std::string& heading : headings) {
    widths.push_back(DisplayWidth(heading));
  }
  for (const MetricComparison& metric : comparison.metrics) {
    const std::vector<std::string> cells = Cells(metric);
    for (size_t i = 0; i + 1 < cells.size(); ++i) {
      widths[i] = std::max(widths[i], DisplayWidth(cells[i]));
    }
  }
  const auto append_row = [&](const std::vector<std::string>& cells) {
    std::string line = absl::StrCat("  ", PadRight(cells[0], widths[0]));
    for (size_t i = 1; i < cells.size(); ++i) {
      absl::StrAppend(
          &line, "  ",
          i + 1 < cells.size() ? PadLeft(cells[i], widths[i]) : cells[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    absl::StrAppend(&text, line, "\n");
  };
  for (const Verdict verdict : kOrder) {
    const auto metrics = Of(comparison, verdict);
    if (metrics.empty()) continue;
    const char* mark = !color                          ? ""
                       : Fails(verdict)                ? "\x1b[31m"
                       : verdict == Verdict::kImproved ? "\x1b[32m"
                                                       : "\x1b[1m";
    absl::StrAppend(&text, "\n", mark, VerdictName(verdict), " (",
                    metrics.size(), ")", color ? "\x1b[0m" : "", "\n");
    append_row(headings);
    for (const MetricComparison* metric : metrics) append_row(Cells(*metric));
  }
  const std::string null_arm = NullArmLine(report);
  absl::StrAppend(&text, "\n", null_arm, null_arm.empty() ? "" : "\n",
                  ConclusionLine(report),
                  absl::StrFormat(" in %.0f s\n", report.seconds));
  return text;
}

std::string RenderGateMarkdown(const GateReport& report, size_t limit_bytes) {
  const Comparison& comparison = report.comparison;
  std::string text =
      absl::StrCat(kCommentMark, "\n### Benchmarks ", ConclusionLine(report),
                   "\n\nBase ", MarkdownText(comparison.base_name), ", head ",
                   MarkdownText(comparison.head_name),
                   absl::StrFormat(", %.0f s.\n", report.seconds));
  for (const std::string& warning : comparison.warnings) {
    absl::StrAppend(&text, "\n> **Warning:** ", MarkdownText(warning), "\n");
  }
  const std::string end = absl::StrCat("\n", NullArmLine(report), "\n");
  // Room for the end, and for what is left out.
  constexpr size_t kReserve = 400;
  const size_t limit =
      limit_bytes - std::min(limit_bytes, end.size() + kReserve);
  const std::string headings = absl::StrJoin(Headings(comparison), " | ");
  size_t left_out = 0;
  for (const Verdict verdict : kOrder) {
    const auto metrics = Of(comparison, verdict);
    if (metrics.empty()) continue;
    const bool folded = !Fails(verdict) && verdict != Verdict::kUnsure;
    std::string table = absl::StrCat(
        folded ? "\n<details><summary>" : "\n**", VerdictName(verdict), ": ",
        metrics.size(), folded ? "</summary>\n\n| " : "**\n\n| ", headings,
        " |\n|---|--:|--:|--:|--:|--:|---|\n");
    size_t shown = 0;
    for (const MetricComparison* metric : metrics) {
      const std::string row = MarkdownRow(*metric);
      if (text.size() + table.size() + row.size() > limit) break;
      table += row;
      ++shown;
    }
    left_out += metrics.size() - shown;
    if (shown == 0) continue;
    absl::StrAppend(&text, table, folded ? "\n</details>\n" : "");
  }
  if (left_out > 0) {
    absl::StrAppend(&text, "\n", left_out,
                    " more did not fit: the JSON has them all.\n");
  }
  return text + end;
}

std::string RenderGateJson(const GateReport& report) {
  using nlohmann::json;
  json document;
  document["schema_version"] = 1;
  document["conclusion"] =
      ConclusionName(Conclude(report.comparison, report.null_arm.fired));
  document["report_only"] = report.report_only;
  document["base"] = report.comparison.base_name;
  document["head"] = report.comparison.head_name;
  document["confidence"] = report.comparison.confidence;
  document["seconds"] = report.seconds;
  document["warnings"] = report.comparison.warnings;
  document["null_arm"] = {{"blocks", report.null_arm.blocks},
                          {"p_value", report.null_arm.p_value},
                          {"effect", report.null_arm.estimate},
                          {"fired", report.null_arm.fired}};
  json metrics = json::array();
  for (const MetricComparison& metric : report.comparison.metrics) {
    json entry = {{"area", metric.area},
                  {"benchmark", metric.benchmark},
                  {"metric", metric.metric},
                  {"higher_is_better", metric.higher_is_better},
                  {"verdict", std::string(VerdictName(metric.verdict))},
                  {"threshold", metric.threshold},
                  {"base_samples", metric.base_samples},
                  {"head_samples", metric.head_samples},
                  {"note", metric.note}};
    for (const auto& [key, value] :
         {std::pair("base", metric.base), std::pair("head", metric.head),
          std::pair("effect", metric.effect),
          std::pair("effect_low", metric.effect_low),
          std::pair("effect_high", metric.effect_high),
          std::pair("smallest_visible", metric.smallest_visible)}) {
      if (value.has_value() && std::isfinite(*value)) entry[key] = *value;
    }
    metrics.push_back(std::move(entry));
  }
  document["metrics"] = std::move(metrics);
  return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

namespace {

// What a metric is to JUnit; null: it passed.
const char* JUnitElement(const GateReport& report, Verdict verdict) {
  // Where the null arm fired, nothing that was called slower is sure.
  const bool unsure = report.report_only ||
                      (report.null_arm.fired && verdict == Verdict::kSlower);
  if (verdict == Verdict::kUnsure) return "skipped";
  if (!Fails(verdict)) return nullptr;
  if (unsure) return "skipped";
  return verdict == Verdict::kError ? "error" : "failure";
}

}  // namespace

std::string RenderGateJUnit(const GateReport& report) {
  std::map<std::string, int> counts;
  std::string cases;
  for (const MetricComparison& metric : report.comparison.metrics) {
    absl::StrAppend(&cases, "    <testcase classname=\"", XmlText(metric.area),
                    "\" name=\"", XmlText(NameOf(metric)), "\" time=\"0\"");
    const char* element = JUnitElement(report, metric.verdict);
    if (element == nullptr) {
      absl::StrAppend(&cases, "/>\n");
      continue;
    }
    ++counts[element];
    absl::StrAppend(
        &cases, "><", element, " message=\"",
        XmlText(absl::StrCat(VerdictName(metric.verdict), " ",
                             Percent(metric.effect, true), " ", metric.note)),
        "\"/></testcase>\n");
  }
  return absl::StrFormat(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"
      "  <testsuite name=\"opsbench gate\" tests=\"%d\" failures=\"%d\" "
      "errors=\"%d\" skipped=\"%d\" time=\"%.3f\">\n%s"
      "  </testsuite>\n</testsuites>\n",
      report.comparison.metrics.size(), counts["failure"], counts["error"],
      counts["skipped"], report.seconds, cases);
}

}  // namespace opsbench::results::gate
