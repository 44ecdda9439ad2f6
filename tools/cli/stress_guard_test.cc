// What the stress commands must refuse: to destroy what no run made, and flags
// that do nothing.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/db/session.h"
#include "testing.h"

namespace opsbench {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class StressGuardTest : public ::testing::Test {
 protected:
  fs::path out() const { return folder_.path() / "out"; }

  Outcome Stress(absl::string_view text) const {
    std::vector<std::string> arguments = {"stress"};
    for (const absl::string_view word :
         absl::StrSplit(text, ' ', absl::SkipEmpty())) {
      arguments.emplace_back(word);
    }
    return RunOpsbench(folder_.path(), arguments,
                       {absl::StrCat("OPSBENCH_ROOT=", folder_.path().string()),
                        "OPSBENCH_MYSQL_URL=", "OPSBENCH_POSTGRES_URL="});
  }

  Outcome RunInto(absl::string_view more) const {
    return Stress(absl::StrCat("run --output-dir ", out().string(),
                               " --duration 0.2 --think-min-ms 0 "
                               "--think-max-ms 2 --batch-min 5 --batch-max 20 ",
                               more));
  }

  static void ExpectRefusal(const Outcome& outcome,
                            const std::string& message) {
    EXPECT_EQ(outcome.exit_code, 2) << outcome.output << outcome.errors;
    EXPECT_THAT(outcome.errors,
                AllOf(StartsWith("opsbench: "), HasSubstr(message)));
    EXPECT_EQ(std::count(outcome.errors.begin(), outcome.errors.end(), '\n'), 1)
        << outcome.errors;
  }

  // Every file below the folder of results, with its content.
  std::map<std::string, std::string> Contents() const {
    std::map<std::string, std::string> contents;
    for (const auto& entry : fs::recursive_directory_iterator(out())) {
      if (!entry.is_regular_file()) continue;
      contents[entry.path().string()] = ReadText(entry.path());
    }
    return contents;
  }

  const TestFolder folder_;
};

// Each name that a run writes to, as a file of somebody else's.
TEST_F(StressGuardTest, AForeignFileUnderEachNameIsKept) {
  ASSERT_EQ(RunInto("").exit_code, 0);
  for (const char* name : {"replay.json", "summary.json", "stress.json",
                           "run.json", "report.html", "users/user-0003.log",
                           "opsbench_stress_0.db", "opsbench_stress_63.db"}) {
    SCOPED_TRACE(name);
    const fs::path file = out() / name;
    const bool existed = fs::exists(file);
    if (existed) fs::rename(file, out() / "aside");
    std::ofstream(file) << "my ledger";
    const auto before = Contents();
    ExpectRefusal(RunInto("--fresh"), fs::path(name).filename().string());
    EXPECT_EQ(Contents(), before);
    fs::remove(file);
    if (existed) fs::rename(out() / "aside", file);
  }
  std::ofstream(out() / "summary.json") << "my ledger";
  const Outcome replaced = RunInto("--replace-foreign");
  EXPECT_EQ(replaced.exit_code, 0) << replaced.output << replaced.errors;
}

TEST_F(StressGuardTest, ATableThatAUserAddedKeepsItsDatabase) {
  ASSERT_EQ(RunInto("").exit_code, 0);
  Url url;
  url.database = (out() / "opsbench_stress_1.db").string();
  ASSERT_TRUE((*Connect(url))->Execute("CREATE TABLE ledger (id INT)").ok());
  ExpectRefusal(RunInto("--fresh"), "did not make: ledger");
  EXPECT_TRUE((*Connect(url))->Execute("INSERT INTO ledger VALUES (1)").ok());
}

TEST_F(StressGuardTest, AReplayKeepsWhatItRepeats) {
  ASSERT_EQ(RunInto("").exit_code, 0);
  const auto before = Contents();
  ExpectRefusal(Stress(absl::StrCat("replay ", (out() / "replay.json").string(),
                                    " --fresh --output-dir ", out().string())),
                "is to be repeated");
  EXPECT_EQ(Contents(), before);
}

TEST_F(StressGuardTest, ACheckChangesNothing) {
  ASSERT_EQ(RunInto("").exit_code, 0);
  const auto before = Contents();
  const Outcome check = Stress("check " + out().string());
  EXPECT_EQ(check.exit_code, 0) << check.output << check.errors;
  EXPECT_EQ(Contents(), before);
}

// --- Flags ---

// Where a flag does nothing: the rest of such a command line.
const std::map<std::string, std::map<std::string, std::string>>& Idle() {
  constexpr char kUrl[] = "--url postgres://u:p@127.0.0.1:1/d";
  constexpr char kAlways[] = "";  // There is no such place.
  static const auto* idle =
      new std::map<std::string, std::map<std::string, std::string>>{
          {"run",
           {{"--engine", kAlways},
            {"--duration", kAlways},
            {"--databases", kAlways},
            {"--inserter-users", kAlways},
            {"--query-users", kAlways},
            {"--mixed-users", kAlways},
            {"--seed", kAlways},
            {"--think-min-ms", kAlways},
            {"--think-max-ms", kAlways},
            {"--batch-min", kAlways},
            {"--batch-max", kAlways},
            {"--query-complexity-max", kAlways},
            {"--data-format", kAlways},
            {"--faults", kAlways},
            {"--log-interval", kAlways},
            {"--log-mode", kAlways},
            {"--hyperd-log", kAlways},
            {"--output-dir", kAlways},
            {"--replay-file", kAlways},
            {"--url", kAlways},
            {"--stages", kAlways},
            {"--transport", absl::StrCat("--transport tcp ", kUrl)},
            {"--durable", "--durable on --engine sqlite"},
            {"--memory-limit", "--memory-limit 64MiB"},
            {"--max-memory-mb", absl::StrCat("--max-memory-mb 5 ", kUrl)},
            {"--max-cpu-percent", absl::StrCat("--max-cpu-percent 5 ", kUrl)},
            {"--max-disk-mb", absl::StrCat("--max-disk-mb 5 ", kUrl)},
            {"--keep", "--keep --engine postgres"},
            {"--fresh", "--fresh"},
            {"--replace-foreign", "--replace-foreign"}}},
          {"replay",
           {{"--engine", kAlways},
            {"--duration", kAlways},
            {"--output-dir", kAlways},
            {"--url", kAlways},
            {"--stages", kAlways},
            {"--databases", "--databases 2"},
            {"--inserter-users", "--inserter-users 2"},
            {"--query-users", "--query-users 2"},
            {"--mixed-users", "--mixed-users 2"},
            {"--seed", "--seed 2"},
            {"--think-min-ms", "--think-min-ms 2"},
            {"--think-max-ms", "--think-max-ms 2"},
            {"--batch-min", "--batch-min 2"},
            {"--batch-max", "--batch-max 20000"},
            {"--query-complexity-max", "--query-complexity-max 2"},
            {"--data-format", "--data-format multi_row"},
            {"--faults", "--faults none"},
            {"--log-interval", "--log-interval 2"},
            {"--log-mode", "--log-mode 2"},
            {"--hyperd-log", "--hyperd-log x"},
            {"--transport", "--transport socket"},
            {"--durable", "--durable on"},
            {"--memory-limit", "--memory-limit 64MiB"},
            {"--max-memory-mb", "--max-memory-mb 5"},
            {"--max-cpu-percent", "--max-cpu-percent 5"},
            {"--max-disk-mb", "--max-disk-mb 5"},
            {"--keep", "--keep"},
            {"--fresh", "--fresh"},
            {"--replace-foreign", "--replace-foreign"}}},
          {"check", {{"--url", "--url postgres://u:p@127.0.0.1:1/d"}}},
          {"show", {{"--last", kAlways}}}};
  return *idle;
}

// The flags that --help names, each at the start of a line.
std::set<std::string> FlagsOf(const std::string& help) {
  std::set<std::string> flags;
  for (absl::string_view line : absl::StrSplit(help, '\n')) {
    line = absl::StripLeadingAsciiWhitespace(line);
    if (line.substr(0, 3) == "-h," || line.substr(0, 2) != "--") continue;
    const size_t end =
        line.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-");
    flags.emplace(line.substr(0, end));
  }
  return flags;
}

TEST_F(StressGuardTest, AFlagThatCannotActIsRefused) {
  ASSERT_EQ(RunInto("").exit_code, 0);
  const std::string replay = (out() / "replay.json").string();
  for (const auto& [command, flags] : Idle()) {
    std::set<std::string> known;
    for (const auto& [flag, rest] : flags) {
      known.insert(flag);
      if (rest.empty()) continue;
      SCOPED_TRACE(absl::StrCat(command, " ", rest));
      std::string line = absl::StrCat(command, " ");
      if (command == "replay") absl::StrAppend(&line, replay, " ");
      if (command == "check") absl::StrAppend(&line, out().string(), " ");
      ExpectRefusal(Stress(line + rest), flag);
    }
    // A new flag needs a line in the table.
    EXPECT_EQ(FlagsOf(Stress(command + " --help").output), known) << command;
  }
}

TEST_F(StressGuardTest, TheSameFlagsActElsewhere) {
  ASSERT_EQ(RunInto("").exit_code, 0);
  for (const char* more :
       {"--fresh --max-memory-mb 4000", "--replace-foreign --max-disk-mb 900",
        "--fresh --max-cpu-percent 100"}) {
    const Outcome run = RunInto(more);
    EXPECT_EQ(run.exit_code, 0) << more << run.output << run.errors;
  }
}

}  // namespace
}  // namespace opsbench
