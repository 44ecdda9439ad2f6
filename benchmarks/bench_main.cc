#include "bench_main.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "benchmark/benchmark.h"
#include "measured_region.h"
#include "numbers.h"
#include "opsbench/base/number.h"
#include "opsbench/base/stage.h"
#include "opsbench/testing/fixed_iterations.h"
#include "outputs.h"

namespace opsbench {
namespace {

std::atomic<bool> interrupted{false};

void OnSignal(int signal_number) {
  interrupted.store(true, std::memory_order_relaxed);
  signal(signal_number, SIG_DFL);  // A second one ends the process at once.
}

bool IsDebugBuild() {
#ifdef NDEBUG
  return false;
#else
  return true;
#endif
}

// Google Benchmark's own warning prints to the same place and covers Linux's
// "performance" governor alone; this says what to do.
void WarnOfCpuScaling() {
  std::ifstream file("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
  std::string governor;
  if (file >> governor && governor != "performance") {
    std::fprintf(stderr,
                 "warning: the CPU's frequency is scaled (governor %s): "
                 "figures vary with it; set the governor to performance\n",
                 governor.c_str());
  }
}

// Also counts what ended with an error, which Google Benchmark does not tell
// its caller.
class CountingReporter : public benchmark::ConsoleReporter {
 public:
  CountingReporter() : ConsoleReporter(OO_None) {}

  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) errors_ += run.error_occurred ? 1 : 0;
    ConsoleReporter::ReportRuns(runs);
  }

  int errors() const { return errors_; }

 private:
  int errors_ = 0;
};

std::string NamesOf(absl::Span<const Engine> engines) {
  return absl::StrJoin(engines, ",", [](std::string* out, Engine engine) {
    absl::StrAppend(out, EngineName(engine));
  });
}

// What outside profilers ask for.
struct ProfilerFlags {
  int stages_fd = -1;
  std::string perf_pipes;
  std::string operations_path;
};

void AddProfilerFlags(CLI::App* app, ProfilerFlags* flags,
                      BenchOptions* options) {
  app->add_option("--measure-seconds", options->measure_seconds,
                  "Measure each benchmark for about so long (the scale's own)")
      ->check(cli::Number(0.001, 1e5));
  app->add_option("--stages", flags->stages_fd,
                  "Signal stages on stderr, or on the given descriptor")
      ->expected(0, 1)
      ->default_str(absl::StrCat(STDERR_FILENO))
      ->check(cli::WholeNumber(0, 1 << 20));
  app->add_option("--perf-control", flags->perf_pipes,
                  "COMMANDS,ANSWERS: pipes of perf record's --control, which "
                  "is enabled where time counts");
  app->add_option("--operations-file", flags->operations_path,
                  "Write how many operations were measured")
      ->check(cli::OutputFile());
}

// Numbers that are not this program's own to read: Google Benchmark takes "nan"
// for a time, and then never ends, and ill-typed ones for its defaults.
absl::Status CheckForeignNumbers(const std::vector<std::string>& arguments) {
  const auto seconds = [](absl::string_view text) {
    absl::ConsumeSuffix(&text, "s");
    return ParseNumber(text, 0, 1e6).status();
  };
  const auto count = [](absl::string_view text) {
    return ParseWholeNumber(text, 1, 1'000'000).status();
  };
  const std::map<std::string, std::function<absl::Status(absl::string_view)>>
      checks = {{"benchmark_min_time", seconds},
                {"benchmark_min_warmup_time", seconds},
                {"benchmark_repetitions", count}};
  for (const auto& [name, check] : checks) {
    const std::string flag = absl::StrCat("--", name, "=");
    const char* variable = std::getenv(absl::AsciiStrToUpper(name).c_str());
    absl::Status status =
        variable == nullptr ? absl::OkStatus() : check(variable);
    for (const std::string& argument : arguments) {
      absl::string_view value = argument;
      if (absl::ConsumePrefix(&value, flag)) status.Update(check(value));
    }
    if (!status.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--", name, ": ", status.message()));
    }
  }
  const char* iterations = std::getenv(kIterationsVariable);
  if (iterations == nullptr) return absl::OkStatus();
  const absl::StatusOr<int64_t> number =
      ParseWholeNumber(iterations, 1, int64_t{1} << 50);
  if (number.ok()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(kIterationsVariable, ": ", number.status().message()));
}

absl::Status SetUp(const ProfilerFlags& flags) {
  if (flags.stages_fd >= 0) {
    // Servers that this process starts must not keep it open.
    if (flags.stages_fd > STDERR_FILENO) {
      fcntl(flags.stages_fd, F_SETFD, FD_CLOEXEC);
    }
    EnableStageSignals(flags.stages_fd);
  }
  return flags.perf_pipes.empty() ? absl::OkStatus()
                                  : ControlPerf(flags.perf_pipes);
}

bool WriteOperations(const ProfilerFlags& flags) {
  if (flags.operations_path.empty()) return true;
  std::ofstream file(flags.operations_path);
  file << MeasuredOperations() << "\n" << std::flush;
  return file.good();
}

std::vector<std::function<void()>>& Cleanups() {
  static std::vector<std::function<void()>> cleanups;
  return cleanups;
}

}  // namespace

void AtBenchEnd(std::function<void()> cleanup) {
  Cleanups().push_back(std::move(cleanup));
}

bool BenchInterrupted() { return interrupted.load(std::memory_order_relaxed); }

const std::atomic<bool>* BenchStopFlag() { return &interrupted; }

int BenchMain(
    int argc, char** argv, absl::Span<const Engine> engines,
    const std::function<absl::Status(const BenchOptions&)>& register_all) {
  const std::map<std::string, Scale> scales = {{"smoke", Scale::kSmoke},
                                               {"quick", Scale::kQuick},
                                               {"full", Scale::kFull}};
  std::map<std::string, Engine> choices;
  for (const Engine engine : engines) {
    choices[std::string(EngineName(engine))] = engine;
  }
  std::string scale = "quick";
  std::vector<std::string> names;
  BenchOptions options;
  CLI::App app("Flags of Google Benchmark (--benchmark_…) are taken as well.");
  app.allow_extras();
  app.add_option("--scale", scale, "smoke, quick or full (default: quick)")
      ->check(CLI::IsMember(scales));
  app.add_option("--engines", names,
                 "With commas (default: " + NamesOf(engines) + ")")
      ->delimiter(',')
      ->check(CLI::IsMember(choices));
  app.add_option("--seed", options.seed, "Seed of data and requests (1)")
      ->check(cli::SeedNumber());
  ProfilerFlags profiler;
  AddProfilerFlags(&app, &profiler, &options);
  app.add_option("--rows", options.rows,
                 "Rows or items, in place of the scale's")
      ->check(cli::WholeNumber(1, 1'000'000'000));
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "%s: %s\n", argv[0], error.what());
    return 2;
  }
  options.scale = scales.at(scale);
  options.iterations = RequestedIterations();
  for (const std::string& name : names) {
    options.engines.push_back(choices.at(name));
  }
  if (names.empty()) options.engines.assign(engines.begin(), engines.end());
  if (options.scale == Scale::kFull) {
    if (IsDebugBuild()) {
      std::fprintf(stderr,
                   "%s: --scale=full in a debug build says nothing about "
                   "speed: build the preset release\n",
                   argv[0]);
      return 2;
    }
    WarnOfCpuScaling();
  }

  std::vector<std::string> rest = app.remaining();
  if (const absl::Status numbers = CheckForeignNumbers(rest); !numbers.ok()) {
    std::fprintf(stderr, "%s: %s\n", argv[0],
                 std::string(numbers.message()).c_str());
    return 2;
  }
  std::vector<char*> arguments = {argv[0]};
  if (options.measure_seconds > 0) {
    rest.insert(rest.begin(),
                absl::StrCat("--benchmark_min_time=", options.measure_seconds));
  }
  for (std::string& argument : rest) arguments.push_back(argument.data());
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 2;
  benchmark::AddCustomContext("opsbench_scale", scale);
  benchmark::AddCustomContext("opsbench_seed", absl::StrCat(options.seed));
  if (options.iterations > 0) {
    benchmark::AddCustomContext("opsbench_iterations",
                                absl::StrCat(options.iterations));
  }
  absl::Status status = SetUp(profiler);
  if (status.ok()) status = register_all(options);
  if (!status.ok()) {
    std::fprintf(stderr, "%s: %s\n", argv[0],
                 std::string(status.message()).c_str());
    return 2;
  }
  signal(SIGINT, OnSignal);
  signal(SIGTERM, OnSignal);
  CountingReporter reporter;
  const size_t ran = benchmark::RunSpecifiedBenchmarks(&reporter);
  benchmark::Shutdown();
  for (const auto& cleanup : Cleanups()) cleanup();
  if (!WriteOperations(profiler)) {
    std::fprintf(stderr, "%s: cannot write %s\n", argv[0],
                 profiler.operations_path.c_str());
    return 2;
  }
  return ran > 0 && reporter.errors() == 0 ? 0 : 1;
}

}  // namespace opsbench
