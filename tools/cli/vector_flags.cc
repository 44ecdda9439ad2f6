#include "vector_flags.h"

#include <algorithm>
#include <cstdio>
#include <tuple>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "numbers.h"
#include "opsbench/base/number.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/vector/benchmark_settings.h"
#include "opsbench/vector/search.h"
#include "outputs.h"

namespace opsbench::cli {
namespace {

using vector::BenchmarkConfig;
using vector::Evidence;

absl::Status BadValues(absl::string_view text) {
  return absl::InvalidArgumentError(
      absl::StrCat(QuoteBriefly(text),
                   " is neither one value, nor several as 1,2,4, nor a range "
                   "as 10..500 or 10..500:10, all from 0 to 1000000"));
}

CLI::Validator Values() {
  return CLI::Validator(
      [](std::string& text) {
        return std::string(ParseValues(text).status().message());
      },
      "");
}

// "0.2..0.3".
absl::StatusOr<std::pair<double, double>> ParseInterval(
    absl::string_view text) {
  const std::vector<absl::string_view> ends =
      absl::StrSplit(text, absl::MaxSplits("..", 1));
  const auto low = ParseNumber(ends.front(), 0, 1);
  const auto high = ParseNumber(ends.back(), 0, 1);
  if (ends.size() == 2 && low.ok() && high.ok() && *low < *high) {
    return std::make_pair(*low, *high);
  }
  return absl::InvalidArgumentError(absl::StrCat(
      QuoteBriefly(text), " is no interval from 0 to 1, such as 0.2..0.3"));
}

CLI::Validator Interval() {
  return CLI::Validator(
      [](std::string& text) {
        return std::string(ParseInterval(text).status().message());
      },
      "");
}

bool ParseOne(absl::string_view text, int64_t* value) {
  const absl::StatusOr<int64_t> number = ParseWholeNumber(text, 0, 1'000'000);
  if (number.ok()) *value = *number;
  return number.ok();
}

// "10..500" and "10..500:10".
bool ParseRange(absl::string_view text, std::vector<int64_t>* values) {
  const size_t dots = text.find("..");
  absl::string_view end = text.substr(dots + 2);
  int64_t step = 0;
  if (const size_t colon = end.find(':'); colon != absl::string_view::npos) {
    if (!ParseOne(end.substr(colon + 1), &step) || step == 0) return false;
    end = end.substr(0, colon);
  }
  int64_t low = 0;
  int64_t high = 0;
  if (!ParseOne(text.substr(0, dots), &low) || !ParseOne(end, &high) ||
      low > high) {
    return false;
  }
  if (step == 0) {
    *values = vector::RangeValues(low, high);
    return true;
  }
  if ((high - low) / step >= 100'000) return false;
  for (int64_t value = low; value <= high; value += step) {
    values->push_back(value);
  }
  return true;
}

absl::Status SetSingle(absl::string_view name, const std::string& text,
                       BenchmarkConfig* config) {
  if (text.empty()) return absl::OkStatus();
  OPSBENCH_ASSIGN_OR_RETURN(const std::vector<int64_t> values,
                            ParseValues(text));
  // Of several, the first stands for all until they are tried.
  return vector::SetParameter(name, values.front(), config);
}

absl::Status SetFilter(const VectorFlags& flags, BenchmarkConfig* config) {
  vector::Filter& filter = config->filter;
  if (flags.filter_tag.has_value()) {
    filter.by_tag = true;
    filter.tag = static_cast<uint32_t>(*flags.filter_tag);
  }
  if (flags.filter_number.empty()) return absl::OkStatus();
  OPSBENCH_ASSIGN_OR_RETURN(std::tie(filter.number_low, filter.number_high),
                            ParseInterval(flags.filter_number));
  filter.by_number = true;
  return absl::OkStatus();
}

constexpr double kMaxBound = 1e12;

// A condition of --keep.
struct Condition {
  std::string metric;
  std::string comparison;
  double bound = 0;

  bool Holds(const Evidence& evidence) const {
    const double value = metric == "qps"      ? evidence.qps
                         : metric == "p99_ms" ? evidence.p99_ms
                                              : evidence.recall;
    if (comparison == ">=") return value >= bound;
    if (comparison == "<=") return value <= bound;
    return comparison == ">" ? value > bound : value < bound;
  }
};

bool ParseCondition(const std::string& text, Condition* condition) {
  for (const char* comparison : {">=", "<=", ">", "<"}) {
    const std::vector<std::string> sides =
        absl::StrSplit(text, absl::MaxSplits(comparison, 1));
    if (sides.size() != 2) continue;
    condition->comparison = comparison;
    condition->metric = std::string(absl::StripAsciiWhitespace(sides[0]));
    const bool known = condition->metric == "qps" ||
                       condition->metric == "p99_ms" ||
                       condition->metric == "recall";
    const auto bound =
        ParseNumber(absl::StripAsciiWhitespace(sides[1]), 0, kMaxBound);
    if (bound.ok()) condition->bound = *bound;
    return known && bound.ok();
  }
  return false;
}

CLI::Option* AddText(CLI::App* command, const char* name, std::string* text,
                     const char* help, const char* type) {
  return command->add_option(name, *text, help)->type_name(type);
}

void AddTarget(CLI::App* command, VectorFlags* flags) {
  BenchmarkConfig& config = flags->config;
  AddText(command, "--dataset", &config.dataset,
          "A generated data set (clusters-10k-64, sphere-100k-128, …) or a "
          "file: .hdf5, .fvecs, .fbin, .npy, .opsvec (clusters-10k-64)",
          "NAME");
  AddText(command, "--backend", &config.backend,
          "In this process: hnsw (our search on hnswlib's graph), hnswlib, "
          "brute_force, faiss_hnsw, faiss_ivf; or a server: "
          "redis://host:port, postgres://…, redis or postgres for what the "
          "environment names, else a private one (hnsw)",
          "URL");
  AddText(command, "--engine", &config.engine,
          "On a Redis or Valkey server: search (FT.*), vector_set (VADD), or "
          "auto: what it offers",
          "NAME");
  AddText(command, "--index", &config.index,
          "Name of the index on a server (opsbench_<data set>)", "NAME");
  command->add_flag("--replace", flags->replace,
                    "Load the index anew, in place of one that opsbench made");
  command->add_flag("--replace-foreign", flags->replace_foreign,
                    "Also replace what opsbench did not make");
  AddText(command, "--queries", &config.open.queries,
          "File of queries, where the data set's has none", "FILE");
  AddText(command, "--truth", &config.open.truth,
          "File of the right neighbours, likewise; else they are computed",
          "FILE");
  AddText(command, "--metric", &flags->metric,
          "l2, ip or cosine, where the data set does not say", "NAME");
  command->add_option("--m", config.build.m, "HNSW: links of a node (16)")
      ->check(WholeNumber(2, 512));
  command
      ->add_option("--ef-construction", config.build.ef_construction,
                   "HNSW: candidates while building (200)")
      ->check(WholeNumber(1, 1'000'000));
  command->add_option("--lists", config.build.lists, "IVF: lists (256)")
      ->check(WholeNumber(1, 1'000'000));
  command
      ->add_option("--build-threads", config.build.threads,
                   "Threads that build the index (2)")
      ->check(WholeNumber(1, 1'024));
  command
      ->add_option("--seed", config.seed,
                   "Of the order of queries, and of generated data (1)")
      ->check(SeedNumber());
}

void AddLoad(CLI::App* command, VectorFlags* flags, bool ranges) {
  BenchmarkConfig& config = flags->config;
  const char* values = ranges ? "VALUES" : "N";
  command->add_option("--k", config.k, "Neighbours of each query (10)")
      ->check(WholeNumber(1, 10'000));
  AddText(command, "--ef", &flags->ef,
          "Candidates of a search (HNSW), or lists that it looks into (IVF)",
          values)
      ->check(Values());
  AddText(command, "--clients", &flags->clients,
          "Callers at once: threads in this process, connections on a server",
          values)
      ->check(Values());
  AddText(command, "--threads", &flags->threads,
          "Threads that serve a server's connections (1)", values)
      ->check(Values());
  AddText(command, "--pipeline", &flags->pipeline,
          "Requests of a connection under way at once (1)", values)
      ->check(Values());
  command
      ->add_option("--filter-tag", flags->filter_tag,
                   "Only vectors with this tag")
      ->check(WholeNumber(0, 1'000'000'000));
  AddText(command, "--filter-number", &flags->filter_number,
          "Only vectors whose number is in this range", "LOW..HIGH")
      ->check(Interval());
  AddText(command, "--seconds", &flags->seconds,
          ranges ? "Length of each measurement (0.5)"
                 : "Length of the measurement (2)",
          "S")
      ->check(Time(kShortest, kLongest));
  AddText(command, "--warmup", &flags->warmup,
          "The same load, before the clock starts (0.2, or 0.1 of a search)",
          "S")
      ->check(Time(absl::ZeroDuration(), kLongest));
  command
      ->add_option("--requests", config.num_requests,
                   "So many requests, instead of a time")
      ->check(WholeNumber(1, int64_t{1} << 40));
  command
      ->add_option(
          "--rate", config.rate_per_second,
          "Requests a second on a schedule, instead of as fast as it goes")
      ->check(Number(0.001, 1e8));
}

void AddSearch(CLI::App* command, VectorFlags* flags) {
  command
      ->add_option(
          "--min-recall", flags->min_recall,
          "Least recall, of what is looked for and what is reported (0.95)")
      ->check(Number(0, 1));
  command
      ->add_option("--max-p99-ms", flags->max_p99_ms,
                   "Highest 99th percentile of latency, likewise")
      ->check(Number(1e-6, 1e9));
  AddText(command, "--budget", &flags->budget,
          "Time to look for it: 90s, 5m (60s; query: 30s)", "TIME")
      ->check(Time(kShortest, kLongest));
}

void AddOutput(CLI::App* command, VectorFlags* flags) {
  command
      ->add_option("--output", flags->outputs,
                   "File for the results, .csv, .json or .html; may come "
                   "again. All three are in the folder of the run anyway")
      ->type_name("FILE")
      ->check(OutputFile());
  AddText(command, "--output-dir", &flags->output_dir,
          "Folder of the run (.opsbench/vector/<time>)", "DIR");
  AddStagesFlag(command, &flags->stages);
}

void AddPlainCommands(CLI::App* command, VectorFlags* flags) {
  command->add_option(
      "--operation,-t", flags->config.operation,
      "vec-query, or a plain command of Redis: get, set, hset, ping, …");
  command
      ->add_option("--key-space", flags->config.key_space,
                   "Of plain commands: so many keys (10000)")
      ->check(WholeNumber(1, 100'000'000'000));
  command
      ->add_option("--value-bytes", flags->config.value_bytes,
                   "Of plain commands: size of a value (3)")
      ->check(WholeNumber(1, 512 << 20));
}

void AddTuner(CLI::App* command, VectorFlags* flags) {
  command
      ->add_option("--tolerance", flags->tolerance,
                   "Settings this close to the best are as good (0.05)")
      ->check(Number(0, 0.99));
  command
      ->add_option("--max-evaluations", flags->max_evaluations,
                   "Measurements at most (a fifth of the settings, 24 to 200)")
      ->check(WholeNumber(1, 1'000'000));
}

void AddGrid(CLI::App* command, VectorFlags* flags) {
  command->add_option("--keep", flags->keep,
                      "Settings to show: qps>=1000, p99_ms<5, recall>=0.95; "
                      "may come again");
  command
      ->add_option("--repeats", flags->repeats,
                   "Measurements of each setting (1)")
      ->check(WholeNumber(1, 1'000));
  command
      ->add_option("--budget", flags->budget,
                   "Time for all: 90s, 5m (no bound)")
      ->type_name("TIME")
      ->check(Time(kShortest, kLongest));
}

// --- Flags that do nothing ---

std::string Acts(const VectorFlags&, const BenchmarkConfig&) { return ""; }

std::string NeedsIndex(const VectorFlags&, const BenchmarkConfig& config) {
  if (!config.is_search()) {
    return absl::StrCat("it is for indexes, and ", config.operation,
                        " has none");
  }
  return config.is_local()
             ? absl::StrCat("it is for servers, and ", config.backend,
                            " is built anew each time")
             : "";
}

std::string NeedsRecall(const VectorFlags&, const BenchmarkConfig& config) {
  return config.is_search() ? ""
                            : absl::StrCat(config.operation, " has no recall");
}

std::string NeedsSearch(const VectorFlags& flags,
                        const BenchmarkConfig& config) {
  // Of a grid it bounds all measurements.
  if (flags.action != VectorAction::kQuery || LooksForBest(flags, config)) {
    return "";
  }
  return "nothing is looked for: that takes a search without --rate and "
         "without one of --ef and --clients";
}

// Flags that are no setting of a measurement (benchmark_settings.h has those):
// why one does nothing, or empty.
struct CommandFlag {
  const char* name;
  std::string (*idle)(const VectorFlags& flags, const BenchmarkConfig& config);
};

constexpr CommandFlag kCommandFlags[] = {
    {"--help", Acts},
    {"--stages", Acts},
    {"--output", Acts},
    {"--output-dir", Acts},
    {"--replace", NeedsIndex},
    {"--replace-foreign", NeedsIndex},
    {"--min-recall", NeedsRecall},
    {"--max-p99-ms", Acts},
    {"--budget", NeedsSearch},
    {"--tolerance", Acts},
    {"--max-evaluations", Acts},
    {"--keep", Acts},
    {"--repeats", Acts},
};

absl::Status CheckFlag(const std::string& flag, const VectorFlags& flags,
                       const BenchmarkConfig& config) {
  if (const auto* const setting = vector::FindSetting(flag)) {
    return vector::CheckActs(*setting, config);
  }
  for (const CommandFlag& known : kCommandFlags) {
    if (flag != known.name) continue;
    const std::string idle = known.idle(flags, config);
    if (idle.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat(flag, " does nothing: ", idle, "; leave it out"));
  }
  return absl::UnimplementedError(
      absl::StrCat(flag, " is in no table of flags that act"));
}

bool IsSeveral(const std::string& text) {
  const auto values = ParseValues(text);
  return values.ok() && values->size() > 1;
}

// Values of which only the first would be measured.
absl::Status CheckSeveral(const VectorFlags& flags,
                          const BenchmarkConfig& config) {
  if (flags.action != VectorAction::kQuery ||
      (config.is_search() && config.rate_per_second == 0)) {
    return absl::OkStatus();
  }
  for (const auto& [flag, text] :
       {std::pair<const char*, const std::string&>{"--ef", flags.ef},
        {"--clients", flags.clients},
        {"--threads", flags.threads},
        {"--pipeline", flags.pipeline}}) {
    if (IsSeveral(text)) {
      return absl::InvalidArgumentError(
          absl::StrCat(flag, " ", QuoteBriefly(text),
                       ": one value, as a plain command or a rate is measured "
                       "once"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

void AddVectorOptions(CLI::App* command, VectorAction action,
                      VectorFlags* flags) {
  flags->action = action;
  AddTarget(command, flags);
  if (action == VectorAction::kLoad) {
    AddStagesFlag(command, &flags->stages);
    return;
  }
  if (action == VectorAction::kQuery) AddPlainCommands(command, flags);
  AddLoad(command, flags, action != VectorAction::kQuery);
  if (action == VectorAction::kGrid) {
    AddGrid(command, flags);
  } else {
    AddSearch(command, flags);
  }
  if (action == VectorAction::kTune) AddTuner(command, flags);
  AddOutput(command, flags);
}

void NoteGiven(const CLI::App& command, VectorFlags* flags) {
  for (const CLI::Option* option : command.get_options()) {
    if (option->count() > 0) flags->given.insert(option->get_name());
  }
}

bool LooksForBest(const VectorFlags& flags, const BenchmarkConfig& config) {
  if (!config.is_search() || config.rate_per_second > 0) return false;
  const bool open_ef =
      flags.ef.empty() && config.backend_kind() != vector::BackendKind::kScan;
  return open_ef || flags.clients.empty() || IsSeveral(flags.ef) ||
         IsSeveral(flags.clients) || IsSeveral(flags.threads) ||
         IsSeveral(flags.pipeline);
}

absl::Status CheckVectorFlags(const VectorFlags& flags,
                              const BenchmarkConfig& config) {
  for (const std::string& flag : flags.given) {
    OPSBENCH_RETURN_IF_ERROR(CheckFlag(flag, flags, config));
  }
  if (flags.given.count("--seconds") > 0 &&
      flags.given.count("--requests") > 0) {
    return absl::InvalidArgumentError(
        "--seconds does nothing with --requests: leave out one of them");
  }
  const bool one_each = !flags.threads.empty() && !flags.clients.empty() &&
                        !IsSeveral(flags.threads) && !IsSeveral(flags.clients);
  if (one_each && config.num_clients > 0 &&
      config.num_threads > config.num_clients) {
    return absl::InvalidArgumentError(
        absl::StrCat("--threads ", config.num_threads, " with --clients ",
                     config.num_clients,
                     ": a thread serves a client at least, name no more"));
  }
  return CheckSeveral(flags, config);
}

absl::StatusOr<std::vector<int64_t>> ParseValues(absl::string_view text) {
  std::vector<int64_t> values;
  for (const absl::string_view part : absl::StrSplit(text, ',')) {
    int64_t value = 0;
    if (absl::StrContains(part, "..")) {
      std::vector<int64_t> range;
      if (!ParseRange(part, &range)) return BadValues(text);
      values.insert(values.end(), range.begin(), range.end());
    } else if (ParseOne(part, &value)) {
      values.push_back(value);
    } else {
      return BadValues(text);
    }
  }
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values;
}

absl::StatusOr<std::function<bool(const Evidence&)>> ParseKeep(
    const std::vector<std::string>& texts) {
  std::vector<Condition> conditions;
  for (const std::string& text : texts) {
    Condition condition;
    if (!ParseCondition(text, &condition)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--keep ", QuoteBriefly(text),
          ": qps, p99_ms or recall, then >=, <=, > or <, then a number"));
    }
    conditions.push_back(std::move(condition));
  }
  return std::function<bool(const Evidence&)>(
      [conditions = std::move(conditions)](const Evidence& evidence) {
        return std::all_of(conditions.begin(), conditions.end(),
                           [&](const Condition& condition) {
                             return condition.Holds(evidence);
                           });
      });
}

absl::StatusOr<BenchmarkConfig> ConfigOf(const VectorFlags& flags) {
  BenchmarkConfig config = flags.config;
  config.open.seed = config.seed;
  if (!flags.metric.empty()) {
    OPSBENCH_ASSIGN_OR_RETURN(config.open.metric,
                              vector::ParseMetric(flags.metric));
  }
  OPSBENCH_RETURN_IF_ERROR(SetSingle("ef_search", flags.ef, &config));
  OPSBENCH_RETURN_IF_ERROR(SetSingle("num_clients", flags.clients, &config));
  OPSBENCH_RETURN_IF_ERROR(SetSingle("num_threads", flags.threads, &config));
  OPSBENCH_RETURN_IF_ERROR(SetSingle("pipeline", flags.pipeline, &config));
  OPSBENCH_RETURN_IF_ERROR(SetFilter(flags, &config));
  if (!flags.seconds.empty()) config.duration = CheckedTime(flags.seconds);
  if (!flags.warmup.empty()) config.warmup = CheckedTime(flags.warmup);
  return config;
}

vector::Replace ReplaceOf(const VectorFlags& flags) {
  return flags.replace_foreign ? vector::Replace::kForeign
         : flags.replace       ? vector::Replace::kOurs
                               : vector::Replace::kNothing;
}

absl::StatusOr<std::unique_ptr<EngineHandle>> ResolveBackend(
    BenchmarkConfig* config) {
  if (config->backend != "redis" && config->backend != "postgres") {
    return nullptr;
  }
  OPSBENCH_ASSIGN_OR_RETURN(const Engine engine, ParseEngine(config->backend));
  OPSBENCH_ASSIGN_OR_RETURN(const Environment environment, Environment::Load());
  OPSBENCH_ASSIGN_OR_RETURN(std::unique_ptr<EngineHandle> handle,
                            AcquireEngine(engine, environment));
  absl::FPrintF(
      stderr, "%s: %s\n", config->backend,
      handle->is_private()
          ? absl::StrCat("a private server, ", handle->server()->description())
          : handle->url().Redacted());
  config->backend = handle->url().ToString();
  return handle;
}

}  // namespace opsbench::cli
