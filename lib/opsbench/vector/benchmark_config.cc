#include "opsbench/vector/benchmark_config.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "opsbench/base/status_macros.h"
#include "opsbench/db/url.h"
#include "opsbench/load/load.h"
#include "opsbench/vector/redis_commands.h"

namespace opsbench::vector {
namespace {

// More are a mistake of whoever typed the number.
constexpr int kMostClients = 10'000;
constexpr int kMostThreads = 256;
constexpr int kMostPipeline = 10'000;

using Field = int BenchmarkConfig::*;

Field FieldOf(absl::string_view name) {
  if (name == "num_clients" || name == "clients") {
    return &BenchmarkConfig::num_clients;
  }
  if (name == "num_threads" || name == "threads") {
    return &BenchmarkConfig::num_threads;
  }
  if (name == "pipeline") return &BenchmarkConfig::pipeline;
  if (name == "ef_search" || name == "ef" || name == "probes") {
    return &BenchmarkConfig::ef_search;
  }
  return nullptr;
}

absl::Status Bad(absl::string_view what, int64_t value, int64_t low,
                 int64_t high) {
  return absl::InvalidArgumentError(absl::StrCat(
      what, " is ", value, ": it has to be from ", low, " to ", high));
}

bool IsDuration(absl::Duration duration) {
  return duration >= absl::ZeroDuration() && duration < absl::Hours(24 * 7);
}

absl::Status CheckTimes(const BenchmarkConfig& config) {
  if (config.num_requests < 0) {
    return Bad("requests", config.num_requests, 0, int64_t{1} << 40);
  }
  if (config.num_requests == 0 && (config.duration <= absl::ZeroDuration() ||
                                   !IsDuration(config.duration))) {
    return absl::InvalidArgumentError(
        "seconds have to be above 0 and less than a week");
  }
  if (!IsDuration(config.warmup)) {
    return absl::InvalidArgumentError(
        "the warm-up has to be from 0 seconds to less than a week");
  }
  if (!(config.rate_per_second >= 0) || config.rate_per_second > 1e8) {
    return absl::InvalidArgumentError(absl::StrCat(
        "rate is ", config.rate_per_second,
        ": it has to be from 0, as fast as it goes, to 100000000 a second"));
  }
  return absl::OkStatus();
}

std::string Seconds(absl::Duration duration) {
  return absl::StrFormat("%g", absl::ToDoubleSeconds(duration));
}

// In single quotes where a shell would make something else of it.
std::string Quoted(const std::string& text) {
  const bool plain =
      !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
               absl::StrContains("-_./:@%+,=", absl::string_view(&c, 1));
      });
  return plain ? text
               : absl::StrCat("'", absl::StrReplaceAll(text, {{"'", "'\\''"}}),
                              "'");
}

void AppendFilter(const Filter& filter, std::vector<std::string>* words) {
  if (filter.by_tag) {
    words->push_back(absl::StrCat("--filter-tag ", filter.tag));
  }
  if (filter.by_number) {
    words->push_back(absl::StrFormat("--filter-number %g..%g",
                                     filter.number_low, filter.number_high));
  }
}

void AppendDataset(const BenchmarkConfig& config,
                   std::vector<std::string>* words) {
  const OpenDatasetOptions usual;
  words->push_back(absl::StrCat("--dataset ", Quoted(config.dataset)));
  if (!config.open.queries.empty()) {
    words->push_back(absl::StrCat("--queries ", Quoted(config.open.queries)));
  }
  if (!config.open.truth.empty()) {
    words->push_back(absl::StrCat("--truth ", Quoted(config.open.truth)));
  }
  if (config.open.metric.has_value()) {
    words->push_back(
        absl::StrCat("--metric ", MetricName(*config.open.metric)));
  }
  words->push_back(absl::StrCat("--k ", config.k));
  if (config.ef_search > 0) {
    words->push_back(absl::StrCat("--ef ", config.ef_search));
  }
  const BuildOptions build;
  if (config.build.m != build.m) {
    words->push_back(absl::StrCat("--m ", config.build.m));
  }
  if (config.build.ef_construction != build.ef_construction) {
    words->push_back(
        absl::StrCat("--ef-construction ", config.build.ef_construction));
  }
  if (config.build.lists != build.lists) {
    words->push_back(absl::StrCat("--lists ", config.build.lists));
  }
}

}  // namespace

bool BenchmarkConfig::is_local() const {
  return !absl::StrContains(backend, ":");
}

absl::Status SetParameter(absl::string_view name, int64_t value,
                          BenchmarkConfig* config) {
  const Field field = FieldOf(name);
  if (field == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("unknown parameter ", name,
                     ": there are num_clients, num_threads, pipeline and "
                     "ef_search"));
  }
  if (value < 0 || value > 1'000'000) return Bad(name, value, 0, 1'000'000);
  config->*field = static_cast<int>(value);
  return absl::OkStatus();
}

int GetParameter(absl::string_view name, const BenchmarkConfig& config) {
  return config.*FieldOf(name);
}

absl::Status CheckConfig(const BenchmarkConfig& config) {
  if (config.k < 1 || config.k > 10'000) return Bad("k", config.k, 1, 10'000);
  if (config.num_clients < 0 || config.num_clients > kMostClients) {
    return Bad("clients", config.num_clients, 0, kMostClients);
  }
  if (config.is_local() && config.num_clients > LoadOptions::kMaxWorkers) {
    return absl::InvalidArgumentError(
        absl::StrCat("clients is ", config.num_clients,
                     ": in this process each is a thread, and there may be ",
                     LoadOptions::kMaxWorkers));
  }
  if (config.num_threads < 1 || config.num_threads > kMostThreads) {
    return Bad("threads", config.num_threads, 1, kMostThreads);
  }
  if (config.pipeline < 1 || config.pipeline > kMostPipeline) {
    return Bad("pipeline", config.pipeline, 1, kMostPipeline);
  }
  if (config.ef_search < 0 || config.ef_search > 1'000'000) {
    return Bad("ef", config.ef_search, 0, 1'000'000);
  }
  if (config.is_local() && config.pipeline > 1) {
    return absl::InvalidArgumentError(
        "an index of this process has no pipeline: --pipeline is for servers");
  }
  if (config.is_local() && !config.is_search()) {
    return absl::InvalidArgumentError(
        absl::StrCat(config.operation,
                     " is a command of a server: name one "
                     "with --backend redis://host:port"));
  }
  if (!config.is_search()) {
    RedisCommandOptions command;
    command.command = config.operation;
    command.key_space = config.key_space;
    command.value_bytes = config.value_bytes;
    OPSBENCH_RETURN_IF_ERROR(MakeRedisCommandTraffic(command).status());
  }
  const Filter& filter = config.filter;
  if (filter.by_tag && filter.by_number) {
    return absl::InvalidArgumentError(
        "a search filters by tag or by number, not by both");
  }
  if (filter.by_number && !(filter.number_low < filter.number_high)) {
    return absl::InvalidArgumentError(
        "a filter by number has to begin below its end");
  }
  return CheckTimes(config);
}

std::string CommandOf(const BenchmarkConfig& config) {
  std::string backend = config.backend;
  const absl::StatusOr<Url> url = Url::Parse(config.backend);
  if (url.ok()) backend = url->Redacted();
  std::vector<std::string> words = {
      "vector query", absl::StrCat("--backend ", Quoted(backend))};
  if (config.engine != "auto") {
    words.push_back(absl::StrCat("--engine ", config.engine));
  }
  if (config.is_search()) {
    AppendDataset(config, &words);
    AppendFilter(config.filter, &words);
  } else {
    words.push_back(absl::StrCat("--operation ", config.operation));
    words.push_back(absl::StrCat("--key-space ", config.key_space));
    words.push_back(absl::StrCat("--value-bytes ", config.value_bytes));
  }
  if (config.num_clients > 0) {
    words.push_back(absl::StrCat("--clients ", config.num_clients));
  }
  if (config.num_threads > 1) {
    words.push_back(absl::StrCat("--threads ", config.num_threads));
  }
  if (config.pipeline > 1) {
    words.push_back(absl::StrCat("--pipeline ", config.pipeline));
  }
  words.push_back(config.num_requests > 0
                      ? absl::StrCat("--requests ", config.num_requests)
                      : absl::StrCat("--seconds ", Seconds(config.duration)));
  words.push_back(absl::StrCat("--warmup ", Seconds(config.warmup)));
  if (config.rate_per_second > 0) {
    words.push_back(absl::StrFormat("--rate %g", config.rate_per_second));
  }
  if (config.seed != 1) words.push_back(absl::StrCat("--seed ", config.seed));
  return absl::StrJoin(words, " ");
}

std::string DescribeSetting(const BenchmarkConfig& config) {
  std::vector<std::string> parts;
  if (config.ef_search > 0) {
    parts.push_back(absl::StrCat("ef ", config.ef_search));
  }
  parts.push_back(absl::StrCat(
      config.num_clients, config.num_clients == 1 ? " client" : " clients"));
  if (config.num_threads > 1) {
    parts.push_back(absl::StrCat(config.num_threads, " threads"));
  }
  if (config.pipeline > 1) {
    parts.push_back(absl::StrCat("pipeline ", config.pipeline));
  }
  if (config.rate_per_second > 0) {
    parts.push_back(absl::StrFormat("%g a second", config.rate_per_second));
  }
  return absl::StrJoin(parts, ", ");
}

}  // namespace opsbench::vector
