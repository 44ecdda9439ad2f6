// The table of settings: each is there once, reads back what it writes, and
// refuses what it must; contradictions are found and named.

#include "opsbench/stress/config.h"

#include <map>
#include <set>
#include <string>
#include <tuple>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace opsbench::stress {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(SettingsTest, HasSeedDocument003sVariablesAndDefaults) {
  // Those that differ have to: another engine, shorter, finer points.
  const std::map<std::string, std::string> expected = {
      {"STRESS_DURATION", "60"},
      {"STRESS_DATABASES", "3"},
      {"STRESS_INSERTER_USERS", "4"},
      {"STRESS_QUERY_USERS", "3"},
      {"STRESS_MIXED_USERS", "2"},
      {"STRESS_SEED", "1"},
      {"STRESS_MAX_MEMORY_MB", "4096"},
      {"STRESS_MAX_CPU_PERCENT", "90"},
      {"STRESS_MAX_DISK_MB", "2048"},
      {"STRESS_THINK_MIN_MS", "10"},
      {"STRESS_THINK_MAX_MS", "200"},
      {"STRESS_BATCH_MIN", "100"},
      {"STRESS_BATCH_MAX", "10000"},
      {"STRESS_LOG_INTERVAL", "0.25"},
      {"STRESS_LOG_MODE", "2047"},
      {"STRESS_MEMORY_LIMIT", "1GiB"},
      {"STRESS_TRANSPORT", "socket"},
      {"STRESS_DATA_FORMAT", "best"},
      {"STRESS_OUTPUT_DIR", ""},
      {"STRESS_REPLAY_FILE", ""},
      {"STRESS_QUERY_COMPLEXITY_MAX", "3"},
      {"STRESS_ENGINE", "sqlite"},
      {"STRESS_DURABLE", "on"},
      {"STRESS_FAULTS", "none"},
      {"STRESS_HYPERD_LOG", ""},
  };
  std::map<std::string, std::string> found;
  for (const Setting& setting : Settings()) {
    EXPECT_TRUE(found.emplace(setting.variable, setting.get({})).second)
        << setting.variable;
  }
  EXPECT_EQ(found, expected);
}

TEST(SettingsTest, NamesAreFlagsOfTheirVariables) {
  std::set<std::string> names;
  for (const Setting& setting : Settings()) {
    EXPECT_TRUE(names.insert(setting.name).second) << setting.name;
    std::string variable = "STRESS_";
    for (const char c : std::string(setting.name)) {
      variable += c == '-' ? '_' : static_cast<char>(std::toupper(c));
    }
    EXPECT_EQ(setting.variable, variable);
    EXPECT_EQ(&FindSetting(setting.name), &setting);
    EXPECT_STRNE(setting.help, "");
  }
}

// For each setting two values other than its default, and some that it refuses.
struct Case {
  const char* name;
  std::vector<const char*> good;
  std::vector<const char*> bad;
};

const std::vector<Case>& Cases() {
  static const std::vector<Case> cases = {
      {"engine", {"postgres", "mysql"}, {"", "redis", "oracle"}},
      {"duration", {"0.1", "300"}, {"", "0", "-1", "nan", "inf", "5s"}},
      {"databases",
       {"1", "64"},
       {"", "0", "65", "1.5", "99999999999999999999"}},
      {"inserter-users", {"0", "4096"}, {"-1", "4097", "x"}},
      {"query-users", {"0", "4096"}, {"-1", "4097", "x"}},
      {"mixed-users", {"0", "4096"}, {"-1", "4097", "x"}},
      {"seed",
       {"0", "18446744073709551615"},
       {"", "-1", "18446744073709551616", "0x", "seed"}},
      {"max-memory-mb", {"0", "0.5"}, {"-1", "nan"}},
      {"max-cpu-percent", {"0", "12.5"}, {"-1", "100.1"}},
      {"max-disk-mb", {"0", "100"}, {"-1", "nan"}},
      {"think-min-ms", {"0", "0.1"}, {"-1", "1e9"}},
      {"think-max-ms", {"0", "1234.5"}, {"-1", "1e9"}},
      {"batch-min", {"1", "65535"}, {"0", "65536"}},
      {"batch-max", {"1", "65535"}, {"0", "65536"}},
      {"log-interval", {"5", "0.01"}, {"0", "3601"}},
      {"log-mode", {"0", "36"}, {"-1", "2048"}},
      {"memory-limit", {"512MiB", "10%"}, {"", "lots", "1KiB", "101%", "9GB"}},
      {"transport", {"tcp"}, {"", "grpc"}},
      {"data-format",
       {"copy_binary", "copy_text", "pipeline", "load_data", "bulk_binding",
        "multi_row"},
       {"", "arrow"}},
      {"durable", {"off"}, {"", "maybe"}},
      {"faults", {"kill", "kill=3,reset=10"}, {"", "kil", "kill=0"}},
      {"hyperd-log", {"/tmp/hyperd.log"}, {}},
      {"output-dir", {"out"}, {}},
      {"replay-file", {"a.json"}, {}},
      {"query-complexity-max", {"1", "2"}, {"0", "4"}},
  };
  return cases;
}

TEST(SettingsTest, EachReadsBackWhatItWritesAndRefusesTheRest) {
  ASSERT_EQ(Cases().size(), Settings().size());
  for (const Case& test : Cases()) {
    const Setting& setting = FindSetting(test.name);
    for (const char* text : test.good) {
      StressConfig config;
      ASSERT_TRUE(Set(setting, "here", text, &config).ok()) << text;
      EXPECT_NE(setting.get(config), setting.get({})) << test.name;
      StressConfig again;
      ASSERT_TRUE(setting.set(setting.get(config), &again).ok()) << text;
      EXPECT_EQ(setting.get(again), setting.get(config));
      // No other setting was changed by it.
      for (const Setting& other : Settings()) {
        if (&other == &setting) continue;
        EXPECT_EQ(other.get(config), other.get({}))
            << test.name << " changes " << other.name;
      }
    }
    for (const char* text : test.bad) {
      StressConfig config;
      const absl::Status status = Set(setting, "STRESS_X", text, &config);
      EXPECT_TRUE(absl::IsInvalidArgument(status)) << test.name << "=" << text;
      EXPECT_THAT(std::string(status.message()),
                  AllOf(HasSubstr(std::string("STRESS_X \"") + text + "\""),
                        Not(HasSubstr("\n"))));
    }
  }
}

TEST(SettingsTest, ASeedMayBeHexadecimal) {
  StressConfig config;
  ASSERT_TRUE(FindSetting("seed").set("0xfedcba9876543210", &config).ok());
  EXPECT_EQ(config.plan.seed, 0xfedcba9876543210u);
}

TEST(SettingsTest, NumbersKeepEveryDigit) {
  StressConfig config;
  config.duration_s = 0.1 + 0.2;
  StressConfig again;
  const Setting& setting = FindSetting("duration");
  ASSERT_TRUE(setting.set(setting.get(config), &again).ok());
  EXPECT_EQ(again.duration_s, config.duration_s);
}

TEST(CacheBytesTest, ReadsUnitsAndPercent) {
  EXPECT_EQ(*CacheBytes("1048576"), 1 << 20);
  EXPECT_EQ(*CacheBytes("2048KiB"), 2 << 20);
  EXPECT_EQ(*CacheBytes("1.5MiB"), 3 << 19);
  EXPECT_EQ(*CacheBytes("1GiB"), 1 << 30);
  const int64_t tenth = *CacheBytes("10%");
  const int64_t half = *CacheBytes("50%");
  EXPECT_NEAR(static_cast<double>(half), 5 * static_cast<double>(tenth), 5);
}

// --- Contradictions ---

struct Contradiction {
  const char* what;
  std::vector<std::pair<const char*, const char*>> settings;
  std::vector<const char*> named;  // In the message.
};

TEST(CheckConfigTest, ContradictionsNameBothSettings) {
  const std::vector<Contradiction> contradictions = {
      {"think times",
       {{"think-min-ms", "300"}},
       {"--think-min-ms (STRESS_THINK_MIN_MS) 300",
        "--think-max-ms (STRESS_THINK_MAX_MS) 200"}},
      {"batches",
       {{"batch-min", "20000"}},
       {"--batch-min (STRESS_BATCH_MIN) 20000", "--batch-max"}},
      {"no users",
       {{"inserter-users", "0"}, {"query-users", "0"}, {"mixed-users", "0"}},
       {"--inserter-users", "--query-users", "--mixed-users", "0 users"}},
      {"too many users", {{"inserter-users", "4096"}}, {"4101 users", "4096"}},
      {"a format of another engine",
       {{"engine", "mysql"}, {"data-format", "copy_binary"}},
       {"--data-format", "copy_binary", "--engine", "mysql",
        "best, load_data, bulk_binding, multi_row"}},
      {"a format of servers",
       {{"data-format", "load_data"}},
       {"--data-format", "sqlite", "best, multi_row"}},
      {"transport of SQLite",
       {{"transport", "tcp"}},
       {"--transport", "tcp", "--engine", "sqlite"}},
      {"durability of SQLite",
       {{"durable", "off"}},
       {"--durable", "--engine", "sqlite"}},
      {"faults of SQLite", {{"faults", "kill"}}, {"--faults", "--engine"}},
  };
  for (const Contradiction& test : contradictions) {
    StressConfig config;
    for (const auto& [name, value] : test.settings) {
      ASSERT_TRUE(FindSetting(name).set(value, &config).ok()) << test.what;
    }
    const absl::Status status = CheckConfig(config);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << test.what;
    for (const char* text : test.named) {
      EXPECT_THAT(std::string(status.message()), HasSubstr(text)) << test.what;
    }
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("\n")));
  }
}

TEST(CheckConfigTest, WhatIsUnusualButFinePasses) {
  EXPECT_TRUE(CheckConfig({}).ok());
  StressConfig config;
  config.plan.databases = 64;  // More than users.
  config.think_min_ms = config.think_max_ms = 0;
  config.plan.batch_min = config.plan.batch_max = 7;
  EXPECT_TRUE(CheckConfig(config).ok()) << CheckConfig(config);
  for (const auto& [engine, format] :
       {std::pair(Engine::kPostgres, DataFormat::kCopyBinary),
        {Engine::kPostgres, DataFormat::kPipeline},
        {Engine::kMysql, DataFormat::kLoadData},
        {Engine::kMysql, DataFormat::kBulkBinding},
        {Engine::kSqlite, DataFormat::kMultiRow}}) {
    config.engine = engine;
    config.data_format = format;
    EXPECT_TRUE(CheckConfig(config).ok()) << CheckConfig(config);
  }
}

TEST(CheckTargetTest, AnothersServerTakesResetsAlone) {
  StressConfig config;
  config.engine = Engine::kPostgres;
  ASSERT_TRUE(FindSetting("faults").set("kill,reset", &config).ok());
  EXPECT_TRUE(CheckTarget(config, true).ok());
  EXPECT_THAT(std::string(CheckTarget(config, false).message()),
              AllOf(HasSubstr("--faults"), HasSubstr("reset")));
  ASSERT_TRUE(FindSetting("faults").set("reset=3", &config).ok());
  EXPECT_TRUE(CheckTarget(config, false).ok());
}

TEST(DataFormatTest, EachHasItsWayOfBulkLoading) {
  std::set<BulkMethod> methods;
  for (int i = 0; i <= static_cast<int>(DataFormat::kMultiRow); ++i) {
    methods.insert(BulkMethodOf(static_cast<DataFormat>(i)));
  }
  EXPECT_EQ(methods.size(), 7);
  EXPECT_EQ(BulkMethodOf(DataFormat::kCopyText), BulkMethod::kCopyText);
  EXPECT_EQ(BulkMethodOf(DataFormat::kLoadData), BulkMethod::kLoadData);
}

}  // namespace
}  // namespace opsbench::stress
