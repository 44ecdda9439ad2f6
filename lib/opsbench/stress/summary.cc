#include "opsbench/stress/summary.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "nlohmann/json.hpp"
#include "opsbench/stress/internal/figures.h"

namespace opsbench::stress {
namespace {

using internal::Figures;
using Json = nlohmann::ordered_json;

constexpr int kSummaryVersion = 2;
constexpr size_t kMaxErrors = 100;

std::string Hex(uint64_t number) {
  return absl::StrCat(absl::Hex(number, absl::kZeroPad16));
}

Json OrNull(const absl::optional<double>& number) {
  return number.has_value() ? Json(*number) : Json(nullptr);
}

double PercentileUs(const Histogram& times, double percent) {
  return static_cast<double>(times.Percentile(percent)) / 1e3;
}

Json TimesJson(const Histogram& times) {
  if (times.count() == 0) return nullptr;
  return {{"mean", times.mean_ns() / 1e3},  {"p50", PercentileUs(times, 50)},
          {"p90", PercentileUs(times, 90)}, {"p95", PercentileUs(times, 95)},
          {"p99", PercentileUs(times, 99)}, {"p999", PercentileUs(times, 99.9)},
          {"max", PercentileUs(times, 100)}};
}

Json ConfigJson(const StressConfig& config) {
  Json json = Json::object();
  for (const Setting& setting : Settings()) {
    if (setting.part_of_run) json[setting.name] = setting.get(config);
  }
  return json;
}

Json KindsJson(const LoadReport& load) {
  Json json = Json::object();
  for (const OperationReport& operation : load.operations) {
    json[operation.name] = {{"count", operation.completed()},
                            {"rows", operation.rows},
                            {"errors", operation.errors},
                            {"errors_by_kind", operation.errors_by_kind},
                            {"first_error", operation.first_error},
                            {"skipped", operation.skipped},
                            {"latency_us", TimesJson(operation.latency)},
                            {"service_us", TimesJson(operation.service)}};
  }
  return json;
}

Json ConditionJson(const MonitorCondition& condition) {
  return {{"times", condition.times},
          {"first_s", condition.first_seconds},
          {"last_s", condition.last_seconds},
          {"total_s", condition.total_seconds}};
}

Json WaitsJson(const StressReport& report) {
  return {{"holds", report.load.holds},
          {"held_s", absl::ToDoubleSeconds(report.load.held)},
          {"backpressure", ConditionJson(report.monitor.backpressure)},
          {"over_disk_budget", ConditionJson(report.monitor.over_disk_budget)}};
}

Json UsersJson(const StressReport& report) {
  Json json = Json::array();
  for (const UserReport& user : report.users) {
    const UserResult& result = user.result;
    json.push_back({{"id", user.user.id},
                    {"class", UserClassName(user.user.user_class)},
                    {"database", user.user.database},
                    {"seed", Hex(user.user.seed)},
                    {"operations", user.operations},
                    {"hash", Hex(user.hash)},
                    {"checked_exactly", result.checked_exactly},
                    {"checked_partly", result.checked_partly},
                    {"wrong_answers", result.wrong_answers},
                    {"first_wrong", result.first_wrong},
                    {"reconnects", result.reconnects},
                    {"failed_writes", result.failed_writes},
                    {"unknown_writes", result.unknown_writes}});
  }
  return json;
}

Json FaultsJson(const std::vector<FaultEvent>& faults) {
  Json json = Json::array();
  for (const FaultEvent& fault : faults) {
    json.push_back({{"kind", FaultKindName(fault.kind)},
                    {"planned_s", fault.planned_seconds},
                    {"begin_s", fault.begin_seconds},
                    {"end_s", fault.end_seconds},
                    {"target", fault.target},
                    {"status", absl::StatusCodeToString(fault.status.code())},
                    {"message", std::string(fault.status.message())}});
  }
  return json;
}

Json OracleJson(const StressReport& report) {
  if (!report.oracle.has_value()) {
    return {{"ok", false},
            {"error", std::string(report.oracle_status.message())}};
  }
  const OracleReport& oracle = *report.oracle;
  return {{"ok", oracle.ok()},
          {"acknowledged_operations", oracle.acknowledged_operations},
          {"acknowledged_rows", oracle.acknowledged_rows},
          {"checked_rows", oracle.checked_rows},
          {"lost_rows", oracle.lost_rows},
          {"moved_rows", oracle.moved_rows},
          {"changed_rows", oracle.changed_rows},
          {"duplicated_rows", oracle.duplicated_rows},
          {"ghost_rows", oracle.ghost_rows},
          {"refused_rows", oracle.refused_rows},
          {"lost_initial_rows", oracle.lost_initial_rows},
          {"changed_initial_rows", oracle.changed_initial_rows},
          {"wrong_definitions", oracle.wrong_definitions},
          {"wrong_logs", oracle.wrong_logs},
          {"unknown_operations", oracle.unknown_operations},
          {"unknown_applied", oracle.unknown_applied},
          {"unknown_absent", oracle.unknown_absent},
          {"unknown_torn", oracle.unknown_torn},
          {"findings", oracle.findings},
          {"more_findings", oracle.more_findings},
          {"notes", oracle.notes}};
}

Json SecondsJson(const LoadReport& load) {
  Json json = Json::array();
  for (const LoadSecond& second : load.seconds) {
    json.push_back({{"operations", second.operations},
                    {"rows", second.rows},
                    {"errors", second.errors},
                    {"p50_us", static_cast<double>(second.p50_ns) / 1e3},
                    {"p99_us", static_cast<double>(second.p99_ns) / 1e3},
                    {"max_us", static_cast<double>(second.max_ns) / 1e3},
                    {"holds", second.holds},
                    {"held_s", static_cast<double>(second.held_ns) / 1e9}});
  }
  return json;
}

// Points are lists, seconds first: thousands of them are written.
Json MonitorJson(const MonitorReport& monitor, int log_mode) {
  std::vector<size_t> kept;
  Json metrics = Json::array();
  for (size_t i = 0; i < monitor.metrics.size(); ++i) {
    if (!internal::IsLogged(monitor.metrics[i], log_mode)) continue;
    kept.push_back(i);
    metrics.push_back(monitor.metrics[i]);
  }
  Json points = Json::array();
  for (const MonitorPoint& point : monitor.points) {
    if (kept.empty()) break;
    Json values = {point.seconds};
    // What is absent is NaN, which is written as null.
    for (const size_t i : kept) values.push_back(point.values[i]);
    points.push_back(std::move(values));
  }
  Json events = Json::array();
  for (const MonitorEvent& event : monitor.events) {
    events.push_back(
        {{"s", event.seconds}, {"source", event.source}, {"text", event.text}});
  }
  return {{"readings", monitor.readings},
          {"peaks", monitor.peaks},
          {"metrics", std::move(metrics)},
          {"points", std::move(points)},
          {"events", std::move(events)},
          {"dropped_events", monitor.dropped_events}};
}

Json TotalsJson(const StressReport& report, const Figures& figures) {
  const LoadReport& load = report.load;
  return {{"duration_s", figures.seconds},
          {"operations", load.completed()},
          {"failures", report.failures()},
          {"cut_off", load.errors() - report.failures()},
          {"skipped", load.skipped()},
          {"rows", load.rows()},
          {"insert_rows", figures.insert_rows},
          {"operations_per_second", load.operations_per_second()},
          {"insert_rows_per_second", figures.insert_rows_per_second},
          {"latency_us", TimesJson(load.latency())},
          {"service_us", TimesJson(load.service())},
          {"peak_memory_mib", OrNull(figures.peak_memory_mib)},
          {"peak_cpu_pct", OrNull(figures.peak_cpu_pct)},
          {"peak_load", OrNull(figures.peak_load)},
          {"disk_mib", OrNull(figures.disk_mib)}};
}

// --- Rows for comparisons ---

results::BenchmarkRow RowOf(std::string name, const StressConfig& config,
                            double seconds, const OperationReport& operation) {
  results::BenchmarkRow row;
  row.name = row.run_name = std::move(name);
  row.threads = config.users();
  row.iterations = operation.completed();
  row.time_unit = "us";
  if (operation.completed() == 0) {
    row.error_occurred = true;
    row.error_message =
        absl::StrCat("no operation succeeded, ", operation.errors, " failed");
    return row;
  }
  row.real_time = operation.latency.mean_ns() / 1e3;
  row.counters = {
      {"operations_per_second",
       static_cast<double>(operation.completed()) / seconds},
      {"rows_per_second", static_cast<double>(operation.rows) / seconds},
      {"errors", static_cast<double>(operation.errors)},
      {"skipped_writes", static_cast<double>(operation.skipped)},
      {"p50_us", PercentileUs(operation.latency, 50)},
      {"p95_us", PercentileUs(operation.latency, 95)},
      {"p99_us", PercentileUs(operation.latency, 99)},
      {"max_us", PercentileUs(operation.latency, 100)},
      {"service_p50_us", PercentileUs(operation.service, 50)},
      {"service_p99_us", PercentileUs(operation.service, 99)}};
  return row;
}

results::BenchmarkRow AllRow(std::string name, const StressConfig& config,
                             const StressReport& report,
                             const Figures& figures) {
  OperationReport all;
  all.latency = report.load.latency();
  all.service = report.load.service();
  all.rows = report.load.rows();
  all.errors = report.load.errors();
  all.skipped = report.load.skipped();
  results::BenchmarkRow row =
      RowOf(std::move(name), config, figures.seconds, all);
  if (!row.error_occurred) {
    row.counters["insert_rows_per_second"] = figures.insert_rows_per_second;
    row.counters["held_s"] = absl::ToDoubleSeconds(report.load.held);
    for (const auto& [key, figure] :
         {std::pair("peak_memory_mib", figures.peak_memory_mib),
          {"peak_cpu_pct", figures.peak_cpu_pct},
          {"disk_mib", figures.disk_mib}}) {
      if (figure.has_value()) row.counters[key] = *figure;
    }
  }
  if (!report.ok()) {
    row.error_occurred = true;
    row.error_message = absl::StrJoin(internal::FailuresOf(report), ", ");
  }
  return row;
}

}  // namespace

std::string FormatSummary(const StressConfig& config,
                          const std::string& engine_version,
                          const StressReport& report) {
  const Figures figures = internal::FiguresOf(config, report);
  Json json = {
      {"version", kSummaryVersion},
      {"started", absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", report.started,
                                   absl::UTCTimeZone())},
      {"engine", EngineName(config.engine)},
      {"engine_version", engine_version},
      {"ok", report.ok()},
      {"stop_reason", StopReasonName(report.stop_reason)},
      {"stop_detail", report.stop_detail},
      {"crash_detected", report.stop_reason == StopReason::kCrashDetected},
      {"config", ConfigJson(config)},
      {"totals", TotalsJson(report, figures)},
      {"kinds", KindsJson(report.load)},
      {"waits", WaitsJson(report)},
      {"answers",
       {{"checked_exactly", figures.checked_exactly},
        {"checked_partly", figures.checked_partly},
        {"wrong", report.wrong_answers()}}},
      {"oracle", OracleJson(report)},
      {"faults", FaultsJson(report.faults)},
      {"errors", report.ok() && report.load.errors() == 0
                     ? std::vector<std::string>()
                     : internal::ErrorsOf(report, kMaxErrors)},
      {"users", UsersJson(report)},
      {"seconds", SecondsJson(report.load)},
      {"monitor", MonitorJson(report.monitor, config.log_mode)}};
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

results::BenchmarkFile ToBenchmarkFile(const StressConfig& config,
                                       const StressReport& report) {
  const Figures figures = internal::FiguresOf(config, report);
  const auto name = [&config](absl::string_view kind) {
    return absl::StrCat("Stress/", kind, "/engine:", EngineName(config.engine),
                        "/format:", DataFormatName(config.data_format),
                        "/users:", config.users());
  };
  results::BenchmarkFile file;
  file.context["opsbench_seed"] = absl::StrCat(config.plan.seed);
  file.context["opsbench_stop_reason"] =
      std::string(StopReasonName(report.stop_reason));
  file.context["opsbench_oracle"] =
      !report.oracle.has_value() ? "the databases could not be asked"
      : report.oracle->ok()      ? "ok"
                            : absl::StrJoin(report.oracle->Failures(), ", ");
  if (!report.faults.empty()) {
    file.context["opsbench_faults"] = config.faults.ToString();
  }
  file.rows.push_back(AllRow(name("all"), config, report, figures));
  for (const OperationReport& operation : report.load.operations) {
    if (operation.completed() + operation.errors == 0) continue;
    file.rows.push_back(
        RowOf(name(operation.name), config, figures.seconds, operation));
  }
  return file;
}

}  // namespace opsbench::stress
