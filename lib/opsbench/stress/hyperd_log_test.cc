// Lines of fixtures/stress/hyperd.log, whose figures are known, and what a log
// goes through while it is read: half lines, rotation, truncation.

#include "opsbench/stress/hyperd_log.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace opsbench::stress {
namespace {

namespace fs = std::filesystem;
using Figures = std::map<std::string, double>;
using ::testing::IsEmpty;

constexpr double kMib = 1 << 20;

std::string Fixture() {
  std::ifstream file("fixtures/stress/hyperd.log");
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_FALSE(text.str().empty());
  return text.str();
}

std::string Line(double load) {
  return absl::StrCat(R"({"k":"resource-metrics","v":{"load":{"overall_load":)",
                      load, "}}}\n");
}

TEST(ParseHyperdLineTest, TakesTheDocumentedPathsOfEachLine) {
  const std::vector<std::string> lines = absl::StrSplit(Fixture(), '\n');
  ASSERT_EQ(lines.size(), 7);
  const std::vector<Figures> expected = {
      {},
      {{"hyperd_memory_bytes", 512.5 * kMib},
       {"hyperd_overall_load", 0.25},
       {"hyperd_scheduler_load", 0.2},
       {"hyperd_memory_load", 0.05},
       {"hyperd_threads_active", 3},
       {"hyperd_threads_inactive", 5},
       {"hyperd_waiting_jobs", 0},
       {"hyperd_process_cpu_pct", 37.5},
       {"hyperd_system_cpu_pct", 41.25}},
      {},
      // As on macOS: no figures of the processor.
      {{"hyperd_memory_bytes", 2344 * kMib},
       {"hyperd_overall_load", 0.79},
       {"hyperd_scheduler_load", 0.7},
       {"hyperd_memory_load", 0.3},
       {"hyperd_threads_active", 8},
       {"hyperd_threads_inactive", 0},
       {"hyperd_waiting_jobs", 4}},
      {},
      {{"hyperd_overall_load", 1.36}},
      {},  // Half a line.
  };
  for (size_t i = 0; i < lines.size(); ++i) {
    SCOPED_TRACE(lines[i]);
    Figures figures;
    EXPECT_EQ(ParseHyperdLine(lines[i], &figures), !expected[i].empty());
    EXPECT_EQ(figures, expected[i]);
  }
}

TEST(ParseHyperdLineTest, RefusesWhatIsNoObjectOfMetrics) {
  for (const char* line :
       {"", "{", "null", R"("resource-metrics")", R"(["resource-metrics"])",
        R"({"k":"resource-metrics"})", R"({"k":"resource-metrics","v":[1]})",
        R"({"k":["resource-metrics"],"v":{}})",
        R"({"v":{"k":"resource-metrics"}})",
        "{\"k\":\"resource-metrics\",\"v\":{\"load\":\xff}}"}) {
    SCOPED_TRACE(line);
    Figures figures;
    EXPECT_FALSE(ParseHyperdLine(line, &figures));
    EXPECT_THAT(figures, IsEmpty());
  }
}

TEST(ParseHyperdLineTest, LeavesOutWhatIsNoFigure) {
  Figures figures;
  EXPECT_TRUE(ParseHyperdLine(
      R"({"k":"resource-metrics","v":{"load":{"overall_load":-1,)"
      R"("scheduler_load":0.5},"memory":{"process_physical_memory_mb":1e308}}})",
      &figures));
  EXPECT_EQ(figures, Figures({{"hyperd_scheduler_load", 0.5}}));
}

class HyperdLogTailTest : public ::testing::Test {
 protected:
  HyperdLogTailTest() {
    std::string folder =
        (fs::temp_directory_path() / "opsbench-test-XXXXXX").string();
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    path_ = (folder_ / "hyperd.log").string();
  }
  ~HyperdLogTailTest() override { fs::remove_all(folder_); }

  void Append(const std::string& text) {
    std::ofstream(path_, std::ios::app) << text;
  }
  void Rotate() { fs::rename(path_, path_ + ".1"); }

  // The load of the lines that have come, 0 when there are none.
  double Load(HyperdLogTail& tail) {
    Figures figures;
    tail.Poll(&figures);
    return figures["hyperd_overall_load"];
  }

  fs::path folder_;
  std::string path_;
};

TEST_F(HyperdLogTailTest, ReadsTheFixtureAndGivesTheHighestFigures) {
  Append(Fixture());
  HyperdLogTail tail(path_, false);
  Figures figures;
  EXPECT_EQ(tail.Poll(&figures), 3);
  EXPECT_EQ(figures["hyperd_memory_bytes"], 2344 * kMib);
  EXPECT_EQ(figures["hyperd_overall_load"], 1.36);
  EXPECT_EQ(figures["hyperd_process_cpu_pct"], 37.5);
  figures.clear();
  EXPECT_EQ(tail.Poll(&figures), 0);
  EXPECT_THAT(figures, IsEmpty());
}

TEST_F(HyperdLogTailTest, WaitsForTheFileAndForTheEndOfALine) {
  HyperdLogTail tail(path_, false);
  EXPECT_EQ(Load(tail), 0);
  const std::string line = Line(0.5);
  // Byte by byte: nothing counts before the end.
  for (const char c : line) {
    EXPECT_EQ(Load(tail), 0);
    Append(std::string(1, c));
  }
  EXPECT_EQ(Load(tail), 0.5);
  EXPECT_EQ(Load(tail), 0);
}

TEST_F(HyperdLogTailTest, SkipsWhatWasThereAndTheRestOfItsLastLine) {
  const std::string line = Line(0.9);
  Append(line + line.substr(0, 10));
  HyperdLogTail tail(path_, true);
  Append(line.substr(10));
  EXPECT_EQ(Load(tail), 0);
  Append(Line(0.1));
  EXPECT_EQ(Load(tail), 0.1);
}

TEST_F(HyperdLogTailTest, FollowsRotationAndReadsTheOldFileToItsEnd) {
  HyperdLogTail tail(path_, false);
  Append(Line(0.1));
  EXPECT_EQ(Load(tail), 0.1);
  Append(Line(0.7));
  Rotate();
  EXPECT_EQ(Load(tail), 0.7);
  Append(Line(0.2));
  EXPECT_EQ(Load(tail), 0.2);
  Append(Line(0.3));
  Rotate();
  Append(Line(0.4));
  Figures figures;
  EXPECT_EQ(tail.Poll(&figures), 2);
  EXPECT_EQ(figures["hyperd_overall_load"], 0.4);
}

TEST_F(HyperdLogTailTest, BeginsAgainWhenTheFileWasCut) {
  HyperdLogTail tail(path_, false);
  Append(Line(0.1) + Line(0.2) + "{\"half");
  EXPECT_EQ(Load(tail), 0.2);
  fs::resize_file(path_, 0);
  Append(Line(0.3));
  EXPECT_EQ(Load(tail), 0.3);
}

TEST_F(HyperdLogTailTest, ALineWithoutEndCostsNoMemoryAndHidesNothingAfterIt) {
  HyperdLogTail tail(path_, false);
  Append("{\"k\":\"resource-metrics\",\"v\":\"");
  for (int i = 0; i < 40; ++i) Append(std::string(1 << 20, 'x'));
  EXPECT_EQ(Load(tail), 0);
  Append("\"}\n" + Line(0.6));
  // What is above 16 MiB waits for the next calls.
  double load = 0;
  for (int polls = 0; polls < 4 && load == 0; ++polls) load = Load(tail);
  EXPECT_EQ(load, 0.6);
}

TEST_F(HyperdLogTailTest, AFolderIsNoLog) {
  fs::create_directory(path_);
  HyperdLogTail tail(path_, true);
  EXPECT_EQ(Load(tail), 0);
}

}  // namespace
}  // namespace opsbench::stress
