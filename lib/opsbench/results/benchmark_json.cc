#include "opsbench/results/benchmark_json.h"

#include <cctype>
#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include "opsbench/base/status_macros.h"

namespace opsbench::results {
namespace {

using Json = nlohmann::ordered_json;

// NaN and the infinities on their way through a parser that has no word for
// them: texts that no benchmark's number is.
constexpr char kNan[] = "\"\\u0000nan\"";
constexpr char kInfinity[] = "\"\\u0000inf\"";
constexpr char kMinusInfinity[] = "\"\\u0000-inf\"";

// Replaces the bare words outside of strings.
std::string ReplaceBareWords(absl::string_view text) {
  std::string out;
  out.reserve(text.size());
  bool in_string = false;
  for (size_t i = 0; i < text.size();) {
    const absl::string_view rest = text.substr(i);
    if (in_string) {
      const size_t length = rest[0] == '\\' && rest.size() > 1 ? 2 : 1;
      in_string = rest[0] != '"';
      out.append(rest.data(), length);
      i += length;
      continue;
    }
    struct Word {
      absl::string_view bare;
      absl::string_view quoted;
    };
    static constexpr Word kWords[] = {{"-Infinity", kMinusInfinity},
                                      {"Infinity", kInfinity},
                                      {"-NaN", kNan},
                                      {"NaN", kNan},
                                      {"-inf", kMinusInfinity},
                                      {"inf", kInfinity},
                                      {"-nan", kNan},
                                      {"nan", kNan}};
    const Word* found = nullptr;
    for (const Word& word : kWords) {
      if (found == nullptr && absl::StartsWith(rest, word.bare)) found = &word;
    }
    if (found != nullptr) {
      absl::StrAppend(&out, found->quoted);
      i += found->bare.size();
      continue;
    }
    in_string = rest[0] == '"';
    out.push_back(rest[0]);
    ++i;
  }
  return out;
}

bool IsSpecialNumber(const Json& value, double* number) {
  if (!value.is_string()) return false;
  const auto& text = value.get_ref<const std::string&>();
  if (text.empty() || text[0] != '\0') return false;
  const absl::string_view word = absl::string_view(text).substr(1);
  *number = word == "nan"   ? std::numeric_limits<double>::quiet_NaN()
            : word == "inf" ? std::numeric_limits<double>::infinity()
                            : -std::numeric_limits<double>::infinity();
  return true;
}

// Reads the fields of one row, keeping the first thing that is wrong.
class RowReader {
 public:
  RowReader(const Json& row, std::string where)
      : row_(row), where_(std::move(where)) {}

  void Text(const char* key, std::string* to) {
    const auto found = row_.find(key);
    if (found == row_.end()) return;
    if (!found->is_string()) return Wrong(key, "a text");
    *to = found->get<std::string>();
  }

  void Integer(const char* key, int64_t* to) {
    double number = static_cast<double>(*to);
    Number(key, &number);
    *to = std::isfinite(number) ? static_cast<int64_t>(number) : 0;
  }

  void Number(const char* key, double* to) {
    const auto found = row_.find(key);
    if (found == row_.end() || IsSpecialNumber(*found, to)) return;
    if (!found->is_number()) return Wrong(key, "a number");
    *to = found->get<double>();
  }

  void Flag(const char* key, bool* to) {
    const auto found = row_.find(key);
    if (found == row_.end()) return;
    if (!found->is_boolean()) return Wrong(key, "true or false");
    *to = found->get<bool>();
  }

  void Wrong(absl::string_view key, absl::string_view wanted) {
    if (!status_.ok()) return;
    status_ = absl::InvalidArgumentError(
        absl::StrCat(where_, ": \"", key, "\" is not ", wanted));
  }

  const absl::Status& status() const { return status_; }

 private:
  const Json& row_;
  const std::string where_;
  absl::Status status_;
};

double NanosOf(absl::string_view unit) {
  if (unit == "ns") return 1;
  if (unit == "us") return 1e3;
  if (unit == "ms") return 1e6;
  return unit == "s" ? 1e9 : 0;
}

// What Google Benchmark itself writes; every other number is a counter.
bool IsOwnField(const std::string& key) {
  static constexpr absl::string_view kOwn[] = {"name",
                                               "family_index",
                                               "per_family_instance_index",
                                               "run_name",
                                               "run_type",
                                               "repetitions",
                                               "threads",
                                               "iterations",
                                               "repetition_index",
                                               "real_time",
                                               "cpu_time",
                                               "time_unit",
                                               "cpu_coefficient",
                                               "real_coefficient",
                                               "rms"};
  for (const absl::string_view own : kOwn) {
    if (key == own) return true;
  }
  return false;
}

absl::StatusOr<BenchmarkRow> ReadRow(const Json& json, std::string where) {
  if (!json.is_object()) {
    return absl::InvalidArgumentError(absl::StrCat(where, " is no object"));
  }
  BenchmarkRow row;
  RowReader reader(json, std::move(where));
  reader.Text("name", &row.name);
  if (row.name.empty()) reader.Wrong("name", "there");
  row.run_name = row.name;
  reader.Text("run_name", &row.run_name);
  reader.Text("run_type", &row.run_type);
  reader.Text("aggregate_name", &row.aggregate_name);
  reader.Text("aggregate_unit", &row.aggregate_unit);
  reader.Text("time_unit", &row.time_unit);
  reader.Text("label", &row.label);
  reader.Text("error_message", &row.error_message);
  reader.Flag("error_occurred", &row.error_occurred);
  reader.Integer("repetitions", &row.repetitions);
  reader.Integer("repetition_index", &row.repetition_index);
  reader.Integer("threads", &row.threads);
  reader.Integer("iterations", &row.iterations);
  reader.Number("real_time", &row.real_time);
  reader.Number("cpu_time", &row.cpu_time);
  if (NanosOf(row.time_unit) == 0) reader.Wrong("time_unit", "ns, us, ms or s");
  for (const auto& [key, value] : json.items()) {
    double number;
    if (IsOwnField(key)) continue;
    if (value.is_number()) {
      row.counters[key] = value.get<double>();
    } else if (IsSpecialNumber(value, &number)) {
      row.counters[key] = number;
    }
  }
  OPSBENCH_RETURN_IF_ERROR(reader.status());
  return row;
}

void ReadContext(const Json& json, BenchmarkFile* file) {
  const auto context = json.find("context");
  if (context == json.end() || !context->is_object()) return;
  for (const auto& [key, value] : context->items()) {
    if (value.is_string()) {
      file->context[key] = value.get<std::string>();
    } else if (value.is_primitive()) {
      file->context[key] = value.dump();
    }
  }
}

void Put(Json& json, const char* key, double number) {
  if (std::isfinite(number)) json[key] = number;
}

Json FormatRow(const BenchmarkRow& row) {
  Json json;
  json["name"] = row.name;
  json["run_name"] = row.run_name;
  json["run_type"] = row.run_type;
  json["repetitions"] = row.repetitions;
  json["repetition_index"] = row.repetition_index;
  json["threads"] = row.threads;
  if (!row.aggregate_name.empty()) json["aggregate_name"] = row.aggregate_name;
  if (!row.aggregate_unit.empty()) json["aggregate_unit"] = row.aggregate_unit;
  if (row.error_occurred) {
    json["error_occurred"] = true;
    json["error_message"] = row.error_message;
  }
  json["iterations"] = row.iterations;
  Put(json, "real_time", row.real_time);
  Put(json, "cpu_time", row.cpu_time);
  json["time_unit"] = row.time_unit;
  for (const auto& [name, value] : row.counters) Put(json, name.c_str(), value);
  if (!row.label.empty()) json["label"] = row.label;
  return json;
}

}  // namespace

double BenchmarkRow::real_time_ns() const {
  return real_time * NanosOf(time_unit);
}

double BenchmarkRow::cpu_time_ns() const {
  return cpu_time * NanosOf(time_unit);
}

absl::StatusOr<BenchmarkFile> ParseBenchmarkJson(absl::string_view text,
                                                 absl::string_view source) {
  Json json;
  try {
    json = Json::parse(ReplaceBareWords(text));
  } catch (const Json::exception& error) {
    return absl::InvalidArgumentError(
        absl::StrCat(source, " is not JSON: ", error.what()));
  }
  const auto benchmarks = json.find("benchmarks");
  if (!json.is_object() || benchmarks == json.end() ||
      !benchmarks->is_array()) {
    return absl::InvalidArgumentError(
        absl::StrCat(source,
                     " is not a result of Google Benchmark: it has no list "
                     "\"benchmarks\""));
  }
  BenchmarkFile file;
  ReadContext(json, &file);
  for (size_t i = 0; i < benchmarks->size(); ++i) {
    OPSBENCH_ASSIGN_OR_RETURN(
        BenchmarkRow row,
        ReadRow((*benchmarks)[i], absl::StrCat(source, ": benchmark ", i)));
    file.rows.push_back(std::move(row));
  }
  return file;
}

absl::StatusOr<BenchmarkFile> ReadBenchmarkFile(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  if (!stream || !(text << stream.rdbuf())) {
    return absl::NotFoundError(absl::StrCat("cannot read ", path));
  }
  return ParseBenchmarkJson(text.str(), path);
}

std::string FormatBenchmarkJson(const BenchmarkFile& file) {
  Json json;
  json["context"] = Json::object();
  for (const auto& [key, value] : file.context) json["context"][key] = value;
  json["benchmarks"] = Json::array();
  for (const BenchmarkRow& row : file.rows) {
    json["benchmarks"].push_back(FormatRow(row));
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

absl::Status CheckBenchmarkFile(const BenchmarkFile& file,
                                absl::string_view source) {
  if (file.rows.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat(source, " has no benchmark"));
  }
  std::string errors;
  int count = 0;
  for (const BenchmarkRow& row : file.rows) {
    std::string what;
    if (row.error_occurred) {
      what = row.error_message;
    } else if (row.run_type == "iteration" &&
               !(std::isfinite(row.real_time) && row.real_time > 0)) {
      what = "no time";
    } else {
      continue;
    }
    if (++count <= 5) absl::StrAppend(&errors, "; ", row.name, ": ", what);
  }
  if (count == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(source, ": ", count, " of ", file.rows.size(),
                   " benchmarks failed", errors));
}

}  // namespace opsbench::results
