#include "opsbench/stress/internal/figures.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace opsbench::stress::internal {
namespace {

constexpr double kMib = 1 << 20;

absl::optional<double> PeakOf(const Reading& peaks, const std::string& name,
                              double unit = 1) {
  const auto peak = peaks.find(name);
  if (peak == peaks.end()) return absl::nullopt;
  return peak->second / unit;
}

void AddPeaks(const StressConfig& config, const Reading& peaks,
              Figures* figures) {
  const std::string engine =
      config.engine == Engine::kSqlite ? "client" : "server";
  figures->peak_memory_mib = PeakOf(peaks, "hyperd_memory_bytes", kMib);
  if (!figures->peak_memory_mib.has_value()) {
    figures->peak_memory_mib = PeakOf(peaks, engine + "_resident_bytes", kMib);
  }
  figures->peak_cpu_pct = PeakOf(peaks, "hyperd_process_cpu_pct");
  if (!figures->peak_cpu_pct.has_value()) {
    figures->peak_cpu_pct = PeakOf(peaks, engine + "_cpu_pct");
  }
  figures->peak_load = PeakOf(peaks, "hyperd_overall_load");
  if (!figures->peak_load.has_value() && figures->peak_cpu_pct.has_value()) {
    figures->peak_load = *figures->peak_cpu_pct / 100;
  }
  figures->disk_mib = PeakOf(peaks, "disk_bytes", kMib);
}

}  // namespace

Figures FiguresOf(const StressConfig& config, const StressReport& report) {
  Figures figures;
  figures.seconds = absl::ToDoubleSeconds(report.load.elapsed);
  for (const OperationReport& operation : report.load.operations) {
    for (const OperationKind kind :
         {OperationKind::kBulkInsert, OperationKind::kSingleInsert}) {
      if (operation.name == OperationKindName(kind)) {
        figures.insert_rows += operation.rows;
      }
    }
  }
  if (figures.seconds > 0) {
    figures.insert_rows_per_second =
        static_cast<double>(figures.insert_rows) / figures.seconds;
  }
  AddPeaks(config, report.monitor.peaks, &figures);
  for (const UserReport& user : report.users) {
    figures.checked_exactly += user.result.checked_exactly;
    figures.checked_partly += user.result.checked_partly;
    figures.reconnects += user.result.reconnects;
    figures.failed_writes += user.result.failed_writes;
    figures.unknown_writes += user.result.unknown_writes;
  }
  return figures;
}

std::vector<std::string> ErrorsOf(const StressReport& report, size_t limit) {
  std::vector<std::string> errors;
  const auto add = [&](std::string text) {
    if (errors.size() < limit) errors.push_back(std::move(text));
  };
  if (report.oracle.has_value()) {
    for (const std::string& finding : report.oracle->findings) add(finding);
  } else {
    add(absl::StrCat("the databases could not be asked: ",
                     report.oracle_status.message()));
  }
  for (const UserReport& user : report.users) {
    for (const std::string& wrong : user.result.first_wrong) add(wrong);
  }
  if (report.stop_reason == StopReason::kCrashDetected) add(report.stop_detail);
  for (const OperationReport& operation : report.load.operations) {
    for (const auto& [kind, count] : operation.errors_by_kind) {
      add(absl::StrCat(operation.name, ": ", count, " ", kind));
    }
    if (operation.errors > 0) {
      add(absl::StrCat("the first of ", operation.name, ": ",
                       operation.first_error));
    }
  }
  for (const UserReport& user : report.users) {
    if (user.result.log_status.ok()) continue;
    add(absl::StrCat("user ", user.user.id, ": ",
                     user.result.log_status.message()));
  }
  return errors;
}

std::vector<std::string> FailuresOf(const StressReport& report) {
  std::vector<std::string> failures;
  const auto add = [&failures](int64_t count, absl::string_view what) {
    if (count > 0) failures.push_back(absl::StrCat(count, " ", what));
  };
  if (!report.oracle.has_value()) {
    failures.push_back("the databases could not be asked");
  } else {
    failures = report.oracle->Failures();
  }
  add(report.wrong_answers(), "wrong answers");
  if (report.stop_reason == StopReason::kCrashDetected) {
    failures.push_back(std::string(StopReasonName(report.stop_reason)));
  }
  add(report.failures(), "failures");
  if (report.faults.empty()) {
    add(report.load.errors() - report.failures(),
        "operations cut off without a fault");
  }
  int64_t logs = 0;
  for (const UserReport& user : report.users) {
    logs += user.result.log_status.ok() ? 0 : 1;
  }
  add(logs, "users' logs that could not be written");
  if (failures.empty() && !report.ok()) failures.push_back("see above");
  return failures;
}

bool IsLogged(absl::string_view metric, int log_mode) {
  constexpr std::pair<absl::string_view, int> kGroups[] = {
      {"client_", kLogClient},   {"server_", kLogServer},
      {"disk_", kLogDisk},       {"psi_", kLogPressure},
      {"postgres_", kLogEngine}, {"mysql_", kLogEngine},
      {"hyperd_", kLogHyperd},
  };
  for (const auto& [prefix, bit] : kGroups) {
    if (absl::StartsWith(metric, prefix)) return (log_mode & bit) != 0;
  }
  return log_mode == kLogAll;
}

}  // namespace opsbench::stress::internal
