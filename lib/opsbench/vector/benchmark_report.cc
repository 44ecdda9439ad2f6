#include "opsbench/vector/benchmark_report.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "opsbench/base/format.h"
#include "opsbench/results/atomic_file.h"
#include "opsbench/vector/benchmark_settings.h"

namespace opsbench::vector {
namespace {

using results::BenchmarkRow;

std::string Latency(double ms) {
  return FormatLatency(static_cast<int64_t>(std::llround(ms * 1e6)));
}

std::string ErrorKinds(const BenchmarkResult& result) {
  return absl::StrJoin(result.errors_by_kind, ", ",
                       [](std::string* out, const auto& kind) {
                         absl::StrAppend(out, kind.second, " ", kind.first);
                       });
}

// --- Tables ---

std::vector<std::string> Header(absl::Span<const std::string> names) {
  std::vector<std::string> header(names.begin(), names.end());
  header.insert(header.end(), {"queries", "95% interval", "p99", "recall",
                               "measured", "keeps constraints"});
  return header;
}

std::string Interval(double low, double high) {
  return std::isfinite(high)
             ? absl::StrCat(FormatRate(low), " to ", FormatRate(high))
             : "-";
}

std::vector<std::string> EvidenceCells(const Evidence& evidence) {
  std::vector<std::string> cells;
  for (const int64_t value : evidence.setting) {
    cells.push_back(absl::StrCat(value));
  }
  if (!evidence.error.ok()) {
    cells.insert(cells.end(),
                 {"-", "-", "-", "-", absl::StrCat(evidence.samples.size()),
                  std::string(evidence.error.message())});
    return cells;
  }
  cells.insert(
      cells.end(),
      {FormatRate(evidence.qps), Interval(evidence.qps_low, evidence.qps_high),
       Latency(evidence.p99_ms), absl::StrFormat("%.4f", evidence.recall),
       absl::StrCat(evidence.samples.size()),
       absl::StrCat(evidence.feasible ? "yes" : "no",
                    evidence.decided ? "" : ", undecided")});
  return cells;
}

std::string Table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<int> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], DisplayWidth(row[i]));
    }
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      // Numbers to the right; the last column is words.
      absl::StrAppend(&line, "  ",
                      i + 1 < row.size() ? PadLeft(row[i], widths[i]) : row[i]);
    }
    absl::StrAppend(&text, line, "\n");
  }
  return text;
}

std::vector<std::string> NamesOf(absl::Span<const Parameter> parameters) {
  std::vector<std::string> names;
  for (const Parameter& parameter : parameters) names.push_back(parameter.name);
  return names;
}

std::string Failed(int64_t count) {
  return count > 0 ? absl::StrCat(", ", count, " could not be measured") : "";
}

std::string EvidenceTable(std::vector<const Evidence*> kept,
                          absl::Span<const Parameter> parameters, size_t rows) {
  const std::vector<std::string> names = NamesOf(parameters);
  std::vector<std::vector<std::string>> table = {Header(names)};
  const size_t all = kept.size();
  kept.resize(std::min(rows, all));
  for (const Evidence* evidence : kept) {
    table.push_back(EvidenceCells(*evidence));
  }
  std::string text = Table(table);
  if (all > kept.size()) {
    absl::StrAppend(&text, "  … and ", all - kept.size(),
                    " further settings, in the files\n");
  }
  return text;
}

// --- Rows ---

std::string BackendName(const BenchmarkResult& result) {
  return result.answered_by.substr(0, result.answered_by.find(' '));
}

std::string BaseName(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

// What tells one benchmark from another: every setting that acts, but for those
// that only say how long it is measured.
std::string RowName(const BenchmarkResult& result) {
  using InName = BenchmarkSetting::InName;
  const BenchmarkConfig& config = result.config;
  std::string name =
      config.is_search()
          ? absl::StrCat("VectorQuery/backend:", BackendName(result))
          : absl::StrCat("RedisCommand/",
                         absl::AsciiStrToUpper(config.operation));
  for (const BenchmarkSetting& setting : BenchmarkSettings()) {
    if (setting.in_name == InName::kNever) continue;
    const std::string text = ActingText(setting, config);
    if (text.empty() || (setting.in_name == InName::kUnlessUsual &&
                         !IsUnusual(setting, config))) {
      continue;
    }
    absl::StrAppend(&name, "/",
                    setting.key != nullptr ? setting.key : setting.name, ":",
                    BaseName(text));
  }
  return name;
}

BenchmarkRow RowOf(const BenchmarkResult& result) {
  BenchmarkRow row;
  row.name = row.run_name = RowName(result);
  row.iterations = result.requests;
  row.real_time = result.latency_avg_ms * 1e6;
  // The client's and the server's are not told apart.
  row.cpu_time = row.real_time;
  row.label = result.answered_by;
  row.counters["qps"] = result.qps;
  row.counters["query_p50_ms"] = result.latency_p50_ms;
  row.counters["query_p95_ms"] = result.latency_p95_ms;
  row.counters["query_p99_ms"] = result.latency_p99_ms;
  row.counters["query_max_ms"] = result.latency_max_ms;
  row.counters["errors"] = static_cast<double>(result.errors);
  if (result.errors > 0) {
    row.error_occurred = true;
    row.error_message =
        absl::StrCat(result.errors, " of ", result.requests + result.errors,
                     " requests failed, the first with: ", result.first_error);
  }
  if (result.recall_avg.has_value()) {
    row.counters["recall"] = *result.recall_avg;
    row.counters["min_recall"] = *result.recall_min;
    row.counters["recall_k"] = result.recall_k;
    row.counters["short_replies"] = static_cast<double>(result.short_replies);
  } else {
    row.counters["empty_replies"] = static_cast<double>(result.empty_replies);
  }
  if (result.baseline_latency_p50_ms.has_value()) {
    row.counters["ping_p50_ms"] = *result.baseline_latency_p50_ms;
  }
  if (result.index_bytes > 0) {
    row.counters["index_bytes"] = static_cast<double>(result.index_bytes);
  }
  return row;
}

// --- CSV ---

std::string CsvText(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\"", "\"\""}}), "\"");
}

std::string CsvNumber(absl::optional<double> number) {
  return number.has_value() ? absl::StrFormat("%.9g", *number) : "";
}

struct CsvColumn {
  const char* name;
  std::string (*text)(const BenchmarkResult& result);
};

// Those of the Valkey search benchmark.
constexpr CsvColumn kFirstColumns[] = {
    {"qps", [](const BenchmarkResult& r) { return CsvNumber(r.qps); }},
    {"latency_avg_ms",
     [](const BenchmarkResult& r) { return CsvNumber(r.latency_avg_ms); }},
    {"latency_p50_ms",
     [](const BenchmarkResult& r) { return CsvNumber(r.latency_p50_ms); }},
    {"latency_p95_ms",
     [](const BenchmarkResult& r) { return CsvNumber(r.latency_p95_ms); }},
    {"latency_p99_ms",
     [](const BenchmarkResult& r) { return CsvNumber(r.latency_p99_ms); }},
    {"latency_max_ms",
     [](const BenchmarkResult& r) { return CsvNumber(r.latency_max_ms); }},
    {"recall_avg",
     [](const BenchmarkResult& r) { return CsvNumber(r.recall_avg); }},
    {"recall_min",
     [](const BenchmarkResult& r) { return CsvNumber(r.recall_min); }},
    {"recall_max",
     [](const BenchmarkResult& r) { return CsvNumber(r.recall_max); }},
    {"baseline_latency_avg_ms",
     [](const BenchmarkResult& r) {
       return CsvNumber(r.baseline_latency_avg_ms);
     }},
    {"answered_by",
     [](const BenchmarkResult& r) { return CsvText(r.answered_by); }},
};

// Behind the settings.
constexpr CsvColumn kLastColumns[] = {
    {"recall_k",
     [](const BenchmarkResult& r) {
       return r.recall_k > 0 ? absl::StrCat(r.recall_k) : "";
     }},
    {"short_replies",
     [](const BenchmarkResult& r) { return absl::StrCat(r.short_replies); }},
    {"empty_replies",
     [](const BenchmarkResult& r) { return absl::StrCat(r.empty_replies); }},
    {"requests",
     [](const BenchmarkResult& r) { return absl::StrCat(r.requests); }},
    {"errors", [](const BenchmarkResult& r) { return absl::StrCat(r.errors); }},
    {"redirects",
     [](const BenchmarkResult& r) { return absl::StrCat(r.redirects); }},
    {"seconds", [](const BenchmarkResult& r) { return CsvNumber(r.seconds); }},
    {"timestamp",
     [](const BenchmarkResult& r) {
       return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", r.timestamp,
                               absl::UTCTimeZone());
     }},
};

std::string CsvHeader() {
  std::vector<std::string> names;
  for (const CsvColumn& column : kFirstColumns) names.push_back(column.name);
  for (const BenchmarkSetting& setting : BenchmarkSettings()) {
    names.push_back(setting.name);
  }
  for (const CsvColumn& column : kLastColumns) names.push_back(column.name);
  return absl::StrJoin(names, ",");
}

std::string CsvLine(const BenchmarkResult& result) {
  std::vector<std::string> cells;
  for (const CsvColumn& column : kFirstColumns) {
    cells.push_back(column.text(result));
  }
  for (const BenchmarkSetting& setting : BenchmarkSettings()) {
    cells.push_back(CsvText(ActingText(setting, result.config)));
  }
  for (const CsvColumn& column : kLastColumns) {
    cells.push_back(column.text(result));
  }
  return absl::StrJoin(cells, ",");
}

}  // namespace

std::string RenderResult(const BenchmarkResult& result) {
  std::string text =
      absl::StrFormat("  %-12s %s (%d requests in %.2f s)\n",
                      result.config.is_search() ? "Queries" : "Requests",
                      FormatRate(result.qps), result.requests, result.seconds);
  absl::StrAppend(&text, "  Latency      avg ", Latency(result.latency_avg_ms),
                  ", p50 ", Latency(result.latency_p50_ms), ", p95 ",
                  Latency(result.latency_p95_ms), ", p99 ",
                  Latency(result.latency_p99_ms), ", max ",
                  Latency(result.latency_max_ms), "\n");
  if (result.recall_avg.has_value()) {
    absl::StrAppendFormat(
        &text, "  Recall       avg %.4f, min %.4f, max %.4f\n",
        *result.recall_avg, *result.recall_min, *result.recall_max);
    if (result.recall_k < result.config.k) {
      absl::StrAppendFormat(
          &text,
          "  Found        %d vectors pass: recall is of them, not of %d\n",
          result.recall_k, result.config.k);
    }
  }
  if (result.short_replies > 0) {
    absl::StrAppendFormat(&text, "  Short        %d of %d replies had fewer\n",
                          result.short_replies, result.requests);
  }
  if (result.empty_replies > 0) {
    absl::StrAppendFormat(&text,
                          "  Empty        %d of %d requests found nothing\n",
                          result.empty_replies, result.requests);
  }
  if (result.baseline_latency_avg_ms.has_value()) {
    absl::StrAppend(&text, "  Round trip   avg ",
                    Latency(*result.baseline_latency_avg_ms), ", p50 ",
                    Latency(*result.baseline_latency_p50_ms),
                    " (the network and the server's loop alone)\n");
  }
  if (result.errors > 0) {
    absl::StrAppend(&text, "  Errors       ", ErrorKinds(result),
                    "; the first: ", result.first_error, "\n");
  }
  if (result.redirects > 0 || result.reconnects > 0) {
    absl::StrAppend(&text, "  Cluster      ", result.redirects,
                    " redirects followed, ", result.reconnects,
                    " connections made again\n");
  }
  if (!result.rate_met) {
    absl::StrAppend(&text,
                    "  The rate was not kept: latency is that of a system "
                    "that falls behind\n");
  }
  return text;
}

std::string RenderOutcome(const SearchOutcome& outcome,
                          const TuneOptions& options, size_t rows) {
  const TuneResult& search = outcome.search;
  std::vector<const Evidence*> order;
  const absl::optional<size_t> shown =
      search.best.has_value() ? search.best : search.closest;
  for (const Evidence& evidence : search.evidence) order.push_back(&evidence);
  std::stable_sort(
      order.begin(), order.end(), [&](const Evidence* a, const Evidence* b) {
        const auto rank = [&](const Evidence* evidence) {
          if (shown && evidence == &search.evidence[*shown]) {
            return 0;
          }
          if (!evidence->error.ok()) return 3;
          return evidence->feasible ? 1 : 2;
        };
        return rank(a) != rank(b) ? rank(a) < rank(b) : a->qps > b->qps;
      });
  const auto failed = std::count_if(
      search.evidence.begin(), search.evidence.end(),
      [](const Evidence& evidence) { return !evidence.error.ok(); });
  std::string text = absl::StrFormat(
      "%d measurements of %d of %d settings in %.1f s%s; ended by: %s\n\n",
      search.evaluations, static_cast<int64_t>(search.evidence.size()) - failed,
      search.settings, absl::ToDoubleSeconds(search.elapsed), Failed(failed),
      search.ended);
  absl::StrAppend(&text, EvidenceTable(order, options.parameters, rows), "\n");
  const std::vector<std::string> names = NamesOf(options.parameters);
  if (shown.has_value()) {
    const Evidence& evidence = search.evidence[*shown];
    std::vector<std::string> parts;
    for (size_t i = 0; i < names.size(); ++i) {
      parts.push_back(absl::StrCat(names[i], " ", evidence.setting[i]));
    }
    // The figures of the measurement that is reported.
    const bool shown_is_best = outcome.best.has_value();
    absl::StrAppendFormat(
        &text, "%s: %s: %s, p99 %s, recall %.4f%s\n",
        outcome.feasible ? "Best" : "No setting keeps the constraints. Closest",
        absl::StrJoin(parts, ", "),
        FormatRate(shown_is_best ? outcome.best->qps : evidence.qps),
        Latency(shown_is_best ? outcome.best->latency_p99_ms : evidence.p99_ms),
        shown_is_best ? outcome.best->recall_avg.value_or(1) : evidence.recall,
        search.decided ? "" : " (not decided: more budget would tell)");
  } else {
    absl::StrAppend(&text, "No setting could be measured.\n");
  }
  for (const std::string& note : search.notes) {
    absl::StrAppend(&text, "  - ", note, "\n");
  }
  return text;
}

std::string RenderGrid(const GridResult& grid,
                       absl::Span<const Parameter> parameters, size_t rows) {
  std::vector<const Evidence*> order;
  for (const Evidence& evidence : grid.kept) order.push_back(&evidence);
  std::stable_sort(
      order.begin(), order.end(),
      [](const Evidence* a, const Evidence* b) { return a->qps > b->qps; });
  return absl::StrCat(
      absl::StrFormat("%d of %d settings measured in %.1f s%s, %d kept; ended "
                      "by: %s\n\n",
                      grid.measured, grid.settings,
                      absl::ToDoubleSeconds(grid.elapsed), Failed(grid.failed),
                      static_cast<int64_t>(grid.kept.size()) - grid.failed,
                      grid.ended),
      EvidenceTable(order, parameters, rows));
}

std::string FormatResultsCsv(absl::Span<const BenchmarkResult> results) {
  std::string text = absl::StrCat(CsvHeader(), "\n");
  for (const BenchmarkResult& result : results) {
    absl::StrAppend(&text, CsvLine(result), "\n");
  }
  return text;
}

absl::Status SaveResultsCsv(absl::Span<const BenchmarkResult> results,
                            const std::string& path) {
  return results::WriteFileAtomically(path, FormatResultsCsv(results));
}

results::BenchmarkFile ToBenchmarkFile(
    absl::Span<const BenchmarkResult> results) {
  results::BenchmarkFile file;
  std::map<std::string, std::vector<size_t>> places;
  for (const BenchmarkResult& result : results) {
    file.rows.push_back(RowOf(result));
    places[file.rows.back().name].push_back(file.rows.size() - 1);
  }
  for (const auto& [name, indexes] : places) {
    for (size_t i = 0; i < indexes.size(); ++i) {
      file.rows[indexes[i]].repetitions = static_cast<int64_t>(indexes.size());
      file.rows[indexes[i]].repetition_index = static_cast<int64_t>(i);
    }
  }
  return file;
}

}  // namespace opsbench::vector
