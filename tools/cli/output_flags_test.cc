// What these tests are afraid of: a device, a pipe or a link that an output
// replaces, and a place that turns out to be none when all is measured. The
// flags are those of the commands themselves: one that names what is written is
// tried without being named here.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "command.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing.h"

namespace opsbench::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

struct Flag {
  std::vector<std::string> command;  // With the arguments that it requires.
  std::string name;

  std::string ToString() const {
    return absl::StrCat(absl::StrJoin(command, " "), " ", name);
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
    const std::string name = option->get_name();
    if (option->get_items_expected_max() == 0) continue;
    if (name == "--out" || name == "--output" || name == "--folded" ||
        name == "--env-file" || name == "--state-file") {
      flags->push_back({with_arguments, name});
    }
  }
  for (const CLI::App* inner : app.get_subcommands({})) {
    std::vector<std::string> longer = command;
    longer.push_back(inner->get_name());
    Collect(*inner, longer, flags);
  }
}

class OutputFlagsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directory(root_);
    fs::create_directory(places_);
    CLI::App app;
    Context context;
    AddCommands(app, context);
    Collect(app, {}, &flags_);
    ASSERT_GE(flags_.size(), 12);
  }

  Outcome Run(const std::vector<std::string>& command) {
    return RunOpsbench(folder_.path(), command,
                       {"OPSBENCH_ROOT=" + root_.string()});
  }
  std::string At(const std::string& name) const {
    return (places_ / name).string();
  }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(places_)) {
      names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  const TestFolder folder_;
  const fs::path root_ = folder_.path() / "root";
  const fs::path places_ = folder_.path() / "places";
  std::vector<Flag> flags_;
};

TEST_F(OutputFlagsTest, APlaceThatIsNoneIsToldBeforeAnythingIsDone) {
  fs::create_directory(At("folder.csv"));
  fs::create_directory(At("folder"));
  fs::create_symlink("none/x.csv", At("dangling.csv"));
  fs::create_symlink("loop.csv", At("loop.csv"));
  const std::vector<std::string> names = Names();
  for (const Flag& flag : flags_) {
    // These read the file.
    if (flag.name == "--state-file" && flag.command.back() != "up") continue;
    for (const std::string& path :
         {At("none/x.csv"), At("folder.csv"), At("folder/"), At("dangling.csv"),
          At("loop.csv"), std::string("/proc/x.csv"), std::string("")}) {
      std::vector<std::string> command = flag.command;
      command.insert(command.end(), {flag.name, path});
      const Outcome outcome = Run(command);
      const std::string what = absl::StrCat(flag.ToString(), " '", path, "'");
      EXPECT_EQ(outcome.exit_code, 2) << what;
      EXPECT_EQ(std::count(outcome.errors.begin(), outcome.errors.end(), '\n'),
                1)
          << what << ": " << outcome.errors;
      EXPECT_THAT(outcome.errors, HasSubstr(flag.name)) << what;
      EXPECT_THAT(outcome.errors, HasSubstr("cannot be written")) << what;
    }
  }
  EXPECT_TRUE(fs::is_empty(root_)) << "something was done before the check";
  EXPECT_EQ(Names(), names);
  EXPECT_FALSE(fs::exists(At("none")));
}

// `report` writes at once, without an engine.
class ReportOutputTest : public OutputFlagsTest {
 protected:
  void SetUp() override {
    OutputFlagsTest::SetUp();
    std::ofstream(At("a.json"))
        << R"({"context":{},"benchmarks":[{"name":"A","run_name":"A",)"
        << R"("run_type":"iteration","iterations":1,"real_time":1,)"
        << R"("cpu_time":1,"time_unit":"ns"}]})";
  }
  Outcome Compare(const std::string& output) {
    return Run({"compare", At("a.json"), At("a.json"), "--format", "json",
                "--output", output});
  }
};

TEST_F(ReportOutputTest, OnlyFilesAreReplaced) {
  // A device of the test's own, where it may make one.
  std::string device = At("device");
  if (mknod(device.c_str(), S_IFCHR | 0666, 0x103) != 0) device = "/dev/null";
  EXPECT_EQ(Compare(device).exit_code, 0);
  EXPECT_TRUE(fs::is_character_file(device));
  EXPECT_EQ(Compare("/dev/full").exit_code, 1);

  std::ofstream(At("old.json")) << "old";
  fs::create_symlink("old.json", At("link.json"));
  fs::create_symlink("new.json", At("dangling.json"));
  for (const char* name : {"link.json", "dangling.json"}) {
    EXPECT_EQ(Compare(At(name)).exit_code, 0);
    EXPECT_TRUE(fs::is_symlink(At(name)));
  }
  EXPECT_THAT(ReadText(At("old.json")), HasSubstr("real_time"));
  EXPECT_EQ(ReadText(At("old.json")), ReadText(At("new.json")));

  const Outcome printed = Compare("/dev/stdout");
  EXPECT_EQ(printed.exit_code, 0) << printed.errors;
  EXPECT_EQ(printed.output, ReadText(At("old.json")));
}

TEST_F(ReportOutputTest, APipeIsWrittenTo) {
  ASSERT_EQ(mkfifo(At("pipe").c_str(), 0600), 0);
  Running running(folder_.path(),
                  {"compare", At("a.json"), At("a.json"), "--format", "json",
                   "--output", At("pipe")},
                  {"OPSBENCH_ROOT=" + root_.string()});
  const std::string read = ReadText(At("pipe"));
  EXPECT_EQ(running.Wait().exit_code, 0);
  EXPECT_THAT(read, HasSubstr("real_time"));
  EXPECT_TRUE(fs::is_fifo(At("pipe")));
}

}  // namespace
}  // namespace opsbench::cli
