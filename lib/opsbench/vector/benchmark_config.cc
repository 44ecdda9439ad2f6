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
#include "opsbench/vector/benchmark_settings.h"
#include "opsbench/vector/local_backends.h"
#include "opsbench/vector/redis_commands.h"
#include "opsbench/vector/wire_backends.h"

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
  constexpr int64_t kMostRequests = int64_t{1} << 40;
  if (config.num_requests < 0 || config.num_requests > kMostRequests) {
    return Bad("requests", config.num_requests, 0, kMostRequests);
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

// m and ef_construction of a graph, lists, threads: as all backends take them.
absl::Status CheckBuild(const BuildOptions& build) {
  if (build.m < 2 || build.m > 512) return Bad("m", build.m, 2, 512);
  if (build.ef_construction < 1 || build.ef_construction > 1 << 20) {
    return Bad("ef-construction", build.ef_construction, 1, 1 << 20);
  }
  if (build.lists < 1 || build.lists > 1 << 24) {
    return Bad("lists", build.lists, 1, 1 << 24);
  }
  if (build.threads < 1 || build.threads > kMostThreads) {
    return Bad("build-threads", build.threads, 1, kMostThreads);
  }
  return absl::OkStatus();
}

absl::Status CheckFilter(const BenchmarkConfig& config) {
  const Filter& filter = config.filter;
  if (!filter.any()) return absl::OkStatus();
  if (filter.by_tag && filter.by_number) {
    return absl::InvalidArgumentError(
        "a search filters by tag or by number, not by both");
  }
  if (filter.by_number && !(filter.number_low >= 0 && filter.number_high <= 1 &&
                            filter.number_low < filter.number_high)) {
    return absl::InvalidArgumentError(
        "a filter by number has to begin below its end, both from 0 to 1");
  }
  if (config.backend_kind() == BackendKind::kPlainGraph) {
    return absl::InvalidArgumentError(
        absl::StrCat(config.backend,
                     " cannot filter: leave out the filter, or take another "
                     "--backend"));
  }
  return absl::OkStatus();
}

absl::Status CheckBackend(const BenchmarkConfig& config) {
  if (config.is_local() && config.backend_kind() == BackendKind::kUnknown) {
    return MakeLocalBackend(config.backend).status();
  }
  if (config.backend_kind() == BackendKind::kUnknown) {
    // Parse() never repeats what may be a password.
    OPSBENCH_ASSIGN_OR_RETURN(const Url url, Url::Parse(config.backend));
    return absl::InvalidArgumentError(
        absl::StrCat("--backend ", url.Redacted(),
                     ": vectors are searched on Redis, Valkey and PostgreSQL"));
  }
  if (!config.is_search() && config.backend_kind() != BackendKind::kRedis) {
    return absl::InvalidArgumentError(absl::StrCat(
        config.operation,
        " is a command of a server with Redis's protocol: name one with "
        "--backend redis://host:port"));
  }
  if (config.backend_kind() == BackendKind::kRedis) {
    return ParseRedisIndexKind(config.engine).status();
  }
  return absl::OkStatus();
}

}  // namespace

BackendKind BenchmarkConfig::backend_kind() const {
  static constexpr std::pair<absl::string_view, BackendKind> kNamed[] = {
      {"hnsw", BackendKind::kGraph},
      {"hnswlib", BackendKind::kPlainGraph},
      {"faiss_hnsw", BackendKind::kGraph},
      {"faiss_ivf", BackendKind::kLists},
      {"brute_force", BackendKind::kScan},
      {"redis", BackendKind::kRedis},
      {"postgres", BackendKind::kPostgres}};
  for (const auto& [name, kind] : kNamed) {
    if (backend == name) return kind;
  }
  const absl::StatusOr<Url> url = Url::Parse(backend);
  if (!url.ok()) return BackendKind::kUnknown;
  switch (url->engine) {
    case Engine::kRedis:
      return BackendKind::kRedis;
    case Engine::kPostgres:
      return BackendKind::kPostgres;
    default:
      return BackendKind::kUnknown;
  }
}

bool BenchmarkConfig::is_local() const {
  return !absl::StrContains(backend, ":") &&
         backend_kind() != BackendKind::kRedis &&
         backend_kind() != BackendKind::kPostgres;
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
  if (config.backend_kind() != BackendKind::kRedis &&
      config.num_clients > LoadOptions::kMaxWorkers) {
    return absl::InvalidArgumentError(
        absl::StrCat("clients is ", config.num_clients,
                     ": on this backend each is a thread, and there may be ",
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
  if (!config.is_search()) {
    RedisCommandOptions command;
    command.command = config.operation;
    command.key_space = config.key_space;
    command.value_bytes = config.value_bytes;
    OPSBENCH_RETURN_IF_ERROR(MakeRedisCommandTraffic(command).status());
  }
  OPSBENCH_RETURN_IF_ERROR(CheckBackend(config));
  OPSBENCH_RETURN_IF_ERROR(CheckBuild(config.build));
  OPSBENCH_RETURN_IF_ERROR(CheckFilter(config));
  return CheckTimes(config);
}

std::string CommandOf(const BenchmarkConfig& config) {
  std::vector<std::string> words = {"vector query"};
  for (const BenchmarkSetting& setting : BenchmarkSettings()) {
    const std::string text = ActingText(setting, config);
    if (text.empty()) continue;
    if (setting.always_typed || IsUnusual(setting, config)) {
      words.push_back(absl::StrCat(setting.flag, " ", Quoted(text)));
    }
  }
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
