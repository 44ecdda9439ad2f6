// opsbench pipeline: run, verify, seed, compare.

#include <algorithm>
#include <cstdio>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "command.h"
#include "numbers.h"
#include "opsbench/base/stage.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/pipeline/bench_events.h"
#include "opsbench/pipeline/connectors.h"
#include "opsbench/pipeline/runner.h"
#include "opsbench/pipeline/speedup_report.h"
#include "opsbench/results/atomic_file.h"
#include "opsbench/results/benchmark_json.h"
#include "outputs.h"
#include "pipeline_engines.h"
#include "progress.h"

namespace opsbench::cli {
namespace {

using pipeline::ConnectorKind;
using pipeline::PipelineConfig;
using pipeline::PipelineResult;

struct Flags {
  std::vector<std::string> files;
  std::string out;
  std::string engine;  // Of `seed`; empty: postgres.
  std::string url;
  std::string table = pipeline::kBenchEvents;
  std::string profile = "120";
  int64_t rows = 0;  // 0: as the file says, or the default.
  int iterations = 3;
  bool dry_run = false;
  bool fresh = false;
  bool replace_foreign = false;
  bool stages = false;
};

absl::StatusOr<PipelineConfig> ReadFile(const Flags& flags,
                                        const std::string& path,
                                        const std::vector<ConnectorKind>& kinds,
                                        PipelineEngines* engines) {
  OPSBENCH_ASSIGN_OR_RETURN(PipelineConfig config, engines->Read(path, kinds));
  if (flags.rows > 0) {
    if (config.seed.rows == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("--rows is for pipelines that seed their source: ", path,
                       " has no key seed"));
    }
    config.seed.rows = flags.rows;
    config.seed.exact = true;
  }
  return config;
}

absl::Status SeedIfMissing(const PipelineConfig& config,
                           const std::vector<ConnectorKind>& kinds) {
  OPSBENCH_ASSIGN_OR_RETURN(const bool missing,
                            pipeline::NeedsSeed(config, kinds));
  if (!missing) return absl::OkStatus();
  const Stage stage("populate", config.pipeline);
  ProgressLine line;
  const absl::Status seeded =
      pipeline::SeedSource(config, &stop_requested, [&](int64_t done) {
        line.Update(absl::StrFormat("seeding %s: %d of %d rows",
                                    config.streams[0].name, done,
                                    config.seed.rows));
      });
  line.Clear();
  OPSBENCH_RETURN_IF_ERROR(seeded);
  absl::FPrintF(stderr,
                "no table %s in the source: made it, with %d rows of about "
                "%d bytes\n",
                config.streams[0].name, config.seed.rows,
                config.seed.profile_bytes);
  return absl::OkStatus();
}

absl::StatusOr<PipelineResult> RunOnce(
    absl::string_view what, const PipelineConfig& config,
    const std::vector<ConnectorKind>& kinds) {
  const Stage stage(what, config.pipeline);
  ProgressLine line;
  pipeline::RunOptions options;
  options.stop = &stop_requested;
  options.on_progress = [&](absl::string_view stream,
                            const pipeline::TransferProgress& progress) {
    line.Update(absl::StrFormat("%s: %d rows in %.1f s, %.0f rows/s", stream,
                                progress.rows,
                                static_cast<double>(progress.elapsed_ns) / 1e9,
                                progress.rows_per_second));
  };
  absl::StatusOr<PipelineResult> result =
      pipeline::RunPipeline(config, kinds, options);
  line.Clear();
  if (result.ok()) {
    for (const std::string& warning : result->warnings) {
      absl::FPrintF(stderr, "opsbench: warning: %s\n", warning);
    }
  }
  return result;
}

absl::Status WriteOut(const std::string& path, const PipelineResult& result) {
  results::BenchmarkRow row;
  row.name = row.run_name =
      absl::StrCat("Pipeline/Run/pipeline:", result.pipeline);
  row.iterations = 1;
  row.threads = result.readers + 1;
  row.time_unit = "ms";
  row.real_time = static_cast<double>(result.duration_ns) / 1e6;
  row.counters = pipeline::ResultCounters(result);
  results::BenchmarkFile file;
  file.rows.push_back(std::move(row));
  return results::WriteFileAtomically(path, results::FormatBenchmarkJson(file));
}

absl::StatusOr<int> DryRun(const PipelineConfig& config,
                           const std::vector<ConnectorKind>& kinds) {
  OPSBENCH_ASSIGN_OR_RETURN(const bool missing,
                            pipeline::NeedsSeed(config, kinds));
  if (missing) {
    absl::PrintF("Pipeline '%s' would first make %s with %d rows\n",
                 config.pipeline, config.streams[0].name, config.seed.rows);
    return kExitOk;
  }
  OPSBENCH_ASSIGN_OR_RETURN(const std::string plan,
                            pipeline::PlanPipeline(config, kinds));
  absl::PrintF("%s", plan);
  return kExitOk;
}

absl::StatusOr<int> Run(const Flags& flags) {
  if (flags.dry_run && (flags.stages || !flags.out.empty())) {
    return absl::InvalidArgumentError(
        absl::StrCat(flags.stages ? "--stages" : "--out",
                     " has no effect with --dry-run, which measures nothing"));
  }
  const std::vector<ConnectorKind> kinds = pipeline::AllConnectors();
  OPSBENCH_ASSIGN_OR_RETURN(PipelineEngines engines, PipelineEngines::Load());
  OPSBENCH_ASSIGN_OR_RETURN(const PipelineConfig config,
                            ReadFile(flags, flags.files[0], kinds, &engines));
  if (flags.dry_run) return DryRun(config, kinds);
  OPSBENCH_RETURN_IF_ERROR(SeedIfMissing(config, kinds));
  OPSBENCH_ASSIGN_OR_RETURN(const PipelineResult result,
                            RunOnce("measure", config, kinds));
  absl::PrintF("%s%s\n", pipeline::RenderResult(result),
               pipeline::BenchJsonLine(result));
  if (!flags.out.empty()) {
    OPSBENCH_RETURN_IF_ERROR(WriteOut(flags.out, result));
  }
  return kExitOk;
}

absl::StatusOr<int> Verify(const Flags& flags) {
  const std::vector<ConnectorKind> kinds = pipeline::AllConnectors();
  OPSBENCH_ASSIGN_OR_RETURN(PipelineEngines engines, PipelineEngines::Load());
  OPSBENCH_ASSIGN_OR_RETURN(const PipelineConfig config,
                            engines.Read(flags.files[0], kinds));
  OPSBENCH_ASSIGN_OR_RETURN(
      const std::vector<pipeline::Verdict> verdicts,
      pipeline::VerifyPipeline(config, kinds, &stop_requested));
  bool equal = true;
  for (const pipeline::Verdict& verdict : verdicts) {
    absl::PrintF("%s", pipeline::RenderVerdict(verdict));
    equal = equal && verdict.equal();
  }
  return equal ? kExitOk : kExitFailed;
}

// A pipeline that is run several times does the same work each time.
absl::Status CheckComparable(const std::string& path,
                             const PipelineConfig& config, int runs) {
  if (config.write_mode == pipeline::WriteMode::kAppend &&
      config.destination.use != "dest-null") {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": write_mode append would add the rows ", runs,
        " times, once for each run of a comparison; use replace or upsert"));
  }
  for (const pipeline::StreamConfig& stream : config.streams) {
    if (!stream.incremental) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": incremental stream ", stream.name,
        " would move its rows in the first run of a comparison, and none in "
        "those that are measured; use sync_mode full"));
  }
  return absl::OkStatus();
}

// "COPY" where the load methods tell the pipelines apart, else their names.
std::vector<std::string> LabelsOf(const std::vector<PipelineConfig>& configs) {
  std::vector<std::string> names;
  std::vector<std::string> methods;
  for (const PipelineConfig& config : configs) {
    names.push_back(config.pipeline);
    const auto& settings = config.destination.config.settings;
    const auto method = settings.find("load_method");
    methods.push_back(
        method == settings.end() ? "" : absl::AsciiStrToUpper(method->second));
  }
  const std::set<std::string> different(methods.begin(), methods.end());
  return different.size() == methods.size() && different.count("") == 0
             ? methods
             : names;
}

absl::StatusOr<int> Compare(const Flags& flags) {
  const std::vector<ConnectorKind> kinds = pipeline::AllConnectors();
  OPSBENCH_ASSIGN_OR_RETURN(PipelineEngines engines, PipelineEngines::Load());
  std::vector<PipelineConfig> configs;
  for (const std::string& path : flags.files) {
    OPSBENCH_ASSIGN_OR_RETURN(PipelineConfig config,
                              ReadFile(flags, path, kinds, &engines));
    OPSBENCH_RETURN_IF_ERROR(
        CheckComparable(path, config, flags.iterations + 1));
    configs.push_back(std::move(config));
  }
  const std::vector<std::string> labels = LabelsOf(configs);
  std::vector<pipeline::ModeRuns> modes;
  for (size_t i = 0; i < configs.size(); ++i) {
    OPSBENCH_RETURN_IF_ERROR(SeedIfMissing(configs[i], kinds));
    // A run that nobody counts warms caches and makes tables.
    OPSBENCH_RETURN_IF_ERROR(RunOnce("warmup", configs[i], kinds).status());
    modes.push_back({labels[i], {}});
  }
  // In turns, so that what drifts drifts for all.
  for (int iteration = 0; iteration < flags.iterations; ++iteration) {
    for (size_t i = 0; i < configs.size(); ++i) {
      OPSBENCH_ASSIGN_OR_RETURN(PipelineResult result,
                                RunOnce("measure", configs[i], kinds));
      modes[i].runs.push_back(std::move(result));
    }
  }
  OPSBENCH_ASSIGN_OR_RETURN(const std::string report,
                            pipeline::RenderSpeedups(modes));
  absl::PrintF("%s", report);
  return kExitOk;
}

// The engine to seed: one that stays when the command has ended.
absl::StatusOr<Url> SeedUrl(const Flags& flags) {
  absl::optional<Url> url;
  if (!flags.url.empty()) {
    if (!flags.engine.empty()) {
      return absl::InvalidArgumentError(
          "--engine has no effect with --url, which names the engine");
    }
    absl::StatusOr<Url> parsed = Url::Parse(flags.url);
    if (!parsed.ok()) {
      return absl::Status(parsed.status().code(),
                          absl::StrCat("--url: ", parsed.status().message()));
    }
    url = *std::move(parsed);
  } else {
    OPSBENCH_ASSIGN_OR_RETURN(
        const Engine engine,
        ParseEngine(flags.engine.empty() ? "postgres" : flags.engine));
    OPSBENCH_ASSIGN_OR_RETURN(const Environment environment,
                              Environment::Load());
    OPSBENCH_ASSIGN_OR_RETURN(url, environment.EngineUrl(engine));
    if (!url.has_value()) {
      const std::string name = absl::AsciiStrToUpper(EngineName(engine));
      return absl::InvalidArgumentError(
          absl::StrCat("no ", EngineName(engine),
                       " is named to seed, and a private one "
                       "would be gone with its rows: give --url, set OPSBENCH_",
                       name, "_URL, or start one by `opsbench servers up`"));
    }
  }
  if (url->engine == Engine::kRedis) {
    return absl::InvalidArgumentError(
        "pipelines are for SQL: use sqlite, mysql or postgres");
  }
  return *std::move(url);
}

absl::StatusOr<int> Seed(const Flags& flags) {
  OPSBENCH_ASSIGN_OR_RETURN(const Url url, SeedUrl(flags));
  OPSBENCH_ASSIGN_OR_RETURN(const auto session, Connect(url));
  pipeline::BenchEventsOptions options;
  if (flags.rows > 0) options.rows = flags.rows;
  options.profile_bytes = std::stoi(flags.profile);
  options.table.table = flags.table;
  options.fresh = flags.fresh;
  options.replace_foreign = flags.replace_foreign;
  options.stop = &stop_requested;
  ProgressLine line;
  options.on_progress = [&](int64_t done) {
    line.Update(absl::StrFormat("seeding %s: %d of %d rows", flags.table, done,
                                options.rows));
  };
  const absl::Status seeded = pipeline::SeedBenchEvents(session.get(), options);
  line.Clear();
  if (absl::IsAlreadyExists(seeded)) {
    return absl::AlreadyExistsError(
        absl::StrCat(seeded.message(), ": --fresh replaces it"));
  }
  if (absl::IsFailedPrecondition(seeded) && !flags.replace_foreign) {
    return absl::FailedPreconditionError(
        absl::StrCat(seeded.message(), ", or replace it by --replace-foreign"));
  }
  OPSBENCH_RETURN_IF_ERROR(seeded);
  absl::PrintF("%s: %d rows of about %d bytes\n", flags.table, options.rows,
               options.profile_bytes);
  return kExitOk;
}

using Action = absl::StatusOr<int> (*)(const Flags&);

CLI::App* AddAction(CLI::App& group, Context& context,
                    const std::shared_ptr<Flags>& flags, const char* name,
                    const char* help, Action action) {
  CLI::App* command = group.add_subcommand(name, help);
  command->callback([flags, &context, action] {
    InstallStopSignals();
    const absl::StatusOr<int> code = action(*flags);
    if (code.ok()) {
      context.exit_code = *code;
      return;
    }
    const bool failed = absl::IsCancelled(code.status()) ||
                        absl::IsUnavailable(code.status()) ||
                        absl::IsInternal(code.status()) ||
                        absl::IsAborted(code.status()) ||
                        absl::IsDeadlineExceeded(code.status()) ||
                        absl::IsResourceExhausted(code.status()) ||
                        absl::IsUnknown(code.status());
    Fail(context, code.status(), failed ? kExitFailed : kExitUsage);
  });
  return command;
}

void AddFile(CLI::App* command, const std::shared_ptr<Flags>& flags) {
  command->add_option("file", flags->files, "A pipeline file")
      ->required()
      ->expected(1);
}

void AddRows(CLI::App* command, const std::shared_ptr<Flags>& flags,
             const char* help) {
  command->add_option("--rows", flags->rows, help)
      ->check(WholeNumber(1, 1'000'000'000));
}

}  // namespace

void AddPipelineCommand(CLI::App& app, Context& context) {
  CLI::App* group = app.add_subcommand(
      "pipeline", "Rows from a source to a destination, every phase timed");
  group->require_subcommand(1);
  const auto flags = std::make_shared<Flags>();

  CLI::App* run = AddAction(*group, context, flags, "run",
                            "Move the rows that a pipeline file names", Run);
  AddFile(run, flags);
  run->add_flag("--dry-run", flags->dry_run,
                "Connect, describe and say what would be done");
  AddRows(run, flags,
          "Rows to seed where the source has no table, instead of "
          "the file's; a table of another size is refused");
  run->add_option("--out", flags->out,
                  "Also write the result as Google Benchmark JSON")
      ->type_name("FILE")
      ->check(OutputFile());
  AddStagesFlag(run, &flags->stages);
  run->footer(
      "Engines whose URL is a variable that is not set, such as\n"
      "${OPSBENCH_POSTGRES_URL}, are started privately for the run.\n"
      "Example:\n"
      "  opsbench pipeline run fixtures/pipelines/bench_pg_copy.yaml\n");

  CLI::App* verify = AddAction(
      *group, context, flags, "verify",
      "Count and checksum both tables, by column; exit 1 when they differ",
      Verify);
  AddFile(verify, flags);

  CLI::App* compare =
      AddAction(*group, context, flags, "compare",
                "Run pipelines in turns: medians and speedups", Compare);
  compare->add_option("files", flags->files, "Pipeline files")->required();
  compare
      ->add_option("--iterations", flags->iterations,
                   "Measured runs of each (3)")
      ->check(WholeNumber(1, 1000));
  AddRows(compare, flags, "Rows to seed, instead of the files'");
  compare->footer(
      "Example:\n"
      "  opsbench pipeline compare fixtures/pipelines/bench_pg.yaml "
      "fixtures/pipelines/bench_pg_copy.yaml\n");

  CLI::App* seed =
      AddAction(*group, context, flags, "seed", "Make a table of events", Seed);
  seed->add_option("--engine", flags->engine,
                   "sqlite, mysql or postgres, where OPSBENCH_<ENGINE>_URL "
                   "says (postgres)");
  seed->add_option("--url", flags->url,
                   "An engine by its URL instead of --engine");
  seed->add_option("--table", flags->table, "Its name (bench_events)");
  AddRows(seed, flags, "Rows (100000)");
  seed->add_option("--profile", flags->profile,
                   "About how many bytes a row has: 120, 500 or 4096 (120)")
      ->check(CLI::IsMember({"120", "500", "4096"}));
  seed->add_flag("--fresh", flags->fresh,
                 "Replace a table that an earlier seeding made");
  seed->add_flag("--replace-foreign", flags->replace_foreign,
                 "Also replace what opsbench did not make");
}

}  // namespace opsbench::cli
