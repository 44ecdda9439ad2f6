// No command and no benchmark touches what opsbench did not make. Each is run
// twice and more: on an empty server, which tells the names that it uses; then
// beside foreign things under these names, which must be as they were, rows,
// comments and identity; it refuses then, naming one of them, or works under
// other names. Nor does it touch what commands of other areas have made.
//
// ctest runs this once for each engine.

#include <sys/wait.h>

#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing.h"
#include "untouched/commands.h"
#include "untouched/watched_server.h"

namespace opsbench {
namespace {

namespace fs = std::filesystem;

bool IsBinary(const std::string& name) {
  return absl::EndsWith(name, "_bench");
}

// Where the build has put it.
std::string FolderOf(const std::string& binary) {
  for (const char* folder :
       {"bin", "lib/opsbench/memtable", "lib/opsbench/vector"}) {
    const fs::path path = fs::path(OPSBENCH_BUILD) / folder;
    if (fs::exists(path / binary)) return path.string();
  }
  ADD_FAILURE() << "no " << binary << " is built";
  return "";
}

char LetterOf(Engine engine) { return EngineName(engine)[0]; }

// The names of a command's subcommands, in its help.
void CollectCommands(const fs::path& folder, std::vector<std::string> words,
                     std::set<std::string>* names) {
  std::vector<std::string> arguments = words;
  arguments.push_back("--help");
  const Outcome help = RunOpsbench(folder, arguments);
  ASSERT_EQ(help.exit_code, 0) << help.errors;
  const size_t list = help.output.find("\nSubcommands:\n");
  if (list == std::string::npos) {
    names->insert(absl::StrJoin(words, " "));
    return;
  }
  for (absl::string_view line :
       absl::StrSplit(help.output.substr(list + 14), '\n')) {
    if (line.empty()) break;
    // A description may go on in lines that begin further right.
    if (!absl::StartsWith(line, "  ") || absl::StartsWith(line, "   ")) {
      continue;
    }
    words.push_back(*absl::StrSplit(line.substr(2), ' ').begin() == ""
                        ? ""
                        : std::string(line.substr(2, line.find(' ', 2) - 2)));
    CollectCommands(folder, words, names);
    words.pop_back();
  }
}

TEST(Untouched, EveryCommandAndBinaryHasAnEntry) {
  const TestFolder folder;
  std::set<std::string> names;
  CollectCommands(folder.path(), {}, &names);
  EXPECT_GT(names.size(), 20u);
  for (const char* part : {"lib", "benchmarks"}) {
    for (const auto& file :
         fs::recursive_directory_iterator(fs::path(OPSBENCH_SOURCE) / part)) {
      const std::string name = file.path().filename().string();
      if (absl::EndsWith(name, "_bench.cc")) {
        names.insert(name.substr(0, name.size() - 3));
      }
    }
  }
  std::set<std::string> known;
  for (const CommandEntry& entry : CommandEntries()) known.insert(entry.name);
  EXPECT_EQ(known, names);
}

TEST(Untouched, NamesAreReadFromStatements) {
  const std::set<TouchedName> names = NamesInStatements(
      "LOG:  statement: CREATE TABLE IF NOT EXISTS a.\"b\"(x INT); "
      "DROP FUNCTION IF EXISTS f\n RENAME TABLE `c` TO `d` INSERT INTO e(x) "
      "ON DUPLICATE KEY UPDATE x = 1 UPDATE g SET x = 1 COPY h (x) FROM STDIN "
      "CREATE TEMPORARY TABLE i (x INT) CREATE DATABASE j "
      "ALTER TABLE k RENAME TO l TRUNCATE m DELETE FROM n INSERT INTO "
      "pg_temp.o COPY (SELECT x FROM p) TO STDOUT");
  std::string text;
  for (const TouchedName& touched : names) {
    absl::StrAppend(&text, PlantName(touched.plant), " ", touched.name, " ");
  }
  EXPECT_EQ(text,
            "table b table c table d table e table g table h table k table l "
            "table m table n routine f database j ");
}

struct Case {
  CommandEntry entry;
  Engine engine;
};

std::vector<Case> Cases() {
  std::vector<Case> cases;
  for (const CommandEntry& entry : CommandEntries()) {
    for (const Engine engine :
         {Engine::kSqlite, Engine::kMysql, Engine::kPostgres, Engine::kRedis}) {
      if (absl::StrContains(entry.engines, LetterOf(engine))) {
        cases.push_back({entry, engine});
      }
    }
  }
  return cases;
}

// One server for all tests of an engine.
WatchedServer& ServerOf(Engine engine) {
  static auto* const servers =
      new std::map<Engine, std::unique_ptr<WatchedServer>>;
  std::unique_ptr<WatchedServer>& server = (*servers)[engine];
  if (server == nullptr) server = WatchedServer::Start(engine);
  return *server;
}

class UntouchedBase : public ::testing::Test {
 protected:
  explicit UntouchedBase(Engine engine)
      : engine_(engine), server_(ServerOf(engine)) {}

  void NewFolder() {
    folder_ = std::make_unique<TestFolder>();
    for (const char* mode : {"replace", "staged", "incremental"}) {
      WritePipeline(mode);
    }
  }

  // Runs "sidetable seed …" or "stress_bench …", whole.
  Outcome RunCommand(absl::string_view command) {
    const std::string folder = folder_->path().string();
    const std::string url = server_.url().ToString();
    const std::string words = absl::StrReplaceAll(
        command,
        {{"{target}", engine_ == Engine::kSqlite
                          ? absl::StrCat("--url '", url, "'")
                          : absl::StrCat("--engine ", EngineName(engine_))},
         {"{stress}",
          absl::StrCat("--url '", url,
                       "' --duration 0.2 --databases 1 --inserter-users 1 "
                       "--query-users 0 --mixed-users 0 --batch-min 10 "
                       "--batch-max 20 --think-min-ms 0 --think-max-ms 1 "
                       "--seed 1 --output-dir ",
                       folder)},
         {"{engine}", EngineName(engine_)},
         {"{url}", absl::StrCat("'", url, "'")},
         {"{folder}", folder},
         {"(", "\\("},
         {")", "\\)"},
         {"|", "\\|"}});
    const std::string first(command.substr(0, command.find(' ')));
    const std::string binary = IsBinary(first)
                                   ? absl::StrCat(FolderOf(first), "/")
                                   : absl::StrCat(OPSBENCH_CLI, " ");
    const std::string line = absl::StrCat(
        "cd '", folder, "' && OPSBENCH_ROOT='", folder,
        "' OPSBENCH_ITERATIONS=1 OPSBENCH_",
        absl::AsciiStrToUpper(EngineName(engine_)), "_URL='", url,
        "' exec timeout 300 ", binary, words, " >stdout 2>stderr </dev/null");
    const int status = std::system(line.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128,
            ReadText(folder_->path() / "stdout"),
            ReadText(folder_->path() / "stderr")};
  }

  // Starts anew, up to the moment at which the entry's command is due.
  void Prepare(const CommandEntry& entry) {
    server_.Reset();
    NewFolder();
    for (const std::string& command : entry.before) {
      const Outcome done = RunCommand(command);
      ASSERT_EQ(done.exit_code, 0) << command << ": " << done.errors;
    }
    server_.Forget();
  }

  const Engine engine_;
  WatchedServer& server_;
  std::unique_ptr<TestFolder> folder_;

 private:
  void WritePipeline(const std::string& mode) {
    const std::string config = absl::StrCat("  config:\n    url: \"",
                                            server_.url().ToString(), "\"\n");
    const bool incremental = mode == "incremental";
    std::ofstream file(folder_->path() / (mode + ".yaml"));
    file << "version: 1\npipeline: " << mode << "\nsource:\n  use: source-"
         << EngineName(engine_) << "\n"
         << config << "  streams:\n    - name: bench_events\n"
         << "      into: bench_events_copy\n"
         << (incremental ? "      sync_mode: incremental\n"
                           "      cursor_field: id\n"
                         : "")
         << "destination:\n  use: dest-" << EngineName(engine_) << "\n"
         << config << "  write_mode: " << (incremental ? "upsert" : "replace")
         << "\n"
         << (mode == "staged" ? "  staged: true\n" : "")
         << (incremental ? absl::StrCat("state: ", folder_->path().string(),
                                        "/state.db\n")
                         : "")
         << "seed:\n  rows: 100\n";
  }
};

class UntouchedTest : public UntouchedBase,
                      public ::testing::WithParamInterface<Case> {
 protected:
  UntouchedTest() : UntouchedBase(GetParam().engine) {}

  std::string Command() const {
    return absl::StrCat(GetParam().entry.name, " ", GetParam().entry.arguments);
  }

  // What the command uses on an empty server.
  std::set<TouchedName> Discover() {
    Prepare(GetParam().entry);
    const Outcome done = RunCommand(Command());
    EXPECT_EQ(done.exit_code, 0) << Command() << "\n"
                                 << done.errors << done.output.substr(0, 2000);
    std::set<TouchedName> names = server_.Touched();
    for (const std::string& given : GetParam().entry.given) {
      names.erase({Plant::kTable, given});
    }
    return names;
  }

  // The command beside foreign things; those that `before` has made are not
  // foreign, and stay.
  void CheckBeside(const std::vector<std::pair<std::string, Plant>>& plants) {
    Prepare(GetParam().entry);
    const Fingerprint made = server_.Look();
    std::vector<std::string> foreign;
    for (const auto& [name, plant] : plants) {
      const std::string place = absl::StrCat(".", name);
      bool there = false;
      for (const auto& [thing, seen] : made) {
        there = there || thing == name || absl::EndsWith(thing, place) ||
                thing == absl::StrCat("database ", name);
      }
      if (there) continue;
      server_.MakeForeign(name, plant);
      foreign.push_back(name);
    }
    if (foreign.empty()) return;
    Fingerprint before = server_.Look();
    for (const auto& [thing, seen] : made) before.erase(thing);
    const std::string beside = absl::StrCat(Command(), " beside a foreign ",
                                            PlantName(plants[0].second), " ",
                                            absl::StrJoin(foreign, ", "));
    CheckRefusal(beside, RunCommand(Command()), foreign);
    EXPECT_EQ(Changes(before, server_.Look()), "") << beside;
  }

  // It has worked, or says in one line what stands in its way.
  void CheckRefusal(const std::string& beside, const Outcome& done,
                    const std::vector<std::string>& foreign) {
    if (done.exit_code == 0) return;
    const bool benchmark = IsBinary(GetParam().entry.name) ||
                           GetParam().entry.name == "run" ||
                           GetParam().entry.name == "matrix";
    EXPECT_TRUE(done.exit_code == 2 || (benchmark && done.exit_code == 1))
        << beside << ": exit " << done.exit_code << "\n"
        << done.errors;
    const std::string said = done.errors + (benchmark ? done.output : "");
    bool named = false;
    for (const std::string& name : foreign) {
      named = named || absl::StrContains(said, name);
    }
    EXPECT_TRUE(named) << beside << " does not name it:\n" << said;
    if (!benchmark) {
      // Notes of what was done before may precede it.
      const std::vector<std::string> lines =
          absl::StrSplit(done.errors, '\n', absl::SkipEmpty());
      EXPECT_EQ(absl::c_count_if(lines,
                                 [](const std::string& line) {
                                   return absl::StartsWith(line, "opsbench: ");
                                 }),
                1)
          << beside << ":\n"
          << done.errors;
    }
  }
};

TEST_P(UntouchedTest, ForeignThingsUnderItsNames) {
  const std::set<TouchedName> names = Discover();
  std::map<Plant, std::vector<std::pair<std::string, Plant>>> by_plant;
  for (const TouchedName& touched : names) {
    const std::vector<Plant> plants = server_.PlantsFor(touched);
    CheckBeside({{touched.name, plants[0]}});
    for (size_t i = 1; i < plants.size(); ++i) {
      by_plant[plants[i]].emplace_back(touched.name, plants[i]);
    }
  }
  for (const auto& [plant, all] : by_plant) CheckBeside(all);
}

// The same tables, with somebody's rows in them: only the mark tells.
TEST_P(UntouchedTest, TwinsWithoutAMark) {
  if (absl::StartsWith(GetParam().entry.name, "stress")) {
    GTEST_SKIP() << "databases of stress have a mark of their own, which "
                    "stress_databases_test takes off";
  }
  Prepare(GetParam().entry);
  RunCommand(Command());
  if (!server_.TakeMarksOff()) return;
  Fingerprint before = server_.Look();
  for (const std::string& given : GetParam().entry.given) {
    for (auto thing = before.begin(); thing != before.end();) {
      // A table is given with the index of its key.
      const bool its =
          absl::EndsWith(thing->first, absl::StrCat(".", given)) ||
          absl::EndsWith(thing->first, absl::StrCat(".", given, "_pkey"));
      thing = its ? before.erase(thing) : std::next(thing);
    }
  }
  const Outcome done = RunCommand(Command());
  EXPECT_EQ(Changes(before, server_.Look()), "")
      << Command() << ": exit " << done.exit_code << "\n"
      << done.errors;
}

std::string NameOfCase(const ::testing::TestParamInfo<Case>& info) {
  std::string name;
  for (const char c : info.param.entry.name) {
    name.push_back(std::isalnum(static_cast<unsigned char>(c)) ? c : '_');
  }
  return absl::StrCat(name, "_", info.index, "_",
                      EngineName(info.param.engine));
}

INSTANTIATE_TEST_SUITE_P(All, UntouchedTest, ::testing::ValuesIn(Cases()),
                         NameOfCase);

// What commands of one area have made, beside all commands of others.
class SurvivalTest : public UntouchedBase,
                     public ::testing::WithParamInterface<Engine> {
 protected:
  SurvivalTest() : UntouchedBase(GetParam()) {}
};

TEST_P(SurvivalTest, WhatOtherCommandsHaveMade) {
  const std::map<std::string, std::string> makers = {
      {"sidetable", "sidetable seed {target} --ops 300"},
      {"pipeline", "pipeline seed --url {url} --rows 100"},
      {"stress", "stress run {stress}/made --keep"}};
  for (const auto& [area, maker] : makers) {
    if (area == "stress" && engine_ == Engine::kSqlite) continue;
    server_.Reset();
    NewFolder();
    const Outcome made = RunCommand(maker);
    ASSERT_EQ(made.exit_code, 0) << maker << ": " << made.errors;
    const Fingerprint before = server_.Look();
    ASSERT_FALSE(before.empty());
    for (const CommandEntry& entry : CommandEntries()) {
      if (entry.area == area ||
          !absl::StrContains(entry.engines, LetterOf(engine_))) {
        continue;
      }
      for (const std::string& command : entry.before) RunCommand(command);
      const Outcome done =
          RunCommand(absl::StrCat(entry.name, " ", entry.arguments));
      const std::string changes = Changes(before, server_.Look());
      ASSERT_EQ(changes, "") << "after " << entry.name << " " << entry.arguments
                             << ", of " << maker << "\n"
                             << done.errors;
    }
  }
}

std::string NameOfEngine(const ::testing::TestParamInfo<Engine>& engine) {
  return std::string(EngineName(engine.param));
}

INSTANTIATE_TEST_SUITE_P(All, SurvivalTest,
                         ::testing::Values(Engine::kSqlite, Engine::kMysql,
                                           Engine::kPostgres),
                         NameOfEngine);

}  // namespace
}  // namespace opsbench
