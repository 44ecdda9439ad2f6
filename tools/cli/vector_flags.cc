#include "vector_flags.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/vector/search.h"

namespace opsbench::cli {
namespace {

using vector::BenchmarkConfig;
using vector::Evidence;

absl::Status BadValues(absl::string_view flag, absl::string_view text) {
  return absl::InvalidArgumentError(
      absl::StrCat(flag, " ", text,
                   ": one value, several as 1,2,4, or a range as 10..500 "
                   "or 10..500:10, all from 0 to 1000000"));
}

bool ParseOne(absl::string_view text, int64_t* value) {
  return absl::SimpleAtoi(text, value) && *value >= 0 && *value <= 1'000'000;
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

absl::Status SetSingle(absl::string_view flag, absl::string_view name,
                       const std::string& text, BenchmarkConfig* config) {
  if (text.empty()) return absl::OkStatus();
  OPSBENCH_ASSIGN_OR_RETURN(const std::vector<int64_t> values,
                            ParseValues(flag, text));
  // Of several, the first stands for all until they are tried.
  return vector::SetParameter(name, values.front(), config);
}

absl::Status SetFilter(const VectorFlags& flags, BenchmarkConfig* config) {
  vector::Filter& filter = config->filter;
  if (flags.filter_tag.has_value()) {
    if (*flags.filter_tag < 0 || *flags.filter_tag > 1'000'000'000) {
      return absl::InvalidArgumentError(
          absl::StrCat("--filter-tag ", *flags.filter_tag,
                       ": it has to be from 0 to 1000000000"));
    }
    filter.by_tag = true;
    filter.tag = static_cast<uint32_t>(*flags.filter_tag);
  }
  if (flags.filter_number.empty()) return absl::OkStatus();
  const std::vector<std::string> ends =
      absl::StrSplit(flags.filter_number, absl::MaxSplits("..", 1));
  if (ends.size() != 2 || !absl::SimpleAtod(ends[0], &filter.number_low) ||
      !absl::SimpleAtod(ends[1], &filter.number_high)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--filter-number ", flags.filter_number,
                     ": two numbers from 0 to 1, as 0.2..0.3"));
  }
  filter.by_number = true;
  return absl::OkStatus();
}

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
    return known && absl::SimpleAtod(sides[1], &condition->bound);
  }
  return false;
}

CLI::Option* AddText(CLI::App* command, const char* name, std::string* text,
                     const char* help, const char* type) {
  return command->add_option(name, *text, help)->type_name(type);
}

}  // namespace

void AddVectorTarget(CLI::App* command, VectorFlags* flags) {
  BenchmarkConfig& config = flags->config;
  AddText(command, "--dataset", &config.dataset,
          "A generated data set (clusters-10k-64, sphere-100k-128, …) or a "
          "file: .hdf5, .fvecs, .fbin, .npy, .opsvec (clusters-10k-64)",
          "NAME");
  AddText(command, "--backend", &config.backend,
          "In this process: hnswlib, brute_force, faiss_hnsw, faiss_ivf; or a "
          "server: redis://host:port, postgres://…, redis or postgres for "
          "what the environment names, else a private one (hnswlib)",
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
  command->add_option("--m", config.build.m, "HNSW: links of a node (16)");
  command->add_option("--ef-construction", config.build.ef_construction,
                      "HNSW: candidates while building (200)");
  command->add_option("--lists", config.build.lists, "IVF: lists (256)");
  command->add_option("--build-threads", config.build.threads,
                      "Threads that build the index (2)");
  command->add_option("--seed", config.seed,
                      "Of the order of queries, and of generated data (1)");
}

void AddVectorLoad(CLI::App* command, VectorFlags* flags, bool ranges) {
  BenchmarkConfig& config = flags->config;
  const char* values = ranges ? "VALUES" : "N";
  command->add_option("--k", config.k, "Neighbours of each query (10)");
  AddText(command, "--ef", &flags->ef,
          "Candidates of a search (HNSW), or lists that it looks into (IVF)",
          values);
  AddText(command, "--clients", &flags->clients,
          "Callers at once: threads in this process, connections on a server",
          values);
  AddText(command, "--threads", &flags->threads,
          "Threads that serve a server's connections (1)", values);
  AddText(command, "--pipeline", &flags->pipeline,
          "Requests of a connection under way at once (1)", values);
  command->add_option("--filter-tag", flags->filter_tag,
                      "Only vectors with this tag");
  AddText(command, "--filter-number", &flags->filter_number,
          "Only vectors whose number is in this range", "LOW..HIGH");
  AddText(command, "--seconds", &flags->seconds,
          ranges ? "Length of each measurement (0.5)"
                 : "Length of the measurement (2)",
          "S");
  AddText(command, "--warmup", &flags->warmup,
          "The same load, before the clock starts (0.2, or 0.1 of a search)",
          "S");
  command->add_option("--requests", config.num_requests,
                      "So many requests, instead of a time");
  command->add_option(
      "--rate", config.rate_per_second,
      "Requests a second on a schedule, instead of as fast as it goes");
}

void AddVectorSearch(CLI::App* command, VectorFlags* flags) {
  command->add_option("--min-recall", flags->min_recall,
                      "Least recall of the setting looked for (0.95)");
  command->add_option("--max-p99-ms", flags->max_p99_ms,
                      "Highest 99th percentile of latency");
  AddText(command, "--budget", &flags->budget,
          "Time to look for it: 90s, 5m (60s)", "TIME");
}

void AddVectorOutput(CLI::App* command, VectorFlags* flags) {
  command->add_option("--output", flags->outputs,
                      "File for the results, .csv, .json or .html; may come "
                      "again. All three are in the folder of the run anyway");
  AddText(command, "--output-dir", &flags->output_dir,
          "Folder of the run (.opsbench/vector/<time>)", "DIR");
  AddStagesFlag(command, &flags->stages);
}

absl::StatusOr<std::vector<int64_t>> ParseValues(absl::string_view flag,
                                                 absl::string_view text) {
  std::vector<int64_t> values;
  for (const absl::string_view part : absl::StrSplit(text, ',')) {
    int64_t value = 0;
    if (absl::StrContains(part, "..")) {
      std::vector<int64_t> range;
      if (!ParseRange(part, &range)) return BadValues(flag, text);
      values.insert(values.end(), range.begin(), range.end());
    } else if (ParseOne(part, &value)) {
      values.push_back(value);
    } else {
      return BadValues(flag, text);
    }
  }
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values;
}

absl::StatusOr<absl::Duration> ParseSeconds(absl::string_view flag,
                                            absl::string_view text) {
  double seconds = 0;
  absl::Duration duration;
  if (absl::SimpleAtod(text, &seconds)) {
    duration = absl::Seconds(seconds);
  } else if (!absl::ParseDuration(text, &duration)) {
    return absl::InvalidArgumentError(absl::StrCat(
        flag, " ", text, ": a time in seconds, or as 500ms, 90s or 2m"));
  }
  if (duration < absl::ZeroDuration() || duration > absl::Hours(24 * 7)) {
    return absl::InvalidArgumentError(
        absl::StrCat(flag, " ", text, ": from 0 to a week"));
  }
  return duration;
}

absl::StatusOr<std::function<bool(const Evidence&)>> ParseKeep(
    const std::vector<std::string>& texts) {
  std::vector<Condition> conditions;
  for (const std::string& text : texts) {
    Condition condition;
    if (!ParseCondition(text, &condition)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--keep ", text,
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
  OPSBENCH_RETURN_IF_ERROR(SetSingle("--ef", "ef_search", flags.ef, &config));
  OPSBENCH_RETURN_IF_ERROR(
      SetSingle("--clients", "num_clients", flags.clients, &config));
  OPSBENCH_RETURN_IF_ERROR(
      SetSingle("--threads", "num_threads", flags.threads, &config));
  OPSBENCH_RETURN_IF_ERROR(
      SetSingle("--pipeline", "pipeline", flags.pipeline, &config));
  OPSBENCH_RETURN_IF_ERROR(SetFilter(flags, &config));
  if (!flags.seconds.empty()) {
    OPSBENCH_ASSIGN_OR_RETURN(config.duration,
                              ParseSeconds("--seconds", flags.seconds));
  }
  if (!flags.warmup.empty()) {
    OPSBENCH_ASSIGN_OR_RETURN(config.warmup,
                              ParseSeconds("--warmup", flags.warmup));
  }
  if (!(flags.min_recall >= 0 && flags.min_recall <= 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--min-recall ", flags.min_recall, ": from 0 to 1"));
  }
  if (flags.max_p99_ms.has_value() && !(*flags.max_p99_ms > 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--max-p99-ms ", *flags.max_p99_ms, ": above 0"));
  }
  return config;
}

absl::StatusOr<vector::Replace> ReplaceOf(const VectorFlags& flags,
                                          const BenchmarkConfig& config) {
  if (!flags.replace && !flags.replace_foreign) {
    return vector::Replace::kNothing;
  }
  const char* const flag =
      flags.replace_foreign ? "--replace-foreign" : "--replace";
  if (config.is_local()) {
    return absl::InvalidArgumentError(absl::StrCat(
        flag, " is for servers: ", config.backend, " is built anew each time"));
  }
  if (!config.is_search()) {
    return absl::InvalidArgumentError(
        absl::StrCat(flag, " is for indexes: ", config.operation, " has none"));
  }
  return flags.replace_foreign ? vector::Replace::kForeign
                               : vector::Replace::kOurs;
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
