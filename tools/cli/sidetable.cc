// opsbench sidetable: seed, run, records, explain, validate, compare.

#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "command.h"
#include "numbers.h"
#include "opsbench/base/stage.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/engines/engines.h"
#include "opsbench/load/load.h"
#include "opsbench/load/report_text.h"
#include "opsbench/sidetable/compare.h"
#include "opsbench/sidetable/effect.h"
#include "opsbench/sidetable/inspect.h"
#include "opsbench/sidetable/mix.h"
#include "opsbench/sidetable/request_list.h"
#include "opsbench/sidetable/seed.h"
#include "opsbench/sidetable/store.h"
#include "opsbench/sidetable/workload.h"
#include "outputs.h"
#include "progress.h"
#include "sidetable_result.h"

namespace opsbench::cli {
namespace {

using sidetable::Store;
using sidetable::Strategy;

// What `run`, `explain` and the like seed on a private server, which has no
// data yet.
constexpr int64_t kPrivateOperations = 100'000;

// The flags of all subcommands; each takes those it needs.
struct Flags {
  const CLI::App* command = nullptr;  // That was given.

  bool Given(const std::string& flag) const {
    const CLI::Option* option = command->get_option_no_throw(flag);
    return option != nullptr && option->count() > 0;
  }

  std::string engine = "sqlite";
  std::string url;
  std::string strategy = "side_table";
  std::string mix = "D";
  std::string path = "labs.result_webhooks.quest.step_0.part_0";
  std::string arrival = "constant";
  std::string driver = "native";
  std::string out;
  int64_t ops = 0;  // 0: the environment's TOTAL_OPS, else the default.
  int64_t operations = 0;
  int workers = 0;  // 0: the environment's CONCURRENCY, else the default.
  int batch_size = 0;
  int distinct = 0;
  double seconds = 10;
  double warmup = 1;
  double rate = 0;
  uint64_t seed = 1;
  bool resume = false;
  bool fresh = false;
  bool replace_foreign = false;
  bool stages = false;
  bool peers = false;  // For benchmarks/peers/ alone, so not in the help.

  sidetable::Purpose purpose() const {
    return peers ? sidetable::Purpose::kPeers : sidetable::Purpose::kData;
  }
};

// Flags that were read and checked before anything is opened.
struct Setup {
  Environment environment;
  Engine engine;
  absl::optional<Url> url;       // None: a private server.
  bool in_state_folder = false;  // A file of SQLite's that nobody has named.
  std::vector<Strategy> strategies;
  int64_t ops;
  int workers;
  absl::optional<int64_t> batch_size;
};

// An engine that is open, with what keeps it so.
struct Target {
  Url url;
  std::unique_ptr<EngineHandle> handle;
  bool is_private = false;
};

absl::StatusOr<std::vector<Strategy>> ParseStrategies(absl::string_view text,
                                                      Engine engine) {
  const absl::Span<const Strategy> possible = sidetable::StrategiesOf(engine);
  if (text == "all")
    return std::vector<Strategy>(possible.begin(), possible.end());
  std::vector<Strategy> strategies;
  for (const absl::string_view name : absl::StrSplit(text, ',')) {
    OPSBENCH_ASSIGN_OR_RETURN(const Strategy strategy,
                              sidetable::ParseStrategy(name));
    if (std::find(possible.begin(), possible.end(), strategy) ==
        possible.end()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "strategy ", name, " is not for ", EngineName(engine), ": use ",
          absl::StrJoin(possible, ", ", [](std::string* out, Strategy s) {
            absl::StrAppend(out, sidetable::StrategyName(s));
          })));
    }
    strategies.push_back(strategy);
  }
  return strategies;
}

// Refuses a flag that would change nothing beside the others.
absl::Status CheckThatFlagsAct(const Flags& flags, Engine engine) {
  const absl::StatusOr<std::vector<sidetable::MixOperation>> mix =
      sidetable::ParseMix(flags.mix);
  const bool batches =
      mix.ok() && absl::c_any_of(*mix, [](const auto& operation) {
        return operation.kind == sidetable::OperationKind::kInsertBatch;
      });
  const bool seeds = flags.command->get_name() == "seed";
  const struct {
    const char* flag;
    bool idle;
    const char* why;
  } rules[] = {
      {"--engine",
       flags.Given("--url") &&
           ParseEngine(flags.engine).value_or(engine) != engine,
       "--url names another engine"},
      {"--url", flags.url.empty(), "it is empty"},
      {"--out", flags.out.empty(), "it is empty"},
      {"--workers", seeds && engine == Engine::kSqlite && flags.workers > 1,
       "SQLite has one writer"},
      {"--resume", flags.fresh, "--fresh starts again"},
      {"--replace-foreign", !flags.fresh, "it needs --fresh"},
      {"--seconds", flags.operations > 0, "--operations ends the run"},
      {"--arrival", flags.rate == 0, "it needs --rate"},
      {"--batch-size", !batches, "the mix has no batched insert"},
      {"--driver", engine != Engine::kMysql, "only MySQL has several"},
  };
  for (const auto& [flag, idle, why] : rules) {
    if (!idle || !flags.Given(flag)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(flag, " would change nothing: ", why));
  }
  return absl::OkStatus();
}

// Refuses --ops and --seed of commands that read data of another size or seed.
absl::Status CheckAskedFor(const Flags& flags, Strategy strategy,
                           const sidetable::Meta& meta) {
  const auto refuse = [&](const char* flag, auto asked, auto held) {
    return absl::InvalidArgumentError(
        absl::StrCat(flag, " ", asked, " would change nothing: strategy ",
                     sidetable::StrategyName(strategy), " was seeded with ",
                     held, "; leave it out, or seed anew"));
  };
  if (flags.Given("--ops") && flags.ops != meta.operations) {
    return refuse("--ops", flags.ops, meta.operations);
  }
  // Where there is a load, it is the load's seed as well.
  const bool loads = flags.command->get_name() == "run";
  if (!loads && flags.Given("--seed") && flags.seed != meta.seed) {
    return refuse("--seed", flags.seed, meta.seed);
  }
  return absl::OkStatus();
}

absl::StatusOr<Setup> Check(const Flags& flags, const Context& context) {
  Setup setup;
  OPSBENCH_ASSIGN_OR_RETURN(setup.environment, Environment::Load());
  OPSBENCH_ASSIGN_OR_RETURN(setup.engine, ParseEngine(flags.engine));
  if (!flags.url.empty()) {
    absl::StatusOr<Url> url = Url::Parse(flags.url);
    if (!url.ok()) {
      return absl::Status(url.status().code(),
                          absl::StrCat("--url: ", url.status().message()));
    }
    setup.url = *std::move(url);
    setup.engine = setup.url->engine;
  } else {
    OPSBENCH_ASSIGN_OR_RETURN(setup.url,
                              setup.environment.EngineUrl(setup.engine));
  }
  if (setup.engine == Engine::kRedis) {
    return absl::InvalidArgumentError(
        "the side table is for SQL: use --engine sqlite, mysql or postgres");
  }
  OPSBENCH_RETURN_IF_ERROR(CheckThatFlagsAct(flags, setup.engine));
  if (!setup.url.has_value() && setup.engine == Engine::kSqlite) {
    setup.url = Url();
    setup.url->database = (context.state_folder / "sidetable.db").string();
    setup.in_state_folder = true;
  }
  OPSBENCH_ASSIGN_OR_RETURN(setup.strategies,
                            ParseStrategies(flags.strategy, setup.engine));
  OPSBENCH_ASSIGN_OR_RETURN(
      const absl::optional<int64_t> total,
      setup.environment.GetInt("TOTAL_OPS", 1, sidetable::kMaxOperations));
  OPSBENCH_ASSIGN_OR_RETURN(const absl::optional<int64_t> concurrency,
                            setup.environment.GetInt("CONCURRENCY", 1, 1024));
  OPSBENCH_ASSIGN_OR_RETURN(
      setup.batch_size,
      setup.environment.GetInt("BATCH_SIZE", 2, sidetable::kMaxBatch));
  if (flags.batch_size > 0) setup.batch_size = flags.batch_size;
  setup.ops = flags.ops > 0 ? flags.ops : total.value_or(0);
  setup.workers = flags.workers > 0 ? flags.workers
                                    : static_cast<int>(concurrency.value_or(0));
  return setup;
}

absl::StatusOr<Target> Open(const Setup& setup) {
  Target target;
  if (setup.url.has_value()) {
    target.url = *setup.url;
    if (setup.in_state_folder) {
      std::error_code ignored;
      std::filesystem::create_directories(
          std::filesystem::path(target.url.database).parent_path(), ignored);
    }
    return target;
  }
  absl::FPrintF(stderr, "starting a private %s server\n",
                EngineName(setup.engine));
  const Stage stage("setup", EngineName(setup.engine));
  OPSBENCH_ASSIGN_OR_RETURN(target.handle,
                            AcquireEngine(setup.engine, setup.environment));
  target.url = target.handle->url();
  target.is_private = target.handle->is_private();
  return target;
}

// Seeds with progress on stderr.
absl::StatusOr<sidetable::SeedReport> SeedWithProgress(
    const Url& url, sidetable::SeedOptions options) {
  const Stage stage("populate", absl::StrCat(EngineName(url.engine), "/",
                                             StrategyName(options.strategy)));
  ProgressLine line;
  options.stop = &stop_requested;
  options.on_progress = [&](const sidetable::SeedProgress& progress) {
    if (progress.indexing) {
      line.Update(absl::StrFormat(
          "seeding %s: %d operations are loaded, making indexes (%.0f s)",
          sidetable::StrategyName(options.strategy), progress.total,
          absl::ToDoubleSeconds(progress.elapsed)));
      return;
    }
    const double left = static_cast<double>(progress.total - progress.done) /
                        std::max(1.0, progress.operations_per_second);
    line.Update(absl::StrFormat(
        "seeding %s: %d of %d operations (%.0f%%), %.0f/s, %.0f s left",
        sidetable::StrategyName(options.strategy), progress.done,
        progress.total,
        100.0 * static_cast<double>(progress.done) /
            static_cast<double>(progress.total),
        progress.operations_per_second, left));
  };
  return sidetable::Seed(url, options);
}

// A private server has no data: a command that reads gives it some.
absl::Status SeedIfPrivate(const Setup& setup, const Target& target,
                           const Flags& flags) {
  if (!target.is_private) return absl::OkStatus();
  for (const Strategy strategy : setup.strategies) {
    const int64_t ops = setup.ops > 0 ? setup.ops : kPrivateOperations;
    absl::FPrintF(stderr,
                  "no data on a private server: seeding %d operations\n", ops);
    OPSBENCH_RETURN_IF_ERROR(SeedWithProgress(target.url, {.strategy = strategy,
                                                           .operations = ops,
                                                           .seed = flags.seed})
                                 .status());
  }
  return absl::OkStatus();
}

struct OpenStore {
  std::unique_ptr<Session> session;
  std::unique_ptr<Store> store;  // Uses session, so it goes first.
};

absl::StatusOr<OpenStore> OpenSeeded(const Url& url, Strategy strategy,
                                     const Flags& flags) {
  OpenStore open;
  ConnectOptions connect;
  connect.read_only = true;
  absl::StatusOr<std::unique_ptr<Session>> session = Connect(url, connect);
  if (absl::IsNotFound(session.status()) && url.engine == Engine::kSqlite) {
    return absl::NotFoundError(absl::StrCat(
        "no database ", url.database, ": run `opsbench sidetable seed` first"));
  }
  OPSBENCH_RETURN_IF_ERROR(session.status());
  open.session = *std::move(session);
  OPSBENCH_ASSIGN_OR_RETURN(
      open.store, Store::Create(open.session.get(), strategy, flags.purpose()));
  OPSBENCH_ASSIGN_OR_RETURN(const sidetable::Meta meta,
                            open.store->RequireSeeded());
  OPSBENCH_RETURN_IF_ERROR(CheckAskedFor(flags, strategy, meta));
  return open;
}

absl::StatusOr<int> RunSeed(const Flags& flags, const Context& context) {
  OPSBENCH_ASSIGN_OR_RETURN(const Setup setup, Check(flags, context));
  OPSBENCH_ASSIGN_OR_RETURN(const Target target, Open(setup));
  if (target.is_private) {
    absl::FPrintF(stderr,
                  "note: a private server ends with this command, and its "
                  "data with it; `opsbench servers up` keeps one\n");
  }
  for (const Strategy strategy : setup.strategies) {
    sidetable::SeedOptions options;
    options.strategy = strategy;
    options.purpose = flags.purpose();
    if (setup.ops > 0) options.operations = setup.ops;
    if (setup.workers > 0) options.workers = setup.workers;
    options.seed = flags.seed;
    options.resume = flags.resume;
    options.fresh = flags.fresh;
    options.replace_foreign = flags.replace_foreign;
    OPSBENCH_ASSIGN_OR_RETURN(const sidetable::SeedReport report,
                              SeedWithProgress(target.url, options));
    if (report.resumed > 0) {
      absl::PrintF("%s: %d operations were there already\n",
                   sidetable::StrategyName(strategy), report.resumed);
    }
    absl::PrintF(
        "%s: seeded %d operations and %d prefix rows in %.1f s "
        "(%.0f operations/s, %.0f rows/s)\n",
        sidetable::StrategyName(strategy), report.operations,
        report.prefix_rows, absl::ToDoubleSeconds(report.elapsed),
        report.operations_per_second,
        static_cast<double>(report.operations + report.prefix_rows) /
            absl::ToDoubleSeconds(report.elapsed));
  }
  return kExitOk;
}

absl::StatusOr<LoadOptions> CheckLoad(const Flags& flags, const Setup& setup) {
  LoadOptions options;
  options.workers = setup.workers > 0 ? setup.workers : 8;
  options.duration = absl::Seconds(flags.seconds);
  options.warmup = absl::Seconds(flags.warmup);
  options.operations = flags.operations;
  options.seed = flags.seed;
  if (flags.rate > 0) {
    options.rate_per_second = flags.rate;
    options.arrival =
        flags.arrival == "poisson" ? Arrival::kPoisson : Arrival::kConstant;
  }
  return options;
}

absl::StatusOr<int> RunLoad(const Flags& flags, const Context& context) {
  OPSBENCH_ASSIGN_OR_RETURN(const Setup setup, Check(flags, context));
  OPSBENCH_ASSIGN_OR_RETURN(std::vector<sidetable::MixOperation> mix,
                            sidetable::ParseMix(flags.mix));
  if (setup.batch_size.has_value()) {
    sidetable::SetBatch(static_cast<int>(*setup.batch_size), &mix);
  }
  if (setup.strategies.size() != 1) {
    return absl::InvalidArgumentError(
        "run takes one --strategy; `opsbench sidetable compare` takes all");
  }
  OPSBENCH_ASSIGN_OR_RETURN(LoadOptions options, CheckLoad(flags, setup));
  const Strategy strategy = setup.strategies[0];
  OPSBENCH_ASSIGN_OR_RETURN(const Target target, Open(setup));
  OPSBENCH_RETURN_IF_ERROR(SeedIfPrivate(setup, target, flags));
  OPSBENCH_ASSIGN_OR_RETURN(const OpenStore open,
                            OpenSeeded(target.url, strategy, flags));
  OPSBENCH_ASSIGN_OR_RETURN(const sidetable::WriteCheck check,
                            sidetable::WriteCheck::Start(*open.store));

  ConnectOptions connect;
  if (flags.driver == "connector") {
    connect.driver = ConnectOptions::Driver::kConnector;
  }
  sidetable::SidetableWorkload workload(target.url, connect, strategy, mix,
                                        flags.distinct, flags.purpose());
  options.mix = workload.WeightedMix();
  options.stop = &stop_requested;
  options.stage_tag = absl::StrCat(EngineName(target.url.engine), "/",
                                   sidetable::StrategyName(strategy));
  ProgressLine line;
  options.on_progress = [&](const LoadProgress& progress) {
    line.Update(absl::StrFormat(
        "%s %.0f s: %d operations, %d in the last second, %d errors",
        progress.warming_up ? "warm-up" : "running",
        absl::ToDoubleSeconds(progress.elapsed), progress.operations,
        progress.last_second.operations, progress.errors));
  };
  OPSBENCH_ASSIGN_OR_RETURN(const auto engine, LoadEngine::Create(options));
  const std::string seconds =
      flags.operations > 0 ? absl::StrCat(flags.operations, " operations")
                           : absl::StrCat(flags.seconds, "s");
  absl::PrintF("Running Mix %s with %d workers for %s (%s, %s, seed %d)...\n",
               flags.mix, options.workers, seconds,
               EngineName(target.url.engine), sidetable::StrategyName(strategy),
               flags.seed);
  std::fflush(stdout);
  OPSBENCH_ASSIGN_OR_RETURN(const LoadReport report, engine->Run(workload));
  line.Clear();
  absl::PrintF("\nResults:\n%s", RenderLoadReport(report));
  if (!flags.out.empty()) {
    OPSBENCH_RETURN_IF_ERROR(WriteLoadResult(
        flags.out, target.url.engine, strategy, flags.mix, options, report));
  }
  if (workload.Writes()) {
    const Stage stage("verify", options.stage_tag);
    OPSBENCH_RETURN_IF_ERROR(check.Finish(*open.store, workload.written()));
  }
  return report.ended_early.ok() && report.errors() == 0 ? kExitOk
                                                         : kExitFailed;
}

absl::StatusOr<int> RunRecords(const Flags& flags, const Context& context) {
  OPSBENCH_ASSIGN_OR_RETURN(const Setup setup, Check(flags, context));
  OPSBENCH_ASSIGN_OR_RETURN(const Target target, Open(setup));
  OPSBENCH_RETURN_IF_ERROR(SeedIfPrivate(setup, target, flags));
  for (const Strategy strategy : setup.strategies) {
    OPSBENCH_ASSIGN_OR_RETURN(const OpenStore open,
                              OpenSeeded(target.url, strategy, flags));
    OPSBENCH_ASSIGN_OR_RETURN(const sidetable::Records records,
                              sidetable::ReadRecords(*open.store, 5));
    absl::PrintF("%s", sidetable::RenderRecords(records));
  }
  return kExitOk;
}

absl::StatusOr<int> RunRequests(const Flags& flags, const Context& context) {
  OPSBENCH_ASSIGN_OR_RETURN(const Setup setup, Check(flags, context));
  OPSBENCH_ASSIGN_OR_RETURN(const std::vector<sidetable::MixOperation> mix,
                            sidetable::ParseMix(flags.mix));
  OPSBENCH_ASSIGN_OR_RETURN(const Target target, Open(setup));
  OPSBENCH_RETURN_IF_ERROR(SeedIfPrivate(setup, target, flags));
  OPSBENCH_ASSIGN_OR_RETURN(const OpenStore open,
                            OpenSeeded(target.url, setup.strategies[0], flags));
  for (const sidetable::MixOperation& operation : mix) {
    OPSBENCH_ASSIGN_OR_RETURN(
        const sidetable::RequestList list,
        sidetable::ListRequests(*open.store, operation, flags.distinct));
    absl::PrintF("%s\n", list.sql);
    for (const std::vector<std::string>& arguments : list.arguments) {
      absl::PrintF("%s\n", absl::StrJoin(arguments, "\t"));
    }
  }
  return kExitOk;
}

// Runs `visit` on every query of every strategy.
absl::Status ForEachQuery(
    const Flags& flags, const Context& context, int levels,
    const std::function<void(Strategy, const sidetable::ExplainedQuery&)>&
        visit) {
  OPSBENCH_ASSIGN_OR_RETURN(const Setup setup, Check(flags, context));
  OPSBENCH_RETURN_IF_ERROR(sidetable::ValidatePath(flags.path));
  OPSBENCH_ASSIGN_OR_RETURN(const Target target, Open(setup));
  OPSBENCH_RETURN_IF_ERROR(SeedIfPrivate(setup, target, flags));
  for (const Strategy strategy : setup.strategies) {
    OPSBENCH_ASSIGN_OR_RETURN(const OpenStore open,
                              OpenSeeded(target.url, strategy, flags));
    OPSBENCH_ASSIGN_OR_RETURN(
        const std::vector<sidetable::ExplainedQuery> queries,
        sidetable::ExplainQueries(
            *open.store, flags.path,
            std::min(levels, sidetable::Depth(flags.path)), 5));
    for (const sidetable::ExplainedQuery& query : queries) {
      visit(strategy, query);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<int> RunExplain(const Flags& flags, const Context& context) {
  OPSBENCH_RETURN_IF_ERROR(ForEachQuery(
      flags, context, 4, [](Strategy, const sidetable::ExplainedQuery& query) {
        absl::PrintF("%s\n", sidetable::RenderExplained(query));
      }));
  return kExitOk;
}

absl::StatusOr<int> RunValidate(const Flags& flags, const Context& context) {
  bool all_seek = true;
  OPSBENCH_RETURN_IF_ERROR(ForEachQuery(
      flags, context, sidetable::kMaxLevels,
      [&](Strategy strategy, const sidetable::ExplainedQuery& query) {
        all_seek = all_seek && query.seeks;
        absl::PrintF("%-4s %-14s %-15s %s\n", query.seeks ? "ok" : "FAIL",
                     sidetable::StrategyName(strategy), query.title,
                     query.seeks
                         ? absl::StrCat("seeks in ", query.expected_index)
                         : query.why);
        if (!query.seeks) absl::PrintF("%s\n", RenderExplained(query));
      }));
  return all_seek ? kExitOk : kExitFailed;
}

absl::StatusOr<int> RunCompare(const Flags& flags, const Context& context) {
  OPSBENCH_ASSIGN_OR_RETURN(const Setup setup, Check(flags, context));
  OPSBENCH_ASSIGN_OR_RETURN(const Target target, Open(setup));
  sidetable::CompareOptions options;
  options.strategies = setup.strategies;
  options.operations = setup.ops > 0 ? setup.ops : kPrivateOperations;
  options.seed = flags.seed;
  options.duration = absl::Seconds(flags.seconds);
  options.stop = &stop_requested;
  ProgressLine line;
  options.on_step = [&](absl::string_view step) {
    line.Update(std::string(step));
  };
  const sidetable::Comparison comparison =
      sidetable::CompareStrategies(target.url, options);
  line.Clear();
  if (!comparison.figures.empty()) {
    absl::PrintF("%s, %d operations, seed %d\n\n%s",
                 EngineName(target.url.engine), options.operations, flags.seed,
                 sidetable::RenderComparison(comparison.figures));
  }
  if (!comparison.ended_early.ok()) {
    if (!comparison.figures.empty()) {
      absl::PrintF("It ended early: what has - was not measured.\n");
    }
    return comparison.ended_early;
  }
  return kExitOk;
}

using Action = absl::StatusOr<int> (*)(const Flags&, const Context&);

CLI::App* AddAction(CLI::App& group, Context& context,
                    const std::shared_ptr<Flags>& flags, const char* name,
                    const char* help, Action action) {
  CLI::App* command = group.add_subcommand(name, help);
  command->add_option("--engine", flags->engine,
                      "sqlite, mysql or postgres (default: sqlite)");
  command->add_option("--url", flags->url,
                      "An engine by its URL instead of --engine");
  command->add_option("--strategy", flags->strategy,
                      "side_table, like_scan, level_columns, ltree "
                      "(PostgreSQL), several with commas, or all");
  command
      ->add_option("--ops", flags->ops,
                   "Operations to seed (TOTAL_OPS; seed: 1000000, on a "
                   "private server otherwise: 100000)")
      ->check(WholeNumber(1, sidetable::kMaxOperations));
  command->add_option("--seed", flags->seed, "Seed of data and load (1)")
      ->check(SeedNumber());
  command->add_flag("--peers", flags->peers, "In tables of the peers")
      ->group("");
  command->callback([flags, &context, action, command] {
    flags->command = command;
    InstallStopSignals();
    Finish(context, action(*flags, context));
  });
  return command;
}

void AddWorkers(CLI::App* command, const std::shared_ptr<Flags>& flags,
                const char* help) {
  command->add_option("--workers", flags->workers, help)
      ->check(WholeNumber(1, 1024));
}

void AddRun(CLI::App& group, Context& context,
            const std::shared_ptr<Flags>& flags) {
  CLI::App* run =
      AddAction(group, context, flags, "run",
                "Run a mix of operations and report latencies", RunLoad);
  AddWorkers(run, flags, "Connections at once (CONCURRENCY; 8)");
  run->add_option("--mix", flags->mix,
                  "A (read-heavy), B (write-heavy), C (mixed), D (realtime), "
                  "or name=weight,… (default: D)");
  run->add_option("--seconds", flags->seconds, "How long to measure (10)")
      ->check(Number(0.01, 1e7));
  run->add_option("--warmup", flags->warmup, "Seconds before measuring (1)")
      ->check(Number(0, 1e6));
  run->add_option("--operations", flags->operations,
                  "Exactly so many operations instead of --seconds")
      ->check(WholeNumber(1, int64_t{1} << 50));
  run->add_option("--rate", flags->rate,
                  "Operations per second of all workers: an open loop, whose "
                  "latency counts from the schedule")
      ->check(Number(0.001, 1e9));
  run->add_option("--arrival", flags->arrival,
                  "With --rate: constant or poisson (default: constant)")
      ->check(CLI::IsMember({"constant", "poisson"}));
  run->add_option("--batch-size", flags->batch_size,
                  "Rows of each batched insert (BATCH_SIZE; the mix's own)")
      ->check(WholeNumber(2, sidetable::kMaxBatch));
  run->add_option("--driver", flags->driver,
                  "MySQL: native or connector (default: native)")
      ->check(CLI::IsMember({"native", "connector"}));
  run->add_option("--distinct", flags->distinct,
                  "Draw from so many requests, those of `requests`, instead of "
                  "making each anew")
      ->check(WholeNumber(1, 1'000'000));
  run->add_option("--out", flags->out,
                  "Also write the result as Google Benchmark JSON")
      ->type_name("FILE")
      ->check(OutputFile());
  AddStagesFlag(run, &flags->stages);
  run->footer(
      "Examples:\n"
      "  opsbench sidetable run --engine mysql --mix D --workers 8\n"
      "  opsbench sidetable run --mix A --rate 500 --arrival poisson\n"
      "  opsbench sidetable run --mix latest_l2=90,insert_single=10\n");
}

}  // namespace

void AddSidetableCommand(CLI::App& app, Context& context) {
  CLI::App* group = app.add_subcommand(
      "sidetable", "Latest N under a prefix, through a side table and rivals");
  group->require_subcommand(1);
  const auto flags = std::make_shared<Flags>();

  CLI::App* seed = AddAction(*group, context, flags, "seed",
                             "Create the tables and fill them", RunSeed);
  AddWorkers(seed, flags, "Connections that load at once (CONCURRENCY; 2)");
  seed->add_flag("--resume", flags->resume,
                 "Go on with an interrupted seeding");
  seed->add_flag("--fresh", flags->fresh,
                 "Replace what an earlier seeding made");
  seed->add_flag("--replace-foreign", flags->replace_foreign,
                 "Also replace what opsbench did not make");
  AddStagesFlag(seed, &flags->stages);
  seed->footer(
      "Sizes: 1000000 is a smoke test, 10000000 the standard, 100000000 full.\n"
      "Example:\n"
      "  opsbench sidetable seed --engine postgres --ops 1000000\n");

  AddRun(*group, context, flags);
  AddAction(*group, context, flags, "records",
            "Table sizes, amplification and the five newest operations",
            RunRecords);
  for (const auto& [name, help, action] :
       {std::tuple("explain",
                   "Exact match and levels 1 to 4: SQL, plan, rows and time",
                   &RunExplain),
        std::tuple("validate",
                   "Fail when a query does not seek in the index made for it",
                   &RunValidate)}) {
    AddAction(*group, context, flags, name, help, action)
        ->add_option("--path", flags->path,
                     "The path whose prefixes are asked for");
  }
  CLI::App* requests = AddAction(
      *group, context, flags, "requests",
      "Print the statement of reads and the arguments of --distinct requests, "
      "with tabs between: for another tool to do the same work",
      RunRequests);
  requests->add_option("--mix", flags->mix, "Reads: latest_l3, exact, …");
  requests->add_option("--distinct", flags->distinct, "How many (100)")
      ->check(WholeNumber(1, 1'000'000));
  requests->preparse_callback([flags](size_t) { flags->distinct = 100; });
  CLI::App* compare =
      AddAction(*group, context, flags, "compare",
                "Read latency by depth, write cost and size of each strategy",
                RunCompare);
  compare
      ->add_option("--seconds", flags->seconds,
                   "How long each measurement takes")
      ->check(Number(0.01, 1e6));
  compare->preparse_callback([flags](size_t) {
    flags->strategy = "all";
    flags->seconds = 1;
  });
}

}  // namespace opsbench::cli
