#include "opsbench/results/benchmark_json.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "nlohmann/json.hpp"
#include "opsbench/base/status_macros.h"
#include "opsbench/results/atomic_file.h"

namespace opsbench::results {
namespace {

using Json = nlohmann::json;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// How a number that is no JSON is spelled, and the JSON that stands for it: a
// list, which no row holds otherwise. No stand-in is longer than its number, so
// that the places in error messages stay those of the file.
struct Spelling {
  absl::string_view number;
  absl::string_view stand_in;
};
constexpr std::array<Spelling, 8> kSpellings = {{{"-Infinity", "[-1]"},
                                                 {"Infinity", "[1]"},
                                                 {"-NaN", "[]"},
                                                 {"NaN", "[]"},
                                                 {"-inf", "[-1]"},
                                                 {"inf", "[1]"},
                                                 {"-nan", "[]"},
                                                 {"nan", "[]"}}};

// Replaces NaN and infinities outside strings by their stand-ins.
std::string WithStandIns(absl::string_view text) {
  std::string json(text);
  bool in_string = false;
  for (size_t i = 0; i < json.size(); ++i) {
    if (in_string) {
      if (json[i] == '\\') {
        ++i;
      } else if (json[i] == '"') {
        in_string = false;
      }
      continue;
    }
    if (json[i] == '"') {
      in_string = true;
      continue;
    }
    for (const auto& [number, stand_in] : kSpellings) {
      if (!absl::StartsWith(text.substr(i), number)) continue;
      std::string padded(stand_in);
      padded.resize(number.size(), ' ');
      json.replace(i, number.size(), padded);
      i += number.size() - 1;
      break;
    }
  }
  return json;
}

bool IsNumber(const Json& value) {
  return value.is_number() || value == Json::array() ||
         value == Json::array({1}) || value == Json::array({-1});
}

double NumberOf(const Json& value) {
  if (value.is_number()) return value.get<double>();
  return value.empty() ? kNan : value[0] == 1 ? kInfinity : -kInfinity;
}

// The fields of one row, which report the first that has the wrong type.
class RowReader {
 public:
  explicit RowReader(const Json& row) : row_(row) {}

  void Read(const char* key, std::string* value) {
    const Json* found = Find(key);
    if (found == nullptr) return;
    if (!found->is_string()) return Complain(key, "text");
    *value = found->get<std::string>();
  }

  void Read(const char* key, bool* value) {
    const Json* found = Find(key);
    if (found == nullptr) return;
    if (!found->is_boolean()) return Complain(key, "true or false");
    *value = found->get<bool>();
  }

  void Read(const char* key, double* value) {
    const Json* found = Find(key);
    if (found == nullptr || found->is_null()) return;
    if (!IsNumber(*found)) return Complain(key, "a number");
    *value = NumberOf(*found);
  }

  void Read(const char* key, int64_t* value) {
    const Json* found = Find(key);
    if (found == nullptr) return;
    // Aggregates of some versions write counts as 1.0000e+01.
    constexpr double kLimit = 9e18;
    const double number = IsNumber(*found) ? NumberOf(*found) : kNan;
    if (!(std::abs(number) < kLimit)) return Complain(key, "a count");
    *value = found->is_number_integer() ? found->get<int64_t>()
                                        : static_cast<int64_t>(number);
  }

  // Every number that was not asked for.
  std::map<std::string, double> Others() const {
    std::map<std::string, double> numbers;
    for (const auto& [key, value] : row_.items()) {
      // Where a row stands in a run says nothing about what was measured.
      if (key == "family_index" || key == "per_family_instance_index") continue;
      if (asked_.count(key) == 0 && IsNumber(value)) {
        numbers[key] = NumberOf(value);
      }
    }
    return numbers;
  }

  const std::string& complaint() const { return complaint_; }

 private:
  const Json* Find(const char* key) {
    asked_.insert(key);
    const auto found = row_.find(key);
    return found == row_.end() ? nullptr : &*found;
  }

  void Complain(const char* key, const char* expected) {
    if (!complaint_.empty()) return;
    complaint_ = absl::StrCat("\"", key, "\" is not ", expected);
  }

  const Json& row_;
  std::set<std::string> asked_;
  std::string complaint_;
};

// Before version 1.5 neither run_type nor run_name was written.
void DeduceRunType(BenchmarkRow* row) {
  row->run_name = row->name;
  for (const char* aggregate :
       {"mean", "median", "stddev", "cv", "BigO", "RMS"}) {
    const std::string suffix = absl::StrCat("_", aggregate);
    if (!absl::EndsWith(row->name, suffix)) continue;
    row->run_type = "aggregate";
    row->aggregate_name = aggregate;
    row->run_name.resize(row->name.size() - suffix.size());
  }
}

absl::StatusOr<BenchmarkRow> ParseRow(const Json& json) {
  if (!json.is_object()) return absl::InvalidArgumentError("not an object");
  RowReader reader(json);
  BenchmarkRow row;
  reader.Read("name", &row.name);
  DeduceRunType(&row);
  reader.Read("run_name", &row.run_name);
  reader.Read("run_type", &row.run_type);
  reader.Read("aggregate_name", &row.aggregate_name);
  reader.Read("aggregate_unit", &row.aggregate_unit);
  if (row.aggregate_unit.empty() &&
      (row.aggregate_name == "cv" || row.aggregate_name == "RMS")) {
    row.aggregate_unit = "percentage";
  }
  reader.Read("repetitions", &row.repetitions);
  reader.Read("repetition_index", &row.repetition_index);
  reader.Read("threads", &row.threads);
  reader.Read("iterations", &row.iterations);
  row.real_time = row.cpu_time = kNan;
  reader.Read("real_time", &row.real_time);
  reader.Read("cpu_time", &row.cpu_time);
  reader.Read("time_unit", &row.time_unit);
  reader.Read("label", &row.label);
  reader.Read("error_occurred", &row.error_occurred);
  reader.Read("error_message", &row.error_message);
  reader.Read("skipped", &row.skipped);
  reader.Read("skip_message", &row.skip_message);
  row.counters = reader.Others();
  if (!reader.complaint().empty()) {
    return absl::InvalidArgumentError(reader.complaint());
  }
  if (row.name.empty()) return absl::InvalidArgumentError("no \"name\"");
  if (row.run_type != "iteration" && row.run_type != "aggregate") {
    return absl::InvalidArgumentError(
        absl::StrCat("\"run_type\" is \"", row.run_type,
                     "\", neither \"iteration\" nor \"aggregate\""));
  }
  if (std::isnan(ToNanoseconds(1, row.time_unit))) {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"time_unit\" is \"", row.time_unit, "\", none of ns, us, ms, s"));
  }
  return row;
}

absl::StatusOr<Json> ParseJson(absl::string_view text,
                               absl::string_view source) {
  try {
    return Json::parse(WithStandIns(text));
  } catch (const Json::exception& error) {
    // Without the library's own name for the error: "parse error at line 2,
    // column 1: …", or a number that no double holds.
    absl::string_view what = error.what();
    const size_t bracket = what.find("] ");
    if (bracket != absl::string_view::npos) what.remove_prefix(bracket + 2);
    return absl::InvalidArgumentError(
        absl::StrCat(source, ": not JSON: ", what));
  }
}

std::string ScalarText(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

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

absl::StatusOr<BenchmarkFile> ParseBenchmarkJson(absl::string_view text,
                                                 absl::string_view source) {
  OPSBENCH_ASSIGN_OR_RETURN(const Json json, ParseJson(text, source));
  if (!json.is_object() || !json.contains("benchmarks") ||
      !json["benchmarks"].is_array()) {
    return absl::InvalidArgumentError(absl::StrCat(
        source, ": no list \"benchmarks\": not a result of Google Benchmark"));
  }
  BenchmarkFile file;
  if (json.contains("context")) {
    for (const auto& [key, value] : json["context"].items()) {
      if (value.is_primitive() && !value.is_null()) {
        file.context[key] = ScalarText(value);
      }
    }
  }
  for (size_t i = 0; i < json["benchmarks"].size(); ++i) {
    absl::StatusOr<BenchmarkRow> row = ParseRow(json["benchmarks"][i]);
    if (!row.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(
          source, ": benchmarks[", i, "]: ", row.status().message()));
    }
    file.rows.push_back(*std::move(row));
  }
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
