// opsbench vector: load, query, tune, grid.

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "command.h"
#include "numbers.h"
#include "opsbench/base/format.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/vector/benchmark.h"
#include "opsbench/vector/benchmark_report.h"
#include "progress.h"
#include "vector_flags.h"
#include "vector_output.h"

namespace opsbench::cli {
namespace {

using vector::BenchmarkConfig;
using vector::BenchmarkResult;
using vector::Parameter;
using vector::SearchOutcome;
using vector::TuneOptions;
using vector::VectorBenchmark;

constexpr absl::Duration kSearchSeconds = absl::Milliseconds(500);
constexpr absl::Duration kSearchWarmup = absl::Milliseconds(100);
constexpr absl::Duration kTuneBudget = absl::Seconds(60);
constexpr absl::Duration kQueryBudget = absl::Seconds(30);

// One command under way: its benchmark, its progress, its server and where its
// results go.
class Session {
 public:
  static absl::StatusOr<std::unique_ptr<Session>> Open(const VectorFlags& flags,
                                                       const Context& context) {
    OPSBENCH_ASSIGN_OR_RETURN(BenchmarkConfig config, ConfigOf(flags));
    OPSBENCH_RETURN_IF_ERROR(CheckVectorFlags(flags, config));
    OPSBENCH_RETURN_IF_ERROR(vector::CheckConfig(config));
    OPSBENCH_ASSIGN_OR_RETURN(
        VectorOutput output,
        VectorOutput::Make(context, flags.output_dir, flags.outputs));
    std::string named = config.backend;
    OPSBENCH_ASSIGN_OR_RETURN(std::unique_ptr<EngineHandle> server,
                              ResolveBackend(&config));
    OPSBENCH_RETURN_IF_ERROR(vector::CheckConfig(config));
    return std::unique_ptr<Session>(
        new Session(std::move(config), ReplaceOf(flags), std::move(named),
                    std::move(output), std::move(server)));
  }

  const BenchmarkConfig& config() const { return config_; }

  // The command that measures a setting again; it names the backend as the
  // user did, a private server by its engine.
  std::string CommandOf(BenchmarkConfig config) const {
    config.backend = named_backend_;
    return absl::StrCat("tools/opsbench ", vector::CommandOf(config));
  }
  VectorBenchmark& benchmark() { return benchmark_; }
  // Before something is printed to stdout.
  void ClearProgress() { progress_.Clear(); }

  // Loads what is searched in, and says so.
  absl::Status Load() {
    OPSBENCH_ASSIGN_OR_RETURN(const vector::LoadResult loaded,
                              benchmark_.Load(config_, replace_));
    OPSBENCH_ASSIGN_OR_RETURN(const vector::Dataset* data,
                              benchmark_.Open(config_));
    ClearProgress();
    absl::PrintF("%s: %d vectors of dimension %d, %s, %d queries\n",
                 config_.dataset, data->base().rows, data->dimension(),
                 vector::MetricName(data->metric()), data->queries().rows);
    absl::PrintF("%s: ", loaded.answered_by);
    if (loaded.was_there) {
      absl::PrintF("all %d vectors were there", loaded.vectors);
    } else {
      absl::PrintF("index built in %.2f s, %s vectors", loaded.seconds,
                   FormatRate(loaded.vectors_per_second));
    }
    if (loaded.index_bytes > 0) {
      absl::PrintF(", %.1f MiB",
                   static_cast<double>(loaded.index_bytes) / (1 << 20));
    }
    absl::PrintF("\n\n");
    std::fflush(stdout);
    return absl::OkStatus();
  }

  // The end of a command that failed: what was measured before is kept.
  absl::Status Fail(const Context& context, const absl::Status& failure,
                    const std::string& command) {
    const absl::Status written = Finish(context, false, command);
    if (written.ok()) return failure;
    return absl::Status(failure.code(), absl::StrCat(failure.message(), "; ",
                                                     written.message()));
  }

  // Writes what was measured and says where.
  absl::Status Finish(const Context& context, bool complete,
                      const std::string& command) {
    ClearProgress();
    OPSBENCH_RETURN_IF_ERROR(output_.Write(context, benchmark_.results(),
                                           config_.seed, complete, command));
    if (!benchmark_.results().empty()) {
      absl::PrintF("Report:      %s/report.html\n", output_.folder());
    }
    return absl::OkStatus();
  }

 private:
  Session(BenchmarkConfig config, vector::Replace replace,
          std::string named_backend, VectorOutput output,
          std::unique_ptr<EngineHandle> server)
      : config_(std::move(config)),
        replace_(replace),
        named_backend_(std::move(named_backend)),
        output_(std::move(output)),
        server_(std::move(server)),
        benchmark_(
            {.stop = &stop_requested,
             .on_progress =
                 [this](const std::string& text) { progress_.Update(text); },
             .on_result = nullptr}) {}

  const BenchmarkConfig config_;
  const vector::Replace replace_;
  const std::string named_backend_;
  const VectorOutput output_;
  const std::unique_ptr<EngineHandle> server_;
  ProgressLine progress_;
  VectorBenchmark benchmark_;
};

// --- What is tried where the user names no values ---

std::vector<int64_t> UsualClients(const BenchmarkConfig& config) {
  if (!config.is_local()) return {1, 2, 5, 10, 20, 50, 100};
  const auto cores = std::max<int64_t>(1, std::thread::hardware_concurrency());
  std::vector<int64_t> values;
  for (int64_t i = 1; i < cores; i *= 2) values.push_back(i);
  values.push_back(cores);
  values.push_back(2 * cores);
  return values;
}

// From the least that can find k, each larger by a sixth: recall and cost grow
// about with the logarithm.
std::vector<int64_t> UsualEf(const BenchmarkConfig& config,
                             const vector::Dataset& data) {
  const bool lists = config.backend == "faiss_ivf";
  const int64_t low = lists ? 1 : config.k;
  const int64_t high = std::max(
      low, lists ? int64_t{config.build.lists}
                 : std::min<int64_t>(static_cast<int64_t>(data.base().rows),
                                     std::max(800, 20 * config.k)));
  std::vector<int64_t> values;
  for (int64_t value = low; value < high;
       value += std::max<int64_t>(1, value / 6)) {
    values.push_back(value);
  }
  values.push_back(high);
  return values;
}

struct Typed {
  const char* name;
  const std::string& text;
};

// The parameters to try: those with several values and, if `fill` says so,
// those that were not named.
absl::StatusOr<std::vector<Parameter>> ParametersOf(const VectorFlags& flags,
                                                    Session& session,
                                                    bool fill) {
  const BenchmarkConfig& config = session.config();
  std::vector<Parameter> parameters;
  const auto add = [&parameters](const char* name,
                                 std::vector<int64_t> values) {
    parameters.push_back(vector::MakeParameter(name, std::move(values)));
  };
  for (const Typed& typed :
       {Typed{"ef_search", flags.ef}, Typed{"num_clients", flags.clients},
        Typed{"num_threads", flags.threads},
        Typed{"pipeline", flags.pipeline}}) {
    if (typed.text.empty()) continue;
    OPSBENCH_ASSIGN_OR_RETURN(std::vector<int64_t> values,
                              ParseValues(typed.text));
    if (values.size() > 1) add(typed.name, std::move(values));
  }
  if (!fill) return parameters;
  if (flags.ef.empty() && config.is_search()) {
    OPSBENCH_ASSIGN_OR_RETURN(const vector::BackendInfo info,
                              session.benchmark().Info(config));
    OPSBENCH_ASSIGN_OR_RETURN(const vector::Dataset* data,
                              session.benchmark().Open(config));
    if (!info.exact) add("ef_search", UsualEf(config, *data));
  }
  if (flags.clients.empty()) add("num_clients", UsualClients(config));
  return parameters;
}

absl::StatusOr<TuneOptions> TuneOptionsOf(const VectorFlags& flags,
                                          absl::Duration usual_budget) {
  TuneOptions options;
  options.constraints.min_recall = flags.min_recall;
  options.constraints.max_p99_ms = flags.max_p99_ms;
  options.budget = usual_budget;
  options.tolerance = flags.tolerance;
  options.max_evaluations = flags.max_evaluations;
  options.stop = &stop_requested;
  if (!flags.budget.empty()) options.budget = CheckedTime(flags.budget);
  return options;
}

// Of the many measurements of a search, each is shorter than one alone.
BenchmarkConfig ForSearch(const VectorFlags& flags, BenchmarkConfig config) {
  if (flags.seconds.empty()) config.duration = kSearchSeconds;
  if (flags.warmup.empty()) config.warmup = kSearchWarmup;
  return config;
}

void PrintCommand(const std::string& command) {
  absl::PrintF("\nTo measure this again:\n  %s\n", command);
}

// --- Actions ---

absl::StatusOr<int> Load(const VectorFlags& flags, const Context& context) {
  OPSBENCH_ASSIGN_OR_RETURN(const std::unique_ptr<Session> session,
                            Session::Open(flags, context));
  OPSBENCH_RETURN_IF_ERROR(session->Load());
  if (session->config().is_local()) {
    absl::PrintF(
        "An index of this process ends with it: `vector query` builds "
        "its own.\n");
  }
  return kExitOk;
}

// Settings of which nothing is known, for the line that ends the command.
absl::Status UnknownOf(const vector::TuneResult& search) {
  const auto measured = std::count_if(
      search.evidence.begin(), search.evidence.end(),
      [](const vector::Evidence& evidence) { return evidence.error.ok(); });
  if (!search.failure.ok()) {
    return absl::AbortedError(
        absl::StrCat(search.failure.message(), "; ", search.settings - measured,
                     " of ", search.settings, " settings are unknown"));
  }
  if (search.unknown > 0) {
    return absl::UnavailableError(absl::StrCat(
        search.unknown, " of ", search.settings,
        " settings are unknown: their requests failed (see the table)"));
  }
  return absl::OkStatus();
}

// What a search or a measurement of its own breaks of the constraints; those
// that were not given hold for what was looked for alone.
std::string BrokenBy(const VectorFlags& flags, bool looked,
                     const BenchmarkResult& result) {
  vector::Constraints constraints;
  const bool recall = looked || flags.given.count("--min-recall") > 0;
  if (recall && result.recall_avg.has_value()) {
    constraints.min_recall = flags.min_recall;
  }
  constraints.max_p99_ms = flags.max_p99_ms;
  return vector::BrokenConstraints(constraints,
                                   {.qps = result.qps,
                                    .p99_ms = result.latency_p99_ms,
                                    .recall = result.recall_avg.value_or(1)});
}

// Looks for the best of what was not named, and measures it at length; the
// closest when none keeps the constraints.
absl::StatusOr<BenchmarkResult> MeasureBest(const VectorFlags& flags,
                                            Session& session,
                                            std::vector<Parameter> parameters,
                                            bool* feasible) {
  OPSBENCH_ASSIGN_OR_RETURN(TuneOptions options,
                            TuneOptionsOf(flags, kQueryBudget));
  options.parameters = std::move(parameters);
  BenchmarkConfig config = session.config();
  OPSBENCH_ASSIGN_OR_RETURN(
      const SearchOutcome outcome,
      session.benchmark().Tune(ForSearch(flags, config), options, config));
  session.ClearProgress();
  absl::PrintF("%s\n", vector::RenderOutcome(outcome, options, 8));
  std::fflush(stdout);
  OPSBENCH_RETURN_IF_ERROR(UnknownOf(outcome.search));
  *feasible = outcome.feasible;
  if (outcome.best.has_value()) {
    if (outcome.feasible) return *outcome.best;
    for (const Parameter& parameter : options.parameters) {
      OPSBENCH_RETURN_IF_ERROR(vector::SetParameter(
          parameter.name,
          vector::GetParameter(parameter.name, outcome.best->config), &config));
    }
  }
  return session.benchmark().Run(config);
}

absl::StatusOr<int> Query(const VectorFlags& flags, const Context& context) {
  OPSBENCH_ASSIGN_OR_RETURN(const std::unique_ptr<Session> session,
                            Session::Open(flags, context));
  const BenchmarkConfig& config = session->config();
  bool feasible = true;
  // With a rate, how fast it could go is not the question.
  const bool looks = LooksForBest(flags, config);
  std::vector<Parameter> parameters;
  if (config.is_search()) {
    OPSBENCH_RETURN_IF_ERROR(session->Load());
    OPSBENCH_ASSIGN_OR_RETURN(parameters, ParametersOf(flags, *session, true));
  }
  const absl::StatusOr<BenchmarkResult> measured =
      looks ? MeasureBest(flags, *session, std::move(parameters), &feasible)
            : session->benchmark().Run(config);
  if (!measured.ok()) {
    return session->Fail(context, measured.status(),
                         session->CommandOf(config));
  }
  const BenchmarkResult& result = *measured;
  session->ClearProgress();
  absl::PrintF("%s, %s\n%s",
               config.is_search()
                   ? std::string(result.answered_by)
                   : absl::StrCat(result.answered_by, ", ", config.operation),
               vector::DescribeSetting(result.config),
               vector::RenderResult(result));
  const std::string broken = BrokenBy(flags, looks, result);
  if (!broken.empty()) absl::PrintF("  Constraints  broken: %s\n", broken);
  const std::string command = session->CommandOf(result.config);
  PrintCommand(command);
  OPSBENCH_RETURN_IF_ERROR(session->Finish(context, !stop_requested, command));
  return feasible && broken.empty() && result.errors == 0 && !stop_requested
             ? kExitOk
             : kExitFailed;
}

absl::StatusOr<int> Tune(const VectorFlags& flags, const Context& context) {
  OPSBENCH_ASSIGN_OR_RETURN(TuneOptions options,
                            TuneOptionsOf(flags, kTuneBudget));
  OPSBENCH_ASSIGN_OR_RETURN(const std::unique_ptr<Session> session,
                            Session::Open(flags, context));
  OPSBENCH_ASSIGN_OR_RETURN(options.parameters,
                            ParametersOf(flags, *session, false));
  if (options.parameters.empty() && !flags.ef.empty() &&
      !flags.clients.empty()) {
    return absl::InvalidArgumentError(
        "nothing to tune: give --ef, --clients, --threads or --pipeline "
        "several values, or leave them out");
  }
  if (session->config().is_search()) {
    OPSBENCH_RETURN_IF_ERROR(session->Load());
  }
  OPSBENCH_ASSIGN_OR_RETURN(options.parameters,
                            ParametersOf(flags, *session, true));
  OPSBENCH_ASSIGN_OR_RETURN(
      const SearchOutcome outcome,
      session->benchmark().Tune(ForSearch(flags, session->config()), options));
  session->ClearProgress();
  absl::PrintF("%s", vector::RenderOutcome(outcome, options));
  std::string command = "tools/opsbench vector tune";
  if (outcome.best.has_value()) {
    if (outcome.feasible)
      absl::PrintF("\n%s", vector::RenderResult(*outcome.best));
    command = session->CommandOf(outcome.best->config);
    PrintCommand(command);
  }
  const absl::Status unknown = UnknownOf(outcome.search);
  if (!unknown.ok()) return session->Fail(context, unknown, command);
  OPSBENCH_RETURN_IF_ERROR(session->Finish(context, !stop_requested, command));
  return outcome.feasible && !stop_requested ? kExitOk : kExitFailed;
}

absl::StatusOr<int> Grid(const VectorFlags& flags, const Context& context) {
  vector::GridOptions options;
  options.repeats = flags.repeats;
  options.stop = &stop_requested;
  options.seed = flags.config.seed;
  OPSBENCH_ASSIGN_OR_RETURN(options.filter, ParseKeep(flags.keep));
  if (!flags.budget.empty()) options.budget = CheckedTime(flags.budget);
  OPSBENCH_ASSIGN_OR_RETURN(const std::unique_ptr<Session> session,
                            Session::Open(flags, context));
  OPSBENCH_ASSIGN_OR_RETURN(options.param_grid,
                            ParametersOf(flags, *session, false));
  if (options.param_grid.empty()) {
    return absl::InvalidArgumentError(
        "a grid needs several values of --ef, --clients, --threads or "
        "--pipeline, as --ef 20,50,100");
  }
  if (session->config().is_search()) {
    OPSBENCH_RETURN_IF_ERROR(session->Load());
  }
  OPSBENCH_ASSIGN_OR_RETURN(const vector::GridResult grid,
                            session->benchmark().GridSearch(
                                ForSearch(flags, session->config()), options));
  session->ClearProgress();
  absl::PrintF("%s", vector::RenderGrid(grid, options.param_grid));
  constexpr char kCommand[] = "tools/opsbench vector grid";
  if (grid.failed > 0 || !grid.failure.ok()) {
    return session->Fail(
        context,
        absl::AbortedError(absl::StrCat(
            grid.failure.ok() ? "requests failed"
                              : std::string(grid.failure.message()),
            "; ", grid.settings - grid.measured, " of ", grid.settings,
            " settings are unknown")),
        kCommand);
  }
  OPSBENCH_RETURN_IF_ERROR(
      session->Finish(context, grid.ended == "complete", kCommand));
  return grid.kept.empty() || stop_requested ? kExitFailed : kExitOk;
}

using Action = absl::StatusOr<int> (*)(const VectorFlags&, const Context&);

void AddAction(CLI::App& group, Context& context, VectorAction kind,
               const char* name, const char* help, Action action,
               const char* footer) {
  const auto flags = std::make_shared<VectorFlags>();
  CLI::App* command = group.add_subcommand(name, help);
  AddVectorOptions(command, kind, flags.get());
  command->footer(footer);
  command->callback([flags, &context, action, command] {
    NoteGiven(*command, flags.get());
    InstallStopSignals();
    Finish(context, action(*flags, context));
  });
}

constexpr char kLoadFooter[] =
    "Examples:\n"
    "  opsbench vector load --dataset clusters-10k-64 --backend "
    "redis://127.0.0.1:6379\n"
    "  opsbench vector load --dataset sift-128-euclidean.hdf5 --m 32\n";

constexpr char kQueryFooter[] =
    "Without --ef or --clients it looks, as tune does and for --budget "
    "(30s),\n"
    "for the fastest setting with --min-recall, then measures that.\n"
    "Exit codes: 0 fine, 1 the measurement breaks a constraint, or requests\n"
    "failed.\n"
    "Examples:\n"
    "  opsbench vector query --dataset clusters-10k-64\n"
    "  opsbench vector query --ef 64 --clients 2 --seconds 10\n"
    "  opsbench vector query --backend redis --operation get --clients 50\n";

constexpr char kTuneFooter[] =
    "The method is in lib/opsbench/vector/TUNER.md. The best setting is\n"
    "measured once more, and that decides.\n"
    "Exit codes: 0 found, 1 no setting keeps the constraints, or some are\n"
    "unknown because their requests failed.\n"
    "Examples:\n"
    "  opsbench vector tune --min-recall 0.99 --max-p99-ms 5\n"
    "  opsbench vector tune --backend redis://127.0.0.1:6379 --ef 10..500 "
    "--clients 1,5,20,50 --pipeline 1,4,16 --budget 5m --output best.csv\n";

constexpr char kGridFooter[] =
    "Settings are measured in an order drawn by lot.\n"
    "Exit codes: 0 fine, 1 nothing is kept, or settings could not be "
    "measured.\n"
    "Examples:\n"
    "  opsbench vector grid --ef 20,50,100,200 --clients 1,2 --keep "
    "'recall>=0.9'\n";

}  // namespace

void AddVectorCommand(CLI::App& app, Context& context) {
  CLI::App* group = app.add_subcommand(
      "vector",
      "Vector search: queries per second, latency and recall, and the best "
      "setting under constraints");
  group->require_subcommand(1);
  AddAction(*group, context, VectorAction::kLoad, "load",
            "Put a data set into an index", Load, kLoadFooter);
  AddAction(*group, context, VectorAction::kQuery, "query",
            "Measure queries; what is left open of ef and clients is looked "
            "for",
            Query, kQueryFooter);
  AddAction(*group, context, VectorAction::kTune, "tune",
            "Find the setting with the most queries per second under "
            "constraints",
            Tune, kTuneFooter);
  AddAction(*group, context, VectorAction::kGrid, "grid",
            "Measure all combinations of values", Grid, kGridFooter);
}

}  // namespace opsbench::cli
