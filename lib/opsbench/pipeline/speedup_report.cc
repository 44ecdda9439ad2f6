#include "opsbench/pipeline/speedup_report.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "opsbench/base/status_macros.h"

namespace opsbench::pipeline {
namespace {

struct Line {
  const char* name;
  std::function<double(const PipelineResult&)> value;
  int digits = 3;
  bool higher_is_better = false;
  bool thousands = false;
};

double Seconds(int64_t ns) { return static_cast<double>(ns) / 1e9; }

const std::vector<Line>& Lines() {
  static const auto* const lines = new std::vector<Line>{
      {"Total duration", [](const auto& r) { return r.seconds(); }},
      {"Source duration",
       [](const auto& r) { return Seconds(r.source.duration_ns); }},
      {"  Connect", [](const auto& r) { return Seconds(r.source.connect_ns); }},
      {"  Query", [](const auto& r) { return Seconds(r.source.query_ns); }},
      {"  Fetch", [](const auto& r) { return Seconds(r.source.fetch_ns); }},
      {"  Emit batch", [](const auto& r) { return Seconds(r.source.emit_ns); }},
      {"Dest duration",
       [](const auto& r) { return Seconds(r.destination.duration_ns); }},
      {"  Connect",
       [](const auto& r) { return Seconds(r.destination.connect_ns); }},
      {"  Next batch",
       [](const auto& r) { return Seconds(r.destination.next_ns); }},
      {"  Flush",
       [](const auto& r) { return Seconds(r.destination.flush_ns); }},
      {"  Commit",
       [](const auto& r) { return Seconds(r.destination.commit_ns); }},
      {"Throughput (rows/s)", [](const auto& r) { return r.rows_per_second(); },
       0, true, true},
      {"Throughput (MB/s)",
       [](const auto& r) { return r.bytes_per_second() / (1 << 20); }, 2,
       true}};
  return *lines;
}

double Median(const ModeRuns& mode, const Line& line) {
  std::vector<double> values;
  for (const PipelineResult& run : mode.runs) values.push_back(line.value(run));
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle]
                                : (values[middle - 1] + values[middle]) / 2;
}

std::string Number(double value, const Line& line) {
  std::string text = absl::StrFormat("%.*f", line.digits, value);
  if (!line.thousands) return text;
  for (int at = static_cast<int>(text.size()) - 3; at > 0; at -= 3) {
    text.insert(static_cast<size_t>(at), ",");
  }
  return text;
}

absl::Status Check(absl::Span<const ModeRuns> modes) {
  if (modes.empty()) return absl::InvalidArgumentError("nothing to compare");
  for (const ModeRuns& mode : modes) {
    if (mode.runs.empty()) {
      return absl::InvalidArgumentError(absl::StrCat("no run of ", mode.label));
    }
    const int64_t rows = modes[0].runs[0].records_read;
    for (const PipelineResult& run : mode.runs) {
      if (run.records_read == rows) continue;
      return absl::FailedPreconditionError(absl::StrCat(
          "runs of different sizes do not compare: ", modes[0].label, " moved ",
          rows, " rows, ", mode.label, " ", run.records_read));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> RenderSpeedups(absl::Span<const ModeRuns> modes) {
  OPSBENCH_RETURN_IF_ERROR(Check(modes));
  const PipelineResult& first = modes[0].runs[0];
  std::string text = absl::StrFormat(
      "  Dataset:     %d rows, %s (%.0f B/row)\n"
      "  Iterations:  %d per mode\n\n  %-22s",
      first.records_read, FormatBytes(static_cast<double>(first.bytes_read)),
      first.bytes_per_row(), modes[0].runs.size(), "Metric (median)");
  const auto header = [&](const std::string& label) {
    absl::StrAppendFormat(&text, "  %*s",
                          std::max<int>(10, static_cast<int>(label.size())),
                          label);
  };
  std::string rule = "\n  " + std::string(22, '-');
  for (size_t i = 0; i < modes.size(); ++i) {
    header(modes[i].label);
    absl::StrAppend(
        &rule, "  ",
        std::string(std::max<size_t>(10, modes[i].label.size()), '-'));
    if (i == 0) continue;
    header("Speedup");
    absl::StrAppend(&rule, "  ", std::string(10, '-'));
  }
  absl::StrAppend(&text, rule, "\n");
  for (const Line& line : Lines()) {
    absl::StrAppendFormat(&text, "  %-22s", line.name);
    const double base = Median(modes[0], line);
    for (size_t i = 0; i < modes.size(); ++i) {
      const double value = Median(modes[i], line);
      absl::StrAppendFormat(
          &text, "  %*s",
          std::max<int>(10, static_cast<int>(modes[i].label.size())),
          Number(value, line));
      if (i == 0) continue;
      const double speedup =
          line.higher_is_better ? value / base : base / value;
      absl::StrAppendFormat(
          &text, "  %10s",
          std::isfinite(speedup) ? absl::StrFormat("%.1fx", speedup) : "-");
    }
    absl::StrAppend(&text, "\n");
  }
  return text;
}

}  // namespace opsbench::pipeline
