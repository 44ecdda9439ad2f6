#include "opsbench/results/sample_set.h"

#include <cstdlib>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opsbench/results/atomic_file.h"
#include "opsbench/results/compare.h"
#include "opsbench/results/run_store.h"

namespace opsbench::results {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

BenchmarkRow Row(const std::string& name, double time, int64_t index = 0) {
  BenchmarkRow row;
  row.name = row.run_name = name;
  row.real_time = time;
  row.cpu_time = time / 2;
  row.repetitions = 3;
  row.repetition_index = index;
  return row;
}

BenchmarkRow Aggregate(const std::string& name, const std::string& aggregate,
                       double time) {
  BenchmarkRow row = Row(name, time);
  row.name = absl::StrCat(name, "_", aggregate);
  row.run_type = "aggregate";
  row.aggregate_name = aggregate;
  row.aggregate_unit = aggregate == "cv" ? "percentage" : "time";
  return row;
}

absl::Status Add(const std::vector<BenchmarkRow>& rows, SampleSet* set) {
  return set->AddText(FormatBenchmarkJson({.rows = rows}), "x.json");
}

const BenchmarkSamples& Find(const SampleSet& set, const std::string& name) {
  for (const BenchmarkSamples& one : set.benchmarks()) {
    if (one.name == name) return one;
  }
  ADD_FAILURE() << "no " << name;
  static const auto* const kNone = new BenchmarkSamples;
  return *kNone;
}

std::vector<double> Times(const SampleSet& set, const std::string& name) {
  const auto& metrics = Find(set, name).metrics;
  const auto found = metrics.find("real_time_ns");
  return found == metrics.end() ? std::vector<double>() : found->second.values;
}

TEST(SampleSetTest, RepetitionsAreSamplesAndAggregatesAreNot) {
  BenchmarkRow slow = Row("slow", 2);
  slow.time_unit = "ms";
  slow.counters = {{"p99_us", 7},
                   {"odd", std::numeric_limits<double>::infinity()},
                   {"real_time_ns", 3}};
  SampleSet set("side");
  const absl::Status status =
      Add({Row("a", 1, 0), Row("a", 3, 1), Row("a", 2, 2),
           Aggregate("a", "mean", 2), Aggregate("a", "median", 2),
           Aggregate("a", "cv", 0.1), slow},
          &set);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_THAT(Times(set, "a"), ElementsAre(1, 3, 2));
  EXPECT_THAT(Find(set, "a").metrics.at("cpu_time_ns").values,
              ElementsAre(0.5, 1.5, 1));
  EXPECT_FALSE(Find(set, "a").aggregates_only);
  // In nanoseconds; counters as they are, and none is taken for a time of ours.
  EXPECT_THAT(Times(set, "slow"), ElementsAre(2e6));
  EXPECT_THAT(Find(set, "slow").metrics.at("p99_us").values, ElementsAre(7));
  EXPECT_THAT(Find(set, "slow").metrics.at("real_time_ns (counter)").values,
              ElementsAre(3));
  EXPECT_THAT(set.duplicates(), IsEmpty());
}

TEST(SampleSetTest, AggregatesStandInWhereNothingElseIs) {
  SampleSet set("side");
  ASSERT_TRUE(Add({Aggregate("a", "mean", 5), Aggregate("a", "median", 4),
                   Aggregate("a", "stddev", 1), Aggregate("a", "cv", 0.2),
                   Aggregate("b", "mean", 7)},
                  &set)
                  .ok());
  EXPECT_THAT(Times(set, "a"), ElementsAre(4));
  EXPECT_THAT(Times(set, "b"), ElementsAre(7));
  EXPECT_TRUE(Find(set, "a").aggregates_only);
}

// Interleaved repetitions of two benchmarks of one name: pooled, they would be
// one benchmark with two peaks.
TEST(SampleSetTest, TellsBenchmarksOfOneNameApart) {
  SampleSet set("side");
  ASSERT_TRUE(Add({Row("a", 1, 0), Row("a", 9, 0), Row("b", 5, 0),
                   Row("a", 2, 1), Row("a", 8, 1)},
                  &set)
                  .ok());
  EXPECT_THAT(Times(set, "a"), ElementsAre(1, 2));
  EXPECT_THAT(Times(set, "a #2"), ElementsAre(9, 8));
  EXPECT_THAT(set.duplicates(), ElementsAre("a"));
}

TEST(SampleSetTest, OldFilesDoNotNumberRepetitions) {
  SampleSet set("side");
  const absl::Status status = set.AddText(
      R"({"benchmarks": [
        {"name": "a", "iterations": 1, "real_time": 1, "cpu_time": 1},
        {"name": "a", "iterations": 1, "real_time": 2, "cpu_time": 1},
        {"name": "a_mean", "iterations": 1, "real_time": 1.5, "cpu_time": 1}
      ]})",
      "old.json");
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_THAT(Times(set, "a"), ElementsAre(1, 2));
  EXPECT_THAT(set.duplicates(), IsEmpty());
}

TEST(SampleSetTest, KeepsProcessesApart) {
  SampleSet set("side");
  for (const double time : {1.0, 2.0}) {
    ASSERT_TRUE(Add({Row("a", time, 0), Row("a", time + 0.5, 1)}, &set).ok());
  }
  EXPECT_THAT(Times(set, "a"), ElementsAre(1, 1.5, 2, 2.5));
  EXPECT_THAT(Find(set, "a").metrics.at("real_time_ns").processes,
              ElementsAre(1, 1, 2, 2));
  EXPECT_THAT(set.duplicates(), IsEmpty());
}

TEST(SampleSetTest, CountsWhatIsNotFinite) {
  SampleSet set("side");
  const absl::Status status = set.AddText(
      R"({"benchmarks": [{"name": "a", "real_time": 1, "cpu_time": NaN,
          "p99_us": Infinity, "p50_us": 3}]})",
      "x.json");
  ASSERT_TRUE(status.ok()) << status;
  const auto& metrics = Find(set, "a").metrics;
  EXPECT_THAT(metrics.at("p99_us").values, IsEmpty());
  EXPECT_EQ(metrics.at("p99_us").not_finite, 1);
  EXPECT_EQ(metrics.at("cpu_time_ns").not_finite, 1);
  EXPECT_EQ(metrics.at("p50_us").not_finite, 0);
}

// --- Runs, and whether they may be compared ---

class RunSamplesTest : public ::testing::Test {
 protected:
  RunSamplesTest() {
    std::string pattern = fs::temp_directory_path() / "opsbench-XXXXXX";
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  ~RunSamplesTest() override { fs::remove_all(folder_); }

  static RunInfo Info() {
    RunInfo info;
    info.status = RunStatus::kComplete;
    info.git_short_sha = "0123456789";
    info.compiler = "GNU 12.2.0";
    info.build_type = "RelWithDebInfo";
    info.cpu_model = "Z80";
    info.cores = 2;
    info.scale = "quick";
    info.areas = {"memtable", "sidetable"};
    info.engines = {{"mysql", "10.11.6-MariaDB", {{"log_bin", "0"}}}};
    return info;
  }

  // A run's folder with results of the areas given.
  std::string WriteRun(const std::string& name, const RunInfo& info,
                       const std::vector<std::string>& areas) {
    const fs::path run = folder_ / name;
    fs::create_directories(run);
    EXPECT_TRUE(
        WriteFileAtomically(run / "run.json", FormatRunInfo(info)).ok());
    for (const std::string& area : areas) {
      const std::string json =
          FormatBenchmarkJson({.rows = {Row(absl::StrCat(area, "/Get"), 5)}});
      EXPECT_TRUE(
          WriteFileAtomically(RunStore::AreaFile(run.string(), area), json)
              .ok());
    }
    return run;
  }

  static SampleSet Read(const std::string& name, const std::string& folder) {
    SampleSet set(name);
    const absl::Status status = set.AddRun(folder);
    EXPECT_TRUE(status.ok()) << status;
    return set;
  }

  static std::string Warnings(const SampleSet& base, const SampleSet& head) {
    const auto comparison = Compare(base, head, {});
    EXPECT_TRUE(comparison.ok()) << comparison.status();
    return comparison.ok() ? absl::StrJoin(comparison->warnings, "\n") : "";
  }

  fs::path folder_;
};

TEST_F(RunSamplesTest, ReadsEveryArea) {
  const SampleSet set =
      Read("before", WriteRun("a", Info(), {"memtable", "sidetable"}));
  ASSERT_EQ(set.benchmarks().size(), 2u);
  EXPECT_EQ(set.benchmarks()[0].area, "memtable");
  EXPECT_EQ(set.benchmarks()[0].name, "memtable/Get");
  EXPECT_THAT(set.failures(), IsEmpty());
  ASSERT_EQ(set.sources().size(), 1u);
  EXPECT_EQ(set.sources()[0].info->cpu_model, "Z80");
  EXPECT_EQ(SampleSet("x").AddRun(folder_ / "none").code(),
            absl::StatusCode::kNotFound);
}

TEST_F(RunSamplesTest, TheSameSurroundingsNeedNoWarning) {
  const SampleSet base =
      Read("base", WriteRun("a", Info(), {"memtable", "sidetable"}));
  const SampleSet head =
      Read("head", WriteRun("b", Info(), {"memtable", "sidetable"}));
  EXPECT_THAT(Warnings(base, head),
              AllOf(Not(HasSubstr("other")), Not(HasSubstr("base"))));
  EXPECT_EQ(Compare(base, head, {})->base_name, "base (0123456789)");
}

TEST_F(RunSamplesTest, WarnsOfWhateverDiffers) {
  RunInfo other = Info();
  other.cpu_model = "6502";
  other.cores = 1;
  other.kernel = "CP/M";
  other.compiler = "Clang 14";
  other.flags = "-O0";
  other.build_type = "Debug";
  other.scale = "smoke";
  other.seed = 7;
  other.git_dirty = true;
  other.status = RunStatus::kInterrupted;
  other.engines[0].version = "8.0";
  other.engines[0].settings["log_bin"] = "1";
  const SampleSet base =
      Read("base", WriteRun("a", Info(), {"memtable", "sidetable"}));
  const SampleSet head =
      Read("head", WriteRun("b", other, {"memtable", "sidetable"}));
  const std::string warnings = Warnings(base, head);
  for (const char* expected :
       {"other CPU: base Z80, head 6502", "other cores: base 2, head 1",
        "other kernel", "other compiler: base GNU 12.2.0, head Clang 14",
        "other flags", "other build type",
        "other scale: base quick, head smoke", "other seed: base 0, head 7",
        "other version of mysql: base 10.11.6-MariaDB, head 8.0",
        "other setting log_bin of mysql: base 0, head 1",
        "head: measured with uncommitted changes", "head: a debug build",
        "head: the run is interrupted"}) {
    EXPECT_THAT(warnings, HasSubstr(expected));
  }
  EXPECT_THAT(warnings, Not(HasSubstr("base: ")));
}

// A head without an area must not pass because nothing of it is there to judge.
TEST_F(RunSamplesTest, AnAreaWithoutResultsIsAnError) {
  const SampleSet base = Read("base", WriteRun("a", Info(), {"memtable"}));
  const SampleSet head = Read("head", WriteRun("b", Info(), {"memtable"}));
  EXPECT_THAT(head.failures(), UnorderedElementsAre(Key("sidetable")));
  const auto comparison = Compare(base, head, {});
  ASSERT_TRUE(comparison.ok());
  EXPECT_EQ(comparison->metrics[0].verdict, Verdict::kError);
  EXPECT_EQ(comparison->metrics[0].benchmark, "all of sidetable");
  EXPECT_THAT(Warnings(base, head), HasSubstr("head: no results of sidetable"));
}

// A file of one area against a run: the file does not say which area it is.
TEST_F(RunSamplesTest, FilesAndRunsMeetByName) {
  const std::string folder = WriteRun("a", Info(), {"memtable", "sidetable"});
  const SampleSet run = Read("run", folder);
  SampleSet file("file");
  ASSERT_TRUE(file.AddFile(RunStore::AreaFile(folder, "memtable")).ok());
  const auto comparison = Compare(file, run, {});
  ASSERT_TRUE(comparison.ok());
  EXPECT_EQ(CountVerdicts(*comparison, Verdict::kUnsure), 1);
  EXPECT_EQ(CountVerdicts(*comparison, Verdict::kNew), 1);
  CompareOptions memtable;
  memtable.areas = {"memtable"};
  EXPECT_EQ(Compare(run, run, memtable)->metrics.size(), 1u);
}

}  // namespace
}  // namespace opsbench::results
