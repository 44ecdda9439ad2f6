// The formats that other programs read.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "nlohmann/json.hpp"
#include "opsbench/base/xml_text.h"
#include "opsbench/results/internal/metric_text.h"
#include "opsbench/results/internal/renderers.h"

namespace opsbench::results::internal {
namespace {

using Json = nlohmann::ordered_json;

std::string Dump(const Json& json) {
  // A message of an engine may hold bytes that are not UTF-8.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

// Nine decimals: those beyond depend on the processor's logarithm.
absl::optional<double> Rounded(absl::optional<double> effect) {
  constexpr double kDigits = 1e9;
  if (!effect.has_value()) return effect;
  return std::round(*effect * kDigits) / kDigits;
}

void SetNumber(const char* key, absl::optional<double> value, Json* json) {
  if (value.has_value() && std::isfinite(*value)) (*json)[key] = *value;
}

Json MetricJson(const MetricComparison& metric) {
  Json json;
  json["area"] = metric.area;
  json["benchmark"] = metric.benchmark;
  json["metric"] = metric.metric;
  json["higher_is_better"] = metric.higher_is_better;
  json["verdict"] = std::string(VerdictName(metric.verdict));
  SetNumber("base", metric.base, &json);
  SetNumber("head", metric.head, &json);
  json["base_samples"] = metric.base_samples;
  json["head_samples"] = metric.head_samples;
  SetNumber("effect", Rounded(metric.effect), &json);
  SetNumber("effect_low", Rounded(metric.effect_low), &json);
  SetNumber("effect_high", Rounded(metric.effect_high), &json);
  SetNumber("smallest_visible", Rounded(metric.smallest_visible), &json);
  SetNumber("threshold", metric.threshold, &json);
  json["note"] = metric.note;
  return json;
}

// Quoted where RFC 4180 wants it.
std::string CsvField(absl::string_view text) {
  if (text.find_first_of(",\"\r\n") == absl::string_view::npos) {
    return std::string(text);
  }
  return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\"", "\"\""}}), "\"");
}

// Every digit, so that the number is read back as it was.
std::string CsvNumber(absl::optional<double> value) {
  if (!value.has_value() || !std::isfinite(*value)) return "";
  std::string shortest = absl::StrFormat("%.15g", *value);
  double read = 0;
  if (absl::SimpleAtod(shortest, &read) && read == *value) return shortest;
  return absl::StrFormat("%.17g", *value);
}

// All metrics of one benchmark.
struct Case {
  std::string area;
  std::string name;
  std::vector<const MetricComparison*> metrics;

  bool Has(Verdict verdict) const {
    for (const MetricComparison* metric : metrics) {
      if (metric->verdict == verdict) return true;
    }
    return false;
  }
};

std::vector<Case> CasesOf(const Comparison& comparison) {
  std::vector<Case> cases;
  std::map<std::pair<std::string, std::string>, size_t> places;
  for (const MetricComparison& metric : comparison.metrics) {
    const auto [found, added] =
        places.try_emplace({metric.area, metric.benchmark}, cases.size());
    if (added) cases.push_back({.area = metric.area, .name = metric.benchmark});
    cases[found->second].metrics.push_back(&metric);
  }
  return cases;
}

std::string Describe(const MetricComparison& metric) {
  std::string text =
      absl::StrCat(VerdictName(metric.verdict), ": ", metric.metric);
  if (metric.base.has_value() && metric.head.has_value()) {
    absl::StrAppend(&text, " ", ValueText(metric.metric, metric.base), " -> ",
                    ValueText(metric.metric, metric.head));
  } else if (metric.base.has_value()) {
    absl::StrAppend(&text, " was ", ValueText(metric.metric, metric.base));
  } else if (metric.head.has_value()) {
    absl::StrAppend(&text, " ", ValueText(metric.metric, metric.head));
  }
  if (metric.effect.has_value()) {
    absl::StrAppend(&text, ", ", EffectText(metric.effect));
  }
  if (metric.effect_low.has_value()) {
    absl::StrAppend(&text, " (", IntervalText(metric), ")");
  }
  if (metric.smallest_visible.has_value()) {
    absl::StrAppend(&text, ", would see ", VisibleText(metric));
  }
  if (!metric.note.empty()) absl::StrAppend(&text, ": ", metric.note);
  return text;
}

// An element that tells of each metric that has one of the verdicts, the
// gravest of which is the first.
void AppendOutcome(absl::string_view element, const Case& one,
                   std::initializer_list<Verdict> verdicts, std::string* text) {
  std::vector<std::string> lines;
  absl::string_view type;
  for (const Verdict verdict : verdicts) {
    for (const MetricComparison* metric : one.metrics) {
      if (metric->verdict != verdict) continue;
      if (lines.empty()) type = VerdictName(verdict);
      lines.push_back(Describe(*metric));
    }
  }
  std::string message = lines.front();
  if (lines.size() > 1) {
    absl::StrAppend(&message, " (and ", lines.size() - 1, " more)");
  }
  absl::StrAppend(text, "      <", element);
  // Readers know a type and a text of failures and errors alone.
  if (element == "skipped") {
    absl::StrAppend(text, " message=\"", XmlText(message), "\"/>\n");
  } else {
    absl::StrAppend(text, " type=\"", type, "\" message=\"", XmlText(message),
                    "\">", XmlText(absl::StrJoin(lines, "\n")), "</", element,
                    ">\n");
  }
}

void AppendCase(const Case& one, std::string* text) {
  absl::StrAppend(text, "    <testcase classname=\"",
                  XmlText(one.area.empty() ? "benchmarks" : one.area),
                  "\" name=\"", XmlText(one.name), "\" time=\"0\"");
  const bool slower = one.Has(Verdict::kSlower) || one.Has(Verdict::kMissing);
  if (one.Has(Verdict::kError)) {
    absl::StrAppend(text, ">\n");
    AppendOutcome("error", one,
                  {Verdict::kError, Verdict::kSlower, Verdict::kMissing}, text);
  } else if (slower) {
    absl::StrAppend(text, ">\n");
    AppendOutcome("failure", one, {Verdict::kSlower, Verdict::kMissing}, text);
  } else if (one.Has(Verdict::kUnsure)) {
    absl::StrAppend(text, ">\n");
    AppendOutcome("skipped", one, {Verdict::kUnsure}, text);
  } else {
    absl::StrAppend(text, "/>\n");
    return;
  }
  absl::StrAppend(text, "    </testcase>\n");
}

}  // namespace

std::string RenderJson(const Comparison& comparison) {
  Json json;
  json["schema_version"] = 1;
  json["base"] = comparison.base_name;
  json["head"] = comparison.head_name;
  SetNumber("confidence", comparison.confidence, &json);
  json["counts"] = Json::object();
  for (const Verdict verdict :
       {Verdict::kError, Verdict::kSlower, Verdict::kMissing, Verdict::kUnsure,
        Verdict::kImproved, Verdict::kNew, Verdict::kSame}) {
    json["counts"][std::string(VerdictName(verdict))] =
        CountVerdicts(comparison, verdict);
  }
  json["warnings"] = comparison.warnings;
  json["metrics"] = Json::array();
  for (const MetricComparison& metric : comparison.metrics) {
    json["metrics"].push_back(MetricJson(metric));
  }
  return Dump(json);
}

std::string RenderCsv(const Comparison& comparison) {
  std::string text =
      "area,benchmark,metric,higher_is_better,verdict,base,head,base_samples,"
      "head_samples,effect,effect_low,effect_high,smallest_visible,threshold,"
      "note\n";
  for (const MetricComparison& metric : comparison.metrics) {
    absl::StrAppend(&text, CsvField(metric.area), ",",
                    CsvField(metric.benchmark), ",", CsvField(metric.metric),
                    ",", metric.higher_is_better ? "true" : "false", ",",
                    VerdictName(metric.verdict), ",");
    absl::StrAppend(&text, CsvNumber(metric.base), ",", CsvNumber(metric.head),
                    ",", metric.base_samples, ",", metric.head_samples, ",",
                    CsvNumber(Rounded(metric.effect)), ",",
                    CsvNumber(Rounded(metric.effect_low)), ",",
                    CsvNumber(Rounded(metric.effect_high)), ",",
                    CsvNumber(Rounded(metric.smallest_visible)), ",",
                    CsvNumber(metric.threshold), ",", CsvField(metric.note),
                    "\n");
  }
  return text;
}

std::string RenderJunit(const Comparison& comparison) {
  const std::vector<Case> cases = CasesOf(comparison);
  int64_t errors = 0;
  int64_t failures = 0;
  int64_t skipped = 0;
  std::string body;
  for (const Case& one : cases) {
    if (one.Has(Verdict::kError)) {
      ++errors;
    } else if (one.Has(Verdict::kSlower) || one.Has(Verdict::kMissing)) {
      ++failures;
    } else if (one.Has(Verdict::kUnsure)) {
      ++skipped;
    }
    AppendCase(one, &body);
  }
  const std::string counts =
      absl::StrCat("tests=\"", cases.size(), "\" failures=\"", failures,
                   "\" errors=\"", errors, "\"");
  std::string output;
  for (const std::string& warning : comparison.warnings) {
    absl::StrAppend(&output, "warning: ", warning, "\n");
  }
  return absl::StrCat(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites ", counts,
      " time=\"0\">\n  <testsuite name=\"",
      XmlText(absl::StrCat(comparison.base_name, " -> ", comparison.head_name)),
      "\" ", counts, " skipped=\"", skipped, "\" time=\"0\">\n", body,
      output.empty() ? ""
                     : absl::StrCat("    <system-out>", XmlText(output),
                                    "</system-out>\n"),
      "  </testsuite>\n</testsuites>\n");
}

std::string RenderCustom(const Comparison& comparison, bool higher_is_better) {
  Json json = Json::array();
  for (const MetricComparison& metric : comparison.metrics) {
    if (metric.higher_is_better != higher_is_better ||
        !metric.head.has_value() || !std::isfinite(*metric.head)) {
      continue;
    }
    Json entry;
    // Charts are drawn by name: one for each metric.
    entry["name"] = metric.metric == "real_time_ns"
                        ? metric.benchmark
                        : absl::StrCat(metric.benchmark, " ", metric.metric);
    const std::string unit = UnitOf(metric.metric);
    entry["unit"] = unit.empty() ? metric.metric : unit;
    entry["value"] = *metric.head;
    entry["extra"] =
        absl::StrCat(Describe(metric), "\nbase ", comparison.base_name, ", ",
                     metric.head_samples, " samples");
    json.push_back(std::move(entry));
  }
  return Dump(json);
}

}  // namespace opsbench::results::internal
