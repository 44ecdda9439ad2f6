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
    OPSBENCH_ASSIGN_OR_RETURN(
        VectorOutput output,
        VectorOutput::Make(context, flags.output_dir, flags.outputs));
    std::string named = config.backend;
    OPSBENCH_ASSIGN_OR_RETURN(std::unique_ptr<EngineHandle> server,
                              ResolveBackend(&config));
    OPSBENCH_RETURN_IF_ERROR(vector::CheckConfig(config));
    return std::unique_ptr<Session>(
        new Session(std::move(config), std::move(named), std::move(output),
                    std::move(server)));
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
  absl::Status Load(bool replace) {
    OPSBENCH_ASSIGN_OR_RETURN(const vector::LoadResult loaded,
                              benchmark_.Load(config_, replace));
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
  Session(BenchmarkConfig config, std::string named_backend,
          VectorOutput output, std::unique_ptr<EngineHandle> server)
      : config_(std::move(config)),
        named_backend_(std::move(named_backend)),
        output_(std::move(output)),
        server_(std::move(server)),
        benchmark_(
            {.stop = &stop_requested,
             .on_progress =
                 [this](const std::string& text) { progress_.Update(text); },
             .on_result = nullptr}) {}

  const BenchmarkConfig config_;
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
  OPSBENCH_RETURN_IF_ERROR(session->Load(flags.replace));
  if (session->config().is_local()) {
    absl::PrintF(
        "An index of this process ends with it: `vector query` builds "
        "its own.\n");
  }
  return kExitOk;
}

// Looks for the best of what was not named.
absl::StatusOr<BenchmarkConfig> BestSetting(const VectorFlags& flags,
                                            Session& session,
                                            std::vector<Parameter> parameters,
                                            bool* feasible) {
  OPSBENCH_ASSIGN_OR_RETURN(TuneOptions options,
                            TuneOptionsOf(flags, kQueryBudget));
  options.parameters = std::move(parameters);
  OPSBENCH_ASSIGN_OR_RETURN(
      const SearchOutcome outcome,
      session.benchmark().Tune(ForSearch(flags, session.config()), options));
  session.ClearProgress();
  absl::PrintF("%s\n", vector::RenderOutcome(outcome, options, 8));
  std::fflush(stdout);
  *feasible = outcome.feasible;
  BenchmarkConfig config = session.config();
  if (outcome.best.has_value()) {
    config.ef_search = outcome.best->config.ef_search;
    config.num_clients = outcome.best->config.num_clients;
    config.num_threads = outcome.best->config.num_threads;
    config.pipeline = outcome.best->config.pipeline;
  }
  return config;
}

absl::StatusOr<int> Query(const VectorFlags& flags, const Context& context) {
  OPSBENCH_ASSIGN_OR_RETURN(const std::unique_ptr<Session> session,
                            Session::Open(flags, context));
  BenchmarkConfig config = session->config();
  bool feasible = true;
  if (config.is_search()) {
    OPSBENCH_RETURN_IF_ERROR(session->Load(false));
    OPSBENCH_ASSIGN_OR_RETURN(std::vector<Parameter> parameters,
                              ParametersOf(flags, *session, true));
    // With a rate, how fast it could go is not the question.
    if (!parameters.empty() && config.rate_per_second == 0) {
      OPSBENCH_ASSIGN_OR_RETURN(
          config,
          BestSetting(flags, *session, std::move(parameters), &feasible));
    }
  }
  OPSBENCH_ASSIGN_OR_RETURN(const BenchmarkResult result,
                            session->benchmark().Run(config));
  session->ClearProgress();
  absl::PrintF("%s, %s\n%s",
               config.is_search()
                   ? std::string(result.answered_by)
                   : absl::StrCat(result.answered_by, ", ", config.operation),
               vector::DescribeSetting(result.config),
               vector::RenderResult(result));
  const std::string command = session->CommandOf(result.config);
  PrintCommand(command);
  OPSBENCH_RETURN_IF_ERROR(session->Finish(context, !stop_requested, command));
  return feasible && result.errors == 0 && !stop_requested ? kExitOk
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
    OPSBENCH_RETURN_IF_ERROR(session->Load(false));
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
  OPSBENCH_RETURN_IF_ERROR(session->Finish(context, !stop_requested, command));
  return outcome.feasible ? kExitOk : kExitFailed;
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
    OPSBENCH_RETURN_IF_ERROR(session->Load(false));
  }
  OPSBENCH_ASSIGN_OR_RETURN(const vector::GridResult grid,
                            session->benchmark().GridSearch(
                                ForSearch(flags, session->config()), options));
  session->ClearProgress();
  absl::PrintF("%s", vector::RenderGrid(grid, options.param_grid));
  OPSBENCH_RETURN_IF_ERROR(session->Finish(context, grid.ended == "complete",
                                           "tools/opsbench vector grid"));
  return grid.kept.empty() || stop_requested ? kExitFailed : kExitOk;
}

using Action = absl::StatusOr<int> (*)(const VectorFlags&, const Context&);

CLI::App* AddAction(CLI::App& group, Context& context,
                    const std::shared_ptr<VectorFlags>& flags, const char* name,
                    const char* help, Action action) {
  CLI::App* command = group.add_subcommand(name, help);
  AddVectorTarget(command, flags.get());
  command->callback([flags, &context, action] {
    InstallStopSignals();
    Finish(context, action(*flags, context));
  });
  return command;
}

void AddLoad(CLI::App& group, Context& context) {
  const auto flags = std::make_shared<VectorFlags>();
  CLI::App* load = AddAction(group, context, flags, "load",
                             "Put a data set into an index", Load);
  load->add_flag("--replace", flags->replace,
                 "Also when as many vectors are there already");
  AddStagesFlag(load, &flags->stages);
  load->footer(
      "Examples:\n"
      "  opsbench vector load --dataset clusters-10k-64 --backend "
      "redis://127.0.0.1:6379\n"
      "  opsbench vector load --dataset sift-128-euclidean.hdf5 --m 32\n");
}

void AddQuery(CLI::App& group, Context& context) {
  const auto flags = std::make_shared<VectorFlags>();
  CLI::App* query = AddAction(
      group, context, flags, "query",
      "Measure queries; what is left open of ef and clients is looked for",
      Query);
  query->add_option(
      "--operation,-t", flags->config.operation,
      "vec-query, or a plain command of Redis: get, set, hset, ping, …");
  query
      ->add_option("--key-space", flags->config.key_space,
                   "Of plain commands: so many keys (10000)")
      ->check(WholeNumber(1, 100'000'000'000));
  query
      ->add_option("--value-bytes", flags->config.value_bytes,
                   "Of plain commands: size of a value (3)")
      ->check(WholeNumber(1, 512 << 20));
  AddVectorLoad(query, flags.get(), false);
  AddVectorSearch(query, flags.get());
  AddVectorOutput(query, flags.get());
  query->footer(
      "Without --ef or --clients it looks, as tune does and for --budget "
      "(30s),\n"
      "for the fastest setting with --min-recall, then measures that.\n"
      "Exit codes: 0 fine, 1 no setting has the recall, or requests failed.\n"
      "Examples:\n"
      "  opsbench vector query --dataset clusters-10k-64\n"
      "  opsbench vector query --ef 64 --clients 2 --seconds 10\n"
      "  opsbench vector query --backend redis --operation get --clients 50\n");
}

void AddTune(CLI::App& group, Context& context) {
  const auto flags = std::make_shared<VectorFlags>();
  CLI::App* tune = AddAction(
      group, context, flags, "tune",
      "Find the setting with the most queries per second under constraints",
      Tune);
  AddVectorLoad(tune, flags.get(), true);
  AddVectorSearch(tune, flags.get());
  tune->add_option("--tolerance", flags->tolerance,
                   "Settings this close to the best are as good (0.05)")
      ->check(Number(0, 0.99));
  tune->add_option("--max-evaluations", flags->max_evaluations,
                   "Measurements at most (a fifth of the settings, 24 to 200)")
      ->check(WholeNumber(1, 1'000'000));
  AddVectorOutput(tune, flags.get());
  tune->footer(
      "The method is in lib/opsbench/vector/TUNER.md.\n"
      "Exit codes: 0 found, 1 no setting keeps the constraints.\n"
      "Examples:\n"
      "  opsbench vector tune --min-recall 0.99 --max-p99-ms 5\n"
      "  opsbench vector tune --backend redis://127.0.0.1:6379 --ef 10..500 "
      "--clients 1,5,20,50 --pipeline 1,4,16 --budget 5m --output best.csv\n");
}

void AddGrid(CLI::App& group, Context& context) {
  const auto flags = std::make_shared<VectorFlags>();
  CLI::App* grid = AddAction(group, context, flags, "grid",
                             "Measure all combinations of values", Grid);
  AddVectorLoad(grid, flags.get(), true);
  grid->add_option("--keep", flags->keep,
                   "Settings to show: qps>=1000, p99_ms<5, recall>=0.95; may "
                   "come again");
  grid->add_option("--repeats", flags->repeats,
                   "Measurements of each setting (1)")
      ->check(WholeNumber(1, 1'000));
  grid->add_option("--budget", flags->budget,
                   "Time for all: 90s, 5m (no bound)")
      ->type_name("TIME")
      ->check(Time(kShortest, kLongest));
  AddVectorOutput(grid, flags.get());
  grid->footer(
      "Settings are measured in an order drawn by lot.\n"
      "Examples:\n"
      "  opsbench vector grid --ef 20,50,100,200 --clients 1,2 --keep "
      "'recall>=0.9'\n");
}

}  // namespace

void AddVectorCommand(CLI::App& app, Context& context) {
  CLI::App* group = app.add_subcommand(
      "vector",
      "Vector search: queries per second, latency and recall, and the best "
      "setting under constraints");
  group->require_subcommand(1);
  AddLoad(*group, context);
  AddQuery(*group, context);
  AddTune(*group, context);
  AddGrid(*group, context);
}

}  // namespace opsbench::cli
