// `opsbench compare` and `opsbench baseline` as their users meet them.

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "opsbench/results/atomic_file.h"
#include "opsbench/results/benchmark_json.h"
#include "opsbench/results/run_store.h"
#include "testing.h"

namespace opsbench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class CompareCommandTest : public ::testing::Test {
 protected:
  Outcome Opsbench(absl::string_view text) const {
    return RunOpsbench(
        folder_.path(), absl::StrSplit(text, ' ', absl::SkipEmpty()),
        {absl::StrCat("OPSBENCH_ROOT=", folder_.path().string())});
  }
  fs::path State() const { return folder_.path() / ".opsbench"; }

  // Ten repetitions of two benchmarks, the second `factor` times as slow.
  static std::string Results(double factor) {
    results::BenchmarkFile file;
    for (const char* name : {"Memtable/Get", "Memtable/Put"}) {
      for (int i = 0; i < 10; ++i) {
        results::BenchmarkRow row;
        row.name = row.run_name = name;
        row.repetitions = 10;
        row.repetition_index = i;
        row.real_time = row.cpu_time = 100 + i * 0.1;
        if (row.name == "Memtable/Put") row.real_time *= factor;
        file.rows.push_back(row);
      }
    }
    return results::FormatBenchmarkJson(file);
  }

  std::string WriteFile(const std::string& name, double factor) const {
    const std::string path = (folder_.path() / name).string();
    EXPECT_TRUE(results::WriteFileAtomically(path, Results(factor)).ok());
    return path;
  }

  // A complete run; returns its name.
  std::string WriteRun(double factor) const {
    results::RunStore store(State());
    results::RunInfo info;
    info.started = "2026-01-31T12:00:00Z";
    info.git_short_sha = "0123456789";
    info.scale = "quick";
    info.areas = {"memtable"};
    const auto folder = store.CreateRun(info);
    EXPECT_TRUE(folder.ok()) << folder.status();
    EXPECT_TRUE(
        results::WriteFileAtomically(
            results::RunStore::AreaFile(*folder, "memtable"), Results(factor))
            .ok());
    EXPECT_TRUE(store.FinishRun(*folder, info).ok());
    return fs::path(*folder).filename();
  }

  const TestFolder folder_;
};

void ExpectOneLine(const Outcome& outcome) {
  EXPECT_EQ(outcome.exit_code, 2) << outcome.output;
  EXPECT_THAT(outcome.errors, StartsWith("opsbench: "));
  EXPECT_EQ(std::count(outcome.errors.begin(), outcome.errors.end(), '\n'), 1)
      << outcome.errors;
  EXPECT_THAT(outcome.output, IsEmpty());
}

TEST_F(CompareCommandTest, ABaselinesLife) {
  EXPECT_THAT(Opsbench("baseline list").output, HasSubstr("No baselines"));
  Outcome outcome = Opsbench("baseline save before");
  ExpectOneLine(outcome);
  EXPECT_THAT(outcome.errors, HasSubstr("there is no latest run"));

  const std::string first = WriteRun(1);
  const std::string second = WriteRun(1.2);
  outcome = Opsbench("baseline save before");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.errors;
  EXPECT_THAT(outcome.output, HasSubstr(second));
  outcome = Opsbench(absl::StrCat("baseline save before --run ", first));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.errors;
  EXPECT_THAT(Opsbench("baseline list").output,
              AllOf(StartsWith("before  2026-01-31T12:00:00Z  0123456789"),
                    HasSubstr("quick  memtable")));
  outcome = Opsbench("baseline show before");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.errors;
  EXPECT_THAT(outcome.output, HasSubstr("Memtable/Put"));

  outcome = Opsbench("compare before latest");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.errors;
  EXPECT_THAT(outcome.output,
              AllOf(HasSubstr("base  before (0123456789)"),
                    HasSubstr("head  latest (0123456789)"), HasSubstr("+20.0%"),
                    HasSubstr("1 slower, 1 same")));
  EXPECT_EQ(Opsbench("compare previous latest --fail-on slower").exit_code, 1);

  EXPECT_EQ(Opsbench("baseline remove before").exit_code, 0);
  for (const char* command :
       {"baseline remove before", "baseline show before",
        "compare before latest", "baseline save ../x", "baseline remove ..",
        "baseline save x --run none", "baseline show .x"}) {
    ExpectOneLine(Opsbench(command));
  }
  EXPECT_THAT(Opsbench("baseline list").output, HasSubstr("No baselines"));
}

TEST_F(CompareCommandTest, FilesFormatsAndOutput) {
  const std::string base = WriteFile("base.json", 1);
  const std::string head = WriteFile("head.json", 1.5);
  const std::string files = absl::StrCat("compare ", base, " ", head, " ");
  const std::string out = (folder_.path() / "out").string();
  for (const char* format : {"text", "markdown", "json", "csv", "junit",
                             "smaller", "bigger", "customSmallerIsBetter"}) {
    const Outcome shown = Opsbench(absl::StrCat(files, "--format ", format));
    EXPECT_EQ(shown.exit_code, 0) << shown.errors;
    const Outcome written =
        Opsbench(absl::StrCat(files, "--format ", format, " --output ", out));
    EXPECT_EQ(written.exit_code, 0) << written.errors;
    EXPECT_THAT(written.output, IsEmpty());
    EXPECT_EQ(ReadText(out), shown.output) << format;
  }
  const Outcome chosen = Opsbench(absl::StrCat(
      files,
      "--format json --filter Put --metric real_time --threshold 60% "
      "--confidence 95% --sort name"));
  const json parsed = json::parse(chosen.output, nullptr, false);
  ASSERT_FALSE(parsed.is_discarded()) << chosen.errors;
  ASSERT_EQ(parsed["metrics"].size(), 1u);
  EXPECT_EQ(parsed["metrics"][0]["verdict"], "same");
  EXPECT_EQ(parsed["metrics"][0]["threshold"], 0.6);
  EXPECT_EQ(parsed["confidence"], 0.95);

  const Outcome rivals =
      Opsbench(absl::StrCat("compare ", head, " --rival Get=Put"));
  EXPECT_EQ(rivals.exit_code, 0) << rivals.errors;
  EXPECT_THAT(rivals.output,
              AllOf(HasSubstr("Memtable/Get=Put"), HasSubstr("+50.0%")));
}

TEST_F(CompareCommandTest, SeveralFilesASideAreSeveralProcesses) {
  std::vector<std::string> base;
  std::vector<std::string> head;
  for (int i = 0; i < 6; ++i) {
    base.push_back(WriteFile(absl::StrCat("base", i), 1 + i * 0.001));
    head.push_back(WriteFile(absl::StrCat("head", i), 1.1 + i * 0.001));
  }
  const Outcome outcome = Opsbench(absl::StrCat(
      "compare ", absl::StrJoin(base, ","), " ", absl::StrJoin(head, ",")));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.errors;
  EXPECT_THAT(outcome.output, AllOf(HasSubstr("6+6"), HasSubstr("1 slower"),
                                    Not(HasSubstr("within one process"))));
}

TEST_F(CompareCommandTest, ExitCodesFollowFailOn) {
  const std::string base = WriteFile("base.json", 1);
  const std::string slow = WriteFile("slow.json", 1.5);
  const std::string files = absl::StrCat("compare ", base, " ", slow);
  EXPECT_EQ(Opsbench(files).exit_code, 0);
  EXPECT_EQ(Opsbench(files + " --fail-on slower,missing").exit_code, 1);
  EXPECT_EQ(Opsbench(files + " --fail-on missing,unsure").exit_code, 0);
  // Alone on its side, a value proves nothing.
  const std::string recorded = "fixtures/compare/google_benchmark_1.7.1.json";
  const std::string twice = absl::StrCat("compare ", recorded, " ", recorded);
  EXPECT_EQ(Opsbench(twice).exit_code, 1);  // It holds an error.
  EXPECT_EQ(Opsbench(twice + " --fail-on none").exit_code, 0);
  EXPECT_EQ(Opsbench(twice + " --fail-on unsure").exit_code, 3);
  EXPECT_EQ(Opsbench(twice + " --fail-on unsure,error").exit_code, 1);
}

TEST_F(CompareCommandTest, BadInputIsOneLineAndTouchesNothing) {
  const std::string base = WriteFile("base.json", 1);
  const std::string out = (folder_.path() / "out").string();
  for (const std::string& arguments :
       {std::string(""),
        base,
        base + " none",
        base + " none,",
        "none " + base,
        base + " " + base + " --filter (",
        base + " " + base + " --filter ^none$",
        base + " " + base + " --metric nothing_us",
        base + " " + base + " --metric a:b",
        base + " " + base + " --threshold x",
        base + " " + base + " --threshold -1%",
        base + " " + base + " --confidence 100%",
        base + " " + base + " --format html",
        base + " " + base + " --fail-on slow",
        base + " " + base + " --sort size",
        base + " " + base + " --rival a=b",
        base + " --rival a",
        base + " --rival a=a",
        base + " --rival none=nothing",
        base + " fixtures/compare/broken/truncated.json",
        base + " fixtures/compare/broken/empty.json",
        base + " fixtures/compare/broken/pytest_benchmark.json",
        base + " fixtures",
        base + " " + base + " --output /nonexistent/x"}) {
    const Outcome outcome =
        Opsbench(absl::StrCat("compare ", arguments,
                              arguments.find("--output") == std::string::npos
                                  ? absl::StrCat(" --output ", out)
                                  : ""));
    SCOPED_TRACE(arguments);
    ExpectOneLine(outcome);
    EXPECT_FALSE(fs::exists(out));
  }
  EXPECT_FALSE(fs::exists(State()));
}

TEST_F(CompareCommandTest, RunChecksItsComparisonFirst) {
  for (const char* arguments :
       {"run --scale smoke --area memtable --compare none",
        "run --scale smoke --area memtable --fail-on slower"}) {
    ExpectOneLine(Opsbench(arguments));
  }
  EXPECT_FALSE(fs::exists(State()));
}

TEST_F(CompareCommandTest, HelpHasExamples) {
  for (const char* command :
       {"compare", "baseline", "baseline save", "baseline list",
        "baseline show", "baseline remove"}) {
    const Outcome help = Opsbench(absl::StrCat(command, " --help"));
    EXPECT_EQ(help.exit_code, 0);
    EXPECT_THAT(help.output, HasSubstr("Example")) << command;
  }
}

}  // namespace
}  // namespace opsbench
