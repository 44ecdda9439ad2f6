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
        row.process = i + 1;
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
    return WriteRun({"memtable"}, {Results(factor)});
  }
  // With these files of areas.
  std::string WriteRun(const std::vector<std::string>& areas,
                       const std::vector<std::string>& files) const {
    results::RunStore store(State());
    results::RunInfo info;
    info.started = "2026-01-31T12:00:00Z";
    info.git_short_sha = "0123456789";
    info.scale = "quick";
    info.areas = areas;
    const auto folder = store.CreateRun(info);
    EXPECT_TRUE(folder.ok()) << folder.status();
    for (size_t i = 0; i < areas.size(); ++i) {
      const std::string path = results::RunStore::AreaFile(*folder, areas[i]);
      EXPECT_TRUE(results::WriteFileAtomically(path, files[i]).ok());
    }
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

void ExpectFailure(const Outcome& outcome) {
  EXPECT_EQ(outcome.exit_code, 2) << outcome.output;
  EXPECT_THAT(outcome.errors, StartsWith("opsbench: "));
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
        "compare before latest", "baseline save ../x", "baseline save latest",
        "baseline save previous", "baseline save 20260131T120000Z-x",
        "baseline save x.json", "baseline save -- -x", "baseline remove ..",
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

// Of other projects: the repetitions of each file are of one process.
TEST_F(CompareCommandTest, SeveralFilesASideAreSeveralProcesses) {
  const auto write = [&](const std::string& name, double factor) {
    auto file = results::ParseBenchmarkJson(Results(factor), name);
    EXPECT_TRUE(file.ok());
    for (results::BenchmarkRow& row : file->rows) row.process = 0;
    std::string path = (folder_.path() / name).string();
    EXPECT_TRUE(
        results::WriteFileAtomically(path, results::FormatBenchmarkJson(*file))
            .ok());
    return path;
  };
  std::vector<std::string> base;
  std::vector<std::string> head;
  for (int i = 0; i < 6; ++i) {
    base.push_back(write(absl::StrCat("base", i), 1 + i * 0.001));
    head.push_back(write(absl::StrCat("head", i), 1.1 + i * 0.001));
  }
  Outcome outcome = Opsbench(absl::StrCat("compare ", absl::StrJoin(base, ","),
                                          " ", absl::StrJoin(head, ",")));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.errors;
  EXPECT_THAT(outcome.output, AllOf(HasSubstr("6+6"), HasSubstr("1 slower"),
                                    Not(HasSubstr("too few processes"))));
  outcome = Opsbench(absl::StrCat("compare ", base[0], " ", head[0],
                                  " --fail-on slower,unsure"));
  EXPECT_EQ(outcome.exit_code, 3) << outcome.output;
  EXPECT_THAT(outcome.output,
              AllOf(HasSubstr("2 unsure"), HasSubstr("too few processes"),
                    HasSubstr("several files")));
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
        base + " " + base + " --markdown-kib 100",
        base + " " + base + " --format json --markdown-kib 100",
        base + " --self-test 6",
        base + " " + base + " --self-test 2",
        base + " --self-test 2 --rival a=b",
        base + " --self-test 2 --sort name",
        base + " --self-test 2 --format json",
        base + " --self-test 2 --fail-on error",
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

// What is wrong with a file, and how it looks then.
std::string Damaged(const std::string& text, const std::string& how,
                    const std::string& other) {
  if (how == "empty") return "";
  if (how == "object") return "{}";
  if (how == "none") return "{\"benchmarks\": []}";
  if (how == "other") return other;
  if (how == "another tool") return "{\"benchmarks\": [{\"name\": \"a\"}]}";
  if (how == "twice") {
    auto file = results::ParseBenchmarkJson(text, "twice");
    if (!file.ok()) return "";
    file->rows.push_back(file->rows[0]);
    return results::FormatBenchmarkJson(*file);
  }
  // "0.3": cut off there.
  return text.substr(0, static_cast<size_t>(static_cast<double>(text.size()) *
                                            std::stod(how)));
}

// Whatever is damaged, on either side: no command says that all is well.
TEST_F(CompareCommandTest, NoDamageEndsInAGreenCheck) {
  results::BenchmarkFile other = *results::ParseBenchmarkJson(Results(1), "");
  for (results::BenchmarkRow& row : other.rows) {
    row.name = row.run_name = absl::StrCat("Sidetable/", row.name.substr(9));
  }
  const std::string sidetable = results::FormatBenchmarkJson(other);
  const std::string base =
      WriteRun({"memtable", "sidetable"}, {Results(1), sidetable});
  ASSERT_EQ(Opsbench("baseline save before").exit_code, 0);
  const std::string head =
      WriteRun({"memtable", "sidetable"}, {Results(1), sidetable});
  ASSERT_EQ(Opsbench("compare before latest").exit_code, 0);
  for (const fs::path& side :
       {State() / "baselines/before", State() / "runs" / head}) {
    for (const std::string file :
         {"run.json", "memtable.json", "sidetable.json"}) {
      const fs::path path = side / file;
      const std::string whole = ReadText(path);
      const std::string& strange =
          file == "memtable.json" ? sidetable : Results(1);
      for (const std::string how :
           {"missing", "empty", "object", "none", "other", "another tool",
            "twice", "0.1", "0.37", "0.5", "0.8", "0.99"}) {
        if (file == "run.json" && how == "twice") continue;
        SCOPED_TRACE(absl::StrCat(path.string(), " ", how));
        fs::remove(path);
        if (how != "missing") {
          ASSERT_TRUE(results::WriteFileAtomically(path.string(),
                                                   Damaged(whole, how, strange))
                          .ok());
        }
        for (const char* compare :
             {"compare before latest",
              "compare before latest --fail-on slower,missing,error",
              "report latest --compare before"}) {
          EXPECT_NE(Opsbench(compare).exit_code, 0) << compare;
        }
        if (side.parent_path().filename() == "baselines") {
          ExpectFailure(Opsbench("baseline show before"));
          if (file != "sidetable.json") {
            ExpectOneLine(
                Opsbench("run --scale smoke --area memtable --compare before"));
          }
        } else {
          ExpectFailure(Opsbench("baseline save after"));
          EXPECT_FALSE(fs::exists(State() / "baselines/after"));
        }
      }
      ASSERT_TRUE(results::WriteFileAtomically(path.string(), whole).ok());
    }
  }
  EXPECT_EQ(Opsbench("compare before latest").exit_code, 0);
}

// Files of any project: damaged ones, and those that have nothing in common.
TEST_F(CompareCommandTest, FilesThatHoldNothingAreNoGreenCheck) {
  const std::string good = WriteFile("good.json", 1);
  const std::string bad = (folder_.path() / "bad.json").string();
  for (const std::string text :
       {"", "{}", "{\"benchmarks\": []}", "{\"context\": {}, \"bench"}) {
    ASSERT_TRUE(results::WriteFileAtomically(bad, text).ok());
    ExpectOneLine(Opsbench(absl::StrCat("compare ", bad, " ", good)));
    ExpectOneLine(Opsbench(absl::StrCat("compare ", good, " ", bad)));
    ExpectOneLine(
        Opsbench(absl::StrCat("compare ", good, ",", bad, " ", good)));
  }
  const std::string recorded = "fixtures/compare/recorded_1.7.1/base.json";
  const Outcome outcome =
      Opsbench(absl::StrCat("compare ", good, " ", recorded));
  EXPECT_NE(outcome.exit_code, 0);
  EXPECT_THAT(outcome.output, HasSubstr("nothing was compared"));
}

TEST_F(CompareCommandTest, CountsItsOwnFalseVerdicts) {
  const std::string base = WriteFile("base.json", 1);
  const Outcome outcome =
      Opsbench(absl::StrCat("compare ", base, " --self-test 4"));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.errors;
  EXPECT_THAT(outcome.output, AllOf(HasSubstr("10 processes of one build"),
                                    HasSubstr("0 of 3 comparisons that share"),
                                    HasSubstr("0 of 1 that share none")));
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
