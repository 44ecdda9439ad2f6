#ifndef OPSBENCH_RESULTS_INTERNAL_READER_CHECK_H_
#define OPSBENCH_RESULTS_INTERNAL_READER_CHECK_H_

// For tests: what has to hold of the readers whatever they are given. The
// fuzzers look for text of which it does not.
//
// Thread safety: the functions keep no state.

#include <cmath>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"
#include "opsbench/results/benchmark_json.h"
#include "opsbench/results/compare.h"
#include "opsbench/results/internal/xml_check.h"
#include "opsbench/results/render_comparison.h"
#include "opsbench/results/run_info.h"
#include "opsbench/results/sample_set.h"

namespace opsbench::results::internal {

inline bool SameNumber(double a, double b) {
  return a == b || !std::isfinite(a);  // What is not finite is not written.
}

// The numbers of `row` are those that another parser finds in `json`.
inline std::string NumbersFault(const BenchmarkRow& row,
                                const nlohmann::json& json) {
  std::map<std::string, double> numbers = row.counters;
  for (const auto& [key, value] : {std::pair("real_time", row.real_time),
                                   std::pair("cpu_time", row.cpu_time)}) {
    if (!std::isnan(value)) numbers[key] = value;
  }
  for (const auto& [key, value] : numbers) {
    const auto found = json.find(key);
    if (found == json.end()) return absl::StrCat(key, " came from nowhere");
    // A list that is read as a number that is none, and its kind.
    if (!found->is_number()) continue;
    if (found->get<double>() != value) {
      return absl::StrCat(key, " is ", value, ", not ", found->dump());
    }
  }
  return "";
}

// What is taken for JSON, and which numbers it holds, is what another parser
// says, but for numbers that are none.
inline std::string JsonFault(absl::string_view text) {
  const auto file = ParseBenchmarkJson(text, "fuzz");
  const absl::string_view message = file.status().message();
  const bool refused = absl::StrContains(message, "not JSON");
  const auto json = nlohmann::json::parse(text.begin(), text.end(), nullptr,
                                          /*allow_exceptions=*/false);
  if (json.is_discarded()) {
    const std::string lower = absl::AsciiStrToLower(text);
    const bool spelled =
        absl::StrContains(lower, "nan") || absl::StrContains(lower, "inf");
    return refused || spelled ? "" : "takes for JSON what is none";
  }
  // That one stops at a zero byte, and reads numbers with hundreds of digits or
  // a huge exponent that are small after all.
  if (refused) {
    return absl::StrContains(text, '\0') ||
                   absl::StrContains(message, "too big")
               ? ""
               : absl::StrCat("refuses JSON: ", message);
  }
  if (!file.ok()) return "";
  for (size_t i = 0; i < file->rows.size(); ++i) {
    std::string fault = NumbersFault(file->rows[i], json["benchmarks"][i]);
    if (!fault.empty()) return fault;
  }
  return "";
}

// What is written of a file is read back as it was.
inline std::string RoundTripFault(const BenchmarkFile& file) {
  const auto again = ParseBenchmarkJson(FormatBenchmarkJson(file), "again");
  if (!again.ok()) {
    return absl::StrCat("not read again: ", again.status().message());
  }
  if (again->rows.size() != file.rows.size()) return "rows got lost";
  for (size_t i = 0; i < file.rows.size(); ++i) {
    const BenchmarkRow& was = file.rows[i];
    const BenchmarkRow& is = again->rows[i];
    if (is.name != was.name || is.run_name != was.run_name ||
        is.run_type != was.run_type ||
        is.error_occurred != was.error_occurred ||
        is.iterations != was.iterations ||
        !SameNumber(was.real_time, is.real_time) ||
        !SameNumber(was.cpu_time, is.cpu_time)) {
      return absl::StrCat("row ", i, " changed");
    }
  }
  return "";
}

// A file is the same as itself, and every format of saying so is well-formed.
inline std::string ComparisonFault(absl::string_view text) {
  SampleSet set("fuzz");
  const absl::Status added = set.AddText(text, "fuzz");
  if (absl::IsFailedPrecondition(added)) return "";  // Holds no benchmark.
  if (!added.ok()) return "read once, not twice";
  const auto comparison = Compare(set, set, {});
  if (!comparison.ok()) return "";  // Nothing was measured.
  if (CountVerdicts(*comparison, Verdict::kSlower) > 0 ||
      CountVerdicts(*comparison, Verdict::kImproved) > 0 ||
      CountVerdicts(*comparison, Verdict::kMissing) > 0) {
    return absl::StrCat("differs from itself: ", CountsText(*comparison));
  }
  for (const ComparisonFormat format :
       {ComparisonFormat::kJson, ComparisonFormat::kSmallerIsBetter,
        ComparisonFormat::kBiggerIsBetter}) {
    if (!nlohmann::json::accept(RenderComparison(*comparison, format))) {
      return "writes what is no JSON";
    }
  }
  const std::string fault =
      JunitFault(RenderComparison(*comparison, ComparisonFormat::kJunit));
  if (!fault.empty()) return absl::StrCat("writes bad JUnit: ", fault);
  for (const ComparisonFormat format :
       {ComparisonFormat::kText, ComparisonFormat::kMarkdown}) {
    RenderComparisonOptions options;
    options.markdown_bytes = 16'000;
    const std::string page = RenderComparison(*comparison, format, options);
    if (format == ComparisonFormat::kMarkdown && page.size() > 16'000) {
      return "Markdown is too long";
    }
    if (absl::StrContains(page, '\x1b'))
      return "an escape sequence got through";
  }
  return "";
}

// The fault that `text` brings out, or nothing.
inline std::string ReaderFault(absl::string_view text) {
  if (std::string fault = JsonFault(text); !fault.empty()) return fault;
  if (const auto file = ParseBenchmarkJson(text, "fuzz"); file.ok()) {
    (void)CheckBenchmarkFile(*file, "fuzz");
    std::string fault = RoundTripFault(*file);
    if (fault.empty()) fault = ComparisonFault(text);
    if (!fault.empty()) return fault;
  }
  const auto info = ParseRunInfo(text, "fuzz");
  if (!info.ok()) return "";
  const std::string written = FormatRunInfo(*info);
  const auto again = ParseRunInfo(written, "again");
  if (!again.ok() || FormatRunInfo(*again) != written)
    return "run.json changed";
  return "";
}

}  // namespace opsbench::results::internal

#endif  // OPSBENCH_RESULTS_INTERNAL_READER_CHECK_H_
