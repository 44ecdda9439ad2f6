#include "opsbench/results/benchmark_json.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "nlohmann/json.hpp"
#include "opsbench/base/status_macros.h"
#include "opsbench/results/atomic_file.h"
#include "opsbench/results/internal/benchmark_sax.h"

namespace opsbench::results {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

using OrderedJson = nlohmann::ordered_json;

// Those that Google Benchmark does not write as text.
OrderedJson ContextValue(const std::string& key, const std::string& text) {
  constexpr std::array<absl::string_view, 5> kNotText = {
      "num_cpus", "mhz_per_cpu", "cpu_scaling_enabled", "aslr_enabled",
      "json_schema_version"};
  if (std::find(kNotText.begin(), kNotText.end(), key) != kNotText.end()) {
    OrderedJson value = OrderedJson::parse(text, nullptr, false);
    if (value.is_number() || value.is_boolean()) return value;
  }
  return text;
}

void WriteTimes(const BenchmarkRow& row, OrderedJson* json) {
  if (std::isfinite(row.real_time)) (*json)["real_time"] = row.real_time;
  if (std::isfinite(row.cpu_time)) (*json)["cpu_time"] = row.cpu_time;
  (*json)["time_unit"] = row.time_unit;
}

OrderedJson RowJson(const BenchmarkRow& row) {
  OrderedJson json;
  json["name"] = row.name;
  json["run_name"] = row.run_name.empty() ? row.name : row.run_name;
  json["run_type"] = row.run_type;
  json["repetitions"] = row.repetitions;
  if (row.run_type == "iteration") {
    json["repetition_index"] = row.repetition_index;
  }
  if (row.process > 0) json["opsbench_process"] = row.process;
  json["threads"] = row.threads;
  if (!row.aggregate_name.empty()) json["aggregate_name"] = row.aggregate_name;
  if (!row.aggregate_unit.empty()) json["aggregate_unit"] = row.aggregate_unit;
  if (row.error_occurred) {
    json["error_occurred"] = true;
    json["error_message"] = row.error_message;
  }
  if (row.skipped) {
    json["skipped"] = true;
    json["skip_message"] = row.skip_message;
  }
  json["iterations"] = row.iterations;
  WriteTimes(row, &json);
  for (const auto& [name, value] : row.counters) {
    if (std::isfinite(value) && !json.contains(name)) json[name] = value;
  }
  if (!row.label.empty()) json["label"] = row.label;
  return json;
}

// What is wrong with a row as a result, or nothing.
std::string FaultOf(const BenchmarkRow& row) {
  if (row.error_occurred) return absl::StrCat("error: ", row.error_message);
  if (row.skipped || row.run_type != "iteration") return "";
  // Zero processor time is what a coarse clock sees of a short wait.
  if (!(std::isfinite(row.real_time) && row.real_time > 0)) {
    return absl::StrCat("real_time is ", row.real_time);
  }
  if (!(std::isfinite(row.cpu_time) && row.cpu_time >= 0)) {
    return absl::StrCat("cpu_time is ", row.cpu_time);
  }
  return "";
}

}  // namespace

absl::Status VisitBenchmarkJson(absl::string_view text,
                                absl::string_view source, RowVisitor visit,
                                std::map<std::string, std::string>* context) {
  return internal::ParseRows(text, source, visit, context);
}

absl::StatusOr<BenchmarkFile> ParseBenchmarkJson(absl::string_view text,
                                                 absl::string_view source) {
  BenchmarkFile file;
  OPSBENCH_RETURN_IF_ERROR(VisitBenchmarkJson(
      text, source,
      [&file](const BenchmarkRow& row) {
        file.rows.push_back(row);
        return absl::OkStatus();
      },
      &file.context));
  return file;
}

absl::StatusOr<BenchmarkFile> ReadBenchmarkFile(const std::string& path) {
  OPSBENCH_ASSIGN_OR_RETURN(const std::string text, ReadWholeFile(path));
  return ParseBenchmarkJson(text, path);
}

std::string FormatBenchmarkJson(const BenchmarkFile& file) {
  OrderedJson json;
  json["context"] = OrderedJson::object();
  for (const auto& [key, value] : file.context) {
    json["context"][key] = ContextValue(key, value);
  }
  json["benchmarks"] = OrderedJson::array();
  for (const BenchmarkRow& row : file.rows) {
    json["benchmarks"].push_back(RowJson(row));
  }
  // A message of an engine may hold bytes that are not UTF-8.
  return json.dump(2, ' ', false, OrderedJson::error_handler_t::replace) + "\n";
}

absl::Status CheckBenchmarkFile(const BenchmarkFile& file,
                                absl::string_view source) {
  constexpr size_t kShown = 5;
  std::vector<std::string> faults;
  bool measured = false;
  for (size_t i = 0; i < file.rows.size(); ++i) {
    measured = measured || !file.rows[i].skipped;
    const std::string fault = FaultOf(file.rows[i]);
    if (fault.empty()) continue;
    faults.push_back(
        absl::StrCat("benchmarks[", i, "] ", file.rows[i].name, ": ", fault));
  }
  if (!measured) {
    return absl::FailedPreconditionError(
        absl::StrCat(source, ": no benchmark was measured"));
  }
  if (faults.empty()) return absl::OkStatus();
  const size_t shown = std::min(faults.size(), kShown);
  std::string message =
      absl::StrCat(source, ": ", faults.size(), " of ", file.rows.size(),
                   " rows are unusable: ",
                   absl::StrJoin(faults.begin(), faults.begin() + shown, "; "));
  if (faults.size() > shown) {
    absl::StrAppend(&message, "; and ", faults.size() - shown, " more");
  }
  return absl::FailedPreconditionError(message);
}

double ToNanoseconds(double time, absl::string_view time_unit) {
  if (time_unit == "ns") return time;
  if (time_unit == "us") return time * 1e3;
  if (time_unit == "ms") return time * 1e6;
  if (time_unit == "s") return time * 1e9;
  return kNan;
}

}  // namespace opsbench::results
