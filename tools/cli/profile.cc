// opsbench profile: where an area's benchmarks spend time, instructions, cache
// misses and memory.

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "child_process.h"
#include "command.h"
#include "kept_servers.h"
#include "numbers.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/engines/engines.h"
#include "opsbench/profile/flame_graph.h"
#include "opsbench/profile/folded_stacks.h"
#include "opsbench/profile/profile_text.h"
#include "opsbench/results/atomic_file.h"
#include "outputs.h"
#include "profile_heap.h"
#include "profile_perf.h"
#include "profile_valgrind.h"

namespace opsbench::cli {
namespace {

namespace fs = std::filesystem;

struct Flags {
  std::set<std::string> given;  // Names of the flags of the command line.
  std::string area;
  std::string from;
  std::string filter;
  std::string scale = "quick";
  std::vector<std::string> engines;
  double seconds = 0;  // 0: 5 of samples; the scale's own of the others.
  int frequency = 499;
  int rows = 20;
  bool instructions = false;
  bool cache = false;
  bool heap = false;
  bool whole = false;
  int64_t last_level_kib = 0;
  std::string output;
  std::string folded;
};

constexpr double kDefaultSeconds = 5;

// What is profiled, and where things go.
struct Job {
  std::vector<std::string> command;
  std::vector<std::string> benchmarks;
  std::vector<std::unique_ptr<EngineHandle>> engines;
  std::map<std::string, std::string> environment;
  std::string title;
  std::string folder;  // Temporary.
  std::string stem;    // Of the results: "….opsbench/profiles/<time>-<area>".
};

// Where allocations go beside the heap's peak; empty: a file of its own name.
std::string AllocationsPath(const Flags& flags) {
  if (flags.output.empty()) return "";
  const fs::path output = flags.output;
  return (output.parent_path() / (output.stem().string() + "-allocations.svg"))
      .string();
}

std::vector<std::string> AreasOf(const Context& context) {
  constexpr absl::string_view kEnding = "_bench";
  std::vector<std::string> areas;
  std::error_code ignored;
  for (const auto& entry :
       fs::directory_iterator(context.binary_folder, ignored)) {
    const std::string name = entry.path().filename().string();
    absl::string_view area = name;
    if (absl::ConsumeSuffix(&area, kEnding)) areas.emplace_back(area);
  }
  absl::c_sort(areas);
  return areas;
}

// A flag that would do nothing beside the others is a mistake of who gave it.
absl::Status CheckGiven(const Flags& flags) {
  const auto refuse = [&](std::initializer_list<const char*> names,
                          absl::string_view why) {
    for (const char* name : names) {
      if (flags.given.count(name) == 0) continue;
      return absl::InvalidArgumentError(absl::StrCat(name, why));
    }
    return absl::OkStatus();
  };
  if (!flags.from.empty()) {
    return refuse({"--filter", "--scale", "--engines", "--seconds",
                   "--frequency", "--whole", "--last-level-kib"},
                  " says how to record: leave it out with --from");
  }
  if (flags.instructions || flags.cache || flags.heap) {
    OPSBENCH_RETURN_IF_ERROR(
        refuse({"--frequency"}, " belongs to a profile of CPU samples"));
  }
  return flags.heap ? refuse({"--whole"}, ": --heap is always of the whole")
                    : absl::OkStatus();
}

absl::Status CheckFlags(const Flags& flags, const Context& context) {
  OPSBENCH_RETURN_IF_ERROR(CheckGiven(flags));
  OPSBENCH_RETURN_IF_ERROR(CheckDistinctOutputs(
      {{"--output", flags.output},
       {"the allocations of --output",
        flags.heap ? AllocationsPath(flags) : std::string()},
       {"--folded", flags.folded}}));
  if (flags.instructions + flags.cache + flags.heap > 1) {
    return absl::InvalidArgumentError(
        "--instructions, --cache and --heap are profiles of their own: one at "
        "a time");
  }
  const bool cpu = !flags.instructions && !flags.cache && !flags.heap;
  if (!flags.from.empty()) {
    if (!cpu || !flags.area.empty()) {
      return absl::InvalidArgumentError(
          "--from reads a recording of perf: without AREA and other profiles");
    }
    return fs::exists(flags.from)
               ? absl::OkStatus()
               : absl::NotFoundError(
                     absl::StrCat("--from ", flags.from, ": no such file"));
  }
  const std::vector<std::string> areas = AreasOf(context);
  if (flags.area.empty() || !absl::c_linear_search(areas, flags.area)) {
    return absl::InvalidArgumentError(
        absl::StrCat(flags.area.empty() ? "which area" : "unknown area ",
                     flags.area, ": there are ", absl::StrJoin(areas, ", ")));
  }
  if (!flags.folded.empty() && (flags.instructions || flags.cache)) {
    return absl::InvalidArgumentError(
        "--folded writes stacks, which callgrind does not keep");
  }
  if (flags.last_level_kib > 0 && !flags.cache) {
    return absl::InvalidArgumentError("--last-level-kib belongs to --cache");
  }
  if (cpu) return CheckPerf();
  return (flags.heap ? FindTool("heaptrack", "heaptrack")
                     : FindTool("valgrind", "valgrind"))
      .status();
}

absl::StatusOr<std::vector<std::string>> ListBenchmarks(
    std::vector<std::string> command) {
  command.emplace_back("--benchmark_list_tests=true");
  std::vector<std::string> names;
  ChildOptions options;
  options.arguments = std::move(command);
  options.stderr_path = "/dev/null";
  options.on_line = [&](absl::string_view line) {
    if (absl::StrContains(line, '/')) names.emplace_back(line);
  };
  OPSBENCH_RETURN_IF_ERROR(RunChild(options).status());
  return names;
}

// The engines in the names; the embedded one alone when it is among several
// and nobody has chosen.
std::vector<Engine> EnginesOf(const std::vector<std::string>& names,
                              bool chosen) {
  std::vector<Engine> found;
  for (const Engine engine :
       {Engine::kSqlite, Engine::kMysql, Engine::kPostgres, Engine::kRedis}) {
    const std::string part = absl::StrCat("/engine:", EngineName(engine), "/");
    if (absl::c_any_of(names, [&](const std::string& name) {
          return absl::StrContains(name, part);
        })) {
      found.push_back(engine);
    }
  }
  const bool embedded = absl::c_linear_search(found, Engine::kSqlite);
  return embedded && !chosen ? std::vector<Engine>{Engine::kSqlite} : found;
}

// Servers are started here, so that no profiler takes them for the benchmark.
absl::Status StartEngines(const Flags& flags, Job* job) {
  std::vector<Engine> wanted;
  std::vector<std::string> names;
  for (const std::string& name : flags.engines) {
    OPSBENCH_ASSIGN_OR_RETURN(const Engine engine, ParseEngine(name));
    names.emplace_back(EngineName(engine));
  }
  if (!names.empty()) {
    job->command.push_back("--engines=" + absl::StrJoin(names, ","));
  }
  OPSBENCH_ASSIGN_OR_RETURN(job->benchmarks, ListBenchmarks(job->command));
  wanted = EnginesOf(job->benchmarks, !names.empty());
  for (const std::string& name : names) {
    if (absl::c_any_of(wanted,
                       [&](Engine one) { return EngineName(one) == name; })) {
      continue;
    }
    return absl::InvalidArgumentError(absl::StrCat(
        "--engines ", name, ": no benchmark of ", flags.area,
        flags.filter.empty() ? "" : " that --filter matches", " runs on it"));
  }
  if (names.empty() && !wanted.empty()) {
    for (const Engine engine : wanted) names.emplace_back(EngineName(engine));
    job->command.push_back("--engines=" + absl::StrJoin(names, ","));
    OPSBENCH_ASSIGN_OR_RETURN(job->benchmarks, ListBenchmarks(job->command));
  }
  if (job->benchmarks.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--filter ", flags.filter, " matches no benchmark of ",
                     flags.area, ": see the names in benchmarks/README.md"));
  }
  OPSBENCH_ASSIGN_OR_RETURN(const Environment environment, Environment::Load());
  for (const Engine engine : wanted) {
    OPSBENCH_ASSIGN_OR_RETURN(std::unique_ptr<EngineHandle> handle,
                              AcquireEngine(engine, environment));
    job->environment[UrlVariable(engine)] = handle->url().ToString();
    job->engines.push_back(std::move(handle));
  }
  return absl::OkStatus();
}

// The benchmark binary with its flags, its engines up.
absl::Status Prepare(const Flags& flags, const Context& context, Job* job) {
  job->command = {
      (context.binary_folder / absl::StrCat(flags.area, "_bench")).string(),
      absl::StrCat("--scale=", flags.scale)};
  if (!flags.filter.empty()) {
    job->command.push_back("--benchmark_filter=" + flags.filter);
  }
  OPSBENCH_RETURN_IF_ERROR(StartEngines(flags, job));
  job->title = flags.area;
  if (!flags.filter.empty()) absl::StrAppend(&job->title, " ", flags.filter);
  const bool sampled = !flags.instructions && !flags.cache && !flags.heap;
  const double seconds =
      flags.seconds == 0 && sampled ? kDefaultSeconds : flags.seconds;
  if (seconds > 0) {
    job->command.push_back(
        absl::StrCat("--measure-seconds=",
                     seconds / static_cast<double>(job->benchmarks.size())));
  }
  return absl::OkStatus();
}

// Where a result goes: --output, or a name of its own in the state folder.
absl::StatusOr<std::string> OutputPath(const Flags& flags, const Job& job,
                                       absl::string_view ending) {
  if (!flags.output.empty()) return flags.output;
  std::error_code error;
  fs::create_directories(fs::path(job.stem).parent_path(), error);
  if (error) {
    return absl::PermissionDeniedError(absl::StrCat(
        fs::path(job.stem).parent_path().string(), ": ", error.message()));
  }
  return absl::StrCat(job.stem, ending);
}

std::string Shown(const std::string& path) {
  return fs::proximate(path).string();
}

// What the benchmark's end means for this command's.
int Verdict(int exit_code, const Job& job) {
  if (stop_requested) {
    absl::FPrintF(stderr, "opsbench: interrupted: the profile is not whole\n");
    return kExitFailed;
  }
  if (exit_code == 0) return kExitOk;
  absl::FPrintF(stderr, "opsbench: the benchmark ended with %d: %s\n",
                exit_code, LastLine(job.folder + "/log"));
  return kExitFailed;
}

absl::Status WriteStacks(const profile::StackProfile& stacks,
                         const profile::FlameGraphOptions& options,
                         const Flags& flags, const std::string& path) {
  OPSBENCH_RETURN_IF_ERROR(results::WriteFileAtomically(
      path, profile::RenderFlameGraph(stacks, options)));
  if (!flags.folded.empty()) {
    OPSBENCH_RETURN_IF_ERROR(results::WriteFileAtomically(
        flags.folded, profile::FormatFoldedStacks(stacks)));
  }
  return absl::OkStatus();
}

profile::TableOptions TableOf(const Flags& flags, std::string unit) {
  profile::TableOptions table;
  table.rows = flags.rows;
  table.unit = std::move(unit);
  return table;
}

absl::StatusOr<int> ProfileCpu(const Flags& flags, Job job) {
  int exit_code = 0;
  std::string recording = flags.from;
  if (recording.empty()) {
    RecordOptions record;
    record.command = job.command;
    record.environment = job.environment;
    record.frequency = flags.frequency;
    record.whole = flags.whole;
    record.folder = job.folder;
    OPSBENCH_ASSIGN_OR_RETURN(exit_code, RecordCpu(record));
    recording = absl::StrCat(job.folder, "/perf.data");
    if (!fs::exists(recording)) {
      return absl::FailedPreconditionError(absl::StrCat(
          "perf recorded nothing: ", LastLine(job.folder + "/log")));
    }
  }
  OPSBENCH_ASSIGN_OR_RETURN(const CpuProfile cpu,
                            ReadRecording(recording, job.folder));
  const std::string facts =
      absl::StrFormat("%d samples of %s, %s%s", cpu.samples, cpu.event,
                      profile::FormatWeight(cpu.stacks.total(), cpu.unit),
                      !flags.from.empty() ? ""
                      : flags.whole       ? ", the whole process"
                                          : ", where time counts");
  if (cpu.truncated > 0) {
    absl::FPrintF(stderr, "opsbench: the last sample is cut off\n");
  }
  OPSBENCH_ASSIGN_OR_RETURN(const std::string path,
                            OutputPath(flags, job, "-cpu.svg"));
  profile::FlameGraphOptions graph;
  graph.title = absl::StrCat("CPU: ", job.title);
  graph.subtitle = facts;
  graph.unit = cpu.unit;
  OPSBENCH_RETURN_IF_ERROR(WriteStacks(cpu.stacks, graph, flags, path));
  absl::PrintF("%s: %s\n\n%s\nFlame graph, for a browser: %s\n", job.title,
               facts, RenderFunctionTable(cpu.stacks, TableOf(flags, cpu.unit)),
               Shown(path));
  return Verdict(exit_code, job);
}

absl::StatusOr<int> ProfileCounts(const Flags& flags, Job job) {
  CountOptions options;
  options.command = job.command;
  options.environment = job.environment;
  options.cache = flags.cache;
  options.last_level_kib = flags.last_level_kib;
  options.whole = flags.whole;
  options.folder = job.folder;
  OPSBENCH_ASSIGN_OR_RETURN(
      options.output,
      OutputPath(flags, job,
                 flags.cache ? "-cache.callgrind" : "-instructions.callgrind"));
  OPSBENCH_ASSIGN_OR_RETURN(const Counted counted, CountInstructions(options));
  profile::TableOptions table = TableOf(flags, "");
  if (!flags.whole) table.operations = counted.operations;
  absl::PrintF(
      "%s: %s\n\n%s\nFor callgrind_annotate or kcachegrind: %s\n", job.title,
      flags.whole ? "the whole process, with what is done before time counts"
                  : "where time counts",
      flags.cache ? RenderCacheTables(counted.costs, table)
                  : RenderInstructionTables(counted.costs, table),
      Shown(options.output));
  return Verdict(counted.exit_code, job);
}

absl::StatusOr<int> ProfileHeap(const Flags& flags, Job job) {
  OPSBENCH_ASSIGN_OR_RETURN(
      const HeapProfile heap,
      RecordHeap({job.command, job.environment, job.folder}));
  OPSBENCH_ASSIGN_OR_RETURN(const std::string peak_path,
                            OutputPath(flags, job, "-heap-peak.svg"));
  const std::string allocations_path =
      flags.output.empty() ? absl::StrCat(job.stem, "-heap-allocations.svg")
                           : AllocationsPath(flags);
  profile::FlameGraphOptions graph;
  graph.subtitle = "the whole process, set-up included";
  graph.title = absl::StrCat("Heap at its peak: ", job.title);
  graph.unit = "bytes";
  OPSBENCH_RETURN_IF_ERROR(WriteStacks(heap.peak, graph, flags, peak_path));
  graph.title = absl::StrCat("Allocations: ", job.title);
  graph.unit = "allocations";
  OPSBENCH_RETURN_IF_ERROR(results::WriteFileAtomically(
      allocations_path, profile::RenderFlameGraph(heap.allocations, graph)));
  absl::PrintF("%s: the whole process, set-up included\n%s\n\n", job.title,
               absl::StrJoin(heap.summary, "\n"));
  absl::PrintF(
      "In use at the peak\n%s\nAllocations\n%s\n",
      RenderFunctionTable(heap.peak, TableOf(flags, "bytes")),
      RenderFunctionTable(heap.allocations, TableOf(flags, "allocations")));
  absl::PrintF("Flame graphs, for a browser: %s and %s\n", Shown(peak_path),
               Shown(allocations_path));
  return Verdict(heap.exit_code, job);
}

absl::StatusOr<int> Profile(const Flags& flags, const Context& context) {
  OPSBENCH_RETURN_IF_ERROR(CheckFlags(flags, context));
  Job job;
  std::string folder =
      (fs::temp_directory_path() / "opsbench-profile-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) {
    return absl::ErrnoToStatus(errno, folder);
  }
  job.folder = folder;
  const absl::Cleanup remove = [&folder] {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  };
  if (flags.from.empty()) {
    OPSBENCH_RETURN_IF_ERROR(Prepare(flags, context, &job));
  } else {
    job.title = flags.from;
  }
  job.stem = (context.state_folder / "profiles" /
              absl::StrCat(absl::FormatTime("%Y%m%dT%H%M%SZ", absl::Now(),
                                            absl::UTCTimeZone()),
                           "-", flags.area.empty() ? "recording" : flags.area))
                 .string();
  if (flags.instructions || flags.cache) {
    return ProfileCounts(flags, std::move(job));
  }
  return flags.heap ? ProfileHeap(flags, std::move(job))
                    : ProfileCpu(flags, std::move(job));
}

void AddKinds(CLI::App* command, const std::shared_ptr<Flags>& flags) {
  command->add_flag("--instructions", flags->instructions,
                    "Count instructions, by valgrind's callgrind");
  command->add_flag("--cache", flags->cache,
                    "Count misses of simulated caches, by callgrind");
  command->add_flag("--heap", flags->heap,
                    "Memory in use and allocations, by heaptrack");
  command->add_flag("--whole", flags->whole,
                    "The whole process, not only where time counts");
  command
      ->add_option("--last-level-kib", flags->last_level_kib,
                   "With --cache: a last level of this size (the machine's)")
      ->check(WholeNumber(64, int64_t{1} << 22));
}

}  // namespace

void AddProfileCommand(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand(
      "profile", "Where a benchmark's time, instructions or memory go");
  const auto flags = std::make_shared<Flags>();
  command->add_option("area", flags->area, "The area to profile");
  command->add_option("--filter", flags->filter,
                      "Benchmarks whose names match this regular expression");
  command
      ->add_option("--scale", flags->scale,
                   "smoke, quick or full (default: quick)")
      ->check(CLI::IsMember({"smoke", "quick", "full"}));
  command
      ->add_option("--engines", flags->engines,
                   "Engines, with commas (sqlite, where there are several)")
      ->delimiter(',');
  command
      ->add_option("--seconds", flags->seconds,
                   "How long to measure, all benchmarks together (5; with "
                   "valgrind and heaptrack the scale's own)")
      ->check(Number(0.01, 1e5));
  command
      ->add_option("--frequency", flags->frequency,
                   "CPU samples per second (499)")
      ->check(WholeNumber(1, 50'000));
  AddKinds(command, flags);
  command->add_option("--rows", flags->rows, "Rows of tables (20)")
      ->check(WholeNumber(1, 10'000));
  command
      ->add_option("--output", flags->output,
                   "The file to write (a new one in .opsbench/profiles)")
      ->type_name("FILE")
      ->check(OutputFile());
  command
      ->add_option("--folded", flags->folded,
                   "Also write stacks as text, one a line")
      ->type_name("FILE")
      ->check(OutputFile());
  command
      ->add_option("--from", flags->from,
                   "Show a recording of perf record -g instead")
      ->type_name("FILE");
  command->footer(
      "A CPU profile needs perf and kernel.perf_event_paranoid of 2 or less;\n"
      "tools/opsbench profile installs the tools.\n"
      "Examples:\n"
      "  opsbench profile memtable --filter 'Get/impl:opsbench'\n"
      "  opsbench profile memtable --filter Insert --cache --scale smoke\n"
      "  opsbench profile sidetable --engines postgres --filter Latest\n"
      "  opsbench profile --from perf.data --output graph.svg\n");
  command->callback([command, flags, &context] {
    for (const CLI::Option* option : command->get_options()) {
      if (option->count() > 0) flags->given.insert(option->get_name());
    }
    InstallStopSignals();
    Finish(context, Profile(*flags, context));
  });
}

}  // namespace opsbench::cli
