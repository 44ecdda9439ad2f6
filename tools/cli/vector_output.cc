#include "vector_output.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/results/atomic_file.h"
#include "opsbench/results/benchmark_json.h"
#include "opsbench/results/run_info.h"
#include "opsbench/results/run_store.h"
#include "opsbench/vector/benchmark_report.h"
#include "outputs.h"
#include "report.h"

namespace opsbench::cli {
namespace {

namespace fs = std::filesystem;
using vector::BenchmarkResult;

std::string NewFolder(const Context& context) {
  const std::string stem =
      (context.state_folder / "vector" /
       absl::FormatTime("%Y%m%dT%H%M%SZ", absl::Now(), absl::UTCTimeZone()))
          .string();
  std::string path = stem;
  for (int i = 2; fs::exists(path); ++i) path = absl::StrCat(stem, "-", i);
  return path;
}

bool KnownExtension(const std::string& file) {
  return absl::EndsWith(file, ".csv") || absl::EndsWith(file, ".json") ||
         absl::EndsWith(file, ".html");
}

absl::Status CheckFile(const std::string& file) {
  if (!KnownExtension(file)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--output ", file, ": its name has to end in .csv, .json or .html"));
  }
  return absl::OkStatus();
}

results::RunInfo InfoOf(const Context& context,
                        absl::Span<const BenchmarkResult> results,
                        uint64_t seed, bool complete) {
  results::RunInfo info =
      results::CollectRunInfo(context.state_folder.parent_path().string());
  info.status = complete ? results::RunStatus::kComplete
                         : results::RunStatus::kInterrupted;
  info.scale = "custom";
  info.seed = seed;
  info.areas = {"vector"};
  results::EngineInfo engine;
  const std::string& answered_by = results.front().answered_by;
  const size_t space = answered_by.find(' ');
  engine.name = answered_by.substr(0, space);
  engine.version = answered_by.substr(
      space == std::string::npos ? answered_by.size() : space + 1);
  info.engines = {std::move(engine)};
  return info;
}

}  // namespace

absl::StatusOr<VectorOutput> VectorOutput::Make(
    const Context& context, std::string folder,
    std::vector<std::string> files) {
  std::vector<std::pair<std::string, std::string>> outputs;
  for (const std::string& file : files) {
    OPSBENCH_RETURN_IF_ERROR(CheckFile(file));
    outputs.emplace_back("--output", file);
  }
  OPSBENCH_RETURN_IF_ERROR(CheckDistinctOutputs(outputs));
  if (folder.empty()) {
    folder = NewFolder(context);
  } else {
    OPSBENCH_RETURN_IF_ERROR(CheckOutputFolder("--output-dir", folder));
  }
  return VectorOutput(std::move(folder), std::move(files));
}

absl::Status VectorOutput::Write(const Context& context,
                                 absl::Span<const BenchmarkResult> results,
                                 uint64_t seed, bool complete,
                                 const std::string& command) const {
  if (results.empty()) return absl::OkStatus();
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot make ", folder_, ": ", error.message()));
  }
  const std::string json =
      results::FormatBenchmarkJson(vector::ToBenchmarkFile(results));
  const std::string csv = vector::FormatResultsCsv(results);
  const auto path = [this](const char* name) {
    return absl::StrCat(folder_, "/", name);
  };
  OPSBENCH_RETURN_IF_ERROR(
      results::WriteFileAtomically(path("vector.json"), json));
  OPSBENCH_RETURN_IF_ERROR(
      results::WriteFileAtomically(path("results.csv"), csv));
  OPSBENCH_RETURN_IF_ERROR(results::WriteFileAtomically(
      path("run.json"),
      results::FormatRunInfo(InfoOf(context, results, seed, complete))));
  results::ReportData data;
  OPSBENCH_ASSIGN_OR_RETURN(
      data.run, results::RunStore(context.state_folder).Load(folder_));
  data.commands = {command};
  for (const std::string& file : files_) {
    if (absl::EndsWith(file, ".html")) {
      OPSBENCH_RETURN_IF_ERROR(WriteReport(context, data, file));
    } else {
      OPSBENCH_RETURN_IF_ERROR(results::WriteFileAtomically(
          file, absl::EndsWith(file, ".csv") ? csv : json));
    }
  }
  return WriteReport(context, std::move(data), path("report.html"));
}

}  // namespace opsbench::cli
