#include "area_process.h"

#include <string.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "child_process.h"
#include "command.h"
#include "opsbench/base/stage.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/results/atomic_file.h"
#include "opsbench/results/run_store.h"
#include "progress.h"

namespace opsbench::cli {
namespace {

namespace fs = std::filesystem;
using results::BenchmarkFile;
using results::BenchmarkRow;

// What an area's binary writes into the error of a benchmark that Ctrl-C ended.
constexpr char kInterrupted[] = "interrupted";

// Of a code that RunChild() returned.
bool IsSignal(int code) { return code > 128; }

std::string EndOf(int code) {
  if (!IsSignal(code)) return absl::StrCat("ended with ", code);
  const char* name = sigabbrev_np(code - 128);
  return name != nullptr ? absl::StrCat("was ended by SIG", name)
                         : absl::StrCat("was ended by signal ", code - 128);
}

// What a process left in its file, which is whole or was cut off.
struct Left {
  BenchmarkFile file;
  absl::Status status;  // Why the file ends where it does, if it was cut off.
};

Left ReadLeft(const std::string& path) {
  Left left;
  const absl::StatusOr<std::string> text = results::ReadWholeFile(path);
  if (!text.ok()) {
    left.status = text.status();
    return left;
  }
  left.status = results::VisitBenchmarkJson(
      *text, path,
      [&left](const BenchmarkRow& row) {
        left.file.rows.push_back(row);
        return absl::OkStatus();
      },
      &left.file.context);
  return left;
}

// The benchmark that was under way when the results end.
std::string BenchmarkUnderWay(const std::vector<std::string>& benchmarks,
                              const std::vector<BenchmarkRow>& rows) {
  auto next = benchmarks.begin();
  for (const BenchmarkRow& row : rows) {
    const auto found = absl::c_find(benchmarks, row.run_name);
    if (found != benchmarks.end()) next = std::max(next, found + 1);
  }
  return next == benchmarks.end() ? "" : *next;
}

BenchmarkRow CrashRow(const std::string& benchmark, const std::string& end) {
  BenchmarkRow row;
  row.name = row.run_name = benchmark;
  row.error_occurred = true;
  row.error_message = absl::StrCat("the process ", end);
  row.real_time = row.cpu_time = 0;
  return row;
}

// Rows of one benchmark follow each other, whichever process they are of.
void Merge(const AreaProcess& process, BenchmarkFile file,
           BenchmarkFile* merged) {
  if (merged->context.empty()) merged->context = std::move(file.context);
  for (BenchmarkRow& row : file.rows) {
    if (process.turns > 1) {
      const int64_t each = std::max<int64_t>(row.repetitions, 1);
      row.repetition_index += (process.turn - 1) * each;
      row.repetitions = process.turns * each;
      row.process = process.turn;
    }
    merged->rows.push_back(std::move(row));
  }
  absl::flat_hash_map<std::string, size_t> places;
  for (const BenchmarkRow& row : merged->rows) {
    places.try_emplace(row.run_name, places.size());
  }
  std::stable_sort(merged->rows.begin(), merged->rows.end(),
                   [&](const BenchmarkRow& a, const BenchmarkRow& b) {
                     return places.at(a.run_name) < places.at(b.run_name);
                   });
}

// Whether a line of results sums up the repetitions before it.
bool IsAggregate(absl::string_view name) {
  return absl::EndsWith(name, "_mean") || absl::EndsWith(name, "_median") ||
         absl::EndsWith(name, "_stddev") || absl::EndsWith(name, "_cv");
}

// Shows how far it is; returns how it ended, as RunChild() does.
absl::StatusOr<int> RunWithProgress(const AreaProcess& process,
                                    const std::string& raw_path,
                                    const std::string& log_path) {
  ChildOptions options;
  options.arguments = process.arguments;
  options.arguments.push_back("--benchmark_out_format=json");
  options.arguments.push_back(absl::StrCat("--benchmark_out=", raw_path));
  options.signals = process.stages;
  if (process.stages) {
    options.arguments.push_back(absl::StrCat("--stages=", kSignalsFd));
  }
  options.environment = process.environment;
  options.stderr_path = log_path;
  const std::string title =
      process.turns > 1 ? absl::StrCat(process.area, ", process ", process.turn,
                                       " of ", process.turns)
                        : process.area;
  const size_t total = process.benchmarks.size();
  ProgressLine progress;
  size_t done = 0;
  options.on_line = [&](absl::string_view line) {
    const absl::string_view name = line.substr(0, line.find(' '));
    if (!absl::StrContains(name, '/') || IsAggregate(name)) return;
    ++done;
    progress.Update(absl::StrFormat("%s: %d of %d (%d%%): %s", title, done,
                                    total, 100 * done / total, name));
  };
  progress.Update(absl::StrFormat("%s: 0 of %d", title, total));
  return RunChild(options);
}

}  // namespace

absl::StatusOr<std::vector<std::string>> SelectedBenchmarks(
    std::vector<std::string> arguments) {
  arguments.push_back("--benchmark_list_tests=true");
  std::vector<std::string> names;
  ChildOptions options;
  options.arguments = std::move(arguments);
  options.stderr_path = "/dev/null";
  options.on_line = [&](absl::string_view line) {
    if (absl::StrContains(line, '/')) names.emplace_back(line);
  };
  OPSBENCH_ASSIGN_OR_RETURN(const int code, RunChild(options));
  // 1: the filter selects none.
  if (code == 0 || (code == 1 && names.empty())) return names;
  if (stop_requested) return absl::CancelledError("interrupted");
  return absl::InternalError(absl::StrCat(
      options.arguments[0], " ", EndOf(code),
      " when it was asked for its benchmarks: run it by hand to see why"));
}

absl::StatusOr<AreaResult> RunAreaProcess(const AreaProcess& process,
                                          BenchmarkFile* merged) {
  const Stage stage("run", process.area);
  const std::string stem = absl::StrCat(process.folder, "/", process.area);
  const std::string raw_path = stem + ".partial.json";
  const std::string log_path = stem + ".log";
  OPSBENCH_ASSIGN_OR_RETURN(const int code,
                            RunWithProgress(process, raw_path, log_path));
  Left left = ReadLeft(raw_path);
  std::vector<BenchmarkRow>& rows = left.file.rows;
  AreaResult result;
  result.interrupted =
      std::erase_if(rows, [](const BenchmarkRow& row) {
        return row.error_occurred && row.error_message == kInterrupted;
      }) > 0;
  const bool cut_off = IsSignal(code) || !left.status.ok();
  if (cut_off && stop_requested) {
    result.interrupted = true;
  } else if (cut_off) {
    const size_t measured = rows.size();
    const std::string culprit = BenchmarkUnderWay(process.benchmarks, rows);
    result.problem = absl::StrCat(
        fs::path(process.arguments[0]).filename().string(), " ", EndOf(code));
    if (IsSignal(code) && !culprit.empty()) {
      absl::StrAppend(&result.problem, " in ", culprit);
      rows.push_back(CrashRow(culprit, EndOf(code)));
    }
    absl::StrAppend(&result.problem, ", ", measured, " of ",
                    process.benchmarks.size(), " benchmarks measured: see ",
                    log_path);
  }
  result.failed =
      !result.problem.empty() || (code != 0 && !result.interrupted) ||
      absl::c_any_of(
          rows, [](const BenchmarkRow& row) { return row.error_occurred; });
  if (!rows.empty()) {
    Merge(process, std::move(left.file), merged);
    OPSBENCH_RETURN_IF_ERROR(results::WriteFileAtomically(
        results::RunStore::AreaFile(process.folder, process.area),
        results::FormatBenchmarkJson(*merged)));
  }
  std::error_code ignored;
  fs::remove(raw_path, ignored);
  return result;
}

}  // namespace opsbench::cli
