#include "opsbench/load/report_text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "opsbench/base/format.h"

namespace opsbench {
namespace {

constexpr std::array<double, 5> kPercentiles = {50, 90, 95, 99, 99.9};
constexpr size_t kSparks = 60;

void AppendCell(absl::string_view cell, std::string* text) {
  constexpr int kWidth = 8;
  absl::StrAppend(text, " ", PadLeft(cell, kWidth));
}

void AppendLatency(const Histogram& latency, std::string* text) {
  for (const double percentile : kPercentiles) {
    AppendCell(latency.count() == 0
                   ? "-"
                   : FormatLatency(latency.Percentile(percentile)),
               text);
  }
  AppendCell(latency.count() == 0 ? "-" : FormatLatency(latency.max_ns()),
             text);
  absl::StrAppend(text, "\n");
}

void AppendRow(absl::string_view name, size_t name_width, int64_t errors,
               int64_t rows, const Histogram& latency, std::string* text) {
  absl::StrAppendFormat(text, "  %-*s %9d %7d %10d", name_width, name,
                        latency.count(), errors, rows);
  AppendLatency(latency, text);
}

size_t NameWidth(const LoadReport& report) {
  size_t width = absl::string_view("operation").size();
  for (const OperationReport& operation : report.operations) {
    width = std::max(width, operation.name.size());
  }
  return width;
}

void AppendTable(const LoadReport& report, std::string* text) {
  const size_t width = NameWidth(report);
  absl::StrAppendFormat(text, "\n  %-*s %9s %7s %10s %8s %8s %8s %8s %8s %8s\n",
                        width, "operation", "count", "errors", "rows", "p50",
                        "p90", "p95", "p99", "p99.9", "max");
  for (const OperationReport& operation : report.operations) {
    AppendRow(operation.name, width, operation.errors, operation.rows,
              operation.latency, text);
  }
  if (report.operations.size() > 1) {
    AppendRow("all", width, report.errors(), report.rows(), report.latency(),
              text);
  }
}

// Below the latencies, in their columns, where waiting sets the two apart.
void AppendServiceTable(const LoadReport& report, std::string* text) {
  const Histogram all = report.service();
  // The means are of exact sums, so equal times have equal ones.
  if (all.count() == 0 || all.mean_ns() == report.latency().mean_ns()) return;
  const size_t width = NameWidth(report);
  constexpr int kBeforeLatency = 28;  // Columns of AppendRow().
  absl::StrAppendFormat(text, "\n  %-*s %-*s %8s %8s %8s %8s %8s %8s\n", width,
                        "service", kBeforeLatency, "without waiting", "p50",
                        "p90", "p95", "p99", "p99.9", "max");
  const auto append = [&](absl::string_view name, const Histogram& service) {
    absl::StrAppendFormat(text, "  %-*s %*s", width, name, kBeforeLatency, "");
    AppendLatency(service, text);
  };
  for (const OperationReport& operation : report.operations) {
    append(operation.name, operation.service);
  }
  if (report.operations.size() > 1) append("all", all);
}

void AppendSkipsAndHolds(const LoadReport& report, std::string* text) {
  if (const int64_t skipped = report.skipped(); skipped > 0) {
    std::vector<std::string> kinds;
    for (const OperationReport& operation : report.operations) {
      if (operation.skipped == 0) continue;
      kinds.push_back(absl::StrCat(operation.skipped, " ", operation.name));
    }
    absl::StrAppend(text, "  ", skipped,
                    " operations were skipped: ", absl::StrJoin(kinds, ", "),
                    "\n");
  }
  if (report.holds > 0) {
    absl::StrAppendFormat(
        text, "  %d operations were held back, for %s on average\n",
        report.holds,
        FormatLatency(absl::ToInt64Nanoseconds(report.held / report.holds)));
  }
}

// What a reader must know before trusting the figures.
void AppendFaults(const LoadReport& report, std::string* text) {
  for (const OperationReport& operation : report.operations) {
    if (operation.errors == 0) continue;
    const std::string kinds = absl::StrJoin(
        operation.errors_by_kind, ", ", [](std::string* out, const auto& kind) {
          absl::StrAppend(out, kind.second, " ", kind.first);
        });
    absl::StrAppend(text, "  errors of ", operation.name, ": ", kinds,
                    "; the first: ", operation.first_error, "\n");
  }
  if (report.offered_per_second > 0) {
    absl::StrAppendFormat(text, "  offered %g/s: %s\n",
                          report.offered_per_second,
                          report.rate_met ? "met" : "NOT met");
  }
  if (report.overdue > 0) {
    absl::StrAppend(text, "  ", report.overdue,
                    " operations were overdue when the schedule ended\n");
  }
  if (report.abandoned > 0) {
    absl::StrAppend(text, "  ", report.abandoned,
                    " operations were never begun\n");
  }
  if (report.workers_lost > 0) {
    absl::StrAppend(text, "  ", report.workers_lost,
                    " workers were lost: they could not recover\n");
  }
  if (!report.ended_early.ok()) {
    absl::StrAppend(text, "  ended early: ", report.ended_early.message(),
                    "\n");
  }
  if (report.interrupted) absl::StrAppend(text, "  interrupted\n");
}

// Throughput over time, as far as there is a course to show. The last second is
// left out: it is seldom a whole one.
void AppendCourse(const LoadReport& report, std::string* text) {
  if (report.seconds.size() < 4) return;
  const size_t seconds = report.seconds.size() - 1;
  const size_t points = std::min(seconds, kSparks);
  std::vector<double> rates(points);
  for (size_t i = 0; i < points; ++i) {
    const size_t first = i * seconds / points;
    const size_t last = (i + 1) * seconds / points;
    for (size_t s = first; s < last; ++s) {
      rates[i] += static_cast<double>(report.seconds[s].operations);
    }
    rates[i] /= static_cast<double>(last - first);
  }
  const auto [low, high] = std::minmax_element(rates.begin(), rates.end());
  constexpr std::array<absl::string_view, 8> kBars = {"▁", "▂", "▃", "▄",
                                                      "▅", "▆", "▇", "█"};
  absl::StrAppend(text, "\n  over time: ");
  for (const double rate : rates) {
    const double level = *high > 0 ? rate / *high * 7 : 0;
    absl::StrAppend(text, kBars[static_cast<size_t>(std::lround(level))]);
  }
  absl::StrAppendFormat(text, " %.0f to %.0f/s\n", *low, *high);
}

}  // namespace

std::string RenderLoadReport(const LoadReport& report) {
  std::string text = absl::StrFormat(
      "Total Ops: %d in %.1f s\nQPS: %.2f\nRows/s: %.2f\nErrors: %d\n",
      report.completed(), absl::ToDoubleSeconds(report.elapsed),
      report.operations_per_second(), report.rows_per_second(),
      report.errors());
  AppendTable(report, &text);
  AppendServiceTable(report, &text);
  AppendSkipsAndHolds(report, &text);
  AppendFaults(report, &text);
  AppendCourse(report, &text);
  return text;
}

}  // namespace opsbench
