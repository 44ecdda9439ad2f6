#include "gate_sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "child_process.h"
#include "command.h"
#include "opsbench/base/clock.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/results/atomic_file.h"

namespace opsbench::cli {
namespace {

namespace fs = std::filesystem;
namespace gate = results::gate;

// A slice that takes so much longer than it should hangs.
constexpr int64_t kSliceTimeoutMs = 120'000;

// Paths of the same length: a program's arguments move its stack.
const char* FolderOf(gate::Side side) {
  switch (side) {
    case gate::Side::kBase:
      return "a";
    case gate::Side::kCopy:
      return "b";
    case gate::Side::kHead:
      return "c";
  }
  return "";
}

std::string LastLine(const fs::path& path) {
  const absl::StatusOr<std::string> text =
      results::ReadWholeFile(path.string());
  if (!text.ok()) return "";
  const std::vector<std::string> lines =
      absl::StrSplit(*text, '\n', absl::SkipWhitespace());
  return lines.empty() ? "" : lines.back();
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ListBenchmarks(
    const fs::path& program, const gate::BinaryConfig& config) {
  std::vector<std::string> names;
  ChildOptions options;
  options.arguments = {program.string()};
  options.arguments.insert(options.arguments.end(), config.arguments.begin(),
                           config.arguments.end());
  options.arguments.emplace_back("--benchmark_list_tests=true");
  options.stderr_path = "/dev/null";
  options.timeout_ms = kSliceTimeoutMs;
  options.on_line = [&](absl::string_view line) {
    std::string name = gate::CanonicalName(line);
    if (gate::Selects(config, name)) names.push_back(std::move(name));
  };
  const absl::StatusOr<int> code = RunChild(options);
  if (stop_requested) return absl::CancelledError("interrupted");
  if (code.ok() && *code <= 1) return names;
  return absl::FailedPreconditionError(
      absl::StrCat(config.target, " does not list its benchmarks"));
}

absl::StatusOr<double> MetricOf(const results::BenchmarkRow& row,
                                const std::string& metric) {
  double value = 0;
  if (metric == "real_time_ns") {
    value = results::ToNanoseconds(row.real_time, row.time_unit);
  } else if (metric == "cpu_time_ns") {
    value = results::ToNanoseconds(row.cpu_time, row.time_unit);
  } else if (const auto counter = row.counters.find(metric);
             counter != row.counters.end()) {
    value = counter->second;
  } else {
    return absl::NotFoundError(
        absl::StrCat(row.run_name, " has no counter ", metric));
  }
  if (std::isfinite(value) && value > 0) return value;
  return absl::NotFoundError(
      absl::StrCat(metric, " of ", row.run_name, " is not above 0"));
}

ProcessSampler::ProcessSampler(const gate::GateConfig& config, fs::path scratch,
                               Binaries base, Binaries head)
    : config_(config),
      scratch_(std::move(scratch)),
      base_(std::move(base)),
      head_(std::move(head)) {
  BeginRound();
}

double ProcessSampler::Now() const {
  return static_cast<double>(MonotonicNowNs()) / kNanosPerSecond;
}

void ProcessSampler::BeginRound() {
  std::error_code error;
  fs::remove_all(scratch_, error);
  for (const gate::Side side :
       {gate::Side::kBase, gate::Side::kCopy, gate::Side::kHead}) {
    const fs::path folder = scratch_ / FolderOf(side);
    fs::create_directories(folder, error);
    for (const auto& [target, path] :
         side == gate::Side::kHead ? head_ : base_) {
      // A copy that fails is missed by the first slice, which says so.
      fs::copy_file(path, folder / target, error);
    }
  }
}

fs::path ProcessSampler::ProgramOf(const GateBenchmark& benchmark,
                                   gate::Side side) const {
  return scratch_ / FolderOf(side) /
         config_.binaries[static_cast<size_t>(benchmark.binary)].target;
}

absl::StatusOr<results::BenchmarkFile> ProcessSampler::RunOnce(
    const GateBenchmark& benchmark, const fs::path& program,
    const std::vector<std::string>& wrapper, int repetitions) {
  const gate::BinaryConfig& config =
      config_.binaries[static_cast<size_t>(benchmark.binary)];
  const std::string result = (program.parent_path() /
                              absl::StrCat(program.filename().string(), ".out"))
                                 .string();
  const fs::path errors = result + ".stderr";
  std::error_code ignored;
  fs::remove(result, ignored);
  fs::remove(errors, ignored);
  ChildOptions options;
  options.arguments = wrapper;
  options.arguments.push_back(program.string());
  options.arguments.insert(options.arguments.end(), config.arguments.begin(),
                           config.arguments.end());
  for (std::string argument :
       {absl::StrCat("--benchmark_filter=", gate::FilterOf(benchmark.name)),
        absl::StrCat("--benchmark_out=", result),
        std::string("--benchmark_out_format=json"),
        absl::StrCat("--benchmark_repetitions=", repetitions)}) {
    options.arguments.push_back(std::move(argument));
  }
  if (benchmark.iterations > 0) {
    options.environment["OPSBENCH_ITERATIONS"] =
        absl::StrCat(benchmark.iterations);
  } else {
    options.arguments.push_back(
        absl::StrCat("--benchmark_min_time=", config_.slice_ms / 1000));
  }
  options.stderr_path = errors.string();
  options.timeout_ms = kSliceTimeoutMs * (wrapper.empty() ? 1 : 5);
  const absl::StatusOr<int> code = RunChild(options);
  if (stop_requested) return absl::CancelledError("interrupted");
  OPSBENCH_RETURN_IF_ERROR(code.status());
  if (*code > 1) {
    return absl::InternalError(absl::StrCat(
        config.target,
        *code > 128 ? absl::StrCat(" was ended by signal ", *code - 128)
                    : absl::StrCat(" ended with code ", *code),
        ": ", LastLine(errors)));
  }
  OPSBENCH_ASSIGN_OR_RETURN(results::BenchmarkFile file,
                            results::ReadBenchmarkFile(result));
  std::erase_if(file.rows, [&](const results::BenchmarkRow& row) {
    return row.run_type != "iteration" ||
           gate::CanonicalName(row.run_name) != benchmark.name;
  });
  if (file.rows.empty()) {
    return absl::NotFoundError(
        absl::StrCat(config.target, " did not run ", benchmark.name));
  }
  for (const results::BenchmarkRow& row : file.rows) {
    if (row.error_occurred) return absl::InternalError(row.error_message);
  }
  return file;
}

absl::StatusOr<int64_t> ProcessSampler::ProcessTimeNs(
    const GateBenchmark& benchmark, bool* told) {
  constexpr int kRuns = 2;
  const fs::path program = ProgramOf(benchmark, gate::Side::kBase);
  int64_t best_ns = std::numeric_limits<int64_t>::max();
  for (int run = 0; run < kRuns; ++run) {
    const int64_t start_ns = MonotonicNowNs();
    OPSBENCH_ASSIGN_OR_RETURN(const results::BenchmarkFile file,
                              RunOnce(benchmark, program, {}, 1));
    best_ns = std::min(best_ns, MonotonicNowNs() - start_ns);
    *told = file.context.count("opsbench_iterations") > 0 ||
            absl::StrContains(file.rows[0].run_name, "/iterations:");
  }
  return best_ns;
}

absl::Status ProcessSampler::Calibrate(GateBenchmark* benchmark) {
  const double slice_ns = config_.slice_ms * 1e6;
  constexpr int64_t kMostIterations = int64_t{1} << 40;
  bool told = false;
  benchmark->iterations = 1;
  OPSBENCH_ASSIGN_OR_RETURN(const int64_t one_ns,
                            ProcessTimeNs(*benchmark, &told));
  if (!told) {
    benchmark->iterations = 0;
    return absl::OkStatus();
  }
  // What the program does before and after its iterations is in both times.
  for (int64_t many = 2;; many *= 8) {
    benchmark->iterations = many;
    OPSBENCH_ASSIGN_OR_RETURN(const int64_t many_ns,
                              ProcessTimeNs(*benchmark, &told));
    const auto more_ns = static_cast<double>(many_ns - one_ns);
    if (more_ns < slice_ns / 3 && many < kMostIterations) continue;
    const double each_ns =
        std::max(more_ns, 1.0) / static_cast<double>(many - 1);
    benchmark->iterations =
        std::max<int64_t>(1, std::llround(slice_ns / each_ns));
    return absl::OkStatus();
  }
}

absl::StatusOr<std::vector<double>> ProcessSampler::Measure(int benchmark,
                                                            gate::Side side) {
  const GateBenchmark& wanted = benchmarks_[static_cast<size_t>(benchmark)];
  const absl::StatusOr<results::BenchmarkFile> file =
      RunOnce(wanted, ProgramOf(wanted, side), {}, 1);
  if (on_slice_) on_slice_();
  OPSBENCH_RETURN_IF_ERROR(file.status());
  std::vector<double> values;
  for (const gate::MetricPlan& metric : gate::MetricsOf(config_, wanted.name)) {
    OPSBENCH_ASSIGN_OR_RETURN(const double value,
                              MetricOf(file->rows[0], metric.name));
    values.push_back(value);
  }
  return values;
}

}  // namespace opsbench::cli
