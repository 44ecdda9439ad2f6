#include "opsbench/vector/benchmark_settings.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "opsbench/db/url.h"
#include "opsbench/vector/redis_commands.h"

namespace opsbench::vector {
namespace {

using InName = BenchmarkSetting::InName;

constexpr unsigned Bit(BackendKind kind) {
  return 1u << static_cast<unsigned>(kind);
}

constexpr unsigned kGraph = Bit(BackendKind::kGraph);
constexpr unsigned kPlainGraph = Bit(BackendKind::kPlainGraph);
constexpr unsigned kLists = Bit(BackendKind::kLists);
constexpr unsigned kScan = Bit(BackendKind::kScan);
constexpr unsigned kRedis = Bit(BackendKind::kRedis);
constexpr unsigned kPostgres = Bit(BackendKind::kPostgres);
constexpr unsigned kServers = kRedis | kPostgres;
constexpr unsigned kGraphs = kGraph | kPlainGraph | kServers;
constexpr unsigned kApproximate = kGraphs | kLists;
constexpr unsigned kFilters = kGraph | kLists | kScan | kServers;
constexpr unsigned kAnywhere = kApproximate | kScan;

// What a backend is called in a message.
struct KindWord {
  unsigned bit;
  const char* words;
};
constexpr KindWord kKindWords[] = {
    {kGraph, "hnsw, faiss_hnsw"}, {kPlainGraph, "hnswlib"},
    {kLists, "faiss_ivf"},        {kScan, "brute_force"},
    {kRedis, "redis://…"},        {kPostgres, "postgres://…"}};

// Operations by what they are made of.
constexpr unsigned kSearch = 1;
constexpr unsigned kKeyless = 2;  // PING.
constexpr unsigned kKeyed = 4;    // With keys, without values: INCR.
constexpr unsigned kValued = 8;   // With both: SET, and GET of what was set.
constexpr unsigned kAnyOperation = kSearch | kKeyless | kKeyed | kValued;

unsigned OperationBit(const RedisCommandInfo& command) {
  return command.has_value ? kValued : command.has_key ? kKeyed : kKeyless;
}

unsigned OperationBit(const BenchmarkConfig& config) {
  for (const RedisCommandInfo& command : RedisCommands()) {
    if (command.name == config.operation) return OperationBit(command);
  }
  return kSearch;
}

std::string OperationWords(unsigned operations) {
  std::vector<std::string> words;
  if ((operations & kSearch) != 0) words.push_back(kVectorQuery);
  for (const RedisCommandInfo& command : RedisCommands()) {
    if ((operations & OperationBit(command)) != 0) {
      words.push_back(command.name);
    }
  }
  return absl::StrJoin(words, ", ");
}

std::string BackendWords(unsigned backends) {
  std::vector<std::string> words;
  for (const KindWord& kind : kKindWords) {
    if ((backends & kind.bit) != 0) words.push_back(kind.words);
  }
  return absl::StrJoin(words, ", ");
}

// The shortest text that is read as the same number.
std::string Exact(double number) {
  char text[32];
  const auto end = std::to_chars(std::begin(text), std::end(text), number);
  return std::string(text, end.ptr);
}

std::string Seconds(absl::Duration duration) {
  return Exact(absl::ToDoubleSeconds(duration));
}

std::string BackendText(const BenchmarkConfig& config) {
  const absl::StatusOr<Url> url = Url::Parse(config.backend);
  return !config.is_local() && url.ok() ? url->Redacted() : config.backend;
}

std::string FilterTag(const BenchmarkConfig& config) {
  return config.filter.by_tag ? absl::StrCat(config.filter.tag) : "";
}

std::string FilterNumber(const BenchmarkConfig& config) {
  const Filter& filter = config.filter;
  return filter.by_number ? absl::StrCat(Exact(filter.number_low), "..",
                                         Exact(filter.number_high))
                          : "";
}

std::string Positive(double number) { return number > 0 ? Exact(number) : ""; }

using Config = BenchmarkConfig;

constexpr BenchmarkSetting kSettings[] = {
    // The backend of a name is what answered, and the operation begins it.
    {"backend", "--backend", kAnywhere, kAnyOperation, InName::kNever, nullptr,
     true, BackendText},
    {"engine", "--engine", kRedis, kSearch, InName::kNever, nullptr, false,
     [](const Config& c) { return c.engine; }},
    {"operation", "--operation", kAnywhere, kAnyOperation, InName::kNever,
     nullptr, false, [](const Config& c) { return c.operation; }},
    {"index", "--index", kServers, kSearch, InName::kNever, nullptr, false,
     [](const Config& c) { return c.index; }},
    {"dataset", "--dataset", kAnywhere, kSearch, InName::kAlways, nullptr, true,
     [](const Config& c) { return c.dataset; }},
    {"queries", "--queries", kAnywhere, kSearch, InName::kUnlessUsual, nullptr,
     false, [](const Config& c) { return c.open.queries; }},
    {"truth", "--truth", kAnywhere, kSearch, InName::kUnlessUsual, nullptr,
     false, [](const Config& c) { return c.open.truth; }},
    {"metric", "--metric", kAnywhere, kSearch, InName::kUnlessUsual, nullptr,
     false,
     [](const Config& c) {
       return c.open.metric ? std::string(MetricName(*c.open.metric)) : "";
     }},
    {"m", "--m", kGraphs, kSearch, InName::kAlways, nullptr, false,
     [](const Config& c) { return absl::StrCat(c.build.m); }},
    {"ef_construction", "--ef-construction", kGraphs, kSearch, InName::kAlways,
     nullptr, false,
     [](const Config& c) { return absl::StrCat(c.build.ef_construction); }},
    {"lists", "--lists", kLists, kSearch, InName::kAlways, nullptr, false,
     [](const Config& c) { return absl::StrCat(c.build.lists); }},
    {"build_threads", "--build-threads",
     kGraph | kPlainGraph | kLists | kPostgres, kSearch, InName::kUnlessUsual,
     nullptr, false,
     [](const Config& c) { return absl::StrCat(c.build.threads); }},
    {"k", "--k", kAnywhere, kSearch, InName::kAlways, nullptr, true,
     [](const Config& c) { return absl::StrCat(c.k); }},
    {"ef_search", "--ef", kApproximate, kSearch, InName::kAlways, "ef", false,
     [](const Config& c) { return absl::StrCat(c.ef_search); }},
    {"filter_tag", "--filter-tag", kFilters, kSearch, InName::kUnlessUsual,
     nullptr, false, FilterTag},
    {"filter_number", "--filter-number", kFilters, kSearch,
     InName::kUnlessUsual, nullptr, false, FilterNumber},
    {"key_space", "--key-space", kRedis, kKeyed | kValued, InName::kAlways,
     nullptr, true, [](const Config& c) { return absl::StrCat(c.key_space); }},
    {"value_bytes", "--value-bytes", kRedis, kValued, InName::kAlways, nullptr,
     true, [](const Config& c) { return absl::StrCat(c.value_bytes); }},
    {"num_clients", "--clients", kAnywhere, kAnyOperation, InName::kAlways,
     "clients", false,
     [](const Config& c) { return absl::StrCat(c.num_clients); }},
    {"num_threads", "--threads", kRedis, kAnyOperation, InName::kAlways,
     "threads", false,
     [](const Config& c) { return absl::StrCat(c.num_threads); }},
    {"pipeline", "--pipeline", kRedis, kAnyOperation, InName::kAlways, nullptr,
     false, [](const Config& c) { return absl::StrCat(c.pipeline); }},
    {"num_requests", "--requests", kAnywhere, kAnyOperation, InName::kNever,
     nullptr, false,
     [](const Config& c) {
       return Positive(static_cast<double>(c.num_requests));
     }},
    {"duration_seconds", "--seconds", kAnywhere, kAnyOperation, InName::kNever,
     nullptr, true,
     [](const Config& c) {
       return c.num_requests > 0 ? "" : Seconds(c.duration);
     }},
    {"warmup_seconds", "--warmup", kAnywhere, kAnyOperation, InName::kNever,
     nullptr, true, [](const Config& c) { return Seconds(c.warmup); }},
    {"rate_per_second", "--rate", kAnywhere, kAnyOperation,
     InName::kUnlessUsual, "rate", false,
     [](const Config& c) { return Positive(c.rate_per_second); }},
    {"seed", "--seed", kAnywhere, kSearch | kKeyed | kValued,
     InName::kUnlessUsual, nullptr, false,
     [](const Config& c) { return absl::StrCat(c.seed); }},
};

}  // namespace

absl::Span<const BenchmarkSetting> BenchmarkSettings() { return kSettings; }

const BenchmarkSetting* FindSetting(absl::string_view flag) {
  const auto* const found =
      std::find_if(std::begin(kSettings), std::end(kSettings),
                   [&](const auto& setting) { return flag == setting.flag; });
  return found == std::end(kSettings) ? nullptr : found;
}

absl::Status CheckActs(const BenchmarkSetting& setting,
                       const BenchmarkConfig& config) {
  const BackendKind kind = config.backend_kind();
  const auto refused = [&](const char* flag, absl::string_view value,
                           const std::string& where) {
    return absl::InvalidArgumentError(
        absl::StrCat(setting.flag, " does nothing with ", flag, " ", value,
                     ": leave it out (it is for ", where, ")"));
  };
  if ((setting.operations & OperationBit(config)) == 0) {
    return refused("--operation", config.operation,
                   OperationWords(setting.operations));
  }
  // What is none is refused by name elsewhere.
  if (kind != BackendKind::kUnknown && (setting.backends & Bit(kind)) == 0) {
    return refused("--backend", BackendText(config),
                   BackendWords(setting.backends));
  }
  return absl::OkStatus();
}

std::string ActingText(const BenchmarkSetting& setting,
                       const BenchmarkConfig& config) {
  return CheckActs(setting, config).ok() ? setting.text(config) : "";
}

bool IsUnusual(const BenchmarkSetting& setting, const BenchmarkConfig& config) {
  return setting.text(config) != setting.text(BenchmarkConfig());
}

}  // namespace opsbench::vector
