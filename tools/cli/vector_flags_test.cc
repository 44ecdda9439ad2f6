// What these tests are afraid of: a flag of `opsbench vector` that is accepted
// and does nothing. Each flag of each command, which are asked of the commands
// themselves, is tried with each kind of backend and of operation: it is either
// refused by its name, or what is recorded of the measurement is another.

#include "vector_flags.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "command.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/vector/benchmark_report.h"
#include "opsbench/vector/benchmark_settings.h"

namespace opsbench::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using vector::BenchmarkConfig;

// For every setting a value that is not the usual one. A flag of a new setting
// has to be added here and to the table of benchmark_settings.cc.
const std::map<std::string, std::string>& Values() {
  static const auto* const values =
      new std::map<std::string, std::string>{{"--backend", "brute_force"},
                                             {"--engine", "vector_set"},
                                             {"--operation", "hget"},
                                             {"--index", "mine"},
                                             {"--dataset", "sphere-1k-16"},
                                             {"--queries", "q.npy"},
                                             {"--truth", "t.ivecs"},
                                             {"--metric", "cosine"},
                                             {"--m", "7"},
                                             {"--ef-construction", "77"},
                                             {"--lists", "7"},
                                             {"--build-threads", "7"},
                                             {"--k", "7"},
                                             {"--ef", "77"},
                                             {"--filter-tag", "7"},
                                             {"--filter-number", "0.2..0.3"},
                                             {"--key-space", "77"},
                                             {"--value-bytes", "77"},
                                             {"--clients", "7"},
                                             {"--threads", "7"},
                                             {"--pipeline", "7"},
                                             {"--requests", "77"},
                                             {"--seconds", "7"},
                                             {"--warmup", "7"},
                                             {"--rate", "77"},
                                             {"--seed", "7"}};
  return *values;
}

// Flags that are about the command, not the measurement.
const std::set<std::string>& OfTheCommand() {
  static const auto* const flags = new std::set<std::string>{
      "--help",           "--stages",          "--output",     "--output-dir",
      "--replace",        "--replace-foreign", "--min-recall", "--max-p99-ms",
      "--budget",         "--tolerance",       "--keep",       "--repeats",
      "--max-evaluations"};
  return *flags;
}

std::vector<std::string> FlagsOf(const std::string& command) {
  CLI::App app;
  Context context;
  AddCommands(app, context);
  std::vector<std::string> flags;
  for (const CLI::Option* option :
       app.get_subcommand("vector")->get_subcommand(command)->get_options()) {
    flags.push_back(option->get_name());
  }
  return flags;
}

constexpr std::pair<const char*, VectorAction> kCommands[] = {
    {"load", VectorAction::kLoad},
    {"query", VectorAction::kQuery},
    {"tune", VectorAction::kTune},
    {"grid", VectorAction::kGrid}};

struct Parsed {
  BenchmarkConfig config;
  absl::Status status;  // Of the flags.
};

Parsed Parse(VectorAction action, std::vector<std::string> arguments) {
  CLI::App app;
  VectorFlags flags;
  AddVectorOptions(&app, action, &flags);
  std::reverse(arguments.begin(), arguments.end());
  app.parse(std::move(arguments));
  NoteGiven(app, &flags);
  Parsed parsed;
  auto config = ConfigOf(flags);
  EXPECT_TRUE(config.ok()) << config.status();
  if (!config.ok()) return parsed;
  parsed.config = *config;
  parsed.status = CheckVectorFlags(flags, parsed.config);
  return parsed;
}

// All that a record says of a configuration.
std::string Recorded(const BenchmarkConfig& config) {
  vector::BenchmarkResult result;
  result.config = config;
  result.answered_by = config.backend;
  return absl::StrCat(vector::FormatResultsCsv({result}),
                      vector::CommandOf(config));
}

TEST(VectorFlagsTest, EveryFlagHasAnEntry) {
  for (const auto& [name, action] : kCommands) {
    for (const std::string& flag : FlagsOf(name)) {
      const bool setting = vector::FindSetting(flag) != nullptr;
      EXPECT_NE(setting, OfTheCommand().count(flag) > 0)
          << flag << ": a setting is in the table of benchmark_settings.cc, "
          << "another flag in that of vector_flags.cc and here";
      EXPECT_EQ(setting, Values().count(flag) > 0) << flag;
    }
  }
  for (const auto& setting : vector::BenchmarkSettings()) {
    EXPECT_EQ(Values().count(setting.flag), 1u) << setting.flag;
  }
}

TEST(VectorFlagsTest, AFlagChangesWhatIsRecordedOrIsRefused) {
  int refused = 0;
  int acts = 0;
  for (const auto& [name, action] : kCommands) {
    for (const std::string backend :
         {"hnsw", "hnswlib", "brute_force", "faiss_hnsw", "faiss_ivf", "redis",
          "postgres", "redis://127.0.0.1:6379", "postgres://u@127.0.0.1/d"}) {
      for (const std::string operation :
           {"vec-query", "ping", "incr", "sadd", "get", "set"}) {
        const bool search = operation == "vec-query";
        if (!search &&
            (action != VectorAction::kQuery || backend.find("redis") != 0)) {
          continue;
        }
        std::vector<std::string> usual = {"--backend", backend};
        if (!search) usual.insert(usual.end(), {"--operation", operation});
        const Parsed base = Parse(action, usual);
        ASSERT_TRUE(base.status.ok()) << base.status;
        for (const std::string& flag : FlagsOf(name)) {
          if (vector::FindSetting(flag) == nullptr || flag == "--backend" ||
              flag == "--operation") {
            continue;
          }
          std::vector<std::string> arguments = usual;
          // So that as many clients are there as threads.
          if (flag == "--threads")
            arguments.insert(arguments.end(), {"--clients", "9"});
          arguments.insert(arguments.end(), {flag, Values().at(flag)});
          const Parsed changed = Parse(action, arguments);
          SCOPED_TRACE(
              absl::StrCat(name, " ", backend, " ", operation, " ", flag));
          if (changed.status.ok()) {
            ++acts;
            EXPECT_NE(Recorded(base.config), Recorded(changed.config));
          } else {
            ++refused;
            EXPECT_EQ(changed.status.code(),
                      absl::StatusCode::kInvalidArgument);
            EXPECT_THAT(std::string(changed.status.message()),
                        StartsWith(absl::StrCat(flag, " does nothing with ")));
          }
        }
      }
    }
  }
  EXPECT_GT(acts, 100);
  EXPECT_GT(refused, 100);
}

// That a refused setting does nothing, and which do, is told here once more, by
// hand: the table could be wrong on both sides.
TEST(VectorFlagsTest, WhereSettingsAct) {
  const auto acts = [](const std::string& backend, const std::string& operation,
                       const std::string& flag) {
    std::vector<std::string> arguments = {"--backend", backend};
    if (operation != "vec-query") {
      arguments.insert(arguments.end(), {"--operation", operation});
    }
    arguments.insert(arguments.end(), {flag, Values().at(flag)});
    return Parse(VectorAction::kQuery, arguments).status.ok();
  };
  EXPECT_FALSE(acts("hnsw", "vec-query", "--engine"));
  EXPECT_TRUE(acts("redis", "vec-query", "--engine"));
  EXPECT_FALSE(acts("hnsw", "vec-query", "--lists"));
  EXPECT_TRUE(acts("faiss_ivf", "vec-query", "--lists"));
  EXPECT_FALSE(acts("faiss_ivf", "vec-query", "--m"));
  EXPECT_FALSE(acts("brute_force", "vec-query", "--ef"));
  EXPECT_FALSE(acts("hnsw", "vec-query", "--index"));
  EXPECT_TRUE(acts("postgres", "vec-query", "--index"));
  EXPECT_FALSE(acts("hnsw", "vec-query", "--threads"));
  EXPECT_FALSE(acts("postgres", "vec-query", "--pipeline"));
  EXPECT_FALSE(acts("redis", "vec-query", "--key-space"));
  EXPECT_FALSE(acts("redis", "ping", "--key-space"));
  EXPECT_TRUE(acts("redis", "incr", "--key-space"));
  EXPECT_FALSE(acts("redis", "incr", "--value-bytes"));
  EXPECT_TRUE(acts("redis", "get", "--value-bytes"));
  EXPECT_FALSE(acts("redis", "get", "--k"));
  EXPECT_FALSE(acts("redis", "get", "--filter-tag"));
  EXPECT_FALSE(acts("hnswlib", "vec-query", "--filter-tag"));
  EXPECT_FALSE(acts("redis", "vec-query", "--build-threads"));
}

TEST(VectorFlagsTest, FlagsOfTheCommandThatDoNothing) {
  const auto said = [](VectorAction action,
                       const std::vector<std::string>& arguments) {
    return std::string(Parse(action, arguments).status.message());
  };
  const auto query = VectorAction::kQuery;
  EXPECT_THAT(said(query, {"--ef", "20", "--clients", "1", "--budget", "5"}),
              StartsWith("--budget does nothing"));
  EXPECT_EQ(said(query, {"--ef", "20", "--budget", "5"}), "");
  EXPECT_THAT(said(query, {"--backend", "redis", "--operation", "get",
                           "--min-recall", "0.5"}),
              HasSubstr("get has no recall"));
  EXPECT_THAT(said(query, {"--rate", "5", "--clients", "1,2"}),
              HasSubstr("--clients \"1,2\": one value"));
  EXPECT_THAT(said(query, {"--seconds", "1", "--requests", "5"}),
              HasSubstr("--seconds does nothing with --requests"));
  EXPECT_THAT(
      said(query, {"--backend", "redis", "--clients", "2", "--threads", "3"}),
      HasSubstr("--threads 3 with --clients 2"));
  EXPECT_THAT(said(VectorAction::kLoad, {"--replace"}),
              StartsWith("--replace does nothing"));
}

}  // namespace
}  // namespace opsbench::cli
