#include "opsbench/stress/config.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "opsbench/base/number.h"
#include "opsbench/base/status_macros.h"

namespace opsbench::stress {
namespace {

constexpr double kMaxSeconds = 30 * 86'400;
constexpr double kMaxThinkMs = 3'600'000;
constexpr double kMaxMib = 1e9;

constexpr std::array<absl::string_view, 2> kTransports = {"socket", "tcp"};
constexpr std::array<absl::string_view, 7> kFormats = {
    "best",      "copy_binary",  "copy_text", "pipeline",
    "load_data", "bulk_binding", "multi_row"};
constexpr std::array<absl::string_view, 2> kSwitch = {"off", "on"};
constexpr std::array<Engine, 3> kEngines = {Engine::kSqlite, Engine::kMysql,
                                            Engine::kPostgres};

// The shortest text that reads back to the same.
std::string NumberText(double number) {
  std::array<char, 32> text;
  const auto end = std::to_chars(text.begin(), text.end(), number);
  return std::string(text.begin(), end.ptr);
}

template <typename T>
Setting IntegerSetting(Setting setting, T& (*field)(StressConfig&), T low,
                       T high) {
  setting.set = [field, low, high](absl::string_view text,
                                   StressConfig* config) {
    const absl::StatusOr<int64_t> number = ParseWholeNumber(text, low, high);
    if (!number.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("must be a whole number from ", low, " to ", high));
    }
    field(*config) = static_cast<T>(*number);
    return absl::OkStatus();
  };
  setting.get = [field](StressConfig config) {
    return absl::StrCat(field(config));
  };
  return setting;
}

Setting NumberSetting(Setting setting, double& (*field)(StressConfig&),
                      double low, double high) {
  setting.set = [field, low, high](absl::string_view text,
                                   StressConfig* config) {
    const absl::StatusOr<double> number = ParseNumber(text, low, high);
    if (!number.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "must be a number from ", NumberText(low), " to ", NumberText(high)));
    }
    field(*config) = *number;
    return absl::OkStatus();
  };
  setting.get = [field](StressConfig config) {
    return NumberText(field(config));
  };
  return setting;
}

Setting TextSetting(Setting setting, std::string& (*field)(StressConfig&)) {
  setting.set = [field](absl::string_view text, StressConfig* config) {
    field(*config) = std::string(text);
    return absl::OkStatus();
  };
  setting.get = [field](StressConfig config) { return field(config); };
  return setting;
}

// One of `names`, whose index is the value.
template <typename T, size_t kNames>
Setting ChoiceSetting(Setting setting, T& (*field)(StressConfig&),
                      const std::array<absl::string_view, kNames>& names) {
  setting.set = [field, &names](absl::string_view text, StressConfig* config) {
    const auto found = std::find(names.begin(), names.end(), text);
    if (found == names.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("must be one of ", absl::StrJoin(names, ", ")));
    }
    field(*config) = static_cast<T>(found - names.begin());
    return absl::OkStatus();
  };
  setting.get = [field, &names](StressConfig config) {
    return std::string(names[static_cast<size_t>(field(config))]);
  };
  return setting;
}

Setting EngineSetting(Setting setting) {
  setting.set = [](absl::string_view text, StressConfig* config) {
    const absl::StatusOr<Engine> engine = ParseEngine(text);
    if (!engine.ok() || std::find(kEngines.begin(), kEngines.end(), *engine) ==
                            kEngines.end()) {
      return absl::InvalidArgumentError(
          "must be one of sqlite, mysql, postgres");
    }
    config->engine = *engine;
    return absl::OkStatus();
  };
  setting.get = [](const StressConfig& config) {
    return std::string(EngineName(config.engine));
  };
  return setting;
}

// Both as people write them and as hexadecimal files do.
Setting SeedSetting(Setting setting) {
  setting.set = [](absl::string_view text, StressConfig* config) {
    absl::string_view digits = text;
    const bool hexadecimal = absl::ConsumePrefix(&digits, "0x");
    const char* const end = digits.data() + digits.size();
    uint64_t seed = 0;
    const auto read =
        std::from_chars(digits.data(), end, seed, hexadecimal ? 16 : 10);
    const bool ambiguous =  // 010 is eight to some readers.
        !hexadecimal && digits.size() > 1 && digits[0] == '0';
    if (read.ec != std::errc() || read.ptr != end || ambiguous) {
      return absl::InvalidArgumentError(
          "must be a whole number from 0 to 2^64 - 1, also as 0x…");
    }
    config->plan.seed = seed;
    return absl::OkStatus();
  };
  setting.get = [](const StressConfig& config) {
    return absl::StrCat(config.plan.seed);
  };
  return setting;
}

Setting MemoryLimitSetting(Setting setting) {
  setting.set = [](absl::string_view text, StressConfig* config) {
    OPSBENCH_RETURN_IF_ERROR(CacheBytes(std::string(text)).status());
    config->memory_limit = std::string(text);
    return absl::OkStatus();
  };
  setting.get = [](const StressConfig& config) { return config.memory_limit; };
  return setting;
}

Setting FaultsSetting(Setting setting) {
  setting.set = [](absl::string_view text, StressConfig* config) {
    if (text == "none") {
      config->faults = FaultSpec();
      return absl::OkStatus();
    }
    OPSBENCH_ASSIGN_OR_RETURN(config->faults, ParseFaults(text));
    return absl::OkStatus();
  };
  setting.get = [](const StressConfig& config) {
    return config.faults.total() == 0 ? "none" : config.faults.ToString();
  };
  return setting;
}

void AddWorkload(std::vector<Setting>* all) {
  all->push_back(EngineSetting(
      {"engine", "STRESS_ENGINE", "ENGINE", "sqlite, mysql or postgres"}));
  all->push_back(NumberSetting(
      {"duration", "STRESS_DURATION", "SECONDS", "How long users work"},
      [](StressConfig& c) -> double& { return c.duration_s; }, 0.1,
      kMaxSeconds));
  all->push_back(IntegerSetting<int>(
      {"databases", "STRESS_DATABASES", "N", "Databases, made for the run"},
      [](StressConfig& c) -> int& { return c.plan.databases; }, 1,
      kMaxDatabases));
  all->push_back(IntegerSetting<int>(
      {"inserter-users", "STRESS_INSERTER_USERS", "N",
       "Users that write 85% of the time"},
      [](StressConfig& c) -> int& { return c.plan.inserter_users; }, 0,
      kMaxUsers));
  all->push_back(IntegerSetting<int>(
      {"query-users", "STRESS_QUERY_USERS", "N",
       "Users that read 85% of the time"},
      [](StressConfig& c) -> int& { return c.plan.query_users; }, 0,
      kMaxUsers));
  all->push_back(IntegerSetting<int>(
      {"mixed-users", "STRESS_MIXED_USERS", "N", "Users that do both"},
      [](StressConfig& c) -> int& { return c.plan.mixed_users; }, 0,
      kMaxUsers));
  all->push_back(SeedSetting({"seed", "STRESS_SEED", "N",
                              "What everything is drawn from; drawn by the "
                              "system when it is not given"}));
  all->push_back(NumberSetting(
      {"think-min-ms", "STRESS_THINK_MIN_MS", "MS",
       "Least pause of a user between operations"},
      [](StressConfig& c) -> double& { return c.think_min_ms; }, 0,
      kMaxThinkMs));
  all->push_back(NumberSetting(
      {"think-max-ms", "STRESS_THINK_MAX_MS", "MS", "Longest such pause"},
      [](StressConfig& c) -> double& { return c.think_max_ms; }, 0,
      kMaxThinkMs));
  all->push_back(IntegerSetting<int64_t>(
      {"batch-min", "STRESS_BATCH_MIN", "ROWS", "Fewest rows of a bulk insert"},
      [](StressConfig& c) -> int64_t& { return c.plan.batch_min; }, 1,
      kMaxBatchRows));
  all->push_back(IntegerSetting<int64_t>(
      {"batch-max", "STRESS_BATCH_MAX", "ROWS", "Most rows of a bulk insert"},
      [](StressConfig& c) -> int64_t& { return c.plan.batch_max; }, 1,
      kMaxBatchRows));
  all->push_back(IntegerSetting<int>(
      {"query-complexity-max", "STRESS_QUERY_COMPLEXITY_MAX", "LEVEL",
       "Of aggregates and joins, 1 to 3"},
      [](StressConfig& c) -> int& { return c.plan.complexity_max; }, 1,
      kMaxComplexity));
}

void AddServer(std::vector<Setting>* all) {
  all->push_back(ChoiceSetting(
      {"transport", "STRESS_TRANSPORT", "WAY",
       "To a private server: socket or tcp"},
      +[](StressConfig& c) -> Transport& { return c.transport; }, kTransports));
  all->push_back(ChoiceSetting(
      {"data-format", "STRESS_DATA_FORMAT", "FORMAT",
       "How bulk inserts travel: best, multi_row; PostgreSQL: copy_binary, "
       "copy_text, pipeline; MySQL: load_data; MariaDB: bulk_binding"},
      +[](StressConfig& c) -> DataFormat& { return c.data_format; }, kFormats));
  all->push_back(ChoiceSetting(
      {"durable", "STRESS_DURABLE", "on|off",
       "Of a private server: each commit survives power loss"},
      +[](StressConfig& c) -> bool& { return c.durable; }, kSwitch));
  all->push_back(MemoryLimitSetting(
      {"memory-limit", "STRESS_MEMORY_LIMIT", "SIZE",
       "Cache of a private server: 512MiB, 2GiB or 10% of the memory"}));
  all->push_back(FaultsSetting(
      {"faults", "STRESS_FAULTS", "FAULTS",
       "Faults at drawn moments: kill=3,reset=10,pause,slow_disk, all, none; "
       "on another's server reset alone"}));
}

void AddLimits(std::vector<Setting>* all) {
  all->push_back(NumberSetting(
      {"max-memory-mb", "STRESS_MAX_MEMORY_MB", "MIB",
       "Above this much memory of the engine users pause; 0: no limit"},
      [](StressConfig& c) -> double& { return c.max_memory_mb; }, 0, kMaxMib));
  all->push_back(NumberSetting(
      {"max-cpu-percent", "STRESS_MAX_CPU_PERCENT", "PERCENT",
       "Above this share of all cores users pause; 0: no limit"},
      [](StressConfig& c) -> double& { return c.max_cpu_percent; }, 0, 100));
  all->push_back(NumberSetting(
      {"max-disk-mb", "STRESS_MAX_DISK_MB", "MIB",
       "Above this much disk writes are skipped; 0: no limit"},
      [](StressConfig& c) -> double& { return c.max_disk_mb; }, 0, kMaxMib));
  all->push_back(NumberSetting(
      {"log-interval", "STRESS_LOG_INTERVAL", "SECONDS",
       "Between the looks at resources"},
      [](StressConfig& c) -> double& { return c.log_interval_s; }, 0.01,
      3'600));
  all->push_back(IntegerSetting<int>(
      {"log-mode", "STRESS_LOG_MODE", "BITS",
       "Figures that summary.json keeps over time: 1 client, 2 server, 4 disk, "
       "8 pressure, 16 the engine's own, 32 hyperd; 2047 all"},
      [](StressConfig& c) -> int& { return c.log_mode; }, 0, kLogAll));
  all->push_back(TextSetting(
      {"hyperd-log", "STRESS_HYPERD_LOG", "FILE",
       "Watch the resource metrics in this log of hyperd as well"},
      [](StressConfig& c) -> std::string& { return c.hyperd_log; }));
}

void AddFiles(std::vector<Setting>* all) {
  all->push_back(TextSetting(
      {"output-dir", "STRESS_OUTPUT_DIR", "FOLDER",
       "For results, logs and SQLite's files; a new folder below "
       ".opsbench/stress when it is not given"},
      [](StressConfig& c) -> std::string& { return c.output_dir; }));
  all->back().part_of_run = false;
  all->push_back(TextSetting(
      {"replay-file", "STRESS_REPLAY_FILE", "FILE",
       "Repeat the run that left this replay.json"},
      [](StressConfig& c) -> std::string& { return c.replay_file; }));
  all->back().part_of_run = false;
}

// "--seed (STRESS_SEED)".
std::string Named(absl::string_view name) {
  return absl::StrCat("--", name, " (", FindSetting(name).variable, ")");
}
std::string NamedValue(absl::string_view name, const StressConfig& config) {
  return absl::StrCat(Named(name), " ", FindSetting(name).get(config));
}

absl::Status CheckOrder(absl::string_view low, absl::string_view high,
                        const StressConfig& config) {
  return absl::InvalidArgumentError(absl::StrCat(
      NamedValue(low, config), " is above ", NamedValue(high, config),
      ": lower the first or raise the second"));
}

absl::Status CheckUsers(const StressConfig& config) {
  if (config.users() >= 1 && config.users() <= kMaxUsers) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat(Named("inserter-users"), ", ", Named("query-users"), " and ",
                   Named("mixed-users"), " are ", config.users(),
                   " users together: there must be 1 to ", kMaxUsers));
}

bool HasFormat(Engine engine, DataFormat format) {
  switch (format) {
    case DataFormat::kBest:
    case DataFormat::kMultiRow:
      return true;
    case DataFormat::kCopyBinary:
    case DataFormat::kCopyText:
    case DataFormat::kPipeline:
      return engine == Engine::kPostgres;
    case DataFormat::kLoadData:
    case DataFormat::kBulkBinding:
      return engine == Engine::kMysql;
  }
  return false;
}

absl::Status CheckFormat(const StressConfig& config) {
  if (HasFormat(config.engine, config.data_format)) return absl::OkStatus();
  std::vector<absl::string_view> possible;
  for (size_t i = 0; i < kFormats.size(); ++i) {
    if (HasFormat(config.engine, static_cast<DataFormat>(i))) {
      possible.push_back(kFormats[i]);
    }
  }
  return absl::InvalidArgumentError(absl::StrCat(
      NamedValue("data-format", config), " is not for ",
      NamedValue("engine", config), ": use ", absl::StrJoin(possible, ", ")));
}

// What SQLite, which is no server, does not have.
absl::Status CheckSqlite(const StressConfig& config) {
  if (config.engine != Engine::kSqlite) return absl::OkStatus();
  const StressConfig defaults;
  for (const absl::string_view name : {"transport", "durable"}) {
    const Setting& setting = FindSetting(name);
    if (setting.get(config) == setting.get(defaults)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(NamedValue(name, config), " is for servers, not for ",
                     NamedValue("engine", config),
                     ": leave it out, or use mysql or ", "postgres"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::string_view TransportName(Transport transport) {
  return kTransports[static_cast<size_t>(transport)];
}

absl::string_view DataFormatName(DataFormat format) {
  return kFormats[static_cast<size_t>(format)];
}

BulkMethod BulkMethodOf(DataFormat format) {
  switch (format) {
    case DataFormat::kBest:
      return BulkMethod::kBest;
    case DataFormat::kCopyBinary:
      return BulkMethod::kCopyBinary;
    case DataFormat::kCopyText:
      return BulkMethod::kCopyText;
    case DataFormat::kPipeline:
      return BulkMethod::kPipeline;
    case DataFormat::kLoadData:
      return BulkMethod::kLoadData;
    case DataFormat::kBulkBinding:
      return BulkMethod::kBulkBinding;
    case DataFormat::kMultiRow:
      return BulkMethod::kMultiRow;
  }
  return BulkMethod::kBest;
}

absl::Span<const Setting> Settings() {
  static const auto* settings = [] {
    auto* all = new std::vector<Setting>;
    AddWorkload(all);
    AddServer(all);
    AddLimits(all);
    AddFiles(all);
    return all;
  }();
  return *settings;
}

const Setting& FindSetting(absl::string_view name) {
  const absl::Span<const Setting> all = Settings();
  return *std::find_if(all.begin(), all.end(), [name](const Setting& setting) {
    return setting.name == name;
  });
}

absl::Status Set(const Setting& setting, absl::string_view source,
                 absl::string_view text, StressConfig* config) {
  absl::Status status = setting.set(text, config);
  if (status.ok()) return status;
  return absl::InvalidArgumentError(
      absl::StrCat(source, " ", QuoteBriefly(text), ": ", status.message()));
}

absl::Status CheckConfig(const StressConfig& config) {
  OPSBENCH_RETURN_IF_ERROR(CheckUsers(config));
  if (config.think_min_ms > config.think_max_ms) {
    return CheckOrder("think-min-ms", "think-max-ms", config);
  }
  if (config.plan.batch_min > config.plan.batch_max) {
    return CheckOrder("batch-min", "batch-max", config);
  }
  OPSBENCH_RETURN_IF_ERROR(CheckFormat(config));
  OPSBENCH_RETURN_IF_ERROR(CheckSqlite(config));
  // Whatever the server will be: SQLite allows none.
  return CheckTarget(config, config.engine != Engine::kSqlite);
}

absl::Status CheckTarget(const StressConfig& config, bool has_private_server) {
  absl::Status status =
      CheckFaults(config.engine, has_private_server, config.faults);
  if (status.ok()) return status;
  return absl::InvalidArgumentError(
      absl::StrCat(NamedValue("faults", config), " with ",
                   NamedValue("engine", config), ": ", status.message()));
}

absl::StatusOr<int64_t> CacheBytes(const std::string& memory_limit) {
  constexpr double kMib = 1 << 20;
  const double memory = static_cast<double>(sysconf(_SC_PHYS_PAGES)) *
                        static_cast<double>(sysconf(_SC_PAGE_SIZE));
  absl::string_view digits = memory_limit;
  double unit = 1;
  for (const auto& [suffix, bytes] :
       {std::pair<absl::string_view, double>("KiB", 1 << 10),
        {"MiB", kMib},
        {"GiB", 1 << 30},
        {"%", memory / 100}}) {
    if (absl::ConsumeSuffix(&digits, suffix)) {
      unit = bytes;
      break;
    }
  }
  const absl::StatusOr<double> number =
      ParseNumber(digits, kMib / unit, memory / unit);
  if (!number.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("must be 512MiB, 2GiB, 10% or the like, from 1MiB to the ",
                     "machine's ", static_cast<int64_t>(memory / kMib), "MiB"));
  }
  return static_cast<int64_t>(*number * unit);
}

}  // namespace opsbench::stress
