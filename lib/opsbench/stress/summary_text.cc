#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "opsbench/base/format.h"
#include "opsbench/stress/internal/figures.h"
#include "opsbench/stress/summary.h"

namespace opsbench::stress {
namespace {

using internal::Figures;

constexpr size_t kMaxShown = 10;
constexpr int kLabelWidth = 13;

// "25,185".
std::string Grouped(int64_t number) {
  std::string text = absl::StrCat(number);
  const size_t first = number < 0 ? 1 : 0;
  for (size_t end = text.size(); end > first + 3;) {
    end -= 3;
    text.insert(end, ",");
  }
  return text;
}

std::string Grouped(double number) {
  return number < 1'000 ? absl::StrFormat("%.*f", number < 100 ? 1 : 0, number)
                        : Grouped(static_cast<int64_t>(number + 0.5));
}

void AddLine(absl::string_view label, absl::string_view text,
             std::string* out) {
  absl::StrAppend(out, PadRight(label, kLabelWidth), text, "\n");
}

// A figure that may not have been measured.
void AddFigure(absl::string_view label, const absl::optional<double>& figure,
               absl::string_view unit, std::string* out) {
  AddLine(label,
          figure.has_value() ? absl::StrCat(Grouped(*figure), unit)
                             : "not measured",
          out);
}

void AddConfig(const StressConfig& config, std::string* out) {
  const PlanOptions& plan = config.plan;
  AddLine("Config:",
          absl::StrCat(EngineName(config.engine), ", ", plan.databases,
                       " databases; ", plan.inserter_users, " inserters, ",
                       plan.query_users, " query, ", plan.mixed_users,
                       " mixed; seed ", plan.seed),
          out);
  AddLine("",
          absl::StrFormat("think time %g-%g ms, batches of %s-%s rows, format "
                          "%s, faults %s",
                          config.think_min_ms, config.think_max_ms,
                          Grouped(plan.batch_min), Grouped(plan.batch_max),
                          DataFormatName(config.data_format),
                          FindSetting("faults").get(config)),
          out);
}

std::string OperationsText(const StressReport& report) {
  const LoadReport& load = report.load;
  std::string text = absl::StrCat(Grouped(load.completed()), " (",
                                  Grouped(report.failures()), " failures");
  const int64_t cut_off = load.errors() - report.failures();
  if (cut_off > 0) {
    absl::StrAppend(&text, ", ", Grouped(cut_off), " cut off");
  }
  if (load.skipped() > 0) {
    absl::StrAppend(&text, ", ", Grouped(load.skipped()), " skipped");
  }
  return text + ")";
}

// The fields of seed document 003, in its order.
void AddTotals(const StressReport& report, const Figures& figures,
               std::string* out) {
  const LoadReport& load = report.load;
  std::string duration = absl::StrFormat("%.1fs", figures.seconds);
  if (report.stop_reason != StopReason::kDurationElapsed) {
    absl::StrAppend(&duration, " (", StopReasonName(report.stop_reason), ")");
  }
  AddLine("Duration:", duration, out);
  AddLine("Operations:", OperationsText(report), out);
  AddLine(
      "Throughput:",
      absl::StrCat(Grouped(load.operations_per_second()), " ops/sec, ",
                   Grouped(figures.insert_rows_per_second), " insert-rows/sec"),
      out);
  const Histogram latency = load.latency();
  AddLine("Latency:",
          absl::StrCat("p50=", FormatLatency(latency.Percentile(50)),
                       "  p95=", FormatLatency(latency.Percentile(95)),
                       "  p99=", FormatLatency(latency.Percentile(99)),
                       "  max=", FormatLatency(latency.max_ns())),
          out);
  AddFigure("Peak memory:", figures.peak_memory_mib, " MiB", out);
  AddLine("Peak load:",
          figures.peak_load.has_value()
              ? absl::StrFormat("%.2f", *figures.peak_load)
              : "not measured",
          out);
  AddFigure("Disk used:", figures.disk_mib, " MiB", out);
}

void AddTableRow(absl::string_view name, int64_t skipped, int64_t errors,
                 int64_t rows, const Histogram& latency,
                 const Histogram& service, std::string* out) {
  absl::StrAppendFormat(out, "  %-13s %8s %7s %7s %12s", name,
                        Grouped(static_cast<int64_t>(latency.count())),
                        Grouped(errors), Grouped(skipped), Grouped(rows));
  for (const auto& [times, percent] : {std::pair(&latency, 50.0),
                                       {&latency, 95.0},
                                       {&latency, 99.0},
                                       {&latency, 100.0},
                                       {&service, 50.0},
                                       {&service, 99.0}}) {
    absl::StrAppend(
        out, " ",
        PadLeft(times->count() == 0 ? "-"
                                    : FormatLatency(times->Percentile(percent)),
                8));
  }
  absl::StrAppend(out, "\n");
}

void AddTable(const LoadReport& load, std::string* out) {
  absl::StrAppendFormat(out,
                        "\n  %-13s %8s %7s %7s %12s %8s %8s %8s %8s %17s\n", "",
                        "", "", "", "", "latency", "", "", "", "service time");
  absl::StrAppendFormat(out,
                        "  %-13s %8s %7s %7s %12s %8s %8s %8s %8s %8s %8s\n",
                        "operation", "count", "errors", "skipped", "rows",
                        "p50", "p95", "p99", "max", "p50", "p99");
  for (const OperationReport& operation : load.operations) {
    AddTableRow(operation.name, operation.skipped, operation.errors,
                operation.rows, operation.latency, operation.service, out);
  }
  AddTableRow("all", load.skipped(), load.errors(), load.rows(), load.latency(),
              load.service(), out);
  absl::StrAppend(out, "\n");
}

void AddErrors(const LoadReport& load, std::string* out) {
  for (const OperationReport& operation : load.operations) {
    if (operation.errors == 0) continue;
    const std::string kinds =
        absl::StrJoin(operation.errors_by_kind, ", ",
                      [](std::string* text, const auto& kind) {
                        absl::StrAppend(text, kind.second, " ", kind.first);
                      });
    AddLine(
        "Errors:",
        absl::StrCat(operation.name, ": ", kinds, "; the first: ",
                     absl::StrReplaceAll(operation.first_error, {{"\n", " "}})),
        out);
  }
}

void AddCondition(absl::string_view label, const MonitorCondition& condition,
                  std::string* out) {
  if (condition.times == 0) return;
  AddLine(label,
          absl::StrFormat("%d times, %.1f s in all, first at %.1f s",
                          condition.times, condition.total_seconds,
                          condition.first_seconds),
          out);
}

// What latency holds beside the engine's work.
void AddWaits(const StressReport& report, std::string* out) {
  if (report.load.holds > 0) {
    AddLine("Held:",
            absl::StrFormat("%s operations, %.1f s of all users together, "
                            "which latency counts",
                            Grouped(report.load.holds),
                            absl::ToDoubleSeconds(report.load.held)),
            out);
  }
  AddCondition("Pressure:", report.monitor.backpressure, out);
  AddCondition("Disk budget:", report.monitor.over_disk_budget, out);
}

void AddChecks(const StressReport& report, const Figures& figures,
               std::string* out) {
  AddLine("Answers:",
          absl::StrCat(Grouped(figures.checked_exactly), " checked exactly, ",
                       Grouped(figures.checked_partly), " partly, ",
                       Grouped(report.wrong_answers()), " wrong"),
          out);
  std::vector<std::string> wrong;
  for (const UserReport& user : report.users) {
    for (const std::string& text : user.result.first_wrong) {
      if (wrong.size() < kMaxShown) wrong.push_back(text);
    }
  }
  for (const std::string& text : wrong) AddLine("", text, out);
  if (figures.reconnects > 0 || report.load.workers_lost > 0) {
    AddLine("Connections:",
            absl::StrCat(Grouped(figures.reconnects), " made again, ",
                         report.load.workers_lost, " users lost"),
            out);
  }
}

void AddFaults(const std::vector<FaultEvent>& faults, std::string* out) {
  for (const FaultEvent& fault : faults) {
    std::string text = absl::StrFormat("%7.2f s  %-9s ", fault.begin_seconds,
                                       FaultKindName(fault.kind));
    if (fault.status.ok()) {
      absl::StrAppendFormat(&text, "for %.2f s, %s",
                            fault.end_seconds - fault.begin_seconds,
                            fault.target);
    } else {
      absl::StrAppend(&text, "not done: ", fault.status.message());
    }
    AddLine(&fault == &faults.front() ? "Faults:" : "", text, out);
  }
}

}  // namespace

std::string RenderOracle(const OracleReport& oracle) {
  std::string out;
  AddLine("Oracle:",
          absl::StrCat(
              oracle.ok()
                  ? "ok: "
                  : absl::StrCat("FAILED: ",
                                 absl::StrJoin(oracle.Failures(), ", "), "; "),
              Grouped(oracle.acknowledged_operations), " writes of ",
              Grouped(oracle.acknowledged_rows), " rows acknowledged, ",
              Grouped(oracle.checked_rows), " rows read and compared"),
          &out);
  if (oracle.unknown_operations > 0) {
    AddLine("",
            absl::StrCat(
                Grouped(oracle.unknown_operations),
                " writes of unknown outcome: ", Grouped(oracle.unknown_applied),
                " are there, ", Grouped(oracle.unknown_absent), " are not, ",
                Grouped(oracle.unknown_torn), " in part"),
            &out);
  }
  for (const std::string& finding : oracle.findings) AddLine("", finding, &out);
  if (oracle.more_findings > 0) {
    AddLine("", absl::StrCat(Grouped(oracle.more_findings), " more findings"),
            &out);
  }
  for (const std::string& note : oracle.notes) {
    AddLine("", absl::StrCat("note: ", note), &out);
  }
  return out;
}

std::string RenderStressReport(const StressConfig& config,
                               const StressReport& report) {
  const Figures figures = internal::FiguresOf(config, report);
  std::string out;
  AddConfig(config, &out);
  AddTotals(report, figures, &out);
  AddTable(report.load, &out);
  AddErrors(report.load, &out);
  AddWaits(report, &out);
  AddChecks(report, figures, &out);
  AddFaults(report.faults, &out);
  if (report.oracle.has_value()) {
    absl::StrAppend(&out, RenderOracle(*report.oracle));
  } else {
    AddLine("Oracle:",
            absl::StrCat("could not ask the databases: ",
                         report.oracle_status.message()),
            &out);
  }
  if (!report.stop_detail.empty()) {
    AddLine("Stopped:", report.stop_detail, &out);
  }
  AddLine("Result:",
          report.ok()
              ? "ok"
              : absl::StrCat("FAILED: ",
                             absl::StrJoin(internal::FailuresOf(report), ", ")),
          &out);
  return out;
}

}  // namespace opsbench::stress
