// opsbench run: the main job. Starts private servers for the engines that no
// URL names, runs each area's benchmark binary on them, keeps the results and
// sums them up.

#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "area_process.h"
#include "area_run.h"
#include "command.h"
#include "comparison_flags.h"
#include "engine_facts.h"
#include "kept_servers.h"
#include "numbers.h"
#include "opsbench/base/stage.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/engines/engines.h"
#include "opsbench/results/benchmark_json.h"
#include "opsbench/results/compare.h"
#include "opsbench/results/render_comparison.h"
#include "opsbench/results/run_store.h"
#include "opsbench/results/summary.h"
#include "peers.h"
#include "report.h"

namespace opsbench::cli {
namespace {

namespace fs = std::filesystem;

struct Area {
  const char* name;
  std::vector<Engine> engines;          // None: it runs in one process.
  std::vector<std::string> benchmarks;  // That the filter selects, in order.
};

const std::vector<Area>& Areas() {
  static const auto* areas = new std::vector<Area>{
      {"sidetable", {Engine::kSqlite, Engine::kMysql, Engine::kPostgres}},
      {"pipeline", {Engine::kSqlite, Engine::kMysql, Engine::kPostgres}},
      {"stress", {Engine::kSqlite, Engine::kMysql, Engine::kPostgres}},
      {"memtable", {}},
      {"vector", {Engine::kRedis}}};
  return *areas;
}

struct Flags {
  std::vector<std::string> areas;
  std::vector<std::string> engines;
  std::string scale = "quick";
  std::string filter;
  std::string save;
  std::string compare;
  std::string fail_on = "none";
  uint64_t seed = 1;
  bool peers = false;
  bool stages = false;
  int64_t rows = 0;  // 0: as the scale says.
  int64_t iterations = 1;
};

// Flags that were checked, and what they select.
struct Plan {
  std::vector<Area> areas;  // Each with those of its engines that are wanted.
  std::vector<Engine> engines;
  Environment environment;
};

// Refuses what the other flags leave without effect.
absl::Status CheckFlags(const Flags& flags, const std::vector<Engine>& wanted) {
  const auto chosen = [&](const Area& area) {
    return flags.areas.empty() || absl::c_linear_search(flags.areas, area.name);
  };
  for (const std::string& name : flags.areas) {
    const auto area = absl::c_find_if(
        Areas(), [&](const Area& one) { return one.name == name; });
    if (area == Areas().end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("unknown area ", name, ": there are ", AreaNames()));
    }
    if (wanted.empty() || area->engines.empty() ||
        absl::c_any_of(area->engines, [&](Engine engine) {
          return absl::c_linear_search(wanted, engine);
        })) {
      continue;
    }
    return absl::InvalidArgumentError(
        absl::StrCat("--area ", name, " runs on none of --engines ",
                     absl::StrJoin(flags.engines, ",")));
  }
  for (const Engine engine : wanted) {
    if (absl::c_any_of(Areas(), [&](const Area& area) {
          return chosen(area) && absl::c_linear_search(area.engines, engine);
        })) {
      continue;
    }
    return absl::InvalidArgumentError(
        absl::StrCat("--engines ", EngineName(engine),
                     ": none of the chosen areas runs on it"));
  }
  OPSBENCH_RETURN_IF_ERROR(CheckFilter(flags.filter));
  if (!flags.save.empty()) {
    OPSBENCH_RETURN_IF_ERROR(results::CheckBaselineName(flags.save));
  }
  OPSBENCH_RETURN_IF_ERROR(ParseFailOn(flags.fail_on).status());
  if (flags.compare.empty() && flags.fail_on != "none") {
    return absl::InvalidArgumentError(
        "--fail-on judges a comparison: name one with --compare");
  }
  return absl::OkStatus();
}

absl::StatusOr<Plan> MakePlan(const Flags& flags) {
  Plan plan;
  std::vector<Engine> wanted;
  for (const std::string& name : flags.engines) {
    OPSBENCH_ASSIGN_OR_RETURN(const Engine engine, ParseEngine(name));
    wanted.push_back(engine);
  }
  OPSBENCH_RETURN_IF_ERROR(CheckFlags(flags, wanted));
  for (Area area : Areas()) {
    if (!flags.areas.empty() && !absl::c_linear_search(flags.areas, area.name))
      continue;
    const bool in_process = area.engines.empty();
    // Who chooses engines and no area wants what runs on them.
    if (in_process && !wanted.empty() && flags.areas.empty()) continue;
    if (!wanted.empty()) {
      std::erase_if(area.engines, [&](Engine engine) {
        return !absl::c_linear_search(wanted, engine);
      });
    }
    if (area.engines.empty() && !in_process) continue;
    for (const Engine engine : area.engines) {
      if (!absl::c_linear_search(plan.engines, engine)) {
        plan.engines.push_back(engine);
      }
    }
    plan.areas.push_back(std::move(area));
  }
  OPSBENCH_ASSIGN_OR_RETURN(plan.environment, Environment::Load());
  return plan;
}

// The engines of a run, up for its length.
struct Engines {
  std::vector<std::unique_ptr<EngineHandle>> handles;
  std::map<std::string, std::string> variables;  // For child processes.
};

// Tells what they are, here and in `info`, unless that is null.
absl::StatusOr<Engines> StartEngines(const Plan& plan, results::RunInfo* info) {
  Engines engines;
  for (const Engine engine : plan.engines) {
    const Stage stage("setup", EngineName(engine));
    const int64_t start_ns = absl::GetCurrentTimeNanos();
    absl::StatusOr<std::unique_ptr<EngineHandle>> handle =
        AcquireEngine(engine, plan.environment);
    if (!handle.ok()) return handle.status();
    if (info != nullptr) {
      OPSBENCH_ASSIGN_OR_RETURN(results::EngineInfo facts,
                                ReadEngineFacts((*handle)->url()));
      absl::FPrintF(
          stderr, "%-9s %s (%s, %.1f s)\n", EngineName(engine), facts.version,
          (*handle)->is_private() ? "private" : (*handle)->url().Redacted(),
          static_cast<double>(absl::GetCurrentTimeNanos() - start_ns) / 1e9);
      info->engines.push_back(std::move(facts));
    }
    engines.variables[UrlVariable(engine)] = (*handle)->url().ToString();
    engines.handles.push_back(*std::move(handle));
    if (stop_requested) return absl::CancelledError("interrupted");
  }
  return engines;
}

std::string EngineList(const std::vector<Engine>& engines) {
  return absl::StrJoin(engines, ",", [](std::string* out, Engine engine) {
    absl::StrAppend(out, EngineName(engine));
  });
}

std::vector<std::string> BenchArguments(const Area& area, const Flags& flags,
                                        const Context& context) {
  std::vector<std::string> arguments = {
      (context.binary_folder / absl::StrCat(area.name, "_bench")).string(),
      absl::StrCat("--scale=", flags.scale),
      absl::StrCat("--seed=", flags.seed)};
  if (!area.engines.empty()) {
    arguments.push_back(absl::StrCat("--engines=", EngineList(area.engines)));
  }
  if (flags.rows > 0) {
    arguments.push_back(absl::StrCat("--rows=", flags.rows));
  }
  if (!flags.filter.empty()) {
    arguments.push_back(absl::StrCat("--benchmark_filter=", flags.filter));
  }
  return arguments;
}

// Leaves the areas of which the filter selects something: something of each
// that was named, or anything at all. With peers to run, that may be none.
absl::Status SelectBenchmarks(const Flags& flags, const Context& context,
                              Plan* plan) {
  for (Area& area : plan->areas) {
    OPSBENCH_ASSIGN_OR_RETURN(
        area.benchmarks,
        SelectedBenchmarks(BenchArguments(area, flags, context)));
  }
  for (const Area& area : plan->areas) {
    if (flags.areas.empty() || flags.peers || !area.benchmarks.empty())
      continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "--filter ", flags.filter, " matches no benchmark of --area ",
        area.name, ": see the names in benchmarks/README.md"));
  }
  std::erase_if(plan->areas,
                [](const Area& area) { return area.benchmarks.empty(); });
  if (!plan->areas.empty() || flags.peers) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "--filter ", flags.filter, " matches no benchmark: see the names in ",
      "benchmarks/README.md"));
}

// A run that has ended, its engines still up.
struct Measured {
  std::vector<std::string> areas;  // Asked for, also those without benchmarks.
  Engines engines;
  bool failed = false;       // A benchmark, a process, or a server.
  bool interrupted = false;  // By Ctrl-C.
  bool cut_short = false;    // Benchmarks were left out for other reasons.
  results::Run run;
};

// How the run differs from `base`, printed.
absl::StatusOr<results::Comparison> PrintComparison(
    const Flags& flags, const Measured& measured,
    const results::SampleSet& base) {
  results::SampleSet head("this run");
  OPSBENCH_RETURN_IF_ERROR(head.AddRun(measured.run.folder));
  // What was not asked for did not vanish.
  results::CompareOptions compare;
  compare.filter = flags.filter;
  compare.areas = measured.areas;
  OPSBENCH_ASSIGN_OR_RETURN(results::Comparison comparison,
                            results::Compare(base, head, compare));
  // Failures come first, and the rest is in the report as well.
  results::RenderComparisonOptions options;
  options.color = ColorWanted();
  options.rows = 20;
  absl::PrintF("\n%s",
               results::RenderComparison(
                   comparison, results::ComparisonFormat::kText, options));
  if (comparison.metrics.size() > options.rows) {
    absl::PrintF("All %d rows: opsbench compare %s latest\n",
                 comparison.metrics.size(), flags.compare);
  }
  return comparison;
}

// Measures each area once a turn, in a process of its own and on private
// servers that were started for the turn: what differs from process to process,
// and from server to server, then differs among the repetitions, and what goes
// on beside the run meets all areas alike. An error of one turn leaves the
// others.
absl::Status MeasureTurns(const Plan& plan, const Flags& flags,
                          const Context& context, const std::string& folder,
                          Measured* measured) {
  std::map<std::string, results::BenchmarkFile> files;
  for (int64_t turn = 1; turn <= flags.iterations; ++turn) {
    if (turn > 1) {
      measured->engines = {};
      OPSBENCH_ASSIGN_OR_RETURN(measured->engines,
                                StartEngines(plan, /*info=*/nullptr));
    }
    for (const Area& area : plan.areas) {
      const AreaProcess process = {
          .area = area.name,
          .arguments = BenchArguments(area, flags, context),
          .environment = measured->engines.variables,
          .benchmarks = area.benchmarks,
          .folder = folder,
          .stages = flags.stages,
          .turn = turn,
          .turns = flags.iterations};
      OPSBENCH_ASSIGN_OR_RETURN(const AreaResult result,
                                RunAreaProcess(process, &files[area.name]));
      measured->failed = measured->failed || result.failed;
      if (!result.problem.empty()) {
        absl::FPrintF(stderr, "opsbench: %s\n", result.problem);
        measured->cut_short = true;
      }
      if (result.interrupted || stop_requested) {
        return absl::CancelledError("interrupted");
      }
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Measured> Measure(const Flags& flags, const Context& context) {
  OPSBENCH_ASSIGN_OR_RETURN(Plan plan, MakePlan(flags));
  Measured measured;
  for (const Area& area : plan.areas) measured.areas.push_back(area.name);
  OPSBENCH_RETURN_IF_ERROR(SelectBenchmarks(flags, context, &plan));
  results::RunStore store(context.state_folder);
  if (!flags.save.empty()) {
    OPSBENCH_RETURN_IF_ERROR(store.CheckSave(flags.save));
  }
  results::RunInfo info =
      results::CollectRunInfo(context.state_folder.parent_path().string());
  info.scale = flags.scale;
  info.seed = flags.seed;
  info.filter = flags.filter;
  info.rows = flags.rows;
  info.repetitions = flags.iterations;
  for (const Area& area : plan.areas) info.areas.push_back(area.name);
  OPSBENCH_ASSIGN_OR_RETURN(measured.engines, StartEngines(plan, &info));
  OPSBENCH_ASSIGN_OR_RETURN(const std::string folder, store.CreateRun(info));
  const absl::Status status =
      MeasureTurns(plan, flags, context, folder, &measured);
  measured.interrupted = absl::IsCancelled(status);
  if (!status.ok() && !measured.interrupted) {
    absl::FPrintF(stderr, "opsbench: %s\n", status.message());
    measured.failed = measured.cut_short = true;
  }
  info.status = measured.interrupted || measured.cut_short
                    ? results::RunStatus::kInterrupted
                    : results::RunStatus::kComplete;
  OPSBENCH_RETURN_IF_ERROR(store.FinishRun(folder, info));
  OPSBENCH_ASSIGN_OR_RETURN(measured.run, store.Load(folder));
  return measured;
}

// 0, or 1 when a benchmark failed or the run was interrupted; else what
// --fail-on says.
absl::StatusOr<int> Run(const Flags& flags, const Context& context) {
  const int64_t start_ns = absl::GetCurrentTimeNanos();
  results::SampleSet base("");
  if (!flags.compare.empty()) {
    OPSBENCH_ASSIGN_OR_RETURN(
        base, ReadSide(results::RunStore(context.state_folder), flags.compare));
    // Before anything is measured in vain.
    for (const auto& [area, reason] : base.failures()) {
      if (!flags.areas.empty() && !absl::c_linear_search(flags.areas, area)) {
        continue;
      }
      return absl::FailedPreconditionError(absl::StrCat(
          "--compare ", flags.compare, ": no results of ", area, ": ", reason));
    }
  }
  OPSBENCH_ASSIGN_OR_RETURN(Measured measured, Measure(flags, context));
  results::RunStore store(context.state_folder);
  const results::Run& run = measured.run;
  const std::string& folder = run.folder;
  results::SummaryOptions summary;
  summary.color = ColorWanted();
  absl::PrintF("%s", results::RenderSummary(run, summary));
  if (flags.peers && !measured.interrupted) {
    OPSBENCH_ASSIGN_OR_RETURN(
        const bool fine,
        RunPeers(context, measured.areas, measured.engines.handles, folder));
    measured.failed = measured.failed || !fine;
  }
  results::ReportData report_data = {.run = run};
  int compared = kExitOk;
  if (!flags.compare.empty()) {
    OPSBENCH_ASSIGN_OR_RETURN(report_data.comparison,
                              PrintComparison(flags, measured, base));
    OPSBENCH_ASSIGN_OR_RETURN(const FailOn fail_on, ParseFailOn(flags.fail_on));
    compared = fail_on.ExitCode(*report_data.comparison);
    // Files of other projects are no runs: then there are no plots of the base.
    absl::StatusOr<results::Run> base_run = store.Load(flags.compare);
    if (base_run.ok()) report_data.base = *std::move(base_run);
  }
  absl::PrintF(
      "\n%s in %.0f s; results in %s\n",
      measured.interrupted ? "Interrupted" : "Done",
      static_cast<double>(absl::GetCurrentTimeNanos() - start_ns) / 1e9,
      fs::proximate(folder).string());
  const std::string report = absl::StrCat(folder, "/report.html");
  if (const absl::Status written = WriteReport(context, report_data, report);
      written.ok()) {
    absl::PrintF("Report: %s\n", fs::proximate(report).string());
  } else {  // The measurements are whole without it.
    absl::FPrintF(stderr, "opsbench: no report: %s\n", written.message());
    measured.failed = true;
  }
  if (!flags.save.empty() && !measured.interrupted && !measured.failed) {
    OPSBENCH_RETURN_IF_ERROR(store.Save(folder, flags.save));
    absl::PrintF("Saved as baseline %s\n", flags.save);
  } else if (!flags.save.empty()) {
    absl::FPrintF(stderr, "opsbench: not saved as %s: the run is not whole\n",
                  flags.save);
  }
  return measured.failed || measured.interrupted ? kExitFailed : compared;
}

}  // namespace

std::string AreaNames() {
  return absl::StrJoin(Areas(), ", ", [](std::string* out, const Area& area) {
    absl::StrAppend(out, area.name);
  });
}

absl::StatusOr<AreaRun> MeasureAreas(const AreaRunOptions& options,
                                     const Context& context) {
  Flags flags;
  flags.areas = options.areas;
  flags.engines = options.engines;
  flags.scale = options.scale;
  flags.filter = options.filter;
  flags.seed = options.seed;
  flags.rows = options.rows;
  flags.iterations = options.iterations;
  OPSBENCH_ASSIGN_OR_RETURN(Measured measured, Measure(flags, context));
  return AreaRun{std::move(measured.run), measured.failed,
                 measured.interrupted};
}

void AddRunCommand(CLI::App& app, Context& context) {
  CLI::App* run = app.add_subcommand(
      "run", "The main job: benchmark all areas on real engines");
  const auto flags = std::make_shared<Flags>();
  run->add_option("--area", flags->areas,
                  absl::StrCat("Areas, with commas (all): ", AreaNames()))
      ->delimiter(',');
  run->add_option("--scale", flags->scale,
                  "smoke (seconds), quick (minutes) or full (numbers worth "
                  "publishing) (default: quick)")
      ->check(CLI::IsMember({"smoke", "quick", "full"}));
  run->add_option("--engines", flags->engines,
                  "Engines, with commas (all): sqlite, mysql, postgres; areas "
                  "that need none run when --area names them")
      ->delimiter(',');
  run->add_option("--filter", flags->filter,
                  "Benchmarks whose names match this regular expression");
  run->add_option("--save", flags->save, "Keep the run as a baseline");
  run->add_option("--compare", flags->compare,
                  "Afterwards, how it differs from this baseline, run or file");
  run->add_option("--fail-on", flags->fail_on,
                  "With --compare: verdicts that make the exit code 1, as in "
                  "`opsbench compare` (default: none)");
  run->add_option("--seed", flags->seed, "Seed of data and requests (1)")
      ->check(SeedNumber());
  run->add_option("--repetitions", flags->iterations,
                  "Measure each area in so many processes (1): a comparison is "
                  "sure of nothing with fewer than 5")
      ->check(WholeNumber(1, 1000));
  run->add_flag("--peers", flags->peers,
                "Also the same work by other tools, as ratios (15 minutes)");
  AddStagesFlag(run, &flags->stages);
  run->footer(
      "Engines that OPSBENCH_MYSQL_URL, OPSBENCH_POSTGRES_URL or\n"
      "OPSBENCH_SQLITE_URL name are used as they are; for the others private\n"
      "servers are started and removed.\n"
      "Examples:\n"
      "  opsbench run --scale smoke\n"
      "  opsbench run --area memtable\n"
      "  opsbench run --engines sqlite,postgres --filter 'Latest.*level:3'\n"
      "  opsbench run --area memtable --filter /Get/ --repetitions 10 --save "
      "before\n"
      "  opsbench run --area memtable --filter /Get/ --repetitions 10 "
      "--compare "
      "before\n");
  run->callback([flags, &context] {
    InstallStopSignals();
    Finish(context, Run(*flags, context));
  });
}

}  // namespace opsbench::cli
