#include "opsbench/stress/internal/monitor_record.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace opsbench::stress::internal {
namespace {

constexpr double kMib = 1 << 20;
constexpr size_t kMaxEvents = 1'000;

std::string Figure(absl::string_view metric, double value) {
  if (absl::EndsWith(metric, "_bytes")) {
    return absl::StrFormat("%.1f MiB", value / kMib);
  }
  return absl::StrFormat("%.2f%s", value,
                         absl::EndsWith(metric, "_pct") ? "%" : "");
}

}  // namespace

MonitorRecord::MonitorRecord(const MonitorOptions& options)
    : max_points_(options.max_points) {
  const MonitorThresholds& thresholds = options.thresholds;
  const auto add = [&](Flag* flag, std::vector<std::string> metrics,
                       const absl::optional<double>& limit, double factor) {
    if (!limit.has_value()) return;
    flag->rules.push_back({std::move(metrics), *limit * factor,
                           *limit * factor * thresholds.release_at});
  };
  std::vector<std::string> memory = {"hyperd_memory_bytes",
                                     "server_resident_bytes"};
  std::vector<std::string> cpu = {"hyperd_process_cpu_pct", "server_cpu_pct"};
  if (options.engine_in_process) {
    memory.push_back("client_resident_bytes");
    cpu.push_back("client_cpu_pct");
  }
  add(&backpressure_, memory, thresholds.max_memory_mb, kMib);
  add(&backpressure_, cpu, thresholds.max_cpu_percent, 1);
  add(&backpressure_, {"hyperd_overall_load"}, thresholds.max_overall_load, 1);
  add(&disk_, {"disk_bytes"}, thresholds.max_disk_mb, kMib);
}

void MonitorRecord::Add(double seconds, const Reading& reading) {
  for (const auto& [name, value] : reading) {
    const auto [peak, added] = report_.peaks.emplace(name, value);
    if (!added) peak->second = std::max(peak->second, value);
  }
  Update(seconds, reading, &backpressure_);
  Update(seconds, reading, &disk_);
  if (report_.readings % stride_ == 0) AddPoint(seconds, reading);
  ++report_.readings;
}

void MonitorRecord::Update(double seconds, const Reading& reading, Flag* flag) {
  std::vector<std::string> reasons;
  for (Rule& rule : flag->rules) {
    auto figure = reading.end();
    for (const std::string& metric : rule.metrics) {
      figure = reading.find(metric);
      if (figure != reading.end()) break;
    }
    rule.raised = figure != reading.end() &&
                  figure->second > (rule.raised ? rule.release : rule.limit);
    if (!rule.raised) continue;
    reasons.push_back(
        absl::StrCat(figure->first, " ", Figure(figure->first, figure->second),
                     " above ", Figure(figure->first, rule.limit)));
  }
  if (reasons.empty()) return Lower(seconds, flag);
  // The flag is all that it tells its readers: no other memory goes with it.
  if (flag->flag.exchange(true, std::memory_order_relaxed)) return;
  MonitorCondition& condition = flag->condition;
  if (condition.times++ == 0) condition.first_seconds = seconds;
  condition.last_seconds = seconds;
  AddEvent(seconds, flag->name,
           absl::StrCat("on: ", absl::StrJoin(reasons, ", ")));
}

void MonitorRecord::Lower(double seconds, Flag* flag) {
  if (!flag->flag.exchange(false, std::memory_order_relaxed)) return;
  const double duration = seconds - flag->condition.last_seconds;
  flag->condition.total_seconds += duration;
  AddEvent(seconds, flag->name, absl::StrFormat("off after %.3f s", duration));
}

void MonitorRecord::AddPoint(double seconds, const Reading& reading) {
  std::vector<MonitorPoint>& points = report_.points;
  if (points.size() >= max_points_) {
    // Each second one stays, and this one is made only if it goes on from them.
    for (size_t i = 1; 2 * i < points.size(); ++i) {
      points[i] = std::move(points[2 * i]);
    }
    points.resize((points.size() + 1) / 2);
    stride_ *= 2;
    if (report_.readings % stride_ != 0) return;
  }
  MonitorPoint point;
  point.seconds = seconds;
  for (const auto& [name, value] : reading) {
    const size_t column = columns_.emplace(name, columns_.size()).first->second;
    if (point.values.size() <= column) {
      point.values.resize(column + 1, std::numeric_limits<double>::quiet_NaN());
    }
    point.values[column] = value;
  }
  points.push_back(std::move(point));
}

void MonitorRecord::AddEvent(double seconds, absl::string_view source,
                             std::string text) {
  if (report_.events.size() >= kMaxEvents) {
    ++report_.dropped_events;
    return;
  }
  report_.events.push_back({seconds, std::string(source), std::move(text)});
}

MonitorReport MonitorRecord::Finish(double seconds) {
  for (Flag* flag : {&backpressure_, &disk_}) {
    if (flag->flag.load(std::memory_order_relaxed)) Lower(seconds, flag);
  }
  report_.seconds = seconds;
  report_.backpressure = backpressure_.condition;
  report_.over_disk_budget = disk_.condition;
  for (const auto& [name, column] : columns_) report_.metrics.push_back(name);
  for (MonitorPoint& point : report_.points) {
    std::vector<double> sorted;
    for (const auto& [name, column] : columns_) {
      sorted.push_back(column < point.values.size()
                           ? point.values[column]
                           : std::numeric_limits<double>::quiet_NaN());
    }
    point.values = std::move(sorted);
  }
  return std::move(report_);
}

}  // namespace opsbench::stress::internal
