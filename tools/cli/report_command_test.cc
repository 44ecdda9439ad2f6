// `opsbench history`, `matrix` and `report` as their users meet them.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "opsbench/results/run_store.h"
#include "testing.h"

namespace opsbench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class ReportCommandTest : public ::testing::Test {
 protected:
  Outcome Opsbench(absl::string_view text) const {
    return RunOpsbench(folder_.path(),
                       absl::StrSplit(text, ' ', absl::SkipEmpty()),
                       {absl::StrCat("OPSBENCH_ROOT=", folder_.path().string()),
                        "OPSBENCH_SQLITE_URL="});
  }
  fs::path State() const { return folder_.path() / ".opsbench"; }

  // Of all runs, in the order of their names.
  std::vector<std::string> RunFolders() const {
    std::vector<std::string> folders;
    if (!fs::exists(State() / "runs")) return folders;
    for (const auto& entry : fs::directory_iterator(State() / "runs")) {
      folders.push_back(entry.path().string());
    }
    std::sort(folders.begin(), folders.end());
    return folders;
  }

  static json DataOf(const fs::path& path) {
    const std::string html = ReadText(path);
    const std::string mark = "id=\"report-data\">";
    const size_t begin = html.find(mark) + mark.size();
    return json::parse(html.substr(begin, html.find('<', begin) - begin));
  }

  static void ExpectOneLine(const Outcome& outcome, const std::string& part) {
    EXPECT_EQ(outcome.exit_code, 2) << outcome.output;
    EXPECT_THAT(outcome.errors, StartsWith("opsbench: "));
    EXPECT_THAT(outcome.errors, HasSubstr(part));
    EXPECT_EQ(std::count(outcome.errors.begin(), outcome.errors.end(), '\n'), 1)
        << outcome.errors;
  }

  const TestFolder folder_;
};

// Each size is measured, kept, found in the history, and in a report.
TEST_F(ReportCommandTest, AMatrixIsARunForEachSize) {
  const Outcome matrix = Opsbench(
      "matrix --scale smoke --engines sqlite --rows 500,50 "
      "--filter BulkLoad.*side_table --iterations 3");
  ASSERT_EQ(matrix.exit_code, 0) << matrix.errors;
  EXPECT_THAT(matrix.output, HasSubstr("Sidetable/BulkLoad"));
  EXPECT_THAT(matrix.output, HasSubstr("growth"));
  const size_t fifty = matrix.output.find("\n      50 ");
  EXPECT_LT(fifty, matrix.output.find("\n     500 ")) << matrix.output;
  const std::vector<std::string> folders = RunFolders();
  ASSERT_EQ(folders.size(), 2u);
  const results::RunStore store(State());
  std::vector<std::string> names;
  for (const std::string& folder : folders) {
    const auto run = store.Load(folder);
    ASSERT_TRUE(run.ok()) << run.status();
    const auto& rows = run->areas.at("sidetable").rows;
    EXPECT_EQ(std::count_if(
                  rows.begin(), rows.end(),
                  [](const auto& row) { return row.run_type == "iteration"; }),
              3);
    names.push_back(rows[0].run_name);
  }
  std::sort(names.begin(), names.end());
  EXPECT_THAT(names[0], HasSubstr("/rows:50/"));
  EXPECT_THAT(names[1], HasSubstr("/rows:500/"));

  const Outcome history = Opsbench("history --rows 50 --format json");
  ASSERT_EQ(history.exit_code, 0) << history.errors;
  const json parsed = json::parse(history.output);
  ASSERT_EQ(parsed["benchmarks"].size(), 1u);
  EXPECT_EQ(parsed["benchmarks"][0]["points"][0]["samples"], 3);

  const Outcome report = Opsbench(absl::StrCat(
      "report --compare ", fs::path(folders[0]).filename().string()));
  ASSERT_EQ(report.exit_code, 0) << report.errors;
  const json data = DataOf(fs::path(folders[1]) / "report.html");
  EXPECT_EQ(data["run"]["name"], fs::path(folders[1]).filename().string());
  EXPECT_EQ(data["areas"][0]["benchmarks"].size(), 1u);
  EXPECT_TRUE(data.contains("base_run"));
}

TEST_F(ReportCommandTest, ARunLeavesItsReport) {
  const Outcome run = Opsbench(
      "run --scale smoke --area memtable --filter /Get/.*items:100/ "
      "--save first");
  ASSERT_EQ(run.exit_code, 0) << run.errors;
  EXPECT_THAT(run.output, HasSubstr("report.html"));
  ASSERT_EQ(RunFolders().size(), 1u);
  const json data = DataOf(fs::path(RunFolders()[0]) / "report.html");
  EXPECT_EQ(data["areas"][0]["benchmarks"].size(), 9u);
  EXPECT_TRUE(fs::exists(State() / "baselines" / "first" / "report.html"));
  const fs::path elsewhere = folder_.path() / "out.html";
  const Outcome report =
      Opsbench(absl::StrCat("report first --output ", elsewhere.string()));
  EXPECT_EQ(report.exit_code, 0) << report.errors;
  EXPECT_EQ(DataOf(elsewhere)["areas"], data["areas"]);
}

TEST_F(ReportCommandTest, BadLinesOfTheHistoryAreNamed) {
  fs::create_directories(State());
  std::ofstream(State() / "history.jsonl")
      << R"({"timestamp":"2026-01-31T12:00:00Z","git_sha":"abc","run":"r",)"
      << R"("area":"a","name":"A/x","real_time_ns":5})"
      << "\n{\"timestamp\":\"2026";
  for (const char* format : {"text", "json", "csv"}) {
    const Outcome outcome = Opsbench(absl::StrCat("history --format ", format));
    EXPECT_EQ(outcome.exit_code, 0) << outcome.errors;
    EXPECT_THAT(outcome.output, HasSubstr("A/x"));
    const std::string where =
        format == std::string("csv") ? outcome.errors : outcome.output;
    EXPECT_THAT(where, ::testing::ContainsRegex("line\"?:? 2"));
  }
}

TEST_F(ReportCommandTest, BadInputIsOneLineAndTouchesNothing) {
  ExpectOneLine(Opsbench("history"), "no history");
  ExpectOneLine(Opsbench("report"), "no run");
  ExpectOneLine(Opsbench("report nothing"), "nothing");
  ExpectOneLine(Opsbench("matrix --rows 0"), "--rows");
  ExpectOneLine(Opsbench("matrix --rows ten"), "--rows");
  ExpectOneLine(Opsbench("matrix --iterations 0"), "--iterations");
  ExpectOneLine(Opsbench("history --format xml"), "--format");
  EXPECT_FALSE(fs::exists(State()));
  fs::create_directories(State());
  std::ofstream(State() / "history.jsonl")
      << R"({"timestamp":"2026-01-31T12:00:00Z","git_sha":"abc","run":"r",)"
      << R"("area":"a","name":"A/x","real_time_ns":5})";
  ExpectOneLine(Opsbench("history --filter ("), "--filter");
  ExpectOneLine(Opsbench("history --metric none"), "none");
  ExpectOneLine(Opsbench("history --sha fff"), "--sha");
}

}  // namespace
}  // namespace opsbench
