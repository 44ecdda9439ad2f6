// What these tests are afraid of: a flag or variable whose number nobody looks
// at. "nan" for a time makes a loop that never ends, "0x10" and "010" are other
// numbers than they seem. The flags are those of the commands themselves, so a
// new one is tried without being named here.

#include <cctype>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "command.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/stress/config.h"
#include "testing.h"

namespace opsbench::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr size_t kLongestLine = 200;

// What no flag takes for a number. "" is left out of variables, where it means
// that there is none.
const std::vector<std::string>& BadNumbers() {
  static const auto* const bad =
      new std::vector<std::string>{"nan",
                                   "inf",
                                   "-inf",
                                   "1e999",
                                   "-1",
                                   "0x10",
                                   "1e400",
                                   " 1",
                                   "99999999999999999999",
                                   "1 2",
                                   std::string(5000, '9')};
  return *bad;
}

// A flag of a command, with what it takes to be looked at.
struct Flag {
  std::vector<std::string> command;  // "sidetable run".
  std::string name;
  std::string type;
  std::string help;

  bool takes_text() const {
    for (const char* type_name :
         {"TEXT", "NAME", "URL", "FILE", "DIR", "FOLDER", "ENGINE", "FAULTS",
          "WAY", "FORMAT", "on|off"}) {
      if (absl::StartsWith(type, type_name)) return true;
    }
    return type.empty();
  }
  bool is_whole() const {
    for (const char* type_name :
         {"INT", "UINT", "N", "VALUES", "ROWS", "LEVEL", "BITS"}) {
      if (type == type_name) return true;
    }
    return false;
  }
};

void Collect(const CLI::App& app, const std::vector<std::string>& command,
             std::vector<Flag>* flags) {
  std::vector<std::string> with_arguments = command;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional() && option->get_required()) {
      with_arguments.push_back("x");
    }
  }
  for (const CLI::Option* option : app.get_options()) {
    // Flags that take nothing, and positional arguments.
    if (option->get_items_expected_max() == 0 || !option->nonpositional()) {
      continue;
    }
    flags->push_back({with_arguments, option->get_name(),
                      option->get_type_name(), option->get_description()});
  }
  for (const CLI::App* inner : app.get_subcommands({})) {
    std::vector<std::string> longer = command;
    longer.push_back(inner->get_name());
    Collect(*inner, longer, flags);
  }
}

std::vector<Flag> AllFlags() {
  CLI::App app;
  Context context;
  AddCommands(app, context);
  std::vector<Flag> flags;
  Collect(app, {}, &flags);
  return flags;
}

// Exit code 2, and one short line that names what is wrong.
void ExpectRefused(const Outcome& outcome, const std::string& name,
                   const std::string& what) {
  EXPECT_EQ(outcome.exit_code, 2) << what;
  EXPECT_EQ(outcome.output, "") << what;
  EXPECT_EQ(absl::c_count(outcome.errors, '\n'), 1) << what << outcome.errors;
  EXPECT_LE(outcome.errors.size(), kLongestLine) << what << outcome.errors;
  EXPECT_THAT(outcome.errors, HasSubstr(name)) << what;
}

class NumberFlagsTest : public ::testing::Test {
 protected:
  // The command's, in a folder that stays empty.
  Outcome Run(std::vector<std::string> arguments,
              std::vector<std::string> variables = {}) {
    variables.push_back("OPSBENCH_ROOT=" + root_.string());
    return RunOpsbench(folder_.path(), std::move(arguments), variables);
  }
  ~NumberFlagsTest() override {
    EXPECT_TRUE(fs::is_empty(root_)) << "something was done before the check";
  }
  void SetUp() override { fs::create_directory(root_); }

  const TestFolder folder_;
  const fs::path root_ = folder_.path() / "root";
};

// A default such as (60s) or (2%) tells a number, whatever the flag's type.
TEST_F(NumberFlagsTest, AFlagWithANumberForItsDefaultTakesNumbers) {
  for (const Flag& flag : AllFlags()) {
    const size_t open = flag.help.rfind('(');
    if (open == std::string::npos || open + 1 == flag.help.size()) continue;
    if (std::isdigit(static_cast<unsigned char>(flag.help[open + 1])) == 0) {
      continue;
    }
    // A profile is one of a few names, which are numbers.
    if (absl::StartsWith(flag.type, "TEXT:{")) continue;
    EXPECT_FALSE(flag.takes_text())
        << absl::StrJoin(flag.command, " ") << " " << flag.name << " is of "
        << flag.type << ": " << flag.help;
  }
}

TEST_F(NumberFlagsTest, NoFlagTakesWhatIsNoNumber) {
  int tried = 0;
  for (const Flag& flag : AllFlags()) {
    if (flag.takes_text()) continue;
    std::vector<std::string> bad = BadNumbers();
    bad.push_back("");
    if (flag.is_whole()) bad.insert(bad.end(), {"1.5", "010"});
    for (const std::string& value : bad) {
      // Documented: seeds of stress are read as they are written in files.
      if (flag.name == "--seed" && flag.type == "N" && value == "0x10") {
        continue;
      }
      std::vector<std::string> arguments = flag.command;
      arguments.push_back(flag.name);
      arguments.push_back(value);
      ExpectRefused(Run(arguments), flag.name,
                    absl::StrCat(absl::StrJoin(flag.command, " "), " ",
                                 flag.name, " '", value.substr(0, 30), "': "));
      ++tried;
    }
  }
  EXPECT_GT(tried, 500);
}

TEST_F(NumberFlagsTest, NoVariableTakesWhatIsNoNumber) {
  struct Variable {
    std::string name;
    std::vector<std::string> command;
    std::string before;  // Of the value.
    std::string after;
    bool hexadecimal = false;
  };
  const std::vector<std::string> sidetable = {"sidetable", "seed"};
  const std::vector<std::string> mysql = {"sidetable", "seed", "--engine",
                                          "mysql"};
  std::vector<Variable> variables = {
      {"TOTAL_OPS", sidetable, "", ""},
      {"CONCURRENCY", sidetable, "", ""},
      {"BATCH_SIZE", sidetable, "", ""},
      {"DB_PORT", mysql, "", ""},
      {"OPSBENCH_MYSQL_URL", mysql, "mysql://u@127.0.0.1:", "/d"}};
  for (const stress::Setting& setting : stress::Settings()) {
    const Flag flag = {{}, setting.name, setting.value, ""};
    if (flag.takes_text()) continue;
    variables.push_back({setting.variable,
                         {"stress", "run"},
                         "",
                         "",
                         std::string(setting.name) == "seed"});
  }
  EXPECT_GT(variables.size(), 12);
  for (const Variable& variable : variables) {
    for (const std::string& value : BadNumbers()) {
      if (variable.hexadecimal && value == "0x10") continue;
      const std::string text =
          absl::StrCat(variable.before, value, variable.after);
      ExpectRefused(
          Run(variable.command,
              {"DB_HOST=127.0.0.1", absl::StrCat(variable.name, "=", text)}),
          variable.name,
          absl::StrCat(variable.name, "='", text.substr(0, 40), "': "));
    }
  }
}

TEST_F(NumberFlagsTest, NoBenchmarkTakesWhatIsNoNumber) {
  const std::string binary =
      (fs::path(OPSBENCH_CLI).parent_path() / "memtable_bench").string();
  for (const std::string name :
       {"--rows", "--seed", "--measure-seconds", "--stages",
        "--benchmark_min_time", "--benchmark_repetitions"}) {
    for (const std::string& value : BadNumbers()) {
      const Outcome outcome = RunOpsbench(
          folder_.path(), {absl::StrCat(name, "=", value)}, {}, binary);
      EXPECT_EQ(outcome.exit_code, 2) << name << "=" << value.substr(0, 30);
      EXPECT_EQ(absl::c_count(outcome.errors, '\n'), 1) << outcome.errors;
      EXPECT_THAT(outcome.errors, HasSubstr(name));
    }
  }
  for (const std::string name : {"OPSBENCH_ITERATIONS", "BENCHMARK_MIN_TIME"}) {
    for (const std::string& value : BadNumbers()) {
      const Outcome outcome = RunOpsbench(
          folder_.path(), {}, {absl::StrCat(name, "=", value)}, binary);
      EXPECT_EQ(outcome.exit_code, 2) << name << "=" << value.substr(0, 30);
      // Google Benchmark may say of its own variable what it makes of it, too.
      EXPECT_LE(absl::c_count(outcome.errors, '\n'),
                name == "BENCHMARK_MIN_TIME" ? 2 : 1)
          << outcome.errors;
      EXPECT_THAT(outcome.errors, HasSubstr("expected a"));
    }
  }
}

}  // namespace
}  // namespace opsbench::cli
